//! Reading the directory.

use std::time::Duration;

use http::Method;
use serde_json::json;

use super::caller::{one_guest, start, tenant};
use crate::emulator::{Contact, EmailCodes, Group, Lag, Options, OtherTenant, TenantSeed, guest};
use crate::graph::wire::{Partner, RoleAssignment, TenantInformation, USER_SELECT};

#[tokio::test]
async fn pages_lead_to_the_next_with_the_same_query() {
    let (_, caller) = start(TenantSeed::with_guests(250), Options::default());
    let first = caller.get("/users").await;
    assert_eq!(first.json["value"].as_array().unwrap().len(), 100);
    let mut path = "/users?$filter=userType%20eq%20'Guest'&$select=id&$top=120".to_owned();
    let mut ids = Vec::new();
    loop {
        let page = caller.get(&path).await;
        for user in page.json["value"].as_array().unwrap() {
            assert_eq!(user.as_object().unwrap().len(), 1);
            ids.push(user["id"].as_str().unwrap().to_owned());
        }
        let Some(next) = page.json["@odata.nextLink"].as_str() else { break };
        path = next.strip_prefix("http://emulator.test/v1.0").unwrap().to_owned();
        assert!(path.contains("$select=id") && path.contains("$skiptoken="), "{path}");
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 250);
}

#[tokio::test]
async fn a_last_page_that_is_full_leads_nowhere() {
    let (_, caller) = start(TenantSeed::with_guests(100), Options::default());
    let page = caller.get("/users?$top=100").await;
    assert_eq!(page.json["value"].as_array().unwrap().len(), 100);
    assert!(page.json.get("@odata.nextLink").is_none());
}

#[tokio::test]
async fn a_user_is_found_by_id_and_by_upn() {
    let (_, caller) = one_guest(Options::default());
    let upn = "old_northwind.example%23EXT%23@contoso.onmicrosoft.com";
    for name in ["A1", "a1", upn] {
        let user = caller.get(&format!("/users/{name}?$select={USER_SELECT}")).await;
        assert_eq!(user.json["mail"], "old@northwind.example", "{name}");
        assert_eq!(user.json["externalUserState"], "Accepted");
    }
    let missing = caller.get("/users/B2").await;
    assert_eq!((missing.status.as_u16(), missing.code()), (404, "Request_ResourceNotFound"));
    let plain = caller.get("/users/A1").await;
    assert!(plain.json.get("userType").is_none() && plain.json.get("displayName").is_some());
    let unknown = caller.get("/users/A1?$select=id,email").await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.message()),
        (400, "Could not find a property named 'email' on type 'microsoft.graph.user'.")
    );
}

#[tokio::test]
async fn counting_needs_the_header() {
    let (_, caller) = start(TenantSeed::with_guests(7), Options::default());
    let path = "/users/$count?$filter=userType%20eq%20'Guest'";
    assert_eq!(caller.get(path).await.code(), "Request_UnsupportedQuery");
    assert_eq!(caller.get_eventual(path).await.text, "7");
    assert_eq!(caller.get("/users?$count=true").await.code(), "Request_UnsupportedQuery");
    let page = caller.get_eventual("/users?$count=true&$top=5").await;
    assert_eq!(page.json["@odata.count"], 7);
    let next = page.json["@odata.nextLink"].as_str().unwrap();
    let page = caller.get_eventual(next.strip_prefix("http://emulator.test/v1.0").unwrap()).await;
    assert_eq!(page.json["value"].as_array().unwrap().len(), 2);
    assert!(page.json.get("@odata.count").is_none());
}

#[tokio::test]
async fn an_advanced_filter_needs_header_and_count() {
    let (_, caller) = one_guest(Options::default());
    let filter = "/users?$filter=endsWith(mail,'@northwind.example')";
    for answer in [caller.get(filter).await, caller.get_eventual(filter).await] {
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "Request_UnsupportedQuery"));
        assert!(answer.message().starts_with("Operator 'endsWith' is not supported because"));
    }
    let answer = caller.get_eventual(&format!("{filter}&$count=true")).await;
    assert_eq!(answer.json["@odata.count"], 1);
}

