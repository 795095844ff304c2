//! After a command: a runtime in which machines are told of its end, and what they
//! have to say in return.
//!
//! A command that works for a scheduler makes an [`After`] as soon as it has its
//! settings, calls [`After::started`] when it holds the checkpoint, and passes its
//! result through [`After::conclude`]:
//!
//! ```text
//! let after = After::new(&settings, ui);
//! after.conclude(do_the_work(&after))
//! ```
//!
//! Leaves to others: who is told what (`notify`), and what is known (`session_log`).

use std::cell::RefCell;

use tokio::runtime::Runtime;

use crate::config::Settings;
use crate::notify::{
    Ending, HookOutput, Notice, Recipients, StartPing, Verdict, has_hooks, run_hooks, write_metrics,
};
use crate::run::Stop;

use super::failure::Failure;
use super::planning::runtime;
use super::ui::Ui;
use super::{Exit, signals};

/// Who is told of a command's end, ready to tell them.
pub(super) struct After<'a> {
    settings: &'a Settings,
    ui: &'a Ui,
    /// Of its own, as the command's is gone by its end. None when there is nobody to
    /// tell and nothing to run.
    runtime: Option<Runtime>,
    recipients: Option<Recipients>,
    start: RefCell<Option<StartPing>>,
}

impl<'a> After<'a> {
    /// Reads the addresses, so that one that can't be had is told of while somebody
    /// may still be looking.
    pub(super) fn new(settings: &'a Settings, ui: &'a Ui) -> Self {
        ui.log.tenant(&settings.tenant.id);
        let is_told = Recipients::are_named(&settings.notify);
        let is_needed = is_told || has_hooks(&settings.hooks);
        let runtime = is_needed.then(runtime).transpose();
        let runtime = runtime.unwrap_or_else(|failure| {
            ui.warn(format_args!("nobody will be told of the end: {}", failure.error));
            None
        });
        let recipients = runtime.as_ref().filter(|_| is_told).and_then(|runtime| {
            runtime.block_on(Recipients::read(&settings.notify, &|notice| hear(ui, notice)))
        });
        Self { settings, ui, runtime, recipients, start: RefCell::default() }
    }

    /// Tells the monitor that work begins, without waiting for its answer.
    pub(super) fn started(&self) {
        let (Some(runtime), Some(recipients)) = (&self.runtime, &self.recipients) else { return };
        self.start.replace(recipients.ping_start(runtime.handle()));
    }

    /// Tells everyone how the command ended. Passes the result through.
    pub(super) fn conclude(self, result: Result<Exit, Failure>) -> Result<Exit, Failure> {
        let ending = self.ui.log.ending(&result);
        self.write_metrics(&ending);
        let Self { settings, ui, runtime, recipients, start } = self;
        let Some(runtime) = runtime else { return result };
        let hear = |notice: Notice<'_>| hear(ui, notice);
        let output = if ui.log.is_on_stderr() { HookOutput::Lines } else { HookOutput::Stderr };
        let tell = async {
            if let Some(recipients) = recipients {
                recipients.tell(&settings.notify, start.into_inner(), &ending, &hear).await;
            }
            run_hooks(&settings.hooks, &ending, output, &hear).await;
        };
        runtime.block_on(async {
            let stop = Stop::new();
            signals::listen(stop.clone());
            tokio::select! {
                () = tell => {}
                () = stop.requested() => ui.warn("interrupted before everyone was told of the end"),
            }
        });
        // The look-up of a host's name can't be called off, and is not waited for.
        runtime.shutdown_background();
        result
    }

    fn write_metrics(&self, ending: &Ending) {
        let Some(path) = &self.settings.metrics else { return };
        let is_success =
            |code| Exit::from_code(code).is_some_and(|exit| exit.verdict() == Verdict::Success);
        if let Err(why) = write_metrics(path, ending, is_success) {
            self.ui.warn(format_args!("the metrics were not written: {why}"));
        }
    }
}

fn hear(ui: &Ui, notice: Notice<'_>) {
    match notice {
        Notice::Warning(text) => ui.warn(text),
        Notice::HookLine { hook, text } => ui.log.said_by_hook(hook, text),
    }
}
