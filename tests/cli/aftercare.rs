//! What is left to do by hand after a campaign, as `aftercare` writes it.

use http::Method;
use reinvite::emulator::{Action, Canned, Fault, Matcher, Options, TenantSeed};

use crate::support::{Campaign, HANNAH, OLGA, RUTH, snapshot};

/// The sample tenant, with a guest whose addresses have an apostrophe and a team whose name
/// is a trap.
fn seed() -> TenantSeed {
    let mut seed = TenantSeed::sample();
    seed.applications[0].roles.push("Sites.Read.All".into());
    let hannah = seed.users.iter_mut().find(|it| it.user.id == HANNAH).expect("she is there");
    hannah.user.mail = Some("hannah.o'brien@northwind.example".into());
    hannah.user.proxy_addresses = vec!["SMTP:hannah.o'brien@northwind.example".into()];
    hannah.user.display_name = Some("=Hannah O’Brien $(Get-Date) `n".into());
    let team = seed.groups.iter_mut().find(|it| !it.resource_provisioning_options.is_empty());
    team.expect("there is one").display_name = Some("@all `North` [x](http://evil.example)".into());
    seed
}

const MOVES: &str = "\
user,new_email
63e8a076-a912-4a58-8471-02c26af3569f,hannah.o'brien@fabrikam.example
ruth.mori@northwind.example,ruth.mori@fabrikam.example
olga.ramos@northwind.example,olga.ramos@fabrikam.example
";

fn moved() -> Campaign {
    let campaign = Campaign::with(seed(), Options::default());
    campaign.write("moves.csv", MOVES);
    campaign.run("apply moves.csv --yes").exits(0);
    campaign
}

