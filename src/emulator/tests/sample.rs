//! The sample tenant and its manifest hold what the demonstration promises.

use std::collections::HashSet;

use csv::StringRecord;

use super::caller::start;
use crate::domain::{Email, GuestRef, Language, RedirectUrl};
use crate::emulator::{Options, TenantSeed};
use crate::graph::wire::User;

const MANIFEST: &str = include_str!("../../../samples/contoso.csv");

/// A row and the users it may mean.
struct Case {
    row: StringRecord,
    users: Vec<User>,
}

fn cases(seed: &TenantSeed) -> Vec<Case> {
    let mut reader = csv::Reader::from_reader(MANIFEST.as_bytes());
    let rows: Vec<StringRecord> = reader.records().map(Result::unwrap).collect();
    rows.into_iter()
        .map(|row| {
            let named = |user: &User| {
                let mut names = std::iter::once(&user.id)
                    .chain([&user.user_principal_name])
                    .chain(&user.mail)
                    .chain(&user.other_mails);
                names.any(|name| name.eq_ignore_ascii_case(&row[0]))
            };
            let users = seed.users.iter().map(|person| &person.user);
            let users = users.filter(|user| named(user)).cloned().collect();
            Case { row, users }
        })
        .collect()
}

#[test]
fn the_manifest_is_valid() {
    let mut reader = csv::Reader::from_reader(MANIFEST.as_bytes());
    let headers = reader.headers().unwrap().clone();
    assert_eq!(
        headers.iter().collect::<Vec<_>>(),
        ["user", "new_email", "message", "cc", "language", "redirect_url", "reset", "department"]
    );
    let (mut users, mut addresses) = (HashSet::new(), HashSet::new());
    let mut optional = [0; 5];
    for row in reader.records().map(Result::unwrap) {
        assert!(users.insert(GuestRef::parse(&row[0]).folded()), "{row:?}");
        if !row[1].is_empty() {
            assert!(addresses.insert(Email::parse(&row[1]).unwrap().folded()), "{row:?}");
        }
        let cells = [
            row[2].is_empty(),
            row[3].is_empty() || Email::parse(&row[3]).is_err(),
            row[4].is_empty() || Language::parse(&row[4]).is_err(),
            row[5].is_empty() || RedirectUrl::parse(&row[5]).is_err(),
            &row[6] != "always",
        ];
        for (count, is_missing) in optional.iter_mut().zip(cells) {
            *count += usize::from(!is_missing);
        }
        assert!((3..=6).all(|n| row[n].is_empty() == cells[n - 2]), "{row:?}");
    }
    assert!(optional.iter().all(|count| *count > 0), "{optional:?}");
    assert!((180..=240).contains(&users.len()));
}

