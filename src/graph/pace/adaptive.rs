//! Going slower than configured where the tenant wants it.
//!
//! Two signals slow it down. `x-ms-throttle-limit-percentage`, which comes with
//! answers from 0.8 of a limit on, does so in proportion, before anything is refused;
//! a refusal after such a warning cuts the rate at once. What a refusal without a warning
//! says of the rate is found out (`bearable`). The rate is never above the configured
//! one.
//!
//! Leaves to others: the wait that a refusal asked for (`hold_off`).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::bearable::Bearable;
use super::bucket::Bucket;

/// Where the service begins to tell how much of a limit is used, and where it begins
/// to refuse (Microsoft Graph, *Throttling*).
const NEAR: f64 = 0.8;
const USED_UP: f64 = 1.0;

/// What is left of the rate at the limit: enough to learn when it is over.
const AT_LIMIT: f64 = 0.05;

/// What was told so long ago says nothing about now: by then a quota of 150 s has
/// regained a fifth.
const STALE: Duration = Duration::from_secs(30);

/// How long ago two answers may lie apart to be about the same.
const SHARED: Duration = Duration::from_secs(5);

/// What is left of what got through when a refusal followed a warning.
const CUT: f64 = 0.8;

/// Over how long the rate that gets through is taken.
const AVERAGED: f64 = 10.0;

/// Above what got through lately by no more than this when a limit comes near: else a
/// rate that was never reached would have to come down a long way before it mattered.
const ROOM: f64 = 2.0;

/// The rate grows while less than this is known to be used. There, half of it is taken
/// off: with [`ROOM`], what is left is what gets through.
const STEADY: f64 = 0.9;

/// The rate of requests that share a quota.
#[derive(Debug)]
pub(super) struct Adaptive {
    state: Mutex<State>,
    /// At the configured rate, and no more at once than makes good for a timer that is
    /// late: in a tenant that is near a limit, requests go one by one.
    evenly: Bucket,
}

impl Adaptive {
    pub(super) fn new(most: f64) -> Self {
        Self { state: Mutex::new(State::new(most, Instant::now())), evenly: Bucket::new(most, 2.0) }
    }

    /// Waits as long as the present rate lies below the configured one. For a while
    /// after a signal there are no bursts either: they would bring the next one.
    pub(super) async fn wait(&self) {
        let mut due = 1.0;
        // A share of one, bit by bit, as the rate may change meanwhile.
        while due > 1e-9 {
            let share = {
                let mut state = self.state();
                let now = Instant::now();
                let share = state.share(now);
                if share >= 1.0 && state.is_at_ease(now) {
                    return;
                }
                share
            };
            let portion = (due / share).min(1.0);
            self.evenly.take(portion).await;
            due -= portion * share;
        }
    }

    /// Learns from an answer that was no refusal.
    pub(super) fn accepted(&self, sent_at: Instant, used: Option<f64>) {
        self.state().accepted(Instant::now(), sent_at, used);
    }

    /// Counts what got through with an answer that may be about another quota. Returns
    /// whether it was taken for this one: a limit that others have just been told is
    /// near, and that is said to be near again, is the one they share.
    pub(super) fn passed(&self, sent_at: Instant, used: Option<f64>) -> bool {
        let (mut state, now) = (self.state(), Instant::now());
        let since_told = state.near.map(|(_, told)| now.duration_since(told));
        if since_told.is_some_and(|since| since < SHARED) && used.is_some() {
            state.accepted(now, sent_at, used);
            return true;
        }
        state.one_through(now, sent_at);
        false
    }

