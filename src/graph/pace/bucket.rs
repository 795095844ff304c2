//! One budget: so much per second, so much at once, first come first served.
//!
//! Leaves to others: how much of it a request takes, and of which others too.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::{Instant, sleep};

/// The slowest rate that has a meaning: one in a quarter of an hour.
const SLOWEST: f64 = 0.001;

/// The deepest bucket: with the slowest rate it still fits the clock.
const DEEPEST: f64 = 1_000_000.0;

/// A unit is paid in this many cells, so that parts of one can be taken.
const CELLS: f64 = 1000.0;

/// A sleep wakes up to a few milliseconds late. At high rates the bucket has to be
/// deep enough to make up for that, or the rate is never reached.
const TIMER_SLACK: Duration = Duration::from_millis(5);

/// A budget in use. Full at first.
#[derive(Debug)]
pub(super) struct Bucket {
    limiter: RateLimiter<NotKeyed, InMemoryState, RuntimeClock, NoOpMiddleware<Duration>>,
    clock: RuntimeClock,
    /// Governor has no queue: whoever asks at the right moment wins, and whoever asks
    /// for much never does. Holding this fair lock while waiting makes all go in the
    /// order in which they asked.
    turn: tokio::sync::Mutex<()>,
    cells_per_unit: f64,
    capacity: NonZeroU32,
    /// Cells that were spent without asking; the next to ask waits for them too.
    owed: AtomicU32,
}

impl Bucket {
    /// So many units per second, and so many at once after a pause.
    pub(super) fn new(per_second: f64, burst: f64) -> Self {
        let per_second = per_second.max(SLOWEST);
        let period = 1.0 / per_second;
        // Whole nanoseconds; what that rounds off is made good by the price of a unit.
        let tick = Duration::from_secs_f64(period / CELLS).max(Duration::from_nanos(1));
        let cells_per_unit = (period / tick.as_secs_f64()).max(1.0);
        let slack = (per_second * TIMER_SLACK.as_secs_f64()).ceil();
        let burst = burst.max(slack).clamp(1.0, DEEPEST);
        let capacity = cells(burst * cells_per_unit);
        let quota = Quota::with_period(tick).expect("the period is not zero").allow_burst(capacity);
        let clock = RuntimeClock(Instant::now());
        Self {
            limiter: RateLimiter::direct_with_clock(quota, clock.clone()),
            clock,
            turn: tokio::sync::Mutex::new(()),
            cells_per_unit,
            capacity,
            owed: AtomicU32::new(0),
        }
    }

    /// Waits until so many units can be spent, and spends them. More than the bucket
    /// holds is spent bit by bit.
    pub(super) async fn take(&self, units: f64) {
        let _turn = self.turn.lock().await;
        let mut due = u64::from(cells(units * self.cells_per_unit).get());
        loop {
            due += u64::from(self.owed.swap(0, Ordering::Relaxed));
            let portion = u32::try_from(due).unwrap_or(u32::MAX).min(self.capacity.get());
            let Some(portion) = NonZeroU32::new(portion) else { return };
            let taken = self.limiter.check_n(portion).expect("a portion fits the bucket");
            match taken {
                Ok(()) => due -= u64::from(portion.get()),
                Err(not_yet) => sleep(not_yet.wait_time_from(self.clock.now())).await,
            }
        }
    }

    /// Notes units that were spent already.
    pub(super) fn owe(&self, units: f64) {
        let more = (units * self.cells_per_unit).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "float casts saturate, and nobody owes more than the bucket holds"
        )]
        let more = (more as u32).min(self.capacity.get());
        let add = |owed: u32| Some(owed.saturating_add(more));
        // The closure always answers, so this never fails.
        let _ = self.owed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float casts saturate, and the most a bucket holds is far below"
)]
fn cells(count: f64) -> NonZeroU32 {
    NonZeroU32::new(count.round() as u32).unwrap_or(NonZeroU32::MIN)
}

/// The runtime's clock for governor, so that paused time pauses the pacer too.
#[derive(Debug, Clone)]
struct RuntimeClock(Instant);

impl Clock for RuntimeClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

const _: fn() = || {
    fn is_reference<R: Reference>() {}
    is_reference::<Duration>();
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    async fn seconds_for(bucket: &Bucket, units: &[f64]) -> f64 {
        let started = Instant::now();
        for units in units {
            bucket.take(*units).await;
        }
        started.elapsed().as_secs_f64()
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept_after_the_burst_whatever_it_is() {
        for (per_second, burst, taken, expected) in [
            (2.0, 1.0, 5, 2.0),
            (1.0, 10.0, 11, 1.0),
            (18.0, 100.0, 1000, 50.0),
            (0.1, 1.0, 3, 20.0),
            (700_000.0, 1.0, 1000, 0.0),
            // A timer of milliseconds reaches the rate all the same.
            (900.0, 1.0, 9000, 10.0),
        ] {
            let bucket = Bucket::new(per_second, burst);
            let seconds = seconds_for(&bucket, &vec![1.0; taken]).await;
            assert!(
                (seconds - expected).abs() <= 0.01 + expected * 0.001,
                "{per_second}: {seconds}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_it_holds_and_parts_of_a_unit_are_paid_in_time() {
        let bucket = Bucket::new(1.0, 1.0);
        let seconds = seconds_for(&bucket, &[8.0, 0.5, 0.5]).await;
        assert!((seconds - 8.0).abs() < 0.02, "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_owed_is_waited_for_first() {
        let bucket = Bucket::new(2.0, 10.0);
        bucket.owe(10.0);
        let seconds = seconds_for(&bucket, &[1.0, 1.0]).await;
        assert!((seconds - 1.0).abs() < 0.02, "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_asks_for_much_is_not_starved_by_many_that_ask_for_little() {
        let bucket = Arc::new(Bucket::new(200.0, 10.0));
        for _ in 0..20 {
            let bucket = bucket.clone();
            tokio::spawn(async move {
                loop {
                    bucket.take(1.0).await;
                }
            });
        }
        tokio::task::yield_now().await;
        let started = Instant::now();
        bucket.take(10.0).await;
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    }
}
