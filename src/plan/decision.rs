//! The decision about one row: data that can be stored, ordered, hashed and
//! compared, with its reason and nothing left to choose.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::readiness::CannotRedeem;
use super::reason::Words;
use crate::config::DeliveryWay;
use crate::domain::{
    AddressHolder, Email, InvitationKey, Language, Message, Redemption, RedirectUrl, RoleHolding,
    UserId,
};

/// What is to be done with a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
pub enum Decision {
    /// Write the mail, send an invitation, or one after the other.
    Change(Box<Change>),
    /// Nothing to do, and why not.
    Settled(Settled),
    /// Can't or mustn't be done, and why.
    Blocked(Blocked),
}

/// An instruction that carries what it expects to find, so that a guest changed
/// by someone else since planning is noticed instead of overwritten.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Change {
    pub reason: ChangeReason,
    /// What to write to the guest first, if anything.
    pub set_mail: Option<SetMail>,
    /// The invitation to send then, if any.
    #[serde(rename = "invitation")]
    pub invite: Option<Invitation>,
    /// The guest's redemption when the plan was made.
    pub redemption: Redemption,
    /// When the invitation was accepted that the guest has already, in the service's time:
    /// this is one more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Timestamp>,
    /// What the campaign did to the guest before, and a replica may show late: no part of
    /// what is decided.
    #[serde(skip)]
    pub ours: Ours,
    /// An invitation of an earlier run whose answer was lost: to be settled from
    /// the directory before another is sent.
    pub unsettled: Option<Unsettled>,
}

/// What the campaign did to a guest before, so that it is not taken for another's hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Ours {
    /// When it last invited the guest, to whatever address, in the service's time.
    pub invited_at: Option<Timestamp>,
    /// Until then, in the service's time, a guest who turns out to be invited anew has that
    /// invitation. None where there is none, or every replica shows it.
    pub until: Option<Timestamp>,
    /// The mail that it wrote so lately that a replica may not show it.
    pub mail: Option<Email>,
}

/// An invitation that may or may not have been sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Unsettled {
    /// When its intent was recorded, in the service's time.
    pub intended_at: Timestamp,
    /// The guest's redemption just before.
    pub before: Option<Redemption>,
    /// What forbids another one by now, should it turn out not to have been sent.
    pub obstacle: Option<Blocked>,
    /// When an invitation before it was accepted, if it was one more, in the service's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Timestamp>,
    /// See [`Ours::invited_at`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invited_before: Option<Timestamp>,
    /// It was one more that nobody is waiting for: nothing is to be sent now if it turns
    /// out not to have been.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lapses: bool,
    /// Microsoft was asked not to mail it: if it was sent, nobody has its link.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeReason {
    /// The guest moves to a new address.
    NewAddress,
    /// The address stays, the redemption is reset.
    ResetOnly,
    /// An earlier run wrote the mail and stopped before the invitation.
    FinishEarlierRun,
    /// An earlier run sent the invitation and its answer was lost: it is settled
    /// from the directory first, and sent only if it turns out not to have been.
    UnknownOutcome,
    /// It failed in an earlier run, and `--retry-failed` asks for another try.
    RetryFailed,
    /// It was sent in an earlier run, and a person asks for it again, or did and has
    /// not got it yet.
    Resend,
    /// It was sent in an earlier run and not redeemed, and the policy asks for it again.
    Reminder,
    /// It was sent in an earlier run and not redeemed, and the policy asks for another mail
    /// of one's own, whose link is kept. Nobody is invited.
    ReminderMail,
    /// Somebody changed the mail after the invitation, and the policy asks to write it
    /// again. No invitation goes with it: the one that was sent is for that very address.
    Correction,
    /// An earlier run invited the guest, and the mail with the link, which is held, has not
    /// left. Nobody is invited.
    Mail,
    /// An earlier run invited the guest, and no mail with the link left; Microsoft mails by
    /// now, which takes another invitation.
    Unmailed,
    /// The guest gets its old address back and is invited to it, since it was reset.
    Revert,
    /// It gets its old address back, and nobody is invited: it never was reset.
    RevertMail,
}

