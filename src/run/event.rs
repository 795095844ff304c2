//! What happened, as facts. The engine emits them; whoever listens renders.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::checkpoint::Unwritten;
use crate::graph::Foreign;

use super::summary::Summary;

pub use crate::checkpoint::InvitedHow;

/// Something that happened during a run.
#[derive(Debug, Clone)]
pub enum Event {
    Started {
        /// Rows with something to do.
        to_do: u64,
    },
    RowEntered {
        line: u32,
        /// The phase it left; None when it begins.
        from: Option<Phase>,
        /// The phase it is in now.
        to: Phase,
    },
    /// A guest's mail was written; the record is durable.
    Patched {
        line: u32,
    },
    /// A row has its outcome; the record is durable.
    RowFinished {
        /// Position in the plan's rows.
        index: usize,
        line: u32,
        from: Option<Phase>,
        /// The outcome.
        outcome: Outcome,
    },
    /// A person has to sign in with a browser; everything waits for it.
    SignInNeeded {
        url: String,
        /// The code to enter there.
        code: String,
        /// How long the code is valid.
        valid_for: Duration,
    },
    /// The service asked for patience: nothing of what it named is sent for this long.
    Throttled {
        /// `x-ms-throttle-scope`, when told.
        scope: Option<String>,
        wait: Duration,
    },
    /// A request is repeated after a wait.
    Retrying {
        /// Line in the manifest; None for requests that belong to no row.
        line: Option<u32>,
        /// Number of the attempt that failed, from 1.
        attempt: u32,
        wait: Duration,
        /// Why the attempt failed.
        why: String,
    },
    /// Something is waited for, and when that ends at the latest.
    Waiting {
        /// Line in the manifest; None when everything waits.
        line: Option<u32>,
        why: String,
        at_most: Duration,
    },
    /// Something odd that a person should know of; it changes nothing.
    Noticed {
        line: Option<u32>,
        what: String,
    },
    /// Nothing new starts from here on.
    Stopping {
        /// The longest that what is under way takes.
        at_most: Duration,
        reason: StopReason,
    },
    /// The canary rows were sent and verified.
    CanaryPassed {
        rows: u64,
    },
    Finished(Box<Summary>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// An earlier lost answer is being settled from the directory.
    Clearing,
    /// The guest is read again, then its mail written.
    Patching,
    /// Waiting for the invitation service to see the new mail.
    Settling,
    /// The invitation is being sent.
    Inviting,
}

/// How a row ended in this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The service accepted the invitation.
    Invited(InvitedHow),
    /// Nobody was to be invited, and the mail is what was asked for.
    AsWanted {
        /// Whether this run wrote it.
        written: bool,
    },
    /// Refused for good, or not done because the guest had changed.
    Failed(Failure),
    /// The answer was lost and the directory can't tell.
    Unknown { evidence: String },
    /// It waits for a later run, as it was planned: of a later wave, or over the night's budget.
    Held,
    /// The run ended before the invitation was tried.
    NotAttempted {
        /// Whether the mail had been written.
        patched: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub code: String,
    /// What happened, in a sentence; the service's own words where there are any.
    pub message: String,
    pub advice: String,
    /// The service's request id, for a support case.
    pub request_id: Option<String>,
}

/// Why a run ended early. Ordered: a graver reason replaces a lesser one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopReason {
    /// The time budget is used up.
    TimeBudget,
    /// The mailbox takes no more recipients today.
    MailBudget,
    Interrupted,
    Terminated,
    /// The stop file appeared.
    StopFile {
        path: String,
    },
    /// A guard refused the plan before anything was sent.
    Guard {
        /// The guard's name: `max-changes`, `allowed-domains`, `plan-changed`.
        code: &'static str,
        message: String,
    },
    /// More rows failed than the configuration allows.
    TooManyFailures {
        failed: u64,
        tried: u64,
    },
    /// So many rows one after the other failed in the same way.
    FailuresInARow {
        rows: u64,
        /// The code of their failure.
        code: String,
    },
    /// A canary row failed, or could not be verified in the directory.
    CanaryFailed {
        why: String,
    },
    /// Turned away so often in a row that going on makes no sense now.
    ThrottledOut,
    /// The service can't be reached.
    Unreachable {
        message: String,
        /// Whether the next run may find it without anybody doing anything.
        comes_back: bool,
        advice: &'static str,
    },
    /// Something else answers in the service's place.
    ForeignAnswers {
        /// What is known of it.
        message: String,
    },
    /// The mailbox or the mail server refuses every mail.
    Mailing {
        /// Its own words.
        message: String,
    },
    /// The tenant says stop: an answer that is true of all rows.
    Tenant {
        /// Stable code: `invitations-blocked`, `invitations-disabled`, `quota-exceeded`.
        code: &'static str,
        /// The service's own words.
        message: String,
    },
    /// Sign-in or permission is missing, for all rows.
    Permission {
        /// The service's own words.
        message: String,
    },
    /// The checkpoint can't be written: going on could send twice.
    Checkpoint(Unwritten),
}

