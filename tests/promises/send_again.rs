//! `--resend`: a person's word for another invitation is kept, once, and whatever
//! becomes of it the first invitation stands.

use jiff::Timestamp;
use reinvite::checkpoint::Resends;
use reinvite::emulator::{Action, Canned, Matcher};

use crate::support::{Campaign, Command, Cut, Ended, id, seconds};

/// Two guests, both invited.
async fn both_invited() -> Campaign {
    let mut campaign = Campaign::new().guests(2);
    campaign.run().await;
    campaign
}

fn ask(campaign: Campaign) -> Campaign {
    campaign.resend("2", "the mail was lost")
}

/// A refusal that is final.
fn refused() -> Action {
    Action::Answer(Canned::error(400, "Request_BadRequest", "This guest is not wanted."))
}

#[tokio::test(start_paused = true)]
async fn wherever_it_is_cut_off_it_is_sent_once_and_needs_no_second_word() {
    let mut whole = ask(both_invited().await);
    let requests = whole.run().await.sent.len();
    let cuts = (1..=requests).flat_map(|n| [Cut::Before(n), Cut::After(n)]);
    let mut kept = 0;
    for cut in cuts {
        let mut campaign = ask(both_invited().await).cut(cut);
        assert!(campaign.run_until_cut().await.is_none(), "{cut:?}");
        let asked = campaign.query("SELECT what FROM event WHERE what = 'resend-asked'").len();
        let status = campaign.status();
        // Not known, or known to be invited: never less than it was.
        assert_eq!(status.counts.invited + status.counts.unknown, 2, "{cut:?}: {status:?}");

        campaign.resume().await.assert_adds_up();
        // A run that did not come as far as writing it down has the same flags again.
        assert_eq!(campaign.invitations(1), 2, "{cut:?}: {:?}", campaign.events_of(1));
        assert_eq!(campaign.invitations(2), 1, "{cut:?}");
        let status = campaign.status();
        assert_eq!((status.counts.invited, status.resends), (2, Resends::default()), "{cut:?}");
        assert_eq!(campaign.resume().await.writes().len(), 0, "{cut:?}");
        kept += asked;
    }
    assert!(kept >= 4, "before and after the reading and the invitation");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_refused_leaves_the_guest_invited_and_waits_for_a_word() {
    let mut campaign = ask(both_invited().await).fault(Matcher::invitation(), refused());
    let asked = campaign.run().await;
    assert_eq!((asked.summary.failed, asked.summary.settled), (1, 1));
    let refused = Resends { failed: 1, outstanding: 0 };
    let status = campaign.status();
    assert_eq!((status.counts.invited, status.counts.failed, status.resends), (2, 0, refused));
    assert!(status.failures.is_empty());

    let unasked = campaign.resume().await;
    assert_eq!((unasked.planned(1), unasked.writes().len()), ("resend-failed", 0));
    assert_eq!((unasked.summary.settled, campaign.invitations(1)), (2, 1));
    assert_eq!(campaign.status().resends, refused);

    campaign = campaign.retry_failed();
    let again = campaign.resume().await;
    assert_eq!((again.planned(1), again.planned(2)), ("resend", "already-invited"));
    assert_eq!((campaign.invitations(1), campaign.invitations(2)), (2, 1));
    assert_eq!(campaign.status().resends, Resends::default());
    assert_eq!(campaign.resume().await.writes().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_guest_who_redeemed_meanwhile_is_not_locked_out_by_an_old_request() {
    // Cut off at the last reading before the invitation.
    let last = ask(both_invited().await).run().await.sent.len();
    let mut campaign = ask(both_invited().await).cut(Cut::Before(last - 1));
    assert!(campaign.run_until_cut().await.is_none());
    let outstanding = Resends { outstanding: 1, failed: 0 };
    assert_eq!((campaign.status().counts.invited, campaign.status().resends), (2, outstanding));
    assert!(campaign.emulator().redeem(&id(1)));
    let resumed = campaign.resume().await;
    assert_eq!((resumed.planned(1), resumed.writes().len()), ("resend-lapsed", 0));
    assert_eq!((resumed.summary.settled, campaign.status().counts.invited), (2, 2));
    assert_eq!(campaign.status().resends, Resends::default());

    // Nor by a flag that speaks of everybody.
    let mut campaign = ask(both_invited().await).fault(Matcher::invitation(), refused());
    campaign.run().await;
    assert!(campaign.emulator().redeem(&id(1)));
    let resumed = campaign.retry_failed().resume().await;
    assert_eq!((resumed.planned(1), resumed.writes().len()), ("resend-lapsed", 0));
}

/// A replica may show the campaign's own invitation only after the plan to send again was
/// made: that is nobody else's hand.
#[tokio::test(start_paused = true)]
async fn asked_within_the_lag_it_is_sent_although_the_first_shows_late() {
    let late = || Campaign::new().guests(2).read_lag(seconds(10));
    let mut campaign = late();
    campaign.run().await;
    campaign = ask(campaign);
    let again = campaign.run().await;
    assert_eq!((again.planned(1), again.summary.failed), ("resend", 0), "{:?}", again.outcomes);
    assert_eq!((campaign.invitations(1), campaign.invitations(2)), (2, 1));
    assert_eq!(campaign.status().resends, Resends::default());

    // The run that was asked is gone before the invitation: what it saw is not what shows now.
    let mut campaign = late();
    campaign.run().await;
    let now = campaign.emulator().now();
    campaign = ask(campaign).cut(Cut::At(now + seconds(5)));
    assert!(campaign.run_until_cut().await.is_none());
    assert_eq!(campaign.status().resends, Resends { outstanding: 1, failed: 0 });
    tokio::time::sleep(seconds(60)).await;
    let resumed = campaign.resume().await;
    assert_eq!(resumed.planned(1), "resend");
    assert_eq!((campaign.invitations(1), campaign.invitations(2)), (2, 1));
    assert_eq!(campaign.status().resends, Resends::default());
}

/// Somebody else's invitation is another matter, also within the lag.
#[tokio::test(start_paused = true)]
async fn asked_within_the_lag_a_guest_who_redeems_meanwhile_is_not_locked_out() {
    let mut campaign = both_invited().await;
    campaign = ask(campaign).after_plan(|tenant| assert!(tenant.redeem(&id(1))));
    let again = campaign.run().await;
    assert_eq!(again.failure(1), "redeemed-since-plan");
    assert_eq!(campaign.invitations(1), 1);
}

/// What shows of the first invitation only after the second was asked for is not the second:
/// whether that was sent, the directory tells.
#[tokio::test(start_paused = true)]
async fn asked_within_the_lag_a_lost_answer_is_settled_from_the_directory() {
    for (action, sent) in [(Action::Drop, 2), (Action::CommitThenDrop, 2)] {
        let mut campaign = Campaign::new().guests(2).read_lag(seconds(60));
        campaign.run().await;
        // Later than what was dated by two clocks can be confused.
        tokio::time::sleep(seconds(10)).await;
        campaign = ask(campaign).fault(Matcher::invitation(), action.clone());
        let again = campaign.run().await;
        assert_eq!((again.summary.unknown, again.summary.failed), (0, 0), "{:?}", again.outcomes);
        assert_eq!(again.summary.invited, 1, "{action:?}: {:?}", again.outcomes);
        assert_eq!((campaign.invitations(1), campaign.invitations(2)), (sent, 1), "{action:?}");
        assert_eq!(campaign.status().resends, Resends::default());
        assert_eq!(campaign.resume().await.writes().len(), 0);
    }
}

/// The same where the run that asked is gone, and the next one settles it.
#[tokio::test(start_paused = true)]
async fn asked_within_the_lag_and_cut_off_it_is_sent_once_more_and_not_twice() {
    let late = || Campaign::new().guests(2).read_lag(seconds(60));
    let asked = async || {
        let mut campaign = late();
        campaign.run().await;
        tokio::time::sleep(seconds(10)).await;
        ask(campaign)
    };
    let whole = asked().await.run().await;
    let is_invitation = |sent: &crate::support::Sent| sent.method == http::Method::POST;
    let last = whole.sent.iter().rposition(is_invitation).unwrap() + 1;
    for cut in [Cut::Before(last), Cut::After(last)] {
        let mut campaign = asked().await.cut(cut);
        assert!(campaign.run_until_cut().await.is_none(), "{cut:?}");
        assert_eq!(campaign.status().counts.unknown, 1, "{cut:?}");
        let resumed = campaign.resume().await;
        assert_eq!(resumed.summary.unknown, 0, "{cut:?}: {:?}", resumed.outcomes);
        assert_eq!((campaign.invitations(1), campaign.invitations(2)), (2, 1), "{cut:?}");
        assert_eq!(campaign.status().resends, Resends::default(), "{cut:?}");
    }
}

/// What a person asked for is open until it was done, and no run ends with 0 before that,
/// whatever kind of run it is.
#[tokio::test(start_paused = true)]
async fn until_it_is_sent_every_run_ends_with_4_or_9() {
    const ALL: [Command; 3] = [Command::Apply, Command::Reconcile, Command::Verify];
    let ended = async |campaign: &mut Campaign, expected: u8| {
        for command in ALL {
            let ended = campaign.command(command).await;
            assert!(
                matches!(ended, Ended::Out(code) if code == expected),
                "{command:?}: {ended:?}"
            );
        }
    };
    // Gone before the invitation, and somebody has blocked the guest's sign-in since.
    let last = ask(both_invited().await).run().await.sent.len();
    let mut campaign = ask(both_invited().await).cut(Cut::Before(last - 1));
    assert!(campaign.run_until_cut().await.is_none());
    campaign.emulator().edit(&id(1), |user| user.account_enabled = Some(false));
    ended(&mut campaign, 4).await;
    assert_eq!(campaign.status().resends, Resends { outstanding: 1, failed: 0 });
    campaign.emulator().edit(&id(1), |user| user.account_enabled = Some(true));
    ended(&mut campaign, 0).await;
    assert_eq!((campaign.invitations(1), campaign.status().resends), (2, Resends::default()));

    // Its answer was lost, and somebody else has a hand in what the directory shows.
    let mut campaign = ask(both_invited().await).cut(Cut::Before(last));
    assert!(campaign.run_until_cut().await.is_none());
    let emulator = campaign.emulator();
    let theirs = Timestamp::from_second(emulator.now().as_second() - 10).unwrap().to_string();
    emulator.edit(&id(1), |user| user.external_user_state_change_date_time = Some(theirs));
    ended(&mut campaign, 9).await;
    campaign = ask(campaign);
    assert!(matches!(campaign.command(Command::Apply).await, Ended::Out(0)));
    campaign.resend = None;
    ended(&mut campaign, 0).await;
    assert_eq!((campaign.invitations(1), campaign.status().resends), (2, Resends::default()));
}
