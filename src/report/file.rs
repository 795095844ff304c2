//! A report as a file: it appears whole or not at all, only its owner can read it, and
//! nothing is replaced but an earlier report, unless that is asked for.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

use super::ResultFileError;
use super::campaign::is_report;
use super::result_file::{beside, create, target};

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
    let mut beginning = Vec::new();
    match File::open(&target) {
        Ok(file) => file.take(128).read_to_end(&mut beginning).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty());
            return match directory.map(fs::metadata) {
                Some(Err(error)) => Err(failed(error).into()),
                Some(Ok(_)) | None => Ok(()),
            };
        }
        Err(error) => return Err(failed(error).into()),
    };
    if beginning.starts_with(b"SQLite format 3\0") {
        return Err(ReportFileError::Database { path: path.to_owned() });
    }
    match replace {
        Replace::Nothing if !beginning.is_empty() => {
            Err(ReportFileError::Exists { path: path.to_owned() })
        }
        Replace::Reports if !is_report(&beginning) => {
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
    let temporary = beside(&target);
    let written = create(&temporary).and_then(|file| {
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    });
    written.and_then(|()| fs::rename(&temporary, &target)).map_err(|source| {
        // The cause is what matters; a leftover is harmless.
        let _ = fs::remove_file(&temporary);
        ResultFileError::Write { path: path.to_owned(), source }
    })
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

    #[test]
    fn a_report_that_fails_leaves_what_was_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.html");
        fs::write(&path, "before").unwrap();
        let failed = report_file(&path, |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("no more"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "no temporary file stays behind");
        report_file(&path, |out| out.write_all(b"whole")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
