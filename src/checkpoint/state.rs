//! The present state of a guest and address: what its records, one after the other,
//! leave behind. Pure; the table `row` is its projection.
//!
//! Leaves to others: writing it (`projection`), and what it means together with the
//! plan (`campaign`).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Record;
use super::record::{IntentReason, InvitedHow};
use crate::domain::{Redemption, Resend, WayBack};

/// Where a guest and address are, since when, and what a person asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowState {
    pub(super) step: Step,
    pub(super) at: Timestamp,
    /// Another invitation that a person asked for, until the service accepts it.
    pub(super) resend: Option<Resend>,
    /// How it takes back what was done about another address, if it does.
    pub(super) reverts: Option<WayBack>,
}

/// How far a guest and address have come, and what of it later records and plans need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Patching,
    Patched,
    Intended(Intent),
    Outstanding,
    Invited(Invited),
    Failed(Failure),
    Reverting,
    /// The mail is written back, and nobody is to be invited.
    Reverted,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Intent {
    /// The guest's redemption just before, which a settlement compares with.
    pub(super) before: Option<Redemption>,
    /// The invitation that stands, whatever becomes of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) accepted: Option<Accepted>,
    /// Microsoft was asked not to mail it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) silent: bool,
}

/// An invitation that the service accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Accepted {
    pub(super) at: Timestamp,
    pub(super) how: InvitedHow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Invited {
    pub(super) how: InvitedHow,
}

/// A refusal for good.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Failure {
    pub code: String,
    /// The sentence for a person.
    pub message: String,
    /// Empty in records of the first format.
    pub advice: String,
    /// The service's request id.
    pub request_id: Option<String>,
}

/// Nothing beyond the word.
#[derive(Serialize)]
struct Nothing {}

impl RowState {
    /// The state after a record; none before the first that leaves one.
    pub(super) fn after(state: Option<Self>, record: &Record, at: Timestamp) -> Option<Self> {
        let reverts = match record {
            Record::Patching { .. } => None,
            Record::Reverting { way, .. } => Some(*way),
            Record::Intended { reason, .. } if reason.is_first() => {
                (*reason == IntentReason::Revert).then_some(WayBack::Invitation)
            }
            _ => state.as_ref().and_then(|state| state.reverts),
        };
        Some(Self { reverts, ..Self::next(state, record, at)? })
    }

    /// Whatever it is there for.
    fn next(state: Option<Self>, record: &Record, at: Timestamp) -> Option<Self> {
        // One more invitation that was not sent leaves the accepted one as it was.
        if let Record::Outstanding { .. } | Record::Failed { anew: false, .. } = record
            && let Some(accepted) = state.as_ref().and_then(Self::accepted)
        {
            return Some(Self::invited(accepted));
        }
        let step = match record {
            // Evidence leaves state and moment of the intent as they are, since that is
            // what a later settlement compares the directory with. What is done to a
            // mail after the invitation doesn't undo the invitation.
            Record::Unknown { .. }
            | Record::Correcting { .. }
            | Record::Corrected { .. }
            // What becomes of the mail with its link has a state of its own.
            | Record::MailIntended { .. }
            | Record::MailDrafted { .. }
            | Record::MailWithdrawn { .. }
            | Record::Mailed { .. }
            | Record::MailUnknown { .. }
            | Record::Reminding { .. }
            | Record::Reminded { .. }
            | Record::MailTraced { .. }
            | Record::Seen(_) => return state,
            Record::ResendAsked { before, .. } => {
                return state.map(|state| state.asked_again(before));
            }
            Record::Patching { .. } => Step::Patching,
            Record::Patched { .. } => Step::Patched,
            // What a person asked for about this address before is over with it.
            Record::Reverting { .. } => {
                return Some(Self { step: Step::Reverting, at, resend: None, reverts: None });
            }
            Record::Reverted { .. } => Step::Reverted,
            Record::Intended { reason, before, silent, .. } => {
                // The first of a row follows none.
                let accepted = state.as_ref().filter(|_| !reason.is_first());
                let accepted = accepted.and_then(Self::accepted);
                Step::Intended(Intent { before: Some(before.clone()), accepted, silent: *silent })
            }
            Record::Invited { how, .. } => {
                return Some(Self::invited(Accepted { at, how: *how }));
            }
            Record::Outstanding { .. } => Step::Outstanding,
            // Nobody has the link of the invitation that was accepted.
            Record::MailFailed { code, message, advice, .. } => Step::Failed(Failure {
                code: code.clone(),
                message: message.clone(),
                advice: advice.clone(),
                request_id: None,
            }),
            Record::Failed { code, message, advice, request_id, .. } => Step::Failed(Failure {
                code: code.clone(),
                message: message.clone(),
                advice: advice.clone(),
                request_id: request_id.clone(),
            }),
        };
        // What a person asked for is carried along until the service accepts it, or until the
        // address is wanted anew, after another: then it was about an invitation that stands
        // no more.
        let anew = matches!(
            record,
            Record::Patching { anew: true, .. }
                | Record::Intended { anew: true, .. }
                | Record::Failed { anew: true, .. }
        );
        let resend = state.and_then(|state| state.resend).filter(|_| !anew);
        Some(Self { step, at, resend, reverts: None })
    }

