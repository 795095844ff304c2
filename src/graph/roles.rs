//! Who holds a directory role: an application can't reset them (Entra, *Reset
//! redemption status*, 2026-04). One sweep over all active assignments, since
//! guests with roles are rare; groups among the principals are expanded. A principal that
//! does not show what it is may be a group, with anybody in it: whoever it is, is unknown
//! and never "no role".

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::domain::{Directory, GuestRef, RoleHolding, Unreadable, UserId};

use super::batch::Get;
use super::call::Call;
use super::call_error::CallError;
use super::client::Graph;
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
const PRINCIPALS: Optional = Optional {
    what: "whom some role assignments are for",
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

/// Whom a list of roles is for.
#[derive(Default)]
struct Principals {
    users: Holders,
    groups: Groups,
    /// Ids that may be anything's.
    unclear: BTreeSet<String>,
}

impl Principals {
    /// Users whose ids are known are no groups; tells how many may be.
    fn settle(&mut self, directory: &Directory) -> usize {
        self.unclear.retain(|id| match UserId::parse(id) {
            Ok(id) if directory.user(id).is_some() => {
                self.users.insert(id, RoleHolding::Direct);
                false
            }
            Ok(_) | Err(_) => true,
        });
        self.unclear.len()
    }
}

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
        let Some(mut principals) = self.optional(read, unreadable, &ASSIGNMENTS)? else {
            return Ok(None);
        };
        let mut unread = (principals.settle(directory) > 0).then_some(&PRINCIPALS);
        let Principals { users: mut holders, groups, .. } = principals;
        for (group, name) in &groups {
            match self.members(group, name, &mut holders).await {
                Err(error) if error.is_unavailable() => {
                    unread = Some(&GROUP_MEMBERS);
                    break;
                }
                read => read?,
            }
        }
        if let Some(about) = unread {
            // Asking for each guest takes a request more per row, and fewer rights.
            let read = self.roles_of_each(directory, wanted, &mut holders).await;
            self.optional(read, unreadable, about)?;
        }
        Ok(Some(holders))
    }

    /// Everyone who may activate a role, directly or through a group. It is no more than
    /// a warning, so one thing that can't be read stands for all of it.
    pub(super) async fn eligible(
        &self,
        directory: &Directory,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<Holders, CallError> {
        let read = async {
            let mut principals = self.principals(ELIGIBLE).await?;
            let unclear = principals.settle(directory);
            let Principals { users: mut holders, groups, .. } = principals;
            for (group, name) in &groups {
                self.members(group, name, &mut holders).await?;
            }
            Ok((holders, unclear))
        };
        let read = match read.await {
            Err(error) if is_unlicensed(&error) => Ok(Default::default()),
            read => read,
        };
        let read = self.optional(read, unreadable, &ELIGIBILITIES)?;
        let (holders, unclear) = read.unwrap_or_default();
        if unclear > 0 {
            let Optional { what, consequence, permission } = ELIGIBILITIES;
            let why = format!("{unclear} of them do not show whom they are for");
            unreadable.push(Unreadable { what, consequence, permission, why });
        }
        Ok(holders)
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

    /// Whom a list of roles is for.
    async fn principals(&self, list: &str) -> Result<Principals, CallError> {
        match self.assignments(list, &[("$expand", "principal"), ("$top", "999")]).await {
            Err(error) if error.is_unavailable() && !is_unlicensed(&error) => {
                self.assignments(list, &[]).await
            }
            read => read,
        }
    }

    async fn assignments(
        &self,
        list: &str,
        options: &[(&str, &str)],
    ) -> Result<Principals, CallError> {
        let call = Call::get(self.url(list, &query(options)));
        let mut principals = Principals::default();
        self.pages(call, |assignment: wire::RoleAssignment| {
            let principal = assignment.principal.unwrap_or_default();
            let id = assignment.principal_id;
            match principal.odata_type.as_deref() {
                Some("#microsoft.graph.group") => {
                    let name = principal.display_name.unwrap_or_else(|| id.clone());
                    principals.groups.insert(id, name.into());
                }
                Some("#microsoft.graph.user") => match UserId::parse(&id) {
                    Ok(user) => {
                        principals.users.insert(user, RoleHolding::Direct);
                    }
                    Err(_) => {
                        principals.unclear.insert(id);
                    }
                },
                Some(_) => {}
                None => {
                    principals.unclear.insert(id);
                }
            }
            Ok(())
        })
        .await?;
        Ok(principals)
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
                let group = "that could not be read";
                holders.insert(id, RoleHolding::ThroughGroup(group.into()));
            }
        }
        Ok(())
    }
}

fn is_unlicensed(error: &CallError) -> bool {
    matches!(error, CallError::Refused { refusal, .. } if refusal.code == UNLICENSED)
}
