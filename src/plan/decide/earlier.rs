//! What earlier runs of the campaign mean for a row: an invitation whose answer was
//! lost, one that a person asked to send again, a mail that somebody changed since, and
//! a reminder that is due.
//!
//! Leaves to others: rows that nothing has happened to.

use jiff::Timestamp;

use crate::config::DeliveryWay;
use crate::domain::{
    DirectoryUser, Email, InvitationKey, LedgerEntry, LedgerState, MailStanding, MailWay,
    RedemptionState, Resend, TOLERANCE,
};
use crate::manifest::Row;

use super::{Planner, internal};
use crate::plan::decision::{Blocked, Change, ChangeReason, Decision, Ours, Settled, Unsettled};

impl Planner<'_> {
    /// Whether the campaign has moved the guest on to another address since, so that what
    /// it did about this one was for a wish that nobody had any more.
    pub(super) fn came_back(
        &self,
        guest: &DirectoryUser,
        key: &InvitationKey,
        moves: bool,
    ) -> bool {
        self.ledger.wishes_since(key).iter().any(|(other, later)| {
            let is_moved = !later.is_given_up()
                || guest.has_mail(&other.address)
                || self.wrote_lately(other, later);
            // Another invitation voids the one before, whatever the mail is by now.
            later.may_be_invited() || moves && is_moved
        })
    }

    /// Whether the campaign wrote another mail for a later wish so lately that a replica may
    /// still show the one of before: then it is not there any more.
    pub(super) fn may_show_the_mail_of_before(&self, key: &InvitationKey) -> bool {
        // An address that never was a wish may be the one from before all of them.
        let is_first = self.ledger.get(key).is_none();
        let later =
            if is_first { self.ledger.wishes(key.user_id) } else { self.ledger.wishes_since(key) };
        later.iter().any(|(other, later)| self.wrote_lately(other, later))
    }

    /// Whether the campaign wrote the mail of a wish, or may have, so lately that a replica
    /// may not show it. One that was refused may have been refused after that.
    fn wrote_lately(&self, key: &InvitationKey, entry: &LedgerEntry) -> bool {
        let given_up = entry.is_given_up();
        let at = if given_up { self.ledger.written_at(key) } else { Some(entry.at) };
        at.is_some_and(|at| {
            let shows_at = at.saturating_add(self.policy.lag);
            shows_at.is_ok_and(|shows_at| self.policy.read_at < shows_at)
        })
    }

    /// What the campaign did to the guest before this key is carried out.
    pub(super) fn ours(&self, key: &InvitationKey) -> Ours {
        let invited_at = self.ledger.last_invited(key, self.policy.read_at);
        let others = self.ledger.wishes(key.user_id).iter().filter(|(other, _)| other != key);
        let mail = others.rev().find(|(other, entry)| self.wrote_lately(other, entry));
        Ours {
            invited_at,
            until: invited_at
                .map(|at| self.ours_ends(at))
                .filter(|until| self.policy.read_at < *until),
            mail: mail.map(|(other, _)| other.address.clone()),
        }
    }

    /// P6: a row whose guest shows another mail than the manifest wants is never as
    /// wanted. But for as long as a replica may lag, it may be the mail of before.
    pub(super) fn unless_changed(
        &self,
        guest: &DirectoryUser,
        key: &InvitationKey,
        moves: bool,
        decision: Decision,
    ) -> Decision {
        let Decision::Settled(
            Settled::AlreadyInvited { at: invited_at, .. }
            | Settled::ResendFailed { invited_at, .. }
            | Settled::ResendLapsed { invited_at },
        ) = decision
        else {
            return decision;
        };
        if !moves {
            return decision;
        }
        let at = self.ledger.get(key).map_or(invited_at, |entry| entry.at);
        let has_caught_up =
            at.saturating_add(self.policy.lag).is_ok_and(|then| self.policy.read_at >= then);
        let found = guest.mail.clone();
        if has_caught_up {
            Decision::Blocked(Blocked::MailChanged { invited_at, found })
        } else {
            Decision::Settled(Settled::AlreadyInvited { at: invited_at, lagging: found })
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
        let wishes = self.ledger.wishes(guest.id).iter().rev();
        let (at, address) = wishes
            .filter(|(_, entry)| entry.may_be_invited())
            .map(|(key, entry)| {
                let at = entry.resend.as_ref().map_or(entry.at, |resend| resend.invited_at);
                (at, &key.address)
            })
            .next()?;
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
            let invited = Decision::Settled(Settled::AlreadyInvited { at, lagging: None });
            return self.unless_changed(guest, &key, true, invited);
        }
        if let Some(blocked) = internal(guest) {
            return Decision::Blocked(blocked);
        }
        Decision::Change(Box::new(Change {
            reason: ChangeReason::UnknownOutcome,
            set_mail: None,
            invite: Some(self.invitation(row, address.clone())),
            redemption: guest.redemption.clone(),
            ours: Ours::default(),
            accepted_at: None,
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
        let accepted_at = self.ledger.resent(key);
        Some(Unsettled {
            intended_at: entry.at,
            before: before.clone(),
            obstacle,
            accepted_at,
            invited_before: self.ledger.last_invited(key, entry.at),
            // A person who asked for it has not got it yet, nor has a guest without any link.
            lapses: accepted_at.is_some()
                && entry.resend.is_none()
                && self.ledger.mail(key) != Some(MailStanding::NoLink),
            silent: self.ledger.is_silent(key),
        })
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
            LedgerState::Failed { .. }
            | LedgerState::Invited
            | LedgerState::Reverting
            | LedgerState::Reverted => {}
        }
        if self.is_as_asked(guest, resend) {
            Ok(ChangeReason::Resend)
        } else {
            Err(Decision::Settled(Settled::ResendLapsed { invited_at }))
        }
    }

    /// Whether nothing has happened to the guest since the person asked. The replica that
    /// was read then, or the one read now, may not have had the campaign's own invitation yet.
    fn is_as_asked(&self, guest: &DirectoryUser, resend: &Resend) -> bool {
        let (now, then) = (&guest.redemption, &resend.before);
        let is_older = now.changed_at.is_some() && now.changed_at < then.changed_at;
        let ours_ends = self.ours_ends(resend.invited_at);
        let is_ours = now.state == Some(RedemptionState::PendingAcceptance)
            && now.changed_at.is_some_and(|at| at <= ours_ends);
        now == then || is_ours || is_older && self.policy.read_at < ours_ends
    }

    /// Until when an invitation that was accepted then may be what changed the guest.
    pub(super) fn ours_ends(&self, invited_at: Timestamp) -> Timestamp {
        invited_at
            .saturating_add(self.policy.lag.saturating_add(TOLERANCE))
            .unwrap_or(Timestamp::MAX)
    }

    /// See [`Change::accepted_at`].
    pub(super) fn accepted_at(entry: &LedgerEntry) -> Option<Timestamp> {
        match (&entry.resend, &entry.state) {
            (Some(resend), _) => Some(resend.invited_at),
            (None, LedgerState::Invited) => Some(entry.at),
            (None, _) => None,
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

    /// The mail with the link of an accepted invitation, where it has not left; or that it
    /// is not known whether it did. A file may be written again, a mail not be sent.
    pub(super) fn mail_due(
        &self,
        row: &Row,
        guest: &DirectoryUser,
        key: &InvitationKey,
        decision: &Decision,
    ) -> Option<Decision> {
        let Decision::Settled(
            Settled::AlreadyInvited { at: invited_at, .. }
            | Settled::ResendFailed { invited_at, .. },
        ) = decision
        else {
            return None;
        };
        let standing = self.ledger.mail(key)?;
        if matches!(standing, MailStanding::Kept | MailStanding::Reminding) {
            return None;
        }
        let moves = self.set_mail(guest, &key.address).is_some();
        // A replica may show the mail of before for a while.
        let decided = self.unless_changed(guest, key, moves, decision.clone());
        let has_mail = matches!(decided, Decision::Settled(_));
        let invited_at = *invited_at;
        if !has_mail || guest.redemption.is_redeemed_since(invited_at) {
            return None;
        }
        let invitation = self.invitation(row, key.address.clone());
        let reason = match (standing, self.policy.delivery) {
            (MailStanding::Held | MailStanding::NoLink, _) if !invitation.send => {
                return Some(Decision::Blocked(Blocked::MailHeld { invited_at }));
            }
            // Its link is of no use to Microsoft: whoever it is to mail, it invites.
            (MailStanding::Held, DeliveryWay::Microsoft) | (MailStanding::NoLink, _) => {
                ChangeReason::Unmailed
            }
            // What leaves no doubt can be settled: a file is written again, and a mailbox asked.
            (MailStanding::Held, _)
            | (MailStanding::Begun { by: MailWay::File, has_link: true }, DeliveryWay::Files)
            | (MailStanding::Begun { by: MailWay::Mailbox, has_link: true }, DeliveryWay::Graph)
                if invitation.send =>
            {
                ChangeReason::Mail
            }
            (_, _) => {
                return Some(Decision::Settled(Settled::MailUnknown { invited_at }));
            }
        };
        if reason == ChangeReason::Unmailed
            && let Some(blocked) = self
                .obstacle(guest, &key.address, false)
                .or_else(|| self.cannot_redeem(&key.address))
        {
            return Some(Decision::Blocked(blocked));
        }
        Some(Decision::Change(Box::new(Change {
            reason,
            set_mail: None,
            invite: Some(invitation),
            redemption: guest.redemption.clone(),
            ours: self.ours(key),
            accepted_at: Some(invited_at),
            unsettled: None,
        })))
    }

    /// The reminder that is due for a guest with nothing else to do. An obstacle to it
    /// is no news: the guest was invited. Where Microsoft mails nothing, another
    /// invitation would do no more than void the link that went another way. With a link
    /// that is kept it takes a mail alone, and no reset.
    pub(super) fn reminder(
        &self,
        row: &Row,
        guest: &DirectoryUser,
        key: &InvitationKey,
        decision: &Decision,
    ) -> Option<Decision> {
        let Decision::Settled(Settled::AlreadyInvited { lagging: None, .. }) = decision else {
            return None;
        };
        let reminders = self.policy.reminders.as_ref()?;
        let invitation = self.invitation(row, key.address.clone());
        let has_mail = self.set_mail(guest, &key.address).is_none();
        let reason = match self.ledger.mail(key) {
            // Perhaps it has left already: this run writes that down, and the next counts it.
            Some(MailStanding::Reminding) => return None,
            Some(MailStanding::Kept) if invitation.by.is_own() => ChangeReason::ReminderMail,
            _ => ChangeReason::Reminder,
        };
        let is_due = has_mail && invitation.send && reminders.is_due(key, guest);
        (is_due && self.obstacle(guest, &key.address, false).is_none()).then(|| {
            Decision::Change(Box::new(Change {
                reason,
                set_mail: None,
                invite: Some(invitation),
                redemption: guest.redemption.clone(),
                ours: Ours::default(),
                accepted_at: None,
                unsettled: None,
            }))
        })
    }
}
