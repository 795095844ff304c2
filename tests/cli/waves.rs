//! `[waves]`: what `plan` and `apply` take of a manifest.

use reinvite::emulator::{Action, Fault, Matcher};

use crate::support::{Campaign, HANNAH, snapshot};

fn with(waves: &str) -> Campaign {
    let campaign = Campaign::new();
    campaign.configure(&campaign.origin(), &format!("[waves]\n{waves}\n"));
    campaign.without_lag();
    campaign
}

#[test]
fn a_run_takes_a_wave_and_says_what_waits_for_what() {
    let campaign = with("sizes = [1, \"rest\"]\nredeemed = \"100%\"");
    snapshot!(campaign.run("plan three.csv"), @"
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      3
      new-address               3  moves to a new address
                                   Microsoft mails its standard text in the guest's language
        line 2  hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
        line 3  ruth.mori@northwind.example → ruth.mori@fabrikam.example
        line 4  olga.ramos@northwind.example → olga.ramos@fabrikam.example

    New domains
      fabrikam.example  3 rows  no Entra tenant; its people get one-time codes by mail

    Wave 1, 1 guest; 2 wait for wave 2

    Pace  6 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out wave 1 of exactly this)
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    ");
    snapshot!(campaign.run("apply three.csv --yes --result result.csv"), @"
    Done, as far as this wave goes

    3 rows
      invited             1
      not attempted       2  wait for a later wave
    Wave 1, 1 guest; 2 wait for wave 2

    took [DURATION], 1 mail written

    Every row is in result.csv

    To carry on
      reinvite apply three.csv --yes --result result.csv
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      3
      new-address               3  moves to a new address
                                   Microsoft mails its standard text in the guest's language
        line 2  hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
        line 3  ruth.mori@northwind.example → ruth.mori@fabrikam.example
        line 4  olga.ramos@northwind.example → olga.ramos@fabrikam.example

    New domains
      fabrikam.example  3 rows  no Entra tenant; its people get one-time codes by mail

    Wave 1, 1 guest; 2 wait for wave 2

    Pace  6 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out wave 1 of exactly this)
    1 row to do
    line 2     invited       hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
    ");
    assert_eq!(campaign.invitations(), 1);
    snapshot!(campaign.read("result.csv"), @"
    ﻿line,user,user_id,old_email,new_email,decision,reason,outcome,outcome_reason,explanation,advice,request_id,mail
    2,hannah.wagner@northwind.example,63e8a076-a912-4a58-8471-02c26af3569f,hannah.wagner@northwind.example,hannah.wagner@fabrikam.example,change,new-address,invited,accepted,the service accepted the invitation,,,microsoft
    3,ruth.mori@northwind.example,c0d69061-b05c-411d-93d4-dd58b9e9e283,ruth.mori@northwind.example,ruth.mori@fabrikam.example,change,new-address,not-attempted,held,waits for a later run,,,not-yet
    4,olga.ramos@northwind.example,931d4434-039b-4e8e-aa76-13cb08fc04d9,olga.ramos@northwind.example,olga.ramos@fabrikam.example,change,new-address,not-attempted,held,waits for a later run,,,not-yet
    ");
    // Its guest has not redeemed: nobody else begins.
    snapshot!(campaign.run("apply three.csv --yes"), @"
    Done, and the next wave waits

    3 rows
      invited             0
      settled             1  nothing to do
      not attempted       2  wait for a later wave
    Wave 2 does not begin, and 2 guests wait: 0 of 1 have redeemed, and 100% must

    took [DURATION]

    To carry on
      reinvite apply three.csv --yes
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      2
      new-address               2  moves to a new address
                                   Microsoft mails its standard text in the guest's language
        line 3  ruth.mori@northwind.example → ruth.mori@fabrikam.example
        line 4  olga.ramos@northwind.example → olga.ramos@fabrikam.example

    Settled                     1
      already-invited           1  invited by this campaign
        line 2  hannah.wagner@northwind.example  invited on [TIME]

    New domains
      fabrikam.example  2 rows  no Entra tenant; its people get one-time codes by mail

    Wave 2 does not begin, and 2 guests wait: 0 of 1 have redeemed, and 100% must

    Pace  4 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] finishes what was begun of exactly this)
    0 rows to do
    ");
    let held = campaign.run("plan three.csv --output json").exits(0).json();
    snapshot!(held["summary"]["wave"], @r#"{"begins":0,"held_because":"0 of 1 have redeemed, and 100% must","number":2,"waiting":2}"#);
    assert_eq!(campaign.invitations(), 1);
    campaign.run("status three.csv --output json").exits(0);
    campaign.tenant.redeem(HANNAH);
    let last = campaign.run("apply three.csv --yes --output json").exits(0).json();
    snapshot!(last["summary"]["wave"], @r#"{"begins":2,"held_because":null,"number":2,"waiting":0}"#);
    assert_eq!((&last["summary"]["held"], campaign.invitations()), (&0.into(), 3));
}

#[test]
fn a_wave_that_did_not_come_to_its_end_is_taken_up_again_and_no_other_begins() {
    let campaign = with("sizes = [2, \"rest\"]\nafter = \"1d\"");
    campaign.tenant.inject(Fault::new(Matcher::invitation().of(HANNAH), Action::ErrorStatusIn201));
    let first = campaign.run("apply three.csv --yes --output json").exits(4).json();
    assert_eq!((&first["summary"]["invited"], &first["summary"]["held"]), (&1.into(), &1.into()));
    let second = campaign.run("apply three.csv --yes --output json").exits(4).json();
    assert_eq!((&second["summary"]["invited"], &second["summary"]["held"]), (&0.into(), &1.into()));
    assert_eq!(second["summary"]["wave"]["number"], 2);
}
