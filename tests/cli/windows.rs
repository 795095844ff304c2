//! What is otherwise on Windows: files that are held, batch files, and whose words they are.

use std::os::windows::fs::OpenOptionsExt as _;

use reinvite::domain::Caller;
use reinvite::emulator::{SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET};

use crate::secrets::nowhere;
use crate::sign_in::{by, with_id};
use crate::slow::{GUESTS, slow};
use crate::support::Campaign;

#[test]
fn a_run_at_work_keeps_its_checkpoint_and_a_second_one_is_told_who_has_it() {
    let campaign = slow();
    let mut run = campaign.start("apply all.csv --yes");
    run.hear("invited");
    for name in ["all.csv.checkpoint", "all.csv.checkpoint.lock"] {
        std::fs::remove_file(campaign.path(name)).unwrap_err();
    }
    let held = campaign.run("apply all.csv --yes").exits(8);
    assert!(held.stderr.contains(&format!("process {} on ", run.id())), "{held}");
    let status = campaign.run("status all.csv --output json").json();
    let by = status["locked_by"].as_str().unwrap();
    assert!(by.starts_with(&format!("process {} on ", run.id())), "{status}");
    run.finish().exits(0);
    assert_eq!(campaign.invitations(), GUESTS as usize);
    assert!(!campaign.exists("all.csv.checkpoint.lock"));
}

#[test]
fn a_result_that_another_program_holds_is_found_out_before_anything_is_sent() {
    let campaign = Campaign::new();
    campaign.run("apply three.csv --yes --result result.csv").exits(0);
    // As Excel: others may read.
    let mut options = std::fs::OpenOptions::new();
    let excel = options.read(true).write(true).share_mode(1).open(campaign.path("result.csv"));
    let requests = campaign.tenant.ledger().requests.len();
    let output = campaign.run("apply three.csv --yes --result result.csv").exits(2);
    assert!(output.stderr.contains("failed to write the result file `result.csv`"), "{output}");
    assert_eq!(campaign.tenant.ledger().requests.len(), requests);
    drop(excel);
    campaign.run("apply three.csv --yes --result result.csv").exits(0);
}

#[test]
fn programs_are_named_without_their_ending() {
    let campaign = by(&with_id("client_secret_command = [\"./vault\", \"get\"]\n"));
    campaign.write("vault.cmd", &format!("@echo {SAMPLE_CLIENT_SECRET}\r\n"));
    let output = campaign.run("apply three.csv --yes -vvv").exits(0);
    nowhere(&campaign, &output, &["vault.cmd", "client-secret.txt"], &[SAMPLE_CLIENT_SECRET]);

    let campaign = by("method = \"azure-cli\"\n");
    let token = campaign.tenant.token(SAMPLE_CLIENT_ID, Caller::AppOnly).unwrap();
    campaign.write("az.cmd", "@type \"%~dp0token.json\"\r\n");
    let printed = format!(r#"{{"accessToken":"{token}","expires_on":99999999999}}"#);
    campaign.write("token.json", &printed);
    let mut command = campaign.command("plan three.csv");
    command.env("PATH", campaign.directory());
    campaign.complete(command).exits(0);
}

#[test]
fn a_script_that_windows_does_not_start_is_refused_with_what_does() {
    let campaign = Campaign::new();
    campaign.configure(&campaign.origin(), "[hooks]\nfinally = ['C:\\tools\\hook.ps1']\n");
    let output = campaign.run("plan three.csv").exits(2);
    let hint = r#"hint: write ["powershell", "-NoProfile", "-File", 'C:\tools\hook.ps1', …]"#;
    assert!(output.stderr.contains(hint), "{output}");
}

#[test]
fn a_hook_may_be_a_batch_file_and_is_ended_with_what_it_started() {
    let campaign = Campaign::new();
    let hooks = "[hooks]\non_success = [\"notify\"]\nfinally = ['.\\hang']\ntime_limit = \"1s\"\n";
    campaign.configure(&campaign.origin(), hooks);
    campaign.write("notify.cmd", "@echo told: %REINVITE_HOOK_RESULT%\r\n");
    campaign.write("again.cmd", ":again\r\n@goto again\r\n");
    campaign.write("hang.cmd", "@%ComSpec% /c again.cmd > held.txt\r\n");
    let mut command = campaign.command("apply three.csv --yes");
    command.env("PATH", campaign.directory());
    let output = campaign.complete(command).exits(0);
    assert!(output.stderr.contains("told: success"), "{output}");
    assert!(output.stderr.contains("was ended after 1 s: .\\hang"), "{output}");
    // The child that never ends held it.
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while std::fs::remove_file(campaign.path("held.txt")).is_err() {
        assert!(std::time::Instant::now() < limit, "the batch file's child lives on");
        std::thread::yield_now();
    }
}
