//! A request before it is sent, and how it is put on its way.
//!
//! Leaves to others: sending it (`door`), and what its answer means (`catalogue`).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response};
use tracing::debug;
use url::Url;
use uuid::Uuid;

use crate::domain::Trace;

use super::auth::TOKEN_HEADER;
use super::catalogue::Operation;
use super::pace::Lane;
use super::refusal::header;
use super::transport::TransportError;

/// A request, as often as it is sent.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Option<Bytes>,
    pub(super) operation: Operation,
    /// Serves the request from the eventually consistent index that advanced
    /// queries need (Microsoft Graph, *Advanced queries*, 2025-08).
    pub(super) advanced: bool,
    /// What its attempts leave with the service.
    pub(super) trace: Mutex<Trace>,
}

impl Call {
    pub(super) fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            body: None,
            operation: Operation::Read,
            advanced: false,
            trace: Mutex::default(),
        }
    }

    /// What its attempts left with the service.
    pub(super) fn into_trace(self) -> Trace {
        self.trace.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note_request(&self, id: Uuid) {
        let mut trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = trace.requests + 1;
        *trace = Trace { requests, client_request_id: Some(id.to_string()), ..Trace::default() };
    }

    pub(super) fn note_answer(&self, answer: &Response<Bytes>) {
        let mut trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
        trace.status = Some(answer.status().as_u16());
        trace.request_id = header(answer.headers(), "request-id");
    }

    pub(super) fn lane(&self) -> Lane {
        match self.operation {
            Operation::Read => Lane::Read,
            Operation::WriteMail | Operation::WriteOtherMails => Lane::Patch,
            Operation::Invite => Lane::Invite,
            Operation::Mailbox | Operation::SendMail => Lane::Mail,
        }
    }
}

pub(super) fn request(call: &Call, bearer: &HeaderValue, id: Uuid) -> Request<Bytes> {
    let mut builder = Request::builder()
        .method(call.method.clone())
        .uri(call.url.as_str())
        .header(TOKEN_HEADER, bearer)
        .header("client-request-id", id.to_string())
        // A bulk job yields to people at work (Microsoft Graph, *Throttling*).
        .header("x-ms-throttle-priority", "Low");
    if call.body.is_some() {
        builder = builder.header(http::header::CONTENT_TYPE, "application/json");
    }
    if call.lane() == Lane::Mail {
        // The same id before and after the message was sent (Microsoft Graph, *Obtain
        // immutable identifiers*).
        builder = builder.header("Prefer", "IdType=\"ImmutableId\"");
    }
    if call.advanced {
        builder = builder.header("ConsistencyLevel", "eventual");
    }
    builder.body(call.body.clone().unwrap_or_default()).expect("the URL was parsed before")
}

/// One line per request: what was asked, what came, how long it took. Neither
/// bodies nor query strings, which hold addresses.
pub(super) fn log(call: &Call, answer: &Result<Response<Bytes>, TransportError>, took: Duration) {
    let (method, path) = (&call.method, call.url.path());
    match answer {
        Ok(answer) => {
            let status = answer.status().as_u16();
            let request_id = header(answer.headers(), "request-id");
            debug!(%method, path, status, request_id, ?took, "answered");
        }
        Err(error) => debug!(%method, path, %error, ?took, "no answer"),
    }
}
