//! Mailboxes: drafts, sending, what is found of them, and their limits.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::caller::{TestCaller, tenant};
use crate::emulator::{Emulator, Options, SAMPLE_CLIENT_ID};

const MESSAGES: &str = "/users/it@contoso.example/messages";

/// Microsoft's example of *Create message* (2024), shortened, with a Message-ID of ours.
fn draft(id: &str) -> serde_json::Value {
    json!({
        "internetMessageId": id,
        "subject": "Did you see last night's game?",
        "body": { "contentType": "HTML", "content": "They were <b>awesome</b>!" },
        "toRecipients": [{ "emailAddress": { "address": "AdeleV@contoso.com" } }],
        "internetMessageHeaders": [{ "name": "x-custom-header-group-name", "value": "Washington" }],
    })
}

async fn drafted(caller: &TestCaller, id: &str) -> String {
    let answered = caller.post(MESSAGES, draft(id)).await;
    assert_eq!(answered.status, 201, "{}", answered.text);
    answered.json["id"].as_str().unwrap().to_owned()
}

async fn send(caller: &TestCaller, id: &str) -> u16 {
    let path = format!("{MESSAGES}/{id}/send");
    caller.send(http::Method::POST, &path, &[], None).await.status.as_u16()
}

async fn is_draft(caller: &TestCaller, id: &str) -> Vec<bool> {
    let filter = id.replace('<', "%3C").replace('>', "%3E");
    let path = format!("{MESSAGES}?$select=id,isDraft&$filter=internetMessageId%20eq%20'{filter}'");
    let found = caller.get(&path).await;
    let messages = found.json["value"].as_array().unwrap().iter();
    messages.map(|message| message["isDraft"].as_bool().unwrap()).collect()
}

fn mailbox(mail_lag: Duration) -> (Emulator, TestCaller) {
    tenant(Vec::new(), Options { mail_lag, ..Options::default() })
}

#[tokio::test(start_paused = true)]
async fn a_message_is_a_draft_until_it_has_left() {
    let (emulator, caller) = mailbox(Duration::from_secs(30));
    let id = drafted(&caller, "<1@contoso.example>").await;
    assert_eq!(is_draft(&caller, "<1@contoso.example>").await, [true]);
    assert_eq!(send(&caller, &id).await, 202);
    assert_eq!(is_draft(&caller, "<1@contoso.example>").await, [true]);
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(is_draft(&caller, "<1@contoso.example>").await, [false]);
    assert!(is_draft(&caller, "<2@contoso.example>").await.is_empty());
    assert_eq!(emulator.mailbox("IT@contoso.example")[0].to(), ["AdeleV@contoso.com"]);
    assert_eq!(send(&caller, "nothing").await, 404);
    assert!(emulator.ledger().violations.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_more_than_thirty_a_minute_leaves_later() {
    let (emulator, caller) = mailbox(Duration::ZERO);
    for n in 0..31 {
        let id = drafted(&caller, &format!("<{n}@contoso.example>")).await;
        assert_eq!(send(&caller, &id).await, 202);
    }
    let left = || emulator.mailbox("it@contoso.example").iter().filter(|it| it.has_left).count();
    assert_eq!(left(), 30);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(left(), 31);
}

#[tokio::test(start_paused = true)]
async fn the_fifth_request_at_a_time_is_asked_to_wait() {
    let latency = Some(Duration::from_secs(1)..=Duration::from_secs(1));
    let (_emulator, caller) = tenant(Vec::new(), Options { latency, ..Options::default() });
    let answers = join_all((0..5).map(|_| caller.get(MESSAGES))).await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    let [refused] = refused[..] else { panic!("{answers:?}") };
    assert_eq!(
        (refused.code(), refused.header("retry-after")),
        ("ApplicationThrottled", Some("2"))
    );
    assert_eq!(caller.get(MESSAGES).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_is_open_to_whom_it_was_granted_and_to_nobody_else() {
    let (emulator, _) = mailbox(Duration::ZERO);
    emulator.edit_application(SAMPLE_CLIENT_ID, |app| app.mailboxes.clear());
    let caller = TestCaller::new(&emulator, crate::domain::Caller::AppOnly);
    assert_eq!(caller.get(MESSAGES).await.code(), "ErrorAccessDenied");
    emulator.edit_application(SAMPLE_CLIENT_ID, |app| app.roles.push("Mail.ReadWrite".to_owned()));
    let caller = TestCaller::new(&emulator, crate::domain::Caller::AppOnly);
    let id = drafted(&caller, "<1@contoso.example>").await;
    assert_eq!(send(&caller, &id).await, 403);
    let other = caller.get("/users/hr@contoso.example/messages").await;
    assert_eq!(other.code(), "MailboxNotEnabledForRESTAPI");
}
