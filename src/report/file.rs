//! A report as a file: it appears whole or not at all, only its owner can read it, and
//! nothing is replaced but an earlier report, unless that is asked for.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::files::{self, Readers};

use super::ResultFileError;
use super::campaign::is_report;
use super::plan_page::is_plan_page;
use super::result_file::target;

/// Why a report's file can't be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportFileError {
    /// A file is there that would be lost.
    #[error("`{path}` is there already and is not an earlier report")]
    NotAReport { path: PathBuf },
    /// A file is there, and it is not one that is made anew each time.
    #[error("`{path}` is there already, and may have been worked on")]
    Exists { path: PathBuf },
    /// It is a checkpoint, which nothing may replace.
    #[error("`{path}` is a database, perhaps the record of a campaign")]
    Database { path: PathBuf },
    #[error(transparent)]
    File(#[from] ResultFileError),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// No file at all: what is there may have been worked on.
    Nothing,
    Reports,
    /// Whatever is asked for, except a database.
    Anything,
}

/// Makes sure that a report can be written to this path, before it is made.
pub fn check_report_path(path: &Path, replace: Replace) -> Result<(), ReportFileError> {
    let target = target(path)?;
    let failed = |source| ResultFileError::Write { path: path.to_owned(), source };
    let Some(beginning) = files::beginning(&target, 128).map_err(failed)? else {
        let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        return match directory.map(fs::metadata) {
            Some(Err(error)) => Err(failed(error).into()),
            Some(Ok(_)) | None => Ok(()),
        };
    };
    if beginning.starts_with(b"SQLite format 3\0") {
        return Err(ReportFileError::Database { path: path.to_owned() });
    }
    match replace {
        Replace::Nothing if !beginning.is_empty() => {
            Err(ReportFileError::Exists { path: path.to_owned() })
        }
        Replace::Reports if !is_report(&beginning) && !is_plan_page(&beginning) => {
            Err(ReportFileError::NotAReport { path: path.to_owned() })
        }
        Replace::Nothing | Replace::Reports | Replace::Anything => Ok(()),
    }
}

/// Writes a file by what `write` puts into it.
pub fn report_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), ResultFileError> {
    let target = target(path)?;
    files::replace(&target, Readers::Owner, write)
        .map_err(|source| ResultFileError::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_allowed_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report");
        check_report_path(&path, Replace::Nothing).unwrap();
        check_report_path(Path::new("report-of-nobody.html"), Replace::Nothing).unwrap();
        let nowhere = directory.path().join("missing/report.html");
        assert!(check_report_path(&nowhere, Replace::Anything).is_err());
        for (content, nothing, reports, anything) in [
            ("", true, true, true),
            ("<!doctype html>\n<!-- reinvite report 1 --><html>", false, true, true),
            ("{\"schema\":\"reinvite-report/1\",\"a\":1}", false, true, true),
            ("\u{feff}tenant,manifest,line,user,x\r\n", false, true, true),
            ("<!doctype html>\n<p>minutes", false, false, true),
            ("user,new_email\n", false, false, true),
            ("SQLite format 3\0", false, false, false),
        ] {
            fs::write(&path, content).unwrap();
            for (replace, may) in [
                (Replace::Nothing, nothing),
                (Replace::Reports, reports),
                (Replace::Anything, anything),
            ] {
                assert_eq!(check_report_path(&path, replace).is_ok(), may, "{content} {replace:?}");
            }
        }
    }
}
