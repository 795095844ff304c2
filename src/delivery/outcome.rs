//! What came of handing a mail over. Whether it left is never guessed: `Lost` and
//! `NotSent` are kept apart, as a mail is sent once.
//!
//! Leaves to others: what is done about it (`run`).

use std::fmt;
use std::time::Duration;

use crate::domain::Email;

/// What a server or mailbox said no with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// `550`, `5.1.1`, `ErrorInvalidRecipients`: the most telling one there is.
    pub code: String,
    pub text: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.contains(&self.code) || self.code.is_empty() {
            return f.write_str(&self.text);
        }
        write!(f, "{} {}", self.code, self.text)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Taken over for delivery.
    Accepted {
        /// Copies that were not: the guest has its mail all the same.
        refused_copies: Vec<Email>,
    },
    /// Refused for this mail: a failure of the row.
    RefusedRecipient(Refused),
    /// Refused for the sender, the mailbox or the server: the next mail would be too.
    RefusedSender(Refused),
    /// Certainly not sent, and worth trying later.
    TryLater { after: Option<Duration>, why: String },
    /// The text left, and no answer came: it may be on its way.
    Lost { why: String },
    /// As `Lost`, and the mailbox will tell when it is asked again.
    Unsettled { why: String },
    /// The text certainly did not leave.
    NotSent { why: String },
}

impl Outcome {
    pub(crate) fn accepted() -> Self {
        Self::Accepted { refused_copies: Vec::new() }
    }
}
