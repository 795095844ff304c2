//! The client against the emulator's router in the same process, under a paused
//! clock: reading a tenant, batches, the one door, and invitations.

mod auth;
mod batch;
mod client;
mod preflight;
mod reach;
mod sign_ins;
mod sockets;
mod survey;
mod users;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{Method, Request, Response};
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;
use url::Url;

use super::{
    ClientSecret, Clock, GivenToken, Graph, Pace, Reached, TokenEndpoint, TokenSource, Transport,
    TransportError,
};
use crate::domain::Caller;
use crate::emulator::{
    AnswerLost, ContractGuard, Emulator, NoConnection, Options, SAMPLE_CLIENT_ID,
    SAMPLE_CLIENT_SECRET, TenantSeed,
};

const ROOT: &str = "http://emulator.test";

/// What a script says instead of the emulator.
type Said = Result<Response<Bytes>, TransportError>;
type Script = Box<dyn Fn(&Request<Bytes>) -> Option<Said> + Send + Sync>;

/// Hands requests to the emulator, unless a script has an answer.
struct InProcess {
    router: Router,
    script: Script,
    sent: Mutex<Vec<(Method, Url)>>,
}

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Request<Bytes>) -> Said {
        let url = request.uri().to_string().parse().unwrap();
        self.sent.lock().unwrap().push((request.method().clone(), url));
        if let Some(said) = (self.script)(&request) {
            return said;
        }
        let answer = self.router.clone().call(request.map(Body::from)).await.unwrap();
        let (parts, body) = answer.into_parts();
        let lost = || TransportError {
            was_up: false,
            reached: Reached::Maybe,
            message: "closed".to_owned(),
        };
        if parts.extensions.get::<NoConnection>().is_some() {
            return Err(TransportError { reached: Reached::No, ..lost() });
        }
        if parts.extensions.get::<AnswerLost>().is_some() {
            return Err(lost());
        }
        match to_bytes(body, usize::MAX).await {
            Ok(body) => Ok(Response::from_parts(parts, body)),
            Err(_) if !parts.status.is_success() => Ok(Response::from_parts(parts, Bytes::new())),
            Err(_) => Err(lost()),
        }
    }
}

/// A client, and the tenant it talks to.
struct Rig {
    emulator: Emulator,
    transport: Arc<InProcess>,
    graph: Graph,
    _contract: ContractGuard,
}

impl Rig {
    fn new(seed: TenantSeed, options: Options) -> Self {
        Self::scripted(seed, options, Box::new(|_| None))
    }

    fn scripted(seed: TenantSeed, options: Options, script: Script) -> Self {
        let emulator = Emulator::new(seed, options);
        let token = emulator.token(SAMPLE_CLIENT_ID, Caller::AppOnly).unwrap();
        Self::with_source(emulator, script, Box::new(GivenToken(token.into())))
    }

    /// Signs in with a secret instead of a token given to it.
    fn signing_in(seed: TenantSeed, options: Options, script: Script) -> Self {
        let emulator = Emulator::new(seed, options);
        let source = ClientSecret {
            endpoint: endpoint(&emulator),
            client_id: SAMPLE_CLIENT_ID.to_owned(),
            secret: SAMPLE_CLIENT_SECRET.into(),
            place: "a test".to_owned(),
            scope: "https://graph.microsoft.com/.default".to_owned(),
        };
        Self::with_source(emulator, script, Box::new(source))
    }

    fn with_source(emulator: Emulator, script: Script, source: Box<dyn TokenSource>) -> Self {
        let transport =
            Arc::new(InProcess { router: emulator.router(), script, sent: Mutex::new(Vec::new()) });
        let graph = Graph::new(
            Arc::clone(&transport) as Arc<dyn Transport>,
            &ROOT.parse().unwrap(),
            source,
            Pace { writes_per_second: 1000.0, burst: 100, requests_in_flight: 16 },
            Arc::new(Clock::starting_at(emulator.now())),
            Arc::new(|_| {}),
            CancellationToken::new(),
        );
        let contract = emulator.insist_on_contract();
        Self { emulator, transport, graph, _contract: contract }
    }

    /// Requests sent with this method to this path, `/v1.0` left out.
    fn sent(&self, method: &Method, path: &str) -> usize {
        let sent = self.transport.sent.lock().unwrap();
        sent.iter()
            .filter(|(used, url)| {
                used == method && url.path().trim_start_matches("/v1.0").starts_with(path)
            })
            .count()
    }
}

fn endpoint(emulator: &Emulator) -> TokenEndpoint {
    TokenEndpoint::new(&ROOT.parse().unwrap(), emulator.tenant_id())
}

/// An answer of one's own.
fn answer(status: u16, body: &str) -> Response<Bytes> {
    Response::builder().status(status).body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

/// Says one thing after the other to requests of a method to a path, then nothing.
fn says(method: Method, path: &'static str, said: Vec<Said>) -> Script {
    let said = Mutex::new(VecDeque::from(said));
    Box::new(move |request| {
        let meant = *request.method() == method && request.uri().path() == path;
        meant.then(|| said.lock().unwrap().pop_front()).flatten()
    })
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
