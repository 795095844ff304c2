//! The device code flow: a person signs in with a browser, anywhere, and the program
//! works with that person's rights (Entra, *OAuth 2.0 device authorization grant
//! flow*; RFC 8628). The only way here to change guests who hold roles.
//!
//! Leaves to others: telling the person, and refusing to when there is none.

use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::exchange::{Denied, Granted, ask, form, read, refusal, sign_in_wait};
use super::{AuthError, ClaimsRequest, Token, TokenEndpoint, TokenSource};
use crate::graph::transport::Transport;
use crate::graph::wire::DeviceCodeResponse;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevicePrompt {
    /// The page to open; this and the code in the service's words.
    pub url: String,
    /// The code to enter there.
    pub code: String,
    /// How long the code is valid.
    pub valid_for: Duration,
}

/// A person who signs in with a browser.
pub struct DeviceCode {
    endpoint: TokenEndpoint,
    client_id: String,
    scope: String,
    prompt: Box<dyn Fn(DevicePrompt) + Send + Sync>,
    /// Kept in memory alone: the sign-in ends with the program.
    refresh_token: Mutex<Option<SecretString>>,
}

/// How much slower to ask when the service says so (RFC 8628, 3.5).
const SLOWER: Duration = Duration::from_secs(5);

#[async_trait]
impl TokenSource for DeviceCode {
    async fn fetch(
        &self,
        transport: &dyn Transport,
        claims: Option<&ClaimsRequest>,
    ) -> Result<Token, AuthError> {
        let mut kept = self.refresh_token.lock().await;
        if let Some(token) = kept.as_ref() {
            match self.refresh(transport, token, claims).await {
                Ok(granted) => return Ok(keep(&mut kept, granted)),
                // Only the person can help: the sign-in was revoked, or must be
                // stronger.
                Err(Denied::Refused { code, .. })
                    if code == "invalid_grant" || code == "interaction_required" =>
                {
                    *kept = None;
                }
                Err(denied) => return Err(denied.into()),
            }
        }
        let granted = self.sign_in(transport, claims).await?;
        Ok(keep(&mut kept, granted))
    }

    fn can_carry_claims(&self) -> bool {
        true
    }
}

/// Keeps the newest refresh token; the older stays good where no newer one comes.
fn keep(kept: &mut Option<SecretString>, granted: Granted) -> Token {
    if let Some(newer) = granted.refresh_token {
        *kept = Some(newer);
    }
    granted.token
}

impl DeviceCode {
    /// A sign-in for the application with this id and for the Graph root's `/.default`.
    /// `prompt` tells the person what to do; it is called when a person is needed.
    pub fn new(
        endpoint: TokenEndpoint,
        client_id: String,
        scope: &str,
        prompt: impl Fn(DevicePrompt) + Send + Sync + 'static,
    ) -> Self {
        // Without this scope there is no refresh token.
        let scope = format!("{scope} offline_access");
        let prompt = Box::new(prompt);
        Self { endpoint, client_id, scope, prompt, refresh_token: Mutex::new(None) }
    }

    async fn refresh(
        &self,
        transport: &dyn Transport,
        token: &SecretString,
        claims: Option<&ClaimsRequest>,
    ) -> Result<Granted, Denied> {
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("client_id", &*self.client_id),
            ("scope", &*self.scope),
            ("refresh_token", token.expose_secret()),
        ];
        form.extend(claims.map(|claims| ("claims", claims.as_json())));
        self.endpoint.exchange(transport, &form).await
    }

    async fn sign_in(
        &self,
        transport: &dyn Transport,
        claims: Option<&ClaimsRequest>,
    ) -> Result<Granted, AuthError> {
        let url = self.endpoint.device_code();
        let pairs = [("client_id", &*self.client_id), ("scope", &*self.scope)];
        let (answer, asked_at) = ask(transport, sign_in_wait, || form(&url, &pairs)).await?;
        if !answer.status().is_success() {
            return Err(refusal(&url, &answer).into());
        }
        let begun: DeviceCodeResponse = read(&url, &answer)?;
        let device_code = SecretString::from(begun.device_code);
        let valid_for = Duration::from_secs(begun.expires_in);
        let (url, code) = (begun.verification_uri, begun.user_code);
        (self.prompt)(DevicePrompt { url, code, valid_for });
        let end = asked_at.checked_add(valid_for);
        let mut interval = Duration::from_secs(begun.interval.max(1));
        loop {
            tokio::time::sleep(interval).await;
            let mut form = vec![
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("client_id", &*self.client_id),
                ("device_code", device_code.expose_secret()),
            ];
            form.extend(claims.map(|claims| ("claims", claims.as_json())));
            let (code, description) = match self.endpoint.exchange(transport, &form).await {
                Ok(granted) => return Ok(granted),
                Err(Denied::Refused { code, description }) => (code, description),
                Err(Denied::Failed(error)) => return Err(error),
            };
            let is_over = end.is_some_and(|end| Instant::now() >= end);
            match &*code {
                "authorization_pending" if !is_over => {}
                "slow_down" if !is_over => interval += SLOWER,
                "authorization_pending" | "slow_down" | "expired_token" => {
                    return Err(AuthError::Unavailable {
                        what: "nobody signed in while the code was valid".to_owned(),
                        advice: "run the command again, and sign in as it says".to_owned(),
                    });
                }
                "authorization_declined" | "access_denied" => {
                    return Err(AuthError::Unavailable {
                        what: "the sign-in was declined in the browser".to_owned(),
                        advice: "run the command again, and approve the sign-in".to_owned(),
                    });
                }
                _ => return Err(Denied::Refused { code, description }.into()),
            }
        }
    }
}
