//! P1, P2 and P6 for what became of mails: the message trace settles what no server
//! answered, what it told is on record once, and where it does not tell nothing is guessed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reinvite::config::DeliveryWay;
use reinvite::domain::Email;
use reinvite::emulator::{
    MailFate, MailRule, SAMPLE_CLIENT_ID, SmtpAction, SmtpFault, SmtpServer, SmtpStep,
};
use tokio::net::TcpListener;

use crate::mail_crash::run_until_full;
use crate::mails::{assert_no_links, by_smtp, delivery};
use crate::support::{Campaign, Command, Cut, Ended, address};

/// So many guests, who are mailed by a server whose mails pass through the tenant: on real
/// sockets, so on the real clock.
async fn by_server(guests: u32) -> (Campaign, SmtpServer) {
    let mut campaign = Campaign::new().guests(guests).pace(1000.0, 100, 16);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = campaign.emulator().serve_smtp(listener, None).unwrap();
    campaign = campaign.settings(|settings| {
        settings.pace.settle = Duration::from_millis(1);
        settings.delivery = by_smtp(server.addr().port());
        settings.reconcile.mail_trace = true;
    });
    (traced(campaign), server)
}

/// The application may read the trace.
fn traced(mut campaign: Campaign) -> Campaign {
    campaign.emulator().edit_application(SAMPLE_CLIENT_ID, |app| {
        app.roles.push("ExchangeMessageTrace.Read.All".to_owned());
    });
    campaign
}

/// An hour later, and from here on nothing goes over a socket and the clock is paused.
async fn an_hour() {
    tokio::time::pause();
    tokio::time::sleep(Duration::from_hours(1)).await;
}

fn states(campaign: &Campaign) -> Vec<String> {
    campaign.query("SELECT state FROM mail ORDER BY state")
}

#[tokio::test]
async fn a_mail_whose_answer_was_lost_is_settled_by_the_trace_and_one_that_is_not_there_stays_unknown()
 {
    for (action, command, taken, then) in [
        (SmtpAction::TakeThenDrop, Command::Reconcile, 2, "mailed"),
        (SmtpAction::TakeThenDrop, Command::Verify, 2, "mailed"),
        (SmtpAction::Drop, Command::Reconcile, 1, "unknown"),
    ] {
        let (mut campaign, server) = by_server(2).await;
        server.inject(SmtpFault::new(SmtpStep::Text, action));
        campaign.try_run().await.unwrap();
        assert_eq!(states(&campaign), ["mailed", "unknown"]);
        an_hour().await;
        let ended = campaign.command(command).await;
        assert_eq!(states(&campaign), ["mailed", then]);
        let exit = if then == "unknown" { 9 } else { 0 };
        assert!(matches!(ended, Ended::Out(code) if code == exit), "{command:?}: {ended:?}");
        let again = campaign.resume().await;
        assert_eq!(again.summary.mail_unknown(), u64::from(then == "unknown"));
        assert!(again.writes().is_empty());
        assert_eq!(server.mails().len(), taken);
        assert_no_links(&campaign.checkpoint());
        tokio::time::resume();
    }
}

/// The run that sent it died before it heard.
#[tokio::test]
async fn a_mail_that_left_before_the_program_died_is_settled_by_the_trace() {
    let (mut whole, _server) = by_server(1).await;
    whole.try_run().await.unwrap();
    let mailed = whole.query("SELECT what FROM event").iter().position(|what| what == "mailed");
    for command in [Command::Reconcile, Command::Verify] {
        let (campaign, server) = by_server(1).await;
        let mut campaign = run_until_full(campaign, mailed.unwrap()).await;
        assert_eq!((states(&campaign), server.mails().len()), (vec!["intended".to_owned()], 1));
        an_hour().await;
        let ended = campaign.command(command).await;
        assert!(matches!(ended, Ended::Out(0)), "{command:?}: {ended:?}");
        assert_eq!(states(&campaign), ["mailed"]);
        assert_eq!(campaign.resume().await.summary.mail_unknown(), 0);
        assert_eq!(server.mails().len(), 1);
        assert_no_links(&campaign.checkpoint());
        tokio::time::resume();
    }
}

const INVITES: &str = "invites@contoso.onmicrosoft.com";

