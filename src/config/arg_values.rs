//! Values of flags that are neither texts nor numbers.
//!
//! Leaves to others: what the emulator or a run does with them.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Time;

use super::duration::parse_duration;
use crate::domain::GuestRef;

/// A row as a person points at it: by its line in the manifest, or by its guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowSelector {
    /// The line, from 1.
    Line(u64),
    /// Object id, UPN or address.
    User(GuestRef),
}

impl FromStr for RowSelector {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() {
            return Err("name a line of the manifest, or a user");
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return match text.parse() {
                Ok(line) if line > 0 => Ok(Self::Line(line)),
                _ => Err("lines are counted from 1"),
            };
        }
        Ok(Self::User(GuestRef::parse(text)))
    }
}

impl fmt::Display for RowSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::User(user) => user.fmt(f),
        }
    }
}

/// The quotas that the emulator enforces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quota {
    /// Those that Microsoft documents.
    Documented,
    /// None at all.
    None,
    /// The documented ones times a factor above zero.
    Factor(f64),
}

impl FromStr for Quota {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "documented" => Ok(Self::Documented),
            "none" => Ok(Self::None),
            factor => factor
                .parse()
                .ok()
                .filter(|factor: &f64| factor.is_finite() && *factor > 0.0)
                .map(Self::Factor)
                .ok_or("write `documented`, `none`, or a factor above 0 such as 0.5"),
        }
    }
}

/// The time that the emulator takes for an answer, from and to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Latency {
    /// At least so long.
    pub min: Duration,
    /// At most so long.
    pub max: Duration,
}

impl FromStr for Latency {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write milliseconds as 20..80, or as 50 for always the same";
        let text = text.trim();
        let text = text.strip_suffix("ms").unwrap_or(text).trim_end();
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let milliseconds = |text: &str| {
            text.trim().parse::<u32>().map(|ms| Duration::from_millis(ms.into())).map_err(|_| FORM)
        };
        let latency = Self { min: milliseconds(min)?, max: milliseconds(max)? };
        if latency.min > latency.max {
            return Err("the smaller number comes first, as in 20..80");
        }
        Ok(latency)
    }
}

/// The times that the emulator takes for answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Latencies {
    /// For any request without a time of its own.
    pub all: Latency,
    pub patch: Option<Latency>,
    pub invite: Option<Latency>,
}

impl FromStr for Latencies {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut latencies = Self::default();
        for part in text.split(',') {
            let Some((name, latency)) = part.split_once('=') else {
                latencies.all = part.parse()?;
                continue;
            };
            let own = match name.trim() {
                "patch" => &mut latencies.patch,
                "invite" => &mut latencies.invite,
                _ => return Err("only patch= and invite= have times of their own"),
            };
            *own = Some(latency.parse()?);
        }
        Ok(latencies)
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factor(pub f64);

impl FromStr for Factor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(Quota::Factor(factor)) => Ok(Self(factor)),
            Ok(Quota::Documented | Quota::None) | Err(_) => {
                Err("write a factor above 0 such as 0.5")
            }
        }
    }
}

/// An address of this machine alone. The emulator asks nobody for a password, so
/// it is not for the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenAddress(pub SocketAddr);

impl FromStr for ListenAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let localhost = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
        let address = match localhost {
            Some(port) => SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            None => text.parse().map_err(|_| "write address and port, as in 127.0.0.1:8080")?,
        };
        if address.ip().is_loopback() {
            Ok(Self(address))
        } else {
            Err("the emulator listens on loopback only: 127.0.0.1, [::1] or localhost")
        }
    }
}

/// A time of day as `HH:MM`.
pub(super) fn parse_time_of_day(text: &str) -> Result<Time, &'static str> {
    let digits = text.len() == 5 && text.is_ascii();
    digits
        .then(|| Time::strptime("%H:%M", text).ok())
        .flatten()
        .ok_or("write a time of day as HH:MM, such as 06:30")
}

/// A duration that is longer than nothing.
pub(super) fn parse_time_span(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(Duration::ZERO) => Err("no time at all is left for the run".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_line_or_a_user() {
        assert_eq!("17".parse(), Ok(RowSelector::Line(17)));
        let ada = RowSelector::User(GuestRef::parse("ada@fabrikam.example"));
        assert_eq!("ada@fabrikam.example".parse(), Ok(ada));
        for text in ["", "0", "99999999999999999999"] {
            assert!(text.parse::<RowSelector>().is_err(), "{text}");
        }
    }

    #[test]
    fn quotas_are_words_or_factors() {
        for (text, quota) in [
            ("documented", Some(Quota::Documented)),
            ("none", Some(Quota::None)),
            ("0.5", Some(Quota::Factor(0.5))),
            ("0", None),
            ("-1", None),
            ("inf", None),
            ("lots", None),
        ] {
            assert_eq!(text.parse().ok(), quota, "{text}");
        }
    }

    #[test]
    fn latencies_are_ranges_of_milliseconds() {
        let latency = |min, max| {
            Some(Latency { min: Duration::from_millis(min), max: Duration::from_millis(max) })
        };
        for (text, expected) in [
            ("20..80", latency(20, 80)),
            ("20..80 ms", latency(20, 80)),
            ("50ms", latency(50, 50)),
            ("0", latency(0, 0)),
            ("80..20", None),
            ("..", None),
            ("a..b", None),
            ("-1", None),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_patch_and_an_invitation_may_take_their_own_time() {
        let latency = |text: &str| text.parse::<Latency>().unwrap();
        let all = Latencies { all: latency("20..80"), ..Latencies::default() };
        let both =
            Latencies { patch: Some(latency("80..250")), invite: Some(latency("150..600")), ..all };
        for (text, expected) in [
            ("20..80", Some(all)),
            ("20..80,patch=80..250,invite=150..600", Some(both)),
            ("invite=150..600 ms, patch=80..250, 20..80", Some(both)),
            ("patch=5", Some(Latencies { patch: Some(latency("5")), ..Latencies::default() })),
            ("get=5", None),
            ("patch=", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
        for (text, expected) in [("0.5", Some(Factor(0.5))), ("0", None), ("none", None)] {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }

    #[test]
    fn the_emulator_listens_on_loopback_only() {
        for (text, ok) in [
            ("127.0.0.1:8080", true),
            ("[::1]:0", true),
            ("localhost:8080", true),
            ("0.0.0.0:8080", false),
            ("192.0.2.1:8080", false),
            ("localhost", false),
            ("8080", false),
        ] {
            assert_eq!(text.parse::<ListenAddress>().is_ok(), ok, "{text}");
        }
    }

    #[test]
    fn times_of_day_are_hours_and_minutes() {
        assert_eq!(parse_time_of_day("06:30"), Ok(jiff::civil::time(6, 30, 0, 0)));
        for text in ["6:30", "24:00", "06:60", "0630", "06:30:00", "é6:3"] {
            assert!(parse_time_of_day(text).is_err(), "{text}");
        }
        assert!(parse_time_span("0s").is_err());
        assert!(parse_time_span("1h").is_ok());
    }
}
