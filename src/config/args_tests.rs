//! What the command line accepts, and what its help promises.

use std::time::Duration;

use clap::{CommandFactory, error::ErrorKind};

use super::*;
use crate::config::{Limit, Percent, key};

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("reinvite").chain(line.split_whitespace()))
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_flag_is_an_environment_variable_whose_value_help_never_shows() {
    let mut command = Cli::command();
    command.build();
    let mut seen = 0;
    for command in std::iter::once(&command).chain(command.get_subcommands()) {
        for arg in command.get_arguments() {
            let Some(long) = arg.get_long() else { continue };
            if matches!(long, "help" | "version") {
                continue;
            }
            let expected = format!("REINVITE_{}", long.replace('-', "_").to_uppercase());
            assert_eq!(arg.get_env().and_then(|env| env.to_str()), Some(&*expected), "--{long}");
            assert!(arg.is_hide_env_values_set(), "--{long}");
            assert!(key::ALL.iter().all(|key| key.variable() != expected), "{expected}");
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn no_flag_takes_a_secret() {
    for command in Cli::command().get_subcommands() {
        for arg in command.get_arguments().filter_map(|arg| arg.get_long()) {
            assert!(!arg.contains("secret") && !arg.contains("token"), "--{arg}");
        }
    }
}

#[test]
fn help_begins_with_examples_that_parse() {
    let mut command = Cli::command();
    command.build();
    for command in std::iter::once(&mut command.clone()).chain(command.get_subcommands_mut()) {
        if command.get_name() == "help" {
            continue;
        }
        let help = command.render_long_help().to_string();
        assert!(help.starts_with("Examples:\n"), "{help}");
        let examples: Vec<_> =
            help.lines().filter_map(|line| line.strip_prefix("  reinvite ")).collect();
        assert!(!examples.is_empty(), "{help}");
        for example in examples {
            let typed = example.split("   ").next().unwrap();
            let typed = typed.split(['>', '|']).next().unwrap().replace("'mail was lost'", "lost");
            let typed = typed.replace(" --redeem '60% in 3d'", "");
            assert!(parse(&typed).is_ok(), "{typed}: {}", parse(&typed).unwrap_err());
        }
    }
}

#[test]
fn help_lines_are_imperative_and_end_without_a_full_stop() {
    for command in Cli::command().get_subcommands() {
        for text in command.get_arguments().filter_map(|arg| arg.get_help()) {
            assert!(!text.to_string().ends_with('.'), "{text}");
        }
        assert!(!command.get_about().unwrap().to_string().ends_with('.'));
    }
}

#[test]
fn global_flags_stand_before_or_after_the_command() {
    for line in [
        "--config c.toml --yes -vv --output json apply guests.csv",
        "apply guests.csv --config c.toml --yes -vv --output json",
        "apply --config c.toml --yes guests.csv -v --output json -v",
    ] {
        let cli = parse(line).unwrap();
        assert_eq!(cli.global.config_file(), (Path::new("c.toml"), true), "{line}");
        assert!(cli.global.yes, "{line}");
        assert_eq!(cli.global.verbose, 2, "{line}");
        assert_eq!(cli.global.output, OutputFormat::Json, "{line}");
    }
    let cli = parse("status").unwrap();
    assert_eq!(cli.global.config_file(), (Path::new("reinvite.toml"), false));
    assert_eq!(cli.global.output, OutputFormat::Text);
}

#[test]
fn apply_takes_its_flags_and_hands_the_guards_on() {
    let cli = parse(
        "apply - --checkpoint c --canary 5 --max-changes 500 --max-failures 2.5% --resend 4 \
         --resend ada@fabrikam.example,7 --until 06:30 --max-duration 1h30m --plan abc",
    )
    .unwrap();
    let overrides = cli.overrides();
    assert_eq!(overrides.checkpoint.as_deref(), Some(Path::new("c")));
    assert_eq!(overrides.canary, Some(5));
    assert_eq!(overrides.max_changes, Some(Limit::Count(500)));
    assert_eq!(overrides.max_failures.unwrap().to_string(), "2.5%");
    let Command::Apply(apply) = cli.command else { panic!() };
    assert_eq!(apply.planning.manifest, Path::new("-"));
    assert_eq!(apply.resend.len(), 3);
    assert_eq!(apply.budget.max_duration, Some(Duration::from_mins(90)));
    assert_eq!(apply.budget.until, Some(jiff::civil::time(6, 30, 0, 0)));
    assert_ne!(overrides.max_failures, Percent::new(2).map(Limit::Share));
}

#[test]
fn what_is_not_understood_is_refused() {
    for (line, kind) in [
        ("apply", ErrorKind::MissingRequiredArgument),
        ("apply a --max-changes many", ErrorKind::ValueValidation),
        ("apply a --max-changes 0%", ErrorKind::ValueValidation),
        ("apply a --until 25:00", ErrorKind::ValueValidation),
        ("apply a --max-duration 0s", ErrorKind::ValueValidation),
        ("apply a --max-duration 15", ErrorKind::ValueValidation),
        ("emulate --listen 0.0.0.0:80", ErrorKind::ValueValidation),
        ("emulate --latency 9..1", ErrorKind::ValueValidation),
        ("plan a --output yaml", ErrorKind::InvalidValue),
        ("plan a --canary 5", ErrorKind::UnknownArgument),
        ("report a --stuck-after 14", ErrorKind::ValueValidation),
        ("aply a", ErrorKind::InvalidSubcommand),
    ] {
        assert_eq!(parse(line).unwrap_err().kind(), kind, "{line}");
    }
}