#[tokio::test(start_paused = true)]
async fn microsoft_s_own_mails_are_looked_for_where_it_is_said_from_whom_they_come() {
    let mut campaign = traced(Campaign::new().guests(2).behaviour(|tenant| {
        tenant.invitations_traced_from = Some(INVITES.to_owned());
        tenant.mail_rules = vec![MailRule::new(&address(2), MailFate::Bounced)];
    }));
    campaign.settings.reconcile.mail_trace = true;
    campaign.settings.remind.after = Some(Duration::from_hours(24));
    campaign.run().await;
    let told = "SELECT fate || ' ' || coalesce(code, '') FROM arrival ORDER BY user_id";
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert!(matches!(campaign.command(Command::Reconcile).await, Ended::Out(0)));
    assert!(campaign.query(told).is_empty(), "nobody said whom to ask about");
    // Another sender's mails are not taken for them.
    campaign.settings.reconcile.invitations_from =
        Some(Email::parse("it@contoso.example").unwrap());
    campaign.command(Command::Reconcile).await;
    assert!(campaign.query(told).is_empty());
    campaign.settings.reconcile.invitations_from = Some(Email::parse(INVITES).unwrap());
    let ended = campaign.command(Command::Reconcile).await;
    assert_eq!(campaign.query(told), ["delivered ", "bounced 5.1.1"]);
    assert!(matches!(ended, Ended::Out(4)), "a person has to look: {ended:?}");
    // Nobody is reminded where nobody is.
    tokio::time::sleep(Duration::from_hours(48)).await;
    campaign.command(Command::Reconcile).await;
    assert_eq!([1, 2].map(|n| campaign.invitations(n)), [2, 1]);
}

/// Two guests were mailed an hour ago from a mailbox, and one of the mails bounced.
async fn mailed_an_hour_ago() -> Campaign {
    let mut campaign = traced(Campaign::new().guests(2).behaviour(|tenant| {
        tenant.mail_rules = vec![MailRule::new(&address(2), MailFate::Bounced)];
    }));
    campaign.settings.delivery = delivery(DeliveryWay::Graph);
    campaign.settings.reconcile.mail_trace = true;
    campaign.run().await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    campaign
}

fn assert_told_once(campaign: &Campaign, when: &str) {
    let traced =
        "SELECT detail ->> '$.fate' FROM event WHERE what = 'mail-traced' ORDER BY user_id";
    assert_eq!(campaign.query(traced), ["delivered", "bounced"], "{when}");
    assert_eq!(
        campaign.query("SELECT fate FROM arrival ORDER BY user_id"),
        ["delivered", "bounced"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_the_trace_and_its_record_loses_nothing_and_tells_nothing_twice() {
    for (command, steps) in [(Command::Reconcile, 1), (Command::Verify, 2)] {
        let (first, last) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (asked, seen) = (Arc::clone(&first), Arc::clone(&last));
        let mut whole = mailed_an_hour_ago().await.at_each_request(move |n, sent| {
            seen.store(n, Ordering::Relaxed);
            if sent.path.contains("messageTraces") {
                let _ = asked.compare_exchange(0, n, Ordering::Relaxed, Ordering::Relaxed);
            }
        });
        whole.command(command).await;
        assert_told_once(&whole, "undisturbed");
        let (first, last) = (first.load(Ordering::Relaxed), last.load(Ordering::Relaxed));
        // They are reads: a cut before one is no other than one after the last.
        assert!(first > 0 && last > first, "{first}, {last}");
        for n in (first..=last).step_by(steps) {
            let mut campaign = mailed_an_hour_ago().await.cut(Cut::After(n));
            campaign.command(command).await;
            campaign.command(command).await;
            assert_told_once(&campaign, &format!("{command:?} {n}"));
        }
        // The disk is full when the second of the two is written down.
        let mut campaign = mailed_an_hour_ago().await;
        let full = |sql: &str| {
            rusqlite::Connection::open(campaign.checkpoint()).unwrap().execute_batch(sql).unwrap();
        };
        full(
            "CREATE TRIGGER full BEFORE INSERT ON event WHEN NEW.what = 'mail-traced'
              AND EXISTS (SELECT 1 FROM event WHERE what = 'mail-traced')
              BEGIN SELECT RAISE(ABORT, 'disk full'); END",
        );
        let ended = campaign.command(command).await;
        assert!(!matches!(ended, Ended::Out(0)), "{ended:?}");
        rusqlite::Connection::open(campaign.checkpoint())
            .unwrap()
            .execute_batch("DROP TRIGGER full")
            .unwrap();
        campaign.command(command).await;
        assert_told_once(&campaign, "after a full disk");
    }
}
