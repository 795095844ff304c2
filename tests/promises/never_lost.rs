//! P2 Never lost: no success is reported before its record is durable, and every
//! row is accounted for at any moment.

use std::sync::{Arc, Mutex};

use reinvite::checkpoint::{Checkpoint, CheckpointError, Status, read_status};
use reinvite::emulator::{Action, Canned, Matcher, guest};
use reinvite::run::{Event, Outcome};

use crate::support::{Campaign, address, id, seconds};

/// Rows of every kind: five that move, of which the service refuses one and loses
/// one for good, one that matches already, one that nobody has heard of.
fn mixed() -> Campaign {
    let moves = (1..=5).map(|n| (format!("guest{n}@fabrikam.example"), address(n)));
    let others = ["done", "nobody"]
        .map(|name| (format!("{name}@fabrikam.example"), format!("{name}@northwind.example")));
    Campaign::new()
        .guests(5)
        .rows(moves.chain(others))
        .tenant(|tenant| {
            let mut done = guest(&id(6), "done@fabrikam.example");
            done.user.mail = Some("done@northwind.example".to_owned());
            tenant.users.push(done);
        })
        .fault(
            Matcher::invitation().of(&id(2)),
            Action::Answer(Canned::error(
                400,
                "BadRequest",
                "Group email address is not supported",
            )),
        )
        .fault(Matcher::invitation().of(&id(3)), Action::CommitThenDrop)
        .read_lag(seconds(20))
}

/// The sum of all that rows can be, which has to be all rows.
fn sum(status: &Status) -> u64 {
    status.counts.sum()
}

#[tokio::test(start_paused = true)]
async fn status_accounts_for_every_row_at_any_moment() {
    let mut campaign = mixed();
    let path = campaign.checkpoint();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&seen);
    let emulator = campaign.emulator();
    campaign = campaign.at_each_request(move |_, _| {
        let Ok(status) = read_status(&path) else { return };
        assert_eq!(sum(&status), status.rows, "{status:?}");
        assert!(status.counts.invited <= emulator.ledger().invitations().count() as u64);
        assert_eq!(status.held_by.as_ref().map(|owner| owner.pid), Some(std::process::id()));
        note.lock().unwrap().push(status);
    });
    let finished = campaign.run().await;
    finished.assert_adds_up();

    let seen = seen.lock().unwrap();
    let begun: Vec<&Status> = seen.iter().filter(|status| status.rows > 0).collect();
    assert!(begun.iter().all(|status| status.rows == 7));
    assert_eq!(
        (begun[0].counts.not_attempted, begun[0].counts.settled, begun[0].counts.blocked),
        (5, 1, 1)
    );
    // Every state was to be seen on the way.
    assert!(begun.iter().any(|status| status.counts.patched > 0));
    assert!(begun.iter().any(|status| status.counts.unknown > 0));
    assert!(begun.iter().any(|status| status.counts.invited > 0));
    let end = campaign.status();
    assert_eq!(
        (end.counts.invited, end.counts.failed, end.counts.settled, end.counts.blocked),
        (4, 1, 1, 1)
    );
    assert_eq!((sum(&end), end.held_by), (7, None));
}

#[tokio::test(start_paused = true)]
async fn the_summary_accounts_for_rows_that_were_not_attempted_and_for_unknown_ones() {
    let mut campaign = mixed().pace(1.0, 1, 4).at_each_event(|event, stop| {
        use reinvite::run::{Phase, StopReason};
        if matches!(event, Event::RowEntered { to: Phase::Clearing, .. }) {
            stop.request(StopReason::Terminated);
        }
    });
    let finished = campaign.run().await;
    finished.assert_adds_up();
    assert_eq!(finished.summary.unknown, 1);
    assert!(finished.summary.not_attempted >= 2, "{:?}", finished.summary);
    let status = campaign.status();
    assert_eq!((status.counts.unknown, status.counts.failed), (1, finished.summary.failed));
    assert_eq!(status.counts.patched, finished.summary.not_attempted);
    assert_eq!(sum(&status), 7);
}

