//! Holding a file through the operating system, so that a dead process holds nothing. Where
//! locks are advisory it is one; on Windows it is how the file is shared, as a lock there
//! keeps others from reading who holds it.
//!
//! Leaves to others: which files, and what is told of their holder (`lock`).

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

fn to_write() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options
}

#[cfg(unix)]
mod system {
    use std::fs::TryLockError;
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

    use super::{File, OpenOptions, Path, io, to_write};

    /// Opens and holds the file; None where another process does. It is made, readable for
    /// its owner only, where there is none.
    pub(in super::super) fn hold(path: &Path) -> io::Result<Option<File>> {
        let file = to_write().mode(0o600).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The same of the database, with a lock that `SQLite`, whose own are POSIX locks, does
    /// not mind.
    pub(in super::super) fn hold_database(path: &Path) -> io::Result<Option<File>> {
        hold(path)
    }

    /// Whether a process holds the file.
    pub(in super::super) fn is_held(path: &Path) -> bool {
        let file = OpenOptions::new().read(true).open(path);
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Whether this is still the file of that name.
    pub(in super::super) fn is_still_there(file: &File, path: &Path) -> bool {
        match (file.metadata(), std::fs::metadata(path)) {
            (Ok(ours), Ok(there)) => ours.ino() == there.ino() && ours.dev() == there.dev(),
            _ => false,
        }
    }

    /// Holds it no more, and removes it.
    pub(in super::super) fn release(file: File, path: &Path) {
        // Best effort: a file left behind is harmless, its lock is gone.
        if is_still_there(&file, path) {
            let _ = std::fs::remove_file(path);
        }
        let _ = file.unlock();
        drop(file);
    }
}

#[cfg(windows)]
mod system {
    use std::os::windows::fs::OpenOptionsExt as _;

    use super::{File, OpenOptions, Path, io, to_write};

    // What others may do with a file while it is open
    // (learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-createfilew, 2024-02).
    const SHARE_READ: u32 = 1;
    const SHARE_WRITE: u32 = 2;
    const SHARE_DELETE: u32 = 4;

    /// `ERROR_SHARING_VIOLATION`.
    fn is_taken(error: &io::Error) -> bool {
        error.raw_os_error() == Some(32)
    }

    /// Opens and holds the file; None where another process does. It is made where there is
    /// none. Others may read it, and neither write, rename nor remove it.
    pub(in super::super) fn hold(path: &Path) -> io::Result<Option<File>> {
        // One that looks whether it is held is in the way for as long as it looks.
        for _ in 0..3 {
            match to_write().share_mode(SHARE_READ).open(path) {
                Ok(file) => return Ok(Some(file)),
                Err(error) if is_taken(&error) && is_held(path) => return Ok(None),
                Err(error) if is_taken(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Opens the database so that its name stays its own. `SQLite` opens it for writing
    /// too, so that nobody is kept out: another run is, by the lock's file.
    pub(in super::super) fn hold_database(path: &Path) -> io::Result<Option<File>> {
        to_write().share_mode(SHARE_READ | SHARE_WRITE).open(path).map(Some)
    }

    /// Whether a process holds the file: one that may write to it.
    pub(in super::super) fn is_held(path: &Path) -> bool {
        let mut options = OpenOptions::new();
        let file = options.read(true).share_mode(SHARE_READ | SHARE_DELETE).open(path);
        file.is_err_and(|error| is_taken(&error))
    }

    /// Whether this is still the file of that name: as it is shared, no other can be.
    pub(in super::super) fn is_still_there(_: &File, path: &Path) -> bool {
        path.exists()
    }

    /// Holds it no more, and removes it, unless the next one holds it already.
    pub(in super::super) fn release(file: File, path: &Path) {
        drop(file);
        // Best effort: a file left behind is held by nobody.
        let _ = std::fs::remove_file(path);
    }
}

pub(super) use system::{hold, hold_database, is_held, is_still_there, release};
