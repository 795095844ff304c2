//! Pure decisions and their reasons: what is to be done with every row, what a
//! person should know before it is done, and the digest that pins it.
//!
//! Planning has no client, no clock and no files: the same rows, directory and
//! ledger give the same plan. Leaves to others: reading the directory (`graph`)
//! and carrying the plan out (`run`).

mod decide;
mod decision;
mod digest;
mod drift;
mod finding;
mod ration;
mod reason;
mod remind;
mod review;
mod sight;

#[cfg(test)]
mod tests;

use serde::Serialize;

pub use decide::{Policy, decide};
pub use decision::{
    Blocked, Change, ChangeReason, Decision, Invitation, PlannedRow, SetMail, SetOtherMails,
    Settled, Unsettled,
};
pub use digest::Digest;
pub use drift::{Correction, corrections};
pub use finding::{Finding, Severity};
pub use ration::{Progress, Ration, Wave, ration};
pub use reason::{BlockedKind, SettledKind, Words};
pub use remind::Reminders;
pub use review::{Guards, count, exceeds, review};
pub use sight::{Look, Sight, sights};

use crate::domain::{Caller, Directory, Ledger};
use crate::manifest::Manifest;

/// How many rows got which decision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All rows of the manifest.
    pub rows: u64,
    pub change: u64,
    /// Rows with nothing to do.
    pub settled: u64,
    /// Rows that can't or mustn't be carried out.
    pub blocked: u64,
}

impl Counts {
    fn of(rows: &[PlannedRow]) -> Self {
        let mut counts = Self { rows: rows.len() as u64, ..Self::default() };
        for row in rows {
            match row.decision {
                Decision::Change(_) => counts.change += 1,
                Decision::Settled(_) => counts.settled += 1,
                Decision::Blocked(_) => counts.blocked += 1,
            }
        }
        counts
    }
}

/// The plan: complete, immutable, and data.
#[derive(Debug)]
#[must_use = "a plan that nobody reads is not actionable"]
pub struct Plan {
    /// One entry per row of the manifest, in its order.
    pub rows: Vec<PlannedRow>,
    /// How many rows got which decision.
    pub counts: Counts,
    /// What a person should know, the gravest first.
    pub findings: Vec<Finding>,
    /// Pins what was reviewed.
    pub digest: Digest,
    /// Tenant id, or what the configuration calls the tenant.
    pub tenant_id: String,
    /// Name of the tenant, for a person to recognise it by.
    pub tenant_name: Option<String>,
    pub caller: Caller,
}

impl Plan {
    /// Plans a manifest against the directory and what earlier runs did.
    pub fn make(
        manifest: &Manifest,
        directory: &Directory,
        ledger: &Ledger,
        policy: &Policy,
        guards: &Guards,
    ) -> Self {
        Self::of(decide(manifest, directory, ledger, policy), directory, policy, guards)
    }

    /// The reminders alone: everything else in the manifest is another command's.
    pub fn reminders(
        manifest: &Manifest,
        directory: &Directory,
        ledger: &Ledger,
        policy: &Policy,
        guards: &Guards,
    ) -> Self {
        let mut rows = decide(manifest, directory, ledger, policy);
        rows.retain(|row| {
            matches!(&row.decision, Decision::Change(change) if change.reason == ChangeReason::Reminder)
        });
        Self::of(rows, directory, policy, guards)
    }

    fn of(rows: Vec<PlannedRow>, directory: &Directory, policy: &Policy, guards: &Guards) -> Self {
        let counts = Counts::of(&rows);
        let findings = review(&rows, counts, directory, policy.caller, guards);
        let tenant_id = directory.tenant.id.clone().unwrap_or_else(|| policy.tenant.clone());
        Self {
            digest: Digest::of(&tenant_id, &rows),
            counts,
            findings,
            tenant_id,
            tenant_name: directory.tenant.display_name.clone(),
            caller: policy.caller,
            rows,
        }
    }

    /// Counts and pins the rows anew.
    fn pin(&mut self) {
        self.counts = Counts::of(&self.rows);
        self.digest = Digest::of(&self.tenant_id, &self.rows);
    }

    /// The findings that keep `apply` from going on.
    pub fn refusals(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Refuse)
    }
}
