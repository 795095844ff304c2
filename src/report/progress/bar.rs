//! The bar: one line at the foot of the terminal, redrawn by a thread of its own,
//! so that a wait counts down while nothing happens.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::style::Styles;

use super::tally::Tally;

/// A run shorter than this shows no bar at all.
const SHY_FOR: Duration = Duration::from_millis(250);
/// Ten times a second is as smooth as a countdown needs.
const REDRAW_EVERY: Duration = Duration::from_millis(100);

/// A bar that shows a tally until it is dropped.
#[derive(Debug)]
pub(super) struct Bar {
    line: ProgressBar,
    /// Dropped to end the drawing thread.
    stop: Option<Sender<()>>,
    drawing: Option<JoinHandle<()>>,
}

impl Bar {
    pub(super) fn new(
        target: ProgressDrawTarget,
        tally: Arc<Mutex<Tally>>,
        styles: Styles,
    ) -> Self {
        let style = ProgressStyle::with_template("{wide_msg}").expect("a valid template");
        let line = ProgressBar::with_draw_target(None, target).with_style(style);
        let (stop, stopped) = mpsc::channel();
        let drawn = line.clone();
        let drawing = std::thread::spawn(move || {
            let mut wait = SHY_FOR;
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(wait) {
                wait = REDRAW_EVERY;
                let text = tally
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .line(Instant::now(), styles);
                drawn.set_message(text);
            }
        });
        Self { line, stop: Some(stop), drawing: Some(drawing) }
    }

    /// Prints a line above the bar.
    pub(super) fn print(&self, text: &str) {
        self.line.println(text);
    }

    pub(super) fn clear(&mut self) {
        self.stop = None;
        if let Some(drawing) = self.drawing.take() {
            // It only draws; a panic in it has nothing to tell the run.
            let _ = drawing.join();
        }
        self.line.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}
