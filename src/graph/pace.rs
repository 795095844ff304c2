//! How fast: writes per second, requests in flight, and the shared hold-off
//! after a 429. Every request passes here; there is no second way to send.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as GovernorClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// What the configuration says about pace.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// PATCH and POST together, per second. Microsoft documents 3,000 writes per
    /// 150 s for one application in one tenant (*Throttling limits*, 2026-02).
    pub writes_per_second: f64,
    /// Writes that may go at once after a pause.
    pub burst: u32,
    /// Requests of any kind under way at one time.
    pub requests_in_flight: usize,
}

/// The slowest pace that has a meaning: a write in a quarter of an hour.
const SLOWEST: f64 = 0.001;

/// The deepest bucket: with the slowest pace it still fits the clock.
const DEEPEST: u32 = 1_000_000;

/// A sleep wakes up to a few milliseconds late. At high rates the bucket has to
/// be deep enough to make up for that, or the rate is never reached.
const TIMER_SLACK: Duration = Duration::from_millis(5);

/// The pacer of one tenant.
#[derive(Debug)]
pub(super) struct Pacer {
    writes: RateLimiter<NotKeyed, InMemoryState, RuntimeClock, NoOpMiddleware<Duration>>,
    clock: RuntimeClock,
    /// Governor has no queue: whoever asks at the right moment wins. Holding this
    /// fair lock while waiting makes writes go in the order in which they asked.
    turn: tokio::sync::Mutex<()>,
    in_flight: Semaphore,
    /// A moment, not a span: it means the same to everyone who reads it.
    not_before: Mutex<Option<Instant>>,
    stop: CancellationToken,
}

/// The run is stopping: the request was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stopped;

impl Pacer {
    pub(super) fn new(pace: Pace, stop: CancellationToken) -> Self {
        let clock = RuntimeClock(Instant::now());
        let slack = (pace.writes_per_second * TIMER_SLACK.as_secs_f64()).ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "float casts saturate, and a saturated burst is no limit at all"
        )]
        let burst = pace.burst.max(slack as u32).min(DEEPEST);
        let period = Duration::from_secs_f64(1.0 / pace.writes_per_second.max(SLOWEST));
        let quota = Quota::with_period(period.max(Duration::from_nanos(1)))
            .expect("the period is not zero")
            .allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN));
        Self {
            writes: RateLimiter::direct_with_clock(quota, clock.clone()),
            clock,
            turn: tokio::sync::Mutex::new(()),
            in_flight: Semaphore::new(pace.requests_in_flight),
            not_before: Mutex::new(None),
            stop,
        }
    }

    /// Waits until a request may be sent. The permit is held until its answer is
    /// there.
    pub(super) async fn enter(&self, write: bool) -> Result<SemaphorePermit<'_>, Stopped> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Stopped),
            permit = self.wait(write) => Ok(permit),
        }
    }

    /// Waits for the turn of a write: its share of the rate, and the end of any
    /// hold-off. It holds nothing; [`Self::enter_now`] follows.
    pub(super) async fn take_turn(&self) -> Result<(), Stopped> {
        let turn = async {
            let turn = self.turn.lock().await;
            self.wait_for_rate().await;
            self.wait_for_hold_off().await;
            drop(turn);
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Stopped),
            () = turn => Ok(()),
        }
    }

    /// Enters with a turn taken before. None when a hold-off began since: what was
    /// true when the turn came may not be by the time it ends.
    pub(super) async fn enter_now(&self) -> Result<Option<SemaphorePermit<'_>>, Stopped> {
        let permit = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err(Stopped),
            permit = self.in_flight.acquire() => permit.expect("the semaphore is never closed"),
        };
        Ok(self.hold_off().is_none().then_some(permit))
    }

    async fn wait_for_rate(&self) {
        while let Err(not_yet) = self.writes.check() {
            let now = self.clock.now();
            tokio::time::sleep(not_yet.wait_time_from(now)).await;
        }
    }

    async fn wait_for_hold_off(&self) {
        while let Some(moment) = self.hold_off() {
            sleep_until(moment).await;
        }
    }

    async fn wait(&self, write: bool) -> SemaphorePermit<'_> {
        // The turn comes first: a write that waits for its turn must not occupy a
        // place in flight that a read could use.
        let turn = if write { Some(self.turn.lock().await) } else { None };
        if write {
            self.wait_for_rate().await;
        }
        let permit = self.in_flight.acquire().await.expect("the semaphore is never closed");
        self.wait_for_hold_off().await;
        drop(turn);
        permit
    }

    /// Nothing is sent before this moment, if it lies ahead.
    fn hold_off(&self) -> Option<Instant> {
        let moment = *self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        moment.filter(|moment| *moment > Instant::now())
    }

    /// Holds everything off for this long; never shortens an earlier wish.
    pub(super) fn hold_off_for(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut not_before = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        if not_before.is_none_or(|moment| moment < until) {
            *not_before = Some(until);
        }
    }
}

