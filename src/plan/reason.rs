//! Every reason of a decision in one table: its code, what it means for all rows that
//! have it, and what a person can do about it. The code is stored and is a contract.
//!
//! Leaves to others: the sentence about one row, with its addresses and times
//! (`decision`).

use super::decision::{Blocked, ChangeReason, Settled};

/// A reason in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// The stable code.
    pub code: &'static str,
    /// A sentence that is true of every row that has it, without full stop.
    pub about: &'static str,
    /// What to do about it; empty where there is nothing to be done.
    pub advice: &'static str,
}

/// Declares kinds together with the list of all, so that a stored code can be looked up
/// and none is forgotten.
macro_rules! kinds {
    ($(#[$doc:meta])* $name:ident { $($kind:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($kind),* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The stable code.
            pub fn code(self) -> &'static str {
                self.words().code
            }

            /// What has this code; None for a code of another version.
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.code() == code)
            }
        }
    };
}

kinds! {
    /// [`Blocked`] without what is particular to a row.
    BlockedKind {
        NotFound, NoLongerFound, Deleted, Ambiguous, TwoGuests, NotAGuest, InternalGuest, HoldsRole, Synced, ExternallyMastered,
        RestrictedUnit, Disabled, AddressTaken, OwnDomain, DomainNotAllowed, CannotRedeem, NoMail,
        ConflictingRows, FailedBefore, ChangedByHand, MailChanged, ResetRecently, MailHeld,
        InvalidRow, OutcomeUnknown, HadNoMail, Redeemed, InvitedSince, ChangedSince, MayLag,
    }
}

kinds! {
    /// [`Settled`] without what is particular to a row.
    SettledKind {
        AlreadyInvited, ResendFailed, ResendLapsed, MailUnknown, AlreadyMatches, SameAsLine,
        NothingToUndo, Reverted, AsBefore,
    }
}

