//! Workload identity federation: another identity provider vouches for us, and Entra
//! takes its word for the application's (Entra, *Workload identity federation*).

use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, Request};
use serde::Deserialize;
use url::Url;
use zeroize::Zeroizing;

use super::exchange::{ask, assertion, host, read, sign_in_wait};
use super::{AuthError, ClaimsRequest, Token, TokenEndpoint, TokenSource};
use crate::graph::transport::Transport;

/// An application that another identity provider vouches for.
#[derive(Debug)]
pub struct WorkloadIdentity {
    pub endpoint: TokenEndpoint,
    /// Application (client) id.
    pub client_id: String,
    /// The Graph root with `/.default`.
    pub scope: String,
    pub federation: Federation,
}

#[derive(Debug)]
pub enum Federation {
    /// A file that Kubernetes, or whoever runs us, keeps fresh.
    TokenFile(PathBuf),
    /// The identity provider of GitHub Actions, for a job with `id-token: write`.
    GitHub {
        /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
        url: Url,
        /// `Bearer` and `ACTIONS_ID_TOKEN_REQUEST_TOKEN`: a secret.
        bearer: HeaderValue,
        /// Whom the identity token is for: Entra, by its name in the cloud.
        audience: String,
    },
}

#[derive(Deserialize)]
struct IdentityToken {
    value: String,
}

#[async_trait]
impl TokenSource for WorkloadIdentity {
    async fn fetch(
        &self,
        transport: &dyn Transport,
        claims: Option<&ClaimsRequest>,
    ) -> Result<Token, AuthError> {
        // Each time anew: these live for minutes.
        let jwt = self.federation.identity_token(transport).await?;
        let Self { endpoint, client_id, scope, .. } = self;
        endpoint.for_application(transport, client_id, scope, &assertion(&jwt), claims).await
    }

    fn can_carry_claims(&self) -> bool {
        true
    }
}

impl Federation {
    async fn identity_token(
        &self,
        transport: &dyn Transport,
    ) -> Result<Zeroizing<String>, AuthError> {
        match self {
            Self::TokenFile(path) => {
                let unavailable = |why: &str| AuthError::Unavailable {
                    what: format!("the federated token's file `{}` {why}", path.display()),
                    advice:
                        "check [auth] federated_token_file (or AZURE_FEDERATED_TOKEN_FILE), and \
                             that whoever runs reinvite keeps the file fresh"
                            .to_owned(),
                };
                let text = std::fs::read_to_string(path).map(Zeroizing::new);
                let text = text.map_err(|error| unavailable(&format!("can't be read: {error}")))?;
                let jwt = text.trim_start_matches('\u{feff}').trim();
                if jwt.is_empty() || jwt.contains(|c: char| !c.is_ascii_graphic()) {
                    return Err(unavailable("does not hold a token"));
                }
                Ok(Zeroizing::new(jwt.to_owned()))
            }
            Self::GitHub { url, bearer, audience } => {
                let mut url = url.clone();
                url.query_pairs_mut().append_pair("audience", audience);
                let request = || {
                    Request::builder()
                        .method(Method::GET)
                        .uri(url.as_str())
                        .header(AUTHORIZATION, bearer)
                        .body(Bytes::new())
                        .expect("all its parts are of their types")
                };
                let (answer, _) = ask(transport, sign_in_wait, request).await?;
                if !answer.status().is_success() {
                    return Err(AuthError::Unavailable {
                        what: format!(
                            "GitHub's identity provider at {} gave no identity token: status {}",
                            host(&url),
                            answer.status()
                        ),
                        advice: "give the job `permissions: id-token: write`".to_owned(),
                    });
                }
                let token: IdentityToken = read(&url, &answer)?;
                Ok(Zeroizing::new(token.value))
            }
        }
    }
}
