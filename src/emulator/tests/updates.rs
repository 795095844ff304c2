//! Changing users.

use http::Method;
use serde_json::{Value, json};

use super::caller::{one_guest, start, tenant};
use crate::emulator::{Contact, Group, Options, Person, TenantSeed, guest};
use crate::graph::wire::RoleAssignment;

#[tokio::test]
async fn a_new_mail_becomes_the_primary_address() {
    let (emulator, caller) = one_guest(Options::default());
    let answer = caller.patch("A1", json!({ "mail": "New@fabrikam.example" })).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    let user = emulator.user("A1").unwrap();
    assert_eq!(user.mail.as_deref(), Some("New@fabrikam.example"));
    assert_eq!(user.proxy_addresses, ["SMTP:New@fabrikam.example", "smtp:old@northwind.example"]);
    assert_eq!(user.user_principal_name, "old_northwind.example#EXT#@contoso.onmicrosoft.com");
    let ledger = emulator.ledger();
    let patch = ledger.patches_of("a1")[0];
    assert_eq!(patch.before.mail.as_deref(), Some("old@northwind.example"));
    assert_eq!(patch.after.mail.as_deref(), Some("New@fabrikam.example"));
}

#[tokio::test]
async fn a_primary_address_with_the_external_upn_stays() {
    let mut person = guest("A1", "old@northwind.example");
    person.user.proxy_addresses =
        vec!["SMTP:old_northwind.example#EXT#@contoso.onmicrosoft.com".into()];
    let (emulator, caller) = tenant(vec![person], Options::default());
    caller.patch("A1", json!({ "mail": "new@fabrikam.example" })).await;
    assert_eq!(
        emulator.user("A1").unwrap().proxy_addresses,
        ["SMTP:old_northwind.example#EXT#@contoso.onmicrosoft.com", "smtp:new@fabrikam.example"]
    );
}

#[tokio::test]
async fn bodies_that_graph_would_not_take_change_nothing() {
    let (emulator, caller) = one_guest(Options::default());
    let too_many = vec!["a@b.example"; 251];
    let table: [(Value, &str); 9] = [
        (json!({ "mail": null }), "Request_BadRequest"),
        (json!({ "mail": "jürgen@fabrikam.example" }), "Request_BadRequest"),
        (json!({ "mail": "nobody" }), "Request_BadRequest"),
        (json!({ "mail": 1 }), "Request_BadRequest"),
        (json!({ "otherMails": ["é@fabrikam.example"] }), "Request_BadRequest"),
        (json!({ "otherMails": too_many }), "Request_BadRequest"),
        (json!({ "proxyAddresses": [] }), "Request_BadRequest"),
        (json!({ "email": "a@b.example" }), "BadRequest"),
        (json!([]), "BadRequest"),
    ];
    for (body, code) in table {
        let answer = caller.patch("A1", body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, code), "{body}");
    }
    let untyped = caller.send(Method::PATCH, "/users/A1", &[], None).await;
    assert_eq!(untyped.status, 400);
    assert!(emulator.ledger().writes.is_empty());
}

/// A guest that differs from the usual one.
fn changed(change: fn(&mut Person)) -> Person {
    let mut person = guest("A1", "old@northwind.example");
    change(&mut person);
    person
}

#[tokio::test]
async fn users_that_are_owned_elsewhere_cannot_be_changed() {
    let table = [
        (
            changed(|person| person.user.on_premises_sync_enabled = Some(true)),
            (400, "Request_BadRequest"),
            "Unable to update the specified properties for on-premises mastered Directory Sync \
             objects or objects currently undergoing migration.",
        ),
        (
            changed(|person| {
                person.user.on_premises_sync_enabled = Some(false);
                person.user.on_premises_immutable_id = Some("x".into());
            }),
            (400, "Request_BadRequest"),
            "Unable to update the specified properties for objects that have originated within an \
             external service.",
        ),
        (
            changed(|person| person.user.is_management_restricted = Some(true)),
            (403, "Authorization_RequestDenied"),
            "Insufficient privileges to complete the operation.",
        ),
        (
            changed(|person| person.user.id = "B2".into()),
            (404, "Request_ResourceNotFound"),
            "Resource 'A1' does not exist or one of its queried reference-property objects are not \
             present.",
        ),
    ];
    for (person, expected, message) in table {
        let (emulator, caller) = tenant(vec![person], Options::default());
        let answer = caller.patch("A1", json!({ "mail": "new@fabrikam.example" })).await;
        assert_eq!((answer.status.as_u16(), answer.code()), expected);
        assert_eq!(answer.message(), message);
        assert!(emulator.ledger().writes.is_empty());
    }
}

