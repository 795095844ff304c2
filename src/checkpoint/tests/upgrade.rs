//! Files that earlier releases wrote are brought to the present format, and say what
//! they said.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::*;
use crate::checkpoint::format::FORMAT;
use crate::checkpoint::tables::{row_states, runs};
use crate::checkpoint::{Reader, read_ledger, read_status};
use crate::domain::{Counts, Finding, LedgerState};

const FIRST: &[u8] = include_bytes!("fixtures/format-1.sqlite");
const SECOND: &[u8] = include_bytes!("fixtures/format-2.sqlite");

fn kept(file: &[u8]) -> Place {
    let place = Place::new();
    std::fs::write(place.path(), file).unwrap();
    place
}

/// What earlier releases wrote is out there as it is.
#[test]
fn the_files_of_earlier_releases_are_never_edited() {
    let sum = |file: &[u8]| {
        Sha256::digest(file).iter().fold(String::new(), |mut sum, byte| {
            write!(sum, "{byte:02x}").unwrap();
            sum
        })
    };
    assert_eq!(sum(FIRST), "78bb8161beb3d1c55a08aacff0a0c8f36ef585686748509bacc860f1bf1f3b14");
    assert_eq!(sum(SECOND), "03a84bf354d5e3a0fbc8a0fa164d69e7a7adb97c14a847623fc9d3b13638421e");
}

#[test]
fn a_file_of_the_first_format_says_what_it_said() {
    let place = kept(FIRST);
    let status = read_status(&place.path()).unwrap();
    let expected =
        Counts { invited: 2, failed: 1, unknown: 1, patched: 2, blocked: 1, ..Counts::default() };
    assert_eq!(status.counts, expected);
    assert_eq!(status.failures[0].message, "another object has it");
    let ledger = read_ledger(&place.path()).unwrap();
    let stand = (1..=6).map(|n| ledger.get(&key(n)).unwrap().state.clone()).collect::<Vec<_>>();
    let refused = LedgerState::Failed {
        code: "address-conflict".into(),
        message: "another object has it".into(),
    };
    let expected = [
        LedgerState::Invited,
        refused,
        LedgerState::Unknown { before: Some(redemption()) },
        LedgerState::Outstanding,
        LedgerState::Patched,
        LedgerState::Invited,
    ];
    assert_eq!(stand, expected);
    assert_eq!(ledger.user_named("old5@fabrikam.example"), Some(key(5).user_id));
    assert_eq!(Reader::open(&place.path()).unwrap().past().unwrap().invitations.len(), 2);
}

#[test]
fn a_file_of_the_second_format_says_what_it_said() {
    let place = kept(SECOND);
    let status = read_status(&place.path()).unwrap();
    let expected = Counts {
        invited: 5,
        failed: 1,
        unknown: 3,
        patched: 2,
        blocked: 1,
        not_attempted: 1,
        ..Counts::default()
    };
    assert_eq!(status.counts, expected);
    assert_eq!((status.resends.outstanding, status.resends.failed), (1, 1));
    assert_eq!(status.not_in_manifest.invited, 1);
    let ledger = read_ledger(&place.path()).unwrap();
    let entry = |n| ledger.get(&key(n)).unwrap();
    for (n, state, second, invited_at) in [
        (1, "invited", 110, None),
        (4, "invited", 15, Some(15)),
        (5, "failed", 104, Some(19)),
        (6, "unknown", 106, Some(23)),
        (7, "invited", 204, None),
        (8, "invited", 31, None),
        (9, "unknown", 207, None),
    ] {
        let state_word = serde_json::to_value(&entry(n).state).unwrap()["state"].clone();
        let resend = entry(n).resend.as_ref().map(|resend| resend.invited_at);
        assert_eq!(
            (state_word, entry(n).at, resend),
            (state.into(), at(second), invited_at.map(at))
        );
        // One more whose answer was lost stands on the first invitation.
        assert_eq!(ledger.resent(&key(n)).is_some(), [6, 9].contains(&n));
    }
    let past = Reader::open(&place.path()).unwrap().past().unwrap();
    let sent = |n| past.invitations[&key(n)].accepted;
    assert_eq!([sent(1), sent(4), sent(7), sent(14)], [2, 1, 2, 1]);
    let found = |n| past.sightings[&key(n)].shows.finding();
    assert_eq!([found(4), found(9)], [Finding::Redeemed, Finding::MailChanged]);
    let reader = Reader::open(&place.path()).unwrap();
    let history = reader.history().unwrap();
    assert_eq!((history.runs.len(), history.waited(1)), (3, 9.5));
    let trail = reader.trail(&key(9).user_id.to_string(), "guest9@northwind.example");
    assert_eq!(trail.unwrap().events.len(), 8);
}

/// By a run; a reader changes nothing.
#[tokio::test]
async fn a_run_brings_the_file_to_the_present_format_and_goes_on() {
    for file in [FIRST, SECOND] {
        let place = kept(file);
        read_status(&place.path()).unwrap();
        assert_eq!(std::fs::read(place.path()).unwrap(), file);
        let before = read_ledger(&place.path()).unwrap();
        end(place.begin(Vec::new()));
        let connection = rusqlite::Connection::open(place.path()).unwrap();
        let format: i64 =
            connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(format, FORMAT);
        assert_eq!(runs(&connection).unwrap().last().unwrap().exit_code, Some(0));
        assert_eq!(row_states(&connection).unwrap().len(), before.entries().count());
        let after = read_ledger(&place.path()).unwrap();
        for (key, entry) in before.entries() {
            assert_eq!(after.get(key), Some(entry));
        }
    }
}
