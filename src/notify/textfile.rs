//! The metrics' file: whole at any moment, and readable by `node_exporter`, which
//! runs under an account of its own.
//!
//! Leaves to others: the text.

use std::path::Path;

use crate::files::{self, Readers};

use super::metrics::METRICS_BEGIN;

/// Replaces the file. One that holds something else is left alone. The error is a
/// sentence.
pub(super) fn write(path: &Path, text: &str) -> Result<(), String> {
    let failed = |error| format!("cannot write {}: {error}", path.display());
    let beginning = files::beginning(path, METRICS_BEGIN.len() as u64).map_err(failed)?;
    if beginning.is_some_and(|it| !it.is_empty() && it != METRICS_BEGIN.as_bytes()) {
        return Err(format!("{} holds something else", path.display()));
    }
    // The next run has newer ones than what was kept.
    files::replace(path, Readers::Everyone, |out| out.write_all(text.as_bytes()))
        .map_err(|error| failed(files::discard(error)))
}

#[cfg(test)]
mod tests {
    use std::fs;

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
}
