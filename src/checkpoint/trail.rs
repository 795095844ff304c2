//! Everything recorded of one guest and address.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::database::ReadError;
use super::record::{Entry, shown};
use super::tables::{SIGHTINGS, SightingRecord, before_image, content, parsed, sighting, text};
use super::{BeforeImage, CheckpointError, Reader};
use crate::domain::{Email, InvitationKey, UserId};

/// Everything recorded of one guest and address.
#[derive(Debug)]
pub struct Trail {
    /// What the guest was before the campaign.
    pub before: Option<BeforeImage>,
    /// What happened, oldest first.
    pub events: Vec<HistoryEvent>,
    /// What the directory showed, oldest first.
    pub sightings: Vec<SightingRecord>,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct HistoryEvent {
    pub run: i64,
    pub command: String,
    pub at: Timestamp,
    pub entry: Entry,
}

/// As it is stored: word and detail.
impl Serialize for HistoryEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut event = serializer.serialize_struct("HistoryEvent", 5)?;
        event.serialize_field("run", &self.run)?;
        event.serialize_field("command", &self.command)?;
        event.serialize_field("at", &self.at)?;
        event.serialize_field("what", &self.entry.record.what())?;
        event.serialize_field("detail", &self.entry.detail())?;
        event.end()
    }
}

/// As it is stored: word and detail.
impl Serialize for SightingRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seen = serializer.serialize_struct("SightingRecord", 4)?;
        seen.serialize_field("at", &self.at)?;
        seen.serialize_field("finding", &self.sighting.shows.finding())?;
        seen.serialize_field("since", &self.sighting.since)?;
        seen.serialize_field("detail", &shown(&self.sighting.shows))?;
        seen.end()
    }
}

impl Reader {
    /// Everything recorded of one guest and address.
    pub fn trail(&self, user_id: &str, address: &str) -> Result<Trail, CheckpointError> {
        self.read(|connection| {
            let user_id = UserId::parse(user_id).map_err(content)?;
            let address = Email::parse(address).map_err(content)?;
            trail(connection, &InvitationKey { user_id, address })
        })
    }

    /// The guest that the campaign once knew under this name, in lower case.
    pub fn user_named(&self, name: &str) -> Result<Option<String>, CheckpointError> {
        self.read(|connection| {
            let sql = "SELECT user_id FROM name WHERE name = ?1";
            Ok(connection.query_row(sql, [name], |row| row.get(0)).optional()?)
        })
    }
}

fn trail(connection: &Connection, wanted: &InvitationKey) -> Result<Trail, ReadError> {
    let stored = [wanted.user_id.to_string(), wanted.address.folded()];
    let mut query = connection.prepare(
        "SELECT e.run, coalesce(r.command, ''), e.at, e.what, e.detail
         FROM event e LEFT JOIN run r ON r.id = e.run
         WHERE e.user_id = ?1 AND e.address = ?2 ORDER BY e.id",
    )?;
    let mut rows = query.query(rusqlite::params_from_iter(&stored))?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        let entry = Entry::parse(parsed(row, 3)?, wanted.clone(), text(row, 4)?);
        events.push(HistoryEvent {
            run: row.get(0)?,
            command: row.get(1)?,
            at: parsed(row, 2)?,
            entry: entry.map_err(content)?,
        });
    }
    let mut query = connection
        .prepare(&format!("{SIGHTINGS} WHERE user_id = ?1 AND address = ?2 ORDER BY id"))?;
    let mut rows = query.query(rusqlite::params_from_iter(&stored))?;
    let mut sightings = Vec::new();
    while let Some(row) = rows.next()? {
        sightings.push(sighting(row)?);
    }
    Ok(Trail { before: before_image(connection, wanted.user_id)?, events, sightings })
}
