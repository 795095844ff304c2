//! A run in numbers, and their names: stored, printed and told to machines, they are the
//! same everywhere.
//!
//! Leaves to others: counting (`engine`), and what is told beside the numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::event::{MailEnd, StopReason};
use super::limit::LimitedBy;

/// The run in numbers. Every row is in exactly one of `invited`, `settled`,
/// `blocked`, `failed`, `unknown` and `not_attempted`; `patched` counts mails
/// written, whatever became of the row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// All rows of the manifest.
    pub rows: u64,
    pub invited: u64,
    pub patched: u64,
    /// Rows with nothing to do.
    pub settled: u64,
    /// Rows the plan did not allow.
    pub blocked: u64,
    /// Rows refused by the service or by a guest changed meanwhile.
    pub failed: u64,
    /// Rows of which it is not known whether the invitation was sent.
    pub unknown: u64,
    /// Rows the run did not come to.
    pub not_attempted: u64,
    /// Of those, rows that wait for a later run, as it was planned.
    pub held: u64,
    /// Guests without a row that are left with the new mail and no invitation; no part of
    /// the sum.
    pub left: u64,
    /// Settled rows whose guests were moved by others and not invited since.
    pub not_invited: u64,
    /// Rows that went first, and were seen in the directory before the others followed.
    pub canary: u64,
    pub retries: u64,
    /// Answers that asked for patience.
    pub throttled: u64,
    /// Why the run ended early.
    pub stop_reason: Option<StopReason>,
    /// What kept it from going faster; None when there was nothing to carry out.
    pub limited_by: Option<LimitedBy>,
    /// From the first row to the last.
    pub elapsed: Duration,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// What became of one's own mails, by line of the manifest.
    pub mails: BTreeMap<u32, MailEnd>,
}

impl Summary {
    /// What was counted, by the names of the contract and in its order.
    pub fn numbers(&self) -> Numbers {
        let Self {
            rows,
            invited,
            patched,
            settled,
            blocked,
            failed,
            unknown,
            not_attempted,
            held: _,
            left: _,
            not_invited,
            canary: _,
            retries,
            throttled,
            stop_reason: _,
            limited_by: _,
            elapsed: _,
            started_at: _,
            mails: _,
        } = self;
        Numbers([
            ("rows", *rows),
            ("invited", *invited),
            ("patched", *patched),
            ("settled", *settled),
            ("blocked", *blocked),
            ("failed", *failed),
            ("unknown", *unknown),
            ("not_attempted", *not_attempted),
            ("retries", *retries),
            ("throttled", *throttled),
            ("mailed", self.mailed()),
            ("mail_files", self.mail_files()),
            ("mail_failed", self.mail_failed()),
            ("mail_unknown", self.mail_unknown()),
            ("not_invited", *not_invited),
        ])
    }

    /// Rows and guests that somebody has to look at, and of which something is known.
    pub fn needs_a_person(&self) -> u64 {
        self.failed + self.blocked + self.left + self.not_invited
    }

    fn mails_at(&self, which: impl Fn(MailEnd) -> bool) -> u64 {
        self.mails.values().filter(|end| which(**end)).count() as u64
    }

    /// One's own mails that were sent.
    pub fn mailed(&self) -> u64 {
        self.mails_at(|end| end == MailEnd::Sent)
    }

    /// Those that were written as files: P6, none is sent yet.
    pub fn mail_files(&self) -> u64 {
        self.mails_at(|end| end == MailEnd::File)
    }

    /// Mails that were refused for their guest.
    pub fn mail_failed(&self) -> u64 {
        self.mails_at(|end| end == MailEnd::Failed)
    }

    /// Mails of which it is not known whether they were sent.
    pub fn mail_unknown(&self) -> u64 {
        self.mails_at(|end| end == MailEnd::Unknown)
    }

    /// Links that the next run is to mail.
    pub fn mails_due(&self) -> u64 {
        self.mails_at(|end| end == MailEnd::NotYet)
    }

    /// How many rows ended in which way: every row is counted in exactly one of these.
    pub fn ends(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.numbers().into_iter().filter(|(name, _)| {
            ["invited", "settled", "blocked", "failed", "unknown", "not_attempted"].contains(name)
        })
    }
}

/// The counts of a run by name. Serialised, they are keys.
#[derive(Debug, Clone, Copy)]
pub struct Numbers([(&'static str, u64); 15]);

impl IntoIterator for Numbers {
    type Item = (&'static str, u64);
    type IntoIter = std::array::IntoIter<Self::Item, 15>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Serialize for Numbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(*self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_keys_in_the_order_of_the_contract() {
        let summary = Summary { rows: 3, invited: 2, blocked: 1, retries: 4, ..Summary::default() };
        insta::assert_snapshot!(
            serde_json::to_string(&summary.numbers()).unwrap(),
            @r#"{"rows":3,"invited":2,"patched":0,"settled":0,"blocked":1,"failed":0,"unknown":0,"not_attempted":0,"retries":4,"throttled":0,"mailed":0,"mail_files":0,"mail_failed":0,"mail_unknown":0,"not_invited":0}"#
        );
        assert_eq!(summary.ends().map(|(_, n)| n).sum::<u64>(), summary.rows);
    }
}