/// What became of the mail with a row's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailEnd {
    /// A server took it over.
    Sent,
    /// It is there as a file.
    File,
    /// It was refused for this guest.
    Failed,
    /// Its answer was lost.
    Unknown,
    /// The link is held, and the next run mails it.
    NotYet,
}

impl StopReason {
    /// Whether a run that ended with this code was ended by an answer that is true of
    /// the tenant, so that the next should try one row before all others.
    pub fn is_of_tenant(code: &str) -> bool {
        ["invitations-blocked", "invitations-disabled", "quota-exceeded", "permission"]
            .contains(&code)
    }

    /// What a person has to do before the run can go on, if it is not to end the same
    /// way.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Permission { .. } => Some(
                "grant the application User.Invite.All and User.ReadWrite.All, with admin consent, first",
            ),
            Self::Tenant { code: "invitations-blocked", .. } => Some(
                "only Microsoft support can lift the block; the next run tries one row before all others",
            ),
            Self::Tenant { .. } => {
                Some("mend that first; the next run tries one row before all others")
            }
            Self::Mailing { .. } => Some(
                "mend [delivery] or the mail server first; the next run mails the links that are held",
            ),
            Self::StopFile { .. } => Some("remove the file first"),
            Self::Unreachable { advice, .. } => Some(advice),
            Self::ForeignAnswers { .. } => Some(Foreign::ADVICE),
            Self::Checkpoint(why) => Some(why.advice()),
            Self::MailBudget => Some("go on a day after the first of today's mails"),
            Self::TimeBudget
            | Self::Interrupted
            | Self::Terminated
            | Self::Guard { .. }
            | Self::TooManyFailures { .. }
            | Self::FailuresInARow { .. }
            | Self::CanaryFailed { .. }
            | Self::ThrottledOut => None,
        }
    }

    /// The stable code, as the summary's `stop_reason`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TimeBudget => "time-budget",
            Self::MailBudget => "mail-budget",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
            Self::StopFile { .. } => "stop-file",
            Self::TooManyFailures { .. } | Self::FailuresInARow { .. } => "max-failures",
            Self::CanaryFailed { .. } => "canary-failed",
            Self::Guard { code, .. } | Self::Tenant { code, .. } => code,
            Self::ThrottledOut => "throttled-out",
            Self::Permission { .. } => "permission",
            Self::Unreachable { .. } => "network",
            Self::ForeignAnswers { .. } => "foreign-answers",
            Self::Mailing { .. } => "mailing-refused",
            Self::Checkpoint(_) => "checkpoint",
        }
    }
}

impl std::fmt::Display for StopReason {
    /// A sentence without full stop.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TimeBudget => f.write_str("the time budget is used up"),
            Self::MailBudget => {
                f.write_str("the mailbox takes no more recipients today; the rest waits")
            }
            Self::Interrupted => f.write_str("interrupted"),
            Self::Terminated => f.write_str("asked to terminate"),
            Self::StopFile { path } => write!(f, "the stop file {path} is there"),
            Self::Guard { message, .. } => write!(f, "refused before anything was sent: {message}"),
            Self::TooManyFailures { failed, tried } => {
                write!(f, "{failed} of {tried} rows failed, more than max_failures allows")
            }
            Self::FailuresInARow { rows, code } => {
                write!(
                    f,
                    "{rows} rows in a row failed with `{code}`, more than max_failures allows"
                )
            }
            Self::CanaryFailed { why } => write!(f, "the canary failed: {why}"),
            Self::Tenant { message, .. } => write!(f, "the tenant says stop: {message}"),
            Self::ThrottledOut => f.write_str("the tenant turned every request away for too long"),
            Self::Permission { message } => write!(f, "not permitted: {message}"),
            Self::ForeignAnswers { message } => f.write_str(message),
            Self::Unreachable { message, .. } => {
                write!(f, "the service can't be reached: {message}")
            }
            Self::Mailing { message } => write!(f, "no mail can be sent: {message}"),
            Self::Checkpoint(why) => write!(f, "the checkpoint can't be written: {why}"),
        }
    }
}
