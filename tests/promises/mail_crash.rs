//! P1 and P2 for files and a mail server where a record can't be written or an answer is
//! lost: each guest has one mail with its newest link, or is listed.

use std::path::Path;

use futures_util::future::join_all;
use reinvite::config::{DeliverySettings, DeliveryWay};
use reinvite::emulator::{SmtpAction, SmtpFault, SmtpServer, SmtpStep};
use tokio::net::TcpListener;

use crate::mails::{
    assert_files_hold_the_newest_links, assert_no_links, by_files, by_smtp, delivery, taken,
};
use crate::support::{Campaign, Cut};

/// From its n-th event on nothing can be written to the checkpoint any more.
fn full_from(n: usize) -> impl FnOnce(&Path) + Send + 'static {
    move |path| {
        let full = format!(
            "PRAGMA journal_mode = TRUNCATE; -- an open journal can't be deleted on Windows
             CREATE TRIGGER full BEFORE INSERT ON event
             WHEN (SELECT count(*) FROM event) >= {n}
             BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        );
        rusqlite::Connection::open(path).unwrap().execute_batch(&full).unwrap();
    }
}

/// Applies until the disk is full, which it is before the n-th record, and empties it.
pub(crate) async fn run_until_full(campaign: Campaign, n: usize) -> Campaign {
    let mut campaign = campaign.after_begin(full_from(n));
    // Its end can't be written down either, perhaps.
    let _ = campaign.try_run().await;
    let checkpoint = campaign.checkpoint();
    rusqlite::Connection::open(checkpoint).unwrap().execute_batch("DROP TRIGGER full").unwrap();
    campaign
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_is_full_at_any_record_leaves_every_guest_one_file() {
    let (mut whole, _) = by_files();
    whole.run().await;
    let events = whole.query("SELECT what FROM event").len();
    for n in 0..=events {
        let (campaign, folder) = by_files();
        let mut campaign = run_until_full(campaign, n).await;
        let resumed = campaign.resume().await;
        assert_eq!(resumed.summary.mail_unknown(), 0, "record {n}");
        assert_files_hold_the_newest_links(&mut campaign, &folder, Cut::Before(n));
        assert_no_links(&campaign.checkpoint());
        let again = campaign.resume().await;
        assert!(again.writes().is_empty() && again.summary.mails.is_empty(), "record {n}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_takes_no_file_ends_the_mailing_and_nobody_is_forgotten() {
    let (mut campaign, folder) = by_files();
    campaign.settings.delivery.ahead = 1;
    // A directory is where the list of the links is to be.
    std::fs::create_dir_all(folder.join("links.csv.partial/x")).unwrap();
    let stopped = campaign.run().await;
    assert_eq!(stopped.stop_code(), Some("mailing-refused"));
    stopped.assert_adds_up();
    std::fs::remove_dir_all(folder.join("links.csv.partial")).unwrap();
    let resumed = campaign.resume().await;
    assert_eq!(resumed.summary.mail_files(), 3);
    assert_files_hold_the_newest_links(&mut campaign, &folder, Cut::Before(0));
    assert!((1..=3).all(|n| campaign.invitations(n) == 1));
}

/// One guest, and a mail server: on real sockets, so on the real clock.
async fn one_guest() -> (Campaign, SmtpServer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = SmtpServer::start(listener, None).unwrap();
    let campaign = Campaign::new().guests(1).pace(1000.0, 100, 16).settings(|settings| {
        settings.pace.settle = std::time::Duration::from_millis(1);
        settings.delivery = by_smtp(server.addr().port());
    });
    (campaign, server)
}

#[tokio::test]
async fn a_disk_that_is_full_at_any_record_leaves_a_guest_one_mail_or_listed() {
    let (mut whole, _server) = one_guest().await;
    whole.run().await;
    let events = whole.query("SELECT what FROM event");
    let ends = (0..=events.len()).map(async |n| {
        let (campaign, server) = one_guest().await;
        let mut campaign = run_until_full(campaign, n).await;
        let resumed = campaign.resume().await;
        let (mails, is_newest) = taken(&mut campaign, &server, 1);
        assert!(mails == 1 && is_newest, "record {n}: {mails} mails");
        assert_no_links(&campaign.checkpoint());
        resumed.summary.mail_unknown()
    });
    let unknown = join_all(ends).await;
    // Only where the mail had left and its record was lost.
    let mailed = events.iter().position(|what| what == "mailed").unwrap();
    let expected = (0..=events.len()).map(|n| u64::from(n == mailed));
    assert_eq!(unknown, expected.collect::<Vec<_>>(), "{events:?}");
}

#[tokio::test]
async fn a_connection_lost_at_any_word_is_tried_again_unless_the_text_had_left() {
    let later = || SmtpAction::Reply("450 4.7.1 Greylisted".to_owned());
    let mut cases = vec![
        (SmtpStep::Text, SmtpAction::Drop, (0, 1)),
        (SmtpStep::Text, SmtpAction::TakeThenDrop, (1, 1)),
        (SmtpStep::Text, later(), (1, 0)),
    ];
    for at in [SmtpStep::Greeting, SmtpStep::MailFrom, SmtpStep::RcptTo, SmtpStep::Data] {
        cases.extend([(at, SmtpAction::Drop, (1, 0)), (at, later(), (1, 0))]);
    }
    join_all(cases.into_iter().map(async |(at, action, expected)| {
        let (mut campaign, server) = one_guest().await;
        server.inject(SmtpFault::new(at, action.clone()));
        let finished = campaign.run().await;
        let mails = server.mails().len();
        assert_eq!((mails, finished.summary.mail_unknown()), expected, "{at:?} {action:?}");
        let again = campaign.resume().await;
        assert_eq!(again.summary.mail_unknown(), expected.1, "{at:?} {action:?}");
        assert_eq!(server.mails().len(), mails, "{at:?} {action:?}");
        assert_no_links(&campaign.checkpoint());
    }))
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_list_of_links_is_appended_to_by_every_run() {
    let (mut campaign, folder) = by_files();
    campaign = campaign.rows([("guest1@fabrikam.example".into(), crate::support::address(1))]);
    campaign.run().await;
    let first = std::fs::read_to_string(folder.join("links.csv")).unwrap();
    campaign = campaign
        .rows((1..=3).map(|n| (format!("guest{n}@fabrikam.example"), crate::support::address(n))));
    campaign.settings.delivery =
        DeliverySettings { folder: Some(folder.clone()), ..delivery(DeliveryWay::Files) };
    campaign.resume().await;
    let both = std::fs::read_to_string(folder.join("links.csv")).unwrap();
    assert!(first.lines().all(|line| both.lines().any(|other| other == line)), "{both}");
    assert_files_hold_the_newest_links(&mut campaign, &folder, Cut::Before(0));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_reset_where_no_mail_would_leave() {
    let (mut campaign, folder) = by_files();
    campaign.settings.delivery.folder = Some(folder.join("mails"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::create_dir_all(folder.join("mails/.doctor.partial/x")).unwrap();
    let stopped = campaign.run().await;
    assert_eq!(stopped.stop_code(), Some("mailing-refused"));
    stopped.assert_adds_up();
    assert!(stopped.writes().is_empty());
    campaign.settings.delivery = delivery(DeliveryWay::Graph);
    campaign.settings.delivery.from.as_mut().unwrap().address =
        reinvite::domain::Email::parse("nobody@contoso.example").unwrap();
    let stopped = campaign.resume().await;
    assert_eq!(stopped.stop_code(), Some("mailing-refused"));
    assert!(stopped.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn nobody_is_reset_where_no_server_takes_mails() {
    let (mut campaign, server) = one_guest().await;
    drop(server);
    let stopped = campaign.run().await;
    assert_eq!(stopped.stop_code(), Some("mailing-refused"));
    assert!(stopped.writes().is_empty());
}
