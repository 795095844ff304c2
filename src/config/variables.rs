//! Environment variables that are ours by name and by nothing else: a limit set in
//! a misspelt variable is no limit.
//!
//! Leaves to others: the values of the right ones.

use clap::CommandFactory as _;

use super::args::Cli;
use super::error::Warning;
use super::hooks::is_hook_variable;
use super::key::ALL;
use super::suggest::nearest;

/// Warns of every variable that begins with `REINVITE_` and stands for no flag and
/// no key, naming the nearest that does.
pub fn unknown_variables(names: impl Iterator<Item = String>) -> Vec<Warning> {
    let mut known: Vec<String> = ALL.iter().map(|key| key.variable()).collect();
    let cli = Cli::command();
    for command in std::iter::once(&cli).chain(cli.get_subcommands()) {
        let variables = command.get_arguments().filter_map(|argument| argument.get_env());
        known.extend(variables.map(|name| name.to_string_lossy().into_owned()));
    }
    let mut unknown: Vec<String> =
        names.filter(|name| name.starts_with("REINVITE_") && !known.contains(name)).collect();
    unknown.retain(|name| !is_hook_variable(name));
    unknown.sort();
    unknown
        .into_iter()
        .map(|name| {
            let meant = nearest(&name, known.iter().map(String::as_str));
            let meant = meant.map_or(String::new(), |meant| format!("; did you mean {meant}?"));
            Warning(format!("the environment variable {name} means nothing to reinvite{meant}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_variable_is_told_with_the_nearest_right_one() {
        let names = [
            "PATH",
            "REINVITE_YES",
            "REINVITE_MAX_CHANGES",
            "REINVITE_PACE_PRESET",
            "REINVITE_MAX_CHANGE",
            "REINVITE_HOOK_EXIT_CODE",
            "REINVITE_HOOK_FINALLY",
            "REINVITE_SOMETHING_ELSE_ALTOGETHER",
        ];
        let warnings = unknown_variables(names.into_iter().map(str::to_owned));
        let texts: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "the environment variable REINVITE_HOOK_FINALLY means nothing to reinvite; did you mean REINVITE_HOOKS_FINALLY?",
                "the environment variable REINVITE_MAX_CHANGE means nothing to reinvite; did you mean REINVITE_MAX_CHANGES?",
                "the environment variable REINVITE_SOMETHING_ELSE_ALTOGETHER means nothing to reinvite",
            ]
        );
    }
}