impl ChangeReason {
    /// Whether the policy asks for it, because the guest has not redeemed.
    pub fn is_reminder(self) -> bool {
        matches!(self, Self::Reminder | Self::ReminderMail)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct SetMail {
    /// `mail` as the plan saw it.
    pub expected: Option<Box<str>>,
    /// `mail` as it is to be; None leaves it.
    pub desired: Option<Email>,
    /// `otherMails`, when they are to be written.
    pub other_mails: Option<SetOtherMails>,
    /// It is what was there before the campaign.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub restores: bool,
}

/// A replacement of `otherMails`, which Graph replaces as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct SetOtherMails {
    /// The list as the plan saw it.
    pub expected: Vec<Box<str>>,
    /// The list as it is to be.
    pub desired: Vec<Box<str>>,
}

/// Whether two lists of addresses are the same: `otherMails` has no order worth keeping.
pub fn same_addresses(one: &[Box<str>], other: &[Box<str>]) -> bool {
    let folded = |list: &[Box<str>]| {
        let mut list: Vec<String> = list.iter().map(|mail| mail.to_lowercase()).collect();
        list.sort_unstable();
        list
    };
    folded(one) == folded(other)
}

/// Everything an invitation carries, with the configuration's defaults applied.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Invitation {
    pub address: Email,
    /// Where the guest lands after redeeming.
    pub redirect_url: Arc<RedirectUrl>,
    /// Whether the guest gets a mail with it.
    pub send: bool,
    /// Who mails it.
    #[serde(skip_serializing_if = "is_microsoft")]
    pub by: DeliveryWay,
    pub message: Option<Arc<Message>>,
    pub cc: Option<Email>,
    /// Further copies, of one's own mail.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub more_cc: Box<[Email]>,
    /// Language of Microsoft's standard text.
    pub language: Option<Language>,
    /// Name shown in the invitation.
    pub display_name: Option<Box<str>>,
}

impl Invitation {
    /// Whoever gets a mail of one's own: the guest and its copies.
    pub fn recipients(&self) -> u64 {
        1 + self.copies().count() as u64
    }

    /// Everybody who gets a copy.
    pub fn copies(&self) -> impl Iterator<Item = &Email> {
        self.cc.iter().chain(&self.more_cc)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_microsoft(by: &DeliveryWay) -> bool {
    *by == DeliveryWay::Microsoft
}

/// Why nothing is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Settled {
    /// This campaign has invited the guest to this address.
    AlreadyInvited {
        /// When the service accepted it.
        at: Timestamp,
        /// Another mail that the directory still shows, as a replica may for a while.
        lagging: Option<Box<str>>,
    },
    /// It has, and another invitation that a person asked for was refused. It is tried
    /// again when that is asked for: the first one stands.
    ResendFailed {
        /// When the service accepted the first.
        invited_at: Timestamp,
        code: String,
        message: String,
    },
    /// It has, and a person asked for another; before that could be sent, the guest
    /// redeemed or was invited otherwise, which a reset would undo.
    ResendLapsed {
        /// When the service accepted the first.
        invited_at: Timestamp,
    },
    /// The mail already is the new address and this campaign never invited it: a
    /// reset would lock the guest out until they redeem, so it is not sent unasked.
    AlreadyMatches {
        /// What lacks, if the directory shows no invitation that could be one to it.
        #[serde(skip_serializing_if = "Option::is_none")]
        uninvited: Option<Uninvited>,
    },
    /// It has, and whether the mail with the link was sent is not known. A second one
    /// could be a second mail, so that takes a person.
    MailUnknown {
        /// When the service accepted the invitation.
        invited_at: Timestamp,
    },
    /// Another row asks for the very same thing.
    SameAsLine { line: u32 },
    /// The campaign never changed the guest's address, and a reset can't be undone.
    NothingToUndo,
    /// The guest has its old address back.
    Reverted {
        /// When that was recorded.
        at: Timestamp,
    },
    /// The guest was never reset and has its old address.
    AsBefore,
}

/// A guest that was moved to the wanted address, by nothing that the checkpoint knows, and
/// of whom the directory shows no invitation since: most likely an earlier run wrote the
/// mail and came no further.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Uninvited {
    /// When its redemption changed last.
    pub since: Option<Timestamp>,
}

