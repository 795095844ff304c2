//! Literal bodies from Microsoft's documentation, shortened: what it says is read, and
//! what is written is what it says. Client and emulator share the types, so nothing
//! else would notice a mistake that both make. The page stands above each body.

use serde_json::json;

use super::*;

/// Reads a body; whatever the type has no place for is left out.
fn read<T: serde::de::DeserializeOwned>(body: Value) -> T {
    serde_json::from_value(body).expect("the documentation's own example")
}

/// Microsoft Graph, *Create invitation*, 2024-10: response to a reset, and to an
/// invitation but for `resetRedemption` and the user principal name.
fn invitation_response() -> Value {
    json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#invitations/$entity",
        "id": "9071bfde-35e0-47d2-a582-d244ab1b4af6",
        "inviteRedeemUrl": "https://login.microsoftonline.com/redeem?rd=https%3a%2f%2finvitations.microsoft.com%2fredeem%2f%3ftenant%3d69997834",
        "invitedUserDisplayName": null,
        "invitedUserType": "Guest",
        "invitedUserEmailAddress": "admin@fabrikam.com",
        "sendInvitationMessage": false,
        "resetRedemption": true,
        "inviteRedirectUrl": "https://myapp.contoso.com",
        "status": "PendingAcceptance",
        "invitedUserMessageInfo": {
            "messageLanguage": null,
            "customizedMessageBody": null,
            "ccRecipients": [{ "emailAddress": { "name": null, "address": null } }]
        },
        "invitedUser": { "id": "cbb896f9-8306-49d0-b56b-b8e39cd28825" }
    })
}

#[test]
fn the_response_to_an_invitation_is_read() {
    let invitation: Invitation = read(invitation_response());
    assert_eq!(invitation.id.as_deref(), Some("9071bfde-35e0-47d2-a582-d244ab1b4af6"));
    assert_eq!(invitation.status.as_deref(), Some("PendingAcceptance"));
    assert_eq!(invitation.invited_user_email_address.as_deref(), Some("admin@fabrikam.com"));
    assert_eq!(invitation.invited_user_type.as_deref(), Some("Guest"));
    assert_eq!(invitation.invite_redirect_url.as_deref(), Some("https://myapp.contoso.com"));
    assert_eq!(invitation.send_invitation_message, Some(false));
    assert_eq!(invitation.reset_redemption, Some(true));
    assert!(invitation.invite_redeem_url.unwrap().contains("redeem"));
    assert_eq!(invitation.invited_user_display_name, None);
    assert_eq!(invitation.invited_user.unwrap().id, "cbb896f9-8306-49d0-b56b-b8e39cd28825");
    // One recipient of nulls, although none was asked for.
    let info = invitation.invited_user_message_info.unwrap();
    assert_eq!(info.cc_recipients, [Recipient::default()]);
}

#[test]
fn the_request_to_invite_is_the_documented_one() {
    // Microsoft Graph, *Create invitation*, 2024-10: the least request.
    let least = json!({
        "invitedUserEmailAddress": "admin@fabrikam.com",
        "inviteRedirectUrl": "https://myapp.contoso.com"
    });
    let request: InvitationRequest = read(least);
    assert!(!request.reset_redemption && !request.send_invitation_message);
    assert_eq!((request.invited_user, request.invited_user_message_info), (None, None));
}

#[test]
fn the_request_to_reset_has_the_documented_keys_and_no_others() {
    let request = InvitationRequest {
        invited_user_email_address: "new@fabrikam.example".into(),
        invite_redirect_url: "https://myapps.microsoft.com".into(),
        invited_user_display_name: None,
        send_invitation_message: true,
        invited_user_message_info: Some(InvitedUserMessageInfo {
            message_language: Some("en-US".into()),
            customized_message_body: None,
            cc_recipients: vec![Recipient {
                email_address: EmailAddress {
                    name: None,
                    address: Some("cc@fabrikam.example".into()),
                },
            }],
        }),
        reset_redemption: true,
        invited_user: Some(InvitedUser { id: "1".into(), user_principal_name: None }),
    };
    // Microsoft Graph, *Create invitation*, 2024-10, reset; *invitedUserMessageInfo
    // resource type*, 2025-01.
    let body = json!({
        "invitedUserEmailAddress": "new@fabrikam.example",
        "sendInvitationMessage": true,
        "invitedUserMessageInfo": {
            "messageLanguage": "en-US",
            "ccRecipients": [{ "emailAddress": { "address": "cc@fabrikam.example" } }]
        },
        "inviteRedirectUrl": "https://myapps.microsoft.com",
        "invitedUser": { "id": "1" },
        "resetRedemption": true
    });
    assert_eq!(serde_json::to_value(&request).unwrap(), body);
    assert_eq!(read::<InvitationRequest>(body), request);
}

