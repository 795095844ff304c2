//! How a request travels: the one seam for tests. Over real sockets with
//! `reqwest`, or handed to a router in the same process.
//!
//! Leaves to others: when to send, with which token, and what an answer means.

use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode};
use url::Url;

/// A way to get one answer to one request. It never repeats a request by itself.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends the request and reads the whole answer.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError>;

    /// Is told that whoever asked was told to wait, and asks again after so long.
    fn told_to_wait(&self, _wait: Duration, _status: StatusCode) {}
}

/// No usable answer came back.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    /// Whether the service can have seen the request.
    pub reached: Reached,
    /// Whether there was a way to the service before, in this process.
    pub was_up: bool,
    pub message: String,
}

/// How rustls begins to tell that it doesn't trust a server's certificate.
pub(crate) const UNTRUSTED: &str = "invalid peer certificate";

/// How rustls's verifier tells that the system has no certificate authorities at all.
const NO_AUTHORITIES: &str = "No CA certificates were loaded";

/// How the resolvers of Linux (glibc, musl) tell that DNS knows no such host, or no address
/// of it: with other words than that DNS can't be asked. Those of macOS and Windows have the
/// same words for both.
const NO_SUCH_HOST: [&str; 4] = [
    // Of rustls: what can't be a name.
    "invalid dns name",
    "Name or service not known",
    "No address associated with hostname",
    "Name does not resolve",
];

/// What stands in the way of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hindrance {
    /// No way there, nobody to ask for the way, or no answer: a network is missing.
    Network,
    /// The host is there and takes no connection.
    Refused,
    /// DNS knows no such host.
    NoSuchHost,
    /// Its certificate is not to be trusted.
    Untrusted,
    /// There is nothing here to trust a certificate by: a small container or system.
    NoAuthorities,
    /// The proxy leads nowhere.
    Proxy,
}

impl TransportError {
    /// In the words of rustls, hyper-util and the resolver, with which the chain of causes
    /// ends.
    pub fn hindrance(&self) -> Hindrance {
        let says = |words: &str| self.message.contains(words);
        if says(UNTRUSTED) {
            Hindrance::Untrusted
        } else if says(NO_AUTHORITIES) {
            Hindrance::NoAuthorities
        } else if says("tunnel error") {
            Hindrance::Proxy
        } else if NO_SUCH_HOST.into_iter().any(says) {
            Hindrance::NoSuchHost
        } else if says("Connection refused") || says("actively refused") {
            Hindrance::Refused
        } else {
            Hindrance::Network
        }
    }

    /// Whether the same command may fare better without anybody doing anything.
    pub fn comes_back(&self) -> bool {
        match self.hindrance() {
            Hindrance::Network | Hindrance::Refused => true,
            Hindrance::NoSuchHost => self.was_up,
            Hindrance::Untrusted | Hindrance::NoAuthorities | Hindrance::Proxy => false,
        }
    }

    pub fn advice(&self) -> &'static str {
        match self.hindrance() {
            Hindrance::Untrusted if self.message.contains("UnknownIssuer") => {
                "trust the certificate authority: on Linux name a file with all that are to be \
                 trusted in SSL_CERT_FILE, elsewhere add it to the system's store"
            }
            Hindrance::Untrusted => {
                "check this machine's clock, and who answers in that name: a proxy or a gateway \
                 may stand between"
            }
            Hindrance::NoAuthorities => {
                "install the system's certificate authorities (on Debian, Ubuntu and Alpine the \
                 package ca-certificates), or name a file that holds them in SSL_CERT_FILE"
            }
            Hindrance::NoSuchHost => {
                "check the name: [tenant] cloud, graph_url and login_url say it; then this \
                 machine's DNS"
            }
            Hindrance::Network | Hindrance::Refused | Hindrance::Proxy => {
                "check the network, the proxy, and [tenant] cloud, graph_url and login_url"
            }
        }
    }
}

/// Marks a request, among its extensions, that no proxy may carry: to an endpoint that
/// only this machine has.
#[derive(Debug, Clone, Copy)]
pub struct NeverProxied;

/// Marks an answer whose status says that the request was refused, and whose body,
/// which says why, was cut off.
#[derive(Debug, Clone, Copy)]
pub struct ExplanationLost;

