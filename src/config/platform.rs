//! Identities that a platform gives the program, and that it announces in variables of
//! its own: who vouches for us in Kubernetes or GitHub Actions, and who gives out the
//! tokens of a managed identity.
//!
//! Leaves to others: asking them.

use std::path::PathBuf;

use url::Url;

use super::key;
use super::layers::{Layers, Reported};
use super::secret::SecretSource;
use super::value::Fault;

/// Who vouches for an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Federation {
    /// Whoever keeps the token in this file fresh.
    TokenFile(PathBuf),
    /// The identity provider of GitHub Actions.
    GitHub {
        url: Url,
        /// What it wants to see: a secret.
        token: SecretSource,
    },
}

/// Who gives out a managed identity's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityHost {
    /// The metadata service of a virtual machine.
    Metadata,
    /// The endpoint of an App Service, a Function or a Container App.
    AppService {
        endpoint: Url,
        /// What it wants to see: a secret.
        header: SecretSource,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    TokenFile,
    GitHub,
}

const KINDS: &[(&str, Kind)] = &[("token-file", Kind::TokenFile), ("github", Kind::GitHub)];

/// Set by the webhook of Azure Workload Identity for Kubernetes.
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
/// Set by GitHub in a job with `id-token: write`.
const GITHUB_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const GITHUB_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

impl Federation {
    /// Who vouches: as configured, or else whoever the surroundings name, if that is one.
    pub(super) fn resolve(layers: &mut Layers<'_>) -> Result<Self, Reported> {
        let kind = layers.get(key::AUTH_FEDERATION, |value| value.choice(KINDS));
        let file = layers.path(key::AUTH_FEDERATED_TOKEN_FILE);
        let (kind, file) = (kind?, file?);
        let ambient_file = layers.ambient(TOKEN_FILE).map(PathBuf::from);
        let has_github = layers.ambient(GITHUB_URL).is_some();
        match (kind, file, ambient_file) {
            (Some(Kind::GitHub), Some(file), _) => {
                let fault =
                    Fault::new("is for federation `token-file`, and federation is `github`");
                let fault = fault.with_hint("give one of them");
                Err(layers.report(key::AUTH_FEDERATED_TOKEN_FILE, file.origin, fault))
            }
            (Some(Kind::GitHub), None, _) => Self::github(layers),
            (Some(Kind::TokenFile) | None, Some(file), _) => Ok(Self::TokenFile(file.value)),
            (None, None, Some(_)) if has_github => Err(layers.platform(
                format!("both {TOKEN_FILE} and {GITHUB_URL} are set: two could vouch for us"),
                "write `federation = \"token-file\"` or `federation = \"github\"` under [auth]",
            )),
            (_, None, Some(path)) => Ok(Self::TokenFile(path)),
            (None, None, None) if has_github => Self::github(layers),
            (_, None, None) => Err(layers.missing(
                &[key::AUTH_FEDERATED_TOKEN_FILE],
                "federated_token_file = \"/path/to/token\"",
            )),
        }
    }

    fn github(layers: &mut Layers<'_>) -> Result<Self, Reported> {
        const HINT: &str = "give the job `permissions: id-token: write`";
        for name in [GITHUB_URL, GITHUB_TOKEN] {
            if layers.ambient(name).is_none() {
                return Err(layers.platform(format!("{name} is not set"), HINT));
            }
        }
        let url = address(layers, GITHUB_URL)?;
        Ok(Self::GitHub { url, token: SecretSource::of_variable(GITHUB_TOKEN.to_owned()) })
    }
}

impl IdentityHost {
    /// Who gives out the tokens, as the platform announces it.
    pub(super) fn resolve(layers: &mut Layers<'_>) -> Result<Self, Reported> {
        if layers.ambient("IDENTITY_ENDPOINT").is_none() {
            return Ok(Self::Metadata);
        }
        let unsupported =
            [("IMDS_ENDPOINT", "Azure Arc"), ("IDENTITY_SERVER_THUMBPRINT", "Service Fabric")];
        for (name, platform) in unsupported {
            if layers.ambient(name).is_some() {
                return Err(layers.platform(
                    format!("managed identities of {platform} are not supported ({name} is set)"),
                    "use `client-certificate` or `workload-identity` there",
                ));
            }
        }
        if layers.ambient("IDENTITY_HEADER").is_none() {
            return Err(layers.platform(
                "IDENTITY_ENDPOINT is set and IDENTITY_HEADER is not".to_owned(),
                "the platform sets both or neither; pass both on to reinvite",
            ));
        }
        let endpoint = address(layers, "IDENTITY_ENDPOINT")?;
        Ok(Self::AppService {
            endpoint,
            header: SecretSource::of_variable("IDENTITY_HEADER".to_owned()),
        })
    }
}

/// An address that the platform gives.
fn address(layers: &mut Layers<'_>, name: &str) -> Result<Url, Reported> {
    let text = layers.ambient(name).unwrap_or_default();
    let url = Url::parse(&text).ok().filter(|url| ["http", "https"].contains(&url.scheme()));
    url.ok_or_else(|| {
        layers.platform(format!("{name} does not hold an address"), "the platform sets it")
    })
}
