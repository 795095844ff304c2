//! Reads in batches.

use super::*;
use crate::domain::GuestRef;
use crate::emulator::{Action, Canned, Fault, Matcher, RetryAfter};
use crate::graph::{CallError, Survey, Wanted};

/// Members named, whom a sweep of the guests does not read: three batches.
const NAMED: u32 = 45;

async fn look_up(rig: &Rig) -> Result<Survey, CallError> {
    let references = (1..=NAMED).map(|n| GuestRef::parse(&format!("member{n}@contoso.example")));
    let wanted = Wanted { references: references.collect(), ..Wanted::default() };
    rig.graph.survey(&wanted, Caller::Delegated).await
}

fn seed() -> TenantSeed {
    let mut seed = TenantSeed::with_guests(1);
    seed.users.extend((1..=NAMED).map(|n| {
        crate::emulator::Person::from(crate::graph::wire::User {
            id: TenantSeed::guest_id(100_000 + n),
            user_principal_name: format!("member{n}@contoso.example"),
            user_type: Some("Member".into()),
            ..Default::default()
        })
    }));
    seed
}

fn all_found(survey: &Survey) {
    for n in 1..=NAMED {
        let name = format!("member{n}@contoso.example");
        assert_eq!(survey.directory.users_named(&name).len(), 1, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn twenty_reads_go_in_one_request() {
    let rig = Rig::new(seed(), Options::default());
    all_found(&look_up(&rig).await.unwrap());
    assert_eq!(rig.sent(&Method::POST, "/$batch"), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_turned_away_inside_a_batch_goes_again_after_the_wait() {
    // The count and the sweep come before the batches.
    let fault = Fault::new(
        Matcher::new(Method::GET, "/users").nth(10).times(3),
        Action::Answer(Canned::throttled(RetryAfter::Seconds(30))),
    );
    let rig = Rig::new(seed(), Options { faults: vec![fault], ..Options::default() });
    let began = tokio::time::Instant::now();
    all_found(&look_up(&rig).await.unwrap());
    assert!(began.elapsed() >= seconds(30), "{:?}", began.elapsed());
    assert!(began.elapsed() < seconds(90), "{:?}", began.elapsed());
    assert!(rig.graph.traffic().throttled.load(std::sync::atomic::Ordering::Relaxed) >= 1);
    assert!(rig.sent(&Method::POST, "/$batch") > 3);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_turned_away_for_ever_ends() {
    let script = |request: &Request<Bytes>| {
        (request.uri().path() == "/v1.0/$batch").then(|| {
            let items: crate::graph::wire::BatchRequest =
                serde_json::from_slice(request.body()).unwrap();
            let responses: Vec<_> = items
                .requests
                .iter()
                .map(|item| serde_json::json!({ "id": item.id, "status": 429 }))
                .collect();
            Ok(answer(200, &serde_json::json!({ "responses": responses }).to_string()))
        })
    };
    let rig = Rig::scripted(seed(), Options::default(), Box::new(script));
    let error = look_up(&rig).await.unwrap_err();
    assert!(matches!(error, CallError::Refused { .. }), "{error:?}");
    assert!(rig.sent(&Method::POST, "/$batch") <= 30);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_leaves_requests_out_or_answers_others_is_asked_again_and_then_refused() {
    for body in [
        r#"{"responses":[]}"#,
        r#"{"responses":[{"id":"99","status":200,"body":{"value":[]}},{"id":"x","status":200}]}"#,
    ] {
        let script = move |request: &Request<Bytes>| {
            (request.uri().path() == "/v1.0/$batch").then(|| Ok(answer(200, body)))
        };
        let rig = Rig::scripted(seed(), Options::default(), Box::new(script));
        let error = look_up(&rig).await.unwrap_err();
        assert!(matches!(error, CallError::Protocol(_)), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_without_batch_is_asked_one_by_one() {
    for status in [404, 405, 501] {
        let fault = Fault::new(
            Matcher::new(Method::POST, "/$batch").always(),
            Action::Answer(Canned::status(status)),
        );
        let rig = Rig::new(seed(), Options { faults: vec![fault], ..Options::default() });
        all_found(&look_up(&rig).await.unwrap());
        assert!(rig.sent(&Method::GET, "/users") >= NAMED as usize, "{status}");
    }
}
