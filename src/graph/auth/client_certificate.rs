//! The client credentials flow with a certificate: a short-lived assertion signed with
//! its key instead of a secret (Entra, *Certificate credentials*, 2025-01).

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::exchange::assertion;
use super::{AuthError, Certificate, ClaimsRequest, Token, TokenEndpoint, TokenSource};
use crate::graph::clock::Clock;
use crate::graph::transport::Transport;

/// An application, with its certificate.
#[derive(Debug)]
pub struct ClientCertificate {
    pub endpoint: TokenEndpoint,
    /// Application (client) id.
    pub client_id: String,
    /// The Graph root with `/.default`.
    pub scope: String,
    pub certificate: Certificate,
    /// Where the certificate is from, for whoever has to mend it.
    pub place: String,
    pub clock: Arc<Clock>,
}

/// Entra recommends five to ten minutes; two of these lie in the past, for a clock
/// here that is ahead.
const LIFE: SignedDuration = SignedDuration::from_mins(8);
const LEEWAY: SignedDuration = SignedDuration::from_mins(2);

#[async_trait]
impl TokenSource for ClientCertificate {
    async fn fetch(
        &self,
        transport: &dyn Transport,
        claims: Option<&ClaimsRequest>,
    ) -> Result<Token, AuthError> {
        let jwt = self.assertion(self.clock.service_now());
        let Self { endpoint, client_id, scope, .. } = self;
        let proof = assertion(&jwt);
        let granted = endpoint.for_application(transport, client_id, scope, &proof, claims).await;
        granted.map_err(|error| error.proven_by(&self.place))
    }

    fn can_carry_claims(&self) -> bool {
        true
    }
}

impl ClientCertificate {
    fn assertion(&self, now: Timestamp) -> Zeroizing<String> {
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(self.certificate.der()));
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint });
        let since = (now - LEEWAY).as_second();
        let claims = json!({
            "aud": self.endpoint.url().as_str(),
            "iss": self.client_id,
            "sub": self.client_id,
            "jti": Uuid::new_v4(),
            "iat": since,
            "nbf": since,
            "exp": (now + LIFE).as_second(),
        });
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = URL_SAFE_NO_PAD.encode(self.certificate.sign(signed.as_bytes()));
        Zeroizing::new(format!("{signed}.{signature}"))
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};

    use super::super::certificate::tests::Pair;
    use super::*;

    #[test]
    fn an_assertion_says_what_entra_wants_and_its_signature_holds() {
        let pair = Pair::new();
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let source = ClientCertificate {
            endpoint: TokenEndpoint::new(&"https://login.example/".parse().unwrap(), "t"),
            client_id: "app".to_owned(),
            scope: String::new(),
            place: "a test".to_owned(),
            certificate: pair.certificate(),
            clock: Arc::new(Clock::starting_at(now)),
        };
        let jwt = source.assertion(now);
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        let key = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, pair.public_key());
        key.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();

        let parts: Vec<Value> = signed
            .split('.')
            .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
            .collect();
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(pair.der()));
        assert_eq!(parts[0], json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint }));
        let claims = &parts[1];
        assert_eq!(claims["aud"], "https://login.example/t/oauth2/v2.0/token");
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("app"), &json!("app")));
        let seconds = |name: &str| claims[name].as_i64().unwrap() - now.as_second();
        assert_eq!((seconds("nbf"), seconds("iat"), seconds("exp")), (-120, -120, 480));
        assert_ne!(source.assertion(now), jwt, "a jti is used once");
    }
}
