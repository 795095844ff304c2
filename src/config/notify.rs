//! Who is told of a run's end over the network: a webhook, and a monitor that
//! expects a ping. Their addresses open them to whoever knows them, so they are
//! secrets.
//!
//! Leaves to others: what is told, and telling it.

use super::key;
use super::layers::{Layers, Reported};
use super::secret::SecretSource;
use super::secret_place::Places;
use super::value::{Fault, Value};

/// Who is told, of what, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotifySettings {
    /// Where the webhook's address is.
    pub webhook: Option<SecretSource>,
    /// What the webhook understands.
    pub format: WebhookFormat,
    /// The ends that the webhook is told of.
    pub on: NotifyOn,
    /// Where the address is that is pinged: as it is after a success, with `/start`
    /// and `/fail` after it at the start and after a failure (Healthchecks, *Pinging
    /// API*).
    pub ping: Option<SecretSource>,
}

/// What a webhook understands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WebhookFormat {
    /// One JSON object with everything that is known of the run.
    #[default]
    Json,
    /// A message of Slack's incoming webhooks.
    Slack,
    /// An adaptive card, as a Teams workflow posts it.
    Teams,
}

const FORMATS: &[(&str, WebhookFormat)] = &[
    ("json", WebhookFormat::Json),
    ("slack", WebhookFormat::Slack),
    ("teams", WebhookFormat::Teams),
];

/// The ends that are told of. Any of them is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotifyOn {
    pub failure: bool,
    /// Runs that wrote something to the directory.
    pub changes: bool,
    pub always: bool,
}

impl Default for NotifyOn {
    fn default() -> Self {
        Self { failure: true, changes: false, always: false }
    }
}

const OCCASIONS: &[&str] = &["failure", "changes", "always"];

const WEBHOOK: Places = Places {
    file: key::NOTIFY_WEBHOOK_FILE,
    env: key::NOTIFY_WEBHOOK_ENV,
    command: key::NOTIFY_WEBHOOK_COMMAND,
};
const PING: Places = Places {
    file: key::NOTIFY_PING_FILE,
    env: key::NOTIFY_PING_ENV,
    command: key::NOTIFY_PING_COMMAND,
};

impl NotifySettings {
    pub(super) fn resolve(layers: &mut Layers<'_>) -> Result<Self, Reported> {
        let webhook = address(layers, WEBHOOK);
        let format = layers.get(key::NOTIFY_FORMAT, |value| value.choice(FORMATS));
        let on = layers.get(key::NOTIFY_ON, occasions);
        let ping = address(layers, PING);
        Ok(Self {
            webhook: webhook?,
            format: format?.unwrap_or_default(),
            on: on?.unwrap_or_default(),
            ping: ping?,
        })
    }
}

/// Where an address is, if it is anywhere.
fn address(layers: &mut Layers<'_>, places: Places) -> Result<Option<SecretSource>, Reported> {
    if !places.is_given(layers)? {
        return Ok(None);
    }
    layers.get(places.file, file_name)?;
    let source = places.find(layers, "")?;
    if let Some(warning) = source.warning() {
        layers.warn(warning);
    }
    Ok(Some(source))
}

/// An address in the place of its file would be repeated by every error about it.
fn file_name(value: &Value) -> Result<(), Fault> {
    if value.text()?.contains("://") {
        return Err(Fault::new("is not the name of a file")
            .with_hint("the address is a secret: write it into a file, and name the file here")
            .unseen());
    }
    Ok(())
}

fn occasions(value: &Value) -> Result<NotifyOn, Fault> {
    let mut on = NotifyOn { failure: false, changes: false, always: false };
    let words = value.texts()?;
    if words.is_empty() {
        return Err(Fault::new("an empty list would tell of nothing")
            .with_hint("leave the webhook out instead"));
    }
    for word in words {
        let choices: Vec<_> = OCCASIONS.iter().map(|&word| (word, word)).collect();
        match Value::Text(word.to_owned()).choice(&choices)? {
            "failure" => on.failure = true,
            "changes" => on.changes = true,
            _ => on.always = true,
        }
    }
    Ok(on)
}
