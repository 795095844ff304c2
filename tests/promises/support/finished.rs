//! What came of a run.

use reinvite::plan::{Decision, Plan};
use reinvite::run::{Event, Outcome, Summary};

use super::wire::Sent;

/// A run that came to its end.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) plan: Plan,
    pub(crate) outcomes: Vec<Option<Outcome>>,
    pub(crate) summary: Summary,
    pub(crate) events: Vec<Event>,
    /// Every request of the run, those of its plan included.
    pub(crate) sent: Vec<Sent>,
}

impl Finished {
    /// Requests that change something, in order.
    pub(crate) fn writes(&self) -> Vec<&Sent> {
        self.sent.iter().filter(|sent| sent.is_write()).collect()
    }

    /// Invitations sent, in order, however they were answered.
    pub(crate) fn invitations(&self) -> Vec<&Sent> {
        self.sent.iter().filter(|sent| sent.is_invitation()).collect()
    }

    /// The code of the reason for which it stopped.
    pub(crate) fn stop_code(&self) -> Option<&'static str> {
        self.summary.stop_reason.as_ref().map(reinvite::run::StopReason::code)
    }

    /// The reason code of the plan for the n-th row, from 1.
    pub(crate) fn planned(&self, n: usize) -> &'static str {
        self.decision(n).reason()
    }

    /// The decision about the n-th row, from 1.
    pub(crate) fn decision(&self, n: usize) -> &Decision {
        &self.plan.rows[n - 1].decision
    }

    /// What became of the n-th row, from 1.
    pub(crate) fn outcome(&self, n: usize) -> &Outcome {
        self.outcomes[n - 1].as_ref().expect("the row was a change")
    }

    /// The code with which the n-th row failed.
    pub(crate) fn failure(&self, n: usize) -> &str {
        match self.outcome(n) {
            Outcome::Failed(failure) => &failure.code,
            other => panic!("row {n} did not fail: {other:?}"),
        }
    }

    /// Fails unless every row is in exactly one place of the summary.
    #[track_caller]
    pub(crate) fn assert_adds_up(&self) {
        let Summary { rows, invited, settled, blocked, failed, unknown, not_attempted, .. } =
            self.summary;
        assert_eq!(
            invited + settled + blocked + failed + unknown + not_attempted,
            rows,
            "{:?}",
            self.summary
        );
        assert_eq!(rows, self.plan.rows.len() as u64);
    }
}