impl BlockedKind {
    pub fn words(self) -> Words {
        let words = |code, about, advice| Words { code, about, advice };
        match self {
            Self::NotFound => words(
                "not-found",
                "no user has this object id, UPN or address",
                "correct the address or object id, or take the row out",
            ),
            Self::NoLongerFound => words(
                "no-longer-found",
                "not found any more",
                "look for the guest in the portal, or take the row out",
            ),
            Self::Deleted => {
                words("deleted", "was deleted", "restore the guest, or take the row out")
            }
            Self::Ambiguous => words(
                "ambiguous",
                "several users hold it; name the guest by object id",
                "name the guest by object id",
            ),
            Self::TwoGuests => words(
                "two-guests",
                "cells of the row name different guests",
                "correct or clear the cell that names the wrong guest",
            ),
            Self::NotAGuest => words(
                "not-a-guest",
                "a member of this tenant, not a guest",
                "take the row out: members of the tenant are not invited",
            ),
            Self::InternalGuest => words(
                "internal-guest",
                "a guest that signs in to this tenant; an invitation would convert the account, which can't be undone",
                "take the row out, or convert the account by hand, which can't be undone",
            ),
            Self::HoldsRole => words(
                "holds-role",
                "holds a directory role; a signed-in administrator can reset it",
                "let a signed-in administrator reset the guest, or take the role off it",
            ),
            Self::Synced => words(
                "synced",
                "synchronised from an on-premises directory; change its mail there",
                "change the mail in the on-premises directory",
            ),
            Self::ExternallyMastered => words(
                "externally-mastered",
                "its mail originates in Exchange or a former on-premises directory; change it in the Exchange admin center",
                "change the mail in the Exchange admin center",
            ),
            Self::RestrictedUnit => words(
                "restricted-unit",
                "in a restricted management administrative unit; needs a role scoped to that unit",
                "sign in as a caller with a role scoped to that administrative unit",
            ),
            Self::Disabled => words(
                "disabled",
                "sign-in is blocked; enable the account first",
                "enable the account, then run apply again",
            ),
            Self::AddressTaken => words(
                "address-taken",
                "the new address belongs to another object",
                "free the address from its holder, or correct new_email",
            ),
            Self::OwnDomain => words(
                "own-domain",
                "the new address is in a domain of this tenant",
                "correct new_email: guests live outside the tenant's own domains",
            ),
            Self::DomainNotAllowed => words(
                "domain-not-allowed",
                "the tenant does not allow the address's domain to be invited",
                "correct new_email, or allow its domain in the external collaboration settings",
            ),
            Self::CannotRedeem => words(
                "cannot-redeem",
                "the people of the address's domain can't redeem an invitation here",
                "correct new_email; or switch on codes by mail, or let the tenant in by the cross-tenant access settings; or name the domain under [guards] redeemable_domains if its people redeem in another way",
            ),
            Self::NoMail => words(
                "no-mail",
                "the guest holds no address to invite; give a new_email",
                "fill in new_email",
            ),
            Self::ConflictingRows => words(
                "conflicting-rows",
                "several rows want different things of one guest or address",
                "keep one of the rows",
            ),
            Self::FailedBefore => words(
                "failed-before",
                "failed for good in an earlier run; --retry-failed tries again",
                "mend the cause, then run apply with --retry-failed",
            ),
            Self::ChangedByHand => words(
                "changed-by-hand",
                "its mail was changed by someone else since an earlier run began the move",
                "ask who changed the mail; apply --retry-failed moves it all the same",
            ),
            Self::MailChanged => words(
                "mail-changed",
                "invited by this campaign, and its mail was changed by someone else since",
                "ask who changed the mail; [reconcile] correct_drift puts it right, apply --resend moves and invites the guest again",
            ),
            Self::ResetRecently => words(
                "reset-recently",
                "invited a short time ago, and not by what this checkpoint knows",
                "go on with the checkpoint of the run that invited it, if there was one; or reset it all the same with --reset-matching",
            ),
            Self::MailHeld => words(
                "mail-held",
                "invited by this campaign; its link is held, and nobody mails it",
                "set [delivery] by and the row's send so that somebody mails it; by = files writes the links for you",
            ),
            Self::InvalidRow => words(
                "invalid-row",
                "the row is unusable (see `lint`) and was skipped",
                "run lint on the manifest and mend the row",
            ),
            Self::OutcomeUnknown => words(
                "outcome-unknown",
                "the answer to its invitation was lost, and what there is to undo is not known",
                "run verify, or apply where you mail yourself; once the answer is settled, revert again",
            ),
            Self::HadNoMail => words(
                "had-no-mail",
                "had no mail before, and a mail can't be set to nothing",
                "leave the guest where it is, or change it in the Exchange admin center",
            ),
            Self::Redeemed => words(
                "redeemed",
                "has redeemed the new address; going back would lock it out until it redeems again",
                "leave the guest where it is, or take it back with --even-redeemed",
            ),
            Self::InvitedSince => words(
                "invited-since",
                "was invited by someone else since; going back would void that invitation",
                "ask who invited the guest",
            ),
            Self::ChangedSince => words(
                "changed-since",
                "was changed by someone else since this campaign wrote it, and is left alone",
                "ask who changed it, and put it right by hand",
            ),
            Self::MayLag => words(
                "may-lag",
                "was written a moment ago, and the directory may not show that yet",
                "run the same command again when [pace] replication_lag has passed",
            ),
        }
    }
}

impl Blocked {
    pub fn kind(&self) -> BlockedKind {
        match self {
            Self::NotFound => BlockedKind::NotFound,
            Self::NoLongerFound => BlockedKind::NoLongerFound,
            Self::Deleted { .. } => BlockedKind::Deleted,
            Self::Ambiguous { .. } => BlockedKind::Ambiguous,
            Self::TwoGuests { .. } => BlockedKind::TwoGuests,
            Self::NotAGuest => BlockedKind::NotAGuest,
            Self::InternalGuest => BlockedKind::InternalGuest,
            Self::HoldsRole { .. } => BlockedKind::HoldsRole,
            Self::Synced => BlockedKind::Synced,
            Self::ExternallyMastered => BlockedKind::ExternallyMastered,
            Self::RestrictedUnit => BlockedKind::RestrictedUnit,
            Self::Disabled => BlockedKind::Disabled,
            Self::AddressTaken { .. } => BlockedKind::AddressTaken,
            Self::OwnDomain { .. } => BlockedKind::OwnDomain,
            Self::DomainNotAllowed { .. } => BlockedKind::DomainNotAllowed,
            Self::CannotRedeem { .. } => BlockedKind::CannotRedeem,
            Self::NoMail => BlockedKind::NoMail,
            Self::ConflictingRows { .. } => BlockedKind::ConflictingRows,
            Self::FailedBefore { .. } => BlockedKind::FailedBefore,
            Self::ChangedByHand { .. } => BlockedKind::ChangedByHand,
            Self::MailChanged { .. } => BlockedKind::MailChanged,
            Self::ResetRecently { .. } => BlockedKind::ResetRecently,
            Self::MailHeld { .. } => BlockedKind::MailHeld,
            Self::InvalidRow => BlockedKind::InvalidRow,
            Self::OutcomeUnknown { .. } => BlockedKind::OutcomeUnknown,
            Self::HadNoMail => BlockedKind::HadNoMail,
            Self::Redeemed { .. } => BlockedKind::Redeemed,
            Self::InvitedSince { .. } => BlockedKind::InvitedSince,
            Self::ChangedSince { .. } => BlockedKind::ChangedSince,
            Self::MayLag => BlockedKind::MayLag,
        }
    }

