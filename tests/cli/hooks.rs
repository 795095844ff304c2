//! Hooks: the user's programs after a run.

use reinvite::emulator::SAMPLE_CLIENT_SECRET;
use serde_json::Value;

use crate::support::{Campaign, Output, snapshot};

fn configure(campaign: &Campaign, more: &str) {
    campaign.configure(&campaign.origin(), more);
}

/// Runs the binary where it finds programs.
fn run(campaign: &Campaign, arguments: &str) -> Output {
    let mut command = campaign.command(arguments);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    campaign.complete(command)
}

/// A shell script in the campaign's directory, as a hook's program and arguments.
fn script(campaign: &Campaign, name: &str, text: &str) -> String {
    campaign.write(name, text);
    format!("[\"sh\", \"{name}\"]")
}

#[test]
fn a_hook_finds_in_its_environment_how_the_run_ended() {
    let campaign = Campaign::new();
    let show = script(&campaign, "show", "env | grep REINVITE_HOOK_ | sort\n");
    let finally = script(&campaign, "finally", "echo finally >&2\n");
    configure(
        &campaign,
        &format!("[hooks]\non_success = {show}\nfinally = {finally}\non_failure = {show}\n"),
    );
    let output = run(&campaign, "apply three.csv --yes").exits(0);
    let at = output.stderr.find("REINVITE_HOOK_").unwrap();
    let text = output.stderr[at..].replace(&*campaign.directory().to_string_lossy(), "[DIR]");
    insta::with_settings!({ filters => vec![
        (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "[TIME]"),
        (r"RUN_ID=[0-9a-f-]{36}", "RUN_ID=[ID]"),
        (r"SECONDS=[0-9.]+", "SECONDS=[DURATION]"),
    ] }, { insta::assert_snapshot!(text, @"
    REINVITE_HOOK_BLOCKED=0
    REINVITE_HOOK_CHECKPOINT=three.csv.checkpoint
    REINVITE_HOOK_COMMAND=apply
    REINVITE_HOOK_DURATION_SECONDS=[DURATION]
    REINVITE_HOOK_ENDED_AT=[TIME]
    REINVITE_HOOK_EXIT_CODE=0
    REINVITE_HOOK_FAILED=0
    REINVITE_HOOK_INVITED=3
    REINVITE_HOOK_MAILED=0
    REINVITE_HOOK_MAIL_FAILED=0
    REINVITE_HOOK_MAIL_FILES=0
    REINVITE_HOOK_MAIL_UNKNOWN=0
    REINVITE_HOOK_MANIFEST=three.csv
    REINVITE_HOOK_MEANING=done, or nothing to do
    REINVITE_HOOK_NOT_ATTEMPTED=0
    REINVITE_HOOK_NOT_INVITED=0
    REINVITE_HOOK_PATCHED=3
    REINVITE_HOOK_RESULT=success
    REINVITE_HOOK_RETRIES=0
    REINVITE_HOOK_ROWS=3
    REINVITE_HOOK_RUN_ID=[ID]
    REINVITE_HOOK_SETTLED=0
    REINVITE_HOOK_STARTED_AT=[TIME]
    REINVITE_HOOK_STOP_MESSAGE=
    REINVITE_HOOK_STOP_REASON=
    REINVITE_HOOK_TENANT_ID=7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001
    REINVITE_HOOK_TENANT_NAME=Contoso
    REINVITE_HOOK_THROTTLED=0
    REINVITE_HOOK_TO_DO=
    REINVITE_HOOK_UNKNOWN=0
    finally
    "); });
    let failed = run(&campaign, "apply nowhere.csv --yes").exits(2);
    assert!(failed.stderr.contains("REINVITE_HOOK_EXIT_CODE=2\n"), "{failed}");
    assert!(failed.stderr.contains("REINVITE_HOOK_RESULT=failure\n"), "{failed}");
    assert_eq!(failed.stdout, "");
}

#[test]
fn a_hook_that_fails_or_lasts_is_warned_of_and_changes_nothing() {
    let campaign = Campaign::new();
    let fails = script(&campaign, "fails", "exit 3\n");
    configure(
        &campaign,
        &format!(
            "[hooks]\non_success = {fails}\nfinally = [\"sleep\", \"60\"]\ntime_limit = \"200ms\"\n"
        ),
    );
    let output = run(&campaign, "apply three.csv --yes").exits(0);
    let warnings: Vec<_> =
        output.stderr.lines().filter(|line| line.starts_with("warning")).collect();
    snapshot!(warnings.join("\n"), @"
    warning: the hook on_success ended with exit status: 3: sh
    warning: the hook finally was ended after 0.2 s: sleep
    ");
    configure(&campaign, "[hooks]\non_success = [\"no-such-program\", \"--key\"]\n");
    let output = run(&campaign, "apply three.csv --yes").exits(0);
    let warning = "warning: the hook on_success could not be started: no-such-program:";
    assert!(output.stderr.contains(warning), "{output}");
}

#[test]
fn neither_a_hook_nor_a_credential_command_inherits_what_holds_a_secret() {
    let campaign = Campaign::new();
    let show = script(&campaign, "show", "echo \"the hook sees ${HOOK_SECRET-nothing}\"\n");
    let asked = "echo ${HOOK_SECRET-nothing} >seen-by-command; echo https://127.0.0.1:9/x\n";
    let asked = script(&campaign, "asked", asked);
    configure(
        &campaign,
        &format!("[notify]\nwebhook_command = {asked}\n[hooks]\nfinally = {show}\n"),
    );
    let from_file = campaign.read("reinvite.toml");
    let from_variable = "client_secret_env = \"HOOK_SECRET\"";
    campaign.write(
        "reinvite.toml",
        &from_file.replace("client_secret_file = \"client-secret.txt\"", from_variable),
    );
    let mut command = campaign.command("apply three.csv --yes");
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOOK_SECRET", SAMPLE_CLIENT_SECRET);
    let output = campaign.complete(command).exits(0);
    assert!(output.stderr.contains("the hook sees nothing\n"), "{output}");
    assert_eq!(campaign.read("seen-by-command"), "nothing\n");
}

#[test]
fn a_signal_ends_the_wait_for_a_hook_and_not_the_success() {
    let campaign = Campaign::new();
    let waits = script(&campaign, "waits", "echo waiting; exec sleep 60\n");
    configure(&campaign, &format!("[hooks]\nfinally = {}\n", waits.replace("sh", "/bin/sh")));
    let mut run = campaign.start("apply three.csv --yes");
    run.hear("waiting");
    run.signal("TERM");
    let output = run.finish().exits(0);
    let warning = "warning: interrupted before everyone was told of the end";
    assert!(output.stderr.contains(warning), "{output}");
    assert!(output.stdout.starts_with("Done"), "{output}");
}

#[test]
fn a_hook_may_run_the_program_itself() {
    let campaign = Campaign::new();
    let program = env!("CARGO_BIN_EXE_reinvite");
    configure(
        &campaign,
        &format!("[hooks]\non_success = [\"{program}\", \"status\", \"three.csv\"]\n"),
    );
    let output = run(&campaign, "apply three.csv --yes").exits(0);
    assert!(output.stderr.contains("last run began"), "{output}");
    assert!(!output.stderr.contains("means nothing to reinvite"), "{output}");
}

#[test]
fn what_a_hook_prints_is_a_line_of_a_log_on_stderr() {
    let campaign = Campaign::new();
    let says = script(&campaign, "says", "echo one; echo two >&2\n");
    configure(&campaign, &format!("[hooks]\nfinally = {says}\n"));
    let output = run(&campaign, "apply three.csv --yes --log-format json").exits(0);
    let said: Vec<Value> = output
        .stderr
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["event"] == "hook")
        .collect();
    let mut texts: Vec<_> = said.iter().map(|line| line["message"].as_str().unwrap()).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["one", "two"]);
    assert!(said.iter().all(|line| line["hook"] == "finally"));
}
