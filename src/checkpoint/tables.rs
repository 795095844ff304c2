//! The tables, read as what they were written from: each query once.
//!
//! Leaves to others: putting the tables together (`campaign`, `log`).

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::Value;

use super::BeforeImage;
use super::database::ReadError;
use super::record::parse_sighting;
use super::state::{RowState, Step};
use crate::domain::{Email, Finding, InvitationKey, Sighting, UserId, WayBack};

/// A wait that the tenant imposed, as a run notes it.
#[derive(Debug)]
pub(super) struct Wait {
    pub(super) at: Timestamp,
    pub(super) scope: String,
    pub(super) seconds: f64,
}

/// A wait that the tenant imposed on a run.
#[derive(Debug, Clone)]
pub struct WaitRecord {
    pub run: i64,
    /// From when.
    pub at: Timestamp,
    /// `x-ms-throttle-scope`; may be empty.
    pub scope: String,
    pub seconds: f64,
}

#[derive(Debug, Clone)]
pub struct RunRecord {
    /// Its number, from 1.
    pub id: i64,
    pub command: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; None while it runs or when it was killed.
    pub ended_at: Option<Timestamp>,
    pub stop_reason: Option<String>,
    pub exit_code: Option<u8>,
    /// Its numbers; null if it did not say.
    pub summary: Value,
}

/// The last that carried something out: a look with `verify` is none, and what it found
/// must not hide how the run before it ended.
pub fn last_run(runs: &[RunRecord]) -> Option<&RunRecord> {
    runs.iter().rev().find(|run| run.command != "verify")
}

pub(super) fn write_waits(
    connection: &Connection,
    run: i64,
    waits: &[Wait],
) -> rusqlite::Result<()> {
    for Wait { at, scope, seconds } in waits {
        connection
            .prepare_cached("INSERT INTO wait (run, at, scope, seconds) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![run, at.to_string(), scope, seconds])?;
    }
    Ok(())
}

pub(super) fn waits(connection: &Connection) -> Result<Vec<WaitRecord>, ReadError> {
    let mut query = connection.prepare("SELECT run, at, scope, seconds FROM wait ORDER BY id")?;
    collect(&mut query, |row| {
        Ok(WaitRecord {
            run: row.get(0)?,
            at: parsed(row, 1)?,
            scope: row.get(2)?,
            seconds: row.get(3)?,
        })
    })
}

/// Every run, oldest first.
pub(super) fn runs(connection: &Connection) -> Result<Vec<RunRecord>, ReadError> {
    let mut query = connection.prepare(
        "SELECT id, command, started_at, ended_at, stop_reason, exit_code, summary
         FROM run ORDER BY id",
    )?;
    collect(&mut query, |row| {
        let summary = row.get_ref(6)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        Ok(RunRecord {
            id: row.get(0)?,
            command: row.get(1)?,
            started_at: parsed(row, 2)?,
            ended_at: optional(row, 3)?,
            stop_reason: row.get(4)?,
            exit_code: row.get(5)?,
            summary: summary.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
        })
    })
}

/// The present state of every guest and address.
pub(super) fn row_states(
    connection: &Connection,
) -> Result<HashMap<InvitationKey, RowState>, ReadError> {
    let mut states = HashMap::new();
    let mut query = connection
        .prepare("SELECT state, at, detail, resend, reverts, user_id, address FROM row")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        states.insert(key(row, 5, 6)?, state(row)?);
    }
    Ok(states)
}

/// Invitations that the run which has not ended has on their way: their intents, of which it
/// has not said that the answer was lost.
pub(super) fn under_way(connection: &Connection) -> Result<HashSet<InvitationKey>, ReadError> {
    let mut keys = HashSet::new();
    let mut query = connection.prepare(
        "SELECT max(id), what, user_id, address FROM event
         WHERE run = (SELECT id FROM run WHERE ended_at IS NULL ORDER BY id DESC LIMIT 1)
             AND what IN ('intended', 'unknown')
         GROUP BY user_id, address",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        if row.get_ref(1)?.as_str().is_ok_and(|what| what == "intended") {
            keys.insert(key(row, 2, 3)?);
        }
    }
    Ok(keys)
}

/// When each guest and address was last begun, as a place in the order of events. A new wish
/// that was refused before anything was done was begun, too.
pub(super) fn begun(connection: &Connection) -> Result<HashMap<InvitationKey, i64>, ReadError> {
    let mut begun = HashMap::new();
    let mut query = connection.prepare(
        "SELECT max(id), user_id, address FROM event
         WHERE what IN ('patching', 'reverting', 'intended')
             OR what = 'failed' AND detail ->> '$.anew'
         GROUP BY user_id, address",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        begun.insert(key(row, 1, 2)?, row.get(0)?);
    }
    Ok(begun)
}

/// When the mail of those that were refused for good was last written, or may have been: a
/// write that was itself refused, which is the next thing that its run tells, is none.
pub(super) fn written_and_given_up(
    connection: &Connection,
) -> Result<Vec<(InvitationKey, Timestamp)>, ReadError> {
    let mut query = connection.prepare(
        "WITH told AS (
             SELECT event.id, event.user_id, event.address, event.at, what,
                    lead(what || run) OVER each <> 'failed' || run AS went_on
             FROM event JOIN row USING (user_id, address) WHERE row.state = 'failed'
             WINDOW each AS (PARTITION BY event.user_id, event.address ORDER BY event.id)
         )
         SELECT max(id), user_id, address, at FROM told
         WHERE what IN ('patched', 'reverted')
             OR what IN ('patching', 'reverting') AND went_on
         GROUP BY user_id, address",
    )?;
    collect(&mut query, |row| Ok((key(row, 1, 2)?, parsed(row, 3)?)))
}

