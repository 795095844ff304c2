//! Writing to one guest: a PATCH may be repeated, an invitation may not.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::Instant;

use super::*;
use crate::domain::{Trace, UserId};
use crate::emulator::{Action, Canned, Fault, Matcher, RetryAfter};
use crate::graph::auth::ClaimsRequest;
use crate::graph::{AuthError, CallError, Token, Verdict, wire};

const ADDRESS: &str = "guest1@fabrikam.example";

fn rig(matcher: Matcher, action: Action) -> Rig {
    let faults = vec![Fault::new(matcher, action)];
    Rig::new(TenantSeed::with_guests(1), Options { faults, ..Options::default() })
}

fn saying(status: u16, body: &str) -> Rig {
    let script = says(Method::POST, "/v1.0/invitations", vec![Ok(answer(status, body))]);
    Rig::scripted(TenantSeed::with_guests(1), Options::default(), script)
}

fn request() -> wire::InvitationRequest {
    wire::InvitationRequest {
        invited_user_email_address: ADDRESS.to_owned(),
        invite_redirect_url: "https://myapps.microsoft.com".to_owned(),
        invited_user_display_name: None,
        send_invitation_message: true,
        invited_user_message_info: None,
        reset_redemption: true,
        invited_user: Some(wire::InvitedUser {
            id: TenantSeed::guest_id(1),
            user_principal_name: None,
        }),
    }
}

/// How often an invitation was sent, and how often it happened.
fn invitations(rig: &Rig) -> (usize, usize) {
    (rig.sent(&Method::POST, "/invitations"), rig.emulator.ledger().invitations().count())
}