#[tokio::test]
async fn an_address_is_held_once_in_the_whole_directory() {
    let proxy = |address: &str| vec![format!("smtp:{address}")];
    let seed = TenantSeed {
        users: vec![guest("A1", "old@northwind.example"), guest("B2", "user@fabrikam.example")],
        deleted_users: vec![guest("D4", "deleted@fabrikam.example")],
        groups: vec![Group {
            id: "G1".into(),
            proxy_addresses: proxy("group@fabrikam.example"),
            ..Group::default()
        }],
        contacts: vec![Contact {
            id: "C3".into(),
            proxy_addresses: proxy("contact@fabrikam.example"),
            ..Contact::default()
        }],
        ..TenantSeed::empty()
    };
    let (emulator, caller) = start(seed, Options::default());
    for name in ["user", "deleted", "group", "contact"] {
        let address = format!("{}@Fabrikam.example", name.to_uppercase());
        let body = json!({ "mail": address, "otherMails": [address] });
        let answer = caller.patch("A1", body).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "Request_BadRequest"), "{name}");
        assert_eq!(
            answer.message(),
            "Another object with the same value for property proxyAddresses already exists."
        );
        let details = &answer.json["error"]["details"];
        assert_eq!(details[0]["code"], "ObjectConflict");
        assert_eq!(details[0]["target"], "proxyAddresses");
        assert_eq!(details[1]["code"], "ConflictingObjects");
    }
    assert!(emulator.ledger().writes.is_empty());
    assert!(emulator.user("A1").unwrap().other_mails.is_empty());
    // One's own address is no conflict, and a freed one is free.
    assert_eq!(caller.patch("A1", json!({ "mail": "OLD@northwind.example" })).await.status, 204);
    emulator.edit("B2", |user| user.proxy_addresses.clear());
    assert_eq!(caller.patch("A1", json!({ "mail": "user@fabrikam.example" })).await.status, 204);
}

#[tokio::test]
async fn other_mails_of_the_privileged_are_protected_and_mail_is_not() {
    let seed = |is_privileged: bool| {
        let mut seed = TenantSeed {
            users: vec![guest("A1", "a@northwind.example"), guest("B2", "b@northwind.example")],
            groups: vec![Group {
                id: "G1".into(),
                is_assignable_to_role: true,
                members: vec!["B2".into()],
                ..Group::default()
            }],
            role_assignments: vec![RoleAssignment {
                principal_id: "A1".into(),
                ..RoleAssignment::default()
            }],
            ..TenantSeed::empty()
        };
        seed.applications[0].is_privileged = is_privileged;
        seed
    };
    for id in ["A1", "B2"] {
        let body = json!({ "otherMails": ["x@fabrikam.example"] });
        let (_, caller) = start(seed(false), Options::default());
        let answer = caller.patch(id, body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (403, "Authorization_RequestDenied"));
        let mail = json!({ "mail": format!("{id}@fabrikam.example") });
        assert_eq!(caller.patch(id, mail).await.status, 204);
        let (_, caller) = start(seed(true), Options::default());
        assert_eq!(caller.patch(id, body).await.status, 204);
    }
}

#[tokio::test]
async fn each_permission_permits_what_it_says() {
    let (mail, other) = (json!({ "mail": "x@fabrikam.example" }), json!({ "otherMails": [] }));
    for (permission, changes_mail, changes_other) in [
        ("User.ReadWrite.All", 204, 204),
        ("User.ReadUpdate.All", 204, 204),
        ("Directory.ReadWrite.All", 204, 204),
        ("User-Mail.ReadWrite.All", 403, 204),
        ("User.Invite.All", 403, 403),
        ("User.Read.All", 403, 403),
    ] {
        let mut seed =
            TenantSeed { users: vec![guest("A1", "a@n.example")], ..TenantSeed::empty() };
        seed.applications[0].roles = vec![permission.into()];
        let (_, caller) = start(seed, Options::default());
        assert_eq!(caller.patch("A1", mail.clone()).await.status, changes_mail, "{permission}");
        assert_eq!(caller.patch("A1", other.clone()).await.status, changes_other, "{permission}");
    }
}
