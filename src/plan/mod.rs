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
mod effort;
mod finding;
mod left;
mod mailing;
mod observation;
mod reach;
mod readiness;
mod reason;
mod remind;
mod review;
mod sentence;
mod tonight;
mod wrong_column;

#[cfg(test)]
mod tests;

use serde::Serialize;

pub use decide::{Before, Policy, Returning, Revert, decide};
pub use decision::{
    Blocked, Change, ChangeReason, Decision, Invitation, Ours, PlannedRow, SetMail, SetOtherMails,
    Settled, Uninvited, Unsettled, same_addresses,
};
pub use digest::Digest;
pub use drift::{Correction, corrections};
pub use effort::{Effort, WritePace};
pub use finding::{Finding, Severity};
pub use left::{LEFT, NOT_INVITED, left_half_way, shows_invitation};
pub use mailing::{MailPace, Mailing};
pub use observation::{Look, Observation, observations};
pub use reach::{Identifier, Touched, TouchedApp, TouchedByOne, TouchedTotal, guests_that_change};
pub use readiness::{CannotRedeem, NewDomain, Redeems, order_sentence};
pub use reason::{BlockedKind, SettledKind, Words};
pub use remind::Reminders;
pub use review::{Guards, count, exceeds, reverted, review};
pub use tonight::{Others, Progress, Tonight, Wave, tonight};

use crate::domain::{Caller, Directory, Email, Ledger, RedemptionOrder};
use crate::manifest::{Manifest, PartOfIt};

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
    fn from_rows(rows: &[PlannedRow]) -> Self {
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
    /// The mails of one's own that it sends; None where it sends none.
    pub mailing: Option<Mailing>,
    /// What it takes; None where nothing changes.
    pub effort: Option<Effort>,
    /// What was asked for of the manifest, where not all of its rows are meant.
    pub part: Option<PartOfIt>,
    /// The wave that is under way, where the campaign has waves and rows to begin.
    pub wave: Option<Wave>,
    /// The domains that rows go to, and whether their people can redeem.
    pub domains: Vec<NewDomain>,
    /// With what invitations are redeemed, one after the other; None where it is not known.
    pub redemption_order: Option<RedemptionOrder>,
    /// New addresses of guests that no row is about any more, and that have the new mail
    /// and no invitation.
    pub left: Vec<Email>,
    /// What its changes touch, where that was asked for.
    pub touched: Option<Box<Touched>>,
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
        let rows = decide(manifest, directory, ledger, policy);
        let guess = wrong_column::finding(manifest, &rows, directory);
        let reverted = reverted(&rows, ledger, guards);
        // A way back goes by its own rows.
        let left = if policy.revert.is_some() {
            Vec::new()
        } else {
            let asked = rows.iter().filter_map(|row| row.user_id);
            let asked = asked.chain(policy.others.iter().copied()).collect();
            left_half_way(&asked, directory, ledger)
        };
        let findings = reverted.into_iter().chain(guess).collect();
        let plan = Self::from_rows(rows, (findings, left), directory, policy, guards);
        Self { part: manifest.part.clone(), ..plan }
    }

    /// The reminders alone: everything else in the manifest, or gone from it, is another
    /// command's.
    pub fn reminders(
        manifest: &Manifest,
        directory: &Directory,
        ledger: &Ledger,
        policy: &Policy,
        guards: &Guards,
    ) -> Self {
        let mut rows = decide(manifest, directory, ledger, policy);
        let reverted = reverted(&rows, ledger, guards);
        rows.retain(|row| row.change().is_some_and(|change| change.reason.is_reminder()));
        let findings = reverted.into_iter().collect();
        Self::from_rows(rows, (findings, Vec::new()), directory, policy, guards)
    }

    fn from_rows(
        rows: Vec<PlannedRow>,
        (further, left): (Vec<Finding>, Vec<Email>),
        directory: &Directory,
        policy: &Policy,
        guards: &Guards,
    ) -> Self {
        let counts = Counts::from_rows(&rows);
        let mut findings = review(&rows, counts, directory, policy.caller, guards);
        findings.extend(further);
        findings.extend(left::finding(&left));
        let uninvited: Vec<&Email> = rows.iter().filter_map(PlannedRow::uninvited).collect();
        findings.extend(left::finding_of_uninvited(&uninvited));
        let mailing = Mailing::of(&rows, policy.mail_pace);
        findings.extend(mailing.and_then(|mailing| mailing.finding()));
        let effort = Effort::of(&rows, policy.write_pace, mailing.as_ref());
        findings.sort_by_key(|finding| finding.severity);
        let tenant_id = directory.tenant.id.clone().unwrap_or_else(|| policy.tenant.clone());
        Self {
            digest: Digest::new(&tenant_id, &rows),
            counts,
            findings,
            tenant_id,
            tenant_name: directory.tenant.display_name.clone(),
            caller: policy.caller,
            mailing,
            effort,
            part: None,
            wave: None,
            domains: readiness::new_domains(&rows, &directory.tenant, &policy.redeemable_domains),
            redemption_order: directory.tenant.redeeming.order.clone(),
            left,
            touched: None,
            rows,
        }
    }

    /// Rows whose guests were moved by others and not invited since.
    pub fn uninvited(&self) -> u64 {
        self.rows.iter().filter_map(PlannedRow::uninvited).count() as u64
    }

    /// Counts and pins the rows anew.
    fn pin(&mut self) {
        self.counts = Counts::from_rows(&self.rows);
        self.digest = Digest::new(&self.tenant_id, &self.rows);
    }

    /// The findings that keep `apply` from going on.
    pub fn refusals(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Refuse)
    }
}
