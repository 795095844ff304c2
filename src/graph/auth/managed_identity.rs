//! The identity that Azure gives a machine or an app: asked of an endpoint on the
//! machine itself, without any secret of ours.
//!
//! Two hosts: virtual machines (and all that has their metadata service), and App
//! Service, Functions and Container Apps. Azure Arc hands out its key through a
//! file that only its agent's group may read and is left out.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode};
use jiff::Timestamp;
use url::Url;

use super::exchange::{ask, host, read, refusal};
use super::{AuthError, ClaimsRequest, Token, TokenSource};
use crate::graph::backoff::backoff;
use crate::graph::redact::redact;
use crate::graph::transport::{NeverProxied, Transport};
use crate::graph::wire::IdentityTokenResponse;

#[derive(Debug)]
pub struct ManagedIdentity {
    pub host: IdentityHost,
    /// Client id of a user-assigned identity; None for the system-assigned one.
    pub client_id: Option<String>,
    pub resource: String,
}

/// Who gives out the identity's tokens.
#[derive(Debug)]
pub enum IdentityHost {
    /// The metadata service of a virtual machine (Entra, *How to use managed
    /// identities on a virtual machine to acquire an access token*, 2025-02).
    Metadata,
    /// The app's own endpoint (App Service, *Use managed identities*).
    AppService {
        /// `IDENTITY_ENDPOINT`.
        endpoint: Url,
        /// `IDENTITY_HEADER`: a secret.
        header: HeaderValue,
    },
}

/// The metadata service: link-local, the same in every cloud.
const METADATA: &str = "http://169.254.169.254/metadata/identity/oauth2/token";

/// It may be updated under us, and is back within 70 seconds (410); then 3, 6, 12, 24
/// and 48 seconds are enough.
const METADATA_ATTEMPTS: u32 = 6;

#[async_trait]
impl TokenSource for ManagedIdentity {
    async fn fetch(
        &self,
        transport: &dyn Transport,
        _: Option<&ClaimsRequest>,
    ) -> Result<Token, AuthError> {
        let url = self.url();
        let asked = ask(transport, Self::wait, || self.request(&url)).await;
        let (mut answer, asked_at) = asked.map_err(|error| match (&self.host, error) {
            (IdentityHost::Metadata, AuthError::Unreachable(error)) => AuthError::Unavailable {
                what: format!("this machine has no managed identity service: {error}"),
                advice: "managed-identity works on Azure only; choose another [auth] method here"
                    .to_owned(),
            },
            (_, error) => error,
        })?;
        if !answer.status().is_success() {
            if let IdentityHost::AppService { header, .. } = &self.host {
                redact(&mut answer, &[header.to_str().unwrap_or_default()]);
            }
            return Err(self.refused(&url, &answer));
        }
        let token: IdentityTokenResponse = read(&url, &answer)?;
        let until = |end: u64| {
            let now = u64::try_from(Timestamp::now().as_second()).unwrap_or(0);
            end.saturating_sub(now)
        };
        let life = token.expires_in.or_else(|| token.expires_on.map(until));
        Ok(Token {
            secret: token.access_token.into(),
            expires_at: life.and_then(|life| asked_at.checked_add(Duration::from_secs(life))),
        })
    }

    fn can_carry_claims(&self) -> bool {
        false
    }
}

impl ManagedIdentity {
    fn url(&self) -> Url {
        let (mut url, version) = match &self.host {
            IdentityHost::Metadata => (Url::parse(METADATA).expect("a constant URL"), "2018-02-01"),
            IdentityHost::AppService { endpoint, .. } => (endpoint.clone(), "2019-08-01"),
        };
        url.query_pairs_mut()
            .append_pair("api-version", version)
            .append_pair("resource", &self.resource)
            .extend_pairs(self.client_id.iter().map(|id| ("client_id", id)));
        url
    }

    fn request(&self, url: &Url) -> Request<Bytes> {
        let request = Request::builder().method(Method::GET).uri(url.as_str());
        let request = match &self.host {
            IdentityHost::Metadata => request.header("Metadata", "true"),
            IdentityHost::AppService { header, .. } => request.header("X-IDENTITY-HEADER", header),
        };
        // A proxy can't reach the endpoint, and must not see its answer.
        request
            .extension(NeverProxied)
            .body(Bytes::new())
            .expect("all its parts are of their types")
    }

    /// The waits that the metadata service's documentation asks for.
    fn wait(attempt: u32, status: StatusCode) -> Option<Duration> {
        let wait = match status.as_u16() {
            410 => Duration::from_secs(3 << (attempt - 1)),
            404 | 429 | 500.. => backoff(attempt),
            _ => return None,
        };
        (attempt < METADATA_ATTEMPTS).then_some(wait)
    }

    fn refused(&self, url: &Url, answer: &http::Response<Bytes>) -> AuthError {
        let refused = refusal(url, answer).into();
        let AuthError::Refused { description, .. } = refused else { return refused };
        let advice = match &self.client_id {
            Some(id) => {
                format!("assign the identity with the client id {id} to this machine or app")
            }
            None => "give this machine or app a managed identity; for a user-assigned one set \
                     [auth] client_id"
                .to_owned(),
        };
        let what = format!("{} gives no token: {description}", host(url));
        AuthError::Unavailable { what, advice }
    }
}
