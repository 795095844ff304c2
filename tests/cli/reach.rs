//! What a move touches, as `plan --reach` tells it.

use reinvite::emulator::{Options, TenantSeed};
use reinvite::graph::wire::{ClaimsMappingPolicy, DirectoryObject};

use crate::support::{Campaign, snapshot};

#[test]
fn a_plan_tells_what_its_changes_touch() {
    let campaign = Campaign::new();
    snapshot!(campaign.run("plan three.csv --reach --out plan.md"), @"
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      3
      new-address               3  moves to a new address
                                   Microsoft mails its standard text in the guest's language
        line 2  hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
        line 3  ruth.mori@northwind.example → ruth.mori@fabrikam.example
        line 4  olga.ramos@northwind.example → olga.ramos@fabrikam.example

    New domains
      fabrikam.example  3 rows  no Entra tenant; its people get one-time codes by mail

    Reach
      3 guests in 1 group, 1 of them a team; nobody holds a role; assigned to 3 apps, of which 2 are told an address that
      changes
      Expense Portal  1 guest  SAML sends the user principal name and the mail, unless its Attributes & Claims say
                               otherwise; owned by lucia.fontaine@contoso.example
      Partner Wiki    1 guest  it asks for the claim email; nobody owns it
      Shift Planner   1 guest  whether it goes by an address is not known; the tokens of guests carry their mail; owned by
                               anita.wood@contoso.example
        line 3 ruth.mori@northwind.example: 1 group, 1 team, 1 app
        line 2 hannah.wagner@northwind.example: 1 app
        line 4 olga.ramos@northwind.example: 1 app
      an app that takes guests without an assignment is not counted

    Pace  6 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    what the changes touch was read in 8 requests
    the plan for review is in plan.md
    ");
    let page = campaign.read("plan.md");
    let from = page.find("## What the changes touch").expect("it is there");
    let to = page[from + 3..].find("\n## ").expect("the rows follow") + from + 3;
    snapshot!(&page[from..to], @"
    ## What the changes touch

    3 guests in 1 group, 1 of them a team; nobody holds a role; assigned to 3 apps, of which 2 are told an address that changes.

    - `Expense Portal`, 1 guest: `SAML sends the user principal name and the mail, unless its Attributes & Claims say otherwise; owned by lucia.fontaine@contoso.example`
    - `Partner Wiki`, 1 guest: `it asks for the claim email; nobody owns it`
    - `Shift Planner`, 1 guest: `whether it goes by an address is not known; the tokens of guests carry their mail; owned by anita.wood@contoso.example`
    - `an app that takes guests without an assignment is not counted`
    ");
    let json = campaign.run("plan three.csv --reach --output json").json();
    let rows = json["rows"].as_array().unwrap();
    let reach: Vec<String> = rows.iter().map(|row| row["reach"].to_string()).collect();
    snapshot!(reach.join("\n"), @r#"
    {"apps":1,"groups":0,"roles":0,"teams":0}
    {"apps":1,"groups":1,"roles":0,"teams":1}
    {"apps":1,"groups":0,"roles":0,"teams":0}
    "#);
    snapshot!(format!("{:#}", json["summary"]["reach"]), @r#"
    {
      "apps": [
        {
          "about": "SAML sends the user principal name and the mail, unless its Attributes & Claims say otherwise",
          "claims": [
            "mail",
            "upn"
          ],
          "client_id": "0f1e2d3c-0001-4a5b-8c6d-3c1de0000001",
          "guests": 1,
          "id": "5a0c1f3e-7f2b-4c55-9d0a-3c1de0000001",
          "name": "Expense Portal",
          "owners": [
            {
              "address": "lucia.fontaine@contoso.example",
              "id": "4113da87-9287-4228-81a4-667a0db868c2",
              "name": "Lucía Fontaine"
            }
          ],
          "sign_on": "saml"
        },
        {
          "about": "it asks for the claim email",
          "claims": [
            "mail"
          ],
          "client_id": "0f1e2d3c-0002-4a5b-8c6d-3c1de0000002",
          "guests": 1,
          "id": "5a0c1f3e-7f2b-4c55-9d0a-3c1de0000002",
          "name": "Partner Wiki",
          "owners": [],
          "sign_on": "oidc"
        },
        {
          "about": "whether it goes by an address is not known; the tokens of guests carry their mail",
          "claims": [],
          "client_id": "0f1e2d3c-0003-4a5b-8c6d-3c1de0000003",
          "guests": 1,
          "id": "5a0c1f3e-7f2b-4c55-9d0a-3c1de0000003",
          "name": "Shift Planner",
          "owners": [
            {
              "address": "anita.wood@contoso.example",
              "id": "5da71e93-1003-44ef-bcfc-91a9e6982006",
              "name": "Anita Wood"
            }
          ],
          "sign_on": "unset"
        }
      ],
      "groups": 1,
      "guests": 3,
      "not_seen": 0,
      "role_holders": 0,
      "teams": 1,
      "unreadable": []
    }
    "#);
    campaign.write("none.csv", "user,new_email\nnobody@northwind.example,x@fabrikam.example\n");
    let plan = campaign.run("plan none.csv --reach").exits(0);
    assert!(plan.stdout.contains("Reach\n  no guest changes\n\n"), "{plan}");
    assert_eq!(campaign.writes(), 0);
}

#[test]
fn what_may_not_be_read_is_said_with_the_permission_that_shows_it() {
    let mut seed = TenantSeed::sample();
    seed.applications[0].roles = vec!["User.Invite.All".into(), "User.ReadWrite.All".into()];
    let campaign = Campaign::with(seed, Options::default());
    let plan = campaign.run("plan three.csv --reach").without_stderr();
    let from = plan.stdout.find("Reach").expect("it is there");
    let to = plan.stdout.find("\nFindings").expect("they follow");
    snapshot!(&plan.stdout[from..to], @"
    Reach
      3 guests in 1 group, which of them are teams is not known; nobody holds a role; which apps they are assigned to is not
      known
        line 3 ruth.mori@northwind.example: 1 group
      not everything could be read of 3 guests
      could not see assignments of guests to apps; Directory.Read.All would show it
      could not see which groups are teams; GroupMember.Read.All would show it
      an app that takes guests without an assignment is not counted
    ");
    campaign.run("plan three.csv --reach --out plan.html");
    let page = campaign.read("plan.html");
    assert!(page.contains("Directory.Read.All would show it"), "{page}");
}

#[test]
fn a_claims_policy_on_many_apps_is_found_on_each() {
    let mut seed = TenantSeed::sample();
    let principal = |id: String| DirectoryObject { id, ..DirectoryObject::default() };
    let others = (0..30).map(|n| format!("{n:08}-7f2b-4c55-9d0a-3c1de0000009"));
    let wiki = "5A0C1F3E-7F2B-4C55-9D0A-3C1DE0000002".to_owned();
    let definition = r#"{"ClaimsMappingPolicy":{"Version":1,"IncludeBasicClaimSet":"false",
        "ClaimsSchema":[{"Source":"user","ID":"userprincipalname","JwtClaimType":"id"}]}}"#;
    seed.apps.claims_mapping_policies = vec![ClaimsMappingPolicy {
        id: "c1a1".into(),
        display_name: Some("Ids\u{1b}[2J".into()),
        definition: vec![definition.into()],
        applies_to: Some(others.chain([wiki]).map(principal).collect()),
    }];
    let campaign = Campaign::with(seed, Options::default());
    let plan = campaign.run("plan three.csv --reach").exits(0);
    let line = plan.stdout.lines().find(|line| line.contains("Partner Wiki")).unwrap();
    snapshot!(line, @r"  Partner Wiki    1 guest  the claims policy Ids\u{1b}[2J sends the user principal name; it asks for the claim email;");
}
