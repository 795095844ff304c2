//! Reminders on their way: what happens between the plan and the mail.

use std::time::Duration;

use crate::support::{Campaign, Cut, id, new_address};

/// Everybody at once, reminded after a day.
const POLICY: &[(&str, &str)] = &[
    ("sizes = [2, 4, \"rest\"]", "sizes = []"),
    ("after = \"3d\"", "after = \"1d\""),
    ("gap = \"3d\"", "gap = \"1d\""),
];

fn invitations(campaign: &Campaign, n: u32) -> usize {
    campaign.tenant.ledger().invitations_for(&id(n)).len()
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_redeems_after_the_plan_is_not_reminded_and_stays_invited() {
    let mut campaign = Campaign::with(3, "2026-05-04T12:00:00Z", POLICY);
    campaign.night(1).await;
    campaign.after_plan = Some(Box::new(|tenant| assert!(tenant.redeem(&id(2)))));
    campaign.hours(26).await;
    let said = campaign.once().await;
    assert!(said.contains("reminded              2"), "{said}");
    assert_eq!([1, 2, 3].map(|n| invitations(&campaign, n)), [2, 1, 2]);
    assert_eq!(campaign.states(), ["invited", "invited", "invited"]);
    let user = campaign.tenant.user(&id(2)).unwrap();
    assert_eq!(user.external_user_state.as_deref(), Some("Accepted"));
}

#[tokio::test(start_paused = true)]
async fn quiet_hours_that_begin_in_the_middle_end_the_reminders() {
    let mut campaign = Campaign::with(60, "2026-05-04T12:00:00Z", POLICY);
    campaign.night(1).await;
    // Ten seconds before 23:00, on the next day; four a second.
    let wait = crate::at("2026-05-05T22:59:50Z").duration_since(campaign.tenant.now());
    tokio::time::sleep(Duration::try_from(wait).unwrap()).await;
    let said = campaign.once().await;
    let reminders: Vec<_> = {
        let ledger = campaign.tenant.ledger();
        ledger.invitations().skip(60).map(|sent| sent.at).collect()
    };
    assert!((20..60).contains(&reminders.len()), "{}: {said}", reminders.len());
    // As far as the two clocks agree.
    let quiet = crate::at("2026-05-05T23:00:01Z");
    assert!(reminders.iter().all(|at| *at < quiet), "{reminders:?}");
    assert!(said.contains("not attempted"), "{said}");
    assert!(campaign.states().iter().all(|state| state == "invited"));
}

/// Its answer is lost before quiet hours, and that it was not sent is known in them.
#[tokio::test(start_paused = true)]
async fn a_lost_reminder_is_not_sent_again_in_quiet_hours() {
    let mut campaign = Campaign::with(1, "2026-05-04T12:00:00Z", POLICY);
    campaign.night(1).await;
    let wait = crate::at("2026-05-05T22:58:00Z").duration_since(campaign.tenant.now());
    tokio::time::sleep(Duration::try_from(wait).unwrap()).await;
    campaign.lose_invitations(1);
    campaign.once().await;
    assert_eq!((invitations(&campaign, 1), campaign.states()), (1, vec!["invited".to_owned()]));
    // Next morning it is due as ever.
    campaign.hours(9).await;
    campaign.once().await;
    assert_eq!(invitations(&campaign, 1), 2);
}

#[tokio::test(start_paused = true)]
async fn a_reminder_cut_off_is_of_no_concern_once_the_guest_has_redeemed() {
    for redeems in [true, false] {
        let mut campaign = Campaign::with(1, "2026-05-04T12:00:00Z", POLICY);
        campaign.night(1).await;
        campaign.hours(26).await;
        // The reminder leaves and is never answered, and the machine is switched off.
        campaign.lose_invitations(1);
        campaign.cut_after = Some(Duration::from_millis(500));
        campaign.night(2).await;
        assert_eq!(campaign.states(), ["intended"]);
        if redeems {
            campaign.tenant.redeem(&id(1));
        }
        campaign.hours(2).await;
        let said = campaign.once().await;
        // What was not sent is decided afresh, and it is due; who redeemed, is not.
        assert_eq!(campaign.states(), ["invited"], "redeems: {redeems}: {said}");
        campaign.hours(2).await;
        campaign.once().await;
        assert_eq!(invitations(&campaign, 1), if redeems { 1 } else { 2 }, "redeems: {redeems}");
        assert_eq!(campaign.states(), ["invited"], "redeems: {redeems}");
    }
}

/// A night that runs out of time still keeps what it saw before.
#[tokio::test(start_paused = true)]
async fn a_night_without_time_for_a_second_look_keeps_the_first() {
    let mut campaign = Campaign::with(20, "2026-05-04T12:00:00Z", POLICY);
    campaign.night(1).await;
    campaign.tenant.redeem(&id(20));
    campaign.hours(26).await;
    campaign.stop_after = Some(Duration::from_secs(1));
    let said = campaign.once().await;
    assert!(said.contains("Stopped early: the time budget is used up"), "{said}");
    assert!(said.contains("redeemed              1\n"), "{said}");
    assert!(said.contains("the guests of tonight are looked at next time"), "{said}");
    assert!(said.ends_with("exit 7\n"), "{said}");
    // It was kept, and is no news any more; and the rest is reminded.
    let said = campaign.once().await;
    assert!(!said.contains("redeemed              1\n"), "{said}");
    for n in 1..=20 {
        assert_eq!(invitations(&campaign, n), if n == 20 { 1 } else { 2 }, "guest {n}");
    }
}

const MAILBOX: &str = "it@contoso.example";

const KEPT: &str = "SELECT address FROM mail WHERE link IS NOT NULL";

/// Everybody is mailed from a mailbox, and reminded after a day with the same link.
fn by_mail(guests: u32) -> Campaign {
    let delivery = "[delivery]\nby = \"graph\"\nfrom = \"it@contoso.example\"\n\
         keep_links = \"until-redeemed\"\n[remind]\n";
    let policy: Vec<_> = POLICY.iter().copied().chain([("[remind]\n", delivery)]).collect();
    Campaign::with(guests, "2026-05-04T12:00:00Z", &policy)
}

/// The mails that left for a guest: Message-ID and text.
fn mails(campaign: &Campaign, n: u32) -> Vec<(String, String)> {
    let mailbox = campaign.tenant.mailbox(MAILBOX);
    let to = new_address(n);
    let sent = mailbox.iter().filter(|mail| mail.sent > 0 && mail.to() == [to.as_str()]);
    sent.map(|mail| {
        assert_eq!(mail.sent, 1);
        let id = mail.message.internet_message_id.clone().unwrap_or_default();
        (id, mail.message.body.content.clone())
    })
    .collect()
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_kept_is_mailed_once_more_and_nobody_is_reset_for_it() {
    let mut campaign = by_mail(3);
    campaign.night(1).await;
    campaign.tenant.redeem(&id(3));
    campaign.hours(26).await;
    let said = campaign.once().await;
    assert!(said.contains("reminded              2\n"), "{said}");
    assert!(!said.contains("invited               "), "{said}");
    // Again in the same night: it is not due.
    campaign.hours(2).await;
    campaign.once().await;
    for _ in 0..3 {
        campaign.hours(26).await;
        campaign.once().await;
    }
    for n in 1..=3 {
        assert_eq!(invitations(&campaign, n), 1, "guest {n}");
        let mails = mails(&campaign, n);
        // No more than three, the first included, and none to whoever has redeemed.
        assert_eq!(mails.len(), if n == 3 { 1 } else { 3 }, "guest {n}");
        let link = campaign.tenant.ledger().invitations_for(&id(n))[0].redeem_url.clone();
        assert!(mails.iter().all(|(_, text)| text.contains(&link.replace('&', "&amp;"))));
        let ids: std::collections::HashSet<_> = mails.iter().map(|(id, _)| id).collect();
        assert_eq!(ids.len(), mails.len());
    }
    assert_eq!(campaign.states(), ["invited", "invited", "invited"]);
    // Who has redeemed needs no link.
    assert_eq!(campaign.query(KEPT).len(), 2);
    campaign.tenant.redeem(&id(1));
    campaign.tenant.redeem(&id(2));
    campaign.once().await;
    assert_eq!(campaign.query(KEPT).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_night_of_reminders_that_is_cut_off_anywhere_mails_nobody_twice() {
    for n in 1.. {
        let mut campaign = by_mail(2);
        campaign.night(1).await;
        campaign.hours(26).await;
        let came_to_its_end = !campaign.until(Some(Cut::After(n))).await.0;
        campaign.hours(1).await;
        campaign.once().await;
        campaign.hours(1).await;
        campaign.once().await;
        for guest in 1..=2 {
            let mails = mails(&campaign, guest).len();
            assert!((1..=2).contains(&mails), "{mails} mails to guest {guest}, cut after {n}");
            assert_eq!(invitations(&campaign, guest), 1);
            if came_to_its_end {
                assert_eq!(mails, 2);
            }
        }
        // Whatever was lost, the next reminder comes.
        campaign.hours(26).await;
        campaign.once().await;
        for guest in 1..=2 {
            assert!((2..=3).contains(&mails(&campaign, guest).len()), "cut after {n}");
        }
        if came_to_its_end {
            break;
        }
    }
}
