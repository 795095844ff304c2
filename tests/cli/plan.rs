//! `plan`.

use reinvite::emulator::{AllowInvitesFrom, SAMPLE_CLIENT_ID};

use crate::support::{Campaign, snapshot};

#[test]
fn the_plan_tells_of_every_row_what_will_happen() {
    snapshot!(Campaign::new().run("plan guests.csv"), @"
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 20 rows, acting as an application

    Change                      4
      new-address               3  moves to a new address
                                2  Microsoft mails its standard text in the guest's language or de, 1 row with a cc
                                1  Microsoft mails its standard text and drops your message
        line 2   hannah.wagner@northwind.example → hannah.wagner@fabrikam.example  standard text
        line 3   ruth.mori@northwind.example → ruth.mori@fabrikam.example
                   standard text, de, copy to partner.desk@contoso.example
        line 4   olga.ramos@northwind.example → olga.ramos@fabrikam.example        standard text, message dropped
      reset-only                1  keeps its address; locked out until it redeems again
                                   Microsoft mails its standard text in the guest's language
        line 5   maria.popescu@northwind.example

    Blocked                    14
      conflicting-rows          2  several rows want different things of one guest or address
        line 7   mila.petrov@northwind.example         lines 7, 8 want different things of this guest
        line 8   fad0c974-c3c0-40a3-a349-b057439bd4ed  lines 7, 8 want different things of this guest
      address-taken             1  the new address belongs to another object
        line 19  rafael.tanaka@northwind.example
                   the new address belongs to guest rafael.tanaka_fabrikam.example#EXT#@contoso.onmicrosoft.com
                   (9a62ce28-879d-4553-bd9c-e83fb9ded410)
      ambiguous                 1  several users hold it; name the guest by object id
        line 11  lara.kim@northwind.example
                   2 users hold it: guest lucia.bianchi_adventure-works.example#EXT#@contoso.onmicrosoft.com
                   (241be008-dc3e-4ab0-8033-6c2b228e66eb); guest lara.kim_northwind.example#EXT#@contoso.onmicrosoft.com
                   (2f828105-4b3c-41a2-8e30-4a11ffb4e37c); name the guest by object id
      disabled                  1  sign-in is blocked; enable the account first
        line 18  carla.fontaine@northwind.example
      externally-mastered       1  its mail originates in Exchange or a former on-premises directory; change it in the
                                   Exchange admin center
        line 16  jose.mendes@northwind.example
      holds-role                1  holds a directory role; a signed-in administrator can reset it
        line 14  leo.gruber@northwind.example
                   holds a directory role; an application can't reset it, a signed-in administrator can
      internal-guest            1  a guest that signs in to this tenant; an invitation would convert the account, which
                                   can't be undone
        line 12  sofia.keller@northwind.example
      no-mail                   1  the guest holds no address to invite; give a new_email
        line 21  16377b3d-14f3-44c0-b721-e771b5fd315c
      not-a-guest               1  a member of this tenant, not a guest
        line 13  bruno.bianchi@contoso.example
      not-found                 1  no user has this object id, UPN or address
        line 10  gone.away@northwind.example
      own-domain                1  the new address is in a domain of this tenant
        line 20  carla.silva@northwind.example
                   contoso.example is a verified domain of this tenant; guests can't be invited to it
      restricted-unit           1  in a restricted management administrative unit; needs a role scoped to that unit
        line 17  kai.gruber_northwind.example#EXT#@contoso.onmicrosoft.com
      synced                    1  synchronised from an on-premises directory; change its mail there
        line 15  jorge.holm@northwind.example

    Settled                     2
      already-matches           1  the mail already is the new address; a reset would lock the guest out until they redeem
                                   (reset = always, or --reset-matching, sends it)
        line 9   chiara.ferrari@fabrikam.example
      same-as-line              1  another row asks for the same
        line 6   maria.popescu_northwind.example#EXT#@contoso.onmicrosoft.com  line 5 asks for the same

    New domains
      fabrikam.example   3 rows  no Entra tenant; its people get one-time codes by mail
      northwind.example   1 row  no Entra tenant; its people get one-time codes by mail

    Findings
      warn    resets
              1 guest is reset without a new address
              they are locked out until they redeem again; a reset can't be undone
      warn    already-matches
              1 guest has the new address already without an invitation of this campaign
              if another run wrote it, go on with that run's checkpoint, which knows who was invited; --reset-matching
              resets them all
      warn    message-dropped
              1 row carries a message that Microsoft drops, because an application sends the invitation
              the guests receive Microsoft's standard text; send your own mail with it: set [delivery] by to graph, smtp or
              files; or sign in as a user

    Pace  7 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    ------- stderr -------
    guests.csv: CSV, UTF-8, comma; 20 rows, 3 of which ask for a reset only; columns: user, new_email, message, cc, language, reset
    kept: department
    directory read in one sweep over all guests, in 21 requests
    ");
}

#[test]
fn as_json_the_plan_is_one_object() {
    let output = Campaign::new().run("plan guests.csv --output json");
    output.json();
    snapshot!(output.without_stderr(), @r#"
    {"schema":"reinvite-plan/1",
    "summary":{"rows":20,"change":4,"settled":2,"blocked":14,"reasons":{"address-taken":1,"already-matches":1,"ambiguous":1,"conflicting-rows":2,"disabled":1,"externally-mastered":1,"holds-role":1,"internal-guest":1,"new-address":3,"no-mail":1,"not-a-guest":1,"not-found":1,"own-domain":1,"reset-only":1,"restricted-unit":1,"same-as-line":1,"synced":1},"refusals":0,"plan_digest":"[DIGEST]","exit_code":0,"stop_reason":null,"elapsed_seconds":"[DURATION]","tenant_id":"7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001","tenant_name":"Contoso","caller":"app-only","mailing":null,"effort":{"writes":7,"writes_per_second":1000.0,"seconds":0},"domains":[{"domain":"fabrikam.example","rows":3,"redeems":"code","has_tenant":false,"tenant_id":null,"tenant_name":null,"codes":true,"cross_tenant":null,"automatic":null,"allowed":true,"about":"no Entra tenant; its people get one-time codes by mail","unknown":[]},{"domain":"northwind.example","rows":1,"redeems":"code","has_tenant":false,"tenant_id":null,"tenant_name":null,"codes":true,"cross_tenant":null,"automatic":null,"allowed":true,"about":"no Entra tenant; its people get one-time codes by mail","unknown":[]}],"redemption_order":{"first":["azureActiveDirectory","externalFederation","socialIdentityProviders"],"fallback":"defaultConfiguredIdp"}},
    "findings":[{"severity":"warn","code":"resets","message":"1 guest is reset without a new address","advice":"they are locked out until they redeem again; a reset can't be undone"},{"severity":"warn","code":"already-matches","message":"1 guest has the new address already without an invitation of this campaign","advice":"if another run wrote it, go on with that run's checkpoint, which knows who was invited; --reset-matching resets them all"},{"severity":"warn","code":"message-dropped","message":"1 row carries a message that Microsoft drops, because an application sends the invitation","advice":"the guests receive Microsoft's standard text; send your own mail with it: set [delivery] by to graph, smtp or files; or sign in as a user"}],
    "rows":[
    {"line":2,"user":"hannah.wagner@northwind.example","user_id":"63e8a076-a912-4a58-8471-02c26af3569f","old_email":"hannah.wagner@northwind.example","new_email":"hannah.wagner@fabrikam.example","decision":"change","reason":"new-address","explanation":"moves from hannah.wagner@northwind.example to hannah.wagner@fabrikam.example","delivery":"standard-text"},
    {"line":3,"user":"ruth.mori@northwind.example","user_id":"c0d69061-b05c-411d-93d4-dd58b9e9e283","old_email":"ruth.mori@northwind.example","new_email":"ruth.mori@fabrikam.example","decision":"change","reason":"new-address","explanation":"moves from ruth.mori@northwind.example to ruth.mori@fabrikam.example","delivery":"standard-text"},
    {"line":4,"user":"olga.ramos@northwind.example","user_id":"931d4434-039b-4e8e-aa76-13cb08fc04d9","old_email":"olga.ramos@northwind.example","new_email":"olga.ramos@fabrikam.example","decision":"change","reason":"new-address","explanation":"moves from olga.ramos@northwind.example to olga.ramos@fabrikam.example","delivery":"message-dropped"},
    {"line":5,"user":"maria.popescu@northwind.example","user_id":"60631c17-d4c4-42eb-acc2-a3db81089fcb","old_email":null,"new_email":"maria.popescu@northwind.example","decision":"change","reason":"reset-only","explanation":"keeps maria.popescu@northwind.example; its redemption is reset and it must redeem again","delivery":"standard-text"},
    {"line":6,"user":"maria.popescu_northwind.example#EXT#@contoso.onmicrosoft.com","user_id":"60631c17-d4c4-42eb-acc2-a3db81089fcb","old_email":null,"new_email":"maria.popescu@northwind.example","decision":"settled","reason":"same-as-line","explanation":"line 5 asks for the same","delivery":null},
    {"line":7,"user":"mila.petrov@northwind.example","user_id":"fad0c974-c3c0-40a3-a349-b057439bd4ed","old_email":null,"new_email":"mila.petrov@fabrikam.example","decision":"blocked","reason":"conflicting-rows","explanation":"lines 7, 8 want different things of this guest","delivery":null},
    {"line":8,"user":"fad0c974-c3c0-40a3-a349-b057439bd4ed","user_id":"fad0c974-c3c0-40a3-a349-b057439bd4ed","old_email":null,"new_email":"mila.petrov@adventure-works.example","decision":"blocked","reason":"conflicting-rows","explanation":"lines 7, 8 want different things of this guest","delivery":null},
    {"line":9,"user":"chiara.ferrari@fabrikam.example","user_id":"75c944f2-a84b-4819-a318-3b26ecacc952","old_email":null,"new_email":"chiara.ferrari@fabrikam.example","decision":"settled","reason":"already-matches","explanation":"the mail already is the new address; a reset would lock the guest out until they redeem (reset = always, or --reset-matching, sends it)","delivery":null},
    {"line":10,"user":"gone.away@northwind.example","user_id":null,"old_email":null,"new_email":"gone.away@fabrikam.example","decision":"blocked","reason":"not-found","explanation":"no user has this object id, UPN or address","delivery":null},
    {"line":11,"user":"lara.kim@northwind.example","user_id":null,"old_email":null,"new_email":"lara.kim@fabrikam.example","decision":"blocked","reason":"ambiguous","explanation":"2 users hold it: guest lucia.bianchi_adventure-works.example#EXT#@contoso.onmicrosoft.com (241be008-dc3e-4ab0-8033-6c2b228e66eb); guest lara.kim_northwind.example#EXT#@contoso.onmicrosoft.com (2f828105-4b3c-41a2-8e30-4a11ffb4e37c); name the guest by object id","delivery":null},
    {"line":12,"user":"sofia.keller@northwind.example","user_id":"81c27138-34a5-4d28-9fed-d9ca2b15267c","old_email":null,"new_email":"sofia.keller@fabrikam.example","decision":"blocked","reason":"internal-guest","explanation":"a guest that signs in to this tenant; an invitation would convert the account, which can't be undone","delivery":null},
    {"line":13,"user":"bruno.bianchi@contoso.example","user_id":"2ac83222-9cea-4903-a283-3a438c36c8ae","old_email":null,"new_email":"bruno.bianchi@fabrikam.example","decision":"blocked","reason":"not-a-guest","explanation":"a member of this tenant, not a guest","delivery":null},
    {"line":14,"user":"leo.gruber@northwind.example","user_id":"b71899c5-95ba-4d12-b505-adf1e6ee4ebb","old_email":null,"new_email":"leo.gruber@fabrikam.example","decision":"blocked","reason":"holds-role","explanation":"holds a directory role; an application can't reset it, a signed-in administrator can","delivery":null},
    {"line":15,"user":"jorge.holm@northwind.example","user_id":"2314b791-9bf9-4149-8e6d-ed84c1009c48","old_email":null,"new_email":"jorge.holm@fabrikam.example","decision":"blocked","reason":"synced","explanation":"synchronised from an on-premises directory; change its mail there","delivery":null},
    {"line":16,"user":"jose.mendes@northwind.example","user_id":"95bc8dec-3e9c-417a-ac76-74004541534b","old_email":null,"new_email":"jose.mendes@fabrikam.example","decision":"blocked","reason":"externally-mastered","explanation":"its mail originates in Exchange or a former on-premises directory; change it in the Exchange admin center","delivery":null},
    {"line":17,"user":"kai.gruber_northwind.example#EXT#@contoso.onmicrosoft.com","user_id":"85a7cf2c-68f1-436a-af78-8ff0d6a24d61","old_email":null,"new_email":"kai.gruber@fabrikam.example","decision":"blocked","reason":"restricted-unit","explanation":"in a restricted management administrative unit; needs a role scoped to that unit","delivery":null},
    {"line":18,"user":"carla.fontaine@northwind.example","user_id":"0337d09d-7422-4d5b-b871-1f6d02c152b7","old_email":null,"new_email":"carla.fontaine@fabrikam.example","decision":"blocked","reason":"disabled","explanation":"sign-in is blocked; enable the account first","delivery":null},
    {"line":19,"user":"rafael.tanaka@northwind.example","user_id":"80686848-94c3-4c1a-9938-d7bfc6eb4b30","old_email":null,"new_email":"rafael.tanaka@fabrikam.example","decision":"blocked","reason":"address-taken","explanation":"the new address belongs to guest rafael.tanaka_fabrikam.example#EXT#@contoso.onmicrosoft.com (9a62ce28-879d-4553-bd9c-e83fb9ded410)","delivery":null},
    {"line":20,"user":"carla.silva@northwind.example","user_id":"451c1764-16e6-4907-ae1b-6639904052ce","old_email":null,"new_email":"carla.silva@contoso.example","decision":"blocked","reason":"own-domain","explanation":"contoso.example is a verified domain of this tenant; guests can't be invited to it","delivery":null},
    {"line":21,"user":"16377b3d-14f3-44c0-b721-e771b5fd315c","user_id":"16377b3d-14f3-44c0-b721-e771b5fd315c","old_email":null,"new_email":null,"decision":"blocked","reason":"no-mail","explanation":"the guest holds no address to invite; give a new_email","delivery":null}
    ]}
    "#);
}

#[test]
fn the_whole_sample_meets_every_decision() {
    let campaign = Campaign::new();
    campaign.write("contoso.csv", include_str!("../../samples/contoso.csv"));
    let plan = campaign.run("plan contoso.csv --output json").exits(0).json();
    let summary = serde_json::to_string_pretty(&serde_json::json!({
        "rows": plan["summary"]["rows"],
        "change": plan["summary"]["change"],
        "settled": plan["summary"]["settled"],
        "blocked": plan["summary"]["blocked"],
        "reasons": plan["summary"]["reasons"],
    }));
    snapshot!(summary.unwrap(), @r#"
    {
      "blocked": 31,
      "change": 183,
      "reasons": {
        "address-taken": 7,
        "already-matches": 2,
        "ambiguous": 2,
        "disabled": 2,
        "domain-not-allowed": 1,
        "externally-mastered": 2,
        "holds-role": 4,
        "internal-guest": 3,
        "new-address": 178,
        "not-a-guest": 2,
        "not-found": 2,
        "own-domain": 2,
        "reset-only": 5,
        "restricted-unit": 2,
        "synced": 2
      },
      "rows": 216,
      "settled": 2
    }
    "#);
}

/// What only a look at more than the guests can tell.
const SEEN_AHEAD: &str = "\
user,new_email
feda2520-2d0b-405b-b04e-effabcb05509,isaac.fischer@fabrikam.example
liam.rao@northwind.example,liam.rao@fabrikam.example
nadia.kim@northwind.example,nadia.kim@webmail.example
olga.lopez@northwind.example,olga.lopez@fabrikam.example
ravi.patel@northwind.example,ravi.patel@fabrikam.example
";

#[test]
fn what_would_fail_is_seen_before_it_is_sent() {
    let campaign = Campaign::new();
    campaign.write("ahead.csv", SEEN_AHEAD);
    snapshot!(campaign.run("plan ahead.csv").without_stderr(), @"
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 5 rows, acting as an application

    Change                      2
      new-address               2  moves to a new address
                                   Microsoft mails its standard text in the guest's language
        line 5  olga.lopez@northwind.example → olga.lopez@fabrikam.example
        line 6  ravi.patel@northwind.example → ravi.patel@fabrikam.example

    Blocked                     3
      address-taken             2  the new address belongs to another object
        line 2  feda2520-2d0b-405b-b04e-effabcb05509
                  the new address belongs to contact Isaac Fischer (Fabrikam) (f35f484b-437d-4132-84f3-096658a45712)
        line 3  liam.rao@northwind.example
                  the new address belongs to group Fabrikam service desk (b7a5a3d4-61b5-4a3f-8f0c-2f9f3b7f6c10)
      domain-not-allowed        1  the tenant does not allow the address's domain to be invited
        line 4  nadia.kim@northwind.example
                  the tenant's collaboration restrictions do not allow webmail.example; change them in the external
                  collaboration settings

    New domains
      fabrikam.example  2 rows  no Entra tenant; its people get one-time codes by mail
      webmail.example    1 row  no Entra tenant; the list of domains that may be invited keeps it out

    Findings
      warn    may-activate-role
              1 guest may activate a directory role (line 5)
              while a role is active an application can't reset the guest
      warn    may-be-synchronised
              1 row is about an external member (line 6), and Fabrikam may synchronise users into this tenant
              synchronisation may undo the change with its next cycle; have the partner change such an account at its source

    Pace  4 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    ");
}

#[test]
fn what_may_not_be_read_is_one_finding_that_names_the_permissions() {
    let campaign = Campaign::new();
    campaign.tenant.edit_application(SAMPLE_CLIENT_ID, |application| {
        application.roles = vec!["User.Invite.All".into(), "User.ReadWrite.All".into()];
    });
    campaign.tenant.set_allow_invites_from(AllowInvitesFrom::None);
    campaign.write("ahead.csv", SEEN_AHEAD);
    snapshot!(campaign.run("plan ahead.csv").without_stderr(), @"
    Plan for tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001: 5 rows, acting as an application

    Change                      5
      new-address               5  moves to a new address
                                   Microsoft mails its standard text in the guest's language
        line 2  isaac.fischer@northwind.example → isaac.fischer@fabrikam.example
        line 3  liam.rao@northwind.example → liam.rao@fabrikam.example
        line 4  nadia.kim@northwind.example → nadia.kim@webmail.example
        line 5  olga.lopez@northwind.example → olga.lopez@fabrikam.example
        line 6  ravi.patel@northwind.example → ravi.patel@fabrikam.example

    Findings
      warn    unreadable
              could not be read: the organization, who may invite, cross-tenant access settings, the list of domains that
              may be invited, the default of the cross-tenant access settings, whether codes by mail are on, the Entra
              tenants of the new domains, contacts, groups, role assignments, roles that can be activated (403
              Authorization_RequestDenied: Insufficient privileges to complete the operation.)
              granting Directory.Read.All, Policy.Read.All, Policy.Read.B2BManagementPolicy,
              Policy.Read.AuthenticationMethod, CrossTenantInformation.ReadBasic.All, RoleManagement.Read.Directory shows
              it; until then the plan does not see new addresses in the tenant's own domains, whether invitations are
              allowed, accounts that another tenant synchronises, domains that may not be invited, new domains whose people
              can't redeem, new addresses that others hold, guests that hold a role, guests that may activate a role

    Pace  10 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    ");
}

#[test]
fn a_plan_writes_nothing_to_the_directory_and_leaves_no_file() {
    let campaign = Campaign::new();
    let files = || {
        let entries = std::fs::read_dir(campaign.directory()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = files();
    campaign.run("plan guests.csv").exits(0);
    assert_eq!(campaign.writes(), 0);
    let ledger = campaign.tenant.ledger();
    let reads = |method: &str, path: &str| method == "GET" || path.contains("/$batch");
    for request in ledger.requests_to("/").iter().filter(|request| !request.path.contains("token"))
    {
        assert!(reads(&request.method, &request.path), "{request:?}");
    }
    assert_eq!(files(), before);
}

#[test]
fn pending_changes_are_exit_code_3_for_whoever_expects_none() {
    let campaign = Campaign::new();
    campaign.run("plan three.csv --expect-no-changes").exits(3);
    campaign.run("plan three.csv").exits(0);
    campaign.run("apply three.csv --yes").exits(0);
    campaign.run("plan three.csv --expect-no-changes").exits(0);
}

#[test]
fn beside_a_checkpoint_the_plan_knows_who_was_invited() {
    let campaign = Campaign::new();
    campaign.run("apply three.csv --yes").exits(0);
    snapshot!(campaign.run("plan three.csv").without_stderr(), @r#"
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      0

    Settled                     3
      already-invited           3  invited by this campaign
        line 2  hannah.wagner@northwind.example  invited on [TIME]
        line 3  ruth.mori@northwind.example      invited on [TIME]
        line 4  olga.ramos@northwind.example     invited on [TIME]

    Nothing to change
    "#);
}

#[test]
fn the_manifest_may_come_from_stdin_without_a_checkpoint() {
    let campaign = Campaign::new();
    let manifest = campaign.read("three.csv");
    let plan = campaign.run_with_input("plan - --output json", &manifest).exits(0).json();
    assert_eq!(plan["summary"]["change"], 3);
}

#[test]
fn a_manifest_with_a_bad_row_is_not_planned_before_it_is_mended_or_skipped() {
    let campaign = Campaign::new();
    campaign.write(
        "bad.csv",
        &format!("{}nobody@northwind.example,nobody@\n", campaign.read("three.csv")),
    );
    snapshot!(campaign.run("plan bad.csv"), @r#"
    ------- stderr -------
    bad.csv: CSV, UTF-8, comma; 4 rows; columns: user, new_email
    bad.csv:5:26: `nobody@`: not an email address: domain is empty [bad-address]
      hint: write one bare address, such as ada@fabrikam.example
    error: bad.csv: 1 problem; nothing was sent
      hint: mend the rows, or leave them out with --skip-invalid
    ------- exit 2 -------
    "#);
    assert!(campaign.tenant.ledger().requests.is_empty());
    let plan = campaign.run("plan bad.csv --skip-invalid --output json").exits(0).json();
    assert_eq!(plan["summary"]["reasons"]["invalid-row"], 1);
    assert_eq!(plan["summary"]["rows"], 4);
    // Nobody is told to leave out rows that leave nothing.
    campaign.write("bad.csv", "user,new_email\nada@northwind.example,ada@\n");
    snapshot!(campaign.run("plan bad.csv --skip-invalid"), @r#"
    ------- stderr -------
    bad.csv: CSV, UTF-8, comma; 1 row; columns: user, new_email
    bad.csv:2:23: `ada@`: not an email address: domain is empty [bad-address]
      hint: write one bare address, such as ada@fabrikam.example
    error: bad.csv: 1 problem; nothing was sent
      hint: mend the rows; none of them is usable
    ------- exit 2 -------
    "#);
}
