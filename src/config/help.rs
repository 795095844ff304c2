//! What every help begins with: examples, because those are what people copy.
//!
//! Leaves to others: the commands and flags themselves (`args`).

pub(super) const EXAMPLES: &str = "\
Examples:
  reinvite demo                 try everything on a tenant inside this program
  reinvite init                 write a configuration and a manifest to start from
  reinvite lint guests.csv      check a manifest, offline
  reinvite doctor               check configuration, sign-in and permissions
  reinvite plan guests.csv      show what would change
  reinvite apply guests.csv     show it, ask, and do it; again, to continue
  reinvite verify guests.csv    look at the guests: pending, redeemed, changed
";

pub(super) const DEMO_EXAMPLES: &str = "\
Examples:
  reinvite demo
  reinvite demo --directory demo
";

pub(super) const INIT_EXAMPLES: &str = "\
Examples:
  reinvite init
  reinvite init campaign
";

pub(super) const DRAFT_EXAMPLES: &str = "\
Examples:
  reinvite draft --from northwind.example --to fabrikam.example --out guests.csv
  reinvite draft --map domains.csv --people hr.xlsx --out guests.csv
  reinvite draft --people hr.xlsx --out guests.csv --active-since 180d
";

pub(super) const LINT_EXAMPLES: &str = "\
Examples:
  reinvite lint guests.csv
  some-tool | reinvite lint -
";

pub(super) const DOCTOR_EXAMPLES: &str = "\
Examples:
  reinvite doctor
  reinvite doctor guests.csv
  reinvite doctor guests.csv --output json
";

pub(super) const PLAN_EXAMPLES: &str = "\
Examples:
  reinvite plan guests.csv
  reinvite plan guests.csv --output json > plan.json
  reinvite plan guests.csv --expect-no-changes
";

pub(super) const PREVIEW_EXAMPLES: &str = "\
Examples:
  reinvite preview guests.csv
  reinvite preview guests.csv 17 ada@fabrikam.example --out look
  reinvite preview guests.csv 17 --to me@contoso.example
";

pub(super) const APPLY_EXAMPLES: &str = "\
Examples:
  reinvite apply guests.csv
  reinvite apply guests.csv --canary 5 --max-failures 5%
  reinvite apply guests.csv --yes --until 06:00 --result result.csv
  reinvite apply guests.csv --resend ada@fabrikam.example --reason 'mail was lost'
";

pub(super) const VERIFY_EXAMPLES: &str = "\
Examples:
  reinvite verify guests.csv
  reinvite verify guests.csv --output json
";

pub(super) const REMIND_EXAMPLES: &str = "\
Examples:
  reinvite remind guests.csv
  reinvite remind guests.csv --yes --max-changes 50
";

pub(super) const RECONCILE_EXAMPLES: &str = "\
Examples:
  reinvite reconcile guests.csv
  reinvite reconcile guests.csv --yes --until 06:00
  reinvite reconcile guests.csv --yes --max-duration 2h --output json
";

pub(super) const REVERT_EXAMPLES: &str = "\
Examples:
  reinvite revert guests.csv --dry-run
  reinvite revert guests.csv
  reinvite revert guests.csv.checkpoint --even-redeemed --result back.csv
";

pub(super) const AFTERCARE_EXAMPLES: &str = "\
Examples:
  reinvite aftercare guests.csv --out aftercare
  reinvite aftercare --checkpoint guests.csv.checkpoint --out aftercare --force
";

pub(super) const STATUS_EXAMPLES: &str = "\
Examples:
  reinvite status guests.csv
  reinvite status --checkpoint guests.csv.checkpoint --output json
";

pub(super) const EXPLAIN_EXAMPLES: &str = "\
Examples:
  reinvite explain 17 guests.csv
  reinvite explain ada@fabrikam.example guests.csv
";

pub(super) const REPORT_EXAMPLES: &str = "\
Examples:
  reinvite report guests.csv --out report.html
  reinvite report guests.csv --failed failed.csv
  reinvite report guests.csv --format markdown
  reinvite report north.csv south.csv --out all.html
";

pub(super) const SNAPSHOT_EXAMPLES: &str = "\
Examples:
  reinvite snapshot guests.csv --out contoso.tenant
  reinvite snapshot guests.csv --out contoso.tenant --pseudonymise
";

pub(super) const REHEARSE_EXAMPLES: &str = "\
Examples:
  reinvite rehearse guests.csv --tenant contoso.tenant
  reinvite rehearse guests.csv --tenant contoso.tenant --redeem '60% in 3d' --faults bad-day
  reinvite rehearse guests.csv --tenant contoso.tenant --begin 2026-05-04T22:00Z --out rehearsal
";

pub(super) const EMULATE_EXAMPLES: &str = "\
Examples:
  reinvite emulate
  reinvite emulate --guests 10000 --quota none
  reinvite emulate --latency 20..80 --read-lag 30s --invitation-lag 10s
";

pub(super) const CONFIG_EXAMPLES: &str = "\
Examples:
  reinvite config show
  reinvite config show --origin
";

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  reinvite completions bash > /etc/bash_completion.d/reinvite
  reinvite completions zsh > ~/.zfunc/_reinvite
  reinvite completions powershell >> $PROFILE
";

pub(super) const MAN_EXAMPLES: &str = "\
Examples:
  reinvite man | man -l -
  reinvite man apply | man -l -
  reinvite man --out /usr/local/share/man/man1
";

pub(super) const SCHEMA_EXAMPLES: &str = "\
Examples:
  reinvite schema
  reinvite schema plan > reinvite-plan.json
  reinvite schema config > reinvite.schema.json
";

/// The help of a command with its examples first. They are part of the template because
/// clap wraps every other text at the width of the terminal, and an example that is
/// broken in two can't be copied.
pub(super) fn help_with(examples: &str) -> String {
    format!(
        "{examples}\n{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{{all-args}}{{after-help}}"
    )
}
