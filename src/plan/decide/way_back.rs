//! The way back: what it takes to give a guest the address again that it had before the
//! campaign, and what forbids that. The mail and `otherMails` come from the before-image,
//! and whoever was reset is invited once more, to the old address.
//!
//! Leaves to others: reading the before-images (`campaign`), and writing (`run`).

use std::collections::HashMap;

use jiff::Timestamp;

use crate::config::MailWrite;
use crate::domain::{
    DirectoryUser, Email, InvitationKey, Invitations, LedgerEntry, LedgerState, RedemptionState,
    TOLERANCE, UserId, WayBack,
};
use crate::manifest::{Manifest, Row};

use super::{Planner, internal};
use crate::plan::decision::{
    Blocked, Change, ChangeReason, Decision, PlannedRow, SetMail, SetOtherMails, Settled,
    same_addresses,
};

/// What a guest was before the campaign first wrote to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Before {
    /// `mail`.
    pub mail: Option<Box<str>>,
    /// `otherMails`.
    pub other_mails: Vec<Box<str>>,
}

/// A guest that the campaign acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returning {
    /// Its row; the manifest has one of this line where there is an address to go back to.
    pub line: u32,
    /// The guest as a person knows it.
    pub user: Box<str>,
    pub user_id: UserId,
}

/// What a plan of the way back is made from.
#[derive(Debug, Default)]
pub struct Revert {
    /// By line.
    pub guests: Vec<Returning>,
    pub before: HashMap<UserId, Before>,
    /// What the campaign sent.
    pub invitations: HashMap<InvitationKey, Invitations>,
    /// Take back guests who have redeemed the new address, too.
    pub even_redeemed: bool,
}

/// What was done to a guest and is to be undone.
struct Undone<'a> {
    /// The addresses it was given since it last had the old one.
    wishes: &'a [(InvitationKey, LedgerEntry)],
    /// The last invitation that was accepted.
    sent: Option<Invitations>,
    /// Whether it was reset, so that it has no access without another invitation.
    was_reset: bool,
}

