//! Who holds a directory role: an application can't reset them (Entra, *Reset
//! redemption status*, 2026-04). One sweep over all active assignments, since
//! guests with roles are rare; groups among the principals are expanded.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::domain::{Directory, GuestRef, RoleHolding, Unreadable, UserId};

use super::batch::Get;
use super::call_error::CallError;
use super::client::{Call, Graph};
use super::odata::{query, segment};
use super::survey::{Optional, PAGE, Wanted, parse};
use super::wire;

const CONSEQUENCE: &str = "guests that hold a role";
const ASSIGNMENTS: Optional = Optional {
    what: "role assignments",
    consequence: CONSEQUENCE,
    permission: "RoleManagement.Read.Directory",
};
const GROUP_MEMBERS: Optional = Optional {
    what: "members of role-assignable groups",
    consequence: CONSEQUENCE,
    permission: "Directory.Read.All",
};
const ELIGIBILITIES: Optional = Optional {
    what: "roles that can be activated",
    consequence: "guests that may activate a role",
    permission: "RoleManagement.Read.Directory",
};

const PROTECTED: Optional = Optional {
    what: "members and owners of role-assignable groups",
    consequence: "guests whose otherMails are protected",
    permission: "Directory.Read.All",
};

/// Where who may hold which role is listed.
const ACTIVE: &str = "/roleManagement/directory/roleAssignments";
const ELIGIBLE: &str = "/roleManagement/directory/roleEligibilityScheduleInstances";

/// Privileged Identity Management is not licensed. Without a licence nobody stays
/// eligible (Entra, *License requirements to use PIM*).
const UNLICENSED: &str = "AadPremiumLicenseRequired";

/// Role holders, by how they came to it.
type Holders = HashMap<UserId, RoleHolding>;

type Groups = HashMap<String, Box<str>>;

