//! The file a run holds: creating and claiming it, and what is written once per run.
//!
//! Leaves to others: connecting and checking (`database`), records (`journal`).

use std::fs::File;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::database::{
    ReadError, check, connect, is_blank, journal_mode, meta, recognise, set_meta,
};
use super::format::upgrade;
use super::lock::Lock;
use super::manifest_row::{self, ManifestRow};
use super::seal::{Seal, verify};
use super::{CheckpointError, Journal};

/// An open checkpoint, held exclusively.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    connection: Connection,
    lock: Lock,
    /// What the file holds, as it was verified.
    seal: Seal,
}

/// What is known when a run begins.
#[derive(Debug)]
pub struct RunStart<'a> {
    /// When.
    pub at: Timestamp,
    /// The command: `apply`, `reconcile`, `revert`.
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
        let is_new = has_just_been_made(lock.database(), path)?;
        let database = |source| CheckpointError::Database { path: path.to_owned(), source };
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let is_blank = is_new || is_blank(path, &connection)?;
        if !is_blank {
            check(path, &connection)?;
        }
        // The first change to the file, so it comes after knowing whose it is. What is
        // acknowledged is in this file and in no other beside it: earlier formats had a
        // write-ahead log, which ends without a word where it is damaged.
        journal_mode(&connection, "TRUNCATE").map_err(database)?;
        upgrade(&connection).map_err(|error| error.at(path))?;
        let seal = verify(path, &connection)?;
        if is_blank {
            set_meta(&connection, "created_at", &now.to_string()).map_err(database)?;
        }
        Ok(Self { path: path.to_owned(), connection, lock, seal })
    }

    /// Makes sure that the checkpoint is this tenant's: for good when it is new. One that
    /// was claimed under the configured name, when the id could not be read, is taken over.
    pub fn claim(&self, tenant: &str, configured: &str) -> Result<(), CheckpointError> {
        let database = |source| CheckpointError::Database { path: self.path.clone(), source };
        match meta(&self.connection, "tenant").map_err(database)? {
            None => set_meta(&self.connection, "tenant", tenant).map_err(database),
            Some(found) if found.eq_ignore_ascii_case(tenant) => Ok(()),
            Some(found) if is_configured_name(&found, configured) => {
                set_meta(&self.connection, "tenant", tenant).map_err(database)
            }
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

    /// Writes down that a run begins, and the manifest as it was planned; from here
    /// on records are written through the journal.
    pub fn begin_run(
        mut self,
        start: &RunStart<'_>,
        rows: impl Iterator<Item = ManifestRow>,
    ) -> Result<Journal, CheckpointError> {
        self.lock.must_be_named().map_err(CheckpointError::Unwritten)?;
        self.write_start(start, rows).map_err(|error| error.at(&self.path))?;
        Ok(Journal::start(self.path, self.connection, self.lock, self.seal))
    }

    /// Writes down that a run begins that looks at the campaign and plans no manifest:
    /// what the last plan left is kept.
    pub fn begin_look(
        mut self,
        command: &'static str,
        at: Timestamp,
    ) -> Result<Journal, CheckpointError> {
        self.lock.must_be_named().map_err(CheckpointError::Unwritten)?;
        self.write_look(command, at).map_err(|error| error.at(&self.path))?;
        Ok(Journal::start(self.path, self.connection, self.lock, self.seal))
    }

    fn write_look(&mut self, command: &'static str, at: Timestamp) -> Result<(), ReadError> {
        let transaction = begin(&mut self.connection)?;
        let sql =
            "INSERT INTO run (started_at, command, program, plan_digest) VALUES (?1, ?2, ?3, '')";
        let values = params![at.to_string(), command, env!("CARGO_PKG_VERSION")];
        transaction.execute(sql, values)?;
        self.seal = take_over(&transaction, &self.seal)?;
        Ok(transaction.commit()?)
    }

    fn write_start(
        &mut self,
        start: &RunStart<'_>,
        rows: impl Iterator<Item = ManifestRow>,
    ) -> Result<(), ReadError> {
        let transaction = begin(&mut self.connection)?;
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
        let seal = take_over(&transaction, &self.seal)?;
        manifest_row::write(&transaction, rows)?;
        transaction.commit()?;
        self.seal = seal;
        Ok(())
    }

    /// The connection, for reading.
    pub(super) fn connection(&self) -> (&Path, &Connection) {
        (&self.path, &self.connection)
    }
}

/// Whether a checkpoint was claimed under the name by which the tenant is configured, which
/// leads to one tenant. An id is no such name: it is compared with the id that was read.
pub fn is_configured_name(found: &str, configured: &str) -> bool {
    found.eq_ignore_ascii_case(configured) && uuid::Uuid::try_parse(found).is_err()
}

/// The file for the run that was just written, if nobody wrote since the seal was read.
fn take_over(transaction: &Connection, seal: &Seal) -> Result<Seal, ReadError> {
    let run = transaction.last_insert_rowid();
    seal.must_be_on(transaction)?;
    let seal = seal.taken_by(run);
    seal.write(transaction)?;
    Ok(seal)
}

fn begin(connection: &mut Connection) -> rusqlite::Result<rusqlite::Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// Whether there is nothing in the file yet; else it has to be long enough for a
/// database. A file of zero bytes was created by a run that died right then.
fn has_just_been_made(file: &File, path: &Path) -> Result<bool, CheckpointError> {
    let failed = |source| CheckpointError::File { path: path.to_owned(), source };
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
