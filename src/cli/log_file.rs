//! The log file: appended to, a whole line at a time, readable by its owner alone,
//! as it holds everybody's addresses.
//!
//! Leaves to others: the lines.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::files;
use crate::report::is_log;

use super::Exit;
use super::failure::Failure;

#[derive(Debug)]
pub(super) struct LogFile {
    file: File,
    path: PathBuf,
}

impl LogFile {
    /// Opens or creates it. A file that holds something else, such as a manifest named
    /// by mistake, is refused before anything is spoilt. That a log can't be had for
    /// another reason stops nothing: the inner error says why.
    pub(super) fn open(path: &Path) -> Result<Result<Self, String>, Failure> {
        match beginning(path) {
            Ok(beginning) if !is_log(&beginning) => {
                return Err(Failure::new(
                    Exit::Usage,
                    anyhow::anyhow!("the log file {} holds something else", path.display()),
                )
                .hint("name another file with --log-file"));
            }
            Ok(_) | Err(_) => {}
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(options
            .open(path)
            .map(|file| Self { file, path: path.to_owned() })
            .map_err(|error| format!("cannot open the log file {}: {error}", path.display())))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A sentence when others than the owner can read what was there before; a new file is
    /// the owner's alone.
    #[cfg(unix)]
    pub(super) fn warning(&self) -> Option<String> {
        use std::os::unix::fs::PermissionsExt as _;
        let found = self.file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        (found.permissions().mode() & 0o077 != 0).then(|| {
            format!(
                "other accounts can read the log file {}, which holds everybody's addresses; \
                 restrict it with `chmod 600`",
                self.path.display()
            )
        })
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, reason = "who may read a file is not a matter of a mode there")]
    pub(super) fn warning(&self) -> Option<String> {
        None
    }

    /// In one piece, so that two programs that write to it don't mix their lines.
    pub(super) fn append(&mut self, line: &str) -> io::Result<()> {
        self.file.write_all(line.as_bytes())
    }
}

/// The first bytes of a regular file; nothing of a device or a pipe, which may have
/// none to give.
fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let is_file = path.metadata()?.is_file();
    let beginning = if is_file { files::beginning(path, 64)? } else { None };
    Ok(beginning.unwrap_or_default())
}