impl Planner<'_> {
    /// Decides the way back of everybody, in the order of the lines.
    pub(super) fn ways_back(&self, manifest: &Manifest, revert: &Revert) -> Vec<PlannedRow> {
        let planned = |returning: &Returning| {
            let Returning { line, user, user_id } = returning;
            let found = manifest.rows.binary_search_by_key(line, |row| row.line);
            let row = found.ok().map(|position| &manifest.rows[position]);
            let old = row.and_then(|row| row.wish.address().cloned());
            // One that can't go back stays with the address that it was given.
            let last = || self.ledger.wishes(*user_id).last().map(|(key, _)| key.address.clone());
            PlannedRow {
                line: *line,
                user: user.clone(),
                user_id: Some(*user_id),
                new_email: old.or_else(last),
                decision: self.way_back(*user_id, row, revert),
            }
        };
        revert.guests.iter().map(planned).collect()
    }

    fn way_back(&self, user_id: UserId, row: Option<&Row>, revert: &Revert) -> Decision {
        let Some(guest) = self.directory.user(user_id) else {
            return Decision::Blocked(self.absent(user_id));
        };
        if let Some(blocked) = internal(guest) {
            return Decision::Blocked(blocked);
        }
        if !revert.before.contains_key(&user_id) {
            return Decision::Settled(Settled::NothingToUndo);
        }
        let Some((row, address)) = row.and_then(|row| Some((row, row.wish.address()?))) else {
            return Decision::Blocked(Blocked::HadNoMail);
        };
        let key = InvitationKey { user_id, address: address.clone() };
        let wishes = self.ledger.wishes(user_id);
        let place = wishes.iter().position(|(other, _)| *other == key);
        match place {
            Some(place) if place + 1 == wishes.len() => {
                self.on_the_way(row, guest, &key, &wishes[place].1)
            }
            _ => {
                let wishes = place.map_or(wishes, |place| &wishes[place + 1..]);
                self.set_out(row, guest, address, &undone(wishes, revert), revert)
                    .unwrap_or_else(|decision| decision)
            }
        }
    }

    /// The old address is what the campaign last gave the guest: an earlier run began the
    /// way back, or came to its end.
    fn on_the_way(
        &self,
        row: &Row,
        guest: &DirectoryUser,
        key: &InvitationKey,
        entry: &LedgerEntry,
    ) -> Decision {
        if self.ledger.way_back(key) != Some(WayBack::MailAlone) {
            // What was perhaps sent is settled whatever the mail is by now. The rest is not
            // for `--retry-failed` to overwrite.
            let is_sent = entry.may_be_invited();
            return match self.restore(guest) {
                Err(blocked) if !is_sent => Decision::Blocked(blocked),
                Ok(_) | Err(_) => self.decide(row, guest, &key.address),
            };
        }
        if let LedgerState::Failed { code, message } = &entry.state
            && !self.policy.retry_failed
        {
            let (code, message) = (code.clone(), message.clone());
            return Decision::Blocked(Blocked::FailedBefore { code, message, at: entry.at });
        }
        let set = match self.restore(guest) {
            Ok(set) => set,
            Err(blocked) => return Decision::Blocked(blocked),
        };
        if entry.state == LedgerState::Reverted {
            return match set {
                None => Decision::Settled(Settled::Reverted { at: entry.at }),
                Some(_) if self.is_fresh(entry.at) => {
                    Decision::Settled(Settled::Reverted { at: entry.at })
                }
                Some(_) => Decision::Blocked(changed_mail(guest)),
            };
        }
        // What was written and not recorded is recorded by the run.
        self.change(row, guest, &key.address, set, false).unwrap_or_else(|decision| decision)
    }

    /// The first step back.
    fn set_out(
        &self,
        row: &Row,
        guest: &DirectoryUser,
        address: &Email,
        undone: &Undone<'_>,
        revert: &Revert,
    ) -> Result<Decision, Decision> {
        let is_lost = |entry: &LedgerEntry| matches!(entry.state, LedgerState::Unknown { .. });
        if let Some((key, _)) = undone.wishes.iter().find(|(_, entry)| is_lost(entry)) {
            let address = key.address.clone();
            return Err(Decision::Blocked(Blocked::OutcomeUnknown { address }));
        }
        let invited_at = undone.sent.as_ref().map(|sent| sent.accepted_at);
        let mail_changed = |blocked| match invited_at {
            Some(invited_at) => Blocked::MailChanged { invited_at, found: guest.mail.clone() },
            None => blocked,
        };
        let last_at = undone.wishes.iter().map(|(_, entry)| entry.at).max();
        let is_fresh = last_at.is_some_and(|at| self.is_fresh(at));
        let set = match self.restore(guest) {
            Ok(set) => set,
            Err(blocked) => {
                let is_mail = matches!(blocked, Blocked::ChangedSince { attribute: "mail", .. });
                let blocked = if is_mail { mail_changed(blocked) } else { blocked };
                return Err(Decision::Blocked(blocked));
            }
        };
        if self.policy.mail != MailWrite::OtherMails && guest.has_mail(address) {
            if is_fresh {
                return Err(Decision::Blocked(Blocked::MayLag));
            }
            if undone.was_reset {
                return Err(Decision::Blocked(mail_changed(changed_mail(guest))));
            }
        }
        if set.is_none() && !undone.was_reset {
            return Err(Decision::Settled(Settled::AsBefore));
        }
        if undone.was_reset
            && let Some(blocked) = self.redemption_since(guest, undone, is_fresh, revert)
        {
            return Err(Decision::Blocked(blocked));
        }
        self.change(row, guest, address, set, undone.was_reset)
    }

    /// What the guest or somebody else has made of the invitation since.
    fn redemption_since(
        &self,
        guest: &DirectoryUser,
        undone: &Undone<'_>,
        is_fresh: bool,
        revert: &Revert,
    ) -> Option<Blocked> {
        let sent = undone.sent?;
        let since = guest.redemption.changed_at;
        let has_changed = since.is_some_and(|since| since >= sent.intended_at - TOLERANCE);
        let ours_ends = self.ours_ends(sent.accepted_at);
        match &guest.redemption.state {
            Some(RedemptionState::Accepted) if is_fresh && !has_changed => Some(Blocked::MayLag),
            Some(RedemptionState::Accepted) if !revert.even_redeemed => {
                Some(Blocked::Redeemed { since })
            }
            Some(RedemptionState::PendingAcceptance) => since
                .filter(|since| *since > ours_ends)
                .map(|since| Blocked::InvitedSince { since }),
            Some(RedemptionState::Accepted | RedemptionState::Other(_)) | None => None,
        }
    }

    fn change(
        &self,
        row: &Row,
        guest: &DirectoryUser,
        address: &Email,
        set_mail: Option<SetMail>,
        invites: bool,
    ) -> Result<Decision, Decision> {
        let moves = set_mail.as_ref().is_some_and(|set| set.desired.is_some());
        let cannot_redeem = || self.cannot_redeem(address).filter(|_| invites);
        if let Some(blocked) = self.obstacle(guest, address, moves).or_else(cannot_redeem) {
            return Err(Decision::Blocked(blocked));
        }
        let key = InvitationKey { user_id: guest.id, address: address.clone() };
        Ok(Decision::Change(Box::new(Change {
            reason: if invites { ChangeReason::Revert } else { ChangeReason::RevertMail },
            set_mail,
            invite: invites.then(|| self.invitation(row, address.clone())),
            redemption: guest.redemption.clone(),
            accepted_at: None,
            ours: self.ours(&key),
            unsettled: None,
        })))
    }

    /// The PATCH that makes mail and `otherMails` what they were, as far as the campaign
    /// writes them; None where they are. What somebody else has written meanwhile is not
    /// overwritten.
    pub(super) fn restore(&self, guest: &DirectoryUser) -> Result<Option<SetMail>, Blocked> {
        let revert = self.policy.revert.as_ref();
        let Some(before) = revert.and_then(|revert| revert.before.get(&guest.id)) else {
            return Ok(None);
        };
        let wishes = self.ledger.wishes(guest.id);
        let is =
            |one: Option<&str>, other: &str| one.is_some_and(|one| one.eq_ignore_ascii_case(other));
        let is_ours =
            |mail: &str| wishes.iter().any(|(key, _)| is(Some(key.address.as_str()), mail));
        let found = guest.mail.as_deref();
        let is_back = before.mail.as_deref().is_some_and(|mail| is(found, mail));
        let writes_mail = self.policy.mail != MailWrite::OtherMails;
        if !(is_back || writes_mail && found.is_some_and(is_ours)) {
            return Err(changed_mail(guest));
        }
        let desired = before.mail.as_deref().filter(|_| !is_back);
        let desired = desired.and_then(|mail| Email::parse(mail).ok());
        let others = if self.policy.mail == MailWrite::Mail {
            None
        } else {
            restored_list(&guest.other_mails, &before.other_mails, is_ours)?
        };
        Ok((desired.is_some() || others.is_some()).then(|| SetMail {
            expected: guest.mail.clone(),
            desired,
            other_mails: others,
            restores: true,
        }))
    }

    /// The PATCH of a way back that was begun before. Where somebody else has written
    /// meanwhile, that there is something to write is all that is told.
    pub(super) fn set_mail_back(&self, guest: &DirectoryUser, address: &Email) -> Option<SetMail> {
        self.restore(guest).unwrap_or_else(|_| {
            (!guest.has_mail(address)).then(|| SetMail {
                expected: guest.mail.clone(),
                desired: Some(address.clone()),
                other_mails: None,
                restores: true,
            })
        })
    }

    /// Whether a replica may still show what was before this moment.
    fn is_fresh(&self, at: Timestamp) -> bool {
        at.saturating_add(self.policy.lag).is_ok_and(|then| self.policy.read_at < then)
    }
}

