//! Everything recorded of one guest and address.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use serde::Serialize;
use serde_json::Value;

use super::super::file::classify;
use super::super::status::open;
use super::super::{BeforeImage, CheckpointError};
use super::{SIGHTINGS, Sighting, json, sighting, time};

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
    pub run: i64,
    pub command: String,
    /// When.
    pub at: Timestamp,
    pub what: String,
    /// The rest of the record.
    pub detail: Value,
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
