//! A disk without room: the kernel refuses the checkpoint's writes, in the middle of
//! a run of the real binary.
//!
//! Room is taken away by a limit on the size of files, which every Linux has and
//! nobody needs rights for. A write beyond it fails with `EFBIG` where a full disk
//! says `ENOSPC`; for the program it is the same refusal of the same call.

use std::process::{Command, Stdio};
use std::time::Duration;

use reinvite::emulator::{Options, TenantSeed};

use crate::support::{Campaign, Output, everyone, snapshot};

const GUESTS: u32 = 60;

/// One request at a time, so that records become durable one by one.
fn campaign() -> Campaign {
    let latency = Some(Duration::from_millis(1)..=Duration::from_millis(1));
    let options = Options { latency, ..Options::default() };
    let campaign = Campaign::with(TenantSeed::with_guests(GUESTS), options);
    let configuration = campaign.read("reinvite.toml");
    let one = configuration.replace("requests_in_flight = 32", "requests_in_flight = 1");
    campaign.write("reinvite.toml", &format!("{one}[guards]\nmax_changes = \"100%\"\n"));
    campaign.write("all.csv", &everyone(GUESTS));
    campaign
}

/// Runs the binary where no file may grow beyond so many blocks of 512 bytes.
fn run_within(blocks: u32, campaign: &Campaign, arguments: &str) -> Output {
    let binary = campaign.command(arguments);
    let mut shell = Command::new("/bin/sh");
    // The signal that comes with the refusal ends the process by default.
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    shell.args(["-c", &script, "sh"]).arg(binary.get_program()).args(binary.get_args());
    shell.env_clear().env("USER", "tester").current_dir(campaign.directory()).stdin(Stdio::null());
    campaign.complete(shell)
}

/// Every guest has one invitation, and the campaign knows it.
fn assert_complete(campaign: &Campaign) {
    let ledger = campaign.tenant.ledger();
    for n in 1..=GUESTS {
        let sent = ledger.invitations_for(&TenantSeed::guest_id(n)).len();
        assert_eq!(sent, 1, "guest {n}");
    }
    let status = campaign.run("status all.csv --output json").exits(0).json();
    assert_eq!(status["counts"]["invited"], GUESTS);
}

#[test]
fn a_disk_that_fills_up_stops_the_run_and_room_lets_it_go_on() {
    let campaign = campaign();
    // Enough for a few guests, then for a few more.
    for blocks in [200, 240] {
        let stopped = run_within(blocks, &campaign, "apply all.csv --yes --output json").exits(1);
        let summary = &stopped.json()["summary"];
        assert_eq!(summary["stop_reason"], "checkpoint", "{stopped}");
        // Success is what is on record, and never more than was sent.
        let status = campaign.run("status all.csv --output json").exits(0).json();
        let sent = campaign.invitations() as u64;
        let durable = status["counts"]["invited"].as_u64().unwrap();
        let unknown = status["counts"]["unknown"].as_u64().unwrap();
        assert!((1..u64::from(GUESTS)).contains(&durable), "{durable}");
        assert!((durable..=durable + unknown).contains(&sent), "{sent} sent: {status}");
        let before = summary["settled"].as_u64().unwrap();
        assert_eq!(summary["invited"].as_u64().unwrap() + before, durable);
        // An intent that could not be taken back stays on record as not known.
        assert!(summary["unknown"].as_u64().unwrap() <= unknown, "{stopped}");
    }
    campaign.run("apply all.csv --yes").exits(0);
    assert_complete(&campaign);
}

#[test]
fn a_person_is_told_what_to_do_about_a_full_disk() {
    let campaign = campaign();
    let stopped = run_within(200, &campaign, "apply all.csv --yes").exits(1);
    // How far it came is up to SQLite.
    let head: Vec<_> = stopped.stdout.lines().take(2).collect();
    snapshot!(head.join("\n"), @"
    Stopped early: the checkpoint can't be written: disk I/O error [checkpoint]
      advice: check its disk's health, space and quota
    ");
    let tail: Vec<_> = stopped.stdout.lines().rev().take(2).collect();
    snapshot!(tail.join("\n"), @"
      reinvite apply all.csv --yes
    To carry on
    ");
    assert!(stopped.stderr.contains("\nstopping: the checkpoint can't be written: disk I/O error"));
    campaign.run("apply all.csv --yes").exits(0);
    assert_complete(&campaign);
}

#[test]
fn a_disk_that_is_full_from_the_start_lets_nothing_be_sent() {
    let campaign = campaign();
    // No room for the lock, for the file, for its tables.
    let (known, guessed) = ("make room on its disk", "check its disk's health, space and quota");
    for (blocks, advice) in [(0, known), (8, guessed), (32, guessed)] {
        let refused = run_within(blocks, &campaign, "apply all.csv --yes").exits(1);
        let advice = format!("hint: {advice}, then run the same command again");
        assert!(refused.stderr.contains(&advice), "{refused}");
        assert_eq!(campaign.tenant.ledger().requests.len(), 0);
    }
    campaign.run("apply all.csv --yes").exits(0);
    assert_complete(&campaign);
}
