//! What the message trace shows, when, and of which mails.

use std::time::Duration;

use http::Method;
use serde_json::json;

use super::caller::{Answered, TestCaller, tenant};
use crate::domain::Caller;
use crate::emulator::{Emulator, MailFate, MailRule, Options, SAMPLE_CLIENT_ID};

const TRACES: &str = "/admin/exchange/tracing/messageTraces";

async fn send(caller: &TestCaller, to: &str) {
    let messages = "/users/it@contoso.example/messages";
    let draft = json!({
        "internetMessageId": format!("<{to}>"),
        "subject": "Hello",
        "body": { "contentType": "text", "content": "Hello" },
        "toRecipients": [{ "emailAddress": { "address": to } }],
    });
    let id = caller.post(messages, draft).await.json["id"].as_str().unwrap().to_owned();
    caller.send(Method::POST, &format!("{messages}/{id}/send"), &[], None).await;
}

fn with_traces(options: Options) -> (Emulator, TestCaller) {
    let (emulator, _) = tenant(Vec::new(), options);
    emulator.edit_application(SAMPLE_CLIENT_ID, |app| {
        app.roles.push("ExchangeMessageTrace.Read.All".to_owned());
    });
    let caller = TestCaller::new(&emulator, Caller::AppOnly);
    (emulator, caller)
}

fn statuses(answer: &Answered) -> Vec<&str> {
    let rows = answer.json["value"].as_array().expect("a list").iter();
    rows.map(|row| row["status"].as_str().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_trace_shows_each_mail_after_its_delay_and_by_its_rule() {
    let rules = [
        "gone.example",
        "q@fabrikam.example=quarantined",
        "s@fabrikam.example=spam",
        "p@fabrikam.example=pending",
    ];
    let (emulator, caller) = with_traces(Options {
        trace_delay: Duration::from_mins(5),
        mail_rules: rules.iter().map(|rule| rule.parse().unwrap()).collect(),
        ..Options::default()
    });
    for to in [
        "ada@fabrikam.example",
        "ben@gone.example",
        "q@fabrikam.example",
        "s@fabrikam.example",
        "p@fabrikam.example",
    ] {
        send(&caller, to).await;
    }
    assert!(statuses(&caller.get(TRACES).await).is_empty(), "too early");
    tokio::time::sleep(Duration::from_mins(6)).await;
    assert_eq!(
        statuses(&caller.get(TRACES).await),
        ["pending", "filteredAsSpam", "quarantined", "failed", "delivered"]
    );
    let one =
        caller.get(&format!("{TRACES}?$filter=messageId%20eq%20'%3Cben@gone.example%3E'")).await;
    assert_eq!(statuses(&one), ["failed"]);
    let id = one.json["value"][0]["id"].as_str().unwrap().to_owned();
    let details = caller
        .get(&format!("{TRACES}/{id}/getDetailsByRecipient(recipientAddress='ben@gone.example')"))
        .await;
    assert!(
        details.json["value"][1]["description"].as_str().unwrap().contains("550 5.1.1"),
        "{}",
        details.text
    );

    let mut path = format!("{TRACES}?$top=2");
    let mut seen = 0;
    loop {
        let page = caller.get(&path).await;
        seen += statuses(&page).len();
        let Some(next) = page.json["@odata.nextLink"].as_str() else { break };
        path = next.split_once("/v1.0").expect("a link back").1.to_owned();
    }
    assert_eq!(seen, 5);
    assert!(emulator.ledger().violations.is_empty(), "{:?}", emulator.ledger().violations);
}

#[tokio::test(start_paused = true)]
async fn the_trace_asks_for_its_permission_and_for_a_time_that_it_keeps() {
    let (emulator, caller) = with_traces(Options::default());
    let now = emulator.now();
    for (from, status) in [(9, 200), (11, 400), (91, 400)] {
        let from = now - jiff::SignedDuration::from_hours(24 * from);
        let filter =
            format!("receivedDateTime%20ge%20{from}%20and%20receivedDateTime%20le%20{now}");
        assert_eq!(
            caller.get(&format!("{TRACES}?$filter={filter}")).await.status,
            status,
            "{from}"
        );
    }
    assert_eq!(caller.get(&format!("{TRACES}?$select=id")).await.status, 400);
    assert!("".parse::<MailRule>().is_err() && "a=lost".parse::<MailRule>().is_err());
    assert_eq!("A@b".parse(), Ok(MailRule::new("a@b", MailFate::Bounced)));
    emulator.edit_application(SAMPLE_CLIENT_ID, |app| app.roles.clear());
    let caller = TestCaller::new(&emulator, Caller::AppOnly);
    assert_eq!(caller.get(TRACES).await.status, 403);
}
