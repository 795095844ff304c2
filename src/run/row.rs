//! One row from beginning to end: settle what an earlier run left open, look,
//! write the mail, wait, write down the intent, invite, write down the answer.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::checkpoint::{BeforeImage, Record};
use crate::domain::{DirectoryUser, InvitationKey, Redemption, RedemptionState, Trace, UserId};
use crate::graph::{CallError, GONE, Presence, THROTTLED_ATTEMPTS, Verdict, backoff};
use crate::plan::{Change, ChangeReason, PlannedRow};

use super::ending::{refused, unanswered};
use super::engine::{Run, is_written_before};
use super::event::{Event, Failure, InvitedHow, Outcome, Phase};
use super::precheck::{Precheck, precheck, redemption_conflict};
use super::request::{patch, request};

/// How often one row's invitation is sent when each time the directory shows that
/// the one before never happened.
const MOST_INVITATIONS: u32 = 3;

/// How often one row's write is turned away because something else is at work on it.
const MOST_BUSY: u32 = 6;

/// How often a write does not find a guest that a look finds: a replica that is behind.
const MOST_UNSEEN: u32 = 5;

/// A reading of the guest that is older is taken again before it is invited.
const FRESH: Duration = Duration::from_secs(2);

/// Longest wait between two tries while the service does not see the new mail.
const LONGEST_SETTLE: Duration = Duration::from_secs(120);

/// The row has its outcome: leaves the rest of its steps out.
pub(super) struct Done(pub(super) Outcome);

pub(super) struct RowRun<'r, 'a> {
    pub(super) run: &'r Run<'a>,
    pub(super) row: &'r PlannedRow,
    pub(super) change: &'r Change,
    pub(super) key: InvitationKey,
    pub(super) phase: Option<Phase>,
    /// Its mail was written, in this run or the one before.
    pub(super) patched: bool,
    /// When the guest was last read.
    pub(super) read_at: Instant,
    /// An intent whose invitation the directory showed not to have been sent: a later
    /// reading, of a replica further on, may yet show that it was.
    pub(super) lost: Option<(Option<Redemption>, Timestamp)>,
    /// Whether an earlier run's lost answer is still open.
    pub(super) is_open: bool,
    /// Since when the service may not have caught up with the new mail.
    pub(super) written_at: Option<Instant>,
    /// Whether the checkpoint holds an intent of this run that may have to be taken back.
    pub(super) is_intended: AtomicBool,
    /// What the last write left with the service, until it is written down.
    pub(super) trace: Mutex<Option<Trace>>,
}

impl Run<'_> {
    /// Carries out one row and says in which phase it ended.
    pub(super) async fn row(&self, row: &PlannedRow, change: &Change) -> (Option<Phase>, Outcome) {
        let user_id = row.user_id.expect("a change has a guest");
        let key = InvitationKey { user_id, address: change.invitation.address.clone() };
        let mut row = RowRun {
            run: self,
            row,
            change,
            key,
            phase: None,
            patched: is_written_before(&row.decision),
            read_at: Instant::now(),
            lost: None,
            is_open: change.unsettled.is_some(),
            written_at: None,
            is_intended: AtomicBool::new(false),
            trace: Mutex::default(),
        };
        let outcome = match row.steps().await {
            Ok(outcome) | Err(Done(outcome)) => outcome,
        };
        (row.phase, outcome)
    }
}

