//! After a run: metrics, webhook and pings, and that none of them can harm it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::schemas;
use crate::support::{Campaign, Output, RUNTIME, snapshot};

/// A server on loopback that keeps what it is told.
pub(crate) struct Receiver {
    pub(crate) origin: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

struct Heard {
    request: String,
    kind: String,
    body: String,
}

impl Receiver {
    /// Answers with these statuses in turn, then with 200.
    pub(crate) fn answering(statuses: &[u16]) -> Self {
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let keep = Arc::clone(&heard);
        let statuses = statuses.to_vec();
        let answer = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
            let mut heard = keep.lock().unwrap();
            heard.push(Heard {
                request: format!("{method} {uri}"),
                kind: headers["content-type"].to_str().unwrap().to_owned(),
                body: String::from_utf8(body.to_vec()).unwrap(),
            });
            let status = statuses.get(heard.len() - 1).copied().unwrap_or(200);
            StatusCode::from_u16(status).unwrap()
        };
        let router = Router::new().fallback(answer);
        let origin = RUNTIME.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let origin = format!("http://{}", listener.local_addr().expect("it is bound"));
            tokio::spawn(axum::serve(listener, router).into_future());
            origin
        });
        Self { origin, heard }
    }

    /// Everything it was told, whatever varies by address left out.
    pub(crate) fn said(&self) -> String {
        let mut said = String::new();
        for Heard { request, kind, body } in &*self.heard.lock().unwrap() {
            let body = serde_json::from_str::<Value>(body)
                .map_or_else(|_| body.clone(), |json| format!("{json:#}"));
            let _ = writeln!(said, "{request} ({kind})\n{body}");
        }
        said
    }

    fn requests(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().map(|heard| heard.request.clone()).collect()
    }
}

const SECRET: &str = "T0SECRETB0";

/// A campaign that tells such an address, with more keys under `[notify]`.
fn telling(origin: &str, key: &str, more: &str) -> Campaign {
    let campaign = Campaign::new();
    configure(&campaign, &format!("[notify]\n{key}_env = \"ADDRESS\"\n{more}\n"));
    campaign.write("address", &format!("{origin}/{SECRET}"));
    campaign
}

fn configure(campaign: &Campaign, more: &str) {
    campaign.configure(&campaign.origin(), more);
}

fn run(campaign: &Campaign, arguments: &str) -> Output {
    let mut command = campaign.command(arguments);
    command.env("ADDRESS", campaign.read("address"));
    let output = campaign.complete(command);
    assert!(!output.to_string().contains(SECRET), "{output}");
    output
}

/// A sample's name and labels, and its value.
type Samples = BTreeMap<String, f64>;

/// Reads the text format as strictly as Prometheus' own parser: a metric's help and
/// type come first and once, its samples follow it in one piece.
#[track_caller]
fn samples(text: &str) -> Samples {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !name.as_bytes()[0].is_ascii_digit()
    };
    let mut samples = Samples::new();
    let (mut current, mut helped, mut typed) = ("", Vec::new(), Vec::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help text");
            assert!(is_name(name) && help.ends_with('.') && !helped.contains(&name), "{line}");
            helped.push(name);
            current = name;
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            // The types that the format has; others spoil the whole file.
            let kinds = ["counter", "gauge", "histogram", "summary", "untyped"];
            assert!(name == current && kinds.contains(&kind) && !typed.contains(&name), "{line}");
            typed.push(name);
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let (name, labels) = series.split_once('{').expect("labels");
            assert!(name == current && typed.last() == Some(&name), "{line}");
            assert!(labels.ends_with('}'), "{line}");
            let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
            assert!(samples.insert(series.to_owned(), value).is_none(), "twice: {line}");
        }
    }
    assert!(text.ends_with('\n'));
    samples
}

#[track_caller]
fn sample(samples: &Samples, name: &str) -> Option<f64> {
    let mut found = samples.iter().filter(|(series, _)| series.contains(name));
    let value = found.next().map(|(_, value)| *value);
    assert!(found.next().is_none(), "{name} is not one: {samples:?}");
    value
}