impl Graph {
    /// Everyone with an active role, directly or through a role-assignable group;
    /// None when that can't be read.
    pub(super) async fn role_holders(
        &self,
        directory: &Directory,
        wanted: &Wanted,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<Option<Holders>, CallError> {
        let read = self.principals(ACTIVE).await;
        let Some((mut holders, groups)) = self.optional(read, unreadable, &ASSIGNMENTS)? else {
            return Ok(None);
        };
        for (group, name) in &groups {
            match self.members(group, name, &mut holders).await {
                Err(error) if error.is_unavailable() => {
                    // Asking for each guest takes a request more per row, and fewer rights.
                    let read = self.roles_of_each(directory, wanted, &mut holders).await;
                    self.optional(read, unreadable, &GROUP_MEMBERS)?;
                    break;
                }
                read => read?,
            }
        }
        Ok(Some(holders))
    }

    /// Everyone who may activate a role, directly or through a group. It is no more than
    /// a warning, so one thing that can't be read stands for all of it.
    pub(super) async fn eligible(
        &self,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<Holders, CallError> {
        let read = async {
            let (mut holders, groups) = self.principals(ELIGIBLE).await?;
            for (group, name) in &groups {
                self.members(group, name, &mut holders).await?;
            }
            Ok(holders)
        };
        let read = match read.await {
            Err(error) if is_unlicensed(&error) => Ok(Holders::new()),
            read => read,
        };
        Ok(self.optional(read, unreadable, &ELIGIBILITIES)?.unwrap_or_default())
    }

    /// Members and owners of role-assignable groups, whether or not these hold a role
    /// (Microsoft Graph, *users*, "Who can update sensitive attributes").
    pub(super) async fn protected(
        &self,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<Holders, CallError> {
        let read = async {
            let options = [
                ("$filter", "isAssignableToRole eq true"),
                ("$select", "id,displayName"),
                ("$top", PAGE),
            ];
            let mut groups = Vec::new();
            let call = Call::get(self.url("/groups", &query(&options)));
            self.pages(call, |group: wire::DirectoryObject| {
                groups.push(group);
                Ok(())
            })
            .await?;
            let mut holders = Holders::new();
            for wire::DirectoryObject { id, display_name, .. } in groups {
                let name = display_name.as_deref().unwrap_or(&id);
                self.members(&id, name, &mut holders).await?;
                self.people(&id, "owners", name, &mut holders).await?;
            }
            Ok(holders)
        };
        Ok(self.optional(read.await, unreadable, &PROTECTED)?.unwrap_or_default())
    }

    /// The users and groups of a list of roles.
    async fn principals(&self, list: &str) -> Result<(Holders, Groups), CallError> {
        match self.assignments(list, &[("$expand", "principal"), ("$top", "999")]).await {
            Err(error) if error.is_unavailable() && !is_unlicensed(&error) => {
                // Without the principals, groups can't be told from users; users can.
                self.assignments(list, &[]).await
            }
            read => read,
        }
    }

    async fn assignments(
        &self,
        list: &str,
        options: &[(&str, &str)],
    ) -> Result<(Holders, Groups), CallError> {
        let call = Call::get(self.url(list, &query(options)));
        let (mut holders, mut groups) = (Holders::new(), Groups::new());
        self.pages(call, |assignment: wire::RoleAssignment| {
            let principal = assignment.principal.unwrap_or_default();
            if principal.odata_type.as_deref() == Some("#microsoft.graph.group") {
                let id = assignment.principal_id;
                groups.insert(id.clone(), principal.display_name.unwrap_or(id).into());
            } else if let Ok(id) = UserId::parse(&assignment.principal_id) {
                holders.insert(id, RoleHolding::Direct);
            }
            Ok(())
        })
        .await?;
        Ok((holders, groups))
    }

    async fn members(
        &self,
        group: &str,
        name: &str,
        holders: &mut Holders,
    ) -> Result<(), CallError> {
        self.people(group, "transitiveMembers", name, holders).await
    }

    /// Users that stand in a relation to a group.
    async fn people(
        &self,
        group: &str,
        relation: &str,
        name: &str,
        holders: &mut Holders,
    ) -> Result<(), CallError> {
        let path = format!("/groups/{}/{relation}/microsoft.graph.user", segment(group));
        let call = Call::get(self.url(&path, &query(&[("$select", "id"), ("$top", "999")])));
        self.pages(call, |member: wire::DirectoryObject| {
            if let Ok(id) = UserId::parse(&member.id) {
                holders.entry(id).or_insert_with(|| RoleHolding::ThroughGroup(name.into()));
            }
            Ok(())
        })
        .await
    }

    /// Asks for the roles of each guest that the manifest names.
    async fn roles_of_each(
        &self,
        directory: &Directory,
        wanted: &Wanted,
        holders: &mut Holders,
    ) -> Result<(), CallError> {
        let ids: BTreeSet<UserId> = wanted
            .references
            .iter()
            .flat_map(|reference| match reference {
                GuestRef::Id(id) => directory.user(*id).into_iter().collect(),
                GuestRef::Name(name) => directory.users_named(name),
            })
            .map(|user| user.id)
            .filter(|id| !holders.contains_key(id))
            .collect();
        let ids: Vec<UserId> = ids.into_iter().collect();
        let gets: Vec<Get> = ids
            .iter()
            .map(|id| Get {
                path: format!("/users/{id}/transitiveMemberOf/microsoft.graph.directoryRole"),
                query: query(&[("$select", "id,displayName")]),
            })
            .collect();
        for (id, got) in ids.into_iter().zip(self.get_all(&gets).await?) {
            let roles: wire::Page<Value> = parse(got.map_err(super::survey::refused)?)?;
            if !roles.value.is_empty() {
                let group = "whose members could not be read";
                holders.insert(id, RoleHolding::ThroughGroup(group.into()));
            }
        }
        Ok(())
    }
}

fn is_unlicensed(error: &CallError) -> bool {
    matches!(error, CallError::Refused { refusal, .. } if refusal.code == UNLICENSED)
}
