//! How many of the guests of a rehearsal redeem, and how soon.
//!
//! Leaves to others: which of them, and when (`rehearsal`).

use std::str::FromStr;
use std::time::Duration;

use super::duration::parse_days;
use super::limit::Percent;

/// How many of those who get a mail redeem, and within which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redeem {
    pub share: Percent,
    /// Each of them at some moment of it.
    pub within: Duration,
}

impl FromStr for Redeem {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (share, within) = match words.as_slice() {
            [share, "in", within @ ..] if !within.is_empty() => (*share, within.join(" ")),
            _ => return Err("write a share and a time, such as \"60% in 3d\"".to_owned()),
        };
        let share = match share.parse() {
            Ok(super::Limit::Share(share)) => share,
            Ok(super::Limit::Count(_)) => {
                return Err(format!("`{share}` is no share: write it in percent, such as 60%"));
            }
            Err(error) => return Err(error.to_string()),
        };
        let within = parse_days(&within).map_err(|error| error.to_string())?;
        if within.is_zero() {
            return Err("nobody redeems in no time at all".to_owned());
        }
        Ok(Self { share, within })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_and_a_time_are_all_that_is_said() {
        let hours = Duration::from_hours;
        for (text, expected) in [
            ("60% in 3d", Some((60, hours(72)))),
            (" 100%  in 1h 30m ", Some((100, Duration::from_mins(90)))),
            ("5% in 2w", Some((5, hours(14 * 24)))),
            ("60 in 3d", None),
            ("0% in 3d", None),
            ("101% in 3d", None),
            ("60% in", None),
            ("60% within 3d", None),
            ("60% in 0s", None),
            ("60% in 3", None),
            ("", None),
        ] {
            let expected = expected
                .map(|(share, within)| Redeem { share: Percent::new(share).unwrap(), within });
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
        let why = |text: &str| text.parse::<Redeem>().unwrap_err();
        assert_eq!(why("60 in 3d"), "`60` is no share: write it in percent, such as 60%");
        assert_eq!(why("60% in 3"), "`3` lacks a unit: write 3s for seconds or 3m for minutes");
    }
}