#[test]
fn every_run_leaves_its_metrics_and_the_last_success_is_carried_on() {
    let campaign = Campaign::new();
    configure(&campaign, "[metrics]\ntextfile = \"reinvite.prom\"\n");
    let after = |arguments: &str, exit: i32| {
        campaign.run(arguments).exits(exit);
        samples(&campaign.read("reinvite.prom"))
    };
    // Before there is a plan.
    let first = after("apply nowhere.csv --yes", 2);
    assert_eq!(sample(&first, "reinvite_run_exit_code{"), Some(2.0));
    assert_eq!(sample(&first, "reinvite_last_success_timestamp_seconds"), None);
    assert_eq!(sample(&first, "state="), None);

    let done = after("apply three.csv --yes", 0);
    assert_eq!(sample(&done, "state=\"invited\""), Some(3.0));
    assert_eq!(sample(&done, "reinvite_run_mails_written"), Some(3.0));
    let succeeded = sample(&done, "reinvite_last_success_timestamp_seconds").unwrap();
    assert_eq!(Some(succeeded), sample(&done, "reinvite_run_end_timestamp_seconds"));
    assert_eq!(sample(&done, "redemption=\"not-verified\""), Some(3.0));
    let verified = after("verify three.csv", 0);
    assert_eq!(sample(&verified, "redemption=\"pending\""), Some(3.0));
    let pending = sample(&verified, "reinvite_pending_since_timestamp_seconds").unwrap();
    // By the service's clock, which tells no fractions.
    assert!((pending - succeeded).abs() < 60.0, "{pending} {succeeded}");
    let succeeded = sample(&verified, "reinvite_last_success_timestamp_seconds").unwrap();
    assert!(
        done.keys().all(|series| {
            series.contains("{tenant=\"contoso.example\",manifest=\"three.csv\"")
        })
    );

    // Of another kind, and refused by a guard: the earlier success stays known.
    campaign.write("three.csv", &campaign.read("guests.csv"));
    let refused = after("apply three.csv --yes --max-changes 0", 5);
    assert_eq!(sample(&refused, "reinvite_run_exit_code{"), Some(5.0));
    assert_eq!(sample(&refused, "stop_reason=\"max-changes\""), Some(1.0));
    assert!(sample(&refused, "state=\"not_attempted\"") > Some(0.0));
    let carried = sample(&refused, "reinvite_last_success_timestamp_seconds").unwrap();
    assert!((carried - succeeded).abs() < 1.0, "{carried} {succeeded}");
}

