//! A token that someone else has obtained.

use async_trait::async_trait;
use secrecy::SecretString;

use super::{AuthError, Token, TokenSource};
use crate::graph::transport::Transport;

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
