//! The seal: how many records the file holds, the hash of them one after the other,
//! and which run may add to them. It changes in the commit that adds the records, so
//! that a file which lost some, or got some from elsewhere, does not fit its seal.
//!
//! Leaves to others: when it is checked (`file`, `projection`).

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use sha2::{Digest as _, Sha256};

use super::database::ReadError;
use super::record::Entry;
use super::state::RowState;
use super::tables::{before_image, content, key, parsed, row_states, text};
use super::{BeforeImage, CheckpointError, Record, Unwritten};
use crate::domain::{InvitationKey, UserId};

/// What the file holds, and whose it is. A run keeps what it last wrote and asks before
/// each commit whether that is still what the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seal {
    /// How often a run took the file over.
    epoch: i64,
    /// The run that has it.
    run: i64,
    events: Chain,
    sightings: Chain,
    /// The last event of an earlier format. What that release made of its events was
    /// its own; rows with such an event are taken as they are.
    unfolded: i64,
}

/// A number of records, each hashed together with the hash of those before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Chain {
    count: i64,
    hash: String,
}

/// A record in the form in which it is hashed: its columns, in their order.
const EVENTS: &str = "SELECT run, at, user_id, address, what, detail, id FROM event ORDER BY id";
const SIGHTINGS: &str =
    "SELECT run, at, user_id, address, finding, since, detail FROM sighting ORDER BY id";

impl Chain {
    fn add<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        let mut hash = Sha256::new_with_prefix(&self.hash);
        for cell in cells {
            // With its length, so that no cell can pass for two.
            hash.update(u64::try_from(cell.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(cell);
        }
        self.hash.clear();
        for byte in hash.finalize() {
            write!(self.hash, "{byte:02x}").expect("a string takes everything");
        }
        self.count += 1;
    }

    fn add_row(&mut self, row: &Row<'_>, columns: usize) -> Result<(), ReadError> {
        let mut cells = Vec::with_capacity(columns);
        for column in 0..columns {
            cells.push(match row.get_ref(column)? {
                ValueRef::Null => String::new(),
                ValueRef::Integer(number) => number.to_string(),
                other => other.as_str().map_err(rusqlite::Error::from)?.to_owned(),
            });
        }
        self.add(cells.iter().map(String::as_str));
        Ok(())
    }
}

impl Seal {
    /// As the file has it.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Option<Self>> {
        connection
            .prepare_cached(
                "SELECT epoch, run, events, events_hash, sightings, sightings_hash, unfolded
                 FROM seal",
            )?
            .query_row([], |row| {
                Ok(Self {
                    epoch: row.get(0)?,
                    run: row.get(1)?,
                    events: Chain { count: row.get(2)?, hash: row.get(3)? },
                    sightings: Chain { count: row.get(4)?, hash: row.get(5)? },
                    unfolded: row.get(6)?,
                })
            })
            .optional()
    }

    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let Self { epoch, run, events, sightings, unfolded } = self;
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO seal
                 (id, epoch, run, events, events_hash, sightings, sightings_hash, unfolded)
                 VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                epoch,
                run,
                events.count,
                events.hash,
                sightings.count,
                sightings.hash,
                unfolded
            ])
            .map(drop)
    }

    /// Of a file that has none yet: its records as they are.
    pub(super) fn first(connection: &Connection) -> Result<Self, ReadError> {
        let mut seal = Self::default();
        let unfolded = "SELECT coalesce(max(id), 0) FROM event";
        seal.unfolded = connection.query_row(unfolded, [], |row| row.get(0))?;
        let mut query = connection.prepare(EVENTS)?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            seal.events.add_row(row, 6)?;
        }
        seal.sightings = sightings(connection)?;
        Ok(seal)
    }

    pub(super) const fn run(&self) -> i64 {
        self.run
    }

    pub(super) fn add_event(&mut self, cells: [&str; 6]) {
        self.events.add(cells);
    }

    pub(super) fn add_sighting(&mut self, cells: [&str; 7]) {
        self.sightings.add(cells);
    }

    /// For the run that takes the file over.
    pub(super) fn taken_by(&self, run: i64) -> Self {
        Self { epoch: self.epoch + 1, run, ..self.clone() }
    }

    /// Asks, inside a transaction that is about to write, whether nobody else wrote
    /// since this seal was written or read.
    pub(super) fn must_be_on(&self, connection: &Connection) -> Result<(), ReadError> {
        if Self::read(connection)?.as_ref() == Some(self) {
            return Ok(());
        }
        Err(ReadError::Unwritten(Unwritten::Overwritten))
    }
}

