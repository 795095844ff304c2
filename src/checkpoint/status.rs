//! Reading a checkpoint without holding it: works beside a run.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use crate::domain::Ledger;

use super::file::{check, classify, connect, is_blank, meta, recognise};
use super::format::for_reading;
use super::ledger::{ReadError, read};
use super::lock::holder;
use super::{CheckpointError, Owner};

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
    pub invited: u64,
    /// Nothing to do, as last planned.
    pub settled: u64,
    /// Can't or mustn't be done, as last planned.
    pub blocked: u64,
    pub failed: u64,
    /// Sent or not: not known.
    pub unknown: u64,
    /// Not invited yet, mail already written.
    pub patched: u64,
    /// Not begun.
    pub not_attempted: u64,
    /// Failures by code, most frequent first.
    pub failures: Vec<FailureCount>,
    /// Rows counted as invited to whom a person asked to send again.
    pub resends: Resends,
    /// Guests of the campaign that no row of the manifest asks for any more.
    pub not_in_manifest: NotInManifest,
    pub last_run: Option<LastRun>,
    /// Who holds the checkpoint right now.
    pub held_by: Option<Owner>,
}

/// What became of requests to send again that were not carried out. The first
/// invitation stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resends {
    pub outstanding: u64,
    pub failed: u64,
}

/// Guests and addresses that an earlier manifest asked for, and for whom something was
/// done or begun: reported, never touched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NotInManifest {
    pub invited: u64,
    /// Sent or not: not known.
    pub unknown: u64,
    pub failed: u64,
    /// Not invited yet, mail already written.
    pub patched: u64,
    /// Begun, and certainly not invited.
    pub not_attempted: u64,
}

/// How often one failure occurred.
#[derive(Debug, Clone)]
pub struct FailureCount {
    pub code: String,
    pub rows: u64,
    /// The sentence of one of them.
    pub message: String,
}

/// The last run of a campaign.
#[derive(Debug, Clone)]
pub struct LastRun {
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; None while it runs or when it was killed.
    pub ended_at: Option<Timestamp>,
    pub stop_reason: Option<String>,
    pub exit_code: Option<u8>,
}

/// Reads the state of a campaign.
pub fn read_status(path: &Path) -> Result<Status, CheckpointError> {
    let connection = open(path)?;
    let mut status = counts(&connection).map_err(|source| classify(path, source))?;
    status.held_by = holder(path);
    Ok(status)
}

/// Reads what earlier runs did, for a plan that writes nothing; empty when there
/// is no checkpoint yet.
pub fn read_ledger(path: &Path) -> Result<Ledger, CheckpointError> {
    let connection = match open(path) {
        Err(CheckpointError::Missing { .. }) => return Ok(Ledger::default()),
        other => other?,
    };
    read(&connection).map_err(|error| match error {
        ReadError::Database(source) => classify(path, source),
        ReadError::Content(detail) => CheckpointError::Damaged { path: path.to_owned(), detail },
    })
}

/// When the last of the runs ended whose exit code was a success.
pub fn last_success(
    path: &Path,
    is_success: impl Fn(u8) -> bool,
) -> Result<Option<Timestamp>, CheckpointError> {
    let connection = match open(path) {
        Err(CheckpointError::Missing { .. }) => return Ok(None),
        other => other?,
    };
    let find = || {
        let mut query = connection.prepare(
            "SELECT exit_code, ended_at FROM run
             WHERE exit_code IS NOT NULL AND ended_at IS NOT NULL ORDER BY id DESC",
        )?;
        let mut runs = query.query([])?;
        while let Some(run) = runs.next()? {
            if is_success(run.get(0)?) {
                return Ok(run.get_ref(1)?.as_str()?.parse().ok());
            }
        }
        Ok(None)
    };
    find().map_err(|source| classify(path, source))
}

pub(super) fn open(path: &Path) -> Result<Connection, CheckpointError> {
    match std::fs::metadata(path) {
        Ok(found) if found.len() == 0 => {
            return Err(CheckpointError::Missing { path: path.to_owned() });
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(CheckpointError::Missing { path: path.to_owned() });
        }
        Err(source) => return Err(CheckpointError::File { path: path.to_owned(), source }),
    }
    recognise(path)?;
    // A reader of a WAL database needs to write its shared memory file; where that
    // is not allowed, reading alone still works as long as nobody writes.
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .or_else(|_| connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY))?;
    if is_blank(path, &connection)? {
        return Err(CheckpointError::Missing { path: path.to_owned() });
    }
    check(path, &connection)?;
    for_reading(connection).map_err(|source| classify(path, source))
}

/// The state of the campaign decides; the plan's word counts only for rows that
/// nothing has happened to. Of several rows that ask for the same, the first has the
/// state and the others nothing to do, so that an invitation is counted once.
/// Named as no column is: `state` would mean `row.state` and put all rows without
/// one into a single group.
pub(super) const STANDING: &str = "CASE
        WHEN r.state IS NOT NULL AND m.nth > 1 THEN 'settled'
        WHEN r.state = 'invited' THEN 'invited'
        WHEN r.state = 'intended' THEN 'unknown'
        WHEN r.detail ->> '$.resend' IS NOT NULL THEN 'invited'
        WHEN m.decision = 'settled' THEN 'settled'
        WHEN r.state = 'failed' THEN 'failed'
        WHEN m.decision = 'blocked' THEN 'blocked'
        WHEN r.state = 'patched' THEN 'patched'
        WHEN r.state = 'outstanding' AND b.user_id IS NOT NULL THEN 'patched'
        ELSE 'not_attempted'
    END AS standing";

