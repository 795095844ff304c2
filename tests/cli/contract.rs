//! The JSON that programs rely on: one object on stdout, its keys and their types.

use std::collections::BTreeSet;

use clap::CommandFactory as _;
use reinvite::config::args::Cli;
use serde_json::Value;

use crate::support::{Campaign, Output};

/// Keys of the summary of every command that plans, after its counts.
const END: &str = "
    summary.exit_code integer
    summary.stop_reason string?
    summary.plan_digest digest
    summary.elapsed_seconds number";

const ROWS: &str = "
    rows[].line integer
    rows[].user string
    rows[].user_id string?
    rows[].new_email string?
    rows[].decision change|settled|blocked
    rows[].reason string
    findings[].severity string
    findings[].code string
    findings[].message string
    findings[].advice string";

const PLAN: &str = "
    summary.rows integer
    summary.change integer
    summary.settled integer
    summary.blocked integer
    summary.refusals integer";

const RUN: &str = "
    summary.rows integer
    summary.invited integer
    summary.patched integer
    summary.settled integer
    summary.blocked integer
    summary.failed integer
    summary.unknown integer
    summary.not_attempted integer
    summary.retries integer
    summary.throttled integer";

const RUN_END: &str = "
    summary.limited_by string?
    summary.started_at time?
    summary.stop_message string?
    rows[].outcome string?
    rows[].outcome_reason string?
    rows[].advice string?
    rows[].request_id string?";

const NIGHT: &str = "
    summary.reminded integer
    summary.corrected integer
    summary.redeemed integer
    summary.new integer
    summary.left integer
    summary.held integer
    summary.attention integer
    night.standing.pending integer
    night.standing.redeemed integer
    night.attention list
    night.news list
    night.unknown list";

const LINT: &str = "
    summary.rows integer
    summary.valid integer
    summary.problems integer
    summary.exit_code integer
    problems[].line integer
    problems[].column integer
    problems[].code string
    problems[].problem string
    problems[].advice string
    templates list";

const DOCTOR: &str = "
    tenant string
    findings[].severity ok|warning|problem|not-seen
    findings[].code string
    findings[].message string
    findings[].advice string?
    permissions.has list?
    permissions.needs list
    permissions.missing list
    permissions.useful list
    permissions.needless list
    exit_code integer
    summary.problems integer
    summary.warnings integer
    summary.not_seen integer
    summary.exit_code integer";

const STATUS: &str = "
    manifest string
    tenant string
    created time
    rows integer
    counts.invited integer
    counts.patched integer
    counts.unknown integer
    counts.failed integer
    counts.blocked integer
    counts.settled integer
    counts.not_attempted integer
    last_run.started time
    last_run.ended time?
    last_run.stop_reason string?
    last_run.exit_code integer
    locked_by string?
    failures list
    resends.outstanding integer
    resends.failed integer
    not_in_manifest.invited integer";

const VERIFY: &str = "
    summary.guests integer
    summary.pending integer
    summary.redeemed integer
    summary.no_trace integer
    summary.mail_changed integer
    summary.deleted integer
    summary.reinvited integer
    summary.unknown integer
    summary.attention integer
    summary.exit_code integer
    attention list
    news list
    unknown list";

const EXPLAIN: &str = "
    manifest string
    row.line integer
    row.user string
    row.user_id string?
    row.old_email string?
    row.new_email string?
    row.state string
    row.reason string
    cells list
    matched string
    before.mail string?
    before.other_mails list
    events[].run integer
    events[].at time
    events[].what string
    mails[].at time
    mails[].kind string
    sightings[].finding string
    next string";

const REPORT: &str = "
    schema string
    generated_at time
    totals.rows integer
    totals.invited integer
    totals.redeemed integer
    totals.pending integer
    campaigns[].manifest string
    campaigns[].tenant_id string
    campaigns[].totals.rows integer
    campaigns[].domains list
    campaigns[].runs[].id integer
    campaigns[].runs[].command string
    campaigns[].runs[].started_at time
    campaigns[].rows[].line integer
    campaigns[].rows[].user string
    campaigns[].rows[].state string
    campaigns[].rows[].reason string";

