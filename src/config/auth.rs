//! How the program signs in: one table of methods and their keys, and a variant for
//! each.
//!
//! Leaves to others: signing in.

use std::fmt;
use std::path::PathBuf;

use uuid::Uuid;

use super::cloud::guid;
use super::error::Origin;
use super::key::{self, Key};
use super::layers::{Found, Layers, Reported};
use super::platform::{Federation, IdentityHost};
use super::secret::SecretSource;
use super::secret_place::Places;
use super::suggest::listed;
use super::value::Fault;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthSettings {
    /// As an application, with its secret.
    ClientSecret {
        /// Application (client) id.
        client_id: String,
        secret: SecretSource,
    },
    /// As an application, with its certificate.
    ClientCertificate {
        /// Application (client) id.
        client_id: String,
        /// The certificate in PEM, with its private key unless that is elsewhere; or both
        /// in a PKCS#12 file.
        certificate: PathBuf,
        /// The private key in PEM.
        key: Option<PathBuf>,
        /// Where the PKCS#12 file's password is.
        password: Option<SecretSource>,
    },
    /// As an application that another identity provider vouches for.
    WorkloadIdentity {
        /// Application (client) id.
        client_id: String,
        federation: Federation,
    },
    /// With the identity that Azure gives the machine or the app.
    ManagedIdentity {
        /// Client id of a user-assigned identity; None for the system-assigned one.
        client_id: Option<String>,
        /// Who gives out its tokens.
        host: IdentityHost,
    },
    /// As whoever is signed in to the Azure CLI.
    AzureCli,
    /// As a person, who signs in with a browser.
    DeviceCode {
        /// Application (client) id.
        client_id: String,
    },
    /// With an access token that someone else has obtained. It is not renewed, unless
    /// a command gives it.
    AccessToken(SecretSource),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    ClientSecret,
    ClientCertificate,
    WorkloadIdentity,
    ManagedIdentity,
    AzureCli,
    DeviceCode,
    AccessToken,
}

const METHODS: &[(&str, Method)] = &[
    ("client-secret", Method::ClientSecret),
    ("client-certificate", Method::ClientCertificate),
    ("workload-identity", Method::WorkloadIdentity),
    ("managed-identity", Method::ManagedIdentity),
    ("azure-cli", Method::AzureCli),
    ("device-code", Method::DeviceCode),
    ("access-token", Method::AccessToken),
];

const CLIENT_SECRET: Places = Places {
    file: key::AUTH_CLIENT_SECRET_FILE,
    env: key::AUTH_CLIENT_SECRET_ENV,
    command: key::AUTH_CLIENT_SECRET_COMMAND,
};
const CERTIFICATE_PASSWORD: Places = Places {
    file: key::AUTH_CERTIFICATE_PASSWORD_FILE,
    env: key::AUTH_CERTIFICATE_PASSWORD_ENV,
    command: key::AUTH_CERTIFICATE_PASSWORD_COMMAND,
};
const ACCESS_TOKEN: Places = Places {
    file: key::AUTH_ACCESS_TOKEN_FILE,
    env: key::AUTH_ACCESS_TOKEN_ENV,
    command: key::AUTH_ACCESS_TOKEN_COMMAND,
};