/// The present state of one guest and address.
pub(super) fn row_state(
    connection: &Connection,
    key: &InvitationKey,
) -> Result<Option<RowState>, ReadError> {
    let mut query = connection.prepare_cached(
        "SELECT state, at, detail, resend, reverts FROM row WHERE user_id = ?1 AND address = ?2",
    )?;
    let mut rows = query.query(params![key.user_id.to_string(), key.address.folded()])?;
    rows.next()?.map(state).transpose()
}

pub(super) fn write_row_state(
    connection: &Connection,
    key: &InvitationKey,
    RowState { step, at, resend, reverts }: &RowState,
) -> rusqlite::Result<()> {
    let resend = resend.as_ref().map(|it| serde_json::to_string(it).expect("plain data"));
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO row (user_id, address, state, at, detail, resend, reverts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            key.user_id.to_string(),
            key.address.folded(),
            step.word(),
            at.to_string(),
            step.detail(),
            resend,
            reverts.map(WayBack::as_str),
        ])
        .map(drop)
}

/// From the columns state, at, detail, resend and reverts.
fn state(row: &Row<'_>) -> Result<RowState, ReadError> {
    let step = Step::parse(text(row, 0)?, text(row, 2)?).map_err(ReadError::Content)?;
    let resend = row.get_ref(3)?.as_str_or_null().map_err(rusqlite::Error::from)?;
    let resend = resend.map(serde_json::from_str).transpose().map_err(content)?;
    Ok(RowState { step, at: parsed(row, 1)?, resend, reverts: optional(row, 4)? })
}

/// The mail of every guest whose mail was written, as it was before.
pub(super) fn old_mails(
    connection: &Connection,
) -> Result<HashMap<UserId, Option<String>>, ReadError> {
    let images = before_images(connection)?;
    Ok(images.into_iter().map(|(user_id, before)| (user_id, before.mail)).collect())
}

/// Every guest whose mail was written, as it was before.
pub(super) fn before_images(
    connection: &Connection,
) -> Result<HashMap<UserId, BeforeImage>, ReadError> {
    let mut query = connection.prepare("SELECT user_id, mail, other_mails FROM before_image")?;
    let mut images = HashMap::new();
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let other_mails = serde_json::from_str(text(row, 2)?).map_err(content)?;
        images.insert(parsed(row, 0)?, BeforeImage { mail: row.get(1)?, other_mails });
    }
    Ok(images)
}

pub(super) fn before_image(
    connection: &Connection,
    user_id: UserId,
) -> Result<Option<BeforeImage>, ReadError> {
    let sql = "SELECT mail, other_mails FROM before_image WHERE user_id = ?1";
    let found: Option<(Option<String>, String)> = connection
        .prepare_cached(sql)?
        .query_row([user_id.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((mail, other_mails)) = found else { return Ok(None) };
    Ok(Some(BeforeImage {
        mail,
        other_mails: serde_json::from_str(&other_mails).map_err(content)?,
    }))
}

/// Guests that were not there when they were last looked at.
pub(super) fn seen_gone(connection: &Connection) -> Result<Vec<UserId>, ReadError> {
    let mut query = connection.prepare(
        "SELECT user_id FROM sighting
         WHERE finding = ?1 AND id IN (SELECT max(id) FROM sighting GROUP BY user_id)",
    )?;
    let mut rows = query.query([Finding::Deleted.as_str()])?;
    let mut gone = Vec::new();
    while let Some(row) = rows.next()? {
        gone.push(parsed(row, 0)?);
    }
    Ok(gone)
}

/// What the directory showed of a guest, and when it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SightingRecord {
    pub run: i64,
    pub at: Timestamp,
    pub sighting: Sighting,
}

/// The columns that [`sighting`] reads.
pub(super) const SIGHTINGS: &str =
    "SELECT run, at, user_id, address, finding, since, detail FROM sighting";

pub(super) fn sighting(row: &Row<'_>) -> Result<SightingRecord, ReadError> {
    let finding: Finding = parsed(row, 4)?;
    let sighting = parse_sighting(finding, key(row, 2, 3)?, optional(row, 5)?, text(row, 6)?);
    Ok(SightingRecord {
        run: row.get(0)?,
        at: parsed(row, 1)?,
        sighting: sighting.map_err(content)?,
    })
}

/// Object id and address, from these columns.
pub(super) fn key(row: &Row<'_>, user: usize, address: usize) -> Result<InvitationKey, ReadError> {
    let address: Email = parsed(row, address)?;
    Ok(InvitationKey { user_id: parsed(row, user)?, address })
}

pub(super) fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str, ReadError> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

/// A column's text, parsed.
pub(super) fn parsed<T: FromStr<Err: Display>>(
    row: &Row<'_>,
    column: usize,
) -> Result<T, ReadError> {
    text(row, column)?.parse().map_err(content)
}

pub(super) fn optional<T: FromStr<Err: Display>>(
    row: &Row<'_>,
    column: usize,
) -> Result<Option<T>, ReadError> {
    let text = row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?;
    text.map(str::parse).transpose().map_err(content)
}

pub(super) fn content(error: impl Display) -> ReadError {
    ReadError::Content(error.to_string())
}

pub(super) fn collect<T>(
    query: &mut rusqlite::Statement<'_>,
    read: impl Fn(&Row<'_>) -> Result<T, ReadError>,
) -> Result<Vec<T>, ReadError> {
    let mut rows = query.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}
