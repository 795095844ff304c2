//! A token of whoever is signed in to the Azure CLI: a person, or an application.
//! Its Graph permissions are those of Microsoft's own application "Microsoft Azure
//! CLI", which an administrator may have to extend.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use tokio::time::Instant;

use super::{AuthError, Claims, ClaimsRequest, Token, TokenSource};
use crate::graph::transport::Transport;
use crate::program::{self, ProgramError};

/// `az account get-access-token`.
#[derive(Debug)]
pub struct AzureCli {
    /// The tenant's id or domain.
    pub tenant: String,
    pub resource: String,
}

/// The CLI takes seconds to start, and longer when it renews its own sign-in.
const TIME_LIMIT: Duration = Duration::from_secs(30);

const PROGRAM: &str = "az";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Printed {
    access_token: String,
    /// Seconds since 1970; since version 2.54. The older `expiresOn` is in local time
    /// without saying which.
    #[serde(rename = "expires_on")]
    expires_on: Option<i64>,
}

#[async_trait]
impl TokenSource for AzureCli {
    async fn fetch(
        &self,
        _: &dyn Transport,
        _: Option<&ClaimsRequest>,
    ) -> Result<Token, AuthError> {
        let Self { tenant, resource } = self;
        let arguments = [
            "account",
            "get-access-token",
            "--output",
            "json",
            "--resource",
            resource,
            "--tenant",
            tenant,
        ];
        let output = program::output(PROGRAM, &arguments, TIME_LIMIT).await;
        let output = output.map_err(|error| self.failed(&error))?;
        // Not the error's own words, which may quote the token.
        let printed: Printed = serde_json::from_slice(&output).map_err(|_| {
            self.unavailable(format!("`{PROGRAM}` printed something else than a token"))
        })?;
        let expires_at = printed.expires_on.and_then(|end| {
            let left = u64::try_from(end.saturating_sub(Timestamp::now().as_second())).unwrap_or(0);
            Instant::now().checked_add(Duration::from_secs(left))
        });
        let expires_at = expires_at.or_else(|| Claims::read(&printed.access_token).expires_at());
        Ok(Token { secret: SecretString::from(printed.access_token), expires_at })
    }

    fn can_carry_claims(&self) -> bool {
        false
    }
}

impl AzureCli {
    fn failed(&self, error: &ProgramError) -> AuthError {
        match error {
            ProgramError::Missing(_) => AuthError::Unavailable {
                what: "the Azure CLI is not installed, or `az` is not on the PATH".to_owned(),
                advice: "install the Azure CLI, or choose another [auth] method".to_owned(),
            },
            ProgramError::Failed { .. }
            | ProgramError::NotStarted { .. }
            | ProgramError::TooSlow { .. }
            | ProgramError::TooMuch(_) => self.unavailable(error.to_string()),
        }
    }

    fn unavailable(&self, what: String) -> AuthError {
        let advice = format!(
            "sign in with `az login --tenant {}`, in the cloud of [tenant] cloud (`az cloud set`)",
            self.tenant
        );
        AuthError::Unavailable { what, advice }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cli_prints_is_read_of_either_age() {
        let new = r#"{"accessToken":"t","expiresOn":"2026-11-21 10:00:00.000000",
            "expires_on":1795252800,"subscription":"s","tenant":"t","tokenType":"Bearer"}"#;
        let old = r#"{"accessToken":"t","expiresOn":"2026-11-21 10:00:00.000000"}"#;
        for (printed, expires_on) in [(new, Some(1_795_252_800)), (old, None)] {
            let printed: Printed = serde_json::from_str(printed).unwrap();
            assert_eq!((&*printed.access_token, printed.expires_on), ("t", expires_on));
        }
    }
}