#[tokio::test(start_paused = true)]
async fn an_invitation_whose_answer_is_lost_is_not_repeated() {
    for (action, happened) in [
        (Action::CommitThenDrop, 1),
        (Action::Drop, 0),
        (Action::TruncateBody, 1),
        (Action::CommitThenAnswer(Canned::status(500)), 1),
        (Action::CommitThenAnswer(Canned::html(502)), 1),
        (Action::Answer(Canned::status(503)), 0),
        (Action::CommitThenAnswer(Canned::status(504)), 1),
        (Action::CommitThenAnswer(Canned::status(408)), 1),
    ] {
        let rig = rig(Matcher::invitation(), action.clone());
        let error = rig.graph.invite(&request(), &mut Trace::default()).await.unwrap_err();
        assert!(matches!(error, CallError::Lost { .. }), "{action:?}: {error:?}");
        assert_eq!(invitations(&rig), (1, happened), "{action:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_that_cannot_be_read_is_lost() {
    for body in
        ["", "<html></html>", "{", "{}", "null", "[]", r#"{"id":7}"#, r#"{"value":[]}"#, "\u{0}"]
    {
        let rig = saying(201, body);
        let error = rig.graph.invite(&request(), &mut Trace::default()).await.unwrap_err();
        assert!(matches!(error, CallError::Lost { .. }), "{body}: {error:?}");
        assert_eq!(invitations(&rig), (1, 0), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_invitation_created_with_an_error_is_a_failure() {
    let rig = rig(Matcher::invitation(), Action::ErrorStatusIn201);
    match rig.graph.invite(&request(), &mut Trace::default()).await.unwrap_err() {
        CallError::Refused { verdict: Verdict::RowFailed(cause), .. } => {
            assert_eq!(cause.code, "status-error");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(invitations(&rig), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_something_else_is_a_lost_one() {
    for body in [
        r#"{"id":"1","status":"Failed"}"#,
        "{}",
        r#"{"id":"1","status":"PendingAcceptance"}"#,
        r#"{"id":"1","invitedUserEmailAddress":"somebody.else@northwind.example"}"#,
        r#"{"id":"1","status":"PendingAcceptance","invitedUser":{"id":"9071bfde-35e0-47d2-a582-d244ab1b4af6"}}"#,
    ] {
        let answer = saying(201, body).graph.invite(&request(), &mut Trace::default()).await;
        assert!(matches!(answer, Err(CallError::Lost { .. })), "{body}: {answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_accepted_invitation_needs_little_to_be_one() {
    let request_of = request();
    let address = request_of.invited_user_email_address.to_uppercase();
    let id = request_of.invited_user.unwrap().id;
    for body in [
        format!(r#"{{"id":"1","status":"PendingAcceptance","invitedUser":{{"id":"{id}"}}}}"#),
        format!(r#"{{"id":"1","status":"Completed","invitedUserEmailAddress":"{address}"}}"#),
        format!(r#"{{"id":"1","invitedUser":{{"id":"{id}"}}}}"#),
        format!(r#"{{"status":"InProgress","invitedUserEmailAddress":"{address}"}}"#),
    ] {
        let answer = saying(201, &body).graph.invite(&request(), &mut Trace::default()).await;
        assert!(answer.is_ok(), "{body}: {answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_invitation_turned_away_is_said_and_its_next_turn_comes_after_the_hold_off() {
    let rig = rig(
        Matcher::invitation().times(3),
        Action::Answer(Canned::throttled(RetryAfter::Seconds(5))),
    );
    let started = tokio::time::Instant::now();
    for turn in 0..3 {
        rig.graph.invitation_turn().await.unwrap();
        assert!(started.elapsed() >= std::time::Duration::from_secs(5 * turn), "{turn}");
        let answer = rig.graph.invite(&request(), &mut Trace::default()).await;
        assert!(matches!(answer, Err(CallError::Throttled { by_service: true })), "{answer:?}");
    }
    // Without a turn it is not even sent while the hold-off lasts.
    let answer = rig.graph.invite(&request(), &mut Trace::default()).await;
    assert!(matches!(answer, Err(CallError::Throttled { by_service: false })), "{answer:?}");
    rig.graph.invitation_turn().await.unwrap();
    rig.graph.invite(&request(), &mut Trace::default()).await.unwrap();
    assert_eq!(invitations(&rig), (4, 1));
}

#[tokio::test(start_paused = true)]
async fn an_invitation_never_sent_is_said_and_its_next_turn_comes_with_the_connection() {
    let unsent = || {
        Err(TransportError { was_up: false, reached: Reached::No, message: "refused".to_owned() })
    };
    let script = says(Method::POST, "/v1.0/invitations", vec![unsent(), unsent()]);
    let rig = Rig::scripted(TenantSeed::with_guests(1), Options::default(), script);
    for _ in 0..2 {
        rig.graph.invitation_turn().await.unwrap();
        let answer = rig.graph.invite(&request(), &mut Trace::default()).await;
        assert!(matches!(answer, Err(CallError::Throttled { by_service: false })), "{answer:?}");
    }
    rig.graph.invitation_turn().await.unwrap();
    rig.graph.invite(&request(), &mut Trace::default()).await.unwrap();
    assert_eq!(invitations(&rig), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_patch_whose_answer_is_lost_is_repeated() {
    let patch =
        wire::UserPatch { mail: Some("new@northwind.example".to_owned()), other_mails: None };
    let first = UserId::parse(&TenantSeed::guest_id(1)).unwrap();
    for action in [
        Action::CommitThenDrop,
        Action::Drop,
        Action::CommitThenAnswer(Canned::status(504)),
        Action::Answer(Canned::html(503)),
    ] {
        let rig = rig(Matcher::patch(), action.clone());
        rig.graph.patch_user(first, &patch, &mut Trace::default()).await.unwrap();
        assert_eq!(rig.sent(&Method::PATCH, "/users"), 2, "{action:?}");
        let user = rig.emulator.user(&TenantSeed::guest_id(1)).unwrap();
        assert_eq!(user.mail, patch.mail);
    }
}

/// Takes a minute to sign in again.
struct Slow {
    emulator: Emulator,
    is_first: AtomicBool,
}

#[async_trait]
impl TokenSource for Slow {
    async fn fetch(
        &self,
        _: &dyn Transport,
        _: Option<&ClaimsRequest>,
    ) -> Result<Token, AuthError> {
        if !self.is_first.swap(false, Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_mins(1)).await;
        }
        let secret = self.emulator.token(SAMPLE_CLIENT_ID, Caller::AppOnly).unwrap().into();
        Ok(Token { secret, expires_at: Some(Instant::now() + Duration::from_hours(1)) })
    }

    fn can_carry_claims(&self) -> bool {
        true
    }
}

/// A minute after the guest was read it may have redeemed: whoever sends it decides anew.
#[tokio::test(start_paused = true)]
async fn an_invitation_does_not_leave_a_long_sign_in_after_it_was_decided() {
    for is_challenged in [false, true] {
        let emulator = Emulator::new(TenantSeed::with_guests(1), Options::default());
        let source = Slow { emulator: emulator.clone(), is_first: AtomicBool::new(true) };
        let rig = Rig::with_source(emulator, Box::new(|_| None), Box::new(source));
        rig.graph.sign_in().await.unwrap();
        if is_challenged {
            let challenge = Action::Answer(Canned::claims_challenge());
            rig.emulator.inject(Fault::new(Matcher::invitation(), challenge));
        } else {
            tokio::time::advance(Duration::from_secs(3301)).await;
        }
        let sent = usize::from(is_challenged);
        let error = rig.graph.invite(&request(), &mut Trace::default()).await.unwrap_err();
        assert!(matches!(error, CallError::Throttled { .. }), "{error:?}");
        assert_eq!(invitations(&rig), (sent, 0), "challenged: {is_challenged}");
        // With the token at hand it goes.
        let _ = rig.graph.invite(&request(), &mut Trace::default()).await;
        assert_eq!(invitations(&rig).0, sent + 1, "challenged: {is_challenged}");
    }
}
