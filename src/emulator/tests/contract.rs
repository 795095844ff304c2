//! What is judged a request that Graph takes, and what is not.

use http::Method;
use serde_json::{Value, json};

use super::caller::{TestCaller, one_guest, reset, tenant};
use crate::emulator::{Action, Canned, Emulator, Fault, Matcher, Options, guest};
use crate::graph::wire::USER_SELECT;

/// What the ledger says of the requests so far, and their paths.
fn violations(emulator: &Emulator) -> Vec<String> {
    emulator.ledger().violations.into_iter().map(|violation| violation.what).collect()
}

fn batch(items: &[(&str, &str, &str)]) -> Value {
    let items =
        items.iter().map(|(id, method, url)| json!({"id": id, "method": method, "url": url}));
    json!({ "requests": items.collect::<Vec<_>>() })
}

/// Changes a sound invitation.
fn invitation(change: impl FnOnce(&mut Value)) -> Value {
    let mut body = reset("A1", "old@northwind.example");
    body["invitedUserMessageInfo"] = json!({
        "messageLanguage": "en-US",
        "ccRecipients": [{ "emailAddress": { "address": "cc@northwind.example" } }],
    });
    change(&mut body);
    body
}

#[tokio::test]
async fn what_the_documentation_shows_is_taken() {
    let (emulator, caller) = one_guest(Options::default());
    let filter = "userType%20eq%20'Guest'";
    for path in [
        format!("/users?$filter={filter}&$select={USER_SELECT}&$top=999"),
        format!("/users/A1?$select={USER_SELECT}"),
        "/users?$skiptoken=0a".to_owned(),
        "/organization?$select=id,displayName,verifiedDomains".to_owned(),
        "/policies/authorizationPolicy".to_owned(),
        "/directory/deletedItems/microsoft.graph.user?$select=id,mail&$top=999".to_owned(),
        "/roleManagement/directory/roleAssignments?$expand=principal".to_owned(),
        "/roleManagement/directory/roleAssignments?$filter=principalId%20eq%20'A1'".to_owned(),
        "/groups/G1/transitiveMembers/microsoft.graph.user?$select=id&$top=999".to_owned(),
        "/users/A1/transitiveMemberOf/microsoft.graph.directoryRole?$select=id".to_owned(),
    ] {
        caller.get(&path).await;
        assert_eq!(violations(&emulator), [""; 0], "{path}");
    }
    caller.get_eventual("/users/$count?$filter=userType%20ne%20'Guest'").await;
    caller.get_eventual("/users?$count=true&$filter=endsWith(mail,'@northwind.example')").await;
    caller.patch("A1", json!({ "mail": "new@northwind.example" })).await;
    caller.post("/invitations", invitation(|_| {})).await;
    caller.post("/directoryObjects/getByIds", json!({ "ids": ["A1"], "types": ["user"] })).await;
    caller
        .post("/$batch", batch(&[("1", "GET", "/users/A1?$select=id"), ("2", "GET", "/users")]))
        .await;
    TestCaller::sign_in(&emulator, emulator.tenant_id(), &[]).await;
    assert_eq!(violations(&emulator), [""; 0]);
}

#[tokio::test]
async fn a_read_that_graph_does_not_take_is_noted() {
    for (path, what) in [
        ("/me", "no operation GET /v1.0/me"),
        ("/invitations", "no operation GET"),
        ("/users?$search=x", "option $search"),
        ("/users?select=id", "option select"),
        ("/users?$top=5&$top=6", "twice"),
        ("/users?$top=1000", "Invalid value '1000'"),
        ("/users/A1?$filter=mail%20eq%20'a'", "option $filter"),
        ("/users?$select=id,emailAddress", "'emailAddress'"),
        ("/users?$filter=emailAddress%20eq%20'a'", "emailAddress"),
        ("/users?$filter=externalUserState%20ge%20'a'", "'externalUserState'"),
        ("/users?$filter=endsWith(mail,'a')", "'endsWith'"),
        ("/users?$count=true", "'$count'"),
        ("/users/$count", "'$count'"),
        ("/organization?$select=name", "'name'"),
        ("/roleManagement/directory/roleAssignments?$expand=user", "'user'"),
        ("/roleManagement/directory/roleAssignments?$filter=id%20eq%20'a'", "$filter"),
    ] {
        let (emulator, caller) = one_guest(Options::default());
        caller.get(path).await;
        let found = violations(&emulator);
        assert!(found.len() == 1 && found[0].contains(what), "{path}: {found:?}");
    }
}

