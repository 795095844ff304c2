//! When a command is to start nothing new.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};

/// How long is left: until the earlier of the end of `max_duration` and the next time the
/// clock in UTC shows `until`. None when neither is given.
pub fn time_budget(
    max_duration: Option<Duration>,
    until: Option<civil::Time>,
    now: Timestamp,
) -> Option<Duration> {
    let by_time = until.map(|until| time_left(until, now));
    match (max_duration, by_time) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// From now until the next time the clock in UTC shows this time of day.
fn time_left(until: civil::Time, now: Timestamp) -> Duration {
    let now = TimeZone::UTC.to_datetime(now);
    let day = SignedDuration::from_hours(24);
    let today = now.date().to_datetime(until).duration_since(now);
    let left = if today.is_positive() { today } else { today + day };
    Duration::try_from(left).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_budget_is_the_earlier_of_its_two_ends() {
        let now: Timestamp = "2026-11-21T22:00:00Z".parse().unwrap();
        let hours = |n: u64| Some(Duration::from_secs(n * 3600));
        let at = |hour: i8| Some(civil::time(hour, 0, 0, 0));
        for (max_duration, until, left) in [
            (None, None, None),
            (hours(3), None, hours(3)),
            (None, at(23), hours(1)),
            // Before now in the day: tomorrow's.
            (None, at(6), hours(8)),
            (None, at(21), hours(23)),
            // This very moment: a day, and not nothing.
            (None, at(22), hours(24)),
            (hours(3), at(6), hours(3)),
            (hours(9), at(6), hours(8)),
            (hours(1), at(23), hours(1)),
        ] {
            assert_eq!(time_budget(max_duration, until, now), left, "{max_duration:?} {until:?}");
        }
    }
}
