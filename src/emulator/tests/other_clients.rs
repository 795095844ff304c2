//! What other programs send and ask for: Microsoft's SDKs and samples, as they do.

use axum::body::{Body, to_bytes};
use http::StatusCode;
use serde_json::{Value, json};

use super::caller::{one_guest, start};
use crate::emulator::{Options, TenantSeed};

/// Bodies as msgraph-sdk 1.65 (Python) and `New-MgInvitation -InvitedUser $user` send them.
#[tokio::test]
async fn annotations_and_a_whole_user_are_taken() {
    let (emulator, caller) = one_guest(Options::default());
    let patch = json!({
        "@odata.type": "#microsoft.graph.user",
        "mail": "new@fabrikam.example",
        "otherMails@odata.type": "#Collection(String)",
        "otherMails": ["old@northwind.example"],
    });
    assert_eq!(caller.patch("A1", patch).await.status, StatusCode::NO_CONTENT);
    let mut guest = caller.get("/users/A1").await.json;
    guest["@odata.type"] = json!("#microsoft.graph.user");
    guest["accountEnabled"] = json!(true);
    let invitation = json!({
        "@odata.type": "#microsoft.graph.invitation",
        "invitedUserEmailAddress": "new@fabrikam.example",
        "inviteRedirectUrl": "https://myapps.microsoft.com",
        "invitedUser": guest,
        "invitedUserMessageInfo": {
            "@odata.type": "#microsoft.graph.invitedUserMessageInfo",
            "messageLanguage": "de-DE",
        },
        "resetRedemption": true,
    });
    let invited = caller.post("/invitations", invitation).await;
    assert_eq!(invited.status, StatusCode::CREATED, "{}", invited.json);
    let link = invited.json["inviteRedeemUrl"].as_str().unwrap();
    let id = invited.json["id"].as_str().unwrap();
    assert!(link.contains(&format!("%26user%3d{id}%26ticket%3d")), "{link}");
    assert_eq!(emulator.user("A1").unwrap().mail.as_deref(), Some("new@fabrikam.example"));
}

#[tokio::test]
async fn an_identity_says_where_somebody_signs_in() {
    let (emulator, caller) = one_guest(Options::default());
    let identities = async || {
        let user = caller.get("/users/A1?$select=identities").await.json;
        user["identities"].clone()
    };
    let accepted = json!([{
        "signInType": "federated", "issuer": "ExternalAzureAD", "issuerAssignedId": null,
    }]);
    assert_eq!(identities().await, accepted);
    emulator.edit("A1", |user| user.external_user_state = Some("PendingAcceptance".into()));
    assert_eq!(identities().await[0]["issuer"], "northwind.example");
}

#[tokio::test]
async fn a_cast_may_leave_out_microsoft() {
    let (_, caller) = one_guest(Options::default());
    for cast in ["graph.user", "microsoft.graph.user"] {
        let deleted = caller.get(&format!("/directory/deletedItems/{cast}")).await;
        assert_eq!(deleted.json["value"], json!([]), "{cast}");
    }
}

#[tokio::test]
async fn a_delta_tells_what_was_written_since() {
    let (emulator, caller) = start(TenantSeed::with_guests(450), Options::default());
    let path = |link: &Value| {
        link.as_str().unwrap().strip_prefix("http://emulator.test/v1.0").unwrap().to_owned()
    };
    let (mut next, mut told) = ("/users/delta()?$select=mail".to_owned(), 0);
    let link = loop {
        let page = caller.get(&next).await.json;
        told += page["value"].as_array().unwrap().len();
        match page.get("@odata.nextLink") {
            Some(link) => next = path(link),
            None => break path(&page["@odata.deltaLink"]),
        }
    };
    assert_eq!(told, emulator.users().len());
    let quiet = caller.get(&link).await.json;
    assert_eq!(quiet["value"], json!([]));
    let latest = caller.get("/users/delta?$select=mail&$deltatoken=latest").await.json;
    assert_eq!(latest["value"], json!([]));

    let id = TenantSeed::guest_id(7);
    caller.patch(&id, json!({ "mail": "seven@northwind.example" })).await;
    for link in [link, path(&latest["@odata.deltaLink"])] {
        let told = caller.get(&link).await.json;
        assert_eq!(told["value"], json!([{ "id": id, "mail": "seven@northwind.example" }]));
    }
    let lost = caller.get("/users/delta?$deltatoken=what").await;
    assert_eq!((lost.status.as_u16(), lost.code()), (400, "syncStateNotFound"));
}

