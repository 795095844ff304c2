//! The command that goes on where a run stopped.

use std::fmt::Display;
use std::path::Path;

use crate::config::ColumnFilter;
use crate::config::args::{
    ApplyArgs, BudgetArgs, Cli, PlanArgs, PlanningArgs, ReadingArgs, RevertArgs,
};

use super::quoting::{quoted, word};

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
        move_reverted,
        canary,
        budget,
        result,
        dry_run: _,
        into,
        only,
    } = args;
    let mut command = Words::new(cli, "apply", planning);
    command.value("--into", into.as_deref().map(quoted));
    command.only(only);
    command.flag("--retry-failed", *retry_failed);
    command.flag("--move-reverted", *move_reverted);
    command.value("--canary", *canary);
    command.budget(budget, result.as_deref());
    command.0
}

/// The command that carries out exactly the plan of this digest.
pub(super) fn carry_out(cli: &Cli, args: &PlanArgs, digest: &str) -> String {
    let mut command = Words::new(cli, "apply", &args.planning);
    command.only(&args.only);
    command.value("--plan", Some(digest));
    command.0
}

/// The same for a night. Every flag of it is about every run.
pub(super) fn night_again(
    cli: &Cli,
    name: &str,
    planning: &PlanningArgs,
    budget: &BudgetArgs,
    result: Option<&Path>,
) -> String {
    let mut command = Words::new(cli, name, planning);
    command.budget(budget, result);
    command.0
}

/// The same for a way back.
pub(super) fn revert_again(cli: &Cli, args: &RevertArgs) -> String {
    let RevertArgs {
        campaign,
        columns,
        dry_run: _,
        plan: _,
        even_redeemed,
        retry_failed,
        max_changes,
        canary,
        budget,
        result,
    } = args;
    let name = campaign.as_deref().map(|path| format!(" {}", quoted(path)));
    let mut command = Words(format!("reinvite revert{}", name.unwrap_or_default()));
    command.global(cli);
    for column in columns {
        command.value("--column", Some(word(&column.to_string())));
    }
    command.flag("--even-redeemed", *even_redeemed);
    command.flag("--retry-failed", *retry_failed);
    command.value("--max-changes", *max_changes);
    command.value("--canary", *canary);
    command.budget(budget, result.as_deref());
    command.0
}

struct Words(String);

impl Words {
    fn new(cli: &Cli, name: &str, planning: &PlanningArgs) -> Self {
        let PlanningArgs { manifest, reading, skip_invalid, reset_matching, max_changes } =
            planning;
        let ReadingArgs { columns, reset_only, sheet, include_hidden } = reading;
        let mut command = Self(format!("reinvite {name} {}", quoted(manifest)));
        command.global(cli);
        for column in columns {
            command.value("--column", Some(word(&column.to_string())));
        }
        command.flag("--reset-only", *reset_only);
        command.value("--sheet", sheet.as_deref().map(word));
        command.flag("--include-hidden", *include_hidden);
        command.flag("--skip-invalid", *skip_invalid);
        command.flag("--reset-matching", *reset_matching);
        command.value("--max-changes", *max_changes);
        command
    }

    fn global(&mut self, cli: &Cli) {
        self.value("--config", cli.global.config.as_deref().map(quoted));
        self.value("--checkpoint", cli.global.checkpoint.as_deref().map(quoted));
        self.flag("--yes", cli.global.yes);
    }

    fn budget(&mut self, budget: &BudgetArgs, result: Option<&Path>) {
        let BudgetArgs { max_failures, max_duration, until } = budget;
        self.value("--max-failures", *max_failures);
        self.value("--max-duration", max_duration.map(|left| format!("{}ms", left.as_millis())));
        self.value("--until", until.map(|until| until.strftime("%H:%M").to_string()));
        self.value("--result", result.map(quoted));
    }

    fn only(&mut self, only: &[ColumnFilter]) {
        for only in only {
            self.value("--only", Some(word(&only.to_string())));
        }
    }

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

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::config::args::Command;

    fn after(command: &str) -> String {
        let cli = Cli::try_parse_from(command.split(' ')).unwrap();
        let Command::Apply(args) = &cli.command else { panic!("{command}") };
        continue_with(&cli, args)
    }

    #[test]
    fn what_was_asked_for_is_asked_for_again() {
        let command = "reinvite apply a.csv --config c.toml --checkpoint k --yes --column user=Gast \
                       --column new_email=Ziel --reset-only --skip-invalid --reset-matching \
                       --max-changes 50% --only wave=1 --retry-failed --canary 5 \
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
            let again = match &cli.command {
                Command::Reconcile(args) => {
                    let result = args.result.as_deref();
                    night_again(&cli, "reconcile", &args.planning, &args.budget, result)
                }
                Command::Remind(args) => {
                    night_again(&cli, "remind", &args.planning(), &args.budget, None)
                }
                _ => panic!("{command}"),
            };
            assert_eq!(again, command);
        }
    }

    #[test]
    fn a_way_back_is_asked_for_again_as_it_was() {
        let flags = "--config c.toml --checkpoint k --yes --column user=Gast --even-redeemed \
                     --retry-failed --max-changes 50% --canary 5 --max-failures 7 --until 06:00 \
                     --result r.csv";
        for (given, again) in [
            (
                format!("reinvite revert a.csv {flags} --plan 0123"),
                format!("reinvite revert a.csv {flags}"),
            ),
            ("reinvite revert".to_owned(), "reinvite revert".to_owned()),
        ] {
            let cli = Cli::try_parse_from(given.split_whitespace()).unwrap();
            let Command::Revert(args) = &cli.command else { panic!("{given}") };
            assert_eq!(revert_again(&cli, args), again);
        }
    }
}
