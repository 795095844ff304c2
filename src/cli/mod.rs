//! Wiring, printing and exit codes: the only place that prints, exits, or uses
//! `anyhow`.
//!
//! Leaves to others: everything else.

mod after;
mod aftercare;
mod apply;
mod checkpoint_args;
mod completions;
mod config;
mod confirm;
mod connect;
mod demo;
mod display;
mod doctor;
mod draft;
mod elsewhere;
mod emulate;
mod exit;
mod explain;
mod failure;
mod fault;
mod finish;
mod init;
mod lint;
mod log_file;
mod man;
mod pager;
mod plan;
mod planning;
mod preview;
mod quoting;
mod reconcile;
mod rehearse;
mod report;
mod resume_command;
mod revert;
mod schema;
mod session_log;
mod sign_in;
mod signals;
mod snapshot;
mod status;
mod trace;
mod ui;
mod verify;
mod weather;

use clap::Parser as _;

use crate::config::args::{Cli, Command};
use crate::config::unknown_variables;
use crate::report::Schema;

pub use exit::Exit;

use failure::Failure;
use planning::tell_failure;
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
    let ui = Ui::new(&cli.global, schema(&cli.command));
    let log = open_log(&cli, &ui);
    let variables = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for warning in unknown_variables(variables) {
        ui.warn(warning);
    }
    fault::listen();
    let result = log.and_then(|()| fault::caught(|| run(&cli, &ui)));
    // After the last word of the command and of whoever was told of its end.
    let ending = ui.log.ending(&result);
    let exit = match result {
        Ok(exit) => exit,
        Err(failure) if failure.is_closed_pipe() => Exit::Done,
        Err(failure) => {
            let failure = tell_failure(failure.with_documentation(), &ui);
            ui.failure(&failure);
            failure.exit
        }
    };
    ui.log.ended(&ending);
    exit.into()
}

/// The shape of the object that a command which failed still owes: the keys of a run where
/// it is about rows of a manifest.
fn schema(command: &Command) -> Schema {
    match command {
        Command::Apply(args) if args.dry_run => Schema::Plan,
        Command::Demo(_) | Command::Apply(_) => Schema::Apply,
        Command::Plan(_) => Schema::Plan,
        Command::Revert(_) => Schema::Revert,
        Command::Remind(_) | Command::Reconcile(_) => Schema::Reconcile,
        Command::Init(_)
        | Command::Draft(_)
        | Command::Aftercare(_)
        | Command::Snapshot(_)
        | Command::Lint(_)
        | Command::Doctor(_)
        | Command::Preview(_)
        | Command::Verify(_)
        | Command::Status(_)
        | Command::Explain(_)
        | Command::Report(_)
        | Command::Rehearse(_)
        | Command::Emulate(_)
        | Command::Config(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Schema(_) => Schema::Failure,
    }
}

/// Opens the log file, if one is asked for, and begins it.
fn open_log(cli: &Cli, ui: &Ui) -> Result<(), Failure> {
    if let Some(path) = &cli.global.log_file
        && let Some(why) = ui.log.open(path)?
    {
        ui.warn(why);
    }
    let command = match &cli.command {
        Command::Demo(_) => "demo",
        Command::Init(_) => "init",
        Command::Draft(_) => "draft",
        Command::Lint(_) => "lint",
        Command::Doctor(_) => "doctor",
        Command::Plan(_) => "plan",
        Command::Preview(_) => "preview",
        Command::Apply(_) => "apply",
        Command::Verify(_) => "verify",
        Command::Remind(_) => "remind",
        Command::Reconcile(_) => "reconcile",
        Command::Revert(_) => "revert",
        Command::Aftercare(_) => "aftercare",
        Command::Status(_) => "status",
        Command::Explain(_) => "explain",
        Command::Report(_) => "report",
        Command::Snapshot(_) => "snapshot",
        Command::Rehearse(_) => "rehearse",
        Command::Emulate(_) => "emulate",
        Command::Config(_) => "config",
        Command::Completions(_) => "completions",
        Command::Man(_) => "man",
        Command::Schema(_) => "schema",
    };
    ui.log.began(command, elsewhere::manifest(&cli.command));
    Ok(())
}

fn run(cli: &Cli, ui: &Ui) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Demo(args) => demo::run(args, ui),
        Command::Init(args) => init::run(args, ui),
        Command::Draft(args) => draft::run(cli, args, ui),
        Command::Lint(args) => lint::run(cli, args, ui),
        Command::Doctor(args) => doctor::run(cli, args, ui),
        Command::Plan(args) => plan::run(cli, args, ui),
        Command::Preview(args) => preview::run(cli, args, ui),
        Command::Apply(args) => apply::run(cli, args, ui),
        Command::Verify(args) => verify::run(cli, args, ui),
        Command::Remind(args) => reconcile::remind(cli, args, ui),
        Command::Reconcile(args) => reconcile::run(cli, args, ui),
        Command::Revert(args) => revert::run(cli, args, ui),
        Command::Aftercare(args) => aftercare::run(cli, args, ui),
        Command::Status(args) => status::run(cli, args, ui),
        Command::Explain(args) => explain::run(cli, args, ui),
        Command::Report(args) => report::run(cli, args, ui),
        Command::Snapshot(args) => snapshot::run(cli, args, ui),
        Command::Rehearse(args) => rehearse::run(cli, args, ui),
        Command::Emulate(args) => emulate::run(args, ui),
        Command::Config(args) => config::run(cli, args, ui),
        Command::Completions(args) => completions::run(args, ui),
        Command::Man(args) => man::run(args, ui),
        Command::Schema(args) => schema::run(args, ui),
    }
}
