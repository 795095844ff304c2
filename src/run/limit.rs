//! What kept a run from going faster.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::graph::Waits;

use super::event::{Event, Phase};

/// What kept a run from going faster most of the time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LimitedBy {
    Pace {
        writes_per_second: f64,
    },
    /// Microsoft's documented quotas, which are kept whatever is configured.
    Quota,
    /// The tenant: it asked for patience, or said that a limit was near.
    Throttling {
        refusals: u64,
        /// How long some request waited for it.
        waited: Duration,
    },
    /// The directory: all rows under way waited for it to show what was written.
    Replication,
    /// The number of requests that may be under way at one time.
    RequestsInFlight {
        most: usize,
    },
    /// The time that requests and this machine take.
    Latency,
}

impl LimitedBy {
    /// The stable code, as the summary's `limited_by`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Pace { .. } => "pace",
            Self::Quota => "quota",
            Self::Throttling { .. } => "throttling",
            Self::Replication => "replication",
            Self::RequestsInFlight { .. } => "requests-in-flight",
            Self::Latency => "latency",
        }
    }
}

/// What a run's settings and numbers add to what it waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) writes_per_second: f64,
    pub(super) requests_in_flight: usize,
    pub(super) refusals: u64,
    pub(super) waits: Waits,
    pub(super) elapsed: Duration,
}

/// Rows by what they wait for, while the run goes on.
#[derive(Debug, Default)]
pub(super) struct Standstill(Mutex<Rows>);

#[derive(Debug, Default)]
struct Rows {
    at_work: u64,
    waiting: u64,
    since: Option<Instant>,
    total: Duration,
}

impl Standstill {
    /// Takes in what happened.
    pub(super) fn note(&self, event: &Event) {
        let (from, to) = match event {
            Event::RowEntered { from, to, .. } => (*from, Some(*to)),
            Event::RowFinished { from, .. } => (*from, None),
            _ => return,
        };
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(from) = from {
            let left = rows.of(from);
            *left = left.saturating_sub(1);
        }
        if let Some(to) = to {
            *rows.of(to) += 1;
        }
        let stands_still = rows.at_work == 0 && rows.waiting > 0;
        if !stands_still && let Some(since) = rows.since.take() {
            rows.total += since.elapsed();
        } else if stands_still {
            rows.since.get_or_insert_with(Instant::now);
        }
    }

    /// What limited a run of rows that is over.
    pub(super) fn conclude(&self, told: Told) -> LimitedBy {
        let Told { writes_per_second, requests_in_flight, refusals, waits, elapsed } = told;
        let replication = self.0.lock().unwrap_or_else(PoisonError::into_inner).total;
        let known = waits.pace + waits.quota + waits.throttling + waits.in_flight + replication;
        let candidates = [
            (elapsed.saturating_sub(known), LimitedBy::Latency),
            (waits.in_flight, LimitedBy::RequestsInFlight { most: requests_in_flight }),
            (replication, LimitedBy::Replication),
            (waits.pace, LimitedBy::Pace { writes_per_second }),
            (waits.quota, LimitedBy::Quota),
            (waits.throttling, LimitedBy::Throttling { refusals, waited: waits.throttling }),
        ];
        let most = candidates.into_iter().max_by_key(|(time, _)| *time);
        most.expect("there are candidates").1
    }
}

impl Rows {
    fn of(&mut self, phase: Phase) -> &mut u64 {
        match phase {
            Phase::Patching | Phase::Inviting => &mut self.at_work,
            Phase::Clearing | Phase::Settling => &mut self.waiting,
        }
    }
}

impl fmt::Display for LimitedBy {
    /// What follows "limited by".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pace { writes_per_second } => {
                write!(f, "the configured pace ({writes_per_second} writes/s)")
            }
            Self::Quota => f.write_str("Microsoft's documented quotas"),
            Self::Throttling { .. } => f.write_str("the tenant's throttling"),
            Self::Replication => f.write_str("replication in the directory"),
            Self::RequestsInFlight { most } => write!(f, "requests in flight ({most} at a time)"),
            Self::Latency => f.write_str("the time that requests take"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn told(waits: Waits) -> Told {
        Told {
            writes_per_second: 4.0,
            requests_in_flight: 16,
            refusals: 3,
            waits,
            elapsed: SECOND * 100,
        }
    }

    #[test]
    fn the_longest_wait_is_what_limited_it() {
        for (waits, code) in [
            (Waits::default(), "latency"),
            (Waits { pace: SECOND * 40, ..Waits::default() }, "latency"),
            (Waits { pace: SECOND * 90, in_flight: SECOND * 20, ..Waits::default() }, "pace"),
            (Waits { pace: SECOND * 40, quota: SECOND * 45, ..Waits::default() }, "quota"),
            (Waits { throttling: SECOND * 60, ..Waits::default() }, "throttling"),
            (Waits { in_flight: SECOND * 60, ..Waits::default() }, "requests-in-flight"),
        ] {
            assert_eq!(Standstill::default().conclude(told(waits)).code(), code, "{waits:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_all_rows_wait_for_the_directory_is_replication() {
        let rows = Standstill::default();
        let enter = |from, to| rows.note(&Event::RowEntered { line: 2, from, to });
        enter(None, Phase::Patching);
        enter(Some(Phase::Patching), Phase::Settling);
        enter(None, Phase::Patching);
        tokio::time::advance(SECOND * 50).await;
        enter(Some(Phase::Patching), Phase::Settling);
        tokio::time::advance(SECOND * 70).await;
        enter(Some(Phase::Settling), Phase::Inviting);
        tokio::time::advance(SECOND * 200).await;
        assert_eq!(rows.0.lock().unwrap().total, SECOND * 70);
        assert_eq!(rows.conclude(told(Waits::default())), LimitedBy::Replication);
    }
}
