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
