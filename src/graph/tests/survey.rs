//! Reading a tenant for a plan.

use super::*;
use crate::domain::{Email, GuestRef, HolderKind, RedemptionState, RoleHolding, UserId, UserType};
use crate::emulator::{Action, Canned, Fault, Group, Matcher, Person, guest};
use crate::graph::{CallError, Survey, Wanted, survey::Method as Read, wire};

/// More guests than a sweep reads in three pages.
const MANY: u32 = 3_000;

const ONEIL: &str = "o'neil+b2b@fabrikam.example";

fn oneil() -> Person {
    guest("0e110000-0000-4000-8000-000000000001", ONEIL)
}

fn member(id: &str, upn: &str, mail: &str) -> Person {
    Person::from(wire::User {
        id: id.into(),
        user_principal_name: upn.into(),
        mail: Some(mail.into()),
        proxy_addresses: vec![format!("SMTP:{mail}")],
        user_type: Some("Member".into()),
        account_enabled: Some(true),
        ..wire::User::default()
    })
}

fn wanted(references: &[&str], addresses: &[&str]) -> Wanted {
    Wanted {
        references: references.iter().map(|text| GuestRef::parse(text)).collect(),
        addresses: addresses.iter().map(|text| text.parse::<Email>().unwrap()).collect(),
        ..Wanted::default()
    }
}

fn seed(guests: u32, further: impl IntoIterator<Item = Person>) -> TenantSeed {
    let mut seed = TenantSeed::with_guests(guests);
    seed.users.extend(further);
    seed
}

async fn read(rig: &Rig, wanted: &Wanted) -> Result<Survey, CallError> {
    rig.graph.survey(wanted, Caller::AppOnly).await
}

#[tokio::test(start_paused = true)]
async fn what_costs_less_is_done() {
    for (guests, rows, expected) in
        [(MANY, 1, Read::LookUps), (MANY, 2, Read::Sweep), (20, 1, Read::Sweep)]
    {
        let rig = Rig::new(seed(guests, []), Options::default());
        let references: Vec<String> =
            (1..=rows).map(|n| format!("guest{n}@fabrikam.example")).collect();
        let references: Vec<&str> = references.iter().map(String::as_str).collect();
        let addresses = ["a@northwind.example", "b@northwind.example"];
        let survey = read(&rig, &wanted(&references, &addresses[..rows])).await.unwrap();
        assert_eq!(survey.method, expected, "{rows} of {guests}");
        assert_eq!(survey.directory.tenant.guests, Some(guests.into()));
        assert_eq!(survey.requests, rig.transport.sent.lock().unwrap().len() as u64);
        for reference in references {
            assert_eq!(survey.directory.users_named(reference).len(), 1, "{reference}");
        }
        let read = survey.directory.users().len();
        assert_eq!(read, if expected == Read::Sweep { guests as usize } else { rows });
    }
}

