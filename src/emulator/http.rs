//! A request and an answer inside the emulator, the same for a socket, an
//! in-process call and an item of a batch.
//!
//! Leaves to others: how they came here and leave again (`server`).

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use percent::decode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::errors::Refusal;
use super::faults::Spoil;

#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    /// As sent, without the query.
    pub(super) path: String,
    /// As sent, without the question mark.
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Scheme and authority for links back to us.
    pub(super) origin: String,
    /// What the header `request-id` and the body of a refusal call it.
    pub(super) id: String,
}

impl Request {
    /// The segments of the path, decoded. A cast may leave out `microsoft.`, as the SDKs
    /// do; here it never does.
    pub(super) fn segments(&self) -> Vec<String> {
        let segments = self.path.split('/').filter(|segment| !segment.is_empty()).map(decode);
        segments
            .map(|segment| match segment.strip_prefix("graph.") {
                Some(cast) => format!("microsoft.graph.{cast}"),
                None => segment,
            })
            .collect()
    }

    /// Host and port that it was sent to.
    pub(super) fn host(&self) -> &str {
        self.origin.split_once("://").map_or(self.origin.as_str(), |(_, host)| host)
    }

    /// Path and query, as sent.
    pub(super) fn path_and_query(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        format!("{}?{}", self.path, self.query)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether `ConsistencyLevel: eventual` came with the request.
    pub(super) fn is_eventual(&self) -> bool {
        self.header("ConsistencyLevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual"))
    }

    /// Whether the beta version is asked.
    pub(super) fn is_beta(&self) -> bool {
        self.path.starts_with("/beta/")
    }

    /// The body as JSON. Its `Content-Type` must say so.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let is_json = self
            .header("Content-Type")
            .is_some_and(|kind| kind.trim_start().starts_with("application/json"));
        if !is_json {
            return Err(Refusal::bad_request(
                "A valid Content-Type header is required: application/json.",
            ));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            Refusal::bad_request(format!("Unable to read JSON request payload. {error}"))
        })
    }
}

pub(super) fn random_id() -> String {
    Uuid::from_u128(fastrand::u128(..)).to_string()
}

/// How an answer fails to arrive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Loss {
    #[default]
    None,
    /// The connection closes before the first byte of it.
    Dropped,
    /// The connection closes halfway through the body.
    Truncated,
    Spoilt(Spoil),
    /// No connection comes about.
    NoConnection,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
    /// Resource units charged.
    pub(super) units: u32,
    pub(super) loss: Loss,
    /// Something on the way answers, not Graph.
    pub(super) is_foreign: bool,
}

pub(super) const JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

impl Answer {
    pub(super) fn new(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Self {
        let headers = HeaderMap::new();
        Self { status, headers, content_type, body, units: 0, loss: Loss::None, is_foreign: false }
    }

    pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("our own types have string keys");
        Self::new(status, JSON, body)
    }

    pub(super) fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, body)
    }

    pub(super) fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT, "", Vec::new())
    }

    pub(super) fn lost(loss: Loss) -> Self {
        Self { loss, ..Self::no_content() }
    }

    pub(super) fn set(&mut self, name: &'static str, value: &str) {
        // A client's own text may come back in a header; what cannot is left out.
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Percent-decoding of paths and queries.
pub(super) mod percent {
    /// Decodes `%XX`; what is no such escape stays as it is.
    pub(in crate::emulator) fn decode(text: &str) -> String {
        let bytes = text.as_bytes();
        let mut decoded = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let escape = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
            match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                Some(byte) if bytes[at] == b'%' => {
                    decoded.push(byte);
                    at += 3;
                }
                _ => {
                    decoded.push(bytes[at]);
                    at += 1;
                }
            }
        }
        String::from_utf8_lossy(&decoded).into_owned()
    }

    /// Decodes a value of a query, where a plus is a blank.
    pub(in crate::emulator) fn decode_query(text: &str) -> String {
        decode(&text.replace('+', " "))
    }
}

#[cfg(test)]
mod tests {
    use super::percent::{decode, decode_query};

    #[test]
    fn escapes_are_decoded_and_anything_else_is_kept() {
        assert_eq!(decode("ada_f%23EXT%23%40c"), "ada_f#EXT#@c");
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%zz+"), "%zz+");
        assert_eq!(decode_query("a+b%2Bc"), "a b+c");
    }
}