    /// The stable reason code.
    pub fn code(&self) -> &'static str {
        self.kind().code()
    }
}

impl SettledKind {
    pub fn words(self) -> Words {
        let words = |code, about| Words { code, about, advice: "" };
        match self {
            Self::AlreadyInvited => words("already-invited", "invited by this campaign"),
            Self::ResendFailed => {
                words("resend-failed", "invited by this campaign; sending it again as asked failed")
            }
            Self::ResendLapsed => words(
                "resend-lapsed",
                "invited by this campaign; changed since sending it again was asked for",
            ),
            Self::MailUnknown => words(
                "mail-unknown",
                "invited by this campaign; whether the mail with the link was sent is not known",
            ),
            Self::AlreadyMatches => words(
                "already-matches",
                "the mail already is the new address; a reset would lock the guest out until they redeem (reset = always, or --reset-matching, sends it)",
            ),
            Self::SameAsLine => words("same-as-line", "another row asks for the same"),
            Self::NothingToUndo => {
                words("nothing-to-undo", "its address was never changed; a reset can't be undone")
            }
            Self::Reverted => words("reverted", "has its old address back; nobody was invited"),
            Self::AsBefore => words("as-before", "has its old address, and was never reset"),
        }
    }
}

impl Settled {
    pub fn kind(&self) -> SettledKind {
        match self {
            Self::AlreadyInvited { .. } => SettledKind::AlreadyInvited,
            Self::ResendFailed { .. } => SettledKind::ResendFailed,
            Self::ResendLapsed { .. } => SettledKind::ResendLapsed,
            Self::MailUnknown { .. } => SettledKind::MailUnknown,
            Self::AlreadyMatches { .. } => SettledKind::AlreadyMatches,
            Self::SameAsLine { .. } => SettledKind::SameAsLine,
            Self::NothingToUndo => SettledKind::NothingToUndo,
            Self::Reverted { .. } => SettledKind::Reverted,
            Self::AsBefore => SettledKind::AsBefore,
        }
    }

    /// The stable reason code.
    pub fn code(&self) -> &'static str {
        self.kind().code()
    }
}

impl ChangeReason {
    pub fn words(self) -> Words {
        let words = |code, about| Words { code, about, advice: "" };
        match self {
            Self::NewAddress => words("new-address", "moves to a new address"),
            Self::ResetOnly => {
                words("reset-only", "keeps its address; locked out until it redeems again")
            }
            Self::FinishEarlierRun => {
                words("finish-earlier-run", "begun by an earlier run; the invitation is due")
            }
            Self::UnknownOutcome => words(
                "unknown-outcome",
                "the answer was lost; settled from the directory, sent only if it never happened",
            ),
            Self::RetryFailed => words("retry-failed", "failed earlier; tried again as asked"),
            Self::Resend => words("resend", "invited earlier; sent again as asked"),
            Self::ReminderMail => words(
                "reminder-mail",
                "invited earlier and not redeemed; reminded with the same link",
            ),
            Self::Reminder => words("reminder", "invited earlier and not redeemed; reminded"),
            Self::Correction => {
                words("correction", "invited earlier; its mail is put right, nobody is invited")
            }
            Self::Revert => words(
                "revert",
                "goes back to its old address; has no access until it redeems again",
            ),
            Self::RevertMail => words(
                "revert-mail",
                "goes back to its old address; was never reset, nobody is invited",
            ),
            Self::Mail => {
                words("mail", "invited earlier; the mail with the link is still to be sent")
            }
            Self::Unmailed => words(
                "unmailed",
                "invited earlier, and no mail left; invited again for a link that is mailed",
            ),
        }
    }

    /// The stable reason code.
    pub fn code(self) -> &'static str {
        self.words().code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_leads_back_to_its_reason_and_every_blocked_row_has_advice() {
        for &kind in BlockedKind::ALL {
            assert_eq!(BlockedKind::parse(kind.code()), Some(kind));
            assert!(!kind.words().advice.is_empty(), "{kind:?}");
        }
        for &kind in SettledKind::ALL {
            assert_eq!(SettledKind::parse(kind.code()), Some(kind));
        }
        assert_eq!(BlockedKind::parse("of-another-version"), None);
    }
}
