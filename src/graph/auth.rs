//! Tokens: where they come from, how long they are used, and what they say
//! about the caller.
//!
//! Leaves to others: which source the configuration asks for (`cli`).

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded;

use crate::domain::Caller;

use super::backoff::{backoff, retry_after};
use super::transport::{Reached, Transport, TransportError};
use super::wire::{TokenError, TokenResponse};

/// A token and how long it may be used.
#[derive(Debug)]
pub struct Token {
    /// The token itself.
    pub secret: SecretString,
    /// When it stops being valid; None when nobody said.
    pub expires_at: Option<Instant>,
}

/// Why there is no token.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuthError {
    /// The sign-in service refused; its own words, which begin with `AADSTS`.
    #[error("sign-in was refused: {description}")]
    Refused {
        /// Entra's description of the error.
        description: String,
    },
    /// The sign-in service could not be reached.
    #[error("the sign-in service could not be reached: {0}")]
    Unreachable(TransportError),
    /// Its answer made no sense.
    #[error("the sign-in service at {host} gave no token: {detail}")]
    Unreadable {
        /// Its host.
        host: String,
        /// What came instead.
        detail: String,
    },
    /// Graph refused a token that can't be replaced.
    #[error("the token was not accepted: {0}")]
    TokenRejected(String),
}

/// A way to get tokens.
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// Gets a token that was not given out before, or fails.
    async fn fetch(&self, transport: &dyn Transport) -> Result<Token, AuthError>;

    /// Whether [`Self::fetch`] can give a different token the next time.
    fn can_refresh(&self) -> bool;
}

/// A token that was given to us: from a file or an environment variable.
#[derive(Debug)]
pub struct GivenToken(pub SecretString);

#[async_trait]
impl TokenSource for GivenToken {
    async fn fetch(&self, _: &dyn Transport) -> Result<Token, AuthError> {
        Ok(Token { secret: self.0.clone(), expires_at: None })
    }

    fn can_refresh(&self) -> bool {
        false
    }
}

/// The client credentials flow with a client secret (Entra, *OAuth 2.0 client
/// credentials flow*).
#[derive(Debug)]
pub struct ClientSecret {
    /// `{login}/{tenant}/oauth2/v2.0/token`.
    pub token_url: Url,
    /// Application (client) id.
    pub client_id: String,
    /// The secret.
    pub secret: SecretString,
    /// The Graph root with `/.default`.
    pub scope: String,
}

/// A sign-in that fails for a passing reason is tried this often.
const SIGN_IN_ATTEMPTS: u32 = 4;

#[async_trait]
impl TokenSource for ClientSecret {
    async fn fetch(&self, transport: &dyn Transport) -> Result<Token, AuthError> {
        let mut attempt = 1;
        loop {
            let asked_at = Instant::now();
            let answer = transport.send(self.request()).await;
            let wait = match answer {
                Err(error) if attempt == SIGN_IN_ATTEMPTS => {
                    return Err(AuthError::Unreachable(error));
                }
                // A host that does not exist or refuses will do so again at once:
                // one repetition covers a restart, more only delay the message.
                Err(error) if error.reached == Reached::No && attempt > 1 => {
                    return Err(AuthError::Unreachable(error));
                }
                Err(_) => backoff(attempt),
                Ok(answer) => {
                    let status = answer.status();
                    let passing = status.is_server_error() || status.as_u16() == 429;
                    if !passing || attempt == SIGN_IN_ATTEMPTS {
                        return self.read(status, answer.body(), asked_at);
                    }
                    retry_after(answer.headers()).unwrap_or_else(|| backoff(attempt))
                }
            };
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    fn can_refresh(&self) -> bool {
        true
    }
}

impl ClientSecret {
    fn request(&self) -> Request<Bytes> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.secret.expose_secret())
            .append_pair("scope", &self.scope)
            .finish();
        Request::builder()
            .method(Method::POST)
            .uri(self.token_url.as_str())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(form))
            .expect("the URL was parsed before")
    }

    fn read(
        &self,
        status: http::StatusCode,
        body: &[u8],
        asked_at: Instant,
    ) -> Result<Token, AuthError> {
        let host = self.token_url.host_str().unwrap_or_default().to_owned();
        if status.is_success() {
            let token: TokenResponse = serde_json::from_slice(body).map_err(|error| {
                // Never the body: it may hold the token.
                AuthError::Unreadable { host, detail: format!("unreadable answer: {error}") }
            })?;
            return Ok(Token {
                secret: token.access_token.into(),
                expires_at: asked_at.checked_add(Duration::from_secs(token.expires_in)),
            });
        }
        Err(match serde_json::from_slice::<TokenError>(body) {
            Ok(error) if error.error_description.is_empty() => {
                AuthError::Refused { description: error.error }
            }
            Ok(error) => AuthError::Refused { description: error.error_description },
            Err(_) => AuthError::Unreadable { host, detail: format!("status {status}") },
        })
    }
}

