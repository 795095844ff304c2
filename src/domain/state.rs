//! The places where a row can be, and how many rows are in each.
//!
//! Leaves to others: which one it is (`checkpoint`).

use serde::Serialize;

use super::words::words;

words! {
    /// Where a row stands, as `status` counts it.
    pub enum State ("state of a row") {
        Invited = "invited",
        /// Mail written, invitation still to be sent.
        Patched = "patched",
        /// Sent or not: not known.
        Unknown = "unknown",
        Failed = "failed",
        /// Can't or mustn't be done.
        Blocked = "blocked",
        /// Nothing to do.
        Settled = "settled",
        /// Not begun.
        NotAttempted = "not-attempted",
    }
}

/// How many rows are in which state. Every row is in exactly one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub invited: u64,
    pub patched: u64,
    pub unknown: u64,
    pub failed: u64,
    pub blocked: u64,
    pub settled: u64,
    pub not_attempted: u64,
}

impl Counts {
    pub const fn of(&self, state: State) -> u64 {
        match state {
            State::Invited => self.invited,
            State::Patched => self.patched,
            State::Unknown => self.unknown,
            State::Failed => self.failed,
            State::Blocked => self.blocked,
            State::Settled => self.settled,
            State::NotAttempted => self.not_attempted,
        }
    }

    pub const fn of_mut(&mut self, state: State) -> &mut u64 {
        match state {
            State::Invited => &mut self.invited,
            State::Patched => &mut self.patched,
            State::Unknown => &mut self.unknown,
            State::Failed => &mut self.failed,
            State::Blocked => &mut self.blocked,
            State::Settled => &mut self.settled,
            State::NotAttempted => &mut self.not_attempted,
        }
    }

    pub fn add(&mut self, other: &Self) {
        for state in State::ALL {
            *self.of_mut(*state) += other.of(*state);
        }
    }

    pub fn sum(&self) -> u64 {
        State::ALL.iter().map(|state| self.of(*state)).sum()
    }
}

impl FromIterator<State> for Counts {
    fn from_iter<I: IntoIterator<Item = State>>(states: I) -> Self {
        let mut counts = Self::default();
        for state in states {
            *counts.of_mut(state) += 1;
        }
        counts
    }
}
