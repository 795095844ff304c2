//! What goes wrong on purpose: which request, and how. Deterministic, because it is
//! counted in requests.
//!
//! Leaves to others: carrying it out (`routes`, `server`).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::clock::http_date;
use super::http::{Answer, Request};
use crate::graph::wire::{ErrorBody, ErrorEnvelope};

/// Something that goes wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    pub on: Matcher,
    pub action: Action,
}

impl Fault {
    pub fn new(on: Matcher, action: Action) -> Self {
        Self { on, action }
    }
}

/// Chooses requests. Items of a batch are requests of their own.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// None is any method.
    pub method: Option<Method>,
    /// How the path begins, `/v1.0` left out; for the token endpoint, how it ends.
    pub path: String,
    /// An object id in the path or in the body.
    pub object: Option<String>,
    /// The first matching request that it befalls, from 1.
    pub first: u64,
    /// Every how many matching requests from there on.
    pub every: u64,
    pub times: u64,
}

impl Matcher {
    /// The first request of this method whose path begins so.
    pub fn new(method: Method, path: &str) -> Self {
        Self { method: Some(method), path: path.into(), object: None, first: 1, every: 1, times: 1 }
    }

    /// The first request of any kind.
    pub fn any() -> Self {
        Self { method: None, ..Self::new(Method::GET, "") }
    }

    pub fn invitation() -> Self {
        Self::new(Method::POST, "/invitations")
    }

    /// The first change of a user.
    pub fn patch() -> Self {
        Self::new(Method::PATCH, "/users/")
    }

    /// The first request for a token.
    pub fn token() -> Self {
        Self::new(Method::POST, TOKEN_PATH)
    }

    /// Only requests about this object.
    #[must_use]
    pub fn of(self, object: &str) -> Self {
        Self { object: Some(object.to_lowercase()), ..self }
    }

    /// From the n-th matching request on.
    #[must_use]
    pub fn nth(self, first: u64) -> Self {
        Self { first, ..self }
    }

    /// Only every n-th matching request.
    #[must_use]
    pub fn every(self, every: u64) -> Self {
        Self { every: every.max(1), ..self }
    }

    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }

    #[must_use]
    pub fn always(self) -> Self {
        self.times(u64::MAX)
    }

    fn matches(&self, request: &Request) -> bool {
        let path = request.path.strip_prefix("/v1.0").unwrap_or(&request.path);
        let path_matches = if self.path == TOKEN_PATH {
            path.ends_with(TOKEN_PATH)
        } else {
            path.starts_with(&self.path)
        };
        path_matches
            && self.method.as_ref().is_none_or(|method| *method == request.method)
            && self.object.as_ref().is_none_or(|object| {
                request.path.to_lowercase().contains(object.as_str())
                    || String::from_utf8_lossy(&request.body)
                        .to_lowercase()
                        .contains(object.as_str())
            })
    }
}

const TOKEN_PATH: &str = "/oauth2/v2.0/token";

/// How a request goes wrong.
#[derive(Debug, Clone)]
pub enum Action {
    /// Nothing is done; this is answered.
    Answer(Canned),
    /// The request is carried out, and this is answered all the same.
    CommitThenAnswer(Canned),
    /// Nothing is done; the connection closes without an answer.
    Drop,
    /// The request is carried out; the connection closes without an answer.
    CommitThenDrop,
    /// The request is carried out; the connection closes halfway through the answer.
    TruncateBody,
    /// An invitation is answered with `201` and `status: "Error"`, and is none.
    ErrorStatusIn201,
    /// The request is carried out this much later.
    Delay(Duration),
    /// The request is carried out; the answer comes this much later.
    CommitThenDelay(Duration),
}

