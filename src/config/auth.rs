//! How the program signs in. The seam for further methods: a variant here, and
//! an arm in `resolve`.
//!
//! Leaves to others: signing in.

use uuid::Uuid;

use super::cloud::guid;
use super::error::Origin;
use super::key::{self, Key};
use super::layers::{Found, Layers, Reported};
use super::secret::SecretSource;
use super::value::Fault;

/// How to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthSettings {
    /// As an application, with its secret.
    ClientSecret {
        /// Application (client) id.
        client_id: String,
        /// Where its secret is.
        secret: SecretSource,
    },
    /// With an access token that someone else has obtained. It is not renewed.
    AccessToken(SecretSource),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    ClientSecret,
    AccessToken,
    /// Known, and not part of this version.
    NotYet(&'static str),
}

const METHODS: &[(&str, Method)] = &[
    ("client-secret", Method::ClientSecret),
    ("client-certificate", Method::NotYet("client-certificate")),
    ("workload-identity", Method::NotYet("workload-identity")),
    ("managed-identity", Method::NotYet("managed-identity")),
    ("azure-cli", Method::NotYet("azure-cli")),
    ("device-code", Method::NotYet("device-code")),
    ("access-token", Method::AccessToken),
];

const CLIENT_SECRET: [Key; 2] = [key::AUTH_CLIENT_SECRET_FILE, key::AUTH_CLIENT_SECRET_ENV];
const ACCESS_TOKEN: [Key; 2] = [key::AUTH_ACCESS_TOKEN_FILE, key::AUTH_ACCESS_TOKEN_ENV];

impl AuthSettings {
    pub(super) fn resolve(layers: &mut Layers<'_>) -> Result<Self, Reported> {
        let method = layers.get(key::AUTH_METHOD, |value| match value.choice(METHODS)? {
            Method::NotYet(name) => {
                Err(Fault::new(format!("this version of reinvite does not sign in with `{name}`"))
                    .with_hint(
                        "it signs in with `client-secret` and with `access-token`; use one of them",
                    ))
            }
            method => Ok(method),
        })?;
        if method.is_none() && given(layers, ACCESS_TOKEN)? && !given(layers, CLIENT_SECRET)? {
            return Err(layers.missing(&[key::AUTH_METHOD], "method = \"access-token\""));
        }
        let settings = match method.unwrap_or(Method::ClientSecret) {
            Method::ClientSecret | Method::NotYet(_) => {
                let client_id = layers.need(
                    key::AUTH_CLIENT_ID,
                    "client_id = \"<the application's id>\"",
                    |value| value.parsed(client_id),
                );
                let secret = source(layers, CLIENT_SECRET, "client_secret_file = \"secret.txt\"");
                Self::ClientSecret { client_id: client_id?, secret: secret? }
            }
            Method::AccessToken => Self::AccessToken(source(
                layers,
                ACCESS_TOKEN,
                "access_token_file = \"token.txt\"",
            )?),
        };
        if let Some(warning) = settings.source().warning() {
            layers.warn(warning);
        }
        Ok(settings)
    }

    /// Where the secret or the token is.
    pub fn source(&self) -> &SecretSource {
        match self {
            Self::ClientSecret { secret, .. } => secret,
            Self::AccessToken(token) => token,
        }
    }
}

/// An application id. Entra's are GUIDs; another server may have its own, and what
/// is wrong with one the sign-in says best.
fn client_id(text: &str) -> Result<String, String> {
    if let Ok(id) = Uuid::try_parse(text) {
        return guid(id, text);
    }
    if text.is_empty() || text.contains(|c: char| !c.is_ascii_graphic()) {
        return Err(format!("`{text}` is not an application (client) id"));
    }
    Ok(text.to_owned())
}

/// Whether a secret's place is given at all.
pub(super) fn given(layers: &mut Layers<'_>, keys: [Key; 2]) -> Result<bool, Reported> {
    let mut given = false;
    for key in keys {
        given |= layers.get(key, |_| Ok(()))?.is_some();
    }
    Ok(given)
}

/// One of the two places of a secret. Given in the environment it replaces
/// whichever of the two the file gives.
pub(super) fn source(
    layers: &mut Layers<'_>,
    [file, env]: [Key; 2],
    example: &str,
) -> Result<SecretSource, Reported> {
    let from_file = layers.path(file);
    let from_env = layers.find(env, |value| value.text().and_then(variable_name));
    let from_file = from_file?.map(|found| (SecretSource::File(found.value), file, found.origin));
    let from_env = from_env?.map(|Found { value, origin }| (SecretSource::Env(value), env, origin));
    match (from_file, from_env) {
        (Some((source, ..)), None) | (None, Some((source, ..))) => Ok(source),
        (None, None) => Err(layers.missing(&[file, env], example)),
        (Some((of_file, _, file_origin)), Some((of_env, key, env_origin))) => {
            let in_environment = |origin: &Origin| matches!(origin, Origin::Variable(_));
            match (in_environment(&file_origin), in_environment(&env_origin)) {
                (true, false) => Ok(of_file),
                (false, true) => Ok(of_env),
                (true, true) | (false, false) => {
                    let fault = Fault::new(format!("`{}` is given as well", file.name))
                        .with_hint(format!("give one of `{}` and `{}`", file.name, env.name));
                    Err(layers.report(key, env_origin, fault))
                }
            }
        }
    }
}

/// The name of an environment variable. What doesn't look like one may be the
/// secret itself, so it is not repeated.
fn variable_name(text: &str) -> Result<String, Fault> {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        Ok(text.to_owned())
    } else {
        Err(Fault::new("is not the name of an environment variable")
            .with_hint("give the name of the variable that holds the secret, not the secret itself")
            .unseen())
    }
}
