//! The command line: the commands, and the flags that all of them have. Doc
//! comments are the help texts; every flag is also an environment variable,
//! `REINVITE_` and its name.
//!
//! Leaves to others: one command's own flags (`command_args`, `trial_args`), what a command
//! does, and the file's part of the settings.

use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, ColorChoice, Parser, Subcommand, ValueEnum};

pub use super::aftercare_args::AftercareArgs;
pub use super::command_args::{
    ApplyArgs, BudgetArgs, DoctorArgs, ExplainArgs, LintArgs, PlanArgs, PlanningArgs, PreviewArgs,
    ReadingArgs, ReconcileArgs, RemindArgs, ReportArgs, ReportFormat, RevertArgs, StatusArgs,
    VerifyArgs,
};
pub use super::draft_args::{DraftArgs, SnapshotArgs};
use super::help::{
    AFTERCARE_EXAMPLES, APPLY_EXAMPLES, COMPLETIONS_EXAMPLES, CONFIG_EXAMPLES, DEMO_EXAMPLES,
    DOCTOR_EXAMPLES, DRAFT_EXAMPLES, EMULATE_EXAMPLES, EXAMPLES, EXPLAIN_EXAMPLES, INIT_EXAMPLES,
    LINT_EXAMPLES, MAN_EXAMPLES, PLAN_EXAMPLES, PREVIEW_EXAMPLES, RECONCILE_EXAMPLES,
    REHEARSE_EXAMPLES, REMIND_EXAMPLES, REPORT_EXAMPLES, REVERT_EXAMPLES, SCHEMA_EXAMPLES,
    SNAPSHOT_EXAMPLES, STATUS_EXAMPLES, VERIFY_EXAMPLES, help_with,
};
use super::settings::Overrides;
pub use super::shell_args::{
    CompletionsArgs, ConfigAction, ConfigArgs, ManArgs, SchemaArgs, Shell,
};
pub use super::trial_args::{DemoArgs, EmulateArgs, Faults, InitArgs, RehearseArgs, WeatherArgs};
use super::version::{after, version};

/// The configuration file that is read when none is named.
pub const DEFAULT_CONFIG: &str = "reinvite.toml";

