//! The token endpoint: one form sent, again while its failure may pass, and what is
//! answered.
//!
//! Leaves to others: which form.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use secrecy::SecretString;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded;

use super::{AuthError, ClaimsRequest, Token};
use crate::graph::answer::Foreign;
use crate::graph::backoff::{backoff, retry_after};
use crate::graph::redact::redact;
use crate::graph::refusal::one_line;
use crate::graph::transport::{ExplanationLost, Reached, Transport};
use crate::graph::wire::{TokenError, TokenResponse};

/// A sign-in that fails for a passing reason is tried this often.
const SIGN_IN_ATTEMPTS: u32 = 4;

/// So many answers in a row that are not the endpoint's, or broke on their way, and something
/// stands between.
const FOREIGN_ANSWERS: u32 = 3;

/// What of a form is secret, and is not repeated whoever says it.
const SECRETS: [&str; 4] = ["client_secret", "client_assertion", "refresh_token", "device_code"];

/// Whether a definite answer is not of the endpoint's form, which is JSON whatever it says
/// (RFC 6749, sections 5.1 and 5.2).
fn is_foreign(answer: &Response<Bytes>) -> bool {
    let is_definite = !answer.status().is_server_error()
        && answer.status() != StatusCode::TOO_MANY_REQUESTS
        && answer.extensions().get::<ExplanationLost>().is_none();
    is_definite && !answer.body().trim_ascii().starts_with(b"{")
}

/// Whether a grant broke on its way: it is no JSON to its end.
fn is_broken(answer: &Response<Bytes>) -> bool {
    let parsed = || serde_json::from_slice::<serde::de::IgnoredAny>(answer.body());
    answer.status().is_success() && parsed().is_err()
}

/// Where a tenant gives tokens (Entra, *OAuth 2.0 on the Microsoft identity platform*).
#[derive(Debug, Clone)]
pub struct TokenEndpoint {
    url: Url,
}

/// What the endpoint grants.
pub(super) struct Granted {
    pub(super) token: Token,
    pub(super) refresh_token: Option<SecretString>,
}

pub(super) enum Denied {
    /// A refusal with its OAuth code.
    Refused {
        code: String,
        description: String,
    },
    Failed(AuthError),
}

impl From<Denied> for AuthError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Refused { code, description } if description.is_empty() => {
                Self::Refused { description: code, proof: None }
            }
            Denied::Refused { description, .. } => Self::Refused { description, proof: None },
            Denied::Failed(error) => error,
        }
    }
}

impl TokenEndpoint {
    /// The endpoint of a tenant below the sign-in's root:
    /// `{login}/{tenant}/oauth2/v2.0/token`.
    pub fn new(login: &Url, tenant: &str) -> Self {
        let mut url = login.clone();
        let path = format!("{}/{tenant}/oauth2/v2.0/token", login.path().trim_end_matches('/'));
        url.set_path(&path);
        Self { url }
    }

    /// Its address, which is also the audience of an assertion for it.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The endpoint beside it that begins a device code sign-in.
    pub(super) fn device_code(&self) -> Url {
        let mut url = self.url.clone();
        let path = url.path().strip_suffix("/token").unwrap_or_default();
        url.set_path(&format!("{path}/devicecode"));
        url
    }

    /// The client credentials flow: a token for the application itself, which shows
    /// by `proof` who it is.
    pub(super) async fn for_application(
        &self,
        transport: &dyn Transport,
        client_id: &str,
        scope: &str,
        proof: &[(&str, &str)],
        claims: Option<&ClaimsRequest>,
    ) -> Result<Token, AuthError> {
        let mut form =
            vec![("grant_type", "client_credentials"), ("client_id", client_id), ("scope", scope)];
        form.extend(proof);
        form.extend(claims.map(|claims| ("claims", claims.as_json())));
        Ok(self.exchange(transport, &form).await?.token)
    }

