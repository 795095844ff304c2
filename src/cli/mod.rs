//! Wiring, printing and exit codes: the only place that prints, exits, or uses
//! `anyhow`.
//!
//! Leaves to others: everything else.

mod apply;
mod carry_on;
mod connect;
mod consent;
mod demo;
mod emulate;
mod exit;
mod failure;
mod init;
mod lint;
mod plan;
mod planning;
mod signals;
mod status;
mod ui;

use clap::Parser as _;

use crate::config::args::{Cli, Command};
use crate::config::unknown_variables;

pub use exit::Exit;

use failure::Failure;
use ui::Ui;

/// Runs the program and returns its exit code.
pub fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            let is_error = message.use_stderr();
            // A closed pipe is no reason to fail over a help text.
            let _ = message.print();
            return if is_error { Exit::Usage } else { Exit::Done }.into();
        }
    };
    let ui = Ui::new(&cli.global);
    let variables = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for warning in unknown_variables(variables) {
        ui.warn(warning);
    }
    match run(&cli, &ui) {
        Ok(exit) => exit.into(),
        Err(failure) if failure.is_closed_pipe() => Exit::Done.into(),
        Err(failure) => {
            ui.failure(&failure);
            failure.exit.into()
        }
    }
}

fn run(cli: &Cli, ui: &Ui) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Demo(args) => demo::run(args, ui),
        Command::Init(args) => init::run(args, ui),
        Command::Lint(args) => lint::run(args, ui),
        Command::Plan(args) => plan::run(cli, args, ui),
        Command::Apply(args) => apply::run(cli, args, ui),
        Command::Status(args) => status::run(cli, args, ui),
        Command::Emulate(args) => emulate::run(args, ui),
    }
}
