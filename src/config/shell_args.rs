//! The own arguments of the commands that are for the shell and for other programs:
//! `completions`, `config`, `man` and `schema`. Doc comments are the help texts.
//!
//! Leaves to others: what is printed (`cli`).

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `completions`.
#[derive(Debug, Clone, Args)]
pub struct CompletionsArgs {
    /// Complete for this shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// A shell that can be taught to complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
    Nushell,
}

/// `config`.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// What to do with it
    #[arg(value_enum, value_name = "ACTION")]
    pub action: ConfigAction,

    /// Say of each value where it comes from
    #[arg(
        long,
        env = "REINVITE_ORIGIN",
        hide_env_values = true,
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub origin: bool,
}

/// What is done with the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConfigAction {
    /// Print every key that has a value.
    Show,
}

/// `man`.
#[derive(Debug, Clone, Args)]
pub struct ManArgs {
    /// Print the page of this command; without it, that of the program
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,

    /// Write all pages into this directory instead
    #[arg(
        long,
        value_name = "DIR",
        env = "REINVITE_OUT",
        hide_env_values = true,
        conflicts_with = "command"
    )]
    pub out: Option<PathBuf>,
}

/// `schema`.
#[derive(Debug, Clone, Args)]
pub struct SchemaArgs {
    /// Print the schema of this; without it, the names there are
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}
