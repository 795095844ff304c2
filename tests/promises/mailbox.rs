//! P1 and P2 for mails from a mailbox of the tenant: one mail with the newest link for
//! every guest, whatever is lost, and none that is not known, since the mailbox tells.

use reinvite::checkpoint::Resends;
use reinvite::config::{DeliverySettings, DeliveryWay};
use reinvite::emulator::{Action, Canned, CannedBody, Matcher, RetryAfter, SAMPLE_CLIENT_ID};
use serde_json::json;

use std::time::Duration;

use crate::mail_crash::run_until_full;
use crate::mails::{GUESTS, assert_no_links, delivery, newest};
use crate::support::{Campaign, Cut, Finished, Sent, address, seconds};
use reinvite::run::StopReason;

const MAILBOX: &str = "it@contoso.example";

fn by_mailbox() -> Campaign {
    let mut campaign = Campaign::new().guests(GUESTS);
    campaign.settings.delivery = delivery(DeliveryWay::Graph);
    campaign
}

fn drafts() -> Matcher {
    Matcher::new(http::Method::POST, "/users/it@contoso.example/messages")
}

/// Every guest has one mail, it has its newest link, and nothing of it is left behind.
fn assert_mailed_once(campaign: &mut Campaign, guests: u32, when: &str) {
    let mailbox = campaign.emulator().mailbox(MAILBOX);
    for n in 1..=guests {
        let address = address(n);
        let sent: Vec<_> = mailbox
            .iter()
            .filter(|mail| mail.sent > 0 && mail.to() == [address.as_str()])
            .collect();
        let times: u32 = sent.iter().map(|mail| mail.sent).sum();
        assert_eq!(times, 1, "mails to guest {n}, {when}");
        let link = newest(campaign, n).replace('&', "&amp;");
        assert!(sent[0].message.body.content.contains(&link), "an old link to {n}, {when}");
    }
    assert_no_links(&campaign.checkpoint());
}

fn assert_nothing_left(finished: &Finished) {
    assert!(finished.writes().is_empty() && finished.summary.mails.is_empty());
}

#[tokio::test(start_paused = true)]
async fn every_guest_gets_one_mail_from_the_mailbox() {
    let mut campaign = by_mailbox();
    let finished = campaign.run().await;
    assert_eq!((finished.summary.invited, finished.summary.mailed()), (3, 3));
    assert_mailed_once(&mut campaign, GUESTS, "");
    assert_nothing_left(&campaign.resume().await);
    assert_eq!(campaign.emulator().mailbox(MAILBOX).len(), 3);
}