/// The rows of the manifest, each with what became of its guest and address.
pub(super) const ROWS: &str = "(
        SELECT *, row_number() OVER (PARTITION BY user_id, address ORDER BY line) AS nth
        FROM manifest_row
    ) m
    LEFT JOIN row r ON r.user_id = m.user_id AND r.address = m.address
    LEFT JOIN before_image b ON b.user_id = m.user_id";

/// The rows counted as failed, by code. Rows of earlier manifests and rows with
/// nothing left to do are not among them.
const FAILURES: &str = "
    SELECT coalesce(json_extract(r.detail, '$.code'), ''), count(*) AS n,
        coalesce(min(json_extract(r.detail, '$.message')), '')
    FROM manifest_row m
    JOIN row r ON r.user_id = m.user_id AND r.address = m.address
    WHERE r.state = 'failed' AND m.decision != 'settled' AND r.detail ->> '$.resend' IS NULL
    GROUP BY 1 ORDER BY n DESC, 1";

/// Requests to send again that were not carried out. One that has lapsed is settled.
const RESENDS: &str = "
    SELECT coalesce(sum(failed), 0), coalesce(sum(not failed AND open), 0)
    FROM (
        SELECT max(m.decision != 'settled') AS open, r.state = 'failed' AS failed
        FROM manifest_row m
        JOIN row r ON r.user_id = m.user_id AND r.address = m.address
        WHERE r.detail ->> '$.resend' IS NOT NULL AND r.state != 'intended'
        GROUP BY r.user_id, r.address
    )";

/// The rows of the campaign that no row of the manifest asks for.
const NOT_IN_MANIFEST: &str = "
    SELECT CASE
        WHEN r.state = 'invited' THEN 'invited'
        WHEN r.state = 'intended' THEN 'unknown'
        WHEN r.detail ->> '$.resend' IS NOT NULL THEN 'invited'
        WHEN r.state = 'failed' THEN 'failed'
        WHEN r.state = 'patched' THEN 'patched'
        WHEN r.state = 'outstanding' AND b.user_id IS NOT NULL THEN 'patched'
        ELSE 'not_attempted'
    END AS standing, count(*)
    FROM row r
    LEFT JOIN manifest_row m ON m.user_id = r.user_id AND m.address = r.address
    LEFT JOIN before_image b ON b.user_id = r.user_id
    WHERE m.line IS NULL
    GROUP BY standing";

pub(super) fn counts(connection: &Connection) -> rusqlite::Result<Status> {
    let created_at = meta(connection, "created_at")?.and_then(|text| text.parse().ok());
    let mut status = Status {
        manifest: meta(connection, "manifest")?.unwrap_or_default(),
        tenant: meta(connection, "tenant")?.unwrap_or_default(),
        tenant_name: meta(connection, "tenant_name")?.filter(|name| !name.is_empty()),
        created_at,
        rows: 0,
        invited: 0,
        settled: 0,
        blocked: 0,
        failed: 0,
        unknown: 0,
        patched: 0,
        not_attempted: 0,
        failures: Vec::new(),
        resends: Resends::default(),
        not_in_manifest: NotInManifest::default(),
        last_run: None,
        held_by: None,
    };
    let all = format!("SELECT {STANDING}, count(*) FROM {ROWS} GROUP BY standing");
    for (state, count) in standings(connection, &all)? {
        status.rows += count;
        match state.as_str() {
            "invited" => status.invited += count,
            "unknown" => status.unknown += count,
            "settled" => status.settled += count,
            "failed" => status.failed += count,
            "blocked" => status.blocked += count,
            "patched" => status.patched += count,
            _ => status.not_attempted += count,
        }
    }
    for (state, count) in standings(connection, NOT_IN_MANIFEST)? {
        let apart = &mut status.not_in_manifest;
        match state.as_str() {
            "invited" => apart.invited += count,
            "unknown" => apart.unknown += count,
            "failed" => apart.failed += count,
            "patched" => apart.patched += count,
            _ => apart.not_attempted += count,
        }
    }
    status.resends = connection.query_row(RESENDS, [], |row| {
        Ok(Resends { failed: natural(row.get(0)?), outstanding: natural(row.get(1)?) })
    })?;
    let mut query = connection.prepare(FAILURES)?;
    let failures = query.query_map([], |row| {
        Ok(FailureCount { code: row.get(0)?, rows: natural(row.get(1)?), message: row.get(2)? })
    })?;
    status.failures = failures.collect::<Result<_, _>>()?;
    status.last_run = last_run(connection)?;
    Ok(status)
}

/// A state and how many have it, for each.
fn standings(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<(String, u64)>> {
    let mut query = connection.prepare(sql)?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, natural(row.get(1)?))))?;
    rows.collect()
}

fn natural(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

pub(super) fn last_run(connection: &Connection) -> rusqlite::Result<Option<LastRun>> {
    let time = |text: String| text.parse::<Timestamp>().ok();
    connection
        .query_row(
            "SELECT started_at, ended_at, stop_reason, exit_code FROM run ORDER BY id DESC LIMIT 1",
            [],
            |row| {
                Ok(LastRun {
                    started_at: time(row.get(0)?).unwrap_or(Timestamp::UNIX_EPOCH),
                    ended_at: row.get::<_, Option<String>>(1)?.and_then(time),
                    stop_reason: row.get(2)?,
                    exit_code: row.get(3)?,
                })
            },
        )
        .optional()
}
