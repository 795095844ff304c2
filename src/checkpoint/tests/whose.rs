//! One run has the file, by whatever name; and the file it has is the one that its name
//! leads to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::checkpoint::{CheckpointError, Reader, Unwritten, read_ledger, read_status};

/// The name of its lock.
fn lock_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

#[cfg(unix)]
#[tokio::test]
async fn without_its_lock_file_or_by_another_name_a_held_checkpoint_stays_held() {
    let place = Place::new();
    let run = place.begin(Vec::new());
    let second = place.path().with_file_name("second.checkpoint");
    std::fs::hard_link(place.path(), &second).unwrap();
    std::fs::remove_file(lock_of(&place.path())).unwrap();
    for path in [second, place.path()] {
        let opened = Checkpoint::open(&path, at(0));
        assert!(matches!(opened, Err(CheckpointError::Held { .. })), "{opened:?}");
    }
    run.append(intended(1), at(1)).await.unwrap();
    end(run);
}

#[cfg(unix)]
#[test]
fn a_lock_that_is_a_link_is_refused() {
    let place = Place::new();
    let elsewhere = place.0.path().join("elsewhere");
    std::os::unix::fs::symlink(&elsewhere, lock_of(&place.path())).unwrap();
    let refused = Checkpoint::open(&place.path(), at(0)).unwrap_err();
    assert!(matches!(refused, CheckpointError::File { .. }), "{refused}");
    assert!(!elsewhere.exists() && !place.path().exists());
}

/// Does this to the checkpoint under a run; says what the run says.
async fn under_a_run(change: impl FnOnce(&Path)) -> String {
    let place = Place::new();
    let run = place.begin(Vec::new());
    run.append(patching(1, "old@fabrikam.example"), at(1)).await.unwrap();
    change(&place.path());
    let error = run.append(intended(1), at(2)).await.unwrap_err();
    assert!(matches!(error, CheckpointError::Unwritten(_)), "{error}");
    // Nor anything after it, and the end is an error, too.
    run.append(intended(2), at(3)).await.unwrap_err();
    let summary = "{}".to_owned();
    run.end_run(&RunEnd { at: at(9), stop_reason: None, exit_code: 0, summary }).unwrap_err();
    error.to_string()
}

#[cfg(unix)]
#[tokio::test]
async fn a_checkpoint_moved_deleted_or_replaced_under_a_run_ends_it() {
    let deleted = under_a_run(|path| std::fs::remove_file(path).unwrap()).await;
    let moved = under_a_run(|path| std::fs::rename(path, path.with_extension("x")).unwrap()).await;
    let replaced = under_a_run(|path| {
        let copy = path.with_extension("copy");
        std::fs::copy(path, &copy).unwrap();
        std::fs::rename(copy, path).unwrap();
    })
    .await;
    for said in [deleted, moved, replaced] {
        assert!(said.contains("was moved, deleted or replaced"), "{said}");
    }
}

#[cfg(windows)]
#[tokio::test]
async fn a_checkpoint_and_its_lock_keep_their_names_under_a_run() {
    let place = Place::new();
    let run = place.begin(Vec::new());
    for path in [place.path(), lock_of(&place.path())] {
        std::fs::remove_file(&path).unwrap_err();
        std::fs::rename(&path, path.with_extension("x")).unwrap_err();
        std::fs::OpenOptions::new().write(true).open(lock_of(&place.path())).unwrap_err();
    }
    let opened = Checkpoint::open(&place.path(), at(0)).unwrap_err();
    let CheckpointError::Held { owner, .. } = opened else { panic!("{opened}") };
    assert_eq!(owner.pid, std::process::id());
    end(run);
    assert!(!lock_of(&place.path()).exists());
    std::fs::remove_file(place.path()).unwrap();
}

#[tokio::test]
async fn a_commit_of_another_run_ends_this_one() {
    for change in
        ["UPDATE seal SET epoch = epoch + 1", "UPDATE seal SET run = 9", "DELETE FROM seal"]
    {
        let said = under_a_run(|path| {
            // As the run has it: a journal that is open can't be deleted on Windows.
            let change = format!("PRAGMA journal_mode = TRUNCATE; {change}");
            rusqlite::Connection::open(path).unwrap().execute_batch(&change).unwrap();
        })
        .await;
        assert!(said.contains("took the place"), "{change}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_beside_a_run_see_whole_states_and_keep_nobody_from_writing() {
    let place = Place::new();
    let run = place.begin(Vec::new());
    let (path, is_over) = (place.path(), Arc::new(AtomicBool::new(false)));
    let over = Arc::clone(&is_over);
    // One for many readings, as for a report, and one for each, as for `status` in a loop.
    let reading = tokio::task::spawn_blocking(move || {
        let long = Reader::open(&path).unwrap();
        let mut known = 0;
        while !over.load(Ordering::Relaxed) {
            let ledger = long.ledger().unwrap();
            let status = read_status(&path).unwrap();
            let invited = status.not_in_manifest.invited;
            assert!(
                known <= ledger.entries().count() as u64 && invited <= 200,
                "nothing goes back"
            );
            known = ledger.entries().count() as u64;
        }
        long.ledger().unwrap().entries().count()
    });
    for n in 1..=200 {
        run.append(intended(n), at(1)).await.unwrap();
        run.append(invited(n), at(2)).await.unwrap();
    }
    end(run);
    is_over.store(true, Ordering::Relaxed);
    assert_eq!(reading.await.unwrap(), 200);
}

#[tokio::test]
async fn a_disk_without_room_is_told_as_that() {
    let place = Place::new();
    let checkpoint = Checkpoint::open(&place.path(), at(0)).unwrap();
    // As many pages as it has: the next one is refused with SQLITE_FULL, as by a full disk.
    checkpoint.connection().1.pragma_update(None, "max_page_count", 1).unwrap();
    let run = checkpoint.begin_look("verify", at(0)).unwrap();
    let mut n = 0;
    let error = loop {
        n += 1;
        match run.append(patching(n, "old@fabrikam.example"), at(1)).await {
            Ok(()) => assert!(n < 1000, "there is no room"),
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, CheckpointError::Unwritten(Unwritten::NoRoom)), "{error}");
    assert_eq!(error.to_string(), "the checkpoint can't be written: the disk is full");
    assert_eq!(error.advice(), "make room on its disk, then run the same command again");
    drop(run);
    // Nothing of it is half there.
    assert_eq!(read_ledger(&place.path()).unwrap().entries().count(), n as usize - 1);
}
