//! What the next run has to know of all earlier ones: who was invited how often and
//! when, what the directory showed last, and the manifest of the run before. What a
//! person wants to read, row by row and run by run, is `History`; the state that
//! planning starts from is the `Ledger`.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::Connection;

use super::database::{ReadError, in_one_state};
use super::log::Log;
use super::manifest_row::{self, ManifestRow};
use super::record::{What, Write};
use super::tables::{content, key, parsed, text};
use super::{Checkpoint, CheckpointError, Entry, InvitedHow, Reader, Record, arrival};
use crate::domain::{Fate, InvitationKey, Invitations, Sighting};

/// The campaign over all its runs.
#[derive(Debug, Default)]
pub struct Past {
    /// Guests and addresses of which the service accepted an invitation.
    pub invitations: HashMap<InvitationKey, Invitations>,
    /// What the directory showed of each last.
    pub sightings: HashMap<InvitationKey, Sighting>,
    /// The rows of the last run that planned a manifest, by line.
    pub manifest: Vec<ManifestRow>,
}

/// A write that was announced, whatever became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    /// When, in the service's time.
    pub at: Timestamp,
    /// An invitation, rather than a write of the mail.
    pub is_invitation: bool,
}

impl Checkpoint {
    /// What all runs of the campaign did and saw.
    pub fn past(&self) -> Result<Past, CheckpointError> {
        let (path, connection) = self.connection();
        in_one_state(path, connection, past)
    }

    /// How many guests were begun since a moment: their mail written, or an invitation
    /// on its way.
    pub fn begun_since(&self, since: Timestamp) -> Result<u64, CheckpointError> {
        let (path, connection) = self.connection();
        in_one_state(path, connection, |connection| begun_since(connection, since))
    }

    /// The writes announced since a moment, the latest first and at most so many: a
    /// tenant counts them against the next run.
    pub fn announced_since(
        &self,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<Announced>, CheckpointError> {
        let (path, connection) = self.connection();
        in_one_state(path, connection, |connection| announced_since(connection, since, most))
    }

    /// Whether a run ended for such a reason and the service has accepted no invitation
    /// since. One that was settled from the directory may have been sent before.
    pub fn is_stopped_by(&self, reason: impl Fn(&str) -> bool) -> Result<bool, CheckpointError> {
        let (path, connection) = self.connection();
        in_one_state(path, connection, |connection| is_stopped_by(connection, reason))
    }
}

impl Reader {
    /// What all runs did and saw, beside the one that holds the checkpoint.
    pub fn past(&self) -> Result<Past, CheckpointError> {
        self.read(past)
    }
}

fn past(connection: &Connection) -> Result<Past, ReadError> {
    let mut past = Past { manifest: manifest_row::read(connection)?, ..Past::default() };
    let arrivals = arrival::read(connection)?;
    for (key, guest) in Log::read(connection)?.guests {
        if let Some(seen) = guest.sighting {
            past.sightings.insert(key.clone(), seen.sighting);
        }
        if let Some(mut invitations) = guest.invitations {
            let told = arrivals.get(&key);
            invitations.bounced = told.is_some_and(|told| told.arrival.fate == Fate::Bounced);
            past.invitations.insert(key, invitations);
        }
    }
    Ok(past)
}

fn begun_since(connection: &Connection, since: Timestamp) -> Result<u64, ReadError> {
    let announcing = What::ALL.iter().filter(|what| what.announces().is_some());
    let words: Vec<&str> = announcing.map(|what| what.as_str()).collect();
    let sql = "SELECT count(*) FROM (
            SELECT DISTINCT user_id, address FROM event
            WHERE what IN (SELECT value FROM json_each(?2)) AND at >= ?1
        )";
    let words = serde_json::to_string(&words).expect("plain data");
    let count: i64 = connection.query_row(sql, [since.to_string(), words], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Goes back from the last event: those before the moment are not read.
fn announced_since(
    connection: &Connection,
    since: Timestamp,
    most: usize,
) -> Result<Vec<Announced>, ReadError> {
    let mut query = connection.prepare("SELECT at, what FROM event ORDER BY id DESC")?;
    let mut events = query.query([])?;
    let mut announced = Vec::new();
    while let Some(event) = events.next()? {
        let at: Timestamp = parsed(event, 0)?;
        if at < since || announced.len() >= most {
            break;
        }
        if let Some(write) = parsed::<What>(event, 1)?.announces() {
            announced.push(Announced { at, is_invitation: write == Write::Invitation });
        }
    }
    Ok(announced)
}

fn is_stopped_by(
    connection: &Connection,
    reason: impl Fn(&str) -> bool,
) -> Result<bool, ReadError> {
    let mut query = connection.prepare(
        "SELECT id, stop_reason FROM run WHERE stop_reason IS NOT NULL ORDER BY id DESC",
    )?;
    let mut runs = query.query([])?;
    while let Some(run) = runs.next()? {
        if !reason(text(run, 1)?) {
            continue;
        }
        let mut query = connection
            .prepare("SELECT user_id, address, detail FROM event WHERE run > ?1 AND what = ?2")?;
        let stopped: i64 = run.get(0)?;
        let mut later = query.query((stopped, What::Invited.as_str()))?;
        while let Some(event) = later.next()? {
            let key = key(event, 0, 1)?;
            let entry = Entry::parse(What::Invited, key, text(event, 2)?);
            let record = entry.map_err(content)?.record;
            if matches!(record, Record::Invited { how: InvitedHow::Accepted, .. }) {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    Ok(false)
}