/// Microsoft Graph, *Get user* and *user resource type*: every property that
/// [`USER_SELECT`] names, with values of a guest.
fn guest() -> Value {
    json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users(id)/$entity",
        "id": "87d349ed-44d7-43e1-9a83-5f2406dee5bd",
        "displayName": "Adele Vance",
        "userPrincipalName": "adelev_fabrikam.com#EXT#@contoso.onmicrosoft.com",
        "mail": "adelev@fabrikam.com",
        "otherMails": ["adele@fabrikam.com"],
        "proxyAddresses": ["SMTP:adelev@fabrikam.com", "smtp:adele@fabrikam.com"],
        "userType": "Guest",
        "creationType": "Invitation",
        "externalUserState": "Accepted",
        "externalUserStateChangeDateTime": "2018-06-28T20:43:00Z",
        "accountEnabled": true,
        "onPremisesSyncEnabled": null,
        "onPremisesImmutableId": null,
        "isManagementRestricted": false
    })
}

#[test]
fn every_property_of_a_user_that_is_selected_is_read() {
    let body = guest();
    for name in USER_SELECT.split(',') {
        assert!(body.get(name).is_some(), "{name} is in the example");
    }
    let user: User = read(body.clone());
    assert_eq!(user.id, "87d349ed-44d7-43e1-9a83-5f2406dee5bd");
    assert_eq!(user.display_name.as_deref(), Some("Adele Vance"));
    assert_eq!(user.user_principal_name, "adelev_fabrikam.com#EXT#@contoso.onmicrosoft.com");
    assert_eq!(user.mail.as_deref(), Some("adelev@fabrikam.com"));
    assert_eq!(user.other_mails, ["adele@fabrikam.com"]);
    assert_eq!(user.proxy_addresses.len(), 2);
    assert_eq!(user.user_type.as_deref(), Some("Guest"));
    assert_eq!(user.creation_type.as_deref(), Some("Invitation"));
    assert_eq!(user.external_user_state.as_deref(), Some("Accepted"));
    let changed_at = user.external_user_state_change_date_time.as_deref();
    assert_eq!(changed_at, Some("2018-06-28T20:43:00Z"));
    assert_eq!((user.account_enabled, user.is_management_restricted), (Some(true), Some(false)));
    assert_eq!((user.on_premises_sync_enabled, &user.on_premises_immutable_id), (None, &None));
    // What is written is what was read: no key is spelt differently.
    let mut expected = body;
    expected.as_object_mut().unwrap().remove("@odata.context");
    assert_eq!(serde_json::to_value(&user).unwrap(), expected);
}

#[test]
fn users_come_in_pages() {
    // Microsoft Graph, *List users*, and *Paging*.
    let page: Page<User> = read(json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users",
        "@odata.count": 893,
        "@odata.nextLink": "https://graph.microsoft.com/v1.0/users?$top=5&$skiptoken=RFNwdAIAAQ",
        "value": [guest(), { "id": "1", "businessPhones": ["+1 425 555 0109"], "mail": null }]
    }));
    assert_eq!((page.value.len(), page.count), (2, Some(893)));
    assert!(page.next_link.unwrap().ends_with("$skiptoken=RFNwdAIAAQ"));
    assert_eq!(page.value[1].mail, None);
}

