//! P1, P2 and P6 for one's own mail: one mail with the newest link for every guest, never
//! a second one, and no link is left behind.

use std::path::{Path, PathBuf};

use reinvite::config::{DeliverySettings, DeliveryWay, MailAddress, SmtpSettings, SmtpTls};
use reinvite::domain::Email;
use reinvite::emulator::{Action, Matcher, SmtpAction, SmtpFault, SmtpServer, SmtpStep};
use tokio::net::TcpListener;

use crate::support::{Campaign, Cut, Finished, Sent, address, id, seconds};

pub(crate) const GUESTS: u32 = 3;

pub(crate) fn delivery(by: DeliveryWay) -> DeliverySettings {
    let address = Email::parse("it@contoso.example").unwrap();
    DeliverySettings {
        by,
        from: Some(MailAddress { name: None, address }),
        ..DeliverySettings::default()
    }
}

pub(crate) fn by_files() -> (Campaign, PathBuf) {
    let mut campaign = Campaign::new().guests(GUESTS);
    let folder = campaign.checkpoint().with_file_name("mails");
    let settings = delivery(DeliveryWay::Files);
    campaign.settings.delivery = DeliverySettings { folder: Some(folder.clone()), ..settings };
    (campaign, folder)
}

pub(crate) fn by_smtp(port: u16) -> DeliverySettings {
    let mut settings = delivery(DeliveryWay::Smtp);
    let host = "127.0.0.1".to_owned();
    settings.smtp = Some(SmtpSettings { host, port, tls: SmtpTls::None, login: None });
    settings.pace.per_minute = 60_000;
    settings
}

/// A campaign and its mail server: on real sockets, so on the real clock.
pub(crate) async fn with_server() -> (Campaign, SmtpServer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = SmtpServer::start(listener, None).unwrap();
    let campaign = Campaign::new().guests(GUESTS).pace(1000.0, 100, 16).settings(|settings| {
        settings.pace.settle = std::time::Duration::from_millis(1);
        settings.delivery = by_smtp(server.addr().port());
    });
    (campaign, server)
}

/// The newest link of each guest, as the tenant made it.
pub(crate) fn newest(campaign: &mut Campaign, n: u32) -> String {
    let ledger = campaign.emulator().ledger();
    ledger.invitations_for(&id(n)).last().expect("it was invited").redeem_url.clone()
}

/// No link is in any file of the checkpoint.
pub(crate) fn assert_no_links(checkpoint: &Path) {
    for ending in ["", "-wal", "-journal"] {
        let mut path = checkpoint.as_os_str().to_owned();
        path.push(ending);
        let bytes = std::fs::read(path).unwrap_or_default();
        assert!(!bytes.windows(6).any(|bytes| bytes == b"ticket"), "a link in the file {ending}");
    }
}

fn assert_nobody_mailed_by_microsoft(campaign: &mut Campaign) {
    let ledger = campaign.emulator().ledger();
    for n in 1..=GUESTS {
        assert!(ledger.invitations_for(&id(n)).iter().all(|invitation| !invitation.mailed));
    }
}

pub(crate) fn assert_files_hold_the_newest_links(
    campaign: &mut Campaign,
    folder: &Path,
    when: Cut,
) {
    let links = std::fs::read_to_string(folder.join("links.csv")).unwrap();
    for n in 1..=GUESTS {
        let link = newest(campaign, n);
        assert!(links.contains(&link), "guest {n} has no way in, {when:?}");
        assert!(folder.join(format!("{}.eml", address(n))).exists());
    }
    assert_eq!(links.lines().count(), GUESTS as usize + 1);
}

/// Mails that the server took for a guest, and whether the last has the newest link.
pub(crate) fn taken(campaign: &mut Campaign, server: &SmtpServer, n: u32) -> (usize, bool) {
    let link = newest(campaign, n);
    let ticket = link.split("ticket%3d").nth(1).unwrap()[..32].to_owned();
    let mails = server.mails();
    let mails: Vec<_> = mails.iter().filter(|mail| mail.to == [address(n)]).collect();
    // Lines of a mail are folded where they are long.
    let has_link = |text: &str| text.replace("=\r\n", "").contains(&ticket);
    (mails.len(), mails.last().is_some_and(|mail| has_link(&mail.text)))
}

