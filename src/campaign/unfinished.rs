//! What a campaign was asked for and has not done: nobody may take it for as wanted.
//!
//! Leaves to others: words (`report`), and where a row stands (`checkpoint`).

use serde::Serialize;

use crate::checkpoint::{NotInManifest, Resends, Status};
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
    /// As `patched`, of guests that no row of the manifest asks for any more.
    pub left_patched: u64,
}

impl From<&Status> for Unfinished {
    fn from(status: &Status) -> Self {
        // What was invited, settled or is unknown is told by the look at the guests.
        let Counts { invited: _, unknown: _, settled: _, patched, failed, blocked, not_attempted } =
            status.counts;
        let NotInManifest {
            invited: _,
            unknown: _,
            failed: _,
            patched: left,
            not_attempted: begun,
        } = status.not_in_manifest;
        let Resends { outstanding, failed: refused } = status.resends;
        Self {
            not_begun: not_attempted,
            patched,
            failed,
            blocked,
            resends: outstanding + refused,
            left_patched: left + begun,
        }
    }
}

impl Unfinished {
    pub fn total(self) -> u64 {
        let Self { not_begun, patched, failed, blocked, resends, left_patched } = self;
        not_begun + patched + failed + blocked + resends + left_patched
    }
}
