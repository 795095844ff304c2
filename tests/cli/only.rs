//! `--only`: a part of the manifest by one of its columns.

use crate::support::{Campaign, snapshot};

const WAVES: &str = "\
user,new_email,Wave
hannah.wagner@northwind.example,hannah.wagner@fabrikam.example,1
ruth.mori@northwind.example,ruth.mori@fabrikam.example,2
olga.ramos@northwind.example,olga.ramos@fabrikam.example,2
";

fn campaign() -> Campaign {
    let campaign = Campaign::new();
    campaign.write("waves.csv", WAVES);
    campaign
}

fn invited(campaign: &Campaign) -> Vec<String> {
    let ledger = campaign.tenant.ledger();
    let mut names: Vec<String> = ledger
        .invitations()
        .map(|invitation| invitation.address.split('.').next().unwrap_or_default().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_part_is_planned_and_applied_and_the_rest_is_left_as_it_is() {
    let campaign = campaign();
    snapshot!(campaign.run("plan waves.csv --only wave=2"), @"
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 2 rows with wave=2 (1 left out), acting as an application

    Change                      2
      new-address               2  moves to a new address
                                   Microsoft mails its standard text in the guest's language
        line 3  ruth.mori@northwind.example → ruth.mori@fabrikam.example
        line 4  olga.ramos@northwind.example → olga.ramos@fabrikam.example

    New domains
      fabrikam.example  2 rows  no Entra tenant; its people get one-time codes by mail

    Pace  4 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    ------- stderr -------
    waves.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    kept: Wave; none is read as message or cc
    only wave=2: 2 rows, and 1 row is left out
    directory read in one sweep over all guests, in 14 requests
    ");
    snapshot!(campaign.run("apply waves.csv --only wave=2 --yes"), @"
    Done

    2 rows
      invited             2
    Only wave=2: 1 row of the manifest is left as before

    took [DURATION], 2 mails written
    ------- stderr -------
    waves.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    kept: Wave; none is read as message or cc
    only wave=2: 2 rows, and 1 row is left out
    directory read in one sweep over all guests, in 14 requests
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 2 rows with wave=2 (1 left out), acting as an application

    Change                      2
      new-address               2  moves to a new address
                                   Microsoft mails its standard text in the guest's language
        line 3  ruth.mori@northwind.example → ruth.mori@fabrikam.example
        line 4  olga.ramos@northwind.example → olga.ramos@fabrikam.example

    New domains
      fabrikam.example  2 rows  no Entra tenant; its people get one-time codes by mail

    Pace  4 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    2 rows to do
    line 3     invited       ruth.mori@northwind.example → ruth.mori@fabrikam.example
    line 4     invited       olga.ramos@northwind.example → olga.ramos@fabrikam.example
    ");
    assert_eq!(invited(&campaign), ["olga", "ruth"]);
    // Every row of the manifest is accounted for.
    let status = campaign.run("status waves.csv --output json").exits(0).json();
    assert_eq!((&status["rows"], &status["counts"]["not_attempted"]), (&3.into(), &1.into()));
    campaign.run("verify waves.csv").exits(4);
    // The other part is another run, and the first one's rows stay.
    snapshot!(campaign.run("apply waves.csv --only wave=1 --yes"), @"
    Done

    1 row
      invited             1
    Only wave=1: 2 rows of the manifest are left as before

    took [DURATION], 1 mail written
    ------- stderr -------
    waves.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    kept: Wave; none is read as message or cc
    only wave=1: 1 row, and 2 rows are left out
    directory read in one sweep over all guests, in 14 requests
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 1 row with wave=1 (2 left out), acting as an application

    Change                      1
      new-address               1  moves to a new address
                                   Microsoft mails its standard text in the guest's language
        line 2  hannah.wagner@northwind.example → hannah.wagner@fabrikam.example

    New domains
      fabrikam.example  1 row  no Entra tenant; its people get one-time codes by mail

    Pace  2 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    1 row to do
    line 2     invited       hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
    ");
    assert_eq!(invited(&campaign), ["hannah", "olga", "ruth"]);
    snapshot!(campaign.run("status waves.csv"), @"
    waves.csv, Contoso (7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, since [TIME]
    last run began [TIME], ended [TIME], exit code 0

      invited             3
      settled             0  nothing to do
      blocked             0  refused by the plan
      failed              0
      unknown             0  the answer was lost
      patched             0  mail written, not invited yet
      not attempted       0
    ");
    // Nothing of it was deleted, and nothing is new.
    snapshot!(campaign.run("reconcile waves.csv --yes"), @"");
    assert_eq!(invited(&campaign).len(), 3);
}

#[test]
fn a_part_that_is_not_there_is_an_error_that_names_the_nearest_column() {
    let campaign = campaign();
    snapshot!(campaign.run("plan waves.csv --only wav=1").exits(2), @"
    ------- stderr -------
    waves.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    kept: Wave; none is read as message or cc
    error: --only wav=1: waves.csv: there is no column `wav`
      hint: did you mean `Wave`?
    ------- exit 2 -------
    ");
    snapshot!(campaign.run("plan waves.csv --only colour=1").exits(2), @"
    ------- stderr -------
    waves.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    kept: Wave; none is read as message or cc
    error: --only colour=1: waves.csv: there is no column `colour`
      hint: its columns are user, new_email, Wave
    ------- exit 2 -------
    ");
    snapshot!(campaign.run("apply waves.csv --only wave=7 --yes").exits(2), @"
    ------- stderr -------
    waves.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    kept: Wave; none is read as message or cc
    error: --only wave=7: waves.csv: no row says so
      hint: see what the column holds; case does not count
    ------- exit 2 -------
    ");
    assert!(invited(&campaign).is_empty());
}

#[test]
fn a_wave_of_a_part_is_one_of_the_whole_campaign() {
    let campaign = campaign();
    campaign.configure(&campaign.origin(), "[waves]\nsizes = [1, \"rest\"]\n");
    let first = campaign.run("apply waves.csv --only wave=1 --yes --output json").exits(0).json();
    assert_eq!(first["summary"]["wave"]["number"], 1);
    // The first wave is over, though none of these rows was in it.
    let second = campaign.run("apply waves.csv --only wave=2 --yes --output json").exits(0).json();
    assert_eq!(second["summary"]["wave"]["number"], 2);
    assert_eq!(invited(&campaign), ["hannah", "olga", "ruth"]);
}
