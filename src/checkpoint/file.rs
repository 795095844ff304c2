//! The file: creating, recognising and checking it, and what is written once per
//! run.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, params};

use super::format::{APPLICATION_ID, FORMAT, upgrade};
use super::lock::Lock;
use super::status::{LastRun, last_run};
use super::{CheckpointError, Journal};

/// Versions before this one can corrupt a database in WAL mode when two
/// connections write and checkpoint at once (sqlite.org/wal.html, section 11).
const OLDEST_SQLITE: i32 = 3_051_003;

/// How long a reader may make the writer wait.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// An open checkpoint, held exclusively.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    connection: Connection,
    lock: Lock,
}

/// A row of the manifest as a run planned it: what `status` accounts for.
#[derive(Debug)]
pub struct ManifestRow<'a> {
    pub line: u32,
    /// The guest as the manifest names it.
    pub user: &'a str,
    pub user_id: Option<String>,
    /// The address asked for, in lower case.
    pub address: Option<String>,
    /// `change`, `settled` or `blocked`.
    pub decision: &'static str,
    pub reason: &'static str,
    /// The plan's sentence, where the reason code does not say it all.
    pub explanation: Option<String>,
    /// The row's cells as they were written, as a JSON list of texts.
    pub cells: &'a str,
}

/// What is known when a run begins.
#[derive(Debug)]
pub struct RunStart<'a> {
    /// When.
    pub at: Timestamp,
    /// The command: `apply`, `reconcile`, `remind`, `verify`.
    pub command: &'static str,
    pub manifest: &'a str,
    /// Name of the tenant, for a person.
    pub tenant_name: Option<&'a str>,
    pub plan_digest: String,
    /// The manifest's form, as JSON: what it takes to hand rows back as they came.
    pub manifest_form: String,
}

impl Checkpoint {
    /// Opens or creates a checkpoint and takes its lock. Whose it is, is settled by
    /// [`Self::claim`].
    pub fn open(path: &Path, now: Timestamp) -> Result<Self, CheckpointError> {
        // By its real name: through a link it would have a second lock.
        let linked = path.is_symlink().then(|| std::fs::canonicalize(path).ok()).flatten();
        let path = linked.as_deref().unwrap_or(path);
        let lock = Lock::take(path, now)?;
        let is_new = create_file(path)?;
        let database = |source| CheckpointError::Database { path: path.to_owned(), source };
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let is_blank = is_new || is_blank(path, &connection)?;
        if !is_blank {
            check(path, &connection)?;
        }
        // The first change to the file, so it comes after knowing whose it is.
        connection.pragma_update(None, "journal_mode", "WAL").map_err(database)?;
        upgrade(&connection).map_err(database)?;
        if is_blank {
            set_meta(&connection, "created_at", &now.to_string()).map_err(database)?;
        }
        Ok(Self { path: path.to_owned(), connection, lock })
    }

    /// Makes sure that the checkpoint is this tenant's: for good when it is new.
    pub fn claim(&self, tenant: &str) -> Result<(), CheckpointError> {
        let database = |source| CheckpointError::Database { path: self.path.clone(), source };
        match meta(&self.connection, "tenant").map_err(database)? {
            None => set_meta(&self.connection, "tenant", tenant).map_err(database),
            Some(found) if found.eq_ignore_ascii_case(tenant) => Ok(()),
            Some(found) => Err(CheckpointError::OtherTenant {
                path: self.path.clone(),
                found,
                wanted: tenant.to_owned(),
            }),
        }
    }

    /// Name of the manifest of the last run, if there was one.
    pub fn manifest(&self) -> Result<Option<String>, CheckpointError> {
        meta(&self.connection, "manifest")
            .map_err(|source| CheckpointError::Database { path: self.path.clone(), source })
    }

    /// Whether a run ended for such a reason and the service has accepted no invitation
    /// since. One that was settled from the directory may have been sent before.
    pub fn is_stopped_by(&self, reason: impl Fn(&str) -> bool) -> Result<bool, CheckpointError> {
        is_stopped_by(&self.connection, reason)
            .map_err(|source| CheckpointError::Database { path: self.path.clone(), source })
    }

    /// How the last run ended, if there was one.
    pub fn last_run(&self) -> Result<Option<LastRun>, CheckpointError> {
        last_run(&self.connection)
            .map_err(|source| CheckpointError::Database { path: self.path.clone(), source })
    }

