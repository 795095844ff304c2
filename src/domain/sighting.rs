//! What the directory showed of a guest that the campaign has acted on.
//!
//! Leaves to others: telling it from a reading (`plan`), and keeping it
//! (`checkpoint`).

use jiff::Timestamp;

use super::InvitationKey;
use super::words::words;

/// What one look at a guest showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The guest and the address it was invited to.
    pub key: InvitationKey,
    pub shows: Shows,
    /// Since when, as the directory tells it.
    pub since: Option<Timestamp>,
}

/// What was found of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shows {
    /// The invitation is there and not redeemed.
    Pending,
    /// The guest has redeemed it.
    Redeemed,
    /// The service accepted the invitation, and the directory shows neither pending
    /// nor a change since, although every replica has had the time to.
    NoTrace,
    /// The mail is not the invited address any more.
    MailChanged {
        mail: Option<Box<str>>,
        /// Whether it is an address that the guest had before the campaign.
        back: bool,
    },
    /// The guest is gone, or soft-deleted.
    Deleted,
    /// Pending since after our invitation: somebody else invited the guest again.
    Reinvited,
    /// The redemption changed after the invitation, to a state that this program
    /// does not know.
    Unclear { state: Box<str> },
}

impl Sighting {
    /// Whether a new look showed nothing else.
    pub fn is_same(&self, other: &Self) -> bool {
        self.shows.finding() == other.shows.finding() && self.since == other.since
    }
}

words! {
    /// What was found of a guest, in a word.
    pub enum Finding ("finding") {
        Pending = "pending",
        Redeemed = "redeemed",
        NoTrace = "no-trace",
        MailChanged = "mail-changed",
        Deleted = "deleted",
        Reinvited = "reinvited",
        Unclear = "unclear",
    }
}

impl Shows {
    pub const fn finding(&self) -> Finding {
        match self {
            Self::Pending => Finding::Pending,
            Self::Redeemed => Finding::Redeemed,
            Self::NoTrace => Finding::NoTrace,
            Self::MailChanged { .. } => Finding::MailChanged,
            Self::Deleted => Finding::Deleted,
            Self::Reinvited => Finding::Reinvited,
            Self::Unclear { .. } => Finding::Unclear,
        }
    }

    pub const fn word(&self) -> &'static str {
        self.finding().as_str()
    }

    /// Whether a person has to look.
    pub fn needs_a_person(&self) -> bool {
        match self {
            Self::Pending | Self::Redeemed | Self::Reinvited => false,
            Self::NoTrace | Self::MailChanged { .. } | Self::Deleted | Self::Unclear { .. } => true,
        }
    }
}

/// How often and when a guest was invited to an address by this campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invitations {
    /// Invitations that the service accepted.
    pub accepted: u64,
    /// When the first of them was recorded as accepted.
    pub first_at: Timestamp,
    /// When the last of them was recorded as accepted.
    pub accepted_at: Timestamp,
    /// When the intent of the last one was recorded, in the service's time.
    pub intended_at: Timestamp,
    /// When another one was last refused for good, if any was since.
    pub refused_at: Option<Timestamp>,
    /// Mails of one's own that brought the link of an accepted invitation once more, or may
    /// have.
    pub reminded: u64,
    /// When the last of them was.
    pub reminded_at: Option<Timestamp>,
    /// The newest mail did not arrive: nobody has the address, or it was refused there.
    pub bounced: bool,
}

impl Invitations {
    /// Mails that the guest got to the address, or may have got.
    pub fn mails(&self) -> u64 {
        self.accepted + self.reminded
    }

    /// When the last of them was.
    pub fn last_mail_at(&self) -> Timestamp {
        self.reminded_at.map_or(self.accepted_at, |at| at.max(self.accepted_at))
    }
}
