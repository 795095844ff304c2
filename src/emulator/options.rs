//! How the tenant behaves: quotas, lags, latency, faults.
//!
//! Leaves to others: what is in the tenant (`seed`).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::RangeInclusive;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;

use super::device::DeviceSignIn;
use super::faults::Fault;
use super::quota::Quotas;
use super::traces::MailRule;

/// How the tenant behaves. The default has the documented quotas and nothing that
/// is in anyone's way: no lag, no latency, no faults.
#[derive(Debug, Clone)]
pub struct Options {
    pub quotas: Quotas,
    /// How long a write stays invisible to reads. An app-only client has no session
    /// consistency (Entra, *Architecture overview*, 2025-09).
    pub read_lag: Lag,
    /// How long a written address stays invisible to the invitation service
    /// (azure-docs#86773).
    pub invitation_lag: Lag,
    /// How long each request takes, chosen at random.
    pub latency: Option<RangeInclusive<Duration>>,
    /// The same for a PATCH, where it differs.
    pub patch_latency: Option<RangeInclusive<Duration>>,
    /// The same for an invitation, where it differs.
    pub invitation_latency: Option<RangeInclusive<Duration>>,
    pub faults: Vec<Fault>,
    /// Life of a token. Entra's is 60 to 90 minutes (Entra, *Access tokens*).
    pub token_life: Duration,
    /// What people do who sign in with a device code.
    pub device_sign_in: DeviceSignIn,
    /// When the anti-abuse engine blocks invitations. Its thresholds are not
    /// documented, so there is none by default.
    pub tripwire: Tripwire,
    /// How long a message that was sent stays in Drafts (Microsoft Graph, *Things to know
    /// about sending mail*).
    pub mail_lag: Duration,
    /// Messages that leave a mailbox in a minute; what is more is carried over to the next
    /// ones. Exchange Online lets out 30 (Exchange Online limits, *Message rate limit*).
    pub mails_per_minute: usize,
    /// How long the message trace shows nothing of a mail that left. How long it takes is not
    /// documented.
    pub trace_delay: Duration,
    /// The sender under which the message trace shows Microsoft's invitations; None where it
    /// does not. Whether it does is not documented.
    pub invitations_traced_from: Option<String>,
    /// What becomes of mails; those that no rule is about are delivered.
    pub mail_rules: Vec<MailRule>,
    /// Whether the ledger keeps every request, besides every write.
    pub log_requests: bool,
    /// What the clock shows at first; None for the real time.
    pub starts_at: Option<Timestamp>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quotas: Quotas::default(),
            read_lag: Lag::None,
            invitation_lag: Lag::None,
            latency: None,
            patch_latency: None,
            invitation_latency: None,
            faults: Vec::new(),
            token_life: Duration::from_mins(75),
            device_sign_in: DeviceSignIn::default(),
            tripwire: Tripwire::default(),
            mail_lag: Duration::ZERO,
            mails_per_minute: 30,
            trace_delay: Duration::ZERO,
            invitations_traced_from: None,
            mail_rules: Vec::new(),
            log_requests: true,
            starts_at: None,
        }
    }
}

impl Options {
    /// The latency of a request.
    pub(super) fn latency_of(
        &self,
        method: &Method,
        path: &str,
    ) -> Option<&RangeInclusive<Duration>> {
        let own = if *method == Method::PATCH {
            &self.patch_latency
        } else if path.ends_with("/invitations") {
            &self.invitation_latency
        } else {
            &None
        };
        own.as_ref().or(self.latency.as_ref())
    }
}

/// How far a replica lags behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lag {
    /// Not at all.
    #[default]
    None,
    /// By the same for every object.
    Fixed(Duration),
    /// By something between the two, always the same for the same object.
    Spread(Duration, Duration),
}

impl Lag {
    pub(super) fn of(self, id: &str) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Fixed(lag) => lag,
            Self::Spread(least, most) => {
                let mut hasher = DefaultHasher::new();
                id.hash(&mut hasher);
                let share = f64::from(u16::try_from(hasher.finish() & 0xffff).unwrap_or(0));
                least + most.saturating_sub(least).mul_f64(share / 65535.0)
            }
        }
    }

    /// The longest lag of any object.
    pub(super) fn longest(self) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Fixed(lag) | Self::Spread(_, lag) => lag,
        }
    }
}

/// When invitations get blocked for suspicious activity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tripwire {
    /// After this many invitations.
    pub after_invitations: Option<u64>,
    /// After this many refused invitations.
    pub after_failures: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_lag_differs_between_objects_and_stays_for_each() {
        let (least, most) = (Duration::from_secs(5), Duration::from_mins(1));
        let lag = Lag::Spread(least, most);
        let lags: Vec<_> = (0..50).map(|n| lag.of(&n.to_string())).collect();
        assert!(lags.iter().all(|lag| (least..=most).contains(lag)));
        assert!(lags.iter().any(|other| *other != lags[0]));
        assert_eq!(lag.of("7"), lags[7]);
    }
}
