//! Guests that a campaign began with and whose row is gone from the manifest, though they
//! have the new mail and nobody invited them since: no row tells of them any more. And
//! guests of its rows that somebody moved of whom the checkpoint knows nothing: what a
//! run leaves whose checkpoint is gone.
//!
//! Leaves to others: rows of which the checkpoint knows (`decide`).

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    Directory, DirectoryUser, Email, GuestRef, Ledger, LedgerEntry, LedgerState, Redemption,
    RedemptionState, TOLERANCE, UserId,
};

use crate::manifest::Row;

use super::Finding;
use super::review::count;

/// The code of the finding about them.
pub const LEFT: &str = "left-half-way";

/// The same of guests that have a row, and whose mail was written by nothing that the
/// checkpoint knows.
pub const NOT_INVITED: &str = "not-invited";

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

/// Whether a guest that has the wanted address had another one before, as the row's name
/// for it or its UPN shows. A row that names its guest by that very address asks for no
/// move.
pub(super) fn was_moved(row: &Row, guest: &DirectoryUser, address: &Email) -> bool {
    let had_another = || match &row.user {
        GuestRef::Name(name) if !is_guest_upn(name) => !name.eq_ignore_ascii_case(address.as_str()),
        GuestRef::Name(_) | GuestRef::Id(_) => {
            came_with_another_address(&guest.user_principal_name, address)
        }
    };
    row.wish.address().is_some() && had_another()
}

/// Whether the directory shows an invitation that could be one to the address that the
/// guest has: pending or accepted, and not longer ago than this. When a mail was written,
/// Graph does not show (Microsoft Graph, *user resource type*).
pub fn shows_invitation(
    redemption: &Redemption,
    read_at: Timestamp,
    within: Option<SignedDuration>,
) -> bool {
    let Redemption { state, changed_at } = redemption;
    let shows =
        matches!(state, Some(RedemptionState::PendingAcceptance | RedemptionState::Accepted));
    let Some(within) = within else { return shows };
    let is_recent = changed_at.is_some_and(|changed_at| {
        changed_at.saturating_add(within).is_ok_and(|until| read_at < until)
    });
    shows && is_recent
}

fn is_guest_upn(name: &str) -> bool {
    name.to_ascii_uppercase().contains("#EXT#")
}

/// Whether a guest's UPN holds another address: it is made of the one first invited, with
/// `_` for the `@`, and a reset keeps it.
fn came_with_another_address(upn: &str, address: &Email) -> bool {
    let upn = upn.to_ascii_lowercase();
    upn.split_once("#ext#").is_some_and(|(first, _)| first != address.folded().replace('@', "_"))
}

/// What is told of guests that have the wanted mail by another's hand, and no invitation.
pub(super) fn finding_of_uninvited(addresses: &[&Email]) -> Option<Finding> {
    let number = addresses.len() as u64;
    (number > 0).then(|| {
        Finding::warn(
            NOT_INVITED,
            format!(
                "{} moved to the new address and not invited since, as far as the directory shows: {}",
                count(number, "guest was", "guests were"),
                some(addresses.iter().copied())
            ),
            "if an earlier run wrote the mail, go on with its checkpoint; without one, reset = always in a row invites its guest; if they redeemed long ago, [guards] invited_within = \"any\" says so",
        )
    })
}

/// The first few of them.
fn some<'a>(addresses: impl ExactSizeIterator<Item = &'a Email>) -> String {
    let more = addresses.len().saturating_sub(SHOWN);
    let shown: Vec<&str> = addresses.take(SHOWN).map(Email::as_str).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// What is told of them.
pub(super) fn finding(left: &[Email]) -> Option<Finding> {
    if left.is_empty() {
        return None;
    }
    Some(Finding::warn(
        LEFT,
        format!(
            "{} the new mail and no invitation, and the manifest has no row for them any more: {}",
            count(left.len() as u64, "guest has", "guests have"),
            some(left.iter())
        ),
        "nothing invites them any more; put their rows back and apply again, with --retry-failed where the invitation was refused",
    ))
}
