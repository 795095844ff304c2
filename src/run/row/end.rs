//! How a row ends: every outcome is written down before it is reported, and an
//! error that is true of all rows ends the run.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use jiff::Timestamp;

use crate::checkpoint::{CheckpointError, Entry, Record, Unwritten};
use crate::domain::{RedeemUrl, Trace};
use crate::graph::{AuthError, CallError, Cause, Refusal, StopCause, Verdict};

use super::{Done, RowRun};
use crate::plan::ChangeReason;
use crate::run::event::{Failure, InvitedHow, Outcome, StopReason};
use crate::run::own_failure::OwnFailure;

impl RowRun<'_, '_> {
    /// A call that gave no result and will not be tried again in this run.
    pub(super) async fn call_failed(&self, error: CallError, doing: &str) -> Done {
        self.note_stop(&error);
        match error {
            // Nothing was sent, or nothing about this guest was refused: the row is
            // as it was, and the next run takes it up.
            CallError::Stopped
            | CallError::Auth(_)
            | CallError::Unreachable(_)
            | CallError::Throttled { .. }
            | CallError::ThrottledOut(_)
            | CallError::Foreign(_)
            | CallError::Refused { verdict: Verdict::StopRun(_), .. } => {
                self.put_back(&error.to_string()).await
            }
            CallError::Refused { refusal, verdict } => match verdict {
                Verdict::RowFailed(cause) => self.failed(refused(&refusal, cause)).await,
                Verdict::RetryWhileReplicating(cause) | Verdict::Postponed(cause) => {
                    self.postponed(refused(&refusal, cause)).await
                }
                Verdict::NotPermitted(cause) => {
                    if let Some(reason) = self.run.tally.count_refusal(&refusal.to_string()) {
                        self.stop(reason);
                    }
                    self.failed(refused(&refusal, cause)).await
                }
                Verdict::Retry
                | Verdict::RetrySoon
                | Verdict::RefreshToken
                | Verdict::OutcomeUnknown => self.unanswered(doing, &refusal.to_string()).await,
                Verdict::StopRun(_) => self.put_back(&refusal.to_string()).await,
            },
            CallError::Lost { evidence } => self.unanswered(doing, &evidence).await,
            CallError::Protocol(detail) => self.unanswered(doing, &detail).await,
        }
    }

    /// Ends the run when the error is true of all rows.
    pub(super) fn note_stop(&self, error: &CallError) {
        if let Some(reason) = stop_reason(error) {
            self.stop(reason);
        }
    }

