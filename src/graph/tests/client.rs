//! The one door: tokens, repetition, and waiting together.

use std::sync::atomic::Ordering;

use super::*;
use crate::domain::UserId;
use crate::emulator::{Action, Canned, Fault, Matcher, RetryAfter};
use crate::graph::{AuthError, CallError};

fn first() -> UserId {
    UserId::parse(&TenantSeed::guest_id(1)).unwrap()
}

fn faulty(matcher: Matcher, action: Action) -> Options {
    Options { faults: vec![Fault::new(matcher, action)], ..Options::default() }
}

fn reads() -> Matcher {
    Matcher::new(Method::GET, "/users")
}

fn quiet() -> Script {
    Box::new(|_| None)
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once() {
    let rig = Rig::signing_in(TenantSeed::with_guests(1), Options::default(), quiet());
    assert!(rig.graph.user(first()).await.unwrap().is_some());
    rig.emulator.revoke_tokens();
    assert!(rig.graph.user(first()).await.unwrap().is_some());
    assert_eq!(rig.emulator.ledger().requests_to("/users").len(), 3);
    assert_eq!(rig.graph.traffic().retries.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_refused_again_is_an_error_of_authentication() {
    let refuse = || faulty(reads().always(), Action::Answer(Canned::status(401)));
    let rig = Rig::signing_in(TenantSeed::with_guests(1), refuse(), quiet());
    let error = rig.graph.user(first()).await.unwrap_err();
    assert!(matches!(error, CallError::Auth(AuthError::TokenRejected(_))), "{error:?}");
    assert_eq!(rig.sent(&Method::GET, "/users"), 2);
    // A token given to us can't be replaced.
    let rig = Rig::new(TenantSeed::with_guests(1), refuse());
    let error = rig.graph.user(first()).await.unwrap_err();
    assert!(matches!(error, CallError::Auth(AuthError::TokenRejected(_))), "{error:?}");
    assert_eq!(rig.sent(&Method::GET, "/users"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_read_is_repeated_until_it_is_answered_and_not_for_ever() {
    for (action, code) in [
        (Action::Answer(Canned::status(500)), "500"),
        (Action::Answer(Canned::html(502)), "502"),
        (Action::Answer(Canned::status(503)), "503"),
        (Action::Answer(Canned::status(504)), "504"),
        (Action::Drop, "no answer"),
        (Action::TruncateBody, "no answer"),
    ] {
        let rig = Rig::new(TenantSeed::with_guests(1), faulty(reads().times(2), action.clone()));
        assert!(rig.graph.user(first()).await.unwrap().is_some(), "{action:?}");
        assert_eq!(rig.sent(&Method::GET, "/users"), 3, "{action:?}");
        assert_eq!(rig.graph.traffic().retries.load(Ordering::Relaxed), 2, "{action:?}");
        let rig = Rig::new(TenantSeed::with_guests(1), faulty(reads().always(), action.clone()));
        let error = rig.graph.user(first()).await.unwrap_err();
        assert!(error.to_string().contains(code), "{action:?}: {error}");
        assert_eq!(rig.sent(&Method::GET, "/users"), 6, "{action:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_took_a_connection_is_given_up_within_seconds() {
    let script = |_: &Request<Bytes>| {
        Some(Err(TransportError {
            was_up: false,
            reached: Reached::No,
            message: "tcp connect error: Connection refused (os error 111)".to_owned(),
        }))
    };
    let rig = Rig::scripted(TenantSeed::with_guests(1), Options::default(), Box::new(script));
    let error = rig.graph.user(first()).await.unwrap_err();
    assert!(matches!(error, CallError::Unreachable(_)), "{error:?}");
    assert!((3..7).contains(&rig.sent(&Method::GET, "/users")));
}

#[tokio::test(start_paused = true)]
async fn one_refusal_for_haste_holds_everyone_off() {
    let action = Action::Answer(Canned::throttled(RetryAfter::Seconds(30)));
    let rig = Rig::new(TenantSeed::with_guests(2), faulty(reads(), action));
    let second = UserId::parse(&TenantSeed::guest_id(2)).unwrap();
    let began = tokio::time::Instant::now();
    let timed = async |id| {
        rig.graph.user(id).await.unwrap().unwrap();
        began.elapsed()
    };
    let later = async {
        tokio::time::sleep(seconds(1)).await;
        timed(second).await
    };
    let (turned_away, other) = tokio::join!(timed(first()), later);
    for waited in [turned_away, other] {
        assert!(waited >= seconds(30) && waited < seconds(31), "{waited:?}");
    }
    assert_eq!(rig.graph.traffic().throttled.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn throttling_without_end_ends() {
    let action = Action::Answer(Canned::throttled(RetryAfter::Seconds(1)));
    let rig = Rig::new(TenantSeed::with_guests(1), faulty(reads().always(), action));
    let error = rig.graph.user(first()).await.unwrap_err();
    assert!(matches!(error, CallError::ThrottledOut(30)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_is_not_there_is_no_error() {
    let rig = Rig::new(TenantSeed::with_guests(1), Options::default());
    let nobody = UserId::parse(&TenantSeed::guest_id(9)).unwrap();
    assert!(rig.graph.user(nobody).await.unwrap().is_none());
}

/// A token may be from before Exchange was told that its holder may use the mailbox.
#[tokio::test(start_paused = true)]
async fn a_mailbox_that_refuses_is_asked_once_more_with_a_fresh_token_and_then_believed() {
    let mailbox = crate::domain::Email::parse("it@contoso.example").unwrap();
    let inbox = || Matcher::new(Method::GET, "/users/it@contoso.example/mailFolders");
    let denied = || Canned::error(403, "ErrorAccessDenied", "Access is denied.");
    let no = |times| faulty(inbox().times(times), Action::Answer(denied()));
    let rig = Rig::signing_in(TenantSeed::with_guests(1), no(1), quiet());
    rig.graph.look_into_mailbox(&mailbox).await.unwrap();
    assert_eq!(rig.sent(&Method::GET, "/users/it@"), 2);

    let rig = Rig::signing_in(TenantSeed::with_guests(1), no(u64::MAX), quiet());
    let error = rig.graph.look_into_mailbox(&mailbox).await.unwrap_err();
    assert!(error.to_string().contains("ErrorAccessDenied"), "{error}");
    // The sign-in is in order: this is no error of authentication.
    assert!(matches!(error, CallError::Refused { .. }), "{error:?}");
    assert_eq!(rig.sent(&Method::GET, "/users/it@"), 2);

    // A token given to us can't be replaced.
    let rig = Rig::new(TenantSeed::with_guests(1), no(u64::MAX));
    let error = rig.graph.look_into_mailbox(&mailbox).await.unwrap_err();
    assert!(matches!(error, CallError::Refused { .. }), "{error:?}");
    assert_eq!(rig.sent(&Method::GET, "/users/it@"), 1);
}
