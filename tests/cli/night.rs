//! `reconcile` and `remind` as a scheduler and a person meet them.

use crate::support::{Campaign, HANNAH, OLGA, RUTH, THREE, snapshot};

/// The campaign of three with these sections in its configuration.
fn with(more: &str) -> Campaign {
    let campaign = Campaign::new();
    campaign.configure(&campaign.origin(), more);
    campaign.without_lag();
    campaign
}

/// Lets more time pass than what was dated by the service's clock can be wrong by: that
/// clock is known to two seconds.
fn later() {
    std::thread::sleep(std::time::Duration::from_millis(2100));
}

#[test]
fn the_first_night_invites_and_the_next_has_nothing_to_say() {
    let campaign = with("[reconcile]\nunattended = true\n");
    snapshot!(campaign.run("reconcile three.csv"), @"
    Night of three.csv, Contoso
      invited               3

    3 guests of the campaign: 3 pending
    ");
    let quiet = campaign.run("reconcile three.csv").exits(0);
    assert_eq!((&*quiet.stdout, &*quiet.stderr), ("", ""), "{quiet}");
    snapshot!(campaign.run("reconcile three.csv -v"), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      0

    Settled                     3
      already-invited           3  invited by this campaign
        line 2  hannah.wagner@northwind.example  invited on [TIME]
        line 3  ruth.mori@northwind.example      invited on [TIME]
        line 4  olga.ramos@northwind.example     invited on [TIME]

    Nothing to change
    0 rows to do
    nothing has changed since the last night
    ");
    assert_eq!(campaign.invitations(), 3);
}

#[test]
fn nobody_watching_and_nobody_agreeing_changes_nothing() {
    let campaign = Campaign::new();
    snapshot!(campaign.run("reconcile three.csv").without_plan(), @"
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

    Pace  6 writes at 1000 a second, less than a minute unless the tenant slows it down
    error: 3 guests of Contoso would change, and there is no terminal to ask at; nothing was sent
      hint: look at it, then pass --yes
    ------- exit 2 -------
    ");
    assert_eq!(campaign.writes(), 0);
}

#[test]
fn rows_come_and_go() {
    let campaign = Campaign::new();
    let mut lines: Vec<&str> = THREE.lines().collect();
    let ruth = lines.remove(2);
    campaign.write("three.csv", &lines.join("\n"));
    campaign.run("reconcile three.csv --yes").exits(0);
    lines.remove(1);
    lines.push(ruth);
    campaign.write("three.csv", &lines.join("\n"));
    snapshot!(campaign.run("reconcile three.csv --yes"), @"
    Night of three.csv, Contoso
      new rows              1
      left                  1
      invited               1

    Left the manifest, and left as they are
      hannah.wagner@fabrikam.example

    3 guests of the campaign: 3 pending
    ");
    assert_eq!(campaign.invitations(), 3);
    campaign.run("reconcile three.csv --yes").exits(0);
    // Whom the campaign has invited may come back without being news.
    campaign.write("three.csv", THREE);
    snapshot!(campaign.run("reconcile three.csv --yes"), @"");
}

#[test]
fn drift_is_told_and_left_alone() {
    let campaign = with("");
    campaign.run("reconcile three.csv --yes").exits(0);
    later();
    let writes = campaign.writes();
    campaign.tenant.edit(HANNAH, |user| user.mail = Some("hannah.wagner@northwind.example".into()));
    campaign.tenant.delete(RUTH);
    campaign.tenant.redeem(OLGA);
    snapshot!(campaign.run("reconcile three.csv --yes"), @"
    Night of three.csv, Contoso
      redeemed              1
      mail changed          1
      deleted               1
      blocked               2

    Needs a person
      line 2 hannah.wagner@fabrikam.example: someone changed the mail back to hannah.wagner@northwind.example
      line 3 ruth.mori@fabrikam.example: the guest is gone; restore it, or take the row out
      2 rows are blocked: `reinvite plan` tells why

    3 guests of the campaign: 1 redeemed, 1 with another mail, 1 deleted
    ------- exit 4 -------
    ");
    let json = campaign.run("reconcile three.csv --yes --output json").exits(4).json();
    assert_eq!(json["summary"]["attention"], 2);
    assert_eq!(json["summary"]["redeemed"], 0, "that was news last time");
    assert_eq!(json["night"]["standing"]["mail_changed"], 1);
    campaign.run("verify three.csv").exits(4);
    let plan = campaign.run("plan three.csv --output json").exits(0).json();
    assert_eq!(plan["rows"][0]["reason"], "mail-changed");
    campaign.run("apply three.csv --yes").exits(4);
    assert_eq!(campaign.writes(), writes);
}

#[test]
fn a_mail_changed_back_is_put_right_where_that_is_asked_for_and_nobody_is_invited_again() {
    let campaign = with("[reconcile]\ncorrect_drift = [\"mail-back\"]\n");
    campaign.run("reconcile three.csv --yes").exits(0);
    later();
    campaign.tenant.edit(HANNAH, |user| user.mail = Some("hannah.wagner@northwind.example".into()));
    campaign.tenant.edit(RUTH, |user| user.mail = Some("someone@tailspin.example".into()));
    snapshot!(campaign.run("reconcile three.csv --yes"), @"
    Night of three.csv, Contoso
      mails put right       1
      mail changed          1
      blocked               1

    Needs a person
      line 3 ruth.mori@fabrikam.example: someone changed the mail to someone@tailspin.example
      1 row is blocked: `reinvite plan` tells why

    3 guests of the campaign: 1 pending, 1 too early to tell, 1 with another mail
    ------- exit 4 -------
    ");
    let mail = campaign.tenant.user(HANNAH).and_then(|user| user.mail);
    assert_eq!(mail.as_deref(), Some("hannah.wagner@fabrikam.example"));
    assert_eq!(campaign.invitations(), 3);
    later();
    campaign.run("reconcile three.csv --yes").exits(4);
    assert_eq!(campaign.invitations(), 3);
}

#[test]
fn waves_hold_until_those_before_have_redeemed() {
    let campaign = with("[waves]\nsizes = [1, \"rest\"]\nredeemed = \"100%\"\n");
    snapshot!(campaign.run("reconcile three.csv --yes"), @"
    Night of three.csv, Contoso
      invited               1

    Waits
      2 rows wait for wave 2

    1 guest of the campaign: 1 pending
    ");
    let held = campaign.run("reconcile three.csv --yes --output json").exits(0).json();
    assert_eq!((campaign.invitations(), &held["summary"]["held"]), (1, &2.into()));
    assert_eq!(held["night"]["wave"]["held_because"], "0 of 1 have redeemed, and 100% must");
    campaign.tenant.redeem(HANNAH);
    snapshot!(campaign.run("reconcile three.csv --yes"), @"
    Night of three.csv, Contoso
      invited               2
      redeemed              1

    3 guests of the campaign: 1 redeemed, 2 pending
    ");
    assert_eq!(campaign.invitations(), 3);
}

#[test]
fn a_night_begins_no_more_than_its_budget_however_often_it_is_started() {
    let campaign = with("[reconcile]\nmax_changes = 2\n");
    snapshot!(campaign.run("reconcile three.csv --yes"), @"
    Night of three.csv, Contoso
      invited               2

    Waits
      1 row waits for the next night, as [reconcile] max_changes says

    2 guests of the campaign: 2 pending
    ");
    campaign.run("reconcile three.csv --yes").exits(0);
    assert_eq!(campaign.invitations(), 2);
}

#[test]
fn a_guard_refuses_a_night_as_it_refuses_a_run() {
    let campaign = Campaign::new();
    let json =
        campaign.run("reconcile three.csv --yes --max-changes 2 --output json").exits(5).json();
    assert_eq!(json["summary"]["stop_reason"], "max-changes");
    assert_eq!(campaign.writes(), 0);
}

#[test]
fn a_person_sees_who_would_be_reminded_and_nobody_is_without_agreement() {
    let campaign = with("[remind]\nafter = \"0s\"\nmax = 2\n");
    campaign.run("apply three.csv --yes").exits(0);
    campaign.tenant.redeem(OLGA);
    later();
    snapshot!(campaign.run("remind three.csv"), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 2 rows, acting as an application

    Change                      2
      reminder                  2  invited earlier and not redeemed; reminded
                                   Microsoft mails its standard text in the guest's language
        line 2  hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
        line 3  ruth.mori@northwind.example → ruth.mori@fabrikam.example

    New domains
      fabrikam.example  2 rows  no Entra tenant; its people get one-time codes by mail

    Pace  2 writes at 1000 a second, less than a minute unless the tenant slows it down
    error: 2 guests of Contoso would change, and there is no terminal to ask at; nothing was sent
      hint: look at it, then pass --yes
    ------- exit 2 -------
    ");
    assert_eq!(campaign.invitations(), 3);
    snapshot!(campaign.run("remind three.csv --yes").without_plan(), @"
    Reminders for three.csv, Contoso
      reminded              2
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 2 rows, acting as an application

    Change                      2
      reminder                  2  invited earlier and not redeemed; reminded
                                   Microsoft mails its standard text in the guest's language
        line 2  hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
        line 3  ruth.mori@northwind.example → ruth.mori@fabrikam.example

    New domains
      fabrikam.example  2 rows  no Entra tenant; its people get one-time codes by mail

    Pace  2 writes at 1000 a second, less than a minute unless the tenant slows it down
    2 rows to do
    line 2     invited       hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
    line 3     invited       ruth.mori@northwind.example → ruth.mori@fabrikam.example
    ");
    assert_eq!(campaign.invitations(), 5);
    // That was the most that they may get.
    later();
    snapshot!(campaign.run("remind three.csv --yes"), @"
    Reminders for three.csv, Contoso
      nobody is due
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    0 rows to do
    ");
    assert_eq!(campaign.invitations(), 5);
    let explained = campaign.run("explain 2 three.csv").exits(0).stdout;
    assert!(explained.contains("a reminder"), "{explained}");
}

#[test]
fn without_a_policy_nobody_is_reminded() {
    snapshot!(Campaign::new().run("remind three.csv --yes"), @r#"
    ------- stderr -------
    error: [remind] after is not set: nobody is reminded
      hint: write `after = "7d"` under [remind] to remind guests a week after their invitation
    ------- exit 2 -------
    "#);
}

#[test]
fn in_quiet_hours_nobody_is_reminded() {
    // All of the day but a minute that has just passed.
    let past = |minutes| jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes);
    let (from, to) = (past(2).strftime("%H:%M"), past(3).strftime("%H:%M"));
    let campaign = with(&format!("[remind]\nafter = \"0s\"\nquiet_hours = \"{from}-{to}\"\n"));
    campaign.run("apply three.csv --yes").exits(0);
    later();
    snapshot!(campaign.run("remind three.csv --yes"), @"
    Reminders for three.csv, Contoso
      nobody is due

    Waits
      nobody is reminded before [TIME]
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    0 rows to do
    ");
    assert_eq!(campaign.invitations(), 3);
}

/// Whoever reads the digest in the morning sees that guests were locked out, and that a
/// header that got lost overnight locked out nobody.
#[test]
fn resets_are_named_and_asked_for_by_a_word_alone() {
    let campaign = Campaign::new();
    campaign.write("resets.csv", "user,new_email,reset\nhannah.wagner@northwind.example,,always\n");
    let night = campaign.run("reconcile resets.csv --yes").exits(0);
    snapshot!(night, @"
    Night of resets.csv, Contoso
      invited               1
      of them resets        1

    The plan says
      resets: 1 guest is reset without a new address

    1 guest of the campaign: 1 pending
    ");
    campaign
        .write("lost.csv", "user,moves to\nhannah.wagner@northwind.example,h@fabrikam.example\n");
    snapshot!(campaign.run("reconcile lost.csv --yes"), @r#"
    ------- stderr -------
    lost.csv:1:6: no column gives new addresses, and no row asks for a reset [missing-column]
      hint: it might be `moves to`: name it `new_email`, or say so with --column new_email="moves to"; to reset the guests at their present addresses, say --reset-only
    error: lost.csv: 1 problem; nothing was sent
      hint: mend the rows; none of them is usable
    ------- exit 2 -------
    "#);
    assert_eq!(campaign.invitations(), 1);
}