const PREVIEW: &str = "
    schema string
    summary.mails integer
    summary.exit_code integer
    mails[].from string
    mails[].to string
    mails[].cc list
    mails[].subject string
    mails[].text string
    mails[].html string";

const DRAFT: &str = "
    schema string
    summary.manifest string?
    summary.review string?
    summary.guests integer
    summary.drafted integer
    summary.doubtful integer
    summary.left_out integer
    summary.not_guests integer
    summary.exit_code integer
    rows[].user_id string
    rows[].user string
    rows[].current_email string?
    rows[].standing drafted|doubtful|left-out
    rows[].reason string
    rows[].explanation string
    rows[].new_email string?
    rows[].candidates list";

const AFTERCARE: &str = "
    schema string
    summary.directory string
    summary.files list
    summary.tenant_id string
    summary.tenant_name string?
    summary.manifest string
    summary.moved integer
    summary.pending integer
    summary.holding_old_address integer
    summary.left_out integer
    summary.groups integer?
    summary.teams integer?
    summary.sites integer
    summary.apps integer?
    summary.exit_code integer
    left_out list
    unreadable list";

const REHEARSAL: &str = "
    schema string
    summary.manifest string
    summary.rows integer
    summary.invited integer
    summary.settled integer
    summary.blocked integer
    summary.failed integer
    summary.unknown integer
    summary.patched integer
    summary.not_attempted integer
    summary.redeemed integer
    summary.mails integer
    summary.runs integer
    summary.end settled|stuck|out-of-nights|refused|stopped|interrupted
    summary.begun_at time
    summary.last_at time
    summary.duration_seconds number
    summary.plan_digest digest
    summary.exit_code integer
    runs list
    mails list
    rows list";

const SNAPSHOT: &str = "
    schema string
    summary.file string
    summary.manifest string?
    summary.pseudonyms boolean
    summary.guests integer
    summary.members integer
    summary.holders integer
    summary.role_holders integer
    summary.exit_code integer";

const INIT: &str = "
    written list";

const CONFIG: &str = "
    keys list";

/// What a command says that ended before it had anything else to say.
const FAILED: &str = "
    summary.exit_code integer
    summary.stop_reason string
    summary.stop_message string
    summary.elapsed_seconds number";

/// Asserts that every line of `keys`, a path and a type, holds of the object. Behind
/// `[]` it has to hold of each element.
#[track_caller]
fn has(object: &Value, keys: &str, of: &Output) {
    for line in keys.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (path, kind) = line.split_once(' ').expect("a path and a type");
        for value in at(object, path, of) {
            let optional = kind.strip_suffix('?');
            let is_right =
                optional.is_some() && value.is_null() || is_a(value, optional.unwrap_or(kind));
            assert!(is_right, "{path} is {value}, no {kind}\n{of}");
        }
    }
}

#[track_caller]
fn at<'v>(object: &'v Value, path: &str, of: &Output) -> Vec<&'v Value> {
    let mut values = vec![object];
    for step in path.split('.') {
        let (name, is_list) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
        let named = values
            .iter()
            .map(|value| value.get(name).unwrap_or_else(|| panic!("{path} is missing\n{of}")));
        values = if is_list {
            named.flat_map(|list| list.as_array().expect("a list")).collect()
        } else {
            named.collect()
        };
    }
    values
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "list" => value.is_array(),
        "boolean" => value.is_boolean(),
        "digest" => value.as_str().map(str::len) == Some(64),
        "time" => value.as_str().is_some_and(|time| time.parse::<jiff::Timestamp>().is_ok()),
        words => value.as_str().is_some_and(|word| words.split('|').any(|one| one == word)),
    }
}

/// Runs the command with `--output json`: the object is all there is on stdout.
#[track_caller]
fn object(campaign: &Campaign, command: &str, exit: i32) -> (Value, Output) {
    let output = campaign.run(&format!("{command} --output json")).exits(exit);
    (output.json(), output)
}

/// Insists on the schema as the first key.
#[track_caller]
fn begins_with(schema: &str, output: &Output) {
    let start = format!("{{\"schema\":\"{schema}\",");
    assert!(output.stdout.starts_with(&start), "no {start}\n{output}");
}

