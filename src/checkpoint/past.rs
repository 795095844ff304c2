//! What the next run has to know of all earlier ones: who was invited how often and
//! when, what the directory showed last, and the manifest of the run before. Keys are
//! parsed, because they are acted on. What a person wants to read, row by row and run
//! by run, is `History`; the state that planning starts from is the `Ledger`.

use std::collections::HashMap;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;

use crate::domain::{Email, InvitationKey, Invitations, Sighting, UserId};

use super::file::classify;
use super::ledger::ReadError;
use super::status::open;
use super::{Checkpoint, CheckpointError};

/// The campaign over all its runs.
#[derive(Debug, Default)]
pub struct Past {
    /// Guests and addresses of which the service accepted an invitation.
    pub invitations: HashMap<InvitationKey, Invitations>,
    /// What the directory showed of each last.
    pub sightings: HashMap<InvitationKey, Sighting>,
    /// The rows of the last run that planned a manifest, by line.
    pub manifest: Vec<PreviousRow>,
}

/// A row of the manifest as an earlier run planned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousRow {
    pub line: u32,
    /// The guest as it was named.
    pub user: String,
    pub user_id: Option<UserId>,
    pub address: Option<Email>,
}

impl Checkpoint {
    /// What all runs of the campaign did and saw.
    pub fn past(&self) -> Result<Past, CheckpointError> {
        let (path, connection) = self.connection();
        read(connection).map_err(|error| named(error, path))
    }

    /// How many guests were begun since a moment: their mail written, or an invitation
    /// on its way.
    pub fn begun_since(&self, since: Timestamp) -> Result<u64, CheckpointError> {
        let (path, connection) = self.connection();
        let sql = "SELECT count(*) FROM (
                SELECT DISTINCT user_id, address FROM event
                WHERE what IN ('patching', 'intended', 'correcting') AND at >= ?1
            )";
        let count = connection.query_row(sql, [since.to_string()], |row| row.get::<_, i64>(0));
        count
            .map(|count| u64::try_from(count).unwrap_or_default())
            .map_err(|source| classify(path, source))
    }
}

/// Reads what all runs did and saw, beside the one that holds the checkpoint.
pub fn read_past(path: &Path) -> Result<Past, CheckpointError> {
    read(&open(path)?).map_err(|error| named(error, path))
}

fn named(error: ReadError, path: &Path) -> CheckpointError {
    match error {
        ReadError::Database(source) => classify(path, source),
        ReadError::Content(detail) => CheckpointError::Damaged { path: path.to_owned(), detail },
    }
}

/// The intent of an invitation is the last one before it was accepted: one that came
/// later is of unknown outcome, or was taken back.
const INVITATIONS: &str = "
    WITH accepted AS (
        SELECT user_id, address, count(*) AS n, min(id) AS first, max(id) AS last
        FROM event WHERE what = 'invited' GROUP BY user_id, address
    )
    SELECT a.user_id, a.address, a.n, f.at, l.at, coalesce((
        SELECT i.at FROM intent i
        WHERE i.user_id = a.user_id AND i.address = a.address AND i.id < a.last
        ORDER BY i.id DESC LIMIT 1
    ), l.at), (
        SELECT r.at FROM refusal r
        WHERE r.user_id = a.user_id AND r.address = a.address AND r.id > a.last
        ORDER BY r.id DESC LIMIT 1
    )
    FROM accepted a JOIN event f ON f.id = a.first JOIN event l ON l.id = a.last";

const SIGHTINGS: &str = "
    SELECT user_id, address, finding, since, detail, max(id) FROM sighting GROUP BY user_id, address";

fn read(connection: &Connection) -> Result<Past, ReadError> {
    let mut past = Past::default();
    // The table of events has no index, and one pass over it is enough.
    connection.execute_batch(
        "CREATE TEMP TABLE intent (user_id TEXT, address TEXT, id INTEGER, at TEXT);
         INSERT INTO intent SELECT user_id, address, id, at FROM event WHERE what = 'intended';
         CREATE INDEX temp.intents ON intent (user_id, address, id);
         CREATE TEMP TABLE refusal (user_id TEXT, address TEXT, id INTEGER, at TEXT);
         INSERT INTO refusal SELECT user_id, address, id, at FROM event WHERE what = 'failed';
         CREATE INDEX temp.refusals ON refusal (user_id, address, id);",
    )?;
    let mut query = connection.prepare(INVITATIONS)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let key = key(row.get_ref(0)?.as_str(), row.get_ref(1)?.as_str())?;
        let invitations = Invitations {
            accepted: u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default(),
            first_at: time(&row.get::<_, String>(3)?)?,
            accepted_at: time(&row.get::<_, String>(4)?)?,
            intended_at: time(&row.get::<_, String>(5)?)?,
            refused_at: row.get::<_, Option<String>>(6)?.as_deref().map(time).transpose()?,
        };
        past.invitations.insert(key, invitations);
    }
    connection.execute_batch("DROP TABLE temp.intent; DROP TABLE temp.refusal")?;
    let mut query = connection.prepare(SIGHTINGS)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let key = key(row.get_ref(0)?.as_str(), row.get_ref(1)?.as_str())?;
        let since: Option<String> = row.get(3)?;
        let since = since.as_deref().map(time).transpose()?;
        let (finding, detail) = (row.get_ref(2)?.as_str(), row.get_ref(4)?.as_str());
        let finding = finding.map_err(rusqlite::Error::from)?.parse::<crate::domain::Finding>();
        let finding = finding.map_err(|error| ReadError::Content(error.to_string()))?;
        let detail = detail.map_err(rusqlite::Error::from)?;
        let sighting = super::record::parse_sighting(finding, key.clone(), since, detail);
        let sighting = sighting.map_err(|error| ReadError::Content(error.to_string()))?;
        past.sightings.insert(key, sighting);
    }
    let mut query = connection
        .prepare("SELECT line, user, user_id, address FROM manifest_row ORDER BY line")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let user_id: Option<String> = row.get(2)?;
        let address: Option<String> = row.get(3)?;
        past.manifest.push(PreviousRow {
            line: row.get(0)?,
            user: row.get(1)?,
            user_id: user_id.and_then(|id| UserId::parse(&id).ok()),
            address: address.and_then(|address| Email::parse(&address).ok()),
        });
    }
    Ok(past)
}

type Text<'a> = Result<&'a str, rusqlite::types::FromSqlError>;

fn key(user: Text<'_>, address: Text<'_>) -> Result<InvitationKey, ReadError> {
    let text = |text: Text<'_>| text.map(str::to_owned).map_err(rusqlite::Error::from);
    let (user, address) = (text(user)?, text(address)?);
    let bad = |what: &str| ReadError::Content(format!("{what} of {user} {address}"));
    Ok(InvitationKey {
        user_id: UserId::parse(&user).map_err(|_| bad("object id"))?,
        address: Email::parse(&address).map_err(|_| bad("address"))?,
    })
}

fn time(text: &str) -> Result<Timestamp, ReadError> {
    text.parse().map_err(|_| ReadError::Content(format!("the time {text}")))
}
