//! Finding the rate that the tenant bears, below the configured one.
//!
//! Two signals slow it down. `x-ms-throttle-limit-percentage`, which comes with
//! answers from 0.8 of a limit on, does so in proportion, before anything is refused.
//! A refusal cuts the rate by a part of what got through until then, once for all
//! requests that were under way; while nothing speaks against it the rate grows again,
//! step by step, up to the configured one and never above.
//!
//! Leaves to others: the wait that a refusal asked for (`hold_off`).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

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

/// What is left of the rate after a refusal.
const CUT: f64 = 0.8;

/// From nothing to the configured rate in so many seconds.
const REGAIN: f64 = 240.0;

/// But by no more than a part of the present rate in a second: far below the
/// configured rate, steps that are small there are leaps.
const STEEPEST: f64 = 0.05;

/// No slower than this, if the configuration is not: one in twenty seconds.
const LEAST: f64 = 0.05;

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
    pub(super) fn accepted(&self, used: Option<f64>) {
        self.state().accepted(Instant::now(), used);
    }

    /// Counts what got through with an answer that may be about another quota. Returns
    /// whether it was taken for this one: a limit that others have just been told is
    /// near, and that is said to be near again, is the one they share.
    pub(super) fn passed(&self, used: Option<f64>) -> bool {
        let (mut state, now) = (self.state(), Instant::now());
        let since_told = state.near.map(|(_, told)| now.duration_since(told));
        if since_told.is_some_and(|since| since < SHARED) && used.is_some() {
            state.accepted(now, used);
            return true;
        }
        state.through.one(now);
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
    /// Requests per second, but for what the nearness of a limit takes off.
    rate: f64,
    /// Until when the rate has grown.
    grown_at: Instant,
    /// When the rate was cut. What was sent before belongs to the same congestion.
    cut_at: Option<Instant>,
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
            rate: most,
            grown_at: now,
            cut_at: None,
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
        if self.near.is_none_or(|(used, _)| used < STEADY) {
            let seconds = now.saturating_duration_since(self.grown_at).as_secs_f64();
            let step = (self.most / REGAIN).min(self.rate * STEEPEST);
            self.rate = (self.rate + step * seconds).min(self.most);
        }
        self.grown_at = self.grown_at.max(now);
        (self.rate * slowed / self.most).clamp(f64::MIN_POSITIVE, 1.0)
    }

    fn is_at_ease(&self, now: Instant) -> bool {
        self.signal_at.is_none_or(|at| now.saturating_duration_since(at) >= STALE)
    }

    fn accepted(&mut self, now: Instant, used: Option<f64>) {
        self.share(now);
        self.through.one(now);
        let was_near = self.near.is_some();
        self.near = used.filter(|used| *used >= NEAR).map(|used| (used, now));
        self.signal_at = self.near.map(|(_, told)| told).or(self.signal_at);
        if self.near.is_some()
            && !was_near
            && let Some(through) = self.through.per_second(now)
        {
            self.lower_to(through * ROOM);
        }
    }

    fn refused(&mut self, now: Instant, sent_at: Instant, until: Instant) {
        if self.cut_at.is_some_and(|cut_at| sent_at <= cut_at) {
            return;
        }
        self.share(now);
        let through = self.through.per_second(now).unwrap_or(f64::INFINITY);
        self.lower_to(self.rate.min(through) * CUT);
        self.cut_at = Some(now);
        self.signal_at = Some(until);
        self.grown_at = until;
        // The wait and the cut are the answer to it.
        self.near = None;
    }

    fn lower_to(&mut self, rate: f64) {
        self.rate = self.rate.min(rate.max(LEAST));
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
            state.accepted(now, used);
        }
        now
    }

    #[test]
    fn a_refusal_cuts_the_rate_once_for_all_that_was_under_way() {
        let start = Instant::now();
        let mut state = State::new(10.0, start);
        let now = send(&mut state, start, 30, None);
        for ago in [3, 2, 1, 0] {
            state.refused(now, now - SECOND * ago, now + SECOND);
        }
        assert!((state.share(now) - 0.8).abs() < 0.05, "{}", state.share(now));
        // A later one is another.
        state.refused(now + SECOND, now + SECOND / 2, now + SECOND);
        assert!(state.share(now) < 0.7, "{}", state.share(now));
    }

    #[test]
    fn what_was_cut_grows_again_after_the_wait_and_not_beyond_the_configured_rate() {
        let start = Instant::now();
        let mut state = State::new(10.0, start);
        let now = send(&mut state, start, 30, None);
        state.refused(now, now, now + SECOND * 60);
        let cut = state.share(now);
        assert!((state.share(now + SECOND * 60) - cut).abs() < 1e-9);
        let later = state.share(now + SECOND * 66);
        assert!((later - cut - 6.0 / REGAIN).abs() < 1e-6, "{cut} {later}");
        assert!((state.share(now + SECOND * 600) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_rate_that_was_never_reached_comes_down_to_what_is() {
        let start = Instant::now();
        let mut state = State::new(1000.0, start);
        for n in 0..100 {
            state.accepted(start + SECOND * n / 4, None);
        }
        let now = start + SECOND * 25;
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
            state.accepted(now, used);
            assert!((state.share(now) - expected).abs() < 0.02, "{used:?} {}", state.share(now));
            // What nobody repeats is forgotten.
            assert!(state.share(now + STALE) > 0.99);
        }
    }

    #[test]
    fn it_never_stands_still() {
        let start = Instant::now();
        let mut state = State::new(1.0, start);
        for n in 0..100 {
            let now = start + SECOND * n;
            state.refused(now, now, now);
        }
        let rate = state.share(start + SECOND * 100);
        assert!(rate >= LEAST, "{rate}");
    }
}