#[test]
fn the_manifest_meets_every_kind_of_guest() {
    let seed = TenantSeed::sample();
    let cases = cases(&seed);
    let holders: HashSet<&str> =
        seed.role_assignments.iter().map(|assignment| assignment.principal_id.as_str()).collect();
    let eligible = seed.role_eligibilities.iter().flatten();
    let eligible: HashSet<&str> = eligible.map(|role| role.principal_id.as_str()).collect();
    let through_group: HashSet<&str> = seed
        .groups
        .iter()
        .filter(|group| holders.contains(group.id.as_str()))
        .flat_map(|group| group.members.iter().map(String::as_str))
        .collect();
    let taken = |proxies: &[String], address: &str| {
        proxies.iter().any(|proxy| proxy.eq_ignore_ascii_case(&format!("smtp:{address}")))
    };
    let other_user_has = |user: &User, address: &str, kind: &str| {
        seed.users.iter().any(|person| {
            person.user.id != user.id
                && person.user.user_type.as_deref() == Some(kind)
                && taken(&person.user.proxy_addresses, address)
        })
    };
    let single = |test: &dyn Fn(&User, &str) -> bool| {
        cases
            .iter()
            .filter(|case| matches!(case.users.as_slice(), [user] if test(user, &case.row[1])))
            .count()
    };
    let external = |user: &User| user.user_principal_name.contains("#EXT#");
    let is = |user: &User, kind: &str| user.user_type.as_deref() == Some(kind);
    let counts = [
        ("not found", 2, cases.iter().filter(|case| case.users.is_empty()).count()),
        ("ambiguous", 2, cases.iter().filter(|case| case.users.len() == 2).count()),
        ("reset only", 4, single(&|_, address| address.is_empty())),
        ("own domain", 2, single(&|_, address| address.ends_with("@contoso.example"))),
        (
            "pending",
            6,
            single(&|user, _| user.external_user_state.as_deref() == Some("PendingAcceptance")),
        ),
        ("external member", 4, single(&|user, _| is(user, "Member") && external(user))),
        ("internal guest", 3, single(&|user, _| is(user, "Guest") && !external(user))),
        ("member by mistake", 2, single(&|user, _| is(user, "Member") && !external(user))),
        ("role holder", 2, single(&|user, _| holders.contains(user.id.as_str()))),
        ("role through group", 2, single(&|user, _| through_group.contains(user.id.as_str()))),
        ("synced", 2, single(&|user, _| user.on_premises_sync_enabled == Some(true))),
        (
            "formerly synced",
            2,
            single(&|user, _| {
                user.on_premises_sync_enabled == Some(false)
                    && user.on_premises_immutable_id.is_some()
            }),
        ),
        ("restricted", 2, single(&|user, _| user.is_management_restricted == Some(true))),
        ("disabled", 2, single(&|user, _| user.account_enabled == Some(false))),
        ("taken by a guest", 2, single(&|user, to| other_user_has(user, to, "Guest"))),
        ("taken by a member", 1, single(&|user, to| other_user_has(user, to, "Member"))),
        (
            "taken by a deleted user",
            2,
            single(&|_, to| {
                seed.deleted_users.iter().any(|person| taken(&person.user.proxy_addresses, to))
            }),
        ),
        (
            "taken by a contact",
            1,
            single(&|_, to| {
                seed.contacts.iter().any(|contact| taken(&contact.proxy_addresses, to))
            }),
        ),
        (
            "taken by a group",
            1,
            single(&|_, to| seed.groups.iter().any(|group| taken(&group.proxy_addresses, to))),
        ),
        ("in a blocked domain", 1, single(&|_, to| to.ends_with("@webmail.example"))),
        ("may activate a role", 1, single(&|user, _| eligible.contains(user.id.as_str()))),
        ("without mail", 2, single(&|user, _| user.mail.is_none())),
        (
            "already moved",
            3,
            single(&|user, to| {
                user.mail.as_deref().is_some_and(|mail| mail.eq_ignore_ascii_case(to))
            }),
        ),
        ("apostrophe", 3, single(&|user, _| user.user_principal_name.contains('\''))),
        ("plus", 3, single(&|user, _| user.user_principal_name.contains('+'))),
    ];
    for (kind, expected, found) in counts {
        assert_eq!(found, expected, "{kind}");
    }
    assert!((250..=280).contains(&seed.users.len()));
}

#[tokio::test]
async fn the_sample_tenant_starts_and_survives_a_round_trip() {
    let seed = TenantSeed::sample();
    let again = TenantSeed::from_json(&serde_json::to_string(&seed).unwrap()).unwrap();
    assert_eq!(seed.users, again.users);
    let (emulator, caller) = start(seed, Options::default());
    assert_eq!(emulator.users().len(), again.users.len());
    let page = caller.get("/users?$filter=userType%20eq%20'Guest'&$select=id&$top=999").await;
    assert!(page.json["value"].as_array().unwrap().len() > 200);
}

#[test]
fn ids_and_names_and_addresses_are_unique_where_entra_wants_them_so() {
    let seed = TenantSeed::sample();
    let everyone = seed.users.iter().chain(&seed.deleted_users).map(|person| &person.user);
    let (mut ids, mut upns, mut proxies) = (HashSet::new(), HashSet::new(), HashSet::new());
    for user in everyone {
        assert!(ids.insert(&user.id));
        for proxy in &user.proxy_addresses {
            assert!(proxies.insert(proxy.to_lowercase()), "{proxy}");
        }
    }
    for person in &seed.users {
        assert!(upns.insert(person.user.user_principal_name.to_lowercase()));
    }
}
