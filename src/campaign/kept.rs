//! A plan's rows as the checkpoint keeps them, for every command that begins a run.

use crate::checkpoint::ManifestRow;
use crate::domain::Email;
use crate::manifest::Manifest;
use crate::plan::{Decision, PlannedRow};

/// The row as it was planned and as its manifest has it.
pub fn manifest_row<'a>(row: &'a PlannedRow, manifest: &'a Manifest) -> ManifestRow<'a> {
    ManifestRow {
        line: row.line,
        user: &row.user,
        user_id: row.user_id.map(|id| id.to_string()),
        address: row.new_email.as_ref().map(Email::folded),
        decision: row.decision.name(),
        reason: row.decision.reason(),
        explanation: match &row.decision {
            // Its reason and its addresses say it.
            Decision::Change(_) => None,
            Decision::Settled(_) | Decision::Blocked(_) => Some(row.decision.to_string()),
        },
        cells: manifest.written.cells(row.line).unwrap_or("[]"),
    }
}
