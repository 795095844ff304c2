//! A plan's rows as the checkpoint keeps them, for every command that begins a run.

use crate::checkpoint::{ManifestRow, Planned};
use crate::manifest::Manifest;
use crate::plan::{Decision, PlannedRow};

/// The row as it was planned and as its manifest has it.
pub fn manifest_row(row: &PlannedRow, manifest: &Manifest) -> ManifestRow {
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
