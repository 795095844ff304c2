//! What Graph takes: of each operation that this program uses, its query options, the
//! properties they may name, its headers and its body (Microsoft Graph, the page of
//! each operation). A request that breaks this is noted in the ledger, whatever it is
//! answered, so that a test sees what the answer may have hidden.
//!
//! A new operation is one more entry of [`OPERATIONS`]. The operators of a `$filter`,
//! the names of a user's properties and the rules of a batch are where the answer to
//! such a request is made (`odata`, `property`, `batch`, `users`); here they are called.
//!
//! Leaves to others: the types of bodies (`body`), and what is answered.

use std::collections::HashSet;

use http::Method;
use serde_json::Value;
use uuid::Uuid;

use super::apps::application_filter;
use super::batch;
use super::body::{BATCH, IDS, INVITATION, MESSAGE, wrong};
use super::errors::Refusal;
use super::http::Request;
use super::http::percent::decode_query;
use super::lookups::assignment_filter;
use super::mailbox::message_id;
use super::odata::Query;
use super::policies::federation_filter;
use super::recipients::recipient_filter;
use super::traces::trace_query;
use super::users::{count_needs_advanced, parse_filter, parse_patch};
use crate::graph::wire::BatchRequest;

struct Operation {
    method: &'static str,
    /// The segments below the version; `*` is any one.
    path: &'static [&'static str],
    /// The query options that it takes.
    options: &'static [&'static str],
    /// What `$select`, `$filter` and `$expand` may name.
    of: Entity,
    /// It counts, which needs `ConsistencyLevel: eventual`.
    counts: bool,
    body: Body,
}

/// What an operation answers with.
enum Entity {
    User,
    /// A row of the message trace, which has options of its own.
    Trace,
    /// Properties for `$select`, for `$expand`, and the filters that are documented,
    /// for a simple or an advanced query.
    Other {
        properties: &'static [&'static str],
        relations: &'static [&'static str],
        filter: fn(&str, bool) -> Result<(), Refusal>,
    },
}

/// What an operation takes in its body.
enum Body {
    None,
    Json(fn(&Value) -> Result<(), Refusal>),
    Batch,
}

/// Options of a collection that comes in pages.
const LIST: &[&str] = &["$select", "$top", "$skiptoken"];
const USERS: &[&str] = &["$select", "$filter", "$top", "$count", "$skiptoken"];

const ORGANIZATION: Entity = entity(&["id", "displayName", "verifiedDomains", "tenantType"]);
const POLICY: Entity = entity(&["id", "displayName", "allowInvitesFrom"]);
const ROLE: Entity = entity(&["id", "displayName", "roleTemplateId"]);
const ROLE_ASSIGNMENT: Entity = Entity::Other {
    properties: &["id", "principalId", "roleDefinitionId", "directoryScopeId", "appScopeId"],
    relations: &["principal", "roleDefinition", "directoryScope", "appScope"],
    filter: |text, _| assignment_filter(text).map(drop),
};
const MEMBERSHIP: Entity =
    entity(&["id", "displayName", "groupTypes", "resourceProvisioningOptions", "roleTemplateId"]);
const ASSIGNMENT: Entity =
    entity(&["id", "appRoleId", "principalId", "resourceId", "resourceDisplayName"]);
const SERVICE_PRINCIPAL: Entity =
    entity(&["id", "appId", "displayName", "preferredSingleSignOnMode"]);
const OWNER: Entity = entity(&["id", "displayName", "mail", "userPrincipalName"]);
const APPLICATION: Entity = Entity::Other {
    properties: &["id", "appId", "displayName", "optionalClaims"],
    relations: &[],
    filter: |text, _| application_filter(text).map(drop),
};
const SITE: Entity = entity(&["id", "displayName", "webUrl"]);
const CLAIMS_POLICY: Entity = Entity::Other {
    properties: &["id", "displayName", "definition", "isOrganizationDefault"],
    relations: &["appliesTo"],
    filter: no_filter,
};
const FEDERATION: Entity = Entity::Other {
    properties: &[],
    relations: &[],
    filter: |text, _| federation_filter(text).map(drop),
};
const MAIL_RECIPIENT: Entity = Entity::Other {
    properties: &["id", "displayName", "mail", "proxyAddresses"],
    relations: &[],
    filter: recipient_filter,
};
const CROSS_TENANT_DEFAULT: Entity = entity(&[
    "isServiceDefault",
    "b2bCollaborationInbound",
    "b2bCollaborationOutbound",
    "invitationRedemptionIdentityProviderConfiguration",
]);
const PARTNER: Entity = Entity::Other {
    properties: &["tenantId", "b2bCollaborationInbound", "automaticUserConsentSettings"],
    relations: &["identitySynchronization"],
    filter: no_filter,
};
const TENANT_INFORMATION: Entity = entity(&[]);
const EMAIL_METHOD: Entity = entity(&["id", "state", "allowExternalIdToUseEmailOtp"]);
const MAIL_FOLDER: Entity = entity(&["id", "displayName"]);
const MAIL_MESSAGE: Entity = Entity::Other {
    properties: &["id", "internetMessageId", "isDraft"],
    relations: &[],
    filter: |text, _| message_id(text).map(drop),
};
const B2B_POLICY: Entity = entity(&["id", "displayName", "definition", "isOrganizationDefault"]);

