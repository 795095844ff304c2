//! The command line: the commands, and the flags that all of them have. Doc
//! comments are the help texts; every flag is also an environment variable,
//! `REINVITE_` and its name.
//!
//! Leaves to others: one command's own flags (`command_args`, `trial_args`), what a command
//! does, and the file's part of the settings.

use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, ColorChoice, Parser, Subcommand, ValueEnum};

pub use super::command_args::{
    ApplyArgs, BudgetArgs, DoctorArgs, ExplainArgs, LintArgs, PlanArgs, PlanningArgs, ReadingArgs,
    ReconcileArgs, RemindArgs, ReportArgs, ReportKind, StatusArgs, VerifyArgs,
};
use super::settings::Overrides;
pub use super::trial_args::{DemoArgs, EmulateArgs, InitArgs};

/// The configuration file that is read when none is named.
pub const DEFAULT_CONFIG: &str = "reinvite.toml";

const EXAMPLES: &str = "\
Examples:
  reinvite demo                 try everything on a tenant inside this program
  reinvite init                 write a configuration and a manifest to start from
  reinvite lint guests.csv      check a manifest, offline
  reinvite doctor               check configuration, sign-in and permissions
  reinvite plan guests.csv      show what would change
  reinvite apply guests.csv     show it, ask, and do it; again, to continue
  reinvite verify guests.csv    look at the guests: pending, redeemed, changed

";

const DEMO_EXAMPLES: &str = "\
Examples:
  reinvite demo
  reinvite demo --directory /tmp/demo

";

const INIT_EXAMPLES: &str = "\
Examples:
  reinvite init
  reinvite init campaign

";

const LINT_EXAMPLES: &str = "\
Examples:
  reinvite lint guests.csv
  some-tool | reinvite lint -

";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  reinvite doctor
  reinvite doctor guests.csv
  reinvite doctor guests.csv --output json

";

const PLAN_EXAMPLES: &str = "\
Examples:
  reinvite plan guests.csv
  reinvite plan guests.csv --output json > plan.json
  reinvite plan guests.csv --expect-no-changes

";

const APPLY_EXAMPLES: &str = "\
Examples:
  reinvite apply guests.csv
  reinvite apply guests.csv --canary 5 --max-failures 5%
  reinvite apply guests.csv --yes --until 06:00 --result result.csv
  reinvite apply guests.csv --resend ada@fabrikam.example --reason 'mail was lost'

";

const VERIFY_EXAMPLES: &str = "\
Examples:
  reinvite verify guests.csv
  reinvite verify guests.csv --output json

";

const REMIND_EXAMPLES: &str = "\
Examples:
  reinvite remind guests.csv
  reinvite remind guests.csv --yes --max-changes 50

";

const RECONCILE_EXAMPLES: &str = "\
Examples:
  reinvite reconcile guests.csv
  reinvite reconcile guests.csv --yes --until 06:00
  reinvite reconcile guests.csv --yes --max-duration 2h --output json

";

const STATUS_EXAMPLES: &str = "\
Examples:
  reinvite status guests.csv
  reinvite status --checkpoint guests.csv.checkpoint --output json

";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  reinvite explain 17 guests.csv
  reinvite explain ada@fabrikam.example guests.csv

";

const REPORT_EXAMPLES: &str = "\
Examples:
  reinvite report guests.csv --out report.html
  reinvite report guests.csv --failed failed.csv
  reinvite report guests.csv --format markdown
  reinvite report north.csv south.csv --out all.html

";

const EMULATE_EXAMPLES: &str = "\
Examples:
  reinvite emulate
  reinvite emulate --guests 10000 --quota none
  reinvite emulate --latency 20..80 --read-lag 30s --invitation-lag 10s

";

/// Move Microsoft Entra B2B guests to new email addresses in bulk
#[derive(Debug, Clone, Parser)]
#[command(name = "reinvite", version, before_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command; they may stand before or after it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Read the configuration from this file [default: reinvite.toml]
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        env = "REINVITE_CONFIG",
        hide_env_values = true
    )]
    pub config: Option<PathBuf>,

    /// Keep the campaign's record in this file [default: the manifest's name and .checkpoint]
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        env = "REINVITE_CHECKPOINT",
        hide_env_values = true
    )]
    pub checkpoint: Option<PathBuf>,

    /// Print data in this form
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        default_value_t,
        global = true,
        env = "REINVITE_OUTPUT",
        hide_env_values = true
    )]
    pub output: OutputFormat,

    /// Go ahead without asking
    #[arg(
        long,
        global = true,
        env = "REINVITE_YES",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub yes: bool,

    /// Say only what went wrong
    #[arg(
        short,
        long,
        global = true,
        env = "REINVITE_QUIET",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub quiet: bool,

    /// Say more; twice, everything
    #[arg(
        short,
        long,
        action = ArgAction::Count,
        global = true,
        env = "REINVITE_VERBOSE",
        hide_env_values = true
    )]
    pub verbose: u8,

    /// Use colours
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value_t = ColorChoice::Auto,
        global = true,
        env = "REINVITE_COLOR",
        hide_env_values = true
    )]
    pub color: ColorChoice,

    /// Write log lines in this form; json without --log-file puts them on stderr
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        default_value_t,
        global = true,
        env = "REINVITE_LOG_FORMAT",
        hide_env_values = true
    )]
    pub log_format: LogFormat,

    /// Append log lines to this file
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        env = "REINVITE_LOG_FILE",
        hide_env_values = true
    )]
    pub log_file: Option<PathBuf>,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object each, for programs.
    Json,
}

