//! Whether the new domains can redeem, as `plan` and `doctor` tell it.

use reinvite::emulator::{
    EmailCodes, InboundAccess, Options, OtherTenant, SAMPLE_CLIENT_ID, TenantSeed,
};
use reinvite::graph::wire::{AutomaticConsent, Partner, TenantInformation};

use crate::support::{Campaign, snapshot};

const FABRIKAM: &str = "f0f0f0f0-0000-4000-8000-000000000002";

/// To an Entra tenant, and to a domain that is none.
const MOVES: &str = "\
user,new_email
hannah.wagner@northwind.example,hannah.wagner@fabrikam.example
ruth.mori@northwind.example,ruth.mori@fabrikam.example
olga.ramos@northwind.example,olga.ramos@oldco.example
";

fn seed() -> TenantSeed {
    let information = TenantInformation {
        tenant_id: FABRIKAM.into(),
        display_name: Some("Fabrikam".into()),
        ..TenantInformation::default()
    };
    TenantSeed {
        other_tenants: vec![OtherTenant { information, domains: vec!["fabrikam.example".into()] }],
        email_codes: EmailCodes::Disabled,
        partners: Vec::new(),
        ..TenantSeed::sample()
    }
}

fn campaign(seed: TenantSeed) -> Campaign {
    let campaign = Campaign::with(seed, Options::default());
    campaign.write("moves.csv", MOVES);
    campaign
}

