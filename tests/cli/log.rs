//! `--log-format` and `--log-file`: the run for programs that read it.

use std::collections::BTreeMap;

use serde_json::Value;

use reinvite::emulator::{Action, Canned, Fault, Matcher, Options, RetryAfter, TenantSeed};

use crate::schemas;
use crate::support::{Campaign, snapshot};

/// Log lines as the objects they are; every one of the schema, of one run, in order.
#[track_caller]
fn lines(text: &str) -> Vec<Value> {
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    for line in &lines {
        assert_eq!(line["schema"], 1, "{line}");
        for key in ["time", "level", "event", "run_id", "message"] {
            assert!(line[key].is_string(), "{key}: {line}");
        }
        assert!(line["time"].as_str().unwrap().ends_with('Z'), "{line}");
        assert_eq!(line["run_id"], lines[0]["run_id"]);
    }
    assert!(lines.is_sorted_by_key(|line| line["time"].to_string()));
    assert_eq!(lines[0]["event"], "command");
    let finished: Vec<_> = lines.iter().filter(|line| line["event"] == "finished").collect();
    assert_eq!(finished.len(), 1);
    assert_eq!(lines.last(), finished.first().copied());
    lines
}

/// Rows in the order of the manifest: they are written and finish in any.
fn in_order(text: &str) -> String {
    let key = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        (line["line"].as_u64(), line["event"].to_string())
    };
    let mut lines: Vec<_> = text.lines().collect();
    for group in lines.chunk_by_mut(|one, next| key(one).0.is_some() && key(next).0.is_some()) {
        group.sort_by_key(|line| key(line));
    }
    lines.join("\n")
}

#[test]
fn a_whole_run_is_logged_a_line_for_each_thing_that_happened() {
    let campaign = Campaign::new();
    let output = campaign.run("apply three.csv --yes --log-format json --log-file run.jsonl");
    let log = campaign.read("run.jsonl");
    schemas::held(&log);
    let lines = lines(&log);
    assert_eq!(lines.last().unwrap()["summary"]["invited"], 3);
    snapshot!(in_order(&log), @r#"
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"info","event":"command","message":"reinvite apply","command":"apply","manifest":"three.csv","version":"0.1.0"}
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"info","event":"note","message":"three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email"}
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"info","event":"note","message":"directory read in one sweep over all guests, in 14 requests"}
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"info","event":"planned","message":"3 rows planned: 3 to change, 0 settled, 0 blocked","blocked":0,"change":3,"plan_digest":"[DIGEST]","rows":3,"settled":0,"tenant_id":"7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001","tenant_name":"Contoso"}
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"info","event":"started","message":"3 rows to do","to_do":3}
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"info","event":"mail-written","line":2,"user":"hannah.wagner@northwind.example","user_id":"63e8a076-a912-4a58-8471-02c26af3569f","message":"the guest's mail was written"}
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"info","event":"row-finished","line":2,"user":"hannah.wagner@northwind.example","user_id":"63e8a076-a912-4a58-8471-02c26af3569f","message":"the service accepted the invitation","advice":null,"new_email":"hannah.wagner@fabrikam.example","outcome":"invited","outcome_reason":"accepted","request_id":null}
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"info","event":"mail-written","line":3,"user":"ruth.mori@northwind.example","user_id":"c0d69061-b05c-411d-93d4-dd58b9e9e283","message":"the guest's mail was written"}
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"info","event":"row-finished","line":3,"user":"ruth.mori@northwind.example","user_id":"c0d69061-b05c-411d-93d4-dd58b9e9e283","message":"the service accepted the invitation","advice":null,"new_email":"ruth.mori@fabrikam.example","outcome":"invited","outcome_reason":"accepted","request_id":null}
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"info","event":"mail-written","line":4,"user":"olga.ramos@northwind.example","user_id":"931d4434-039b-4e8e-aa76-13cb08fc04d9","message":"the guest's mail was written"}
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"info","event":"row-finished","line":4,"user":"olga.ramos@northwind.example","user_id":"931d4434-039b-4e8e-aa76-13cb08fc04d9","message":"the service accepted the invitation","advice":null,"new_email":"olga.ramos@fabrikam.example","outcome":"invited","outcome_reason":"accepted","request_id":null}
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"info","event":"finished","message":"done, or nothing to do","command":"apply","exit_code":0,"result":"success","summary":{"blocked":0,"elapsed_seconds":"[DURATION]","exit_code":0,"failed":0,"invited":3,"mail_failed":0,"mail_files":0,"mail_unknown":0,"mailed":0,"not_attempted":0,"not_invited":0,"patched":3,"plan_digest":"[DIGEST]","retries":0,"rows":3,"settled":0,"started_at":"[TIME]","stop_message":null,"stop_reason":null,"tenant_id":"7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001","tenant_name":"Contoso","throttle_wait_seconds":0.0,"throttled":0,"unknown":0},"to_do":null}
    "#);
    // With a file, stderr stays a person's.
    let unlogged = Campaign::new().run("apply three.csv --yes");
    assert_eq!(output.exits(0).stderr.lines().count(), unlogged.stderr.lines().count());
}

