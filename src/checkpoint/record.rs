//! The durable vocabulary: what is written down about a guest, as it is written and
//! as it is read back.
//!
//! Leaves to others: the present state that records leave behind (`state`).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{
    Fate, Finding, InvitationKey, MailWay, RedeemUrl, Redemption, Shows, Sighting, Trace, WayBack,
    words,
};

words! {
    /// What a record tells, in a word: the column `what` of the table `event`. A
    /// sighting has a table of its own.
    pub enum What ("record") {
        Patching = "patching",
        Patched = "patched",
        Intended = "intended",
        Outstanding = "outstanding",
        Unknown = "unknown",
        Invited = "invited",
        Failed = "failed",
        ResendAsked = "resend-asked",
        Correcting = "correcting",
        Corrected = "corrected",
        Reverting = "reverting",
        Reverted = "reverted",
        MailIntended = "mail-intended",
        MailDrafted = "mail-drafted",
        MailWithdrawn = "mail-withdrawn",
        Mailed = "mailed",
        MailFailed = "mail-failed",
        MailUnknown = "mail-unknown",
        Reminding = "reminding",
        Reminded = "reminded",
        MailTraced = "mail-traced",
    }
}

/// A kind of write that a tenant counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    Mail,
    Invitation,
}

impl What {
    /// The write that it announces, if any.
    pub(super) const fn announces(self) -> Option<Write> {
        match self {
            Self::Patching | Self::Correcting | Self::Reverting => Some(Write::Mail),
            Self::Intended => Some(Write::Invitation),
            Self::Patched
            | Self::Outstanding
            | Self::Unknown
            | Self::Invited
            | Self::Failed
            | Self::ResendAsked
            | Self::Corrected
            | Self::Reverted
            | Self::MailIntended
            | Self::MailDrafted
            | Self::MailWithdrawn
            | Self::Mailed
            | Self::MailFailed
            | Self::MailUnknown
            | Self::Reminding
            | Self::Reminded
            | Self::MailTraced => None,
        }
    }
}

words! {
    /// How it is known that an invitation was accepted.
    pub enum InvitedHow ("way to be invited") {
        Accepted = "accepted",
        /// The answer was lost; the directory shows it. Its redeem link is lost too.
        SettledFromDirectory = "settled-from-directory",
        /// The same, of one whose link was to be mailed by ourselves: nobody has it, and
        /// the guest is invited once more for another.
        LinkLost = "link-lost",
    }
}

words! {
    /// How one's own mail was handed over.
    pub enum MailedHow ("way to mail") {
        /// A server took it over for delivery.
        Sent = "sent",
        /// It was written as a file.
        File = "file",
    }
}

words! {
    /// Why an invitation is sent, as the plan had it.
    pub enum IntentReason ("reason to invite") {
        NewAddress = "new-address",
        ResetOnly = "reset-only",
        FinishEarlierRun = "finish-earlier-run",
        UnknownOutcome = "unknown-outcome",
        RetryFailed = "retry-failed",
        Resend = "resend",
        Reminder = "reminder",
        Unmailed = "unmailed",
        Revert = "revert",
        /// The first format kept none.
        Unrecorded = "",
    }
}

impl IntentReason {
    /// Whether whatever was sent for the row before stands no more.
    pub(super) const fn is_first(self) -> bool {
        matches!(self, Self::NewAddress | Self::ResetOnly | Self::Revert)
    }
}