/// Marks an answer to a request for which the environment names a proxy, with the name of
/// the variable. Its value may hold a password.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proxied(pub(super) &'static str);

/// Whether the service can have seen a request that got no answer. The whole
/// difference between "send it again" and "nobody knows".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// No connection was made: nothing was sent.
    No,
    /// It may have been carried out.
    Maybe,
}

/// Connecting takes milliseconds where it works at all; ten seconds leave room
/// for a lost SYN and a slow proxy without making a dead host look busy.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Graph's gateway gives up before this; waiting longer than a minute and a half
/// only delays the settling of a lost answer.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(100);

/// The largest page has 999 users of some kilobytes each; what is much larger, perhaps only
/// once it is unpacked, would take the machine's memory and is no answer.
const MOST_OF_A_BODY: usize = 32 * 1024 * 1024;

#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
    direct: reqwest::Client,
}

impl HttpTransport {
    /// A client that uses the proxies of the environment for other machines and none
    /// for this one: there a proxy can't reach, and plain http, allowed on loopback
    /// alone, would show it the token.
    pub fn new() -> Result<Self, TransportError> {
        Self::with_patience(REQUEST_TIMEOUT)
    }

    /// The same that waits so long for an answer, its last byte included.
    pub(super) fn with_patience(patience: Duration) -> Result<Self, TransportError> {
        let build = |builder: reqwest::ClientBuilder| {
            builder.timeout(patience).build().map_err(|error| TransportError {
                was_up: false,
                reached: Reached::No,
                message: format!(
                    "any server: the HTTP client could not be set up: {}",
                    chain(&error)
                ),
            })
        };
        Ok(Self { client: build(Self::builder())?, direct: build(Self::builder().no_proxy())? })
    }

    fn builder() -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .user_agent(concat!("reinvite/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            // Every attempt has to be counted, and a POST must not be repeated
            // behind our back; a redirect would carry the token elsewhere.
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        // Without the URL: it holds addresses, and a webhook's is a secret.
        let failed = |error: reqwest::Error| TransportError {
            was_up: false,
            reached: if error.is_connect() || error.is_builder() {
                Reached::No
            } else {
                Reached::Maybe
            },
            message: format!("{host}: {}", chain(&error.without_url())),
        };
        let own = request.extensions().get::<NeverProxied>().is_some();
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        let is_direct = own || is_loopback(request.url());
        let proxy = if is_direct { None } else { proxy_variable(request.url()) };
        let client = if is_direct { &self.direct } else { &self.client };
        let mut answer = client.execute(request).await.map_err(failed)?;
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = answer.status();
        std::mem::swap(response.headers_mut(), answer.headers_mut());
        if let Some(variable) = proxy {
            response.extensions_mut().insert(Proxied(variable));
        }
        let mut body = BytesMut::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > MOST_OF_A_BODY => {
                    return Err(TransportError {
                        was_up: false,
                        reached: Reached::Maybe,
                        message: format!(
                            "{host}: the answer is larger than {} MiB, unpacked; no answer of the \
                             service is, and the rest was not read",
                            MOST_OF_A_BODY >> 20
                        ),
                    });
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                // A refusal is a refusal even when its explanation got lost.
                Err(_) if !response.status().is_success() => {
                    response.extensions_mut().insert(ExplanationLost);
                    return Ok(response);
                }
                Err(error) => return Err(failed(error)),
            }
        }
        *response.body_mut() = body.freeze();
        Ok(response)
    }
}

/// The variable that names a proxy for requests like this. Exceptions of `NO_PROXY` are not
/// looked at: it is told to a person who looks for what answers.
fn proxy_variable(url: &Url) -> Option<&'static str> {
    let names: &[&str] = match url.scheme() {
        "https" => &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        _ => &["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
    };
    let is_set = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    names.iter().find(is_set).copied()
}

/// Whether a URL's host is this machine: the only place where plain http is safe.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(domain)) => domain.eq_ignore_ascii_case("localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// An error and its causes in one line. Reqwest's own first line names the URL,
/// which the caller has already said.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut cause = error.source().or(Some(error));
    while let Some(error) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        let _ = write!(text, "{error}");
        cause = error.source();
    }
    text
}
