//! One row from beginning to end: settle what an earlier run left open, look,
//! write the mail, wait, write down the intent, invite, write down the answer.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::checkpoint::{BeforeImage, CheckpointError, Record};
use crate::domain::{DirectoryUser, InvitationKey, Redemption, UserId};
use crate::graph::wire;
use crate::graph::{AuthError, CallError, Cause, Refusal, StopCause, Verdict};
use crate::plan::{Change, ChangeReason, Invitation, PlannedRow, SetMail};

use super::engine::Run;
use super::event::{Event, Failure, InvitedHow, Outcome, Phase, StopReason};
use super::precheck::{Precheck, precheck};
use super::settle::{Settlement, settle};

/// How often one row's invitation is sent when each time the directory shows that
/// the one before never happened.
const MOST_INVITATIONS: u32 = 3;

/// Longest wait between two tries while the service does not see the new mail.
const LONGEST_SETTLE: Duration = Duration::from_secs(120);

/// First wait before a guest is read again to settle a lost answer; doubles up to
/// the replication lag.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// The row has its outcome: leaves the rest of its steps out.
struct Done(Outcome);

/// A row under way.
struct RowRun<'r, 'a> {
    run: &'r Run<'a>,
    row: &'r PlannedRow,
    change: &'r Change,
    key: InvitationKey,
    phase: Option<Phase>,
    /// Its mail was written, in this run.
    patched: bool,
    /// Since when the service may not have caught up with the new mail.
    written_at: Option<Instant>,
}