    /// Writes down that a run begins, and the manifest as it was planned; from here
    /// on records are written through the journal.
    pub fn begin_run<'a>(
        mut self,
        start: &RunStart<'_>,
        rows: impl Iterator<Item = ManifestRow<'a>>,
    ) -> Result<Journal, CheckpointError> {
        let run = self
            .write_start(start, rows)
            .map_err(|source| CheckpointError::Database { path: self.path.clone(), source })?;
        Ok(Journal::start(self.path, self.connection, self.lock, run))
    }

    /// Writes down that a run begins that looks at the campaign and plans no manifest:
    /// what the last plan left is kept.
    pub fn begin_look(
        self,
        command: &'static str,
        at: Timestamp,
    ) -> Result<Journal, CheckpointError> {
        let sql =
            "INSERT INTO run (started_at, command, program, plan_digest) VALUES (?1, ?2, ?3, '')";
        let values = params![at.to_string(), command, env!("CARGO_PKG_VERSION")];
        match self.connection.execute(sql, values) {
            Ok(_) => {
                let run = self.connection.last_insert_rowid();
                Ok(Journal::start(self.path, self.connection, self.lock, run))
            }
            Err(source) => Err(CheckpointError::Database { path: self.path, source }),
        }
    }

    fn write_start<'a>(
        &mut self,
        start: &RunStart<'_>,
        rows: impl Iterator<Item = ManifestRow<'a>>,
    ) -> rusqlite::Result<i64> {
        let transaction = self.connection.transaction()?;
        set_meta(&transaction, "manifest", start.manifest)?;
        set_meta(&transaction, "manifest_form", &start.manifest_form)?;
        set_meta(&transaction, "tenant_name", start.tenant_name.unwrap_or_default())?;
        transaction.execute(
            "INSERT INTO run (started_at, command, program, plan_digest) VALUES (?1, ?2, ?3, ?4)",
            params![
                start.at.to_string(),
                start.command,
                env!("CARGO_PKG_VERSION"),
                start.plan_digest
            ],
        )?;
        let run = transaction.last_insert_rowid();
        transaction.execute("DELETE FROM manifest_row", [])?;
        {
            let mut insert = transaction.prepare(
                "INSERT INTO manifest_row
                 (line, user, user_id, address, decision, reason, explanation, cells)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?;
            for row in rows {
                insert.execute(params![
                    row.line,
                    row.user,
                    row.user_id,
                    row.address,
                    row.decision,
                    row.reason,
                    row.explanation.unwrap_or_default(),
                    row.cells
                ])?;
            }
        }
        transaction.commit()?;
        Ok(run)
    }

    /// The connection, for reading.
    pub(super) fn connection(&self) -> (&Path, &Connection) {
        (&self.path, &self.connection)
    }
}

/// Creates the file, readable for its owner only, unless it is there, and then it
/// has to be a database. Says whether it is new; a file of zero bytes was created by a run that died right then.
fn create_file(path: &Path) -> Result<bool, CheckpointError> {
    let failed = |source| CheckpointError::File { path: path.to_owned(), source };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(failed)?;
    let is_new = file.metadata().map_err(failed)?.len() == 0;
    if is_new {
        // The name itself must survive a power loss, or the first records would go
        // into a file that nobody finds again.
        file.sync_all().map_err(failed)?;
        #[cfg(unix)]
        if let Some(parent) = path.parent() {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            File::open(parent).and_then(|directory| directory.sync_all()).map_err(failed)?;
        }
    } else {
        recognise(path)?;
    }
    Ok(is_new)
}

/// What every SQLite database begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Refuses a file that is no database at all. SQLite takes a very short one for an
/// empty database and writes over it.
pub(super) fn recognise(path: &Path) -> Result<(), CheckpointError> {
    let mut found = [0; MAGIC.len()];
    match File::open(path).and_then(|mut file| file.read_exact(&mut found)) {
        Ok(()) if found == *MAGIC => Ok(()),
        Err(source) if source.kind() != ErrorKind::UnexpectedEof => {
            Err(CheckpointError::File { path: path.to_owned(), source })
        }
        Ok(()) | Err(_) => Err(CheckpointError::Foreign { path: path.to_owned() }),
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
        connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        // macOS alone needs these to really reach the disk; elsewhere they do nothing.
        connection.pragma_update(None, "fullfsync", true).map_err(failed)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true).map_err(failed)?;
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

/// Whether the database has nothing in it yet, not even a mark of whose it is:
/// SQLite writes such a one before the first table, and a run can die in between.
pub(super) fn is_blank(path: &Path, connection: &Connection) -> Result<bool, CheckpointError> {
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let things = number("SELECT count(*) FROM sqlite_schema");
    let things = things.map_err(|source| classify(path, source))?;
    let mut marks = 0;
    for pragma in ["application_id", "user_version"] {
        let mark = connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        marks |= mark.map_err(|source| classify(path, source))?;
    }
    Ok(things == 0 && marks == 0)
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

pub(super) fn set_meta(connection: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2)
               ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    connection.execute(sql, params![key, value]).map(drop)
}

pub(super) fn meta(connection: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    use rusqlite::OptionalExtension as _;
    connection
        .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
        .optional()
}

fn is_stopped_by(connection: &Connection, reason: impl Fn(&str) -> bool) -> rusqlite::Result<bool> {
    let mut query = connection.prepare(
        "SELECT id, stop_reason FROM run WHERE stop_reason IS NOT NULL ORDER BY id DESC",
    )?;
    let mut runs = query.query([])?;
    while let Some(run) = runs.next()? {
        if reason(run.get_ref(1)?.as_str()?) {
            let later = "SELECT NOT EXISTS (SELECT 1 FROM event
                WHERE run > ?1 AND what = 'invited' AND detail ->> '$.how' = 'accepted')";
            return connection.query_row(later, [run.get::<_, i64>(0)?], |row| row.get(0));
        }
    }
    Ok(false)
}