#[tokio::test(start_paused = true)]
async fn reads_lag_behind_writes() {
    let lag = Duration::from_secs(20);
    let (emulator, caller) = one_guest(Options { read_lag: Lag::Fixed(lag), ..Options::default() });
    caller.patch("A1", json!({ "mail": "new@fabrikam.example" })).await;
    assert_eq!(caller.get("/users/A1").await.json["mail"], "old@northwind.example");
    assert_eq!(emulator.user("A1").unwrap().mail.as_deref(), Some("new@fabrikam.example"));
    tokio::time::advance(lag).await;
    assert_eq!(caller.get("/users/A1").await.json["mail"], "new@fabrikam.example");
    emulator.add(guest("B2", "bob@northwind.example"));
    assert_eq!(caller.get("/users/B2").await.status, 404);
    tokio::time::advance(lag).await;
    assert_eq!(caller.get("/users/B2").await.status, 200);
}

#[tokio::test]
async fn roles_groups_and_deleted_users_are_listed() {
    let seed = TenantSeed {
        users: vec![guest("A1", "a@northwind.example"), guest("B2", "b@northwind.example")],
        deleted_users: vec![guest("D4", "d@northwind.example")],
        groups: vec![Group {
            id: "G1".into(),
            display_name: Some("Admins".into()),
            is_assignable_to_role: true,
            members: vec!["B2".into()],
            ..Group::default()
        }],
        role_assignments: ["A1", "G1"]
            .map(|id| RoleAssignment {
                id: format!("r-{id}"),
                principal_id: id.into(),
                ..RoleAssignment::default()
            })
            .to_vec(),
        ..TenantSeed::empty()
    };
    let (_, caller) = start(seed, Options::default());
    let path = "/roleManagement/directory/roleAssignments";
    let first = caller.get(&format!("{path}?$expand=principal&$top=1")).await;
    assert_eq!(first.json["value"][0]["principal"]["@odata.type"], "#microsoft.graph.user");
    let next = first.json["@odata.nextLink"].as_str().unwrap();
    let second = caller.get(next.strip_prefix("http://emulator.test/v1.0").unwrap()).await;
    assert_eq!(second.json["value"][0]["principal"]["@odata.type"], "#microsoft.graph.group");
    let mine = caller.get(&format!("{path}?$filter=principalId%20eq%20'g1'")).await;
    assert_eq!(mine.json["value"].as_array().unwrap().len(), 1);
    let members = caller.get("/groups/G1/transitiveMembers/microsoft.graph.user?$select=id").await;
    assert_eq!(members.json["value"], json!([{ "id": "B2" }]));
    assert_eq!(caller.get("/groups/G9/transitiveMembers/microsoft.graph.user").await.status, 404);
    let deleted =
        caller.get("/directory/deletedItems/microsoft.graph.user?$select=id,proxyAddresses").await;
    assert_eq!(
        deleted.json["value"],
        json!([{ "id": "D4", "proxyAddresses": ["SMTP:d@northwind.example"] }])
    );
    let filter = "$filter=proxyAddresses/any(x:x%20eq%20'smtp:x@northwind.example')";
    let none = caller.get(&format!("/directory/deletedItems/microsoft.graph.user?{filter}")).await;
    assert_eq!(none.json["value"], json!([]));
    let ids = json!({ "ids": ["B2", "nobody", "a1"], "types": ["user"] });
    let found = caller.post("/directoryObjects/getByIds?$select=id", ids).await;
    assert_eq!(found.json["value"].as_array().unwrap().len(), 2);
    let organization = caller.get("/organization?$select=verifiedDomains").await;
    assert_eq!(organization.json["value"][0]["verifiedDomains"][0]["name"], "contoso.example");
    let policy = caller.get("/policies/authorizationPolicy").await;
    assert_eq!(policy.json["allowInvitesFrom"], "everyone");
}

