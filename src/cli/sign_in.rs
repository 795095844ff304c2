//! From the configured method to a way of signing in: secrets and certificates are
//! read here, before anything is sent.
//!
//! Leaves to others: signing in.

use std::io::IsTerminal as _;
use std::sync::Arc;

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::Handle;

use crate::config::{
    AuthSettings, Federation, IdentityHost, PROGRAM_LIMIT, SecretError, SecretSource,
    TenantSettings,
};
use crate::graph::{
    self, AzureCli, CallError, Certificate, ClientCertificate, ClientSecret, Clock, CommandToken,
    DeviceCode, GivenToken, ManagedIdentity, TokenEndpoint, TokenSource, WorkloadIdentity,
};
use crate::run::{Event, Stop};

use super::Exit;
use super::connect::Sink;
use super::failure::Failure;
use super::planning::interrupted;

/// The configured way to sign in.
pub(super) fn source(
    tenant: &TenantSettings,
    auth: &AuthSettings,
    clock: &Arc<Clock>,
    stop: &Stop,
    sink: &Sink,
) -> Result<Box<dyn TokenSource>, Failure> {
    let read = |secret: &SecretSource| read(secret, stop);
    let endpoint = TokenEndpoint::new(&tenant.login_url, &tenant.id);
    let scope = tenant.scope.clone();
    let resource = tenant.resource().to_owned();
    Ok(match auth.clone() {
        AuthSettings::ClientSecret { client_id, secret } => {
            let place = secret.to_string();
            Box::new(ClientSecret { endpoint, client_id, secret: read(&secret)?, place, scope })
        }
        AuthSettings::ClientCertificate { client_id, certificate, key, password } => {
            let password = password.as_ref().map(read).transpose()?;
            let (key, password) = (key.as_deref(), password.as_ref());
            let place = format!("the file `{}`", certificate.display());
            let certificate = Certificate::read(&certificate, key, password, clock.now())?;
            let clock = Arc::clone(clock);
            Box::new(ClientCertificate { endpoint, client_id, scope, certificate, place, clock })
        }
        AuthSettings::WorkloadIdentity { client_id, federation } => {
            let federation = match federation {
                Federation::TokenFile(path) => graph::Federation::TokenFile(path),
                Federation::GitHub { url, token } => graph::Federation::GitHub {
                    url,
                    bearer: header("Bearer ", &token, stop)?,
                    audience: tenant.cloud.exchange_audience().to_owned(),
                },
            };
            Box::new(WorkloadIdentity { endpoint, client_id, scope, federation })
        }
        AuthSettings::ManagedIdentity { client_id, host } => {
            let host = match host {
                IdentityHost::Metadata => graph::IdentityHost::Metadata,
                IdentityHost::AppService { endpoint, header: secret } => {
                    graph::IdentityHost::AppService { endpoint, header: header("", &secret, stop)? }
                }
            };
            Box::new(ManagedIdentity { host, client_id, resource })
        }
        AuthSettings::AzureCli => Box::new(AzureCli { tenant: tenant.id.clone(), resource }),
        AuthSettings::DeviceCode { client_id } => {
            // Nobody would answer, and the run would wait for a quarter of an hour.
            if !std::io::stdin().is_terminal() {
                return Err(Failure::new(
                    Exit::Permission,
                    anyhow::anyhow!("`device-code` needs a person, and stdin is no terminal"),
                )
                .hint(
                    "run it in a terminal, or choose another [auth] method for unattended runs",
                ));
            }
            let sink = sink.clone();
            Box::new(DeviceCode::new(endpoint, client_id, &scope, move |prompt| {
                let graph::DevicePrompt { url, code, valid_for } = prompt;
                sink.take(Event::SignInNeeded { url, code, valid_for });
            }))
        }
        AuthSettings::AccessToken(SecretSource::Command { program, arguments }) => {
            Box::new(CommandToken { program, arguments, limit: PROGRAM_LIMIT })
        }
        AuthSettings::AccessToken(secret) => Box::new(GivenToken(read(&secret)?)),
    })
}

/// Reads a secret. What asks the run to stop ends a program that is slow to give it.
fn read(secret: &SecretSource, stop: &Stop) -> Result<SecretString, Failure> {
    Handle::current().block_on(async {
        tokio::select! {
            read = secret.read() => Ok(read?),
            () = stop.requested() => Err(interrupted(CallError::Stopped, stop)),
        }
    })
}

/// A secret as a header's value.
fn header(prefix: &str, secret: &SecretSource, stop: &Stop) -> Result<HeaderValue, Failure> {
    let text = read(secret, stop)?;
    let mut value = HeaderValue::from_str(&format!("{prefix}{}", text.expose_secret()))
        .map_err(|_| Failure::new(Exit::Usage, SecretError::NotText(secret.to_string())))?;
    value.set_sensitive(true);
    Ok(value)
}
