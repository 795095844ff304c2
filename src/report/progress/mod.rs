//! A run while it goes on: a bar where there is a terminal; where there is none, a line
//! per row of a small run, and of a large one a line for every so many; or only what
//! somebody has to look at.
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
    /// A bar, with problems printed above it, on a terminal of so many columns.
    Bar(ProgressDrawTarget, usize),
    /// A line per finished row and per notable event; of a run of many rows, a line for
    /// every twentieth part or minute, and the rows that somebody has to look at.
    Lines(Box<dyn Write + Send>),
    /// A line per finished row and per notable event, however many.
    EveryRow(Box<dyn Write + Send>),
    /// Only problems.
    Quiet(Box<dyn Write + Send>),
}

/// Shows a run's events as they come.
pub struct Progress<'p> {
    plan: &'p Plan,
    styles: Styles,
    tally: Arc<Mutex<Tally>>,
    /// Columns of a line; `usize::MAX` where it goes on without an end.
    width: usize,
    sink: Sink,
}

enum Sink {
    Bar(Bar),
    Lines {
        out: BufWriter<Box<dyn Write + Send>>,
        least: Weight,
        flushed: Instant,
        parts: Option<Parts>,
    },
}

/// Of a run of many rows, when its last line was written.
#[derive(Debug, Clone, Copy)]
struct Parts {
    told: Instant,
    /// Twentieths done by then.
    part: u64,
}

/// A run of more rows is told in parts.
const EACH_UP_TO: u64 = 100;
/// Of a run of many rows there are at most so many lines, and those of the time.
const PARTS: u64 = 20;
/// A run that comes no further says so once in this time.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// How long a line of a busy run may wait in the buffer.
const FLUSH_EVERY: Duration = Duration::from_millis(200);
/// What thousands of lines per second fill between two flushes.
const BUFFER: usize = 64 * 1024;

impl<'p> Progress<'p> {
    /// Shows the carrying out of a plan.
    pub fn new(mode: ProgressMode, plan: &'p Plan, styles: Styles) -> Self {
        let now = Instant::now();
        let per_row = plan.effort.map(|effort| effort.per_row());
        let tally = Arc::new(Mutex::new(Tally::new(per_row)));
        let lines = |out, least, parts| Sink::Lines {
            out: BufWriter::with_capacity(BUFFER, out),
            least,
            flushed: now,
            parts,
        };
        let width = match &mode {
            ProgressMode::Bar(_, width) => *width,
            ProgressMode::Lines(_) | ProgressMode::EveryRow(_) | ProgressMode::Quiet(_) => {
                usize::MAX
            }
        };
        let sink = match mode {
            ProgressMode::Bar(target, _) => Sink::Bar(Bar::new(target, Arc::clone(&tally), styles)),
            ProgressMode::Lines(out) => lines(out, Weight::Row, Some(Parts { told: now, part: 0 })),
            ProgressMode::EveryRow(out) => lines(out, Weight::Row, None),
            ProgressMode::Quiet(out) => lines(out, Weight::Problem, None),
        };
        Self { plan, styles, tally, width, sink }
    }

    /// Nothing has happened for a moment: shows what is still buffered.
    pub fn on_idle(&mut self) {
        match &mut self.sink {
            Sink::Bar(_) => {}
            Sink::Lines { out, flushed, parts, .. } => {
                let now = Instant::now();
                if let Some(parts) = parts {
                    let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
                    tell_part(out, parts, &tally, now);
                }
                *flushed = now;
                let _ = out.flush();
            }
        }
    }

    /// Takes in what happened and shows it. [`Event::Finished`] takes a bar away
    /// and writes out what is buffered; so does dropping.
    pub fn on_event(&mut self, event: &Event) {
        let now = Instant::now();
        let (line, is_large) = {
            let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
            let line = note(event, self.plan, &tally, now, (self.styles, self.width));
            tally.note(event, now);
            (line, tally.to_do() > EACH_UP_TO)
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
                if let Some((Weight::Lasting | Weight::Problem, line)) = &line {
                    bar.print(line);
                }
                if over {
                    bar.clear();
                }
            }
            Sink::Lines { out, least, flushed, parts } => {
                let in_parts = parts.as_mut().filter(|_| is_large);
                let least = if in_parts.is_some() { Weight::Notable } else { *least };
                let line = line.filter(|(weight, _)| *weight >= least);
                let notable = line.as_ref().is_some_and(|(weight, _)| *weight > Weight::Row);
                if let Some((_, line)) = line {
                    let _ = writeln!(out, "{line}");
                }
                if let Some(parts) = in_parts {
                    let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
                    tell_part(out, parts, &tally, now);
                }
                if notable || over || now.saturating_duration_since(*flushed) >= FLUSH_EVERY {
                    *flushed = now;
                    let _ = out.flush();
                }
            }
        }
    }
}

/// The line for a run of many rows, when it is due.
fn tell_part(out: &mut impl Write, parts: &mut Parts, tally: &Tally, now: Instant) {
    if tally.to_do() <= EACH_UP_TO {
        return;
    }
    let part = tally.finished() * PARTS / tally.to_do();
    if part > parts.part || now.saturating_duration_since(parts.told) >= TELL_EVERY {
        *parts = Parts { told: now, part };
        let _ = writeln!(out, "{}", tally.text(now));
    }
}

#[cfg(test)]
mod tests;
