//! The file as a database: connecting, recognising and checking it.
//!
//! Leaves to others: reading it beside a run (`reader`), what is in it (`tables`).

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use super::format::{APPLICATION_ID, FORMAT};
use super::{CheckpointError, Unwritten};

/// Versions before this one can corrupt a database in WAL mode, which earlier formats
/// have, when two connections write and checkpoint at once (sqlite.org/wal.html, section 11).
const OLDEST_SQLITE: i32 = 3_051_003;

/// How long a reader may make the writer wait: while it reads, nothing is committed.
const BUSY_TIMEOUT: Duration = Duration::from_mins(1);

/// Why a table can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    /// It holds something that this version would not have written.
    #[error("{0}")]
    Content(String),
    /// It is not this run's any more.
    #[error(transparent)]
    Unwritten(Unwritten),
}

impl From<ReadError> for Unwritten {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Database(source) => (&source).into(),
            ReadError::Content(detail) => Self::Failed(detail),
            ReadError::Unwritten(why) => why,
        }
    }
}

impl ReadError {
    pub(super) fn at(self, path: &Path) -> CheckpointError {
        match self {
            Self::Database(source) => classify(path, source),
            Self::Content(detail) => CheckpointError::Damaged { path: path.to_owned(), detail },
            Self::Unwritten(why) => CheckpointError::Unwritten(why),
        }
    }
}

/// Reads in one transaction, whatever a run adds meanwhile.
pub(super) fn in_one_state<T>(
    path: &Path,
    connection: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, ReadError>,
) -> Result<T, CheckpointError> {
    let transaction =
        connection.unchecked_transaction().map_err(|source| classify(path, source))?;
    read(&transaction).map_err(|error| error.at(path))
}

/// The smallest page that a database has.
const SMALLEST: u64 = 512;

/// Refuses a file that is too short for a database: SQLite takes such a one for an empty
/// database and writes over it. By its length only, since closing the file, opened
/// anywhere in this process, would drop `SQLite`'s POSIX locks on it (sqlite.org/howtocorrupt.html, 2.2).
pub(super) fn recognise(path: &Path) -> Result<(), CheckpointError> {
    match std::fs::metadata(path) {
        Ok(found) if found.len() >= SMALLEST => Ok(()),
        Ok(_) => Err(CheckpointError::Foreign { path: path.to_owned() }),
        Err(source) => Err(CheckpointError::File { path: path.to_owned(), source }),
    }
}

/// Connects with everything that durability needs, and changes nothing yet.
pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, CheckpointError> {
    debug_assert!(rusqlite::version_number() >= OLDEST_SQLITE, "SQLite is bundled");
    let failed = |source| classify(path, source);
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    if flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
        // The journal is taken away durably, too, before a commit counts.
        connection.pragma_update(None, "synchronous", "EXTRA").map_err(failed)?;
        // macOS alone needs these to really reach the disk; elsewhere they do nothing.
        connection.pragma_update(None, "fullfsync", true).map_err(failed)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true).map_err(failed)?;
        // What is taken away is overwritten: redeem links are secrets.
        connection.pragma_update(None, "secure_delete", true).map_err(failed)?;
    }
    Ok(connection)
}

/// Checks that the file is ours, of a format we know, and whole.
pub(super) fn check(path: &Path, connection: &Connection) -> Result<(), CheckpointError> {
    let failed = |source| classify(path, source);
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    if number("application_id").map_err(failed)? != APPLICATION_ID {
        return Err(CheckpointError::Foreign { path: path.to_owned() });
    }
    let found = number("user_version").map_err(failed)?;
    if found > FORMAT {
        return Err(CheckpointError::Newer { path: path.to_owned(), found, known: FORMAT });
    }
    let verdict: String =
        connection.pragma_query_value(None, "quick_check", |row| row.get(0)).map_err(failed)?;
    if verdict != "ok" {
        return Err(CheckpointError::Damaged { path: path.to_owned(), detail: verdict });
    }
    Ok(())
}

/// Whether nothing was ever committed to the file: what the run that was creating it left
/// half written is taken back by the first look into it. A database without anything in
/// it, not even a mark of whose it is, is one that lost what it held: earlier versions kept that in a file beside it.
pub(super) fn is_blank(path: &Path, connection: &Connection) -> Result<bool, CheckpointError> {
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let things = number("SELECT count(*) FROM sqlite_schema");
    let things = things.map_err(|source| classify(path, source))?;
    let mut marks = 0;
    for pragma in ["application_id", "user_version"] {
        let mark = connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        marks |= mark.map_err(|source| classify(path, source))?;
    }
    if things != 0 || marks != 0 {
        return Ok(false);
    }
    let found = std::fs::metadata(path)
        .map_err(|source| CheckpointError::File { path: path.to_owned(), source })?;
    if found.len() == 0 {
        return Ok(true);
    }
    Err(CheckpointError::Lost { path: path.to_owned(), detail: "nothing is in it".to_owned() })
}

/// Tells a file that is no database, or a damaged one, from a failing disk.
pub(super) fn classify(path: &Path, source: rusqlite::Error) -> CheckpointError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => CheckpointError::Foreign { path },
        Some(rusqlite::ErrorCode::DatabaseCorrupt) => {
            CheckpointError::Damaged { path, detail: source.to_string() }
        }
        _ => CheckpointError::Database { path, source },
    }
}

/// How a commit that is under way can be taken back: `TRUNCATE` during a run, and
/// `DELETE` to leave one file.
pub(super) fn journal_mode(connection: &Connection, mode: &str) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", mode, |_| Ok(()))
}

pub(super) fn set_meta(connection: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2)
               ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    connection.execute(sql, params![key, value]).map(drop)
}

pub(super) fn meta(connection: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    connection
        .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
        .optional()
}
