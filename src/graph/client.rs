//! The client: one door for every request, and what came of it.
//!
//! Passing the door means: wait for a turn, add the token, send, learn the
//! service's clock, and, when the service turned the request away, wait as it
//! asked and go again. What else an answer means is told by the catalogue.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::debug;
use url::Url;
use uuid::Uuid;

use crate::domain::Trace;

use super::answer::{Author, Foreign, author, from_json};
use super::auth::{AuthError, Claims, ClaimsRequest, Rejected, TOKEN_HEADER, TokenSource, Tokens};
use super::backoff::backoff;
use super::call_error::CallError;
use super::catalogue::{Operation, Verdict, judge};
use super::clock::Clock;
use super::connection::{Away, Connection};
use super::pace::{EarlierWrite, Lane, Pace, Pacer, Shape, Throttling, Waits, sleep_or_stop};
use super::redact::redact;
use super::refusal::{Refusal, header};
use super::transport::{ExplanationLost, Reached, Transport, TransportError};

/// Something about the traffic that a person may want to see while it happens.
#[derive(Debug, Clone)]
pub enum Observation {
    /// The service asked for patience.
    Throttled {
        /// `x-ms-throttle-scope`, when told.
        scope: Option<String>,
        wait: Duration,
    },
    /// A request is repeated after a wait.
    Retrying {
        /// Number of the attempt that failed, from 1.
        attempt: u32,
        wait: Duration,
        why: String,
    },
    /// Everything waits, for at most so long.
    Waiting { at_most: Duration, why: String },
    /// Something odd that changes nothing, told once.
    Noticed { what: String },
}

/// Whoever is told of observations.
pub type Observer = Arc<dyn Fn(Observation) + Send + Sync>;

/// Requests that were repeated and answers that asked for patience.
#[derive(Debug, Default)]
pub struct Traffic {
    pub requests: AtomicU64,
    /// Requests that were repeated.
    pub retries: AtomicU64,
    /// Answers with status 429, those inside batches included.
    pub throttled: AtomicU64,
}

/// How often a request that is safe to repeat is sent before its failure counts.
/// With the waits between, this bridges about a minute of trouble.
const ATTEMPTS: u32 = 6;

/// So many answers in a row that are not the service's, and something stands between.
const FOREIGN_ANSWERS: u32 = 3;

/// So often in a row is an answer believed to have broken on its way.
const BROKEN_ANSWERS: u32 = 3;

/// How often one request may be turned away. With Graph's usual waits of some
/// seconds to a minute this is a quarter of an hour or more without one request
/// getting through: a person or the next run should decide.
pub(crate) const THROTTLED_ATTEMPTS: u32 = 30;

/// An answer that took longer says nothing about the time it arrives at.
const QUICK_ANSWER: Duration = Duration::from_secs(1);

/// An invitation whose token took longer is not sent with it, but decided on once more.
const QUICK_TOKEN: Duration = Duration::from_secs(2);

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

    fn note_request(&self, id: Uuid) {
        let mut trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = trace.requests + 1;
        *trace = Trace { requests, client_request_id: Some(id.to_string()), ..Trace::default() };
    }

    fn note_answer(&self, answer: &Response<Bytes>) {
        let mut trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
        trace.status = Some(answer.status().as_u16());
        trace.request_id = header(answer.headers(), "request-id");
    }

    fn lane(&self) -> Lane {
        match self.operation {
            Operation::Read => Lane::Read,
            Operation::WriteMail | Operation::WriteOtherMails => Lane::Patch,
            Operation::Invite => Lane::Invite,
            Operation::Mailbox | Operation::SendMail => Lane::Mail,
        }
    }
}

/// The way to the sign-in service, whose waits are told.
struct SignInWay<'a> {
    transport: &'a dyn Transport,
    observer: &'a (dyn Fn(Observation) + Send + Sync),
}

#[async_trait]
impl Transport for SignInWay<'_> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.transport.send(request).await
    }

    fn told_to_wait(&self, wait: Duration, status: StatusCode) {
        let why = format!("the sign-in service answered {}", status.as_u16());
        (self.observer)(Observation::Waiting { at_most: wait, why });
    }
}