/// Why a row can't or mustn't be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Blocked {
    /// No user holds the object id, UPN or address.
    NotFound,
    /// A guest that the campaign has acted on is not there any more.
    NoLongerFound,
    /// Its user is among the deleted ones.
    Deleted {
        /// When, where that is told.
        at: Option<Timestamp>,
    },
    Ambiguous {
        candidates: Vec<AddressHolder>,
    },
    /// Cells of the row name different guests, as the directory shows.
    TwoGuests {
        /// The other cell.
        named: Box<str>,
        /// Whom it names.
        other: AddressHolder,
    },
    /// A member of the tenant itself.
    NotAGuest,
    /// A guest who signs in here: an invitation would convert the account, one way.
    InternalGuest,
    /// Holds a directory role, and an app-only caller cannot reset such a user.
    HoldsRole {
        /// How it came to hold the role.
        holding: RoleHolding,
    },
    /// Owned by an on-premises directory, which alone can change its mail.
    Synced,
    /// Its mail originates in Exchange or a former on-premises directory.
    ExternallyMastered,
    /// In a restricted management administrative unit.
    RestrictedUnit,
    Disabled,
    /// The people of the address's domain can't redeem an invitation here.
    CannotRedeem {
        domain: String,
        why: CannotRedeem,
    },
    /// The new address belongs to another object.
    AddressTaken {
        by: AddressHolder,
    },
    /// The new address is in one of the tenant's own domains.
    OwnDomain {
        domain: String,
    },
    /// The tenant's allow or deny list keeps the address's domain from being invited; a
    /// reset guest could not redeem (Entra, *Allow or block invitations*, 2026-04).
    DomainNotAllowed {
        domain: String,
    },
    /// The guest holds no address that could be invited.
    NoMail,
    /// Several rows want different things of one guest.
    ConflictingRows {
        lines: Vec<u32>,
    },
    /// An earlier run of this campaign was refused for good.
    FailedBefore {
        code: String,
        message: String,
        /// When.
        at: Timestamp,
    },
    /// An earlier run began the move, and the mail is neither what it was then nor
    /// what it was to be: someone else's hand.
    ChangedByHand {
        found: Box<str>,
    },
    /// The guest was invited, and its mail is not the invited address any more:
    /// someone else's hand.
    MailChanged {
        /// When the service accepted the invitation.
        invited_at: Timestamp,
        /// The mail by now; None for none.
        found: Option<Box<str>>,
    },
    /// A reset is asked for, and the guest was invited a short time ago, by nobody that
    /// this checkpoint knows of.
    ResetRecently {
        /// When the redemption became pending.
        since: Timestamp,
    },
    /// The guest was invited and the link is held, and nobody is to mail it any more.
    MailHeld {
        /// When the service accepted the invitation.
        invited_at: Timestamp,
    },
    /// The row itself is unusable and was skipped on request.
    InvalidRow,
    /// Whether the guest was invited to the new address is not known, so neither is what
    /// there is to undo.
    OutcomeUnknown {
        address: Email,
    },
    /// Before the campaign the guest had no mail, and Graph sets none to nothing (user-update,
    /// 2026-07).
    HadNoMail,
    /// The guest has redeemed the new address: going back would lock it out again.
    Redeemed {
        /// When.
        since: Option<Timestamp>,
    },
    /// Somebody else has invited the guest since.
    InvitedSince {
        /// When the redemption became pending.
        since: Timestamp,
    },
    /// Somebody else has written it since this campaign did.
    ChangedSince {
        attribute: &'static str,
        found: Box<str>,
    },
    /// The campaign wrote to the guest a moment ago, and what was read may be older.
    MayLag,
}

impl Decision {
    /// `change`, `settled` or `blocked`: the contract's word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Change(_) => "change",
            Self::Settled(_) => "settled",
            Self::Blocked(_) => "blocked",
        }
    }

    /// The stable reason code.
    pub fn reason(&self) -> &'static str {
        self.words().code
    }

    /// The reason in words that are true of every row that has it.
    pub fn words(&self) -> Words {
        match self {
            Self::Change(change) => change.reason.words(),
            Self::Settled(settled) => settled.kind().words(),
            Self::Blocked(blocked) => blocked.kind().words(),
        }
    }
}

impl Change {
    /// The address that the guest is invited to or gets.
    pub fn address(&self) -> Option<&Email> {
        let invited = self.invite.as_ref().map(|invitation| &invitation.address);
        invited.or_else(|| self.set_mail.as_ref()?.desired.as_ref())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedRow {
    pub line: u32,
    /// The guest as the manifest names it.
    pub user: Box<str>,
    pub user_id: Option<UserId>,
    /// The address asked for; for a reset the present one.
    pub new_email: Option<Email>,
    #[serde(flatten)]
    pub decision: Decision,
}

impl PlannedRow {
    /// The new address of a guest that was moved to it by others, and not invited since.
    pub fn uninvited(&self) -> Option<&Email> {
        match &self.decision {
            Decision::Settled(Settled::AlreadyMatches { uninvited: Some(_) }) => {
                self.new_email.as_ref()
            }
            Decision::Change(_) | Decision::Settled(_) | Decision::Blocked(_) => None,
        }
    }

    /// What the checkpoint knows it by; None where no guest was found or no address is
    /// asked for.
    pub fn key(&self) -> Option<InvitationKey> {
        Some(InvitationKey { user_id: self.user_id?, address: self.new_email.clone()? })
    }

    /// What is to be done, if anything.
    pub fn change(&self) -> Option<&Change> {
        match &self.decision {
            Decision::Change(change) => Some(change),
            Decision::Settled(_) | Decision::Blocked(_) => None,
        }
    }
}
