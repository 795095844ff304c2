//! A run as the checkpoint stores it: its rows when it begins, its numbers when it ends.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::checkpoint::{ManifestRow, Planned, RunEnd};
use crate::manifest::{LeftOut, Manifest};
use crate::plan::{Decision, PlannedRow};
use crate::run::{LimitedBy, StopReason, Summary};

/// The row as it was planned and as its manifest has it.
pub(super) fn manifest_row(row: &PlannedRow, manifest: &Manifest) -> ManifestRow {
    planned_row(row, manifest.written.cells(row.line).unwrap_or("[]").to_owned())
}

/// The row as it was planned, with the cells that a manifest has of it.
pub(super) fn planned_row(row: &PlannedRow, cells: String) -> ManifestRow {
    ManifestRow {
        line: row.line,
        user: row.user.to_string(),
        user_id: row.user_id,
        address: row.new_email.clone(),
        decision: match &row.decision {
            Decision::Change(_) => Planned::Change,
            Decision::Settled(_) if row.uninvited().is_some() => Planned::NotInvited,
            Decision::Settled(_) => Planned::Settled,
            Decision::Blocked(_) => Planned::Blocked,
        },
        reason: row.decision.reason().to_owned(),
        explanation: match &row.decision {
            // Its reason and its addresses say it.
            Decision::Change(_) => String::new(),
            Decision::Settled(_) | Decision::Blocked(_) => row.decision.to_string(),
        },
        cells,
    }
}

/// A row that the run leaves out, as its manifest has it: nobody has looked for its guest.
pub(super) fn left_out_row(row: &LeftOut, manifest: &Manifest) -> ManifestRow {
    ManifestRow {
        line: row.line,
        user: row.user.clone(),
        user_id: None,
        address: row.address.clone(),
        decision: Planned::Change,
        reason: "left-out".to_owned(),
        explanation: String::new(),
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
    let mut stored: Map<_, _> =
        summary.numbers().into_iter().map(|(name, n)| (name.to_owned(), n.into())).collect();
    stored.insert("elapsed_seconds".to_owned(), summary.elapsed.as_secs_f64().into());
    stored.insert("limited_by".to_owned(), summary.limited_by.map(LimitedBy::code).into());
    stored.extend(night.map(|night| ("night".to_owned(), night)));
    RunEnd {
        at,
        stop_reason: summary.stop_reason.as_ref().map(StopReason::code),
        exit_code,
        summary: Value::Object(stored).to_string(),
    }
}
