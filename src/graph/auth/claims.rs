//! What a token says about its holder.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::domain::Caller;

/// What a token says about its holder. Tokens for Graph are opaque by contract;
/// what can't be read is simply not known.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Claims {
    /// `app` for a token without a user.
    idtyp: Option<String>,
    /// Delegated scopes, space-separated.
    scp: Option<String>,
    /// Tenant id.
    tid: Option<String>,
}

impl Claims {
    pub(super) fn read(token: &str) -> Self {
        let payload = token.split('.').nth(1).unwrap_or_default();
        URL_SAFE_NO_PAD
            .decode(payload.trim_end_matches('='))
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .unwrap_or_default()
    }

    /// Who the caller is. A token that does not say is taken for an application's:
    /// that blocks more, never less.
    pub fn caller(&self) -> Caller {
        match (&self.idtyp, &self.scp) {
            (Some(kind), _) if kind == "app" => Caller::AppOnly,
            (_, Some(_)) => Caller::Delegated,
            (_, None) => Caller::AppOnly,
        }
    }

    /// The tenant the token is for.
    pub fn tenant(&self) -> Option<&str> {
        self.tid.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_is_read_from_the_token_where_it_says() {
        let token = |claims: &str| format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims));
        for (text, expected) in [
            (token(r#"{"idtyp":"app","roles":["User.ReadWrite.All"]}"#), Caller::AppOnly),
            (token(r#"{"idtyp":"user","scp":"User.ReadWrite.All"}"#), Caller::Delegated),
            (token(r#"{"scp":"User.Invite.All"}"#), Caller::Delegated),
            (token("not json"), Caller::AppOnly),
            ("opaque".to_owned(), Caller::AppOnly),
        ] {
            assert_eq!(Claims::read(&text).caller(), expected, "{text}");
        }
    }
}
