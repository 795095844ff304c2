//! Tokens: where they come from, how long they are used, and what they say
//! about the caller.
//!
//! Every way to sign in is a [`TokenSource`] in a file of its own; all of them
//! speak through the client's [`Transport`], so that its time limits, proxies and
//! tests hold for them too.
//!
//! Continuous access evaluation: the client does not declare the capability `cp1`,
//! so Graph sends no claims challenges to most of these sign-ins and tokens keep
//! their usual hour (Entra, *Continuous access evaluation for workload
//! identities*). A challenge that comes all the same is answered, once.
//!
//! Leaves to others: which source the configuration asks for (`cli`).

mod azure_cli;
mod certificate;
mod challenge;
mod claims;
mod client_certificate;
mod client_secret;
mod device_code;
mod exchange;
mod given;
mod managed_identity;
mod pem;
mod pkcs12;
mod tokens;
mod workload_identity;
mod x509;

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use secrecy::SecretString;
use tokio::time::Instant;

use super::answer::Foreign;
use super::transport::{Transport, TransportError};

pub use azure_cli::AzureCli;
pub use certificate::{Certificate, CertificateError, Fault as CertificateFault};
pub use challenge::ClaimsRequest;
pub use claims::Claims;
pub use client_certificate::ClientCertificate;
pub use client_secret::ClientSecret;
pub use device_code::{DeviceCode, DevicePrompt};
pub use exchange::TokenEndpoint;
pub use given::{CommandToken, GivenToken};
pub use managed_identity::{IdentityHost, ManagedIdentity};
pub(in crate::graph) use tokens::{Rejected, Tokens};
pub use workload_identity::{Federation, WorkloadIdentity};

/// A token and how long it may be used.
#[derive(Debug)]
pub struct Token {
    pub secret: SecretString,
    /// When it stops being valid; None when nobody said.
    pub expires_at: Option<Instant>,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum AuthError {
    /// The sign-in service refused; its own words, which begin with `AADSTS`.
    #[error("sign-in was refused: {description}")]
    Refused {
        /// Entra's description of the error.
        description: String,
        /// Where the proof of who asks is from: "the file `client-secret.txt`".
        proof: Option<String>,
    },
    /// The sign-in service could not be reached.
    #[error("the sign-in service could not be reached: {0}")]
    Unreachable(TransportError),
    /// Something else answers in its place.
    #[error("no sign-in: {0}")]
    Foreign(Box<Foreign>),
    /// Its answer made no sense.
    #[error("the sign-in service at {host} gave no token: {detail}")]
    Unreadable { host: String, detail: String },
    /// What should give the token, or prove who asks for it, does not: a file, a
    /// program, a person.
    #[error("{what}")]
    Unavailable { what: String, advice: String },
    /// Graph refused a token that can't be replaced.
    #[error("the token was not accepted: {0}")]
    TokenRejected(String),
}

/// What to do about errors of Entra that say it least themselves, by the number
/// that their text begins with (Entra, *Authentication and authorization error
/// codes*). `{}` is where the proof is from.
const ADVICE: &[(&str, &str)] = &[
    ("AADSTS90002", TENANT_ADVICE),
    ("AADSTS900023", TENANT_ADVICE),
    (
        "AADSTS700016",
        "check [auth] client_id, the Application (client) ID of the app registration, and [tenant] \
         id: this tenant does not have the application",
    ),
    (
        "AADSTS7000215",
        "put the secret's value, not its id, into {}; Entra shows it only once, and a new one is \
         made in the app registration (Certificates & secrets)",
    ),
    (
        "AADSTS7000222",
        "the client secret has expired: make a new one in the app registration (Certificates & \
         secrets), and put its value into {}",
    ),
    (
        "AADSTS700027",
        "upload the certificate of {}, without its key, to the app registration (Certificates & \
         secrets), or a new one if Entra says that it has expired",
    ),
    // No federated credential has this issuer, audience or subject; the last is the
    // number for all of them that Entra used before.
    ("AADSTS700211", FEDERATION_ADVICE),
    ("AADSTS700212", FEDERATION_ADVICE),
    ("AADSTS700213", FEDERATION_ADVICE),
    ("AADSTS70021", FEDERATION_ADVICE),
    ("AADSTS700024", "set this machine's clock; the assertion is valid for ten minutes"),
    (
        "AADSTS7000218",
        "for `device-code`, allow public client flows in the app registration (Authentication)",
    ),
    (
        "AADSTS7000112",
        "the application is disabled: let it sign in (Enterprise applications, Properties)",
    ),
    (
        "AADSTS7000229",
        "the application was never added to this tenant: have an administrator consent to its \
         permissions",
    ),
    ("AADSTS53003", "a Conditional Access policy keeps this sign-in out: have it excepted"),
    (
        "AADSTS500011",
        "check [tenant] cloud and graph_url: Graph has another name in this tenant's cloud",
    ),
    ("AADSTS65001", "have an administrator consent to the application's permissions"),
];

const TENANT_ADVICE: &str = "check [tenant] id, and [tenant] cloud: that cloud has no such tenant";

const FEDERATION_ADVICE: &str = "give the app registration (Certificates & secrets) a federated \
    credential with exactly this issuer, subject and audience";

impl AuthError {
    pub fn advice(&self) -> String {
        match self {
            Self::Unavailable { advice, .. } => advice.clone(),
            Self::Unreachable(error) => error.advice().into(),
            Self::Foreign(_) => Foreign::ADVICE.into(),
            Self::Refused { description, proof } => {
                let number = description.split(':').next().unwrap_or_default();
                let known = ADVICE.iter().find(|(known, _)| *known == number);
                match (known, proof) {
                    (Some((_, advice)), Some(proof)) => advice.replace("{}", proof),
                    (Some((_, advice)), None) => advice.replace("{}", "what [auth] names"),
                    (None, Some(proof)) => {
                        format!("check [tenant] id, [auth] client_id and {proof}")
                    }
                    (None, None) => Self::GENERAL_ADVICE.into(),
                }
            }
            Self::Unreadable { .. } | Self::TokenRejected(_) => Self::GENERAL_ADVICE.into(),
        }
    }

