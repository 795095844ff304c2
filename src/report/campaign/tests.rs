//! What a campaign's rows add up to, and that no text from outside escapes its place.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::json;

use crate::checkpoint::{
    Delta, Failure, History, HistoryRow, NotInManifest, Planned, Resends, RunRecord,
    SightingRecord, Status, WaitRecord,
};
use crate::domain::{Counts, InvitationKey, Shows, Sighting, State};
use crate::manifest::{Loaded, Options, guarded, parse, unguarded};

use super::row::{Attention, Redemption, RowView};
use super::{Report, ReportFormat, ReportOptions, chart, failed_csv, is_report, write_report};

const DAY: i64 = 24;

fn at(hour: i64) -> Timestamp {
    let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    noon + SignedDuration::from_hours(hour)
}

fn options() -> ReportOptions {
    ReportOptions { now: at(20 * DAY), stuck_after: Duration::from_hours(336) }
}

fn row(line: u32, standing: State) -> HistoryRow {
    let invited = (standing == State::Invited).then(|| at(1));
    HistoryRow {
        line: Some(line),
        user: format!("guest{line}@northwind.example"),
        user_id: Some(format!("{line:08x}-0000-4000-8000-000000000000")),
        address: Some(format!("guest{line}@fabrikam.example")),
        decision: Some(Planned::Change),
        reason: "new-address".to_owned(),
        explanation: String::new(),
        cells: json!([format!("guest{line}"), "x"]).to_string(),
        standing,
        is_not_invited: false,
        failure: None,
        evidence: None,
        old_mail: None,
        patched_at: invited,
        first_invited_at: invited,
        invited_at: invited,
        invitations: u32::from(invited.is_some()),
        mail: None,
        arrival: None,
        sighting: None,
        redeemed_at: None,
    }
}

fn seen(hour: i64, shows: Shows) -> HistoryRow {
    let redeemed_at = (shows == Shows::Redeemed).then_some(at(hour));
    let key = InvitationKey {
        user_id: uuid::Uuid::from_u128(2).into(),
        address: "guest2@fabrikam.example".parse().unwrap(),
    };
    let sighting = Sighting { key, shows, since: None };
    let sighting = SightingRecord { run: 1, at: at(hour), sighting };
    HistoryRow { sighting: Some(sighting), redeemed_at, ..row(2, State::Invited) }
}

fn history(rows: Vec<HistoryRow>) -> History {
    let invitations = rows.iter().filter_map(|row| Some((1, row.invited_at?))).collect();
    History {
        status: Status {
            manifest: "guests.csv".to_owned(),
            tenant: "t".to_owned(),
            tenant_name: Some("Contoso".to_owned()),
            created_at: Some(at(0)),
            rows: rows.len() as u64,
            counts: Counts::default(),
            failures: Vec::new(),
            not_invited: 0,
            under_way: 0,
            resends: Resends::default(),
            not_in_manifest: NotInManifest::default(),
            mails: crate::checkpoint::MailCounts::default(),
            arrivals: crate::domain::ArrivalCounts::default(),
            last_run: None,
            held_by: None,
        },
        form: Some(
            json!({"format": "csv", "encoding": "utf8", "delimiter": ";", "preamble": "sep=;\r\n",
                   "header": ["user", "new_email"]})
            .to_string(),
        ),
        runs: vec![RunRecord {
            id: 1,
            command: "apply".to_owned(),
            started_at: at(0),
            ended_at: None,
            stop_reason: None,
            exit_code: None,
            summary: json!(null),
        }],
        rows,
        invitations,
        waits: vec![WaitRecord { run: 1, at: at(1), scope: String::new(), seconds: 1e12 }],
        looked_at: Some(at(20 * DAY)),
        delta: Delta::default(),
    }
}

fn report(rows: Vec<HistoryRow>) -> Report {
    Report::new(vec![history(rows)], options())
}

