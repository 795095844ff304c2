//! A night as data, for people and for machines.
//!
//! Leaves to others: words and JSON (`report`).

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{Finding, Shows, Sighting};
use crate::plan::{Observation, Wave};

use super::correct::{Corrected, Correction};
use super::row_names::RowName;
use super::verify::{SettledAnswers, Verified};

/// Something that the directory shows of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    #[serde(flatten)]
    pub row: RowName,
    /// The stable word for it.
    pub finding: Finding,
    /// Since when.
    pub since: Option<Timestamp>,
    /// What the mail was changed to.
    pub mail: Option<String>,
    /// Whether that is an address the guest had before.
    pub back: Option<bool>,
}

/// How many guests of the campaign are where. Each is in exactly one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Invited, not redeemed.
    pub pending: u64,
    pub redeemed: u64,
    /// Accepted by the service, and not in the directory.
    pub no_trace: u64,
    /// Another mail than the invited address.
    pub mail_changed: u64,
    pub deleted: u64,
    /// Invited again by someone else.
    pub reinvited: u64,
    /// In a state that this program does not know.
    pub unclear: u64,
    /// Invited so lately that the directory need not show it yet.
    pub too_early: u64,
    /// Not invited yet.
    pub not_invited: u64,
    /// Invited or not: not known.
    pub unknown: u64,
}

impl Standing {
    pub(super) fn count(&mut self, observation: &Observation) {
        let place = match observation {
            Observation::Shows(Sighting { shows, .. }) => match shows {
                Shows::Pending => &mut self.pending,
                Shows::Redeemed => &mut self.redeemed,
                Shows::NoTrace => &mut self.no_trace,
                Shows::MailChanged { .. } => &mut self.mail_changed,
                Shows::Deleted => &mut self.deleted,
                Shows::Reinvited => &mut self.reinvited,
                Shows::Unclear { .. } => &mut self.unclear,
            },
            Observation::TooEarly => &mut self.too_early,
            Observation::NotInvited => &mut self.not_invited,
            // Counted with why.
            Observation::Unknown => return,
        };
        *place += 1;
    }
}

/// A night: what it did, what it found, and what waits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Digest {
    /// Rows that came into the manifest since the last run.
    pub new: Vec<RowName>,
    /// Rows that left it. They are left as they are.
    pub left: Vec<RowName>,
    /// Guests reminded; among the invited.
    pub reminded: u64,
    /// Guests reminded by a mail of one's own with the link that they have; not among the
    /// invited.
    pub reminded_by_mail: u64,
    /// Guests that were reset at the address they had; among the invited.
    pub resets: u64,
    /// Guests invited whom nobody mails, as their row or the configuration says; among the
    /// invited.
    pub without_mail: u64,
    /// Mails put right, or not.
    pub corrections: Vec<Correction>,
    /// Mails not put right because they were too many at once.
    pub corrections_refused: u64,
    /// What the directory shows.
    #[serde(flatten)]
    pub verified: Verified,
    /// Why the directory could not be read again; what is shown of guests that were
    /// invited tonight is missing then.
    pub unverified: Option<String>,
    /// Guests still pending that have had all their mails.
    pub used_up: u64,
    pub wave: Option<Wave>,
    /// Rows that wait because the night's budget is used up.
    pub over_budget: u64,
    /// When reminders may be sent again, if not now.
    pub quiet_until: Option<Timestamp>,
}

impl Digest {
    /// Mails that are the invited address again.
    pub fn corrected(&self) -> u64 {
        self.corrections.iter().filter(|one| one.outcome == Corrected::Done).count() as u64
    }

    /// Whether there is anything that was not so at the last look.
    pub fn has_news(&self) -> bool {
        !(self.new.is_empty()
            && self.left.is_empty()
            && self.corrections.is_empty()
            && self.verified.news.is_empty()
            && self.verified.mails.as_ref().is_none_or(|mails| mails.news.is_empty())
            && self.verified.settled == SettledAnswers::default())
    }

    /// Guests that need a person, beyond the rows of the run itself.
    pub fn attention(&self) -> u64 {
        let failed = |one: &&Correction| matches!(one.outcome, Corrected::Failed(_));
        let corrections = self.corrections.iter().filter(failed).count() as u64;
        let mails = self.verified.mails.as_ref().map_or(0, |mails| mails.attention.len());
        (self.verified.attention.len() + mails) as u64 + corrections
    }
}
