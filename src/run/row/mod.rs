//! One row from beginning to end: settle what an earlier run left open, look,
//! write the mail, wait, write down the intent, invite, write down the answer.

mod end;
mod invite;
mod lost_answer;
mod mail;
mod mailbox;
mod write;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::checkpoint::Record;
use crate::domain::{DirectoryUser, InvitationKey, RedeemUrl, RedemptionState, Trace, UserId};
use crate::graph::Presence;
use crate::plan::{Change, ChangeReason, PlannedRow};

use super::engine::{Run, is_written_before};
use super::event::{Event, Failure, InvitedHow, Outcome, Phase};
use super::lost_answer::{Intent, LostAnswer};
use super::own_failure::OwnFailure;
use super::precheck::{Precheck, precheck, redemption_conflict};

pub(super) use end::not_settled;
pub use end::stop_reason;

/// How often a write does not find a guest that a look finds: a replica that is behind.
const MOST_UNSEEN: u32 = 5;

/// A reading of the guest that is older is taken again before it is invited.
const FRESH: Duration = Duration::from_secs(2);

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
    pub(super) lost: Option<LostAnswer>,
    /// Whether an earlier run's lost answer is still open.
    pub(super) is_open: bool,
    /// Since when the service may not have caught up with the new mail.
    pub(super) written_at: Option<Instant>,
    /// Whether the checkpoint holds an intent of this run that may have to be taken back.
    pub(super) is_intended: AtomicBool,
    /// An invitation of ours was accepted, and its link lost: another is on its way.
    pub(super) is_remade: AtomicBool,
    /// Whether Microsoft was asked not to mail the last invitation.
    pub(super) is_silent: AtomicBool,
    /// The link of the invitation that was accepted.
    pub(super) link: Option<RedeemUrl>,
    /// What the last write left with the service, until it is written down.
    pub(super) trace: Mutex<Option<Trace>>,
    /// The code of an answer that is true of the tenant, until it is written down.
    pub(super) stops: Mutex<Option<&'static str>>,
}

impl Run<'_> {
    /// Carries out one row and says in which phase it ended.
    pub(super) async fn row(&self, row: &PlannedRow, change: &Change) -> (Option<Phase>, Outcome) {
        let key = row.key().expect("a change has a guest and an address");
        let mut row = RowRun {
            run: self,
            row,
            change,
            key,
            phase: None,
            patched: is_written_before(change),
            read_at: Instant::now(),
            lost: None,
            is_open: change.unsettled.is_some(),
            written_at: None,
            is_intended: AtomicBool::new(false),
            is_remade: AtomicBool::new(false),
            is_silent: AtomicBool::new(change.unsettled.as_ref().is_some_and(|open| open.silent)),
            link: None,
            trace: Mutex::default(),
            stops: Mutex::default(),
        };
        let outcome = match row.steps().await {
            Ok(outcome) | Err(Done(outcome)) => outcome,
        };
        row.keep_stop().await;
        (row.phase, outcome)
    }
}