/// What is to be undone of the addresses that a guest was given since it last had the old
/// one.
fn undone<'a>(wishes: &'a [(InvitationKey, LedgerEntry)], revert: &Revert) -> Undone<'a> {
    // A mail with the link that was refused leaves a failed row, and a guest that was reset.
    let may_be_reset = |entry: &LedgerEntry| {
        entry.may_be_invited() || matches!(entry.state, LedgerState::Failed { .. })
    };
    let sent = wishes
        .iter()
        .filter(|(_, entry)| may_be_reset(entry))
        .filter_map(|(key, _)| revert.invitations.get(key))
        .max_by_key(|sent| sent.accepted_at)
        .copied();
    let was_reset = sent.is_some() || wishes.iter().any(|(_, entry)| entry.may_be_invited());
    Undone { wishes, sent, was_reset }
}

/// The list as it was, if what is there is that and addresses of ours; None if it is as it
/// was.
fn restored_list(
    found: &[Box<str>],
    before: &[Box<str>],
    is_ours: impl Fn(&str) -> bool,
) -> Result<Option<SetOtherMails>, Blocked> {
    if same_addresses(found, before) {
        return Ok(None);
    }
    let was_there = |mail: &str| before.iter().any(|old| old.eq_ignore_ascii_case(mail));
    let left: Vec<Box<str>> =
        found.iter().filter(|mail| was_there(mail) || !is_ours(mail)).cloned().collect();
    if !same_addresses(&left, before) {
        let found = found.join(", ").into();
        return Err(Blocked::ChangedSince { attribute: "otherMails", found });
    }
    Ok(Some(SetOtherMails { expected: found.to_vec(), desired: before.to_vec() }))
}

fn changed_mail(guest: &DirectoryUser) -> Blocked {
    let found = guest.mail.as_deref().unwrap_or("no mail").into();
    Blocked::ChangedSince { attribute: "mail", found }
}
