//! A kill at any instant: the files as they were at that instant, whole, damaged, or
//! without the one beside the checkpoint. It opens with everything that was
//! acknowledged, or is refused.

use super::*;
use crate::checkpoint::{CheckpointError, Reader, read_ledger, read_status};

fn journal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-journal");
    name.into()
}

/// Enough records for a file of many pages.
fn campaign() -> Vec<Record> {
    (1..=40)
        .flat_map(|n| {
            let mail = format!("guest{n}@fabrikam.example");
            [patching(n, &mail), Record::Patched { key: key(n) }, intended(n), invited(n)]
        })
        .collect()
}

fn expected() -> Vec<String> {
    let word = |record: &Record| format!("{} {}", record.what().unwrap(), record.key().user_id);
    campaign().iter().map(word).collect()
}

/// The files of a run that was killed.
struct Killed {
    main: Vec<u8>,
    journal: Vec<u8>,
}

impl Killed {
    fn at(path: &Path) -> Self {
        let journal = std::fs::read(journal_of(path)).unwrap_or_default();
        Self { main: std::fs::read(path).unwrap(), journal }
    }

    /// After everything was acknowledged, before the run's end.
    async fn between_commits() -> Self {
        let place = Place::new();
        let run = place.begin(Vec::new());
        for record in campaign() {
            run.append(record, at(1)).await.unwrap();
        }
        let killed = Self::at(&place.path());
        end(run);
        killed
    }

    /// While a commit overwrites pages that hold what was acknowledged.
    async fn within_a_commit() -> Self {
        let place = Self::between_commits().await.put(|_| {});
        let connection = rusqlite::Connection::open(place.path()).unwrap();
        // A small cache sends pages to the file before the commit.
        connection
            .execute_batch(
                "PRAGMA cache_size = 2;
                 BEGIN IMMEDIATE;
                 UPDATE event SET detail = detail || ' ';
                 UPDATE row SET at = at || ' ';",
            )
            .unwrap();
        let killed = Self::at(&place.path());
        assert!(killed.journal.len() > 4096, "it is under way");
        killed
    }

    /// Puts the files, changed, where no run is at work.
    fn put(&self, change: impl FnOnce(&mut Self)) -> Place {
        let mut changed = Self { main: self.main.clone(), journal: self.journal.clone() };
        change(&mut changed);
        let place = Place::new();
        std::fs::write(place.path(), &changed.main).unwrap();
        if !changed.journal.is_empty() {
            std::fs::write(journal_of(&place.path()), &changed.journal).unwrap();
        }
        place
    }
}

/// Whether it opened, and then with everything; else it was refused.
fn opens_with_everything(place: &Place, what: &str) -> bool {
    match Checkpoint::open(&place.path(), at(2)) {
        Ok(checkpoint) => {
            let ledger = checkpoint.ledger().unwrap();
            assert_eq!(ledger.entries().count(), 40, "{what}");
            drop(checkpoint);
            assert!(events(&place.path()) == expected(), "{what}: records are gone");
            true
        }
        Err(
            CheckpointError::Lost { .. }
            | CheckpointError::Damaged { .. }
            | CheckpointError::Foreign { .. },
        ) => false,
        Err(error) => panic!("{what}: {error}"),
    }
}

#[tokio::test]
async fn the_checkpoint_alone_has_everything_that_was_acknowledged() {
    let killed = Killed::between_commits().await;
    assert!(opens_with_everything(&killed.put(|files| files.journal.clear()), "alone"));
    let killed = Killed::within_a_commit().await;
    assert!(opens_with_everything(&killed.put(|_| {}), "with its journal"));
    // Without it, half of a commit can't be taken back.
    assert!(!opens_with_everything(&killed.put(|files| files.journal.clear()), "without"));
}

