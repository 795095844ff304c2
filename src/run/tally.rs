//! Counting while the run goes on: when too many rows have failed.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::Limit;

use super::event::{MailEnd, Outcome, StopReason};

/// A share of failures says nothing before this many rows were tried.
const SMALLEST_SAMPLE: u64 = 20;

/// So many rows refused for lack of permission, with none accepted, are no longer
/// about the guests.
const REFUSALS_WITHOUT_SUCCESS: u64 = 3;

/// So many rows that fail in a row in the same way fail for one reason, which the guests
/// are not.
const MOST_IN_A_ROW: u64 = 10;

/// Counts of rows that have an outcome.
#[derive(Debug)]
pub(super) struct Tally {
    max_failures: Option<Limit>,
    patched: AtomicU64,
    counts: Mutex<Counts>,
    mails: Mutex<BTreeMap<u32, MailEnd>>,
}

#[derive(Debug, Default)]
struct Counts {
    invited: u64,
    failed: u64,
    unknown: u64,
    as_wanted: u64,
    not_permitted: u64,
    /// Rows that failed one after the other in the same way.
    in_a_row: u64,
    /// The code of the last of them.
    code: String,
}

impl Tally {
    pub(super) fn new(max_failures: Option<Limit>) -> Self {
        let patched = AtomicU64::new(0);
        Self { max_failures, patched, counts: Mutex::default(), mails: Mutex::default() }
    }

    pub(super) fn count_patch(&self) {
        self.patched.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_mail(&self, line: u32, end: MailEnd) {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).insert(line, end);
    }

    pub(super) fn mails(&self) -> BTreeMap<u32, MailEnd> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn patched(&self) -> u64 {
        self.patched.load(Ordering::Relaxed)
    }

    /// Counts a row refused for lack of permission. A reason to stop when it looks
    /// as if everyone would be.
    pub(super) fn count_refusal(&self, message: &str) -> Option<StopReason> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.not_permitted += 1;
        (counts.invited == 0 && counts.not_permitted >= REFUSALS_WITHOUT_SUCCESS)
            .then(|| StopReason::Permission { message: message.to_owned() })
    }

    /// Counts an outcome. A reason to stop when more failed than may.
    pub(super) fn count(&self, outcome: &Outcome) -> Option<StopReason> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Outcome::Invited(_) => {
                counts.invited += 1;
                counts.in_a_row = 0;
            }
            Outcome::Failed(failure) => {
                counts.failed += 1;
                counts.in_a_row = if counts.code == failure.code { counts.in_a_row + 1 } else { 1 };
                counts.code.clone_from(&failure.code);
            }
            Outcome::Unknown { .. } => {
                counts.unknown += 1;
                counts.in_a_row = 0;
            }
            Outcome::AsWanted { .. } => {
                counts.as_wanted += 1;
                counts.in_a_row = 0;
            }
            Outcome::NotAttempted { .. } | Outcome::Held => return None,
        }
        let failed = counts.failed;
        let tried = counts.invited + counts.failed + counts.unknown + counts.as_wanted;
        let limit = self.max_failures?;
        let too_many = match limit {
            Limit::Count(most) => failed > most,
            Limit::Share(share) => tried >= SMALLEST_SAMPLE && failed > share.of(tried),
        };
        if too_many {
            return Some(StopReason::TooManyFailures { failed, tried });
        }
        // A count says exactly how many may fail, and all of them is no limit.
        let is_share = matches!(limit, Limit::Share(share) if share.of(tried) < tried);
        let rows = counts.in_a_row;
        (is_share && rows >= MOST_IN_A_ROW)
            .then(|| StopReason::FailuresInARow { rows, code: counts.code.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::event::{Failure, InvitedHow};

    fn failed() -> Outcome {
        Outcome::Failed(Failure {
            code: "refused".into(),
            message: String::new(),
            advice: String::new(),
            request_id: None,
        })
    }

    const INVITED: Outcome = Outcome::Invited(InvitedHow::Accepted);

    #[test]
    fn a_count_stops_at_once_and_a_share_after_a_sample() {
        let tally = Tally::new(Some("2".parse().unwrap()));
        assert_eq!(tally.count(&failed()), None);
        assert_eq!(tally.count(&failed()), None);
        assert_eq!(
            tally.count(&failed()),
            Some(StopReason::TooManyFailures { failed: 3, tried: 3 })
        );

        let tally = Tally::new(Some("10%".parse().unwrap()));
        for _ in 0..5 {
            assert_eq!(tally.count(&failed()), None);
        }
        assert_eq!(tally.count(&INVITED), None);
        for _ in 0..5 {
            assert_eq!(tally.count(&failed()), None);
        }
        for _ in 0..8 {
            assert_eq!(tally.count(&INVITED), None);
        }
        let reason = tally.count(&INVITED);
        assert_eq!(reason, Some(StopReason::TooManyFailures { failed: 10, tried: 20 }));
    }

    #[test]
    fn failures_of_one_kind_in_a_row_stop_where_a_share_may_fail() {
        for (limit, stops) in [("20%", true), ("100%", false), ("500", false)] {
            let tally = Tally::new(Some(limit.parse().unwrap()));
            for _ in 0..9 {
                assert_eq!(tally.count(&failed()), None);
            }
            let tenth = tally.count(&failed());
            let reason = StopReason::FailuresInARow { rows: 10, code: "refused".into() };
            assert_eq!(tenth, stops.then_some(reason), "{limit}");
        }
    }

    #[test]
    fn refusals_of_permission_stop_only_while_nobody_was_accepted() {
        let tally = Tally::new(None);
        assert_eq!(tally.count_refusal("no"), None);
        assert_eq!(tally.count_refusal("no"), None);
        assert!(tally.count_refusal("no").is_some());

        let tally = Tally::new(None);
        tally.count(&INVITED);
        for _ in 0..10 {
            assert_eq!(tally.count_refusal("no"), None);
        }
    }
}
