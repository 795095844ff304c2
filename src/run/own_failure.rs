//! The failures that the program finds by itself, in one table: code and advice.
//!
//! Leaves to others: what the service refuses (`graph`'s catalogue), and what the plan
//! does not allow (`plan`).

use crate::graph::GONE;

use super::event::Failure;

/// Why a row was not carried out although the service refused nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnFailure {
    /// The guest was deleted.
    Gone,
    /// Neither the directory nor its deleted items show the guest any more.
    NotFound,
    RedeemedSincePlan,
    InvitedSincePlan,
    /// Its redemption changed to a state that this program does not know.
    RedemptionChangedSincePlan,
    MailChangedSincePlan,
    /// The guest's mail can't be made of its row.
    Unwritable,
    /// The service gave no link to mail.
    NoLink,
    /// A mail server refused the mail for this guest.
    MailRefused,
    /// A step that is safe to repeat stayed without answer.
    Unanswered,
}

impl OwnFailure {
    const ALL: [Self; 10] = [
        Self::Gone,
        Self::NotFound,
        Self::RedeemedSincePlan,
        Self::InvitedSincePlan,
        Self::RedemptionChangedSincePlan,
        Self::MailChangedSincePlan,
        Self::Unwritable,
        Self::NoLink,
        Self::MailRefused,
        Self::Unanswered,
    ];

    /// The stable code, and what a person can do.
    fn words(self) -> (&'static str, &'static str) {
        const LOOK: &str = "look at the guest, then run apply with --retry-failed";
        match self {
            Self::NotFound => {
                (GONE, "look for the guest in the portal, or take the row out of the manifest")
            }
            Self::Gone => (GONE, "restore the guest, or take the row out of the manifest"),
            Self::RedeemedSincePlan => ("redeemed-since-plan", LOOK),
            Self::InvitedSincePlan => ("invited-since-plan", LOOK),
            Self::RedemptionChangedSincePlan => ("changed-since-plan", LOOK),
            Self::MailChangedSincePlan => (
                "changed-since-plan",
                "look at who changed the guest, then run apply with --retry-failed",
            ),
            Self::Unwritable => (
                "mail-unwritable",
                "mend the row or the template, then run apply with --retry-failed",
            ),
            Self::NoLink => ("no-link", "run apply with --retry-failed, which invites again"),
            Self::MailRefused => (
                "mail-refused",
                "correct the address, then run apply with --retry-failed, which invites again",
            ),
            Self::Unanswered => ("unanswered", "the next apply tries again"),
        }
    }

    pub(super) fn code(self) -> &'static str {
        self.words().0
    }

    /// Whether somebody else's hand is the reason.
    fn is_of_others(self) -> bool {
        match self {
            Self::Gone
            | Self::NotFound
            | Self::RedeemedSincePlan
            | Self::InvitedSincePlan
            | Self::RedemptionChangedSincePlan
            | Self::MailChangedSincePlan => true,
            Self::Unwritable | Self::NoLink | Self::MailRefused | Self::Unanswered => false,
        }
    }

    /// The failure in the sentence that tells it.
    pub(super) fn because(self, message: String) -> Failure {
        let (code, advice) = self.words();
        Failure { code: code.to_owned(), message, advice: advice.to_owned(), request_id: None }
    }
}

impl Failure {
    /// Whether the guest was left alone because somebody else changed or deleted it.
    pub fn is_of_others(&self) -> bool {
        OwnFailure::ALL.iter().any(|own| own.words().0 == self.code && own.is_of_others())
    }
}
