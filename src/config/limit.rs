//! Limits of the guards: a number of guests, or a share of them.
//!
//! Leaves to others: of what the share is taken, and what happens when the limit
//! is passed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A share above nothing and up to the whole, in hundredths of a percent so that
/// counting with it is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u16);

impl Percent {
    /// A whole number of percent. None unless it is 1 to 100.
    pub const fn new(percent: u16) -> Option<Self> {
        if percent == 0 || percent > 100 { None } else { Some(Self(percent * 100)) }
    }

    /// The most of `total` that the share allows, rounded down.
    pub fn of(self, total: u64) -> u64 {
        let part = u128::from(total) * u128::from(self.0) / 10_000;
        u64::try_from(part).expect("a share is no more than the whole")
    }

    /// The least of `total` that is such a share, rounded up.
    pub fn at_least_of(self, total: u64) -> u64 {
        let part = (u128::from(total) * u128::from(self.0)).div_ceil(10_000);
        u64::try_from(part).expect("a share is no more than the whole")
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, hundredths) = (self.0 / 100, self.0 % 100);
        if hundredths == 0 {
            write!(f, "{whole}%")
        } else {
            let fraction = format!("{hundredths:02}");
            write!(f, "{whole}.{}%", fraction.trim_end_matches('0'))
        }
    }
}

/// A number, or a share of a total that is known later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    Count(u64),
    Share(Percent),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    #[error("`{0}` is neither a number such as 500 nor a share such as 30%")]
    NotALimit(String),
    /// A share of nothing or of more than the whole.
    #[error("`{0}` is not a share above 0% and up to 100%")]
    NotAShare(String),
}

impl Limit {
    /// The most that the limit allows of `total`.
    pub fn most(self, total: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Share(share) => share.of(total),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Share(share) => share.fmt(f),
        }
    }
}

impl FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let text = text.trim();
        match text.strip_suffix('%') {
            None => digits(text)
                .and_then(|digits| digits.parse().ok())
                .map(Self::Count)
                .ok_or_else(|| LimitError::NotALimit(text.to_owned())),
            Some(number) => hundredths(number.trim_end())
                .filter(|&hundredths| (1..=10_000).contains(&hundredths))
                .map(|hundredths| Self::Share(Percent(hundredths)))
                .ok_or_else(|| LimitError::NotAShare(text.to_owned())),
        }
    }
}

fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then_some(text)
}

/// `2.5` as 250: a decimal number with at most two places.
fn hundredths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let (whole, fraction) = (digits(whole)?, digits(fraction)?);
    if fraction.len() > 2 {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<2}").parse().ok()?;
    whole.parse::<u16>().ok()?.checked_mul(100)?.checked_add(fraction)
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Share(share) => serializer.collect_str(share),
        }
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Count(u64),
            Text(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Count(count) => Ok(Self::Count(count)),
            Form::Text(text) => text.parse().map_err(de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_shares_survive_a_round_trip() {
        for (text, shown, of_1000) in [
            ("500", "500", 500),
            ("0", "0", 0),
            ("30%", "30%", 300),
            ("30 %", "30%", 300),
            ("2.5%", "2.5%", 25),
            ("0.05%", "0.05%", 0),
            ("100%", "100%", 1000),
        ] {
            let limit: Limit = text.parse().unwrap();
            assert_eq!(limit.to_string(), shown);
            assert_eq!(shown.parse(), Ok(limit));
            assert_eq!(limit.most(1000), of_1000, "{text}");
            let json = serde_json::to_string(&limit).unwrap();
            assert_eq!(serde_json::from_str::<Limit>(&json).unwrap(), limit, "{json}");
        }
        assert_eq!(Limit::Share(Percent::new(100).unwrap()).most(u64::MAX), u64::MAX);
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", "-1", "+1", "many", "1.5", "99999999999999999999"] {
            assert_eq!(text.parse::<Limit>(), Err(LimitError::NotALimit(text.into())));
        }
        for text in ["0%", "100.01%", "101%", "-5%", "%", "1.234%", "x%", "999999%", "1.%"] {
            assert_eq!(text.parse::<Limit>(), Err(LimitError::NotAShare(text.into())));
        }
        assert_eq!(Percent::new(0), None);
        assert_eq!(Percent::new(101), None);
    }
}
