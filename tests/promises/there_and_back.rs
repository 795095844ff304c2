//! A wish that was replaced and comes back is a new wish, whatever became of it before.

use jiff::Timestamp;
use reinvite::domain::Counts;
use reinvite::emulator::{Action, Canned, Matcher};

use crate::support::{Campaign, Command, Cut, Ended, address, id, seconds};

/// A refusal that is final.
fn refused() -> Action {
    Action::Answer(Canned::error(400, "Request_BadRequest", "This guest is not wanted."))
}

/// Moved on and back, the address is wanted anew: what a person asked for before is no part
/// of that, and an invitation that stood then stands no more.
#[tokio::test(start_paused = true)]
async fn a_refused_request_of_before_does_not_settle_an_address_that_is_wanted_again() {
    let row = |to: &str| [(id(1), to.to_owned())];
    let mut campaign = Campaign::new().guests(1);
    campaign.run().await;
    campaign = campaign.resend("2", "the mail was lost").fault(Matcher::invitation(), refused());
    campaign.run().await;
    campaign = campaign.rows(row("elsewhere@tailspin.example"));
    assert_eq!(campaign.run().await.summary.invited, 1);
    for is_refused in [true, false] {
        campaign = campaign.rows(row(&address(1)));
        if is_refused {
            campaign = campaign.fault(Matcher::invitation(), refused());
            assert_eq!(campaign.run().await.summary.failed, 1);
            let next = campaign.run().await;
            assert_eq!((next.planned(1), next.summary.blocked), ("failed-before", 1));
            let counts = campaign.status().counts;
            assert_eq!((counts.failed + counts.blocked, counts.invited), (1, 0), "{counts:?}");
            campaign = campaign.rows(row("elsewhere@tailspin.example"));
            assert_eq!(campaign.run().await.summary.invited, 1);
        } else {
            // Gone between the mail and the invitation.
            let now = campaign.emulator().now();
            campaign = campaign.cut(Cut::At(now + seconds(5)));
            assert!(campaign.run_until_cut().await.is_none());
            let next = campaign.run().await;
            assert_eq!((next.planned(1), next.summary.invited), ("finish-earlier-run", 1));
        }
    }
    assert_eq!(campaign.ledger().invitations_for(&id(1)).len(), 4);
}

/// Moved on, killed, and wanted back within the lag: a replica still shows the address, and
/// what is on record says that another was written since.
#[tokio::test(start_paused = true)]
async fn an_address_that_the_campaign_has_replaced_is_not_as_wanted_for_showing_late() {
    let mut campaign = Campaign::new().guests(1).read_lag(seconds(200));
    assert_eq!(campaign.run().await.summary.invited, 1);
    tokio::time::sleep(seconds(3_600)).await;
    let now = campaign.emulator().now();
    let elsewhere = "elsewhere@tailspin.example".to_owned();
    campaign = campaign.rows([(id(1), elsewhere)]).cut(Cut::At(now + seconds(10)));
    assert!(campaign.run_until_cut().await.is_none());
    campaign = campaign.rows([(id(1), address(1))]);
    let early = campaign.run().await;
    assert_eq!((early.planned(1), early.summary.blocked), ("may-lag", 1));
    // The invitation of before the other address is none of this wish.
    assert_eq!(campaign.status().counts, Counts { blocked: 1, ..Counts::default() });
    assert!(matches!(campaign.command(Command::Verify).await, Ended::Out(4 | 9)));
    tokio::time::sleep(seconds(300)).await;
    let later = campaign.run().await;
    assert_eq!((later.planned(1), later.summary.invited), ("new-address", 1));
    assert_eq!(campaign.emulator().user(&id(1)).unwrap().mail, Some(address(1)));
}

