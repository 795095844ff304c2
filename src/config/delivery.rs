//! Who mails the guests, with which text, and how fast.
//!
//! Leaves to others: the text itself, and sending it (`delivery`).

use std::fmt;
use std::path::PathBuf;

use crate::domain::Email;

use super::error::Origin;
use super::key::{self, Key};
use super::layers::{Found, Layers, Reported};
use super::secret::SecretSource;
use super::secret_place::Places;
use super::value::{Fault, Value};

/// Most guests who may be without access and without mail at the same time.
const MOST_AHEAD: u32 = 10_000;
/// A server of one's own may take more than Exchange Online does.
const MOST_PER_MINUTE: u32 = 100_000;
/// Exchange Online takes four requests of a mailbox at a time (Microsoft Graph,
/// *Throttling limits*, Outlook service); a server of one's own may take more.
const MOST_IN_FLIGHT: u32 = 64;

const MOST_PER_DAY: u32 = 100_000_000;
/// Recipients that Exchange Online takes of a mailbox in 24 hours (*Exchange Online
/// limits*, recipient rate limit). What another server takes is its own affair.
const MAILBOX_PER_DAY: u32 = 10_000;

/// Where subject and templates of the move are configured.
const SECTION: &str = "delivery";

/// The port for submission with STARTTLS (RFC 6409), and with TLS from the first byte
/// (RFC 8314).
const STARTTLS_PORT: u16 = 587;
const TLS_PORT: u16 = 465;

/// Who mails the guests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryWay {
    #[default]
    Microsoft,
    /// A mailbox of the tenant.
    Graph,
    Smtp,
    Files,
    /// Nobody.
    None,
}

const WAYS: &[(&str, DeliveryWay)] = &[
    ("microsoft", DeliveryWay::Microsoft),
    ("graph", DeliveryWay::Graph),
    ("smtp", DeliveryWay::Smtp),
    ("files", DeliveryWay::Files),
    ("none", DeliveryWay::None),
];

impl DeliveryWay {
    /// Whether a mail of one's own is written.
    pub fn is_own(self) -> bool {
        matches!(self, Self::Graph | Self::Smtp | Self::Files)
    }

    pub fn as_str(self) -> &'static str {
        WAYS.iter().find(|(_, way)| *way == self).map_or("", |(name, _)| name)
    }
}

/// A name, if there is one, and an address: `Contoso IT <it@contoso.example>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailAddress {
    pub name: Option<String>,
    pub address: Email,
}

impl MailAddress {
    fn parse(value: &Value) -> Result<Self, Fault> {
        let text = value.text()?;
        let (name, address) = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            Some((name, address)) => (name.trim().trim_matches('"').trim(), address.trim()),
            None => ("", text),
        };
        if name.contains(char::is_control) {
            return Err(Fault::new("the name holds a line break or another control character"));
        }
        let address = Email::parse(address).map_err(|error| {
            Fault::new(format!("`{text}`: {error}"))
                .with_hint("write an address, or `Contoso IT <it@contoso.example>`")
        })?;
        Ok(Self { name: (!name.is_empty()).then(|| name.to_owned()), address })
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => write!(f, "{}", self.address),
        }
    }
}

/// How long a link is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeepLinks {
    #[default]
    UntilSent,
    /// A reminder brings the same link once more.
    UntilRedeemed,
}

const KEEP: &[(&str, KeepLinks)] =
    &[("until-sent", KeepLinks::UntilSent), ("until-redeemed", KeepLinks::UntilRedeemed)];

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SmtpTls {
    #[default]
    StartTls,
    /// From the first byte.
    Tls,
    /// Not at all: on loopback only.
    None,
}

const TLS: &[(&str, SmtpTls)] =
    &[("starttls", SmtpTls::StartTls), ("tls", SmtpTls::Tls), ("none", SmtpTls::None)];

/// Who signs in to a mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpLogin {
    pub user: String,
    /// The password, or the access token for XOAUTH2.
    pub secret: SecretSource,
    /// Sign in with XOAUTH2.
    pub oauth: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpSettings {
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    pub login: Option<SmtpLogin>,
}

/// What one mailbox may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryPace {
    pub per_minute: u32,
    pub in_flight: u32,
    /// In any 24 hours, everybody in To and Cc; None for no limit.
    pub recipients_per_day: Option<u32>,
}

