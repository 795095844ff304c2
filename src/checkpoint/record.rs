//! The durable vocabulary: what is written down about a guest, and the present
//! state that each record leaves behind.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::domain::{InvitationKey, Redemption, Shows, Sighting, Trace};

/// What a guest looked like before the first write: what `revert` would restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeforeImage {
    /// `mail`.
    pub mail: Option<String>,
    /// `otherMails`.
    pub other_mails: Vec<String>,
}

/// One thing that happened to one guest and address, or is about to.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// The mail is about to be written.
    Patching {
        key: InvitationKey,
        /// How the manifest names the guest, folded.
        reference: String,
        /// What the guest looks like now.
        before: BeforeImage,
    },
    Patched {
        key: InvitationKey,
    },
    /// The invitation is about to be sent. From here until the next record of the
    /// key it is not known whether it was.
    Intended {
        key: InvitationKey,
        /// How the manifest names the guest, folded.
        reference: String,
        /// The plan's reason: `reminder` and `resend` tell one more from the first.
        reason: &'static str,
        /// The guest's redemption just before.
        before: Redemption,
    },
    /// The invitation was certainly not sent: it may be tried again.
    Outstanding {
        key: InvitationKey,
        why: String,
    },
    /// The answer was lost, and the directory could not tell yet.
    Unknown {
        key: InvitationKey,
        evidence: String,
    },
    /// The invitation was accepted.
    Invited {
        key: InvitationKey,
        /// `accepted`, or `settled-from-directory` after a lost answer.
        how: &'static str,
    },
    Failed {
        key: InvitationKey,
        code: String,
        /// The sentence for a person.
        message: String,
        advice: String,
        /// The service's request id.
        request_id: Option<String>,
    },
    /// A person asked for another invitation although one was sent.
    ResendAsked {
        key: InvitationKey,
        who: String,
        why: String,
        /// The guest's redemption at that moment.
        before: Redemption,
    },
    /// A mail that somebody changed after the invitation is about to be put right.
    Correcting {
        key: InvitationKey,
        /// What it was changed to.
        found: Option<String>,
    },
    Corrected {
        key: InvitationKey,
    },
    /// The directory showed something new of a guest. Kept in a table of its own.
    Seen(Sighting),
}

/// A record, and what the request it tells of left with the service.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub(super) record: Record,
    trace: Option<Trace>,
}

impl From<Record> for Entry {
    fn from(record: Record) -> Self {
        Self { record, trace: None }
    }
}

impl Entry {
    /// The record's detail, as it is in JSON, with the traces beside it.
    pub(super) fn with_trace<'a>(&self, detail: &'a str) -> Cow<'a, str> {
        match self.trace.as_ref().filter(|trace| !trace.is_empty()) {
            Some(trace) => {
                let trace = serde_json::to_string(trace).expect("plain data");
                Cow::Owned(beside(detail, "trace", &trace))
            }
            None => Cow::Borrowed(detail),
        }
    }
}

/// A JSON object with one more key.
pub(super) fn beside(object: &str, key: &str, value: &str) -> String {
    let rest = object.strip_suffix('}').expect("details are objects");
    let comma = if rest == "{" { "" } else { "," };
    format!("{rest}{comma}\"{key}\":{value}}}")
}

impl Record {
    /// The record of what came of a request, with its traces.
    pub fn after(self, trace: Option<Trace>) -> Entry {
        Entry { record: self, trace }
    }

    /// The guest and address it is about.
    pub fn key(&self) -> &InvitationKey {
        match self {
            Self::Patching { key, .. }
            | Self::Patched { key }
            | Self::Intended { key, .. }
            | Self::Outstanding { key, .. }
            | Self::Unknown { key, .. }
            | Self::Invited { key, .. }
            | Self::Failed { key, .. }
            | Self::ResendAsked { key, .. }
            | Self::Correcting { key, .. }
            | Self::Corrected { key }
            | Self::Seen(Sighting { key, .. }) => key,
        }
    }

    /// The word for it in the `event` table and, if it changes the state of the row,
    /// in the `row` table; of a sighting, its finding.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Patching { .. } => "patching",
            Self::Patched { .. } => "patched",
            Self::Intended { .. } => "intended",
            Self::Outstanding { .. } => "outstanding",
            Self::Unknown { .. } => "unknown",
            Self::Invited { .. } => "invited",
            Self::Failed { .. } => "failed",
            Self::ResendAsked { .. } => "resend-asked",
            Self::Correcting { .. } => "correcting",
            Self::Corrected { .. } => "corrected",
            Self::Seen(sighting) => sighting.shows.word(),
        }
    }

    /// Everything about it beyond word, key and time, as JSON.
    pub(super) fn detail(&self) -> serde_json::Value {
        use serde_json::json;
        match self {
            Self::Patching { reference, before, .. } => {
                json!({ "reference": reference, "before": before })
            }
            Self::Intended { reference, reason, before, .. } => {
                json!({ "reference": reference, "reason": reason, "before": before })
            }
            Self::Patched { .. } | Self::Corrected { .. } => json!({}),
            Self::Correcting { found, .. } => json!({ "found": found }),
            Self::Seen(Sighting { shows, .. }) => match shows {
                Shows::MailChanged { mail, back } => json!({ "mail": mail, "back": back }),
                Shows::Unclear { state } => json!({ "state": state }),
                Shows::Pending
                | Shows::Redeemed
                | Shows::NoTrace
                | Shows::Deleted
                | Shows::Reinvited => json!({}),
            },
            Self::Outstanding { why, .. } => json!({ "why": why }),
            Self::Unknown { evidence, .. } => json!({ "evidence": evidence }),
            Self::Invited { how, .. } => json!({ "how": how }),
            Self::Failed { code, message, advice, request_id, .. } => {
                json!({ "code": code, "message": message, "advice": advice, "request_id": request_id })
            }
            Self::ResendAsked { who, why, before, .. } => {
                json!({ "who": who, "why": why, "before": before })
            }
        }
    }
}
