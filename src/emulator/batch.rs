//! `POST /$batch` (Microsoft Graph, *JSON batching*, 2025-02).
//!
//! Leaves to others: the requests inside, which go the way of all requests
//! (`routes`).

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use super::errors::Refusal;
use super::http::{Answer, Loss, Request, random_id};
use super::state::Shared;
use crate::graph::wire::{BatchItem, BatchItemResponse, BatchRequest, BatchResponse};

const MAX_ITEMS: usize = 20;

impl Shared {
    /// Carries out a batch. Items run in their order; the answers come in the
    /// opposite one, because Graph does not promise any.
    pub(super) async fn batch(&self, request: &Request) -> Result<Answer, Refusal> {
        let BatchRequest { requests } = request.json()?;
        check(&requests)?;
        let mut answers: HashMap<String, u16> = HashMap::new();
        let mut responses = Vec::with_capacity(requests.len());
        let mut loss = Loss::None;
        for item in requests {
            let key = item.id.to_lowercase();
            let parents = item.depends_on.iter().map(|id| answers.get(&id.to_lowercase()));
            let parent_failed =
                parents.into_iter().any(|status| status.is_none_or(|status| *status >= 300));
            let response = if parent_failed {
                failed_dependency(item.id)
            } else {
                let id = item.id.clone();
                let answer = Box::pin(self.respond(item_request(request, item)?, true)).await;
                if answer.loss != Loss::None {
                    loss = answer.loss;
                }
                response(id, &answer)
            };
            answers.insert(key, response.status);
            responses.push(response);
        }
        responses.reverse();
        let mut answer = Answer::ok(&BatchResponse { responses });
        answer.loss = loss;
        Ok(answer)
    }
}

pub(super) fn check(items: &[BatchItem]) -> Result<(), Refusal> {
    if items.is_empty() || items.len() > MAX_ITEMS {
        return Err(Refusal::bad_request(format!(
            "Number of batch request steps exceeds the maximum value of {MAX_ITEMS} or is zero."
        )));
    }
    // Ids are not case-sensitive.
    let mut ids = HashSet::new();
    for item in items {
        let depends_on_itself_or_later =
            item.depends_on.iter().any(|id| !ids.contains(&id.to_lowercase()));
        if depends_on_itself_or_later {
            return Err(Refusal::bad_request(format!(
                "Invalid batch payload: dependsOn of request '{}' names no earlier request.",
                item.id
            )));
        }
        if !ids.insert(item.id.to_lowercase()) {
            return Err(Refusal::bad_request(format!(
                "Request Id {} has to be unique in a batch.",
                item.id
            )));
        }
        let has_type = item.headers.keys().any(|name| name.eq_ignore_ascii_case("Content-Type"));
        if item.body.is_some() && !has_type {
            return Err(Refusal::bad_request(format!(
                "Write request id : {} does not contain Content-Type header or body.",
                item.id
            )));
        }
    }
    Ok(())
}

pub(super) fn item_request(batch: &Request, item: BatchItem) -> Result<Request, Refusal> {
    let invalid = |what: &str| {
        Refusal::bad_request(format!("Invalid {what} of batch request '{}'.", item.id))
    };
    let method = item.method.to_uppercase().parse().map_err(|_| invalid("method"))?;
    // The Python SDK names items by their whole URL, and its own tests expect that to
    // work; it is not documented.
    let root = format!("{}/v1.0", batch.origin);
    let url = item.url.strip_prefix(&root).unwrap_or(&item.url);
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let mut headers = HeaderMap::new();
    if let Some(token) = batch.headers.get(http::header::AUTHORIZATION) {
        headers.insert(http::header::AUTHORIZATION, token.clone());
    }
    for (name, value) in &item.headers {
        let text = value.as_str().ok_or_else(|| invalid("header"))?;
        let name: HeaderName = name.parse().map_err(|_| invalid("header"))?;
        headers.insert(name, HeaderValue::from_str(text).map_err(|_| invalid("header"))?);
    }
    Ok(Request {
        method,
        path: format!("/v1.0/{}", path.trim_start_matches('/')),
        query: query.into(),
        headers,
        body: item.body.map_or_else(Bytes::new, |body| body.to_string().into()),
        origin: batch.origin.clone(),
        id: random_id(),
    })
}

fn response(id: String, answer: &Answer) -> BatchItemResponse {
    let mut headers = Map::new();
    if !answer.content_type.is_empty() {
        headers.insert("Content-Type".into(), answer.content_type.into());
    }
    for (name, value) in &answer.headers {
        let name = if name == "retry-after" { "Retry-After" } else { name.as_str() };
        headers.insert(name.into(), value.to_str().unwrap_or_default().into());
    }
    let text = || Value::String(String::from_utf8_lossy(&answer.body).into_owned());
    let body = match answer.body.as_slice() {
        [] => Value::Null,
        bytes => serde_json::from_slice(bytes).unwrap_or_else(|_| text()),
    };
    BatchItemResponse { id, status: answer.status.as_u16(), headers, body }
}

fn failed_dependency(id: String) -> BatchItemResponse {
    BatchItemResponse {
        id,
        status: StatusCode::FAILED_DEPENDENCY.as_u16(),
        headers: Map::new(),
        body: json!({ "error": { "code": "FailedDependency", "message": "A request this one depends on failed." } }),
    }
}
