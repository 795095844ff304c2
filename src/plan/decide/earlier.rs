//! What earlier runs of the campaign mean for a row: an invitation whose answer was
//! lost, one that a person asked to send again, a mail that somebody changed since, and
//! a reminder that is due.
//!
//! Leaves to others: rows that nothing has happened to.

use jiff::Timestamp;

use crate::domain::{DirectoryUser, Email, InvitationKey, LedgerEntry, LedgerState, Resend};
use crate::manifest::Row;

use super::{Planner, internal, redemption};
use crate::plan::decision::{Blocked, Change, ChangeReason, Decision, Settled, Unsettled};

impl Planner<'_> {
    pub(super) fn remember_addresses(&mut self) {
        for (key, LedgerEntry { state, at, resend }) in self.ledger.entries() {
            let at = match (state, resend) {
                (LedgerState::Invited | LedgerState::Unknown { .. }, None) => *at,
                (_, Some(resend)) => resend.invited_at,
                _ => continue,
            };
            let last = self.invited_at.entry(key.user_id).or_insert((at, &key.address));
            let is_later = (at, key.address.folded()) > (last.0, last.1.folded());
            if is_later {
                *last = (at, &key.address);
            }
        }
    }

    /// When and where a guest was invited whose row names no address, if somebody has
    /// changed its mail since. The present one would be another invitation, and nobody
    /// asked for that.
    pub(super) fn reset_before(
        &self,
        row: &Row,
        guest: &DirectoryUser,
    ) -> Option<(Timestamp, &Email)> {
        let (at, address) = *self.invited_at.get(&guest.id)?;
        let is_meant = row.wish.is_reset_only() && !self.resend_asked(row);
        (is_meant && !guest.has_mail(address)).then_some((at, address))
    }

    /// A reset that was sent, or perhaps was, for a mail that the guest has no more. What
    /// became of it is settled; beyond that it is left alone.
    pub(super) fn reset_of_another_mail(
        &self,
        row: &Row,
        guest: &DirectoryUser,
        address: &Email,
        at: Timestamp,
    ) -> Decision {
        let key = InvitationKey { user_id: guest.id, address: address.clone() };
        let found = guest.mail.clone();
        let unsettled = self.ledger.get(&key).and_then(|entry| {
            let found = found.as_deref().unwrap_or("no mail").into();
            self.unsettled(&key, entry, Some(Blocked::ChangedByHand { found }))
        });
        if unsettled.is_none() {
            return Decision::Settled(Settled::AlreadyInvited { at, drifted_to: found });
        }
        if let Some(blocked) = internal(guest) {
            return Decision::Blocked(blocked);
        }
        Decision::Change(Box::new(Change {
            reason: ChangeReason::UnknownOutcome,
            set_mail: None,
            invitation: self.invitation(row, address.clone()),
            redemption: redemption(guest),
            unsettled,
        }))
    }

    /// What a run has to settle of an invitation whose outcome is not known.
    pub(super) fn unsettled(
        &self,
        key: &InvitationKey,
        entry: &LedgerEntry,
        obstacle: Option<Blocked>,
    ) -> Option<Unsettled> {
        let LedgerState::Unknown { before } = &entry.state else { return None };
        let resent = self.ledger.is_resent(key);
        Some(Unsettled { intended_at: entry.at, before: before.clone(), obstacle, resent })
    }

    /// A guest known to be invited, to whom a person asked to send again, which was not
    /// accepted yet. Asking once is enough; but whoever redeemed since, or was invited
    /// by someone else, would lose that, and nobody asked for it then.
    pub(super) fn unfinished_resend(
        &self,
        row: &Row,
        guest: &DirectoryUser,
        state: &LedgerState,
        resend: &Resend,
        moves: bool,
    ) -> Result<ChangeReason, Decision> {
        let invited_at = resend.invited_at;
        if self.resend_asked(row) {
            return Ok(ChangeReason::Resend);
        }
        match state {
            // Perhaps it was sent.
            LedgerState::Unknown { .. } => return Ok(ChangeReason::UnknownOutcome),
            LedgerState::Failed { code, message } if !self.policy.retry_failed => {
                let (code, message) = (code.clone(), message.clone());
                return Err(Decision::Settled(Settled::ResendFailed { invited_at, code, message }));
            }
            LedgerState::Patching | LedgerState::Patched | LedgerState::Outstanding => {
                if let Some(blocked) = self.changed_by_hand(guest, moves) {
                    return Err(Decision::Blocked(blocked));
                }
            }
            LedgerState::Failed { .. } | LedgerState::Invited => {}
        }
        if redemption(guest) == resend.before {
            Ok(ChangeReason::Resend)
        } else {
            Err(Decision::Settled(Settled::ResendLapsed { invited_at }))
        }
    }

    /// A move begun earlier finds a mail that is neither the old nor the new one.
    pub(super) fn changed_by_hand(&self, guest: &DirectoryUser, moves: bool) -> Option<Blocked> {
        let found = guest.mail.as_deref().filter(|_| moves)?;
        let by_hand = !self.policy.retry_failed && !self.had(guest, found);
        by_hand.then(|| Blocked::ChangedByHand { found: found.into() })
    }

    /// Whether the campaign knows this mail as one the guest had before it was written.
    fn had(&self, guest: &DirectoryUser, mail: &str) -> bool {
        self.ledger.user_named(&mail.to_lowercase()) == Some(guest.id)
    }

    /// The reminder that is due for a guest with nothing else to do. An obstacle to it
    /// is no news: the guest was invited. Where Microsoft mails nothing, another
    /// invitation would do no more than void the link that went another way.
    pub(super) fn reminder(
        &self,
        row: &Row,
        guest: &DirectoryUser,
        key: &InvitationKey,
        decision: &Decision,
    ) -> Option<Decision> {
        let Decision::Settled(Settled::AlreadyInvited { drifted_to: None, .. }) = decision else {
            return None;
        };
        let reminders = self.policy.reminders.as_ref()?;
        let invitation = self.invitation(row, key.address.clone());
        let has_mail = self.set_mail(guest, &key.address).is_none();
        let is_due = has_mail && invitation.send && reminders.is_due(key, guest);
        (is_due && self.obstacle(guest, &key.address, false).is_none()).then(|| {
            Decision::Change(Box::new(Change {
                reason: ChangeReason::Reminder,
                set_mail: None,
                invitation,
                redemption: redemption(guest),
                unsettled: None,
            }))
        })
    }
}