impl Method {
    /// The keys that mean something to the method, `method` itself aside.
    const fn keys(self) -> &'static [Key] {
        match self {
            Self::ClientSecret => {
                &[key::AUTH_CLIENT_ID, CLIENT_SECRET.file, CLIENT_SECRET.env, CLIENT_SECRET.command]
            }
            Self::ClientCertificate => &[
                key::AUTH_CLIENT_ID,
                key::AUTH_CERTIFICATE_FILE,
                key::AUTH_CERTIFICATE_KEY_FILE,
                CERTIFICATE_PASSWORD.file,
                CERTIFICATE_PASSWORD.env,
                CERTIFICATE_PASSWORD.command,
            ],
            Self::WorkloadIdentity => {
                &[key::AUTH_CLIENT_ID, key::AUTH_FEDERATION, key::AUTH_FEDERATED_TOKEN_FILE]
            }
            Self::ManagedIdentity | Self::DeviceCode => &[key::AUTH_CLIENT_ID],
            Self::AzureCli => &[],
            Self::AccessToken => &[ACCESS_TOKEN.file, ACCESS_TOKEN.env, ACCESS_TOKEN.command],
        }
    }

    fn name(self) -> &'static str {
        let mut names = METHODS.iter().filter(|(_, method)| *method == self);
        names.next().map_or("", |(name, _)| name)
    }

    /// The methods that a key means something to.
    fn with_key(key: Key) -> impl Iterator<Item = Self> {
        METHODS.iter().map(|(_, method)| *method).filter(move |method| method.keys().contains(&key))
    }

    /// The method in force: the one that is named, or `client-secret`.
    fn resolve(layers: &mut Layers<'_>) -> Result<Self, Reported> {
        let named = layers.find(key::AUTH_METHOD, |value| value.choice(METHODS))?;
        let given = given(layers)?;
        let method = named.as_ref().map_or(Self::ClientSecret, |found| found.value);
        let foreign: Vec<_> =
            given.into_iter().filter(|(key, _)| !method.keys().contains(key)).collect();
        // Only keys of one other method: its name was forgotten.
        let others = foreign.iter().flat_map(|(key, _)| Self::with_key(*key));
        if named.is_none()
            && let Some(other) = one(others)
            && !is_given(layers, &method.keys()[1..])?
        {
            let example = format!("method = \"{}\"", other.name());
            return Err(layers.missing(&[key::AUTH_METHOD], &example));
        }
        let in_file = |origin: &Origin| matches!(origin, Origin::File { .. });
        let from_above = named.is_some_and(|found| !in_file(&found.origin));
        let mut reported = None;
        for (key, origin) in foreign {
            // A method named in the environment replaces the file's, with its keys.
            if from_above && in_file(&origin) {
                continue;
            }
            let owners = listed(Self::with_key(key).map(Self::name));
            let fault =
                Fault::new(format!("is for {owners}, and the method is `{}`", method.name()))
                    .with_hint(format!("leave `{}` out, or choose another `method`", key.name))
                    .unseen();
            reported = Some(layers.report(key, origin, fault));
        }
        reported.map_or(Ok(method), Err)
    }
}

/// The keys of the section that are given, and where.
fn given(layers: &mut Layers<'_>) -> Result<Vec<(Key, Origin)>, Reported> {
    let keys = key::ALL
        .iter()
        .filter(|key| key.section == key::AUTH_METHOD.section && **key != key::AUTH_METHOD);
    let mut given = Vec::new();
    for key in keys {
        if let Some(Found { origin, .. }) = layers.find(*key, |_| Ok(()))? {
            given.push((*key, origin));
        }
    }
    Ok(given)
}

fn is_given(layers: &mut Layers<'_>, keys: &[Key]) -> Result<bool, Reported> {
    Ok(given(layers)?.iter().any(|(key, _)| keys.contains(key)))
}

/// The only method among these, if it is only one.
fn one(mut methods: impl Iterator<Item = Method>) -> Option<Method> {
    let first = methods.next()?;
    methods.all(|method| method == first).then_some(first)
}

impl AuthSettings {
    pub(super) fn resolve(layers: &mut Layers<'_>) -> Result<Self, Reported> {
        let settings = match Method::resolve(layers)? {
            Method::ClientSecret => {
                let client_id = needed_client_id(layers);
                let secret = CLIENT_SECRET.find(layers, "client_secret_file = \"secret.txt\"");
                Self::ClientSecret { client_id: client_id?, secret: secret? }
            }
            Method::ClientCertificate => {
                let client_id = needed_client_id(layers);
                let certificate = layers.path(key::AUTH_CERTIFICATE_FILE);
                let key = layers.path(key::AUTH_CERTIFICATE_KEY_FILE);
                let password = certificate_password(layers);
                let certificate = certificate?.ok_or_else(|| {
                    let example = "certificate_file = \"certificate.pem\"";
                    layers.missing(&[key::AUTH_CERTIFICATE_FILE], example)
                });
                Self::ClientCertificate {
                    client_id: client_id?,
                    certificate: certificate?.value,
                    key: key?.map(|found| found.value),
                    password: password?,
                }
            }
            Method::WorkloadIdentity => {
                // Set beside the token's file by the webhook of Azure Workload Identity.
                let ambient = layers.ambient("AZURE_CLIENT_ID");
                let client_id =
                    match layers.get(key::AUTH_CLIENT_ID, |value| value.parsed(client_id)) {
                        Ok(None) => ambient.map_or_else(|| needed_client_id(layers), Ok),
                        Ok(Some(id)) => Ok(id),
                        Err(reported) => Err(reported),
                    };
                let federation = Federation::resolve(layers);
                Self::WorkloadIdentity { client_id: client_id?, federation: federation? }
            }
            Method::ManagedIdentity => {
                let client_id = layers.get(key::AUTH_CLIENT_ID, |value| value.parsed(client_id));
                let host = IdentityHost::resolve(layers);
                Self::ManagedIdentity { client_id: client_id?, host: host? }
            }
            Method::AzureCli => Self::AzureCli,
            Method::DeviceCode => Self::DeviceCode { client_id: needed_client_id(layers)? },
            Method::AccessToken => {
                Self::AccessToken(ACCESS_TOKEN.find(layers, "access_token_file = \"token.txt\"")?)
            }
        };
        for warning in settings.secrets().iter().filter_map(SecretSource::warning) {
            layers.warn(warning);
        }
        Ok(settings)
    }

