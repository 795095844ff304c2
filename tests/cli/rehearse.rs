//! `rehearse`: the whole campaign on a copy of the tenant, under a clock that does not wait.

use std::time::Duration;

use reinvite::emulator::{Options, TenantSeed};
use serde_json::Value;

use crate::support::{Campaign, everyone, snapshot};

const NIGHTS: &str = "\
[waves]
sizes = [1, \"rest\"]
redeemed = \"100%\"
after = \"2d\"
[remind]
after = \"3d\"
max = 2
[delivery]
by = \"graph\"
from = \"it@contoso.example\"
[hooks]
finally = [\"no-such-hook\"]
";

fn campaign() -> Campaign {
    let campaign = Campaign::new();
    campaign.run("snapshot guests.csv --out contoso.tenant").exits(0);
    campaign
}

#[test]
fn a_campaign_is_told_before_it_begins_and_nothing_of_it_happens() {
    let campaign = campaign();
    campaign.configure("http://127.0.0.1:9", NIGHTS);
    let begin = "--begin 2026-05-04T22:00Z --redeem 100%_in_4d";
    let mut command = campaign.command("rehearse three.csv --tenant contoso.tenant --out out");
    command.args(begin.split(' ').map(|word| word.replace('_', " ")));
    snapshot!(campaign.complete(command), @"
    Rehearsal of three.csv, Contoso
    Settled after 6 days, in 6 nights

    Runs
      Mon 2026-05-04 22:00  apply            0 ms  1 invited, 2 waiting, wave 1
      … 1 night with nothing to do
      Wed 2026-05-06 22:00  night 2           2 s  2 invited, 1 redeemed so far, wave 2
      … 2 nights with nothing to do
      Sat 2026-05-09 22:00  night 5           2 s  2 reminded, 1 redeemed so far
      Sun 2026-05-10 22:00  night 6          0 ms  3 redeemed so far

    Mails by day and domain
                     all  fabrikam.example
      2026-05-04       1                 1
      2026-05-06       2                 2
      2026-05-09       2                 2
      all              5                 5
      at most 2 of 10000 recipients in 24 hours, 2 of 25 mails in a minute

    3 rows
      invited              3
      redeemed             3
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    a rehearsal: nothing leaves this machine, and no hook, webhook or metric is run or written
    the report is in out/rehearsal.html; more: reinvite explain LINE --checkpoint out/rehearsal.checkpoint
    ");
    assert_eq!(campaign.writes(), 0);
    assert!(!campaign.exists("three.csv.checkpoint"));
    // All that is made from it says what it is.
    let page = campaign.read("out/rehearsal.html");
    assert!(page.contains("<strong>This is a rehearsal</strong>"), "no mark");
    let checkpoint = "out/rehearsal.checkpoint";
    let status = campaign.run(&format!("status --checkpoint {checkpoint}")).exits(0);
    assert!(status.stdout.contains("a rehearsal: nobody was moved, invited or mailed"), "{status}");
    campaign.configure(&campaign.origin(), "");
    let applied = campaign.run(&format!("apply three.csv --yes --checkpoint {checkpoint}"));
    assert_eq!((applied.code, campaign.writes()), (Some(2), 0), "{applied}");
    // What another rehearsal left there is nobody's to replace unasked.
    campaign.run("rehearse three.csv --tenant contoso.tenant --out out").exits(2);
    campaign
        .run("rehearse three.csv --tenant contoso.tenant --out out --nights 0 --force")
        .exits(0);
}

#[test]
fn the_rows_of_a_rehearsal_end_as_those_of_the_run_itself() {
    let campaign = campaign();
    campaign.without_lag();
    let rehearsed = campaign
        .run("rehearse guests.csv --tenant contoso.tenant --nights 0 --output json")
        .exits(4)
        .json();
    campaign.run("apply guests.csv --yes").exits(4);
    let report = campaign.run("report guests.csv --format json").exits(0).json();
    let ends = |rows: &Value| -> Vec<[Value; 3]> {
        let end = |row: &Value| ["line", "state", "reason"].map(|key| row[key].clone());
        rows.as_array().expect("rows").iter().map(end).collect()
    };
    assert_eq!(ends(&rehearsed["rows"]), ends(&report["campaigns"][0]["rows"]));
    assert_eq!(rehearsed["summary"]["invited"], report["campaigns"][0]["totals"]["invited"]);
}

#[test]
fn what_can_not_be_rehearsed_is_said() {
    let campaign = campaign();
    campaign.write("empty.tenant", "{}");
    for (command, says) in [
        ("rehearse three.csv --tenant empty.tenant", "no application of the tenant can sign in"),
        ("rehearse three.csv --tenant three.csv", "describes no tenant"),
        ("rehearse three.csv --tenant none.tenant", "cannot read none.tenant"),
        ("rehearse three.csv --tenant contoso.tenant --redeem 60%", "write a share and a time"),
        ("rehearse three.csv --tenant contoso.tenant --begin today", "invalid value"),
    ] {
        let output = campaign.run(command).exits(2);
        assert!(output.stderr.contains(says), "{output}");
    }
    campaign.configure(&campaign.origin(), "[reconcile]\nmax_changes = 2\n");
    let output = campaign.run("rehearse three.csv --tenant contoso.tenant --nights 0").exits(2);
    assert!(output.stderr.contains("with no night, nothing of this campaign"), "{output}");
    campaign.configure(&campaign.origin(), "");
    // A guard refuses a rehearsal as it would the run.
    let refused = campaign
        .run("rehearse three.csv --tenant contoso.tenant --max-changes 2 --output json")
        .exits(5)
        .json();
    assert_eq!(refused["summary"]["end"], "refused");
    assert_eq!(refused["summary"]["stop_reason"], "max-changes");
}

#[test]
fn it_takes_as_long_as_on_a_tenant_that_is_served() {
    let options = Options {
        latency: Some(Duration::from_millis(20)..=Duration::from_millis(20)),
        ..Options::default()
    };
    let campaign = Campaign::with(TenantSeed::with_guests(24), options);
    campaign.write("all.csv", &everyone(24));
    let config = campaign.read("reinvite.toml") + "[guards]\nmax_changes = \"100%\"\n";
    let config = config.replace("writes_per_second = 1000", "writes_per_second = 40");
    campaign.write("reinvite.toml", &config.replace("burst = 1000", "burst = 1"));
    campaign.run("snapshot all.csv --out contoso.tenant").exits(0);
    let command = "rehearse all.csv --tenant contoso.tenant --quota none --nights 0 --latency 20";
    let rehearsed = campaign.run(&format!("{command} --output json")).exits(0).json();
    let applied = campaign.run("apply all.csv --yes --output json").exits(0).json();
    let rehearsed = rehearsed["runs"][0]["elapsed_seconds"].as_f64().unwrap();
    let applied = applied["summary"]["elapsed_seconds"].as_f64().unwrap();
    assert!(rehearsed > 1.0, "{rehearsed}");
    // A machine that is busy makes the served one late, and never early.
    let (least, most) = (rehearsed * 0.95, rehearsed * 1.05 + 0.5);
    assert!((least..=most).contains(&applied), "{rehearsed} and {applied}");
}

#[test]
fn a_bad_day_loses_nobody() {
    let campaign = Campaign::with(TenantSeed::with_guests(120), Options::default());
    campaign.write("all.csv", &everyone(120));
    campaign.configure(&campaign.origin(), "[guards]\nmax_changes = \"100%\"\n");
    let config = campaign.read("reinvite.toml");
    // What a configuration has that says nothing of it.
    let config = config.replace("replication_lag = \"1s\"\n", "").replace("settle = \"0s\"\n", "");
    campaign.write("reinvite.toml", &config);
    campaign.run("snapshot all.csv --out contoso.tenant").exits(0);
    let command = "rehearse all.csv --tenant contoso.tenant --faults bad-day --output json";
    let object = campaign.run(command).exits(0).json();
    let (summary, first) = (&object["summary"], &object["runs"][0]);
    assert_eq!(summary["invited"], 120, "{summary}");
    assert_eq!(summary["mails"], 120, "P1: nobody is mailed twice");
    assert_eq!(summary["end"], "settled", "{summary}");
    assert!(first["throttled"].as_u64() > Some(0), "{first}");
    assert!(first["retries"].as_u64() > Some(0), "{first}");
}