#[tokio::test]
async fn a_body_that_graph_does_not_take_is_noted_and_refused() {
    for (what, body) in [
        (
            "'resend' does not exist on type 'microsoft.graph.invitation'",
            invitation(|body| body["resend"] = json!(true)),
        ),
        (
            "'subject' does not exist on type 'microsoft.graph.invitedUserMessageInfo'",
            invitation(|body| body["invitedUserMessageInfo"]["subject"] = json!("x")),
        ),
        (
            "'email' does not exist on type 'microsoft.graph.user'",
            invitation(|body| body["invitedUser"]["email"] = json!("x")),
        ),
        (
            "'address' does not exist on type 'microsoft.graph.recipient'",
            invitation(|body| {
                body["invitedUserMessageInfo"]["ccRecipients"] = json!([{ "address": "x" }]);
            }),
        ),
        (
            "'resetRedemption' has to be a Boolean",
            invitation(|body| body["resetRedemption"] = json!("true")),
        ),
        (
            "'ccRecipients' has to be a list",
            invitation(|body| body["invitedUserMessageInfo"]["ccRecipients"] = json!({})),
        ),
    ] {
        let (emulator, caller) = one_guest(Options::default());
        let answered = caller.post("/invitations", body).await;
        assert_eq!(answered.status, 400, "{what}");
        assert!(answered.message().contains(what), "{what}: {}", answered.message());
        assert!(violations(&emulator)[0].contains(what), "{:?}", violations(&emulator));
        assert_eq!(emulator.ledger().writes.len(), 0);
    }
    let (emulator, caller) = one_guest(Options::default());
    for body in [json!({ "displayName": "Ada" }), json!({ "email": "a@b.example" }), json!([])] {
        caller.patch("A1", body).await;
    }
    caller.post("/directoryObjects/getByIds", json!({ "ids": "A1" })).await;
    caller
        .send(Method::GET, "/users", &[("Content-Type", "application/json")], Some(&json!({})))
        .await;
    assert_eq!(violations(&emulator).len(), 5, "{:?}", violations(&emulator));
}

#[tokio::test]
async fn a_batch_is_judged_with_all_that_is_in_it() {
    let many: Vec<String> = (0..21).map(|n| n.to_string()).collect();
    let many: Vec<_> = many.iter().map(|id| (id.as_str(), "GET", "/users/A1")).collect();
    for (what, body) in [
        ("maximum value of 20", batch(&many)),
        ("unique", batch(&[("a", "GET", "/users"), ("A", "GET", "/users")])),
        ("relative", batch(&[("1", "GET", "https://graph.microsoft.com/v1.0/users")])),
        ("relative", batch(&[("1", "GET", "/v1.0/users")])),
        ("within a batch", batch(&[("1", "POST", "/$batch")])),
        ("no operation", batch(&[("1", "GET", "/users"), ("2", "GET", "/devices")])),
        ("option $orderby", batch(&[("1", "GET", "/users?$orderby=mail")])),
        (
            "'priority' does not exist",
            json!({ "requests": [{ "id": "1", "method": "GET", "url": "/users", "priority": 1 }] }),
        ),
    ] {
        let (emulator, caller) = one_guest(Options::default());
        caller.post("/$batch", body).await;
        let found = violations(&emulator);
        assert!(found.len() == 1 && found[0].contains(what), "{what}: {found:?}");
    }
}

#[tokio::test]
async fn headers_are_those_of_graph() {
    for (name, value, what) in [
        ("X-Run", "1", "x-run"),
        ("ConsistencyLevel", "strong", "consistencylevel"),
        ("x-ms-throttle-priority", "lowest", "x-ms-throttle-priority"),
        ("client-request-id", "7", "client-request-id"),
    ] {
        let (emulator, caller) = one_guest(Options::default());
        caller.send(Method::GET, "/users", &[(name, value)], None).await;
        let found = violations(&emulator);
        assert!(found.len() == 1 && found[0].contains(what), "{found:?}");
    }
    let (emulator, _) = one_guest(Options::default());
    TestCaller::sign_in(&emulator, emulator.tenant_id(), &[("resource", "https://x")]).await;
    assert_eq!(violations(&emulator), ["the parameter resource of a token request is unknown"]);
}

#[tokio::test]
async fn a_fault_hides_no_violation() {
    let fault = Fault::new(Matcher::any(), Action::Answer(Canned::status(503)));
    let options = Options { faults: vec![fault], ..Options::default() };
    let (emulator, caller) = tenant(vec![guest("A1", "a@northwind.example")], options);
    assert_eq!(caller.get("/users?$search=x").await.status, 503);
    assert_eq!(violations(&emulator).len(), 1);
}

#[tokio::test]
#[should_panic(expected = "requests that Graph does not take")]
async fn the_guard_insists() {
    let (emulator, caller) = one_guest(Options::default());
    let _guard = emulator.insist_on_contract();
    caller.get("/me").await;
}