/// A client for one tenant.
pub struct Graph {
    transport: Arc<dyn Transport>,
    root: Url,
    tokens: Tokens,
    pub(super) pacer: Pacer,
    clock: Arc<Clock>,
    connection: Connection,
    foreign: Mutex<ForeignAnswers>,
    traffic: Traffic,
    observer: Observer,
    stop: CancellationToken,
}

/// Answers in a row that were not the service's.
#[derive(Debug, Default)]
struct ForeignAnswers {
    /// Of any requests.
    in_a_row: u32,
    /// Of requests of one kind: what lets reads pass and no writes is in the way, too.
    of: [u32; 4],
    /// The one that was one too many.
    last: Option<Box<Foreign>>,
}

impl ForeignAnswers {
    fn of(&mut self, lane: Lane) -> &mut u32 {
        &mut self.of[match lane {
            Lane::Read => 0,
            Lane::Patch => 1,
            Lane::Invite => 2,
            Lane::Mail => 3,
        }]
    }
}

impl Graph {
    /// A client for the Graph root (`https://graph.microsoft.com`), without version.
    /// Cancelling `stop` ends every wait before a request, never a request under way.
    pub fn new(
        transport: Arc<dyn Transport>,
        root: &Url,
        source: Box<dyn TokenSource>,
        pace: Pace,
        clock: Arc<Clock>,
        observer: Observer,
        stop: CancellationToken,
    ) -> Self {
        let mut root = root.clone();
        let path = format!("{}/v1.0", root.path().trim_end_matches('/'));
        root.set_path(&path);
        Self {
            transport,
            root,
            tokens: Tokens::new(source),
            pacer: Pacer::new(pace, stop.clone()),
            clock,
            connection: Connection::default(),
            foreign: Mutex::default(),
            traffic: Traffic::default(),
            observer,
            stop,
        }
    }

