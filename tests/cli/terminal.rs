//! Colours, and how much is said.

use crate::support::Campaign;

const ESCAPE: char = '\u{1b}';

#[test]
fn colours_come_only_when_they_are_asked_for() {
    let campaign = Campaign::new();
    for arguments in ["plan guests.csv", "plan guests.csv --color never"] {
        let output = campaign.run(arguments);
        assert!(!output.stdout.contains(ESCAPE) && !output.stderr.contains(ESCAPE), "{output}");
    }
    let mut command = campaign.command("plan guests.csv");
    command.env("NO_COLOR", "1").env("CLICOLOR_FORCE", "1");
    assert!(!campaign.complete(command).stdout.contains(ESCAPE));
    assert!(campaign.run("plan guests.csv --color always").stdout.contains(ESCAPE));
    let failure = campaign.run("plan nowhere.csv --color always").exits(2);
    assert!(failure.stderr.contains(ESCAPE), "{failure}");
}

#[test]
fn colour_changes_no_word() {
    let campaign = Campaign::new();
    let coloured = campaign.run("plan guests.csv --color always").stdout;
    let plain = anstream::adapter::strip_str(&coloured).to_string();
    assert_eq!(plain, campaign.run("plan guests.csv").stdout);
}

#[test]
fn quiet_says_nothing_on_stderr_as_long_as_all_goes_well() {
    let campaign = Campaign::new();
    for arguments in ["lint three.csv -q", "plan three.csv -q", "apply three.csv --yes -q"] {
        let output = campaign.run(arguments).exits(0);
        assert!(output.stderr.is_empty(), "{output}");
    }
    let output = campaign.run("plan nowhere.csv -q").exits(2);
    assert!(output.stderr.starts_with("error: "), "{output}");
}
