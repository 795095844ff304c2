//! What a reading shows of the guests that the campaign acted on: as wanted,
//! pending or redeemed, changed by someone else, gone, or without a trace.
//!
//! Leaves to others: reading (`graph`), keeping what was seen (`checkpoint`), and
//! settling lost answers (`run`).

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::config::MailWrite;
use crate::domain::{
    Directory, DirectoryUser, Email, InvitationKey, Invitations, Ledger, LedgerEntry, LedgerState,
    RedemptionState, Shows, Sighting, TOLERANCE,
};

/// What a reading is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Where the campaign writes addresses.
    pub mail: MailWrite,
    /// When the reading began, in the service's time.
    pub at: Timestamp,
    /// The longest that a replica is believed to lag.
    pub lag: SignedDuration,
}

/// One guest and address, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// The directory shows this.
    Shows(Sighting),
    /// It does not show the invitation, and a replica may still lag.
    TooEarly,
    /// No invitation was accepted yet, and nothing is wrong.
    NotInvited,
    /// Whether an invitation was accepted is not known.
    Unknown,
}

/// Judges everything that the campaign has on record, ordered by guest and address. Of
/// a guest that was moved on to another address only the last counts.
#[expect(clippy::implicit_hasher, reason = "there is one such map")]
pub fn observations(
    ledger: &Ledger,
    invitations: &HashMap<InvitationKey, Invitations>,
    directory: &Directory,
    look: Look,
) -> Vec<(InvitationKey, Observation)> {
    let mut observations = Vec::new();
    for (key, entry) in ledger.entries() {
        let guest = directory.user(key.user_id);
        if is_superseded(key, ledger, guest) {
            continue;
        }
        let is_old_mail = |mail: &str| ledger.user_named(&mail.to_lowercase()) == Some(key.user_id);
        let observation = observation(key, entry, invitations.get(key), guest, &is_old_mail, look);
        observations.push((key.clone(), observation));
    }
    observations.sort_by_cached_key(|(key, _)| (key.user_id, key.address.folded()));
    observations
}

/// Whether the campaign itself has given the guest another address since.
fn is_superseded(key: &InvitationKey, ledger: &Ledger, guest: Option<&DirectoryUser>) -> bool {
    ledger.wishes_since(key).iter().any(|(other, later)| {
        !later.is_given_up() || guest.is_some_and(|guest| guest.has_mail(&other.address))
    })
}

/// Judges one guest and address. `is_old_mail` tells an address that the guest had
/// before the campaign.
fn observation(
    key: &InvitationKey,
    entry: &LedgerEntry,
    invitations: Option<&Invitations>,
    guest: Option<&DirectoryUser>,
    is_old_mail: &dyn Fn(&str) -> bool,
    look: Look,
) -> Observation {
    let shows = |shows, since| Observation::Shows(Sighting { key: key.clone(), shows, since });
    let is_invited = match &entry.state {
        LedgerState::Unknown { .. } => return Observation::Unknown,
        LedgerState::Invited => true,
        // A person asked to send again, and whatever became of that, one was accepted.
        _ if entry.resend.is_some() => true,
        LedgerState::Patched | LedgerState::Reverted => false,
        LedgerState::Patching
        | LedgerState::Outstanding
        | LedgerState::Failed { .. }
        | LedgerState::Reverting => return Observation::NotInvited,
    };
    let Some(guest) = guest else { return shows(Shows::Deleted, None) };
    let has_caught_up = entry.at.saturating_add(look.lag).is_ok_and(|then| look.at >= then);
    let or_too_early =
        |observation: Observation| if has_caught_up { observation } else { Observation::TooEarly };
    if !has_wanted_mail(guest, &key.address, look.mail) {
        let mail = guest.mail.clone();
        let back = mail.as_deref().is_some_and(is_old_mail);
        return or_too_early(shows(Shows::MailChanged { mail, back }, None));
    }
    if !is_invited {
        return Observation::NotInvited;
    }
    let intended_at = invitations.map_or(entry.at, |invitations| invitations.intended_at);
    let since = guest.redemption.changed_at;
    let has_changed = since.is_some_and(|since| since >= intended_at - TOLERANCE);
    // One that was accepted but not carried out at once shows a later time than its
    // answer, so only a change well after is taken for someone else's.
    let accepted_at = entry.resend.as_ref().map_or(entry.at, |resend| resend.invited_at);
    let ours_ends =
        accepted_at.saturating_add(look.lag.saturating_add(TOLERANCE)).unwrap_or(Timestamp::MAX);
    match &guest.redemption.state {
        Some(RedemptionState::PendingAcceptance) if since.is_some_and(|at| at > ours_ends) => {
            shows(Shows::Reinvited, since)
        }
        Some(RedemptionState::PendingAcceptance) if has_changed => shows(Shows::Pending, since),
        Some(RedemptionState::PendingAcceptance) => or_too_early(shows(Shows::Pending, since)),
        Some(RedemptionState::Accepted) if has_changed => shows(Shows::Redeemed, since),
        Some(RedemptionState::Other(state)) if has_changed => {
            shows(Shows::Unclear { state: state.clone() }, since)
        }
        Some(RedemptionState::Accepted | RedemptionState::Other(_)) | None => {
            or_too_early(shows(Shows::NoTrace, since))
        }
    }
}

fn has_wanted_mail(guest: &DirectoryUser, address: &Email, mail: MailWrite) -> bool {
    match mail {
        MailWrite::Mail | MailWrite::Both => guest.has_mail(address),
        MailWrite::OtherMails => guest.has_mail(address) || guest.has_other_mail(address),
    }
}

#[cfg(test)]
#[path = "tests/observation.rs"]
mod tests;
