//! After a command: metrics, then webhook and ping, then hooks. None of them can
//! fail the command, change its exit code, or hold it up for long.
//!
//! A command that works for a scheduler makes an [`After`] as soon as it has its
//! settings, calls [`After::started`] when it holds the checkpoint, and passes its
//! result through [`After::conclude`]:
//!
//! ```text
//! let after = After::of(&settings, ui);
//! after.conclude(do_the_work(&after))
//! ```
//!
//! Leaves to others: what is told (`report`), and what is known (`chronicle`).

mod hooks;
mod tell;
mod textfile;

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::checkpoint::last_success;
use crate::config::{NotifyOn, SecretSource, Settings, WebhookFormat};
use crate::graph::HttpTransport;
use crate::report::{Ending, Verdict, metrics, webhook_json, webhook_slack, webhook_teams};
use crate::run::Stop;

use super::failure::Failure;
use super::planning::runtime;
use super::ui::Ui;
use super::{Exit, signals};

use tell::{Address, Body, TIME_LIMIT, tell};

/// Who is told of a command's end, ready to tell them.
pub(super) struct After<'a> {
    settings: &'a Settings,
    ui: &'a Ui,
    network: Option<Network>,
}

struct Network {
    runtime: Runtime,
    transport: Arc<HttpTransport>,
    webhook: Option<Address>,
    ping: Option<Address>,
    /// The ping of the start, on its way.
    start: RefCell<Option<JoinHandle<Result<(), String>>>>,
}

impl<'a> After<'a> {
    /// Reads the addresses, so that one that can't be had is told of while somebody
    /// may still be looking.
    pub(super) fn of(settings: &'a Settings, ui: &'a Ui) -> Self {
        ui.chronicle.tenant(&settings.tenant.id);
        let address = |who: &str, source: &Option<SecretSource>| {
            let read = Address::read(source.as_ref()?);
            read.map_err(|why| ui.warn(format_args!("the {who} will not be told: {why}"))).ok()
        };
        let webhook = address("webhook", &settings.notify.webhook);
        let ping = address("monitor", &settings.notify.ping);
        let network = (webhook.is_some() || ping.is_some()).then(|| Network::new(webhook, ping));
        let network = network.transpose().unwrap_or_else(|why| {
            ui.warn(format_args!("nobody will be told of the end: {why}"));
            None
        });
        Self { settings, ui, network }
    }

    /// Tells the monitor that work begins, without waiting for its answer.
    pub(super) fn started(&self) {
        let Some(network) = &self.network else { return };
        let Some(address) = &network.ping else { return };
        let (transport, address) = (Arc::clone(&network.transport), address.with("start"));
        let start = network
            .runtime
            .spawn(async move { tell(&*transport, &address, &Body::Text(String::new())).await });
        network.start.replace(Some(start));
    }

    /// Tells everyone how the command ended. Passes the result through.
    pub(super) fn conclude(self, result: Result<Exit, Failure>) -> Result<Exit, Failure> {
        let ending = self.ui.chronicle.ending(&result);
        self.write_metrics(&ending);
        // A person who is done waiting is not made to wait for a webhook.
        let hooks = hooks::due(&self.settings.hooks, ending.verdict);
        if self.network.is_some() || !hooks.is_empty() {
            self.tell_and_run(&ending, &hooks);
        }
        result
    }

    fn write_metrics(&self, ending: &Ending) {
        let Some(path) = &self.settings.metrics else { return };
        let success = match ending.verdict {
            Verdict::Success => Some(ending.ended_at),
            Verdict::Skipped | Verdict::Failure => earlier_success(ending),
        };
        if let Err(error) = textfile::write(path, &metrics(ending, success)) {
            self.ui.warn(format_args!("the metrics were not written: {error}"));
        }
    }

    /// Webhook and ping side by side, then one hook after the other. A signal ends all
    /// of it.
    fn tell_and_run(self, ending: &Ending, hooks: &[hooks::Hook<'_>]) {
        let Self { settings, ui, network } = self;
        let (runtime, network) = match network {
            Some(network) => {
                let Network { runtime, transport, webhook, ping, start } = network;
                (Ok(runtime), Some((transport, webhook, ping, start.into_inner())))
            }
            None => (runtime(), None),
        };
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(failure) => return ui.warn(format_args!("no hook was run: {}", failure.error)),
        };
        let _guard = runtime.enter();
        let stop = Stop::new();
        signals::listen(stop.clone());
        let told = async {
            if let Some((transport, webhook, ping, start)) = network {
                let webhook = async {
                    let Some(address) = webhook.filter(|_| is_due(settings.notify.on, ending))
                    else {
                        return;
                    };
                    let body = Body::Json(body(settings.notify.format, ending));
                    if let Err(why) = tell(&*transport, &address, &body).await {
                        ui.warn(format_args!("the webhook was not told: {why}"));
                    }
                };
                let ping = async {
                    let Some(address) = ping else { return };
                    let address = match ending.verdict {
                        Verdict::Success => address,
                        Verdict::Failure => address.with("fail"),
                        Verdict::Skipped => return,
                    };
                    let body = Body::Text(ending.lines().join("\n"));
                    let told = timeout(TIME_LIMIT, async {
                        // The start has to be there before the end is.
                        let started = match start {
                            Some(start) => start.await.unwrap_or_else(|e| Err(e.to_string())),
                            None => Ok(()),
                        };
                        started.and(tell(&*transport, &address, &body).await)
                    });
                    let late = |_| Err(format!("no answer within {} s", TIME_LIMIT.as_secs()));
                    if let Err(why) = told.await.unwrap_or_else(late) {
                        ui.warn(format_args!("the monitor was not told: {why}"));
                    }
                };
                tokio::join!(webhook, ping);
            }
            for hook in hooks {
                if let Err(why) = hook.run(settings.hooks.time_limit, ending, ui).await {
                    ui.warn(format_args!("the hook {} {why}", hook.name));
                }
            }
        };
        runtime.block_on(async {
            tokio::select! {
                () = told => {}
                () = stop.requested() => {
                    ui.warn("interrupted before everyone was told of the end");
                }
            }
        });
    }
}

impl Network {
    fn new(webhook: Option<Address>, ping: Option<Address>) -> Result<Self, String> {
        Ok(Self {
            runtime: runtime().map_err(|failure| failure.error.to_string())?,
            transport: Arc::new(HttpTransport::new().map_err(|error| error.to_string())?),
            webhook,
            ping,
            start: RefCell::default(),
        })
    }
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

/// When a run of the campaign last succeeded. The metrics are written anew each time,
/// so that it has to come from where it is kept.
fn earlier_success(ending: &Ending) -> Option<Timestamp> {
    let path = ending.checkpoint.as_deref()?;
    let is_success = |code| Exit::of_code(code).is_some_and(|e| e.verdict() == Verdict::Success);
    // What is wrong with the checkpoint is told already, and as an error.
    last_success(Path::new(path), is_success).ok().flatten()
}
