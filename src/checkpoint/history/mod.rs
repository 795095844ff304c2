//! Reading a whole campaign back, for reports: every row with what became of it, the
//! runs, the waits. Works beside a run, on one state of the file.
//!
//! Leaves to others: what any of it means to a person (`report`).

use std::collections::HashMap;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::Serialize;
use serde_json::Value;

use super::file::{classify, meta};
use super::lock::holder;
use super::status::{ROWS, STANDING, Status, counts, open};
use super::{BeforeImage, CheckpointError};

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

/// A run of the campaign.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// Its number, from 1.
    pub id: i64,
    /// The command.
    pub command: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; None while it runs or when it was killed.
    pub ended_at: Option<Timestamp>,
    /// Why it ended early.
    pub stop_reason: Option<String>,
    /// Its exit code.
    pub exit_code: Option<u8>,
    /// Its numbers; null if it did not say.
    pub summary: Value,
}

/// Where a row stands, as `status` counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Invitation accepted.
    Invited,
    /// Nothing to do.
    Settled,
    /// Can't or mustn't be done.
    Blocked,
    /// Refused for good.
    Failed,
    /// Sent or not: not known.
    Unknown,
    /// Mail written, invitation still to be sent.
    Patched,
    /// Not begun.
    NotAttempted,
}

/// A row and what became of it.
#[derive(Debug, Clone)]
pub struct HistoryRow {
    /// Line in the manifest; None when the manifest has it no more.
    pub line: Option<u32>,
    /// The guest as the manifest names it; its object id when it does not.
    pub user: String,
    /// The guest found.
    pub user_id: Option<String>,
    /// The address asked for, in lower case.
    pub address: Option<String>,
    /// `change`, `settled` or `blocked`, as last planned; empty without a line.
    pub decision: String,
    /// The plan's reason code.
    pub reason: String,
    /// The plan's sentence, where the code does not say it all.
    pub explanation: String,
    /// The cells as written, a JSON list.
    pub cells: String,
    /// Where it stands.
    pub standing: Standing,
    /// What the record of that state says, as JSON.
    pub detail: Value,
    /// Mail before the campaign.
    pub old_mail: Option<String>,
    /// When the mail was written.
    pub patched_at: Option<Timestamp>,
    /// When the first invitation was accepted.
    pub first_invited_at: Option<Timestamp>,
    /// When the last one was.
    pub invited_at: Option<Timestamp>,
    /// Invitations accepted.
    pub invitations: u32,
    /// What the directory showed when it last showed something new.
    pub sighting: Option<Sighting>,
    /// When the guest redeemed, by the sighting that last showed it; when that was
    /// seen, if the directory did not say.
    pub redeemed_at: Option<Timestamp>,
}

/// What the directory showed of a guest.
#[derive(Debug, Clone, Serialize)]
pub struct Sighting {
    /// When it was seen.
    pub at: Timestamp,
    /// `pending`, `redeemed`, `no-trace`, `mail-changed`, `deleted`, `reinvited`.
    pub finding: String,
    /// Since when it is so.
    pub since: Option<Timestamp>,
    /// What else there is to say.
    pub detail: Value,
}

/// A wait that the tenant imposed.
#[derive(Debug, Clone)]
pub struct WaitRecord {
    /// In which run.
    pub run: i64,
    /// From when.
    pub at: Timestamp,
    /// `x-ms-throttle-scope`; may be empty.
    pub scope: String,
    /// How long.
    pub seconds: f64,
}

/// What one run changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Delta {
    /// Mails written.
    pub patched: u64,
    /// Guests invited for the first time.
    pub invited: u64,
    /// Guests invited once more.
    pub invited_again: u64,
    /// Rows that failed.
    pub failed: u64,
    /// Guests seen redeemed.
    pub redeemed: u64,
    /// Guests whose mail someone else was seen to have changed.
    pub mail_changed: u64,
    /// Guests seen deleted.
    pub deleted: u64,
    /// Guests seen invited by someone else.
    pub reinvited: u64,
    /// Invitations of which no trace was seen.
    pub no_trace: u64,
}

