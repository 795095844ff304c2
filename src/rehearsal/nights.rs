//! The runs of a rehearsal, one after the other: an `apply` where nothing is held back for
//! later nights, then a night every 24 hours, until nothing more would happen.
//!
//! Leaves to others: what a run does (`campaign`).

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::campaign::{
    self, Applied, ApplyRequest, CampaignError, Carried, Host, NightRequest, Notice, Reconciled,
    Refusal, Review, Scope, Session, time_budget,
};
use crate::checkpoint::{Checkpoint, WaitLog};
use crate::config::Settings;
use crate::emulator::Options;
use crate::graph::{Clock, Graph, Observation, Pace};
use crate::plan::{Invitation, Plan};
use crate::run::{MailEnd, Outcome, Stop, StopReason, Summary};

use super::calendar::Calendar;
use super::guests::Guests;
use super::stage::{Stage, StageError};
use super::wire::InProcess;
use super::{End, Rehearsal, Request, Run};

/// The most nights of a rehearsal that nobody bounded.
const MOST_NIGHTS: u32 = 366;

/// Nights that reminders may wait for a weekday that they are sent on.
const WEEK: u64 = 7;

/// Why a rehearsal could not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    #[error(transparent)]
    Stage(#[from] StageError),
    /// Every run of the campaign is a night.
    #[error("with no night, nothing of this campaign is carried out")]
    NoNight,
    #[error(transparent)]
    Campaign(#[from] CampaignError),
}

impl From<crate::checkpoint::CheckpointError> for RehearsalError {
    fn from(error: crate::checkpoint::CheckpointError) -> Self {
        Self::Campaign(error.into())
    }
}

/// Holds a rehearsal. To be called in a runtime whose clock is paused; `hear` is told of
/// every run.
pub async fn rehearse(
    mut request: Request<'_>,
    stop: &Stop,
    hear: &(dyn Fn(&Run) + Sync),
) -> Result<Rehearsal, RehearsalError> {
    let options = Options { starts_at: Some(request.begin), ..request.options.clone() };
    let seed = std::mem::take(&mut request.seed);
    fastrand::seed(request.luck);
    let stage = Stage::set(request.settings, seed, options, request.folder)?;
    let guests = Guests::new(&stage.tenant, request.redeem, request.luck);
    let nights = Nights { request: &request, stage: &stage, guests: &guests, stop };
    // It holds a directory and a plan on its way.
    let mut work = Box::pin(nights.all(hear));
    tokio::select! {
        biased;
        done = &mut work => done,
        never = guests.live() => match never {},
    }
}

struct Nights<'a> {
    request: &'a Request<'a>,
    stage: &'a Stage,
    guests: &'a Guests,
    stop: &'a Stop,
}

/// A run, and what it says of those to come.
struct Done {
    run: Run,
    plan: Arc<Plan>,
    /// Rows that a later night is to take, or to settle.
    is_open: bool,
    /// Guests whom a later night may remind.
    is_any_reminded: bool,
}

enum Came {
    Out(Box<Done>),
    Refused(Arc<Plan>, Refusal),
}

