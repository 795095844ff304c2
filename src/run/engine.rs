//! A run from first row to last: which rows start, how many at a time, and when
//! to stop starting any.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, FuturesUnordered};
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::checkpoint::Journal;
use crate::config::Limit;
use crate::delivery::{NotReady, Post};
use crate::graph::{Graph, REQUEST_TIMEOUT};
use crate::plan::{Change, ChangeReason, Decision, Plan, PlannedRow, Settled};

use super::canary::Sighted;
use super::event::{Event, InvitedHow, MailEnd, Outcome, StopReason};
use super::limit::{Standstill, Told};
use super::row::not_settled;
use super::stop::Stop;
use super::summary::Summary;
use super::tally::Tally;

/// What the configuration and the command line say about a run.
#[derive(Debug, Clone)]
pub struct RunSettings {
    /// First wait between PATCH and POST.
    pub settle: Duration,
    /// The longest a replica is believed to lag.
    pub replication_lag: Duration,
    /// Most rows that may fail.
    pub max_failures: Option<Limit>,
    /// Rows to send and verify before the others; 0 for none.
    pub canary: u32,
    /// A file whose existence stops the run.
    pub stop_file: Option<PathBuf>,
    /// Writes per second, to size the lane of rows about to be written.
    pub writes_per_second: f64,
    /// Requests in flight, likewise.
    pub requests_in_flight: usize,
    /// The run before this one was stopped by the tenant: try rows one by one until
    /// one is accepted.
    pub probe: bool,
    /// Until when an earlier run may have sent something, in our time.
    pub earlier_runs_ended_at: Timestamp,
    /// Positions in the plan's rows that wait for a later run.
    pub held: BTreeSet<usize>,
    /// When no more reminders may be sent, in the service's time; None for never.
    pub reminders_until: Option<Timestamp>,
    /// Where one's own mails go; None where Microsoft or nobody mails.
    pub post: Option<Arc<Post>>,
}

/// Rows under way at one time. One that waits costs about two kilobytes; at
/// Graph's documented quota a row that waits the default replication lag of five
/// minutes keeps some 3,000 of them company.
const ROWS_UNDER_WAY: usize = 8192;

/// How often a mail server is greeted that is not there or wants nothing now, with a
/// wait that doubles from a second: longer, and a run can be started again.
const READY_ATTEMPTS: u32 = 4;

/// How often the stop file is looked for.
const STOP_FILE_INTERVAL: Duration = Duration::from_secs(1);

pub type Observer<'a> = &'a (dyn Fn(Event) + Sync);

/// Everything a row needs to be carried out.
pub(super) struct Run<'a> {
    pub(super) graph: &'a Graph,
    pub(super) journal: &'a Journal,
    pub(super) settings: &'a RunSettings,
    pub(super) stop: &'a Stop,
    pub(super) observe: Observer<'a>,
    pub(super) tally: Tally,
    /// The reason for stopping that was last told.
    told: Mutex<Option<StopReason>>,
    /// Rows between their fresh reading and their PATCH. Few, so that a reading is
    /// not old when its PATCH leaves, and so that invitations of guests already
    /// written never queue behind a crowd of new ones.
    pub(super) lane: Semaphore,
    /// Rows of a canary that passed.
    canary: AtomicU64,
}

#[derive(Debug)]
pub struct RunResult {
    /// One per row of the plan; None for rows that were no change.
    pub outcomes: Vec<Option<Outcome>>,
    pub summary: Summary,
}

/// Carries out a plan. Returns when every row has its outcome, or when something
/// asked to stop and all requests under way are answered.
pub async fn carry_out(
    plan: &Plan,
    graph: &Graph,
    journal: &Journal,
    settings: &RunSettings,
    stop: &Stop,
    observe: Observer<'_>,
) -> RunResult {
    let started = Instant::now();
    let started_at = graph.clock().now();
    let waited_before = graph.waits();
    let standstill = Standstill::default();
    let observe: Observer<'_> = &|event| {
        standstill.note(&event);
        observe(event);
    };
    let run = Run {
        graph,
        journal,
        settings,
        stop,
        observe,
        tally: Tally::new(settings.max_failures),
        told: Mutex::new(None),
        lane: Semaphore::new(lane_width(settings)),
        canary: AtomicU64::new(0),
    };
    let to_do = plan.counts.change.saturating_sub(settings.held.len() as u64);
    observe(Event::Started { to_do });
    let mut outcomes: Vec<Option<Outcome>> = vec![None; plan.rows.len()];
    {
        let work = run.all(plan, &mut outcomes);
        tokio::pin!(work);
        tokio::select! {
            // First, so that a stop file that is there already lets nothing start.
            biased;
            // It only ever ends by asking to stop; what is under way goes on.
            () = run.watch() => work.await,
            () = &mut work => {}
        }
    }
    let mut summary = run.summary(plan, &mut outcomes, started, started_at);
    summary.limited_by = (plan.counts.change > 0).then(|| {
        standstill.conclude(Told {
            writes_per_second: settings.writes_per_second,
            requests_in_flight: settings.requests_in_flight,
            refusals: summary.throttled,
            waits: graph.waits().since(waited_before),
            elapsed: summary.elapsed,
        })
    });
    observe(Event::Finished(Box::new(summary.clone())));
    RunResult { outcomes, summary }
}

