//! The mails of a rehearsal, by day and domain, and the most of them that a limit is about.
//!
//! Leaves to others: who sent them (`guests`).

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A mail to a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailed {
    pub at: Timestamp,
    /// The guest's address.
    pub address: String,
    /// Everybody in To and Cc.
    pub recipients: u64,
}

impl Mailed {
    fn domain(&self) -> String {
        self.address.rsplit_once('@').map_or("", |(_, domain)| domain).to_lowercase()
    }
}

/// The mails of one day, in UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Day {
    pub mails: u64,
    pub recipients: u64,
    /// Mails by the domain of their guest.
    pub domains: BTreeMap<String, u64>,
}

/// All mails of a rehearsal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    /// Days on which there were any.
    pub days: BTreeMap<Date, Day>,
    /// The most recipients in any 24 hours.
    pub most_in_a_day: u64,
    /// The most mails in any minute.
    pub most_in_a_minute: u64,
}

impl Calendar {
    pub(super) fn of(mails: &[Mailed]) -> Self {
        let mut days: BTreeMap<Date, Day> = BTreeMap::new();
        for mail in mails {
            let date = TimeZone::UTC.to_datetime(mail.at).date();
            let day = days.entry(date).or_default();
            day.mails += 1;
            day.recipients += mail.recipients;
            *day.domains.entry(mail.domain()).or_default() += 1;
        }
        Self {
            days,
            most_in_a_day: most(mails, SignedDuration::from_hours(24), |mail| mail.recipients),
            most_in_a_minute: most(mails, SignedDuration::from_mins(1), |_| 1),
        }
    }

    /// All mails.
    pub fn mails(&self) -> u64 {
        self.days.values().map(|day| day.mails).sum()
    }

    /// The domains, those with the most mails first.
    pub fn domains(&self) -> Vec<(&str, u64)> {
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for (domain, mails) in self.days.values().flat_map(|day| &day.domains) {
            *sums.entry(domain).or_default() += mails;
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_by_key(|(_, mails)| std::cmp::Reverse(*mails));
        sums
    }
}

/// The most that is in any span of so long, whenever it begins.
fn most(mails: &[Mailed], span: SignedDuration, of: impl Fn(&Mailed) -> u64) -> u64 {
    let mut sorted: Vec<_> = mails.iter().map(|mail| (mail.at, of(mail))).collect();
    sorted.sort_unstable();
    let (mut most, mut sum, mut first) = (0, 0, 0);
    for (at, of_it) in &sorted {
        sum += of_it;
        while at.duration_since(sorted[first].0) >= span {
            sum -= sorted[first].1;
            first += 1;
        }
        most = most.max(sum);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailed(at: &str, address: &str, recipients: u64) -> Mailed {
        Mailed { at: at.parse().unwrap(), address: address.to_owned(), recipients }
    }

    #[test]
    fn mails_are_counted_by_day_and_domain_and_limits_by_any_span() {
        let mails = [
            mailed("2026-05-04T23:59:30Z", "a@Fabrikam.example", 1),
            mailed("2026-05-05T00:00:10Z", "b@fabrikam.example", 3),
            mailed("2026-05-05T23:59:29Z", "c@tailspin.example", 1),
            mailed("2026-05-05T23:59:30Z", "d@tailspin.example", 2),
        ];
        let calendar = Calendar::of(&mails);
        let days: Vec<_> = calendar
            .days
            .iter()
            .map(|(date, day)| (date.to_string(), day.mails, day.recipients))
            .collect();
        assert_eq!(days, [("2026-05-04".to_owned(), 1, 1), ("2026-05-05".to_owned(), 3, 6)]);
        assert_eq!(calendar.mails(), 4);
        assert_eq!(calendar.domains(), [("fabrikam.example", 2), ("tailspin.example", 2)]);
        // The first and the last are 24 hours apart, and in no span of 24 hours together.
        assert_eq!(calendar.most_in_a_day, 6);
        // Over midnight.
        assert_eq!(calendar.most_in_a_minute, 2);
        assert_eq!(Calendar::of(&[]), Calendar::default());
    }
}
