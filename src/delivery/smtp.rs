//! A mail server, spoken to step by step, so that it is always known whether the text had
//! left when something went wrong.
//!
//! Leaves to others: the protocol itself (`lettre`), and pace and order (`run`).

use std::future::Future;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;

use crate::config::{SecretError, SmtpSettings, SmtpTls};
use crate::graph::UNTRUSTED;

use super::message::{Mail, address};
use super::outcome::{Outcome, Refused};

/// How long a connection and each answer may take. Servers that look a sender up take
/// half a minute (RFC 5321, 4.5.3.2, allows five).
const STEP: Duration = Duration::from_mins(1);
/// How long the answer to the text may take: the server may be judging it. The same place
/// allows ten minutes.
pub(super) const AFTER_TEXT: Duration = Duration::from_mins(10);

/// Why there is no session with the server. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("cannot reach the mail server {host}:{port}: {why}")]
    Unreachable { host: String, port: u16, why: String },
    #[error("no TLS with {host}: {why}")]
    Tls { host: String, why: String },
    #[error("{host} refuses the sign-in of {user}: {refused}")]
    Login { host: String, user: String, refused: Refused },
    #[error("{host} wants no mail now: {why}")]
    Busy { host: String, why: String },
}

impl SmtpError {
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Secret(_) => {
                "see password_file, password_env and password_command under [delivery.smtp]"
            }
            Self::Unreachable { .. } => {
                "check host and port under [delivery.smtp], and the network"
            }
            Self::Tls { .. } => {
                "check tls under [delivery.smtp]; a private certificate authority is trusted when \
                 SSL_CERT_FILE names a file with it"
            }
            Self::Login { .. } => {
                "check user and password under [delivery.smtp]; Exchange Online wants oauth = true"
            }
            Self::Busy { .. } => "run it again later",
        }
    }
}

/// A mail server and the connections to it that wait for the next mail.
pub struct Smtp {
    settings: SmtpSettings,
    idle: Mutex<Vec<AsyncSmtpConnection>>,
}

impl Smtp {
    pub fn new(settings: SmtpSettings) -> Self {
        Self { settings, idle: Mutex::default() }
    }

    /// Connects and signs in, and sends nothing.
    pub async fn greet(&self) -> Result<(), SmtpError> {
        let connection = self.connect().await?;
        self.idle.lock().await.push(connection);
        Ok(())
    }

    /// Hands one mail over.
    pub async fn send(&self, mail: &Mail) -> Outcome {
        let idle = self.idle.lock().await.pop();
        if let Some(mut connection) = idle {
            // A server hangs up when it waited long enough; that says nothing of the mail.
            if let Ok(begun) = timed(connection.command(from(mail))).await
                && begun.as_ref().err().is_none_or(|error| !is_closed(error))
            {
                return self.go_on(connection, mail, begun).await;
            }
        }
        let mut connection = match self.connect().await {
            Ok(connection) => connection,
            Err(error) => return not_begun(error),
        };
        match timed(connection.command(from(mail))).await {
            Ok(begun) => self.go_on(connection, mail, begun).await,
            Err(step) => Outcome::NotSent { why: step.to_string() },
        }
    }

