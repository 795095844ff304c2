//! What goes wrong on purpose.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use serde_json::json;
use tokio::time::Instant;

use super::caller::{TestCaller, one_guest, reset, start};
use crate::emulator::{
    Action, AnswerLost, Canned, Fault, Lag, Limit, Matcher, Options, Quotas, RetryAfter,
    SAMPLE_CLIENT_ID, TenantSeed,
};

fn faulty(on: Matcher, action: Action) -> Options {
    Options { faults: vec![Fault::new(on, action)], ..Options::default() }
}

#[tokio::test]
async fn a_fault_before_the_deed_leaves_nothing_behind() {
    for action in [
        Action::Answer(Canned::throttled(RetryAfter::Seconds(3))),
        Action::Answer(Canned::html(503)),
        Action::Drop,
        Action::ErrorStatusIn201,
    ] {
        let (emulator, caller) = one_guest(faulty(Matcher::invitation(), action.clone()));
        let answer = caller.invite("A1", "old@northwind.example").await;
        assert_eq!(emulator.ledger().invitations().count(), 0, "{action:?}");
        if let Action::ErrorStatusIn201 = action {
            assert_eq!(
                (answer.status.as_u16(), answer.json["status"].as_str()),
                (201, Some("Error"))
            );
        }
        assert_eq!(caller.invite("A1", "old@northwind.example").await.status, 201);
    }
}

