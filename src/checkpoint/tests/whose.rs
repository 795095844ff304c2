//! One run has the file, by whatever name; and the file it has is the one that its name
//! leads to.

use super::*;
use crate::checkpoint::{CheckpointError, read_status};

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
    assert!(matches!(error, CheckpointError::Broken(_)), "{error}");
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

#[tokio::test]
async fn a_commit_of_another_run_ends_this_one() {
    for change in
        ["UPDATE seal SET epoch = epoch + 1", "UPDATE seal SET run = 9", "DELETE FROM seal"]
    {
        let said = under_a_run(|path| {
            rusqlite::Connection::open(path).unwrap().execute_batch(change).unwrap();
        })
        .await;
        assert!(said.contains("took the place"), "{change}: {said}");
    }
}

#[tokio::test]
async fn the_status_is_read_beside_a_run() {
    let place = Place::new();
    let run = place.begin(Vec::new());
    for n in 1..=50 {
        run.append(intended(n), at(1)).await.unwrap();
        assert_eq!(read_status(&place.path()).unwrap().tenant, TENANT);
    }
    end(run);
}