#[tokio::test]
async fn domains_sponsors_and_audits_are_there() {
    let mut seed = TenantSeed::with_guests(3);
    seed.applications[0].roles.extend(["AuditLog.Read.All".into(), "Directory.Read.All".into()]);
    let (emulator, caller) = start(seed, Options::default());
    let domains = caller.get("/domains").await.json;
    assert!(domains["value"].as_array().unwrap().iter().any(|domain| domain["isDefault"] == true));
    let id = TenantSeed::guest_id(1);
    let sponsors = caller.get(&format!("/users/{id}/sponsors")).await.json;
    assert_eq!(sponsors["value"], json!([]));
    assert_eq!(caller.get("/users/nobody/sponsors").await.status, 404);

    caller.patch(&id, json!({ "mail": "one@northwind.example" })).await;
    assert!(emulator.redeem(&id));
    let names = async |filter: &str| {
        let found = caller.get(&format!("/auditLogs/directoryAudits?{filter}")).await.json;
        let events = found["value"].as_array().unwrap().clone();
        events
            .iter()
            .map(|it| it["activityDisplayName"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("").await.len(), 2);
    let redeemed = "$filter=activityDisplayName%20eq%20'Redeem%20external%20user%20invite'%20and\
                    %20loggedByService%20eq%20'Invited%20Users'";
    assert_eq!(names(redeemed).await, ["Redeem external user invite"]);
    assert!(names("$filter=activityDateTime%20ge%202999-01-01T00:00:00Z").await.is_empty());
    let refused = caller.get("/auditLogs/directoryAudits?$filter=result%20eq%20'x'").await;
    assert_eq!(refused.status, 400);
}

/// What MSAL asks of a host that it does not know, before it asks for a token: whether to
/// believe it, where the tenant's endpoints are, and who signs for them. No token is needed.
#[tokio::test]
async fn the_host_and_its_endpoints_can_be_discovered() {
    let (emulator, caller) = one_guest(Options::default());
    let get = async |uri: &str| {
        let uri = uri.strip_prefix("http://tenant.test").unwrap_or(uri);
        let request = http::Request::get(format!("http://tenant.test{uri}"));
        let answer = caller.raw(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status(), StatusCode::OK, "{uri}");
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        serde_json::from_slice::<Value>(&body).unwrap()
    };
    let tenant = emulator.tenant_id();
    let authorize = format!("http://tenant.test/{tenant}/oauth2/v2.0/authorize");
    let host = get(&format!(
        "/common/discovery/instance?api-version=1.1&authorization_endpoint={authorize}"
    ))
    .await;
    assert_eq!(host["metadata"][0]["aliases"], json!(["tenant.test"]));
    assert_eq!(host["metadata"][0]["preferred_network"], "tenant.test");
    let endpoints = get(host["tenant_discovery_endpoint"].as_str().unwrap()).await;
    assert_eq!(endpoints["authorization_endpoint"], authorize);
    assert_eq!(endpoints["issuer"], format!("http://tenant.test/{tenant}/v2.0"));
    let token = endpoints["token_endpoint"].as_str().unwrap();
    assert_eq!(token, format!("http://tenant.test/{tenant}/oauth2/v2.0/token"));
    let keys = get(endpoints["jwks_uri"].as_str().unwrap()).await;
    assert!(keys["keys"].is_array(), "{keys}");
}