/// An answer from the tin.
#[derive(Debug, Clone)]
pub struct Canned {
    pub status: u16,
    /// When to try again.
    pub retry_after: Option<RetryAfter>,
    /// Further headers, with names in lower case.
    pub headers: Vec<(&'static str, String)>,
    pub body: CannedBody,
}

impl Canned {
    /// A status with the JSON that Graph sends with it.
    pub fn status(status: u16) -> Self {
        Self { status, retry_after: None, headers: Vec::new(), body: CannedBody::Usual }
    }

    /// 429 and when to try again.
    pub fn throttled(retry_after: RetryAfter) -> Self {
        Self { retry_after: Some(retry_after), ..Self::status(429) }
    }

    /// A status with a code and a message of one's own.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        let body = CannedBody::Error { code: code.into(), message: message.into() };
        Self { body, ..Self::status(status) }
    }

    /// A status with a page of HTML, as gateways send it.
    pub fn html(status: u16) -> Self {
        let page =
            format!("<html><head><title>{status}</title></head><body>{status}</body></html>");
        Self { body: CannedBody::Html(page), ..Self::status(status) }
    }

    /// What a proxy or a portal answers in Graph's place: a page, and nothing of Graph's.
    pub fn foreign(status: u16) -> Self {
        let page = "<html><head><title>Sign in to the network</title></head></html>".to_owned();
        Self { body: CannedBody::Foreign(page), ..Self::status(status) }
            .header("server", "portal/1.0")
    }

    /// The claims challenge of continuous access evaluation (Entra, *Claims
    /// challenges*): the token is refused before it expires.
    pub fn claims_challenge() -> Self {
        let claims = STANDARD.encode(r#"{"access_token":{"nbf":{"essential":true,"value":"0"}}}"#);
        let challenge =
            format!("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{claims}\"");
        Self::error(
            401,
            "InvalidAuthenticationToken",
            "Continuous access evaluation resulted in \
            challenge with result: InteractionRequired",
        )
        .header("www-authenticate", &challenge)
    }

    /// The same with one more header, its name in lower case.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(super) fn answer(&self, request: &Request, now: Timestamp) -> Answer {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let error = |code: &str, message: &str| {
            let error = ErrorBody {
                code: code.into(),
                message: message.into(),
                details: Vec::new(),
                inner_error: Some(json!({ "date": now.to_string(), "request-id": request.id })),
            };
            Answer::json(status, &ErrorEnvelope { error })
        };
        let mut answer = match &self.body {
            CannedBody::Usual => {
                let (code, message) = usual(self.status);
                error(code, message)
            }
            CannedBody::Error { code, message } => error(code, message),
            CannedBody::Html(page) => {
                Answer::new(status, "text/html; charset=us-ascii", page.clone().into_bytes())
            }
            CannedBody::Json(value) => Answer::json(status, value),
            CannedBody::Foreign(page) => Answer {
                is_foreign: true,
                ..Answer::new(status, "text/html", page.clone().into_bytes())
            },
            CannedBody::Empty => Answer::new(status, "", Vec::new()),
        };
        for (name, value) in &self.headers {
            answer.set(name, value);
        }
        match &self.retry_after {
            Some(RetryAfter::Seconds(seconds)) => answer.set("retry-after", &seconds.to_string()),
            Some(RetryAfter::Decimal(seconds)) => {
                answer.set("retry-after", &format!("{seconds:.3}"));
            }
            Some(RetryAfter::HttpDate(wait)) => {
                answer.set("retry-after", &http_date(now + *wait));
            }
            Some(RetryAfter::Text(text)) => answer.set("retry-after", text),
            None => {}
        }
        answer
    }
}

/// Code and message that Graph uses with a status (Microsoft Graph, *Error
/// responses*; *Throttling*).
fn usual(status: u16) -> (&'static str, &'static str) {
    match status {
        429 => ("TooManyRequests", "Please retry again later."),
        500 => ("InternalServerError", "Directory invite operation failed"),
        502 => ("BadGateway", "Bad Gateway"),
        503 => ("ServiceUnavailable", "Service Unavailable"),
        504 => ("GatewayTimeout", "Gateway Timeout"),
        _ => ("UnknownError", ""),
    }
}

