//! A wish that was replaced and comes back is a new wish, whatever became of it before.

use reinvite::emulator::{Action, Canned, Matcher};

use crate::support::{Campaign, Cut, address, id, seconds};

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
    tokio::time::sleep(seconds(300)).await;
    let later = campaign.run().await;
    assert_eq!((later.planned(1), later.summary.invited), ("new-address", 1));
    assert_eq!(campaign.emulator().user(&id(1)).unwrap().mail, Some(address(1)));
}
