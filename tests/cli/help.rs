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
      demo         Plan and apply a sample on a tenant inside this program
      init         Write a commented reinvite.toml and a manifest to start from
      draft        Write a manifest of the guests of a domain, or of a list of people
      lint         Check a manifest offline and report every problem
      doctor       Check sign-in, permissions and the tenant's policies, and say how to mend them
      plan         Show what would change, and change nothing
      preview      Show the mail that each guest will get, with a link that leads nowhere
      apply        Plan, ask, and carry it out; again, to continue
      verify       Look at the campaign's guests: pending, redeemed, changed or gone
      remind       Invite those once more who have not redeemed, as configured
      reconcile    Apply, put drift right, verify and remind: every night, unattended
      revert       Give the guests of a campaign their old address back
      aftercare    Write what is left to do by hand: Exchange, sites, apps and their owners
      status       Count what a campaign has done and what is left
      explain      Tell everything about one row and its guest
      report       Report a campaign as a web page, for spreadsheets, programs, tickets or CI
      snapshot     Keep a copy of what a plan sees of the tenant, for trials
      rehearse     Carry out a whole campaign on a copy of the tenant, nights included, and tell how it
                   went
      emulate      Serve a tenant on this machine, for trials
      config       Print the configuration in force, and where each value comes from
      completions  Print the completions for a shell
      man          Print the manual, or write it as one page for each command
      schema       Print the JSON Schema of an output, or of the configuration
      help         Print this message or the help of the given subcommand(s)

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
          --no-pager           Print long output straight, and not through PAGER [env:
                               REINVITE_NO_PAGER]
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
        "draft ",
        "lint ",
        "doctor ",
        "plan ",
        "apply ",
        "verify ",
        "remind ",
        "reconcile ",
        "revert ",
        "status ",
        "explain ",
        "report ",
        "snapshot ",
        "emulate ",
        "completions ",
        "man ",
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
fn examples_are_never_broken_however_narrow_the_terminal() {
    let campaign = Campaign::new();
    for columns in ["20", "40", "80", "200"] {
        let mut command = campaign.command("apply --help");
        command.env("COLUMNS", columns);
        let output = campaign.complete(command).exits(0);
        let example = "  reinvite apply guests.csv --yes --until 06:00 --result result.csv\n";
        assert!(output.stdout.contains(example), "{output}");
    }
}

#[test]
fn the_version_says_in_one_line_what_and_in_full_what_it_was_built_from() {
    let campaign = Campaign::new();
    let release = format!("reinvite {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(campaign.run("-V").exits(0).stdout, release);
    let full = campaign.run("--version").exits(0).stdout;
    let lines: Vec<&str> =
        full.strip_prefix(&*release).expect("the release first").lines().collect();
    let [commit, target, sqlite] = lines.as_slice() else { panic!("{full}") };
    assert!(commit.starts_with("commit: "), "{full}");
    assert!(target.strip_prefix("target: ").is_some_and(|target| target.contains('-')), "{full}");
    assert_eq!(*sqlite, format!("sqlite: {}", rusqlite::version()));
}

#[test]
fn every_shell_gets_completions_of_every_command() {
    let campaign = Campaign::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish", "nushell"] {
        let output = campaign.run(&format!("completions {shell}")).exits(0);
        for word in ["reconcile", "skip-invalid", "max-duration"] {
            assert!(output.stdout.contains(word), "{shell} lacks {word}");
        }
        assert!(output.stderr.is_empty(), "{output}");
    }
}

#[test]
fn the_manual_has_a_page_for_every_command_with_its_examples() {
    let campaign = Campaign::new();
    let page = campaign.run("man apply").exits(0).stdout;
    assert!(page.contains(".TH reinvite-apply 1"), "{page}");
    assert!(page.contains("reinvite apply guests.csv \\-\\-yes"), "{page}");
    campaign.run("man --out pages").exits(0);
    for name in ["reinvite", "reinvite-apply", "reinvite-reconcile", "reinvite-man"] {
        assert!(campaign.path(&format!("pages/{name}.1")).is_file(), "{name}");
    }
    snapshot!(campaign.run("man aply"), @"
    ------- stderr -------
    error: aply is no command of reinvite
      hint: `reinvite --help` lists them
    ------- exit 2 -------
    ");
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
