//! Which mails that somebody changed after the invitation are written again.
//!
//! Leaves to others: writing (`run`), after one more look at the guest.

use std::collections::{HashMap, HashSet};

use crate::config::Correct;
use crate::domain::{Directory, InvitationKey, Ledger, Shows, Sighting, UserId};
use crate::manifest::Manifest;

use super::decide::Planner;
use super::{
    Blocked, Change, ChangeReason, Decision, Observation, Plan, PlannedRow, Policy, Settled,
};

/// A row that is to become a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// Position in the plan's rows.
    row: usize,
    change: Change,
}

/// The mails to put right, in the order of the manifest: of rows that are still in it,
/// whose drift is of a kind that may be corrected. Those with an obstacle stay as they
/// are and are for a person, like every other drift.
pub fn corrections(
    manifest: &Manifest,
    rows: &[PlannedRow],
    observations: &[(InvitationKey, Observation)],
    directory: &Directory,
    ledger: &Ledger,
    policy: &Policy,
    kinds: &[Correct],
) -> Vec<Correction> {
    if kinds.is_empty() {
        return Vec::new();
    }
    let planner = Planner::new(directory, ledger, policy);
    // A row that names no address asks for no mail to be written.
    let moves: HashSet<u32> =
        manifest.rows.iter().filter(|row| !row.wish.is_reset_only()).map(|row| row.line).collect();
    let mut done = HashSet::new();
    rows.iter()
        .enumerate()
        .filter(|(_, row)| moves.contains(&row.line))
        .filter_map(|(position, row)| {
            let Decision::Blocked(Blocked::MailChanged { .. }) = &row.decision else { return None };
            let key = row.key()?;
            let place =
                observations.binary_search_by_key(&order(&key), |(key, _)| order(key)).ok()?;
            let Observation::Shows(Sighting { shows: Shows::MailChanged { back, .. }, .. }) =
                &observations[place].1
            else {
                return None;
            };
            let kind = if *back { Correct::MailBack } else { Correct::MailOther };
            let guest = directory.user(key.user_id).filter(|_| kinds.contains(&kind))?;
            let obstacle: Option<Blocked> = planner.obstacle(guest, &key.address, true);
            let set_mail = planner.set_mail(guest, &key.address).filter(|_| obstacle.is_none())?;
            // Two rows may ask for the same.
            done.insert(key).then(|| Correction {
                row: position,
                change: Change {
                    reason: ChangeReason::Correction,
                    set_mail: Some(set_mail),
                    invite: None,
                    redemption: guest.redemption.clone(),
                    ours: super::Ours::default(),
                    accepted_at: None,
                    unsettled: None,
                },
            })
        })
        .collect()
}

impl Plan {
    /// Takes corrections among the rows that are carried out.
    pub fn correct(&mut self, corrections: Vec<Correction>) {
        let mut corrected = HashMap::new();
        for Correction { row, change } in corrections {
            let row = &mut self.rows[row];
            row.decision = Decision::Change(Box::new(change));
            corrected.insert(row.key(), row.line);
        }
        for row in &mut self.rows {
            if let Decision::Blocked(Blocked::MailChanged { .. }) = row.decision
                && let Some(&line) = corrected.get(&row.key())
            {
                row.decision = Decision::Settled(Settled::SameAsLine { line });
            }
        }
        self.pin();
    }
}

/// The order of observations.
fn order(key: &InvitationKey) -> (UserId, String) {
    (key.user_id, key.address.folded())
}
