//! One run at a time: a lock file beside the checkpoint, held through the
//! operating system, so that a dead process holds nothing.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CheckpointError, Unwritten};

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
    file: File,
    path: PathBuf,
    database: Database,
}

/// The database file itself, held too: its name may be gone, or one of several. Opened
/// before `SQLite` opens it and closed after, as closing drops `SQLite`'s own locks, which
/// are POSIX locks; this one is of the other kind, and neither minds the other.
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
        loop {
            if path.is_symlink() {
                let why = format!("its lock {} is a symbolic link; remove it", path.display());
                return Err(failed(std::io::Error::other(why)));
            }
            let mut file = open(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let owner = read_owner(&mut file).unwrap_or_else(|| Owner::unknown(now));
                    return Err(CheckpointError::Held { path: checkpoint.to_owned(), owner });
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
            // The holder before us may have removed the file between our opening and
            // locking it; a lock on a removed file would exclude nobody.
            if !is_still_there(&file, &path) {
                continue;
            }
            let owner = serde_json::to_vec(&Owner::this_process(now)).expect("plain data");
            file.set_len(0).and_then(|()| file.write_all(&owner)).map_err(failed)?;
            let database =
                Database { file: open(checkpoint).map_err(failed)?, path: checkpoint.to_owned() };
            let lock = Self { file, path, database };
            return match lock.database.hold() {
                Ok(()) => Ok(lock),
                Err(TryLockError::WouldBlock) => Err(CheckpointError::Held {
                    path: checkpoint.to_owned(),
                    owner: Owner::unknown(now),
                }),
                Err(TryLockError::Error(source)) => Err(failed(source)),
            };
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
        if is_still_there(file, path) {
            return Ok(());
        }
        Err(Unwritten::Moved(path.clone()))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Best effort: a file left behind is harmless, its lock is gone.
        if is_still_there(&self.file, &self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
        let _ = self.file.unlock();
    }
}

/// Who holds the checkpoint now, if anyone does.
pub(super) fn holder(checkpoint: &Path) -> Option<Owner> {
    let mut file = OpenOptions::new().read(true).open(lock_path(checkpoint)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => read_owner(&mut file),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn lock_path(checkpoint: &Path) -> PathBuf {
    let mut name = checkpoint.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

impl Database {
    #[cfg(unix)]
    fn hold(&self) -> Result<(), TryLockError> {
        self.file.try_lock()
    }

    /// Elsewhere such a lock would keep `SQLite` out, too, and an open file keeps its name.
    #[cfg(not(unix))]
    fn hold(&self) -> Result<(), TryLockError> {
        self.file.metadata().map(drop).map_err(TryLockError::Error)
    }
}

/// Opens the file, readable for its owner only where it is made.
fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn read_owner(file: &mut File) -> Option<Owner> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(unix)]
fn is_still_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(ours), Ok(there)) => ours.ino() == there.ino() && ours.dev() == there.dev(),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_still_there(_: &File, path: &Path) -> bool {
    // Elsewhere an open file can't be removed.
    path.exists()
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