async fn crash_by_files(cut: Cut) {
    let (campaign, folder) = by_files();
    let mut campaign = bad_day(campaign).cut(cut);
    campaign.run_until_cut().await;
    let resumed = campaign.resume().await;
    resumed.assert_adds_up();
    assert_eq!(resumed.summary.mail_unknown(), 0, "{cut:?}");
    campaign.resume().await;
    assert_files_hold_the_newest_links(&mut campaign, &folder, cut);
    assert_nobody_mailed_by_microsoft(&mut campaign);
    assert_no_links(&campaign.checkpoint());
    let states = campaign.query("SELECT DISTINCT state FROM mail");
    assert_eq!(states, ["mailed"], "{cut:?}");
    let again = campaign.resume().await;
    assert!(again.writes().is_empty() && again.summary.mails.is_empty(), "{cut:?}");
}

/// One answer to an invitation is lost, and one invitation.
fn bad_day(campaign: Campaign) -> Campaign {
    campaign
        .read_lag(seconds(10))
        .fault(Matcher::invitation().of(&id(2)), Action::CommitThenDrop)
        .fault(Matcher::invitation().of(&id(3)), Action::Drop)
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_moment_leaves_every_guest_one_file_with_the_newest_link() {
    let (campaign, _) = by_files();
    let sent = bad_day(campaign).run().await.sent;
    let first_write = sent.iter().position(Sent::is_write).expect("there is something to do");
    for n in first_write..=sent.len() {
        for cut in [Cut::Before(n), Cut::After(n)] {
            crash_by_files(cut).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_invitation_whose_link_was_lost_with_its_answer_is_made_again() {
    let (campaign, folder) = by_files();
    let mut campaign = campaign.fault(Matcher::invitation().of(&id(2)), Action::CommitThenDrop);
    let finished = campaign.run().await;
    assert_eq!((finished.summary.invited, finished.summary.mail_files()), (3, 3));
    assert_eq!([1, 2, 3].map(|n| campaign.invitations(n)), [1, 2, 1]);
    assert_files_hold_the_newest_links(&mut campaign, &folder, Cut::Before(0));
}

#[tokio::test]
async fn every_guest_gets_one_mail_and_no_link_is_left_behind() {
    let (mut campaign, server) = with_server().await;
    let finished = campaign.run().await;
    assert_eq!((finished.summary.invited, finished.summary.mailed()), (3, 3));
    for n in 1..=GUESTS {
        assert_eq!(taken(&mut campaign, &server, n), (1, true), "guest {n}");
    }
    assert_nobody_mailed_by_microsoft(&mut campaign);
    assert_no_links(&campaign.checkpoint());
    let again = campaign.resume().await;
    assert!(again.writes().is_empty());
    assert_eq!(server.mails().len(), 3);
}

#[tokio::test]
async fn a_mail_whose_answer_was_lost_is_unknown_and_never_sent_again() {
    let (mut campaign, server) = with_server().await;
    server.inject(SmtpFault::new(SmtpStep::Text, SmtpAction::TakeThenDrop));
    let finished = campaign.run().await;
    let Finished { summary, .. } = &finished;
    assert_eq!((summary.invited, summary.mailed(), summary.mail_unknown()), (3, 2, 1));
    for _ in 0..2 {
        let again = campaign.resume().await;
        assert!(again.writes().is_empty());
        // It stays listed until a person has looked.
        assert_eq!((again.summary.mailed(), again.summary.mail_unknown()), (0, 1));
        assert!((1..=3).any(|n| again.planned(n) == "mail-unknown"));
    }
    assert_eq!(server.mails().len(), 3);
    assert_no_links(&campaign.checkpoint());
}

#[tokio::test]
async fn a_run_that_dies_while_mailing_leaves_a_mail_that_is_not_known() {
    let (mut campaign, server) = with_server().await;
    let silent = SmtpFault::new(SmtpStep::Text, SmtpAction::Stall);
    server.inject(SmtpFault { times: 2, ..silent });
    let moment = campaign.emulator().now() + seconds(2);
    campaign = campaign.cut(Cut::At(moment));
    assert!(campaign.run_until_cut().await.is_none());
    let begun = campaign.query("SELECT state FROM mail WHERE state = 'intended'").len();
    assert!(begun > 0);

    let resumed = campaign.resume().await;
    assert_eq!(resumed.summary.mail_unknown(), begun as u64);
    assert_eq!(server.mails().len(), GUESTS as usize - begun);
    assert_no_links(&campaign.checkpoint());
    assert!((1..=GUESTS).all(|n| campaign.invitations(n) == 1));
}

#[tokio::test]
async fn a_server_that_refuses_the_sender_ends_the_run_and_the_next_mails_the_links_it_holds() {
    let (mut campaign, server) = with_server().await;
    campaign.settings.delivery.pace.in_flight = 1;
    let no = SmtpAction::Reply("550 5.7.60 Not permitted".to_owned());
    server.inject(SmtpFault::new(SmtpStep::MailFrom, no));
    let stopped = campaign.run().await;
    assert_eq!(stopped.stop_code(), Some("mailing-refused"));
    stopped.assert_adds_up();
    assert!(server.mails().is_empty());
    let held = campaign.query("SELECT link FROM mail WHERE state = 'held'").len();
    assert!(held > 0);

    let resumed = campaign.resume().await;
    assert_eq!((1..=3).filter(|n| resumed.planned(*n) == "mail").count(), held);
    assert_eq!(resumed.summary.mailed(), u64::from(GUESTS));
    for n in 1..=GUESTS {
        assert_eq!(campaign.invitations(n), 1);
        assert_eq!(taken(&mut campaign, &server, n), (1, true), "guest {n}");
    }
    assert_no_links(&campaign.checkpoint());
}

#[tokio::test]
async fn an_address_that_the_server_refuses_is_a_failure_of_its_row() {
    let (mut campaign, server) = with_server().await;
    server.inject(SmtpFault::of(&address(2), "550 5.1.1 No such user"));
    let finished = campaign.run().await;
    assert_eq!(finished.failure(2), "5.1.1");
    assert_eq!((finished.summary.mailed(), finished.summary.mail_failed()), (2, 1));
    finished.assert_adds_up();
    assert_no_links(&campaign.checkpoint());
    let again = campaign.resume().await;
    assert_eq!(again.planned(2), "failed-before");
    assert!(again.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn where_nobody_mails_nobody_is_mailed() {
    let mut campaign = Campaign::new().guests(GUESTS);
    campaign.settings.delivery.by = DeliveryWay::None;
    let finished = campaign.run().await;
    assert_eq!((finished.summary.invited, finished.summary.mailed()), (3, 0));
    assert_nobody_mailed_by_microsoft(&mut campaign);
    assert_no_links(&campaign.checkpoint());
}

#[tokio::test(start_paused = true)]
async fn nobody_is_reset_whose_mail_cannot_be_written() {
    let (mut campaign, folder) = by_files();
    let template = folder.with_file_name("mail.html");
    std::fs::write(&template, "<title>x</title>{{ redeem_url }} {{ 1 / (columns.n | int) }}")
        .unwrap();
    campaign.settings.delivery.template = Some(template);
    campaign = campaign.manifest(&format!(
        "user,new_email,n\nguest1@fabrikam.example,{},0\nguest2@fabrikam.example,{},1\n",
        address(1),
        address(2)
    ));
    let finished = campaign.run().await;
    assert_eq!(finished.failure(1), "mail-unwritable");
    assert_eq!((campaign.invitations(1), campaign.invitations(2)), (0, 1));
}

/// A copy goes to everybody whom the row names, and the mailbox's day counts them all.
#[tokio::test]
async fn several_copies_of_one_s_own_mail_reach_everybody() {
    let (campaign, server) = with_server().await;
    let mut campaign = campaign.manifest(
        "user,new_email,cc\nguest1@fabrikam.example,guest1@northwind.example,\
         pm@contoso.example;it@contoso.example\n",
    );
    let finished = campaign.run().await;
    assert_eq!(finished.summary.mailed(), 1);
    assert_eq!(finished.plan.mailing.map(|mailing| mailing.recipients), Some(3));
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, [&address(1), "pm@contoso.example", "it@contoso.example"]);
    assert_eq!(mails[0].header("Cc").as_deref(), Some("pm@contoso.example, it@contoso.example"));
}
