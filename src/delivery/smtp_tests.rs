use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::net::TcpListener;

use super::*;
use crate::config::{DeliverySettings, MailAddress, SecretSource, SmtpLogin};
use crate::delivery::{Letter, MessageId, RedeemUrl, Sender, Templates};
use crate::domain::{Email, RedirectUrl};
use crate::emulator::{SmtpAccount, SmtpAction, SmtpFault, SmtpServer, SmtpStep};

const LINK: &str = "https://login.example/redeem?ticket=s3cret";

fn mail(to: &str, cc: &[&str]) -> Mail {
    let email = |text: &str| Email::parse(text).unwrap();
    let from = MailAddress { name: Some("Contoso".into()), address: email("it@contoso.example") };
    let sender = Sender { from, reply_to: None };
    let letter = Letter {
        to: email(to),
        cc: cc.iter().map(|copy| email(copy)).collect(),
        redeem_url: RedeemUrl::new(LINK),
        display_name: None,
        old_email: None,
        message: None,
        redirect_url: Arc::new(RedirectUrl::parse("https://myapps.microsoft.com").unwrap()),
        language: None,
        tenant_name: "Contoso".into(),
        columns: BTreeMap::new(),
    };
    let templates = Templates::load(&DeliverySettings::default(), None, [None]).unwrap();
    let id = MessageId::random(&sender.from.address);
    Mail::new(&templates, &letter, &sender, id, Timestamp::UNIX_EPOCH).unwrap()
}

async fn server(account: Option<SmtpAccount>) -> SmtpServer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    SmtpServer::start(listener, account).unwrap()
}

fn client(server: &SmtpServer, login: Option<SmtpLogin>) -> Smtp {
    let (host, port) = ("127.0.0.1".to_owned(), server.addr().port());
    Smtp::new(SmtpSettings { host, port, tls: SmtpTls::None, login })
}

/// What became of one mail when something goes wrong, and how many mails were taken.
async fn when(fault: SmtpFault) -> (Outcome, usize) {
    let server = server(None).await;
    server.inject(fault);
    let outcome = client(&server, None).send(&mail("ada@fabrikam.example", &[])).await;
    (outcome, server.mails().len())
}

fn reply(at: SmtpStep, text: &str) -> SmtpFault {
    SmtpFault::new(at, SmtpAction::Reply(text.to_owned()))
}

#[tokio::test]
async fn mails_arrive_as_they_are_over_one_connection() {
    let server = server(None).await;
    let client = client(&server, None);
    client.greet().await.unwrap();
    for to in ["ada@fabrikam.example", "bob@fabrikam.example"] {
        let mail = mail(to, &["ann@fabrikam.example"]);
        assert_eq!(client.send(&mail).await, Outcome::accepted());
        let taken = server.mails().pop().unwrap();
        assert_eq!(taken.from, "it@contoso.example");
        assert_eq!(taken.to, [to, "ann@fabrikam.example"]);
        assert_eq!(taken.header("Message-ID").as_deref(), Some(mail.message_id.as_str()));
        assert_eq!(taken.text.trim_end(), String::from_utf8_lossy(mail.mime()).trim_end());
    }
    assert_eq!(server.mails().len(), 2);
}

#[tokio::test]
async fn every_refusal_is_what_it_is() {
    use SmtpStep::{Data, Greeting, MailFrom, RcptTo, Text};
    let table = [
        (RcptTo, "550 5.1.1 No such user", "recipient 5.1.1"),
        (RcptTo, "550 No such user", "recipient 550"),
        (RcptTo, "550 5.7.1 Relaying denied", "sender 5.7.1"),
        (RcptTo, "450 4.2.0 Greylisted, try again", "later"),
        (MailFrom, "550 5.7.60 Send as denied", "sender 5.7.60"),
        (MailFrom, "451 4.7.0 Too many", "later"),
        (Data, "554 5.5.1 No", "sender 5.5.1"),
        (Text, "554 5.6.0 Bad content", "recipient 5.6.0"),
        (Text, "554 5.2.0 SubmissionQuotaExceededException", "sender 5.2.0"),
        (Text, "452 4.3.1 Out of storage", "later"),
        (Greeting, "421 4.3.2 Not now", "later"),
    ];
    for (at, text, expected) in table {
        let (outcome, taken) = when(reply(at, text)).await;
        let told = match outcome {
            Outcome::RefusedRecipient(refused) => format!("recipient {}", refused.code),
            Outcome::RefusedSender(refused) => format!("sender {}", refused.code),
            Outcome::TryLater { .. } => "later".to_owned(),
            other => format!("{other:?}"),
        };
        assert_eq!((told.as_str(), taken), (expected, 0), "{at:?} {text}");
    }
}

