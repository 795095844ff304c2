//! P1 and P6 where `[delivery] by` is another in the next run: nobody is left without a
//! mail and unsaid, and nobody gets two.

use reinvite::config::DeliveryWay;
use reinvite::emulator::{Action, Matcher, SmtpAction, SmtpFault, SmtpStep};

use crate::mails::{
    GUESTS, assert_files_hold_the_newest_links, assert_no_links, by_files, delivery, taken,
    with_server,
};
use crate::support::{Campaign, Cut, Sent, id};

/// A run over SMTP whose sender the server refuses: everybody is invited, and every link
/// is held.
async fn held() -> Campaign {
    let (mut campaign, server) = with_server().await;
    campaign.settings.delivery.ahead = GUESTS;
    let no = SmtpAction::Reply("450 4.7.0 Later".to_owned());
    let fault = SmtpFault { times: u64::MAX, ..SmtpFault::new(SmtpStep::MailFrom, no) };
    server.inject(fault);
    let moment = campaign.emulator().now() + crate::support::seconds(2);
    campaign = campaign.cut(Cut::At(moment));
    assert!(campaign.run_until_cut().await.is_none());
    assert!(server.mails().is_empty());
    let held = campaign.query("SELECT state FROM mail");
    assert_eq!(held, ["held"; GUESTS as usize]);
    campaign
}

/// Invitations of a guest, and how many of them Microsoft mailed.
fn invited(campaign: &mut Campaign, n: u32) -> (usize, usize) {
    let ledger = campaign.emulator().ledger();
    let all = ledger.invitations_for(&id(n));
    (all.len(), all.iter().filter(|invitation| invitation.mailed).count())
}

fn everybody(campaign: &mut Campaign) -> Vec<(usize, usize)> {
    (1..=GUESTS).map(|n| invited(campaign, n)).collect()
}

#[tokio::test]
async fn links_that_nobody_is_to_mail_any_more_are_listed_and_kept_for_whoever_does() {
    let mut campaign = held().await;
    campaign.settings.delivery.by = DeliveryWay::None;
    for _ in 0..2 {
        let listed = campaign.resume().await;
        listed.assert_adds_up();
        assert_eq!(listed.summary.blocked, u64::from(GUESTS));
        assert!((1..=3).all(|n| listed.planned(n) == "mail-held"));
        assert!(listed.writes().is_empty());
    }
    let folder = campaign.checkpoint().with_file_name("mails");
    campaign.settings.delivery = delivery(DeliveryWay::Files);
    campaign.settings.delivery.folder = Some(folder.clone());
    let mailed = campaign.resume().await;
    assert_eq!(mailed.summary.mail_files(), u64::from(GUESTS));
    assert_files_hold_the_newest_links(&mut campaign, &folder, Cut::Before(0));
    assert_eq!(everybody(&mut campaign), [(1, 0); GUESTS as usize]);
    assert_no_links(&campaign.checkpoint());
}

#[tokio::test]
async fn a_row_that_is_to_get_no_mail_any_more_is_listed_while_its_link_is_held() {
    let mut campaign = held().await;
    campaign.settings.delivery = delivery(DeliveryWay::Files);
    let folder = campaign.checkpoint().with_file_name("mails");
    campaign.settings.delivery.folder = Some(folder);
    campaign.settings.invitation.send = false;
    let listed = campaign.resume().await;
    listed.assert_adds_up();
    assert!((1..=3).all(|n| listed.planned(n) == "mail-held"));
    assert_eq!(listed.summary.mail_files(), 0);
}

#[tokio::test]
async fn whoever_has_no_mail_yet_is_invited_by_microsoft_and_nobody_else_is() {
    let mut campaign = held().await;
    campaign.settings.delivery = delivery(DeliveryWay::Microsoft);
    let again = campaign.resume().await;
    again.assert_adds_up();
    assert!((1..=3).all(|n| again.planned(n) == "unmailed"));
    assert_eq!(again.summary.invited, u64::from(GUESTS));
    // The one that nobody mailed, and the one that Microsoft did.
    assert_eq!(everybody(&mut campaign), [(2, 1); GUESTS as usize]);
    assert_no_links(&campaign.checkpoint());
    let over = campaign.resume().await;
    assert!(over.writes().is_empty());
    assert!((1..=3).all(|n| over.planned(n) == "already-invited"));
}

