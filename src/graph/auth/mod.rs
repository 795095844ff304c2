//! Tokens: where they come from, how long they are used, and what they say
//! about the caller.
//!
//! Leaves to others: which source the configuration asks for (`cli`).

mod claims;
mod client_secret;
mod given;
mod tokens;

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use secrecy::SecretString;
use tokio::time::Instant;

use super::transport::{Transport, TransportError};

pub use claims::Claims;
pub use client_secret::ClientSecret;
pub use given::GivenToken;
pub(in crate::graph) use tokens::Tokens;

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

/// The header that carries the token.
pub(in crate::graph) const TOKEN_HEADER: http::HeaderName = AUTHORIZATION;
