//! Reading a checkpoint without holding it, beside a run or after one.
//!
//! Leaves to others: what is read (`status`, `history`, `ledger`, `past`, `undo`, `trail`).

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::CheckpointError;
use super::database::{ReadError, check, classify, connect, is_blank, recognise};
use super::format::for_reading;
use super::seal::{Seal, verify};

/// A checkpoint that is only read. It keeps nobody from it but while it reads: then
/// whoever writes waits.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    connection: Connection,
    /// The state whose records were found to fit their seal. A command that reads several
    /// times verifies once, unless a run went on meanwhile.
    verified: RefCell<Option<Seal>>,
}

impl Reader {
    /// Finds the file, and whose it is. What it holds is verified when it is read.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
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
        // What a killed run left half written is taken back by whoever opens the file next;
        // where writing is not allowed, reading alone works as long as there is none.
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .or_else(|_| connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY))?;
        if is_blank(path, &connection)? {
            return Err(CheckpointError::Missing { path: path.to_owned() });
        }
        check(path, &connection)?;
        let connection = for_reading(connection).map_err(|error| error.at(path))?;
        Ok(Self { path: path.to_owned(), connection, verified: RefCell::default() })
    }

    /// Reads what is certainly what was written, all of it in one state.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, ReadError>,
    ) -> Result<T, CheckpointError> {
        let failed = |source| classify(&self.path, source);
        let transaction = self.connection.unchecked_transaction().map_err(failed)?;
        self.verify(&transaction)?;
        read(&transaction).map_err(|error| error.at(&self.path))
    }

    fn verify(&self, connection: &Connection) -> Result<(), CheckpointError> {
        let sealed =
            Seal::read(connection).map_err(|source| ReadError::from(source).at(&self.path))?;
        let mut verified = self.verified.borrow_mut();
        if sealed.is_none() || *verified != sealed {
            *verified = Some(verify(&self.path, connection)?);
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
