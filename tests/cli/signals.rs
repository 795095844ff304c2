//! Ctrl-C and SIGTERM in the middle of a run.

use std::time::{Duration, Instant};

use reinvite::emulator::{Action, Fault, Matcher, Options, TenantSeed};

use crate::slow::{GUESTS, slow};
use crate::support::{Campaign, HANNAH, Output, snapshot};

/// Runs until the first guest is invited, then sends the signal.
fn stopped_by(signal: &str, campaign: &Campaign, arguments: &str) -> Output {
    let mut run = campaign.start(arguments);
    run.hear("invited");
    run.signal(signal);
    run.finish()
}

#[test]
fn after_ctrl_c_what_is_under_way_is_finished_and_the_command_that_continues_is_told() {
    let campaign = slow();
    let output = stopped_by("INT", &campaign, "apply all.csv --yes --max-failures 5%").exits(130);
    assert!(output.stderr.contains("\nstopping: interrupted; "), "{output}");
    assert!(output.stdout.contains("Stopped early: interrupted [interrupted]"), "{output}");
    let continues = "\nTo carry on\n  reinvite apply all.csv --yes --max-failures 5%\n";
    assert!(output.stdout.ends_with(continues), "{output}");
    let sent = campaign.invitations();
    assert!((1..GUESTS as usize).contains(&sent), "{sent}");
    campaign.run("apply all.csv --yes --max-failures 5%").exits(0);
    assert_eq!(campaign.invitations(), GUESTS as usize);
    for n in 1..=GUESTS {
        let id = TenantSeed::guest_id(n);
        assert_eq!(campaign.tenant.ledger().invitations_for(&id).len(), 1, "{id}");
    }
}

#[test]
fn sigterm_ends_the_run_the_same_way_with_its_own_code() {
    let campaign = slow();
    let output = stopped_by("TERM", &campaign, "apply all.csv --yes --output json").exits(143);
    let summary = &output.json()["summary"];
    assert_eq!(summary["stop_reason"], "terminated");
    assert_eq!(summary["exit_code"], 143);
    assert_eq!(summary["invited"].as_u64(), Some(campaign.invitations() as u64));
    let left = u64::from(GUESTS) - summary["invited"].as_u64().unwrap();
    assert_eq!(summary["not_attempted"].as_u64(), Some(left));
}

#[test]
fn a_terminal_that_is_closed_ends_the_run_the_same_way() {
    let campaign = slow();
    let output = stopped_by("HUP", &campaign, "apply all.csv --yes");
    if ignores_hang_ups() {
        // Under `nohup` these tests are, too, and so is what they start.
        output.exits(0);
        return;
    }
    let output = output.exits(143);
    assert!(output.stdout.contains("[terminated]"), "{output}");
    let status = campaign.run("status all.csv --output json").exits(0).json();
    assert_eq!(status["last_run"]["stop_reason"], "terminated");
}

fn ignores_hang_ups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & 1 == 1)
}

#[test]
fn a_signal_does_not_wait_for_a_program_that_is_slow_to_give_a_secret() {
    let campaign = Campaign::new();
    let from_file = campaign.read("reinvite.toml");
    let from_program = "client_secret_command = [\"/bin/sh\", \"slow\"]";
    campaign.write(
        "reinvite.toml",
        &from_file.replace("client_secret_file = \"client-secret.txt\"", from_program),
    );
    // Its last words are the sign that it runs.
    campaign.write("slow", "echo >asked; exec /bin/sleep 25\n");
    let began = Instant::now();
    let run = campaign.start("plan three.csv");
    while !campaign.exists("asked") {
        std::thread::sleep(Duration::from_millis(10));
    }
    run.signal("TERM");
    let output = run.finish().exits(143);
    assert!(output.stderr.contains("terminated before anything was sent"), "{output}");
    assert!(began.elapsed() < Duration::from_secs(20), "{output}");
}

#[test]
fn a_second_ctrl_c_leaves_at_once_and_what_was_under_way_is_not_forgotten() {
    let campaign = Campaign::new();
    // Longer than anybody waits who presses twice.
    let late = Action::Delay(Duration::from_mins(1));
    campaign.tenant.inject(Fault::new(Matcher::invitation().of(HANNAH), late));
    let began = Instant::now();
    let mut run = campaign.start("apply three.csv --yes");
    run.hear("invited");
    run.hear("invited");
    run.signal("INT");
    run.hear("stopping: interrupted");
    run.signal("INT");
    let output = run.finish().exits(130);
    assert!(began.elapsed() < Duration::from_secs(30), "{output}");
    assert!(output.stderr.contains("in 1 min 40 s at most; once more leaves at once"), "{output}");
    assert!(
        output.stderr.contains("\nleft at once; whether what was on its way for line "),
        "{output}"
    );
    let status = campaign.run("status three.csv --output json").exits(0).json();
    let counts = ["invited", "unknown"].map(|state| status["counts"][state].as_u64().unwrap());
    assert_eq!(counts, [2, 1]);
    assert!(status["last_run"]["ended"].is_null(), "{status}");
}

#[test]
fn a_second_run_beside_the_first_is_turned_away_and_status_is_not() {
    let campaign = slow();
    let mut run = campaign.start("apply all.csv --yes");
    run.hear("to do");
    let second = campaign.run("apply all.csv --yes").exits(8);
    assert!(second.stderr.contains(&format!("in use by process {} on ", run.id())), "{second}");
    let status = campaign.run("status all.csv").exits(0);
    assert!(status.stdout.contains("is running"), "{status}");
    run.signal("INT");
    run.finish().exits(130);
    let status = campaign.run("status all.csv --output json").exits(0).json();
    assert_eq!(status["last_run"]["stop_reason"], "interrupted");
}

#[test]
fn an_interrupted_plan_has_sent_nothing() {
    let latency = Some(Duration::from_millis(300)..=Duration::from_millis(300));
    let campaign = Campaign::with(TenantSeed::sample(), Options { latency, ..Options::default() });
    let mut run = campaign.start("plan three.csv");
    run.hear("three.csv: CSV");
    // The manifest is read; signals are listened to before the first request.
    while campaign.tenant.ledger().requests.is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    run.signal("INT");
    snapshot!(run.finish(), @r#"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: interrupted before anything was sent
    ------- exit 130 -------
    "#);
}

#[test]
fn a_run_that_is_terminated_leaves_its_metrics_and_the_last_line_of_its_log() {
    let campaign = slow();
    let configuration = campaign.read("reinvite.toml");
    campaign.write("reinvite.toml", &format!("{configuration}[metrics]\ntextfile = \"m.prom\"\n"));
    stopped_by("TERM", &campaign, "apply all.csv --yes --log-file log --log-format json")
        .exits(143);
    let metrics = campaign.read("m.prom");
    let code = metrics.lines().find(|line| line.starts_with("reinvite_run_exit_code{"));
    assert!(code.is_some_and(|line| line.ends_with(" 143.0")), "{metrics}");
    let log = campaign.read("log");
    let last = log.lines().last().unwrap_or_default();
    assert!(last.contains(r#""event":"finished""#), "{last}");
    assert!(last.contains(r#""stop_reason":"terminated""#), "{last}");
}
