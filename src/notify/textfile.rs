//! The metrics' file: whole at any moment, and readable by `node_exporter`, which
//! runs under an account of its own.
//!
//! Leaves to others: the text.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::metrics::METRICS_BEGIN;

/// Replaces the file. One that holds something else is left alone.
pub(super) fn write(path: &Path, text: &str) -> Result<(), String> {
    let failed = |error| format!("cannot write {}: {error}", path.display());
    if !is_replaceable(path).map_err(failed)? {
        return Err(format!("{} holds something else", path.display()));
    }
    let temporary = beside(path);
    let written = create(&temporary).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&temporary, path)).map_err(|error| {
        // The cause is what matters; a leftover is harmless.
        let _ = fs::remove_file(&temporary);
        failed(error)
    })
}

fn is_replaceable(path: &Path) -> io::Result<bool> {
    let mut beginning = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(METRICS_BEGIN.len() as u64).read_to_end(&mut beginning)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    Ok(beginning.is_empty() || beginning == METRICS_BEGIN.as_bytes())
}

/// A name that no other run uses and that the collector does not read.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

fn create(path: &Path) -> io::Result<File> {
    // A leftover of a process that had our number.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    // Whatever the umask says: a file that the collector can't read is no metrics.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_metrics_are_replaced_and_anything_else_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("reinvite.prom");
        let text = |n: u8| format!("{METRICS_BEGIN}x X.\nreinvite_x {n}\n");
        for n in [1, 2] {
            write(&path, &text(n)).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text(n));
        }
        fs::write(&path, "user,new_email\n").unwrap();
        let error = write(&path, &text(3)).unwrap_err();
        assert!(error.contains("holds something else"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "user,new_email\n");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "nothing is left beside it");
    }

    #[cfg(unix)]
    #[test]
    fn everyone_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("reinvite.prom");
        write(&path, METRICS_BEGIN).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    }
}
