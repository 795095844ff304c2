//! The checkpoint: one run at a time, one tenant, this program, a format it knows.

use jiff::Timestamp;
use reinvite::checkpoint::Checkpoint;
use reinvite::emulator::{Options, TenantSeed};
use rusqlite::Connection;

use crate::support::{Campaign, THREE, snapshot};

const CHECKPOINT: &str = "three.csv.checkpoint";

/// A campaign that has run once.
fn after_a_run() -> Campaign {
    let campaign = Campaign::new();
    campaign.run("apply three.csv --yes").exits(0);
    campaign
}

#[test]
fn a_second_run_is_told_who_holds_the_checkpoint_and_status_works_beside_it() {
    let campaign = after_a_run();
    let held = Checkpoint::open(&campaign.path(CHECKPOINT), Timestamp::now()).unwrap();
    let writes = campaign.writes();
    let us = format!("process {} on {}", std::process::id(), gethostname::gethostname().display());
    let output = campaign.run("apply three.csv --yes").exits(8);
    assert!(output.stderr.contains(&us), "{output}");
    snapshot!(output.to_string().replace(&us, "process [PID] on [HOST]"), @r#"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: the checkpoint three.csv.checkpoint is in use by process [PID] on [HOST] since [TIME]
      hint: wait for that run to end, or stop it; `status` works beside it
    ------- exit 8 -------
    "#);
    let status = campaign.run("status three.csv").exits(0);
    assert_eq!(campaign.run("status three.csv.checkpoint").exits(0).stdout, status.stdout);
    assert!(status.stdout.contains(&format!("in use by {us}")), "{status}");
    assert_eq!(campaign.run("plan three.csv").exits(0).stderr.matches("error").count(), 0);
    drop(held);
    campaign.run("apply three.csv --yes").exits(0);
    assert_eq!(campaign.writes(), writes);
}

#[test]
fn a_second_manifest_on_one_checkpoint_loses_nobody_from_sight() {
    let campaign = after_a_run();
    let (head, rows) = THREE.split_once('\n').unwrap();
    let last = rows.lines().last().unwrap();
    let next = "maria.popescu@northwind.example,maria.popescu@tailspin.example";
    campaign.write("next.csv", &format!("{head}\n{last}\n{next}\n"));
    let output = campaign.run(&format!("apply next.csv --yes --checkpoint {CHECKPOINT}")).exits(0);
    let warnings: Vec<_> = output.stderr.lines().filter(|line| line.contains("warning")).collect();
    snapshot!(warnings.join("\n"), @"warning: this checkpoint is of three.csv; from now on `status` accounts for the rows of next.csv, and apart for the guests that are in none of them");
    snapshot!(campaign.run(&format!("status --checkpoint {CHECKPOINT}")), @"
    next.csv, Contoso (7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 2 rows, since [TIME]
    last run began [TIME], ended [TIME], exit code 0

      invited             2
      settled             0  nothing to do
      blocked             0  refused by the plan
      failed              0
      unknown             0  the answer was lost
      patched             0  mail written, not invited yet
      not attempted       0

      2 guests of this campaign are in no row of this manifest: 2 invited
    ");
    assert_eq!(campaign.invitations(), 4);
    // And back: who left the manifest was not forgotten.
    campaign.run("apply three.csv --yes").exits(0);
    assert_eq!(campaign.invitations(), 4);
}

#[test]
fn another_tenants_checkpoint_is_refused() {
    let campaign = after_a_run();
    let mut seed = TenantSeed::sample();
    seed.organization.id = "0a0a0a0a-0000-4000-8000-000000000002".into();
    let other = Campaign::with(seed, Options::default());
    std::fs::copy(campaign.path(CHECKPOINT), other.path(CHECKPOINT)).unwrap();
    snapshot!(other.run("apply three.csv --yes"), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    error: the checkpoint three.csv.checkpoint belongs to the tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001, not to 0a0a0a0a-0000-4000-8000-000000000002
      hint: name another checkpoint with --checkpoint, or correct [tenant] id
    ------- exit 2 -------
    ");
    assert_eq!(other.writes(), 0);
}

#[test]
fn another_programs_file_is_refused_and_left_as_it_is() {
    let campaign = Campaign::new();
    campaign.write(CHECKPOINT, "the minutes of a meeting, which nobody wants to lose\n");
    snapshot!(campaign.run("apply three.csv --yes"), @r#"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: three.csv.checkpoint is not a checkpoint of reinvite
      hint: name another file with --checkpoint
    ------- exit 2 -------
    "#);
    assert!(campaign.read(CHECKPOINT).starts_with("the minutes"));
    std::fs::remove_file(campaign.path(CHECKPOINT)).unwrap();
    let database = Connection::open(campaign.path(CHECKPOINT)).unwrap();
    database.execute_batch("CREATE TABLE song (title TEXT)").unwrap();
    drop(database);
    for command in ["apply three.csv --yes", "plan three.csv", "status three.csv"] {
        let output = campaign.run(command).exits(2);
        assert!(output.stderr.contains("is not a checkpoint of reinvite"), "{output}");
    }
    assert!(campaign.tenant.ledger().requests.is_empty());
}

#[test]
fn a_newer_format_is_refused() {
    let campaign = after_a_run();
    let database = Connection::open(campaign.path(CHECKPOINT)).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    snapshot!(campaign.run("apply three.csv --yes"), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: the checkpoint three.csv.checkpoint has format 99, and this version knows 8
      hint: use the version of reinvite that wrote it, or a later one
    ------- exit 2 -------
    ");
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let campaign = after_a_run();
    let path = campaign.path(CHECKPOINT);
    let mut bytes = std::fs::read(&path).unwrap();
    // The second page and all that follow; the first says what the file is.
    bytes[4096..].fill(0xaa);
    std::fs::write(&path, bytes).unwrap();
    for command in ["apply three.csv --yes", "plan three.csv", "status three.csv"] {
        let output = campaign.run(command).exits(2);
        assert!(output.stderr.contains("three.csv.checkpoint is damaged"), "{output}");
        assert!(output.stderr.contains("restore it from a backup"), "{output}");
    }
}

#[test]
fn a_checkpoint_that_lost_records_is_refused_and_says_what_to_do() {
    let campaign = after_a_run();
    let database = Connection::open(campaign.path(CHECKPOINT)).unwrap();
    database.execute_batch("DELETE FROM event WHERE id = (SELECT max(id) FROM event)").unwrap();
    drop(database);
    for command in [
        "apply three.csv --yes",
        "reconcile three.csv",
        "verify three.csv",
        "plan three.csv",
        "revert three.csv --dry-run",
        "status three.csv",
        "report three.csv",
        "explain 2 three.csv",
        "doctor three.csv",
    ] {
        let output = campaign.run(command).exits(1);
        assert!(output.stderr.contains("three.csv.checkpoint is not whole"), "{command}: {output}");
        assert!(output.stderr.contains("before you begin anew"), "{command}: {output}");
    }
    // Without what was beside it after a kill of an earlier version.
    std::fs::remove_file(campaign.path(CHECKPOINT)).unwrap();
    let database = Connection::open(campaign.path(CHECKPOINT)).unwrap();
    database.pragma_update(None, "journal_mode", "WAL").unwrap();
    drop(database);
    for command in ["apply three.csv --yes", "plan three.csv", "status three.csv"] {
        let output = campaign.run(command).exits(1);
        assert!(output.stderr.contains("nothing is in it"), "{output}");
    }
}

#[cfg(unix)]
#[test]
fn a_checkpoint_that_is_deleted_under_a_run_ends_it_with_1_and_says_so() {
    let campaign = crate::slow::slow();
    let mut run = campaign.start("apply all.csv --yes");
    run.hear("invited");
    std::fs::remove_file(campaign.path("all.csv.checkpoint")).unwrap();
    let output = run.finish().exits(1);
    let said = "was moved, deleted or replaced while the run was using it";
    assert!(output.stderr.contains(said), "{output}");
    let advice = "\n  advice: put the very file back, as it alone says who was invited\n";
    assert!(output.stdout.contains(advice), "{output}");
    // What was under way then is all that was sent.
    assert!(campaign.invitations() < crate::slow::GUESTS as usize, "{output}");
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_said_before_anything_is_sent() {
    let campaign = Campaign::new();
    snapshot!(campaign.run("apply three.csv --yes --checkpoint nowhere/campaign.checkpoint"), @r#"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: the checkpoint nowhere/campaign.checkpoint can't be opened
      caused by: No such file or directory (os error [CODE])
      hint: check the path and its permissions
    ------- exit 2 -------
    "#);
    assert!(campaign.tenant.ledger().requests.is_empty());
}

#[test]
fn a_manifest_from_stdin_needs_a_checkpoint_named_for_it() {
    let campaign = Campaign::new();
    let manifest = campaign.read("three.csv");
    snapshot!(campaign.run_with_input("apply - --yes", &manifest), @r#"
    ------- stderr -------
    error: a manifest read from stdin needs a checkpoint named for it
      hint: give --checkpoint FILE, or `path` under [checkpoint] in the configuration file
    ------- exit 2 -------
    "#);
    campaign.run_with_input("apply - --yes --checkpoint c.checkpoint", &manifest).exits(0);
    assert_eq!(campaign.invitations(), 3);
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_the_checkpoint() {
    use std::os::unix::fs::PermissionsExt as _;
    let campaign = after_a_run();
    let mode = std::fs::metadata(campaign.path(CHECKPOINT)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
