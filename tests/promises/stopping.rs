//! Stopping: what is under way finishes, nothing new starts, and every reason has
//! its name.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reinvite::emulator::{Action, Canned, Matcher};
use reinvite::run::{Event, Outcome, Stop, StopReason};

use crate::support::{Campaign, id, seconds};

/// Calls back when so many rows have finished.
fn after_rows(
    rows: u64,
    act: impl Fn(&Stop) + Send + Sync + 'static,
) -> impl Fn(&Event, &Stop) + Send + Sync + 'static {
    let finished = Arc::new(AtomicU64::new(0));
    move |event, stop| {
        if matches!(event, Event::RowFinished { .. })
            && finished.fetch_add(1, Ordering::Relaxed) + 1 == rows
        {
            act(stop);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_interruption_lets_requests_under_way_finish_and_starts_nothing_new() {
    let mut campaign = Campaign::new()
        .guests(6)
        .pace(1.0, 1, 16)
        .fault(Matcher::invitation().nth(2), Action::CommitThenDelay(seconds(30)))
        .at_each_event(after_rows(2, |stop| {
            stop.request(StopReason::Interrupted);
        }));
    let finished = campaign.run().await;
    finished.assert_adds_up();
    assert_eq!(finished.stop_code(), Some("interrupted"));
    // The first and the third finished first; the answer for the second was awaited.
    assert_eq!((finished.summary.invited, finished.summary.not_attempted), (3, 3));
    assert!(!finished.outcomes.contains(&Some(Outcome::NotAttempted { patched: false })));
    let [_, _, third] = finished.invitations()[..] else { panic!() };
    assert_eq!(finished.sent.last().unwrap().at, third.at, "something was sent after the stop");
    assert!(finished.summary.elapsed >= seconds(45), "{:?}", finished.summary.elapsed);

    let resumed = campaign.resume().await;
    assert_eq!((resumed.summary.invited, resumed.summary.patched), (3, 0));
    assert!((1..=6).all(|n| campaign.invitations(n) == 1));
}

#[tokio::test(start_paused = true)]
async fn more_failures_than_allowed_stop_the_run() {
    let refused = Canned::error(400, "BadRequest", "Group email address is not supported");
    let mut campaign = Campaign::new()
        .guests(50)
        .pace(1.0, 1, 1)
        .max_failures("2")
        .fault(Matcher::invitation().always(), Action::Answer(refused));
    let finished = campaign.run().await;
    finished.assert_adds_up();
    assert_eq!((finished.stop_code(), finished.summary.failed), (Some("max-failures"), 3));
    assert_eq!(finished.invitations().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_share_of_failures_counts_after_a_sample() {
    let refused =
        || Action::Answer(Canned::error(400, "BadRequest", "Group email address is not supported"));
    // Every second one fails, which is more than a tenth from the first row on.
    let mut campaign = Campaign::new()
        .guests(60)
        .pace(1.0, 1, 1)
        .max_failures("10%")
        .fault(Matcher::invitation().every(2).always(), refused());
    let finished = campaign.run().await;
    assert_eq!(finished.stop_code(), Some("max-failures"));
    assert_eq!((finished.summary.failed, finished.summary.invited), (10, 10));

    // Every twentieth is not.
    let mut campaign = Campaign::new()
        .guests(60)
        .max_failures("10%")
        .fault(Matcher::invitation().every(20).always(), refused());
    let finished = campaign.run().await;
    assert_eq!((finished.stop_code(), finished.summary.failed), (None, 3));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_run_and_the_next_goes_on() {
    let mut campaign = Campaign::new().guests(10).pace(1.0, 1, 4);
    campaign.deadline = Some(tokio::time::Instant::now() + seconds(20));
    let finished = campaign.run().await;
    finished.assert_adds_up();
    assert_eq!(finished.stop_code(), Some("time-budget"));
    assert!(finished.summary.invited > 0 && finished.summary.not_attempted > 0);
    assert!(finished.summary.elapsed <= seconds(21), "{:?}", finished.summary.elapsed);

    campaign.deadline = None;
    assert_eq!(campaign.resume().await.stop_code(), None);
    assert!((1..=10).all(|n| campaign.invitations(n) == 1));
}

#[tokio::test(start_paused = true)]
async fn a_stop_file_ends_the_run_within_a_second() {
    let mut campaign = Campaign::new().guests(10).pace(1.0, 1, 4);
    let stop_file = campaign.checkpoint().with_file_name("stop");
    campaign.settings.guards.stop_file = Some(stop_file.clone());
    campaign =
        campaign.at_each_event(after_rows(2, move |_| std::fs::write(&stop_file, "").unwrap()));
    let finished = campaign.run().await;
    assert_eq!(finished.stop_code(), Some("stop-file"));
    assert!((2..=4).contains(&finished.summary.invited), "{:?}", finished.summary);

    // As long as it is there, nothing starts.
    let again = campaign.resume().await;
    assert_eq!((again.stop_code(), again.invitations().len()), (Some("stop-file"), 0));

    std::fs::remove_file(campaign.settings.guards.stop_file.as_ref().unwrap()).unwrap();
    campaign.resume().await;
    assert!((1..=10).all(|n| campaign.invitations(n) == 1));
}

#[tokio::test(start_paused = true)]
async fn a_canary_goes_first_and_is_verified_before_the_others_start() {
    let mut campaign = Campaign::new()
        .guests(6)
        .read_lag(seconds(40))
        .settings(|settings| settings.guards.canary = Some(2));
    let finished = campaign.run().await;
    assert_eq!(finished.summary.invited, 6);
    assert!(finished.events.iter().any(|event| matches!(event, Event::CanaryPassed { rows: 2 })));
    let writes = finished.writes();
    let (canary, others) = writes.split_at(4);
    assert!(canary.iter().all(|sent| sent.is_about(&id(1)) || sent.is_about(&id(2))));
    let wait = others[0].at.duration_since(canary[3].at).unsigned_abs();
    assert!(wait >= seconds(40), "the directory can't have shown it after {wait:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_while_its_canary_is_looked_for_has_no_failed_canary() {
    let canary_is_out = || {
        let campaign = Campaign::new().guests(6).read_lag(seconds(1000));
        campaign.settings(|settings| settings.guards.canary = Some(1))
    };
    let mut interrupted = canary_is_out().at_each_event(after_rows(1, |stop| {
        let stop = stop.clone();
        tokio::spawn(async move {
            tokio::time::sleep(seconds(5)).await;
            stop.request(StopReason::Interrupted);
        });
    }));
    let finished = interrupted.run().await;
    finished.assert_adds_up();
    assert_eq!((finished.stop_code(), finished.summary.invited), (Some("interrupted"), 1));

    let mut late = canary_is_out();
    late.deadline = Some(tokio::time::Instant::now() + seconds(60));
    let finished = late.run().await;
    assert_eq!((finished.stop_code(), finished.summary.invited), (Some("time-budget"), 1));
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_fails_stops_the_rest() {
    let refused = Canned::error(400, "BadRequest", "Group email address is not supported");
    let mut campaign = Campaign::new()
        .guests(6)
        .settings(|settings| settings.guards.canary = Some(2))
        .fault(Matcher::invitation().of(&id(2)), Action::Answer(refused));
    let finished = campaign.run().await;
    finished.assert_adds_up();
    assert_eq!((finished.stop_code(), finished.summary.not_attempted), (Some("canary-failed"), 4));
    assert!(!finished.writes().iter().any(|sent| (3..=6).any(|n| sent.is_about(&id(n)))));
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_the_directory_never_shows_stops_the_rest() {
    let mut campaign = Campaign::new()
        .guests(6)
        .read_lag(seconds(1000))
        .settings(|settings| settings.guards.canary = Some(1));
    let finished = campaign.run().await;
    assert_eq!((finished.stop_code(), finished.summary.invited), (Some("canary-failed"), 1));
    assert_eq!(finished.summary.not_attempted, 5);
}
