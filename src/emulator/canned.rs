//! Answers from the tin: what a fault says in the tenant's place.
//!
//! Leaves to others: whom they befall (`faults`).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::clock::http_date;
use super::http::{Answer, Request};
use crate::graph::wire::{ErrorBody, ErrorEnvelope};

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

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    #[test]
    fn retry_after_comes_in_every_form() {
        let now = "2026-05-01T08:00:00Z".parse().unwrap();
        let request = Request {
            method: Method::POST,
            path: "/v1.0/invitations".into(),
            query: String::new(),
            headers: http::HeaderMap::new(),
            body: "".into(),
            origin: String::new(),
            id: String::new(),
        };
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