/// The schema of what a command prints.
fn schema(command: &str) -> String {
    match command.split(' ').next().expect("a command") {
        "remind" => "reinvite-reconcile/1".to_owned(),
        "config" => "reinvite-config-show/1".to_owned(),
        "rehearse" => "reinvite-rehearsal/1".to_owned(),
        command => format!("reinvite-{command}/1"),
    }
}

#[test]
fn every_command_prints_one_object_with_the_keys_of_the_contract() {
    let campaign = Campaign::new();
    campaign.configure(&campaign.origin(), "[remind]\nafter = \"7d\"\n");
    campaign.write("bad.csv", "user,new_email\nnobody,nowhere\n");
    campaign.write(
        "mailed.toml",
        "[delivery]\nby = \"files\"\nfrom = \"it@contoso.example\"\nfolder = \"mails\"\n",
    );
    let plan = [PLAN, END, ROWS].concat();
    let run = [RUN, END, RUN_END, ROWS].concat();
    let night = [RUN, END, RUN_END, ROWS, NIGHT].concat();
    let commands: [(&str, i32, &str); 27] = [
        ("init fresh", 0, INIT),
        ("draft --from northwind.example --to fabrikam.example --out drafted.csv", 0, DRAFT),
        ("snapshot --out contoso.tenant", 0, SNAPSHOT),
        ("rehearse guests.csv --tenant contoso.tenant", 4, REHEARSAL),
        ("lint guests.csv", 0, LINT),
        ("lint bad.csv", 2, LINT),
        ("preview guests.csv --config mailed.toml", 0, PREVIEW),
        ("preview guests.csv --config mailed.toml --out look", 0, PREVIEW),
        ("config show", 0, CONFIG),
        ("doctor", 0, DOCTOR),
        ("doctor guests.csv", 0, DOCTOR),
        ("plan guests.csv", 0, &plan),
        ("plan guests.csv --expect-no-changes", 3, &plan),
        ("apply guests.csv --yes", 4, &run),
        ("aftercare guests.csv --out after", 0, AFTERCARE),
        ("status guests.csv", 0, STATUS),
        ("status guests.csv.checkpoint", 0, STATUS),
        ("verify guests.csv", 4, VERIFY),
        ("verify guests.csv.checkpoint", 4, VERIFY),
        ("explain 2 guests.csv", 0, EXPLAIN),
        ("explain 2 guests.csv.checkpoint", 0, EXPLAIN),
        ("report guests.csv", 0, REPORT),
        ("report guests.csv guests.csv.checkpoint", 0, REPORT),
        ("remind guests.csv --yes", 0, &night),
        ("reconcile guests.csv --yes", 4, &night),
        ("revert guests.csv --dry-run", 0, &plan),
        ("revert guests.csv --yes", 0, &run),
    ];
    for (command, exit, keys) in commands {
        let (object, output) = object(&campaign, command, exit);
        has(&object, keys, &output);
        begins_with(&schema(command), &output);
        if keys.contains("summary.exit_code") {
            assert_eq!(object["summary"]["exit_code"], exit, "{output}");
        }
        if command.contains("guests.csv")
            && object["rows"].is_array()
            && !command.starts_with("remind")
            && !command.starts_with("revert")
        {
            assert_eq!(object["rows"].as_array().map(Vec::len), Some(20), "{output}");
        }
    }
    // `demo` is `apply` on the tenant of ten seconds; `emulate` prints its object and stays;
    // `completions` and `man` print what a shell and `man` read, `schema` a schema.
    let others = ["demo", "emulate", "completions", "man", "schema"];
    let walked: BTreeSet<_> =
        commands.iter().filter_map(|(command, ..)| command.split(' ').next()).collect();
    for command in Cli::command().get_subcommands().map(clap::Command::get_name) {
        assert!(walked.contains(command) || others.contains(&command), "{command}");
    }
}