/// What a guest looked like before the first write: what `revert` would restore.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
        /// A new wish begins: what a person asked for about the address before is over.
        anew: bool,
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
        /// Tells one more from the first.
        reason: IntentReason,
        /// The guest's redemption just before.
        before: Redemption,
        /// Microsoft is asked not to mail it.
        silent: bool,
        /// As of [`Record::Patching`].
        anew: bool,
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
        how: InvitedHow,
    },
    Failed {
        key: InvitationKey,
        code: String,
        /// The sentence for a person.
        message: String,
        advice: String,
        /// The service's request id.
        request_id: Option<String>,
        /// As of [`Record::Patching`]: it may be refused before anything else is told of it.
        anew: bool,
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
    /// The mail from before the campaign is about to be written back.
    Reverting {
        key: InvitationKey,
        /// How the manifest names the guest, folded.
        reference: String,
        /// What the guest looks like now.
        before: BeforeImage,
        /// Whether an invitation to it is to follow.
        way: WayBack,
    },
    /// It is written back, and no invitation was ever needed.
    Reverted {
        key: InvitationKey,
    },
    /// One's own mail is about to be handed over. From here until the next record of the
    /// mail it is not known whether it was; from a mailbox it is only a draft as yet.
    MailIntended {
        key: InvitationKey,
        message_id: String,
        by: MailWay,
    },
    /// The draft is in the mailbox and about to be sent. From here until the next record
    /// of the mail it is not known whether it was.
    MailDrafted {
        key: InvitationKey,
    },
    /// The mail was certainly not sent: it may be tried again.
    MailWithdrawn {
        key: InvitationKey,
        why: String,
    },
    Mailed {
        key: InvitationKey,
        how: MailedHow,
        /// Everybody in To and Cc.
        recipients: u64,
        /// Whether the link stays on record until the guest has redeemed.
        keeps_link: bool,
    },
    /// The mail was refused for this guest: nobody has the link.
    MailFailed {
        key: InvitationKey,
        code: String,
        message: String,
        advice: String,
    },
    /// The answer to the mail was lost. It is not sent again unasked.
    MailUnknown {
        key: InvitationKey,
        evidence: String,
    },
    /// The link that the guest was mailed is about to be mailed once more. Until the next
    /// record of the mail it is not known whether it was.
    Reminding {
        key: InvitationKey,
        message_id: String,
    },
    Reminded {
        key: InvitationKey,
        how: MailedHow,
        /// Everybody in To and Cc.
        recipients: u64,
    },
    /// The message trace told something new of the newest mail to the guest.
    MailTraced {
        key: InvitationKey,
        fate: Fate,
        /// Of one's own mail; None of Microsoft's.
        message_id: Option<String>,
        /// Enhanced status code, such as `5.1.1`.
        code: Option<String>,
        /// What the refusing server said.
        message: String,
    },
    /// The directory showed something new of a guest. Kept in a table of its own.
    Seen(Sighting),
}

/// A record, and what the request it tells of left with the service.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub record: Record,
    pub trace: Option<Trace>,
    /// The link of an accepted invitation that one's own mail is to carry. Never part of
    /// the detail.
    pub link: Option<RedeemUrl>,
    /// Microsoft was asked not to mail this invitation.
    pub silent: bool,
    /// What came of it ends the run: the code of the reason. A run that is killed before it
    /// writes its end has it on record all the same.
    pub stops: Option<&'static str>,
}

impl From<Record> for Entry {
    fn from(record: Record) -> Self {
        record.after(None)
    }
}

impl Entry {
    /// The record's detail as it is stored, with the traces in it.
    pub(super) fn detail(&self) -> Value {
        let mut detail = self.record.detail();
        if let Some(trace) = self.trace.as_ref().filter(|trace| !trace.is_empty()) {
            detail["trace"] = serde_json::to_value(trace).expect("plain data");
        }
        if self.silent {
            detail["silent"] = Value::Bool(true);
        }
        detail
    }
}

/// Everything that a stored detail may hold, over all records.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail {
    reference: String,
    before: Value,
    reason: Option<IntentReason>,
    why: String,
    evidence: String,
    how: Option<InvitedHow>,
    code: String,
    message: String,
    advice: String,
    request_id: Option<String>,
    who: String,
    found: Option<String>,
    way: Option<WayBack>,
    trace: Option<Trace>,
    silent: bool,
    message_id: String,
    by: Option<MailWay>,
    mailed: Option<MailedHow>,
    recipients: Option<u64>,
    keeps_link: bool,
    anew: bool,
    fate: Option<Fate>,
}

impl Detail {
    fn before<T: Default + serde::de::DeserializeOwned>(&mut self) -> serde_json::Result<T> {
        match self.before.take() {
            Value::Null => Ok(T::default()),
            before => serde_json::from_value(before),
        }
    }
}

