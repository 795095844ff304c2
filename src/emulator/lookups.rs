//! The other reads: organization, deleted users, roles, members of groups, objects by
//! id.
//!
//! Leaves to others: users (`users`), contacts and groups (`recipients`), policies
//! (`policies`).

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::directory::{Directory, fold};
use super::errors::Refusal;
use super::http::{Answer, Request};
use super::odata::Query;
use super::page::page;
use super::property::Selected;
use super::seed::Group;
use super::state::Shared;
use super::token::Grant;
use super::users::{READ_USERS, context, parse_filter};
use crate::graph::wire::{DirectoryObject, RoleAssignment};

const READ_DIRECTORY: &[&str] = &["Directory.Read.All", "Directory.ReadWrite.All"];
/// Microsoft Graph, *List organization*, permissions.
const READ_ORGANIZATION: &[&str] = &[
    "Organization.Read.All",
    "Organization.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
/// Microsoft Graph, *List domains*, permissions.
const READ_DOMAINS: &[&str] =
    &["Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
/// Microsoft Graph, *List unifiedRoleAssignments*, permissions, 2024-07.
const READ_ROLES: &[&str] = &[
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
    "RoleManagement.ReadWrite.Directory",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
/// Microsoft Graph, *List group transitive members*, permissions.
const READ_MEMBERS: &[&str] = &[
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
/// Microsoft Graph, *List roleEligibilityScheduleInstances*, permissions.
const READ_ELIGIBILITIES: &[&str] = &[
    "RoleEligibilitySchedule.Read.Directory",
    "RoleEligibilitySchedule.ReadWrite.Directory",
    "RoleManagement.Read.All",
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
];

/// Microsoft Graph, *directoryObject: getByIds*.
const MAX_IDS: usize = 1000;

impl Shared {
    /// `GET /organization`
    pub(super) fn organization(&self, grant: &Grant, request: &Request) -> Result<Answer, Refusal> {
        grant.require_any(READ_ORGANIZATION)?;
        let query = Query::parse(&request.query)?;
        let mut organization =
            serde_json::to_value(&self.organization).expect("an organization is plain data");
        if let (Some(names), Value::Object(properties)) = (&query.select, &mut organization) {
            properties.retain(|name, _| names.iter().any(|wanted| wanted == name));
        }
        let items = std::iter::once((0, organization)).skip(query.start);
        Ok(page(request, &query, &context("organization", &query), None, items))
    }

    /// `GET /domains` (Microsoft Graph, *List domains*).
    pub(super) fn verified_domains(
        &self,
        grant: &Grant,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_DOMAINS)?;
        let query = Query::parse(&request.query)?;
        let domains = self.organization.verified_domains.iter().map(|domain| {
            json!({
                "id": domain.name,
                "authenticationType": "Managed",
                "isDefault": domain.is_default,
                "isInitial": domain.is_initial,
                "isVerified": true,
            })
        });
        let items = domains.enumerate().skip(query.start);
        Ok(page(request, &query, &context("domains", &query), None, items))
    }

    /// `GET /users/{id}/sponsors` (Microsoft Graph, *List sponsors*). Nobody has one here.
    pub(super) fn sponsors(
        &self,
        grant: &Grant,
        name: &str,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_USERS)?;
        if self.tenant().directory.find_named(name).is_none() {
            return Err(Refusal::no_such_resource(name));
        }
        let nobody = std::iter::empty::<(usize, Value)>();
        let query = Query::parse(&request.query)?;
        Ok(page(request, &query, "directoryObjects", None, nobody))
    }

    /// `GET /directory/deletedItems/microsoft.graph.user`
    pub(super) fn deleted_users(
        &self,
        grant: &Grant,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_USERS)?;
        let query = Query::parse(&request.query)?;
        let properties = query.properties()?;
        let filter = parse_filter(&query, query.count && request.is_eventual())?;
        let tenant = self.tenant();
        let deleted = tenant.directory.deleted.iter().enumerate().skip(query.start);
        let items = deleted
            .filter(|(_, person)| filter.as_ref().is_none_or(|filter| filter.finds(person)))
            .map(|(at, person)| {
                (at, Selected { person, properties: &properties, annotation: None })
            });
        Ok(page(request, &query, &context("users", &query), None, items))
    }

    /// `GET /roleManagement/directory/roleAssignments`
    pub(super) fn role_assignments(
        &self,
        grant: &Grant,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_ROLES)?;
        let tenant = self.tenant();
        let path = "roleManagement/directory/roleAssignments";
        role_page(&tenant.directory, &tenant.directory.role_assignments, path, request)
    }

    /// `GET /roleManagement/directory/roleEligibilityScheduleInstances`
    pub(super) fn role_eligibilities(
        &self,
        grant: &Grant,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_ELIGIBILITIES)?;
        let Some(eligibilities) = &self.role_eligibilities else {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "AadPremiumLicenseRequired",
                "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance \
                 license.",
            ));
        };
        let path = "roleManagement/directory/roleEligibilityScheduleInstances";
        role_page(&self.tenant().directory, eligibilities, path, request)
    }

    /// `GET /groups/{id}/transitiveMembers/microsoft.graph.user`
    pub(super) fn transitive_members(
        &self,
        grant: &Grant,
        group: &str,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        self.people(grant, group, request, |directory, group| {
            directory.transitive_members(&group.id)
        })
    }

    /// `GET /groups/{id}/owners/microsoft.graph.user`
    pub(super) fn owners(
        &self,
        grant: &Grant,
        group: &str,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        self.people(grant, group, request, |_, group| group.owners.clone())
    }

    /// `GET /users/{id}/transitiveMemberOf/microsoft.graph.directoryRole`: the roles of the
    /// user and of the groups it is in (Microsoft Graph, *List a user's memberships (direct
    /// and transitive)*).
    pub(super) fn roles_of(
        &self,
        grant: &Grant,
        name: &str,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_USERS)?;
        let tenant = self.tenant();
        let directory = &tenant.directory;
        let Some(at) = directory.find_named(name) else {
            return Err(Refusal::no_such_resource(name));
        };
        let query = Query::parse(&request.query)?;
        let user = fold(&directory.current(at).user.id);
        let holds = |assignment: &&RoleAssignment| {
            let principal = fold(&assignment.principal_id);
            principal == user || directory.transitive_members(&principal).contains(&user)
        };
        let role = |assignment: &RoleAssignment| DirectoryObject {
            odata_type: Some("#microsoft.graph.directoryRole".to_owned()),
            id: assignment.role_definition_id.clone(),
            display_name: None,
        };
        let roles = directory.role_assignments.iter().filter(holds).map(role);
        let items = roles.enumerate().skip(query.start);
        Ok(page(request, &query, "directoryObjects", None, items))
    }

    /// A page of the users that stand in a relation to a group.
    fn people(
        &self,
        grant: &Grant,
        group: &str,
        request: &Request,
        ids: impl Fn(&Directory, &Group) -> Vec<String>,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_MEMBERS)?;
        let query = Query::parse(&request.query)?;
        let properties = query.properties()?;
        let tenant = self.tenant();
        let directory = &tenant.directory;
        let Some(group) = directory.groups.get(&fold(group)) else {
            return Err(Refusal::no_such_resource(group));
        };
        let now = Instant::now();
        let people = ids(directory, group);
        let items = people.iter().enumerate().skip(query.start).filter_map(|(position, id)| {
            let person = self.read(directory, directory.find(id)?, now)?;
            Some((position, Selected { person, properties: &properties, annotation: None }))
        });
        Ok(page(request, &query, &context("users", &query), None, items))
    }

    /// `POST /directoryObjects/getByIds`: users only; unknown ids are left out.
    pub(super) fn objects_by_id(
        &self,
        grant: &Grant,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        #[derive(Deserialize)]
        struct Body {
            ids: Vec<String>,
            #[serde(default)]
            types: Vec<String>,
        }
        #[derive(Serialize)]
        struct Found<'a> {
            #[serde(rename = "@odata.context")]
            context: String,
            value: Vec<Selected<'a>>,
        }
        grant.require_any(READ_DIRECTORY)?;
        let query = Query::parse(&request.query)?;
        let properties = query.properties()?;
        let Body { ids, types } = request.json()?;
        if ids.len() > MAX_IDS {
            return Err(Refusal::directory("Too many ids: 1000 at most."));
        }
        let users_wanted =
            types.is_empty() || types.iter().any(|kind| kind.eq_ignore_ascii_case("user"));
        let tenant = self.tenant();
        let now = Instant::now();
        let value = ids
            .iter()
            .filter(|_| users_wanted)
            .filter_map(|id| self.read(&tenant.directory, tenant.directory.find(id)?, now))
            .map(|person| Selected {
                person,
                properties: &properties,
                annotation: Some(("@odata.type", "#microsoft.graph.user")),
            })
            .collect();
        let context = format!("{}/v1.0/$metadata#directoryObjects", request.origin);
        Ok(Answer::ok(&Found { context, value }))
    }
}

