//! How far a campaign has come, by which its present wave is told: for a night, and for
//! `plan` and `apply`, which begin no more than a wave either.
//!
//! Leaves to others: which rows of a plan begin (`plan`).

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::checkpoint::{ManifestRow, Planned};
use crate::config::Settings;
use crate::domain::{InvitationKey, Invitations, Ledger, LedgerState, Shows, Sighting, UserId};
use crate::manifest::Manifest;
use crate::plan::{
    Look, Observation, Others, PlannedRow, Progress, Tonight, observations, tonight,
};

use super::part::Part;
use super::read::{Read, lag};

/// What the campaign's runs did so far.
#[derive(Debug)]
pub struct SoFar<'a> {
    pub invitations: &'a HashMap<InvitationKey, Invitations>,
    /// The campaign's rows, where the plan is about a part of them.
    pub part: Option<&'a Part>,
}

impl SoFar<'_> {
    /// What of a plan begins now; a person's run has no budget. `now` is the service's time.
    pub fn begins(
        &self,
        read: &Read,
        manifest: &Manifest,
        ledger: &Ledger,
        settings: &Settings,
        now: Timestamp,
    ) -> Tonight {
        if settings.waves.sizes.is_empty() {
            return Tonight::default();
        }
        let look = Look { mail: settings.mail, at: read.policy.read_at, lag: lag(settings) };
        let observations = observations(ledger, self.invitations, &read.directory, look);
        let rows = &read.plan.rows;
        let others = self.part.into_iter().flat_map(|part| &part.rows);
        let keys = rows.iter().filter_map(PlannedRow::key);
        let keys = keys.chain(others.filter_map(ManifestRow::key)).collect();
        let others = self.others(rows, manifest, ledger);
        let progress = Progress { others, ..progress(&keys, &observations, self.invitations) };
        tonight(rows, progress, &settings.waves, None, now)
    }

    /// The rows of the campaign that are not in the plan.
    fn others(&self, planned: &[PlannedRow], manifest: &Manifest, ledger: &Ledger) -> Others {
        let Some(part) = self.part else {
            // Of a campaign that begins with a part, nothing but their number is known.
            return Others { fresh: manifest.left_out.len() as u64, ..Others::default() };
        };
        let in_plan: HashSet<UserId> = planned.iter().filter_map(|row| row.user_id).collect();
        let lines: HashSet<u32> = planned.iter().map(|row| row.line).collect();
        let mut others = Others::default();
        for row in &part.rows {
            let is_planned = row.user_id.map_or_else(
                || manifest.part.is_some() && lines.contains(&row.line),
                |id| in_plan.contains(&id),
            );
            if is_planned {
                continue;
            }
            let entry = row.key().and_then(|key| ledger.get(&key));
            match entry.map(|entry| &entry.state) {
                Some(LedgerState::Invited) => others.invited += 1,
                Some(LedgerState::Failed { .. }) => others.failed += 1,
                Some(
                    LedgerState::Patching
                    | LedgerState::Patched
                    | LedgerState::Unknown { .. }
                    | LedgerState::Outstanding
                    | LedgerState::Reverting
                    | LedgerState::Reverted,
                ) => others.under_way += 1,
                None => others.fresh += u64::from(row.decision == Planned::Change),
            }
        }
        others
    }
}

/// How far the guests of these rows have come.
pub(super) fn progress(
    keys: &HashSet<InvitationKey>,
    observations: &[(InvitationKey, Observation)],
    sent: &HashMap<InvitationKey, Invitations>,
) -> Progress {
    let mut progress = Progress::default();
    for (key, observation) in observations {
        if let Observation::Shows(Sighting { shows: Shows::Redeemed, .. }) = observation
            && keys.contains(key)
        {
            progress.redeemed += 1;
        }
    }
    for sent in keys.iter().filter_map(|key| sent.get(key)) {
        progress.bounced += u64::from(sent.bounced);
        progress.last_invited_at = progress.last_invited_at.max(Some(sent.first_at));
    }
    progress
}
