//! Colours, and how much is said.

#[cfg(unix)]
use reinvite::emulator::{Action, Canned, CannedBody, Fault, Matcher, Options, TenantSeed};

use crate::support::Campaign;
#[cfg(unix)]
use crate::support::HANNAH;

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

/// What a stranger writes wherever a stranger may: it would clear the screen and add a
/// line that looks like one of ours.
#[cfg(unix)]
const FORGED: &str = "x\n\u{1b}[2J\u{9b}31mwarning: forged";

// No file of Windows can have such a name, and its hook is a Unix shell's.
#[cfg(unix)]
#[test]
fn no_word_of_a_strangers_reaches_the_terminal_as_it_is() {
    let mut seed = TenantSeed::sample();
    seed.organization.display_name = Some(FORGED.into());
    for person in &mut seed.users {
        person.user.display_name = Some(FORGED.into());
    }
    let campaign = Campaign::with(seed, Options::default());
    let message = serde_json::json!({ "error": { "code": FORGED, "message": FORGED } });
    let refused = Canned { body: CannedBody::Json(message), ..Canned::status(400) };
    let refused = Action::Answer(refused);
    campaign.tenant.inject(Fault::new(Matcher::invitation().of(HANNAH), refused));
    let names = format!("{FORGED}.csv");
    let row =
        |user: &str| format!("{user},h@fabrikam.example,\"x\nwarning: forged\",\"{FORGED}\"\n");
    let header = format!("user,new_email,message,\"{FORGED}\"\n");
    campaign.write("bad.csv", &format!("{header}{}", row(&format!("\"{FORGED}\""))));
    campaign.write("odd.csv", &format!("{header}{}", row("hannah.wagner@northwind.example")));
    campaign.write("hook", "env | /usr/bin/grep -a -A9 REINVITE_HOOK_\n");
    campaign.configure(&campaign.origin(), "[hooks]\nfinally = [\"/bin/sh\", \"hook\"]\n");
    campaign.write(&names, &campaign.read("odd.csv"));
    let file = |command: &str| {
        let mut all = campaign.command(command);
        all.arg(&names).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        campaign.complete(all)
    };
    let all = [
        campaign.run("lint bad.csv"),
        campaign.run("plan bad.csv"),
        campaign.run("plan bad.csv --skip-invalid"),
        file("lint"),
        file("plan -v"),
        file("doctor"),
        file("apply --yes --log-file log --result r.csv"),
        file("apply --yes --retry-failed"),
        file("status"),
        file("verify"),
        file("explain 2"),
        file("report --out r.html"),
        file("reconcile --yes"),
        campaign.run(&format!("explain {} odd.csv", "2")),
        campaign.complete({
            let mut unknown = campaign.command("explain");
            unknown.args([FORGED, &names]);
            unknown
        }),
        file("draft --out d.csv --review doubts.csv --people"),
    ];
    let said = all.iter().map(|it| (it.to_string(), format!("{}{}", it.stdout, it.stderr)));
    for (of, said) in said.chain([("the log".to_owned(), campaign.read("log"))]) {
        let raw = said.find(|c: char| c.is_control() && c != '\n');
        assert_eq!(raw, None, "{}\n{of}", &said[raw.unwrap_or(0)..]);
        assert!(!said.lines().any(|line| line.starts_with("warning: forged")), "{of}");
    }
    assert!(all[6].stdout.contains("warning: forged"), "the answer is told of\n{}", all[6]);
}