    fn invited(Accepted { at, how }: Accepted) -> Self {
        Self { step: Step::Invited(Invited { how }), at, resend: None, reverts: None }
    }

    /// A person asks to send again: noted beside the state, which stays what it is, with
    /// the moment of the invitation that stands. Where none is known to stand there is
    /// nothing to note: what became of the one before is settled as ever.
    fn asked_again(mut self, before: &Redemption) -> Self {
        let standing = match (&self.resend, &self.step) {
            (Some(resend), _) => Some(resend.invited_at),
            (None, Step::Intended(intent)) => intent.accepted.map(|accepted| accepted.at),
            (None, Step::Invited(_)) => Some(self.at),
            (
                None,
                Step::Patching
                | Step::Patched
                | Step::Outstanding
                | Step::Failed(_)
                | Step::Reverting
                | Step::Reverted,
            ) => None,
        };
        if let Some(invited_at) = standing {
            self.resend = Some(Resend { invited_at, before: before.clone() });
        }
        self
    }

    /// The accepted invitation that the state stands for, or keeps while one more is on
    /// its way. Where a person asked for one more, that request is kept instead.
    fn accepted(&self) -> Option<Accepted> {
        match &self.step {
            _ if self.resend.is_some() => None,
            Step::Invited(Invited { how }) => Some(Accepted { at: self.at, how: *how }),
            Step::Intended(intent) => intent.accepted,
            Step::Patching
            | Step::Patched
            | Step::Outstanding
            | Step::Failed(_)
            | Step::Reverting
            | Step::Reverted => None,
        }
    }
}

impl Step {
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Patching => "patching",
            Self::Patched => "patched",
            Self::Intended(_) => "intended",
            Self::Outstanding => "outstanding",
            Self::Invited(_) => "invited",
            Self::Failed(_) => "failed",
            Self::Reverting => "reverting",
            Self::Reverted => "reverted",
        }
    }

    /// The rest of it, as JSON.
    pub(super) fn detail(&self) -> String {
        let detail = match self {
            Self::Patching
            | Self::Patched
            | Self::Outstanding
            | Self::Reverting
            | Self::Reverted => serde_json::to_string(&Nothing {}),
            Self::Intended(intent) => serde_json::to_string(intent),
            Self::Invited(invited) => serde_json::to_string(invited),
            Self::Failed(failure) => serde_json::to_string(failure),
        };
        detail.expect("plain data")
    }

    /// Reads word and detail back.
    pub(super) fn parse(word: &str, detail: &str) -> Result<Self, String> {
        let wrong = |error: serde_json::Error| format!("detail ({error})");
        Ok(match word {
            "patching" => Self::Patching,
            "patched" => Self::Patched,
            "intended" => Self::Intended(serde_json::from_str(detail).map_err(wrong)?),
            "outstanding" => Self::Outstanding,
            "invited" => Self::Invited(serde_json::from_str(detail).map_err(wrong)?),
            "failed" => Self::Failed(serde_json::from_str(detail).map_err(wrong)?),
            "reverting" => Self::Reverting,
            "reverted" => Self::Reverted,
            other => return Err(format!("state `{other}`")),
        })
    }
}