#[test]
fn metrics_that_cannot_be_written_are_warned_of() {
    let campaign = Campaign::new();
    configure(&campaign, "[metrics]\ntextfile = \"no/such/reinvite.prom\"\n");
    let output = campaign.run("apply three.csv --yes").exits(0);
    assert!(output.stderr.contains("warning: the metrics were not written"), "{output}");
    #[cfg(unix)]
    {
        // To open a pipe would wait for whoever writes to it.
        configure(&campaign, "[metrics]\ntextfile = \"pipe.prom\"\n");
        let made = std::process::Command::new("mkfifo").arg(campaign.path("pipe.prom")).status();
        assert!(made.expect("mkfifo is part of every Unix").success());
        let output = campaign.run("apply three.csv --yes").exits(0);
        assert!(output.stderr.contains("pipe.prom: it is no regular file"), "{output}");
    }
    configure(&campaign, "[metrics]\ntextfile = \"metrics.txt\"\n");
    snapshot!(campaign.run("apply three.csv --yes"), @r#"
    ------- stderr -------
    error: reinvite.toml:18:12: [metrics] textfile: `metrics.txt` does not end in .prom
    18 | textfile = "metrics.txt"
       |            ^^^^^^^^^^^^^
      hint: node_exporter's textfile collector reads files named *.prom alone
    ------- exit 2 -------
    "#);
}

#[test]
fn a_program_of_ones_own_is_told_everything() {
    let receiver = Receiver::answering(&[]);
    let campaign = telling(&receiver.origin, "webhook", "on = [\"always\"]");
    run(&campaign, "apply three.csv --yes").exits(0);
    let told = receiver.heard.lock().unwrap()[0].body.clone();
    schemas::insist("webhook", &serde_json::from_str(&told).unwrap());
    snapshot!(receiver.said(), @r#"
    POST /T0SECRETB0 (application/json)
    {
      "checkpoint": "three.csv.checkpoint",
      "command": "apply",
      "": "[DURATION]",
      "ended_at": "[TIME]",
      "event": "finished",
      "exit_code": 0,
      "manifest": "three.csv",
      "meaning": "done, or nothing to do",
      "result": "success",
      "run_id": "[ID]",
      "schema": 1,
      "started_at": "[TIME]",
      "stop_message": null,
      "stop_reason": null,
      "summary": {
        "blocked": 0,
        "": "[DURATION]",
        "exit_code": 0,
        "failed": 0,
        "invited": 3,
        "mail_failed": 0,
        "mail_files": 0,
        "mail_unknown": 0,
        "mailed": 0,
        "not_attempted": 0,
        "not_invited": 0,
        "patched": 3,
        "plan_digest": "[DIGEST]",
        "retries": 0,
        "rows": 3,
        "settled": 0,
        "started_at": "[TIME]",
        "stop_message": null,
        "stop_reason": null,
        "tenant_id": "7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001",
        "tenant_name": "Contoso",
        "throttle_wait_seconds": 0.0,
        "throttled": 0,
        "unknown": 0
      },
      "tenant_id": "7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001",
      "tenant_name": "Contoso",
      "to_do": null
    }
    "#);
}

#[test]
fn slack_and_teams_are_told_in_a_few_lines() {
    for format in ["slack", "teams"] {
        let receiver = Receiver::answering(&[503]);
        let more = format!("format = \"{format}\"");
        let campaign = telling(&receiver.origin, "webhook", &more);
        // A failure, told on the second try.
        run(&campaign, "apply guests.csv --yes").exits(4);
        assert_eq!(receiver.requests().len(), 2);
        let heard = receiver.heard.lock().unwrap();
        let body: Value = serde_json::from_str(&heard[1].body).unwrap();
        if format == "slack" {
            snapshot!(format!("{body:#}"), @r#"
                {
                  "mrkdwn": false,
                  "text": "reinvite apply guests.csv: finished, and some rows failed or are blocked (exit code 4)\nTenant: Contoso (7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001)\n20 rows: 4 invited, 2 settled, 14 blocked\nTo do: look at the failed and blocked rows: `reinvite status`"
                }
                "#);
        } else {
            let card = &body["attachments"][0];
            assert_eq!(card["contentType"], "application/vnd.microsoft.card.adaptive");
            let blocks = card["content"]["body"].as_array().unwrap();
            let texts: Vec<_> =
                blocks.iter().map(|block| block["inlines"][0]["text"].as_str().unwrap()).collect();
            snapshot!(texts.join("\n"), @"
                reinvite apply guests.csv: finished, and some rows failed or are blocked (exit code 4)
                Tenant: Contoso (7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001)
                20 rows: 4 invited, 2 settled, 14 blocked
                To do: look at the failed and blocked rows: `reinvite status`
                ");
        }
    }
}

#[test]
fn a_webhook_is_told_of_what_it_is_for() {
    for (on, changed, unchanged) in
        [("failure", 0, 0), ("changes", 1, 1), ("always", 1, 2), ("failure\", \"changes", 1, 1)]
    {
        let receiver = Receiver::answering(&[]);
        let campaign = telling(&receiver.origin, "webhook", &format!("on = [\"{on}\"]"));
        run(&campaign, "apply three.csv --yes").exits(0);
        assert_eq!(receiver.requests().len(), changed, "{on}");
        run(&campaign, "apply three.csv --yes").exits(0);
        assert_eq!(receiver.requests().len(), unchanged, "{on}");
    }
}

#[test]
fn an_unreachable_webhook_changes_nothing_but_a_warning() {
    // Nobody listens at a port that was given back.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let campaign = telling(&origin, "webhook", "on = [\"always\"]");
    let output = run(&campaign, "apply three.csv --yes --log-file log").exits(0);
    assert!(output.stderr.contains("warning: the webhook was not told: 127.0.0.1:"), "{output}");
    assert!(!campaign.read("log").contains(SECRET));
    assert_eq!(campaign.invitations(), 3);
    // Neither does one that can't be told at all.
    campaign.write("address", &format!("http://hooks.example/{SECRET}"));
    let output = run(&campaign, "apply three.csv --yes").exits(0);
    let warning = "warning: the webhook will not be told: its address is not https";
    assert!(output.stderr.contains(warning), "{output}");
}

#[test]
fn a_monitor_hears_of_start_and_end() {
    let receiver = Receiver::answering(&[]);
    let campaign = telling(&receiver.origin, "ping", "");
    run(&campaign, "apply three.csv --yes").exits(0);
    run(&campaign, "apply guests.csv --yes --checkpoint other").exits(4);
    // Refused before the checkpoint was taken: nothing had begun.
    run(&campaign, "apply nowhere.csv --yes").exits(2);
    snapshot!(receiver.said(), @"
    POST /T0SECRETB0/start (text/plain; charset=utf-8)

    POST /T0SECRETB0 (text/plain; charset=utf-8)
    reinvite apply three.csv: done, or nothing to do (exit code 0)
    Tenant: Contoso (7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001)
    3 rows: 3 invited
    POST /T0SECRETB0/start (text/plain; charset=utf-8)

    POST /T0SECRETB0/fail (text/plain; charset=utf-8)
    reinvite apply guests.csv: finished, and some rows failed or are blocked (exit code 4)
    Tenant: Contoso (7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001)
    20 rows: 1 invited, 5 settled, 14 blocked
    To do: look at the failed and blocked rows: `reinvite status`
    POST /T0SECRETB0/fail (text/plain; charset=utf-8)
    reinvite apply nowhere.csv: usage, configuration or manifest unusable; nothing sent (exit code 2)
    Tenant: contoso.example
    Why: cannot read `nowhere.csv`: No such file or directory (os error [CODE])
    To do: check the path and the permissions; `-` reads standard input
    ");
}

#[test]
fn the_addresses_are_in_no_trace_however_talkative_the_run_is() {
    let receiver = Receiver::answering(&[]);
    let more = "on = [\"always\"]\nping_env = \"ADDRESS\"";
    let campaign = telling(&receiver.origin, "webhook", more);
    // `run` looks for it in all that is said.
    run(&campaign, "apply three.csv --yes -vvv --log-file log --log-format json").exits(0);
    assert_eq!(receiver.requests().len(), 3);
    assert!(!campaign.read("log").contains(SECRET));
    let checkpoint = std::fs::read(campaign.path("three.csv.checkpoint")).unwrap();
    assert!(!checkpoint.windows(SECRET.len()).any(|bytes| bytes == SECRET.as_bytes()));
}

#[cfg(unix)]
#[test]
fn an_address_shown_by_systemd_to_its_service_alone_is_not_open_to_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let campaign = Campaign::new();
    configure(&campaign, "[notify]\nwebhook_file = \"address\"\n");
    campaign.write("address", "https://hooks.example/x");
    let open = std::fs::Permissions::from_mode(0o440);
    std::fs::set_permissions(campaign.path("address"), open).unwrap();
    let warned = |command| campaign.complete(command).exits(0).stderr.contains("other accounts");
    assert!(warned(campaign.command("plan three.csv")));
    let mut command = campaign.command("plan three.csv --config");
    command.arg(campaign.path("reinvite.toml"));
    command.env("CREDENTIALS_DIRECTORY", campaign.directory());
    assert!(!warned(command));
}

#[test]
fn a_run_that_finds_another_at_work_is_neither_success_nor_failure() {
    let receiver = Receiver::answering(&[]);
    let campaign = telling(&receiver.origin, "ping", "webhook_env = \"ADDRESS\"");
    let hold = reinvite::checkpoint::Checkpoint::open(
        &campaign.path("three.csv.checkpoint"),
        jiff::Timestamp::now(),
    );
    run(&campaign, "apply three.csv --yes").exits(8);
    drop(hold);
    assert_eq!(receiver.requests(), [""; 0]);
}