/// Every operation that this program uses.
#[rustfmt::skip]
static OPERATIONS: &[Operation] = &[
    get(&["organization"], LIST, ORGANIZATION),
    get(&["policies", "authorizationPolicy"], &["$select"], POLICY),
    get(&["policies", "crossTenantAccessPolicy", "default"], &["$select"], CROSS_TENANT_DEFAULT),
    get(&["policies", "crossTenantAccessPolicy", "partners"], &["$select", "$expand", "$top", "$skiptoken"], PARTNER),
    get(&["policies", "authenticationMethodsPolicy", "authenticationMethodConfigurations", "email"], &["$select"], EMAIL_METHOD),
    get(&["directory", "federationConfigurations", "microsoft.graph.samlOrWsFedExternalDomainFederation"], &["$filter", "$top", "$skiptoken"], FEDERATION),
    get(&["tenantRelationships", "*"], &[], TENANT_INFORMATION),
    get(&["contacts"], USERS, MAIL_RECIPIENT),
    Operation { counts: true, ..get(&["contacts", "$count"], &["$filter"], MAIL_RECIPIENT) },
    get(&["groups"], USERS, MAIL_RECIPIENT),
    Operation { counts: true, ..get(&["groups", "$count"], &["$filter"], MAIL_RECIPIENT) },
    get(&["users"], USERS, Entity::User),
    Operation { counts: true, ..get(&["users", "$count"], &["$filter"], Entity::User) },
    get(&["users", "*"], &["$select"], Entity::User),
    get(&["users", "*", "transitiveMemberOf", "microsoft.graph.directoryRole"], LIST, ROLE),
    get(&["users", "*", "transitiveMemberOf"], &["$select", "$top", "$count", "$skiptoken"], MEMBERSHIP),
    get(&["users", "*", "appRoleAssignments"], &["$select", "$top", "$count", "$skiptoken"], ASSIGNMENT),
    get(&["servicePrincipals", "*"], &["$select"], SERVICE_PRINCIPAL),
    get(&["servicePrincipals", "*", "owners"], LIST, OWNER),
    get(&["applications"], &["$select", "$filter", "$top", "$skiptoken"], APPLICATION),
    get(&["policies", "claimsMappingPolicies"], &["$select", "$expand", "$top", "$skiptoken"], CLAIMS_POLICY),
    get(&["policies", "claimsMappingPolicies", "*", "appliesTo"], LIST, ROLE),
    get(&["directory", "deletedItems", "microsoft.graph.user"], USERS, Entity::User),
    get(&["groups", "*", "transitiveMembers", "microsoft.graph.user"], LIST, Entity::User),
    get(&["groups", "*", "owners", "microsoft.graph.user"], LIST, Entity::User),
    get(&["groups", "*", "sites", "root"], &["$select"], SITE),
    get(&["roleManagement", "directory", "roleEligibilityScheduleInstances"], &["$select", "$filter", "$expand", "$top", "$skiptoken"], ROLE_ASSIGNMENT),
    get(&["roleManagement", "directory", "roleAssignments"], &["$select", "$filter", "$expand", "$top", "$skiptoken"], ROLE_ASSIGNMENT),
    get(&["users", "*", "mailFolders", "inbox"], &["$select"], MAIL_FOLDER),
    get(&["users", "*", "messages"], &["$select", "$filter"], MAIL_MESSAGE),
    get(&["admin", "exchange", "tracing", "messageTraces"], &["$filter", "$top", "$skiptoken"], Entity::Trace),
    get(&["admin", "exchange", "tracing", "messageTraces", "*", "*"], &[], Entity::Trace),
    post(&["users", "*", "messages"], &[], |body| MESSAGE.check(body)),
    Operation { body: Body::None, ..post(&["users", "*", "messages", "*", "send"], &[], |_| Ok(())) },
    Operation { method: "PATCH", body: Body::Json(user_patch), ..get(&["users", "*"], &[], Entity::User) },
    post(&["invitations"], &[], |body| INVITATION.check(body)),
    post(&["directoryObjects", "getByIds"], &[], |body| IDS.check(body)),
    Operation { body: Body::Batch, ..post(&["$batch"], &[], |_| Ok(())) },
];