fn written(report: &Report, format: ReportFormat) -> String {
    let mut out = Vec::new();
    write_report(&mut out, report, format).unwrap();
    String::from_utf8(out).unwrap()
}

const FORMATS: [ReportFormat; 5] = [
    ReportFormat::Html,
    ReportFormat::Csv,
    ReportFormat::Json,
    ReportFormat::Markdown,
    ReportFormat::Junit,
];

#[test]
fn what_was_seen_counts_for_the_invitation_it_was_seen_after() {
    use Redemption as R;
    let drift = Some(Attention::Drift);
    let stuck = Some(Attention::Stuck);
    // The invitation is of hour 1, and now is day 20.
    for (row, redemption, attention) in [
        (row(2, State::Invited), Some(R::NotVerified), None),
        (seen(2, Shows::Redeemed), Some(R::Redeemed), None),
        (seen(2, Shows::Pending), Some(R::Pending), stuck),
        (seen(2, Shows::NoTrace), Some(R::NoTrace), drift),
        (seen(2, Shows::MailChanged { mail: None, back: false }), Some(R::MailChanged), drift),
        (seen(2, Shows::Deleted), Some(R::Deleted), drift),
        (seen(2, Shows::Reinvited), Some(R::Reinvited), drift),
        (seen(2, Shows::Unclear { state: "Frozen".into() }), Some(R::Unclear), drift),
        // Another invitation resets what was redeemed, and redeems nothing.
        (seen(0, Shows::Redeemed), Some(R::Pending), stuck),
        (seen(0, Shows::Pending), Some(R::Pending), stuck),
        (seen(0, Shows::NoTrace), Some(R::NotVerified), None),
        (
            HistoryRow { invited_at: Some(at(10 * DAY)), ..seen(2, Shows::Pending) },
            Some(R::Pending),
            None,
        ),
        (
            HistoryRow { standing: State::Unknown, ..seen(2, Shows::Redeemed) },
            None,
            Some(Attention::Unknown),
        ),
        (row(2, State::Failed), None, Some(Attention::Failed)),
        (row(2, State::Blocked), None, Some(Attention::Blocked)),
        (row(2, State::Patched), None, Some(Attention::Patched)),
        (row(2, State::Settled), None, None),
    ] {
        let view = RowView::new(&row, options());
        assert_eq!((view.redemption, view.attention), (redemption, attention), "{row:?}");
        assert_eq!(view.redeemed_at.is_some(), redemption == Some(R::Redeemed), "{row:?}");
        assert_eq!(view.advice.is_some(), attention.is_some(), "{row:?}");
    }
}

#[test]
fn rows_of_earlier_manifests_are_told_and_not_counted() {
    let gone = HistoryRow { line: None, ..row(3, State::Invited) };
    let report = report(vec![row(2, State::Invited), gone]);
    assert_eq!(report.totals().rows, 1);
    let json: serde_json::Value =
        serde_json::from_str(&written(&report, ReportFormat::Json)).unwrap();
    assert_eq!(json["campaigns"][0]["left_manifest"], 1);
    assert_eq!(json["campaigns"][0]["rows"].as_array().unwrap().len(), 1);
}

#[test]
fn who_is_left_half_way_is_named_in_every_format() {
    let gone = |n: u32, standing| HistoryRow {
        line: None,
        decision: None,
        old_mail: Some(format!("old{n}@northwind.example")),
        patched_at: Some(at(1)),
        ..row(n, standing)
    };
    let rows = vec![
        row(2, State::Invited),
        gone(90, State::Patched),
        gone(91, State::Failed),
        gone(92, State::Unknown),
        // Not among them: invited; only to be reset, and refused; deleted since; asked for
        // by a row that moves it elsewhere.
        gone(93, State::Invited),
        HistoryRow { patched_at: None, ..gone(94, State::Failed) },
        HistoryRow { sighting: seen(2, Shows::Deleted).sighting, ..gone(95, State::Patched) },
        HistoryRow { user_id: row(2, State::Invited).user_id, ..gone(96, State::Patched) },
    ];
    let report = report(rows);
    assert_eq!(report.totals().rows, 1);
    for format in FORMATS {
        let text = written(&report, format);
        for n in 90..=96 {
            let is_named = text.contains(&format!("guest{n}@fabrikam.example"));
            assert_eq!(is_named, n <= 92, "{format:?}: {n}: {text}");
        }
        let word = if format == ReportFormat::Markdown { "Left half way" } else { "left-half-way" };
        assert!(text.contains(word), "{format:?}: {text}");
    }
    let junit = written(&report, ReportFormat::Junit);
    assert!(junit.contains("tests=\"4\" failures=\"3\""), "{junit}");
    assert_eq!(junit.matches("<failure").count(), 3);
}

