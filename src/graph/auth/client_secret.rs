//! The client credentials flow with a client secret.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded;

use super::{AuthError, Token, TokenSource};
use crate::graph::backoff::{backoff, retry_after};
use crate::graph::transport::{Reached, Transport};
use crate::graph::wire::{TokenError, TokenResponse};

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