/// Everything recorded of one guest and address.
#[derive(Debug)]
pub struct Trail {
    /// What the guest was before the campaign.
    pub before: Option<BeforeImage>,
    /// What happened, oldest first.
    pub events: Vec<HistoryEvent>,
    /// What the directory showed, oldest first.
    pub sightings: Vec<Sighting>,
}

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
pub struct HistoryEvent {
    /// In which run.
    pub run: i64,
    /// The run's command.
    pub command: String,
    /// When.
    pub at: Timestamp,
    /// The record's word.
    pub what: String,
    /// The rest of the record.
    pub detail: Value,
}

/// Reads a campaign.
pub fn read_history(path: &Path) -> Result<History, CheckpointError> {
    let connection = open(path)?;
    let failed = |source| classify(path, source);
    // Everything from one state of the file, whatever a run adds meanwhile.
    let transaction = connection.unchecked_transaction().map_err(failed)?;
    let mut history = history(&transaction).map_err(failed)?;
    history.status.held_by = holder(path);
    Ok(history)
}

/// Reads everything recorded of one guest and address.
pub fn read_trail(path: &Path, user_id: &str, address: &str) -> Result<Trail, CheckpointError> {
    trail(&open(path)?, user_id, address).map_err(|source| classify(path, source))
}

/// The guest that the campaign once knew under this name, in lower case.
pub fn user_named(path: &Path, name: &str) -> Result<Option<String>, CheckpointError> {
    open(path)?
        .query_row("SELECT user_id FROM name WHERE name = ?1", [name], |row| row.get(0))
        .optional()
        .map_err(|source| classify(path, source))
}

fn history(connection: &Connection) -> rusqlite::Result<History> {
    let mut history = History {
        status: counts(connection)?,
        form: meta(connection, "manifest_form")?.filter(|form| !form.is_empty()),
        runs: runs(connection)?,
        rows: rows(connection)?,
        invitations: Vec::new(),
        waits: waits(connection)?,
        looked_at: None,
        delta: Delta::default(),
    };
    let mut keys: HashMap<String, usize> = HashMap::with_capacity(history.rows.len());
    for (index, row) in history.rows.iter().enumerate() {
        if let (Some(user), Some(address)) = (&row.user_id, &row.address) {
            // Of several rows that ask for the same, the first has the state.
            keys.entry(key(user, address)).or_insert(index);
        }
    }
    add_rows_of_earlier_manifests(connection, &mut history.rows, &mut keys)?;
    read_events(connection, &mut history, &keys)?;
    read_sightings(connection, &mut history, &keys)?;
    let looked = history.runs.iter().filter(|run| ["verify", "reconcile"].contains(&&*run.command));
    let looked = looked.filter_map(|run| run.ended_at).max();
    history.looked_at = history.looked_at.max(looked);
    Ok(history)
}

fn key(user: &str, address: &str) -> String {
    format!("{user} {address}")
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|error: jiff::Error| {
        let kind = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
    })
}

fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get_ref(column)?.as_str_or_null()?.and_then(|text| text.parse().ok()))
}

fn json(row: &Row<'_>, column: usize) -> rusqlite::Result<Value> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    Ok(text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default())
}

fn runs(connection: &Connection) -> rusqlite::Result<Vec<RunRecord>> {
    let mut query = connection.prepare(
        "SELECT id, command, started_at, ended_at, stop_reason, exit_code, summary
         FROM run ORDER BY id",
    )?;
    let runs = query.query_map([], |row| {
        Ok(RunRecord {
            id: row.get(0)?,
            command: row.get(1)?,
            started_at: time(row, 2)?,
            ended_at: optional_time(row, 3)?,
            stop_reason: row.get(4)?,
            exit_code: row.get(5)?,
            summary: json(row, 6)?,
        })
    })?;
    runs.collect()
}