#[test]
fn rows_that_need_a_person_are_grouped_by_reason_with_their_advice_once() {
    let blocked = |line, reason: &str, explanation: &str| HistoryRow {
        reason: reason.to_owned(),
        explanation: explanation.to_owned(),
        ..row(line, State::Blocked)
    };
    let report = report(vec![
        blocked(2, "ambiguous", "2 users hold it"),
        blocked(3, "not-found", "no user has this object id, UPN or address"),
        blocked(4, "not-found", "no user has this object id, UPN or address"),
        blocked(5, "ambiguous", "3 users hold it"),
        blocked(6, "not-found", "no user has this object id, UPN or address"),
    ]);
    let html = written(&report, ReportFormat::Html);
    let (_, needs) = html.split_once("What needs a person").unwrap();
    let needs = needs.split_once("By domain").unwrap().0;
    let at = |text: &str| {
        assert_eq!(needs.matches(text).count(), 1, "{text}: {needs}");
        needs.find(text).unwrap()
    };
    let order = [
        at(">no user has this object id, UPN or address <span class=\"code\">not-found"),
        at("guest6@northwind.example"),
        at("<span class=\"code\">ambiguous"),
        at("2 users hold it"),
        at("3 users hold it"),
    ];
    assert!(order.is_sorted(), "{order:?}");
    at(crate::plan::BlockedKind::parse("not-found").unwrap().words().advice);
}

#[test]
fn no_text_from_outside_escapes_its_place() {
    let hostile = "</script><script>alert(1)</script>\"'><img src=x>]]>{{ 7*7 }}\u{202e}\u{0}=1+1";
    let mut bad = row(2, State::Failed);
    bad.user = hostile.to_owned();
    bad.address = Some(format!("x@{hostile}"));
    bad.old_mail = Some(format!("=1+{hostile}"));
    bad.failure = Some(Failure {
        code: hostile.to_owned(),
        message: hostile.to_owned(),
        advice: hostile.to_owned(),
        request_id: Some(hostile.to_owned()),
    });
    let mut one = history(vec![bad]);
    one.status.manifest = hostile.to_owned();
    one.status.tenant_name = Some(hostile.to_owned());
    one.runs[0].stop_reason = Some(hostile.to_owned());
    let report = Report::new(vec![one], options());
    let html = written(&report, ReportFormat::Html);
    assert_eq!(html.matches("<script>").count(), 2, "our own two");
    assert!(!html.contains("<img") && !html.contains("49"), "{html}");
    assert!(!html.contains('\u{202e}') && !html.contains('\u{0}'));
    let xml = written(&report, ReportFormat::Junit);
    assert!(!xml.contains("<script") && !xml.contains('\u{0}'), "{xml}");
    let csv = written(&report, ReportFormat::Csv);
    let records = ::csv::Reader::from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    for field in &records.into_records().next().unwrap().unwrap() {
        assert!(!field.starts_with(['=', '+', '-', '@']), "{field}");
    }
    assert!(
        serde_json::from_str::<serde_json::Value>(&written(&report, ReportFormat::Json)).is_ok()
    );
}

