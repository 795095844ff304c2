//! The own arguments of commands that are about a manifest or a campaign. Doc comments
//! are the help texts; every flag is also an environment variable, `REINVITE_` and its
//! name.
//!
//! Leaves to others: commands to begin with (`trial_args`), and what a command does with
//! them.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use jiff::civil::Time;

use crate::domain::Email;

use super::arg_values::{RowSelector, parse_time_of_day, parse_time_span};
use super::column_filter::ColumnFilter;
use super::duration::parse_days;
use super::limit::Limit;
use super::manifest::NamedColumn;

/// `lint`.
#[derive(Debug, Clone, Args)]
pub struct LintArgs {
    /// Manifest: CSV, TSV, JSON Lines or .xlsx; `-` for stdin
    #[arg(value_name = "MANIFEST")]
    pub manifest: PathBuf,

    /// How the manifest is read.
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// How a manifest is read where that can't be guessed.
#[derive(Debug, Clone, Default, Args)]
pub struct ReadingArgs {
    /// Take the column with this heading for this one, such as `new_email="Neue Adresse"`
    #[arg(
        long = "column",
        value_name = "NAME=HEADING",
        env = "REINVITE_COLUMN",
        hide_env_values = true
    )]
    pub columns: Vec<NamedColumn>,

    /// Reset the guests of rows without a new address at their present one
    #[arg(
        long,
        env = "REINVITE_RESET_ONLY",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub reset_only: bool,

    /// Read this sheet of a workbook
    #[arg(long, value_name = "NAME", env = "REINVITE_SHEET", hide_env_values = true)]
    pub sheet: Option<String>,

    /// Read the hidden rows of a sheet as well
    #[arg(
        long,
        env = "REINVITE_INCLUDE_HIDDEN",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub include_hidden: bool,
}

/// `doctor`.
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// Manifest, to say what its plan needs; `-` for stdin
    #[arg(value_name = "MANIFEST")]
    pub manifest: Option<PathBuf>,

    /// How the manifest is read.
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// What `plan`, `apply` and `reconcile` have in common: how a plan is made.
#[derive(Debug, Clone, Default, Args)]
pub struct PlanningArgs {
    /// Manifest: CSV, TSV, JSON Lines or .xlsx; `-` for stdin
    #[arg(value_name = "MANIFEST")]
    pub manifest: PathBuf,

    /// How the manifest is read.
    #[command(flatten)]
    pub reading: ReadingArgs,

    /// Leave out rows with problems instead of refusing the manifest
    #[arg(
        long,
        env = "REINVITE_SKIP_INVALID",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub skip_invalid: bool,

    /// Invite guests again who already have the new address; they lose access until they accept
    #[arg(
        long,
        env = "REINVITE_RESET_MATCHING",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub reset_matching: bool,

    /// Refuse to change more guests, or a larger share of the tenant's [default: 30%]
    #[arg(long, value_name = "N|%", env = "REINVITE_MAX_CHANGES", hide_env_values = true)]
    pub max_changes: Option<Limit>,
}

/// `plan`.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// How the plan is made.
    #[command(flatten)]
    pub planning: PlanningArgs,

    /// Exit with 3 when something would change
    #[arg(
        long,
        env = "REINVITE_EXPECT_NO_CHANGES",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub expect_no_changes: bool,

    /// Plan only the rows that say this in a column, such as wave=1; may be given several times
    #[arg(long, value_name = "COLUMN=VALUE", env = "REINVITE_ONLY", hide_env_values = true)]
    pub only: Vec<ColumnFilter>,

    /// Read what the changes touch, too: groups, teams, roles, and apps that know a guest by
    /// its address
    #[arg(
        long,
        env = "REINVITE_REACH",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub reach: bool,

    /// Write the plan for whoever signs it off, too: into an .html or .md file
    #[arg(long, value_name = "FILE", env = "REINVITE_OUT", hide_env_values = true)]
    pub out: Option<PathBuf>,
}

/// `preview`.
#[derive(Debug, Clone, Args)]
pub struct PreviewArgs {
    /// Manifest: CSV, TSV, JSON Lines or .xlsx; `-` for stdin
    #[arg(value_name = "MANIFEST")]
    pub manifest: PathBuf,

    /// Only these rows: line of the manifest, its user, or the new address
    #[arg(value_name = "LINE|USER|ADDRESS")]
    pub rows: Vec<RowSelector>,

    #[command(flatten)]
    pub reading: ReadingArgs,

    /// Write each mail into this directory, as .eml and .html
    #[arg(long, value_name = "DIR", env = "REINVITE_OUT", hide_env_values = true)]
    pub out: Option<PathBuf>,

    /// Send each mail to this address instead of the guest's: to your own
    #[arg(
        long,
        value_name = "ADDRESS",
        conflicts_with = "out",
        env = "REINVITE_TO",
        hide_env_values = true
    )]
    pub to: Option<Email>,
}

