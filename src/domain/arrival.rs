//! What became of a mail that left, as the message trace tells it.
//!
//! Leaves to others: asking (`graph`), keeping it (`checkpoint`), and what follows from it
//! (`plan`, `campaign`).

use jiff::Timestamp;
use serde::Serialize;

use super::words::words;

words! {
    /// What became of a mail for one recipient, in a word.
    pub enum Fate ("fate of a mail") {
        /// Handed to the recipient's server, which is not to say read.
        Delivered = "delivered",
        Bounced = "bounced",
        Quarantined = "quarantined",
        /// Taken for spam; it may be among the junk mail.
        Spam = "spam",
        Pending = "pending",
        /// The trace has a word for it that this version does not know.
        Unclear = "unclear",
    }
}

impl Fate {
    /// Whether the trace will not tell anything else later. What is quarantined may be
    /// released.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Delivered | Self::Bounced | Self::Spam => true,
            Self::Quarantined | Self::Pending | Self::Unclear => false,
        }
    }

    /// Whether the guest has no mail, and gets none unless a person does something.
    pub const fn needs_a_person(self) -> bool {
        match self {
            Self::Bounced | Self::Quarantined => true,
            Self::Delivered | Self::Spam | Self::Pending | Self::Unclear => false,
        }
    }
}

/// What is known of a mail to a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Arrival {
    pub fate: Fate,
    /// Enhanced status code of the refusal, such as `5.1.1`, where it was told.
    pub code: Option<String>,
    /// What the refusing server said; empty where nothing was told.
    pub message: String,
    /// When the trace told it, in the service's time.
    pub at: Timestamp,
}

/// Mails by what became of them, each guest's newest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ArrivalCounts {
    pub delivered: u64,
    pub bounced: u64,
    pub quarantined: u64,
    pub spam: u64,
    pub pending: u64,
    pub unclear: u64,
    /// The trace has shown nothing of them yet, or was not asked.
    pub not_traced: u64,
}

impl ArrivalCounts {
    pub fn count(&mut self, fate: Option<Fate>) {
        *match fate {
            Some(Fate::Delivered) => &mut self.delivered,
            Some(Fate::Bounced) => &mut self.bounced,
            Some(Fate::Quarantined) => &mut self.quarantined,
            Some(Fate::Spam) => &mut self.spam,
            Some(Fate::Pending) => &mut self.pending,
            Some(Fate::Unclear) => &mut self.unclear,
            None => &mut self.not_traced,
        } += 1;
    }

    /// Of how many the trace has told.
    pub fn traced(self) -> u64 {
        let Self { delivered, bounced, quarantined, spam, pending, unclear, not_traced: _ } = self;
        delivered + bounced + quarantined + spam + pending + unclear
    }

    pub fn add(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.bounced += other.bounced;
        self.quarantined += other.quarantined;
        self.spam += other.spam;
        self.pending += other.pending;
        self.unclear += other.unclear;
        self.not_traced += other.not_traced;
    }
}
