//! What can be wrong with a checkpoint.

use std::path::PathBuf;

use super::Owner;

/// Why nothing more is written to a checkpoint during a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Unwritten {
    /// Its name is that of another file, or of none: whoever comes next would not find
    /// what is written.
    #[error("{} was moved, deleted or replaced while the run was using it", .0.display())]
    Moved(PathBuf),
    /// It does not hold what this run last wrote.
    #[error("another run, or a copy, took the place of what this run wrote")]
    Overwritten,
    /// There is no room for it.
    #[error("the disk is full")]
    NoRoom,
    /// In the words of whoever failed.
    #[error("{0}")]
    Failed(String),
}

impl Unwritten {
    /// What has to be done before the same command is run again.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Moved(_) => "put the very file back, as it alone says who was invited",
            Self::Overwritten => "let only one run use it, and no copy",
            Self::NoRoom => "make room on its disk",
            Self::Failed(_) => "check its disk's health, space and quota",
        }
    }
}

impl From<&rusqlite::Error> for Unwritten {
    fn from(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::NoRoom,
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// Why a checkpoint can't be used. Whatever it is, nothing was sent because of it.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Another run is at work on it.
    #[error("the checkpoint {} is in use by {owner}", path.display())]
    Held { path: PathBuf, owner: Owner },
    /// It belongs to another tenant.
    #[error("the checkpoint {} belongs to the tenant {found}, not to {wanted}", path.display())]
    OtherTenant {
        path: PathBuf,
        found: String,
        /// The tenant of this run.
        wanted: String,
    },
    /// It is a file of some other program.
    #[error("{} is not a checkpoint of reinvite", path.display())]
    Foreign { path: PathBuf },
    /// A newer version of this program wrote it.
    #[error("the checkpoint {} has format {found}, and this version knows {known}", path.display())]
    Newer {
        path: PathBuf,
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// Its content is not what was written.
    #[error("the checkpoint {} is damaged: {detail}", path.display())]
    Damaged { path: PathBuf, detail: String },
    /// It lacks records that were written to it, or has others in their place.
    #[error("the checkpoint {} is not whole: {detail}", path.display())]
    Lost { path: PathBuf, detail: String },
    /// There is none.
    #[error("there is no checkpoint at {}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file or its directory can't be read or written.
    #[error("the checkpoint {} can't be opened", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// SQLite failed: a full disk, a lost volume.
    #[error("the checkpoint {} can't be read or written", path.display())]
    Database {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    /// A record could not be written, so nothing more is.
    #[error("the checkpoint can't be written: {0}")]
    Unwritten(Unwritten),
}

impl CheckpointError {
    /// What to do about it.
    pub fn advice(&self) -> String {
        let then = |first: &str| format!("{first}, then run the same command again");
        let advice = match self {
            Self::Held { .. } => "wait for that run to end, or stop it; `status` works beside it",
            Self::OtherTenant { .. } => {
                "name another checkpoint with --checkpoint, or correct [tenant] id"
            }
            Self::Foreign { .. } => "name another file with --checkpoint",
            Self::Newer { .. } => "use the version of reinvite that wrote it, or a later one",
            Self::Damaged { .. } => {
                "restore it from a backup; without it reinvite can't know who was invited"
            }
            Self::Lost { .. } => {
                "put the file back that was beside it (-journal, or -wal of an earlier version), or \
                 restore it from a backup. What it lost is who was invited: before you begin anew \
                 with another checkpoint, run `plan` with that; guests who already show their new \
                 address are listed and not invited again unasked"
            }
            Self::Missing { .. } => "`apply` creates it; name the right file with --checkpoint",
            Self::File { .. } if !self.is_for_want_of_room() => {
                "check the path and its permissions"
            }
            Self::File { .. } => return then(Unwritten::NoRoom.advice()),
            Self::Database { source, .. } => return then(Unwritten::from(source).advice()),
            Self::Unwritten(why) => return then(why.advice()),
        };
        advice.to_owned()
    }

    /// Whether nothing is wrong with the file's name, and the disk has no room for it.
    pub fn is_for_want_of_room(&self) -> bool {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        matches!(self, Self::File { source, .. }
            if matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge))
    }
}
