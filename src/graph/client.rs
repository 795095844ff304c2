//! The client: who it is, what it keeps, and whose answers it believes.
//!
//! Leaves to others: sending (`door`), and what an answer means (`catalogue`).

mod door;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::answer::{Author, Foreign, author};
use super::auth::{AuthError, Claims, TokenSource, Tokens};
use super::call::Call;
use super::call_error::CallError;
use super::catalogue::Operation;
use super::clock::Clock;
use super::connection::{Away, Connection};
use super::pace::{EarlierWrite, Lane, Pace, Pacer, Waits};
use super::transport::{Transport, TransportError};

pub(crate) use door::THROTTLED_ATTEMPTS;

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

/// So many answers in a row that are not the service's, and something stands between.
const FOREIGN_ANSWERS: u32 = 3;

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
}
