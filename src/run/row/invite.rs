//! Sending a row's invitation: intent, request, answer, and again only when it is
//! known that it was not sent.
//!
//! Leaves to others: what a lost answer means (`lost_answer`).

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use crate::checkpoint::{IntentReason, Record};
use crate::domain::{DirectoryUser, Redemption, Trace};
use crate::graph::{CallError, GONE, THROTTLED_ATTEMPTS, Verdict, backoff};
use crate::plan::Invitation;
use crate::run::event::{Event, InvitedHow, Outcome, Phase};
use crate::run::lost_answer::Intent;
use crate::run::precheck::redemption_conflict;
use crate::run::request::{intent_reason, request};

use super::end::{refused, unanswered};
use super::{Done, FRESH, MOST_UNSEEN, RowRun};

/// How often one row's invitation is sent when each time the directory shows that
/// the one before never happened.
const MOST_INVITATIONS: u32 = 3;

/// How often one row's write is turned away because something else is at work on it.
const MOST_BUSY: u32 = 6;

/// Longest wait between two tries while the service does not see the new mail.
const LONGEST_SETTLE: Duration = Duration::from_mins(2);

impl RowRun<'_, '_> {
    /// Sends the invitation; again only when it is known that it was not sent.
    pub(super) async fn invite(
        &mut self,
        invitation: &Invitation,
        mut guest: DirectoryUser,
    ) -> Result<Outcome, Done> {
        let request = request(invitation, self.user_id());
        let (mut sent, mut throttled, mut busy, mut unseen) = (0, 0, 0, 0);
        let mut settle_wait = self.run.settings.settle.max(Duration::from_secs(1));
        loop {
            if let Err(error) = self.run.graph.invitation_turn().await {
                return Err(self.call_failed(error, "sending the invitation").await);
            }
            // Someone may have redeemed or invited while the new mail settled or the turn
            // was long in coming. The mail itself is no question here: a replica may still
            // show the old one.
            let is_old = self.read_at.elapsed() > FRESH;
            if is_old {
                guest = self.look().await?;
            }
            // Quiet hours may have begun while a lost answer was settled.
            if self.is_reminder() && !self.may_remind(&guest) {
                return Err(self.not_attempted());
            }
            if is_old && let Some(conflict) = redemption_conflict(&self.expected(&guest), &guest) {
                return Err(self.failed(conflict).await);
            }
            let before = guest.redemption.clone();
            let intended_at = self.run.graph.clock().service_now();
            // P1: the intent is durable before the request leaves. The order of these
            // two lines is the design.
            let silent = !request.send_invitation_message;
            self.record_at(self.intent(before.clone(), silent), intended_at).await?;
            self.is_intended.store(true, Ordering::Relaxed);
            self.is_silent.store(silent, Ordering::Relaxed);
            let mut trace = Trace::default();
            // Until what became of it is written down.
            let _leaving = self.run.stop.leaving(self.row.line);
            let answer = self.run.graph.invite(&request, &mut trace).await;
            self.leave(trace);
            let error = match answer {
                Ok(link) => return self.accepted(link).await,
                Err(error) => error,
            };
            match error {
                CallError::Throttled { by_service } => {
                    throttled += u32::from(by_service);
                    if throttled == THROTTLED_ATTEMPTS {
                        let error = CallError::ThrottledOut(throttled);
                        return Err(self.call_failed(error, "sending the invitation").await);
                    }
                    self.outstanding("turned away before it was carried out".to_owned()).await?;
                }
                CallError::Lost { evidence } => {
                    if let Some(by) = self.run.graph.answered_by_others() {
                        self.note_stop(&CallError::Foreign(by));
                    }
                    sent += 1;
                    let record =
                        Record::Unknown { key: self.key.clone(), evidence: evidence.clone() };
                    if self.append(record).await.is_err() {
                        return Err(Done(Outcome::Unknown { evidence }));
                    }
                    self.enter(Phase::Clearing);
                    let lost_at = self.run.graph.clock().now();
                    let (before, accepted_at) = (Some(&before), self.change.accepted_at);
                    let invited_before = self.change.ours.invited_at;
                    let intent = Intent { at: intended_at, before, accepted_at, invited_before };
                    let lost = self.lost_answer(intent, lost_at);
                    let is_sent = self.was_sent(&lost).await?;
                    let is_remade = is_sent && self.is_to_be_remade(intended_at).await?;
                    if is_sent && !is_remade {
                        return self.invited(InvitedHow::SettledFromDirectory).await;
                    }
                    if sent == MOST_INVITATIONS {
                        // Outstanding on record, like every step without answer: the next
                        // run takes it up.
                        let failure = unanswered("sending the invitation", &evidence);
                        return Err(Done(Outcome::Failed(failure)));
                    }
                    self.lost = Some(lost).filter(|_| !is_remade);
                    self.enter(Phase::Inviting);
                    guest = self.look().await?;
                }
                CallError::Refused { refusal, verdict: Verdict::RetrySoon } => {
                    busy += 1;
                    if busy == MOST_BUSY {
                        let failure = unanswered("sending the invitation", &refusal.to_string());
                        return Err(self.postponed(failure).await);
                    }
                    // Turned away before anything was done, like a 429.
                    self.outstanding(refusal.to_string()).await?;
                    let wait = refusal.retry_after.unwrap_or_else(|| backoff(busy));
                    (self.run.observe)(Event::Retrying {
                        line: Some(self.row.line),
                        attempt: busy,
                        wait,
                        why: refusal.to_string(),
                    });
                    self.wait(wait).await?;
                }
                CallError::Refused { refusal, verdict: Verdict::RowFailed(cause) }
                    if cause.code == GONE && unseen < MOST_UNSEEN =>
                {
                    unseen += 1;
                    self.outstanding(refusal.to_string()).await?;
                    // Ends the row when the guest is gone indeed.
                    guest = self.look().await?;
                    self.wait(backoff(unseen)).await?;
                }
                CallError::Refused { refusal, verdict: Verdict::RetryWhileReplicating(cause) } => {
                    let lags_at_most = self.run.settings.replication_lag;
                    let still_lags = |written: Instant| written.elapsed() < lags_at_most;
                    if !self.written_at.is_some_and(still_lags) {
                        return Err(self.postponed(refused(&refusal, cause)).await);
                    }
                    self.outstanding(refusal.to_string()).await?;
                    self.enter(Phase::Settling);
                    (self.run.observe)(Event::Retrying {
                        line: Some(self.row.line),
                        attempt: 1,
                        wait: settle_wait,
                        why: refusal.message.clone(),
                    });
                    self.wait(settle_wait).await?;
                    settle_wait = (settle_wait * 2).min(LONGEST_SETTLE.max(settle_wait));
                    self.enter(Phase::Inviting);
                }
                other => {
                    return Err(self.call_failed(other, "sending the invitation").await);
                }
            }
        }
    }

    fn intent(&self, before: Redemption, silent: bool) -> Record {
        let reason = if self.is_remade.load(Ordering::Relaxed) {
            IntentReason::Unmailed
        } else {
            intent_reason(self.change.reason).expect("a correction sends no invitation")
        };
        let (key, reference) = (self.key.clone(), self.reference());
        let anew = self.begins_anew();
        Record::Intended { key, reference, reason, before, silent, anew }
    }
}