impl Nights<'_> {
    async fn all(&self, hear: &(dyn Fn(&Run) + Sync)) -> Result<Rehearsal, RehearsalError> {
        let Self { request, stage, guests, stop } = self;
        let begun_at = stage.tenant.now();
        let mut runs: Vec<Run> = Vec::new();
        let mut first = None;
        let mut quiet = 0;
        let patience = patience(&stage.settings, request);
        let most = request.nights.unwrap_or(MOST_NIGHTS);
        let mut night = u32::from(is_for_nights(&stage.settings));
        let end = loop {
            if night > most {
                break End::OutOfNights;
            }
            if !runs.is_empty() && !self.until_next(begun_at).await {
                break End::Interrupted;
            }
            let done = match self.once(night).await? {
                Came::Out(done) => done,
                Came::Refused(plan, refusal) => {
                    first.get_or_insert(plan);
                    break End::Refused(refusal);
                }
            };
            let Done { run, plan, is_open, is_any_reminded } = *done;
            first.get_or_insert(plan);
            hear(&run);
            quiet = if run.is_eventful { 0 } else { quiet + 1 };
            let reason = run.summary.stop_reason.clone();
            runs.push(run);
            match reason {
                Some(StopReason::Interrupted | StopReason::Terminated) => break End::Interrupted,
                Some(reason) if !goes_on(&reason) => break End::Stopped,
                Some(_) | None => {}
            }
            let is_over = night > 0 && !is_open && !is_any_reminded && !guests.is_any_due();
            if is_over && request.nights.is_none() {
                break End::Settled;
            }
            if quiet > patience && request.nights.is_none() {
                break if is_open { End::Stuck } else { End::Settled };
            }
            if stop.is_requested() {
                break End::Interrupted;
            }
            night += 1;
        };
        let (redeemed, last_redeemed_at) = guests.redeemed();
        let last_run = runs.iter().rev().find(|run| run.is_eventful).or(runs.first());
        let last_at = last_run.map(|run| run.ended_at).max(last_redeemed_at).unwrap_or(begun_at);
        Ok(Rehearsal {
            begun_at,
            last_at,
            ended_at: stage.tenant.now(),
            runs,
            mails: Calendar::of(&guests.mailed()),
            redeemed,
            plan: first.ok_or(RehearsalError::NoNight)?,
            end,
        })
    }

    /// Waits for the next hour of a night. False where somebody asked to stop.
    async fn until_next(&self, begun_at: Timestamp) -> bool {
        let day = SignedDuration::from_hours(24);
        let now = self.stage.tenant.now();
        let mut next = begun_at;
        while next <= now {
            next += day;
        }
        let wait = Duration::try_from(next.duration_since(now)).unwrap_or_default();
        tokio::select! {
            biased;
            () = self.stop.requested() => false,
            () = tokio::time::sleep(wait) => true,
        }
    }

    /// One run; the n-th night, or for 0 an `apply`.
    async fn once(&self, night: u32) -> Result<Came, RehearsalError> {
        let Self { request, stage, guests, .. } = self;
        let stop = Stop::new();
        let waits = Arc::new(Mutex::new(None));
        let graph = self.graph(&stop, &waits);
        let now = graph.clock().now();
        let checkpoint = Checkpoint::open(&stage.checkpoint, now)?;
        let budget = time_budget(request.max_duration, request.until, now);
        let session = Session {
            settings: &stage.settings,
            graph: &graph,
            stop: &stop,
            deadline: budget.map(|left| Instant::now() + left),
        };
        let host = Watch { waits };
        let command = if night == 0 { "apply" } else { "reconcile" };
        let (began_at, codes) = (now, request.codes);
        let (earlier, _) = guests.redeemed();
        let ended = |plan: &Plan, outcomes: &[Option<Outcome>], summary: &Summary| {
            self.send_files(plan, outcomes, summary);
            guests.look();
            stage.tenant.now()
        };
        if night == 0 {
            let wanted =
                ApplyRequest { reset_matching: request.reset_matching, ..ApplyRequest::default() };
            let manifest = request.manifest;
            let work = campaign::apply(&session, checkpoint, manifest, wanted, &host, codes.apply);
            let applied = match self.or_stop(&stop, Box::pin(work)).await? {
                Carried::Out(applied) => applied,
                Carried::Refused { plan, refusal } => return Ok(Came::Refused(plan, refusal)),
                Carried::Declined(never) => match never {},
            };
            let Applied { plan, result, ended: written } = applied;
            written?;
            let exit_code = (codes.apply)(&result);
            let ended_at = ended(&plan, &result.outcomes, &result.summary);
            let (redeemed, _) = guests.redeemed();
            let summary = result.summary;
            let is_open = summary.not_attempted + summary.unknown + summary.mails_due() > 0;
            let run = Run {
                command,
                night,
                began_at,
                ended_at,
                exit_code,
                reminded: 0,
                wave: plan.wave.clone(),
                redeemed,
                is_eventful: true,
                summary,
            };
            return Ok(Came::Out(Box::new(Done { run, plan, is_open, is_any_reminded: true })));
        }
        let wanted =
            NightRequest { scope: Scope::Everything, reset_matching: request.reset_matching };
        let work =
            campaign::reconcile(&session, checkpoint, request.manifest, wanted, &host, codes.night);
        let Reconciled { night_plan, night: done, ended: written } =
            match self.or_stop(&stop, Box::pin(work)).await? {
                Carried::Out(reconciled) => reconciled,
                Carried::Refused { plan, refusal } => return Ok(Came::Refused(plan, refusal)),
                Carried::Declined(never) => match never {},
            };
        written?;
        let exit_code = (codes.night)(&done);
        let plan = Arc::clone(&night_plan.plan);
        let ended_at = ended(&plan, &done.outcomes, &done.summary);
        let (redeemed, _) = guests.redeemed();
        let campaign::Night { summary, digest, .. } = done;
        let unknown = summary.unknown + digest.verified.unknown.len() as u64;
        let is_open = summary.not_attempted + unknown + summary.mails_due() > 0;
        let standing = digest.verified.standing;
        let waiting_guests = standing.pending + standing.too_early;
        let is_any_reminded =
            stage.settings.remind.after.is_some() && waiting_guests > digest.used_up;
        let did = summary.invited + summary.patched + summary.mails.len() as u64;
        let is_eventful = did > 0 || digest.has_news() || redeemed > earlier;
        let run = Run {
            command,
            night,
            began_at,
            ended_at,
            exit_code,
            reminded: digest.reminded + digest.reminded_by_mail,
            wave: digest.wave,
            redeemed,
            is_eventful,
            summary,
        };
        Ok(Came::Out(Box::new(Done { run, plan, is_open, is_any_reminded })))
    }

    /// Carries on with a run; whoever asks the rehearsal to stop asks its run.
    async fn or_stop<T>(&self, stop: &Stop, work: impl Future<Output = T>) -> T {
        let passed_on = async {
            self.stop.requested().await;
            stop.request(self.stop.reason().unwrap_or(StopReason::Interrupted));
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            biased;
            never = passed_on => match never {},
            done = work => done,
        }
    }

    /// Somebody sends the mails that were written as files, as soon as the run is over.
    fn send_files(&self, plan: &Plan, outcomes: &[Option<Outcome>], summary: &Summary) {
        for (row, _) in plan.rows.iter().zip(outcomes) {
            if summary.mails.get(&row.line) != Some(&MailEnd::File) {
                continue;
            }
            let Some(address) = &row.new_email else { continue };
            let invite = row.change().and_then(|change| change.invite.as_ref());
            let recipients = invite.map_or(1, Invitation::recipients);
            self.guests.get_file(address.as_str().to_owned(), recipients);
        }
    }

    fn graph(&self, stop: &Stop, waits: &Waits) -> Graph {
        let Stage { tenant, settings, .. } = self.stage;
        let clock = Arc::new(Clock::starting_at(tenant.now()));
        let (pace, of, waits) = (&settings.pace, Arc::clone(&clock), Arc::clone(waits));
        let observe = move |observation| {
            if let Observation::Throttled { scope, wait } = observation
                && let Some(log) = &*waits.lock().unwrap_or_else(PoisonError::into_inner)
            {
                WaitLog::note(log, of.now(), scope.as_deref(), wait.as_secs_f64());
            }
        };
        Graph::new(
            Arc::new(InProcess(tenant.router())),
            &settings.tenant.graph_url,
            Box::new(self.stage.token()),
            Pace {
                writes_per_second: pace.writes_per_second,
                burst: pace.burst,
                requests_in_flight: pace.requests_in_flight,
            },
            clock,
            Arc::new(observe),
            stop.token(),
        )
    }
}