#[test]
fn a_command_that_fails_prints_one_object_all_the_same() {
    let campaign = Campaign::new();
    campaign.write("bad.csv", "user,new_email\nnobody,nowhere\n");
    campaign.write("bad.toml", "[tenant]\nid = \"contoso.example\"\nidd = 1\n");
    let run = [RUN, FAILED].concat();
    let end = [PLAN.replace("summary.refusals integer", ""), FAILED.to_owned()].concat();
    let commands: [(&str, i32, &str); 19] = [
        ("init .", 2, FAILED),
        ("lint missing.csv", 2, FAILED),
        ("doctor --config bad.toml", 2, FAILED),
        ("doctor missing.csv", 2, DOCTOR),
        ("plan missing.csv", 2, &end),
        ("plan bad.csv", 2, &end),
        ("plan guests.csv --config bad.toml", 2, &end),
        ("apply bad.csv --yes", 2, &run),
        ("apply guests.csv", 2, &run),
        ("apply guests.csv --resend 2", 2, &run),
        ("reconcile guests.csv", 2, &run),
        ("revert missing.csv", 2, &run),
        ("revert missing.csv --dry-run", 2, &run),
        ("remind guests.csv --yes", 2, &run),
        ("status three.csv", 2, FAILED),
        ("verify three.csv", 2, FAILED),
        ("explain 2 three.csv", 2, FAILED),
        ("report three.csv", 2, FAILED),
        ("emulate --tenant missing.json", 2, FAILED),
    ];
    for (command, exit, keys) in commands {
        let (object, output) = object(&campaign, command, exit);
        has(&object, keys, &output);
        let failure = "reinvite-failure/1".to_owned();
        begins_with(&if keys == FAILED { failure } else { schema(command) }, &output);
        assert_eq!(object["summary"]["exit_code"], exit, "{output}");
        if command.contains("bad.csv") {
            assert_eq!(object["summary"]["not_attempted"], 1, "{output}");
        }
    }
}

#[test]
fn a_dry_run_is_the_plan_of_this_very_apply() {
    let campaign = Campaign::new();
    campaign.run("apply three.csv --yes").exits(0);
    let apply = "apply three.csv --resend 2 --reason lost";
    let (plan, output) = object(&campaign, &format!("{apply} --dry-run"), 0);
    has(&plan, &[PLAN, END, ROWS].concat(), &output);
    begins_with("reinvite-plan/1", &output);
    assert_eq!(plan["summary"]["change"], 1, "{output}");
    assert_eq!(campaign.invitations(), 3, "nothing was sent");
    let digest = plan["summary"]["plan_digest"].as_str().expect("a digest");
    let reviewed = format!("{apply} --yes --plan {digest}");
    assert_eq!(object(&campaign, &reviewed, 0).0["summary"]["invited"], 1);
    let (failed, output) = object(&campaign, "apply none.csv --dry-run", 2);
    has(&failed, FAILED, &output);
    begins_with("reinvite-plan/1", &output);
}

#[test]
fn the_plans_counts_add_up() {
    let (plan, _) = object(&Campaign::new(), "plan guests.csv", 0);
    let summary = &plan["summary"];
    let sum: u64 =
        ["change", "settled", "blocked"].iter().filter_map(|k| summary[k].as_u64()).sum();
    assert_eq!(Some(sum), summary["rows"].as_u64());
}

#[test]
fn a_quiet_night_has_its_object_and_says_nothing_else() {
    let campaign = Campaign::new();
    campaign.run("reconcile three.csv --yes").exits(0);
    let quiet = campaign.run("reconcile three.csv --yes --output json").exits(0);
    assert_eq!(quiet.stderr, "");
    assert_eq!(quiet.json()["summary"]["settled"], 3);
}

#[test]
fn stdout_holds_the_object_alone_however_talkative_the_run_is() {
    let campaign = Campaign::new();
    let output =
        campaign.run("apply guests.csv --yes --output json -vvv --result result.csv").exits(4);
    assert!(output.json()["summary"].is_object());
    assert!(output.stderr.contains("Plan for Contoso"), "{output}");
}

#[test]
fn the_environment_asks_like_a_flag() {
    let campaign = Campaign::new();
    let mut command = campaign.command("plan three.csv");
    command.env("REINVITE_OUTPUT", "json").env("REINVITE_EXPECT_NO_CHANGES", "true");
    assert_eq!(campaign.complete(command).exits(3).json()["summary"]["change"], 3);
}