/// Tokens live 60 to 90 minutes (Entra, *Access tokens*); a fresh one is fetched
/// this long before the end, so that a request under way never outlives its token.
const REFRESH_AHEAD: Duration = Duration::from_secs(300);

/// The token in use, fetched when first needed and refreshed ahead of its end.
pub(super) struct Tokens {
    source: Box<dyn TokenSource>,
    current: Mutex<Option<Current>>,
}

struct Current {
    bearer: HeaderValue,
    caller: Claims,
    expires_at: Option<Instant>,
    refresh_at: Option<Instant>,
}

impl Tokens {
    pub(super) fn new(source: Box<dyn TokenSource>) -> Self {
        Self { source, current: Mutex::new(None) }
    }

    /// The `Authorization` header's value. `rejected` is the value that Graph has
    /// just refused, if any: it is replaced, once, by whoever comes first.
    pub(super) async fn bearer(
        &self,
        transport: &dyn Transport,
        rejected: Option<&HeaderValue>,
    ) -> Result<HeaderValue, AuthError> {
        let mut current = self.current.lock().await;
        let now = Instant::now();
        if let Some(token) = current.as_ref() {
            let refused = rejected.is_some_and(|rejected| *rejected == token.bearer);
            if !refused && token.refresh_at.is_none_or(|moment| now < moment) {
                return Ok(token.bearer.clone());
            }
        }
        let refused_current = current.as_ref().is_some_and(|token| Some(&token.bearer) == rejected);
        match self.source.fetch(transport).await {
            Ok(token) => {
                let fresh = Current::new(&token, now)?;
                let bearer = fresh.bearer.clone();
                *current = Some(fresh);
                Ok(bearer)
            }
            // A token that is still good outweighs a sign-in service that is not.
            Err(error) => match current.as_ref() {
                Some(token) if !refused_current && token.expires_at.is_none_or(|end| now < end) => {
                    Ok(token.bearer.clone())
                }
                Some(_) | None => Err(error),
            },
        }
    }

    pub(super) fn can_refresh(&self) -> bool {
        self.source.can_refresh()
    }

    pub(super) async fn claims(&self) -> Option<Claims> {
        self.current.lock().await.as_ref().map(|token| token.caller.clone())
    }
}

impl Current {
    fn new(token: &Token, now: Instant) -> Result<Self, AuthError> {
        let text = token.secret.expose_secret();
        let mut bearer = HeaderValue::from_str(&format!("Bearer {text}")).map_err(|_| {
            AuthError::TokenRejected("it holds characters that no token has".to_owned())
        })?;
        bearer.set_sensitive(true);
        let refresh_at = token.expires_at.map(|end| {
            // A short-lived token is used for half its life instead.
            let life = end.saturating_duration_since(now);
            end - REFRESH_AHEAD.min(life / 2)
        });
        Ok(Self { bearer, caller: Claims::read(text), expires_at: token.expires_at, refresh_at })
    }
}

/// What a token says about its holder. Tokens for Graph are opaque by contract;
/// what can't be read is simply not known.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Claims {
    /// `app` for a token without a user.
    idtyp: Option<String>,
    /// Delegated scopes, space-separated.
    scp: Option<String>,
    /// Tenant id.
    tid: Option<String>,
}

impl Claims {
    fn read(token: &str) -> Self {
        let payload = token.split('.').nth(1).unwrap_or_default();
        URL_SAFE_NO_PAD
            .decode(payload.trim_end_matches('='))
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .unwrap_or_default()
    }