/// The one operation of the beta version that this program uses.
static BETA: Operation = get(&["policies", "b2bManagementPolicies"], LIST, B2B_POLICY);

const fn get(
    path: &'static [&'static str],
    options: &'static [&'static str],
    of: Entity,
) -> Operation {
    Operation { method: "GET", path, options, of, counts: false, body: Body::None }
}

const fn post(
    path: &'static [&'static str],
    options: &'static [&'static str],
    body: fn(&Value) -> Result<(), Refusal>,
) -> Operation {
    let body = Body::Json(body);
    Operation { method: "POST", path, options, of: Entity::User, counts: false, body }
}

const fn entity(properties: &'static [&'static str]) -> Entity {
    Entity::Other { properties, relations: &[], filter: no_filter }
}

fn no_filter(_: &str, _: bool) -> Result<(), Refusal> {
    Err(Refusal::unsupported_query("No $filter is documented here."))
}

/// Headers that a request may have: those of HTTP, and those of Graph (Microsoft
/// Graph, *Use the API*, *Throttling*).
const HEADERS: &[&str] = &[
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "client-request-id",
    "connection",
    "consistencylevel",
    "content-length",
    "content-type",
    "host",
    "prefer",
    "transfer-encoding",
    "user-agent",
    "x-ms-throttle-priority",
];

/// The values that some headers have.
const VALUES: &[(&str, &[&str])] = &[
    ("consistencylevel", &["eventual", "session"]),
    ("x-ms-throttle-priority", &["Low", "Normal", "High"]),
];

/// Parameters of the token endpoint (Microsoft identity platform, *OAuth 2.0 client
/// credentials flow*, *device authorization grant*).
const TOKEN_PARAMETERS: &[&str] = &[
    "grant_type",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "scope",
    "refresh_token",
    "device_code",
    "claims",
];

/// Judges a request from outside, and all requests of a batch.
pub(super) fn judge(request: &Request) -> Result<(), Refusal> {
    let decoded = request.segments();
    let segments: Vec<&str> = decoded.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [_, "oauth2", "v2.0", "token"] => judge_form(request),
        ["v1.0", path @ ..] => {
            let operation = judge_call(path, request)?;
            match operation.body {
                Body::Batch => judge_batch(request),
                Body::None | Body::Json(_) => Ok(()),
            }
        }
        [_, "oauth2", "v2.0", "devicecode"] => judge_form(request),
        ["beta", path @ ..] if path == BETA.path && request.method == BETA.method => {
            judge_headers(request)?;
            judge_query(&BETA, request)
        }
        _ => Err(broken(format!("{} is no path of Graph", request.path))),
    }
}

/// Whether Graph knows the path, but not with this method.
pub(super) fn takes_other_methods(method: &Method, path: &[&str]) -> bool {
    let mut known = at(path).peekable();
    known.peek().is_some() && known.all(|operation| *method != operation.method)
}

/// The operations of a path. A name in it is a wildcard only where no other operation
/// has it.
fn at<'a>(path: &'a [&str]) -> impl Iterator<Item = &'static Operation> + 'a {
    let is = |wild: bool| {
        move |operation: &&Operation| {
            operation.path.len() == path.len()
                && operation
                    .path
                    .iter()
                    .zip(path)
                    .all(|(known, given)| known == given || wild && *known == "*")
        }
    };
    let literal = OPERATIONS.iter().any(|operation| is(false)(&operation));
    OPERATIONS.iter().filter(is(!literal))
}

