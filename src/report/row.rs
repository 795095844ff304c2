//! One row in words: whom it is about, where it moves, and how it ended. Every
//! rendering takes its words from here, so that they agree.

use serde::Serialize;

use crate::config::DeliveryWay;
use crate::plan::{ChangeReason, Decision, PlannedRow};
use crate::run::{InvitedHow, MailEnd, Outcome};

use super::text::harmless;

/// How a row ended in this run, or why it had no part in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct RowEnd<'a> {
    /// `invited`, `settled`, `blocked`, `failed`, `unknown` or `not-attempted`.
    pub(super) outcome: &'static str,
    /// The failure's code, how it is known, or the plan's reason.
    #[serde(rename = "outcome_reason")]
    pub(super) reason: &'a str,
    /// What happened, in a sentence. Not part of this value's serialisation: a
    /// row has one `message`, and the caller decides which.
    #[serde(skip)]
    pub(super) message: Message<'a>,
    pub(super) advice: Option<&'a str>,
    /// The service's request id.
    pub(super) request_id: Option<&'a str>,
}

/// A sentence that is written only when it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message<'a> {
    Text(&'a str),
    Decision(&'a Decision),
}

impl std::fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Decision(decision) => decision.fmt(f),
        }
    }
}

impl Serialize for Message<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

const RUN_AGAIN: &str = "run apply again";
const LOOK_AGAIN: &str =
    "run apply again to look once more; if it stays unknown, ask the guest whether the mail came";

impl<'a> RowEnd<'a> {
    /// How a row of the plan ended. A change without an outcome was not reached.
    pub(super) fn new(row: &'a PlannedRow, outcome: Option<&'a Outcome>) -> Self {
        let end = |outcome, reason, message, advice| Self {
            outcome,
            reason,
            message,
            advice,
            request_id: None,
        };
        let (outcome, reason) = match &row.decision {
            Decision::Change(change) => (outcome, change.reason),
            Decision::Settled(settled) => {
                return end("settled", settled.code(), Message::Decision(&row.decision), None);
            }
            Decision::Blocked(blocked) => {
                return end("blocked", blocked.code(), Message::Decision(&row.decision), None);
            }
        };
        match outcome {
            Some(Outcome::Invited(InvitedHow::Accepted)) => end(
                "invited",
                "accepted",
                Message::Text("the service accepted the invitation"),
                None,
            ),
            Some(Outcome::Invited(InvitedHow::SettledFromDirectory | InvitedHow::LinkLost)) => end(
                "invited",
                "settled-from-directory",
                Message::Text(
                    "the answer was lost; the directory shows that the invitation was accepted",
                ),
                None,
            ),
            Some(Outcome::AsWanted { .. }) if reason == ChangeReason::Mail => {
                end("settled", "mail", Message::Text("invited earlier; its mail was due"), None)
            }
            Some(Outcome::AsWanted { .. }) if reason == ChangeReason::ReminderMail => end(
                "settled",
                "reminded",
                Message::Text("invited earlier; the same link was mailed once more"),
                None,
            ),
            Some(Outcome::AsWanted { .. }) if reason == ChangeReason::RevertMail => end(
                "settled",
                "reverted",
                Message::Text("the old address is back; nobody was invited"),
                None,
            ),
            Some(Outcome::AsWanted { written: true }) => {
                end("settled", "corrected", Message::Text("the mail was put right"), None)
            }
            Some(Outcome::AsWanted { written: false }) => {
                end("settled", "corrected", Message::Text("the mail was right already"), None)
            }
            Some(Outcome::Failed(failure)) => Self {
                outcome: "failed",
                reason: &failure.code,
                message: Message::Text(&failure.message),
                advice: Some(failure.advice.as_str()).filter(|advice| !advice.is_empty()),
                request_id: failure.request_id.as_deref(),
            },
            Some(Outcome::Unknown { evidence }) => {
                end("unknown", "answer-lost", Message::Text(evidence), Some(LOOK_AGAIN))
            }
            Some(Outcome::Held) => {
                end("not-attempted", "held", Message::Text("waits for a later run"), None)
            }
            Some(Outcome::NotAttempted { patched: true }) => end(
                "not-attempted",
                "mail-written",
                Message::Text("the mail is written, the invitation is still to be sent"),
                Some(RUN_AGAIN),
            ),
            Some(Outcome::NotAttempted { patched: false }) | None => end(
                "not-attempted",
                "not-reached",
                Message::Text(match reason {
                    ChangeReason::UnknownOutcome => {
                        "the run ended before this row; whether an earlier run invited the guest is still unknown"
                    }
                    ChangeReason::NewAddress
                    | ChangeReason::ResetOnly
                    | ChangeReason::FinishEarlierRun
                    | ChangeReason::RetryFailed
                    | ChangeReason::Resend
                    | ChangeReason::Unmailed
                    | ChangeReason::Correction
                    | ChangeReason::Mail
                    | ChangeReason::Revert
                    | ChangeReason::RevertMail => "the run ended before this row",
                    ChangeReason::Reminder | ChangeReason::ReminderMail => {
                        "not reminded: the guest has changed since the plan was made, the hours for reminders are over, or the run ended before"
                    }
                }),
                Some(RUN_AGAIN),
            ),
        }
    }
}

