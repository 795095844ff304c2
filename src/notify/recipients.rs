//! Those who are told over the network: a webhook of the end, a monitor of the start
//! and of the end.
//!
//! Leaves to others: what they are told (`webhook`, `ending`), and how one message
//! gets there (`post`).

use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::config::{NotifyOn, NotifySettings, SecretSource, WebhookFormat};
use crate::graph::HttpTransport;

use super::ending::{Ending, Verdict};
use super::post::{Address, Body, TIME_LIMIT, post};
use super::webhook::{webhook_json, webhook_slack, webhook_teams};
use super::{Hear, Notice};

/// The addresses, read, and the way to them.
#[derive(Debug)]
pub struct Recipients {
    transport: Arc<HttpTransport>,
    webhook: Option<Address>,
    ping: Option<Address>,
}

/// The ping of the start, on its way.
pub type StartPing = JoinHandle<Result<(), String>>;

impl Recipients {
    /// Whether anybody is to be told at all.
    pub fn are_named(settings: &NotifySettings) -> bool {
        settings.webhook.is_some() || settings.ping.is_some()
    }

    /// Reads the addresses, which may run a program. One that can't be had is heard of;
    /// None when there is nobody left to tell.
    pub async fn read(settings: &NotifySettings, hear: Hear<'_>) -> Option<Self> {
        let webhook = read("webhook", settings.webhook.as_ref(), hear).await;
        let ping = read("monitor", settings.ping.as_ref(), hear).await;
        if webhook.is_none() && ping.is_none() {
            return None;
        }
        match HttpTransport::new() {
            Ok(transport) => Some(Self { transport: Arc::new(transport), webhook, ping }),
            Err(error) => {
                hear(Notice::Warning(&format!("nobody will be told of the end: {error}")));
                None
            }
        }
    }

    /// Tells the monitor that work begins, without waiting for its answer.
    pub fn ping_start(&self, runtime: &tokio::runtime::Handle) -> Option<StartPing> {
        let address = self.ping.as_ref()?.with("start");
        let transport = Arc::clone(&self.transport);
        Some(
            runtime.spawn(
                async move { post(&*transport, &address, &Body::Text(String::new())).await },
            ),
        )
    }

    /// Tells everyone of the end, side by side.
    pub async fn tell(
        self,
        settings: &NotifySettings,
        start: Option<StartPing>,
        ending: &Ending,
        hear: Hear<'_>,
    ) {
        let Self { transport, webhook, ping } = self;
        let webhook = async {
            match webhook.filter(|_| is_due(settings.on, ending)) {
                Some(address) => {
                    let body = Body::Json(body(settings.format, ending));
                    post(&*transport, &address, &body).await
                }
                None => Ok(()),
            }
        };
        let ping = async {
            match ping {
                Some(address) => ping_end(&transport, address, start, ending).await,
                None => Ok(()),
            }
        };
        let (webhook, ping) = tokio::join!(webhook, ping);
        for (who, told) in [("webhook", webhook), ("monitor", ping)] {
            if let Err(why) = told {
                hear(Notice::Warning(&format!("the {who} was not told: {why}")));
            }
        }
    }
}

/// The address of one of them; why it can't be had is told.
async fn read(who: &str, source: Option<&SecretSource>, hear: Hear<'_>) -> Option<Address> {
    match Address::read(source?).await {
        Ok(address) => Some(address),
        Err(why) => {
            hear(Notice::Warning(&format!("the {who} will not be told: {why}")));
            None
        }
    }
}

/// Tells the monitor of the end, once it was told of the start.
async fn ping_end(
    transport: &HttpTransport,
    address: Address,
    start: Option<StartPing>,
    ending: &Ending,
) -> Result<(), String> {
    let address = match ending.verdict {
        Verdict::Success => address,
        Verdict::Failure => address.with("fail"),
        Verdict::Skipped => return Ok(()),
    };
    let body = Body::Text(ending.lines().join("\n"));
    let told = timeout(TIME_LIMIT, async {
        let started = match start {
            Some(start) => start.await.unwrap_or_else(|error| Err(error.to_string())),
            None => Ok(()),
        };
        started.and(post(transport, &address, &body).await)
    });
    let late = |_| Err(format!("no answer within {} s", TIME_LIMIT.as_secs()));
    told.await.unwrap_or_else(late)
}

fn is_due(on: NotifyOn, ending: &Ending) -> bool {
    on.always
        || on.failure && ending.verdict == Verdict::Failure
        || on.changes && ending.has_changes()
}

fn body(format: WebhookFormat, ending: &Ending) -> serde_json::Value {
    match format {
        WebhookFormat::Json => webhook_json(ending),
        WebhookFormat::Slack => webhook_slack(ending),
        WebhookFormat::Teams => webhook_teams(ending),
    }
}
