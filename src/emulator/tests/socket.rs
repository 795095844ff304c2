//! The same over a real socket.

use http::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;

use super::caller::reset;
use crate::domain::Caller;
use crate::emulator::{
    Action, Emulator, Fault, Ledger, Matcher, Options, SAMPLE_CLIENT_ID, Server, TenantSeed, guest,
};

struct Remote {
    emulator: Emulator,
    server: Server,
    client: reqwest::Client,
    token: String,
}

async fn serve(action: Option<Action>) -> Remote {
    let faults = action.map(|action| Fault::new(Matcher::invitation(), action));
    let options = Options { faults: faults.into_iter().collect(), ..Options::default() };
    let users = vec![guest("A1", "old@northwind.example")];
    let emulator = Emulator::new(TenantSeed { users, ..TenantSeed::empty() }, options);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = emulator.serve(listener).unwrap();
    let token = emulator.token(SAMPLE_CLIENT_ID, Caller::AppOnly).unwrap();
    Remote { emulator, server, client: reqwest::Client::new(), token }
}

impl Remote {
    async fn get(&self, path: &str) -> reqwest::Result<(StatusCode, Value)> {
        let url = format!("{}{path}", self.server.origin());
        let response = self.client.get(url).bearer_auth(&self.token).send().await?;
        let status = response.status();
        let body = response.bytes().await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    async fn invite(&self) -> reqwest::Result<(StatusCode, Value)> {
        let url = format!("{}/v1.0/invitations", self.server.origin());
        let response = self
            .client
            .post(url)
            .bearer_auth(&self.token)
            .header("Content-Type", "application/json")
            .body(reset("A1", "old@northwind.example").to_string())
            .send()
            .await?;
        let status = response.status();
        let body = response.bytes().await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}

#[tokio::test]
async fn another_process_can_call_and_look() {
    let remote = serve(None).await;
    let (status, _) = remote.invite().await.unwrap();
    assert_eq!(status, 201);
    let (_, page) = remote.get("/v1.0/users?$top=1").await.unwrap();
    assert_eq!(page["value"][0]["id"], "A1");
    let (_, ledger) = remote.get("/emulator/ledger").await.unwrap();
    let ledger: Ledger = serde_json::from_value(ledger).unwrap();
    assert_eq!(ledger.invitations_for("A1").len(), 1);
    assert_eq!(ledger.writes, remote.emulator.ledger().writes);
    let (_, usage) = remote.get("/emulator/usage").await.unwrap();
    assert_eq!(usage, serde_json::json!({ "requests": 2, "units": 1, "refused": 0 }));
    let (_, user) = remote.get("/emulator/users/A1").await.unwrap();
    assert_eq!(user["externalUserState"], "PendingAcceptance");
    assert_eq!(remote.get("/emulator/users/B2").await.unwrap().0, 404);
    remote.server.shutdown().await;
}

#[tokio::test]
async fn a_dropped_answer_is_a_closed_connection() {
    for (action, invitations) in [(Action::Drop, 0), (Action::CommitThenDrop, 1)] {
        let remote = serve(Some(action)).await;
        // The connection has been used before: a client must not try again by itself.
        remote.get("/v1.0/users").await.unwrap();
        let error = remote.invite().await.unwrap_err();
        assert!(error.is_request() && !error.is_connect() && !error.is_timeout(), "{error:?}");
        assert_eq!(remote.emulator.ledger().invitations().count(), invitations);
        assert_eq!(remote.emulator.ledger().requests_to("/invitations").len(), 1);
        assert_eq!(remote.invite().await.unwrap().0, 201);
    }
}

#[tokio::test]
async fn a_truncated_answer_breaks_off_in_the_body() {
    let remote = serve(Some(Action::TruncateBody)).await;
    let error = remote.invite().await.unwrap_err();
    assert!(error.is_body() || error.is_decode(), "{error:?}");
    assert_eq!(remote.emulator.ledger().invitations().count(), 1);
}