/// `apply`.
#[derive(Debug, Clone, Args)]
pub struct ApplyArgs {
    /// How the plan is made.
    #[command(flatten)]
    pub planning: PlanningArgs,

    /// Take the manifest for a part of the campaign with this checkpoint, whose other rows stay
    #[arg(
        long,
        value_name = "CHECKPOINT",
        env = "REINVITE_INTO",
        hide_env_values = true,
        conflicts_with = "checkpoint"
    )]
    pub into: Option<PathBuf>,

    /// Apply only the rows that say this in a column, such as wave=1, and leave the others as they
    /// are; may be given several times
    #[arg(long, value_name = "COLUMN=VALUE", env = "REINVITE_ONLY", hide_env_values = true)]
    pub only: Vec<ColumnFilter>,

    /// Only show the plan, as `plan` does, with what the other flags ask for
    #[arg(
        long,
        env = "REINVITE_DRY_RUN",
        hide_env_values = true,
        conflicts_with_all = ["plan", "result"],
        value_parser = BoolishValueParser::new()
    )]
    pub dry_run: bool,

    /// Carry out the plan with this digest, or nothing
    #[arg(long, value_name = "DIGEST", env = "REINVITE_PLAN", hide_env_values = true)]
    pub plan: Option<String>,

    /// Try rows again that failed in an earlier run
    #[arg(
        long,
        env = "REINVITE_RETRY_FAILED",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub retry_failed: bool,

    /// Invite this guest once more, after asking; repeatable
    #[arg(
        long,
        value_name = "LINE|USER|ADDRESS",
        value_delimiter = ',',
        env = "REINVITE_RESEND",
        hide_env_values = true
    )]
    pub resend: Vec<RowSelector>,

    /// Move guests again whom `revert` took back, without being asked
    #[arg(
        long,
        env = "REINVITE_MOVE_REVERTED",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub move_reverted: bool,

    /// Record why guests are invited once more
    #[arg(long, value_name = "TEXT", env = "REINVITE_REASON", hide_env_values = true)]
    pub reason: Option<String>,

    /// Invite so many guests first and verify them; 0 for none
    #[arg(long, value_name = "N", env = "REINVITE_CANARY", hide_env_values = true)]
    pub canary: Option<u32>,

    /// When the run ends.
    #[command(flatten)]
    pub budget: BudgetArgs,

    /// Write what became of every row to this file
    #[arg(long, value_name = "FILE", env = "REINVITE_RESULT", hide_env_values = true)]
    pub result: Option<PathBuf>,
}

/// `revert`.
#[derive(Debug, Clone, Args)]
pub struct RevertArgs {
    /// Manifest of the campaign, to find its checkpoint, or the checkpoint itself
    #[arg(value_name = "MANIFEST|CHECKPOINT")]
    pub campaign: Option<PathBuf>,

    /// Name a column of the manifest as `apply` was told to
    #[arg(
        long = "column",
        value_name = "NAME=HEADING",
        env = "REINVITE_COLUMN",
        hide_env_values = true
    )]
    pub columns: Vec<NamedColumn>,

    /// Only show the plan, with what the other flags ask for
    #[arg(
        long,
        env = "REINVITE_DRY_RUN",
        hide_env_values = true,
        conflicts_with_all = ["plan", "result"],
        value_parser = BoolishValueParser::new()
    )]
    pub dry_run: bool,

    /// Carry out the plan with this digest, or nothing
    #[arg(long, value_name = "DIGEST", env = "REINVITE_PLAN", hide_env_values = true)]
    pub plan: Option<String>,

    /// Take guests back who have redeemed their new address, too; they lose access again
    #[arg(
        long,
        env = "REINVITE_EVEN_REDEEMED",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub even_redeemed: bool,

    /// Try rows again that failed in an earlier run
    #[arg(
        long,
        env = "REINVITE_RETRY_FAILED",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub retry_failed: bool,

    /// Refuse to change more guests, or a larger share of the tenant's [default: 30%]
    #[arg(long, value_name = "N|%", env = "REINVITE_MAX_CHANGES", hide_env_values = true)]
    pub max_changes: Option<Limit>,

    /// Take so many guests back first and verify them; 0 for none
    #[arg(long, value_name = "N", env = "REINVITE_CANARY", hide_env_values = true)]
    pub canary: Option<u32>,

    /// When the run ends.
    #[command(flatten)]
    pub budget: BudgetArgs,

    /// Write what became of every row to this file
    #[arg(long, value_name = "FILE", env = "REINVITE_RESULT", hide_env_values = true)]
    pub result: Option<PathBuf>,
}

/// What `apply`, `reconcile`, `remind` and `revert` have in common: when a run ends.
#[derive(Debug, Clone, Default, Args)]
pub struct BudgetArgs {
    /// Stop when more rows fail, or a larger share of those attempted
    #[arg(long, value_name = "N|%", env = "REINVITE_MAX_FAILURES", hide_env_values = true)]
    pub max_failures: Option<Limit>,

