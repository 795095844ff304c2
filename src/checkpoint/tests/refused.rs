//! Files that are no checkpoint of this campaign.

use super::*;
use crate::checkpoint::{CheckpointError, read_ledger, read_status};

/// The word for what opening, reading and asking for the status say of a file.
fn words(path: &Path) -> [&'static str; 3] {
    [word(&Checkpoint::open(path, at(0))), word(&read_ledger(path)), word(&read_status(path))]
}

fn word<T>(result: &Result<T, CheckpointError>) -> &'static str {
    match result {
        Ok(_) => "fine",
        Err(CheckpointError::Held { .. }) => "held",
        Err(CheckpointError::OtherTenant { .. }) => "other tenant",
        Err(CheckpointError::Foreign { .. }) => "foreign",
        Err(CheckpointError::Newer { .. }) => "newer",
        Err(CheckpointError::Damaged { .. }) => "damaged",
        Err(CheckpointError::Lost { .. }) => "lost",
        Err(CheckpointError::Missing { .. }) => "missing",
        Err(CheckpointError::File { .. }) => "file",
        Err(CheckpointError::Database { .. }) => "database",
        Err(CheckpointError::Unwritten(_)) => "broken",
    }
}

/// A finished campaign in one file.
async fn finished() -> Place {
    let place = Place::new();
    let records: Vec<Record> = (1..=60).flat_map(|n| [intended(n), invited(n)]).collect();
    place.run(Vec::new(), &records).await;
    place
}

#[tokio::test]
async fn a_checkpoint_belongs_to_the_first_tenant_that_claims_it() {
    let place = finished().await;
    let reopened = Checkpoint::open(&place.path(), at(0)).unwrap();
    assert_eq!(
        word(&reopened.claim("dddddddd-0000-4000-8000-000000000002", TENANT)),
        "other tenant"
    );
    assert_eq!(word(&reopened.claim(&TENANT.to_uppercase(), "contoso.example")), "fine");
}

#[test]
fn a_checkpoint_claimed_under_the_configured_name_is_taken_over_by_the_id() {
    let place = Place::new();
    let checkpoint = Checkpoint::open(&place.path(), at(0)).unwrap();
    let name = "contoso.example";
    assert_eq!(word(&checkpoint.claim(name, name)), "fine");
    assert_eq!(word(&checkpoint.claim(TENANT, "fabrikam.example")), "other tenant");
    assert_eq!(word(&checkpoint.claim(TENANT, name)), "fine");
    // From now on it is the id's.
    let other = "dddddddd-0000-4000-8000-000000000002";
    assert_eq!(word(&checkpoint.claim(other, name)), "other tenant");
    assert_eq!(word(&checkpoint.claim(other, TENANT)), "other tenant");
}

#[test]
fn files_of_others_are_refused_and_left_as_they_are() {
    let place = Place::new();
    let path = place.path();
    for content in ["user,new_email\na@b.example,c@d.example\n", "x", &"\0".repeat(8192)] {
        std::fs::write(&path, content).unwrap();
        assert_eq!(words(&path), ["foreign"; 3]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
    for set_up in ["CREATE TABLE t (x)", "PRAGMA application_id = 7", "PRAGMA user_version = 7"] {
        std::fs::remove_file(&path).unwrap();
        rusqlite::Connection::open(&path).unwrap().execute_batch(set_up).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert_eq!(words(&path), ["foreign"; 3], "{set_up}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{set_up}");
    }
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let place = finished().await;
    let connection = rusqlite::Connection::open(place.path()).unwrap();
    connection.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(connection);
    assert_eq!(words(&place.path()), ["newer"; 3]);
}

#[test]
fn where_there_is_none_the_ledger_is_empty_and_there_is_no_status() {
    let place = Place::new();
    assert!(read_ledger(&place.path()).unwrap().is_empty());
    assert_eq!(word(&read_status(&place.path())), "missing");
    assert!(!place.path().exists(), "reading creates nothing");
    let directory = place.0.path().join("nowhere").join("x.checkpoint");
    assert_eq!(word(&Checkpoint::open(&directory, at(0))), "file");
}

#[tokio::test]
async fn a_truncated_checkpoint_is_refused_and_never_taken_for_a_shorter_one() {
    let place = finished().await;
    let whole = std::fs::read(place.path()).unwrap();
    let short = Place::new();
    for length in (1..whole.len()).step_by(2039).chain((4096..whole.len()).step_by(4096)) {
        std::fs::write(short.path(), &whole[..length]).unwrap();
        for word in words(&short.path()) {
            assert!(matches!(word, "damaged" | "foreign"), "{length} of {}: {word}", whole.len());
        }
    }
}

#[tokio::test]
async fn damage_anywhere_makes_nothing_panic() {
    let place = finished().await;
    let whole = std::fs::read(place.path()).unwrap();
    let damaged = Place::new();
    let mut refused = 0;
    for position in (0..whole.len()).step_by(1009) {
        let mut bytes = whole.clone();
        let end = bytes.len().min(position + 16);
        bytes[position..end].fill(0xa5);
        std::fs::write(damaged.path(), &bytes).unwrap();
        refused += usize::from(words(&damaged.path()).contains(&"damaged"));
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn a_state_this_version_does_not_know_is_damage_and_not_ignored() {
    for change in [
        "UPDATE row SET at = 'noon'",
        "UPDATE row SET user_id = 'nobody' || user_id",
        "UPDATE row SET address = 'nowhere' || user_id",
        "UPDATE row SET detail = '{'",
        "UPDATE row SET state = 'dreamt'",
        "UPDATE name SET user_id = 'nobody'",
    ] {
        let place = finished().await;
        let connection = rusqlite::Connection::open(place.path()).unwrap();
        connection.execute_batch(change).unwrap();
        drop(connection);
        assert_eq!(word(&read_ledger(&place.path())), "damaged", "{change}");
    }
}

#[cfg(unix)]
#[test]
fn a_checkpoint_held_by_its_name_is_held_through_a_link_too() {
    let place = Place::new();
    let link = place.path().with_file_name("link");
    std::os::unix::fs::symlink(place.path(), &link).unwrap();
    let _held = Checkpoint::open(&place.path(), at(0)).unwrap();
    let through = Checkpoint::open(&link, at(0));
    assert!(matches!(through, Err(CheckpointError::Held { .. })), "{through:?}");
}
