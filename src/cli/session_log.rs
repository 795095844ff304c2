//! What happens to a command from its start to its end: heard from all sides,
//! written to the log where one is asked for, and kept for whoever is told of the
//! end.
//!
//! Leaves to others: the form of a line (`report`), and telling of the end
//! (`notify`).

use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

use crate::config::args::{GlobalArgs, LogFormat};
use crate::notify::{Ending, stopped};
use crate::plan::Plan;
use crate::report::{Level, LogLine};
use crate::run::{Event, Summary};

use super::Exit;
use super::failure::Failure;
use super::log_file::LogFile;

/// What has happened so far. Every thread of the command adds to it.
#[derive(Debug)]
pub(super) struct SessionLog {
    run_id: Uuid,
    started_at: Timestamp,
    started: Instant,
    format: LogFormat,
    /// Log lines go to stderr in place of what a person would read there.
    is_on_stderr: bool,
    quiet: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<LogFile>,
    command: &'static str,
    manifest: Option<String>,
    checkpoint: Option<String>,
    tenant: Option<String>,
    tenant_id: Option<String>,
    tenant_name: Option<String>,
    plan_digest: Option<String>,
    numbers: Option<Summary>,
    waits: Waits,
}

impl SessionLog {
    /// The log of a command that starts now. Its log file is not open yet.
    pub(super) fn new(global: &GlobalArgs) -> Self {
        Self {
            run_id: Uuid::now_v7(),
            started_at: Timestamp::now(),
            started: Instant::now(),
            format: global.log_format,
            is_on_stderr: global.log_format == LogFormat::Json && global.log_file.is_none(),
            quiet: global.quiet,
            state: Mutex::default(),
        }
    }

    /// Opens the log file. A file that is something else is refused; one that can't be
    /// written to is given up, and why is returned.
    pub(super) fn open(&self, path: &Path) -> Result<Option<String>, Failure> {
        match LogFile::open(path)? {
            Ok(file) => {
                let warning = file.warning();
                self.state().file = Some(file);
                Ok(warning)
            }
            Err(why) => Ok(Some(why)),
        }
    }

    /// Whether stderr belongs to log lines.
    pub(super) fn is_on_stderr(&self) -> bool {
        self.is_on_stderr
    }

