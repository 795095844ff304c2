//! The format of the file: its tables, and the steps from one format to the next.
//!
//! A step is never edited once a version with it was released: files written by
//! that version are out there. A word that is new in any table is a new format, too,
//! so that a version which does not know it refuses the file.

use rusqlite::Connection;

use super::database::ReadError;
use super::seal::Seal;

/// Marks the file as ours: "rvit".
pub(super) const APPLICATION_ID: i64 = 0x7276_6974;

/// Each step makes the next format of the one before it; the first starts from
/// nothing.
const STEPS: [&str; 8] = [FIRST, NIGHTS, STATES, SEALED, MAILS, REVERTS, UNINVITED, ARRIVALS];

/// The format this version writes and the newest it reads.
#[expect(clippy::cast_possible_wrap, reason = "there are a handful of steps")]
pub(super) const FORMAT: i64 = STEPS.len() as i64;

const FIRST: &str = "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE run (
        id INTEGER PRIMARY KEY,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        program TEXT NOT NULL,
        plan_digest TEXT NOT NULL,
        stop_reason TEXT,
        exit_code INTEGER,
        summary TEXT
    ) STRICT;
    CREATE TABLE event (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL,
        at TEXT NOT NULL,
        user_id TEXT NOT NULL,
        address TEXT NOT NULL,
        what TEXT NOT NULL,
        detail TEXT NOT NULL
    ) STRICT;
    CREATE TABLE row (
        user_id TEXT NOT NULL,
        address TEXT NOT NULL,
        state TEXT NOT NULL,
        at TEXT NOT NULL,
        detail TEXT NOT NULL,
        PRIMARY KEY (user_id, address)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE before_image (
        user_id TEXT PRIMARY KEY,
        at TEXT NOT NULL,
        mail TEXT,
        other_mails TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE name (name TEXT PRIMARY KEY, user_id TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE manifest_row (
        line INTEGER PRIMARY KEY,
        user TEXT NOT NULL,
        user_id TEXT,
        address TEXT,
        decision TEXT NOT NULL,
        reason TEXT NOT NULL
    ) STRICT;
";

/// What reports and unattended nights need: which command a run was, the manifest's
/// rows as the user wrote them and why the plan left some alone, what the directory showed of a guest each time that
/// it showed something new, and how long the tenant made a run wait.
const NIGHTS: &str = "
    ALTER TABLE run ADD COLUMN command TEXT NOT NULL DEFAULT 'apply';
    ALTER TABLE manifest_row ADD COLUMN cells TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE manifest_row ADD COLUMN explanation TEXT NOT NULL DEFAULT '';
    CREATE TABLE sighting (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL,
        at TEXT NOT NULL,
        user_id TEXT NOT NULL,
        address TEXT NOT NULL,
        finding TEXT NOT NULL,
        since TEXT,
        detail TEXT NOT NULL
    ) STRICT;
    CREATE TABLE wait (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL,
        at TEXT NOT NULL,
        scope TEXT NOT NULL,
        seconds REAL NOT NULL
    ) STRICT;
";

/// The detail of a row is what its state says and nothing else: a request to send again
/// has a column of its own, and the invitation that stands while one more is on its way
/// is no text in a text.
const STATES: &str = "
    ALTER TABLE row ADD COLUMN resend TEXT;
    UPDATE row SET resend = detail -> '$.resend' WHERE detail ->> '$.resend' IS NOT NULL;
    UPDATE row SET detail = json_remove(detail, '$.resend')
        WHERE json_type(detail, '$.resend') IS NOT NULL;
    UPDATE row SET detail = json_set(detail, '$.accepted', json_object(
            'at', detail ->> '$.accepted.at',
            'how', coalesce((detail ->> '$.accepted.detail') ->> '$.how', 'accepted')))
        WHERE detail ->> '$.accepted.at' IS NOT NULL;
";

/// What the file holds is counted and hashed, and belongs to one run at a time.
const SEALED: &str = "
    CREATE TABLE seal (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        epoch INTEGER NOT NULL,
        run INTEGER NOT NULL,
        events INTEGER NOT NULL,
        events_hash TEXT NOT NULL,
        sightings INTEGER NOT NULL,
        sightings_hash TEXT NOT NULL,
        unfolded INTEGER NOT NULL
    ) STRICT;
";

/// The first format with a seal.
const SEALED_SINCE: i64 = 4;

/// One's own mails: the link that each is to carry, until it was sent, and what became
/// of it.
const MAILS: &str = "
    CREATE TABLE mail (
        user_id TEXT NOT NULL,
        address TEXT NOT NULL,
        state TEXT NOT NULL,
        at TEXT NOT NULL,
        message_id TEXT,
        link TEXT,
        PRIMARY KEY (user_id, address)
    ) STRICT, WITHOUT ROWID;
";

/// The way back: records of mails that are written back, and which rows are there for it.
const REVERTS: &str = "
    ALTER TABLE row ADD COLUMN reverts TEXT;
";

/// A word for rows whose guests others moved, and nobody invited.
const UNINVITED: &str = "";

/// What the message trace told last of the newest mail to each guest and address.
const ARRIVALS: &str = "
    CREATE TABLE arrival (
        user_id TEXT NOT NULL,
        address TEXT NOT NULL,
        fate TEXT NOT NULL,
        at TEXT NOT NULL,
        message_id TEXT,
        code TEXT,
        message TEXT NOT NULL,
        PRIMARY KEY (user_id, address)
    ) STRICT, WITHOUT ROWID;
";

/// Brings a file of an earlier format, or a blank one, to the present format: all
/// of the way, or not at all.
pub(super) fn upgrade(connection: &Connection) -> Result<(), ReadError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let missing = STEPS.get(usize::try_from(found).unwrap_or_default()..).unwrap_or_default();
    if missing.is_empty() {
        return Ok(());
    }
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(&format!(
        "{} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT};",
        missing.concat()
    ))?;
    if found < SEALED_SINCE {
        Seal::first(&transaction)?.write(&transaction)?;
    }
    Ok(transaction.commit()?)
}

/// What a reader reads of a file of an earlier format: a copy in memory, brought
/// to the present format. A reader changes no file, least of all beside a run.
pub(super) fn for_reading(connection: Connection) -> Result<Connection, ReadError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found >= FORMAT {
        return Ok(connection);
    }
    let mut copy = Connection::open_in_memory()?;
    {
        let backup = rusqlite::backup::Backup::new(&connection, &mut copy)?;
        backup.run_to_completion(i32::MAX, std::time::Duration::ZERO, None)?;
    }
    upgrade(&copy)?;
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_format(steps: usize) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for step in &STEPS[..steps] {
            connection.execute_batch(step).unwrap();
        }
        connection.pragma_update(None, "user_version", i64::try_from(steps).unwrap()).unwrap();
        connection
    }

    fn schema(connection: &Connection) -> Vec<String> {
        let mut query =
            connection.prepare("SELECT sql FROM sqlite_schema WHERE sql != '' ORDER BY 1").unwrap();
        let rows = query.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn every_earlier_format_becomes_the_present_one_and_keeps_its_rows() {
        for format in 1..=STEPS.len() {
            let old = in_format(format);
            old.execute("INSERT INTO meta VALUES ('tenant', 'kept')", []).unwrap();
            let read = for_reading(old).unwrap();
            let kept: String =
                read.query_row("SELECT value FROM meta", [], |row| row.get(0)).unwrap();
            assert_eq!(kept, "kept");
            assert_eq!(schema(&read), schema(&in_format(STEPS.len())), "from format {format}");
        }
    }
}