#[test]
fn without_a_file_the_lines_take_the_place_of_what_a_person_reads() {
    let campaign = Campaign::new();
    let output = campaign
        .run("apply guests.csv --yes --log-format json --output json -vv --resend 2 --reason x")
        .exits(4);
    let lines = lines(&output.stderr);
    assert!(output.json()["summary"].is_object());
    let mut events: BTreeMap<&str, usize> = BTreeMap::new();
    for line in &lines {
        *events.entry(line["event"].as_str().unwrap()).or_default() += 1;
    }
    assert!(events["trace"] > 10, "{events:?}");
    events.remove("trace");
    snapshot!(format!("{events:?}"), @r#"{"command": 1, "finished": 1, "mail-written": 3, "note": 2, "planned": 1, "row-finished": 4, "started": 1}"#);
    assert_eq!(lines.last().unwrap()["summary"]["invited"], output.json()["summary"]["invited"]);
}

#[test]
fn quiet_leaves_what_went_wrong_and_the_last_line() {
    let campaign = Campaign::new();
    let output = campaign.run("apply three.csv --yes --log-format json -q").exits(0);
    assert_eq!(output.stderr.lines().count(), 1, "{output}");
    assert!(output.stderr.contains(r#""event":"finished""#), "{output}");
}

#[test]
fn throttling_and_the_wait_it_took_are_in_the_log() {
    let options = Options {
        faults: vec![Fault::new(
            Matcher::patch().nth(1),
            Action::Answer(Canned::throttled(RetryAfter::Seconds(1))),
        )],
        ..Options::default()
    };
    let campaign = Campaign::with(TenantSeed::sample(), options);
    campaign.run("apply three.csv --yes --log-format json --log-file log").exits(0);
    let lines = lines(&campaign.read("log"));
    let throttled = lines.iter().find(|line| line["event"] == "throttled").unwrap();
    assert_eq!(throttled["level"], "warning");
    let waited = lines.last().unwrap()["summary"]["throttle_wait_seconds"].as_f64().unwrap();
    assert!((0.9..2.5).contains(&waited), "{waited}");
}

#[test]
fn a_command_that_fails_ends_its_log_too() {
    let campaign = Campaign::new();
    campaign.write("bad.csv", "user,new_email\nada,not an address\n");
    snapshot!(campaign.run("apply bad.csv --yes --log-format json"), @r#"
    ------- stderr -------
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"info","event":"command","message":"reinvite apply","command":"apply","manifest":"bad.csv","version":"0.1.0"}
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"info","event":"note","message":"bad.csv: CSV, UTF-8, comma; 1 row; columns: user, new_email"}
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"error","event":"problem","message":"bad.csv:2:1: `ada` names no guest: it is neither an object id nor does it contain an @"}
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"error","event":"error","message":"bad.csv: 1 problem; nothing was sent","causes":[],"exit_code":2,"hints":["mend the rows; none of them is usable"]}
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"error","event":"finished","message":"usage, configuration or manifest unusable; nothing sent","command":"apply","exit_code":2,"result":"failure","summary":{"elapsed_seconds":"[DURATION]","exit_code":2,"plan_digest":null,"started_at":"[TIME]","stop_message":"bad.csv: 1 problem; nothing was sent","stop_reason":"usage","tenant_id":"contoso.example","tenant_name":null,"throttle_wait_seconds":0.0},"to_do":"mend the rows; none of them is usable"}
    ------- exit 2 -------
    "#);
    snapshot!(campaign.run("status nowhere.csv --log-format json"), @r#"
    ------- stderr -------
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"info","event":"command","message":"reinvite status","command":"status","manifest":"nowhere.csv","version":"0.1.0"}
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"error","event":"error","message":"there is no checkpoint at nowhere.csv.checkpoint","causes":[],"exit_code":2,"hints":["`apply` creates it; name the right file with --checkpoint"]}
    {"schema":1,"time":"[TIME]","run_id":"[ID]","level":"error","event":"finished","message":"usage, configuration or manifest unusable; nothing sent","command":"status","exit_code":2,"result":"failure","summary":{"elapsed_seconds":"[DURATION]","exit_code":2,"plan_digest":null,"started_at":"[TIME]","stop_message":"there is no checkpoint at nowhere.csv.checkpoint","stop_reason":"usage","tenant_id":null,"tenant_name":null,"throttle_wait_seconds":0.0},"to_do":"`apply` creates it; name the right file with --checkpoint"}
    ------- exit 2 -------
    "#);
}