    /// Where the secret, the private key and its password, or the token is.
    fn secrets(&self) -> Vec<SecretSource> {
        match self {
            Self::ClientSecret { secret, .. } | Self::AccessToken(secret) => vec![secret.clone()],
            Self::ClientCertificate { certificate, key, password, .. } => {
                let key = SecretSource::File(key.as_ref().unwrap_or(certificate).clone());
                std::iter::once(key).chain(password.clone()).collect()
            }
            Self::WorkloadIdentity { .. }
            | Self::ManagedIdentity { .. }
            | Self::AzureCli
            | Self::DeviceCode { .. } => Vec::new(),
        }
    }

    /// Whether it was the surroundings and not the configuration that decided who signs
    /// us in, so that a person should be told.
    pub fn is_ambient(&self) -> bool {
        matches!(self, Self::WorkloadIdentity { .. } | Self::ManagedIdentity { .. })
    }
}

/// How we sign in, in words: `client certificate certificate.pem`.
impl AuthSettings {
    /// The method's name in the configuration.
    pub fn method(&self) -> &'static str {
        let method = match self {
            Self::ClientSecret { .. } => Method::ClientSecret,
            Self::ClientCertificate { .. } => Method::ClientCertificate,
            Self::WorkloadIdentity { .. } => Method::WorkloadIdentity,
            Self::ManagedIdentity { .. } => Method::ManagedIdentity,
            Self::AzureCli => Method::AzureCli,
            Self::DeviceCode { .. } => Method::DeviceCode,
            Self::AccessToken(_) => Method::AccessToken,
        };
        method.name()
    }

    /// The application (client) id, where the configuration knows it.
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Self::ClientSecret { client_id, .. }
            | Self::ClientCertificate { client_id, .. }
            | Self::WorkloadIdentity { client_id, .. }
            | Self::DeviceCode { client_id } => Some(client_id),
            Self::ManagedIdentity { client_id, .. } => client_id.as_deref(),
            Self::AzureCli | Self::AccessToken(_) => None,
        }
    }
}

impl fmt::Display for AuthSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientSecret { secret, .. } => write!(f, "client secret from {secret}"),
            Self::ClientCertificate { certificate, .. } => {
                write!(f, "client certificate {}", certificate.display())
            }
            Self::WorkloadIdentity { federation: Federation::TokenFile(path), .. } => {
                write!(f, "workload identity, with the token in {}", path.display())
            }
            Self::WorkloadIdentity { federation: Federation::GitHub { .. }, .. } => {
                f.write_str("workload identity, with the token of this GitHub Actions job")
            }
            Self::ManagedIdentity { client_id, host } => {
                let whose = match host {
                    IdentityHost::Metadata => "this machine",
                    IdentityHost::AppService { .. } => "this app (IDENTITY_ENDPOINT)",
                };
                match client_id {
                    Some(id) => write!(f, "managed identity {id} of {whose}"),
                    None => write!(f, "managed identity of {whose}"),
                }
            }
            Self::AzureCli => f.write_str("Azure CLI"),
            Self::DeviceCode { .. } => f.write_str("device code"),
            Self::AccessToken(source) => write!(f, "access token from {source}"),
        }
    }
}

/// Where the password is, if it is anywhere.
fn certificate_password(layers: &mut Layers<'_>) -> Result<Option<SecretSource>, Reported> {
    let is_given = CERTIFICATE_PASSWORD.is_given(layers)?;
    is_given.then(|| CERTIFICATE_PASSWORD.find(layers, "")).transpose()
}

fn needed_client_id(layers: &mut Layers<'_>) -> Result<String, Reported> {
    layers.need(key::AUTH_CLIENT_ID, "client_id = \"<the application's id>\"", |value| {
        value.parsed(client_id)
    })
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

#[cfg(test)]
#[path = "auth_tests.rs"]
mod tests;
