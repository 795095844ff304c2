//! Memberships, apps and sites.

use http::Method;

use super::caller::{TestCaller, start};
use crate::emulator::{App, Emulator, Group, Options, TenantSeed, guest};
use crate::graph::wire::{
    AppRoleAssignment, ClaimsMappingPolicy, DirectoryObject, OptionalClaims, RoleAssignment,
    ServicePrincipal,
};

/// A guest in a team within a group, with a role, an app of its own and one of each of these.
fn seed() -> TenantSeed {
    let group = |id: &str, member: &str| Group {
        id: id.into(),
        display_name: Some(id.to_uppercase()),
        members: vec![member.into()],
        ..Group::default()
    };
    let team = Group {
        group_types: vec!["Unified".into()],
        resource_provisioning_options: vec!["Team".into()],
        site_url: Some("https://contoso.example/sites/team".into()),
        ..group("team", "A1")
    };
    let app = |id: &str, registration| App {
        principal: ServicePrincipal {
            id: id.into(),
            app_id: Some(format!("{id}-client")),
            ..ServicePrincipal::default()
        },
        owners: vec!["A1".into()],
        registration,
    };
    let assignment = |principal_id: &str, resource_id: &str| AppRoleAssignment {
        principal_id: principal_id.into(),
        resource_id: resource_id.into(),
        ..AppRoleAssignment::default()
    };
    let mut seed = TenantSeed {
        users: vec![guest("A1", "ada@northwind.example")],
        groups: vec![team, group("outer", "team")],
        role_assignments: vec![RoleAssignment {
            principal_id: "outer".into(),
            role_definition_id: "f2ef992c-3afb-46b9-b7cf-a126ee74c451".into(),
            ..RoleAssignment::default()
        }],
        ..TenantSeed::empty()
    };
    seed.apps.service_principals =
        vec![app("own", Some(OptionalClaims::default())), app("x", None)];
    seed.apps.assignments =
        vec![assignment("a1", "own"), assignment("team", "x"), assignment("outer", "never")];
    let principal = |n| DirectoryObject { id: format!("sp{n}"), ..DirectoryObject::default() };
    seed.apps.claims_mapping_policies = vec![ClaimsMappingPolicy {
        id: "policy".into(),
        applies_to: Some((0..25).map(principal).collect()),
        ..ClaimsMappingPolicy::default()
    }];
    seed
}

fn with_roles(roles: &[&str]) -> (Emulator, TestCaller) {
    let mut seed = seed();
    seed.applications[0].roles = roles.iter().map(|&role| role.into()).collect();
    start(seed, Options::default())
}

fn names(list: &serde_json::Value, key: &str) -> Vec<String> {
    let list = list["value"].as_array().unwrap().iter();
    list.map(|item| item[key].as_str().unwrap_or("-").to_owned()).collect()
}

#[tokio::test]
async fn memberships_are_of_groups_in_groups_and_of_roles() {
    let (_, caller) = start(seed(), Options::default());
    let list = caller.get("/users/A1/transitiveMemberOf?$select=id,displayName").await.json;
    assert_eq!(names(&list, "displayName"), ["OUTER", "TEAM", "Global Reader"]);
    let kinds = names(&list, "@odata.type");
    assert_eq!(kinds[1..], ["#microsoft.graph.group", "#microsoft.graph.directoryRole"]);
    assert!(list["value"][0].get("groupTypes").is_none(), "it was not asked for");
    let counted = caller.get("/users/A1/transitiveMemberOf?$count=true").await;
    assert_eq!((counted.status.as_u16(), counted.code()), (400, "Request_UnsupportedQuery"));
    assert_eq!(caller.get("/users/B2/transitiveMemberOf").await.status.as_u16(), 404);
}

#[tokio::test]
async fn who_may_not_read_groups_is_told_their_kind_and_id() {
    let (_, caller) = with_roles(&["User.Read.All"]);
    let list = caller.get("/users/A1/transitiveMemberOf").await.json;
    assert_eq!(names(&list, "id")[1], "team");
    assert_eq!(names(&list, "displayName"), ["-", "-", "-"]);
    assert!(list["value"][1]["resourceProvisioningOptions"].is_null());
    for path in
        ["/users/A1/appRoleAssignments", "/servicePrincipals/own", "/servicePrincipals/own/owners"]
    {
        assert_eq!(caller.get(path).await.code(), "Authorization_RequestDenied", "{path}");
    }
    assert_eq!(caller.get("/groups/team/sites/root").await.code(), "accessDenied");
    let (_, caller) = with_roles(&["Application.Read.All"]);
    assert_eq!(caller.get("/users/A1/transitiveMemberOf").await.status.as_u16(), 403);
    let owners = caller.get("/servicePrincipals/own/owners").await.json;
    assert_eq!(
        (names(&owners, "id"), names(&owners, "mail")),
        (vec!["A1".into()], vec!["-".into()])
    );
}

#[tokio::test]
async fn assignments_are_a_users_own_and_those_of_its_direct_groups() {
    let (_, caller) = start(seed(), Options::default());
    let list = caller.get("/users/A1/appRoleAssignments?$select=resourceId").await.json;
    assert_eq!(names(&list, "resourceId"), ["own", "x"]);
    let owners = caller.get("/servicePrincipals/own/owners").await.json;
    assert_eq!(names(&owners, "mail"), ["ada@northwind.example"]);
    assert_eq!(caller.get("/servicePrincipals/none").await.status.as_u16(), 404);
}

#[tokio::test]
async fn an_app_of_another_tenant_has_no_registration_here() {
    let (_, caller) = start(seed(), Options::default());
    for (id, found) in [("own-client", 1), ("x-client", 0), ("none", 0)] {
        let path = format!("/applications?$filter=appId%20eq%20'{id}'&$select=id,optionalClaims");
        let list = caller.get(&path).await.json;
        assert_eq!(list["value"].as_array().unwrap().len(), found, "{id}");
    }
    let other = caller.get("/applications?$filter=displayName%20eq%20'x'").await;
    assert_eq!(other.code(), "Request_UnsupportedQuery");
}

#[tokio::test]
async fn a_policy_shows_twenty_of_its_apps_and_its_list_all() {
    let (_, caller) = start(seed(), Options::default());
    let plain = caller.get("/policies/claimsMappingPolicies").await.json;
    assert!(plain["value"][0].get("appliesTo").is_none());
    let expanded = caller.get("/policies/claimsMappingPolicies?$expand=appliesTo").await.json;
    assert_eq!(expanded["value"][0]["appliesTo"].as_array().unwrap().len(), 20);
    let list = caller.get("/policies/claimsMappingPolicies/policy/appliesTo").await.json;
    assert_eq!(list["value"].as_array().unwrap().len(), 25);
    let posted = caller.send(Method::POST, "/policies/claimsMappingPolicies", &[], None).await;
    assert_eq!(posted.status.as_u16(), 405);
}

#[tokio::test]
async fn a_group_has_a_site_once_it_was_made() {
    let mut seed = seed();
    seed.applications[0].roles.push("Sites.Read.All".into());
    let (_, caller) = start(seed, Options::default());
    let site = caller.get("/groups/team/sites/root?$select=webUrl").await.json;
    assert_eq!(site, serde_json::json!({ "webUrl": "https://contoso.example/sites/team" }));
    assert_eq!(caller.get("/groups/outer/sites/root").await.code(), "itemNotFound");
}
