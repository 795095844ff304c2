//! Real sockets, and answers that come spoilt: how much of one is read, for how long, and
//! what is said of it.

use std::time::Instant;

use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::emulator::{Action, Fault, Matcher, Server, Spoil};
use crate::graph::HttpTransport;

/// A tenant on loopback with an invitation that can be answered.
async fn serve(action: Action) -> (Emulator, Server, Request<Bytes>) {
    let faults = vec![Fault::new(Matcher::invitation(), action)];
    let options = Options { faults, ..Options::default() };
    let emulator = Emulator::new(TenantSeed::with_guests(1), options);
    let server = emulator.serve(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
    let body = json!({
        "invitedUserEmailAddress": "guest1@fabrikam.example",
        "inviteRedirectUrl": "https://myapps.microsoft.com",
        "resetRedemption": true,
        "invitedUser": { "id": TenantSeed::guest_id(1) },
    });
    let token = emulator.token(SAMPLE_CLIENT_ID, Caller::AppOnly).unwrap();
    let invitation = Request::post(format!("{}/v1.0/invitations", server.origin()))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_string()))
        .unwrap();
    (emulator, server, invitation)
}

#[tokio::test]
async fn of_a_spoilt_answer_no_more_is_read_than_an_answer_can_be() {
    let larger = "the answer is larger than 32 MiB, unpacked; no answer of the service is, and \
                  the rest was not read";
    for (spoil, said) in [
        (Spoil::Reset, "connection"),
        (Spoil::Endless, larger),
        (Spoil::Unfolding, larger),
        (Spoil::Dripping(Duration::from_millis(50)), "timed out"),
    ] {
        let (emulator, server, invitation) = serve(Action::Spoil(spoil)).await;
        let patience = if said == larger { 60_000 } else { 1_000 };
        let transport = HttpTransport::with_patience(Duration::from_millis(patience)).unwrap();
        let began = Instant::now();
        let error = transport.send(invitation.clone()).await.unwrap_err();
        assert!(error.message.contains(said), "{spoil:?}: {error}");
        assert_eq!(error.reached, Reached::Maybe, "{spoil:?}");
        assert!(began.elapsed() < Duration::from_secs(30), "{spoil:?}: {:?}", began.elapsed());
        assert_eq!(emulator.ledger().invitations().count(), 1, "{spoil:?}");
        // Nothing of it is left for the next answer.
        assert_eq!(transport.send(invitation).await.unwrap().status(), 201, "{spoil:?}");
        server.shutdown().await;
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_short_with_its_length_right_is_no_json() {
    let (_emulator, server, invitation) = serve(Action::Spoil(Spoil::TooShort)).await;
    let transport = HttpTransport::new().unwrap();
    let answer = transport.send(invitation).await.unwrap();
    assert_eq!(answer.status(), 201);
    assert!(serde_json::from_slice::<serde_json::Value>(answer.body()).is_err());
    server.shutdown().await;
}

#[tokio::test]
async fn what_is_away_refuses_connections_and_comes_back() {
    let away = Duration::from_millis(500);
    let (emulator, server, invitation) = serve(Action::Away(away)).await;
    let transport = HttpTransport::new().unwrap();
    let began = Instant::now();
    // The connection under way is cut: nobody knows. A new one is refused.
    let lost = transport.send(invitation.clone()).await.unwrap_err();
    assert_eq!(lost.reached, Reached::Maybe, "{lost}");
    let refused = transport.send(invitation.clone()).await.unwrap_err();
    assert_eq!(refused.reached, Reached::No, "{refused}");
    assert!(refused.message.contains("Connection refused"), "{refused}");
    assert_eq!(emulator.ledger().invitations().count(), 0);
    let status = loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        match transport.send(invitation.clone()).await {
            Ok(answer) => break answer.status(),
            Err(error) => assert_eq!(error.reached, Reached::No, "{error}"),
        }
    };
    assert_eq!(status, 201);
    assert!(began.elapsed() >= away);
    server.shutdown().await;
}