/// The runtime's clock for governor, so that paused time pauses the pacer too.
#[derive(Debug, Clone)]
struct RuntimeClock(Instant);

impl GovernorClock for RuntimeClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

const _: fn() = || {
    fn is_reference<R: Reference>() {}
    is_reference::<Duration>();
};

/// Sleeps, unless the run stops first.
pub(super) async fn sleep_or_stop(wait: Duration, stop: &CancellationToken) -> Result<(), Stopped> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(Stopped),
        () = tokio::time::sleep(wait) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn pacer(writes_per_second: f64, burst: u32, requests_in_flight: usize) -> Arc<Pacer> {
        let pace = Pace { writes_per_second, burst, requests_in_flight };
        Arc::new(Pacer::new(pace, CancellationToken::new()))
    }

    #[tokio::test(start_paused = true)]
    async fn writes_keep_the_rate_and_reads_do_not_wait_for_it() {
        let pacer = pacer(2.0, 1, 8);
        let started = Instant::now();
        for _ in 0..5 {
            drop(pacer.enter(true).await);
        }
        let elapsed = started.elapsed();
        assert!(elapsed >= Duration::from_secs(2), "{elapsed:?}");
        assert!(elapsed < Duration::from_millis(2100), "{elapsed:?}");
        for _ in 0..100 {
            drop(pacer.enter(false).await);
        }
        assert_eq!(started.elapsed(), elapsed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once() {
        let pacer = pacer(1.0, 10, 8);
        let started = Instant::now();
        for _ in 0..10 {
            drop(pacer.enter(true).await);
        }
        assert_eq!(started.elapsed(), Duration::ZERO);
        drop(pacer.enter(true).await);
        assert!(started.elapsed() >= Duration::from_millis(990));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_off_holds_everyone_and_is_never_shortened() {
        let pacer = pacer(1000.0, 100, 8);
        let started = Instant::now();
        pacer.hold_off_for(Duration::from_secs(30));
        pacer.hold_off_for(Duration::from_secs(5));
        let other = pacer.clone();
        let read = tokio::spawn(async move { drop(other.enter(false).await) });
        drop(pacer.enter(true).await);
        read.await.unwrap();
        assert!(started.elapsed() >= Duration::from_secs(30));
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_ends_every_wait() {
        let stop = CancellationToken::new();
        let pace = Pace { writes_per_second: 1.0, burst: 1, requests_in_flight: 1 };
        let pacer = Arc::new(Pacer::new(pace, stop.clone()));
        pacer.hold_off_for(Duration::from_secs(3600));
        let waiting = tokio::spawn({
            let pacer = pacer.clone();
            async move { pacer.enter(true).await.map(drop) }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.cancel();
        assert_eq!(waiting.await.unwrap(), Err(Stopped));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_limit_are_in_flight() {
        let pacer = pacer(1e6, 100, 2);
        let first = pacer.enter(false).await.unwrap();
        let _second = pacer.enter(true).await.unwrap();
        let third = tokio::time::timeout(Duration::from_secs(1), pacer.enter(false)).await;
        assert!(third.is_err());
        drop(first);
        assert!(pacer.enter(false).await.is_ok());
    }
}