#[test]
fn every_format_is_known_again_and_a_campaign_without_anything_has_a_report() {
    for format in FORMATS {
        for report in [report(Vec::new()), report(vec![row(2, State::NotAttempted)])] {
            let text = written(&report, format);
            assert!(is_report(text.as_bytes()), "{format:?}");
            assert!(is_report(&text.as_bytes()[..text.len().min(128)]), "{format:?}");
        }
    }
}

#[test]
fn a_chart_of_a_single_moment_has_finite_numbers() {
    let report = report(vec![row(2, State::Invited), seen(2, Shows::Redeemed)]);
    let campaign = &report.campaigns[0];
    for options in [options(), ReportOptions { now: at(-1), ..options() }] {
        for chart in [chart::redemption(campaign, options), chart::throughput(campaign, options)] {
            let text = serde_json::to_string(&chart.unwrap()).unwrap();
            assert!(!text.contains("null") && !text.contains("NaN"), "{text}");
        }
    }
}

#[test]
fn unknown_rows_are_not_handed_back() {
    let rows = [State::Failed, State::Unknown, State::Blocked, State::Invited];
    let rows = (2..).zip(rows).map(|(line, standing)| row(line, standing)).collect();
    let csv = String::from_utf8(failed_csv(&report(rows)).unwrap()).unwrap();
    insta::assert_snapshot!(csv.replace("\r\n", "\n"), @"
    sep=;
    user;new_email;reason;advice;line
    guest2;x;failed;mend the cause, then run apply with --retry-failed;2
    guest4;x;new-address;mend the cause, then run apply again;4
    ");
}

proptest! {
    /// A failed file read in again means the same, whatever the manifest was: every cell
    /// as the reader of manifests understands it, and none that a spreadsheet would run
    /// unless the manifest was such a file.
    #[test]
    fn what_is_handed_back_reads_as_it_was(
        note in "['=+\\-@|＝a1 \t\r\n\"]{0,8}",
        message in "['=+\\-@ab ]{0,6}",
        is_csv in any::<bool>(),
    ) {
        let cells = ["ada@b.example", "ada@c.example", &message, &note];
        let names = ["user", "new_email", "message", "=note"];
        let (name, bytes) = if is_csv {
            let mut csv = csv::Writer::from_writer(Vec::new());
            csv.write_record(names).unwrap();
            csv.write_record(cells).unwrap();
            ("m.csv", csv.into_inner().unwrap())
        } else {
            let object: serde_json::Map<_, _> =
                names.iter().zip(cells).map(|(n, c)| ((*n).to_owned(), json!(c))).collect();
            ("m.jsonl", serde_json::to_vec(&object).unwrap())
        };
        let read = |name: &str, bytes: &[u8]| parse(name, bytes, &Options::default()).unwrap();
        let before = read(name, &bytes);
        let line = before.manifest.rows[0].line;
        let written = &before.manifest.written;
        let cells = written.cells(line).unwrap().to_owned();
        let form = Some(serde_json::to_string(&written.form).unwrap());
        let rows = vec![HistoryRow { cells, ..row(line, State::Failed) }];
        let report = Report::new(vec![History { form, ..history(rows) }], options());
        let failed = failed_csv(&report).unwrap();
        let after = read("failed.csv", &failed);
        let meant = |loaded: &Loaded| {
            let row = &loaded.manifest.rows[0];
            let by_name = loaded.manifest.extra_columns.iter().zip(&row.extra);
            let mut note = by_name.filter(|(name, _)| *name == "=note").map(|(_, cell)| cell.clone());
            (row.user.clone(), row.wish.clone(), row.message.clone(), note.next_back())
        };
        prop_assert_eq!(meant(&before), meant(&after));
        if !is_csv {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&*failed);
            for cell in reader.records().flat_map(|record| {
                record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()
            }) {
                prop_assert_eq!(guarded(unguarded(&cell)).into_owned(), cell.clone());
            }
        }
    }
}
