//! What machines are told at the end of a command: metrics, then webhook and ping,
//! then hooks. None of them can fail the command, change its exit code, or hold it up
//! for long; what goes wrong is a [`Notice`] to whoever listens.
//!
//! Leaves to others: printing notices, the runtime and signals (`cli`), and what is
//! known of the end (`cli::session_log`).

mod ending;
mod hook_environment;
mod hooks;
mod metrics;
mod post;
mod recipients;
mod textfile;
mod webhook;

use std::path::Path;

use crate::checkpoint::Reader;
use crate::config::HookSettings;
use crate::domain::Shows;

pub use ending::{Ending, Verdict, stopped};
pub use recipients::{Recipients, StartPing};

use metrics::{CampaignState, metrics};

/// What is worth hearing while machines are told.
#[derive(Debug, Clone, Copy)]
pub enum Notice<'a> {
    /// Somebody was not told, and why.
    Warning(&'a str),
    /// A hook printed this line.
    HookLine { hook: &'static str, text: &'a str },
}

/// Who hears notices.
pub type Hear<'a> = &'a dyn Fn(Notice<'_>);

/// Where hooks print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookOutput {
    /// To this program's stderr, as it comes.
    Stderr,
    /// Line by line to whoever hears notices.
    Lines,
}

/// Whether a command of these settings has any hook to run.
pub fn has_hooks(settings: &HookSettings) -> bool {
    let HookSettings { on_success, on_failure, finally, time_limit: _ } = settings;
    on_success.is_some() || on_failure.is_some() || finally.is_some()
}

/// Runs one hook after the other.
pub async fn run_hooks(
    settings: &HookSettings,
    ending: &Ending,
    output: HookOutput,
    hear: Hear<'_>,
) {
    for hook in hooks::due(settings, ending.verdict) {
        if let Err(why) = hook.run(settings.time_limit, ending, output, hear).await {
            hear(Notice::Warning(&format!("the hook {} {why}", hook.name)));
        }
    }
}

/// Writes the metrics of this end. `is_success` judges the exit codes of earlier runs.
/// The error is a sentence.
pub fn write_metrics(
    path: &Path,
    ending: &Ending,
    is_success: impl Fn(u8) -> bool,
) -> Result<(), String> {
    textfile::write(path, &metrics(ending, &campaign(ending, is_success)))
}

/// Where the campaign stands. The metrics are written anew each time, so that it has to
/// come from where it is kept.
fn campaign(ending: &Ending, is_success: impl Fn(u8) -> bool) -> CampaignState {
    let succeeded = (ending.verdict == Verdict::Success).then_some(ending.ended_at);
    let mut state = CampaignState { last_success: succeeded, ..CampaignState::default() };
    let Some(path) = ending.checkpoint.as_deref().map(Path::new) else { return state };
    // What is wrong with the checkpoint is told already, and as an error.
    let Ok(reader) = Reader::open(path) else { return state };
    state.last_success =
        state.last_success.or_else(|| reader.last_success(is_success).ok().flatten());
    let Ok(past) = reader.past() else { return state };
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