/// What unfolds to millions of next to nothing would take the memory of all of them.
#[test]
fn a_page_without_end_is_refused() {
    let page = |items: usize| {
        let body = format!(r#"{{"value":[{}]}}"#, vec!["{}"; items].join(","));
        serde_json::from_str::<Page<User>>(&body).map(|page| page.value.len())
    };
    assert_eq!(page(10_000).unwrap(), 10_000);
    let refused = page(10_001).unwrap_err();
    assert!(
        refused.is_data() && refused.to_string().contains("more than 10000 items"),
        "{refused}"
    );
}

#[test]
fn users_with_null_lists_and_unknown_properties_are_read() {
    let user: User = read(json!({
        "id": "1", "userPrincipalName": null, "otherMails": null, "proxyAddresses": null,
        "somethingNew": { "a": 1 }
    }));
    assert!(user.other_mails.is_empty() && user.mail.is_none());
}

#[test]
fn a_patch_has_what_changes_and_no_more() {
    // Microsoft Graph, *Update user*: "only the values for properties to update".
    let patch = |mail: Option<&str>, other_mails: Option<Vec<String>>| {
        let mail = mail.map(str::to_owned);
        serde_json::to_value(UserPatch { mail, other_mails }).unwrap()
    };
    assert_eq!(patch(Some("a@b.com"), None), json!({ "mail": "a@b.com" }));
    assert_eq!(patch(None, Some(vec![])), json!({ "otherMails": [] }));
    let both = patch(Some("a@b.com"), Some(vec!["c@d.com".to_owned()]));
    assert_eq!(both, json!({ "mail": "a@b.com", "otherMails": ["c@d.com"] }));
}

#[test]
fn the_documented_batch_is_written_and_read() {
    // Microsoft Graph, *Combine multiple HTTP requests using JSON batching*, 2025-02.
    let body = json!({
        "requests": [
            { "id": "1", "method": "GET", "url": "/me/memberOf" },
            {
                "id": "4", "method": "POST", "url": "/users/161ab652/getPasswordSingleSignOnCredentials",
                "headers": { "Content-Type": "application/json" }, "body": {}, "dependsOn": ["1"]
            },
            {
                "id": "5", "method": "GET",
                "url": "users?$select=id,displayName,userPrincipalName&$filter=city eq null&$count=true",
                "headers": { "ConsistencyLevel": "eventual" }
            }
        ]
    });
    let batch: BatchRequest = read(body.clone());
    assert_eq!(serde_json::to_value(&batch).unwrap(), body);

    let BatchResponse { responses } = read(json!({
        "responses": [
            {
                "id": "5", "status": 200,
                "headers": { "Cache-Control": "no-cache", "x-ms-resource-unit": "1", "OData-Version": "4.0" },
                "body": {
                    "@odata.count": 36,
                    "value": [{
                        "id": "10a1d484-cd1a-4162-a5a4-832370bac356",
                        "displayName": "Lynne Robbins", "userPrincipalName": "LynneR@contoso.com"
                    }]
                }
            },
            {
                "id": "2", "status": 403, "headers": { "Cache-Control": "no-cache" },
                "body": { "error": {
                    "code": "", "message": "You do not have the required permissions to access this item.",
                    "innerError": {
                        "date": "2025-02-13T10:17:05",
                        "request-id": "93b6f17e-c05d-4f45-ad2a-6665c708d8a0",
                        "client-request-id": "e70c5c1b-8b47-68c0-3171-3d22f5e0bd54"
                    }
                } }
            },
            { "id": "3", "status": 204 }
        ]
    }));
    let [five, two, three] = responses.try_into().unwrap();
    assert_eq!((five.id.as_str(), five.status), ("5", 200));
    assert_eq!(read::<Page<User>>(five.body).value[0].user_principal_name, "LynneR@contoso.com");
    assert_eq!(read::<ErrorEnvelope>(two.body).error.code, "");
    assert_eq!((three.status, three.body), (204, Value::Null));
}

#[test]
fn objects_by_id_tell_their_kind() {
    // Microsoft Graph, *directoryObject: getByIds*.
    let page: Page<DirectoryObject> = read(json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#directoryObjects",
        "value": [{
            "@odata.type": "#microsoft.graph.user",
            "id": "84b80893-8749-40a3-97b7-68513b600544",
            "accountEnabled": true, "displayName": "Trevor Jones"
        }]
    }));
    assert_eq!(page.value[0].odata_type.as_deref(), Some("#microsoft.graph.user"));
    assert_eq!(page.value[0].display_name.as_deref(), Some("Trevor Jones"));
}