#[tokio::test]
async fn contacts_groups_policies_and_eligible_roles_are_listed() {
    let group = |id: &str, mail: Option<&str>| Group {
        id: id.into(),
        mail: mail.map(Into::into),
        proxy_addresses: mail.iter().map(|mail| format!("SMTP:{mail}")).collect(),
        ..Group::default()
    };
    let seed = TenantSeed {
        groups: vec![group("G2", None), group("G1", Some("g@contoso.example"))],
        contacts: vec![Contact {
            id: "C1".into(),
            mail: Some("c@fabrikam.example".into()),
            ..Contact::default()
        }],
        role_eligibilities: Some(vec![RoleAssignment {
            principal_id: "G1".into(),
            ..RoleAssignment::default()
        }]),
        partners: vec![Partner { tenant_id: "p1".into(), ..Partner::default() }],
        b2b_policy: Some(json!({ "B2BManagementPolicy": {} })),
        ..TenantSeed::empty()
    };
    let (_, caller) = start(seed.clone(), Options::default());
    let ids = async |path: &str| {
        let answer = caller.get(path).await;
        let items = answer.json["value"].as_array().unwrap_or_else(|| panic!("{}", answer.text));
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids("/contacts?$select=id,mail").await, ["C1"]);
    assert_eq!(ids("/groups?$select=id").await, ["G1", "G2"]);
    assert_eq!(ids("/groups?$select=id&$filter=mailEnabled%20eq%20true").await, ["G1"]);
    let by_proxy = "$filter=proxyAddresses/any(p:p%20eq%20'smtp:G@contoso.example')";
    assert_eq!(ids(&format!("/groups?$select=id&{by_proxy}")).await, ["G1"]);
    assert_eq!(ids(&format!("/contacts?$select=id&{by_proxy}")).await, [""; 0]);
    assert_eq!(caller.get_eventual("/contacts/$count").await.text, "1");
    assert_eq!(caller.get("/groups/$count").await.code(), "Request_UnsupportedQuery");
    let eligible = "/roleManagement/directory/roleEligibilityScheduleInstances?$expand=principal";
    let first = &caller.get(eligible).await.json["value"][0];
    assert_eq!(first["principal"]["@odata.type"], "#microsoft.graph.group");
    let partners = caller.get("/policies/crossTenantAccessPolicy/partners").await;
    assert_eq!(partners.json["value"], json!([{ "tenantId": "p1" }]));
    // Only the beta version has it.
    assert_eq!(caller.get("/policies/b2bManagementPolicies").await.status, 400);

    let unlicensed = TenantSeed { role_eligibilities: None, ..seed.clone() };
    let (_, caller) = start(unlicensed, Options::default());
    assert_eq!(caller.get(eligible).await.code(), "AadPremiumLicenseRequired");

    let mut seed = seed;
    seed.applications[0].roles = vec!["User.ReadWrite.All".into()];
    let (_, caller) = start(seed, Options::default());
    let partners = "/policies/crossTenantAccessPolicy/partners";
    for path in ["/contacts", "/contacts/$count", "/groups", "/groups/$count", eligible, partners] {
        let answer = caller.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (403, "Authorization_RequestDenied"));
    }
}

