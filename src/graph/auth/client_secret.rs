//! The client credentials flow with a client secret (Entra, *OAuth 2.0 client
//! credentials flow*).

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use super::{AuthError, ClaimsRequest, Token, TokenEndpoint, TokenSource};
use crate::graph::transport::Transport;

/// An application, with its secret.
#[derive(Debug)]
pub struct ClientSecret {
    pub endpoint: TokenEndpoint,
    /// Application (client) id.
    pub client_id: String,
    pub secret: SecretString,
    /// Where the secret is from, for whoever has to mend it.
    pub place: String,
    /// The Graph root with `/.default`.
    pub scope: String,
}

#[async_trait]
impl TokenSource for ClientSecret {
    async fn fetch(
        &self,
        transport: &dyn Transport,
        claims: Option<&ClaimsRequest>,
    ) -> Result<Token, AuthError> {
        let proof = [("client_secret", self.secret.expose_secret())];
        let Self { endpoint, client_id, scope, .. } = self;
        let granted = endpoint.for_application(transport, client_id, scope, &proof, claims).await;
        granted.map_err(|error| error.proven_by(&self.place))
    }

    fn can_carry_claims(&self) -> bool {
        true
    }
}