/// The form of the data on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Plan and apply a sample on a tenant inside this program
    #[command(before_help = DEMO_EXAMPLES)]
    Demo(DemoArgs),
    /// Write a commented reinvite.toml and a manifest to start from
    #[command(before_help = INIT_EXAMPLES)]
    Init(InitArgs),
    /// Check a manifest offline and report every problem
    #[command(before_help = LINT_EXAMPLES)]
    Lint(LintArgs),
    /// Check sign-in, permissions and the tenant's policies, and say how to mend them
    #[command(before_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Show what would change, and change nothing
    #[command(before_help = PLAN_EXAMPLES)]
    Plan(PlanArgs),
    /// Plan, ask, and carry it out; again, to continue
    #[command(before_help = APPLY_EXAMPLES)]
    Apply(ApplyArgs),
    /// Look at the campaign's guests: pending, redeemed, changed or gone
    #[command(before_help = VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// Invite those once more who have not redeemed, as configured
    #[command(before_help = REMIND_EXAMPLES)]
    Remind(RemindArgs),
    /// Apply, put drift right, verify and remind: every night, unattended
    #[command(before_help = RECONCILE_EXAMPLES)]
    Reconcile(ReconcileArgs),
    /// Count what a campaign has done and what is left
    #[command(before_help = STATUS_EXAMPLES)]
    Status(StatusArgs),
    /// Tell everything about one row and its guest
    #[command(before_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// Report a campaign as a web page, for spreadsheets, programs, tickets or CI
    #[command(before_help = REPORT_EXAMPLES)]
    Report(ReportArgs),
    /// Serve a tenant on this machine, for trials and rehearsals
    #[command(before_help = EMULATE_EXAMPLES)]
    Emulate(EmulateArgs),
}

impl GlobalArgs {
    /// The configuration file, and whether it was named rather than assumed.
    pub fn config_file(&self) -> (&Path, bool) {
        match &self.config {
            Some(path) => (path, true),
            None => (Path::new(DEFAULT_CONFIG), false),
        }
    }
}

impl Cli {
    /// The flags that stand above keys of the configuration.
    pub fn overrides(&self) -> Overrides {
        let checkpoint = self.global.checkpoint.clone();
        let reading = match &self.command {
            Command::Lint(args) => args.reading.clone(),
            Command::Doctor(args) => args.reading.clone(),
            Command::Plan(args) => args.planning.reading.clone(),
            Command::Apply(args) => args.planning.reading.clone(),
            Command::Reconcile(args) => args.planning.reading.clone(),
            Command::Remind(args) => args.reading.clone(),
            Command::Demo(_)
            | Command::Init(_)
            | Command::Status(_)
            | Command::Explain(_)
            | Command::Report(_)
            | Command::Verify(_)
            | Command::Emulate(_) => ReadingArgs::default(),
        };
        let ReadingArgs { columns, reset_only, sheet, include_hidden } = reading;
        let read = Overrides {
            checkpoint,
            columns,
            reset_only,
            sheet,
            include_hidden,
            ..Overrides::default()
        };
        match &self.command {
            Command::Apply(apply) => Overrides {
                max_changes: apply.planning.max_changes,
                max_failures: apply.budget.max_failures,
                canary: apply.canary,
                ..read
            },
            Command::Plan(plan) => Overrides { max_changes: plan.planning.max_changes, ..read },
            Command::Reconcile(args) => Overrides {
                max_changes: args.planning.max_changes,
                max_failures: args.budget.max_failures,
                ..read
            },
            Command::Remind(args) => Overrides {
                max_changes: args.max_changes,
                max_failures: args.budget.max_failures,
                ..read
            },
            Command::Demo(_)
            | Command::Init(_)
            | Command::Lint(_)
            | Command::Doctor(_)
            | Command::Status(_)
            | Command::Explain(_)
            | Command::Report(_)
            | Command::Verify(_)
            | Command::Emulate(_) => read,
        }
    }
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