impl RowRun<'_, '_> {
    async fn steps(&mut self) -> Result<Outcome, Done> {
        if let Some(open) = &self.change.unsettled {
            self.enter(Phase::Clearing);
            // An earlier run may have sent it until the moment it ended.
            let over = self.run.settings.earlier_runs_ended_at;
            if self.settle_from_directory(open.before.as_ref(), open.intended_at, over).await? {
                return self.invited(InvitedHow::SettledFromDirectory).await;
            }
            self.is_open = false;
            if open.resent {
                // The guest was invited before: whether it is once more is asked afresh.
                return Err(self.not_attempted());
            }
            if let Some(obstacle) = &open.obstacle {
                let failure = Failure {
                    code: obstacle.code().to_owned(),
                    message: format!("not sent earlier, and not to be sent now: {obstacle}"),
                    advice: "mend that, then run apply with --retry-failed".to_owned(),
                    request_id: None,
                };
                return Err(self.failed(failure).await);
            }
            self.lost = Some((open.before.clone(), open.intended_at));
        }
        let mut lane = Some(self.run.lane.acquire().await.expect("the lane is never closed"));
        if self.run.stop.is_requested() {
            return Err(self.not_attempted());
        }
        self.enter(Phase::Patching);
        let mut guest = self.look().await?;
        let mut verdict = precheck(self.change, &guest);
        if matches!(verdict, Precheck::Conflict(_)) && self.may_be_a_lagging_reading(&guest) {
            // Nothing is to be written any more: others need not wait behind this one.
            lane = None;
            self.enter(Phase::Settling);
            guest = self.look_until_it_shows_our_mail(guest).await?;
            verdict = precheck(self.change, &guest);
        }
        if self.is_reminder() && (verdict != Precheck::NothingToWrite || !self.may_remind(&guest)) {
            return Err(self.not_attempted());
        }
        match verdict {
            Precheck::Conflict(failure) => return Err(self.failed(failure).await),
            Precheck::NothingToWrite => self.assume_written(),
            Precheck::Write => self.write_mail(&guest).await?,
        }
        if self.written_at.is_some() {
            lane = None;
            self.enter(Phase::Settling);
            self.wait(self.run.settings.settle).await?;
        }
        self.enter(Phase::Inviting);
        let outcome = self.invite(guest).await;
        drop(lane);
        outcome
    }

    pub(super) async fn look(&mut self) -> Result<DirectoryUser, Done> {
        self.read_at = Instant::now();
        let lag = self.run.settings.replication_lag;
        let seen = self.run.graph.look_for(self.user_id(), lag).await;
        self.read_at = Instant::now();
        let (message, advice) = match seen {
            Ok(Presence::Here(guest)) => return self.not_sent_after_all(*guest).await,
            Ok(absent @ Presence::Deleted { .. }) => {
                (absent.to_string(), "restore the guest, or take the row out of the manifest")
            }
            Ok(absent @ Presence::Absent) => (
                absent.to_string(),
                "look for the guest in the portal, or take the row out of the manifest",
            ),
            Err(error) => return Err(self.call_failed(error, "reading the guest").await),
        };
        let (code, advice) = (GONE.to_owned(), advice.to_owned());
        Err(self.failed(Failure { code, message, advice, request_id: None }).await)
    }

    /// The plan saw the mail that this campaign wrote, and this reading does not: a
    /// replica that is further behind, unless someone has changed it since.
    fn may_be_a_lagging_reading(&self, guest: &DirectoryUser) -> bool {
        let address = &self.change.invitation.address;
        let by_us = self.is_ours();
        by_us && self.change.set_mail.is_none() && !guest.has_mail(address)
    }

    /// Reads until the replicas have caught up, or have had the time to.
    async fn look_until_it_shows_our_mail(
        &mut self,
        mut guest: DirectoryUser,
    ) -> Result<DirectoryUser, Done> {
        let until = Instant::now() + self.run.settings.replication_lag;
        let mut wait = FRESH;
        while self.may_be_a_lagging_reading(&guest) && Instant::now() < until {
            self.wait(wait.min(until.duration_since(Instant::now()))).await?;
            guest = self.look().await?;
            wait *= 2;
        }
        Ok(guest)
    }

    async fn write_mail(&mut self, guest: &DirectoryUser) -> Result<(), Done> {
        let set = self.change.set_mail.as_ref().expect("there is something to write");
        // The before-image is durable before the write it allows to undo.
        self.record(Record::Patching {
            key: self.key.clone(),
            reference: self.reference(),
            before: BeforeImage {
                mail: guest.mail.as_deref().map(str::to_owned),
                other_mails: guest.other_mails.iter().map(|mail| (**mail).to_owned()).collect(),
            },
        })
        .await?;
        let mut unseen = 0;
        loop {
            let mut trace = Trace::default();
            let written = self.run.graph.patch_user(self.user_id(), &patch(set), &mut trace).await;
            self.leave(trace);
            match written {
                Ok(()) => break,
                Err(CallError::Refused { verdict: Verdict::RowFailed(cause), .. })
                    if cause.code == GONE && unseen < MOST_UNSEEN =>
                {
                    unseen += 1;
                    // Ends the row when the guest is gone indeed.
                    self.look().await?;
                    self.wait(backoff(unseen)).await?;
                }
                Err(error) => return Err(self.call_failed(error, "writing the mail").await),
            }
        }
        self.record(Record::Patched { key: self.key.clone() }).await?;
        self.patched = true;
        self.written_at = Some(Instant::now());
        self.run.tally.count_patch();
        (self.run.observe)(Event::Patched { line: self.row.line });
        Ok(())
    }

