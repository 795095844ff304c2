//! Reading a whole campaign back, for reports: every row with what became of it, the
//! runs, the waits. Works beside a run, on one state of the file. What the next run has
//! to know of the earlier ones, and no more, is `Past`.
//!
//! Leaves to others: what any of it means to a person (`report`).

use jiff::Timestamp;
use rusqlite::Connection;

use super::campaign::{Campaign, CampaignRow};
use super::database::ReadError;
use super::lock::holder;
use super::log::{Delta, GuestLog, Log};
use super::manifest_row::Planned;
use super::state::{Failure, Step};
use super::status::Status;
use super::tables::{RunRecord, SightingRecord, WaitRecord, waits};
use super::{CheckpointError, MailSent, Reader, arrival, mail};
use crate::domain::{Arrival, Email, State};

/// A campaign from its first run to its last.
#[derive(Debug)]
pub struct History {
    /// Where it stands, in numbers.
    pub status: Status,
    /// The manifest's form, as JSON; None if its last run did not keep it.
    pub form: Option<String>,
    /// Every run, oldest first.
    pub runs: Vec<RunRecord>,
    /// Every row of the manifest by line, then those of earlier manifests.
    pub rows: Vec<HistoryRow>,
    /// Invitations accepted: in which run and when, oldest first.
    pub invitations: Vec<(i64, Timestamp)>,
    /// How long the tenant made runs wait.
    pub waits: Vec<WaitRecord>,
    /// When the directory was last compared with the campaign.
    pub looked_at: Option<Timestamp>,
    /// What the last run changed.
    pub delta: Delta,
}

impl History {
    /// How many seconds the tenant made a run wait.
    pub fn waited(&self, run: i64) -> f64 {
        let waits = self.waits.iter().filter(|wait| wait.run == run);
        // From a true zero: the sum of nothing is a negative one.
        waits.fold(0.0, |sum, wait| sum + wait.seconds)
    }
}

/// A row and what became of it.
#[derive(Debug, Clone)]
pub struct HistoryRow {
    /// Line in the manifest; None when the manifest has it no more.
    pub line: Option<u32>,
    /// The guest as the manifest names it; its object id when it does not.
    pub user: String,
    pub user_id: Option<String>,
    /// The address asked for, in lower case.
    pub address: Option<String>,
    /// As last planned; None without a line.
    pub decision: Option<Planned>,
    /// The plan's reason code.
    pub reason: String,
    /// The plan's sentence, where the code does not say it all.
    pub explanation: String,
    /// The cells as written, a JSON list.
    pub cells: String,
    pub standing: State,
    /// Settled, but others moved its guest, and nobody is known to have invited it.
    pub is_not_invited: bool,
    /// Of a row that failed.
    pub failure: Option<Failure>,
    /// What is known of a lost answer.
    pub evidence: Option<String>,
    /// Mail before the campaign.
    pub old_mail: Option<String>,
    /// When the mail was written.
    pub patched_at: Option<Timestamp>,
    /// When the first invitation was accepted.
    pub first_invited_at: Option<Timestamp>,
    /// When the last one was.
    pub invited_at: Option<Timestamp>,
    pub invitations: u32,
    /// What became of the mail with the last one; None of a guest without.
    pub mail: Option<MailSent>,
    /// What the message trace told of the newest mail.
    pub arrival: Option<Arrival>,
    /// What the directory showed when it last showed something new.
    pub sighting: Option<SightingRecord>,
    /// When the guest redeemed, by the sighting that last showed it; when that was
    /// seen, if the directory did not say.
    pub redeemed_at: Option<Timestamp>,
}

impl Reader {
    /// The whole campaign.
    pub fn history(&self) -> Result<History, CheckpointError> {
        let held_by = holder(self.path());
        let mut history = self.read(|connection| history(connection, held_by.is_some()))?;
        history.status.held_by = held_by;
        Ok(history)
    }
}

fn history(connection: &Connection, is_held: bool) -> Result<History, ReadError> {
    let campaign = Campaign::read(connection, is_held)?;
    let Log { mut guests, invitations, delta, seen_at } = Log::read(connection)?;
    let rows = campaign.rows();
    let (own, mut told) = (mail::sent_by_us(connection)?, arrival::read(connection)?);
    let status = Status::new(&campaign, &rows);
    let rows = rows
        .iter()
        .map(|row| {
            // Of several rows that ask for the same, the first has what happened.
            let log = row.key.as_ref().and_then(|key| guests.remove(key)).unwrap_or_default();
            let is_silent = log.is_silent;
            let mut new = HistoryRow::new(row, log);
            if let Some(key) = row.key.as_ref().filter(|_| new.invited_at.is_some()) {
                let by_others = if is_silent { MailSent::None } else { MailSent::Microsoft };
                new.mail = Some(own.get(key).copied().unwrap_or(by_others));
                new.arrival = told.remove(key).map(|told| told.arrival);
            }
            new
        })
        .collect();
    let looks = campaign.runs.iter().filter(|run| ["verify", "reconcile"].contains(&&*run.command));
    let looked_at = looks.filter_map(|run| run.ended_at).max().max(seen_at);
    Ok(History {
        status,
        form: campaign.about.form,
        runs: campaign.runs,
        rows,
        invitations,
        waits: waits(connection)?,
        looked_at,
        delta,
    })
}

impl HistoryRow {
    fn new(row: &CampaignRow<'_>, log: GuestLog) -> Self {
        let GuestLog { patched_at, invitations, evidence, sighting, redeemed_at, .. } = log;
        let planned = row.planned;
        let text = |text: Option<&String>| text.cloned().unwrap_or_default();
        let user_id = match planned {
            Some(planned) => planned.user_id,
            None => row.key.as_ref().map(|key| key.user_id),
        };
        let address = match planned {
            Some(planned) => planned.address.as_ref(),
            None => row.key.as_ref().map(|key| &key.address),
        };
        let user_id = user_id.map(|id| id.to_string());
        let failure = match row.state.map(|state| &state.step) {
            Some(Step::Failed(failure)) if row.stands == State::Failed => Some(failure.clone()),
            _ => None,
        };
        Self {
            line: planned.map(|planned| planned.line),
            user: planned
                .map(|planned| planned.user.clone())
                .or_else(|| user_id.clone())
                .unwrap_or_default(),
            user_id,
            address: address.map(Email::folded),
            decision: planned.map(|planned| planned.decision),
            reason: text(planned.map(|planned| &planned.reason)),
            explanation: text(planned.map(|planned| &planned.explanation)),
            cells: text(planned.map(|planned| &planned.cells)),
            standing: row.stands,
            is_not_invited: row.is_not_invited(),
            failure,
            evidence: evidence.filter(|_| row.stands == State::Unknown),
            old_mail: row.old_mail.map(str::to_owned),
            patched_at,
            first_invited_at: invitations.map(|sent| sent.first_at),
            invited_at: invitations.map(|sent| sent.accepted_at),
            invitations: invitations
                .map_or(0, |sent| u32::try_from(sent.accepted).unwrap_or(u32::MAX)),
            mail: None,
            arrival: None,
            sighting,
            redeemed_at,
        }
    }
}
