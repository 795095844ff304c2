//! P1 and P3 where it is hardest: an invitation left, and no usable answer came.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use reinvite::emulator::{Action, Canned, Matcher};
use reinvite::run::{Event, InvitedHow, Outcome, Phase, StopReason};

use crate::support::{Campaign, Command, Cut, Ended, Sent, id, seconds};

/// Every way in which an invitation can be carried out and its answer get lost.
fn lost_answers() -> Vec<Action> {
    let mut actions = vec![Action::CommitThenDrop, Action::TruncateBody];
    for status in [500, 502, 503, 504] {
        actions.push(Action::CommitThenAnswer(Canned::status(status)));
        actions.push(Action::CommitThenAnswer(Canned::html(status)));
    }
    actions.push(Action::CommitThenAnswer(Canned::html(201)));
    actions.push(Action::CommitThenAnswer(Canned::status(408)));
    actions
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_not_resent_unasked() {
    for action in lost_answers() {
        let mut campaign =
            Campaign::new().guests(2).fault(Matcher::invitation().of(&id(1)), action.clone());
        let finished = campaign.run().await;
        let settled = Outcome::Invited(InvitedHow::SettledFromDirectory);
        assert_eq!(finished.outcome(1), &settled, "{action:?}");
        assert_eq!(campaign.resume().await.writes().len(), 0, "{action:?}");
        assert_eq!(campaign.invitations(1), 1, "{action:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_not_resent_while_replicas_lag() {
    for action in lost_answers() {
        let mut campaign = Campaign::new()
            .guests(1)
            .read_lag(seconds(200))
            .fault(Matcher::invitation(), action.clone());
        let finished = campaign.run().await;
        let settled = Outcome::Invited(InvitedHow::SettledFromDirectory);
        assert_eq!(finished.outcome(1), &settled, "{action:?}");
        assert!(finished.summary.elapsed >= seconds(200), "{:?}", finished.summary.elapsed);
        assert_eq!(campaign.invitations(1), 1, "{action:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_request_is_sent_again_only_after_the_lag() {
    for action in [Action::Drop, Action::Answer(Canned::status(503))] {
        let mut campaign = Campaign::new().guests(1).fault(Matcher::invitation(), action.clone());
        let finished = campaign.run().await;
        assert_eq!(finished.summary.invited, 1, "{action:?}");
        let [lost, repeated] = finished.invitations()[..] else { panic!("{action:?}") };
        let wait = repeated.at.duration_since(lost.at).unsigned_abs();
        assert!(wait >= seconds(300), "{action:?}: {wait:?}");
        assert!(wait <= seconds(302), "{action:?}: {wait:?}");
        assert_eq!(campaign.invitations(1), 1, "{action:?}");
        let words = campaign.events_of(1);
        assert_eq!(
            words[2..],
            ["intended", "unknown", "outstanding", "intended", "invited"],
            "{action:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_gets_lost_every_time_is_given_up_and_taken_up_by_the_next_run() {
    let mut campaign =
        Campaign::new().guests(1).fault(Matcher::invitation().times(3), Action::Drop);
    let finished = campaign.run().await;
    assert_eq!(finished.invitations().len(), 3);
    assert_eq!(campaign.invitations(1), 0);
    finished.assert_adds_up();
    assert_eq!(finished.failure(1), "unanswered");
    assert_eq!(campaign.resume().await.summary.invited, 1);
    assert_eq!(campaign.invitations(1), 1);
}

/// Somebody resets the guest around the time of the lost request: the directory
/// shows a reset that may be ours or theirs.
#[tokio::test(start_paused = true)]
async fn what_the_directory_cannot_tell_stays_unknown_and_is_not_resent() {
    let mut campaign =
        Campaign::new().guests(2).fault(Matcher::invitation().of(&id(1)), Action::Drop);
    let emulator = campaign.emulator();
    campaign = campaign.at_each_request(move |_, sent| {
        if sent.is_invitation() && sent.is_about(&id(1)) {
            // Three seconds before our intent, which no rounding explains.
            let theirs = emulator.now() - seconds(3);
            let theirs = Timestamp::from_second(theirs.as_second()).unwrap();
            emulator.edit(&id(1), |user| {
                user.external_user_state = Some("PendingAcceptance".to_owned());
                user.external_user_state_change_date_time = Some(theirs.to_string());
            });
        }
    });
    let finished = campaign.run().await;
    match finished.outcome(1) {
        Outcome::Unknown { evidence } => {
            assert!(evidence.contains("PendingAcceptance"), "{evidence}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!((finished.summary.unknown, finished.summary.failed), (1, 0));
    assert_eq!(campaign.status().counts.unknown, 1);

    for _ in 0..2 {
        let again = campaign.resume().await;
        assert_eq!((again.planned(1), again.summary.unknown), ("unknown-outcome", 1));
        assert_eq!(again.writes().len(), 0);
    }
    assert_eq!(campaign.invitations(1), 0);

    // A person decides, and the run ends before it comes to that: still nobody knows.
    campaign = campaign.resend("2", "they say nothing came").at_each_event(|event, stop| {
        if matches!(event, Event::RowEntered { to: Phase::Inviting, .. }) {
            stop.request(StopReason::Interrupted);
        }
    });
    let stopped = campaign.resume().await;
    assert_eq!((stopped.stop_code(), stopped.writes().len()), (Some("interrupted"), 0));
    assert_eq!(campaign.status().counts.unknown, 1);

    // Only a person decides.
    campaign = campaign.resend("2", "they say nothing came");
    assert_eq!(campaign.resume().await.summary.invited, 1);
    assert_eq!(campaign.invitations(1), 1);
    assert_eq!(campaign.status().counts.unknown, 0);
}

/// The invitation got lost, the program was killed, and somebody set a third mail: that
/// it was not sent is no leave to write over theirs.
#[tokio::test(start_paused = true)]
async fn a_mail_set_by_someone_after_a_lost_answer_is_not_overwritten() {
    let whole = Campaign::new().guests(1).run().await.sent.len();
    let mut campaign = Campaign::new().guests(1).cut(Cut::Before(whole));
    assert!(campaign.run_until_cut().await.is_none());
    assert_eq!(campaign.status().counts.unknown, 1);
    let theirs = "theirs@tailspin.example";
    campaign.emulator().edit(&id(1), |user| user.mail = Some(theirs.to_owned()));

    let resumed = campaign.resume().await;
    assert_eq!((resumed.failure(1), resumed.writes().len()), ("changed-by-hand", 0));
    let status = campaign.status();
    assert_eq!((status.counts.failed, status.counts.unknown), (1, 0), "{status:?}");
    assert_eq!(campaign.emulator().user(&id(1)).unwrap().mail.as_deref(), Some(theirs));

    // A person's word moves it all the same.
    campaign = campaign.retry_failed();
    assert_eq!(campaign.resume().await.summary.invited, 1);
    assert_eq!(campaign.invitations(1), 1);
}

#[tokio::test(start_paused = true)]
async fn a_guest_who_redeems_before_the_lost_answer_is_settled_is_not_resent() {
    let mut campaign = Campaign::new()
        .guests(1)
        .read_lag(seconds(30))
        .fault(Matcher::invitation(), Action::CommitThenDrop);
    let emulator = campaign.emulator();
    // The second write is the invitation; the guest redeems it within its minute.
    emulator.on_write(2, {
        let emulator = emulator.clone();
        move |_| assert!(emulator.redeem(&id(1)))
    });
    let finished = campaign.run().await;
    assert_eq!(campaign.invitations(1), 1, "{:?}", finished.outcome(1));
    let again = campaign.resume().await;
    assert_eq!(again.writes().len(), 0);
    assert_eq!(campaign.invitations(1), 1);
}

#[tokio::test(start_paused = true)]
async fn a_guest_deleted_after_a_lost_answer_stays_unknown() {
    let mut campaign =
        Campaign::new().guests(1).fault(Matcher::invitation(), Action::CommitThenDrop);
    // Read before the mail is written and before the invitation is sent; from then on
    // every reading says that there is no such guest.
    let gone = Canned::error(404, "Request_ResourceNotFound", "Resource does not exist.");
    campaign = campaign.fault(
        Matcher::new(http::Method::GET, &format!("/users/{}", id(1))).nth(3).always(),
        Action::Answer(gone),
    );
    let finished = campaign.run().await;
    assert!(matches!(finished.outcome(1), Outcome::Unknown { .. }), "{:?}", finished.outcome(1));
    assert_eq!(campaign.status().counts.unknown, 1);
}

#[tokio::test(start_paused = true)]
async fn stopping_while_a_lost_answer_is_open_leaves_it_to_the_next_run() {
    for (action, sent_by_then) in [(Action::Drop, 0), (Action::CommitThenDrop, 1)] {
        let mut campaign = Campaign::new()
            .guests(1)
            .read_lag(seconds(60))
            .fault(Matcher::invitation(), action.clone())
            .at_each_event(|event, stop| {
                use reinvite::run::{Event, Phase, StopReason};
                if matches!(event, Event::RowEntered { to: Phase::Clearing, .. }) {
                    stop.request(StopReason::Interrupted);
                }
            });
        let finished = campaign.run().await;
        assert_eq!((finished.stop_code(), finished.summary.unknown), (Some("interrupted"), 1));
        assert_eq!(campaign.invitations(1), sent_by_then);
        assert_eq!(campaign.resume().await.summary.invited, 1, "{action:?}");
        assert_eq!(campaign.invitations(1), 1, "{action:?}");
    }
}

/// What the directory dates and what we date is compared, so the difference of the
/// clocks is learnt from the answers.
#[tokio::test(start_paused = true)]
async fn a_wrong_clock_neither_resends_nor_forgets() {
    for ahead in [SignedDuration::from_hours(7), SignedDuration::from_mins(-90)] {
        for (action, posts) in [(Action::CommitThenDrop, 1), (Action::Drop, 2)] {
            let mut campaign = Campaign::new()
                .guests(1)
                .read_lag(seconds(20))
                .clock_ahead(ahead)
                .fault(Matcher::invitation(), action.clone());
            let finished = campaign.run().await;
            assert_eq!(finished.summary.invited, 1, "{ahead}, {action:?}");
            assert_eq!(finished.invitations().len(), posts, "{ahead}, {action:?}");
            assert_eq!(campaign.invitations(1), 1, "{ahead}, {action:?}");
        }
    }
}

/// The clock is set between a run that was killed and the next.
#[tokio::test(start_paused = true)]
async fn a_clock_set_between_two_runs_neither_resends_nor_forgets() {
    for ahead in [SignedDuration::from_hours(7), SignedDuration::from_hours(-7)] {
        for cut in [Cut::Before, Cut::After] {
            let mut reference = Campaign::new().guests(1);
            let sent = reference.run().await.sent;
            let post = 1 + sent.iter().position(Sent::is_invitation).unwrap();

            let mut campaign = Campaign::new().guests(1).read_lag(seconds(20)).cut(cut(post));
            assert!(campaign.run_until_cut().await.is_none());
            campaign = campaign.clock_ahead(ahead);
            assert_eq!(campaign.resume().await.summary.invited, 1, "{ahead}, {:?}", cut(post));
            assert_eq!(campaign.invitations(1), 1, "{ahead}, {:?}", cut(post));
        }
    }
}

/// A reset within the second of ours looks like ours.
#[tokio::test(start_paused = true)]
async fn a_guest_reset_by_someone_else_in_our_very_second_stays_unknown() {
    for action in [Action::Drop, Action::CommitThenDrop] {
        let mut campaign = Campaign::new()
            .guests(1)
            .manifest(&format!("user,new_email,reset\n{},,always\n", id(1)))
            .reset_matching()
            .fault(Matcher::invitation(), action.clone());
        let emulator = campaign.emulator();
        let now = emulator.clock().now_in_seconds().to_string();
        emulator.edit(&id(1), |user| {
            user.external_user_state = Some("PendingAcceptance".to_owned());
            user.external_user_state_change_date_time = Some(now);
        });
        let finished = campaign.run().await;
        assert!(matches!(finished.outcome(1), Outcome::Unknown { .. }), "{action:?}");
        assert_eq!(finished.invitations().len(), 1);
    }
}

/// The reading that settled it came from a replica that lagged longer than any was
/// believed to; the next reading knows better, and has the last word.
#[tokio::test(start_paused = true)]
async fn a_later_reading_that_shows_the_invitation_has_the_last_word() {
    let mut campaign = Campaign::new()
        .guests(1)
        .settings(|settings| settings.pace.replication_lag = seconds(1))
        .fault(Matcher::invitation(), Action::CommitThenDrop);
    let emulator = campaign.emulator();
    let invited = Arc::new(Mutex::new(None));
    let readings = Arc::new(AtomicUsize::new(0));
    // The invitation is the second write. From then on the guest looks as before…
    emulator.on_write(2, {
        let (emulator, invited) = (emulator.clone(), Arc::clone(&invited));
        move |_| {
            let state = |user: &mut reinvite::graph::wire::User| {
                let shown = ("Accepted".to_owned(), "2024-03-01T09:00:00Z".to_owned());
                let state = user.external_user_state.replace(shown.0);
                let since = user.external_user_state_change_date_time.replace(shown.1);
                *invited.lock().unwrap() = Some((state, since));
            };
            assert!(emulator.edit(&id(1), state));
        }
    });
    // … in two readings, at once and after the lag, and not in the third.
    campaign = campaign.at_each_request(move |_, _| {
        let is_hidden = invited.lock().unwrap().is_some();
        if is_hidden && readings.fetch_add(1, Ordering::SeqCst) == 2 {
            let (state, since) = invited.lock().unwrap().take().unwrap();
            assert!(emulator.edit(&id(1), |user| {
                user.external_user_state = state;
                user.external_user_state_change_date_time = since;
            }));
        }
    });
    let finished = campaign.run().await;
    assert_eq!(
        finished.outcome(1),
        &Outcome::Invited(InvitedHow::SettledFromDirectory),
        "{:?}",
        finished.outcome(1)
    );
    assert_eq!(campaign.invitations(1), 1);
}

/// What shows by then is the invitation to the other address.
#[tokio::test(start_paused = true)]
async fn an_invitation_that_another_followed_is_not_taken_for_sent() {
    let mut campaign = Campaign::new().guests(1).fault(Matcher::invitation(), Action::Drop);
    let now = campaign.emulator().now();
    campaign = campaign.cut(Cut::At(now + seconds(60)));
    assert!(campaign.run_until_cut().await.is_none());
    assert_eq!(campaign.events_of(1).last().unwrap(), "unknown");
    campaign = campaign.rows([(id(1), "elsewhere@tailspin.example".to_owned())]);
    assert_eq!(campaign.run().await.summary.invited, 1);
    tokio::time::sleep(seconds(3_600)).await;
    assert!(matches!(campaign.command(Command::Verify).await, Ended::Out(0)));
    let states = campaign.query("SELECT address || ' ' || state FROM row ORDER BY address");
    assert_eq!(
        states,
        ["elsewhere@tailspin.example invited", "guest1@northwind.example outstanding"]
    );
}