#[test]
fn role_assignments_are_read_with_and_without_their_principal() {
    // Microsoft Graph, *List unifiedRoleAssignments*, 2024-07, examples 1 to 3.
    let page: Page<RoleAssignment> = read(json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#roleManagement/directory/roleAssignments(principal())",
        "value": [
            {
                "id": "lAPpYvVpN0KRkAEhdxReEMmO4KwRqtpKkUWt3wOYIz4-1",
                "principalId": "ace08ec9-aa11-4ada-9145-addf0398233e",
                "resourceScope": "/", "directoryScopeId": "/",
                "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10",
                "principal": {
                    "@odata.type": "#microsoft.graph.user",
                    "id": "ace08ec9-aa11-4ada-9145-addf0398233e",
                    "displayName": "Joey Cruz", "userType": "Member"
                }
            },
            {
                "id": "900633fe-2508-4b13-a561-a15e320ad35f",
                "principalId": "39228473-522e-4533-88cc-a9553180cb99",
                "roleDefinitionId": "ae79f266-94d4-4dab-b730-feca7e132178",
                "appScopeId": "/AccessPackageCatalog/4cee616b-fdf9-4890-9d10-955e0ccb12bc"
            }
        ]
    }));
    let [expanded, plain] = page.value.try_into().unwrap();
    assert_eq!(expanded.principal_id, "ace08ec9-aa11-4ada-9145-addf0398233e");
    assert_eq!(expanded.role_definition_id, "62e90394-69f5-4237-9190-012177145e10");
    assert_eq!(expanded.directory_scope_id.as_deref(), Some("/"));
    let principal = expanded.principal.unwrap();
    assert_eq!(principal.odata_type.as_deref(), Some("#microsoft.graph.user"));
    assert_eq!(principal.id, expanded.principal_id);
    assert!(plain.principal.is_none() && plain.directory_scope_id.is_none());
}

#[test]
fn the_organization_is_read() {
    // Microsoft Graph, *List organization*.
    let page: Page<Organization> = read(json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#organization",
        "value": [{
            "id": "84841066-274d-4ec0-a5c1-276be684bdd3",
            "displayName": "Contoso", "tenantType": "AAD", "onPremisesSyncEnabled": null,
            "directorySizeQuota": { "used": 698, "total": 50000 },
            "verifiedDomains": [{
                "capabilities": "Email, OfficeCommunicationsOnline", "isDefault": true,
                "isInitial": true, "name": "Contoso.onmicrosoft.com", "type": "Managed"
            }]
        }]
    }));
    let organization = &page.value[0];
    assert_eq!(organization.id, "84841066-274d-4ec0-a5c1-276be684bdd3");
    assert_eq!(organization.display_name.as_deref(), Some("Contoso"));
    let domain = &organization.verified_domains[0];
    assert_eq!(domain.name, "Contoso.onmicrosoft.com");
    assert!(domain.is_default && domain.is_initial);
}

#[test]
fn deleted_users_are_users() {
    // Microsoft Graph, *List deletedItems*: users, as the page on users has them.
    let page: Page<User> = read(json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users(id,displayName)",
        "value": [{
            "id": "46cc6179-19d0-473e-97ad-6ff84347bbbb", "displayName": "Sample User",
            "userPrincipalName": "46cc617919d0473e97ad6ff84347bbbbsample@contoso.com",
            "mail": "sample@fabrikam.com", "proxyAddresses": [],
            "deletedDateTime": "2021-10-26T16:56:36Z"
        }]
    }));
    assert_eq!(page.value[0].mail.as_deref(), Some("sample@fabrikam.com"));
}

#[test]
fn errors_are_read_in_every_spelling() {
    let error = |body: Value| read::<ErrorEnvelope>(body).error;
    // Microsoft Graph, *Throttling*, sample response.
    let throttled = error(json!({
        "error": {
            "code": "TooManyRequests",
            "innerError": { "code": "429", "date": "2020-08-18T12:51:51",
                "message": "Please retry after",
                "request-id": "94fb3b52-452a-4535-a601-69e0a90e3aa2", "status": "429" },
            "message": "Please retry again later."
        }
    }));
    assert_eq!(throttled.code, "TooManyRequests");
    assert_eq!(throttled.inner_error.unwrap()["status"], "429");
    // The same page and *Error responses* spell the inner error in two ways.
    let lower = error(json!({ "error": {
        "code": "Authorization_RequestDenied",
        "message": "Insufficient privileges to complete the operation.",
        "innererror": { "request-id": "93b6f17e" }
    } }));
    assert_eq!(lower.inner_error.unwrap()["request-id"], "93b6f17e");
    assert_eq!(lower.code, "Authorization_RequestDenied");
    let bare = error(json!({ "error": { "code": null, "innererror": {} } }));
    assert_eq!(bare.code, "");
    // Microsoft Entra, access token errors: 401.
    let expired = error(json!({ "error": {
        "code": "InvalidAuthenticationToken",
        "message": "Access token has expired or is not yet valid.",
        "innerError": { "date": "2024-06-01T07:00:00", "request-id": "1", "client-request-id": "1" }
    } }));
    assert_eq!(expired.code, "InvalidAuthenticationToken");
    // microsoft-graph-docs-contrib#8421: 400 with the cause in its details.
    let taken = error(json!({ "error": {
        "code": "Request_BadRequest",
        "message": "Another object with the same value for property proxyAddresses already exists.",
        "details": [
            {
                "code": "ObjectConflict", "target": "proxyAddresses",
                "message": "Another object with the same value for property proxyAddresses already exists."
            },
            { "code": "ConflictingObjects", "message": "User_161ab652", "target": null }
        ]
    } }));
    assert_eq!(taken.details[0].code, "ObjectConflict");
    assert_eq!(taken.details[0].target, "proxyAddresses");
    assert_eq!(taken.details[1].target, "");
    assert!(taken.inner_error.is_none());
}