/// The body of a [`Canned`] answer.
#[derive(Debug, Clone)]
pub enum CannedBody {
    /// What Graph sends with the status.
    Usual,
    Error {
        code: String,
        message: String,
    },
    Html(String),
    /// Something of Graph's form that may be about anything.
    Json(Value),
    /// A page of something else, without any header of Graph's.
    Foreign(String),
    Empty,
}

/// The header `Retry-After` in all the forms in which it comes.
#[derive(Debug, Clone)]
pub enum RetryAfter {
    /// `5`
    Seconds(u64),
    /// `0.500`
    Decimal(f64),
    /// The date of this much later.
    HttpDate(Duration),
    Text(String),
}

/// Faults that wait for their requests.
#[derive(Debug, Default)]
pub(super) struct Armed(Vec<(Fault, u64)>);

impl Armed {
    pub(super) fn new(faults: Vec<Fault>) -> Self {
        Self(faults.into_iter().map(|fault| (fault, 0)).collect())
    }

    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push((fault, 0));
    }

    /// What befalls this request. Every fault counts the requests it matches; the
    /// first whose turn it is wins.
    pub(super) fn strike(&mut self, request: &Request) -> Option<Action> {
        let mut action = None;
        for (fault, matched) in &mut self.0 {
            if fault.on.matches(request) {
                *matched += 1;
                let turn = matched.checked_sub(fault.on.first).is_some_and(|since| {
                    since % fault.on.every == 0 && since / fault.on.every < fault.on.times
                });
                if turn && action.is_none() {
                    action = Some(fault.action.clone());
                }
            }
        }
        action
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, path: &str, body: &'static str) -> Request {
        Request {
            method,
            path: path.into(),
            query: String::new(),
            headers: http::HeaderMap::new(),
            body: body.into(),
            origin: String::new(),
            id: String::new(),
        }
    }

    #[test]
    fn a_fault_befalls_the_requests_it_was_made_for() {
        let on = Matcher::invitation().of("A1").nth(2).times(2);
        let mut armed = Armed::new(vec![Fault::new(on, Action::Drop)]);
        let mut strikes =
            |path: &str, body| armed.strike(&request(Method::POST, path, body)).is_some();
        let mine = "{\"invitedUser\":{\"id\":\"a1\"}}";
        assert!(!strikes("/v1.0/invitations", mine));
        assert!(!strikes("/v1.0/invitations", "{}"));
        assert!(!strikes("/v1.0/users/a1", ""));
        assert!(strikes("/v1.0/invitations", mine));
        assert!(strikes("/v1.0/invitations", mine));
        assert!(!strikes("/v1.0/invitations", mine));
    }

    #[test]
    fn a_fault_can_befall_every_third_request() {
        let on = Matcher::patch().nth(2).every(3).times(2);
        let mut armed = Armed::new(vec![Fault::new(on, Action::Drop)]);
        let struck: Vec<u64> = (1..=12)
            .filter(|_| armed.strike(&request(Method::PATCH, "/v1.0/users/1", "")).is_some())
            .collect();
        assert_eq!(struck, [2, 5]);
    }

    #[test]
    fn retry_after_comes_in_every_form() {
        let now = "2026-05-01T08:00:00Z".parse().unwrap();
        let request = request(Method::POST, "/v1.0/invitations", "");
        let table = [
            (RetryAfter::Seconds(7), "7"),
            (RetryAfter::Decimal(0.5), "0.500"),
            (RetryAfter::HttpDate(Duration::from_secs(30)), "Fri, 01 May 2026 08:00:30 GMT"),
            (RetryAfter::Text("soon".into()), "soon"),
        ];
        for (retry_after, header) in table {
            let answer = Canned::throttled(retry_after).answer(&request, now);
            assert_eq!(answer.headers["retry-after"], header);
        }
        assert!(Canned::status(429).answer(&request, now).headers.is_empty());
    }
}