/// The same where the later wish was refused for good, after its mail was written: that is the
/// mail of the guest, whatever a replica still shows.
#[tokio::test(start_paused = true)]
async fn an_address_is_not_as_wanted_for_showing_late_after_a_wish_that_was_refused() {
    let elsewhere = || "elsewhere@tailspin.example".to_owned();
    let old = || "guest1@fabrikam.example".to_owned();
    // The address of before is the campaign's own, or the one from before it.
    for (moved_before, back_to) in [(true, address(1)), (false, old())] {
        for (what, written) in [(Matcher::invitation(), true), (Matcher::patch(), false)] {
            let mut campaign = Campaign::new().guests(1).read_lag(seconds(200));
            if moved_before {
                assert_eq!(campaign.run().await.summary.invited, 1);
                tokio::time::sleep(seconds(3_600)).await;
            }
            campaign = campaign.rows([(id(1), elsewhere())]).fault(what, refused());
            assert_eq!(campaign.run().await.summary.failed, 1);
            campaign = campaign.rows([(id(1), back_to.clone())]);
            let early = campaign.run().await;
            let as_wanted = if moved_before { "already-invited" } else { "already-matches" };
            let expected = if written { ("may-lag", 0) } else { (as_wanted, 1) };
            assert_eq!((early.planned(1), early.summary.settled), expected, "{back_to}");
            tokio::time::sleep(seconds(300)).await;
            let later = campaign.run().await;
            let expected = if written { ("new-address", 1) } else { (as_wanted, 0) };
            assert_eq!((later.planned(1), later.summary.invited), expected, "{back_to}");
            assert_eq!(campaign.emulator().user(&id(1)).unwrap().mail, Some(back_to.clone()));
        }
    }
}

/// Two addresses in a row and the first again, each within the lag: a replica may show any of
/// them, and none is somebody else's.
#[tokio::test(start_paused = true)]
async fn an_address_that_comes_back_within_the_lag_is_invited_whichever_shows() {
    for lag in [20, 120] {
        for refuse in [false, true] {
            let mut campaign = Campaign::new().guests(1).read_lag(seconds(lag));
            assert_eq!(campaign.run().await.summary.invited, 1);
            tokio::time::sleep(seconds(10)).await;
            campaign = campaign.rows([(id(1), "elsewhere@tailspin.example".to_owned())]);
            if refuse {
                campaign = campaign.fault(Matcher::invitation(), refused());
            }
            campaign.run().await;
            campaign = campaign.rows([(id(1), address(1))]);
            for _ in 0..9 {
                let next = campaign.run().await;
                assert_eq!(next.summary.failed, 0, "{lag}, {refuse}: {:?}", next.outcomes);
                let mail = campaign.emulator().user(&id(1)).unwrap().mail;
                let as_wanted = next.summary.settled == 1 || next.summary.invited == 1;
                assert!(!as_wanted || mail == Some(address(1)), "{lag}, {refuse}");
                tokio::time::sleep(seconds(45)).await;
            }
            let invited = invited(&mut campaign);
            assert_eq!(invited.len(), if refuse { 2 } else { 3 }, "{lag}, {refuse}");
            assert_eq!(invited.last(), Some(&address(1)), "{lag}, {refuse}");
        }
    }
}

/// Invited to one address and wanted at another within the lag. The replica that is read first
/// does not show the campaign's own invitation yet.
async fn wanted_elsewhere_within_the_lag(lag: u64) -> Campaign {
    let mut campaign = Campaign::new().guests(1).read_lag(seconds(lag));
    assert_eq!(campaign.run().await.summary.invited, 1);
    // Later than what was dated by two clocks can be confused.
    tokio::time::sleep(seconds(10)).await;
    campaign.rows([(id(1), "elsewhere@tailspin.example".to_owned())])
}

/// Where each of the guest's invitations went.
fn invited(campaign: &mut Campaign) -> Vec<String> {
    let ledger = campaign.ledger();
    ledger.invitations_for(&id(1)).iter().map(|sent| sent.address.clone()).collect()
}

/// The campaign's invitation to the address of before, seen late, is nobody else's.
#[tokio::test(start_paused = true)]
async fn wanted_elsewhere_within_the_lag_the_guest_is_invited_although_the_first_shows_late() {
    let mut campaign = wanted_elsewhere_within_the_lag(20).await;
    let next = campaign.run().await;
    assert_eq!((next.planned(1), next.summary.invited), ("new-address", 1), "{:?}", next.outcomes);
    assert_eq!(invited(&mut campaign), [address(1), "elsewhere@tailspin.example".to_owned()]);
}

