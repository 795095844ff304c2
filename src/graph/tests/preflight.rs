//! What a survey reads besides guests: contacts and groups that hold addresses, roles
//! that can be activated, policies; and that it does without all of it.

use super::*;
use crate::domain::{
    Email, GuestRef, HolderKind, InvitedDomains, InvitesFrom, RoleHolding, UserId,
};
use crate::emulator::{Action, AllowInvitesFrom, Canned, Contact, Fault, Group, Matcher};
use crate::graph::{Survey, Wanted, wire};

const CONTACT: &str = "c0c70000-0000-4000-8000-000000000001";
const GROUP: &str = "60600000-0000-4000-8000-000000000001";

async fn survey(rig: &Rig, addresses: &[&str]) -> Survey {
    let wanted = Wanted {
        references: vec![GuestRef::parse("guest1@fabrikam.example")],
        addresses: addresses.iter().map(|text| text.parse::<Email>().unwrap()).collect(),
        ..Wanted::default()
    };
    rig.graph.survey(&wanted, Caller::AppOnly).await.unwrap()
}

/// A tenant with a contact and a group that hold addresses, among many that don't.
fn with_recipients(contacts: u32) -> TenantSeed {
    let mut seed = TenantSeed::with_guests(3);
    let many = (1..contacts).map(|n| Contact {
        id: format!("{n:08x}-0000-4000-8000-0000000c0c07"),
        mail: Some(format!("contact{n}@tailspin.example")),
        ..Contact::default()
    });
    seed.contacts = many.collect();
    seed.contacts.push(Contact {
        id: CONTACT.into(),
        display_name: Some("Isaac (Northwind)".into()),
        mail: Some("Isaac@northwind.example".into()),
        proxy_addresses: vec!["smtp:o'isaac@northwind.example".into()],
    });
    seed.groups = vec![Group {
        id: GROUP.into(),
        display_name: Some("Desk".into()),
        mail: Some("desk@contoso.example".into()),
        proxy_addresses: vec![
            "SMTP:desk@contoso.example".into(),
            "smtp:desk@northwind.example".into(),
        ],
        ..Group::default()
    }];
    seed
}

#[tokio::test(start_paused = true)]
async fn contacts_and_groups_that_hold_a_new_address_are_found_in_two_requests() {
    let rig = Rig::new(with_recipients(5), Options::default());
    let addresses =
        ["isaac@northwind.example", "O'Isaac@northwind.example", "desk@northwind.example"];
    let before = survey(&rig, &[]).await.requests;
    let survey = survey(&rig, &addresses).await;
    // Members with these addresses are asked for with those that hold the guest's. Whether
    // the people of their domains can redeem is a third.
    assert_eq!(survey.requests - before, 3);
    let holder = |address: &str| {
        let holder = survey.directory.other_holder(&address.parse().unwrap())?;
        Some((holder.kind, holder.id.to_string(), holder.name.to_string()))
    };
    let contact = Some((HolderKind::Contact, CONTACT.into(), "Isaac (Northwind)".into()));
    assert_eq!(holder(addresses[0]), contact);
    assert_eq!(holder(addresses[1]), contact);
    assert_eq!(holder(addresses[2]), Some((HolderKind::Group, GROUP.into(), "Desk".into())));
    assert_eq!(holder("desk@contoso.example"), None, "nobody asked");
}

