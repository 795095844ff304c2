//! Apps, who is assigned to them, and what they are told of a user; and what a user is a
//! member of.
//!
//! Leaves to others: the groups themselves (`directory`).

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::directory::fold;
use super::errors::Refusal;
use super::http::{Answer, Request};
use super::odata::Query;
use super::page::page;
use super::seed::Group;
use super::state::Shared;
use super::token::Grant;
use super::users::{READ_USERS, context, count_needs_advanced};
use crate::graph::wire::{self, AppRoleAssignment, ClaimsMappingPolicy, DirectoryObject};

/// The apps of a tenant.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Apps {
    pub service_principals: Vec<App>,
    /// Users and groups that may use them.
    pub assignments: Vec<AppRoleAssignment>,
    pub claims_mapping_policies: Vec<ClaimsMappingPolicy>,
}

/// A service principal.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct App {
    #[serde(flatten)]
    pub principal: wire::ServicePrincipal,
    /// Object ids of users.
    pub owners: Vec<String>,
    /// What its registration asks for; None where it is registered in another tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<wire::OptionalClaims>,
}

/// Microsoft Graph, *List a user's memberships (direct and transitive)*, permissions.
const READ_MEMBERSHIPS: &[&str] = &["GroupMember.Read.All", "Group.Read.All"];
/// The same page: without one of these a group shows its kind and id alone.
const SHOW_GROUPS: &[&str] = &[
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const SHOW_ROLES: &[&str] = &[
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
/// Microsoft Graph, *List appRoleAssignments granted to a user*, permissions.
const READ_ASSIGNMENTS: &[&str] =
    &["Directory.Read.All", "Directory.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"];
/// Microsoft Graph, *Get servicePrincipal*, *List applications*, permissions.
const READ_APPS: &[&str] = &[
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
/// Microsoft Graph, *List claimsMappingPolicies*, permissions.
const READ_CLAIMS: &[&str] = &["Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration"];

/// Microsoft Graph, *Get a site resource*, permissions.
const READ_SITES: &[&str] = &["Sites.Read.All", "Sites.ReadWrite.All"];

/// As many as `$expand` shows (Microsoft Graph, *Query parameters*, `$expand`).
const MOST_EXPANDED: usize = 20;

impl Shared {
    /// `GET /users/{id}/transitiveMemberOf`
    pub(super) fn memberships(
        &self,
        grant: &Grant,
        name: &str,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_USERS).or_else(|_| grant.require_any(READ_MEMBERSHIPS))?;
        let query = counted(request)?;
        let tenant = self.tenant();
        let directory = &tenant.directory;
        let Some(at) = directory.find_named(name) else {
            return Err(Refusal::no_such_resource(name));
        };
        let user = fold(&directory.current(at).user.id);
        let is_in = |id: &str| directory.transitive_members(id).contains(&user);
        let mut groups: Vec<&Group> =
            directory.groups.values().filter(|group| is_in(&group.id)).collect();
        // Pages rest on an order.
        groups.sort_by(|one, other| one.id.cmp(&other.id));
        let (shows_groups, shows_roles) = (grant.has_any(SHOW_GROUPS), grant.has_any(SHOW_ROLES));
        let groups = groups.into_iter().map(|group| {
            let values = json!({
                "displayName": group.display_name,
                "groupTypes": group.group_types,
                "resourceProvisioningOptions": group.resource_provisioning_options,
            });
            member("group", &group.id, &values, &query, shows_groups)
        });
        let holds = |assignment: &&wire::RoleAssignment| {
            let principal = fold(&assignment.principal_id);
            principal == user || is_in(&principal)
        };
        let mut roles: Vec<&str> = directory
            .role_assignments
            .iter()
            .filter(holds)
            .map(|assignment| assignment.role_definition_id.as_str())
            .collect();
        roles.sort_unstable();
        roles.dedup();
        let roles = roles.into_iter().map(|id| {
            let values = json!({ "displayName": role_name(id), "roleTemplateId": id });
            member("directoryRole", id, &values, &query, shows_roles)
        });
        let all: Vec<Value> = groups.chain(roles).collect();
        let count = query.count.then_some(all.len());
        let items = all.into_iter().enumerate().skip(query.start);
        Ok(page(request, &query, "directoryObjects", count, items))
    }

    /// `GET /users/{id}/appRoleAssignments`: the user's own, and those of groups that it is
    /// directly in.
    pub(super) fn assignments_of(
        &self,
        grant: &Grant,
        name: &str,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_ASSIGNMENTS)?;
        let query = counted(request)?;
        let tenant = self.tenant();
        let directory = &tenant.directory;
        let Some(at) = directory.find_named(name) else {
            return Err(Refusal::no_such_resource(name));
        };
        let user = fold(&directory.current(at).user.id);
        let is_for = |principal: &str| {
            let group = directory.groups.get(&fold(principal));
            fold(principal) == user
                || group.is_some_and(|group| group.members.iter().any(|it| fold(it) == user))
        };
        let own: Vec<&AppRoleAssignment> =
            self.apps.assignments.iter().filter(|it| is_for(&it.principal_id)).collect();
        let count = query.count.then_some(own.len());
        let items = own.into_iter().enumerate().skip(query.start);
        let items = items.map(|(at, it)| (at, selected(it, &query)));
        Ok(page(request, &query, &context("appRoleAssignments", &query), count, items))
    }

    /// `GET /servicePrincipals/{id}`
    pub(super) fn service_principal(
        &self,
        grant: &Grant,
        id: &str,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_APPS)?;
        let query = Query::parse(&request.query)?;
        Ok(Answer::ok(&selected(&self.app(id)?.principal, &query)))
    }

    /// `GET /servicePrincipals/{id}/owners`
    pub(super) fn app_owners(
        &self,
        grant: &Grant,
        id: &str,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_APPS)?;
        let query = Query::parse(&request.query)?;
        let tenant = self.tenant();
        let shows_users = grant.has_any(READ_USERS);
        let owners = self.app(id)?.owners.iter().enumerate().skip(query.start);
        let items = owners.map(|(position, id)| {
            let user = tenant.directory.find(id).map(|at| &tenant.directory.current(at).user);
            let values = json!({
                "displayName": user.map(|user| &user.display_name),
                "mail": user.map(|user| &user.mail),
                "userPrincipalName": user.map(|user| &user.user_principal_name),
            });
            (position, member("user", id, &values, &query, shows_users))
        });
        Ok(page(request, &query, "directoryObjects", None, items))
    }

    fn app(&self, id: &str) -> Result<&App, Refusal> {
        let mut apps = self.apps.service_principals.iter();
        apps.find(|app| app.principal.id.eq_ignore_ascii_case(id))
            .ok_or_else(|| Refusal::no_such_resource(id))
    }

    /// `GET /applications`, by `appId eq`.
    pub(super) fn registrations(
        &self,
        grant: &Grant,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_APPS)?;
        let query = Query::parse(&request.query)?;
        let wanted = query.filter.as_deref().map(application_filter).transpose()?;
        let apps = self.apps.service_principals.iter().filter(|app| {
            let id = app.principal.app_id.as_deref().unwrap_or_default();
            wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(id))
        });
        let registered = apps.filter_map(|app| {
            // The registration has an object id of its own.
            let id = format!("{}-registration", app.principal.id);
            let optional_claims = Some(app.registration.clone()?);
            Some(wire::RegisteredApplication { id, optional_claims })
        });
        let items = registered.enumerate().skip(query.start);
        let items = items.map(|(at, it)| (at, selected(&it, &query)));
        Ok(page(request, &query, &context("applications", &query), None, items))
    }

    /// `GET /policies/claimsMappingPolicies`
    pub(super) fn claims_policies(
        &self,
        grant: &Grant,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_CLAIMS)?;
        let query = Query::parse(&request.query)?;
        let expands = match query.expand.as_deref() {
            None => false,
            Some("appliesTo") => {
                grant.require_any(READ_APPS)?;
                true
            }
            Some(_) => {
                return Err(Refusal::unsupported_query("The emulator has no such $expand here."));
            }
        };
        let policies = self.apps.claims_mapping_policies.iter().enumerate().skip(query.start);
        let items = policies.map(|(at, policy)| {
            let applies_to = policy.applies_to.clone().unwrap_or_default();
            let applies_to: Vec<_> = applies_to.into_iter().take(MOST_EXPANDED).collect();
            let applies_to = expands.then_some(applies_to);
            (at, ClaimsMappingPolicy { applies_to, ..policy.clone() })
        });
        Ok(page(request, &query, "policies/claimsMappingPolicies", None, items))
    }

    /// `GET /policies/claimsMappingPolicies/{id}/appliesTo`
    pub(super) fn claims_policy_applies_to(
        &self,
        grant: &Grant,
        id: &str,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_CLAIMS)?;
        grant.require_any(READ_APPS)?;
        let query = Query::parse(&request.query)?;
        let mut policies = self.apps.claims_mapping_policies.iter();
        let policy = policies.find(|policy| policy.id.eq_ignore_ascii_case(id));
        let policy = policy.ok_or_else(|| Refusal::no_such_resource(id))?;
        let applies_to: &[DirectoryObject] = policy.applies_to.as_deref().unwrap_or_default();
        let items = applies_to.iter().enumerate().skip(query.start);
        Ok(page(request, &query, "directoryObjects", None, items))
    }
}

