//! A crash at any instant: the files as they were at that instant, with the last
//! of them cut off anywhere or ending in what was never written.

use super::*;
use crate::checkpoint::{CheckpointError, read_ledger, read_status};

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn word_and_guest(record: &Record) -> String {
    format!("{} {}", record.what().unwrap(), record.key().user_id)
}

/// A small campaign, a record at a time.
fn campaign() -> Vec<Record> {
    vec![
        patching(1, "one@fabrikam.example"),
        Record::Patched { key: key(1) },
        intended(1),
        invited(1),
        patching(2, "two@fabrikam.example"),
        Record::Patched { key: key(2) },
        intended(2),
        outstanding(2),
        intended(2),
        Record::Unknown { key: key(2), evidence: "timeout".to_owned() },
        invited(2),
        failed(3, "gone"),
    ]
}

/// The two files in the middle of a run.
struct Snapshot {
    main: Vec<u8>,
    wal: Vec<u8>,
}

impl Snapshot {
    fn of(path: &Path) -> Self {
        let read = |path: PathBuf| std::fs::read(path).unwrap();
        Self { main: read(path.to_owned()), wal: read(beside(path, "-wal")) }
    }

    /// Puts these files where no run is at work.
    fn restore(&self, wal: &[u8]) -> Place {
        let place = Place::new();
        std::fs::write(place.path(), &self.main).unwrap();
        std::fs::write(beside(&place.path(), "-wal"), wal).unwrap();
        place
    }
}

#[tokio::test]
async fn cut_off_anywhere_it_opens_and_shows_what_came_before_and_nothing_else() {
    let place = Place::new();
    let journal = place.begin(Vec::new());
    let begun = Snapshot::of(&place.path()).wal.len();
    let records = campaign();
    // How long the file was when each record was acknowledged.
    let mut acknowledged = Vec::new();
    for record in &records {
        journal.append(record.clone(), at(1)).await.unwrap();
        acknowledged.push(Snapshot::of(&place.path()).wal.len());
    }
    let snapshot = Snapshot::of(&place.path());
    end(journal);
    let expected: Vec<String> = records.iter().map(word_and_guest).collect();
    // At every frame's edges, and across.
    let frames = (32..=snapshot.wal.len()).step_by(24 + 4096);
    let lengths = frames
        .flat_map(|edge| [edge - 1, edge, edge + 24])
        .chain((0..=snapshot.wal.len()).step_by(8191))
        .filter(|&length| length <= snapshot.wal.len());
    for length in lengths {
        let mut garbled = snapshot.wal.clone();
        garbled[length..].fill(0xa5);
        for wal in [&snapshot.wal[..length], &garbled] {
            let place = snapshot.restore(wal);
            let checkpoint = Checkpoint::open(&place.path(), at(2));
            let checkpoint = checkpoint.unwrap_or_else(|error| panic!("{length}: {error}"));
            checkpoint.ledger().unwrap();
            drop(checkpoint);
            let shown = events(&place.path());
            assert_eq!(shown, expected[..shown.len()], "{length}");
            let durable = acknowledged.iter().filter(|&&end| end <= length).count();
            assert_eq!(shown.len(), durable, "{length}");
            if length >= begun {
                assert_eq!(read_status(&place.path()).unwrap().tenant, TENANT, "{length}");
            }
        }
    }
}

#[tokio::test]
async fn a_resumed_run_after_a_cut_writes_on() {
    let place = Place::new();
    let journal = place.begin(Vec::new());
    journal.append(intended(1), at(1)).await.unwrap();
    journal.append(intended(2), at(1)).await.unwrap();
    let snapshot = Snapshot::of(&place.path());
    end(journal);
    let resumed = snapshot.restore(&snapshot.wal[..snapshot.wal.len() - 100]);
    resumed.run(Vec::new(), &[intended(3), invited(3)]).await;
    let words: Vec<String> =
        [intended(1), intended(3), invited(3)].iter().map(word_and_guest).collect();
    assert_eq!(events(&resumed.path()), words);
    assert!(read_ledger(&resumed.path()).unwrap().get(&key(2)).is_none());
}

#[test]
fn a_run_that_died_while_creating_the_file_is_no_trouble() {
    let place = Place::new();
    std::fs::write(place.path(), "").unwrap();
    drop(place.begin(Vec::new()));
    // SQLite makes the empty database before the first table is in it.
    let place = Place::new();
    let connection = rusqlite::Connection::open(place.path()).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    drop(connection);
    assert!(std::fs::metadata(place.path()).unwrap().len() > 0);
    assert!(read_ledger(&place.path()).unwrap().is_empty());
    assert!(matches!(read_status(&place.path()), Err(CheckpointError::Missing { .. })));
    drop(place.begin(Vec::new()));
}
