//! A run as the checkpoint stores it: its rows when it begins, its numbers when it ends.

use jiff::Timestamp;
use serde_json::Value;

use crate::checkpoint::{ManifestRow, Planned, RunEnd};
use crate::manifest::Manifest;
use crate::plan::{Decision, PlannedRow};
use crate::run::{LimitedBy, StopReason, Summary};

/// The row as it was planned and as its manifest has it.
pub(super) fn manifest_row(row: &PlannedRow, manifest: &Manifest) -> ManifestRow {
    ManifestRow {
        line: row.line,
        user: row.user.to_string(),
        user_id: row.user_id,
        address: row.new_email.clone(),
        decision: match &row.decision {
            Decision::Change(_) => Planned::Change,
            Decision::Settled(_) => Planned::Settled,
            Decision::Blocked(_) => Planned::Blocked,
        },
        reason: row.decision.reason().to_owned(),
        explanation: match &row.decision {
            // Its reason and its addresses say it.
            Decision::Change(_) => String::new(),
            Decision::Settled(_) | Decision::Blocked(_) => row.decision.to_string(),
        },
        cells: manifest.written.cells(row.line).unwrap_or("[]").to_owned(),
    }
}

/// The end of a run. A night adds its digest.
pub(super) fn run_end(
    at: Timestamp,
    summary: &Summary,
    exit_code: u8,
    night: Option<Value>,
) -> RunEnd {
    let mut numbers = numbers(summary);
    if let Some(night) = night {
        numbers["night"] = night;
    }
    RunEnd {
        at,
        stop_reason: summary.stop_reason.as_ref().map(StopReason::code),
        exit_code,
        summary: numbers.to_string(),
    }
}

fn numbers(summary: &Summary) -> Value {
    serde_json::json!({
        "rows": summary.rows,
        "invited": summary.invited,
        "patched": summary.patched,
        "settled": summary.settled,
        "blocked": summary.blocked,
        "failed": summary.failed,
        "unknown": summary.unknown,
        "not_attempted": summary.not_attempted,
        "retries": summary.retries,
        "throttled": summary.throttled,
        "mailed": summary.mailed(),
        "mail_files": summary.mail_files(),
        "mail_failed": summary.mail_failed(),
        "mail_unknown": summary.mail_unknown(),
        "elapsed_seconds": summary.elapsed.as_secs_f64(),
        "limited_by": summary.limited_by.map(LimitedBy::code),
    })
}
