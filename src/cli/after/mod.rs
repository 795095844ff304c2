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
//! Leaves to others: what is told (`report`), and what is known (`session_log`).

mod hooks;
mod tell;
mod textfile;

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::checkpoint::{last_success, read_past};
use crate::config::{NotifyOn, SecretSource, Settings, WebhookFormat};
use crate::domain::Shows;
use crate::graph::HttpTransport;
use crate::report::{
    CampaignState, Ending, Verdict, metrics, webhook_json, webhook_slack, webhook_teams,
};
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
    /// Of its own, as the command's is gone by its end. None when there is nobody to
    /// tell and nothing to run.
    runtime: Option<Runtime>,
    network: Option<Network>,
}

/// Those who are told over the network.
struct Network {
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
        ui.log.tenant(&settings.tenant.id);
        let notify = &settings.notify;
        let is_told = notify.webhook.is_some() || notify.ping.is_some();
        let in_vain = |why: String| {
            ui.warn(format_args!("nobody will be told of the end: {why}"));
            None
        };
        let is_needed = is_told || hooks::are_there(&settings.hooks);
        let runtime = is_needed.then(runtime).transpose();
        let runtime = runtime.unwrap_or_else(|failure| {
            ui.warn(format_args!("nobody will be told of the end: {}", failure.error));
            None
        });
        // Reading an address may run a program.
        let network = runtime.as_ref().filter(|_| is_told).and_then(|runtime| {
            runtime.block_on(Network::of(settings, ui)).unwrap_or_else(in_vain)
        });
        Self { settings, ui, runtime, network }
    }

    /// Tells the monitor that work begins, without waiting for its answer.
    pub(super) fn started(&self) {
        let (Some(runtime), Some(network)) = (&self.runtime, &self.network) else { return };
        let Some(address) = &network.ping else { return };
        let (transport, address) = (Arc::clone(&network.transport), address.with("start"));
        let start = runtime
            .spawn(async move { tell(&*transport, &address, &Body::Text(String::new())).await });
        network.start.replace(Some(start));
    }

    /// Tells everyone how the command ended. Passes the result through.
    pub(super) fn conclude(self, result: Result<Exit, Failure>) -> Result<Exit, Failure> {
        let ending = self.ui.log.ending(&result);
        self.write_metrics(&ending);
        let Self { settings, ui, runtime, network } = self;
        if let Some(runtime) = runtime {
            runtime.block_on(async {
                let stop = Stop::new();
                signals::listen(stop.clone());
                tokio::select! {
                    () = tell_and_run(settings, network, &ending, ui) => {}
                    () = stop.requested() => {
                        ui.warn("interrupted before everyone was told of the end");
                    }
                }
            });
            // The look-up of a host's name can't be called off, and is not waited for.
            runtime.shutdown_background();
        }
        result
    }

    fn write_metrics(&self, ending: &Ending) {
        let Some(path) = &self.settings.metrics else { return };
        if let Err(error) = textfile::write(path, &metrics(ending, &campaign(ending))) {
            self.ui.warn(format_args!("the metrics were not written: {error}"));
        }
    }
}

/// Webhook and ping side by side, then one hook after the other.
async fn tell_and_run(settings: &Settings, network: Option<Network>, ending: &Ending, ui: &Ui) {
    if let Some(network) = network {
        let Network { transport, webhook, ping, start } = network;
        let webhook = async {
            match webhook.filter(|_| is_due(settings.notify.on, ending)) {
                Some(address) => {
                    let body = Body::Json(body(settings.notify.format, ending));
                    tell(&*transport, &address, &body).await
                }
                None => Ok(()),
            }
        };
        let ping = async {
            match ping {
                Some(address) => ping_end(&transport, address, start.into_inner(), ending).await,
                None => Ok(()),
            }
        };
        let (webhook, ping) = tokio::join!(webhook, ping);
        for (who, told) in [("webhook", webhook), ("monitor", ping)] {
            if let Err(why) = told {
                ui.warn(format_args!("the {who} was not told: {why}"));
            }
        }
    }
    for hook in hooks::due(&settings.hooks, ending.verdict) {
        if let Err(why) = hook.run(settings.hooks.time_limit, ending, ui).await {
            ui.warn(format_args!("the hook {} {why}", hook.name));
        }
    }
}

/// Tells the monitor of the end, once it was told of the start.
async fn ping_end(
    transport: &HttpTransport,
    address: Address,
    start: Option<JoinHandle<Result<(), String>>>,
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
        started.and(tell(transport, &address, &body).await)
    });
    let late = |_| Err(format!("no answer within {} s", TIME_LIMIT.as_secs()));
    told.await.unwrap_or_else(late)
}

impl Network {
    /// None when there is nobody to tell.
    async fn of(settings: &Settings, ui: &Ui) -> Result<Option<Self>, String> {
        let webhook = address("webhook", settings.notify.webhook.as_ref(), ui).await;
        let ping = address("monitor", settings.notify.ping.as_ref(), ui).await;
        if webhook.is_none() && ping.is_none() {
            return Ok(None);
        }
        let transport = HttpTransport::new().map_err(|error| error.to_string())?;
        let start = RefCell::default();
        Ok(Some(Self { transport: Arc::new(transport), webhook, ping, start }))
    }
}

/// The address of one of them; why it can't be had is told.
async fn address(who: &str, source: Option<&SecretSource>, ui: &Ui) -> Option<Address> {
    let read = Address::read(source?).await;
    read.map_err(|why| ui.warn(format_args!("the {who} will not be told: {why}"))).ok()
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

/// Where the campaign stands. The metrics are written anew each time, so that it has to
/// come from where it is kept.
fn campaign(ending: &Ending) -> CampaignState {
    let succeeded = (ending.verdict == Verdict::Success).then_some(ending.ended_at);
    let mut state = CampaignState { last_success: succeeded, ..CampaignState::default() };
    let Some(path) = ending.checkpoint.as_deref().map(Path::new) else { return state };
    let is_success = |code| Exit::of_code(code).is_some_and(|e| e.verdict() == Verdict::Success);
    // What is wrong with the checkpoint is told already, and as an error.
    state.last_success =
        state.last_success.or_else(|| last_success(path, is_success).ok().flatten());
    let Ok(past) = read_past(path) else { return state };
    for (key, invitations) in &past.invitations {
        let seen = past.sightings.get(key).map_or(NOT_VERIFIED, |seen| seen.shows.word());
        if seen == Shows::Pending.word() {
            let sent = invitations.accepted_at;
            state.pending_since = Some(state.pending_since.map_or(sent, |at| at.min(sent)));
        }
        *state.guests.entry(seen.to_owned()).or_default() += 1;
    }
    state
}

/// A guest whom nothing has looked at since its invitation, as reports call it.
const NOT_VERIFIED: &str = "not-verified";