#[test]
fn it_leaves_a_checklist_a_script_and_tables() {
    let campaign = moved();
    campaign.tenant.redeem(OLGA);
    let writes = campaign.writes();
    snapshot!(campaign.run("aftercare moves.csv --out after"), @"
    Aftercare of moves.csv in Contoso
      3 guests were given an address by this campaign, 2 of them not redeemed yet

      after/README.md     what is to be done, system by system
      after/exchange.ps1  gives mail users in Exchange Online the new address
      after/guests.csv    who was moved, from which address to which
      after/apps.csv      the apps that guests are assigned to, and their owners
      after/sites.csv     the sites of their groups
    ------- stderr -------
    tenant read in 15 requests
    ");
    snapshot!(campaign.read("after/README.md"), @"
    <!-- reinvite aftercare 1 -->
    # Aftercare of `moves.csv` in `Contoso`

    Read [TIME]: 3 guests were given an address by this campaign, 2 of them not redeemed yet. Nothing below has been done: these files were written, and nothing else.

    3 guests in 1 group, 1 of them a team; nobody holds a role; assigned to 3 apps, of which 2 are told an address that changes.

    - [exchange.ps1](exchange.ps1): gives mail users in Exchange Online the new address
    - [guests.csv](guests.csv): who was moved, from which address to which
    - [apps.csv](apps.csv): the apps that guests are assigned to, and their owners
    - [sites.csv](sites.csv): the sites of their groups

    ## Exchange Online

    A guest is a *mail user* here, and not a mail contact: `Set-MailUser` is for it, `Set-MailContact` is not. Graph wrote its `mail`; whether
    and when Exchange takes that over is not documented. What Exchange is given shows in the directory.

    - [ ] `Connect-ExchangeOnline`, then `./exchange.ps1 -WhatIf`: shows what it would set, and sets nothing
    - [ ] `./exchange.ps1`: sets `ExternalEmailAddress` where Exchange still has a former address
    - [ ] 3 guests still hold the old address as a further one, so that mail from within the tenant to it may go to the new one, and nobody else can
      have it. Where that is not wanted: `./exchange.ps1 -RemoveOldAddress`
    - [ ] Mail contacts, distribution lists, mail flow rules, and lists of safe or blocked senders that name an old address: not looked at

    ## SharePoint and OneDrive

    Object id and user principal name are the same as before, and so are the permissions that hang on them. Each site keeps a list of the users
    whom it has seen, with a name and an address of its own; whether that follows a guest's new mail is not documented.

    - [ ] 1 site in [sites.csv](sites.csv): open `user_list` of each, and look whether it shows the old address
    - [ ] Links to files that were shared with an old address by name: whoever can't open one needs it shared again
    - Not known: sites and files that were shared with a guest directly, and OneDrive. Graph has no list of them by guest

    ## Groups, teams and roles

    Memberships and roles stay as they are.

    - [ ] 2 guests have no access to any of it until the invitation is redeemed: `reinvite verify --pending` names them
    - team ``@all `North` [x](http://evil.example)``

    ## Apps

    An app that knows a user by an address takes a moved guest for somebody new: it makes a second account, or lets nobody in. Ask its owner
    which it is, and have the account there renamed before the guest signs in.

    - [ ] `Expense Portal`, 1 guest: `SAML sends the user principal name and the mail, unless its Attributes & Claims say otherwise; owned by lucia.fontaine@contoso.example`
    - [ ] `Partner Wiki`, 1 guest: `it asks for the claim email; nobody owns it`
    - [ ] `Shift Planner`, 1 guest: `whether it goes by an address is not known; the tokens of guests carry their mail; owned by anita.wood@contoso.example`
    - Not known: apps that take guests without an assignment

    ## Beyond the directory

    Nobody looked at these. [guests.csv](guests.csv) has the old and the new address of everyone, to search with.

    - [ ] Customer and ticket systems, address books, mailing lists, and documents with an old address in them
    - [ ] Gateways and firewalls that let somebody in by mail domain; add the new one
    - [ ] Conditional Access, entitlement management and cross-tenant access settings that name the old domain or its tenant
    - [ ] Development and reporting services with lists of users of their own
    ");
    let script = campaign.read("after/exchange.ps1");
    let data = script.find("# Tenant").expect("it is there")..script.find("Set-Strict").unwrap();
    snapshot!(&script[data], @"
    # Tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001, read [TIME]
    $guests = @(
        [pscustomobject]@{ Id = '63e8a076-a912-4a58-8471-02c26af3569f'; Old = @('hannah.o''brien@northwind.example'); New = 'hannah.o''brien@fabrikam.example' }
        [pscustomobject]@{ Id = '931d4434-039b-4e8e-aa76-13cb08fc04d9'; Old = @('olga.ramos@northwind.example'); New = 'olga.ramos@fabrikam.example' }
        [pscustomobject]@{ Id = 'c0d69061-b05c-411d-93d4-dd58b9e9e283'; Old = @('ruth.mori@northwind.example'); New = 'ruth.mori@fabrikam.example' }
    )
    ");
    assert!(script.is_ascii());
    let tables = ["guests", "apps", "sites"].map(|it| campaign.read(&format!("after/{it}.csv")));
    snapshot!(tables.join("\n").replace('\r', ""), @r#"
    ﻿user_id,display_name,user_principal_name,old_email,new_email,redeemed,holds_old_email,groups,teams,roles,apps
    63e8a076-a912-4a58-8471-02c26af3569f,'=Hannah O’Brien $(Get-Date) `n,hannah.wagner_northwind.example#EXT#@contoso.onmicrosoft.com,hannah.o'brien@northwind.example,hannah.o'brien@fabrikam.example,no,yes,0,0,0,1
    931d4434-039b-4e8e-aa76-13cb08fc04d9,Olga Ramos,olga.ramos_northwind.example#EXT#@contoso.onmicrosoft.com,olga.ramos@northwind.example,olga.ramos@fabrikam.example,yes,yes,0,0,0,1
    c0d69061-b05c-411d-93d4-dd58b9e9e283,Ruth Mori,ruth.mori_northwind.example#EXT#@contoso.onmicrosoft.com,ruth.mori@northwind.example,ruth.mori@fabrikam.example,no,yes,1,1,0,1

    ﻿app,client_id,object_id,guests,told,about,owners
    Expense Portal,0f1e2d3c-0001-4a5b-8c6d-3c1de0000001,5a0c1f3e-7f2b-4c55-9d0a-3c1de0000001,1,mail upn,"SAML sends the user principal name and the mail, unless its Attributes & Claims say otherwise",lucia.fontaine@contoso.example
    Partner Wiki,0f1e2d3c-0002-4a5b-8c6d-3c1de0000002,5a0c1f3e-7f2b-4c55-9d0a-3c1de0000002,1,mail,it asks for the claim email,
    Shift Planner,0f1e2d3c-0003-4a5b-8c6d-3c1de0000003,5a0c1f3e-7f2b-4c55-9d0a-3c1de0000003,1,,whether it goes by an address is not known; the tokens of guests carry their mail,anita.wood@contoso.example

    ﻿group,group_id,team,site,user_list,guests
    '@all `North` [x](http://evil.example),ea142519-d5fc-43ea-8e7e-714b4692e669,yes,https://contoso.sharepoint.example/sites/northwind-project,https://contoso.sharepoint.example/sites/northwind-project/_layouts/15/people.aspx?MembershipGroupId=0,1
    "#);
    assert_eq!(campaign.writes(), writes, "it only reads");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |name| campaign.path(name).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("after"), mode("after/guests.csv")), (0o700, 0o600));
    }
    snapshot!(campaign.run("aftercare moves.csv --out after"), @"
    ------- stderr -------
    error: `after/README.md` is there already, and may have been worked on
      hint: name another directory, or replace its files with --force
    ------- exit 2 -------
    ");
    let json = campaign.run("aftercare moves.csv.checkpoint --out after --force --output json");
    snapshot!(json.without_stderr(), @r#"{"schema":"reinvite-aftercare/1","summary":{"directory":"after","files":["README.md","exchange.ps1","guests.csv","apps.csv","sites.csv"],"tenant_id":"7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001","tenant_name":"Contoso","manifest":"moves.csv","moved":3,"pending":2,"holding_old_address":3,"left_out":0,"open_rows":0,"groups":1,"teams":1,"sites":1,"apps":3,"exit_code":0},"left_out":[],"unreadable":[]}"#);
}

#[test]
fn who_has_no_address_of_the_campaign_is_left_out_and_what_is_refused_is_said() {
    let mut seed = seed();
    seed.applications[0].roles = vec!["User.Invite.All".into(), "User.ReadWrite.All".into()];
    let refused = Canned::error(400, "BadRequest", "Group email address is not supported");
    let refused = Action::Answer(refused);
    let faults = vec![Fault::new(Matcher::new(Method::POST, "/invitations"), refused)];
    let campaign = Campaign::with(seed, Options { faults, ..Options::default() });
    campaign.without_lag();
    campaign.write("moves.csv", MOVES);
    campaign.run("apply moves.csv --yes").exits(4);
    campaign.tenant.edit(OLGA, |user| user.mail = Some("`$(x)`@else.example".into()));
    campaign.tenant.edit(RUTH, |user| user.mail = Some("Ruth.Mori@northwind.example".into()));
    let told =
        campaign.run("aftercare moves.csv --out after/contoso --output json").exits(0).json();
    snapshot!(format!("{:#}", told["left_out"]), @r#"
    [
      {
        "label": "`$(x)`@else.example",
        "user_id": "931d4434-039b-4e8e-aa76-13cb08fc04d9",
        "why": "somebody gave it another mail since"
      },
      {
        "label": "Ruth.Mori@northwind.example",
        "user_id": "c0d69061-b05c-411d-93d4-dd58b9e9e283",
        "why": "it has the mail that it had before"
      }
    ]
    "#);
    assert_eq!(told["summary"]["open_rows"], 1);
    let list = campaign.read("after/contoso/README.md");
    assert!(list.contains(
        "**1 row of the manifest is not done; run this again when all are, with `--force`.**"
    ));
    snapshot!(&list[list.find("## Left out").expect("it is there")..], @"
    ## Left out

    The campaign wrote the mail of these, and nothing above is about them.

    - `` `$(x)`@else.example `` (`931d4434-039b-4e8e-aa76-13cb08fc04d9`): somebody gave it another mail since
    - `Ruth.Mori@northwind.example` (`c0d69061-b05c-411d-93d4-dd58b9e9e283`): it has the mail that it had before

    ## What could not be read

    - `could not see assignments of guests to apps; Directory.Read.All would show it`
    ");
    let script = campaign.read("after/contoso/exchange.ps1");
    assert_eq!(script.matches("[pscustomobject]").count(), 1, "{script}");
}

#[test]
fn without_the_permission_for_sites_or_a_campaign_it_says_so() {
    let mut seed = seed();
    seed.applications[0].roles.retain(|role| role != "Sites.Read.All");
    let campaign = Campaign::with(seed, Options::default());
    campaign.write("moves.csv", MOVES);
    snapshot!(campaign.run("aftercare moves.csv --out after"), @"
    ------- stderr -------
    error: there is no checkpoint at moves.csv.checkpoint
      hint: `apply` creates it; name the right file with --checkpoint
    ------- exit 2 -------
    ");
    // A run that the guards refuse leaves a checkpoint, and moves nobody.
    campaign.run("apply moves.csv --yes --max-changes 1").exits(5);
    snapshot!(campaign.run("aftercare moves.csv --out after"), @"
    Aftercare of moves.csv.checkpoint in Contoso
      no run has given a guest another address yet
      there is nothing to do, and no file was written
    ------- stderr -------
    tenant read in 5 requests
    ");
    assert!(!campaign.exists("after"));
    campaign.run("apply moves.csv --yes").exits(0);
    let told = campaign.run("aftercare moves.csv --out after").exits(0);
    assert!(told.stdout.contains("could not see sites of groups; Sites.Read.All would show it"));
    let list = campaign.read("after/README.md");
    snapshot!(&list[list.find("## What could not").expect("it is there")..], @"
    ## What could not be read

    - `could not see sites of groups; Sites.Read.All would show it`
    ");
    // The way back has an aftercare of its own.
    campaign.run("revert moves.csv --yes").exits(0);
    campaign.run("aftercare moves.csv --out after --force").exits(0);
    let script = campaign.read("after/exchange.ps1");
    let back = "Old = @('ruth.mori@fabrikam.example'); New = 'ruth.mori@northwind.example' }";
    assert!(script.contains(back), "{script}");
}
