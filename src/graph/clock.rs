//! The time, ours and the service's.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The answers whose dates count: the middle one of them is right while most are.
const ANSWERS: usize = 7;

/// Two right dates differ by as much at most: both are cut off to whole seconds.
const CUT_OFF: SignedDuration = SignedDuration::from_secs(1);

/// A date this far from the middle one is no matter of seconds cut off or of an answer
/// that was long on its way.
const OUTLIER: SignedDuration = SignedDuration::from_secs(30);

/// A clock that follows the runtime's (so that tests can drive it) and knows how
/// far the service's clock is from it, learnt from `Date` headers.
#[derive(Debug)]
pub struct Clock {
    started: Instant,
    started_at: Timestamp,
    learnt: Mutex<Learnt>,
}

/// What the last answers said of the service's clock.
#[derive(Debug, Default)]
struct Learnt {
    /// Service minus ours, the oldest first.
    offsets: VecDeque<SignedDuration>,
    /// What is believed.
    offset: SignedDuration,
    /// Whether it was told that one was far from the others.
    is_told: bool,
}

impl Clock {
    /// A clock that agrees with the system's.
    pub fn system() -> Self {
        Self::starting_at(Timestamp::now())
    }

    /// A clock that shows a given time now.
    pub fn starting_at(now: Timestamp) -> Self {
        Self { started: Instant::now(), started_at: now, learnt: Mutex::default() }
    }

    pub fn now(&self) -> Timestamp {
        let elapsed =
            SignedDuration::try_from(self.started.elapsed()).unwrap_or(SignedDuration::MAX);
        self.started_at.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    fn learnt(&self) -> MutexGuard<'_, Learnt> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The service's time as far as known, to two seconds.
    pub fn service_now(&self) -> Timestamp {
        self.now().saturating_add(self.skew()).unwrap_or(Timestamp::MAX)
    }

    /// How far the service's clock is ahead of ours.
    pub fn skew(&self) -> SignedDuration {
        self.learnt().offset
    }

    /// Learns from an answer. `Date` has whole seconds, cut off, so half a second
    /// is added to err by at most half a second either way. The first time that one is
    /// far from the others, tells how far.
    pub(super) fn learn(&self, headers: &HeaderMap) -> Option<SignedDuration> {
        let date = headers.get(http::header::DATE)?.to_str().ok()?;
        let date = Timestamp::try_from(httpdate::parse_http_date(date).ok()?).ok()?;
        let offset = date.duration_since(self.now()) + SignedDuration::from_millis(500);
        let mut learnt = self.learnt();
        if learnt.offsets.len() == ANSWERS {
            learnt.offsets.pop_front();
        }
        learnt.offsets.push_back(offset);
        let mut sorted: Vec<_> = learnt.offsets.iter().copied().collect();
        sorted.sort_unstable();
        let middle = sorted[sorted.len() / 2];
        let apart = (offset - middle).abs();
        // Where they agree the latest counts, as it follows a clock that is set little by little.
        learnt.offset = if apart <= CUT_OFF { offset } else { middle };
        // Of two nobody knows which is wrong.
        let is_news = sorted.len() > 2 && apart > OUTLIER && !learnt.is_told;
        learnt.is_told |= is_news;
        is_news.then(|| SignedDuration::from_secs(apart.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The header of an answer given when the service's clock shows this.
    fn dated(service: Timestamp) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let date = jiff::fmt::rfc2822::DateTimePrinter::new();
        let date = date.timestamp_to_rfc9110_string(&service).unwrap();
        headers.insert(http::header::DATE, date.parse().unwrap());
        headers
    }

    proptest! {
        /// What the settling of lost answers builds on: an intent is dated at most
        /// two seconds late, and early by as much and the answer's way back.
        #[test]
        fn the_services_time_is_known_to_two_seconds_and_the_way_back(
            skew in prop_oneof![-4_000_i64..4_000, -86_400_000_i64..86_400_000],
            way_back in 0_i64..100_000,
            second in 0_i64..1_000,
        ) {
            let millis = |millis| SignedDuration::from_millis(millis);
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            runtime.block_on(async {
                let noon: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
                let clock = Clock::starting_at(noon + millis(second));
                let truth = clock.now() + millis(skew);
                clock.learn(&dated(truth - millis(way_back)));
                let error = clock.service_now().duration_since(truth);
                prop_assert!(error <= millis(2_000), "{error:?} late");
                prop_assert!(error >= millis(-2_000 - way_back), "{error:?} early");
                Ok(())
            })?;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_wrong_date_among_several_moves_nothing_and_is_told_once() {
        let noon: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let clock = Clock::starting_at(noon);
        let hour = SignedDuration::from_hours(1);
        for _ in 0..3 {
            assert_eq!(clock.learn(&dated(noon)), None);
        }
        assert_eq!(clock.learn(&dated(noon + hour)), Some(hour));
        assert_eq!(clock.learn(&dated(noon - hour)), None, "told before");
        assert_eq!(clock.skew(), SignedDuration::from_millis(500));
        // A clock that was set is believed once most answers say so.
        for _ in 0..4 {
            clock.learn(&dated(noon + hour));
        }
        assert_eq!(clock.skew(), hour + SignedDuration::from_millis(500));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_date_teaches_nothing() {
        let clock = Clock::starting_at("2026-11-21T12:00:00Z".parse().unwrap());
        clock.learn(&dated("2026-11-21T13:00:00Z".parse().unwrap()));
        let skew = clock.skew();
        assert!(skew > SignedDuration::from_mins(59));
        clock.learn(&HeaderMap::new());
        let mut headers = HeaderMap::new();
        headers.insert(http::header::DATE, "yesterday".parse().unwrap());
        clock.learn(&headers);
        assert_eq!(clock.skew(), skew);
    }
}
