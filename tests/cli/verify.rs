//! `verify`: what the directory shows of the guests, and nothing written to it.

use reinvite::emulator::{Action, Canned, Fault, Matcher};

use crate::support::{Campaign, HANNAH, OLGA, RUTH, snapshot};

/// Lets more time pass than what was dated by the service's clock can be wrong by: that
/// clock is known to two seconds.
fn later() {
    std::thread::sleep(std::time::Duration::from_millis(2100));
}

#[test]
fn a_campaign_that_went_well_is_as_wanted() {
    let campaign = Campaign::new();
    campaign.run("apply three.csv --yes").exits(0);
    campaign.tenant.redeem(RUTH);
    let writes = campaign.writes();
    snapshot!(campaign.run("verify three.csv"), @"
    Everybody is invited; 2 guests have yet to redeem

    3 guests of the campaign: 1 redeemed, 2 pending
    ");
    assert_eq!(campaign.writes(), writes);
    // The plan of the run before is still what `status` counts.
    assert!(campaign.run("status three.csv").stdout.contains("invited"), "status");
    assert_eq!(campaign.run("apply three.csv --yes").exits(0).stdout.matches("invited").count(), 1);
}

#[test]
fn what_somebody_changed_is_told_and_needs_a_person() {
    let campaign = Campaign::new();
    campaign.without_lag();
    campaign.run("apply three.csv --yes").exits(0);
    later();
    campaign.tenant.edit(HANNAH, |user| user.mail = Some("hannah.wagner@northwind.example".into()));
    campaign.tenant.delete(RUTH);
    campaign.tenant.edit(OLGA, |user| user.external_user_state = None);
    snapshot!(campaign.run("verify three.csv"), @"
    Some guests need a person

    Needs a person
      line 2 hannah.wagner@fabrikam.example: someone changed the mail back to hannah.wagner@northwind.example
      line 3 ruth.mori@fabrikam.example: the guest is gone; restore it, or take the row out
      line 4 olga.ramos@fabrikam.example: the service accepted the invitation, and the directory shows none

    3 guests of the campaign: 1 with another mail, 1 deleted, 1 without a trace
    ------- exit 4 -------
    ");
    let json = campaign.run("verify three.csv --output json").exits(4).json();
    assert_eq!(json["summary"]["guests"], 3);
    assert_eq!(json["summary"]["attention"], 3);
    assert_eq!(json["attention"][0]["finding"], "mail-changed");
    assert_eq!(json["attention"][0]["back"], true);
    // It was new to the first look only.
    assert_eq!(json["news"].as_array().map(Vec::len), Some(0));
}

/// What was wanted and is not there is never taken for as wanted.
#[test]
fn a_campaign_that_was_cut_short_is_not_as_wanted() {
    let campaign = Campaign::new();
    let one = "user,new_email\nhannah.wagner@northwind.example,hannah.wagner@fabrikam.example\n";
    campaign.write("one.csv", &format!("{one}nobody@northwind.example,n@fabrikam.example\n"));
    let refused = Canned::error(400, "Request_BadRequest", "This guest is not wanted.");
    campaign.tenant.inject(Fault::new(Matcher::invitation(), Action::Answer(refused)));
    campaign.run("apply one.csv --yes").exits(4);
    snapshot!(campaign.run("verify one.csv"), @"
    2 rows are not as wanted yet

    Not done
      1 failed; `reinvite status` tells why, and `apply --retry-failed` tries again
      1 blocked; `reinvite plan` tells why
    ------- exit 4 -------
    ");
    let json = campaign.run("verify one.csv --output json").exits(4).json();
    assert_eq!(json["summary"]["unfinished"]["blocked"], 1);
    campaign.run("apply one.csv --yes --retry-failed").exits(4);
    snapshot!(campaign.run("verify one.csv --pending"), @"
    1 row is not as wanted yet

    Not done
      1 blocked; `reinvite plan` tells why

    Not redeemed yet
      line 2 hannah.wagner@fabrikam.example: pending since [TIME]

    1 guest of the campaign: 1 pending
    ------- exit 4 -------
    ");
}

/// A manifest whose checkpoint is not there is no success for who has the mail alone.
#[test]
fn a_guest_left_half_way_needs_a_person_though_the_checkpoint_is_gone() {
    let campaign = Campaign::new();
    campaign.without_lag();
    let refused = Canned::error(400, "Request_BadRequest", "This guest is not wanted.");
    campaign.tenant.inject(Fault::new(Matcher::invitation().of(RUTH), Action::Answer(refused)));
    campaign.run("apply three.csv --yes").exits(4);
    let moved = campaign.path("march.checkpoint");
    std::fs::rename(campaign.path("three.csv.checkpoint"), moved).unwrap();
    snapshot!(campaign.run("plan three.csv"), @r#"
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      0

    Settled                     3
      already-matches           3  the mail already is the new address; a reset would lock the guest out until they redeem
                                   (reset = always, or --reset-matching, sends it)
        line 2  hannah.wagner@northwind.example
        line 3  ruth.mori@northwind.example
                  moved, and not by this campaign; the directory shows no invitation since: the last change of its
                  redemption is of [TIME]
        line 4  olga.ramos@northwind.example

    Findings
      warn    already-matches
              2 guests have the new address already without an invitation of this campaign
              if another run wrote it, go on with that run's checkpoint, which knows who was invited; --reset-matching
              resets them all
      warn    not-invited
              1 guest was moved to the new address and not invited since, as far as the directory shows:
              ruth.mori@fabrikam.example
              if an earlier run wrote the mail, go on with its checkpoint; without one, reset = always in a row invites its
              guest; if they redeemed long ago, [guards] invited_within = "any" says so

    Nothing to change
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    warning: there is no three.csv.checkpoint, but march.checkpoint has guests of this manifest; if it is this campaign's, go on with --checkpoint march.checkpoint
    directory read in one sweep over all guests, in 14 requests
    "#);
    snapshot!(campaign.run("apply three.csv --yes"), @r#"
    Done, but for guests without an invitation

    3 rows
      invited             0
      settled             3  nothing to do

    Needs a person
      1 guest was moved to the new address and not invited since, as far as the directory shows: ruth.mori@fabrikam.example
      advice: if an earlier run wrote the mail, go on with its checkpoint; without one, reset = always in a row invites its
      guest; if they redeemed long ago, [guards] invited_within = "any" says so

    took [DURATION]
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    warning: there is no three.csv.checkpoint, but march.checkpoint has guests of this manifest; if it is this campaign's, go on with --checkpoint march.checkpoint
    directory read in one sweep over all guests, in 14 requests
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      0

    Settled                     3
      already-matches           3  the mail already is the new address; a reset would lock the guest out until they redeem
                                   (reset = always, or --reset-matching, sends it)
        line 2  hannah.wagner@northwind.example
        line 3  ruth.mori@northwind.example
                  moved, and not by this campaign; the directory shows no invitation since: the last change of its
                  redemption is of [TIME]
        line 4  olga.ramos@northwind.example

    Findings
      warn    already-matches
              2 guests have the new address already without an invitation of this campaign
              if another run wrote it, go on with that run's checkpoint, which knows who was invited; --reset-matching
              resets them all
      warn    not-invited
              1 guest was moved to the new address and not invited since, as far as the directory shows:
              ruth.mori@fabrikam.example
              if an earlier run wrote the mail, go on with its checkpoint; without one, reset = always in a row invites its
              guest; if they redeemed long ago, [guards] invited_within = "any" says so

    Nothing to change
    0 rows to do
    ------- exit 4 -------
    "#);
    snapshot!(campaign.run("verify three.csv"), @"
    1 row is not as wanted yet

    Not done
      1 with the new mail, by nothing that this checkpoint knows, and no invitation since; `reinvite plan` tells what to
          do

    With the new mail by others, and no invitation
      ruth.mori@fabrikam.example
    ------- exit 4 -------
    ");
    campaign.run("reconcile three.csv --yes").exits(4);
}

/// A row that is deleted half way takes nobody out of sight.
#[test]
fn a_guest_left_half_way_needs_a_person_though_the_row_is_gone() {
    let campaign = Campaign::new();
    campaign.without_lag();
    let refused = Canned::error(400, "Request_BadRequest", "This guest is not wanted.");
    campaign.tenant.inject(Fault::new(Matcher::invitation().of(RUTH), Action::Answer(refused)));
    campaign.run("apply three.csv --yes").exits(4);
    let rows = campaign.read("three.csv");
    let without: Vec<&str> = rows.lines().filter(|row| !row.contains("ruth")).collect();
    campaign.write("three.csv", &format!("{}\n", without.join("\n")));
    snapshot!(campaign.run("plan three.csv"), @"
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 2 rows, acting as an application

    Change                      0

    Settled                     2
      already-invited           2  invited by this campaign
        line 2  hannah.wagner@northwind.example  invited on [TIME]
        line 3  olga.ramos@northwind.example     invited on [TIME]

    Findings
      warn    left-half-way
              1 guest has the new mail and no invitation, and the manifest has no row for them any more:
              ruth.mori@fabrikam.example
              nothing invites them any more; put their rows back and apply again, with --retry-failed where the invitation
              was refused

    Nothing to change
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 2 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    ");
    snapshot!(campaign.run("apply three.csv --yes"), @"
    Done, but for guests without a row

    2 rows
      invited             0
      settled             2  nothing to do

    Needs a person
      1 guest has the new mail and no invitation, and the manifest has no row for them any more: ruth.mori@fabrikam.example
      advice: nothing invites them any more; put their rows back and apply again, with --retry-failed where the invitation
      was refused

    took [DURATION]
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 2 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 2 rows, acting as an application

    Change                      0

    Settled                     2
      already-invited           2  invited by this campaign
        line 2  hannah.wagner@northwind.example  invited on [TIME]
        line 3  olga.ramos@northwind.example     invited on [TIME]

    Findings
      warn    left-half-way
              1 guest has the new mail and no invitation, and the manifest has no row for them any more:
              ruth.mori@fabrikam.example
              nothing invites them any more; put their rows back and apply again, with --retry-failed where the invitation
              was refused

    Nothing to change
    0 rows to do
    ------- exit 4 -------
    ");
    snapshot!(campaign.run("verify three.csv"), @"
    1 row is not as wanted yet

    Not done
      1 with the new mail and no invitation, and no row any more; put the row back and apply, or set the mail back by
          hand

    With the new mail, no invitation and no row
      ruth.mori@fabrikam.example

    2 guests of the campaign: 2 pending
    ------- exit 4 -------
    ");
    let night = campaign.run("reconcile three.csv --yes").exits(4).stdout;
    assert!(night.contains("ruth.mori@fabrikam.example"), "{night}");
    // A look is no run: how the last one ended is still told.
    let ended = campaign.run("status three.csv").stdout;
    campaign.run("verify three.csv").exits(4);
    assert_eq!(campaign.run("status three.csv").stdout, ended);
    // Somebody resolved it.
    campaign.tenant.edit(RUTH, |user| user.mail = Some("ruth.mori@northwind.example".into()));
    campaign.run("apply three.csv --yes").exits(0);
}

/// Nothing was done to it, so nothing is left to do.
#[test]
fn a_guest_whose_reset_was_refused_is_forgotten_with_its_row() {
    let campaign = Campaign::new();
    campaign.without_lag();
    let refused = Canned::error(400, "BadRequest", "No.");
    campaign.tenant.inject(Fault::new(Matcher::invitation().of(RUTH), Action::Answer(refused)));
    let rows = "user,new_email,reset\nruth.mori@northwind.example,,always\n";
    campaign.write("resets.csv", &format!("{rows}hannah.wagner@northwind.example,,always\n"));
    campaign.run("apply resets.csv --yes").exits(4);
    campaign.write("resets.csv", "user,new_email,reset\nhannah.wagner@northwind.example,,always\n");
    let plan = campaign.run("plan resets.csv").exits(0);
    assert!(!plan.stdout.contains("left-half-way"), "{plan}");
    campaign.run("apply resets.csv --yes").exits(0);
}

#[test]
fn without_a_campaign_there_is_nothing_to_look_at() {
    let campaign = Campaign::new();
    snapshot!(campaign.run("verify three.csv"), @"
    ------- stderr -------
    error: there is no checkpoint at three.csv.checkpoint
      hint: `apply` creates it; name the right file with --checkpoint
    ------- exit 2 -------
    ");
    assert!(!campaign.exists("three.csv.checkpoint"));
}

#[test]
fn a_lost_answer_is_settled_without_sending_anything() {
    let campaign = Campaign::new();
    let config = campaign.read("reinvite.toml");
    let patient = config.replace("replication_lag = \"1s\"", "replication_lag = \"5m\"");
    campaign.write("reinvite.toml", &patient);
    campaign.tenant.inject(Fault::new(Matcher::invitation().of(RUTH), Action::Drop));
    // Where the run would settle it, the guest can't be read.
    let odd = Canned::error(400, "BadRequest", "not this time");
    let looks = Matcher::new(http::Method::GET, &format!("/users/{RUTH}"));
    campaign.tenant.inject(Fault::new(looks.nth(2), Action::Answer(odd)));
    campaign.run("apply three.csv --yes").exits(9);
    // A replica may still lag, as far as is known.
    campaign.run("verify three.csv").exits(9);
    let impatient = config.replace("replication_lag = \"1s\"", "replication_lag = \"0s\"");
    campaign.write("reinvite.toml", &impatient);
    later();
    snapshot!(campaign.run("verify three.csv"), @"
    1 row is not as wanted yet
    1 lost answer settled: 0 sent, 1 not sent

    Not done
      1 patched: mail written, not invited yet; `reinvite apply` goes on with it

    2 guests of the campaign: 2 pending
    ------- exit 4 -------
    ");
    assert_eq!(campaign.invitations(), 2);
    campaign.run("apply three.csv --yes").exits(0);
    assert_eq!(campaign.invitations(), 3);
}

/// `--resend` whose answer was lost and could not be settled in its run: no command says
/// that all is well until it was sent once more.
#[test]
fn a_request_to_send_again_is_open_until_it_is_done() {
    let campaign = Campaign::new();
    campaign.run("apply three.csv --yes").exits(0);
    // Two clocks and a whole second: what is closer to the first invitation may be it.
    later();
    later();
    campaign.tenant.inject(Fault::new(Matcher::invitation().of(RUTH), Action::Drop));
    let odd = || Action::Answer(Canned::error(400, "BadRequest", "not this time"));
    let looks = || Matcher::new(http::Method::GET, &format!("/users/{RUTH}"));
    campaign.tenant.inject(Fault::new(looks().nth(2), odd()));
    campaign.run("apply three.csv --yes --resend 3 --reason lost").exits(9);
    // It is settled by nobody who can't read the guest.
    campaign.tenant.inject(Fault::new(looks(), odd()));
    campaign.run("reconcile three.csv --yes").exits(9);
    let config = campaign.read("reinvite.toml");
    let patient = config.replace("replication_lag = \"1s\"", "replication_lag = \"5m\"");
    campaign.write("reinvite.toml", &patient);
    campaign.run("verify three.csv").exits(9);
    snapshot!(campaign.run("status three.csv"), @"
    three.csv, Contoso (7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, since [TIME]
    last run began [TIME], ended [TIME], exit code 9

      invited             2
      settled             0  nothing to do
      blocked             0  refused by the plan
      failed              0
      unknown             1  the answer was lost
      patched             0  mail written, not invited yet
      not attempted       0
    ");
    campaign.write("reinvite.toml", &config);
    campaign.without_lag();
    later();
    snapshot!(campaign.run("verify three.csv"), @"
    1 row is not as wanted yet
    1 lost answer settled: 0 sent, 1 not sent

    Not done
      1 not sent again, though a person asked for it; `reinvite apply` takes it up

    2 guests of the campaign: 2 pending
    ------- exit 4 -------
    ");
    campaign.run("verify three.csv").exits(4);
    assert_eq!(campaign.invitations(), 3);
    campaign.run("reconcile three.csv --yes").exits(0);
    assert_eq!(campaign.invitations(), 4);
    campaign.run("verify three.csv").exits(0);
}

/// One replica that does not have a guest, twice in a row: nobody is called for that.
#[test]
fn a_guest_that_one_replica_does_not_have_is_not_told_as_deleted() {
    let campaign = Campaign::new();
    campaign.write("one.csv", &format!("user,new_email\n{RUTH},ruth@fabrikam.example\n"));
    campaign.run("apply one.csv --yes").exits(0);
    let config = campaign.read("reinvite.toml");
    let patient = config.replace("replication_lag = \"1s\"", "replication_lag = \"1m\"");
    campaign.write("reinvite.toml", &patient);
    let words = "Resource does not exist.";
    let absent = Action::Answer(Canned::error(404, "Request_ResourceNotFound", words));
    let reads = Matcher::new(http::Method::GET, &format!("/users/{RUTH}"));
    campaign.tenant.inject(Fault::new(reads.times(2), absent));
    let output = campaign.run("verify one.csv").exits(0);
    assert!(output.stdout.contains("1 guest of the campaign: 1 pending"), "{output}");
    // One that is gone is among the deleted items, and nothing is waited for.
    assert!(campaign.tenant.delete(RUTH));
    let output = campaign.run("verify one.csv").exits(4);
    assert!(output.stdout.contains("1 guest of the campaign: 1 deleted"), "{output}");
}