#[tokio::test(start_paused = true)]
async fn many_addresses_are_found_in_one_sweep_unless_there_are_more_contacts_still() {
    let addresses = |n: u32| -> Vec<String> {
        let many = (1..n).map(|n| format!("new{n}@northwind.example"));
        many.chain(["isaac@northwind.example".to_owned()]).collect()
    };
    for (contacts, rows, requests) in [
        // A few are looked up, 140 in a batch.
        (3_000, 140, 1),
        // Counted, then page by page.
        (3_000, 141, 1 + 4),
        (3_000, 20_000, 1 + 4),
        // Counted, then looked up: 21 filters in two batches.
        (30_000, 141, 1 + 2),
    ] {
        let rig = Rig::new(with_recipients(contacts), Options::default());
        let addresses = addresses(rows);
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        let survey = survey(&rig, &addresses).await;
        let isaac = survey.directory.other_holder(&"isaac@northwind.example".parse().unwrap());
        assert_eq!(isaac.unwrap().kind, HolderKind::Contact, "{rows} of {contacts}");
        // The groups are looked up in one batch, or counted and read as one page.
        let groups = if rows > 140 { 2 } else { 1 };
        let ledger = rig.emulator.ledger();
        let batches = ledger.requests_to("/$batch").len();
        let single = |path: &str| {
            let requests = ledger.requests_to(path);
            requests.iter().filter(|request| !request.in_batch).count()
        };
        // One batch asks for members that hold the guest's address, one about the new domain.
        let sent = batches - 2 + single("/contacts") + single("/groups");
        assert_eq!(sent, requests + groups, "{rows} of {contacts}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_may_activate_a_role_is_known_where_that_is_licensed() {
    let mut seed = TenantSeed::with_guests(3);
    let eligible = |principal: &str| wire::RoleAssignment {
        principal_id: principal.to_owned(),
        ..wire::RoleAssignment::default()
    };
    seed.groups = vec![Group {
        id: GROUP.into(),
        display_name: Some("Admins".into()),
        members: vec![TenantSeed::guest_id(2)],
        ..Group::default()
    }];
    let unlicensed = Rig::new(seed.clone(), Options::default());
    let directory = survey(&unlicensed, &[]).await.directory;
    assert!(directory.eligible.is_empty());
    assert!(directory.unreadable.is_empty(), "{:?}", directory.unreadable);

    seed.role_eligibilities = Some(vec![eligible(&TenantSeed::guest_id(1)), eligible(GROUP)]);
    let rig = Rig::new(seed, Options::default());
    let directory = survey(&rig, &[]).await.directory;
    let holding = |n| directory.eligible.get(&UserId::parse(&TenantSeed::guest_id(n)).unwrap());
    assert_eq!(holding(1), Some(&RoleHolding::Direct));
    assert_eq!(holding(2), Some(&RoleHolding::ThroughGroup("Admins".into())));
    assert_eq!(holding(3), None);
    assert_eq!(directory.role_holders.unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn members_and_owners_of_role_assignable_groups_are_known_where_it_matters() {
    let mut seed = TenantSeed::with_guests(3);
    let group = |id: &str, is_assignable_to_role| Group {
        id: id.into(),
        is_assignable_to_role,
        members: vec![TenantSeed::guest_id(1)],
        owners: vec![TenantSeed::guest_id(if is_assignable_to_role { 2 } else { 3 })],
        ..Group::default()
    };
    seed.groups = vec![group(GROUP, true), group(CONTACT, false)];
    let rig = Rig::new(seed, Options::default());
    let wanted = |writes_other_mails| Wanted { writes_other_mails, ..Wanted::default() };
    let directory = |survey: Survey| survey.directory;
    let of_mail = directory(rig.graph.survey(&wanted(false), Caller::AppOnly).await.unwrap());
    assert!(of_mail.protected.is_empty());
    assert_eq!(rig.sent(&Method::GET, "/groups"), 0);
    let of_other = directory(rig.graph.survey(&wanted(true), Caller::AppOnly).await.unwrap());
    let is_protected =
        |n| of_other.protected.contains_key(&UserId::parse(&TenantSeed::guest_id(n)).unwrap());
    assert_eq!([1, 2, 3].map(is_protected), [true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn the_policies_are_read() {
    let mut seed = TenantSeed::with_guests(1);
    seed.allow_invites_from = AllowInvitesFrom::AdminsAndGuestInviters;
    seed.b2b_policy = Some(serde_json::json!({ "B2BManagementPolicy": {
        "InvitationsAllowedAndBlockedDomainsPolicy": { "BlockedDomains": ["Tailspin.example"] },
    }}));
    seed.partners = serde_json::from_value(serde_json::json!([
        { "tenantId": "f1", "identitySynchronization": {
            "displayName": "Fabrikam", "userSyncInbound": { "isSyncAllowed": true } } },
        { "tenantId": "n1" },
    ]))
    .unwrap();
    let rig = Rig::new(seed, Options::default());
    let policies = survey(&rig, &[]).await.directory.tenant.policies;
    assert_eq!(policies.invites_from, Some(InvitesFrom::AdminsAndGuestInviters));
    assert_eq!(policies.domains, Some(InvitedDomains::AllBut(["tailspin.example".into()].into())));
    assert_eq!(policies.synchronising().collect::<Vec<_>>(), ["Fabrikam"]);
    assert_eq!(policies.partners.map(|partners| partners.len()), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_users_and_nothing_else_is_enough() {
    let script = |request: &Request<Bytes>| {
        let path = request.uri().path();
        let is_known = path.starts_with("/v1.0/users") && !path.ends_with("/$count");
        (!is_known)
            .then(|| Ok(answer(404, r#"{"error":{"code":"NotFound","message":"not here"}}"#)))
    };
    let rig = Rig::scripted(with_recipients(5), Options::default(), Box::new(script));
    let survey = survey(&rig, &["isaac@northwind.example"]).await;
    assert_eq!(survey.directory.users_named("guest1@fabrikam.example").len(), 1);
    let noted: Vec<_> = survey.directory.unreadable.iter().map(|u| u.what).collect();
    assert_eq!(
        noted,
        [
            "the organization",
            "who may invite",
            "cross-tenant access settings",
            "the list of domains that may be invited",
            "the default of the cross-tenant access settings",
            "whether codes by mail are on",
            "deleted users",
            "contacts",
            "groups",
            "role assignments",
            "roles that can be activated",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_beta_version_out_of_order_keeps_no_plan_from_being_made() {
    let script = |request: &Request<Bytes>| {
        request.uri().path().starts_with("/beta/").then(|| Ok(answer(500, "")))
    };
    let rig = Rig::scripted(TenantSeed::with_guests(1), Options::default(), Box::new(script));
    let directory = survey(&rig, &[]).await.directory;
    assert_eq!(directory.tenant.policies.domains, None);
    assert_eq!(directory.unreadable.len(), 1);
}

/// A tenant in which guest 1 holds a role, and guest 2 in a group that does; what these
/// lists say of their principals is put in by hand.
fn unexpanded(list: &'static str, principals: fn() -> serde_json::Value, eligible: bool) -> Rig {
    let mut seed = TenantSeed::with_guests(3);
    let holding = |principal: &str| wire::RoleAssignment {
        principal_id: principal.to_owned(),
        role_definition_id: "62e90394-69f5-4237-9190-012177145e10".to_owned(),
        ..wire::RoleAssignment::default()
    };
    seed.groups = vec![Group {
        id: GROUP.into(),
        members: vec![TenantSeed::guest_id(2)],
        ..Group::default()
    }];
    let holders = vec![holding(&TenantSeed::guest_id(1)), holding(GROUP)];
    if eligible {
        seed.role_eligibilities = Some(holders);
    } else {
        seed.role_assignments = holders;
    }
    let script = move |request: &Request<Bytes>| {
        let asked = request.uri().path().ends_with(list);
        asked.then(|| Ok(answer(200, &serde_json::json!({ "value": principals() }).to_string())))
    };
    Rig::scripted(seed, Options::default(), Box::new(script))
}

fn bare() -> serde_json::Value {
    serde_json::json!([
        { "principalId": TenantSeed::guest_id(1), "principal": null },
        { "principalId": GROUP, "principal": null },
    ])
}

#[tokio::test(start_paused = true)]
async fn a_principal_that_does_not_show_what_it_is_is_not_taken_for_nobody() {
    let rig = unexpanded("/roleAssignments", bare, false);
    let wanted = |n| Wanted {
        references: vec![GuestRef::parse(&TenantSeed::guest_id(n))],
        ..Wanted::default()
    };
    let holder = |n| UserId::parse(&TenantSeed::guest_id(n)).unwrap();
    for n in 1..=3 {
        let survey = rig.graph.survey(&wanted(n), Caller::AppOnly).await.unwrap();
        let holders = survey.directory.role_holders.unwrap();
        assert_eq!(holders.contains_key(&holder(n)), n < 3, "guest {n}: {holders:?}");
        assert!(survey.directory.unreadable.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_principal_of_which_nothing_can_be_read_is_told_of() {
    let path = format!("/users/{}/transitiveMemberOf", TenantSeed::guest_id(2));
    let denied = Matcher::new(Method::GET, &path).always();
    let seed = TenantSeed::with_guests(3);
    let script = |request: &Request<Bytes>| {
        let asked = request.uri().path().ends_with("/roleAssignments");
        asked.then(|| Ok(answer(200, &serde_json::json!({ "value": bare() }).to_string())))
    };
    let faults = vec![Fault::new(denied, Action::Answer(Canned::status(403)))];
    let rig = Rig::scripted(seed, Options { faults, ..Options::default() }, Box::new(script));
    let wanted =
        Wanted { references: vec![GuestRef::parse(&TenantSeed::guest_id(2))], ..Wanted::default() };
    let survey = rig.graph.survey(&wanted, Caller::AppOnly).await.unwrap();
    let noted: Vec<_> = survey.directory.unreadable.iter().map(|unread| unread.what).collect();
    assert_eq!(noted, ["whom some role assignments are for"]);
}

#[tokio::test(start_paused = true)]
async fn a_role_to_activate_that_does_not_show_whom_it_is_for_is_told_of() {
    let rig = unexpanded("/roleEligibilityScheduleInstances", bare, true);
    let survey = survey(&rig, &[]).await;
    let holder = UserId::parse(&TenantSeed::guest_id(1)).unwrap();
    assert!(survey.directory.eligible.contains_key(&holder));
    let noted: Vec<_> = survey.directory.unreadable.iter().map(|u| (u.what, &*u.why)).collect();
    let why = "1 of them do not show whom they are for";
    assert_eq!(noted, [("roles that can be activated", why)]);
}