#[tokio::test]
async fn the_tenant_of_a_domain_is_found_by_each_of_its_domains() {
    let information = TenantInformation {
        tenant_id: "f0f0f0f0-0000-4000-8000-000000000002".into(),
        display_name: Some("Fabrikam".into()),
        default_domain_name: Some("fabrikam.example".into()),
        ..TenantInformation::default()
    };
    let domains = ["fabrikam.example".to_owned(), "fabrikam.onmicrosoft.com".to_owned()].into();
    let mut seed = TenantSeed {
        other_tenants: vec![OtherTenant { information, domains }],
        email_codes: EmailCodes::Disabled,
        ..TenantSeed::empty()
    };
    let (_, caller) = start(seed.clone(), Options::default());
    let find = |domain: &str| {
        format!("/tenantRelationships/findTenantInformationByDomainName(domainName='{domain}')")
    };
    for (domain, name) in [
        ("fabrikam.example", "Fabrikam"),
        ("Fabrikam.onmicrosoft.com", "Fabrikam"),
        ("contoso.example", "Contoso"),
    ] {
        let found = caller.get(&find(domain)).await;
        assert_eq!(found.json["displayName"], name, "{}", found.text);
    }
    assert_eq!(caller.get(&find("oldco.example")).await.status, 404);
    assert_eq!(caller.get("/tenantRelationships/other()").await.status, 400);
    let email = "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/email";
    assert_eq!(caller.get(email).await.json["allowExternalIdToUseEmailOtp"], "disabled");
    seed.applications[0].roles = vec!["Policy.Read.All".into()];
    let (_, caller) = start(seed, Options::default());
    for path in [email, &find("fabrikam.example")] {
        assert_eq!(caller.get(path).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn a_permission_that_was_not_granted_is_missed() {
    let mut seed = TenantSeed::with_guests(1);
    seed.applications[0].roles = vec!["Organization.Read.All".into()];
    let (_, caller) = start(seed, Options::default());
    assert_eq!(caller.get("/organization").await.status, 200);
    for path in ["/users", "/users/1", "/roleManagement/directory/roleAssignments"] {
        let answer = caller.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (403, "Authorization_RequestDenied"));
    }
}

#[tokio::test]
async fn what_graph_does_not_have_is_refused_in_its_words() {
    let (_, caller) = one_guest(Options::default());
    let segment = caller.get("/usersx").await;
    assert_eq!(
        (segment.status.as_u16(), segment.code(), segment.message()),
        (400, "BadRequest", "Resource not found for the segment 'usersx'.")
    );
    let method = caller.send(Method::DELETE, "/users/A1", &[], None).await;
    assert_eq!((method.status.as_u16(), method.code()), (405, "Request_BadRequest"));
}

#[tokio::test]
async fn every_answer_carries_the_headers_of_graph() {
    let (_, caller) = one_guest(Options::default());
    let headers = [("client-request-id", "mine")];
    let answer = caller.send(Method::GET, "/users/A1", &headers, None).await;
    assert_eq!(answer.header("client-request-id"), Some("mine"));
    assert_eq!(answer.header("x-ms-resource-unit"), Some("1"));
    assert!(answer.header("request-id").is_some() && answer.header("date").is_some());
    assert_eq!(answer.header("x-ms-throttle-limit-percentage"), None);
    let refused = caller.send(Method::GET, "/users/nobody", &headers, None).await;
    let inner = &refused.json["error"]["innerError"];
    assert_eq!(inner["client-request-id"], "mine");
    assert_eq!(inner["request-id"].as_str(), refused.header("request-id"));
}

#[tokio::test]
async fn items_of_a_batch_go_the_way_of_all_requests() {
    let (emulator, caller) = tenant(
        vec![guest("A1", "a@northwind.example"), guest("B2", "b@northwind.example")],
        Options::default(),
    );
    let headers = json!({ "Content-Type": "application/json" });
    let answer = caller
        .post(
            "/$batch",
            json!({ "requests": [
                { "id": "1", "method": "GET", "url": "/users/A1?$select=id" },
                { "id": "2", "method": "PATCH", "url": "/users/B2", "headers": headers,
                  "body": { "mail": "A@northwind.example" } },
                { "id": "3", "method": "GET", "url": "users/B2", "dependsOn": ["2"] },
                { "id": "4", "method": "GET",
                  "url": "/users?$filter=endsWith(mail,'e')&$count=true",
                  "headers": { "ConsistencyLevel": "eventual" } },
            ]}),
        )
        .await;
    assert_eq!(answer.status, 200);
    let responses = answer.json["responses"].as_array().unwrap();
    let of = |id: &str| responses.iter().find(|response| response["id"] == id).unwrap();
    assert_eq!(of("1")["body"]["id"], "A1");
    assert_eq!(of("1")["headers"]["x-ms-resource-unit"], "1");
    assert_eq!(of("2")["status"], 400);
    assert_eq!(of("3")["status"], 424);
    assert_eq!(of("4")["status"], 200);
    assert_eq!(emulator.ledger().requests_to("/users").len(), 3);
}

#[tokio::test]
async fn a_batch_that_graph_would_not_take_is_refused() {
    let (_, caller) = one_guest(Options::default());
    let item = |id: &str| json!({ "id": id, "method": "GET", "url": "/users/A1" });
    let many: Vec<_> = (0..21).map(|n| item(&n.to_string())).collect();
    let mut bare = item("1");
    bare["body"] = json!({});
    for requests in [json!(many), json!([item("a"), item("A")]), json!([]), json!([bare])] {
        let answer = caller.post("/$batch", json!({ "requests": requests })).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
    }
}

#[tokio::test]
async fn sign_ins_take_a_permission_and_smaller_pages_and_are_absent_of_who_never_signed_in() {
    let mut seed = TenantSeed::with_guests(2);
    let activity = json!({ "lastSignInDateTime": "2026-01-01T00:00:00Z" });
    seed.users[0].sign_in_activity = serde_json::from_value(activity).ok();
    let query = |top: u32| format!("/users?$select=id,signInActivity&$top={top}");
    let (_, caller) = start(seed.clone(), Options::default());
    let denied = caller.get(&query(500)).await;
    assert_eq!((denied.status.as_u16(), denied.code()), (403, "Authorization_RequestDenied"));
    seed.applications[0].roles.push("AuditLog.Read.All".into());
    let (_, caller) = start(seed, Options::default());
    let too_many = caller.get(&query(501)).await;
    let said = "Cannot query data for more than 500 users at a time.";
    assert_eq!((too_many.status.as_u16(), too_many.message()), (400, said));
    let page = caller.get(&query(500)).await;
    let users = page.json["value"].as_array().unwrap();
    assert_eq!(users[0]["signInActivity"]["lastSignInDateTime"], "2026-01-01T00:00:00Z");
    assert!(users[1].get("signInActivity").is_none());
}
