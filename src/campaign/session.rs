//! What every command of a campaign shares: the tenant, the stop, the one deadline, what
//! earlier runs left behind, and how it tells and asks whoever called it.
//!
//! Leaves to others: the order of each command (its own file).

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

use crate::checkpoint::{Checkpoint, CheckpointError, Journal, LastRun, Record, WaitLog};
use crate::config::{DeliveryWay, Settings};
use crate::delivery::{Known, Post, columns};
use crate::domain::{InvitationKey, MailWay, UserId};
use crate::graph::{CallError, EarlierWrite, Graph, Method};
use crate::manifest::Manifest;
use crate::plan::{Plan, PlannedRow};
use crate::run::{Event, RunSettings, Stop, StopReason, Summary};

use super::CampaignError;
use super::read::mail_pace;
use super::samples::Samples;

/// What a command works with.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    pub settings: &'a Settings,
    pub graph: &'a Graph,
    pub stop: &'a Stop,
    /// When to start nothing new; see `deadline`.
    pub deadline: Option<Instant>,
}

/// What whoever calls is told on the way.
#[derive(Debug)]
pub enum Notice<'a> {
    /// The checkpoint has accounted for another manifest so far.
    OtherManifest {
        earlier: String,
    },
    /// The manifest is a part of the campaign's: rows that stay as they are, rows with
    /// other words than in its manifest, and rows that it has not.
    Part {
        of: &'a str,
        others: u64,
        mended: u64,
        new: u64,
    },
    /// The directory is read, and the plan made from it.
    DirectoryRead {
        plan: &'a Plan,
        method: Method,
        requests: u64,
    },
    /// From here on something is written. Waits are to be noted in the log.
    RunBegan {
        plan: &'a Arc<Plan>,
        waits: WaitLog,
    },
    Run(Event),
}

/// A plan that somebody may look at before anything is written.
#[derive(Debug, Clone, Copy)]
pub struct Review<'a> {
    pub plan: &'a Plan,
    /// An example for every template of one's own mails; a night shows none.
    pub samples: &'a Samples,
    /// Guests for whom something would begin now.
    pub begins: u64,
    /// Why a guard refuses it, whatever the review comes to.
    pub refusal: Option<&'a Refusal>,
}

/// A guard's refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub reason: StopReason,
    pub advice: String,
}

impl Refusal {
    /// Why the plan may not be carried out, if it may not. `reviewed` is the digest of
    /// the plan that a person has seen.
    pub(super) fn find(plan: &Plan, reviewed: Option<&str>) -> Option<Self> {
        if let Some(reviewed) = reviewed.filter(|reviewed| !plan.digest.is(reviewed)) {
            let now = plan.digest.short();
            let message = format!("the plan is now {now}, not the reviewed {reviewed}");
            return Some(Self {
                reason: StopReason::Guard { code: "plan-changed", message },
                advice: "review the plan again, then pass its digest".to_owned(),
            });
        }
        let finding = plan.refusals().next()?;
        let message = finding.message.clone();
        Some(Self {
            reason: StopReason::Guard { code: finding.code, message },
            advice: finding.advice.clone(),
        })
    }

    /// The numbers of a run that a guard refused: nothing was sent, every row is
    /// accounted for.
    pub fn summary(&self, plan: &Plan) -> Summary {
        Summary {
            rows: plan.counts.rows,
            settled: plan.counts.settled,
            blocked: plan.counts.blocked,
            left: plan.left.len() as u64,
            not_invited: plan.uninvited(),
            not_attempted: plan.counts.change,
            stop_reason: Some(self.reason.clone()),
            ..Summary::default()
        }
    }
}

/// Whoever calls: is told, and asked.
pub trait Host: Sync {
    /// Why it does not want the plan.
    type Objection;