/// Some mail is on its way for a while, and of the mailbox's answers some are lost.
fn bad_day() -> Campaign {
    by_mailbox()
        .guests(2)
        .behaviour(|tenant| tenant.mail_lag = seconds(40))
        .fault(Matcher::invitation(), Action::CommitThenDrop)
        .fault(drafts().nth(1), Action::CommitThenDrop)
        .fault(drafts().nth(3), Action::Drop)
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_request_leaves_every_guest_one_mail_from_the_mailbox() {
    let sent = bad_day().run().await.sent;
    let first_write = sent.iter().position(Sent::is_write).expect("there is something to do");
    let mut reached = 0;
    for n in first_write..=sent.len() {
        for cut in [Cut::Before(n), Cut::After(n)] {
            let mut campaign = bad_day().cut(cut);
            reached += usize::from(campaign.run_until_cut().await.is_none());
            let resumed = campaign.resume().await;
            resumed.assert_adds_up();
            assert_eq!(resumed.summary.mail_unknown(), 0, "{cut:?}");
            assert_nothing_left(&campaign.resume().await);
            assert_mailed_once(&mut campaign, 2, &format!("{cut:?}"));
        }
    }
    assert!(reached > sent.len() - first_write, "only {reached} cuts were reached");
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_is_full_at_any_record_leaves_every_guest_one_mail_from_the_mailbox() {
    let mut whole = bad_day();
    whole.run().await;
    let events = whole.query("SELECT what FROM event").len();
    for n in 0..=events {
        let mut campaign = run_until_full(bad_day(), n).await;
        let resumed = campaign.resume().await;
        assert_eq!(resumed.summary.mail_unknown(), 0, "record {n}");
        assert_nothing_left(&campaign.resume().await);
        assert_mailed_once(&mut campaign, 2, &format!("record {n}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_any_request_of_the_mailbox_is_settled_from_it() {
    for action in [
        Action::Drop,
        Action::CommitThenDrop,
        Action::Answer(Canned::status(503)),
        Action::CommitThenAnswer(Canned::status(504)),
        Action::TruncateBody,
        // Answers that are about something else.
        Action::ErrorStatusIn201,
        Action::Answer(Canned { body: CannedBody::Json(json!({})), ..Canned::status(202) }),
        Action::CommitThenAnswer(Canned {
            body: CannedBody::Json(json!({})),
            ..Canned::status(201)
        }),
    ] {
        for nth in 1..=4 {
            let mut campaign = by_mailbox().guests(2).fault(drafts().nth(nth), action.clone());
            let finished = campaign.run().await;
            assert_eq!(finished.summary.mailed(), 2, "{action:?} {nth}");
            assert_mailed_once(&mut campaign, 2, &format!("{action:?} {nth}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_draft_that_was_sent_and_has_not_left_is_not_sent_again() {
    let mut campaign = by_mailbox()
        .guests(1)
        .behaviour(|tenant| tenant.mail_lag = seconds(120))
        .fault(drafts().nth(2), Action::CommitThenDrop);
    assert_eq!(campaign.run().await.summary.mailed(), 1);
    assert_mailed_once(&mut campaign, 1, "");
}

#[tokio::test(start_paused = true)]
async fn another_mailbox_is_no_witness_of_what_left_the_first() {
    let mut campaign = by_mailbox().guests(1).tenant(|tenant| {
        tenant.mailboxes.push("hr@contoso.example".to_owned());
        tenant.applications[0].mailboxes.push("hr@contoso.example".to_owned());
    });
    let sent = campaign.run().await.sent;
    assert!(sent.last().unwrap().path.ends_with("/send"));
    let mut campaign = by_mailbox().guests(1).cut(Cut::After(sent.len())).tenant(|tenant| {
        tenant.mailboxes.push("hr@contoso.example".to_owned());
        tenant.applications[0].mailboxes.push("hr@contoso.example".to_owned());
    });
    assert!(campaign.run_until_cut().await.is_none());
    let mut from = campaign.settings.delivery.from.clone().unwrap();
    from.address = reinvite::domain::Email::parse("hr@contoso.example").unwrap();
    campaign.settings.delivery.from = Some(from);
    for _ in 0..2 {
        assert_eq!(campaign.resume().await.summary.mail_unknown(), 1);
    }
    assert!(campaign.emulator().mailbox("hr@contoso.example").is_empty());
    assert_no_links(&campaign.checkpoint());
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_wants_patience_gets_it() {
    let throttled = Canned::throttled(RetryAfter::Seconds(30));
    let mut campaign = by_mailbox()
        .fault(drafts().nth(1), Action::Answer(throttled.clone()))
        .fault(drafts().nth(3), Action::Answer(throttled));
    let finished = campaign.run().await;
    assert_eq!((finished.summary.mailed(), finished.summary.throttled), (3, 2));
    assert_mailed_once(&mut campaign, GUESTS, "");
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_may_not_be_used_ends_the_run_and_the_next_mails_what_it_holds() {
    for (status, code) in [
        (403, "ErrorAccessDenied"),
        (404, "MailboxNotEnabledForRESTAPI"),
        (429, "ErrorExceededMessageLimit"),
        (403, "ErrorMessageSubmissionBlocked"),
    ] {
        for nth in [1, 2] {
            let no = Action::Answer(Canned::error(status, code, "no"));
            let mut campaign = by_mailbox().fault(drafts().nth(nth), no);
            campaign.settings.delivery =
                DeliverySettings { ahead: 1, ..campaign.settings.delivery };
            let stopped = campaign.run().await;
            assert_eq!(stopped.stop_code(), Some("mailing-refused"), "{code} {nth}");
            stopped.assert_adds_up();
            assert_eq!(campaign.emulator().ledger().invitations().count(), 1);
            let resumed = campaign.resume().await;
            assert_eq!(resumed.summary.mailed(), 3, "{code} {nth}");
            assert_mailed_once(&mut campaign, GUESTS, code);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_the_mailbox_refuses_is_a_failure_of_its_row() {
    let no = Canned::error(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.");
    let mut campaign = by_mailbox().guests(1).fault(drafts().nth(2), Action::Answer(no));
    let finished = campaign.run().await;
    assert_eq!(finished.failure(1), "ErrorInvalidRecipients");
    assert_eq!(finished.summary.mail_failed(), 1);
    assert_no_links(&campaign.checkpoint());
}

#[tokio::test(start_paused = true)]
async fn a_token_without_the_permission_may_be_enough_and_none_at_all_is_not() {
    let mut campaign = by_mailbox();
    campaign.emulator().edit_application(SAMPLE_CLIENT_ID, |app| app.mailboxes.clear());
    assert_eq!(campaign.run().await.stop_code(), Some("mailing-refused"));
    campaign.emulator().edit_application(SAMPLE_CLIENT_ID, |app| {
        app.roles.extend(["Mail.ReadWrite", "Mail.Send"].map(str::to_owned));
    });
    assert_eq!(campaign.resume().await.summary.mailed(), u64::from(GUESTS));
    assert_mailed_once(&mut campaign, GUESTS, "");
}

/// As it is configured by default, with the latency of a real service and a mail in twenty
/// that is told to wait.
#[tokio::test(start_paused = true)]
async fn mails_leave_at_the_pace_of_the_mailbox() {
    let patience = Canned::throttled(RetryAfter::Seconds(2));
    let mut campaign = by_mailbox()
        .guests(80)
        .behaviour(|tenant| tenant.latency = Some(Duration::from_millis(200)..=seconds(2)))
        .fault(drafts().every(20).times(8), Action::Answer(patience));
    let finished = campaign.run().await;
    assert_eq!((finished.summary.mailed(), finished.summary.throttled), (80, 8));
    // Each once, and once more where it was told to wait.
    let mut sent: Vec<_> = finished.sent.iter().filter(|it| it.path.ends_with("/send")).collect();
    sent.dedup_by_key(|it| &it.path);
    let in_first_minute = sent.iter().filter(|it| it.at < sent[0].at + seconds(60)).count();
    // Exchange takes thirty; what is drafted at a steady pace is sent a moment later.
    assert!((20..=28).contains(&in_first_minute), "{in_first_minute}");
    // 79 intervals of 2.4 seconds are the optimum, and before the first there is its guest.
    let first = finished.sent.iter().find(|it| it.is_write()).unwrap();
    let took = |from: &Sent| sent.last().unwrap().at.duration_since(from.at).as_secs_f64();
    assert!(took(sent[0]) <= 189.6 * 1.03, "{} s", took(sent[0]));
    assert!(took(first) <= 189.6 * 1.03 + 30.0, "{} s", took(first));
}

/// Of five guests three are mailed on the first day, and the others a day later. Nobody is
/// reset whose mail has to wait.
#[tokio::test(start_paused = true)]
async fn beyond_the_recipients_of_a_day_nobody_is_reset_and_the_next_day_goes_on() {
    let mut campaign = by_mailbox().guests(5);
    campaign.settings.delivery.pace.recipients_per_day = Some(3);
    let first = campaign.run().await;
    assert_eq!((first.summary.invited, first.summary.mailed()), (3, 3));
    assert_eq!((first.summary.not_attempted, first.summary.failed), (2, 0));
    assert_eq!(first.summary.stop_reason, Some(StopReason::MailBudget));
    assert!(first.plan.findings.iter().any(|finding| finding.code == "mail-budget"));
    assert_eq!(first.plan.mailing.map(|mailing| mailing.mails_tomorrow), Some(2));
    // An hour later there is nothing left, either.
    tokio::time::sleep(Duration::from_hours(1)).await;
    let again = campaign.resume().await;
    assert!(again.writes().is_empty(), "{:?}", again.writes());
    assert_eq!(again.summary.stop_reason, Some(StopReason::MailBudget));
    tokio::time::sleep(Duration::from_hours(24)).await;
    let next = campaign.resume().await;
    assert_eq!((next.summary.invited, next.summary.mailed()), (2, 2));
    assert_eq!(next.summary.stop_reason, None);
    assert_mailed_once(&mut campaign, 5, "on two days");
}

/// One more invitation was accepted and its link lost with the answer: the mail of before leads
/// nowhere by then. Whatever becomes of that run, the guest is mailed the next link.
#[tokio::test(start_paused = true)]
async fn a_link_that_is_lost_with_one_more_invitation_is_made_again_by_whichever_run() {
    let asked = async || {
        let mut campaign = by_mailbox().guests(1);
        campaign.run().await;
        let lost = campaign.fault(Matcher::invitation(), Action::CommitThenDrop);
        lost.resend("2", "the mail was lost")
    };
    let assert_mailed = |campaign: &mut Campaign, when: &str| {
        let mails = campaign.emulator().mailbox(MAILBOX);
        let sent: Vec<_> = mails.iter().filter(|mail| mail.sent > 0).collect();
        assert_eq!(sent.len(), 2, "{when}");
        let link = newest(campaign, 1).replace('&', "&amp;");
        assert!(sent[1].message.body.content.contains(&link), "an old link, {when}");
        assert_eq!(campaign.status().resends, Resends::default(), "{when}");
    };
    // None of those after it arrives, and the run gives up.
    let mut campaign = asked().await.fault(Matcher::invitation().nth(2).times(2), Action::Drop);
    assert_eq!(campaign.run().await.failure(1), "unanswered");
    assert_eq!(campaign.status().mails.held, 1);
    let next = campaign.resume().await;
    assert_eq!((next.planned(1), next.summary.mailed()), ("unmailed", 1));
    assert_mailed(&mut campaign, "given up");
    assert_nothing_left(&campaign.resume().await);

    let whole = asked().await.run().await.sent.len();
    for n in 1..=whole {
        for cut in [Cut::Before(n), Cut::After(n)] {
            let mut campaign = asked().await.cut(cut);
            campaign.run_until_cut().await;
            campaign.resume().await.assert_adds_up();
            assert_mailed(&mut campaign, &format!("{cut:?}"));
            assert_nothing_left(&campaign.resume().await);
        }
    }
}

/// A replica that still shows the guest as it was before the reset does not show that it has
/// redeemed: a mail that did not leave is still to be sent.
#[tokio::test(start_paused = true)]
async fn a_guest_whose_reset_shows_late_is_not_taken_for_one_who_needs_no_mail() {
    let late = || by_mailbox().guests(1).read_lag(seconds(200));
    let sent = late().run().await.sent;
    let invitation = sent.iter().position(Sent::is_invitation).unwrap() + 1;
    let mut campaign = late().cut(Cut::Before(invitation + 1));
    assert!(campaign.run_until_cut().await.is_none());
    assert_eq!(campaign.status().mails.held, 1);
    let next = campaign.resume().await;
    assert_eq!((next.planned(1), next.summary.mailed()), ("mail", 1));
    assert_mailed_once(&mut campaign, 1, "");
}
