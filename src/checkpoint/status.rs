//! A campaign in numbers.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::campaign::{Campaign, CampaignRow};
use super::database::in_one_state;
use super::lock::holder;
use super::mail::MailCounts;
use super::state::Step;
use super::tables::{RunRecord, last_run, runs};
use super::{Checkpoint, CheckpointError, Owner, Reader};
use crate::domain::{ArrivalCounts, Counts, InvitationKey, State};

/// A campaign as its checkpoint tells it. The counts of rows add up to `rows`.
#[derive(Debug, Clone)]
pub struct Status {
    /// Name of the manifest of the last run.
    pub manifest: String,
    pub tenant: String,
    pub tenant_name: Option<String>,
    /// When the campaign began.
    pub created_at: Option<Timestamp>,
    /// Rows of the manifest of the last run.
    pub rows: u64,
    pub counts: Counts,
    /// Failures by code, most frequent first.
    pub failures: Vec<FailureCount>,
    /// Rows whose invitation the run that is at work has on its way, counted as what they
    /// were before.
    pub under_way: u64,
    /// Rows counted as settled whose guests others moved, and nobody is known to have invited.
    pub not_invited: u64,
    /// Rows counted as invited to whom a person asked to send again.
    pub resends: Resends,
    /// Guests of the campaign that no row of the manifest asks for any more.
    pub not_in_manifest: NotInManifest,
    /// Mails of one's own, whoever asks for their guests by now.
    pub mails: MailCounts,
    /// What the message trace told of mails that left; nothing where it was never asked.
    pub arrivals: ArrivalCounts,
    pub last_run: Option<LastRun>,
    /// Who holds the checkpoint right now.
    pub held_by: Option<Owner>,
}

/// What became of requests to send again that were not carried out. The first
/// invitation stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Resends {
    pub outstanding: u64,
    pub failed: u64,
}

/// Guests and addresses that an earlier manifest asked for, and for whom something was
/// done or begun: reported, never touched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct NotInManifest {
    pub invited: u64,
    /// Not invited yet, mail already written.
    pub patched: u64,
    /// Sent or not: not known.
    pub unknown: u64,
    pub failed: u64,
    /// Begun, and certainly not invited.
    pub not_attempted: u64,
}

/// How often one failure occurred.
#[derive(Debug, Clone, Serialize)]
pub struct FailureCount {
    pub code: String,
    pub rows: u64,
    /// The sentence of one of them.
    pub message: String,
}

/// The last run of a campaign.
#[derive(Debug, Clone, Serialize)]
pub struct LastRun {
    /// When it began.
    #[serde(rename = "started")]
    pub started_at: Timestamp,
    /// When it ended; None while it runs or when it was killed.
    #[serde(rename = "ended")]
    pub ended_at: Option<Timestamp>,
    pub stop_reason: Option<String>,
    pub exit_code: Option<u8>,
}

impl Checkpoint {
    /// How the last run ended, if there was one.
    pub fn last_run(&self) -> Result<Option<LastRun>, CheckpointError> {
        let (path, connection) = self.connection();
        let runs = in_one_state(path, connection, runs)?;
        Ok(runs.last().map(LastRun::from))
    }
}

impl Reader {
    /// The state of the campaign.
    pub fn status(&self) -> Result<Status, CheckpointError> {
        let held_by = holder(self.path());
        let campaign = self.read(|connection| Campaign::read(connection, held_by.is_some()))?;
        Ok(Status { held_by, ..Status::new(&campaign, &campaign.rows()) })
    }

    /// When the last of the runs ended whose exit code was a success.
    pub fn last_success(
        &self,
        is_success: impl Fn(u8) -> bool,
    ) -> Result<Option<Timestamp>, CheckpointError> {
        let runs = self.read(runs)?;
        let mut successes = runs.iter().rev().filter(|run| run.exit_code.is_some_and(&is_success));
        Ok(successes.find_map(|run| run.ended_at))
    }
}

/// Reads the state of a campaign.
pub fn read_status(path: &Path) -> Result<Status, CheckpointError> {
    Reader::open(path)?.status()
}

impl Status {
    /// Of a campaign and its rows; who holds it, is asked elsewhere.
    pub(super) fn new(campaign: &Campaign, rows: &[CampaignRow<'_>]) -> Self {
        let of_manifest = || rows.iter().filter(|row| row.planned.is_some());
        let strangers = rows.iter().filter(|row| row.planned.is_none());
        let about = &campaign.about;
        Self {
            manifest: about.manifest.clone(),
            tenant: about.tenant.clone(),
            tenant_name: about.tenant_name.clone(),
            created_at: about.created_at,
            rows: of_manifest().count() as u64,
            counts: of_manifest().map(|row| row.stands).collect(),
            failures: failures(of_manifest()),
            under_way: of_manifest().filter(|row| row.is_under_way).count() as u64,
            not_invited: of_manifest().filter(|row| row.is_not_invited()).count() as u64,
            resends: resends(of_manifest()),
            not_in_manifest: strangers.map(|row| row.stands).collect::<Counts>().into(),
            mails: campaign.mails,
            arrivals: campaign.arrivals,
            last_run: last_run(&campaign.runs).map(LastRun::from),
            held_by: None,
        }
    }
}

/// The rows counted as failed, by code.
fn failures<'a>(rows: impl Iterator<Item = &'a CampaignRow<'a>>) -> Vec<FailureCount> {
    let mut by_code: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
    for row in rows.filter(|row| row.stands == State::Failed) {
        let Some(Step::Failed(failure)) = row.state.map(|state| &state.step) else { continue };
        let (rows, message) = by_code.entry(&failure.code).or_insert((0, &failure.message));
        *rows += 1;
        *message = (*message).min(&failure.message);
    }
    let counts = by_code.into_iter().map(|(code, (rows, message))| FailureCount {
        code: code.to_owned(),
        rows,
        message: message.to_owned(),
    });
    let mut failures: Vec<_> = counts.collect();
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.rows));
    failures
}

/// Requests to send again that were not carried out. One that has lapsed is settled.
fn resends<'a>(rows: impl Iterator<Item = &'a CampaignRow<'a>>) -> Resends {
    let mut open: HashMap<&InvitationKey, bool> = HashMap::new();
    let mut requests = Vec::new();
    for row in rows {
        let (Some(key), Some(planned)) = (&row.key, row.planned) else { continue };
        *open.entry(key).or_default() |= !planned.decision.is_settled();
        if let Some(state) = row.state.filter(|state| state.resend.is_some()) {
            requests.push((key, &state.step));
        }
    }
    let mut resends = Resends::default();
    for (key, step) in requests {
        match step {
            Step::Failed(_) => resends.failed += 1,
            // Counted as unknown.
            // Of one that goes back it is over.
            Step::Intended(_) | Step::Reverting | Step::Reverted => {}
            Step::Patching | Step::Patched | Step::Outstanding | Step::Invited(_) => {
                resends.outstanding += u64::from(open[key]);
            }
        }
    }
    resends
}

impl From<Counts> for NotInManifest {
    fn from(counts: Counts) -> Self {
        let Counts { invited, patched, unknown, failed, not_attempted, blocked: _, settled: _ } =
            counts;
        Self { invited, patched, unknown, failed, not_attempted }
    }
}

impl From<&RunRecord> for LastRun {
    fn from(run: &RunRecord) -> Self {
        Self {
            started_at: run.started_at,
            ended_at: run.ended_at,
            stop_reason: run.stop_reason.clone(),
            exit_code: run.exit_code,
        }
    }
}