#[tokio::test(start_paused = true)]
async fn no_success_is_reported_before_its_record_is_durable() {
    let mut campaign = mixed();
    let path = campaign.checkpoint();
    let reported = Arc::new(Mutex::new(0));
    let count = Arc::clone(&reported);
    campaign = campaign.at_each_event(move |event, _| {
        let (n, word) = match event {
            Event::Patched { line } => (line - 1, "patched"),
            Event::RowFinished { line, outcome: Outcome::Invited(_), .. } => (line - 1, "invited"),
            Event::RowFinished { line, outcome: Outcome::Failed(_), .. } => (line - 1, "failed"),
            _ => return,
        };
        let durable: i64 = rusqlite::Connection::open(&path)
            .unwrap()
            .query_row(
                "SELECT count(*) FROM event WHERE user_id = ?1 AND what = ?2",
                [id(n), word.to_owned()],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(durable, 1, "guest {n} is not {word}");
        *count.lock().unwrap() += 1;
    });
    campaign.run().await;
    assert_eq!(*reported.lock().unwrap(), 10);
}

/// The disk fills up when the third record of a kind is written: from there on
/// nothing may be done, because nothing can be written down.
#[tokio::test(start_paused = true)]
async fn a_failed_commit_stops_the_run() {
    for word in ["patching", "patched", "intended", "invited"] {
        let mut campaign = Campaign::new().guests(8).pace(1.0, 1, 1).after_begin(move |path| {
            rusqlite::Connection::open(path)
                .unwrap()
                .execute_batch(&format!(
                    "PRAGMA journal_mode = TRUNCATE; -- an open one can't be deleted on Windows
                     CREATE TRIGGER full BEFORE INSERT ON event
                     WHEN NEW.what = '{word}'
                          AND (SELECT count(*) FROM event WHERE what = '{word}') >= 2
                     BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
                ))
                .unwrap();
        });
        let finished = campaign.run().await;
        finished.assert_adds_up();
        assert_eq!(finished.stop_code(), Some("checkpoint"), "{word}");
        let message = finished.summary.stop_reason.as_ref().unwrap().to_string();
        assert!(message.contains("disk is full"), "{message}");
        let (patches, invitations) =
            finished.writes().into_iter().partition::<Vec<_>, _>(|sent| sent.is_patch());
        match word {
            // What could not be written down was not done.
            "patching" => assert!(patches.len() <= 2 && invitations.is_empty()),
            "patched" => assert!(patches.len() <= 3 && invitations.is_empty()),
            "intended" => assert_eq!(invitations.len(), 2),
            // What was done and could not be written down is not known.
            _ => {
                assert_eq!(invitations.len(), 3);
                assert_eq!((finished.summary.invited, finished.summary.unknown), (2, 1));
            }
        }

        rusqlite::Connection::open(campaign.checkpoint())
            .unwrap()
            .execute_batch("DROP TRIGGER full")
            .unwrap();
        let resumed = campaign.resume().await;
        assert_eq!(resumed.stop_code(), None, "{word}");
        assert_eq!(campaign.status().counts.invited, 8, "{word}");
        assert!((1..=8).all(|n| campaign.invitations(n) == 1), "{word}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_run_is_told_who_holds_the_checkpoint() {
    let mut campaign = Campaign::new().guests(2);
    let path = campaign.checkpoint();
    let now = campaign.emulator().now();
    campaign = campaign.at_each_request(move |_, _| match Checkpoint::open(&path, now) {
        Err(error @ CheckpointError::Held { .. }) => {
            assert!(error.to_string().contains(&format!("process {}", std::process::id())));
        }
        other => panic!("{other:?}"),
    });
    assert_eq!(campaign.run().await.summary.invited, 2);
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_of_another_tenant_or_program_or_newer_format_is_refused() {
    let mut campaign = Campaign::new().guests(1);
    campaign.run().await;
    let path = campaign.checkpoint();
    let now = campaign.emulator().now();

    let open = Checkpoint::open(&path, now).unwrap();
    let error = open.claim("d0d0d0d0-0000-4000-8000-000000000001", "contoso.example").unwrap_err();
    assert!(matches!(error, CheckpointError::OtherTenant { .. }), "{error}");
    drop(open);

    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = Checkpoint::open(&path, now).unwrap_err();
    assert!(matches!(error, CheckpointError::Newer { found: 99, .. }), "{error}");

    std::fs::write(&path, "user,new_email\n".repeat(200)).unwrap();
    let error = Checkpoint::open(&path, now).unwrap_err();
    assert!(matches!(error, CheckpointError::Foreign { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_checkpoint_is_refused() {
    let mut campaign = Campaign::new().guests(40);
    campaign.run().await;
    let path = campaign.checkpoint();
    let now = campaign.emulator().now();
    let mut bytes = std::fs::read(&path).unwrap();
    let page = 4096;
    for block in bytes.chunks_mut(page).skip(2) {
        block[..64].fill(0xa5);
    }
    std::fs::write(&path, bytes).unwrap();
    let error = Checkpoint::open(&path, now).unwrap_err();
    assert!(matches!(error, CheckpointError::Damaged { .. }), "{error}");
}