fn rows(connection: &Connection) -> rusqlite::Result<Vec<HistoryRow>> {
    let mut query = connection.prepare(&format!(
        "SELECT m.line, m.user, m.user_id, m.address, m.decision, m.reason, m.explanation,
            m.cells, b.mail, r.detail, {STANDING} FROM {ROWS} ORDER BY m.line"
    ))?;
    let rows = query.query_map([], |row| {
        let standing = match row.get_ref(10)?.as_str()? {
            "invited" => Standing::Invited,
            "settled" => Standing::Settled,
            "blocked" => Standing::Blocked,
            "failed" => Standing::Failed,
            "unknown" => Standing::Unknown,
            "patched" => Standing::Patched,
            _ => Standing::NotAttempted,
        };
        Ok(HistoryRow {
            line: Some(row.get(0)?),
            user: row.get(1)?,
            user_id: row.get(2)?,
            address: row.get(3)?,
            decision: row.get(4)?,
            reason: row.get(5)?,
            explanation: row.get(6)?,
            cells: row.get(7)?,
            old_mail: row.get(8)?,
            detail: if standing == Standing::Failed { json(row, 9)? } else { Value::Null },
            standing,
            patched_at: None,
            first_invited_at: None,
            invited_at: None,
            invitations: 0,
            sighting: None,
            redeemed_at: None,
        })
    })?;
    rows.collect()
}

fn add_rows_of_earlier_manifests(
    connection: &Connection,
    rows: &mut Vec<HistoryRow>,
    keys: &mut HashMap<String, usize>,
) -> rusqlite::Result<()> {
    let mut query = connection.prepare(
        "SELECT r.user_id, r.address,
            CASE WHEN r.state != 'intended' AND r.detail ->> '$.resend' IS NOT NULL
                THEN 'invited' ELSE r.state END,
            r.detail, b.mail, b.user_id IS NOT NULL
         FROM row r LEFT JOIN before_image b ON b.user_id = r.user_id
         ORDER BY r.user_id, r.address",
    )?;
    let mut found = query.query([])?;
    while let Some(row) = found.next()? {
        let (user, address) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
        let key = key(user, address);
        if keys.contains_key(&key) {
            continue;
        }
        let standing = match row.get_ref(2)?.as_str()? {
            "invited" => Standing::Invited,
            "intended" => Standing::Unknown,
            "failed" => Standing::Failed,
            "patched" => Standing::Patched,
            "outstanding" if row.get(5)? => Standing::Patched,
            _ => Standing::NotAttempted,
        };
        keys.insert(key, rows.len());
        rows.push(HistoryRow {
            line: None,
            user: user.to_owned(),
            user_id: Some(user.to_owned()),
            address: Some(address.to_owned()),
            decision: String::new(),
            reason: String::new(),
            explanation: String::new(),
            cells: String::new(),
            standing,
            detail: json(row, 3)?,
            old_mail: row.get(4)?,
            patched_at: None,
            first_invited_at: None,
            invited_at: None,
            invitations: 0,
            sighting: None,
            redeemed_at: None,
        });
    }
    Ok(())
}

fn read_events(
    connection: &Connection,
    history: &mut History,
    keys: &HashMap<String, usize>,
) -> rusqlite::Result<()> {
    let last_run = history.runs.last().map_or(0, |run| run.id);
    let mut query = connection.prepare(
        "SELECT run, at, user_id, address, what, CASE what WHEN 'unknown' THEN detail END
         FROM event WHERE what IN ('patched', 'invited', 'failed', 'unknown') ORDER BY id",
    )?;
    let mut events = query.query([])?;
    while let Some(event) = events.next()? {
        let run: i64 = event.get(0)?;
        let at = time(event, 1)?;
        let key = key(event.get_ref(2)?.as_str()?, event.get_ref(3)?.as_str()?);
        let row = keys.get(&key).map(|&index| &mut history.rows[index]);
        let is_last = u64::from(run == last_run);
        match (event.get_ref(4)?.as_str()?, row) {
            ("patched", row) => {
                history.delta.patched += is_last;
                if let Some(row) = row {
                    row.patched_at = Some(at);
                }
            }
            ("invited", row) => {
                history.invitations.push((run, at));
                let earlier = row.map_or(0, |row| {
                    row.first_invited_at.get_or_insert(at);
                    row.invited_at = Some(at);
                    row.invitations += 1;
                    row.invitations - 1
                });
                let count = if earlier == 0 {
                    &mut history.delta.invited
                } else {
                    &mut history.delta.invited_again
                };
                *count += is_last;
            }
            ("failed", _) => history.delta.failed += is_last,
            (_, Some(row)) if row.standing == Standing::Unknown => row.detail = json(event, 5)?,
            _ => {}
        }
    }
    Ok(())
}

