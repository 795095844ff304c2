//! The tenant's clock: wall time that advances with tokio's, so that a test which
//! pauses tokio drives the tenant as well.
//!
//! Leaves to others: what happens when. Nothing here runs in the background.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use tokio::time::Instant;

/// Wall time derived from [`tokio::time::Instant`].
#[derive(Debug, Clone)]
pub struct Clock {
    started: Instant,
    wall: Timestamp,
}

impl Clock {
    /// A clock that shows `wall` now.
    pub fn starting_at(wall: Timestamp) -> Self {
        Self { started: Instant::now(), wall }
    }

    pub fn now(&self) -> Timestamp {
        self.wall + self.started.elapsed()
    }

    /// The present moment in whole seconds, which is all that Entra's timestamps
    /// show.
    pub fn now_in_seconds(&self) -> Timestamp {
        whole_seconds(self.now())
    }
}

fn whole_seconds(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).expect("a timestamp's second is in range")
}

/// A moment as HTTP headers show it (RFC 9110, 5.6.7).
pub(super) fn http_date(at: Timestamp) -> String {
    DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&at)
        .expect("the clock starts in the present, which has four digits to its year")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_paused_test_drives_the_clock() {
        let clock = Clock::starting_at("2026-05-01T08:00:00.75Z".parse().unwrap());
        tokio::time::advance(Duration::from_millis(90_500)).await;
        assert_eq!(clock.now().to_string(), "2026-05-01T08:01:31.25Z");
        assert_eq!(clock.now_in_seconds().to_string(), "2026-05-01T08:01:31Z");
    }
}