    /// Who the caller is. A token that does not say is taken for an application's:
    /// that blocks more, never less.
    pub fn caller(&self) -> Caller {
        match (&self.idtyp, &self.scp) {
            (Some(kind), _) if kind == "app" => Caller::AppOnly,
            (_, Some(_)) => Caller::Delegated,
            (_, None) => Caller::AppOnly,
        }
    }

    /// The tenant the token is for.
    pub fn tenant(&self) -> Option<&str> {
        self.tid.as_deref()
    }
}

/// The header that carries the token.
pub(super) const TOKEN_HEADER: http::HeaderName = AUTHORIZATION;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Counting {
        fetched: AtomicU32,
        life: Duration,
        fails_after: u32,
    }

    #[async_trait]
    impl TokenSource for Counting {
        async fn fetch(&self, _: &dyn Transport) -> Result<Token, AuthError> {
            let n = self.fetched.fetch_add(1, Ordering::SeqCst) + 1;
            if n > self.fails_after {
                return Err(AuthError::Refused { description: "AADSTS".into() });
            }
            Ok(Token {
                secret: format!("token-{n}").into(),
                expires_at: Some(Instant::now() + self.life),
            })
        }

        fn can_refresh(&self) -> bool {
            true
        }
    }

    struct NoTransport;

    #[async_trait]
    impl Transport for NoTransport {
        async fn send(&self, _: Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
            Err(TransportError { reached: Reached::No, message: "no network in this test".into() })
        }
    }

    fn tokens(life: u64, fails_after: u32) -> Tokens {
        Tokens::new(Box::new(Counting {
            fetched: AtomicU32::new(0),
            life: Duration::from_secs(life),
            fails_after,
        }))
    }

    async fn bearer(tokens: &Tokens, rejected: Option<&HeaderValue>) -> Result<String, AuthError> {
        let bearer = tokens.bearer(&NoTransport, rejected).await?;
        Ok(bearer.to_str().unwrap().to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_used_until_five_minutes_before_its_end() {
        let tokens = tokens(3600, 9);
        assert_eq!(bearer(&tokens, None).await.unwrap(), "Bearer token-1");
        tokio::time::advance(Duration::from_secs(3299)).await;
        assert_eq!(bearer(&tokens, None).await.unwrap(), "Bearer token-1");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(bearer(&tokens, None).await.unwrap(), "Bearer token-2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rejected_token_is_replaced_once_for_everyone() {
        let tokens = tokens(3600, 9);
        let first = tokens.bearer(&NoTransport, None).await.unwrap();
        assert_eq!(bearer(&tokens, Some(&first)).await.unwrap(), "Bearer token-2");
        assert_eq!(bearer(&tokens, Some(&first)).await.unwrap(), "Bearer token-2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_token_outlives_a_failing_sign_in_service() {
        let tokens = tokens(3600, 1);
        let first = tokens.bearer(&NoTransport, None).await.unwrap();
        tokio::time::advance(Duration::from_secs(3400)).await;
        assert_eq!(bearer(&tokens, None).await.unwrap(), "Bearer token-1");
        assert!(bearer(&tokens, Some(&first)).await.is_err());
        tokio::time::advance(Duration::from_secs(201)).await;
        assert!(bearer(&tokens, None).await.is_err());
    }

    #[test]
    fn the_caller_is_read_from_the_token_where_it_says() {
        let token = |claims: &str| format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims));
        for (text, expected) in [
            (token(r#"{"idtyp":"app","roles":["User.ReadWrite.All"]}"#), Caller::AppOnly),
            (token(r#"{"idtyp":"user","scp":"User.ReadWrite.All"}"#), Caller::Delegated),
            (token(r#"{"scp":"User.Invite.All"}"#), Caller::Delegated),
            (token("not json"), Caller::AppOnly),
            ("opaque".to_owned(), Caller::AppOnly),
        ] {
            assert_eq!(Claims::read(&text).caller(), expected, "{text}");
        }
    }

    #[test]
    fn a_token_never_shows_in_debug_output() {
        let token = Token { secret: "very-secret".to_owned().into(), expires_at: None };
        assert!(!format!("{token:?}").contains("very-secret"));
    }
}