    /// The way to the sign-in service, which may ask for patience.
    fn sign_in_way(&self) -> SignInWay<'_> {
        SignInWay { transport: &*self.transport, observer: &*self.observer }
    }

    /// Signs in and tells what the token says of the caller.
    pub async fn sign_in(&self) -> Result<Claims, CallError> {
        loop {
            self.connection.ready(&self.stop).await?;
            match self.tokens.bearer(&self.sign_in_way(), None).await {
                Ok(_) => return Ok(self.tokens.claims().await.unwrap_or_default()),
                Err(AuthError::Unreachable(error)) => {
                    self.away(error).map_err(AuthError::Unreachable)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Who answers in the service's place, time after time, if anybody does.
    pub fn answered_by_others(&self) -> Option<Box<Foreign>> {
        self.foreign.lock().unwrap_or_else(PoisonError::into_inner).last.clone()
    }

    pub(super) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    pub(super) fn tell_waiting(&self, at_most: Duration, why: String) {
        (self.observer)(Observation::Waiting { at_most, why });
    }

    /// Waits while there is no way to the service.
    pub(super) async fn connected(&self) -> Result<(), CallError> {
        Ok(self.connection.ready(&self.stop).await?)
    }

    /// Notes that no connection came about; an error when there is no waiting for one any
    /// more.
    fn away(&self, error: TransportError) -> Result<(), TransportError> {
        match self.connection.failed(error.hindrance()) {
            Away::Began(at_most) => {
                let why = format!("no way to the service: {error}");
                (self.observer)(Observation::Waiting { at_most, why });
                Ok(())
            }
            Away::Lasts => Ok(()),
            Away::GivenUp { was_up } => Err(TransportError { was_up, ..error }),
        }
    }

    /// Notes whose an answer is. An error when it is not the service's.
    fn recognise(&self, call: &Call, answer: &Response<Bytes>) -> Result<(), CallError> {
        let lane = call.lane();
        let mut foreign = self.foreign.lock().unwrap_or_else(PoisonError::into_inner);
        match author(answer) {
            Author::Graph => {
                foreign.in_a_row = 0;
                *foreign.of(lane) = 0;
                Ok(())
            }
            Author::Anybody => Ok(()),
            Author::Other => {
                foreign.in_a_row += 1;
                *foreign.of(lane) += 1;
                let by = Foreign::describe(call.url.host_str().unwrap_or_default(), answer);
                let evidence = by.to_string();
                if foreign.in_a_row.max(*foreign.of(lane)) >= FOREIGN_ANSWERS {
                    let by = Box::new(by);
                    foreign.last = Some(by.clone());
                    // An invitation is lost all the same, and so is a mail: nobody knows how
                    // far it came.
                    if !matches!(call.operation, Operation::Invite | Operation::SendMail) {
                        return Err(CallError::Foreign(by));
                    }
                }
                Err(CallError::Lost { evidence })
            }
        }
    }

    /// The time here and there.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Counts of what was sent.
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// Tells what earlier runs wrote in the last [`EarlierWrite::WINDOW`]: the tenant has
    /// not forgotten it.
    pub fn note_earlier_writes(&self, writes: &[EarlierWrite]) {
        self.pacer.spent(writes);
    }

    /// What requests have waited for so far.
    pub fn waits(&self) -> Waits {
        self.pacer.waits()
    }

    /// A URL below the version root; `path` and `query` are already encoded.
    pub(super) fn url(&self, path: &str, query: &str) -> Url {
        let mut url = self.root.clone();
        url.set_path(&format!("{}{path}", self.root.path()));
        url.set_query((!query.is_empty()).then_some(query));
        url
    }

    /// A URL below the root of the beta version, for what no other version shows.
    pub(super) fn beta_url(&self, path: &str) -> Url {
        let mut url = self.root.clone();
        let root = self.root.path().trim_end_matches("/v1.0");
        url.set_path(&format!("{root}/beta{path}"));
        url
    }

    /// A link the service gave us, if it leads to where we came from. A token must
    /// never travel to another origin.
    pub(super) fn own_link(&self, link: &str) -> Result<Url, CallError> {
        let url = Url::parse(link)
            .map_err(|error| CallError::Protocol(format!("`{link}` is no link: {error}")))?;
        if url.origin() != self.root.origin() || !url.username().is_empty() {
            return Err(CallError::Protocol(format!(
                "the next page is said to be at {}, another origin than {}; not followed",
                url.origin().ascii_serialization(),
                self.root.origin().ascii_serialization()
            )));
        }
        Ok(url)
    }

    /// Reads JSON; repeats what is safe to repeat.
    pub(super) async fn read<T: DeserializeOwned>(&self, call: &Call) -> Result<T, CallError> {
        self.read_sized(call).await.map(|(answer, _)| answer)
    }

    /// The same, and how many bytes it was.
    pub(super) async fn read_sized<T: DeserializeOwned>(
        &self,
        call: &Call,
    ) -> Result<(T, usize), CallError> {
        let mut attempt = 1;
        loop {
            let body = self.repeat(call).await?;
            let error = match from_json(&body) {
                Ok(answer) => return Ok((answer, body.len())),
                Err(error) => error,
            };
            let why = format!("{} {}: {error}", call.method, call.url.path());
            // No JSON to its end: it broke on its way, and one odd answer is none.
            if !(error.is_syntax() || error.is_eof()) || attempt == BROKEN_ANSWERS {
                return Err(CallError::Protocol(why));
            }
            self.retry_wait(attempt, None, why).await?;
            attempt += 1;
        }
    }

    /// Sends a request that is safe to repeat until it is answered for good.
    pub(super) async fn repeat(&self, call: &Call) -> Result<Bytes, CallError> {
        let mut attempt = 1;
        loop {
            let error = match self.pass(call).await {
                Ok(answer) => return Ok(answer.into_body()),
                Err(error) => error,
            };
            // A 503 may say how long (Microsoft Graph, *Throttling*).
            let (passing, asked) = match &error {
                CallError::Lost { .. } => (true, None),
                CallError::Refused { verdict, refusal } => {
                    let passing = matches!(verdict, Verdict::OutcomeUnknown | Verdict::RetrySoon);
                    (passing, refusal.retry_after)
                }
                CallError::Stopped
                | CallError::Auth(_)
                | CallError::Unreachable(_)
                | CallError::Throttled { .. }
                | CallError::ThrottledOut(_)
                | CallError::Foreign(_)
                | CallError::Protocol(_) => (false, None),
            };
            if !passing || attempt == ATTEMPTS {
                return Err(error);
            }
            self.retry_wait(attempt, asked, error.to_string()).await?;
            attempt += 1;
        }
    }

    /// Sends one request through the door. It is sent again only when it was
    /// certainly not carried out: turned away with a 429, refused for its token,
    /// or never connected.
    pub(super) async fn pass(&self, call: &Call) -> Result<Response<Bytes>, CallError> {
        let mut rejected: Option<Rejected> = None;
        let (mut throttled, mut unexplained) = (0, 0);
        let (lane, shape) = (call.lane(), self.shape(&call.url));
        loop {
            // An invitation waited for that before its intent was written down.
            if lane != Lane::Invite {
                self.connected().await?;
            }
            let permit = match lane {
                Lane::Read | Lane::Patch | Lane::Mail => self.pacer.enter(lane, shape).await?,
                // Its turn was taken before its intent was written down.
                Lane::Invite => match self.pacer.enter_now().await? {
                    Some(permit) => permit,
                    None => return Err(CallError::Throttled { by_service: false }),
                },
            };
            let asked_at = Instant::now();
            let way = self.sign_in_way();
            let bearer = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(CallError::Stopped),
                bearer = self.tokens.bearer(&way, rejected.as_ref()) => bearer,
            };
            let bearer = match bearer {
                Ok(bearer) => bearer,
                Err(AuthError::Unreachable(error)) => {
                    drop(permit);
                    self.away(error).map_err(AuthError::Unreachable)?;
                    if lane == Lane::Invite {
                        return Err(CallError::Throttled { by_service: false });
                    }
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if lane == Lane::Invite && asked_at.elapsed() > QUICK_TOKEN {
                // Signing in took its time: the guest may have changed meanwhile.
                return Err(CallError::Throttled { by_service: true });
            }
            self.traffic.requests.fetch_add(1, Ordering::Relaxed);
            let sent_at = Instant::now();
            let id = Uuid::new_v4();
            call.note_request(id);
            let answer = self.transport.send(request(call, &bearer, id)).await;
            drop(permit);
            log(call, &answer, sent_at.elapsed());
            let mut answer = match answer {
                Ok(answer) => answer,
                Err(error) if error.reached == Reached::No => {
                    self.away(error).map_err(CallError::Unreachable)?;
                    if lane == Lane::Invite {
                        // By the time there is a way again, the guest may have changed.
                        return Err(CallError::Throttled { by_service: false });
                    }
                    self.traffic.retries.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                Err(error) => {
                    self.connection.lost();
                    return Err(CallError::Lost { evidence: format!("no answer: {error}") });
                }
            };
            self.connection.is_up();
            let token = bearer.to_str().unwrap_or_default().trim_start_matches("Bearer ");
            redact(&mut answer, &[token]);
            self.recognise(call, &answer)?;
            call.note_answer(&answer);
            // A date that was long on its way would put the service's clock back by as much.
            if sent_at.elapsed() <= QUICK_ANSWER
                && let Some(apart) = self.clock.learn(answer.headers())
            {
                let what = format!(
                    "one answer was dated {apart:#} from the others; its date is not believed"
                );
                (self.observer)(Observation::Noticed { what });
            }
            self.pacer.learn_cost(shape, answer.headers());
            if answer.status() != StatusCode::TOO_MANY_REQUESTS {
                self.pacer.let_through(lane, sent_at, answer.headers());
            }
            if answer.status().is_success() {
                return Ok(answer);
            }
            let refusal = Refusal::read(&answer);
            // Refused, so not carried out; but the same status means "later" and
            // "never", and which of them was cut off. Asking again tells.
            let is_unexplained = answer.extensions().get::<ExplanationLost>().is_some();
            // A 403 may be the tenant's stop, which is not asked for twice; 408 and 429 mean
            // what they mean without words.
            let is_ambiguous = matches!(
                answer.status(),
                StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::CONFLICT
            );
            if is_unexplained && is_ambiguous && unexplained < ATTEMPTS {
                unexplained += 1;
                let why = format!("{refusal}, and the explanation was cut off");
                self.retry_wait(unexplained, refusal.retry_after, why).await?;
                continue;
            }
            let verdict = judge(call.operation, &refusal);
            match verdict {
                Verdict::Retry => {
                    throttled += 1;
                    if throttled == THROTTLED_ATTEMPTS {
                        return Err(CallError::ThrottledOut(throttled));
                    }
                    let wait = refusal.retry_after.unwrap_or_else(|| backoff(throttled));
                    self.hold_off_for(wait, lane, sent_at, answer.headers());
                    if call.operation == Operation::Invite {
                        // By the time the hold-off ends, the guest may have changed.
                        return Err(CallError::Throttled { by_service: true });
                    }
                }
                Verdict::RefreshToken => {
                    let claims = ClaimsRequest::from_headers(answer.headers());
                    let refused = Rejected { bearer, claims };
                    // A token got for this very request and refused again: another won't help.
                    if rejected.is_some() || !self.tokens.can_refresh() {
                        // Whose token is good and who may not do this: the sign-in is in order.
                        if answer.status() == StatusCode::FORBIDDEN {
                            return Err(CallError::Refused { refusal: Box::new(refusal), verdict });
                        }
                        let refusal = refusal.to_string();
                        return Err(self.tokens.refused_for_good(&refusal, &refused).into());
                    }
                    rejected = Some(refused);
                    self.traffic.retries.fetch_add(1, Ordering::Relaxed);
                }
                Verdict::RetrySoon
                | Verdict::RetryWhileReplicating(_)
                | Verdict::Postponed(_)
                | Verdict::RowFailed(_)
                | Verdict::NotPermitted(_)
                | Verdict::StopRun(_)
                | Verdict::OutcomeUnknown => {
                    return Err(CallError::Refused { refusal: Box::new(refusal), verdict });
                }
            }
        }
    }

    /// Holds off what a refusal names. Whoever waits at the door notices.
    pub(super) fn hold_off_for(
        &self,
        wait: Duration,
        lane: Lane,
        sent_at: Instant,
        headers: &HeaderMap,
    ) {
        self.traffic.throttled.fetch_add(1, Ordering::Relaxed);
        self.traffic.retries.fetch_add(1, Ordering::Relaxed);
        let scope = header(headers, "x-ms-throttle-scope");
        let information = header(headers, "x-ms-throttle-information");
        let (scope_told, information) = (scope.as_deref(), information.as_deref());
        self.pacer.refused(Throttling { lane, sent_at, wait, scope: scope_told, information });
        (self.observer)(Observation::Throttled { scope, wait });
    }

    /// What the cost of a call depends on.
    fn shape(&self, url: &Url) -> Shape {
        let path = url.path().strip_prefix(self.root.path()).unwrap_or_default();
        Shape::from_request(path, url.query().unwrap_or_default())
    }

    pub(super) async fn retry_wait(
        &self,
        attempt: u32,
        asked: Option<Duration>,
        why: String,
    ) -> Result<(), CallError> {
        let wait = asked.unwrap_or_default().max(backoff(attempt));
        self.traffic.retries.fetch_add(1, Ordering::Relaxed);
        (self.observer)(Observation::Retrying { attempt, wait, why });
        Ok(sleep_or_stop(wait, &self.stop).await?)
    }
}

fn request(call: &Call, bearer: &HeaderValue, id: Uuid) -> Request<Bytes> {
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
fn log(call: &Call, answer: &Result<Response<Bytes>, TransportError>, took: Duration) {
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