impl RowRun<'_, '_> {
    async fn steps(&mut self) -> Result<Outcome, Done> {
        if self.change.reason == ChangeReason::Mail {
            return self.mail_held().await;
        }
        if self.change.reason == ChangeReason::ReminderMail {
            return self.remind_by_mail().await;
        }
        if let Some(open) = &self.change.unsettled {
            self.enter(Phase::Clearing);
            // An earlier run may have sent it until the moment it ended.
            let ended_at = self.run.settings.earlier_runs_ended_at;
            let before = open.before.as_ref();
            let (accepted_at, invited_before) = (open.accepted_at, open.invited_before);
            let intent = Intent { at: open.intended_at, before, accepted_at, invited_before };
            let lost = self.lost_answer(intent, ended_at);
            let is_sent = self.was_sent(&lost).await?;
            let is_remade = is_sent && self.is_to_be_remade(open.intended_at).await?;
            if is_sent && !is_remade {
                return self.invited(InvitedHow::SettledFromDirectory).await;
            }
            self.is_open = false;
            if open.lapses && !is_remade {
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
            self.lost = Some(lost).filter(|_| !is_remade);
        }
        let place = self.place_ahead().await?;
        self.reserve_mail()?;
        let mut lane = Some(self.run.lane.acquire().await.expect("the lane is never closed"));
        if self.run.stop.is_requested() {
            return Err(self.not_attempted());
        }
        self.enter(Phase::Patching);
        let mut guest = self.look().await?;
        let mut verdict = precheck(&self.expected(&guest), &guest);
        if matches!(verdict, Precheck::Conflict(_)) && self.may_be_a_lagging_reading(&guest) {
            // Nothing is to be written any more: others need not wait behind this one.
            lane = None;
            self.enter(Phase::Settling);
            guest = self.look_until_it_shows_our_mail(guest).await?;
            verdict = precheck(&self.expected(&guest), &guest);
        }
        if !matches!(verdict, Precheck::Conflict(_)) {
            self.check_letter(&guest).await?;
        }
        if self.is_reminder() && (verdict != Precheck::NothingToWrite || !self.may_remind(&guest)) {
            return Err(self.not_attempted());
        }
        match &verdict {
            Precheck::Conflict(failure) => return Err(self.failed(failure.clone()).await),
            Precheck::NothingToWrite => self.assume_written(),
            Precheck::Write => self.write_mail(&guest).await?,
        }
        if self.change.reason == ChangeReason::RevertMail {
            self.record(Record::Reverted { key: self.key.clone() }).await?;
        }
        let Some(invitation) = &self.change.invite else {
            return Ok(Outcome::AsWanted { written: verdict == Precheck::Write });
        };
        if self.written_at.is_some() {
            lane = None;
            self.enter(Phase::Settling);
            self.wait(self.run.settings.settle).await?;
        }
        self.enter(Phase::Inviting);
        let read = self.post().is_some().then(|| guest.clone());
        let outcome = self.invite(invitation, guest).await?;
        drop(lane);
        let outcome = match (outcome, read) {
            (Outcome::Invited(how), Some(guest)) => self.mail_new(how, &guest).await,
            (outcome, _) => outcome,
        };
        drop(place);
        Ok(outcome)
    }

    pub(super) async fn look(&mut self) -> Result<DirectoryUser, Done> {
        let lag = self.run.settings.replication_lag;
        let seen = self.run.graph.look_for(self.user_id(), lag).await;
        self.read_at = Instant::now();
        let failure = match seen {
            Ok(Presence::Here(guest)) => return self.not_sent_after_all(*guest).await,
            Ok(absent @ Presence::Deleted { .. }) => OwnFailure::Gone.because(absent.to_string()),
            Ok(absent @ Presence::Absent) => OwnFailure::NotFound.because(absent.to_string()),
            Err(error) => return Err(self.call_failed(error, "reading the guest").await),
        };
        Err(self.failed(failure).await)
    }

    /// Nothing to write: but if this campaign wrote it, perhaps a moment ago, the
    /// invitation service may not have seen it yet.
    fn assume_written(&mut self) {
        self.written_at = self.is_ours().then(Instant::now);
    }

    /// Whether it is a wish of which nothing earlier stands.
    pub(super) fn begins_anew(&self) -> bool {
        matches!(
            self.change.reason,
            ChangeReason::NewAddress | ChangeReason::ResetOnly | ChangeReason::Revert
        ) && !self.is_remade.load(Ordering::Relaxed)
    }

    /// Whether an address that is there already may be this campaign's own writing.
    pub(super) fn is_ours(&self) -> bool {
        match self.change.reason {
            ChangeReason::NewAddress
            | ChangeReason::FinishEarlierRun
            | ChangeReason::UnknownOutcome
            | ChangeReason::RetryFailed
            | ChangeReason::Revert
            | ChangeReason::RevertMail
            // One that was cut off may have written it a moment ago.
            | ChangeReason::Resend
            | ChangeReason::Unmailed => true,
            ChangeReason::ResetOnly
            | ChangeReason::Reminder
            | ChangeReason::Correction
            | ChangeReason::Mail
            | ChangeReason::ReminderMail => false,
        }
    }

    pub(super) fn is_reminder(&self) -> bool {
        self.change.reason.is_reminder()
    }

    /// Whether a guest about to be reminded still waits for nothing else, and this is
    /// still the time for it. If not, it was not to be sent, and nothing has failed.
    pub(super) fn may_remind(&self, guest: &DirectoryUser) -> bool {
        let until = self.run.settings.reminders_until;
        guest.redemption.state == Some(RedemptionState::PendingAcceptance)
            && redemption_conflict(&self.expected(guest), guest).is_none()
            && until.is_none_or(|until| self.run.graph.clock().service_now() < until)
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

    pub(super) fn reference(&self) -> String {
        self.row.user.to_lowercase()
    }
}