type Waits = Arc<Mutex<Option<WaitLog>>>;

/// Takes every plan that no guard refuses, as a scheduler would.
struct Watch {
    waits: Waits,
}

impl Host for Watch {
    type Objection = Infallible;

    fn observe(&self, notice: Notice<'_>) {
        if let Notice::RunBegan { waits, .. } = notice {
            *self.waits.lock().unwrap_or_else(PoisonError::into_inner) = Some(waits);
        }
    }

    async fn review(&self, _: Review<'_>) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Whether the campaign is carried out by nights alone: an `apply` would not keep to their
/// budget.
fn is_for_nights(settings: &Settings) -> bool {
    settings.reconcile.max_changes.is_some()
}

/// Whether the next night goes on as if nothing had been: the run ended only for now.
fn goes_on(reason: &StopReason) -> bool {
    matches!(
        reason,
        StopReason::TimeBudget
            | StopReason::MailBudget
            | StopReason::ThrottledOut
            | StopReason::Unreachable { comes_back: true, .. }
    )
}

/// Nights in a row in which nothing may happen before nothing more is expected to.
fn patience(settings: &Settings, request: &Request<'_>) -> u64 {
    let remind = settings.remind.after.map(|after| after.max(settings.remind.gap));
    let waves = settings.waves.after.filter(|_| !settings.waves.sizes.is_empty());
    let redeem = request.redeem.map(|redeem| redeem.within);
    let longest = [remind, waves, redeem].into_iter().flatten().max().unwrap_or_default();
    longest.as_secs().div_ceil(24 * 60 * 60) + WEEK
}