#[tokio::test]
async fn a_fault_after_the_deed_leaves_the_deed_behind() {
    for action in [
        Action::CommitThenAnswer(Canned::status(504)),
        Action::CommitThenDrop,
        Action::TruncateBody,
    ] {
        let (emulator, caller) = one_guest(faulty(Matcher::invitation().of("a1"), action.clone()));
        let answer = caller.invite("A1", "old@northwind.example").await;
        assert!(answer.json.get("invitedUser").is_none(), "{action:?}");
        assert_eq!(emulator.ledger().invitations_for("A1").len(), 1, "{action:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_marked_for_callers_in_process() {
    for (action, marked) in [(Action::CommitThenDrop, true), (Action::TruncateBody, false)] {
        let (emulator, caller) = one_guest(faulty(Matcher::invitation(), action));
        let token = emulator.token(SAMPLE_CLIENT_ID, crate::domain::Caller::AppOnly).unwrap();
        let request = http::Request::post("/v1.0/invitations")
            .header("Authorization", format!("Bearer {token}"))
            .header("Content-Type", "application/json")
            .body(Body::from(reset("A1", "old@northwind.example").to_string()))
            .unwrap();
        let response = caller.raw(request).await;
        assert_eq!(response.extensions().get::<AnswerLost>().is_some(), marked);
        assert!(to_bytes(response.into_body(), usize::MAX).await.is_err());
        assert!(emulator.ledger().requests[0].lost);
    }
}

#[tokio::test(start_paused = true)]
async fn delays_and_latency_take_their_time() {
    let delay = Duration::from_secs(100);
    let (_, caller) = one_guest(faulty(Matcher::invitation(), Action::CommitThenDelay(delay)));
    let began = Instant::now();
    caller.invite("A1", "old@northwind.example").await;
    assert!(began.elapsed() >= delay);
    let latency = Some(Duration::from_millis(20)..=Duration::from_millis(50));
    let (_, caller) = one_guest(Options { latency, ..Options::default() });
    let began = Instant::now();
    caller.get("/users/A1").await;
    assert!(began.elapsed() >= Duration::from_millis(20));
    assert!(began.elapsed() <= Duration::from_millis(51));
    let [patch, invitation] = [100, 200].map(Duration::from_millis).map(|time| Some(time..=time));
    let (_, caller) = one_guest(Options {
        patch_latency: patch,
        invitation_latency: invitation,
        ..Options::default()
    });
    let began = Instant::now();
    caller.get("/users/A1").await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    caller.patch("A1", json!({ "mail": "new@fabrikam.example" })).await;
    assert_eq!(began.elapsed().as_millis(), 100);
    caller.invite("A1", "new@fabrikam.example").await;
    assert_eq!(began.elapsed().as_millis(), 300);
}

#[tokio::test]
async fn the_token_endpoint_can_fail_too() {
    let (emulator, _) = one_guest(faulty(Matcher::token(), Action::Answer(Canned::status(503))));
    assert_eq!(TestCaller::sign_in(&emulator, "contoso.example", &[]).await.status, 503);
    assert_eq!(TestCaller::sign_in(&emulator, "contoso.example", &[]).await.status, 200);
}

#[tokio::test]
async fn a_token_can_be_challenged_before_it_expires() {
    let action = Action::Answer(Canned::claims_challenge());
    let (_, caller) = one_guest(faulty(Matcher::any(), action));
    let answer = caller.get("/users/A1").await;
    assert_eq!((answer.status.as_u16(), answer.code()), (401, "InvalidAuthenticationToken"));
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.contains("error=\"insufficient_claims\", claims=\"ey"), "{challenge}");
}

#[tokio::test]
async fn a_batch_is_throttled_item_by_item() {
    let on = Matcher::patch().nth(2);
    let action = Action::Answer(Canned::throttled(RetryAfter::Seconds(7)));
    let options = faulty(on, action);
    let (emulator, caller) = start(TenantSeed::with_guests(3), options);
    let items: Vec<_> = (1..=3)
        .map(|n| {
            json!({
                "id": n.to_string(),
                "method": "PATCH",
                "url": format!("/users/{}", emulator.users()[n - 1].id),
                "headers": { "Content-Type": "application/json" },
                "body": { "mail": format!("moved{n}@fabrikam.example") },
            })
        })
        .collect();
    let answer = caller.post("/$batch", json!({ "requests": items })).await;
    assert_eq!(answer.status, 200);
    let second = &answer.json["responses"][1];
    assert_eq!(
        (second["status"].as_u64(), second["headers"]["Retry-After"].as_str()),
        (Some(429), Some("7"))
    );
    assert_eq!(emulator.ledger().patches().count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_is_used_up_says_when_to_come_back() {
    let quotas = Quotas { writes: Some(Limit::new(5.0, 10)), ..Quotas::unlimited() };
    let (emulator, caller) = one_guest(Options { quotas, ..Options::default() });
    let mut shares = Vec::new();
    for n in 0..5 {
        let answer = caller.patch("A1", json!({ "otherMails": [format!("{n}@n.example")] })).await;
        assert_eq!(answer.status, 204);
        shares.push(answer.header("x-ms-throttle-limit-percentage").map(str::to_owned));
    }
    assert_eq!(shares, [None, None, None, None, Some("1.00".to_owned())]);
    let refused = caller.patch("A1", json!({ "otherMails": [] })).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (429, "TooManyRequests"));
    assert_eq!(refused.message(), "Please retry again later.");
    assert_eq!(refused.json["error"]["innerError"]["status"], "429");
    assert_eq!(refused.header("x-ms-throttle-information"), Some("WriteLimitExceeded"));
    assert_eq!(
        refused.header("x-ms-throttle-scope").unwrap(),
        format!("Tenant_Application/Write/{SAMPLE_CLIENT_ID}/{}", emulator.tenant_id())
    );
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    tokio::time::advance(Duration::from_secs(wait)).await;
    assert_eq!(caller.patch("A1", json!({ "otherMails": [] })).await.status, 204);
}

#[tokio::test]
async fn a_test_can_stop_the_world_at_a_write() {
    let (emulator, caller) = one_guest(Options::default());
    let seen = Arc::new(AtomicUsize::new(0));
    for n in [2, 3] {
        let (seen, handle) = (Arc::clone(&seen), emulator.clone());
        emulator.on_write(n, move |write| {
            assert_eq!(write.id(), "A1");
            seen.fetch_add(handle.ledger().writes.len(), Ordering::Relaxed);
            handle.revoke_tokens();
        });
    }
    caller.patch("A1", json!({ "mail": "new@fabrikam.example" })).await;
    assert_eq!(caller.invite("A1", "new@fabrikam.example").await.status, 201);
    assert_eq!(seen.load(Ordering::Relaxed), 2);
    assert_eq!(caller.invite("A1", "new@fabrikam.example").await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn faults_can_be_added_on_the_way() {
    let options = Options { read_lag: Lag::Fixed(Duration::from_secs(5)), ..Options::default() };
    let (emulator, caller) = one_guest(options);
    assert_eq!(caller.get("/users/A1").await.status, 200);
    emulator
        .inject(Fault::new(Matcher::any().always(), Action::Answer(Canned::error(500, "", ""))));
    for _ in 0..3 {
        assert_eq!(caller.get("/users/A1").await.status, 500);
    }
}
