//! `snapshot`: a copy of a tenant, on which a plan is the same.

use reinvite::emulator::{Options, TenantSeed};
use serde_json::Value;

use crate::support::{Campaign, snapshot};

/// The decisions of a plan and their reasons, in the order of the rows.
fn decisions(plan: &Value) -> Vec<(String, String)> {
    let word = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows = plan["rows"].as_array().unwrap();
    rows.iter().map(|row| (word(row, "decision"), word(row, "reason"))).collect()
}

fn copy(campaign: &Campaign, file: &str) -> Campaign {
    let seed = TenantSeed::from_json(&campaign.read(file)).unwrap();
    let id = seed.organization.id.clone();
    let copy = Campaign::with(seed, Options::default());
    let config = copy.read("reinvite.toml");
    // As `emulate` prints it: the domains may be among what could not be read.
    copy.write(
        "reinvite.toml",
        &config.replace("id = \"contoso.example\"", &format!("id = \"{id}\"")),
    );
    copy
}

#[test]
fn a_plan_is_the_same_on_the_copy() {
    let campaign = Campaign::new();
    snapshot!(campaign.run("snapshot guests.csv --out contoso.tenant"), @"
    contoso.tenant: Contoso with 232 guests, 5 members, 2 other holders of addresses, 7 role holders
    ------- stderr -------
    guests.csv: CSV, UTF-8, comma; 20 rows, 3 of which ask for a reset only; columns: user, new_email, message, cc, language, reset
    kept: department
    directory read in one sweep over all guests, in 21 requests
    next: reinvite emulate --tenant contoso.tenant
    ");
    let plan = campaign.run("plan guests.csv --output json").exits(0).json();
    let copy = copy(&campaign, "contoso.tenant");
    let again = copy.run("plan guests.csv --output json").exits(0).json();
    assert_eq!(again["rows"], plan["rows"]);
    assert_eq!(again["findings"], plan["findings"]);
    assert_eq!(again["summary"]["plan_digest"], plan["summary"]["plan_digest"]);
    // And it can be carried out.
    copy.run("apply guests.csv --yes").exits(4);
    assert_eq!(campaign.writes(), 0);
}

#[test]
fn a_copy_under_pseudonyms_names_nobody_and_decides_the_same() {
    let campaign = Campaign::new();
    snapshot!(
        campaign.run("snapshot guests.csv --out contoso.tenant --pseudonymise --output json"),
        @r#"
    {"schema":"reinvite-snapshot/1","summary":{"exit_code":0,"file":"contoso.tenant","guests":232,"holders":2,"manifest":"contoso.tenant.csv","members":5,"pseudonyms":true,"role_holders":7},"unreadable":[]}
    ------- stderr -------
    guests.csv: CSV, UTF-8, comma; 20 rows, 3 of which ask for a reset only; columns: user, new_email, message, cc, language, reset
    kept: department
    directory read in one sweep over all guests, in 21 requests
    "#
    );
    let plan = campaign.run("plan guests.csv --output json").exits(0).json();
    let written = campaign.read("contoso.tenant") + &campaign.read("contoso.tenant.csv");
    let written = written.to_lowercase();
    let sample = TenantSeed::sample();
    for person in sample.users.iter().chain(&sample.deleted_users) {
        let user = &person.user;
        let proxies = user.proxy_addresses.iter().filter_map(|proxy| proxy.split_once(':'));
        let names = [&user.id, &user.user_principal_name].into_iter().map(String::as_str);
        let names = names.chain(user.mail.as_deref()).chain(user.display_name.as_deref());
        let names = names.chain(user.other_mails.iter().map(String::as_str));
        for name in names.chain(proxies.map(|(_, address)| address)) {
            assert!(!written.contains(&name.to_lowercase()), "{name}");
        }
    }
    let copy = copy(&campaign, "contoso.tenant");
    copy.write("covered.csv", &campaign.read("contoso.tenant.csv"));
    let again = copy.run("plan covered.csv --output json").exits(0).json();
    assert_eq!(decisions(&again), decisions(&plan));
    // Nobody keeps the key: another copy has other names.
    let first = campaign.read("contoso.tenant.csv");
    campaign.run("snapshot guests.csv --out contoso.tenant --pseudonymise --force").exits(0);
    assert_ne!(campaign.read("contoso.tenant.csv"), first);
}

#[test]
fn what_could_not_be_read_is_told_and_can_t_be_read_from_the_copy_either() {
    let mut seed = TenantSeed::sample();
    seed.applications[0].roles.retain(|role| role.starts_with("User."));
    let campaign = Campaign::with(seed, Options::default());
    snapshot!(campaign.run("snapshot --out contoso.tenant"), @"
    contoso.tenant: the tenant with 232 guests, 3 members, 2 other holders of addresses, 0 role holders
    ------- stderr -------
    directory read in one sweep over all guests, in 11 requests
    warning: the organization can't be read (new addresses in the tenant's own domains); Directory.Read.All shows it
    warning: who may invite can't be read (whether invitations are allowed); Policy.Read.All shows it
    warning: cross-tenant access settings can't be read (accounts that another tenant synchronises); Policy.Read.All shows it
    warning: the list of domains that may be invited can't be read (domains that may not be invited); Policy.Read.B2BManagementPolicy shows it
    warning: role assignments can't be read (guests that hold a role); RoleManagement.Read.Directory shows it
    warning: roles that can be activated can't be read (guests that may activate a role); RoleManagement.Read.Directory shows it
    without a manifest, nobody who holds a new address is in it
    next: reinvite emulate --tenant contoso.tenant
    ");
    let unseen = |campaign: &Campaign| {
        let plan = campaign.run("plan guests.csv --output json").exits(0).json();
        decisions(&plan)
    };
    campaign.run("snapshot guests.csv --out whole.tenant").exits(0);
    let copy = copy(&campaign, "whole.tenant");
    assert_eq!(unseen(&copy), unseen(&campaign));
    snapshot!(campaign.run("snapshot guests.csv --out contoso.tenant"), @"
    ------- stderr -------
    error: `contoso.tenant` is there already, and may have been worked on
      hint: name another file, or replace this one with --force
    ------- exit 2 -------
    ");
    snapshot!(campaign.run("snapshot guests.csv --out guests.csv --force"), @"
    ------- stderr -------
    error: guests.csv can't be written: it is read
      hint: name another file
    ------- exit 2 -------
    ");
}