/// Nor is it the invitation whose answer was lost: whether that was sent, the directory tells.
#[tokio::test(start_paused = true)]
async fn wanted_elsewhere_within_the_lag_a_lost_answer_is_settled_from_the_directory() {
    for action in [Action::Drop, Action::CommitThenDrop] {
        let mut campaign = wanted_elsewhere_within_the_lag(60).await;
        campaign = campaign.fault(Matcher::invitation(), action.clone());
        let next = campaign.run().await;
        let ends = (next.summary.invited, next.summary.unknown, next.summary.failed);
        assert_eq!(ends, (1, 0, 0), "{action:?}: {:?}", next.outcomes);
        assert_eq!(invited(&mut campaign).len(), 2, "{action:?}");
        assert_eq!(campaign.run().await.writes().len(), 0);
    }
}

/// The same where the run is gone at the invitation, and the next one settles it, or a look
/// without a run.
#[tokio::test(start_paused = true)]
async fn wanted_elsewhere_within_the_lag_and_cut_off_the_guest_is_invited_once_to_each() {
    let whole = wanted_elsewhere_within_the_lag(60).await.run().await;
    let is_invitation = |sent: &crate::support::Sent| sent.method == http::Method::POST;
    let last = whole.sent.iter().rposition(is_invitation).unwrap() + 1;
    for (cut, sent) in [(Cut::Before(last), 1), (Cut::After(last), 2)] {
        let cut_off = async || {
            let mut campaign = wanted_elsewhere_within_the_lag(60).await.cut(cut);
            assert!(campaign.run_until_cut().await.is_none(), "{cut:?}");
            assert_eq!(campaign.status().counts.unknown, 1, "{cut:?}");
            campaign
        };
        let mut campaign = cut_off().await;
        let resumed = campaign.run().await;
        assert_eq!(resumed.summary.unknown, 0, "{cut:?}: {:?}", resumed.outcomes);
        assert_eq!(invited(&mut campaign).len(), 2, "{cut:?}");

        let mut campaign = cut_off().await;
        // Nobody knows when the run that is gone ended: not later than the first look.
        for _ in 0..2 {
            campaign.command(Command::Verify).await;
            tokio::time::sleep(seconds(400)).await;
        }
        assert_eq!(campaign.status().counts.unknown, 0, "{cut:?}");
        assert_eq!(invited(&mut campaign).len(), sent, "{cut:?}");
        campaign.run().await;
        assert_eq!(invited(&mut campaign).len(), 2, "{cut:?}");
    }
}

/// Another hand between the two invitations is no word on either.
#[tokio::test(start_paused = true)]
async fn wanted_elsewhere_a_lost_answer_is_not_settled_by_what_somebody_else_did_before() {
    let mut campaign = wanted_elsewhere_within_the_lag(60).await;
    let emulator = campaign.emulator();
    campaign =
        campaign.fault(Matcher::invitation(), Action::Drop).at_each_request(move |_, sent| {
            if sent.is_invitation() {
                let theirs = Timestamp::from_second(emulator.now().as_second() - 5).unwrap();
                emulator.edit(&id(1), |user| {
                    user.external_user_state_change_date_time = Some(theirs.to_string());
                });
            }
        });
    let next = campaign.run().await;
    assert_eq!((next.summary.unknown, next.summary.invited), (1, 0), "{:?}", next.outcomes);
    assert_eq!(invited(&mut campaign).len(), 1);
}

/// Wanted again, and refused before anything was done: that is what becomes of the wish, and
/// neither the invitation of before it nor another try unasked.
#[tokio::test(start_paused = true)]
async fn an_address_that_is_wanted_again_and_left_alone_is_not_as_it_was_before() {
    let mut campaign = Campaign::new().guests(1);
    campaign.run().await;
    campaign = campaign.rows([(id(1), "elsewhere@tailspin.example".to_owned())]);
    campaign.run().await;
    campaign = campaign.rows([(id(1), address(1))]);
    campaign = campaign.after_plan(|tenant| assert!(tenant.redeem(&id(1))));
    let again = campaign.run().await;
    assert_eq!((again.planned(1), again.failure(1)), ("new-address", "redeemed-since-plan"));
    assert_eq!(campaign.status().counts, Counts { failed: 1, ..Counts::default() });
    let next = campaign.run().await;
    assert_eq!((next.planned(1), next.summary.blocked), ("failed-before", 1));
    let asked = campaign.retry_failed().run().await;
    assert_eq!((asked.planned(1), asked.summary.invited), ("retry-failed", 1));
}
