//! Who holds a directory role: an application can't reset them (Entra, *Reset
//! redemption status*, 2026-04). One sweep over all active assignments, since
//! guests with roles are rare; groups among the principals are expanded.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::domain::{Directory, GuestRef, RoleHolding, Unreadable, UserId};

use super::batch::Get;
use super::client::{Call, CallError, Graph};
use super::odata::{query, segment};
use super::survey::{Wanted, parse};
use super::wire;

const WHAT: &str = "role assignments";
const CONSEQUENCE: &str = "guests that hold a role can't be told apart; an application can't reset them, and they will fail";

/// Role holders, by how they came to it.
type Holders = HashMap<UserId, RoleHolding>;

/// Group id and name.
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
        let mut read = self.assignments(&[("$expand", "principal"), ("$top", "999")]).await;
        if matches!(&read, Err(error) if error.is_unavailable()) {
            // Without the principals, groups can't be told from users; users can.
            read = self.assignments(&[]).await;
        }
        let Some((mut holders, groups)) = self.optional(read, unreadable, WHAT, CONSEQUENCE)?
        else {
            return Ok(None);
        };
        for (group, name) in &groups {
            match self.members(group, name, &mut holders).await {
                Err(error) if error.is_unavailable() => {
                    // Asking for each guest takes a request more per row, and fewer rights.
                    let read = self.roles_of_each(directory, wanted, &mut holders).await;
                    self.optional(
                        read,
                        unreadable,
                        "members of role-assignable groups",
                        CONSEQUENCE,
                    )?;
                    break;
                }
                read => read?,
            }
        }
        Ok(Some(holders))
    }

    async fn assignments(&self, options: &[(&str, &str)]) -> Result<(Holders, Groups), CallError> {
        let call =
            Call::get(self.url("/roleManagement/directory/roleAssignments", &query(options)));
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
        let path = format!("/groups/{}/transitiveMembers/microsoft.graph.user", segment(group));
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
