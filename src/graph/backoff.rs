//! How long to wait before a request is repeated: as long as the service says,
//! or longer each time.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// The longest `Retry-After` believed. Graph's own are seconds to minutes
/// (Microsoft Graph, *Throttling*); a header beyond ten minutes is taken for a
/// mistake, and a run that is refused again then simply waits again.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(10);

/// First wait when the service does not say.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Longest wait when the service does not say: long enough to let a replica
/// catch up, short enough that a recovered service is noticed within a minute.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The wait asked for by `Retry-After`, whether in seconds, in seconds with a
/// fraction (not in RFC 9110, seen in the wild), or as a date. A date is taken
/// against the answer's own `Date`, so that a wrong clock here does not matter,
/// and gets a second more because it is cut off to whole seconds.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse::<f64>() {
        Duration::try_from_secs_f64(seconds).ok()?
    } else {
        let until = httpdate::parse_http_date(text).ok()?;
        let now = headers.get(DATE)?.to_str().ok()?;
        let now = httpdate::parse_http_date(now).ok()?;
        until.duration_since(now).unwrap_or_default() + Duration::from_secs(1)
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// The wait after the given number of failed attempts (from 1): doubling, with
/// half of it left to chance, so that many rows don't return at one moment.
pub(crate) fn backoff(failed: u32) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << failed.saturating_sub(1).min(16));
    let most = doubled.min(LONGEST_WAIT);
    most.mul_f64(0.5 + 0.5 * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn asked(retry_after: &str, date: Option<&str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(retry_after).unwrap());
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_str(date).unwrap());
        }
        super::retry_after(&headers)
    }

    #[test]
    fn retry_after_is_read_in_every_form() {
        let noon = "Sat, 21 Nov 2026 12:00:00 GMT";
        for (text, date, seconds) in [
            ("7", None, Some(7.0)),
            (" 0 ", None, Some(0.0)),
            ("2.5", None, Some(2.5)),
            ("Sat, 21 Nov 2026 12:00:30 GMT", Some(noon), Some(31.0)),
            ("Sat, 21 Nov 2026 11:00:00 GMT", Some(noon), Some(1.0)),
            ("Sat, 21 Nov 2026 12:00:30 GMT", None, None),
            ("86400", None, Some(600.0)),
            ("1e300", None, None),
            ("-3", None, None),
            ("NaN", None, None),
            ("soon", Some(noon), None),
        ] {
            assert_eq!(asked(text, date), seconds.map(Duration::from_secs_f64), "{text}");
        }
        assert_eq!(super::retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn backoff_doubles_and_is_bounded() {
        for (failed, most) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (40, 60)] {
            let most = Duration::from_secs(most);
            let wait = backoff(failed);
            assert!(wait <= most && wait >= most / 2, "{failed}: {wait:?}");
        }
    }
}