/// A page of who may hold which role.
fn role_page(
    directory: &Directory,
    assignments: &[RoleAssignment],
    path: &str,
    request: &Request,
) -> Result<Answer, Refusal> {
    let query = Query::parse(&request.query)?;
    let wanted = query.filter.as_deref().map(assignment_filter).transpose()?;
    let expands = match query.expand.as_deref() {
        None => false,
        Some("principal") => true,
        Some(_) => return Err(not_emulated("$expand")),
    };
    let principal = |id: &str| {
        let object = |kind: &str, id: &str, name: &Option<String>| DirectoryObject {
            odata_type: Some(format!("#microsoft.graph.{kind}")),
            id: id.into(),
            display_name: name.clone(),
        };
        if let Some(at) = directory.find(id) {
            let user = &directory.current(at).user;
            return object("user", &user.id, &user.display_name);
        }
        match directory.groups.get(&fold(id)) {
            Some(group) => object("group", &group.id, &group.display_name),
            None => object("servicePrincipal", id, &None),
        }
    };
    let assignments = assignments.iter().enumerate().skip(query.start);
    let assignments = assignments.filter(|(_, assignment)| match &wanted {
        Some(("principalId", id)) => assignment.principal_id.eq_ignore_ascii_case(id),
        Some((_, id)) => assignment.role_definition_id.eq_ignore_ascii_case(id),
        None => true,
    });
    let items = assignments.map(|(at, assignment)| {
        let principal = expands.then(|| principal(&assignment.principal_id));
        (at, RoleAssignment { principal, ..assignment.clone() })
    });
    Ok(page(request, &query, path, None, items))
}

/// `principalId eq '…'` or `roleDefinitionId eq '…'` (Microsoft Graph, *List
/// unifiedRoleAssignments*, 2024-07).
pub(super) fn assignment_filter(text: &str) -> Result<(&str, &str), Refusal> {
    let (property, value) = text.trim().split_once(" eq ").unwrap_or((text, ""));
    let id = value.trim().strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
    match (property.trim(), id) {
        (property @ ("principalId" | "roleDefinitionId"), Some(id)) => Ok((property, id)),
        _ => Err(not_emulated("$filter")),
    }
}

fn not_emulated(option: &str) -> Refusal {
    Refusal::unsupported_query(format!("The emulator has no {option} of that kind here."))
}