impl Default for DeliveryPace {
    fn default() -> Self {
        Self { per_minute: 25, in_flight: 3, recipients_per_day: None }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliverySettings {
    /// Where subject and templates are configured.
    pub section: &'static str,
    pub by: DeliveryWay,
    /// The sender: given wherever a mail of one's own is written.
    pub from: Option<MailAddress>,
    pub reply_to: Option<MailAddress>,
    /// None: the title of the template.
    pub subject: Option<String>,
    /// None: the built-in ones.
    pub template: Option<PathBuf>,
    /// None: made from the HTML.
    pub text_template: Option<PathBuf>,
    /// Given for [`DeliveryWay::Files`].
    pub folder: Option<PathBuf>,
    pub keep_links: KeepLinks,
    /// Guests who may be reset before their mail has left.
    pub ahead: u32,
    /// Given for [`DeliveryWay::Smtp`].
    pub smtp: Option<SmtpSettings>,
    pub pace: DeliveryPace,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            section: SECTION,
            by: DeliveryWay::default(),
            from: None,
            reply_to: None,
            subject: None,
            template: None,
            text_template: None,
            folder: None,
            keep_links: KeepLinks::default(),
            ahead: 20,
            smtp: None,
            pace: DeliveryPace::default(),
        }
    }
}

const PASSWORD: Places = Places {
    file: key::DELIVERY_SMTP_PASSWORD_FILE,
    env: key::DELIVERY_SMTP_PASSWORD_ENV,
    command: key::DELIVERY_SMTP_PASSWORD_COMMAND,
};

impl DeliverySettings {
    pub(super) fn resolve(layers: &mut Layers<'_>) -> Result<Self, Reported> {
        let by = layers.get(key::DELIVERY_BY, |value| value.choice(WAYS));
        let way = by.ok().flatten().unwrap_or_default();
        let from = if way.is_own() {
            let example = "from = \"Contoso IT <it@contoso.example>\"";
            layers.need(key::DELIVERY_FROM, example, MailAddress::parse).map(Some)
        } else {
            layers.get(key::DELIVERY_FROM, MailAddress::parse)
        };
        let reply_to = layers.get(key::DELIVERY_REPLY_TO, MailAddress::parse);
        let subject = layers.get(key::DELIVERY_SUBJECT, one_line);
        let template = path(layers, key::DELIVERY_TEMPLATE);
        let text_template = path(layers, key::DELIVERY_TEXT_TEMPLATE);
        let folder = match path(layers, key::DELIVERY_FOLDER) {
            Ok(None) if way == DeliveryWay::Files => {
                Err(layers.missing(&[key::DELIVERY_FOLDER], "folder = \"mails\""))
            }
            folder => folder,
        };
        let keep_links = layers.get(key::DELIVERY_KEEP_LINKS, |value| value.choice(KEEP));
        let ahead = layers.get(key::DELIVERY_AHEAD, |value| value.whole(1, MOST_AHEAD));
        let smtp = SmtpSettings::resolve(layers, way == DeliveryWay::Smtp);
        let per_minute =
            layers.get(key::DELIVERY_PACE_PER_MINUTE, |value| value.whole(1, MOST_PER_MINUTE));
        let in_flight =
            layers.get(key::DELIVERY_PACE_IN_FLIGHT, |value| value.whole(1, MOST_IN_FLIGHT));
        let per_day =
            layers.get(key::DELIVERY_PACE_RECIPIENTS_PER_DAY, |value| value.whole(1, MOST_PER_DAY));
        let default = Self::default();
        Ok(Self {
            section: SECTION,
            by: by?.unwrap_or_default(),
            from: from?,
            reply_to: reply_to?,
            subject: subject?,
            template: template?,
            text_template: text_template?,
            folder: folder?,
            keep_links: keep_links?.unwrap_or_default(),
            ahead: ahead?.unwrap_or(default.ahead),
            smtp: smtp?,
            pace: DeliveryPace {
                per_minute: per_minute?.unwrap_or(default.pace.per_minute),
                in_flight: in_flight?.unwrap_or(default.pace.in_flight),
                recipients_per_day: per_day?
                    .or((way == DeliveryWay::Graph).then_some(MAILBOX_PER_DAY)),
            },
        })
    }
}

impl SmtpSettings {
    fn resolve(layers: &mut Layers<'_>, is_needed: bool) -> Result<Option<Self>, Reported> {
        let host = if is_needed {
            let example = "host = \"smtp.contoso.example\"";
            layers.need(key::DELIVERY_SMTP_HOST, example, host_name).map(Some)
        } else {
            layers.get(key::DELIVERY_SMTP_HOST, host_name)
        };
        let port = layers.get(key::DELIVERY_SMTP_PORT, |value| value.whole(1, u32::from(u16::MAX)));
        let tls = layers.find(key::DELIVERY_SMTP_TLS, |value| value.choice(TLS));
        let login = login(layers);
        let (host, port, tls, login) = (host?, port?, tls?, login?);
        let Some(host) = host else { return Ok(None) };
        let (tls, origin) = match tls {
            Some(Found { value, origin }) => (value, origin),
            None => (SmtpTls::default(), Origin::Nowhere),
        };
        if tls == SmtpTls::None && !is_loopback(&host) {
            let fault = Fault::new(format!("`none` would send to {host} in the clear"))
                .with_hint("use `starttls` or `tls`; `none` is for localhost, 127.0.0.1 and ::1");
            return Err(layers.report(key::DELIVERY_SMTP_TLS, origin, fault));
        }
        let usual = if tls == SmtpTls::Tls { TLS_PORT } else { STARTTLS_PORT };
        let port = port.and_then(|port| u16::try_from(port).ok()).unwrap_or(usual);
        Ok(Some(Self { host, port, tls, login }))
    }
}