impl Entry {
    /// Reads a stored record back.
    pub(super) fn parse(what: What, key: InvitationKey, detail: &str) -> serde_json::Result<Self> {
        let mut detail: Detail = serde_json::from_str(detail)?;
        let (trace, silent) = (detail.trace.take(), detail.silent);
        let record = match what {
            What::Patching => {
                let before = detail.before()?;
                Record::Patching { key, reference: detail.reference, before, anew: detail.anew }
            }
            What::Patched => Record::Patched { key },
            What::Intended => {
                let before = detail.before()?;
                let reason = detail.reason.unwrap_or(IntentReason::Unrecorded);
                let (reference, anew) = (detail.reference, detail.anew);
                Record::Intended { key, reference, reason, before, silent, anew }
            }
            What::Outstanding => Record::Outstanding { key, why: detail.why },
            What::Unknown => Record::Unknown { key, evidence: detail.evidence },
            What::Invited => {
                Record::Invited { key, how: detail.how.unwrap_or(InvitedHow::Accepted) }
            }
            What::Failed => Record::Failed {
                key,
                code: detail.code,
                message: detail.message,
                advice: detail.advice,
                request_id: detail.request_id,
                anew: detail.anew,
            },
            What::ResendAsked => {
                let before = detail.before()?;
                Record::ResendAsked { key, who: detail.who, why: detail.why, before }
            }
            What::Correcting => Record::Correcting { key, found: detail.found },
            What::Corrected => Record::Corrected { key },
            What::MailIntended => Record::MailIntended {
                key,
                message_id: detail.message_id,
                by: detail.by.unwrap_or(MailWay::Server),
            },
            What::MailDrafted => Record::MailDrafted { key },
            What::Reverting => {
                let before = detail.before()?;
                let way = detail.way.unwrap_or(WayBack::Invitation);
                Record::Reverting { key, reference: detail.reference, before, way }
            }
            What::Reverted => Record::Reverted { key },
            What::MailWithdrawn => Record::MailWithdrawn { key, why: detail.why },
            What::Mailed => Record::Mailed {
                key,
                how: detail.mailed.unwrap_or(MailedHow::Sent),
                recipients: detail.recipients.unwrap_or(1),
                keeps_link: detail.keeps_link,
            },
            What::MailFailed => Record::MailFailed {
                key,
                code: detail.code,
                message: detail.message,
                advice: detail.advice,
            },
            What::MailUnknown => Record::MailUnknown { key, evidence: detail.evidence },
            What::Reminding => Record::Reminding { key, message_id: detail.message_id },
            What::MailTraced => {
                let given = |text: String| Some(text).filter(|text| !text.is_empty());
                Record::MailTraced {
                    key,
                    fate: detail.fate.unwrap_or(Fate::Unclear),
                    message_id: given(detail.message_id),
                    code: given(detail.code),
                    message: detail.message,
                }
            }
            What::Reminded => Record::Reminded {
                key,
                how: detail.mailed.unwrap_or(MailedHow::Sent),
                recipients: detail.recipients.unwrap_or(1),
            },
        };
        let silent = silent && matches!(record, Record::Invited { .. });
        Ok(Self { silent, ..record.after(trace) })
    }
}

