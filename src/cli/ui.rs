//! What is printed where: data to stdout, everything else to stderr; to a person, or
//! as log lines.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;

use anstream::{AutoStream, ColorChoice};
use clap::ColorChoice as Color;
use tracing_subscriber::EnvFilter;

use crate::config::ConfigError;
use crate::config::args::{GlobalArgs, OutputFormat};
use crate::report::{Level, Schema, Styles, harmless, harmless_lines};

use super::failure::Failure;
use super::session_log::SessionLog;
use super::trace::TraceLines;

/// The two streams and how much to say on them.
#[derive(Debug, Clone)]
pub(super) struct Ui {
    pub(super) output: OutputFormat,
    /// The shape of the object of a command that got nowhere.
    pub(super) schema: Schema,
    pub(super) quiet: bool,
    pub(super) verbose: u8,
    /// Whether long output may go through a pager.
    pub(super) pages: bool,
    /// What happens, for the log and for whoever is told of the end.
    pub(super) log: Arc<SessionLog>,
    color: Color,
}

/// Width of text that goes into a file or pipe.
const PLAIN_WIDTH: usize = 120;

impl Ui {
    pub(super) fn new(global: &GlobalArgs, schema: Schema) -> Self {
        let ui = Self {
            output: global.output,
            schema,
            quiet: global.quiet,
            verbose: global.verbose,
            pages: !global.no_pager,
            log: Arc::new(SessionLog::new(global)),
            color: global.color,
        };
        let level = match ui.verbose {
            0 | 1 => "warn",
            2 => "reinvite=debug",
            _ => "debug",
        };
        // Log lines never hold tokens, secrets or redeem links: requests are logged
        // by method, path, status and id.
        let logging = tracing_subscriber::fmt()
            .with_writer(io::stderr)
            .with_ansi(ui.choice(&io::stderr()) != ColorChoice::Never)
            .with_env_filter(EnvFilter::new(level));
        let logging = if ui.log.is_on_stderr() {
            logging.event_format(TraceLines(ui.log.run_id())).try_init()
        } else {
            logging.try_init()
        };
        // A second initialisation can only happen within one process of tests.
        drop(logging);
        ui
    }

    /// The same, saying only what went wrong unless asked to say more.
    pub(super) fn unless_verbose(&self) -> Self {
        Self { quiet: self.quiet || self.verbose == 0, ..self.clone() }
    }

    /// Whether data goes to stdout as JSON.
    pub(super) fn json(&self) -> bool {
        match self.output {
            OutputFormat::Json => true,
            OutputFormat::Text => false,
        }
    }

    pub(super) fn stdout(&self) -> AutoStream<io::StdoutLock<'static>> {
        let stdout = io::stdout();
        let choice = self.choice(&stdout);
        AutoStream::new(stdout.lock(), choice)
    }

    pub(super) fn stderr(&self) -> AutoStream<io::StderrLock<'static>> {
        let stderr = io::stderr();
        let choice = self.choice(&stderr);
        AutoStream::new(stderr.lock(), choice)
    }

    fn choice(&self, stream: &(impl anstream::stream::RawStream + io::IsTerminal)) -> ColorChoice {
        match self.color {
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
            // Knows NO_COLOR, CLICOLOR_FORCE, TERM=dumb and whether it is a terminal.
            Color::Auto => AutoStream::choice(stream),
        }
    }

    pub(super) fn styles_out(&self) -> Styles {
        self.styles(&io::stdout())
    }

    pub(super) fn styles_err(&self) -> Styles {
        self.styles(&io::stderr())
    }

    fn styles(&self, stream: &(impl anstream::stream::RawStream + io::IsTerminal)) -> Styles {
        if self.choice(stream) == ColorChoice::Never { Styles::plain() } else { Styles::coloured() }
    }

    /// Whether a bar can be drawn: logging and a bar would tear each other apart.
    pub(super) fn can_animate(&self) -> bool {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        io::stderr().is_terminal() && !dumb && self.verbose < 2 && self.is_read_by_a_person()
    }

    pub(super) fn width() -> usize {
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let terminal =
            || terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| usize::from(width.0));
        columns.or_else(terminal).unwrap_or(PLAIN_WIDTH).max(60)
    }

    /// Whether stderr is for a person to read, and not a log in JSON.
    pub(super) fn is_read_by_a_person(&self) -> bool {
        !self.log.is_on_stderr()
    }

    /// Tells something worth knowing, unless asked to be quiet.
    pub(super) fn note(&self, text: impl Display) {
        self.log.said(Level::Info, "note", text.to_string().trim());
        if !self.quiet && self.is_read_by_a_person() {
            let _ = writeln!(self.stderr(), "{}", harmless_lines(&text.to_string()));
        }
    }

    /// Tells something that should not be overlooked.
    pub(super) fn warn(&self, text: impl Display) {
        self.log.said(Level::Warning, "warning", &text.to_string());
        if !self.is_read_by_a_person() {
            return;
        }
        let style = self.styles_err().attention;
        let text = harmless(&text.to_string());
        let _ = writeln!(self.stderr(), "{style}warning{style:#}: {text}");
    }

    /// Tells what went wrong, its causes, and what to do.
    pub(super) fn failure(&self, failure: &Failure) {
        self.log.failed(failure);
        if !self.is_read_by_a_person() {
            return;
        }
        let styles = self.styles_err();
        let mut stderr = self.stderr();
        let bad = styles.bad;
        // Only the configuration's show a line of its file below.
        let has_lines = failure.error.is::<ConfigError>();
        let text = |it: &dyn Display| {
            let text = it.to_string();
            if has_lines { harmless_lines(&text) } else { harmless(&text) }
        };
        // Each of the configuration's problems with what to do about it.
        let mut told: Vec<&String> = Vec::new();
        if let Some(ConfigError::Invalid(problems)) = failure.error.downcast_ref() {
            for problem in problems {
                let _ = writeln!(stderr, "{bad}error{bad:#}: {}", text(problem));
                if let Some(hint) = problem.hint.as_ref().filter(|hint| !told.contains(hint)) {
                    let _ = writeln!(stderr, "  hint: {}", text(hint));
                    told.push(hint);
                }
            }
        } else {
            let _ = writeln!(stderr, "{bad}error{bad:#}: {}", text(&failure.error));
        }
        for cause in failure.error.chain().skip(1) {
            let _ = writeln!(stderr, "  caused by: {}", text(&cause));
        }
        for hint in failure.hints.iter().filter(|hint| !told.contains(hint)) {
            let _ = writeln!(stderr, "  hint: {}", text(hint));
        }
    }
}
