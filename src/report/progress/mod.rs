//! A run while it goes on: a bar where there is a terminal, a line per row where
//! there is none, or only what somebody has to look at.
//!
//! Nothing here can stop a run: what can't be written is not written.
//! Leaves to others: the final numbers ([`summary_text`](super::summary_text())).

mod bar;
mod notes;
mod tally;

use std::io::{BufWriter, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::ProgressDrawTarget;

use crate::plan::Plan;
use crate::run::Event;

use self::bar::Bar;
use self::notes::{Weight, note};
use self::tally::Tally;
use super::style::Styles;

/// How progress is shown, and where.
pub enum ProgressMode {
    /// A bar, with problems printed above it.
    Bar(ProgressDrawTarget),
    /// A line per finished row and per notable event.
    Lines(Box<dyn Write + Send>),
    /// Only problems.
    Quiet(Box<dyn Write + Send>),
}

/// Shows a run's events as they come.
pub struct Progress<'p> {
    plan: &'p Plan,
    styles: Styles,
    tally: Arc<Mutex<Tally>>,
    sink: Sink,
}

enum Sink {
    Bar(Bar),
    Lines { out: BufWriter<Box<dyn Write + Send>>, least: Weight, flushed: Instant },
}

/// How long a line of a busy run may wait in the buffer.
const FLUSH_EVERY: Duration = Duration::from_millis(200);
/// What thousands of lines per second fill between two flushes.
const BUFFER: usize = 64 * 1024;

impl<'p> Progress<'p> {
    /// Shows the carrying out of a plan.
    pub fn new(mode: ProgressMode, plan: &'p Plan, styles: Styles) -> Self {
        let now = Instant::now();
        let tally = Arc::new(Mutex::new(Tally::new(now)));
        let lines = |out, least| Sink::Lines {
            out: BufWriter::with_capacity(BUFFER, out),
            least,
            flushed: now,
        };
        let sink = match mode {
            ProgressMode::Bar(target) => Sink::Bar(Bar::new(target, Arc::clone(&tally), styles)),
            ProgressMode::Lines(out) => lines(out, Weight::Row),
            ProgressMode::Quiet(out) => lines(out, Weight::Problem),
        };
        Self { plan, styles, tally, sink }
    }

    /// Nothing has happened for a moment: shows what is still buffered.
    pub fn on_idle(&mut self) {
        match &mut self.sink {
            Sink::Bar(_) => {}
            Sink::Lines { out, flushed, .. } => {
                *flushed = Instant::now();
                let _ = out.flush();
            }
        }
    }

    /// Takes in what happened and shows it. [`Event::Finished`] takes a bar away
    /// and writes out what is buffered; so does dropping.
    pub fn on_event(&mut self, event: &Event) {
        let now = Instant::now();
        let line = {
            let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
            let line = note(event, self.plan, &tally, now, self.styles);
            tally.note(event, now);
            line
        };
        let over = match event {
            Event::Finished(_) => true,
            Event::Started { .. }
            | Event::RowEntered { .. }
            | Event::Patched { .. }
            | Event::RowFinished { .. }
            | Event::Throttled { .. }
            | Event::Retrying { .. }
            | Event::Waiting { .. }
            | Event::Noticed { .. }
            | Event::Stopping { .. }
            | Event::CanaryPassed { .. }
            | Event::SignInNeeded { .. } => false,
        };
        match &mut self.sink {
            Sink::Bar(bar) => {
                if let Some((Weight::Problem, line)) = &line {
                    bar.print(line);
                }
                if over {
                    bar.clear();
                }
            }
            Sink::Lines { out, least, flushed } => {
                let line = line.filter(|(weight, _)| weight >= least);
                let notable = line.as_ref().is_some_and(|(weight, _)| *weight > Weight::Row);
                if let Some((_, line)) = line {
                    let _ = writeln!(out, "{line}");
                }
                if notable || over || now.saturating_duration_since(*flushed) >= FLUSH_EVERY {
                    *flushed = now;
                    let _ = out.flush();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