    fn observe(&self, notice: Notice<'_>);

    /// Nothing is written before this says yes.
    fn review(&self, review: Review<'_>) -> impl Future<Output = Result<(), Self::Objection>>;
}

/// How a command that carries out a plan came to its end.
#[derive(Debug)]
pub enum Carried<T, O> {
    /// It was carried out, as far as it came.
    Out(T),
    /// A guard refused the plan. Nothing was written.
    Refused { plan: Arc<Plan>, refusal: Refusal },
    /// Whoever was asked did not want it. Nothing was written.
    Declined(O),
}

/// What earlier runs of the campaign left for this one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Earlier {
    /// The run before was stopped by the tenant.
    pub(super) probe: bool,
    /// See [`earlier_runs_ended_at`].
    pub(super) ended_at: Timestamp,
}

impl Earlier {
    pub(super) fn read(checkpoint: &Checkpoint, now: Timestamp) -> Result<Self, CheckpointError> {
        let last_run = checkpoint.last_run()?;
        Ok(Self {
            probe: checkpoint.is_stopped_by(StopReason::is_of_tenant)?,
            ended_at: earlier_runs_ended_at(last_run.as_ref(), now),
        })
    }
}

impl Session<'_> {
    /// Works until the deadline, which asks to stop like anybody else: a command reads,
    /// waits for a person and carries out on one budget.
    pub(super) async fn within_budget<T>(&self, work: impl Future<Output = T>) -> T {
        let Some(deadline) = self.deadline else { return work.await };
        let timer = async {
            sleep_until(deadline).await;
            self.stop.request(StopReason::TimeBudget);
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            biased;
            never = timer => match never {},
            done = work => done,
        }
    }

    /// Reads something. What asks to stop ends it at once: nothing is under way that
    /// could matter.
    pub(super) async fn reading<T, E>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, CampaignError>
    where
        CampaignError: From<E>,
    {
        tokio::select! {
            biased;
            () = self.stop.requested() => Err(CallError::Stopped.into()),
            read = work => Ok(read?),
        }
    }

    /// Tells the pacer what earlier runs of the campaign wrote a moment ago: the tenant
    /// has not forgotten it.
    pub(super) fn tell_what_was_spent(
        &self,
        checkpoint: &Checkpoint,
    ) -> Result<(), CheckpointError> {
        let now = self.graph.clock().service_now();
        let announced =
            checkpoint.announced_since(now - EarlierWrite::WINDOW, EarlierWrite::MOST)?;
        let earlier: Vec<EarlierWrite> = announced
            .iter()
            .map(|write| EarlierWrite {
                // One that lies ahead was announced by a clock that is fast: just now.
                ago: now.duration_since(write.at).try_into().unwrap_or_default(),
                is_invitation: write.is_invitation,
            })
            .collect();
        self.graph.note_earlier_writes(&earlier);
        Ok(())
    }

    pub(super) fn run_settings(&self, earlier: Earlier) -> RunSettings {
        let Settings { pace, guards, .. } = self.settings;
        RunSettings {
            settle: pace.settle,
            replication_lag: pace.replication_lag,
            max_failures: guards.max_failures,
            canary: guards.canary.unwrap_or(0),
            stop_file: guards.stop_file.clone(),
            writes_per_second: pace.writes_per_second,
            requests_in_flight: pace.requests_in_flight,
            probe: earlier.probe,
            earlier_runs_ended_at: earlier.ended_at,
            held: std::collections::BTreeSet::new(),
            reminders_until: None,
            post: None,
        }
    }
}

