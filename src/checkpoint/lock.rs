//! One run at a time: a lock file beside the checkpoint, held through the
//! operating system, so that a dead process holds nothing.

use std::fmt;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CheckpointError, Unwritten, held};

/// Who holds a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub pid: u32,
    pub host: String,
    /// Since when.
    pub since: Timestamp,
}

impl Owner {
    fn this_process(now: Timestamp) -> Self {
        let host = gethostname::gethostname().to_string_lossy().into_owned();
        Self { pid: std::process::id(), host, since: now }
    }

    /// Of a run whose lock file is gone or unreadable.
    fn unknown(now: Timestamp) -> Self {
        Self { pid: 0, host: "an unknown host".to_owned(), since: now }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pid == 0 {
            return f.write_str("another run");
        }
        write!(f, "process {} on {} since {:.0}", self.pid, self.host, self.since)
    }
}

/// The lock, held until dropped.
#[derive(Debug)]
pub(super) struct Lock {
    /// Let go before the database.
    _file: LockFile,
    database: Database,
}

#[derive(Debug)]
struct LockFile {
    /// There until it is dropped.
    file: Option<File>,
    path: PathBuf,
}

/// The database file itself, held too: its name may be gone, or one of several. Opened
/// before `SQLite` opens it and closed after, as closing drops `SQLite`'s own locks.
#[derive(Debug)]
struct Database {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock of a checkpoint or says who holds it.
    /// Makes the checkpoint's file where there is none.
    pub(super) fn take(checkpoint: &Path, now: Timestamp) -> Result<Self, CheckpointError> {
        let path = lock_path(checkpoint);
        let failed = |source| CheckpointError::File { path: checkpoint.to_owned(), source };
        let held = |owner| CheckpointError::Held { path: checkpoint.to_owned(), owner };
        loop {
            if path.is_symlink() {
                let why = format!("its lock {} is a symbolic link; remove it", path.display());
                return Err(failed(std::io::Error::other(why)));
            }
            let Some(mut file) = held::hold(&path).map_err(failed)? else {
                return Err(held(read_owner(&path).unwrap_or_else(|| Owner::unknown(now))));
            };
            // The holder before us may have removed the file between our opening and
            // locking it; a lock on a removed file would exclude nobody.
            if !held::is_still_there(&file, &path) {
                continue;
            }
            let owner = serde_json::to_vec(&Owner::this_process(now)).expect("plain data");
            let written = file.set_len(0).and_then(|()| file.write_all(&owner));
            let file = LockFile { file: Some(file), path };
            written.map_err(failed)?;
            let database = held::hold_database(checkpoint).map_err(failed)?;
            let database = database.ok_or_else(|| held(Owner::unknown(now)))?;
            let database = Database { file: database, path: checkpoint.to_owned() };
            return Ok(Self { _file: file, database });
        }
    }

    /// The database file, as it was opened.
    pub(super) const fn database(&self) -> &File {
        &self.database.file
    }

    /// Says why nothing more may be done, if the checkpoint's name is no longer that of
    /// the file that is written: whoever comes next would find another, or none.
    pub(super) fn must_be_named(&self) -> Result<(), Unwritten> {
        let Database { file, path } = &self.database;
        if held::is_still_there(file, path) {
            return Ok(());
        }
        Err(Unwritten::Moved(path.clone()))
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            held::release(file, &self.path);
        }
    }
}

/// Who holds the checkpoint now, if anyone does.
pub(super) fn holder(checkpoint: &Path) -> Option<Owner> {
    let path = lock_path(checkpoint);
    if held::is_held(&path) { read_owner(&path) } else { None }
}

fn lock_path(checkpoint: &Path) -> PathBuf {
    let mut name = checkpoint.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn read_owner(path: &Path) -> Option<Owner> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_is_told_who_holds_it_and_a_dropped_lock_holds_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let checkpoint = directory.path().join("guests.csv.checkpoint");
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let lock = Lock::take(&checkpoint, now).unwrap();
        match Lock::take(&checkpoint, now) {
            Err(CheckpointError::Held { owner, .. }) => {
                assert_eq!((owner.pid, owner.since), (std::process::id(), now));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(holder(&checkpoint).unwrap().pid, std::process::id());
        drop(lock);
        assert!(holder(&checkpoint).is_none());
        assert!(!lock_path(&checkpoint).exists());
        Lock::take(&checkpoint, now).unwrap();
    }

    #[test]
    fn the_lock_file_of_a_dead_process_needs_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let checkpoint = directory.path().join("guests.csv.checkpoint");
        std::fs::write(lock_path(&checkpoint), "{\"pid\":1,\"host\":\"gone\"").unwrap();
        Lock::take(&checkpoint, Timestamp::UNIX_EPOCH).unwrap();
    }
}
