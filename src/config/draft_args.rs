//! The own arguments of `draft` and `snapshot`. Doc comments are the help texts; every flag is also an
//! environment variable, `REINVITE_` and its name.
//!
//! Leaves to others: what is matched (`draft`) or kept (`emulator`), and writing it (`cli`).

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgGroup, Args};

use crate::domain::DomainName;

use super::command_args::ReadingArgs;
use super::duration::parse_age;
use super::manifest::NamedColumn;

/// `draft`.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("whom").args(["from", "map", "people"]).required(true).multiple(true))]
pub struct DraftArgs {
    /// Move the guests of this domain
    #[arg(
        long,
        value_name = "DOMAIN",
        requires = "to",
        env = "REINVITE_FROM",
        hide_env_values = true
    )]
    pub from: Option<DomainName>,

    /// To this domain
    #[arg(
        long,
        value_name = "DOMAIN",
        requires = "from",
        env = "REINVITE_TO",
        hide_env_values = true
    )]
    pub to: Option<DomainName>,

    /// Move the guests of several domains: a table with the columns `from` and `to`
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["from", "to"],
        env = "REINVITE_MAP",
        hide_env_values = true
    )]
    pub map: Option<PathBuf>,

    /// A list with old and new addresses, and names; it stands above the domains
    #[arg(long, value_name = "FILE", env = "REINVITE_PEOPLE", hide_env_values = true)]
    pub people: Option<PathBuf>,

    /// Write the manifest to this file; `-` for stdout
    #[arg(long, value_name = "FILE", env = "REINVITE_OUT", hide_env_values = true)]
    pub out: PathBuf,

    /// Write what a person has to decide to this file [default: review.csv beside --out]
    #[arg(long, value_name = "FILE", env = "REINVITE_REVIEW", hide_env_values = true)]
    pub review: Option<PathBuf>,

    /// Leave guests out who have not signed in for so long, such as 180d
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = parse_age,
        env = "REINVITE_ACTIVE_SINCE",
        hide_env_values = true
    )]
    pub active_since: Option<Duration>,

    /// Take the column of the list with this heading for this one
    #[arg(
        long = "column",
        value_name = "NAME=HEADING",
        requires = "people",
        env = "REINVITE_COLUMN",
        hide_env_values = true
    )]
    pub columns: Vec<NamedColumn>,

    /// Read this sheet of the list
    #[arg(
        long,
        value_name = "NAME",
        requires = "people",
        env = "REINVITE_SHEET",
        hide_env_values = true
    )]
    pub sheet: Option<String>,

    /// Read the hidden rows of the list as well
    #[arg(
        long,
        requires = "people",
        env = "REINVITE_INCLUDE_HIDDEN",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub include_hidden: bool,

    /// Leave out rows of the list with problems instead of refusing it
    #[arg(
        long,
        requires = "people",
        env = "REINVITE_SKIP_INVALID",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub skip_invalid: bool,

    /// Replace files that are there
    #[arg(
        long,
        env = "REINVITE_FORCE",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub force: bool,
}

/// `snapshot`.
#[derive(Debug, Clone, Args)]
pub struct SnapshotArgs {
    /// Manifest whose guests and new addresses are looked up as well; `-` for stdin
    #[arg(value_name = "MANIFEST")]
    pub manifest: Option<PathBuf>,

    /// How the manifest is read.
    #[command(flatten)]
    pub reading: ReadingArgs,

    /// Write the tenant to this file
    #[arg(long, value_name = "FILE", env = "REINVITE_OUT", hide_env_values = true)]
    pub out: PathBuf,

    /// Put pseudonyms for people, groups and addresses; domains stay
    #[arg(
        long,
        env = "REINVITE_PSEUDONYMISE",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub pseudonymise: bool,

    /// Replace files that are there
    #[arg(
        long,
        env = "REINVITE_FORCE",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub force: bool,
}
