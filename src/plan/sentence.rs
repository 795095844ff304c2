//! A decision as a sentence, with what is particular to its row.
//!
//! Leaves to others: its code, and what is true of every row that has it (`reason`).

use std::fmt;

use super::decision::{Blocked, Change, ChangeReason, Decision, Settled, Uninvited};
use crate::config::DeliveryWay;
use crate::domain::{Email, RoleHolding};

impl fmt::Display for Decision {
    /// One sentence for a person, without full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change(change) => change.fmt(f),
            Self::Settled(settled) => settled.fmt(f),
            Self::Blocked(blocked) => blocked.fmt(f),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = self.set_mail.as_ref().and_then(|set| set.expected.as_deref());
        let before = before.unwrap_or("no mail");
        let address = self.address().map_or("its address", Email::as_str);
        match self.reason {
            ChangeReason::NewAddress => write!(f, "moves from {before} to {address}"),
            ChangeReason::Correction => {
                write!(f, "invited earlier; its mail is put right from {before} to {address}")
            }
            ChangeReason::ResetOnly => {
                write!(f, "keeps {address}; its redemption is reset and it must redeem again")
            }
            ChangeReason::FinishEarlierRun => {
                write!(
                    f,
                    "an earlier run began the move to {address}; the invitation is still to be sent"
                )
            }
            ChangeReason::UnknownOutcome => write!(
                f,
                "the answer to an earlier invitation to {address} was lost; settled from the directory, and sent only if it never happened"
            ),
            ChangeReason::RetryFailed => {
                write!(f, "failed earlier; tried again for {address} as asked")
            }
            ChangeReason::Resend => write!(f, "invited earlier; sent again to {address} as asked"),
            ChangeReason::Mail => {
                write!(f, "invited earlier; the mail with its link goes to {address}")
            }
            ChangeReason::Unmailed => {
                let by = self.invite.as_ref().map_or(DeliveryWay::Microsoft, |invite| invite.by);
                let mails =
                    if by.is_own() { "the new link is mailed to" } else { "Microsoft mails" };
                write!(
                    f,
                    "invited earlier, and no mail with the link left; invited again, and {mails} {address}"
                )
            }
            ChangeReason::Revert => write!(
                f,
                "goes back from {before} to {address}; has no access until it redeems again"
            ),
            ChangeReason::RevertMail => {
                write!(f, "goes back from {before} to {address}; it was never reset")
            }
            ChangeReason::ReminderMail => write!(
                f,
                "invited earlier and not redeemed; the same link is mailed to {address} once more"
            ),
            ChangeReason::Reminder => {
                write!(f, "invited earlier and not redeemed; {address} is reminded")
            }
        }
    }
}

impl fmt::Display for Settled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyInvited { at, lagging: None } => write!(f, "invited on {at:.0}"),
            Self::AlreadyInvited { at, lagging: Some(mail) } => {
                write!(f, "invited on {at:.0}; the directory still shows {mail}")
            }
            Self::ResendFailed { invited_at, code, message } => write!(
                f,
                "invited on {invited_at:.0}; sending it again as asked failed with {code}: {message} (--retry-failed, or --resend, tries again)"
            ),
            Self::ResendLapsed { invited_at } => write!(
                f,
                "invited on {invited_at:.0}; the guest redeemed or was invited otherwise after sending again was asked for, so it is not (--resend asks anew)"
            ),
            Self::MailUnknown { invited_at } => write!(
                f,
                "invited on {invited_at:.0}; whether the mail with the link was sent is not known (ask the guest; --resend invites and mails again)"
            ),
            Self::AlreadyMatches { uninvited: Some(Uninvited { since: Some(since) }) } => write!(
                f,
                "moved, and not by this campaign; the directory shows no invitation since: the last change of its redemption is of {since:.0}"
            ),
            Self::AlreadyMatches { uninvited: Some(Uninvited { since: None }) } => {
                f.write_str("moved, and not by this campaign; the directory shows no invitation")
            }
            Self::AlreadyMatches { uninvited: None } | Self::NothingToUndo | Self::AsBefore => {
                f.write_str(self.kind().words().about)
            }
            Self::Reverted { at } => write!(f, "written back on {at:.0}; nobody was invited"),
            Self::SameAsLine { line } => write!(f, "line {line} asks for the same"),
        }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ambiguous { candidates } => {
                write!(f, "{} users hold it: ", candidates.len())?;
                join(f, candidates, "; ")?;
                f.write_str("; name the guest by object id")
            }
            Self::TwoGuests { named, other } => {
                write!(f, "another cell of the row, {named}, names {other}; correct or clear one of the two")
            }
            Self::HoldsRole { holding: RoleHolding::Direct } => f.write_str(
                "holds a directory role; an application can't reset it, a signed-in administrator can",
            ),
            Self::HoldsRole { holding: RoleHolding::ThroughGroup(group) } => write!(
                f,
                "holds a directory role through the group {group}; an application can't reset it, a signed-in administrator can"
            ),
            Self::AddressTaken { by } => write!(f, "the new address belongs to {by}"),
            Self::OwnDomain { domain } => {
                write!(f, "{domain} is a verified domain of this tenant; guests can't be invited to it")
            }
            Self::DomainNotAllowed { domain } => write!(
                f,
                "the tenant's collaboration restrictions do not allow {domain}; change them in the external collaboration settings"
            ),
            Self::CannotRedeem { domain, why } => write!(f, "{domain}: {why}"),
            Self::ConflictingRows { lines } => {
                f.write_str("lines ")?;
                join(f, lines, ", ")?;
                f.write_str(" want different things of this guest")
            }
            Self::FailedBefore { code, message, at } => {
                write!(f, "failed on {at:.0} ({code}): {message}; --retry-failed tries again")
            }
            Self::ChangedByHand { found } => write!(
                f,
                "an earlier run began the move, and someone has set the mail to {found} since; --retry-failed moves it all the same"
            ),
            Self::MailChanged { invited_at, found } => write!(
                f,
                "invited on {invited_at:.0}, and someone has changed the mail to {} since",
                found.as_deref().unwrap_or("no mail")
            ),
            Self::ResetRecently { since } => write!(
                f,
                "pending since {since:.0} by an invitation that this checkpoint does not know; another reset would void it (--reset-matching resets it all the same)"
            ),
            Self::MailHeld { invited_at } => write!(
                f,
                "invited on {invited_at:.0}; no mail with the link left, and nobody is to mail it any more"
            ),
            Self::OutcomeUnknown { address } => {
                write!(f, "whether it was invited to {address} is not known")
            }
            Self::Redeemed { since: Some(since) } => {
                write!(f, "redeemed the new address on {since:.0}; --even-redeemed takes it back")
            }
            Self::InvitedSince { since } => {
                write!(f, "pending since {since:.0} by an invitation of someone else")
            }
            Self::ChangedSince { attribute, found } => write!(
                f,
                "this campaign wrote its address, and someone has changed {attribute} to {found} since"
            ),
            Self::Deleted { at: Some(at) } => write!(f, "deleted on {at:.0}"),
            Self::NotFound
            | Self::NoLongerFound
            | Self::Deleted { at: None }
            | Self::NotAGuest
            | Self::InternalGuest
            | Self::Synced
            | Self::ExternallyMastered
            | Self::RestrictedUnit
            | Self::Disabled
            | Self::NoMail
            | Self::HadNoMail
            | Self::Redeemed { since: None }
            | Self::MayLag
            | Self::InvalidRow => f.write_str(self.kind().words().about),
        }
    }
}

fn join<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T], separator: &str) -> fmt::Result {
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            f.write_str(separator)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}