    async fn go_on(
        &self,
        mut connection: AsyncSmtpConnection,
        mail: &Mail,
        begun: Result<Response, Error>,
    ) -> Outcome {
        if let Err(error) = begun {
            connection.abort().await;
            return refused_before_text(&error, Refusal::Sender);
        }
        let mut refused_copies = Vec::new();
        for (recipient, is_guest) in
            [(&mail.to, true)].into_iter().chain(mail.cc.iter().map(|copy| (copy, false)))
        {
            let Ok(to) = address(recipient) else {
                connection.abort().await;
                let text = format!("mail can't be sent to {recipient}");
                return Outcome::RefusedRecipient(Refused { code: String::new(), text });
            };
            match timed(connection.command(Rcpt::new(to, Vec::new()))).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) if !is_guest && error.is_permanent() => {
                    refused_copies.push(recipient.clone());
                }
                Ok(Err(error)) => {
                    connection.abort().await;
                    return refused_before_text(&error, Refusal::Recipient);
                }
                Err(step) => return Outcome::NotSent { why: step.to_string() },
            }
        }
        match timed(connection.command(Data)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                connection.abort().await;
                return refused_before_text(&error, Refusal::Sender);
            }
            Err(step) => return Outcome::NotSent { why: step.to_string() },
        }
        // From here on the server may have the whole text.
        match tokio::time::timeout(AFTER_TEXT, connection.message(mail.mime())).await {
            Ok(Ok(_)) => {
                self.idle.lock().await.push(connection);
                Outcome::Accepted { refused_copies }
            }
            Ok(Err(error)) if error.status().is_some() => {
                connection.abort().await;
                refused_before_text(&error, Refusal::Text)
            }
            Ok(Err(error)) => Outcome::Lost { why: told(&error) },
            Err(_) => Outcome::Lost {
                why: format!("no answer to the text in {} s", AFTER_TEXT.as_secs()),
            },
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let SmtpSettings { host, port, tls, login } = &self.settings;
        let (host, port) = (host.clone(), *port);
        let unreachable = |why: String| SmtpError::Unreachable { host: host.clone(), port, why };
        let no_tls = |why: String| SmtpError::Tls { host: host.clone(), why };
        let name = ClientId::default();
        let parameters = || TlsParameters::new(host.clone()).map_err(|error| no_tls(told(&error)));
        let implicit = if *tls == SmtpTls::Tls { Some(parameters()?) } else { None };
        let connecting = AsyncSmtpConnection::connect_tokio1(
            (host.as_str(), port),
            Some(STEP),
            &name,
            implicit,
            None,
        );
        let mut connection = match timed(connecting).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) if error.is_tls() || told(&error).contains(UNTRUSTED) => {
                return Err(no_tls(told(&error)));
            }
            Ok(Err(error)) if error.is_transient() => {
                return Err(SmtpError::Busy { host, why: told(&error) });
            }
            Ok(Err(error)) => return Err(unreachable(told(&error))),
            Err(step) => return Err(unreachable(step.to_string())),
        };
        if *tls == SmtpTls::StartTls {
            match timed(connection.starttls(parameters()?, &name)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(no_tls(told(&error))),
                Err(step) => return Err(no_tls(step.to_string())),
            }
        }
        let Some(login) = login else { return Ok(connection) };
        let secret: SecretString = login.secret.read().await?;
        let credentials = Credentials::new(login.user.clone(), secret.expose_secret().to_owned());
        let mechanisms: &[Mechanism] =
            if login.oauth { &[Mechanism::Xoauth2] } else { &[Mechanism::Plain, Mechanism::Login] };
        match timed(connection.auth(mechanisms, &credentials)).await {
            Ok(Ok(_)) => Ok(connection),
            Ok(Err(error)) if error.is_transient() => {
                Err(SmtpError::Busy { host, why: told(&error) })
            }
            Ok(Err(error)) if error.is_permanent() || error.is_client() => {
                let user = login.user.clone();
                Err(SmtpError::Login { host, user, refused: refused(&error) })
            }
            Ok(Err(error)) => Err(unreachable(told(&error))),
            Err(step) => Err(unreachable(step.to_string())),
        }
    }
}

type Response = lettre::transport::smtp::response::Response;

/// A step that took too long.
#[derive(Debug, thiserror::Error)]
#[error("no answer in {} s", STEP.as_secs())]
struct Step;

async fn timed<T>(step: impl Future<Output = T>) -> Result<T, Step> {
    tokio::time::timeout(STEP, step).await.map_err(|_| Step)
}

fn from(mail: &Mail) -> MailFrom {
    MailFrom::new(address(&mail.from).ok(), Vec::new())
}

fn not_begun(error: SmtpError) -> Outcome {
    match error {
        SmtpError::Login { refused, .. } => Outcome::RefusedSender(refused),
        SmtpError::Busy { why, .. } => Outcome::TryLater { after: None, why },
        SmtpError::Tls { .. } | SmtpError::Secret(_) => {
            let text = error.to_string();
            Outcome::RefusedSender(Refused { code: String::new(), text })
        }
        SmtpError::Unreachable { .. } => Outcome::NotSent { why: error.to_string() },
    }
}

/// At which word the server said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Sender,
    Recipient,
    Text,
}

/// What a refusal means. Nothing of the mail was taken.
fn refused_before_text(error: &Error, at: Refusal) -> Outcome {
    if error.status().is_none() {
        return Outcome::NotSent { why: told(error) };
    }
    if error.is_transient() {
        return Outcome::TryLater { after: None, why: told(error) };
    }
    let refused = refused(error);
    if is_of_the_sender(&refused.code, at) {
        Outcome::RefusedSender(refused)
    } else {
        Outcome::RefusedRecipient(refused)
    }
}

/// Whether the next mail would be refused as well. Enhanced codes (RFC 3463) say whose
/// fault it is: X.1 and X.2 the address and its mailbox, X.6 and X.3.4 this text, X.7
/// what the sender may do. Exchange Online's day limit is a 5.2.0.
fn is_of_the_sender(code: &str, at: Refusal) -> bool {
    let mut parts = code.split('.').skip(1);
    match (parts.next(), parts.next()) {
        (Some("1"), Some("7" | "8")) => true,
        (Some("1" | "6"), _) | (Some("3"), Some("4")) => false,
        (Some("2"), Some(detail)) => detail == "0" && at != Refusal::Recipient,
        (Some(_), _) => true,
        (None, _) => at == Refusal::Sender,
    }
}

/// The connection is gone, or the server is about to hang up (RFC 5321, 3.8).
fn is_closed(error: &Error) -> bool {
    error.status().is_none_or(|code| code.to_string() == "421")
}

fn refused(error: &Error) -> Refused {
    let text = told(error);
    let plain = error.status().map_or_else(String::new, |code| code.to_string());
    let enhanced = text.split(|c: char| c.is_whitespace() || c == '#').find(|word| {
        let mut parts = word.split('.');
        matches!(parts.next(), Some("4" | "5"))
            && parts.clone().count() == 2
            && parts.all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    });
    Refused { code: enhanced.map_or(plain, str::to_owned), text }
}

/// The error with its causes, on one line.
fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
