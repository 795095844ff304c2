//! Files that appear whole or not at all: written beside their place, brought to the
//! disk, and put there by one rename.
//!
//! Leaves to others: what a file holds, and which one may be replaced.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IntoInnerError, Read as _, Write};
use std::path::{Path, PathBuf};

/// Who can read a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// For what holds people's addresses.
    Owner,
    Everyone,
}

/// It was written, and could not be put in its place: another program may hold the file
/// that is there. What was written is kept.
#[derive(Debug, thiserror::Error)]
#[error("it can't be replaced; what was written is kept in `{}`", .kept.display())]
pub struct NotReplaced {
    kept: PathBuf,
    source: io::Error,
}

/// Gives up what was kept after an error of [`replace`]: the error is its cause alone.
pub fn discard(error: io::Error) -> io::Error {
    match error.downcast() {
        Ok(NotReplaced { kept, source }) => {
            // The cause is what matters; a leftover is harmless.
            let _ = fs::remove_file(kept);
            source
        }
        Err(error) => error,
    }
}

/// Creates or replaces the file by what `write` puts into it. After an error what was
/// there is still there; where it was the last step that failed, what was written is kept
/// beside it, and the error is a [`NotReplaced`].
/// A link is replaced, and not followed: see [`behind_links`].
pub fn replace(
    path: &Path,
    readers: Readers,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = beside(path);
    let written = create(&temporary, readers).and_then(|file| {
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        out.into_inner().map_err(IntoInnerError::into_error)?.sync_all()
    });
    written.inspect_err(|_| {
        // The cause is what matters; a leftover is harmless.
        let _ = fs::remove_file(&temporary);
    })?;
    fs::rename(&temporary, path).map_err(|source| {
        let kind = source.kind();
        io::Error::new(kind, NotReplaced { kept: temporary, source })
    })
}

/// Makes sure that [`replace`] can create files there, by creating one, and that what is
/// there can be replaced now.
pub fn check_replace(path: &Path) -> io::Result<()> {
    let temporary = beside(path);
    create(&temporary, Readers::Owner).and_then(|_| fs::remove_file(&temporary))?;
    check_free(path)
}

/// Makes sure that no program holds the file that may be there, as Excel does with what it
/// shows.
#[cfg(windows)]
pub fn check_free(path: &Path) -> io::Result<()> {
    use std::os::windows::fs::OpenOptionsExt as _;
    // The right to delete it, which a rename over it needs.
    const DELETE: u32 = 0x0001_0000;
    match OpenOptions::new().access_mode(DELETE).open(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Elsewhere an open file is in nobody's way.
#[cfg(not(windows))]
pub fn check_free(_: &Path) -> io::Result<()> {
    Ok(())
}

/// The file that is really meant, behind any links, or the path itself where nothing is
/// yet. None when what is there is no regular file.
pub fn behind_links(path: &Path) -> io::Result<Option<PathBuf>> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Ok(None),
        // Windows writes a real path so that few programs read it: only where it is needed.
        Ok(_) if path.is_symlink() => fs::canonicalize(path).map(Some),
        Ok(_) => Ok(Some(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(path.to_owned())),
        Err(error) => Err(error),
    }
}

/// The first bytes, by which a file is known for what it is. None when there is none. What
/// is no regular file is an error: to open a pipe would wait for whoever writes to it.
pub fn beginning(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut beginning = Vec::new();
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("it is no regular file"));
    }
    match File::open(path) {
        Ok(file) => file.take(most).read_to_end(&mut beginning)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(beginning))
}

/// A name in the same directory, so that a rename replaces the target at once, that no
/// other run uses and that no collector of such files reads.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

fn create(path: &Path, readers: Readers) -> io::Result<File> {
    // A leftover of a process that had our number.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    if readers == Readers::Everyone {
        // Whatever the umask says.
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    #[cfg(not(unix))]
    let _ = readers;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_fails_leaves_what_was_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.html");
        fs::write(&path, "before").unwrap();
        let failed = replace(&path, Readers::Owner, |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("no more"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "no more");
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        replace(&path, Readers::Owner, |out| out.write_all(b"whole")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_can_t_be_put_in_its_place_is_kept_and_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("result.csv");
        // A directory of that name, as a file that another program holds.
        fs::create_dir_all(path.join("full")).unwrap();
        let error = replace(&path, Readers::Owner, |out| out.write_all(b"whole")).unwrap_err();
        let kept = beside(&path);
        assert_eq!(fs::read_to_string(&kept).unwrap(), "whole");
        let told =
            format!("it can't be replaced; what was written is kept in `{}`", kept.display());
        assert_eq!(error.to_string(), told);
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(discard(error).to_string(), cause);
        assert!(!kept.exists());
    }

    #[cfg(windows)]
    #[test]
    fn a_file_that_another_program_holds_is_found_out_beforehand() {
        use std::os::windows::fs::OpenOptionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("result.csv");
        fs::write(&path, "before").unwrap();
        check_replace(&path).unwrap();
        // As Excel: others may read.
        let held = OpenOptions::new().read(true).write(true).share_mode(1).open(&path).unwrap();
        check_replace(&path).unwrap_err();
        let error = replace(&path, Readers::Owner, |out| out.write_all(b"whole")).unwrap_err();
        assert_eq!(fs::read_to_string(beside(&path)).unwrap(), "whole");
        discard(error);
        drop(held);
        check_replace(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
    }

    #[test]
    fn a_leftover_of_an_earlier_process_is_in_nobody_s_way() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("reinvite.prom");
        fs::write(beside(&path), "leftover").unwrap();
        check_replace(&path).unwrap();
        fs::write(beside(&path), "leftover").unwrap();
        replace(&path, Readers::Everyone, |out| out.write_all(b"whole")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "nothing is left beside it");
    }

    #[cfg(unix)]
    #[test]
    fn the_owner_alone_or_everyone_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        for (readers, mode) in [(Readers::Owner, 0o600), (Readers::Everyone, 0o644)] {
            let path = directory.path().join("file");
            replace(&path, readers, |out| out.write_all(b"x")).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
    }
}