    /// Nothing to write: but if this campaign wrote it, perhaps a moment ago, the
    /// invitation service may not have seen it yet.
    fn assume_written(&mut self) {
        self.written_at = self.is_ours().then(Instant::now);
    }

    /// Whether an address that is there already may be this campaign's own writing.
    fn is_ours(&self) -> bool {
        match self.change.reason {
            ChangeReason::NewAddress
            | ChangeReason::FinishEarlierRun
            | ChangeReason::UnknownOutcome
            | ChangeReason::RetryFailed
            // One that was cut off may have written it a moment ago.
            | ChangeReason::Resend => true,
            ChangeReason::ResetOnly | ChangeReason::Reminder => false,
        }
    }

    fn is_reminder(&self) -> bool {
        self.change.reason == ChangeReason::Reminder
    }

    /// Whether a guest about to be reminded still waits for nothing else, and this is
    /// still the time for it. If not, it was not to be sent, and nothing has failed.
    fn may_remind(&self, guest: &DirectoryUser) -> bool {
        let until = self.run.settings.reminders_until;
        guest.redemption == Some(RedemptionState::PendingAcceptance)
            && redemption_conflict(self.change, guest).is_none()
            && until.is_none_or(|until| self.run.graph.clock().service_now() < until)
    }

    /// Sends the invitation; again only when it is known that it was not sent.
    async fn invite(&mut self, mut guest: DirectoryUser) -> Result<Outcome, Done> {
        let request = request(&self.change.invitation, self.user_id());
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
            if is_old && let Some(conflict) = redemption_conflict(self.change, &guest) {
                return Err(self.failed(conflict).await);
            }
            let before = redemption(&guest);
            let intended_at = self.run.graph.clock().service_now();
            // P1: the intent is durable before the request leaves. The order of these
            // two lines is the design.
            self.record_at(self.intent(before.clone()), intended_at).await?;
            self.is_intended.store(true, Ordering::Relaxed);
            let mut trace = Trace::default();
            let answer = self.run.graph.invite(&request, &mut trace).await;
            self.leave(trace);
            let error = match answer {
                Ok(()) => return self.invited(InvitedHow::Accepted).await,
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
                    if self.settle_from_directory(Some(&before), intended_at, lost_at).await? {
                        return self.invited(InvitedHow::SettledFromDirectory).await;
                    }
                    if sent == MOST_INVITATIONS {
                        // Outstanding on record, like every step without answer: the next
                        // run takes it up.
                        let failure = unanswered("sending the invitation", &evidence);
                        return Err(Done(Outcome::Failed(failure)));
                    }
                    self.lost = Some((Some(before), intended_at));
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

    fn intent(&self, before: Redemption) -> Record {
        let reason = self.change.reason.code();
        Record::Intended { key: self.key.clone(), reference: self.reference(), reason, before }
    }

    pub(super) async fn wait(&self, wait: Duration) -> Result<(), Done> {
        tokio::select! {
            biased;
            () = self.run.stop.requested() => Err(self.not_attempted()),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    pub(super) fn enter(&mut self, to: Phase) {
        let from = self.phase.replace(to);
        (self.run.observe)(Event::RowEntered { line: self.row.line, from, to });
    }

    pub(super) fn user_id(&self) -> UserId {
        self.key.user_id
    }

    fn reference(&self) -> String {
        self.row.user.to_lowercase()
    }
}

pub(super) fn redemption(guest: &DirectoryUser) -> Redemption {
    Redemption { state: guest.redemption.clone(), changed_at: guest.redemption_changed_at }
}