    /// The same, with where the proof is from.
    fn proven_by(self, place: &str) -> Self {
        match self {
            Self::Refused { description, .. } => {
                Self::Refused { description, proof: Some(place.to_owned()) }
            }
            other => other,
        }
    }

    const GENERAL_ADVICE: &str = "check [tenant] id and [auth]";
}

#[async_trait]
pub trait TokenSource: Send + Sync {
    /// Gets a token that was not given out before, or fails. With `claims`, one that
    /// carries them; a source that can't ask for claims says so with
    /// [`Self::can_carry_claims`] and gets a token without.
    async fn fetch(
        &self,
        transport: &dyn Transport,
        claims: Option<&ClaimsRequest>,
    ) -> Result<Token, AuthError>;

    /// Whether [`Self::fetch`] can give a different token the next time.
    fn can_refresh(&self) -> bool {
        true
    }

    /// Whether [`Self::fetch`] can ask for claims.
    fn can_carry_claims(&self) -> bool;
}

/// The header that carries the token.
pub(in crate::graph) const TOKEN_HEADER: http::HeaderName = AUTHORIZATION;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_follows_the_code_and_names_where_the_proof_is_from() {
        let refused = |number: &str| AuthError::Refused {
            description: format!("{number}: Words. Trace ID: 1"),
            proof: Some("the file `client-secret.txt`".to_owned()),
        };
        for (number, part) in [
            ("AADSTS90002", "[tenant] id"),
            ("AADSTS700016", "[auth] client_id"),
            ("AADSTS7000215", "not its id, into the file `client-secret.txt`"),
            ("AADSTS7000222", "has expired: make a new one"),
            ("AADSTS7000222", "into the file `client-secret.txt`"),
            ("AADSTS700027", "the certificate of the file `client-secret.txt`"),
            ("AADSTS1", "[auth] client_id and the file `client-secret.txt`"),
        ] {
            let advice = refused(number).advice();
            assert!(advice.contains(part), "{number}: {advice}");
        }
        let nowhere =
            AuthError::Refused { description: "AADSTS7000222: x".to_owned(), proof: None };
        assert!(!nowhere.advice().contains("{}"), "{}", nowhere.advice());
    }
}
