//! The command that goes on where a run stopped.

use std::fmt::Display;
use std::path::Path;

use crate::config::args::{ApplyArgs, BudgetArgs, Cli, Command, ReconcileArgs, RemindArgs};

/// The command as it was given, without what belongs to one run alone: the digest
/// of a plan that has changed since, and requests to send once more, which the
/// checkpoint keeps until they are answered.
pub(super) fn continue_with(cli: &Cli, args: &ApplyArgs) -> String {
    let ApplyArgs {
        planning,
        plan: _,
        retry_failed,
        resend: _,
        reason: _,
        canary,
        max_failures,
        max_duration,
        until,
        result,
    } = args;
    let mut command = Words(format!("reinvite apply {}", quoted(&planning.manifest)));
    command.value("--config", cli.global.config.as_deref().map(quoted));
    command.value("--checkpoint", cli.global.checkpoint.as_deref().map(quoted));
    command.flag("--yes", cli.global.yes);
    command.flag("--skip-invalid", planning.skip_invalid);
    command.flag("--reset-matching", planning.reset_matching);
    command.flag("--retry-failed", *retry_failed);
    command.value("--canary", *canary);
    command.value("--max-changes", planning.max_changes);
    command.value("--max-failures", *max_failures);
    command.value("--max-duration", max_duration.map(|left| format!("{}ms", left.as_millis())));
    command.value("--until", until.map(|until| until.strftime("%H:%M").to_string()));
    command.value("--result", result.as_deref().map(quoted));
    command.0
}

/// The same for a night. Every flag of it is about every run.
pub(super) fn night_again(cli: &Cli) -> String {
    let (name, manifest, skip_invalid, reset_matching, max_changes, budget, result) =
        match &cli.command {
            Command::Reconcile(ReconcileArgs { planning, budget, result }) => (
                "reconcile",
                &planning.manifest,
                planning.skip_invalid,
                planning.reset_matching,
                planning.max_changes,
                budget,
                result.as_deref(),
            ),
            Command::Remind(RemindArgs { manifest, skip_invalid, max_changes, budget }) => {
                ("remind", manifest, *skip_invalid, false, *max_changes, budget, None)
            }
            _ => return String::new(),
        };
    let BudgetArgs { max_failures, max_duration, until } = budget;
    let mut command = Words(format!("reinvite {name} {}", quoted(manifest)));
    command.value("--config", cli.global.config.as_deref().map(quoted));
    command.value("--checkpoint", cli.global.checkpoint.as_deref().map(quoted));
    command.flag("--yes", cli.global.yes);
    command.flag("--skip-invalid", skip_invalid);
    command.flag("--reset-matching", reset_matching);
    command.value("--max-changes", max_changes);
    command.value("--max-failures", *max_failures);
    command.value("--max-duration", max_duration.map(|left| format!("{}ms", left.as_millis())));
    command.value("--until", until.map(|until| until.strftime("%H:%M").to_string()));
    command.value("--result", result.map(quoted));
    command.0
}

struct Words(String);

impl Words {
    fn flag(&mut self, name: &str, given: bool) {
        if given {
            self.0.push(' ');
            self.0.push_str(name);
        }
    }

    fn value(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.0.push_str(&[" ", name, " ", &value.to_string()].concat());
        }
    }
}

fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./\\:".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn after(command: &str) -> String {
        let cli = Cli::try_parse_from(command.split(' ')).unwrap();
        let Command::Apply(args) = &cli.command else { panic!("{command}") };
        continue_with(&cli, args)
    }

    #[test]
    fn what_was_asked_for_is_asked_for_again() {
        let command = "reinvite apply a.csv --config c.toml --checkpoint k --yes --skip-invalid \
                       --reset-matching --retry-failed --canary 5 --max-changes 50% \
                       --max-failures 7 --max-duration 90000ms --until 06:00 --result r.csv";
        assert_eq!(after(command), command);
    }

    #[test]
    fn a_changed_plan_and_a_second_invitation_are_not_asked_for_again() {
        let command = "reinvite apply a.csv --plan 0123 --resend 2 --reason lost";
        assert_eq!(after(command), "reinvite apply a.csv");
    }

    #[test]
    fn a_night_is_asked_for_again_as_it_was() {
        for command in [
            "reinvite reconcile a.csv --config c.toml --checkpoint k --yes --skip-invalid \
             --reset-matching --max-changes 50% --max-failures 7 --max-duration 90000ms \
             --until 06:00 --result r.csv",
            "reinvite remind a.csv --yes --skip-invalid --max-changes 50 --until 06:00",
        ] {
            let cli = Cli::try_parse_from(command.split(' ')).unwrap();
            assert_eq!(night_again(&cli), command);
        }
    }

    #[test]
    fn a_path_with_a_blank_stays_one_word() {
        assert_eq!(quoted(Path::new("it's here.csv")), "'it'\\''s here.csv'");
    }
}
