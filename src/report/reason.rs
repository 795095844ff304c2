//! What a reason means, for all rows that have it at once.
//!
//! Leaves to others: the sentence about one row, which the decision itself says
//! (`plan`).

use crate::plan::{Blocked, ChangeReason, Decision, Settled};

/// Whether every row of the reason has a sentence of its own.
pub(super) fn is_particular(decision: &Decision) -> bool {
    match decision {
        Decision::Change(_)
        | Decision::Settled(Settled::AlreadyMatches)
        | Decision::Blocked(
            Blocked::NotFound
            | Blocked::NotAGuest
            | Blocked::InternalGuest
            | Blocked::Synced
            | Blocked::ExternallyMastered
            | Blocked::RestrictedUnit
            | Blocked::Disabled
            | Blocked::NoMail
            | Blocked::InvalidRow,
        ) => false,
        Decision::Settled(
            Settled::AlreadyInvited { .. }
            | Settled::ResendFailed { .. }
            | Settled::ResendLapsed { .. }
            | Settled::SameAsLine { .. },
        )
        | Decision::Blocked(
            Blocked::Ambiguous { .. }
            | Blocked::HoldsRole { .. }
            | Blocked::AddressTaken { .. }
            | Blocked::OwnDomain { .. }
            | Blocked::DomainNotAllowed { .. }
            | Blocked::ConflictingRows { .. }
            | Blocked::FailedBefore { .. }
            | Blocked::ChangedByHand { .. }
            | Blocked::MailChanged { .. },
        ) => true,
    }
}

/// The reason in a sentence that is true of every row that has it.
pub(super) fn about(decision: &Decision) -> String {
    let text = match decision {
        Decision::Change(change) => match change.reason {
            ChangeReason::NewAddress => "moves to a new address",
            ChangeReason::ResetOnly => "keeps its address; locked out until it redeems again",
            ChangeReason::FinishEarlierRun => "begun by an earlier run; the invitation is due",
            ChangeReason::UnknownOutcome => {
                "the answer was lost; settled from the directory, sent only if it never happened"
            }
            ChangeReason::RetryFailed => "failed earlier; tried again as asked",
            ChangeReason::Resend => "invited earlier; sent again as asked",
            ChangeReason::Reminder => "invited earlier and not redeemed; reminded",
        },
        Decision::Settled(Settled::AlreadyInvited { .. }) => "invited by this campaign",
        Decision::Settled(Settled::ResendFailed { .. }) => {
            "invited by this campaign; sending it again as asked failed"
        }
        Decision::Settled(Settled::ResendLapsed { .. }) => {
            "invited by this campaign; changed since sending it again was asked for"
        }
        Decision::Settled(Settled::SameAsLine { .. }) => "another row asks for the same",
        Decision::Blocked(Blocked::Ambiguous { .. }) => {
            "several users hold it; name the guest by object id"
        }
        Decision::Blocked(Blocked::HoldsRole { .. }) => {
            "holds a directory role; a signed-in administrator can reset it"
        }
        Decision::Blocked(Blocked::AddressTaken { .. }) => {
            "the new address belongs to another object"
        }
        Decision::Blocked(Blocked::OwnDomain { .. }) => {
            "the new address is in a domain of this tenant"
        }
        Decision::Blocked(Blocked::DomainNotAllowed { .. }) => {
            "the tenant does not allow the address's domain to be invited"
        }
        Decision::Blocked(Blocked::ConflictingRows { .. }) => {
            "several rows want different things of one guest or address"
        }
        Decision::Blocked(Blocked::FailedBefore { .. }) => {
            "failed for good in an earlier run; --retry-failed tries again"
        }
        Decision::Blocked(Blocked::ChangedByHand { .. }) => {
            "its mail was changed by someone else since an earlier run began the move"
        }
        Decision::Blocked(Blocked::MailChanged { .. }) => {
            "invited by this campaign, and its mail was changed by someone else since"
        }
        Decision::Settled(Settled::AlreadyMatches)
        | Decision::Blocked(
            Blocked::NotFound
            | Blocked::NotAGuest
            | Blocked::InternalGuest
            | Blocked::Synced
            | Blocked::ExternallyMastered
            | Blocked::RestrictedUnit
            | Blocked::Disabled
            | Blocked::NoMail
            | Blocked::InvalidRow,
        ) => return decision.to_string(),
    };
    text.to_owned()
}
