//! What a person sees of a command that carries out a plan: its notices, the plan to be
//! reviewed, and the run while it goes on, by a thread of its own.
//!
//! Leaves to others: the order of the command (`campaign`), and every rendering
//! (`report`).

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::ProgressDrawTarget;
use jiff::Timestamp;

use crate::campaign::{Host, Notice, Refusal, Review, Scope};
use crate::checkpoint::WaitLog;
use crate::plan::Plan;
use crate::report::{PlanView, Progress, ProgressMode, apply_json, count, harmless, plan_text};
use crate::run::{Event, Stop};

use super::Exit;
use super::confirm::confirm;
use super::connect::Sink;
use super::failure::Failure;
use super::plan::view;
use super::planning::note_reading;
use super::ui::Ui;

/// Failed rows shown per code in the summary without `-v`.
pub(super) const ROWS_PER_CODE: usize = 10;

/// After so long without an event, what was told before must be visible.
const IDLE: Duration = Duration::from_millis(200);

/// Which command is on display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    Apply,
    Revert,
    Night(Scope),
}

/// Shows what a command does, and asks before it changes anything.
pub(super) struct Display<'a> {
    ui: &'a Ui,
    stop: &'a Stop,
    sink: &'a Sink,
    manifest: &'a str,
    occasion: Occasion,
    /// Nobody is asked.
    yes: bool,
    /// Rows that go first.
    canary: u64,
    events: OnceLock<Sender<Event>>,
    shown: Mutex<Option<JoinHandle<()>>>,
}

impl<'a> Display<'a> {
    pub(super) fn new(
        ui: &'a Ui,
        stop: &'a Stop,
        sink: &'a Sink,
        manifest: &'a str,
        occasion: Occasion,
        yes: bool,
        canary: Option<u32>,
    ) -> Self {
        let canary = canary.map_or(0, u64::from);
        let (events, shown) = (OnceLock::new(), Mutex::default());
        Self { ui, stop, sink, manifest, occasion, yes, canary, events, shown }
    }

    /// Waits until everything is shown.
    pub(super) fn close(self) {
        self.sink.redirect(|_| ());
        drop(self.events);
        let shown = self.shown.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(shown) = shown {
            shown.join().expect("the display does not panic");
        }
    }

    fn show_plan(&self, Review { plan, samples, begins, .. }: Review<'_>) {
        let ui = self.ui;
        let is_shown = !ui.quiet
            && match self.occasion {
                Occasion::Apply | Occasion::Revert => ui.is_read_by_a_person(),
                Occasion::Night(_) => plan.counts.rows > 0 && (begins > 0 || ui.verbose > 0),
            };
        if is_shown {
            let is_pinned = !matches!(self.occasion, Occasion::Night(_));
            let command = if self.occasion == Occasion::Revert { "revert" } else { "apply" };
            let view = PlanView { command, is_pinned, ..view(ui, ui.styles_err()) };
            // A stderr that nobody reads is no reason not to do what was asked.
            let _ = plan_text(&mut ui.stderr(), plan, samples, &view);
        }
    }

    /// Has a thread show the run from here on.
    fn show_run(&self, plan: &Arc<Plan>, waits: WaitLog) {
        let (events, shown) = mpsc::channel();
        let forward = events.clone();
        self.sink.redirect(move |event| {
            if let Event::Throttled { scope, wait } = &event {
                waits.note(Timestamp::now(), scope.as_deref(), wait.as_secs_f64());
            }
            drop(forward.send(event));
        });
        let (ui, plan) = (self.ui.clone(), Arc::clone(plan));
        let thread = std::thread::spawn(move || show(&ui, &plan, &shown));
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        self.events.set(events).expect("a run begins once");
    }
}

impl Host for Display<'_> {
    type Objection = Failure;

    fn observe(&self, notice: Notice<'_>) {
        match notice {
            Notice::OtherManifest { earlier } => self.ui.warn(format_args!(
                "this checkpoint is of {earlier}; from now on `status` accounts for the rows of {}, and apart for the guests that are in none of them",
                self.manifest
            )),
            Notice::Part { of, others, mended, new } => {
                let stay = match others {
                    1 => "its other row stays as it is".to_owned(),
                    others => format!("its {others} other rows stay as they are"),
                };
                self.ui.note(format_args!(
                    "{} is a part of {}: {stay}",
                    harmless(self.manifest),
                    harmless(of)
                ));
                if mended + new > 0 {
                    self.ui.warn(format_args!(
                        "{} still has the old words of {}: mend it, too, before it is applied again",
                        harmless(of),
                        count(mended + new, "row", "rows")
                    ));
                }
            }
            Notice::DirectoryRead { plan, method, requests } => {
                note_reading(self.ui, method, requests);
                self.ui.log.planned(plan);
            }
            Notice::RunBegan { plan, waits } => self.show_run(plan, waits),
            Notice::Run(event) => {
                if let Some(events) = self.events.get() {
                    drop(events.send(event));
                }
            }
        }
    }

    async fn review(&self, review: Review<'_>) -> Result<(), Failure> {
        self.show_plan(review);
        let Review { plan, begins, refusal, .. } = review;
        if refusal.is_some() || begins == 0 || self.yes {
            return Ok(());
        }
        let pinned =
            || format!("review the plan, then pass --yes, or --yes --plan {}", plan.digest.short());
        let plain = || "look at it, then pass --yes".to_owned();
        let (what, hint) = match self.occasion {
            Occasion::Apply => ("Move or reset", pinned()),
            Occasion::Revert => ("Take back", pinned()),
            Occasion::Night(Scope::Everything) => ("Move, reset, remind or correct", plain()),
            Occasion::Night(Scope::Reminders) => ("Remind", plain()),
        };
        confirm(self.ui, self.stop, plan, what, begins, self.canary, &hint).await
    }
}

fn show(ui: &Ui, plan: &Plan, events: &Receiver<Event>) {
    let mode = if ui.quiet {
        ProgressMode::Quiet(Box::new(anstream::stderr()))
    } else if ui.can_animate() {
        ProgressMode::Bar(ProgressDrawTarget::stderr(), Ui::width())
    } else if ui.verbose > 0 {
        ProgressMode::EveryRow(Box::new(anstream::stderr()))
    } else {
        ProgressMode::Lines(Box::new(anstream::stderr()))
    };
    let mut progress = Progress::new(mode, plan, ui.styles_err());
    let is_shown = ui.is_read_by_a_person();
    loop {
        match events.recv_timeout(IDLE) {
            Ok(event) => {
                ui.log.event(&event, Some(plan));
                if is_shown {
                    progress.on_event(&event);
                }
                if matches!(event, Event::Finished(_)) {
                    break;
                }
            }
            Err(RecvTimeoutError::Timeout) => progress.on_idle(),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
}

/// Ends a command whose plan a guard refused.
pub(super) fn refused(plan: &Plan, refusal: &Refusal, ui: &Ui) -> Failure {
    let summary = refusal.summary(plan);
    ui.log.counted(&summary);
    let exit = Exit::from_summary(&summary);
    if ui.json() {
        // A reader that is gone must not turn the refusal into success.
        let none = vec![None; plan.rows.len()];
        let _ = apply_json(&mut ui.stdout(), ui.schema, plan, &none, &summary, exit.code());
    }
    let error = anyhow::anyhow!(refusal.reason.to_string());
    Failure::new(exit, error).hint(&*refusal.advice).told()
}
