//! Guests that a campaign began with and whose row is gone from the manifest, though they
//! have the new mail and nobody invited them since: no row tells of them any more.
//!
//! Leaves to others: rows that are still in the manifest (`decide`).

use std::collections::BTreeSet;

use crate::domain::{
    Directory, DirectoryUser, Email, Ledger, LedgerEntry, LedgerState, RedemptionState, TOLERANCE,
    UserId,
};

use super::Finding;
use super::review::count;

/// The finding's code.
pub const LEFT: &str = "left-half-way";

/// The addresses shown in the finding; the directory's order means nothing to a person.
const SHOWN: usize = 8;

/// The new addresses of guests that no row is about any more and that are left half way,
/// sorted. `asked` are the guests that the rows are about. What the directory shows
/// decides: whoever was invited by another way, got the old mail back or was deleted is
/// not among them.
pub fn left_half_way(
    asked: &BTreeSet<UserId>,
    directory: &Directory,
    ledger: &Ledger,
) -> Vec<Email> {
    let mut left: Vec<Email> = ledger
        .users()
        .filter(|id| !asked.contains(id))
        .filter_map(|id| {
            let (key, entry) = ledger.wishes(id).last()?;
            let guest = directory.user(id)?;
            // Whoever was only to be reset, and was not, is as it was.
            let is_begun =
                ledger.has_written(id) || matches!(entry.state, LedgerState::Unknown { .. });
            let is_left = is_begun && guest.has_mail(&key.address) && !is_invited(guest, entry);
            is_left.then(|| key.address.clone())
        })
        .collect();
    left.sort_by_cached_key(Email::folded);
    left
}

/// Whether an invitation stands or none is needed, or the directory shows one since.
fn is_invited(guest: &DirectoryUser, entry: &LedgerEntry) -> bool {
    let needs_none = matches!(
        entry.state,
        // A way back by the mail alone asks for no invitation.
        LedgerState::Invited | LedgerState::Reverting | LedgerState::Reverted
    );
    if needs_none || entry.resend.is_some() {
        return true;
    }
    let state = guest.redemption.state.as_ref();
    let shows =
        matches!(state, Some(RedemptionState::PendingAcceptance | RedemptionState::Accepted));
    let changed_at = guest.redemption.changed_at;
    // The directory cuts the moment off to whole seconds.
    shows && changed_at.is_some_and(|changed_at| changed_at + TOLERANCE >= entry.at)
}

/// What is told of them.
pub(super) fn finding(left: &[Email]) -> Option<Finding> {
    if left.is_empty() {
        return None;
    }
    let shown: Vec<&str> = left.iter().take(SHOWN).map(Email::as_str).collect();
    let more = left.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(Finding::warn(
        LEFT,
        format!(
            "{} the new mail and no invitation, and the manifest has no row for them any more: {}{more}",
            count(left.len() as u64, "guest has", "guests have"),
            shown.join(", ")
        ),
        "nothing invites them any more; put their rows back and apply again, with --retry-failed where the invitation was refused",
    ))
}
