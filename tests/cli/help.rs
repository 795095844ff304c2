//! `--help` and `--version`.

use crate::support::{Campaign, snapshot};

#[test]
fn the_short_help_fits_on_a_screen() {
    snapshot!(Campaign::new().run("-h"), @"
    Examples:
      reinvite demo                 try everything on a tenant inside this program
      reinvite init                 write a configuration and a manifest to start from
      reinvite lint guests.csv      check a manifest, offline
      reinvite doctor               check configuration, sign-in and permissions
      reinvite plan guests.csv      show what would change
      reinvite apply guests.csv     show it, ask, and do it; again, to continue
      reinvite verify guests.csv    look at the guests: pending, redeemed, changed

    Move Microsoft Entra B2B guests to new email addresses in bulk

    Usage: reinvite [OPTIONS] <COMMAND>

    Commands:
      demo       Plan and apply a sample on a tenant inside this program
      init       Write a commented reinvite.toml and a manifest to start from
      lint       Check a manifest offline and report every problem
      doctor     Check sign-in, permissions and the tenant's policies, and say how to mend them
      plan       Show what would change, and change nothing
      apply      Plan, ask, and carry it out; again, to continue
      verify     Look at the campaign's guests: pending, redeemed, changed or gone
      remind     Invite those once more who have not redeemed, as configured
      reconcile  Apply, put drift right, verify and remind: every night, unattended
      status     Count what a campaign has done and what is left
      explain    Tell everything about one row and its guest
      report     Report a campaign as a web page, for spreadsheets, programs, tickets or CI
      emulate    Serve a tenant on this machine, for trials and rehearsals
      help       Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Global options:
          --config <FILE>      Read the configuration from this file [default: reinvite.toml] [env:
                               REINVITE_CONFIG]
          --checkpoint <FILE>  Keep the campaign's record in this file [default: the manifest's name and
                               .checkpoint] [env: REINVITE_CHECKPOINT]
          --output <FORM>      Print data in this form [env: REINVITE_OUTPUT] [default: text] [possible
                               values: text, json]
          --yes                Go ahead without asking [env: REINVITE_YES]
      -q, --quiet              Say only what went wrong [env: REINVITE_QUIET]
      -v, --verbose...         Say more; twice, everything [env: REINVITE_VERBOSE]
          --color <WHEN>       Use colours [env: REINVITE_COLOR] [default: auto] [possible values: auto,
                               always, never]
          --log-format <FORM>  Write log lines in this form; json without --log-file puts them on stderr
                               [env: REINVITE_LOG_FORMAT] [default: text] [possible values: text, json]
          --log-file <FILE>    Append log lines to this file [env: REINVITE_LOG_FILE]
    ");
}

#[test]
fn every_help_begins_with_examples() {
    let campaign = Campaign::new();
    for command in [
        "",
        "demo ",
        "init ",
        "lint ",
        "doctor ",
        "plan ",
        "apply ",
        "verify ",
        "remind ",
        "reconcile ",
        "status ",
        "explain ",
        "report ",
        "emulate ",
    ] {
        for flag in ["-h", "--help"] {
            let output = campaign.run(&format!("{command}{flag}")).exits(0);
            let example = format!("Examples:\n  reinvite {command}").trim_end().to_owned();
            assert!(output.stdout.starts_with(&example), "{output}");
            assert!(output.stderr.is_empty(), "{output}");
        }
    }
}

#[test]
fn the_version_is_one_line_on_stdout() {
    let output = Campaign::new().run("--version").exits(0);
    assert_eq!(output.stdout, format!("reinvite {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_misspelt_command_is_told_the_nearest_right_one() {
    snapshot!(Campaign::new().run("aply guests.csv"), @r#"
    ------- stderr -------
    error: unrecognized subcommand 'aply'

      tip: a similar subcommand exists: 'apply'

    Usage: reinvite [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ------- exit 2 -------
    "#);
}
