//! Checkpoints that lie beside where one was looked for and is not: one that was renamed,
//! or is named otherwise, may be the campaign's.
//!
//! Leaves to others: telling of them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rusqlite::OpenFlags;

use super::CheckpointError;
use super::database::{connect, in_one_state, meta};
use super::format::APPLICATION_ID;
use super::manifest_row::{self, ManifestRow};
use super::rehearsed::is_rehearsal;
use crate::domain::Email;

/// At most so many files are looked into; a directory can hold anything.
const LOOKED_INTO: usize = 200;

/// Where SQLite has the number that an application marks its files with, and what every
/// database begins with (sqlite.org/fileformat.html, 1.3).
const MAGIC: &[u8] = b"SQLite format 3\0";
const APPLICATION_ID_AT: usize = 68;

/// Where there is no checkpoint at the path: those in its directory that are of a
/// manifest of this name, or hold one of these guests in theirs, by the name that the
/// manifest has for them or by the new address. Sorted. What can't be read is left out: this is a hint.
pub fn checkpoints_beside(path: &Path, manifest: &str, guests: &[String]) -> Vec<PathBuf> {
    if std::fs::metadata(path).is_ok_and(|found| found.len() > 0) {
        return Vec::new();
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let Ok(entries) = std::fs::read_dir(directory.unwrap_or(Path::new("."))) else {
        return Vec::new();
    };
    let guests = guests.iter().map(|guest| guest.to_lowercase()).collect();
    let mut found: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| directory.map_or_else(|| entry.file_name().into(), |_| entry.path()))
        .filter(|file| file != path)
        .filter(|file| is_marked(file))
        .take(LOOKED_INTO)
        .filter(|file| is_of(file, manifest, &guests).unwrap_or(false))
        .collect();
    found.sort();
    found
}

/// Whether a file bears our mark, by its first bytes. Another process may hold it: this
/// one does not, so that closing it drops no lock.
fn is_marked(file: &Path) -> bool {
    use std::io::Read as _;

    let mut head = [0; APPLICATION_ID_AT + 4];
    let is_file = std::fs::metadata(file).is_ok_and(|found| found.is_file());
    let is_read = is_file
        && std::fs::File::open(file).is_ok_and(|mut file| file.read_exact(&mut head).is_ok());
    let id = i64::from(i32::from_be_bytes(
        head[APPLICATION_ID_AT..].try_into().expect("four bytes are left"),
    ));
    is_read && head.starts_with(MAGIC) && id == APPLICATION_ID
}

fn is_of(file: &Path, manifest: &str, guests: &HashSet<String>) -> Result<bool, CheckpointError> {
    // Never written to, not even to take back what a killed run left half written.
    let connection = connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    in_one_state(file, &connection, |connection| {
        // A rehearsal is nobody's campaign.
        if meta(connection, "tenant")?.is_some_and(|tenant| is_rehearsal(&tenant)) {
            return Ok(false);
        }
        if meta(connection, "manifest")?.is_some_and(|name| name == manifest) {
            return Ok(true);
        }
        let rows = manifest_row::read(connection)?;
        let address = |row: &ManifestRow| row.address.as_ref().map(Email::folded);
        Ok(rows.iter().any(|row| {
            guests.contains(&row.user.to_lowercase())
                || address(row).is_some_and(|address| guests.contains(&address))
        }))
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::checkpoint::{Checkpoint, Planned, RunStart};

    fn checkpoint(path: &Path, manifest: &str, user: &str) {
        let start = RunStart {
            at: Timestamp::UNIX_EPOCH,
            command: "apply",
            manifest,
            tenant_name: None,
            plan_digest: String::new(),
            manifest_form: "{}".to_owned(),
        };
        let row = ManifestRow {
            line: 2,
            user: user.to_owned(),
            user_id: None,
            address: None,
            decision: Planned::Change,
            reason: "new-address".to_owned(),
            explanation: String::new(),
            cells: "[]".to_owned(),
        };
        let checkpoint = Checkpoint::open(path, Timestamp::UNIX_EPOCH).unwrap();
        drop(checkpoint.begin_run(&start, std::iter::once(row)).unwrap());
    }

    #[test]
    fn a_checkpoint_of_the_manifest_is_found_by_its_name_or_by_its_guests() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        checkpoint(&at("renamed.db"), "guests.csv", "ada@fabrikam.example");
        checkpoint(&at("march.checkpoint"), "march.csv", "Grace@fabrikam.example");
        checkpoint(&at("others.checkpoint"), "others.csv", "joan@fabrikam.example");
        std::fs::write(at("notes.txt"), [b'x'; 4096]).unwrap();
        std::fs::write(at("empty"), []).unwrap();
        std::fs::create_dir(at("folder")).unwrap();

        let wanted = at("guests.csv.checkpoint");
        let users = ["grace@fabrikam.example".to_owned()];
        let found = checkpoints_beside(&wanted, "guests.csv", &users);
        assert_eq!(found, [at("march.checkpoint"), at("renamed.db")]);
        assert!(checkpoints_beside(&wanted, "april.csv", &[]).is_empty());
        let rehearsed = Checkpoint::open(&at("march.checkpoint"), Timestamp::UNIX_EPOCH).unwrap();
        rehearsed.claim(&crate::checkpoint::rehearsal_of("t"), "t").unwrap();
        drop(rehearsed);
        assert_eq!(checkpoints_beside(&wanted, "guests.csv", &users), [at("renamed.db")]);

        // The campaign has its own.
        checkpoint(&wanted, "guests.csv", "ada@fabrikam.example");
        assert!(checkpoints_beside(&wanted, "guests.csv", &users).is_empty());
        assert!(checkpoints_beside(Path::new("/nowhere/at.all"), "guests.csv", &[]).is_empty());
    }
}