#[tokio::test(start_paused = true)]
async fn addresses_with_quotes_and_pluses_and_upns_with_hashes_are_found_either_way() {
    let upn = oneil().user.user_principal_name;
    assert!(upn.contains("#EXT#"));
    for (guests, method) in [(MANY, Read::LookUps), (5, Read::Sweep)] {
        for reference in [ONEIL, &ONEIL.to_uppercase(), &upn, &upn.to_lowercase()] {
            let rig = Rig::new(seed(guests, [oneil()]), Options::default());
            let survey = read(&rig, &wanted(&[reference], &["x@northwind.example"])).await.unwrap();
            assert_eq!(survey.method, method);
            let found = survey.directory.users_named(reference);
            assert_eq!(found.len(), 1, "{reference} by {method:?}");
            assert_eq!(found[0].mail.as_deref(), Some(ONEIL));
            assert_eq!(found[0].redemption.state, Some(RedemptionState::Accepted));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_holder_of_an_address_is_found() {
    let mut other = guest("0e110000-0000-4000-8000-000000000002", "other@fabrikam.example");
    other.user.other_mails = vec![ONEIL.to_owned()];
    for guests in [MANY, 5] {
        let rig = Rig::new(seed(guests, [oneil(), other.clone()]), Options::default());
        let survey = read(&rig, &wanted(&[ONEIL], &["x@northwind.example"])).await.unwrap();
        assert_eq!(survey.directory.users_named(ONEIL).len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn members_are_found_by_name_by_id_and_when_they_are_external() {
    let bob = "b0b00000-0000-4000-8000-000000000001";
    let eve = "e0e00000-0000-4000-8000-000000000001";
    let mut external = guest(eve, "eve@fabrikam.example");
    external.user.user_type = Some("Member".into());
    let people = [member(bob, "bob@contoso.example", "bob@contoso.example"), external];
    for guests in [MANY, 5] {
        for (reference, id) in
            [("bob@contoso.example", bob), (bob, bob), ("eve@fabrikam.example", eve), (eve, eve)]
        {
            let rig = Rig::new(seed(guests, people.clone()), Options::default());
            let survey = read(&rig, &wanted(&[reference], &["x@northwind.example"])).await.unwrap();
            let user = survey.directory.user(UserId::parse(id).unwrap()).unwrap();
            assert_eq!(user.user_type, UserType::Member);
            assert_eq!(user.is_external(), id == eve);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_holds_a_new_address_is_found_whatever_it_is() {
    let mut seed = seed(
        5,
        [member(
            "b0b00000-0000-4000-8000-000000000001",
            "bob@contoso.example",
            "bob@northwind.example",
        )],
    );
    seed.deleted_users =
        vec![guest("de1e0000-0000-4000-8000-000000000001", "gone@northwind.example")];
    // One domain for two addresses, and one for each.
    for addresses in
        [&["bob@northwind.example", "gone@northwind.example"][..], &["Bob@northwind.example"]]
    {
        let rig = Rig::new(seed.clone(), Options::default());
        let survey = read(&rig, &wanted(&["guest1@fabrikam.example"], addresses)).await.unwrap();
        assert_eq!(survey.directory.users_named("bob@northwind.example").len(), 1);
        let gone = survey.directory.other_holder(&"Gone@northwind.example".parse().unwrap());
        assert_eq!(gone.unwrap().kind, HolderKind::DeletedUser);
        assert!(survey.directory.unreadable.is_empty(), "{:?}", survey.directory.unreadable);
    }
}

#[tokio::test(start_paused = true)]
async fn role_holders_are_found_directly_and_through_groups() {
    let group = "60600000-0000-4000-8000-000000000001";
    let mut seed = seed(3, []);
    let assignment = |principal: &str| wire::RoleAssignment {
        principal_id: principal.to_owned(),
        ..wire::RoleAssignment::default()
    };
    seed.groups = vec![Group {
        id: group.into(),
        display_name: Some("Admins".into()),
        is_assignable_to_role: true,
        members: vec![TenantSeed::guest_id(2)],
        ..Group::default()
    }];
    seed.role_assignments = vec![assignment(&TenantSeed::guest_id(1)), assignment(group)];
    let rig = Rig::new(seed, Options::default());
    let wanted = wanted(&["guest1@fabrikam.example"], &[]);
    let roles = read(&rig, &wanted).await.unwrap().directory.role_holders.unwrap();
    let holding = |n| roles.get(&UserId::parse(&TenantSeed::guest_id(n)).unwrap());
    assert_eq!(holding(1), Some(&RoleHolding::Direct));
    assert_eq!(holding(2), Some(&RoleHolding::ThroughGroup("Admins".into())));
    assert_eq!(holding(3), None);
    // A signed-in administrator can reset role holders, so nobody asks.
    let survey = rig.graph.survey(&wanted, Caller::Delegated).await.unwrap();
    assert_eq!(survey.directory.role_holders, None);
    assert_eq!(rig.sent(&Method::GET, "/roleManagement"), 2);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_is_noted_and_only_the_guests_are_indispensable() {
    let denied = |path: &str| {
        let matcher = Matcher::new(Method::GET, path).always();
        Fault::new(matcher, Action::Answer(Canned::status(403)))
    };
    for (path, what) in [
        ("/organization", "the organization"),
        ("/directory/deletedItems", "deleted users"),
        ("/roleManagement/directory/roleAssignments", "role assignments"),
        ("/roleManagement/directory/roleEligibility", "roles that can be activated"),
        ("/contacts", "contacts"),
        ("/groups", "groups"),
        ("/policies/authorizationPolicy", "who may invite"),
        ("/policies/crossTenantAccessPolicy/partners", "cross-tenant access settings"),
        (
            "/policies/crossTenantAccessPolicy/default",
            "the default of the cross-tenant access settings",
        ),
        ("/policies/authenticationMethodsPolicy", "whether codes by mail are on"),
        ("/tenantRelationships", "the Entra tenants of the new domains"),
        ("/beta/policies", "the list of domains that may be invited"),
    ] {
        let options = Options { faults: vec![denied(path)], ..Options::default() };
        let rig = Rig::new(seed(3, []), options);
        let wanted = wanted(&["guest1@fabrikam.example"], &["a@northwind.example"]);
        let survey = read(&rig, &wanted).await.unwrap();
        let noted: Vec<_> = survey.directory.unreadable.iter().map(|u| u.what).collect();
        assert_eq!(noted, [what]);
        assert!(survey.directory.unreadable[0].why.contains("403"));
        assert_eq!(survey.directory.users_named("guest1@fabrikam.example").len(), 1);
        assert_eq!(survey.directory.role_holders.is_none(), what == "role assignments");
    }
    let options = Options { faults: vec![denied("/users")], ..Options::default() };
    let rig = Rig::new(seed(3, []), options);
    let refused = read(&rig, &wanted(&["guest1@fabrikam.example"], &[])).await.unwrap_err();
    assert!(matches!(refused, CallError::Refused { .. }), "{refused:?}");
}

/// A tenant whose first page of guests names this as the next.
fn paging_to(link: &'static str) -> Rig {
    let script = move |request: &Request<Bytes>| {
        let uri = request.uri();
        let sweep = uri.path() == "/v1.0/users" && uri.to_string().contains("top=999");
        sweep.then(|| {
            let page = serde_json::json!({ "value": [], "@odata.nextLink": link });
            Ok(answer(200, &page.to_string()))
        })
    };
    Rig::scripted(seed(3, []), Options::default(), Box::new(script))
}

#[tokio::test(start_paused = true)]
async fn a_next_page_on_another_origin_is_refused_and_never_asked_for() {
    for link in [
        "https://emulator.test/v1.0/users?$top=999",
        "http://emulator.test:8080/v1.0/users?$top=999",
        "http://emulator.test.evil.example/v1.0/users?$top=999",
        "http://emulator.test@evil.example/v1.0/users?$top=999",
        "http://user@emulator.test/v1.0/users?$top=999",
        "//evil.example/v1.0/users",
        "/v1.0/users?$top=999",
        "not a link",
        "",
    ] {
        let rig = paging_to(link);
        let error = read(&rig, &wanted(&["guest1@fabrikam.example"], &[])).await.unwrap_err();
        assert!(matches!(error, CallError::Protocol(_)), "{link}: {error:?}");
        let root: Url = ROOT.parse().unwrap();
        for (_, url) in rig.transport.sent.lock().unwrap().iter() {
            assert_eq!((url.origin(), url.username()), (root.origin(), ""), "{link}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn pages_in_a_circle_end() {
    let rig = paging_to("http://emulator.test/v1.0/users?$top=999&$skiptoken=1");
    let error = read(&rig, &wanted(&["guest1@fabrikam.example"], &[])).await.unwrap_err();
    assert!(error.to_string().contains("circle"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn guests_of_earlier_runs_are_read_and_deleted_ones_are_no_trouble() {
    let rig = Rig::new(seed(MANY, []), Options::default());
    let known = |id: &str| UserId::parse(id).unwrap();
    let gone = known("de1e0000-0000-4000-8000-00000000dead");
    let wanted = Wanted { known: vec![known(&TenantSeed::guest_id(7)), gone], ..Wanted::default() };
    let survey = read(&rig, &wanted).await.unwrap();
    assert_eq!(survey.method, Read::LookUps);
    assert!(survey.directory.user(wanted.known[0]).is_some());
    assert!(survey.directory.user(gone).is_none());
}

#[tokio::test(start_paused = true)]
async fn pages_without_end_end() {
    let sweep = Matcher::new(Method::GET, "/users").nth(2).always();
    let options =
        Options { faults: vec![Fault::new(sweep, Action::OneMorePage)], ..Options::default() };
    let rig = Rig::new(seed(3, []), Options { log_requests: false, ..options });
    let endless = read(&rig, &wanted(&["guest1@fabrikam.example"], &[])).await.unwrap_err();
    let said = "the pages of /v1.0/users have no end: more than 10,000";
    assert!(endless.to_string().contains(said), "{endless}");
    assert_eq!(rig.sent(&Method::GET, "/users") / 1_000, 10);
}
