//! `init`.

use crate::support::{Campaign, snapshot};

#[test]
fn a_configuration_and_a_manifest_are_written_and_usable() {
    let campaign = Campaign::new();
    snapshot!(campaign.run("init campaign"), @"
    ------- stderr -------
    wrote campaign/reinvite.toml
    wrote campaign/guests.csv
    wrote campaign/reinvite.schema.json
    next, in campaign: fill in [tenant] and [auth], then `reinvite doctor`; replace the rows, then `reinvite plan guests.csv`
    ");
    campaign.run("lint campaign/guests.csv").exits(0);
    // What is written says itself what is still missing.
    let output = campaign.run("plan campaign/guests.csv --config campaign/reinvite.toml");
    snapshot!(output, @r#"
    ------- stderr -------
    error: campaign/reinvite.toml:16:6: [tenant] id: is still the placeholder of the example; put your own id there
    16 | id = "00000000-0000-0000-0000-000000000000"
       |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    error: campaign/reinvite.toml:36:13: [auth] client_id: is still the placeholder of the example; put your own id there
    36 | client_id = "00000000-0000-0000-0000-000000000000"
       |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ------- exit 2 -------
    "#);
}

#[test]
fn files_already_there_are_replaced_only_by_force() {
    let campaign = Campaign::new();
    let ours = campaign.read("reinvite.toml");
    snapshot!(campaign.run("init"), @r#"
    ------- stderr -------
    error: ./reinvite.toml is already there
      hint: --force replaces it
    ------- exit 2 -------
    "#);
    assert_eq!(campaign.read("reinvite.toml"), ours);
    campaign.run("init --force").exits(0);
    assert!(campaign.read("reinvite.toml").contains("[pace]"));
    assert_ne!(campaign.read("reinvite.toml"), ours);
}