#[test]
fn lines_of_text_are_appended() {
    let campaign = Campaign::new();
    campaign.run("plan three.csv --log-file log").exits(0);
    let first = campaign.read("log");
    campaign.run("plan three.csv --log-file log").exits(0);
    assert!(campaign.read("log").starts_with(&first));
    snapshot!(first, @"
    [TIME] info    command      reinvite plan
    [TIME] info    note         three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    [TIME] info    note         directory read in one sweep over all guests, in 14 requests
    [TIME] info    planned      3 rows planned: 3 to change, 0 settled, 0 blocked
    [TIME] info    finished     done, or nothing to do
    ");
}

#[cfg(unix)]
#[test]
fn the_log_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let campaign = Campaign::new();
    campaign.run("plan three.csv --log-file log").exits(0);
    let mode = std::fs::metadata(campaign.path("log")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let others = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(campaign.path("log"), others).unwrap();
    let output = campaign.run("lint three.csv --log-file log").exits(0);
    assert!(output.stderr.starts_with("warning: other accounts can read the log file"), "{output}");
}

#[test]
fn a_file_that_is_no_log_is_left_alone() {
    let campaign = Campaign::new();
    let manifest = campaign.read("three.csv");
    snapshot!(campaign.run("plan three.csv --log-file three.csv"), @"
    ------- stderr -------
    error: the log file three.csv holds something else
      hint: name another file with --log-file
    ------- exit 2 -------
    ");
    assert_eq!(campaign.read("three.csv"), manifest);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_or_missing_log_is_told_of_once_and_stops_nothing() {
    let campaign = Campaign::new();
    let full = campaign.run("apply three.csv --yes --log-file /dev/full").exits(0);
    let warnings = full.stderr.lines().filter(|line| line.starts_with("warning")).count();
    assert_eq!(warnings, 1, "{full}");
    assert_eq!(campaign.invitations(), 3);
    snapshot!(campaign.run("apply three.csv --yes --log-file no/such/log").without_plan(), @"
    Done

    3 rows
      invited             0
      settled             3  nothing to do

    took [DURATION]
    ------- stderr -------
    warning: cannot open the log file no/such/log: No such file or directory (os error [CODE])
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    [PLAN]
    0 rows to do
    ");
}
