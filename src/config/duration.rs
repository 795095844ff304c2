//! Durations as humans write them: `15s`, `5m`, `1h 30m`.
//!
//! Leaves to others: which durations make sense where.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};

/// The longest duration accepted. Nothing here waits for a year; the bound keeps
/// deadline arithmetic far from overflow.
const LONGEST: Duration = Duration::from_hours(8784);

/// Why a text is no usable duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not a duration at all.
    #[error("`{0}` is not a duration such as 15s, 5m or 1h 30m")]
    NotADuration(String),
    #[error("`{0}` lacks a unit: write {0}s for seconds or {0}m for minutes")]
    NoUnit(String),
    #[error("`{0}` is negative")]
    Negative(String),
    #[error("`{0}` is longer than a year")]
    TooLong(String),
}

/// Parses a duration of at least nothing and at most a year.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(DurationError::NoUnit(text.to_owned()));
    }
    let signed: SignedDuration =
        text.parse().map_err(|_| DurationError::NotADuration(text.to_owned()))?;
    let duration =
        Duration::try_from(signed).map_err(|_| DurationError::Negative(text.to_owned()))?;
    if duration > LONGEST {
        return Err(DurationError::TooLong(text.to_owned()));
    }
    Ok(duration)
}

/// Parses a duration that may be given in days and weeks, too: a day is 24 hours.
pub(super) fn parse_days(text: &str) -> Result<Duration, DurationError> {
    match parse_age(text) {
        Ok(duration) if duration > LONGEST => Err(DurationError::TooLong(text.to_owned())),
        parsed => parsed,
    }
}

/// The same for how long ago something was, which may be years.
pub(super) fn parse_age(text: &str) -> Result<Duration, DurationError> {
    let days = SpanRelativeTo::days_are_24_hours();
    let span = text.trim().parse::<Span>().ok().filter(|span| span.get_years() == 0);
    let signed = span.and_then(|span| span.to_duration(days).ok());
    match signed.map(Duration::try_from) {
        Some(Ok(duration)) => Ok(duration),
        Some(Err(_)) => Err(DurationError::Negative(text.to_owned())),
        None => parse_duration(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_humans_write_them() {
        for (text, seconds) in [
            ("15s", 15.0),
            ("5m", 300.0),
            ("1h 30m", 5400.0),
            ("1h30m", 5400.0),
            ("90 minutes", 5400.0),
            ("250ms", 0.25),
            ("0s", 0.0),
            (" 2 hours ", 7200.0),
            ("PT30S", 30.0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
    }

    #[test]
    fn days_are_24_hours() {
        let hour = 3600;
        for (text, seconds) in [("7d", 7 * 24 * hour), ("1w 12h", 180 * hour), ("36h", 36 * hour)] {
            assert_eq!(parse_days(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse_days("400d"), Err(DurationError::TooLong("400d".into())));
        assert_eq!(parse_days("7"), Err(DurationError::NoUnit("7".into())));
        assert_eq!(parse_days("-2d"), Err(DurationError::Negative("-2d".into())));
        assert!(parse_days("1mo").is_err());
        assert_eq!(parse_age("540d"), Ok(Duration::from_hours(540 * 24)));
        assert_eq!(parse_age("-2d"), Err(DurationError::Negative("-2d".into())));
    }

    #[test]
    fn other_texts_are_refused_with_their_reason() {
        for (text, error) in [
            ("", DurationError::NotADuration(String::new())),
            ("soon", DurationError::NotADuration("soon".into())),
            ("15", DurationError::NoUnit("15".into())),
            ("-15s", DurationError::Negative("-15s".into())),
            ("15s ago", DurationError::Negative("15s ago".into())),
            ("9000h", DurationError::TooLong("9000h".into())),
        ] {
            assert_eq!(parse_duration(text), Err(error), "{text}");
        }
    }
}