#[tokio::test]
async fn microsoft_invites_nobody_again_who_was_mailed() {
    let (mut campaign, server) = with_server().await;
    campaign.run().await;
    campaign.settings.delivery = delivery(DeliveryWay::Microsoft);
    let over = campaign.resume().await;
    assert!(over.writes().is_empty());
    for n in 1..=GUESTS {
        assert_eq!(taken(&mut campaign, &server, n), (1, true), "guest {n}");
    }
}

#[tokio::test]
async fn a_mail_that_may_have_left_by_a_server_is_not_written_as_a_file() {
    let (mut campaign, server) = with_server().await;
    let silent = SmtpFault::new(SmtpStep::Text, SmtpAction::Stall);
    server.inject(SmtpFault { times: 3, ..silent });
    campaign.settings.delivery.pace.in_flight = GUESTS;
    let moment = campaign.emulator().now() + crate::support::seconds(2);
    campaign = campaign.cut(Cut::At(moment));
    assert!(campaign.run_until_cut().await.is_none());
    assert_eq!(campaign.query("SELECT state FROM mail"), ["intended"; GUESTS as usize]);

    let folder = campaign.checkpoint().with_file_name("mails");
    campaign.settings.delivery = delivery(DeliveryWay::Files);
    campaign.settings.delivery.folder = Some(folder.clone());
    let resumed = campaign.resume().await;
    assert_eq!(resumed.summary.mail_files(), 0);
    assert_eq!(resumed.summary.mail_unknown(), u64::from(GUESTS));
    assert!(!folder.join("links.csv").exists());
    assert_no_links(&campaign.checkpoint());
}

/// One guest whose invitation is carried out, in a run that ends before the answer.
async fn lost(by: DeliveryWay) -> Campaign {
    let make = || {
        let (mut campaign, folder) = by_files();
        campaign = campaign.guests(1);
        campaign.settings.delivery.by = by;
        campaign.settings.delivery.folder = Some(folder);
        campaign
    };
    let sent = make().run().await.sent;
    let invitation = sent.iter().position(Sent::is_invitation).expect("it is invited");
    let mut campaign = make().cut(Cut::After(invitation + 1));
    assert!(campaign.run_until_cut().await.is_none());
    campaign
}

#[tokio::test(start_paused = true)]
async fn what_microsoft_mailed_and_nobody_heard_of_is_not_mailed_once_more() {
    let mut campaign = lost(DeliveryWay::Microsoft).await;
    campaign.settings.delivery.by = DeliveryWay::Files;
    let resumed = campaign.resume().await;
    assert_eq!((resumed.summary.invited, resumed.summary.mail_files()), (1, 0));
    assert_eq!(invited(&mut campaign, 1), (1, 1));
    campaign.settings.delivery.by = DeliveryWay::Microsoft;
    assert!(campaign.resume().await.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_silent_invitation_that_nobody_heard_of_is_made_again_by_whoever_mails_now() {
    for (by, mailed) in [(DeliveryWay::Microsoft, 1), (DeliveryWay::Files, 0)] {
        let mut campaign = lost(DeliveryWay::Files).await;
        campaign.settings.delivery.by = by;
        let resumed = campaign.resume().await;
        assert_eq!((resumed.summary.invited, invited(&mut campaign, 1)), (1, (2, mailed)));
        assert_eq!(resumed.summary.mail_files(), 1 - mailed as u64);
        assert!(campaign.resume().await.writes().is_empty());
    }
    let mut campaign = lost(DeliveryWay::Files).await;
    campaign.settings.delivery.by = DeliveryWay::None;
    let resumed = campaign.resume().await;
    assert_eq!((resumed.summary.invited, invited(&mut campaign, 1)), (1, (1, 0)));
}

#[tokio::test(start_paused = true)]
async fn an_invitation_that_is_made_again_for_a_mail_of_microsoft_s_may_be_lost_as_well() {
    for action in [Action::Drop, Action::CommitThenDrop] {
        let mut campaign = lost(DeliveryWay::Files).await;
        campaign.settings.delivery.by = DeliveryWay::Microsoft;
        campaign = campaign.fault(Matcher::invitation(), action);
        campaign.resume().await;
        campaign.resume().await;
        let (_, mailed) = invited(&mut campaign, 1);
        assert_eq!(mailed, 1);
    }
}