const SIGHTINGS: &str = "SELECT at, finding, since, detail, run, user_id, address FROM sighting";

fn sighting(row: &Row<'_>) -> rusqlite::Result<Sighting> {
    Ok(Sighting {
        at: time(row, 0)?,
        finding: row.get(1)?,
        since: optional_time(row, 2)?,
        detail: json(row, 3)?,
    })
}

fn read_sightings(
    connection: &Connection,
    history: &mut History,
    keys: &HashMap<String, usize>,
) -> rusqlite::Result<()> {
    let last_run = history.runs.last().map_or(0, |run| run.id);
    let mut query = connection.prepare(&format!("{SIGHTINGS} ORDER BY id"))?;
    let mut found = query.query([])?;
    while let Some(row) = found.next()? {
        let sighting = sighting(row)?;
        let is_last = u64::from(row.get::<_, i64>(4)? == last_run);
        match &*sighting.finding {
            "redeemed" => history.delta.redeemed += is_last,
            "mail-changed" => history.delta.mail_changed += is_last,
            "deleted" => history.delta.deleted += is_last,
            "reinvited" => history.delta.reinvited += is_last,
            "no-trace" => history.delta.no_trace += is_last,
            _ => {}
        }
        history.looked_at = history.looked_at.max(Some(sighting.at));
        let key = key(row.get_ref(5)?.as_str()?, row.get_ref(6)?.as_str()?);
        if let Some(&index) = keys.get(&key) {
            let row = &mut history.rows[index];
            if sighting.finding == "redeemed" {
                row.redeemed_at = sighting.since.or(Some(sighting.at));
            }
            row.sighting = Some(sighting);
        }
    }
    Ok(())
}

fn waits(connection: &Connection) -> rusqlite::Result<Vec<WaitRecord>> {
    let mut query = connection.prepare("SELECT run, at, scope, seconds FROM wait ORDER BY id")?;
    let waits = query.query_map([], |row| {
        Ok(WaitRecord {
            run: row.get(0)?,
            at: time(row, 1)?,
            scope: row.get(2)?,
            seconds: row.get(3)?,
        })
    })?;
    waits.collect()
}

fn trail(connection: &Connection, user_id: &str, address: &str) -> rusqlite::Result<Trail> {
    let before = connection
        .query_row(
            "SELECT mail, other_mails FROM before_image WHERE user_id = ?1",
            [user_id],
            |row| {
                let other_mails = row.get_ref(1)?.as_str()?;
                Ok(BeforeImage {
                    mail: row.get(0)?,
                    other_mails: serde_json::from_str(other_mails).unwrap_or_default(),
                })
            },
        )
        .optional()?;
    let mut query = connection.prepare(
        "SELECT e.run, coalesce(r.command, ''), e.at, e.what, e.detail
         FROM event e LEFT JOIN run r ON r.id = e.run
         WHERE e.user_id = ?1 AND e.address = ?2 ORDER BY e.id",
    )?;
    let events = query.query_map([user_id, address], |row| {
        Ok(HistoryEvent {
            run: row.get(0)?,
            command: row.get(1)?,
            at: time(row, 2)?,
            what: row.get(3)?,
            detail: json(row, 4)?,
        })
    })?;
    let events = events.collect::<Result<_, _>>()?;
    let mut query = connection
        .prepare(&format!("{SIGHTINGS} WHERE user_id = ?1 AND address = ?2 ORDER BY id"))?;
    let sightings = query.query_map([user_id, address], sighting)?;
    Ok(Trail { before, events, sightings: sightings.collect::<Result<_, _>>()? })
}