/// About a second's worth of rows, so that a reading is about a second old when
/// its PATCH leaves.
fn lane_width(settings: &RunSettings) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float casts saturate, and the result is clamped"
    )]
    let per_second = settings.writes_per_second.ceil() as usize;
    per_second.clamp(2, settings.requests_in_flight.max(2))
}

#[derive(Clone, Copy)]
struct Job<'a> {
    /// Position in the plan's rows.
    index: usize,
    row: &'a PlannedRow,
    change: &'a Change,
}

impl Run<'_> {
    async fn all(&self, plan: &Plan, outcomes: &mut [Option<Outcome>]) {
        let mut jobs: Vec<Job<'_>> = plan
            .rows
            .iter()
            .enumerate()
            .filter(|(index, _)| !self.settings.held.contains(index))
            .filter_map(|(index, row)| Some(Job { index, row, change: row.change()? }))
            .collect();
        // Who was invited by an earlier run and has no mail yet comes first, who has one
        // last. A mail alone shows nothing of whether the tenant takes invitations, which is
        // what probe and canary are to find out.
        let place = |job: &Job<'_>| match job.change.reason {
            ChangeReason::Mail => 0,
            ChangeReason::ReminderMail => 2,
            _ => 1,
        };
        jobs.sort_by_key(|job| (place(job), job.change.invite.is_none()));
        self.must_be_able_to_mail(jobs.iter()).await;
        let (held, jobs) = jobs.split_at(jobs.partition_point(|job| place(job) == 0));
        let (jobs, reminders) = jobs.split_at(jobs.partition_point(|job| place(job) == 1));
        self.rows(held, outcomes).await;
        let mut rest = jobs;
        if self.settings.probe {
            rest = self.probe(rest, outcomes).await;
        }
        let canary = (self.settings.canary as usize).min(rest.len());
        if canary > 0 && canary < rest.len() && !self.stop.is_requested() {
            let (first, others) = rest.split_at(canary);
            self.rows(first, outcomes).await;
            self.verify_canary(first, outcomes).await;
            rest = others;
        }
        self.rows(rest, outcomes).await;
        self.rows(reminders, outcomes).await;
        if self.settings.post.as_ref().is_some_and(|post| post.is_spent()) {
            self.stop(StopReason::MailBudget);
        }
    }

    /// Ends the run before its first row where mails are to be sent and none would leave:
    /// whoever is reset without one is locked out.
    async fn must_be_able_to_mail<'j>(&self, mut jobs: impl Iterator<Item = &'j Job<'j>>) {
        let Some(post) = &self.settings.post else { return };
        let is_mailed =
            |job: &Job<'_>| job.change.invite.as_ref().is_some_and(|invitation| invitation.send);
        if !jobs.any(is_mailed) {
            return;
        }
        for attempt in 1.. {
            let Err(NotReady { why, may_pass }) = post.ready(self.graph).await else { return };
            if !may_pass || attempt == READY_ATTEMPTS {
                return self.stop(StopReason::Mailing { message: why });
            }
            let wait = Duration::from_secs(1 << (attempt - 1));
            (self.observe)(Event::Retrying { line: None, attempt, wait, why });
            tokio::select! {
                biased;
                () = self.stop.requested() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Carries out one row after another until one was accepted, which shows that the
    /// tenant no longer says stop. A row that ended in another way has not found that
    /// out: its guest may have been changed meanwhile. Returns the rows left.
    async fn probe<'j>(
        &self,
        jobs: &'j [Job<'j>],
        outcomes: &mut [Option<Outcome>],
    ) -> &'j [Job<'j>] {
        let mut rest = jobs;
        while let [probe, others @ ..] = rest
            && !self.stop.is_requested()
        {
            self.rows(std::slice::from_ref(probe), outcomes).await;
            rest = others;
            if outcomes[probe.index] == Some(Outcome::Invited(InvitedHow::Accepted)) {
                break;
            }
        }
        rest
    }

    /// Carries out some rows, many at a time.
    async fn rows(&self, jobs: &[Job<'_>], outcomes: &mut [Option<Outcome>]) {
        let mut under_way = stream::iter(jobs)
            .take_while(|_| std::future::ready(!self.stop.is_requested()))
            .map(async |job| (job.index, job.row.line, self.row(job.row, job.change).await))
            .buffer_unordered(ROWS_UNDER_WAY);
        while let Some((index, line, (phase, outcome))) = under_way.next().await {
            if let Some(reason) = self.tally.count(&outcome) {
                self.stop(reason);
            }
            outcomes[index] = Some(outcome.clone());
            (self.observe)(Event::RowFinished { index, line, from: phase, outcome });
        }
    }

    /// Reads the canary rows back until the directory shows their invitations.
    async fn verify_canary(&self, jobs: &[Job<'_>], outcomes: &[Option<Outcome>]) {
        for Job { index, row, .. } in jobs {
            if self.stop.is_requested() {
                return;
            }
            if !matches!(outcomes[*index], Some(Outcome::Invited(_) | Outcome::AsWanted { .. })) {
                let why = format!("line {} was not invited", row.line);
                self.stop(StopReason::CanaryFailed { why });
                return;
            }
        }
        let mut checks: FuturesUnordered<_> = jobs
            .iter()
            // One that was settled from the directory is visible there.
            .filter(|job| outcomes[job.index] == Some(Outcome::Invited(InvitedHow::Accepted)))
            .map(|job| self.look_for(job.row, job.change))
            .collect();
        while let Some(sighted) = checks.next().await {
            match sighted {
                Sighted::Yes => {}
                Sighted::No(why) => {
                    self.stop(StopReason::CanaryFailed { why });
                    return;
                }
                // Whoever asked for the end is why it ends; the canary has not failed.
                Sighted::Stopped => return,
            }
        }
        if !self.stop.is_requested() {
            let rows = jobs.len() as u64;
            self.canary.store(rows, Ordering::Relaxed);
            (self.observe)(Event::CanaryPassed { rows });
        }
    }

    /// Notes why the run has to end; says so when it is news.
    pub(super) fn stop(&self, reason: StopReason) {
        self.stop.request(reason);
        self.tell_why();
    }

    /// Says why the run is ending, unless that was said before.
    fn tell_why(&self) {
        let reason = self.stop.reason();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told != reason
            && let Some(reason) = reason
        {
            *told = Some(reason.clone());
            drop(told);
            let at_most =
                self.settings.post.as_ref().map_or(REQUEST_TIMEOUT, |post| post.longest());
            (self.observe)(Event::Stopping { at_most, reason });
        }
    }

    /// Waits for the stop file, then asks to stop; or for someone else to ask, such as
    /// the deadline.
    async fn watch(&self) {
        let stop_file = async {
            let Some(path) = &self.settings.stop_file else { return std::future::pending().await };
            loop {
                // A look at one name once a second is not worth another thread.
                if path.exists() {
                    return StopReason::StopFile { path: path.display().to_string() };
                }
                tokio::time::sleep(STOP_FILE_INTERVAL).await;
            }
        };
        let reason = tokio::select! {
            biased;
            () = self.stop.requested() => return self.tell_why(),
            reason = stop_file => reason,
        };
        self.stop(reason);
    }

    /// Adds everything up. Rows that never started are not attempted.
    fn summary(
        &self,
        plan: &Plan,
        outcomes: &mut [Option<Outcome>],
        started: Instant,
        started_at: Timestamp,
    ) -> Summary {
        let mut summary = Summary {
            rows: plan.counts.rows,
            settled: plan.counts.settled,
            blocked: plan.counts.blocked,
            left: plan.left.len() as u64,
            not_invited: plan.uninvited(),
            canary: self.canary.load(Ordering::Relaxed),
            patched: self.tally.patched(),
            retries: self.graph.traffic().retries.load(Ordering::Relaxed),
            throttled: self.graph.traffic().throttled.load(Ordering::Relaxed),
            stop_reason: self.stop.reason(),
            elapsed: started.elapsed(),
            started_at: Some(started_at),
            mails: self.tally.mails(),
            ..Summary::default()
        };
        for (index, (row, outcome)) in plan.rows.iter().zip(outcomes).enumerate() {
            if let Decision::Settled(Settled::MailUnknown { .. }) = row.decision {
                summary.mails.insert(row.line, MailEnd::Unknown);
            }
            let Some(change) = row.change() else { continue };
            let not_reached = if self.settings.held.contains(&index) {
                Outcome::Held
            } else if change.unsettled.is_some() {
                not_settled()
            } else {
                Outcome::NotAttempted { patched: is_written_before(change) }
            };
            match outcome.get_or_insert(not_reached) {
                Outcome::Invited(_) => summary.invited += 1,
                // Nothing is left to do, and nobody was invited.
                Outcome::AsWanted { .. } => summary.settled += 1,
                Outcome::Failed(_) => summary.failed += 1,
                Outcome::Unknown { .. } => summary.unknown += 1,
                Outcome::NotAttempted { .. } => summary.not_attempted += 1,
                Outcome::Held => {
                    summary.not_attempted += 1;
                    summary.held += 1;
                }
            }
        }
        summary
    }
}

/// Whether an earlier run wrote the guest's mail and left the invitation to do.
pub(super) fn is_written_before(change: &Change) -> bool {
    change.reason == ChangeReason::FinishEarlierRun && change.set_mail.is_none()
}
