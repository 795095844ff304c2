//! What a campaign was asked for and has not done: nobody may take it for as wanted.
//!
//! Leaves to others: words (`report`), and where a row stands (`checkpoint`).

use serde::Serialize;

use crate::checkpoint::{Resends, Status};
use crate::domain::Counts;

/// Rows by what they lack.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Unfinished {
    /// Nothing was begun.
    pub not_begun: u64,
    /// The new mail is written, and no invitation was sent.
    pub patched: u64,
    pub failed: u64,
    pub blocked: u64,
    /// Another invitation that a person asked for was not sent.
    pub resends: u64,
    /// Others moved the guest, and nobody is known to have invited it.
    pub not_invited: u64,
    /// Guests who were invited, and of whom no mail of one's own is known to have left.
    pub unmailed: u64,
    /// Guests that no row of the manifest asks for any more, and that have the new mail
    /// and no invitation.
    pub left_patched: u64,
}

impl Unfinished {
    /// By the rows' states, and what a look showed: the number of guests that are left half
    /// way, and of those that others moved and nobody invited.
    pub(super) fn new(status: &Status, left: u64, not_invited: u64) -> Self {
        // What was invited, settled or is unknown is told by the look at the guests.
        let Counts { invited: _, unknown: _, settled: _, patched, failed, blocked, not_attempted } =
            status.counts;
        let Resends { outstanding, failed: refused } = status.resends;
        Self {
            not_begun: not_attempted,
            patched,
            failed,
            blocked,
            resends: outstanding + refused,
            not_invited,
            unmailed: status.mails.held + status.mails.unknown,
            left_patched: left,
        }
    }

    pub fn total(self) -> u64 {
        let Self { not_begun, patched, failed, blocked, resends, .. } = self;
        let Self { not_invited, unmailed, left_patched, .. } = self;
        not_begun + patched + failed + blocked + resends + not_invited + unmailed + left_patched
    }
}