#[tokio::test]
async fn it_is_known_whether_the_text_had_left() {
    use SmtpStep::{Data, Greeting, MailFrom, RcptTo, Text};
    for at in [Greeting, MailFrom, RcptTo, Data] {
        let (outcome, taken) = when(SmtpFault::new(at, SmtpAction::Drop)).await;
        assert!(matches!(outcome, Outcome::NotSent { .. }), "{at:?}: {outcome:?}");
        assert_eq!(taken, 0);
    }
    for (action, expected) in [(SmtpAction::Drop, 0), (SmtpAction::TakeThenDrop, 1)] {
        let (outcome, taken) = when(SmtpFault::new(Text, action)).await;
        assert!(matches!(outcome, Outcome::Lost { .. }), "{outcome:?}");
        assert_eq!(taken, expected);
    }
}

#[tokio::test]
async fn a_copy_that_is_refused_keeps_no_mail_from_the_guest() {
    let server = server(None).await;
    server.inject(SmtpFault::of("ann@fabrikam.example", "550 5.1.1 No such user"));
    let client = client(&server, None);
    let copies = ["ann@fabrikam.example", "ben@fabrikam.example"];
    let outcome = client.send(&mail("ada@fabrikam.example", &copies)).await;
    let refused_copies = vec![Email::parse("ann@fabrikam.example").unwrap()];
    assert_eq!(outcome, Outcome::Accepted { refused_copies });
    assert_eq!(server.mails()[0].to, ["ada@fabrikam.example", "ben@fabrikam.example"]);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_meanwhile_costs_no_mail() {
    let server = server(None).await;
    let client = client(&server, None);
    client.greet().await.unwrap();
    server.inject(SmtpFault::new(SmtpStep::MailFrom, SmtpAction::Drop));
    assert_eq!(client.send(&mail("ada@fabrikam.example", &[])).await, Outcome::accepted());
    server.inject(reply(SmtpStep::MailFrom, "421 4.4.2 Idle too long"));
    assert_eq!(client.send(&mail("bob@fabrikam.example", &[])).await, Outcome::accepted());
    assert_eq!(server.mails().len(), 2);
}

#[tokio::test]
async fn whoever_may_send_signs_in() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    let user = "it@contoso.example".to_owned();
    std::fs::write(&path, "s3cret").unwrap();
    let login =
        |oauth| SmtpLogin { user: user.clone(), secret: SecretSource::File(path.clone()), oauth };
    let password = SmtpAccount::Password { user: user.clone(), password: "s3cret".into() };
    let token = SmtpAccount::Token { user: user.clone(), token: "s3cret".into() };
    let wrong = SmtpAccount::Password { user: user.clone(), password: "other".into() };
    for (account, login, is_right) in [
        (password.clone(), Some(login(false)), true),
        (token, Some(login(true)), true),
        (wrong, Some(login(false)), false),
        (password, None, false),
    ] {
        let server = server(Some(account.clone())).await;
        let outcome = client(&server, login).send(&mail("ada@fabrikam.example", &[])).await;
        if is_right {
            assert_eq!(outcome, Outcome::accepted(), "{account:?}");
        } else {
            let Outcome::RefusedSender(refused) = outcome else { panic!("{outcome:?}") };
            assert!(refused.code.starts_with("5.7."), "{refused:?}");
            assert!(!format!("{refused:?}").contains("s3cret"));
        }
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_to_be_unreachable() {
    let server = server(None).await;
    let client = client(&server, None);
    drop(server);
    tokio::task::yield_now().await;
    let listening = TcpListener::bind(("127.0.0.1", client.settings.port)).await;
    drop(listening);
    let error = client.greet().await.unwrap_err();
    assert!(matches!(error, SmtpError::Unreachable { .. }), "{error}");
    let outcome = client.send(&mail("ada@fabrikam.example", &[])).await;
    assert!(matches!(outcome, Outcome::NotSent { .. }), "{outcome:?}");
}

#[test]
fn codes_tell_whose_fault_it_is() {
    for (code, at, of_the_sender) in [
        ("5.1.1", Refusal::Recipient, false),
        ("5.1.10", Refusal::Text, false),
        ("5.1.8", Refusal::Sender, true),
        ("5.2.1", Refusal::Recipient, false),
        ("5.2.0", Refusal::Text, true),
        ("5.3.4", Refusal::Text, false),
        ("5.6.0", Refusal::Text, false),
        ("5.7.1", Refusal::Recipient, true),
        ("5.7.57", Refusal::Sender, true),
        ("550", Refusal::Recipient, false),
        ("550", Refusal::Sender, true),
    ] {
        assert_eq!(is_of_the_sender(code, at), of_the_sender, "{code} {at:?}");
    }
}
