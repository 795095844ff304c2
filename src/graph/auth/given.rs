//! A token that someone else has obtained, or a program obtains.

use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;

use super::{AuthError, Claims, ClaimsRequest, Token, TokenSource};
use crate::graph::transport::Transport;
use crate::program;

/// A token that was given to us: from a file or an environment variable.
#[derive(Debug)]
pub struct GivenToken(pub SecretString);

#[async_trait]
impl TokenSource for GivenToken {
    async fn fetch(
        &self,
        _: &dyn Transport,
        _: Option<&ClaimsRequest>,
    ) -> Result<Token, AuthError> {
        Ok(Token { secret: self.0.clone(), expires_at: None })
    }

    fn can_refresh(&self) -> bool {
        false
    }

    fn can_carry_claims(&self) -> bool {
        false
    }
}

/// A program that prints a token, and is asked again for the next.
#[derive(Debug)]
pub struct CommandToken {
    pub program: String,
    pub arguments: Vec<String>,
    pub limit: Duration,
}

#[async_trait]
impl TokenSource for CommandToken {
    async fn fetch(
        &self,
        _: &dyn Transport,
        _: Option<&ClaimsRequest>,
    ) -> Result<Token, AuthError> {
        let unavailable = |what: String| AuthError::Unavailable {
            what,
            advice: "run the command of [auth] access_token_command by hand; it must print the \
                     token alone"
                .to_owned(),
        };
        let output = program::output(&self.program, &self.arguments, self.limit).await;
        let output = output.map_err(|error| unavailable(error.to_string()))?;
        let text = std::str::from_utf8(&output).map(str::trim).unwrap_or_default();
        if text.is_empty() || text.contains(|c: char| !c.is_ascii_graphic()) {
            return Err(unavailable(format!("`{}` did not print a token", self.program)));
        }
        // When it says when it ends, the next one is fetched before.
        let expires_at = Claims::read(text).expires_at();
        Ok(Token { secret: SecretString::from(text), expires_at })
    }

    fn can_carry_claims(&self) -> bool {
        false
    }
}
