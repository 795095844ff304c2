//! The time, ours and the service's.

use std::sync::atomic::{AtomicI64, Ordering};

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A clock that follows the runtime's (so that tests can drive it) and knows how
/// far the service's clock is from it, learnt from `Date` headers.
#[derive(Debug)]
pub struct Clock {
    started: Instant,
    started_at: Timestamp,
    /// Service minus ours, in milliseconds.
    offset: AtomicI64,
}

impl Clock {
    /// A clock that agrees with the system's.
    pub fn system() -> Self {
        Self::starting_at(Timestamp::now())
    }

    /// A clock that shows a given time now.
    pub fn starting_at(now: Timestamp) -> Self {
        Self { started: Instant::now(), started_at: now, offset: AtomicI64::new(0) }
    }

    pub fn now(&self) -> Timestamp {
        let elapsed =
            SignedDuration::try_from(self.started.elapsed()).unwrap_or(SignedDuration::MAX);
        self.started_at.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    /// The service's time as far as known, to two seconds.
    pub fn service_now(&self) -> Timestamp {
        let offset = SignedDuration::from_millis(self.offset.load(Ordering::Relaxed));
        self.now().saturating_add(offset).unwrap_or(Timestamp::MAX)
    }

    /// How far the service's clock is ahead of ours.
    pub fn skew(&self) -> SignedDuration {
        SignedDuration::from_millis(self.offset.load(Ordering::Relaxed))
    }

    /// Learns from an answer. `Date` has whole seconds, cut off, so half a second
    /// is added to err by at most half a second either way.
    pub(super) fn learn(&self, headers: &HeaderMap) {
        let Some(date) = headers.get(http::header::DATE) else { return };
        let Some(date) = date.to_str().ok().and_then(|text| httpdate::parse_http_date(text).ok())
        else {
            return;
        };
        let Ok(date) = Timestamp::try_from(date) else { return };
        let offset = date.duration_since(self.now()) + SignedDuration::from_millis(500);
        let millis = i64::try_from(offset.as_millis()).unwrap_or(0);
        self.offset.store(millis, Ordering::Relaxed);
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
