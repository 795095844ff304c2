//! A refusal by the service, as it was answered.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};

use super::backoff::retry_after;
use super::wire::{ErrorBody, ErrorDetail, ErrorEnvelope};

/// An answer that is no success: its status, what the service says of it, and
/// what a support case needs.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub status: StatusCode,
    /// `error.code`; may be empty.
    pub code: String,
    /// `error.message` on one line, or the beginning of a body that is not JSON.
    pub message: String,
    /// Codes of `error.details`.
    pub details: Vec<String>,
    /// `request-id`.
    pub request_id: Option<String>,
    /// How long to wait before asking again, when told.
    pub retry_after: Option<Duration>,
}

/// Enough of a gateway's HTML page to recognise it by.
const LONGEST_EXCERPT: usize = 200;

impl Refusal {
    pub(super) fn read(answer: &Response<Bytes>) -> Self {
        Self::from_parts(answer.status(), answer.headers(), answer.body())
    }

    /// Reads a refusal from an answer's status, headers and body, whatever that is:
    /// Graph's JSON, a gateway's page, or nothing.
    pub fn from_parts(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let request_id = header(headers, "request-id");
        let body = match serde_json::from_slice::<ErrorEnvelope>(body) {
            Ok(envelope) => envelope.error,
            Err(_) => ErrorBody { message: excerpt(body), ..ErrorBody::default() },
        };
        let inner = |key| {
            body.inner_error.as_ref().and_then(|inner| Some(inner.get(key)?.as_str()?.to_owned()))
        };
        Self {
            status,
            details: body.details.iter().map(|ErrorDetail { code, .. }| code.clone()).collect(),
            request_id: request_id.or_else(|| inner("request-id")),
            retry_after: retry_after(headers),
            code: one_line(&body.code),
            message: one_line(&body.message),
        }
    }

    /// The message folded for matching: lower case, typographic apostrophes made
    /// plain. Microsoft advises against reading messages, but several causes share
    /// a code and differ in nothing else.
    pub(super) fn folded_message(&self) -> String {
        self.message.to_lowercase().replace(['\u{2019}', '\u{2018}'], "'")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status.as_u16())?;
        if !self.code.is_empty() {
            write!(f, " {}", self.code)?;
        }
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

pub(super) fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn excerpt(body: &[u8]) -> String {
    one_line(&String::from_utf8_lossy(body)).chars().take(LONGEST_EXCERPT).collect()
}

/// Words of the service on one line, which nothing in them can end: what stands behind a
/// line break would look like a line of ours.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).collect()
}