fn judge_call(path: &[&str], request: &Request) -> Result<&'static Operation, Refusal> {
    let operation = at(path)
        .find(|operation| request.method == operation.method)
        .ok_or_else(|| broken(format!("no operation {} {}", request.method, request.path)))?;
    judge_headers(request)?;
    judge_query(operation, request)?;
    match operation.body {
        Body::None if request.body.is_empty() => {}
        Body::None => return Err(broken("a body where none is taken".to_owned())),
        Body::Json(check) => check(&request.json()?)?,
        Body::Batch => BATCH.check(&request.json()?)?,
    }
    Ok(operation)
}

fn judge_headers(request: &Request) -> Result<(), Refusal> {
    for name in request.headers.keys() {
        if !HEADERS.contains(&name.as_str()) {
            return Err(broken(format!("the header {name} is unknown")));
        }
    }
    for (name, values) in VALUES {
        let given = request.header(name);
        if given.is_some_and(|given| !values.contains(&given)) {
            return Err(broken(format!("the header {name} has a value of its own")));
        }
    }
    let bearer = request.header("authorization").and_then(|text| text.strip_prefix("Bearer "));
    if bearer.is_none_or(str::is_empty) {
        return Err(broken("no bearer token".to_owned()));
    }
    let id = request.header("client-request-id");
    if id.is_some_and(|id| Uuid::try_parse(id).is_err()) {
        return Err(broken("client-request-id is no GUID".to_owned()));
    }
    Ok(())
}

fn judge_query(operation: &Operation, request: &Request) -> Result<(), Refusal> {
    let mut names = HashSet::new();
    for pair in request.query.split('&').filter(|pair| !pair.is_empty()) {
        let name = decode_query(pair.split_once('=').map_or(pair, |(name, _)| name));
        if !operation.options.contains(&name.as_str()) {
            return Err(broken(format!("the query option {name} is not taken here")));
        }
        if !names.insert(name) {
            return Err(broken("a query option is there twice".to_owned()));
        }
    }
    if matches!(operation.of, Entity::Trace) {
        return trace_query(&request.query);
    }
    let query = Query::parse(&request.query)?;
    let is_advanced = request.is_eventual() && (query.count || operation.counts);
    if (query.count || operation.counts) && !is_advanced {
        return Err(count_needs_advanced());
    }
    match &operation.of {
        Entity::Trace => {}
        Entity::User => {
            query.properties()?;
            parse_filter(&query, is_advanced)?;
        }
        Entity::Other { properties, relations, filter } => {
            for (names, known) in
                [(query.select, properties), (query.expand.map(|n| vec![n]), relations)]
            {
                let unknown =
                    names.into_iter().flatten().find(|name| !known.contains(&name.as_str()));
                if let Some(name) = unknown {
                    return Err(Refusal::unknown_property(&name));
                }
            }
            query.filter.as_deref().map(|text| filter(text, is_advanced)).transpose()?;
        }
    }
    Ok(())
}

fn judge_batch(request: &Request) -> Result<(), Refusal> {
    let BatchRequest { requests } = request.json()?;
    batch::check(&requests)?;
    for item in requests {
        let url = item.url.clone();
        let is_absolute = url.contains("://") || url.starts_with("//");
        if is_absolute || url.trim_start_matches('/').starts_with("v1.0/") {
            return Err(broken(format!("{url} is no URL relative to the version")));
        }
        let inner = batch::item_request(request, item)?;
        let decoded = inner.segments();
        let segments: Vec<&str> = decoded.iter().skip(1).map(String::as_str).collect();
        if segments == ["$batch"] {
            return Err(broken("a batch within a batch".to_owned()));
        }
        judge_call(&segments, &inner)?;
    }
    Ok(())
}

fn judge_form(request: &Request) -> Result<(), Refusal> {
    if request.method != Method::POST {
        return Err(Refusal::method_not_allowed());
    }
    if request.header("content-type") != Some("application/x-www-form-urlencoded") {
        return Err(broken("a token is asked for with a form".to_owned()));
    }
    let form = String::from_utf8_lossy(&request.body);
    let names = form.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    match names.map(decode_query).find(|name| !TOKEN_PARAMETERS.contains(&name.as_str())) {
        // Only the name: the value may be a secret.
        Some(name) => Err(broken(format!("the parameter {name} of a token request is unknown"))),
        None => Ok(()),
    }
}

fn user_patch(body: &Value) -> Result<(), Refusal> {
    let body = body.as_object().ok_or_else(|| wrong("microsoft.graph.user", "an object"))?;
    parse_patch(body).map(drop)
}

/// A rule that is not known to be answered in words of its own.
fn broken(what: String) -> Refusal {
    Refusal::bad_request(what)
}