#[test]
fn tokens_and_their_refusals_are_read() {
    // Microsoft identity platform, *OAuth 2.0 client credentials flow*.
    let token: TokenResponse =
        read(json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": "eyJ0eXAi" }));
    assert_eq!((token.expires_in, token.access_token.as_str()), (3599, "eyJ0eXAi"));
    // Managed identities send numbers as strings.
    let text: TokenResponse = read(json!({ "access_token": "t", "expires_in": "3599" }));
    assert_eq!(text.expires_in, 3599);
    let refused: TokenError = read(json!({
        "error": "invalid_scope",
        "error_description": "AADSTS70011: The provided value for the input parameter 'scope' is not valid.",
        "error_codes": [70011],
        "timestamp": "2016-01-09 02:02:12Z",
        "trace_id": "255d1aef-8c98-452f-ac51-23d051240864",
        "correlation_id": "fb3d2015-bc17-4bb9-bb85-30c5cf1aaaa7"
    }));
    assert_eq!(refused.error, "invalid_scope");
    assert!(refused.error_description.starts_with("AADSTS70011"));
}

#[test]
fn policies_and_contacts_are_read_as_documented() {
    // Microsoft Graph, *crossTenantAccessPolicy: List partners*, examples 1 and 2.
    let partners: Page<Partner> = serde_json::from_str(
        r#"{"value":[
            {"tenantId":"123f4846-ba00-4fd7-ba43-dac1f8f63013","inboundTrust":null,
             "automaticUserConsentSettings":{"inboundAllowed":null,"outboundAllowed":null}},
            {"tenantId":"9c5d131d-b1c3-4fc4-9e3f-c6557947d551","identitySynchronization":{
                "tenantId":"9c5d131d-b1c3-4fc4-9e3f-c6557947d551","displayName":"Fabrikam",
                "userSyncInbound":{"isSyncAllowed":true}}}]}"#,
    )
    .unwrap();
    assert!(partners.value[0].identity_synchronization.is_none());
    let policy = partners.value[1].identity_synchronization.as_ref().unwrap();
    let inbound = policy.user_sync_inbound.as_ref().unwrap();
    assert_eq!(inbound.is_sync_allowed, Some(true));
    // Microsoft Graph beta, *List b2bManagementPolicies*, 2025-10.
    let policies: Page<B2bManagementPolicy> = serde_json::from_str(
        r##"{"value":[{"@odata.type":"#microsoft.graph.b2bManagementPolicy",
            "id":"f596ef0d-42f9-0359-1aaa-12d02b38802a","deletedDateTime":null,
            "definition":["{'B2BManagementPolicy':{'Version':1}}"],
            "isOrganizationDefault":"true"}]}"##,
    )
    .unwrap();
    assert_eq!(policies.value[0].definition.len(), 1);
    // Microsoft Graph, *List orgContacts*.
    let contact: MailRecipient = serde_json::from_str(
        r#"{"companyName":"Contoso","displayName":"Eric S","mail":"erics@contoso.com",
            "proxyAddresses":null,"phones":[{"number":"111-1111","type":"businessFax"}]}"#,
    )
    .unwrap();
    assert_eq!(contact.mail.as_deref(), Some("erics@contoso.com"));
}