    /// Sends a form, and reads what is granted.
    pub(super) async fn exchange(
        &self,
        transport: &dyn Transport,
        pairs: &[(&str, &str)],
    ) -> Result<Granted, Denied> {
        let mut attempt = 1;
        let (mut answer, asked_at) = loop {
            let (answer, asked_at) = ask(transport, sign_in_wait, || form(&self.url, pairs))
                .await
                .map_err(Denied::Failed)?;
            // One odd answer is none.
            let is_odd = is_foreign(&answer) || is_broken(&answer);
            if !is_odd || attempt == FOREIGN_ANSWERS {
                break (answer, asked_at);
            }
            tokio::time::sleep(backoff(attempt)).await;
            attempt += 1;
        };
        if !answer.status().is_success() {
            let secrets: Vec<&str> = pairs
                .iter()
                .filter(|(name, _)| SECRETS.contains(name))
                .map(|(_, secret)| *secret)
                .collect();
            redact(&mut answer, &secrets);
        }
        if is_foreign(&answer) {
            let by = Foreign::describe(&host(&self.url), &answer);
            return Err(Denied::Failed(AuthError::Foreign(Box::new(by))));
        }
        if !answer.status().is_success() {
            return Err(refusal(&self.url, &answer));
        }
        let token: TokenResponse = read(&self.url, &answer).map_err(Denied::Failed)?;
        Ok(Granted {
            token: Token {
                secret: token.access_token.into(),
                expires_at: asked_at.checked_add(Duration::from_secs(token.expires_in)),
            },
            refresh_token: token.refresh_token.map(SecretString::from),
        })
    }
}

/// `client_assertion_type` (RFC 7523), and the assertion.
pub(super) fn assertion(jwt: &str) -> [(&str, &str); 2] {
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    [("client_assertion_type", kind), ("client_assertion", jwt)]
}

/// A form for the token endpoint, or for the one beside it.
pub(super) fn form(url: &Url, pairs: &[(&str, &str)]) -> Request<Bytes> {
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    Request::builder()
        .method(Method::POST)
        .uri(url.as_str())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::from(form))
        .expect("the URL was parsed before")
}

/// Sends a request until it is answered for good; also when it was first sent, from
/// which the life of a token counts at the latest. `wait` tells from the number of the
/// failed attempt and its status how long to wait, and None for an answer that stands.
pub(super) async fn ask(
    transport: &dyn Transport,
    wait: impl Fn(u32, StatusCode) -> Option<Duration>,
    request: impl Fn() -> Request<Bytes>,
) -> Result<(Response<Bytes>, Instant), AuthError> {
    let mut attempt = 1;
    loop {
        let asked_at = Instant::now();
        let pause = match transport.send(request()).await {
            Err(error) if attempt == SIGN_IN_ATTEMPTS => return Err(AuthError::Unreachable(error)),
            // A host that refuses will do so again at once: one repetition covers a restart,
            // more only delay the message.
            Err(error) if error.reached == Reached::No && (attempt > 1 || !error.comes_back()) => {
                return Err(AuthError::Unreachable(error));
            }
            Err(_) => backoff(attempt),
            Ok(answer) => match wait(attempt, answer.status()) {
                Some(pause) => match retry_after(answer.headers()) {
                    Some(asked) => {
                        transport.told_to_wait(asked, answer.status());
                        asked
                    }
                    None => pause,
                },
                None => return Ok((answer, asked_at)),
            },
        };
        tokio::time::sleep(pause).await;
        attempt += 1;
    }
}

/// The waits of the token endpoint.
pub(super) fn sign_in_wait(attempt: u32, status: StatusCode) -> Option<Duration> {
    let passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    (passing && attempt < SIGN_IN_ATTEMPTS).then(|| backoff(attempt))
}

/// Reads the JSON of a success.
pub(super) fn read<T: serde::de::DeserializeOwned>(
    url: &Url,
    answer: &Response<Bytes>,
) -> Result<T, AuthError> {
    serde_json::from_slice(answer.body()).map_err(|error| {
        // Never the body: it may hold the token. Nor the error's own words, which may
        // quote it.
        let detail =
            format!("unreadable answer, at line {} column {}", error.line(), error.column());
        AuthError::Unreadable { host: host(url), detail }
    })
}

/// Reads a refusal in the form of OAuth.
pub(super) fn refusal(url: &Url, answer: &Response<Bytes>) -> Denied {
    match serde_json::from_slice::<TokenError>(answer.body()) {
        Ok(error) => Denied::Refused {
            code: one_line(&error.error),
            description: one_line(&error.error_description),
        },
        Err(_) => Denied::Failed(AuthError::Unreadable {
            host: host(url),
            detail: format!("status {}", answer.status()),
        }),
    }
}

pub(super) fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}