    /// Ends the run. That the tenant said stop goes into the commit that tells what came of
    /// the row: if the program is killed now, the next run has to know it.
    fn stop(&self, reason: StopReason) {
        if StopReason::is_of_tenant(reason.code()) {
            *self.stops.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.code());
        }
        self.run.stop(reason);
    }

    fn take_stop(&self) -> Option<&'static str> {
        self.stops.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Writes the tenant's word down where the row had nothing else to record.
    pub(super) async fn keep_stop(&self) {
        if let Some(reason) = self.take_stop()
            && let Err(error) = self.run.journal.stopped(reason).await
        {
            self.run.stop(unwritten(&error));
        }
    }

    /// A step before the invitation that is safe to repeat stayed without answer.
    /// That is no refusal: the next run tries again unasked.
    async fn unanswered(&self, doing: &str, evidence: &str) -> Done {
        self.postponed(unanswered(doing, evidence)).await
    }

    /// A step failed, and not because of the guest: the next run takes it up unasked.
    pub(super) async fn postponed(&self, failure: Failure) -> Done {
        if self.has_begun()
            && let Err(done) = self.outstanding(failure.message.clone()).await
        {
            return done;
        }
        Done(Outcome::Failed(failure))
    }

    /// The run ends and the row was certainly not invited.
    async fn put_back(&self, why: &str) -> Done {
        if self.has_begun()
            && let Err(done) = self.outstanding(why.to_owned()).await
        {
            return done;
        }
        self.not_attempted()
    }

    /// Whether the checkpoint holds an intent of this run that has to be taken back. One
    /// of an earlier run is of unknown outcome, also when a person asked to send again.
    fn has_begun(&self) -> bool {
        self.is_intended.load(Ordering::Relaxed)
    }

    pub(super) fn not_attempted(&self) -> Done {
        if self.is_open {
            return Done(not_settled());
        }
        Done(Outcome::NotAttempted { patched: self.patched })
    }

    pub(super) async fn outstanding(&self, why: String) -> Result<(), Done> {
        self.record(Record::Outstanding { key: self.key.clone(), why }).await?;
        self.is_intended.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// The service accepted the invitation, and told its link.
    pub(super) async fn accepted(&mut self, link: Option<RedeemUrl>) -> Result<Outcome, Done> {
        self.link = link.filter(|_| self.post().is_some());
        self.invited(InvitedHow::Accepted).await
    }

    pub(super) async fn invited(&self, how: InvitedHow) -> Result<Outcome, Done> {
        let silent = self.is_silent.load(Ordering::Relaxed);
        let record = Record::Invited { key: self.key.clone(), how };
        // The link is durable together with what it belongs to.
        let entry = Entry { link: self.link.clone(), silent, ..record.into() };
        // P2: success is reported after its record is durable.
        match self.append(entry).await {
            Ok(()) => Ok(Outcome::Invited(how)),
            Err(error) => Err(Done(Outcome::Unknown {
                evidence: format!(
                    "the invitation was accepted, but that could not be recorded: {error}"
                ),
            })),
        }
    }

    pub(super) async fn unknown(&self, evidence: String) -> Done {
        let record = Record::Unknown { key: self.key.clone(), evidence: evidence.clone() };
        // The intent is durable already and says the same without the evidence.
        let _ = self.append(record).await;
        Done(Outcome::Unknown { evidence })
    }

    pub(super) async fn failed(&self, failure: Failure) -> Done {
        // The invitation that was accepted stands, whatever becomes of the mail.
        if self.change.reason == ChangeReason::Correction {
            return Done(Outcome::Failed(failure));
        }
        let record = Record::Failed {
            key: self.key.clone(),
            code: failure.code.clone(),
            message: failure.message.clone(),
            advice: failure.advice.clone(),
            request_id: failure.request_id.clone(),
            anew: self.begins_anew(),
        };
        match self.append(record).await {
            Ok(()) => Done(Outcome::Failed(failure)),
            Err(_) => self.not_attempted(),
        }
    }

    /// Writes a record; when that fails, the row goes no further.
    pub(super) async fn record(&self, record: Record) -> Result<(), Done> {
        self.record_at(record, self.run.graph.clock().service_now()).await
    }

    pub(super) async fn record_at(
        &self,
        record: impl Into<Entry>,
        at: Timestamp,
    ) -> Result<(), Done> {
        self.append_at(record, at).await.map_err(|_| self.not_attempted())
    }

    pub(super) async fn append(&self, record: impl Into<Entry>) -> Result<(), CheckpointError> {
        self.append_at(record, self.run.graph.clock().service_now()).await
    }

    /// Keeps what a write left with the service for the record of what came of it.
    pub(super) fn leave(&self, trace: Trace) {
        *self.trace.lock().unwrap_or_else(PoisonError::into_inner) = Some(trace);
    }

    async fn append_at(
        &self,
        record: impl Into<Entry>,
        at: Timestamp,
    ) -> Result<(), CheckpointError> {
        let entry = record.into();
        // What is about to be done has left nothing yet.
        let trace = match entry.record {
            Record::Patching { .. }
            | Record::Intended { .. }
            | Record::ResendAsked { .. }
            | Record::Correcting { .. }
            | Record::Reverting { .. }
            | Record::MailIntended { .. }
            | Record::MailDrafted { .. }
            | Record::MailWithdrawn { .. }
            | Record::Mailed { .. }
            | Record::MailFailed { .. }
            | Record::MailUnknown { .. }
            | Record::Reminding { .. }
            | Record::Reminded { .. }
            | Record::MailTraced { .. }
            | Record::Seen(_) => None,
            Record::Patched { .. }
            | Record::Corrected { .. }
            | Record::Reverted { .. }
            | Record::Outstanding { .. }
            | Record::Unknown { .. }
            | Record::Invited { .. }
            | Record::Failed { .. } => {
                self.trace.lock().unwrap_or_else(PoisonError::into_inner).take()
            }
        };
        let stops = self.take_stop();
        let written = self.run.journal.append(Entry { trace, stops, ..entry }, at).await;
        if let Err(error) = &written {
            self.run.stop(unwritten(error));
        }
        written
    }
}

fn unwritten(error: &CheckpointError) -> StopReason {
    StopReason::Checkpoint(match error {
        CheckpointError::Unwritten(why) => why.clone(),
        other => Unwritten::Failed(other.to_string()),
    })
}

/// Why a run ends with an error that is true of all rows.
pub fn stop_reason(error: &CallError) -> Option<StopReason> {
    Some(match error {
        CallError::Auth(AuthError::Unreachable(error)) | CallError::Unreachable(error) => {
            StopReason::Unreachable {
                message: error.to_string(),
                comes_back: error.comes_back(),
                advice: error.advice(),
            }
        }
        CallError::Foreign(by) | CallError::Auth(AuthError::Foreign(by)) => {
            StopReason::ForeignAnswers { message: by.to_string() }
        }
        CallError::Auth(error) => StopReason::Permission { message: error.to_string() },
        CallError::ThrottledOut(_) => StopReason::ThrottledOut,
        CallError::Refused { refusal, verdict: Verdict::StopRun(cause) } => match cause {
            StopCause::NotPermitted => StopReason::Permission { message: refusal.to_string() },
            StopCause::InvitationsBlocked
            | StopCause::InvitationsDisabled
            | StopCause::QuotaExceeded => {
                StopReason::Tenant { code: cause.code(), message: refusal.to_string() }
            }
        },
        CallError::Refused { .. }
        | CallError::Stopped
        | CallError::Throttled { .. }
        | CallError::Lost { .. }
        | CallError::Protocol(_) => return None,
    })
}

/// An earlier run's lost answer that this run did not come to.
pub(in crate::run) fn not_settled() -> Outcome {
    Outcome::Unknown {
        evidence: "an earlier answer was lost, and this run ended before it was settled".to_owned(),
    }
}

pub(super) fn refused(refusal: &Refusal, cause: Cause) -> Failure {
    Failure {
        code: cause.code.to_owned(),
        message: refusal.to_string(),
        advice: cause.advice.to_owned(),
        request_id: refusal.request_id.clone(),
    }
}

pub(super) fn unanswered(doing: &str, evidence: &str) -> Failure {
    OwnFailure::Unanswered
        .because(format!("{doing}: no usable answer after several tries, last {evidence}"))
}