    /// Learns from a refusal. `until` is the end of the wait it asked for.
    pub(super) fn refused(&self, sent_at: Instant, until: Instant) {
        self.state().refused(Instant::now(), sent_at, until);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct State {
    most: f64,
    /// The rate that the tenant bears, but for what the nearness of a limit takes off.
    bearable: Bearable,
    /// How much of a limit is used, as last told, and when.
    near: Option<(f64, Instant)>,
    /// When a limit was last said to be near or used up.
    signal_at: Option<Instant>,
    through: Throughput,
}

impl State {
    fn new(most: f64, now: Instant) -> Self {
        Self {
            most,
            bearable: Bearable::new(most, now),
            near: None,
            signal_at: None,
            through: Throughput::new(now),
        }
    }

    /// The present rate as a share of the configured one.
    fn share(&mut self, now: Instant) -> f64 {
        self.near = self.near.filter(|(_, told)| now.duration_since(*told) < STALE);
        let slowed = self.near.map_or(1.0, |(used, _)| {
            let way = ((used - NEAR) / (USED_UP - NEAR)).clamp(0.0, 1.0);
            1.0 - way * (1.0 - AT_LIMIT)
        });
        let may_grow = self.near.is_none_or(|(used, _)| used < STEADY);
        let rate = self.bearable.rate(now, may_grow);
        (rate * slowed / self.most).clamp(f64::MIN_POSITIVE, 1.0)
    }

    fn is_at_ease(&self, now: Instant) -> bool {
        self.signal_at.is_none_or(|at| now.saturating_duration_since(at) >= STALE)
    }

    fn one_through(&mut self, now: Instant, sent_at: Instant) {
        self.share(now);
        self.through.one(now);
        self.bearable.accepted(sent_at);
    }

    fn accepted(&mut self, now: Instant, sent_at: Instant, used: Option<f64>) {
        self.one_through(now, sent_at);
        let was_near = self.near.is_some();
        self.near = used.filter(|used| *used >= NEAR).map(|used| (used, now));
        self.signal_at = self.near.map(|(_, told)| told).or(self.signal_at);
        if self.near.is_some()
            && !was_near
            && let Some(through) = self.through.per_second(now)
        {
            self.bearable.lower_to(through * ROOM);
        }
    }

    fn refused(&mut self, now: Instant, sent_at: Instant, until: Instant) {
        self.share(now);
        let rate = self.bearable.rate(now, false);
        if !self.bearable.refused(now, sent_at, until) {
            return;
        }
        // A limit that was said to be near has been reached. The wait and the cut are
        // the answer to that, too.
        if self.near.take().is_some() {
            let through = self.through.per_second(now).unwrap_or(f64::INFINITY);
            self.bearable.lower_to(rate.min(through) * CUT);
        }
        self.signal_at = Some(until);
    }
}

/// How much gets through: the recent counts more.
#[derive(Debug)]
struct Throughput {
    began: Instant,
    at: Instant,
    weighted: f64,
}

impl Throughput {
    fn new(now: Instant) -> Self {
        Self { began: now, at: now, weighted: 0.0 }
    }

    fn one(&mut self, now: Instant) {
        if self.weighted == 0.0 {
            self.began = now;
        }
        self.weighted = self.faded(now) + 1.0;
        self.at = now;
    }

    fn faded(&self, now: Instant) -> f64 {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.weighted * (-seconds / AVERAGED).exp()
    }

    /// None while it has not been observed for long enough to say.
    fn per_second(&self, now: Instant) -> Option<f64> {
        let observed = now.saturating_duration_since(self.began).as_secs_f64();
        let seen = 1.0 - (-observed / AVERAGED).exp();
        (observed >= AVERAGED / 2.0).then(|| self.faded(now) / (AVERAGED * seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A lane that sends as fast as it may, for so many seconds.
    fn send(state: &mut State, from: Instant, seconds: u32, used: Option<f64>) -> Instant {
        let mut now = from;
        while now < from + SECOND * seconds {
            let rate = state.share(now) * state.most;
            now += Duration::from_secs_f64(1.0 / rate);
            state.accepted(now, now, used);
        }
        now
    }

    #[test]
    fn a_refusal_after_a_warning_cuts_the_rate_once_for_all_that_was_under_way() {
        let start = Instant::now();
        let mut state = State::new(10.0, start);
        let now = send(&mut state, start, 30, Some(0.8));
        for ago in [3, 2, 1, 0] {
            state.refused(now, now - SECOND * ago, now + SECOND);
        }
        let cut = state.share(now);
        assert!((cut - 0.8).abs() < 0.05, "{cut}");
        // Nor does it grow before the wait is over.
        assert!((state.share(now + SECOND) - cut).abs() < 1e-9);
        // A later one, after another warning, is another.
        let now = send(&mut state, now + SECOND, 1, Some(0.8));
        state.refused(now, now, now + SECOND);
        let cut = state.share(now);
        assert!(cut < 0.7, "{cut}");
        assert!(state.share(now + SECOND * 60) > cut);
    }

    #[test]
    fn one_refusal_without_a_warning_asks_for_a_wait_and_no_more() {
        let start = Instant::now();
        let mut state = State::new(10.0, start);
        let now = send(&mut state, start, 30, None);
        state.refused(now, now, now + SECOND);
        assert!((state.share(now + SECOND) - 1.0).abs() < 1e-9);
        assert!(!state.is_at_ease(now + SECOND));
    }

    #[test]
    fn a_rate_that_was_never_reached_comes_down_to_what_is() {
        let start = Instant::now();
        let mut state = State::new(1000.0, start);
        for n in 0..100 {
            state.accepted(start + SECOND * n / 4, start + SECOND * n / 4, None);
        }
        let now = start + SECOND * 25;
        state.accepted(now, now, Some(0.85));
        state.refused(now, now, now + SECOND);
        let rate = state.share(now) * 1000.0;
        assert!((2.0..4.0).contains(&rate), "{rate}");
    }

    #[test]
    fn the_nearer_the_limit_the_slower() {
        let start = Instant::now();
        for (used, expected) in [
            (None, 1.0),
            (Some(0.5), 1.0),
            (Some(0.8), 1.0),
            (Some(0.9), 0.525),
            (Some(1.0), AT_LIMIT),
            (Some(1.8), AT_LIMIT),
        ] {
            let mut state = State::new(10.0, start);
            let now = send(&mut state, start, 30, None);
            state.accepted(now, now, used);
            assert!((state.share(now) - expected).abs() < 0.02, "{used:?} {}", state.share(now));
            // What nobody repeats is forgotten.
            assert!(state.share(now + STALE) > 0.99);
        }
    }
}