    /// How long the command has been at it.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn run_id(&self) -> Uuid {
        self.run_id
    }

    /// The command, and what it works on.
    pub(super) fn began(&self, command: &'static str, manifest: Option<&Path>) {
        let manifest = manifest.map(|path| path.display().to_string());
        let line = LogLine::new(Level::Info, "command", format!("reinvite {command}"))
            .with("command", command)
            .with("manifest", manifest.as_deref())
            .with("version", env!("CARGO_PKG_VERSION"));
        let mut state = self.state();
        state.command = command;
        state.manifest = manifest;
        drop(state);
        self.write(&line);
    }

    /// The tenant as it is configured.
    pub(super) fn tenant(&self, id: &str) {
        self.state().tenant = Some(id.to_owned());
    }

    /// The checkpoint, once it is known.
    pub(super) fn checkpoint(&self, path: &Path) {
        self.state().checkpoint = Some(path.display().to_string());
    }

    pub(super) fn planned(&self, plan: &Plan) {
        let mut state = self.state();
        state.tenant_id = Some(plan.tenant_id.clone());
        state.tenant_name.clone_from(&plan.tenant_name);
        state.plan_digest = Some(plan.digest.to_string());
        drop(state);
        self.write(&LogLine::from_plan(plan));
    }

    pub(super) fn event(&self, event: &Event, plan: Option<&Plan>) {
        if let Event::Throttled { wait, .. } = event {
            self.state().waits.add(self.started.elapsed(), *wait);
        }
        if self.is_logged()
            && let Some(line) = LogLine::from_event(event, plan)
        {
            self.write(&line);
        }
    }

    /// The run is over, and these are its numbers.
    pub(super) fn counted(&self, summary: &Summary) {
        self.state().numbers = Some(summary.clone());
    }

    /// Something was said to the person.
    pub(super) fn said(&self, level: Level, event: &'static str, text: &str) {
        if self.is_logged() {
            self.write(&LogLine::new(level, event, text));
        }
    }

    pub(super) fn said_by_hook(&self, hook: &str, text: &str) {
        self.write(&LogLine::new(Level::Info, "hook", text).with("hook", hook));
    }

    pub(super) fn failed(&self, failure: &Failure) {
        let causes = failure.error.chain().skip(1).map(ToString::to_string);
        self.write(
            &LogLine::new(Level::Error, "error", failure.error.to_string())
                .with("causes", causes.collect::<Vec<_>>())
                .with("hints", failure.hints.clone())
                .with("exit_code", failure.exit.code()),
        );
    }

    pub(super) fn ended(&self, ending: &Ending) {
        self.write(&ending.log_line());
    }

    /// How the command ended, as far as it was heard of.
    pub(super) fn ending(&self, result: &Result<Exit, Failure>) -> Ending {
        let failure = result.as_ref().err().filter(|failure| !failure.is_closed_pipe());
        let exit = match (result, failure) {
            (Ok(exit), _) => *exit,
            (Err(_), Some(failure)) => failure.exit,
            (Err(_), None) => Exit::Done,
        };
        let state = self.state();
        let of_run = state.numbers.as_ref().and_then(stopped);
        let of_failure = || failure.map(|it| (it.exit.stop_reason(), it.error.to_string()));
        let (stop_reason, stop_message) = of_run.or_else(of_failure).unzip();
        let hints = failure.map(|failure| failure.hints.join("; "));
        let of_run = || {
            let reason = state.numbers.as_ref()?.stop_reason.as_ref()?;
            reason.advice().map(str::to_owned)
        };
        let to_do = hints.filter(|hints| !hints.is_empty()).or_else(of_run);
        Ending {
            command: state.command,
            run_id: self.run_id,
            verdict: exit.verdict(),
            exit_code: exit.code(),
            meaning: exit.meaning(),
            to_do: to_do.or_else(|| exit.to_do().map(str::to_owned)),
            stop_reason,
            stop_message,
            tenant: state.tenant.clone(),
            tenant_id: state.tenant_id.clone(),
            tenant_name: state.tenant_name.clone(),
            manifest: state.manifest.clone(),
            checkpoint: state.checkpoint.clone(),
            plan_digest: state.plan_digest.clone(),
            started_at: self.started_at,
            ended_at: Timestamp::now(),
            duration: self.started.elapsed(),
            numbers: state.numbers.clone(),
            throttle_wait: state.waits.total,
        }
    }

    fn is_logged(&self) -> bool {
        self.is_on_stderr || self.state().file.is_some()
    }

    fn write(&self, line: &LogLine) {
        let now = Timestamp::now();
        if self.is_on_stderr {
            // With --quiet, what went wrong and how it ended.
            if !self.quiet || line.level() > Level::Info || line.is_last() {
                // A stderr that nobody reads is no reason to stop.
                let _ = std::io::stderr().lock().write_all(line.json(now, self.run_id).as_bytes());
            }
            return;
        }
        let mut state = self.state();
        let Some(file) = &mut state.file else { return };
        let text = match self.format {
            LogFormat::Json => line.json(now, self.run_id),
            LogFormat::Text => line.text(now),
        };
        if let Err(error) = file.append(&text) {
            let path = file.path().display().to_string();
            state.file = None;
            drop(state);
            let _ = writeln!(
                anstream::stderr(),
                "warning: cannot write to the log file {path}, and will not try again: {error}"
            );
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long the tenant asked to send nothing. Many requests are under way when it
/// does, and each is told; what overlaps counts once.
#[derive(Debug, Default)]
struct Waits {
    total: Duration,
    until: Duration,
}

impl Waits {
    /// Adds a wait that begins now, in time since the start.
    fn add(&mut self, now: Duration, wait: Duration) {
        let until = now + wait;
        self.total += until.saturating_sub(self.until.max(now));
        self.until = self.until.max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_side_by_side_count_once() {
        let seconds = Duration::from_secs;
        let mut waits = Waits::default();
        for (now, wait, total) in [(10, 5, 5), (11, 4, 5), (12, 5, 7), (13, 1, 7), (30, 2, 9)] {
            waits.add(seconds(now), seconds(wait));
            assert_eq!(waits.total, seconds(total), "at {now}");
        }
    }
}