fn sightings(connection: &Connection) -> Result<Chain, ReadError> {
    let mut chain = Chain::default();
    let mut query = connection.prepare(SIGHTINGS)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        chain.add_row(row, 7)?;
    }
    Ok(chain)
}

/// Reads every record once: they must be the ones that were sealed, and leave the rows
/// that are there.
pub(super) fn verify(path: &Path, connection: &Connection) -> Result<Seal, CheckpointError> {
    let lost = |detail| CheckpointError::Lost { path: path.to_owned(), detail };
    let seal = Seal::read(connection).map_err(|source| ReadError::from(source).at(path))?;
    let seal = seal.ok_or_else(|| lost("its seal is gone".to_owned()))?;
    let found = read_back(connection, seal.unfolded).map_err(|error| error.at(path))?;
    for (what, sealed, found) in
        [("records", &seal.events, &found.events), ("sightings", &seal.sightings, &found.sightings)]
    {
        if sealed.count != found.count {
            return Err(lost(format!(
                "{} {what} were written and {} are there",
                sealed.count, found.count
            )));
        }
        if sealed != found {
            return Err(lost(format!(
                "its {} {what} are not the ones that were written",
                found.count
            )));
        }
    }
    match found.disagreement {
        None => Ok(seal),
        Some(user) => Err(lost(format!(
            "what it says of the guest {user} is not what the guest's records say"
        ))),
    }
}

struct ReadBack {
    events: Chain,
    sightings: Chain,
    /// A guest of whom a row or the before-image is not what the events leave.
    disagreement: Option<UserId>,
}

fn read_back(connection: &Connection, unfolded: i64) -> Result<ReadBack, ReadError> {
    let mut events = Chain::default();
    let mut folded: HashMap<InvitationKey, Option<RowState>> = HashMap::new();
    let mut images: HashMap<UserId, BeforeImage> = HashMap::new();
    let mut earlier = HashSet::new();
    let mut query = connection.prepare(EVENTS)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        events.add_row(row, 6)?;
        let key = key(row, 2, 3)?;
        if row.get::<_, i64>(6)? <= unfolded {
            earlier.insert(key.user_id);
            continue;
        }
        let entry = Entry::parse(parsed(row, 4)?, key.clone(), text(row, 5)?).map_err(content)?;
        let state = folded.entry(key).or_default();
        *state = RowState::after(state.take(), &entry.record, parsed(row, 1)?);
        if let Record::Patching { key, before, .. } | Record::Reverting { key, before, .. } =
            entry.record
        {
            images.entry(key.user_id).or_insert(before);
        }
    }
    folded.retain(|key, _| !earlier.contains(&key.user_id));
    images.retain(|user, _| !earlier.contains(user));
    let mut disagreement = None;
    for (key, state) in row_states(connection)? {
        let is_ours = !earlier.contains(&key.user_id);
        if is_ours && folded.remove(&key).flatten() != Some(state) {
            disagreement.get_or_insert(key.user_id);
        }
    }
    // What is left has events, and no row.
    let without_row = folded.into_iter().find(|(_, state)| state.is_some());
    let disagreement = disagreement.or(without_row.map(|(key, _)| key.user_id));
    let mut without_image = None;
    for (user_id, image) in images {
        if before_image(connection, user_id)? != Some(image) {
            without_image.get_or_insert(user_id);
        }
    }
    let disagreement = disagreement.or(without_image);
    Ok(ReadBack { events, sightings: sightings(connection)?, disagreement })
}