#[tokio::test]
async fn a_journal_with_a_flipped_bit_or_cut_off_loses_nothing_without_a_word() {
    let killed = Killed::within_a_commit().await;
    let mut refused = 0;
    for offset in (0..28).step_by(3).chain((28..killed.journal.len()).step_by(4999)) {
        let flipped = killed.put(|files| files.journal[offset] ^= 0x10);
        refused += usize::from(!opens_with_everything(&flipped, &format!("bit at {offset}")));
        let cut = killed.put(|files| files.journal.truncate(offset));
        refused += usize::from(!opens_with_everything(&cut, &format!("cut at {offset}")));
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn a_checkpoint_with_a_flipped_bit_or_cut_off_loses_nothing_without_a_word() {
    let killed = Killed::between_commits().await;
    let mut refused = 0;
    // Cut off to nothing is a file like any that is about to be made.
    for offset in (1..killed.main.len()).step_by(4999) {
        let cut = killed.put(|files| files.main.truncate(offset));
        assert!(!opens_with_everything(&cut, &format!("cut at {offset}")));
    }
    for offset in (100..killed.main.len()).step_by(2503) {
        let flipped = killed.put(|files| files.main[offset] ^= 0x01);
        let place = Checkpoint::open(&flipped.path(), at(2));
        match place {
            Ok(checkpoint) => {
                drop(checkpoint);
                assert!(events(&flipped.path()) == expected(), "bit at {offset}");
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn a_killed_run_is_resumed_and_leaves_one_file() {
    let killed = Killed::within_a_commit().await.put(|_| {});
    killed.run(Vec::new(), &[intended(41), invited(41)]).await;
    assert_eq!(events(&killed.path()).len(), expected().len() + 2);
    assert!(!journal_of(&killed.path()).exists());
    assert_eq!(std::fs::read_dir(killed.0.path()).unwrap().count(), 1);
}

#[test]
fn a_run_that_died_while_creating_the_file_is_no_trouble() {
    let place = Place::new();
    std::fs::write(place.path(), "").unwrap();
    assert!(read_ledger(&place.path()).unwrap().is_empty());
    assert!(matches!(read_status(&place.path()), Err(CheckpointError::Missing { .. })));
    drop(place.begin(Vec::new()));
}

#[test]
fn a_database_without_anything_in_it_is_not_taken_for_a_new_campaign() {
    let place = Place::new();
    // What earlier versions leave after a kill, without the log beside it.
    let connection = rusqlite::Connection::open(place.path()).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    drop(connection);
    assert_eq!(std::fs::metadata(place.path()).unwrap().len(), 4096);
    for error in [
        Checkpoint::open(&place.path(), at(0)).map(drop).unwrap_err(),
        read_ledger(&place.path()).map(drop).unwrap_err(),
        read_status(&place.path()).map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, CheckpointError::Lost { .. }), "{error}");
    }
}

/// What every reader says, none of whom holds the file; and what whoever takes it says.
fn readings(path: &Path) -> Vec<(&'static str, Result<(), CheckpointError>)> {
    let read =
        |read: &dyn Fn(Reader) -> Result<(), CheckpointError>| Reader::open(path).and_then(read);
    let (user_id, address) = (key(7).user_id.to_string(), key(7).address.folded());
    vec![
        ("status", read(&|reader| reader.status().map(drop))),
        ("history", read(&|reader| reader.history().map(drop))),
        ("trail", read(&|reader| reader.trail(&user_id, &address).map(drop))),
        ("user named", read(&|reader| reader.user_named("guest7@fabrikam.example").map(drop))),
        ("ledger", read(&|reader| reader.ledger().map(drop))),
        ("past", read(&|reader| reader.past().map(drop))),
        ("undo", read(&|reader| reader.undo().map(drop))),
        ("last success", read(&|reader| reader.last_success(|_| true).map(drop))),
        ("a run", Checkpoint::open(path, at(2)).map(drop)),
    ]
}

#[tokio::test]
async fn rows_that_are_not_what_their_records_say_are_refused_by_whoever_reads_them() {
    let killed = Killed::between_commits().await;
    for change in [
        "UPDATE row SET state = 'outstanding', detail = '{}' WHERE address LIKE 'guest7@%'",
        "DELETE FROM row WHERE address LIKE 'guest7@%'",
        "UPDATE before_image SET mail = 'x@y.example' WHERE mail LIKE 'guest7@%'",
        "DELETE FROM before_image WHERE mail LIKE 'guest7@%'",
        "DELETE FROM event WHERE id = 11",
        "DELETE FROM event WHERE id = (SELECT max(id) FROM event)",
        "UPDATE event SET at = '2026-11-21T12:00:01.1Z' WHERE id = 11",
        "DELETE FROM seal",
    ] {
        let place = killed.put(|_| {});
        rusqlite::Connection::open(place.path()).unwrap().execute_batch(change).unwrap();
        for (who, read) in readings(&place.path()) {
            assert!(matches!(read, Err(CheckpointError::Lost { .. })), "{who}: {change}: {read:?}");
        }
    }
}

#[tokio::test]
async fn one_flipped_bit_in_a_record_is_seen_by_whoever_reads_it() {
    let killed = Killed::between_commits().await;
    // The mail of a guest, in a record and in what is made of it: SQLite finds nothing wrong.
    let mail = b"guest7@fabrikam.example";
    let places: Vec<_> =
        (0..killed.main.len()).filter(|at| killed.main[*at..].starts_with(mail)).collect();
    assert!(places.len() >= 2, "{places:?}");
    let mut seen = 0;
    for at in places {
        let place = killed.put(|files| files.main[at + 2] ^= 0x02);
        let words: Vec<_> = readings(&place.path())
            .into_iter()
            .map(|(who, read)| match read {
                Ok(()) => (who, "fine"),
                Err(CheckpointError::Lost { .. }) => (who, "lost"),
                Err(CheckpointError::Damaged { .. }) => (who, "damaged"),
                Err(error) => panic!("{who}: {error}"),
            })
            .collect();
        // All of them see the same.
        assert!(words.iter().all(|(_, word)| *word == words[0].1), "at {at}: {words:?}");
        seen += usize::from(words[0].1 != "fine");
    }
    assert!(seen >= 2, "a record and the image made of it");
}

#[tokio::test]
async fn a_tail_that_was_cut_off_is_seen_by_whoever_reads() {
    let killed = Killed::between_commits().await;
    for length in [killed.main.len() - 1, killed.main.len() - 4096, 4096] {
        let place = killed.put(|files| files.main.truncate(length));
        for (who, read) in readings(&place.path()) {
            assert!(
                matches!(read, Err(CheckpointError::Lost { .. } | CheckpointError::Damaged { .. })),
                "{who}: {length}: {read:?}"
            );
        }
    }
}