impl Shared {
    /// `GET /groups/{id}/sites/root`
    pub(super) fn group_site(
        &self,
        grant: &Grant,
        group: &str,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        if !grant.has_any(READ_SITES) {
            // SharePoint's own word (Microsoft Graph, *Error responses*).
            return Err(Refusal::new(StatusCode::FORBIDDEN, "accessDenied", "Access denied"));
        }
        let query = Query::parse(&request.query)?;
        let tenant = self.tenant();
        let group = tenant.directory.groups.get(&fold(group));
        let group = group.ok_or_else(|| Refusal::no_such_resource("group"))?;
        let url = group.site_url.as_ref().ok_or_else(|| {
            Refusal::new(StatusCode::NOT_FOUND, "itemNotFound", "Requested site could not be found")
        })?;
        let site = json!({ "displayName": group.display_name, "webUrl": url });
        Ok(Answer::ok(&selected(&site, &query)))
    }
}

/// `appId eq '…'` (Microsoft Graph, *application resource type*, `appId`).
pub(super) fn application_filter(text: &str) -> Result<&str, Refusal> {
    let id = text.trim().strip_prefix("appId eq '").and_then(|rest| rest.strip_suffix('\''));
    id.ok_or_else(|| Refusal::unsupported_query("The emulator has no $filter of that kind here."))
}

