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

    /// Our time.
    pub fn now(&self) -> Timestamp {
        let elapsed =
            SignedDuration::try_from(self.started.elapsed()).unwrap_or(SignedDuration::MAX);
        self.started_at.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    /// The service's time as far as known, to about a second.
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