/// The word for the row's mail: of Microsoft, of one's own, or none.
pub(super) fn mail_word(
    row: &PlannedRow,
    outcome: Option<&Outcome>,
    end: Option<MailEnd>,
) -> Option<&'static str> {
    match end {
        Some(MailEnd::Sent) => return Some("sent"),
        Some(MailEnd::File) => return Some("file"),
        Some(MailEnd::Failed) => return Some("failed"),
        Some(MailEnd::Unknown) => return Some("unknown"),
        Some(MailEnd::NotYet) => return Some("not-yet"),
        None => {}
    }
    let Some(invitation) = row.change()?.invite.as_ref().filter(|it| it.send) else {
        return Some("none");
    };
    Some(match outcome {
        Some(Outcome::Invited(_)) if invitation.by == DeliveryWay::Microsoft => "microsoft",
        // Of one's own, it had redeemed before its mail was due.
        Some(Outcome::Invited(_) | Outcome::AsWanted { .. } | Outcome::Failed(_)) => "none",
        Some(Outcome::Unknown { .. }) if invitation.by == DeliveryWay::Microsoft => "unknown",
        Some(Outcome::Unknown { .. } | Outcome::NotAttempted { .. } | Outcome::Held) | None => {
            "not-yet"
        }
    })
}

/// The mail the plan saw, when it is to be replaced.
pub(super) fn old_email(row: &PlannedRow) -> Option<&str> {
    match &row.decision {
        Decision::Change(change) => change.set_mail.as_ref()?.expected.as_deref(),
        Decision::Settled(_) | Decision::Blocked(_) => None,
    }
}

/// The guest as a person recognises it: by address rather than by object id or
/// the mangled name of an external user; by both, if they are two addresses.
pub(super) fn who(row: &PlannedRow) -> String {
    let user = harmless(&row.user);
    match old_email(row) {
        Some(mail) if !row.user.contains('@') || row.user.to_uppercase().contains("#EXT#") => {
            harmless(mail)
        }
        Some(mail) if !mail.eq_ignore_ascii_case(&row.user) => {
            format!("{user} ({})", harmless(mail))
        }
        Some(_) | None => user,
    }
}

/// The guest and the address it moves to: `ada@a.example → ada@b.example`. A
/// guest that keeps its address moves nowhere.
pub(super) fn journey(row: &PlannedRow) -> String {
    // One that goes back comes from the address that it gives up, whatever its row calls it.
    if let Some(set) = row.change().and_then(|change| change.set_mail.as_ref())
        && set.restores
        && let (Some(given_up), Some(address)) = (&set.expected, &set.desired)
    {
        return format!("{} → {}", harmless(given_up), harmless(address.as_str()));
    }
    let who = who(row);
    let address = match &row.new_email {
        Some(address) if !address.as_str().eq_ignore_ascii_case(&row.user) => {
            harmless(address.as_str())
        }
        Some(_) | None => return who,
    };
    match &row.decision {
        Decision::Change(change) if change.reason == ChangeReason::ResetOnly => {
            format!("{who} ({address})")
        }
        Decision::Change(_) | Decision::Settled(_) | Decision::Blocked(_) => {
            format!("{who} → {address}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_guest_is_named_by_what_a_person_recognises() {
        let plan = sample::plan();
        let row = |line: u32| plan.rows.iter().find(|row| row.line == line).unwrap();
        assert_eq!(journey(row(2)), "ada@northwind.example → ada@fabrikam.example");
        assert_eq!(journey(row(3)), "bob@northwind.example → bob@fabrikam.example");
        assert_eq!(
            journey(row(4)),
            "c.old@northwind.example (cleo@northwind.example) → cleo@fabrikam.example"
        );
        assert_eq!(journey(row(5)), "dan@northwind.example");
        assert_eq!(who(row(11)), "ghost\\u{1b}[2J@northwind.example");
    }

    #[test]
    fn a_change_without_an_outcome_was_not_attempted() {
        let plan = sample::plan();
        let end = RowEnd::new(&plan.rows[0], None);
        assert_eq!((end.outcome, end.reason), ("not-attempted", "not-reached"));
    }
}
