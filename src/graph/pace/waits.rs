//! What requests waited for: how long at least one did, by cause.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long at least one request waited, by cause. What two causes delay at once
/// counts for both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waits {
    /// For the configured pace.
    pub pace: Duration,
    /// For room in a documented quota.
    pub quota: Duration,
    /// For the end of a hold-off, or because the tenant said that a limit is near.
    pub throttling: Duration,
    /// For another request to be answered.
    pub in_flight: Duration,
}

impl Waits {
    /// What was added since.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            pace: self.pace.saturating_sub(earlier.pace),
            quota: self.quota.saturating_sub(earlier.quota),
            throttling: self.throttling.saturating_sub(earlier.throttling),
            in_flight: self.in_flight.saturating_sub(earlier.in_flight),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Cause {
    Pace,
    Quota,
    Throttling,
    InFlight,
}

#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<[Waiters; 4]>);

#[derive(Debug, Default, Clone, Copy)]
struct Waiters {
    number: u32,
    since: Option<Instant>,
    total: Duration,
}

impl Waiting {
    /// Waits for what a cause delays, and counts the time.
    pub(super) async fn during<T>(&self, cause: Cause, what: impl Future<Output = T>) -> T {
        let _waiter = Waiter::new(self, cause);
        what.await
    }

    pub(super) fn so_far(&self) -> Waits {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [pace, quota, throttling, in_flight] = all.map(|waiters| {
            waiters.total + waiters.since.map_or(Duration::ZERO, |since| since.elapsed())
        });
        Waits { pace, quota, throttling, in_flight }
    }
}

/// One that waits, until it is dropped: a wait may end because the run does.
struct Waiter<'a>(&'a Waiting, Cause);

impl<'a> Waiter<'a> {
    fn new(waiting: &'a Waiting, cause: Cause) -> Self {
        let mut all = waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiters = &mut all[cause as usize];
        waiters.number += 1;
        waiters.since.get_or_insert_with(Instant::now);
        Self(waiting, cause)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut all = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiters = &mut all[self.1 as usize];
        waiters.number -= 1;
        if waiters.number == 0
            && let Some(since) = waiters.since.take()
        {
            waiters.total += since.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_in_which_several_wait_counts_once() {
        let waiting = Waiting::default();
        let sleep = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
        tokio::join!(
            waiting.during(Cause::Pace, sleep(3)),
            waiting.during(Cause::Pace, sleep(5)),
            waiting.during(Cause::Throttling, sleep(2)),
        );
        let first = waiting.so_far();
        assert_eq!((first.pace.as_secs(), first.throttling.as_secs()), (5, 2));
        tokio::select! {
            () = waiting.during(Cause::Pace, sleep(60)) => {}
            () = sleep(1) => {}
        }
        assert_eq!(waiting.so_far().since(first).pace.as_secs(), 1);
    }
}
