//! Who is due for a reminder: another invitation for a guest that has not redeemed
//! the last one, as far as the policy allows.
//!
//! Leaves to others: sending it (`run`), which looks at the guest once more.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use crate::config::RemindSettings;
use crate::domain::{DirectoryUser, InvitationKey, Invitations, RedemptionState, TOLERANCE};

/// The policy at one moment.
#[derive(Debug, Clone)]
pub struct Reminders {
    pub settings: RemindSettings,
    /// What the campaign sent so far.
    pub invitations: Arc<HashMap<InvitationKey, Invitations>>,
    /// Now, in the service's time.
    pub now: Timestamp,
    /// The longest that a replica is believed to lag.
    pub lag: SignedDuration,
}

impl Reminders {
    /// Whether the guest, which holds the address, is to be reminded now. A guest that
    /// someone else invited again since is left to them.
    pub fn is_due(&self, key: &InvitationKey, guest: &DirectoryUser) -> bool {
        let Some(after) = self.settings.after else { return false };
        let Some(sent) = self.invitations.get(key) else { return false };
        let since = |at: Timestamp, wait| {
            let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
            at.saturating_add(wait).unwrap_or(Timestamp::MAX)
        };
        // One that was refused is no mail, but knocking every night would not do either:
        // repeated refusals are what tenants get blocked for.
        let knocked = |at| self.now < since(at, self.settings.gap);
        let wait = if sent.mails() == 1 { after } else { self.settings.gap };
        let ours_ends = self.lag.saturating_add(TOLERANCE);
        let ours_ends = sent.accepted_at.saturating_add(ours_ends).unwrap_or(Timestamp::MAX);
        guest.redemption.state == Some(RedemptionState::PendingAcceptance)
            && guest.redemption.changed_at.is_none_or(|changed_at| changed_at <= ours_ends)
            && !self.is_used_up(sent)
            // Nobody is there to be reminded.
            && !sent.bounced
            && self.now >= since(sent.last_mail_at(), wait)
            && !sent.refused_at.is_some_and(knocked)
            && is_open(&self.settings, self.now)
    }

    /// Whether a guest has had all mails that it may get.
    pub fn is_used_up(&self, sent: &Invitations) -> bool {
        sent.mails() >= u64::from(self.settings.max)
    }

    /// When the present hours for reminders end; None if they never do. Now, if there
    /// are none.
    pub fn until(&self) -> Option<Timestamp> {
        if is_open(&self.settings, self.now) {
            next_change(&self.settings, self.now)
        } else {
            Some(self.now)
        }
    }

    /// When reminders may be sent again; None if that is now.
    pub fn quiet_until(&self) -> Option<Timestamp> {
        if is_open(&self.settings, self.now) { None } else { next_change(&self.settings, self.now) }
    }
}

/// Whether reminders may be sent at this moment.
fn is_open(settings: &RemindSettings, at: Timestamp) -> bool {
    let at = at.to_zoned_datetime(TimeZone::UTC);
    settings.weekdays.contain(at.weekday())
        && settings.quiet_hours.is_none_or(|quiet| !quiet.contain(at.time()))
}

/// The next moment at which that changes. Nothing changes but at midnight and where
/// quiet hours begin and end, and what doesn't within a week never does.
fn next_change(settings: &RemindSettings, now: Timestamp) -> Option<Timestamp> {
    let mut times = vec![Time::midnight()];
    times.extend(settings.quiet_hours.into_iter().flat_map(|quiet| [quiet.from, quiet.to]));
    times.sort_unstable();
    let today = now.to_zoned_datetime(TimeZone::UTC).date();
    let open = is_open(settings, now);
    (0..=8)
        .filter_map(|days| today.checked_add(i64::from(days).days()).ok())
        .flat_map(|day| times.iter().map(move |time| day.to_datetime(*time)))
        .filter_map(|moment| Some(moment.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp()))
        .find(|moment| *moment > now && is_open(settings, *moment) != open)
}

#[cfg(test)]
#[path = "tests/remind.rs"]
mod tests;
