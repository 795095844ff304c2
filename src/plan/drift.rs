//! Which mails that somebody changed after the invitation are written again. No
//! invitation goes with it: the one that was sent is for that very address.
//!
//! Leaves to others: writing (`night`), after one more look at the guest.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::config::Correct;
use crate::domain::{Directory, InvitationKey, Ledger, Shows, Sighting};
use crate::manifest::Manifest;

use super::decide::Planner;
use super::{Blocked, Decision, PlannedRow, Policy, SetMail, Settled, Sight};

/// A mail to be put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    pub line: u32,
    pub key: InvitationKey,
    /// What to write, and what has to be there for it.
    pub set_mail: SetMail,
    /// When the guest was invited.
    pub invited_at: Timestamp,
}

/// The mails to put right, in the order of the manifest: of rows that are still in it,
/// whose drift is of a kind that may be corrected. Those with an obstacle stay as they
/// are and are for a person, like every other drift.
pub fn corrections(
    manifest: &Manifest,
    rows: &[PlannedRow],
    sights: &[(InvitationKey, Sight)],
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
        .filter(|row| moves.contains(&row.line))
        .filter_map(|row| {
            let Decision::Settled(Settled::AlreadyInvited { at, drifted_to: Some(_) }) =
                &row.decision
            else {
                return None;
            };
            let key = InvitationKey { user_id: row.user_id?, address: row.new_email.clone()? };
            let place = sights.binary_search_by_key(&order(&key), |(key, _)| order(key)).ok()?;
            let Sight::Shows(Sighting { shows: Shows::MailChanged { back, .. }, .. }) =
                &sights[place].1
            else {
                return None;
            };
            let kind = if *back { Correct::MailBack } else { Correct::MailOther };
            let guest = directory.user(key.user_id).filter(|_| kinds.contains(&kind))?;
            let obstacle: Option<Blocked> = planner.obstacle(guest, &key.address, true);
            let set_mail = planner.set_mail(guest, &key.address).filter(|_| obstacle.is_none())?;
            Some(Correction { line: row.line, key, set_mail, invited_at: *at })
        })
        // Two rows may ask for the same.
        .filter(|correction| done.insert(correction.key.clone()))
        .collect()
}

/// The order of sights.
fn order(key: &InvitationKey) -> (crate::domain::UserId, String) {
    (key.user_id, key.address.folded())
}
