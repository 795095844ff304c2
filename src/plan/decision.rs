//! The decision about one row: data that can be stored, ordered, hashed and
//! compared, with its reason and nothing left to choose.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{
    AddressHolder, Email, Language, Message, Redemption, RedirectUrl, RoleHolding, UserId,
};

/// What is to be done with a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
pub enum Decision {
    /// Write the mail if need be, then send an invitation.
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
    /// The invitation to send then.
    pub invitation: Invitation,
    /// The guest's redemption when the plan was made.
    pub redemption: Redemption,
    /// An invitation of an earlier run whose answer was lost: to be settled from
    /// the directory before another is sent.
    pub unsettled: Option<Unsettled>,
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
    /// It was one more after an accepted invitation: nothing is to be sent if it turns
    /// out not to have been.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub resent: bool,
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
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct SetMail {
    /// `mail` as the plan saw it.
    pub expected: Option<Box<str>>,
    /// `mail` as it is to be; None leaves it.
    pub desired: Option<Email>,
    /// `otherMails`, when they are to be written.
    pub other_mails: Option<SetOtherMails>,
}

/// A replacement of `otherMails`, which Graph replaces as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct SetOtherMails {
    /// The list as the plan saw it.
    pub expected: Vec<Box<str>>,
    /// The list as it is to be.
    pub desired: Vec<Box<str>>,
}

/// Everything an invitation carries, with the configuration's defaults applied.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Invitation {
    pub address: Email,
    /// Where the guest lands after redeeming.
    pub redirect_url: Arc<RedirectUrl>,
    /// Whether Microsoft mails it.
    pub send: bool,
    pub message: Option<Arc<Message>>,
    pub cc: Option<Email>,
    /// Language of Microsoft's standard text.
    pub language: Option<Language>,
    /// Name shown in the invitation.
    pub display_name: Option<Box<str>>,
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
    AlreadyMatches,
    /// Another row asks for the very same thing.
    SameAsLine { line: u32 },
}

/// Why a row can't or mustn't be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Blocked {
    /// No user holds the object id, UPN or address.
    NotFound,
    Ambiguous {
        candidates: Vec<AddressHolder>,
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
    /// The row itself is unusable and was skipped on request.
    InvalidRow,
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
        match self {
            Self::Change(change) => change.reason.code(),
            Self::Settled(settled) => settled.code(),
            Self::Blocked(blocked) => blocked.code(),
        }
    }
}

impl ChangeReason {
    /// The stable reason code.
    pub fn code(self) -> &'static str {
        match self {
            Self::NewAddress => "new-address",
            Self::ResetOnly => "reset-only",
            Self::FinishEarlierRun => "finish-earlier-run",
            Self::UnknownOutcome => "unknown-outcome",
            Self::RetryFailed => "retry-failed",
            Self::Resend => "resend",
            Self::Reminder => "reminder",
        }
    }
}

impl Settled {
    /// The stable reason code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlreadyInvited { .. } => "already-invited",
            Self::ResendFailed { .. } => "resend-failed",
            Self::ResendLapsed { .. } => "resend-lapsed",
            Self::AlreadyMatches => "already-matches",
            Self::SameAsLine { .. } => "same-as-line",
        }
    }
}

impl Blocked {
    /// The stable reason code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Ambiguous { .. } => "ambiguous",
            Self::NotAGuest => "not-a-guest",
            Self::InternalGuest => "internal-guest",
            Self::HoldsRole { .. } => "holds-role",
            Self::Synced => "synced",
            Self::ExternallyMastered => "externally-mastered",
            Self::RestrictedUnit => "restricted-unit",
            Self::Disabled => "disabled",
            Self::AddressTaken { .. } => "address-taken",
            Self::OwnDomain { .. } => "own-domain",
            Self::DomainNotAllowed { .. } => "domain-not-allowed",
            Self::NoMail => "no-mail",
            Self::ConflictingRows { .. } => "conflicting-rows",
            Self::FailedBefore { .. } => "failed-before",
            Self::ChangedByHand { .. } => "changed-by-hand",
            Self::MailChanged { .. } => "mail-changed",
            Self::InvalidRow => "invalid-row",
        }
    }
}

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
        let address = &self.invitation.address;
        match self.reason {
            ChangeReason::NewAddress => {
                let before = self.set_mail.as_ref().and_then(|set| set.expected.as_deref());
                write!(f, "moves from {} to {address}", before.unwrap_or("no mail"))
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
                write!(f, "invited on {at:.0}; the directory still shows {mail}, as it may for a while")
            }
            Self::ResendFailed { invited_at, code, message } => write!(
                f,
                "invited on {invited_at:.0}; sending it again as asked failed with {code}: {message} (--retry-failed, or --resend, tries again)"
            ),
            Self::ResendLapsed { invited_at } => write!(
                f,
                "invited on {invited_at:.0}; the guest redeemed or was invited otherwise after sending again was asked for, so it is not (--resend asks anew)"
            ),
            Self::AlreadyMatches => f.write_str(
                "the mail already is the new address; a reset would lock the guest out until they redeem (reset = always, or --reset-matching, sends it)",
            ),
            Self::SameAsLine { line } => write!(f, "line {line} asks for the same"),
        }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no user has this object id, UPN or address"),
            Self::Ambiguous { candidates } => {
                write!(f, "{} users hold it: ", candidates.len())?;
                join(f, candidates, "; ")?;
                f.write_str("; name the guest by object id")
            }
            Self::NotAGuest => f.write_str("a member of this tenant, not a guest"),
            Self::InternalGuest => f.write_str(
                "a guest that signs in to this tenant; an invitation would convert the account, which can't be undone",
            ),
            Self::HoldsRole { holding: RoleHolding::Direct } => f.write_str(
                "holds a directory role; an application can't reset it, a signed-in administrator can",
            ),
            Self::HoldsRole { holding: RoleHolding::ThroughGroup(group) } => write!(
                f,
                "holds a directory role through the group {group}; an application can't reset it, a signed-in administrator can"
            ),
            Self::Synced => f.write_str("synchronised from an on-premises directory; change its mail there"),
            Self::ExternallyMastered => f.write_str(
                "its mail originates in Exchange or a former on-premises directory; change it in the Exchange admin center",
            ),
            Self::RestrictedUnit => f.write_str(
                "in a restricted management administrative unit; needs a role scoped to that unit",
            ),
            Self::Disabled => f.write_str("sign-in is blocked; enable the account first"),
            Self::AddressTaken { by } => write!(f, "the new address belongs to {by}"),
            Self::OwnDomain { domain } => {
                write!(f, "{domain} is a verified domain of this tenant; guests can't be invited to it")
            }
            Self::DomainNotAllowed { domain } => write!(
                f,
                "the tenant's collaboration restrictions do not allow {domain}; change them in the external collaboration settings"
            ),
            Self::NoMail => f.write_str("the guest holds no address to invite; give a new_email"),
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
            Self::InvalidRow => f.write_str("the row is unusable (see `lint`) and was skipped"),
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