#[test]
fn a_domain_whose_people_cannot_redeem_is_blocked_and_the_others_go() {
    let campaign = campaign(seed());
    snapshot!(campaign.run("plan moves.csv"), @"
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      2
      new-address               2  moves to a new address
                                   Microsoft mails its standard text in the guest's language
        line 2  hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
        line 3  ruth.mori@northwind.example → ruth.mori@fabrikam.example

    Blocked                     1
      cannot-redeem             1  the people of the address's domain can't redeem an invitation here
        line 4  olga.ramos@northwind.example  oldco.example: no Entra tenant, and codes by mail are off

    New domains
      fabrikam.example  2 rows  Entra tenant Fabrikam; its people sign in there
      oldco.example      1 row  no Entra tenant; codes by mail are off: its people can't redeem

    Pace  4 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    ------- stderr -------
    moves.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 15 requests
    ");
    snapshot!(campaign.run("doctor moves.csv").without_stderr(), @"
    Doctor for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001)

      ok        configuration         tenant contoso.example, Graph at http://127.0.0.1:[PORT], client-secret, checkpoint
                                      moves.csv.checkpoint
      ok        sign-in               as the application 11111111-1111-1111-1111-111111111111
      ok        permissions           the token permits what a run needs
      ok        invitations           allowInvitesFrom is everyone
      warning   invited-domains       these domains may not be invited: webmail.example
                                      the plan blocks rows to them
      ok        cross-tenant-access   no partner has settings of its own
      ok        mail                  2 verified domains, contoso.example by default: not capped
      ok        quota                 266 users, class M: 5,000 resource units in 10 s and 3,000 writes in 150 s for this
                                      application, 150 invitations in 5 s for the tenant
      ok        clock                 agrees with the service's
      ok        plan                  3 rows: 2 to change, 1 blocked, 0 settled
      ok        new-domain            fabrikam.example, 2 rows: Entra tenant Fabrikam; its people sign in there
      warning   new-domain            oldco.example, 1 row: no Entra tenant; codes by mail are off: its people can't redeem
                                      the plan blocks its rows, and says what to do
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
    ");
    campaign.run("apply moves.csv --yes").exits(4);
    let ledger = campaign.tenant.ledger();
    let invited: Vec<_> = ledger.invitations().map(|it| it.address.clone()).collect();
    assert_eq!(invited.len(), 2, "{invited:?}");
    assert!(invited.iter().all(|address| address.ends_with("@fabrikam.example")), "{invited:?}");
}

#[test]
fn a_domain_that_the_configuration_vouches_for_is_not_blocked() {
    let campaign = campaign(seed());
    let guards = "[guards]\nredeemable_domains = [\"oldco.example\"]\n";
    campaign.configure(&campaign.origin(), guards);
    snapshot!(campaign.run("plan moves.csv").without_stderr(), @"
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      3
      new-address               3  moves to a new address
                                   Microsoft mails its standard text in the guest's language
        line 2  hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
        line 3  ruth.mori@northwind.example → ruth.mori@fabrikam.example
        line 4  olga.ramos@northwind.example → olga.ramos@oldco.example

    New domains
      fabrikam.example  2 rows  Entra tenant Fabrikam; its people sign in there
      oldco.example      1 row  no Entra tenant; redeemable_domains vouches for it

    Pace  6 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    ");
}

#[test]
fn a_tenant_that_is_not_let_in_is_blocked_by_name() {
    let seed = TenantSeed {
        inbound_access: InboundAccess::Blocked,
        email_codes: EmailCodes::Default,
        ..seed()
    };
    snapshot!(campaign(seed).run("plan moves.csv").without_stderr(), @"
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      1
      new-address               1  moves to a new address
                                   Microsoft mails its standard text in the guest's language
        line 4  olga.ramos@northwind.example → olga.ramos@oldco.example

    Blocked                     2
      cannot-redeem             2  the people of the address's domain can't redeem an invitation here
        line 2  hannah.wagner@northwind.example
                  fabrikam.example: its Entra tenant Fabrikam is blocked by the inbound cross-tenant access settings
        line 3  ruth.mori@northwind.example
                  fabrikam.example: its Entra tenant Fabrikam is blocked by the inbound cross-tenant access settings

    New domains
      fabrikam.example  2 rows  Entra tenant Fabrikam; blocked by the inbound cross-tenant access settings: its people can't
                                redeem
      oldco.example      1 row  no Entra tenant; its people get one-time codes by mail

    Pace  2 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    ");
    // Settings of the partner's own stand above the default.
    let mut seed = self::seed();
    seed.partners = vec![Partner {
        tenant_id: FABRIKAM.into(),
        automatic_user_consent_settings: Some(AutomaticConsent { inbound_allowed: Some(true) }),
        ..Partner::default()
    }];
    seed.email_codes = EmailCodes::Enabled;
    snapshot!(campaign(seed).run("plan moves.csv --output json").without_stderr(), @r#"
    {"schema":"reinvite-plan/1",
    "summary":{"rows":3,"change":3,"settled":0,"blocked":0,"reasons":{"new-address":3},"refusals":0,"plan_digest":"[DIGEST]","exit_code":0,"stop_reason":null,"elapsed_seconds":"[DURATION]","tenant_id":"7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001","tenant_name":"Contoso","caller":"app-only","mailing":null,"effort":{"writes":6,"writes_per_second":1000.0,"seconds":0},"domains":[{"domain":"fabrikam.example","rows":2,"redeems":"tenant","has_tenant":true,"tenant_id":"f0f0f0f0-0000-4000-8000-000000000002","tenant_name":"Fabrikam","codes":true,"cross_tenant":"allowed","automatic":true,"allowed":true,"about":"Entra tenant Fabrikam; its people sign in there; redeemed automatically, with a notification and no invitation, if it agrees","unknown":[]},{"domain":"oldco.example","rows":1,"redeems":"code","has_tenant":false,"tenant_id":null,"tenant_name":null,"codes":true,"cross_tenant":null,"automatic":null,"allowed":true,"about":"no Entra tenant; its people get one-time codes by mail","unknown":[]}],"redemption_order":{"first":["azureActiveDirectory","externalFederation","socialIdentityProviders"],"fallback":"defaultConfiguredIdp"}},
    "findings":[],
    "rows":[
    {"line":2,"user":"hannah.wagner@northwind.example","user_id":"63e8a076-a912-4a58-8471-02c26af3569f","old_email":"hannah.wagner@northwind.example","new_email":"hannah.wagner@fabrikam.example","decision":"change","reason":"new-address","explanation":"moves from hannah.wagner@northwind.example to hannah.wagner@fabrikam.example","delivery":"standard-text"},
    {"line":3,"user":"ruth.mori@northwind.example","user_id":"c0d69061-b05c-411d-93d4-dd58b9e9e283","old_email":"ruth.mori@northwind.example","new_email":"ruth.mori@fabrikam.example","decision":"change","reason":"new-address","explanation":"moves from ruth.mori@northwind.example to ruth.mori@fabrikam.example","delivery":"standard-text"},
    {"line":4,"user":"olga.ramos@northwind.example","user_id":"931d4434-039b-4e8e-aa76-13cb08fc04d9","old_email":"olga.ramos@northwind.example","new_email":"olga.ramos@oldco.example","decision":"change","reason":"new-address","explanation":"moves from olga.ramos@northwind.example to olga.ramos@oldco.example","delivery":"standard-text"}
    ]}
    "#);
}

#[test]
fn what_is_not_known_of_a_domain_blocks_nothing_and_names_the_permission() {
    let campaign = campaign(seed());
    campaign.tenant.edit_application(SAMPLE_CLIENT_ID, |application| {
        application.roles.retain(|role| role != "Policy.Read.AuthenticationMethod");
    });
    snapshot!(campaign.run("plan moves.csv").without_stderr(), @"
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      3
      new-address               3  moves to a new address
                                   Microsoft mails its standard text in the guest's language
        line 2  hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
        line 3  ruth.mori@northwind.example → ruth.mori@fabrikam.example
        line 4  olga.ramos@northwind.example → olga.ramos@oldco.example

    New domains
      fabrikam.example  2 rows  Entra tenant Fabrikam; its people sign in there
      oldco.example      1 row  no Entra tenant; whether codes by mail are on is not known
                                Policy.Read.AuthenticationMethod would show it

    Findings
      warn    unreadable
              could not be read: whether codes by mail are on (403 Authorization_RequestDenied: Insufficient privileges to
              complete the operation.)
              granting Policy.Read.AuthenticationMethod shows it; until then the plan does not see new domains whose people
              can't redeem

    Pace  6 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    ");
    campaign.tenant.edit_application(SAMPLE_CLIENT_ID, |application| {
        application.roles.retain(|role| role != "CrossTenantInformation.ReadBasic.All");
    });
    snapshot!(campaign.run("plan moves.csv").without_stderr(), @"
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      3
      new-address               3  moves to a new address
                                   Microsoft mails its standard text in the guest's language
        line 2  hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
        line 3  ruth.mori@northwind.example → ruth.mori@fabrikam.example
        line 4  olga.ramos@northwind.example → olga.ramos@oldco.example

    Findings
      warn    unreadable
              could not be read: whether codes by mail are on, the Entra tenants of the new domains (403
              Authorization_RequestDenied: Insufficient privileges to complete the operation.)
              granting Policy.Read.AuthenticationMethod, CrossTenantInformation.ReadBasic.All shows it; until then the plan
              does not see new domains whose people can't redeem

    Pace  6 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    ");
}

#[test]
fn a_domain_that_is_federated_redeems_there_where_that_can_be_read() {
    let campaign =
        campaign(TenantSeed { federated_domains: vec!["oldco.example".into()], ..seed() });
    let plan = campaign.run("plan moves.csv --output json").exits(0).json();
    let domain = &plan["summary"]["domains"][1];
    snapshot!(domain, @r#"{"about":"no Entra tenant; its people sign in with the identity provider that this tenant federates with","allowed":true,"automatic":null,"codes":false,"cross_tenant":null,"domain":"oldco.example","has_tenant":false,"redeems":"federation","rows":1,"tenant_id":null,"tenant_name":null,"unknown":[]}"#);
    assert_eq!(plan["summary"]["blocked"], 0);
    campaign.tenant.edit_application(SAMPLE_CLIENT_ID, |application| {
        application.roles.retain(|role| role != "Domain.Read.All");
    });
    snapshot!(campaign.run("plan moves.csv").without_stderr(), @"
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      2
      new-address               2  moves to a new address
                                   Microsoft mails its standard text in the guest's language
        line 2  hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
        line 3  ruth.mori@northwind.example → ruth.mori@fabrikam.example

    Blocked                     1
      cannot-redeem             1  the people of the address's domain can't redeem an invitation here
        line 4  olga.ramos@northwind.example  oldco.example: no Entra tenant, and codes by mail are off

    New domains
      fabrikam.example  2 rows  Entra tenant Fabrikam; its people sign in there
      oldco.example      1 row  no Entra tenant; codes by mail are off: its people can't redeem, unless it is federated,
                                which is not known
                                Domain.Read.All would show it

    Findings
      warn    unreadable
              could not be read: whether new domains without a tenant are federated (403 Authorization_RequestDenied:
              Insufficient privileges to complete the operation.)
              granting Domain.Read.All shows it; until then the plan does not see new domains whose people redeem there

    Pace  4 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    ");
}