/// The query of a request that may count.
fn counted(request: &Request) -> Result<Query, Refusal> {
    let query = Query::parse(&request.query)?;
    if query.count && !request.is_eventual() {
        return Err(count_needs_advanced());
    }
    Ok(query)
}

/// An object of a list of directory objects. Whoever may not read such objects is told its
/// kind and id, and null for the rest.
fn member(kind: &str, id: &str, values: &Value, query: &Query, is_shown: bool) -> Value {
    let mut object = Map::new();
    object.insert("@odata.type".to_owned(), format!("#microsoft.graph.{kind}").into());
    object.insert("id".to_owned(), id.into());
    for (name, value) in values.as_object().into_iter().flatten() {
        let is_wanted = query.select.as_ref().is_none_or(|names| names.contains(name));
        if is_wanted {
            let value = if is_shown { value.clone() } else { Value::Null };
            object.insert(name.clone(), value);
        }
    }
    Value::Object(object)
}

/// The properties of an object that are asked for.
fn selected(object: &impl Serialize, query: &Query) -> Value {
    let mut object = serde_json::to_value(object).expect("wire types are plain data");
    if let (Some(names), Value::Object(properties)) = (&query.select, &mut object) {
        properties.retain(|name, _| names.iter().any(|wanted| wanted == name));
    }
    object
}

/// The name of a role that the samples use (Entra, *Built-in roles*).
fn role_name(id: &str) -> Option<&'static str> {
    match id {
        "62e90394-69f5-4237-9190-012177145e10" => Some("Global Administrator"),
        "729827e3-9c14-49f7-bb1b-9608f156bbb8" => Some("Helpdesk Administrator"),
        "f2ef992c-3afb-46b9-b7cf-a126ee74c451" => Some("Global Reader"),
        _ => None,
    }
}