/// Move Microsoft Entra B2B guests to new email addresses in bulk
#[derive(Debug, Clone, Parser)]
#[command(
    name = "reinvite",
    bin_name = "reinvite", // without the `.exe` of Windows
    version,
    long_version = version(),
    help_template = help_with(EXAMPLES),
    after_long_help = after(),
    max_term_width = 100
)]
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

    /// Print long output straight, and not through PAGER
    #[arg(
        long,
        global = true,
        env = "REINVITE_NO_PAGER",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub no_pager: bool,

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
    #[command(help_template = help_with(DEMO_EXAMPLES))]
    Demo(DemoArgs),
    /// Write a commented reinvite.toml and a manifest to start from
    #[command(help_template = help_with(INIT_EXAMPLES))]
    Init(InitArgs),
    /// Write a manifest of the guests of a domain, or of a list of people
    #[command(help_template = help_with(DRAFT_EXAMPLES))]
    Draft(DraftArgs),
    /// Check a manifest offline and report every problem
    #[command(help_template = help_with(LINT_EXAMPLES))]
    Lint(LintArgs),
    /// Check sign-in, permissions and the tenant's policies, and say how to mend them
    #[command(help_template = help_with(DOCTOR_EXAMPLES))]
    Doctor(DoctorArgs),
    /// Show what would change, and change nothing
    #[command(help_template = help_with(PLAN_EXAMPLES))]
    Plan(PlanArgs),
    /// Show the mail that each guest will get, with a link that leads nowhere
    #[command(help_template = help_with(PREVIEW_EXAMPLES))]
    Preview(PreviewArgs),
    /// Plan, ask, and carry it out; again, to continue
    #[command(help_template = help_with(APPLY_EXAMPLES))]
    Apply(ApplyArgs),
    /// Look at the campaign's guests: pending, redeemed, changed or gone
    #[command(help_template = help_with(VERIFY_EXAMPLES))]
    Verify(VerifyArgs),
    /// Invite those once more who have not redeemed, as configured
    #[command(help_template = help_with(REMIND_EXAMPLES))]
    Remind(RemindArgs),
    /// Apply, put drift right, verify and remind: every night, unattended
    #[command(help_template = help_with(RECONCILE_EXAMPLES))]
    Reconcile(ReconcileArgs),
    /// Give the guests of a campaign their old address back
    #[command(help_template = help_with(REVERT_EXAMPLES))]
    Revert(RevertArgs),
    /// Write what is left to do by hand: Exchange, sites, apps and their owners
    #[command(help_template = help_with(AFTERCARE_EXAMPLES))]
    Aftercare(AftercareArgs),
    /// Count what a campaign has done and what is left
    #[command(help_template = help_with(STATUS_EXAMPLES))]
    Status(StatusArgs),
    /// Tell everything about one row and its guest
    #[command(help_template = help_with(EXPLAIN_EXAMPLES))]
    Explain(ExplainArgs),
    /// Report a campaign as a web page, for spreadsheets, programs, tickets or CI
    #[command(help_template = help_with(REPORT_EXAMPLES))]
    Report(ReportArgs),
    /// Keep a copy of what a plan sees of the tenant, for trials
    #[command(help_template = help_with(SNAPSHOT_EXAMPLES))]
    Snapshot(SnapshotArgs),
    /// Carry out a whole campaign on a copy of the tenant, nights included, and tell how it went
    #[command(help_template = help_with(REHEARSE_EXAMPLES))]
    Rehearse(RehearseArgs),
    /// Serve a tenant on this machine, for trials
    #[command(help_template = help_with(EMULATE_EXAMPLES))]
    Emulate(EmulateArgs),
    /// Print the configuration in force, and where each value comes from
    #[command(help_template = help_with(CONFIG_EXAMPLES))]
    Config(ConfigArgs),
    /// Print the completions for a shell
    #[command(help_template = help_with(COMPLETIONS_EXAMPLES))]
    Completions(CompletionsArgs),
    /// Print the manual, or write it as one page for each command
    #[command(help_template = help_with(MAN_EXAMPLES))]
    Man(ManArgs),
    /// Print the JSON Schema of an output, or of the configuration
    #[command(help_template = help_with(SCHEMA_EXAMPLES))]
    Schema(SchemaArgs),
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
            Command::Preview(args) => args.reading.clone(),
            Command::Doctor(args) => args.reading.clone(),
            Command::Snapshot(args) => args.reading.clone(),
            Command::Plan(args) => args.planning.reading.clone(),
            Command::Apply(args) => args.planning.reading.clone(),
            Command::Reconcile(args) => args.planning.reading.clone(),
            Command::Rehearse(args) => args.planning.reading.clone(),
            Command::Remind(args) => args.reading.clone(),
            Command::Revert(args) => {
                ReadingArgs { columns: args.columns.clone(), ..ReadingArgs::default() }
            }
            Command::Demo(_)
            | Command::Init(_)
            | Command::Draft(_)
            | Command::Aftercare(_)
            | Command::Status(_)
            | Command::Explain(_)
            | Command::Report(_)
            | Command::Verify(_)
            | Command::Emulate(_)
            | Command::Config(_)
            | Command::Completions(_)
            | Command::Man(_)
            | Command::Schema(_) => ReadingArgs::default(),
        };
        let ReadingArgs { columns, reset_only, sheet, include_hidden } = reading;
        let read = Overrides {
            checkpoint,
            reset_only,
            columns,
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
            Command::Revert(args) => Overrides {
                max_changes: args.max_changes,
                max_failures: args.budget.max_failures,
                canary: args.canary,
                ..read
            },
            Command::Plan(plan) => Overrides { max_changes: plan.planning.max_changes, ..read },
            Command::Reconcile(args) => Overrides {
                max_changes: args.planning.max_changes,
                max_failures: args.budget.max_failures,
                ..read
            },
            Command::Rehearse(args) => Overrides {
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
            | Command::Draft(_)
            | Command::Aftercare(_)
            | Command::Snapshot(_)
            | Command::Lint(_)
            | Command::Doctor(_)
            | Command::Preview(_)
            | Command::Status(_)
            | Command::Explain(_)
            | Command::Report(_)
            | Command::Verify(_)
            | Command::Emulate(_)
            | Command::Config(_)
            | Command::Completions(_)
            | Command::Man(_)
            | Command::Schema(_) => read,
        }
    }
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
