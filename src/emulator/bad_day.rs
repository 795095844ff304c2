//! A bad day: much of what tenants have been seen to do, all at once. How often is made up;
//! what, and what it is answered with, is not (Microsoft Graph, *Throttling limits* and
//! *Error responses*; Entra, *Architecture overview*, on replicas).
//!
//! Leaves to others: each of it (`faults`, `quota`, `options`).

use std::time::Duration;

use super::canned::{Canned, RetryAfter};
use super::faults::{Action, Fault, Matcher};
use super::options::{Lag, Options};
use super::quota::{Others, Quotas};

impl Options {
    /// The same on a bad day. Lags, latency and other applications that were chosen stay.
    #[must_use]
    pub fn on_a_bad_day(self) -> Self {
        let (millis, seconds) = (Duration::from_millis, Duration::from_secs);
        let or = |lag, bad| if lag == Lag::None { bad } else { lag };
        let throttled = |wait| Action::Answer(Canned::throttled(RetryAfter::Seconds(wait)));
        let status = |status| Action::Answer(Canned::status(status));
        let each = |on: Matcher, first: u64, every: u64, action| {
            Fault::new(on.nth(first).every(every).always(), action)
        };
        let bad = [
            each(Matcher::patch(), 20, 45, throttled(10)),
            each(Matcher::patch(), 33, 90, status(503)),
            each(Matcher::patch(), 57, 120, Action::CommitThenDrop),
            each(Matcher::invitation(), 15, 40, throttled(30)),
            each(Matcher::invitation(), 28, 100, Action::CommitThenDrop),
            each(Matcher::invitation(), 71, 150, status(504)),
            each(Matcher::invitation(), 90, 150, Action::Drop),
        ];
        let others = match self.quotas.others {
            Others { writes, invitations } if writes + invitations > 0.0 => self.quotas.others,
            Others { .. } => Others { writes: 5.0, invitations: 5.0 },
        };
        Self {
            quotas: Quotas { others, ..self.quotas },
            read_lag: or(self.read_lag, Lag::Spread(seconds(2), seconds(60))),
            invitation_lag: or(self.invitation_lag, Lag::Spread(seconds(2), seconds(30))),
            latency: self.latency.or(Some(millis(50)..=millis(400))),
            faults: self.faults.into_iter().chain(bad).collect(),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_stays_on_a_bad_day() {
        let lag = Lag::Fixed(Duration::from_secs(1));
        let fault = Fault::new(Matcher::any(), Action::Drop);
        let chosen = Options { read_lag: lag, faults: vec![fault], ..Options::default() };
        let bad = chosen.on_a_bad_day();
        assert_eq!(bad.read_lag, lag);
        assert_ne!(bad.invitation_lag, Lag::None);
        assert_eq!(bad.faults.len(), 8);
        assert!(matches!(bad.faults[0].action, Action::Drop));
    }
}
