//! `config show`, and the configuration of the user under that of the campaign.

use std::process::Command;

use crate::support::{Campaign, Output, snapshot};

/// A campaign whose user has a configuration, and the campaign's own without what is there.
fn with_user(user: &str) -> Campaign {
    let campaign = Campaign::new();
    std::fs::create_dir_all(campaign.path("home/.config/reinvite")).unwrap();
    campaign.write("home/.config/reinvite/config.toml", user);
    campaign
}

fn run(campaign: &Campaign, arguments: &str) -> Output {
    let mut command: Command = campaign.command(arguments);
    command.env("HOME", campaign.path("home")).env("APPDATA", campaign.path("home/.config"));
    campaign.complete(command)
}

const SIGN_IN: &str = "[auth]\n\
    client_id = \"11111111-1111-1111-1111-111111111111\"\n\
    client_secret_file = \"secret.txt\"\n\
    [notify]\n\
    ping_env = \"MY_PING\"\n";

/// Leaves out a section of the campaign's configuration.
fn without(campaign: &Campaign, section: &str) {
    let text = campaign.read("reinvite.toml");
    let (before, after) = text.split_once(&format!("[{section}]")).unwrap();
    let rest = after.find("\n[").map_or("", |at| &after[at + 1..]);
    campaign.write("reinvite.toml", &format!("{before}{rest}"));
}

#[test]
fn a_campaign_signs_in_as_its_user_does_where_it_does_not_say() {
    let campaign = with_user(SIGN_IN);
    without(&campaign, "auth");
    let secret = campaign.read("client-secret.txt");
    campaign.write("home/.config/reinvite/secret.txt", &secret);
    campaign.restrict("home/.config/reinvite/secret.txt");
    let output = run(&campaign, "plan three.csv").exits(0);
    assert!(output.stderr.contains("[auth] from "), "{output}");
    let doctor = run(&campaign, "doctor").exits(0);
    assert!(doctor.stdout.contains("[auth] from"), "{doctor}");
    // Nobody hears of a rehearsal who was not named for it.
    assert!(!doctor.stdout.contains("[notify]"), "{doctor}");
    // The campaign's own word is the last one, and then nothing is said of the other.
    campaign.configure(&campaign.origin(), "[notify]\non = [\"always\"]\n");
    let output = run(&campaign, "plan three.csv").exits(0);
    assert!(!output.stderr.contains(" from "), "{output}");
}

#[test]
fn a_night_with_nothing_new_says_nothing_of_whose_configuration_it_is() {
    let campaign = with_user(SIGN_IN);
    without(&campaign, "auth");
    let secret = campaign.read("client-secret.txt");
    campaign.write("home/.config/reinvite/secret.txt", &secret);
    campaign.restrict("home/.config/reinvite/secret.txt");
    run(&campaign, "reconcile three.csv --yes").exits(0);
    let second = run(&campaign, "reconcile three.csv --yes").exits(0);
    assert_eq!(second.stdout + &second.stderr, "");
}

#[test]
fn what_a_campaign_is_about_is_not_its_users() {
    let campaign = with_user("[guards]\nmax_changes = \"100%\"\n[auth]\nclient_idd = 1\n");
    let output = run(&campaign, "plan three.csv").exits(2);
    let said = output.stderr.replace(&campaign.path("home").display().to_string(), "HOME");
    snapshot!(said, @"
    error: HOME/.config/reinvite/config.toml:2:15: [guards] max_changes belongs to a campaign and not to its user
    2 | max_changes = …
      |               ^
      hint: move it to the campaign's reinvite.toml; [auth], [delivery] and [notify] may stand here
    error: HOME/.config/reinvite/config.toml:4:1: [auth] has no key `client_idd`
    4 | client_idd …
      | ^^^^^^^^^^
      hint: did you mean `client_id`?
    ");
    assert_eq!(campaign.writes(), 0);
}

#[test]
fn every_value_is_shown_with_where_it_comes_from() {
    let campaign = with_user(SIGN_IN);
    campaign.configure(
        "https://graph.contoso.example",
        "[delivery]\nby = \"files\"\nfolder = \"mails\"\nfrom = \"it@contoso.example\"\n",
    );
    without(&campaign, "auth");
    let mut command = campaign.command("config show --origin --checkpoint its.checkpoint");
    command.env("HOME", campaign.path("home")).env("APPDATA", campaign.path("home/.config"));
    command.env("REINVITE_GUARDS_CANARY", "5");
    let output = campaign.complete(command).exits(0);
    let said = output.stdout.replace(&campaign.path("home").display().to_string(), "HOME");
    let (defaults, said): (Vec<_>, Vec<_>) =
        said.lines().partition(|line| line.ends_with("# default") || line.is_empty());
    assert!(defaults.iter().any(|line| line.starts_with("max_failures = \"20%\" ")));
    snapshot!(said.join("\n"), @r#"
    [tenant]
    id = "contoso.example"                          # reinvite.toml:2:6
    graph_url = "https://graph.contoso.example"     # reinvite.toml:3:13
    login_url = "https://graph.contoso.example"     # reinvite.toml:4:13
    [auth]
    client_id = "11111111-1111-1111-1111-111111111111"  # HOME/.config/reinvite/config.toml:2:13, the user's own
    client_secret_file = "secret.txt"               # HOME/.config/reinvite/config.toml:3:22, the user's own
    [invitation]
    [mail]
    [pace]
    writes_per_second = 1000                        # reinvite.toml:7:21
    burst = 1000                                    # reinvite.toml:8:9
    requests_in_flight = 32                         # reinvite.toml:9:22
    settle = "0s"                                   # reinvite.toml:10:10
    replication_lag = "1s"                          # reinvite.toml:11:19
    [guards]
    canary = "5"                                    # REINVITE_GUARDS_CANARY
    [checkpoint]
    path = "its.checkpoint"                         # --checkpoint
    [manifest]
    [reconcile]
    [remind]
    [delivery]
    by = "files"                                    # reinvite.toml:14:6
    from = "it@contoso.example"                     # reinvite.toml:16:8
    folder = "mails"                                # reinvite.toml:15:10
    [delivery.pace]
    [notify]
    ping_env = "MY_PING"                            # HOME/.config/reinvite/config.toml:5:12, the user's own
    [hooks]
    "#);
    // It is a configuration itself, and shows as the same.
    let output = run(&campaign, "config show");
    campaign.write("again.toml", &output.stdout);
    let again = run(&campaign, "config show --config again.toml");
    assert_eq!(again.stdout, output.stdout);
    let json = run(&campaign, "config show --output json").json();
    assert_eq!(json["keys"][0]["section"], "tenant");
}
