//! The emulator behind a socket.
//!
//! Leaves to others: what is answered (`routes`), and the connections (`connection`).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::connect_info::ConnectInfo;
use axum::response::Response;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{HeaderValue, StatusCode};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::connection::{Certificate, Doors, Line};
use super::faults::Spoil;
use super::http::{Answer, Loss, Request, random_id};
use super::spoilt::{broken, dripping, endless, unfolding};
use super::state::Shared;

/// More than Graph takes in one request.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// Marks a response whose answer is lost: over a socket the connection closes
/// instead. An in-process caller has to treat such a response as a connection
/// closed after the request was sent, whatever else it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerLost;

/// Marks a response that is none, because no connection came about: over a socket it is
/// refused. An in-process caller has to treat it as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoConnection;

#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    scheme: &'static str,
    stop: CancellationToken,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    pub(super) fn start(
        shared: &Arc<Shared>,
        listener: TcpListener,
        certificate: Option<Certificate>,
    ) -> io::Result<Self> {
        let addr = listener.local_addr()?;
        let scheme = if certificate.is_some() { "https" } else { "http" };
        let stop = CancellationToken::new();
        let service = router(Arc::clone(shared)).into_make_service_with_connect_info::<Line>();
        let serving =
            axum::serve(Doors::new(listener, addr, certificate, Arc::clone(&shared.gate)), service)
                .with_graceful_shutdown(stop.clone().cancelled_owned());
        let task = tokio::spawn(async move { serving.await });
        Ok(Self { addr, scheme, stop, task })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:…`, or with TLS `https://…`, without a slash at the end: the base of the token
    /// endpoint, and with `/v1.0` that of Graph.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.addr)
    }

    /// Answers what is under way, takes nothing new, and returns.
    pub async fn shutdown(self) {
        self.stop.cancel();
        // The task ends by itself now; how it ended matters to nobody any more.
        let _ = self.task.await;
    }
}

/// The router for sockets and for in-process calls.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(move |request: axum::extract::Request| {
        let shared = Arc::clone(&shared);
        async move { handle(&shared, request).await }
    })
}

async fn handle(shared: &Shared, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let line = parts.extensions.get::<ConnectInfo<Line>>().map(|info| info.0.clone());
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return response;
    };
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    let host = || parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let is_secure = line.as_ref().is_some_and(Line::is_secure);
    let scheme = parts.uri.scheme_str().unwrap_or(if is_secure { "https" } else { "http" });
    let origin = format!("{scheme}://{}", authority.or_else(host).unwrap_or("localhost"));
    let request = Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
        origin,
        id: random_id(),
    };
    let answer = shared.exchange(request).await;
    if let Some(line) = line {
        match answer.loss {
            Loss::Dropped | Loss::NoConnection => line.cut(),
            Loss::Spoilt(Spoil::Reset) => line.resets(),
            Loss::None | Loss::Truncated | Loss::Spoilt(_) => {}
        }
    }
    response(answer)
}

fn response(answer: Answer) -> Response {
    let Answer { status, headers, content_type, body, loss, .. } = answer;
    let length = body.len();
    let body = match loss {
        Loss::None => Body::from(body),
        Loss::Dropped | Loss::NoConnection => broken(Bytes::new()),
        Loss::Truncated | Loss::Spoilt(Spoil::Reset) => {
            broken(Bytes::from(body).slice(..length / 2))
        }
        Loss::Spoilt(Spoil::TooShort) => Body::from(Bytes::from(body).slice(..length / 2)),
        Loss::Spoilt(Spoil::Endless) => endless(body.into()),
        Loss::Spoilt(Spoil::Unfolding) => unfolding(),
        Loss::Spoilt(Spoil::Dripping(pause)) => dripping(body.into(), pause),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    if !content_type.is_empty() {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    match loss {
        Loss::None | Loss::Spoilt(Spoil::TooShort | Spoil::Endless | Spoil::Dripping(_)) => {}
        Loss::NoConnection => {
            response.extensions_mut().insert(NoConnection);
        }
        Loss::Spoilt(Spoil::Unfolding) => {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Loss::Dropped => {
            response.extensions_mut().insert(AnswerLost);
        }
        Loss::Truncated | Loss::Spoilt(Spoil::Reset) => {
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
    }
    response
}