impl Record {
    /// The record of what came of a request, with its traces.
    pub fn after(self, trace: Option<Trace>) -> Entry {
        Entry { record: self, trace, link: None, silent: false, stops: None }
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
            | Self::Reverting { key, .. }
            | Self::Reverted { key }
            | Self::MailIntended { key, .. }
            | Self::MailDrafted { key }
            | Self::MailWithdrawn { key, .. }
            | Self::Mailed { key, .. }
            | Self::MailFailed { key, .. }
            | Self::MailUnknown { key, .. }
            | Self::Reminding { key, .. }
            | Self::Reminded { key, .. }
            | Self::MailTraced { key, .. }
            | Self::Seen(Sighting { key, .. }) => key,
        }
    }

    /// Its word as an event; a sighting is none.
    pub fn what(&self) -> Option<What> {
        Some(match self {
            Self::Patching { .. } => What::Patching,
            Self::Patched { .. } => What::Patched,
            Self::Intended { .. } => What::Intended,
            Self::Outstanding { .. } => What::Outstanding,
            Self::Unknown { .. } => What::Unknown,
            Self::Invited { .. } => What::Invited,
            Self::Failed { .. } => What::Failed,
            Self::ResendAsked { .. } => What::ResendAsked,
            Self::Correcting { .. } => What::Correcting,
            Self::Corrected { .. } => What::Corrected,
            Self::Reverting { .. } => What::Reverting,
            Self::Reverted { .. } => What::Reverted,
            Self::MailIntended { .. } => What::MailIntended,
            Self::MailDrafted { .. } => What::MailDrafted,
            Self::MailWithdrawn { .. } => What::MailWithdrawn,
            Self::Mailed { .. } => What::Mailed,
            Self::MailFailed { .. } => What::MailFailed,
            Self::MailUnknown { .. } => What::MailUnknown,
            Self::Reminding { .. } => What::Reminding,
            Self::Reminded { .. } => What::Reminded,
            Self::MailTraced { .. } => What::MailTraced,
            Self::Seen(_) => return None,
        })
    }

    /// Everything about it beyond word, key and time, as JSON.
    fn detail(&self) -> Value {
        use serde_json::json;
        match self {
            Self::Patching { reference, before, anew, .. } => {
                let mut detail = json!({ "reference": reference, "before": before });
                if *anew {
                    detail["anew"] = Value::Bool(true);
                }
                detail
            }
            Self::Intended { reference, reason, before, silent, anew, .. } => {
                let mut detail =
                    json!({ "reference": reference, "reason": reason, "before": before });
                for (flag, is_set) in [("silent", *silent), ("anew", *anew)] {
                    if is_set {
                        detail[flag] = Value::Bool(true);
                    }
                }
                detail
            }
            Self::Patched { .. }
            | Self::Corrected { .. }
            | Self::Reverted { .. }
            | Self::MailDrafted { .. } => json!({}),
            Self::Reverting { reference, before, way, .. } => {
                json!({ "reference": reference, "before": before, "way": way })
            }
            Self::Correcting { found, .. } => json!({ "found": found }),
            Self::Seen(sighting) => shown(&sighting.shows),
            Self::Outstanding { why, .. } | Self::MailWithdrawn { why, .. } => {
                json!({ "why": why })
            }
            Self::Unknown { evidence, .. } | Self::MailUnknown { evidence, .. } => {
                json!({ "evidence": evidence })
            }
            Self::MailIntended { message_id, by, .. } => {
                json!({ "message_id": message_id, "by": by })
            }
            Self::Reminding { message_id, .. } => json!({ "message_id": message_id }),
            Self::MailTraced { fate, message_id, code, message, .. } => {
                let mut detail = json!({ "fate": fate });
                for (name, text) in [("message_id", message_id), ("code", code)] {
                    if let Some(text) = text {
                        detail[name] = text.as_str().into();
                    }
                }
                if !message.is_empty() {
                    detail["message"] = message.as_str().into();
                }
                detail
            }
            Self::Reminded { how, recipients, .. } => {
                json!({ "mailed": how, "recipients": recipients })
            }
            Self::Mailed { how, recipients, keeps_link, .. } => {
                json!({ "mailed": how, "recipients": recipients, "keeps_link": keeps_link })
            }
            Self::MailFailed { code, message, advice, .. } => {
                json!({ "code": code, "message": message, "advice": advice })
            }
            Self::Invited { how, .. } => json!({ "how": how }),
            Self::Failed { code, message, advice, request_id, anew, .. } => {
                let mut detail = json!({
                    "code": code, "message": message, "advice": advice, "request_id": request_id
                });
                if *anew {
                    detail["anew"] = Value::Bool(true);
                }
                detail
            }
            Self::ResendAsked { who, why, before, .. } => {
                json!({ "who": who, "why": why, "before": before })
            }
        }
    }
}

/// What there is to say of a finding beyond its word, as JSON.
pub(super) fn shown(shows: &Shows) -> Value {
    use serde_json::json;
    match shows {
        Shows::MailChanged { mail, back } => json!({ "mail": mail, "back": back }),
        Shows::Unclear { state } => json!({ "state": state }),
        Shows::Pending | Shows::Redeemed | Shows::NoTrace | Shows::Deleted | Shows::Reinvited => {
            json!({})
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Shown {
    mail: Option<Box<str>>,
    back: bool,
    state: Box<str>,
}

/// Reads a stored sighting back.
pub(super) fn parse_sighting(
    finding: Finding,
    key: InvitationKey,
    since: Option<Timestamp>,
    detail: &str,
) -> serde_json::Result<Sighting> {
    let Shown { mail, back, state } = serde_json::from_str(detail)?;
    let shows = match finding {
        Finding::Pending => Shows::Pending,
        Finding::Redeemed => Shows::Redeemed,
        Finding::NoTrace => Shows::NoTrace,
        Finding::MailChanged => Shows::MailChanged { mail, back },
        Finding::Deleted => Shows::Deleted,
        Finding::Reinvited => Shows::Reinvited,
        Finding::Unclear => Shows::Unclear { state },
    };
    Ok(Sighting { key, shows, since })
}
