//! The exit codes: a contract with whatever schedules the program.

use std::process::ExitCode;

use crate::notify::Verdict;
use crate::run::{StopReason, Summary};

/// What the program's end means for a scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    Unexpected,
    /// Usage, configuration or manifest unusable; nothing was sent.
    Usage,
    /// Changes are pending (`plan --expect-no-changes`).
    ChangesPending,
    /// Finished, and some rows failed or are blocked.
    SomeFailed,
    /// Stopped by a safety limit or by the tenant.
    Stopped,
    /// Authentication or permission.
    Permission,
    /// Time budget reached; the checkpoint is saved.
    OutOfTime,
    /// Another run holds the checkpoint.
    Held,
    /// Finished, and some outcomes are unknown.
    SomeUnknown,
    /// Ctrl-C; the checkpoint is saved.
    Interrupted,
    /// SIGTERM; the checkpoint is saved.
    Terminated,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::ChangesPending => 3,
            Self::SomeFailed => 4,
            Self::Stopped => 5,
            Self::Permission => 6,
            Self::OutOfTime => 7,
            Self::Held => 8,
            Self::SomeUnknown => 9,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// The exit of this code, if there is one.
    pub(super) fn from_code(code: u8) -> Option<Self> {
        const ALL: [Exit; 12] = [
            Exit::Done,
            Exit::Unexpected,
            Exit::Usage,
            Exit::ChangesPending,
            Exit::SomeFailed,
            Exit::Stopped,
            Exit::Permission,
            Exit::OutOfTime,
            Exit::Held,
            Exit::SomeUnknown,
            Exit::Interrupted,
            Exit::Terminated,
        ];
        ALL.into_iter().find(|exit| exit.code() == code)
    }

    /// What it means, as the table of the exit codes has it.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done, or nothing to do",
            Self::Unexpected => "unexpected failure",
            Self::Usage => "usage, configuration or manifest unusable; nothing sent",
            Self::ChangesPending => "changes pending",
            Self::SomeFailed => "finished, and some rows failed or are blocked",
            Self::Stopped => "stopped by a safety limit or by the tenant",
            Self::Permission => "authentication or permission",
            Self::OutOfTime => "time budget reached; checkpoint saved",
            Self::Held => "another run holds the checkpoint",
            Self::SomeUnknown => "finished, and some outcomes are unknown",
            Self::Interrupted | Self::Terminated => "interrupted; checkpoint saved",
        }
    }

    /// What to do about it, where nothing more particular is known.
    pub(super) fn to_do(self) -> Option<&'static str> {
        match self {
            Self::Done | Self::ChangesPending | Self::Held => None,
            Self::Unexpected | Self::Stopped => Some("look at what it said, and run it again"),
            Self::Usage => Some("mend what it names"),
            Self::SomeFailed => Some("look at the failed and blocked rows: `reinvite status`"),
            Self::Permission => Some("mend the credentials or the permissions"),
            Self::OutOfTime | Self::Interrupted | Self::Terminated => {
                Some("run the same command again; it goes on where it stopped")
            }
            Self::SomeUnknown => Some("run it again, which looks once more; then ask the guests"),
        }
    }

    /// What the end is to whoever waits for it. A used-up time budget is part of the
    /// arrangement, and a run that found another at work says nothing of either.
    pub(super) fn verdict(self) -> Verdict {
        match self {
            Self::Done | Self::ChangesPending | Self::OutOfTime => Verdict::Success,
            Self::Held => Verdict::Skipped,
            Self::Unexpected
            | Self::Usage
            | Self::SomeFailed
            | Self::Stopped
            | Self::Permission
            | Self::SomeUnknown
            | Self::Interrupted
            | Self::Terminated => Verdict::Failure,
        }
    }

    /// The word for why a command ended before it had a plan.
    pub(super) fn stop_reason(self) -> &'static str {
        match self {
            Self::Done | Self::Unexpected | Self::SomeFailed | Self::SomeUnknown => "failure",
            Self::Usage | Self::ChangesPending => "usage",
            Self::Stopped => "stopped",
            Self::Permission => "permission",
            Self::OutOfTime => "time-budget",
            Self::Held => "checkpoint-held",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }

    /// The more urgent of two that apply, as [`Exit::from_summary`] orders them.
    pub(super) fn or_more_urgent(self, other: Self) -> Self {
        let urgency = |exit: Self| match exit {
            Self::Permission => 7,
            Self::Stopped => 6,
            Self::Interrupted | Self::Terminated => 5,
            Self::Unexpected => 4,
            Self::SomeUnknown => 3,
            Self::SomeFailed => 2,
            Self::OutOfTime => 1,
            Self::Done | Self::Usage | Self::ChangesPending | Self::Held => 0,
        };
        if urgency(other) > urgency(self) { other } else { self }
    }

    /// What a command ends with that was stopped for this.
    pub(super) fn from_stop_reason(reason: &StopReason) -> Self {
        match reason {
            StopReason::Permission { .. } => Self::Permission,
            StopReason::Guard { .. }
            | StopReason::Tenant { .. }
            | StopReason::TooManyFailures { .. }
            | StopReason::FailuresInARow { .. }
            | StopReason::CanaryFailed { .. }
            | StopReason::StopFile { .. }
            | StopReason::Mailing { .. } => Self::Stopped,
            StopReason::ForeignAnswers { .. }
            | StopReason::Checkpoint(_)
            | StopReason::Unreachable { comes_back: false, .. } => Self::Unexpected,
            StopReason::Interrupted => Self::Interrupted,
            StopReason::Terminated => Self::Terminated,
            StopReason::TimeBudget
            | StopReason::MailBudget
            | StopReason::ThrottledOut
            | StopReason::Unreachable { .. } => Self::OutOfTime,
        }
    }

    /// The code of a run, from its numbers. Where several apply the most urgent
    /// wins: 6, 5, 9, 4, 7. A checkpoint or a service that failed, and a person's
    /// own interruption, come before those that only count rows.
    pub fn from_summary(summary: &Summary) -> Self {
        let stopped = summary.stop_reason.as_ref().map(Self::from_stop_reason);
        match stopped {
            Some(Self::OutOfTime) | None if summary.unknown + summary.mail_unknown() > 0 => {
                Self::SomeUnknown
            }
            Some(Self::OutOfTime) | None if summary.needs_a_person() > 0 => Self::SomeFailed,
            Some(exit) => exit,
            None => Self::Done,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_urgent_code_wins() {
        let tenant = || StopReason::Tenant { code: "invitations-blocked", message: String::new() };
        let permission = || StopReason::Permission { message: String::new() };
        for (stop_reason, failed, unknown, expected) in [
            (None, 0, 0, 0),
            (None, 1, 0, 4),
            (None, 1, 1, 9),
            (Some(StopReason::TimeBudget), 0, 0, 7),
            (Some(StopReason::TimeBudget), 1, 0, 4),
            (Some(StopReason::TimeBudget), 1, 1, 9),
            (Some(tenant()), 1, 1, 5),
            (Some(permission()), 1, 1, 6),
            (Some(StopReason::Interrupted), 1, 0, 130),
            (Some(StopReason::Terminated), 0, 1, 143),
        ] {
            let text = format!("{stop_reason:?} {failed} {unknown}");
            let summary = Summary { failed, unknown, stop_reason, ..Summary::default() };
            assert_eq!(Exit::from_summary(&summary).code(), expected, "{text}");
        }
    }

    #[test]
    fn of_two_ends_the_more_urgent_counts_whichever_came_first() {
        let most_urgent_first =
            [6, 5, 130, 1, 9, 4, 7, 0].map(|code| Exit::from_code(code).unwrap());
        for (position, first) in most_urgent_first.iter().enumerate() {
            for other in &most_urgent_first[position..] {
                assert_eq!(first.or_more_urgent(*other), *first);
                assert_eq!(other.or_more_urgent(*first), *first);
            }
        }
    }
}
