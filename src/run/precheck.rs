//! Whether a guest still is as the plan saw it. Pure; run on a fresh reading just
//! before the first write.

use std::cmp::Ordering;

use crate::domain::{DirectoryUser, RedemptionState};
use crate::plan::{Change, Ours, SetMail, same_addresses};

use super::event::Failure;
use super::own_failure::OwnFailure;

/// What a fresh look at the guest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precheck {
    /// As expected: write the mail.
    Write,
    /// The address is there already: nothing to write.
    NothingToWrite,
    /// Someone else's hand: leave the guest alone.
    Conflict(Failure),
}

/// Compares the guest with what the plan expects of it.
pub fn precheck(change: &Change, guest: &DirectoryUser) -> Precheck {
    // A mail alone undoes nobody's redemption.
    if let Some(invitation) = &change.invite {
        if let Some(conflict) = redemption_conflict(change, guest) {
            return Precheck::Conflict(conflict);
        }
        let address = &invitation.address;
        if change.set_mail.is_none() && !guest.has_mail(address) && !guest.has_other_mail(address) {
            return changed(guest, address.as_str());
        }
    }
    let Some(set) = &change.set_mail else { return Precheck::NothingToWrite };
    if is_written(set, guest) {
        Precheck::NothingToWrite
    } else if is_as_expected(set, &change.ours, guest) {
        Precheck::Write
    } else {
        changed(guest, set.expected.as_deref().unwrap_or("no mail"))
    }
}

/// Someone redeemed or invited since the plan. An older state than the plan's is
/// a lagging replica and no one's hand.
pub(super) fn redemption_conflict(change: &Change, guest: &DirectoryUser) -> Option<Failure> {
    let planned = &change.redemption;
    let newer = guest.redemption.changed_at.cmp(&planned.changed_at) == Ordering::Greater;
    let is_ours = |until| {
        guest.redemption.state == Some(RedemptionState::PendingAcceptance)
            && guest.redemption.changed_at <= Some(until)
    };
    if !newer || change.ours.until.is_some_and(is_ours) {
        return None;
    }
    let (own, what) = match &guest.redemption.state {
        Some(RedemptionState::Accepted) => {
            (OwnFailure::RedeemedSincePlan, "redeemed an invitation")
        }
        Some(RedemptionState::PendingAcceptance) => {
            (OwnFailure::InvitedSincePlan, "was invited by someone else")
        }
        Some(RedemptionState::Other(_)) | None => {
            (OwnFailure::RedemptionChangedSincePlan, "was changed")
        }
    };
    Some(own.because(format!("the guest {what} after the plan was made, and was left alone")))
}

fn changed(guest: &DirectoryUser, expected: &str) -> Precheck {
    let found = guest.mail.as_deref().unwrap_or("no mail");
    Precheck::Conflict(OwnFailure::MailChangedSincePlan.because(format!(
        "the plan expected {expected}, and the directory now shows {found}; nothing was overwritten"
    )))
}

fn is_written(set: &SetMail, guest: &DirectoryUser) -> bool {
    let mail = set.desired.as_ref().is_none_or(|desired| guest.has_mail(desired));
    let other_mails =
        set.other_mails.as_ref().is_none_or(|set| same_addresses(&guest.other_mails, &set.desired));
    mail && other_mails
}

fn is_as_expected(set: &SetMail, ours: &Ours, guest: &DirectoryUser) -> bool {
    // Half written is as expected, too: an earlier PATCH of ours may have been
    // repeated by hand for one of the two.
    let mail = match (&set.expected, guest.mail.as_deref()) {
        (Some(expected), Some(found)) => expected.eq_ignore_ascii_case(found),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    let desired = set.desired.as_ref().is_some_and(|desired| guest.has_mail(desired));
    let other_mails = set.other_mails.as_ref().is_none_or(|set| {
        same_addresses(&guest.other_mails, &set.expected)
            || same_addresses(&guest.other_mails, &set.desired)
    });
    // The plan's reading may have been older than what the campaign wrote last.
    let ours = ours.mail.as_ref().is_some_and(|mail| guest.has_mail(mail));
    (mail || desired || ours) && other_mails
}

#[cfg(test)]
#[path = "precheck_tests.rs"]
mod tests;
