//! How requests travel in these tests: straight into the tenant's router, noted
//! down, and, where a script says so, never to be answered.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{Method, Request, Response};
use jiff::Timestamp;
use reinvite::emulator::{AnswerLost, Emulator, NoConnection};
use reinvite::graph::{Reached, Transport, TransportError};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;
use tower_service::Service as _;

/// Where the world stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Before the n-th request of the run, from 1, is delivered.
    Before(usize),
    /// After the n-th request was carried out and before its answer is seen.
    After(usize),
    /// At this moment, whatever is going on.
    At(Timestamp),
}

/// A request that left the program.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) at: Timestamp,
    pub(crate) method: Method,
    /// Path and query, `/v1.0` left out.
    pub(crate) path: String,
    /// Null when there is none.
    pub(crate) body: Value,
}

impl Sent {
    pub(crate) fn is_write(&self) -> bool {
        self.is_patch() || self.is_invitation()
    }

    pub(crate) fn is_patch(&self) -> bool {
        self.method == Method::PATCH
    }

    pub(crate) fn is_invitation(&self) -> bool {
        self.method == Method::POST && self.path.starts_with("/invitations")
    }

    /// Whether it is about this user.
    pub(crate) fn is_about(&self, id: &str) -> bool {
        self.path.contains(id) || self.body["invitedUser"]["id"] == id
    }
}

/// Called with every request before it is delivered, and its number.
pub(crate) type Watcher = Arc<dyn Fn(usize, &Sent) + Send + Sync>;

/// The transport of one run.
pub(crate) struct Wire {
    emulator: Emulator,
    router: Router,
    sent: Arc<Mutex<Vec<Sent>>>,
    cut: Option<Cut>,
    watcher: Option<Watcher>,
    /// When no connection comes about.
    away: Option<(Range<Instant>, &'static str)>,
    stopped: watch::Sender<bool>,
}

impl Wire {
    pub(crate) fn new(
        emulator: &Emulator,
        sent: Arc<Mutex<Vec<Sent>>>,
        cut: Option<Cut>,
        watcher: Option<Watcher>,
    ) -> Self {
        Self {
            emulator: emulator.clone(),
            router: emulator.router(),
            sent,
            cut,
            watcher,
            away: None,
            stopped: watch::Sender::new(false),
        }
    }

    /// Without a network for a while, counted from now.
    pub(crate) fn away(mut self, away: Option<(Range<Duration>, &'static str)>) -> Self {
        let now = Instant::now();
        self.away = away.map(|(away, why)| (now + away.start..now + away.end, why));
        self
    }

    /// Turns true when the world stops.
    pub(crate) fn stopped(&self) -> watch::Receiver<bool> {
        self.stopped.subscribe()
    }

    /// Stops the world: no request is delivered, no answer seen any more.
    async fn stop_the_world(&self) -> ! {
        self.stopped.send_replace(true);
        std::future::pending().await
    }

    fn note(&self, request: &Request<Bytes>) -> (usize, Sent) {
        let path = request.uri().path_and_query().map_or("", |path| path.as_str());
        let entry = Sent {
            at: self.emulator.now(),
            method: request.method().clone(),
            path: path.strip_prefix("/v1.0").unwrap_or(path).to_owned(),
            body: serde_json::from_slice(request.body()).unwrap_or_default(),
        };
        let mut sent = self.sent.lock().unwrap();
        sent.push(entry.clone());
        (sent.len(), entry)
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        if *self.stopped.borrow() {
            self.stop_the_world().await;
        }
        if let Some((away, why)) = &self.away
            && away.contains(&Instant::now())
        {
            let message = format!("graph.example: {why}");
            return Err(TransportError { was_up: false, reached: Reached::No, message });
        }
        let (n, entry) = self.note(&request);
        if let Some(watcher) = &self.watcher {
            watcher(n, &entry);
        }
        if self.cut == Some(Cut::Before(n)) {
            self.stop_the_world().await;
        }
        // A router is always ready and never fails.
        let answer = self.router.clone().call(request.map(Body::from)).await.unwrap();
        let answer = received(answer).await;
        if self.cut == Some(Cut::After(n)) || *self.stopped.borrow() {
            self.stop_the_world().await;
        }
        answer
    }
}

/// What is larger is no answer.
const MOST_OF_A_BODY: usize = 32 * 1024 * 1024;

/// What a client sees of an answer: as over a socket, except for the socket.
async fn received(answer: axum::response::Response) -> Result<Response<Bytes>, TransportError> {
    let lost = |what: &str| TransportError {
        was_up: false,
        reached: Reached::Maybe,
        message: format!("graph.example: {what}"),
    };
    if answer.extensions().get::<NoConnection>().is_some() {
        return Err(TransportError { reached: Reached::No, ..lost("no route to host") });
    }
    if answer.extensions().get::<AnswerLost>().is_some() {
        return Err(lost("the connection was closed"));
    }
    let (parts, body) = answer.into_parts();
    match to_bytes(body, MOST_OF_A_BODY).await {
        Ok(body) => Ok(Response::from_parts(parts, body)),
        Err(_) if !parts.status.is_success() => Ok(Response::from_parts(parts, Bytes::new())),
        Err(_) => Err(lost("the body broke off")),
    }
}
