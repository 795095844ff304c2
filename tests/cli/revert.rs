//! `revert`: the way back as a person and a scheduler meet it.

use reinvite::checkpoint::Checkpoint;

use crate::support::{Campaign, HANNAH, OLGA, RUTH, snapshot};

/// Three guests who were moved.
fn moved() -> Campaign {
    let campaign = Campaign::new();
    campaign.without_lag();
    campaign.run("apply three.csv --yes").exits(0);
    campaign
}

#[test]
fn the_way_back_is_shown_asked_for_and_carried_out() {
    let campaign = moved();
    assert!(campaign.tenant.redeem(RUTH));
    snapshot!(campaign.run("revert three.csv --dry-run"), @"
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      2
      revert                    2  goes back to its old address; has no access until it redeems again
                                   Microsoft mails its standard text in the guest's language
        line 2  hannah.wagner@fabrikam.example → hannah.wagner@northwind.example
        line 4  olga.ramos@fabrikam.example → olga.ramos@northwind.example

    Blocked                     1
      redeemed                  1  has redeemed the new address; going back would lock it out until it redeems again
        line 3  ruth.mori@northwind.example  redeemed the new address on [TIME]; --even-redeemed takes it back

    New domains
      northwind.example  2 rows  no Entra tenant; its people get one-time codes by mail

    Findings
      warn    not-undone
              2 guests have no access until the new invitation is redeemed, and 2 guests may keep the new address as a
              second one
              mails that were sent stay sent; only Exchange takes an address off a guest (Set-MailUser)

    Pace  4 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (revert --plan [DIGEST] carries out exactly this)
    ------- stderr -------
    directory read in one sweep over all guests, in 14 requests
    ");
    snapshot!(campaign.run("revert three.csv").without_plan(), @"
    ------- stderr -------
    directory read in one sweep over all guests, in 14 requests
    [PLAN]
    error: 2 guests of Contoso would change, and there is no terminal to ask at; nothing was sent
      hint: review the plan, then pass --yes, or --yes --plan [DIGEST]
    ------- exit 2 -------
    ");
    assert_eq!(campaign.invitations(), 3);
    snapshot!(campaign.run("revert three.csv --yes --result back.csv").without_plan(), @"
    Done, but for the blocked rows

    3 rows
      invited             2
      blocked             1  refused by the plan

    took [DURATION], 2 mails written

    Every row is in back.csv
    ------- stderr -------
    directory read in one sweep over all guests, in 14 requests
    [PLAN]
    2 rows to do
    line 2     invited       hannah.wagner@fabrikam.example → hannah.wagner@northwind.example
    line 4     invited       olga.ramos@fabrikam.example → olga.ramos@northwind.example
    ------- exit 4 -------
    ");
    snapshot!(campaign.read("back.csv"), @"
    ﻿line,user,user_id,old_email,new_email,decision,reason,outcome,outcome_reason,explanation,advice,request_id,mail
    2,hannah.wagner@northwind.example,63e8a076-a912-4a58-8471-02c26af3569f,hannah.wagner@fabrikam.example,hannah.wagner@northwind.example,change,revert,invited,accepted,the service accepted the invitation,,,microsoft
    3,ruth.mori@northwind.example,c0d69061-b05c-411d-93d4-dd58b9e9e283,,ruth.mori@northwind.example,blocked,redeemed,blocked,redeemed,redeemed the new address on [TIME]; --even-redeemed takes it back,,,
    4,olga.ramos@northwind.example,931d4434-039b-4e8e-aa76-13cb08fc04d9,olga.ramos@fabrikam.example,olga.ramos@northwind.example,change,revert,invited,accepted,the service accepted the invitation,,,microsoft
    ");
    assert_eq!(
        campaign.tenant.user(HANNAH).unwrap().mail.as_deref(),
        Some("hannah.wagner@northwind.example")
    );
    snapshot!(campaign.run("status three.csv"), @"
    three.csv, Contoso (7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, since [TIME]
    last run began [TIME], ended [TIME], exit code 4

      invited             2
      settled             0  nothing to do
      blocked             1  refused by the plan
      failed              0
      unknown             0  the answer was lost
      patched             0  mail written, not invited yet
      not attempted       0

      1 guest of this campaign is in no row of this manifest: 1 invited
    ");
    snapshot!(campaign.run("explain 2 three.csv"), @"
    three.csv, line 2: hannah.wagner@northwind.example
      state       invited, not verified (accepted)
      asked for   user: hannah.wagner@northwind.example; new_email: hannah.wagner@fabrikam.example
      guest       63e8a076-a912-4a58-8471-02c26af3569f, the only user with this address, which was its mail
      before      hannah.wagner@northwind.example
      after       hannah.wagner@northwind.example, written [TIME]

    What happened
      [TIME]  the mail from before the campaign is about to be written back
      [TIME]  the mail was written; status 204, request-id [ID],
                            client-request-id [ID]
      [TIME]  the invitation is about to be sent
      [TIME]  invited: the service accepted it; status 201, request-id [ID],
                            client-request-id [ID]

    Mails sent
      [TIME]  the first invitation

    Seen in the directory
      nothing: verify has not looked yet

      next        nothing; verify tells whether the guest has redeemed
    ");
    snapshot!(campaign.run("explain 3 three.csv"), @"
    three.csv, line 3: ruth.mori@northwind.example
      state       blocked (redeemed)
      why         redeemed the new address on [TIME]; --even-redeemed takes it back
      asked for   user: ruth.mori@northwind.example; new_email: ruth.mori@fabrikam.example
      guest       c0d69061-b05c-411d-93d4-dd58b9e9e283, the only user with this address, which was its mail
      before      ruth.mori@northwind.example

    What happened
      nothing yet

    Mails sent
      none

    Seen in the directory
      nothing: verify has not looked yet

      next        leave the guest where it is, or take it back with --even-redeemed
    ");
    snapshot!(campaign.run("report three.csv --format markdown"), @"
    <!-- reinvite report 1 -->
    ## `Contoso: three.csv`

    Last run: revert, began [TIME], ended [TIME].

    `reinvite verify` has not looked yet, so redemptions are not known.

    | rows | changed | invited | redeemed | settled | blocked | failed | unknown | patched | not attempted |
    |--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
    | 3 | 2 | 2 | – | 0 | 1 | 0 | 0 | 0 | 0 |

    ### Blocked (1)

    - line 3: `ruth.mori@northwind.example`: `redeemed the new address on [TIME]; --even-redeemed takes it back`; leave the guest where it is, or take it back with --even-redeemed
    ");
    // Once more there is nothing to do, but for the guest who stays.
    snapshot!(campaign.run("revert three.csv.checkpoint --yes --even-redeemed"), @"
    Done

    3 rows
      invited             1
      settled             2  nothing to do

    took [DURATION], 1 mail written
    ------- stderr -------
    directory read in one sweep over all guests, in 14 requests
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      1
      revert                    1  goes back to its old address; has no access until it redeems again
                                   Microsoft mails its standard text in the guest's language
        line 3  ruth.mori@fabrikam.example → ruth.mori@northwind.example

    Settled                     2
      already-invited           2  invited by this campaign
        line 2  hannah.wagner@northwind.example  invited on [TIME]
        line 4  olga.ramos@northwind.example     invited on [TIME]

    New domains
      northwind.example  1 row  no Entra tenant; its people get one-time codes by mail

    Findings
      warn    not-undone
              1 guest has no access until the new invitation is redeemed, and 1 guest may keep the new address as a second
              one
              mails that were sent stay sent; only Exchange takes an address off a guest (Set-MailUser)

    Pace  2 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (revert --plan [DIGEST] carries out exactly this)
    1 row to do
    line 3     invited       ruth.mori@fabrikam.example → ruth.mori@northwind.example
    ");
    assert_eq!(campaign.invitations(), 6);
}

#[test]
fn its_plan_and_its_run_are_objects_of_their_own() {
    let campaign = moved();
    let plan = campaign.run("revert three.csv --dry-run --output json").exits(0);
    snapshot!(plan.without_stderr(), @r#"
    {"schema":"reinvite-revert/1",
    "summary":{"rows":3,"change":3,"settled":0,"blocked":0,"reasons":{"revert":3},"refusals":0,"plan_digest":"[DIGEST]","exit_code":0,"stop_reason":null,"elapsed_seconds":"[DURATION]","tenant_id":"7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001","tenant_name":"Contoso","caller":"app-only","mailing":null,"effort":{"writes":6,"writes_per_second":1000.0,"seconds":0},"domains":[{"domain":"northwind.example","rows":3,"redeems":"code","has_tenant":false,"tenant_id":null,"tenant_name":null,"codes":true,"cross_tenant":null,"automatic":null,"allowed":true,"about":"no Entra tenant; its people get one-time codes by mail","unknown":[]}],"redemption_order":{"first":["azureActiveDirectory","externalFederation","socialIdentityProviders"],"fallback":"defaultConfiguredIdp"}},
    "findings":[{"severity":"warn","code":"not-undone","message":"3 guests have no access until the new invitation is redeemed, and 3 guests may keep the new address as a second one","advice":"mails that were sent stay sent; only Exchange takes an address off a guest (Set-MailUser)"}],
    "rows":[
    {"line":2,"user":"hannah.wagner@northwind.example","user_id":"63e8a076-a912-4a58-8471-02c26af3569f","old_email":"hannah.wagner@fabrikam.example","new_email":"hannah.wagner@northwind.example","decision":"change","reason":"revert","explanation":"goes back from hannah.wagner@fabrikam.example to hannah.wagner@northwind.example; has no access until it redeems again","delivery":"standard-text"},
    {"line":3,"user":"ruth.mori@northwind.example","user_id":"c0d69061-b05c-411d-93d4-dd58b9e9e283","old_email":"ruth.mori@fabrikam.example","new_email":"ruth.mori@northwind.example","decision":"change","reason":"revert","explanation":"goes back from ruth.mori@fabrikam.example to ruth.mori@northwind.example; has no access until it redeems again","delivery":"standard-text"},
    {"line":4,"user":"olga.ramos@northwind.example","user_id":"931d4434-039b-4e8e-aa76-13cb08fc04d9","old_email":"olga.ramos@fabrikam.example","new_email":"olga.ramos@northwind.example","decision":"change","reason":"revert","explanation":"goes back from olga.ramos@fabrikam.example to olga.ramos@northwind.example; has no access until it redeems again","delivery":"standard-text"}
    ]}
    "#);
    let run = campaign.run("revert three.csv --yes --output json").exits(0);
    snapshot!(run.without_stderr(), @r#"
    {"schema":"reinvite-revert/1",
    "summary":{"rows":3,"invited":3,"patched":3,"settled":0,"blocked":0,"failed":0,"unknown":0,"not_attempted":0,"retries":0,"throttled":0,"mailed":0,"mail_files":0,"mail_failed":0,"mail_unknown":0,"not_invited":0,"plan_digest":"[DIGEST]","exit_code":0,"stop_reason":null,"stop_message":null,"started_at":"[TIME]","elapsed_seconds":"[DURATION]","limited_by":"[LIMIT]","tenant_id":"7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001","tenant_name":"Contoso","caller":"app-only","held":0},
    "findings":[{"severity":"warn","code":"not-undone","message":"3 guests have no access until the new invitation is redeemed, and 3 guests may keep the new address as a second one","advice":"mails that were sent stay sent; only Exchange takes an address off a guest (Set-MailUser)"}],
    "rows":[
    {"line":2,"user":"hannah.wagner@northwind.example","user_id":"63e8a076-a912-4a58-8471-02c26af3569f","old_email":"hannah.wagner@fabrikam.example","new_email":"hannah.wagner@northwind.example","decision":"change","reason":"revert","explanation":"the service accepted the invitation","delivery":"standard-text","mail":"microsoft","outcome":"invited","outcome_reason":"accepted","advice":null,"request_id":null},
    {"line":3,"user":"ruth.mori@northwind.example","user_id":"c0d69061-b05c-411d-93d4-dd58b9e9e283","old_email":"ruth.mori@fabrikam.example","new_email":"ruth.mori@northwind.example","decision":"change","reason":"revert","explanation":"the service accepted the invitation","delivery":"standard-text","mail":"microsoft","outcome":"invited","outcome_reason":"accepted","advice":null,"request_id":null},
    {"line":4,"user":"olga.ramos@northwind.example","user_id":"931d4434-039b-4e8e-aa76-13cb08fc04d9","old_email":"olga.ramos@fabrikam.example","new_email":"olga.ramos@northwind.example","decision":"change","reason":"revert","explanation":"the service accepted the invitation","delivery":"standard-text","mail":"microsoft","outcome":"invited","outcome_reason":"accepted","advice":null,"request_id":null}
    ]}
    "#);
}

#[test]
fn what_cannot_be_undone_is_told_by_row() {
    let campaign = Campaign::new();
    campaign.without_lag();
    campaign.write(
        "mixed.csv",
        "user,new_email,reset\n\
         hannah.wagner@northwind.example,,always\n\
         ruth.mori@northwind.example,ruth.mori@fabrikam.example,\n\
         olga.ramos@northwind.example,olga.ramos@fabrikam.example,\n",
    );
    campaign.run("apply mixed.csv --yes").exits(0);
    campaign.tenant.edit(OLGA, |user| user.mail = Some("olga@elsewhere.example".to_owned()));
    assert!(campaign.tenant.redeem(RUTH));
    snapshot!(campaign.run("revert mixed.csv --dry-run"), @"
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      0

    Blocked                     2
      mail-changed              1  invited by this campaign, and its mail was changed by someone else since
        line 4  olga.ramos@northwind.example
                  invited on [TIME], and someone has changed the mail to olga@elsewhere.example since
      redeemed                  1  has redeemed the new address; going back would lock it out until it redeems again
        line 3  ruth.mori@northwind.example  redeemed the new address on [TIME]; --even-redeemed takes it back

    Settled                     1
      nothing-to-undo           1  its address was never changed; a reset can't be undone
        line 2  hannah.wagner@northwind.example

    Nothing to change
    ------- stderr -------
    directory read in one sweep over all guests, in 14 requests
    ");
    // Nothing goes back, and what the campaign came to stays told.
    snapshot!(campaign.run("revert mixed.csv --yes"), @"
    Done, but for the blocked rows

    3 rows
      invited             0
      settled             1  nothing to do
      blocked             2  refused by the plan

    took [DURATION]
    ------- stderr -------
    directory read in one sweep over all guests, in 14 requests
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      0

    Blocked                     2
      mail-changed              1  invited by this campaign, and its mail was changed by someone else since
        line 4  olga.ramos@northwind.example
                  invited on [TIME], and someone has changed the mail to olga@elsewhere.example since
      redeemed                  1  has redeemed the new address; going back would lock it out until it redeems again
        line 3  ruth.mori@northwind.example  redeemed the new address on [TIME]; --even-redeemed takes it back

    Settled                     1
      nothing-to-undo           1  its address was never changed; a reset can't be undone
        line 2  hannah.wagner@northwind.example

    Nothing to change
    0 rows to do
    ------- exit 4 -------
    ");
    snapshot!(campaign.run("status mixed.csv"), @"
    mixed.csv, Contoso (7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, since [TIME]
    last run began [TIME], ended [TIME], exit code 4

      invited             3
      settled             0  nothing to do
      blocked             0  refused by the plan
      failed              0
      unknown             0  the answer was lost
      patched             0  mail written, not invited yet
      not attempted       0
    ");
}

#[test]
fn no_night_undoes_what_a_person_has_undone() {
    let campaign = moved();
    campaign.configure(&campaign.origin(), "[remind]\nafter = \"7d\"\n");
    campaign.without_lag();
    campaign.run("revert three.csv --yes").exits(0);
    let writes = campaign.writes();
    snapshot!(campaign.run("reconcile three.csv --yes").without_plan(), @"
    ------- stderr -------
    error: refused before anything was sent: revert took 3 guests back, and the manifest moves them again (lines 2, 3, 4)
      hint: take their rows out; or run apply, which asks before it moves them, or with --yes wants --move-reverted
    ------- exit 5 -------
    ");
    snapshot!(campaign.run("remind three.csv --yes").without_plan(), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    error: refused before anything was sent: revert took 3 guests back, and the manifest moves them again (lines 2, 3, 4)
      hint: take their rows out; or run apply, which asks before it moves them, or with --yes wants --move-reverted
    ------- exit 5 -------
    ");
    snapshot!(campaign.run("apply three.csv --yes").without_plan(), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    [PLAN]
    error: refused before anything was sent: revert took 3 guests back, and the manifest moves them again (lines 2, 3, 4)
      hint: take their rows out; or run apply, which asks before it moves them, or with --yes wants --move-reverted
    ------- exit 5 -------
    ");
    snapshot!(campaign.run("apply three.csv").without_plan(), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    [PLAN]
    error: 3 guests of Contoso would change, and there is no terminal to ask at; nothing was sent
      hint: review the plan, then pass --yes, or --yes --plan [DIGEST]
    ------- exit 2 -------
    ");
    assert_eq!(campaign.writes(), writes);
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

    Findings
      warn    reverted
              revert took 3 guests back, and the manifest moves them again (lines 2, 3, 4)
              apply asks before it moves them once more, and with --yes it wants --move-reverted

    Pace  6 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    ");
    campaign.run("apply three.csv --yes --move-reverted").exits(0);
    assert_eq!(campaign.invitations(), 9);
    campaign.run("reconcile three.csv --yes").exits(0);
}

#[test]
fn a_campaign_that_is_not_there_is_not_begun() {
    let campaign = Campaign::new();
    snapshot!(campaign.run("revert three.csv --yes"), @"
    ------- stderr -------
    error: there is no checkpoint at three.csv.checkpoint
      hint: `apply` creates it; name the right file with --checkpoint
    ------- exit 2 -------
    ");
    assert!(!campaign.exists("three.csv.checkpoint"));
    snapshot!(campaign.run("revert three.csv --dry-run"), @"
    ------- stderr -------
    error: there is no checkpoint at three.csv.checkpoint
      hint: `apply` creates it; name the right file with --checkpoint
    ------- exit 2 -------
    ");
    snapshot!(campaign.run("revert --yes"), @"
    ------- stderr -------
    error: neither a manifest nor a checkpoint is named
      hint: give --checkpoint FILE, or `path` under [checkpoint] in the configuration file
    ------- exit 2 -------
    ");
    campaign.write("notes.checkpoint", "these are notes, and no checkpoint of anything at all\n");
    snapshot!(campaign.run("revert notes.checkpoint --yes"), @"
    ------- stderr -------
    error: notes.checkpoint is not a checkpoint of reinvite
      hint: name another file with --checkpoint
    ------- exit 2 -------
    ");
}

#[test]
fn a_campaign_that_did_nothing_has_no_way_back() {
    let campaign = Campaign::new();
    campaign.write("nobody.csv", "user,new_email\nnobody@northwind.example,n@fabrikam.example\n");
    campaign.run("apply nobody.csv --yes").exits(4);
    snapshot!(campaign.run("revert nobody.csv --yes"), @"
    Done

    0 rows
      invited             0

    took [DURATION]
    ------- stderr -------
    directory read by looking up the guests named, in 9 requests
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 0 rows, acting as an application

    Change                      0

    Nothing to change
    0 rows to do
    ");
    // The rows of the manifest are accounted for as before.
    snapshot!(campaign.run("status nobody.csv"), @"
    nobody.csv, Contoso (7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 1 row, since [TIME]
    last run began [TIME], ended [TIME], exit code 0

      invited             0
      settled             0  nothing to do
      blocked             1  refused by the plan
      failed              0
      unknown             0  the answer was lost
      patched             0  mail written, not invited yet
      not attempted       0
    ");
}

#[test]
fn the_campaign_of_another_tenant_is_left_alone() {
    let campaign = moved();
    let path = campaign.path("three.csv.checkpoint");
    let database = rusqlite::Connection::open(path).unwrap();
    let other = "11111111-2222-4333-8444-555555555555";
    database.execute("UPDATE meta SET value = ?1 WHERE key = 'tenant'", [other]).unwrap();
    drop(database);
    snapshot!(campaign.run("revert three.csv --yes"), @"
    ------- stderr -------
    directory read in one sweep over all guests, in 14 requests
    error: the checkpoint three.csv.checkpoint belongs to the tenant 11111111-2222-4333-8444-555555555555, not to 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001
      hint: name another checkpoint with --checkpoint, or correct [tenant] id
    ------- exit 2 -------
    ");
    snapshot!(campaign.run("revert three.csv --dry-run"), @"
    ------- stderr -------
    directory read in one sweep over all guests, in 14 requests
    error: the checkpoint three.csv.checkpoint belongs to the tenant 11111111-2222-4333-8444-555555555555, not to 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001
      hint: name another checkpoint with --checkpoint, or correct [tenant] id
    ------- exit 2 -------
    ");
    assert_eq!(campaign.invitations(), 3);
}

#[test]
fn a_run_that_goes_on_keeps_the_way_back_from_beginning() {
    let campaign = moved();
    let path = campaign.path("three.csv.checkpoint");
    let held = Checkpoint::open(&path, jiff::Timestamp::now()).unwrap();
    let refused = campaign.run("revert three.csv --yes").exits(8);
    assert!(refused.stderr.contains("in use by process"), "{refused}");
    campaign.run("revert three.csv --dry-run").exits(0);
    drop(held);
    campaign.run("revert three.csv --yes").exits(0);
}

#[test]
fn a_way_back_keeps_the_guards_and_the_digest() {
    let campaign = moved();
    snapshot!(campaign.run("revert three.csv --yes --max-changes 2").without_plan(), @"
    ------- stderr -------
    directory read in one sweep over all guests, in 14 requests
    [PLAN]
    error: refused before anything was sent: 3 rows would change, and max_changes allows 2
      hint: review the plan, then set [guards] max_changes or --max-changes to 3 or more
    ------- exit 5 -------
    ");
    snapshot!(campaign.run("revert three.csv --yes --plan 0123456789ab").without_plan(), @"
    ------- stderr -------
    directory read in one sweep over all guests, in 14 requests
    [PLAN]
    error: refused before anything was sent: the plan is now [DIGEST], not the reviewed 0123456789ab
      hint: review the plan again, then pass its digest
    ------- exit 5 -------
    ");
    let plan = campaign.run("revert three.csv --dry-run --output json").json();
    let digest = plan["summary"]["plan_digest"].as_str().unwrap().to_owned();
    assert_eq!(campaign.invitations(), 3);
    campaign.run(&format!("revert three.csv --yes --plan {digest}")).exits(0);
    assert_eq!(campaign.invitations(), 6);
}

/// The domains that guests may move to say nothing of where they come from.
#[test]
fn the_old_addresses_need_no_permission() {
    let campaign = moved();
    campaign.configure(&campaign.origin(), "[guards]\nallowed_domains = [\"fabrikam.example\"]\n");
    campaign.without_lag();
    campaign.run("revert three.csv --yes").exits(0);
    assert_eq!(campaign.invitations(), 6);
}

/// What a row said of its mails still holds, but for the move's own message.
#[test]
fn a_mail_of_ones_own_has_the_words_of_the_way_back() {
    let campaign = Campaign::new();
    let own = "[delivery]\nby = \"files\"\nfrom = \"it@contoso.example\"\nfolder = \"mails\"\n\
               subject = \"We move\"\n[revert]\nsubject = \"We move back\"\n";
    campaign.configure(&campaign.origin(), own);
    campaign.without_lag();
    campaign.write(
        "own.csv",
        "Wer,Wohin,language,send,message\n\
         hannah.wagner@northwind.example,hannah.wagner@fabrikam.example,de,,We move on Monday\n\
         ruth.mori@northwind.example,ruth.mori@fabrikam.example,,no,\n",
    );
    let columns = "--column user=Wer --column new_email=Wohin";
    campaign.run(&format!("apply own.csv --yes {columns}")).exits(0);
    snapshot!(campaign.run("revert own.csv --yes"), @"
    ------- stderr -------
    error: line 2 of own.csv, as the checkpoint keeps it, can't be read as it was
      hint: name its columns as apply was told to, with --column or [manifest] columns
    ------- exit 2 -------
    ");
    campaign.run(&format!("revert own.csv --yes {columns}")).exits(0);
    assert_eq!(campaign.invitations(), 4);
    let mails = std::fs::read_dir(campaign.path("mails")).unwrap();
    let mut mails: Vec<String> = mails
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "eml"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .filter(|mail| mail.contains("To: ") && mail.contains("hannah.wagner@northwind.example"))
        .collect();
    assert_eq!(mails.len(), 1, "{mails:?}");
    let mail = mails.remove(0);
    assert!(mail.contains("Subject: We move back\r\n"), "{mail}");
    assert!(!mail.contains("We move on Monday"), "{mail}");
    // In the language that its row names.
    assert!(mail.contains("Zugang"), "{mail}");
}