    /// Start nothing new after this time, such as 45m or 1h 30m
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = parse_time_span,
        env = "REINVITE_MAX_DURATION",
        hide_env_values = true
    )]
    pub max_duration: Option<Duration>,

    /// Start nothing new after this time of day, in UTC
    #[arg(
        long,
        value_name = "HH:MM",
        value_parser = parse_time_of_day,
        env = "REINVITE_UNTIL",
        hide_env_values = true
    )]
    pub until: Option<Time>,
}

/// `reconcile`.
#[derive(Debug, Clone, Args)]
pub struct ReconcileArgs {
    /// How the plan is made.
    #[command(flatten)]
    pub planning: PlanningArgs,

    /// When the run ends.
    #[command(flatten)]
    pub budget: BudgetArgs,

    /// Write what became of every row to this file
    #[arg(long, value_name = "FILE", env = "REINVITE_RESULT", hide_env_values = true)]
    pub result: Option<PathBuf>,
}

/// `remind`.
#[derive(Debug, Clone, Args)]
pub struct RemindArgs {
    /// Manifest of the campaign, whose rows say what the mails are like
    #[arg(value_name = "MANIFEST")]
    pub manifest: PathBuf,

    /// How the manifest is read.
    #[command(flatten)]
    pub reading: ReadingArgs,

    /// Leave out rows with problems instead of refusing the manifest
    #[arg(
        long,
        env = "REINVITE_SKIP_INVALID",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub skip_invalid: bool,

    /// Refuse to remind more guests, or a larger share of the tenant's [default: 30%]
    #[arg(long, value_name = "N|%", env = "REINVITE_MAX_CHANGES", hide_env_values = true)]
    pub max_changes: Option<Limit>,

    /// When the run ends.
    #[command(flatten)]
    pub budget: BudgetArgs,
}

impl RemindArgs {
    /// The same as a command that plans anything else has it.
    pub fn planning(&self) -> PlanningArgs {
        let Self { manifest, reading, skip_invalid, max_changes, budget: _ } = self;
        PlanningArgs {
            manifest: manifest.clone(),
            reading: reading.clone(),
            skip_invalid: *skip_invalid,
            reset_matching: false,
            max_changes: *max_changes,
        }
    }
}

/// `verify`.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// Manifest of the campaign, to find its checkpoint, or the checkpoint itself
    #[arg(value_name = "MANIFEST|CHECKPOINT")]
    pub manifest: Option<PathBuf>,

    /// Ask the message trace of Exchange Online whether the mails arrived, too
    #[arg(
        long,
        env = "REINVITE_MAIL",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub mail: bool,

    /// Name everybody who was invited and has not redeemed, too
    #[arg(
        long,
        env = "REINVITE_PENDING",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub pending: bool,
}

/// `status`.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// Manifest of the campaign, to find its checkpoint, or the checkpoint itself
    #[arg(value_name = "MANIFEST|CHECKPOINT")]
    pub manifest: Option<PathBuf>,
}

/// `explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// Line of the manifest, object id, user principal name, or old or new address
    #[arg(value_name = "LINE|USER|ADDRESS")]
    pub row: RowSelector,

    /// Manifest of the campaign, to find its checkpoint, or the checkpoint itself
    #[arg(value_name = "MANIFEST|CHECKPOINT")]
    pub manifest: Option<PathBuf>,

    /// Advise on an invitation that has been pending for so long, such as 14d
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = parse_days,
        default_value = "14d",
        env = "REINVITE_STUCK_AFTER",
        hide_env_values = true
    )]
    pub stuck_after: Duration,
}

/// `report`.
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// Manifests of campaigns, to find their checkpoints, or checkpoints themselves
    #[arg(value_name = "MANIFEST|CHECKPOINT")]
    pub campaigns: Vec<PathBuf>,

    /// Write the report in this format [default: by the name of --out, else html]
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        env = "REINVITE_FORMAT",
        hide_env_values = true
    )]
    pub format: Option<ReportFormat>,

    /// Write the report to this file
    #[arg(long, value_name = "FILE", env = "REINVITE_OUT", hide_env_values = true)]
    pub out: Option<PathBuf>,

    /// Write the failed and blocked rows to this file, as the manifest has them
    #[arg(long, value_name = "FILE", env = "REINVITE_FAILED", hide_env_values = true)]
    pub failed: Option<PathBuf>,

    /// List an invitation as stuck that has been pending for so long, such as 14d
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = parse_days,
        default_value = "14d",
        env = "REINVITE_STUCK_AFTER",
        hide_env_values = true
    )]
    pub stuck_after: Duration,

    /// Replace a file that is not an earlier report
    #[arg(
        long,
        env = "REINVITE_FORCE",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub force: bool,
}

/// The format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// One self-contained page.
    Html,
    /// For spreadsheets.
    Csv,
    /// For programs.
    Json,
    /// For tickets.
    Markdown,
    /// For CI.
    Junit,
}