fn login(layers: &mut Layers<'_>) -> Result<Option<SmtpLogin>, Reported> {
    let user = layers.find(key::DELIVERY_SMTP_USER, |value| value.text().map(str::to_owned));
    let oauth = layers.get(key::DELIVERY_SMTP_OAUTH, Value::boolean);
    let is_given = PASSWORD.is_given(layers);
    let (user, oauth, is_given) = (user?, oauth?.unwrap_or_default(), is_given?);
    let Some(Found { value: user, .. }) = user else {
        if is_given || oauth {
            return Err(layers.missing(&[key::DELIVERY_SMTP_USER], "user = \"it@contoso.example\""));
        }
        return Ok(None);
    };
    let secret = PASSWORD.find(layers, "password_file = \"smtp-password.txt\"")?;
    if let Some(warning) = secret.warning() {
        layers.warn(warning);
    }
    Ok(Some(SmtpLogin { user, secret, oauth }))
}

pub(super) fn path(layers: &mut Layers<'_>, key: Key) -> Result<Option<PathBuf>, Reported> {
    Ok(layers.path(key)?.map(|found| found.value))
}

pub(super) fn one_line(value: &Value) -> Result<String, Fault> {
    let text = value.text()?;
    if text.contains(char::is_control) {
        return Err(Fault::new("holds a line break or another control character"));
    }
    Ok(text.to_owned())
}

fn host_name(value: &Value) -> Result<String, Fault> {
    let text = value.text()?;
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || "/@".contains(c)) {
        return Err(Fault::new(format!("`{text}` is not the name of a host"))
            .with_hint("write the name alone, such as smtp.contoso.example"));
    }
    Ok(text.to_owned())
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::ConfigError;

    fn resolve(lines: &[(&str, &str)]) -> Result<DeliverySettings, String> {
        let env = |name: &str| {
            let wanted = |key: &str| format!("REINVITE_DELIVERY_{}", key.to_uppercase()) == name;
            lines.iter().find(|(key, _)| wanted(key)).map(|(_, value)| value.into())
        };
        let mut layers = Layers::open(Path::new("reinvite.toml"), false, &env).unwrap();
        let result = DeliverySettings::resolve(&mut layers);
        layers.finish(result).map(|(settings, _)| settings).map_err(|error| match error {
            ConfigError::Invalid(problems) => problems
                .iter()
                .map(|problem| {
                    format!("{}; {}", problem.message, problem.hint.clone().unwrap_or_default())
                })
                .collect::<Vec<_>>()
                .join("\n"),
            other => other.to_string(),
        })
    }

    #[test]
    fn every_way_needs_what_it_needs() {
        assert_eq!(resolve(&[]), Ok(DeliverySettings::default()));
        let from = ("from", "Contoso \"IT\" <it@contoso.example>");
        for (lines, expected) in [
            (&[("by", "smtp")][..], "[delivery] from is not set"),
            (&[("by", "smtp"), from], "[delivery.smtp] host is not set"),
            (&[("by", "files"), from], "[delivery] folder is not set"),
            (&[("by", "grpah")], "did you mean `graph`?"),
            (&[("from", "it@")], "write an address, or"),
            (&[("from", "a\u{7}b <it@contoso.example>")], "control character"),
            (&[("subject", "a\rb")], "control character"),
            (&[("smtp_host", "mx.contoso.example"), ("smtp_tls", "none")], "in the clear"),
            (&[("smtp_host", "mx"), ("smtp_oauth", "true")], "[delivery.smtp] user is not set"),
            (&[("smtp_host", "mx"), ("smtp_user", "it")], "[delivery.smtp] password_file or"),
            (&[("smtp_host", "smtp://mx")], "is not the name of a host"),
            (&[("pace_in_flight", "0")], "from 1 to 64"),
        ] {
            let error = resolve(lines).unwrap_err();
            assert!(error.contains(expected), "{lines:?}: {error}");
        }
    }

    #[test]
    fn a_server_has_the_port_of_its_protection() {
        for (tls, host, port) in [
            ("starttls", "mx.contoso.example", 587),
            ("tls", "mx.contoso.example", 465),
            ("none", "::1", 587),
            ("none", "localhost", 587),
        ] {
            let settings = resolve(&[("smtp_host", host), ("smtp_tls", tls)]).unwrap();
            assert_eq!(settings.smtp.unwrap().port, port, "{tls}");
        }
    }
}
