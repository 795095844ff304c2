//! A caller for tests: a token, and requests through the router.

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use tower_service::Service;

use crate::domain::Caller;
use crate::emulator::{
    Emulator, Options, Person, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, TenantSeed, guest,
};

/// An answer as a client sees it.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Null when there is none or when it is no JSON.
    pub(super) json: Value,
    pub(super) text: String,
}

impl Answered {
    pub(super) fn code(&self) -> &str {
        self.json["error"]["code"].as_str().unwrap_or_default()
    }

    pub(super) fn message(&self) -> &str {
        self.json["error"]["message"].as_str().unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A signed-in application.
pub(super) struct TestCaller {
    router: Router,
    token: String,
}

/// An emulator with these users and a caller with every permission.
pub(super) fn tenant(users: Vec<Person>, options: Options) -> (Emulator, TestCaller) {
    start(TenantSeed { users, ..TenantSeed::empty() }, options)
}

/// The same for a whole seed.
pub(super) fn start(seed: TenantSeed, options: Options) -> (Emulator, TestCaller) {
    let emulator = Emulator::new(seed, options);
    let caller = TestCaller::new(&emulator, Caller::AppOnly);
    (emulator, caller)
}

/// One guest, `A1`, and a caller.
pub(super) fn one_guest(options: Options) -> (Emulator, TestCaller) {
    tenant(vec![guest("A1", "old@northwind.example")], options)
}

impl TestCaller {
    pub(super) fn new(emulator: &Emulator, caller: Caller) -> Self {
        let token = emulator.token(SAMPLE_CLIENT_ID, caller).unwrap();
        Self { router: emulator.router(), token }
    }

    pub(super) fn with_token(emulator: &Emulator, token: &str) -> Self {
        Self { router: emulator.router(), token: token.into() }
    }

    /// The response itself; None when the body broke off.
    pub(super) async fn raw(&self, request: http::Request<Body>) -> axum::response::Response {
        // A router is always ready and never fails.
        self.router.clone().call(request).await.unwrap()
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answered {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("http://emulator.test/v1.0{path}"))
            .header("Authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_some() {
            request = request.header("Content-Type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let response = self.raw(request.body(body).unwrap()).await;
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
        Answered {
            status: parts.status,
            headers: parts.headers,
            json: serde_json::from_slice(&bytes).unwrap_or_default(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub(super) async fn get(&self, path: &str) -> Answered {
        self.send(Method::GET, path, &[], None).await
    }

    pub(super) async fn get_eventual(&self, path: &str) -> Answered {
        self.send(Method::GET, path, &[("ConsistencyLevel", "eventual")], None).await
    }

    pub(super) async fn patch(&self, id: &str, body: Value) -> Answered {
        self.send(Method::PATCH, &format!("/users/{id}"), &[], Some(&body)).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Answered {
        self.send(Method::POST, path, &[], Some(&body)).await
    }

    pub(super) async fn invite(&self, id: &str, address: &str) -> Answered {
        self.post("/invitations", reset(id, address)).await
    }

    /// Asks for a token; the form is changed first.
    pub(super) async fn sign_in(
        emulator: &Emulator,
        tenant: &str,
        changes: &[(&str, &str)],
    ) -> Answered {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", SAMPLE_CLIENT_ID),
            ("client_secret", SAMPLE_CLIENT_SECRET),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        for (name, value) in changes {
            form.retain(|(existing, _)| existing != name);
            form.push((name, value));
        }
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = http::Request::post(format!("/{tenant}/oauth2/v2.0/token"))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        let caller = Self::with_token(emulator, "");
        let response = caller.raw(request).await;
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answered {
            status: parts.status,
            headers: parts.headers,
            json: serde_json::from_slice(&bytes).unwrap_or_default(),
            text: String::new(),
        }
    }
}

pub(super) fn reset(id: &str, address: &str) -> Value {
    json!({
        "invitedUserEmailAddress": address,
        "inviteRedirectUrl": "https://myapps.microsoft.com",
        "sendInvitationMessage": true,
        "resetRedemption": true,
        "invitedUser": { "id": id },
    })
}
