//! Many small reads in few requests: `$batch` of 20 (Microsoft Graph, *JSON
//! batching*, 2025-02), or one by one where the server has no `$batch`.
//!
//! Only reads go in batches: an invitation's outcome must not hang on the outcome
//! of nineteen others.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;
use tokio::time::Instant;

use super::backoff::backoff;
use super::call::Call;
use super::call_error::CallError;
use super::catalogue::{Operation, Verdict, judge};
use super::client::Graph;
use super::pace::{Lane, Shape};
use super::refusal::Refusal;
use super::wire;

pub(super) const BATCH_SIZE: usize = 20;

/// Batches under way at one time; more would only queue at the server.
const CONCURRENT_BATCHES: usize = 4;

/// How often the turned-away part of a batch is sent again.
const ROUNDS: u32 = 10;

/// A GET, relative to the version root, already encoded.
#[derive(Debug, Clone)]
pub(super) struct Get {
    pub(super) path: String,
    pub(super) query: String,
}

impl Get {
    /// Whether it counts, which only an advanced query may (Microsoft Graph, *Advanced
    /// queries*, 2025-08).
    pub(super) fn is_advanced(&self) -> bool {
        self.query.split('&').any(|pair| pair == "$count=true")
    }
}

pub(super) type Got = Result<Value, Refusal>;

impl Graph {
    /// Sends all of them and returns the answers in their order.
    pub(super) async fn get_all(&self, gets: &[Get]) -> Result<Vec<Got>, CallError> {
        let chunks = stream::iter(gets.chunks(BATCH_SIZE))
            .map(|chunk| self.get_chunk(chunk))
            .buffered(CONCURRENT_BATCHES)
            .try_collect::<Vec<_>>()
            .await?;
        Ok(chunks.into_iter().flatten().collect())
    }

    async fn get_chunk(&self, gets: &[Get]) -> Result<Vec<Got>, CallError> {
        let mut done: HashMap<usize, Got> = HashMap::new();
        let mut outstanding: Vec<usize> = (0..gets.len()).collect();
        for round in 1.. {
            let shape = |get: &Get| Shape::from_request(&get.path, &get.query);
            self.pacer.take_units(outstanding.iter().map(|&n| shape(&gets[n]))).await?;
            let sent_at = Instant::now();
            let answers = match self.post_batch(gets, &outstanding).await {
                Ok(answers) => answers,
                // A server without `$batch` still answers the single requests.
                Err(error) if error.is_unavailable() => return self.get_singly(gets).await,
                Err(error) => return Err(error),
            };
            // The longest wait of any item counts for the next batch.
            let mut longest: Option<(Duration, HeaderMap)> = None;
            for answer in answers {
                let Some(position) = answer.id.parse().ok().filter(|p| outstanding.contains(p))
                else {
                    continue;
                };
                let status = StatusCode::from_u16(answer.status).map_err(|_| {
                    CallError::Protocol(format!("a batch answered status {}", answer.status))
                })?;
                let headers = header_map(&answer.headers);
                self.pacer.learn_cost(shape(&gets[position]), &headers);
                if status.is_success() {
                    done.insert(position, Ok(answer.body));
                    continue;
                }
                let body = answer.body.to_string();
                let refusal = Refusal::from_parts(status, &headers, body.as_bytes());
                match judge(Operation::Read, &refusal) {
                    Verdict::Retry | Verdict::OutcomeUnknown if round < ROUNDS => {
                        let asked = refusal.retry_after.unwrap_or_else(|| backoff(round));
                        if longest.as_ref().is_none_or(|(wait, _)| asked > *wait) {
                            longest = Some((asked, headers));
                        }
                    }
                    _ => {
                        done.insert(position, Err(refusal));
                    }
                }
            }
            outstanding.retain(|position| !done.contains_key(position));
            if outstanding.is_empty() {
                break;
            }
            if round >= ROUNDS {
                return Err(CallError::Protocol(format!(
                    "a batch left {} of {} requests unanswered, {round} times",
                    outstanding.len(),
                    gets.len()
                )));
            }
            let (wait, headers) = longest.unwrap_or_else(|| (backoff(round), HeaderMap::new()));
            self.hold_off_for(wait, Lane::Read, sent_at, &headers);
        }
        Ok((0..gets.len()).filter_map(|position| done.remove(&position)).collect())
    }

    async fn post_batch(
        &self,
        gets: &[Get],
        outstanding: &[usize],
    ) -> Result<Vec<wire::BatchItemResponse>, CallError> {
        let requests = outstanding
            .iter()
            .map(|&position| wire::BatchItem {
                id: position.to_string(),
                method: "GET".to_owned(),
                url: relative(&gets[position]),
                headers: headers(&gets[position]),
                body: None,
                depends_on: Vec::new(),
            })
            .collect();
        let body = serde_json::to_vec(&wire::BatchRequest { requests })
            .expect("wire types are plain data");
        let call = Call {
            method: Method::POST,
            url: self.url("/$batch", ""),
            body: Some(body.into()),
            operation: Operation::Read,
            advanced: false,
            trace: Mutex::default(),
        };
        Ok(self.read::<wire::BatchResponse>(&call).await?.responses)
    }

    async fn get_singly(&self, gets: &[Get]) -> Result<Vec<Got>, CallError> {
        stream::iter(gets)
            .map(async |get| {
                let url = self.url(&get.path, &get.query);
                let call = Call { advanced: get.is_advanced(), ..Call::get(url) };
                match self.read::<Value>(&call).await {
                    Ok(body) => Ok(Ok(body)),
                    Err(CallError::Refused { refusal, .. }) => Ok(Err(*refusal)),
                    Err(error) => Err(error),
                }
            })
            .buffered(BATCH_SIZE)
            .try_collect()
            .await
    }
}

fn relative(get: &Get) -> String {
    if get.query.is_empty() { get.path.clone() } else { format!("{}?{}", get.path, get.query) }
}

fn headers(get: &Get) -> serde_json::Map<String, Value> {
    let consistency = get.is_advanced().then(|| ("ConsistencyLevel".to_owned(), "eventual".into()));
    consistency.into_iter().collect()
}

fn header_map(headers: &serde_json::Map<String, Value>) -> HeaderMap {
    headers
        .iter()
        .filter_map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Some((
                HeaderName::from_bytes(name.as_bytes()).ok()?,
                HeaderValue::from_str(&text).ok()?,
            ))
        })
        .collect()
}