impl Run<'_> {
    /// Carries out one row and says in which phase it ended.
    pub(super) async fn row(&self, row: &PlannedRow, change: &Change) -> (Option<Phase>, Outcome) {
        let user_id = row.user_id.expect("a change has a guest");
        let key = InvitationKey { user_id, address: change.invitation.address.clone() };
        let mut row =
            RowRun { run: self, row, change, key, phase: None, patched: false, written_at: None };
        let outcome = match row.steps().await {
            Ok(outcome) | Err(Done(outcome)) => outcome,
        };
        (row.phase, outcome)
    }

    /// Waits until the directory shows an invitation of this run, for the canary.
    pub(super) async fn is_visible(&self, row: &PlannedRow, change: &Change) -> Result<(), String> {
        let user_id = row.user_id.expect("a change has a guest");
        let address = &change.invitation.address;
        let until = Instant::now() + self.settings.replication_lag;
        let mut wait = FIRST_LOOK;
        loop {
            let guest = self.graph.user(user_id).await.map_err(|error| error.to_string())?;
            let shows = guest.as_ref().is_some_and(|guest| {
                let newer = guest.redemption_changed_at > change.redemption.changed_at;
                newer && (guest.has_mail(address) || guest.has_other_mail(address))
            });
            if shows {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(format!(
                    "line {}: the directory does not show the invitation of {address}",
                    row.line
                ));
            }
            tokio::select! {
                () = tokio::time::sleep_until((Instant::now() + wait).min(until)) => {}
                () = self.stop.requested() => return Err("the run was stopped".to_owned()),
            }
            wait *= 2;
        }
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
        }
        let lane = self.run.lane.acquire().await.expect("the lane is never closed");
        if self.run.stop.is_requested() {
            return Err(self.not_attempted());
        }
        self.enter(Phase::Patching);
        let guest = self.look().await?;
        match precheck(self.change, &guest) {
            Precheck::Conflict(failure) => return Err(self.failed(failure).await),
            Precheck::NothingToWrite => self.assume_written(),
            Precheck::Write => self.write_mail(&guest).await?,
        }
        if self.written_at.is_some() {
            drop(lane);
            self.enter(Phase::Settling);
            self.wait(self.run.settings.settle).await?;
        }
        self.enter(Phase::Inviting);
        self.invite(guest).await
    }

    /// Reads the guest.
    async fn look(&self) -> Result<DirectoryUser, Done> {
        match self.run.graph.user(self.user_id()).await {
            Ok(Some(guest)) => Ok(guest),
            Ok(None) => Err(self
                .failed(Failure {
                    code: "gone".to_owned(),
                    message: "the guest was deleted after the plan was made".to_owned(),
                    advice: "restore the guest, or take the row out of the manifest".to_owned(),
                    request_id: None,
                })
                .await),
            Err(error) => Err(self.call_failed(error, "reading the guest").await),
        }
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
        if let Err(error) = self.run.graph.patch_user(self.user_id(), &patch(set)).await {
            return Err(self.call_failed(error, "writing the mail").await);
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
        let by_us = match self.change.reason {
            ChangeReason::NewAddress
            | ChangeReason::FinishEarlierRun
            | ChangeReason::UnknownOutcome
            | ChangeReason::RetryFailed => true,
            ChangeReason::ResetOnly | ChangeReason::Resend => false,
        };
        self.written_at = by_us.then(Instant::now);
    }

    /// Sends the invitation; again only when it is known that it was not sent.
    async fn invite(&mut self, mut guest: DirectoryUser) -> Result<Outcome, Done> {
        let request = request(&self.change.invitation, self.user_id());
        let mut sent = 0;
        let mut settle_wait = self.run.settings.settle.max(Duration::from_secs(1));
        loop {
            let before = redemption(&guest);
            let intended_at = self.run.graph.clock().service_now();
            // P1: the intent is durable before the request leaves. The order of these
            // two lines is the design.
            self.record_at(self.intent(before.clone()), intended_at).await?;
            let error = match self.run.graph.invite(&request).await {
                Ok(_accepted) => return self.invited(InvitedHow::Accepted).await,
                Err(error) => error,
            };
            match error {
                CallError::Lost { evidence } => {
                    sent += 1;
                    let key = self.key.clone();
                    self.record(Record::Unknown { key, evidence: evidence.clone() }).await?;
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
                    self.enter(Phase::Inviting);
                    guest = self.look().await?;
                }
                CallError::Refused { refusal, verdict: Verdict::RetryWhileReplicating(cause) } => {
                    let lags_at_most = self.run.settings.replication_lag;
                    let still_lags = |written: Instant| written.elapsed() < lags_at_most;
                    if !self.written_at.is_some_and(still_lags) {
                        return Err(self.failed(refused(&refusal, cause)).await);
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
        Record::Intended { key: self.key.clone(), reference: self.reference(), before }
    }

    /// Reads the guest until the directory tells whether an invitation was sent:
    /// true when it was, false when it certainly was not. `over` is the moment, in
    /// our time, after which nothing can have been sent any more.
    async fn settle_from_directory(
        &mut self,
        before: Option<&Redemption>,
        intended_at: Timestamp,
        over: Timestamp,
    ) -> Result<bool, Done> {
        let lag = SignedDuration::try_from(self.run.settings.replication_lag)
            .unwrap_or(SignedDuration::MAX);
        let certain_at = over.saturating_add(lag).unwrap_or(Timestamp::MAX);
        let mut wait = FIRST_LOOK;
        loop {
            let lag_is_over = self.run.graph.clock().now() >= certain_at;
            let now = match self.run.graph.user(self.user_id()).await {
                Ok(Some(guest)) => redemption(&guest),
                Ok(None) => {
                    return Err(self.unknown("the guest no longer exists".to_owned()).await);
                }
                Err(error) => {
                    self.note_stop(&error);
                    return Err(self
                        .unknown(format!("the guest could not be read: {error}"))
                        .await);
                }
            };
            match settle(before, intended_at, &now, lag_is_over) {
                Settlement::Sent => return Ok(true),
                Settlement::Outstanding => {
                    self.outstanding("the directory shows no change".to_owned()).await?;
                    return Ok(false);
                }
                Settlement::Undecided => {
                    let evidence = evidence(before, intended_at, &now);
                    return Err(self.unknown(evidence).await);
                }
                Settlement::TooEarly => {}
            }
            let left = certain_at.duration_since(self.run.graph.clock().now());
            // A millisecond more, so that the last look is surely past the bound.
            let left = Duration::try_from(left).unwrap_or_default() + Duration::from_millis(1);
            let stopped = tokio::select! {
                () = tokio::time::sleep(wait.min(left)) => false,
                () = self.run.stop.requested() => true,
            };
            if stopped {
                let evidence =
                    "the run ended before a replica had to show it; the next run settles it";
                return Err(self.unknown(evidence.to_owned()).await);
            }
            wait = wait.saturating_mul(2);
        }
    }

    /// A call that gave no result and will not be tried again in this run.
    async fn call_failed(&self, error: CallError, doing: &str) -> Done {
        self.note_stop(&error);
        match error {
            // Nothing was sent, or nothing about this guest was refused: the row is
            // as it was, and the next run takes it up.
            CallError::Stopped
            | CallError::Auth(_)
            | CallError::Unreachable(_)
            | CallError::ThrottledOut(_)
            | CallError::Refused { verdict: Verdict::StopRun(_), .. } => {
                self.put_back(&error.to_string()).await
            }
            CallError::Refused { refusal, verdict } => match verdict {
                Verdict::RowFailed(cause) | Verdict::RetryWhileReplicating(cause) => {
                    self.failed(refused(&refusal, cause)).await
                }
                Verdict::NotPermitted(cause) => {
                    if let Some(reason) = self.run.tally.count_refusal(&refusal.to_string()) {
                        self.run.stop(reason);
                    }
                    self.failed(refused(&refusal, cause)).await
                }
                Verdict::Retry | Verdict::RefreshToken | Verdict::OutcomeUnknown => {
                    self.unanswered(doing, &refusal.to_string()).await
                }
                Verdict::StopRun(_) => self.put_back(&refusal.to_string()).await,
            },
            CallError::Lost { evidence } => self.unanswered(doing, &evidence).await,
            CallError::Protocol(detail) => self.unanswered(doing, &detail).await,
        }
    }

    /// Ends the run when the error is true of all rows.
    fn note_stop(&self, error: &CallError) {
        let reason = match error {
            CallError::Auth(AuthError::Unreachable(error)) | CallError::Unreachable(error) => {
                StopReason::Unreachable { message: error.to_string() }
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
            | CallError::Lost { .. }
            | CallError::Protocol(_) => return,
        };
        self.run.stop(reason);
    }

    /// A step before the invitation that is safe to repeat stayed without answer.
    /// That is no refusal: the next run tries again unasked.
    async fn unanswered(&self, doing: &str, evidence: &str) -> Done {
        if self.has_begun()
            && let Err(done) = self.outstanding(evidence.to_owned()).await
        {
            return done;
        }
        Done(Outcome::Failed(unanswered(doing, evidence)))
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

    /// Whether the checkpoint holds an intent that has to be taken back.
    fn has_begun(&self) -> bool {
        matches!(self.phase, Some(Phase::Inviting))
    }

    fn not_attempted(&self) -> Done {
        Done(Outcome::NotAttempted { patched: self.patched })
    }

    async fn outstanding(&self, why: String) -> Result<(), Done> {
        self.record(Record::Outstanding { key: self.key.clone(), why }).await
    }

    async fn invited(&self, how: InvitedHow) -> Result<Outcome, Done> {
        let word = match how {
            InvitedHow::Accepted => "accepted",
            InvitedHow::SettledFromDirectory => "settled-from-directory",
        };
        // P2: success is reported after its record is durable.
        match self.append(Record::Invited { key: self.key.clone(), how: word }).await {
            Ok(()) => Ok(Outcome::Invited(how)),
            Err(error) => Err(Done(Outcome::Unknown {
                evidence: format!(
                    "the invitation was accepted, but that could not be recorded: {error}"
                ),
            })),
        }
    }

    async fn unknown(&self, evidence: String) -> Done {
        let record = Record::Unknown { key: self.key.clone(), evidence: evidence.clone() };
        // The intent is durable already and says the same without the evidence.
        let _ = self.append(record).await;
        Done(Outcome::Unknown { evidence })
    }

    async fn failed(&self, failure: Failure) -> Done {
        let record = Record::Failed {
            key: self.key.clone(),
            code: failure.code.clone(),
            message: failure.message.clone(),
            request_id: failure.request_id.clone(),
        };
        match self.append(record).await {
            Ok(()) => Done(Outcome::Failed(failure)),
            Err(_) => self.not_attempted(),
        }
    }

    /// Writes a record; when that fails, the row goes no further.
    async fn record(&self, record: Record) -> Result<(), Done> {
        self.record_at(record, self.run.graph.clock().service_now()).await
    }

    async fn record_at(&self, record: Record, at: Timestamp) -> Result<(), Done> {
        self.append_at(record, at).await.map_err(|_| self.not_attempted())
    }

    async fn append(&self, record: Record) -> Result<(), CheckpointError> {
        self.append_at(record, self.run.graph.clock().service_now()).await
    }

    async fn append_at(&self, record: Record, at: Timestamp) -> Result<(), CheckpointError> {
        let written = self.run.journal.append(record, at).await;
        if let Err(error) = &written {
            self.run.stop(StopReason::Checkpoint { message: error.to_string() });
        }
        written
    }

    async fn wait(&self, wait: Duration) -> Result<(), Done> {
        tokio::select! {
            biased;
            () = self.run.stop.requested() => Err(self.not_attempted()),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    fn enter(&mut self, to: Phase) {
        let from = self.phase.replace(to);
        (self.run.observe)(Event::RowEntered { line: self.row.line, from, to });
    }

    fn user_id(&self) -> UserId {
        self.key.user_id
    }

    fn reference(&self) -> String {
        self.row.user.to_lowercase()
    }
}

fn redemption(guest: &DirectoryUser) -> Redemption {
    Redemption { state: guest.redemption.clone(), changed_at: guest.redemption_changed_at }
}

fn patch(set: &SetMail) -> wire::UserPatch {
    wire::UserPatch {
        mail: set.desired.as_ref().map(|mail| mail.as_str().to_owned()),
        other_mails: set
            .other_mails
            .as_ref()
            .map(|set| set.desired.iter().map(|mail| (**mail).to_owned()).collect()),
    }
}

fn request(invitation: &Invitation, guest: UserId) -> wire::InvitationRequest {
    let Invitation { address, redirect_url, send, message, cc, language, display_name } =
        invitation;
    let info = wire::InvitedUserMessageInfo {
        message_language: language.as_ref().map(|language| language.as_str().to_owned()),
        customized_message_body: message.as_ref().map(|message| message.as_str().to_owned()),
        cc_recipients: cc
            .iter()
            .map(|cc| wire::Recipient {
                email_address: wire::EmailAddress {
                    name: None,
                    address: Some(cc.as_str().to_owned()),
                },
            })
            .collect(),
    };
    wire::InvitationRequest {
        invited_user_email_address: address.as_str().to_owned(),
        invite_redirect_url: redirect_url.as_str().to_owned(),
        invited_user_display_name: display_name.as_deref().map(str::to_owned),
        send_invitation_message: *send,
        invited_user_message_info: (info != wire::InvitedUserMessageInfo::default())
            .then_some(info),
        reset_redemption: true,
        invited_user: Some(wire::InvitedUser { id: guest.to_string(), user_principal_name: None }),
    }
}

fn refused(refusal: &Refusal, cause: Cause) -> Failure {
    Failure {
        code: cause.code.to_owned(),
        message: refusal.to_string(),
        advice: cause.advice.to_owned(),
        request_id: refusal.request_id.clone(),
    }
}

fn unanswered(doing: &str, evidence: &str) -> Failure {
    Failure {
        code: "unanswered".to_owned(),
        message: format!("{doing}: no usable answer after several tries, last {evidence}"),
        advice: "the next apply tries again".to_owned(),
        request_id: None,
    }
}

/// What a person needs to decide what the directory could not.
fn evidence(before: Option<&Redemption>, intended_at: Timestamp, now: &Redemption) -> String {
    let show = |redemption: &Redemption| {
        let state = redemption.state.as_ref().map_or("none".to_owned(), ToString::to_string);
        let since = redemption.changed_at.map_or("never".to_owned(), |at| at.to_string());
        format!("{state} since {since}")
    };
    format!(
        "intended at {intended_at:.0}; redemption before: {}, now: {}",
        before.map_or("not recorded".to_owned(), show),
        show(now)
    )
}