impl Session<'_> {
    /// Where one's own mails go; None where Microsoft or nobody mails.
    pub(super) fn post(
        &self,
        checkpoint: &Checkpoint,
        manifest: &Manifest,
        plan: &Plan,
    ) -> Result<Option<Arc<Post>>, CampaignError> {
        let Settings { delivery, invitation, .. } = self.settings;
        if !delivery.by.is_own() {
            return Ok(None);
        }
        let headings = || manifest.extra_columns.iter().map(String::as_str);
        let cells = manifest.rows.iter().map(|row| {
            let cells = row.extra.iter().map(|cell| &**cell);
            (row.line, columns(headings(), cells))
        });
        let now = self.graph.clock().service_now();
        let pace = mail_pace(self.settings, &checkpoint.ledger()?, now);
        let tenant = plan.tenant_name.clone().unwrap_or_else(|| self.settings.tenant.id.clone());
        let known = Known {
            tenant_name: tenant,
            headings: manifest.extra_columns.clone(),
            columns: cells.collect(),
            old_mails: old_mails(checkpoint, plan)?,
            links: checkpoint.links()?,
            recipients_left: pace.left(),
        };
        let default = invitation.language.as_ref();
        let languages = manifest.rows.iter().map(|row| row.language.as_ref().or(default));
        Ok(Post::open(delivery, default, languages, known)?.map(Arc::new))
    }

    /// Writes down that nobody knows what became of mails that were about to leave when
    /// an earlier run ended. A file can be written again, and a mailbox be asked; by
    /// another way than it was begun, neither.
    pub(super) async fn give_up_mails(
        &self,
        journal: &Journal,
        begun: Vec<(InvitationKey, Option<MailWay>)>,
    ) -> Result<(), CheckpointError> {
        for (key, by) in begun {
            match (by, self.settings.delivery.by) {
                (Some(MailWay::File), DeliveryWay::Files)
                | (Some(MailWay::Mailbox), DeliveryWay::Graph) => continue,
                (Some(MailWay::File | MailWay::Mailbox | MailWay::Server) | None, _) => {}
            }
            let evidence = "the run ended before the answer to the mail was recorded".to_owned();
            let record = Record::MailUnknown { key, evidence };
            journal.append(record, self.graph.clock().service_now()).await?;
        }
        Ok(())
    }
}

/// The mail that each guest has had: before the campaign, or, of one that goes back, the
/// address that it gives up.
fn old_mails(
    checkpoint: &Checkpoint,
    plan: &Plan,
) -> Result<HashMap<UserId, Option<String>>, CheckpointError> {
    let mut mails = checkpoint.old_mails()?;
    let ledger = checkpoint.ledger()?;
    for key in plan.rows.iter().filter_map(PlannedRow::key) {
        let is_back = |mail: &Option<String>| {
            mail.as_ref().is_some_and(|mail| mail.eq_ignore_ascii_case(key.address.as_str()))
        };
        let wishes = ledger.wishes(key.user_id).iter().rev();
        let given_up = wishes.map(|(other, _)| &other.address).find(|it| **it != key.address);
        if let (Some(mail), Some(given_up)) = (mails.get_mut(&key.user_id), given_up)
            && is_back(mail)
        {
            *mail = Some(given_up.as_str().to_owned());
        }
    }
    Ok(mails)
}

/// A checkpoint is one campaign's, and its manifest has a name.
pub(super) fn tell_of_other_manifest(
    checkpoint: &Checkpoint,
    manifest: &Manifest,
    host: &impl Host,
) -> Result<(), CheckpointError> {
    if let Some(earlier) = checkpoint.manifest()?.filter(|earlier| *earlier != manifest.name) {
        host.observe(Notice::OtherManifest { earlier });
    }
    Ok(())
}

/// Until when an earlier run may have sent something, at the latest. One that did not
/// say when it ended was killed, and may have until just before this one took the lock;
/// and none did after that, whatever a clock that was fast made it say.
pub(super) fn earlier_runs_ended_at(last_run: Option<&LastRun>, now: Timestamp) -> Timestamp {
    last_run.and_then(|run| run.ended_at).map_or(now, |ended_at| ended_at.min(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_run_ended_when_it_said_and_never_in_the_future() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let run = |ended_at: Option<&str>| LastRun {
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: ended_at.map(|at| at.parse().unwrap()),
            stop_reason: None,
            exit_code: None,
        };
        let yesterday = run(Some("2026-11-20T12:00:00Z"));
        assert_eq!(earlier_runs_ended_at(Some(&yesterday), now), yesterday.ended_at.unwrap());
        let tomorrow = run(Some("2026-11-22T12:00:00Z"));
        for last_run in [None, Some(&run(None)), Some(&tomorrow)] {
            assert_eq!(earlier_runs_ended_at(last_run, now), now, "{last_run:?}");
        }
    }
}
