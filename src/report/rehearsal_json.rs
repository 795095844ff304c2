//! A rehearsal as one JSON object. Keys are only ever added.

use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::checkpoint::History;
use crate::rehearsal::{End, Rehearsal, Run};
use crate::run::StopReason;

use super::campaign::{ReportOptions, row_values};
use super::rehearsal::RehearsalView;
use super::schema::Schema;
use super::text::{seconds, stamp};

#[derive(Serialize)]
struct Summary<'a> {
    manifest: &'a str,
    rows: u64,
    invited: u64,
    settled: u64,
    blocked: u64,
    failed: u64,
    unknown: u64,
    patched: u64,
    not_attempted: u64,
    redeemed: u64,
    mails: u64,
    runs: usize,
    end: &'static str,
    begun_at: Timestamp,
    last_at: Timestamp,
    /// From the beginning to the last thing that happened.
    duration_seconds: f64,
    plan_digest: String,
    stop_reason: Option<&'static str>,
    exit_code: u8,
}

/// Writes a rehearsal for a program.
pub fn rehearsal_json(
    out: &mut dyn Write,
    rehearsal: &Rehearsal,
    history: &History,
    options: ReportOptions,
    view: &RehearsalView<'_>,
) -> io::Result<()> {
    let counts = history.status.counts;
    let took = rehearsal.last_at.duration_since(rehearsal.begun_at);
    let last = rehearsal.runs.last();
    let stop_reason = match &rehearsal.end {
        End::Refused(refusal) => Some(refusal.reason.code()),
        _ => last.and_then(|run| run.summary.stop_reason.as_ref()).map(StopReason::code),
    };
    let summary = Summary {
        manifest: view.manifest,
        rows: rehearsal.plan.counts.rows,
        invited: counts.invited,
        settled: counts.settled,
        blocked: counts.blocked,
        failed: counts.failed,
        unknown: counts.unknown,
        patched: counts.patched,
        not_attempted: counts.not_attempted,
        redeemed: rehearsal.redeemed,
        mails: rehearsal.mails.mails(),
        runs: rehearsal.runs.len(),
        end: match rehearsal.end {
            End::Settled => "settled",
            End::Stuck => "stuck",
            End::OutOfNights => "out-of-nights",
            End::Refused(_) => "refused",
            End::Stopped => "stopped",
            End::Interrupted => "interrupted",
        },
        begun_at: rehearsal.begun_at,
        last_at: rehearsal.last_at,
        duration_seconds: seconds(Duration::try_from(took).unwrap_or_default()),
        plan_digest: rehearsal.plan.digest.to_string(),
        stop_reason,
        exit_code: view.exit_code,
    };
    let days = rehearsal.mails.days.iter().map(|(date, day)| {
        json!({
            "date": date.to_string(),
            "mails": day.mails,
            "recipients": day.recipients,
            "domains": day.domains,
        })
    });
    let pace = view.pace();
    let files = view.files.map(|(report, checkpoint)| {
        json!({ "report": report.display().to_string(), "checkpoint": checkpoint.display().to_string() })
    });
    let object = json!({
        "summary": summary,
        "runs": rehearsal.runs.iter().map(run_value).collect::<Vec<_>>(),
        "mails": days.collect::<Vec<_>>(),
        "limits": {
            "most_recipients_in_24_hours": rehearsal.mails.most_in_a_day,
            "recipients_per_day": pace.and_then(|(_, per_day)| per_day),
            "most_mails_in_a_minute": rehearsal.mails.most_in_a_minute,
            "mails_per_minute": pace.map(|(per_minute, _)| per_minute),
        },
        "rows": row_values(history, options)?,
        "files": files,
    });
    Schema::Rehearsal.write(out, &object)
}

fn run_value(run: &Run) -> Value {
    let mut value = json!({
        "command": run.command,
        "night": run.night,
        "began_at": stamp(run.began_at),
        "ended_at": stamp(run.ended_at),
        "elapsed_seconds": seconds(run.summary.elapsed),
        "exit_code": run.exit_code,
        "stop_reason": run.summary.stop_reason.as_ref().map(StopReason::code),
        "reminded": run.reminded,
        "redeemed": run.redeemed,
        "wave": run.wave,
    });
    for (name, number) in run.summary.numbers() {
        value[name] = number.into();
    }
    value
}
