//! What a token says about its holder.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::time::Instant;

use crate::domain::Caller;

/// What a token says about its holder. Tokens for Graph are opaque by contract;
/// what can't be read is simply not known.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Claims {
    /// `app` for a token without a user.
    idtyp: Option<String>,
    /// Delegated scopes, space-separated.
    scp: Option<String>,
    /// Application permissions.
    #[serde(default)]
    roles: Vec<String>,
    tid: Option<String>,
    /// The application's id in tokens of version 1.0, which Graph's are.
    appid: Option<String>,
    /// The same in tokens of version 2.0.
    azp: Option<String>,
    upn: Option<String>,
    preferred_username: Option<String>,
    unique_name: Option<String>,
    /// Template ids of the directory roles that the caller holds.
    #[serde(default)]
    wids: Vec<String>,
    /// When it ends, in seconds since 1970.
    exp: Option<i64>,
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

    /// When the token ends, by this machine's clock.
    pub(super) fn expires_at(&self) -> Option<Instant> {
        let left = self.exp?.saturating_sub(Timestamp::now().as_second());
        Instant::now().checked_add(Duration::from_secs(u64::try_from(left).unwrap_or(0)))
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

    /// What was granted: the application's permissions, or the scopes that a person
    /// delegated, which never exceed what that person may do. Empty for an opaque token.
    pub fn permissions(&self) -> Vec<&str> {
        match self.caller() {
            Caller::AppOnly => self.roles.iter().map(String::as_str).collect(),
            Caller::Delegated => self.scp.as_deref().unwrap_or("").split_whitespace().collect(),
        }
    }

    /// The application that signed in, alone or for a person.
    pub fn app_id(&self) -> Option<&str> {
        self.appid.as_deref().or(self.azp.as_deref())
    }

    /// The person who signed in, as people know them; None for an application.
    pub fn user_name(&self) -> Option<&str> {
        [&self.upn, &self.preferred_username, &self.unique_name]
            .into_iter()
            .find_map(Option::as_deref)
    }

    /// Template ids of the caller's tenant-wide directory roles. Entra's default role
    /// of every member is among them, and roles limited to an administrative unit are not
    /// (Entra, *Access token claims reference*, `wids`).
    pub fn role_templates(&self) -> &[String] {
        &self.wids
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

    #[test]
    fn a_token_tells_what_it_permits_and_to_whom() {
        let read =
            |claims: &str| Claims::read(&format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims)));
        let app = read(r#"{"idtyp":"app","roles":["A.Read","B.Write"],"appid":"1","wids":["w"]}"#);
        assert_eq!(app.permissions(), ["A.Read", "B.Write"]);
        assert_eq!((app.app_id(), app.user_name()), (Some("1"), None));
        assert_eq!(app.role_templates(), ["w"]);

        let person = read(r#"{"scp":"A.Read B.Write","azp":"2","upn":"a@b","unique_name":"c"}"#);
        assert_eq!(person.permissions(), ["A.Read", "B.Write"]);
        assert_eq!((person.app_id(), person.user_name()), (Some("2"), Some("a@b")));
        assert_eq!(read(r#"{"scp":"","preferred_username":"p"}"#).user_name(), Some("p"));

        let opaque = Claims::read("opaque");
        assert!(opaque.permissions().is_empty() && opaque.role_templates().is_empty());
        assert_eq!((opaque.app_id(), opaque.user_name()), (None, None));
    }
}
