//! `doctor`.

use reinvite::domain::Caller;
use reinvite::emulator::{
    Action, AllowInvitesFrom, Canned, Fault, Matcher, Options, SAMPLE_CLIENT_ID, TenantSeed,
};
use serde_json::Value;

use crate::support::{Campaign, THREE, snapshot};

/// A campaign whose application was granted this and nothing else.
fn granted(permissions: &[&str]) -> Campaign {
    let campaign = Campaign::new();
    campaign.tenant.edit_application(SAMPLE_CLIENT_ID, |application| {
        application.roles = permissions.iter().map(|&name| name.to_owned()).collect();
    });
    campaign
}

/// Findings of one code: severity and message.
fn of<'a>(report: &'a Value, code: &str) -> Vec<(&'a str, &'a str)> {
    let findings = report["findings"].as_array().expect("findings are a list");
    let found = findings.iter().filter(|finding| finding["code"] == code);
    found
        .map(|finding| {
            (finding["severity"].as_str().unwrap(), finding["message"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn all_is_well() {
    let mut seed = TenantSeed::sample();
    seed.partners.clear();
    seed.b2b_policy = None;
    let campaign = Campaign::with(seed, Options::default());
    snapshot!(campaign.run("doctor three.csv"), @"
    Doctor for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001)

      ok        configuration         tenant contoso.example, Graph at http://127.0.0.1:[PORT], client-secret, checkpoint
                                      three.csv.checkpoint
      ok        sign-in               as the application 11111111-1111-1111-1111-111111111111
      ok        permissions           the token permits what a run needs
      ok        invitations           allowInvitesFrom is everyone
      ok        invited-domains       every domain may be invited
      ok        cross-tenant-access   no partner has settings of its own
      ok        mail                  2 verified domains, contoso.example by default: not capped
      ok        quota                 266 users, class M: 5,000 resource units in 10 s and 3,000 writes in 150 s for this
                                      application, 150 invitations in 5 s for the tenant
      ok        clock                 agrees with the service's
      ok        plan                  3 rows: 3 to change, 0 blocked, 0 settled
      ok        new-domain            fabrikam.example, 3 rows: no Entra tenant; its people get one-time codes by mail
      ok        last-run              none yet

    Permissions
      has       CrossTenantInformation.ReadBasic.All, Directory.Read.All, Domain.Read.All, Policy.Read.All,
                Policy.Read.AuthenticationMethod, Policy.Read.B2BManagementPolicy, RoleManagement.Read.Directory,
                User.Invite.All, User.ReadWrite.All
      suffices  User.Invite.All, User.ReadWrite.All
      missing   none
      useful    none
      needless  none

    Nothing seen that would keep a run from succeeding
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    ");
    assert_eq!(campaign.writes(), 0);
}

#[test]
fn the_least_rights_are_enough_and_what_they_do_not_show_is_said() {
    let campaign = granted(&["User.Invite.All", "User.ReadWrite.All"]);
    snapshot!(campaign.run("doctor"), @"
    Doctor for tenant contoso.example

      ok        configuration         tenant contoso.example, Graph at http://127.0.0.1:[PORT], client-secret, no checkpoint
                                      named
      ok        sign-in               as the application 11111111-1111-1111-1111-111111111111
      ok        permissions           the token permits what a run needs
      warning   permission-useful     not granted: Directory.Read.All (to know the tenant's own domains, to find addresses
                                      that contacts hold, to find addresses that groups hold); RoleManagement.Read.Directory
                                      (to find guests that hold a role, to find guests that may activate a role);
                                      Policy.Read.All (to know whether invitations are allowed, and which tenants
                                      synchronise users); Policy.Read.B2BManagementPolicy (to know which domains may be
                                      invited); CrossTenantInformation.ReadBasic.All (to know whether a new domain is an
                                      Entra tenant); Policy.Read.AuthenticationMethod (to know whether guests get codes by
                                      mail); Domain.Read.All (to know whether people without a tenant and codes sign in by a
                                      federation)
                                      a run can do without; the plan says what it did not see
      not seen  invitations           whether the tenant allows invitations
                                      Policy.Read.All shows it
      not seen  invited-domains       which domains may be invited
                                      Policy.Read.B2BManagementPolicy shows it, in the global cloud
      not seen  cross-tenant-access   cross-tenant access settings
                                      Policy.Read.All shows them
      not seen  mail                  the tenant's domains, and whether its mail is capped
                                      Directory.Read.All shows them
      ok        quota                 266 users, class M: 5,000 resource units in 10 s and 3,000 writes in 150 s for this
                                      application, 150 invitations in 5 s for the tenant
      ok        clock                 agrees with the service's

    Permissions
      has       User.Invite.All, User.ReadWrite.All
      suffices  User.Invite.All, User.ReadWrite.All
      missing   none
      useful    Directory.Read.All, RoleManagement.Read.Directory, Policy.Read.All, Policy.Read.B2BManagementPolicy,
                CrossTenantInformation.ReadBasic.All, Policy.Read.AuthenticationMethod, Domain.Read.All
      needless  none

    Nothing seen that would keep a run from succeeding
    ");
}

#[test]
fn without_consent_it_says_what_is_missing_and_where_to_grant_it() {
    let campaign = granted(&["User.Invite.All", "Directory.Read.All", "Mail.Send"]);
    snapshot!(campaign.run("doctor three.csv"), @"
    Doctor for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001)

      ok        configuration         tenant contoso.example, Graph at http://127.0.0.1:[PORT], client-secret, checkpoint
                                      three.csv.checkpoint
      ok        sign-in               as the application 11111111-1111-1111-1111-111111111111
      problem   permission-missing    User.ReadWrite.All is missing: to reset redemptions, to write the mail
                                      add it to the app registration, then have an administrator consent at
                                      http://127.0.0.1:[PORT]/contoso.example/adminconsent?client_id=11111111-1111-1111-1111-111111111111
      warning   permission-useful     not granted: RoleManagement.Read.Directory (to find guests that may activate a role);
                                      Policy.Read.All (to know whether invitations are allowed, and which tenants
                                      synchronise users); Policy.Read.B2BManagementPolicy (to know which domains may be
                                      invited); CrossTenantInformation.ReadBasic.All (to know whether a new domain is an
                                      Entra tenant); Policy.Read.AuthenticationMethod (to know whether guests get codes by
                                      mail); Domain.Read.All (to know whether people without a tenant and codes sign in by a
                                      federation)
                                      a run can do without; the plan says what it did not see
      warning   permission-needless   Mail.Send is not needed
                                      take it away
      not seen  invitations           whether the tenant allows invitations
                                      Policy.Read.All shows it
      not seen  invited-domains       which domains may be invited
                                      Policy.Read.B2BManagementPolicy shows it, in the global cloud
      not seen  cross-tenant-access   cross-tenant access settings
                                      Policy.Read.All shows them
      ok        mail                  2 verified domains, contoso.example by default: not capped
      ok        quota                 266 users, class M: 5,000 resource units in 10 s and 3,000 writes in 150 s for this
                                      application, 150 invitations in 5 s for the tenant
      ok        clock                 agrees with the service's
      ok        plan                  3 rows: 3 to change, 0 blocked, 0 settled
      not seen  new-domain            fabrikam.example, 3 rows: whether it is an Entra tenant is not known; nor whether
                                      codes by mail are on
                                      CrossTenantInformation.ReadBasic.All, Policy.Read.AuthenticationMethod would show it
      ok        last-run              none yet

    Permissions
      has       Directory.Read.All, Mail.Send, User.Invite.All
      suffices  User.Invite.All, User.ReadWrite.All
      missing   User.ReadWrite.All
      useful    RoleManagement.Read.Directory, Policy.Read.All, Policy.Read.B2BManagementPolicy,
                CrossTenantInformation.ReadBasic.All, Policy.Read.AuthenticationMethod, Domain.Read.All
      needless  Mail.Send

    A run can't succeed until what is marked as a problem is mended
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 15 requests
    ------- exit 6 -------
    ");
    // Nobody can even read the guests with that.
    let report = granted(&["Policy.Read.All"]).run("doctor three.csv --output json").exits(6);
    let report = report.json();
    assert_eq!(of(&report, "permission-missing").len(), 2, "{report}");
    assert!(of(&report, "plan")[0].1.starts_with("the guests can't be read: 403"), "{report}");
}

#[test]
fn where_nobody_may_invite_no_run_can_succeed() {
    let campaign = Campaign::new();
    campaign.tenant.set_allow_invites_from(AllowInvitesFrom::None);
    let report = campaign.run("doctor --output json").exits(6).json();
    let disabled = ("problem", "allowInvitesFrom is none: nobody may invite");
    assert_eq!(of(&report, "invitations"), [disabled]);
    assert_eq!(report["exit_code"], 6);
}

#[test]
fn mail_from_a_default_domain_is_capped() {
    let mut seed = TenantSeed::sample();
    for domain in &mut seed.organization.verified_domains {
        domain.is_default = domain.is_initial;
    }
    let campaign = Campaign::with(seed, Options::default());
    let report = campaign.run("doctor three.csv --output json").exits(0).json();
    snapshot!(of(&report, "mail")[0].1, @"the default domain is contoso.onmicrosoft.com, from which Exchange delivers 100 external mails a day and bounces the rest unseen; this plan mails 3");
}

#[test]
fn a_wrong_secret_is_a_problem_of_signing_in() {
    let campaign = Campaign::new();
    campaign.write("client-secret.txt", "another");
    let report = campaign.run("doctor --output json").exits(6).json();
    let (severity, message) = of(&report, "sign-in")[0];
    assert_eq!(severity, "problem");
    assert!(message.starts_with("sign-in was refused: AADSTS7000215"), "{message}");
    let text = campaign.run("doctor").exits(6).stdout;
    let permissions = &text[text.find("Permissions").expect("they are told in any case")..];
    snapshot!(permissions, @"
    Permissions
      has       not seen
      suffices  User.Invite.All, User.ReadWrite.All
      missing   not seen
      useful    not seen
      needless  not seen

    A run can't succeed until what is marked as a problem is mended
    ");
}

#[test]
fn a_tenant_that_cannot_be_reached_is_exit_code_1() {
    let campaign = Campaign::new();
    // Nobody listens at the discard port of the loopback.
    campaign.configure("http://127.0.0.1:9", "");
    let report = campaign.run("doctor --output json").exits(1).json();
    assert_eq!(of(&report, "unreachable")[0].0, "problem");
    assert_eq!(report["exit_code"], 1);
}

#[test]
fn a_configuration_that_is_none_is_exit_code_2() {
    let campaign = Campaign::new();
    campaign.write("reinvite.toml", "[tenant]\nid = \"contoso.example\"\n");
    campaign.run("doctor").exits(2);
    campaign.configure(&campaign.origin(), "");
    campaign.write("bad.csv", "user,new_email\nnobody@northwind.example,nobody@\n");
    campaign.run("doctor bad.csv").exits(2);
    std::fs::remove_file(campaign.path("client-secret.txt")).unwrap();
    let report = campaign.run("doctor --output json").exits(2).json();
    assert_eq!(report["exit_code"], 2);
}

#[test]
fn as_json_it_is_one_object() {
    let campaign = granted(&["User.Invite.All", "Directory.ReadWrite.All"]);
    campaign
        .write("two.csv", &format!("{THREE}leo.gruber@northwind.example,leo@fabrikam.example\n"));
    let output = campaign.run("doctor two.csv --output json").exits(0);
    output.json();
    snapshot!(output.without_stderr(), @r#"
    {"schema":"reinvite-doctor/1",
    "tenant":"Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001)",
    "findings":[
    {"severity":"ok","code":"configuration","message":"tenant contoso.example, Graph at http://127.0.0.1:[PORT], client-secret, checkpoint two.csv.checkpoint","advice":null},
    {"severity":"ok","code":"sign-in","message":"as the application 11111111-1111-1111-1111-111111111111","advice":null},
    {"severity":"ok","code":"permissions","message":"the token permits what a run needs","advice":null},
    {"severity":"warning","code":"permission-useful","message":"not granted: RoleManagement.Read.Directory (to find guests that may activate a role); Policy.Read.All (to know whether invitations are allowed, and which tenants synchronise users); Policy.Read.B2BManagementPolicy (to know which domains may be invited); CrossTenantInformation.ReadBasic.All (to know whether a new domain is an Entra tenant); Policy.Read.AuthenticationMethod (to know whether guests get codes by mail); Domain.Read.All (to know whether people without a tenant and codes sign in by a federation)","advice":"a run can do without; the plan says what it did not see"},
    {"severity":"warning","code":"permission-needless","message":"Directory.ReadWrite.All grants far more than is needed","advice":"grant User.ReadWrite.All, Directory.Read.All instead"},
    {"severity":"not-seen","code":"invitations","message":"whether the tenant allows invitations","advice":"Policy.Read.All shows it"},
    {"severity":"not-seen","code":"invited-domains","message":"which domains may be invited","advice":"Policy.Read.B2BManagementPolicy shows it, in the global cloud"},
    {"severity":"not-seen","code":"cross-tenant-access","message":"cross-tenant access settings","advice":"Policy.Read.All shows them"},
    {"severity":"ok","code":"mail","message":"2 verified domains, contoso.example by default: not capped","advice":null},
    {"severity":"ok","code":"quota","message":"266 users, class M: 5,000 resource units in 10 s and 3,000 writes in 150 s for this application, 150 invitations in 5 s for the tenant","advice":null},
    {"severity":"ok","code":"clock","message":"agrees with the service's","advice":null},
    {"severity":"ok","code":"plan","message":"4 rows: 3 to change, 1 blocked, 0 settled","advice":null},
    {"severity":"not-seen","code":"new-domain","message":"fabrikam.example, 3 rows: whether it is an Entra tenant is not known; nor whether codes by mail are on","advice":"CrossTenantInformation.ReadBasic.All, Policy.Read.AuthenticationMethod would show it"},
    {"severity":"warning","code":"role-holders","message":"1 guest holds a directory role, and an application can't reset it","advice":"a signed-in Helpdesk Administrator or User Administrator can"},
    {"severity":"ok","code":"last-run","message":"none yet","advice":null}
    ],
    "permissions":{"has":["Directory.ReadWrite.All","User.Invite.All"],"needs":["User.Invite.All","User.ReadWrite.All"],"missing":[],"useful":["RoleManagement.Read.Directory","Policy.Read.All","Policy.Read.B2BManagementPolicy","CrossTenantInformation.ReadBasic.All","Policy.Read.AuthenticationMethod","Domain.Read.All"],"needless":["Directory.ReadWrite.All"]},
    "exit_code":0,
    "summary":{"problems":0,"warnings":3,"not_seen":4,"exit_code":0}}
    "#);
}

#[test]
fn a_signed_in_person_needs_a_role_besides() {
    let campaign = Campaign::new();
    let token = campaign.tenant.token(SAMPLE_CLIENT_ID, Caller::Delegated).unwrap();
    let origin = campaign.origin();
    campaign.write(
        "reinvite.toml",
        &format!(
            "[tenant]\nid = \"contoso.example\"\ngraph_url = \"{origin}\"\nlogin_url = \"{origin}\"\n\
             [auth]\nmethod = \"access-token\"\naccess_token_env = \"TOKEN\"\n"
        ),
    );
    let mut command = campaign.command("doctor --output json");
    command.env("TOKEN", &token);
    let report = campaign.complete(command).exits(0).json();
    assert_eq!(of(&report, "directory-role")[0].0, "not-seen");
    // An opaque token tells nothing, and what it opens is tried all the same.
    let mut command = campaign.command("doctor --output json");
    command.env("TOKEN", "opaque");
    let report = campaign.complete(command).exits(6).json();
    assert_eq!(of(&report, "permissions")[0].0, "not-seen");
    assert_eq!(report["permissions"]["has"], Value::Null);
    assert!(of(&report, "sign-in")[1].1.starts_with("the token was not accepted"), "{report}");
}

#[test]
fn a_stop_of_an_earlier_run_is_remembered() {
    let campaign = Campaign::new();
    campaign.tenant.block_invitations(true);
    campaign.run("apply three.csv --yes").exits(5);
    let report = campaign.run("doctor three.csv --output json").exits(0).json();
    let (severity, message) = of(&report, "last-run")[0];
    assert_eq!(severity, "warning");
    assert!(message.ends_with("was stopped: invitations-blocked"), "{message}");
}

#[test]
fn a_server_that_has_users_and_nothing_else_is_examined_too() {
    let campaign = Campaign::new();
    for path in ["/organization", "/policies", "/beta", "/contacts", "/groups", "/role"] {
        let matcher = Matcher::new(http::Method::GET, path).always();
        let missing = Action::Answer(Canned::error(404, "", "not here"));
        campaign.tenant.inject(Fault::new(matcher, missing));
    }
    let report = campaign.run("doctor three.csv --output json").exits(0).json();
    for code in ["invitations", "invited-domains", "cross-tenant-access", "mail"] {
        assert_eq!(of(&report, code)[0].0, "not-seen", "{report}");
    }
}

/// The findings on how mails would leave.
fn mailing(delivery: &str, permissions: &[&str]) -> Vec<(String, String)> {
    let campaign = granted(&[&["User.Invite.All", "User.ReadWrite.All"], permissions].concat());
    campaign.configure(
        &campaign.origin(),
        &format!("[delivery]\nfrom = \"it@contoso.example\"\n{delivery}"),
    );
    let report = campaign.run("doctor --output json").json();
    assert_eq!(campaign.writes(), 0);
    assert!(campaign.tenant.mailbox("it@contoso.example").is_empty());
    let found =
        [of(&report, "mailing"), of(&report, "mailbox-scope"), of(&report, "permission-needless")]
            .concat();
    found.into_iter().map(|(severity, message)| (severity.into(), message.into())).collect()
}

#[test]
fn every_way_of_mailing_is_tried_and_nothing_is_sent() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let port = format!(":{closed}");
    let smtp = format!(
        "by = \"smtp\"\n[delivery.smtp]\nhost = \"127.0.0.1\"\ntls = \"none\"\nport = {closed}\n"
    );
    let mut all = Vec::new();
    for (delivery, permissions) in [
        ("by = \"none\"\n", &[][..]),
        ("by = \"files\"\nfolder = \"mails\"\n", &[]),
        ("by = \"files\"\nfolder = \"reinvite.toml/mails\"\n", &[]),
        ("by = \"graph\"\n", &[]),
        ("by = \"graph\"\n", &["Mail.Send", "Mail.ReadWrite"]),
        (&smtp, &[]),
    ] {
        let found = mailing(delivery, permissions).into_iter();
        let found = found.map(|(severity, message)| (severity, message.replace(&port, ":[PORT]")));
        all.push(found.collect::<Vec<_>>());
    }
    snapshot!(format!("{all:#?}"), @r#"
    [
        [
            (
                "warning",
                "[delivery] by is none: nobody mails the guests, and a reset guest can't sign in",
            ),
        ],
        [
            (
                "ok",
                "mails are put into the folder mails, to be sent by you",
            ),
        ],
        [
            (
                "problem",
                "mails can't be put into the folder reinvite.toml/mails: not a directory",
            ),
        ],
        [
            (
                "not-seen",
                "the mailbox it@contoso.example may be written to; whether it may be sent from, the token does not say",
            ),
        ],
        [
            (
                "ok",
                "the mailbox it@contoso.example may be written to and sent from",
            ),
            (
                "warning",
                "granted for every mailbox of the tenant: Mail.Send, Mail.ReadWrite",
            ),
        ],
        [
            (
                "problem",
                "cannot reach the mail server 127.0.0.1:[PORT]: Connection error: Connection refused (os error [CODE])",
            ),
        ],
    ]
    "#);
}

#[test]
fn a_mailbox_that_may_not_be_used_is_a_problem() {
    let campaign = Campaign::new();
    campaign.tenant.edit_application(SAMPLE_CLIENT_ID, |app| app.mailboxes.clear());
    for (from, expected) in [
        ("it@contoso.example", "can't be used: 403 ErrorAccessDenied"),
        ("nobody@contoso.example", "can't be used: 403 ErrorAccessDenied"),
    ] {
        campaign.configure(
            &campaign.origin(),
            &format!("[delivery]\nby = \"graph\"\nfrom = \"{from}\"\n"),
        );
        let report = campaign.run("doctor --output json").exits(6).json();
        let [(severity, message)] = of(&report, "mailing")[..] else { panic!("{report}") };
        assert!(severity == "problem" && message.contains(expected), "{message}");
    }
}
