//! What hangs on guests: groups and roles, and the apps that they are assigned to. Two small
//! reads a guest, many in a request.
//!
//! A plan can do without any of it: what can't be read is noted. Leaves to others: the apps
//! themselves (`reached_apps`), and what a move means for all this (`plan`).

use std::collections::BTreeSet;

use http::StatusCode;
use serde::de::DeserializeOwned;

use crate::domain::{Memberships, Reach, ReachedGroup, Unreadable, UserId};

use super::batch::{Get, Got};
use super::call::Call;
use super::call_error::CallError;
use super::client::Graph;
use super::odata::query;
use super::redeeming::unavailable;
use super::survey::{Optional, PAGE, parse};
use super::wire;

/// Microsoft Graph, *List a user's memberships (direct and transitive)*.
const MEMBERSHIPS: Optional = Optional {
    what: "groups and roles of guests",
    consequence: "what a move touches",
    permission: "User.Read.All",
};
/// The same page: whoever may not read groups gets their ids alone.
const GROUPS: Optional = Optional {
    what: "which groups are teams",
    consequence: "the teams that a move touches",
    permission: "GroupMember.Read.All",
};
/// Microsoft Graph, *List appRoleAssignments granted to a user*.
const ASSIGNMENTS: Optional = Optional {
    what: "assignments of guests to apps",
    consequence: "the apps that a move touches",
    permission: "Directory.Read.All",
};

/// Guests asked about at one time: their answers are in memory together.
const CHUNK: usize = 500;

/// What is still worth asking of a guest.
struct Asked {
    memberships: bool,
    assignments: bool,
}

impl Graph {
    /// Reads what hangs on these guests.
    pub async fn reach(&self, guests: &BTreeSet<UserId>) -> Result<Reach, CallError> {
        let mut reach = Reach::default();
        let mut asked = Asked { memberships: true, assignments: true };
        let guests: Vec<UserId> = guests.iter().copied().collect();
        // What is refused for the first is refused for all of them.
        let (first, rest) = guests.split_at(guests.len().min(1));
        for chunk in std::iter::once(first).chain(rest.chunks(CHUNK)) {
            self.reach_of(chunk, &mut asked, &mut reach).await?;
        }
        Box::pin(self.reached_apps(&mut reach)).await?;
        Ok(reach)
    }

    async fn reach_of(
        &self,
        guests: &[UserId],
        asked: &mut Asked,
        reach: &mut Reach,
    ) -> Result<(), CallError> {
        if asked.memberships {
            let select = [("$count", "true"), ("$select", wire::MEMBERSHIP_SELECT), ("$top", PAGE)];
            let read = self.of_each(guests, "transitiveMemberOf", &select);
            let read = self.all_optional(read.await, &MEMBERSHIPS, &mut reach.unreadable)?;
            asked.memberships &= read.len() == guests.len();
            for (guest, got) in guests.iter().zip(read) {
                asked.memberships &= !is_denied(&got);
                let all = self.list_of(got, &MEMBERSHIPS, &mut reach.unreadable).await?;
                let memberships = all.map(|all| memberships(all, reach));
                reach.guests.entry(*guest).or_default().memberships = memberships;
            }
        }
        if asked.assignments {
            // The header of an advanced query makes the list complete.
            let select = [("$count", "true"), ("$select", wire::ASSIGNMENT_SELECT), ("$top", PAGE)];
            let read = self.of_each(guests, "appRoleAssignments", &select);
            let read = self.all_optional(read.await, &ASSIGNMENTS, &mut reach.unreadable)?;
            asked.assignments &= read.len() == guests.len();
            for (guest, got) in guests.iter().zip(read) {
                asked.assignments &= !is_denied(&got);
                let all = self.list_of(got, &ASSIGNMENTS, &mut reach.unreadable).await?;
                let apps = all.map(|all| apps(all, reach));
                reach.guests.entry(*guest).or_default().apps = apps;
            }
        }
        for guest in guests {
            reach.guests.entry(*guest).or_default();
        }
        Ok(())
    }

    async fn of_each(
        &self,
        guests: &[UserId],
        relation: &str,
        options: &[(&str, &str)],
    ) -> Result<Vec<Got>, CallError> {
        let query = query(options);
        let get = |guest: &UserId| Get {
            path: format!("/users/{guest}/{relation}"),
            query: query.clone(),
        };
        self.get_all(&guests.iter().map(get).collect::<Vec<_>>()).await
    }

    /// What a list holds, to its last page. None, and a note, where it can't be read; without
    /// a note where there is no such thing.
    pub(super) async fn list_of<T: DeserializeOwned>(
        &self,
        got: Got,
        about: &Optional,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<Option<Vec<T>>, CallError> {
        let read = match got {
            Err(refusal) if refusal.status == StatusCode::NOT_FOUND => return Ok(None),
            Err(refusal) => Err(unavailable(refusal)),
            Ok(body) => match parse::<wire::Page<T>>(body) {
                Ok(page) => self.to_the_end(page).await,
                Err(error) => Err(error),
            },
        };
        self.optional_once(read, unreadable, about)
    }

    async fn to_the_end<T: DeserializeOwned>(
        &self,
        page: wire::Page<T>,
    ) -> Result<Vec<T>, CallError> {
        let mut items = page.value;
        if let Some(link) = page.next_link {
            // The header goes with every page (Microsoft Graph, *Paging*).
            let call = Call { advanced: true, ..Call::get(self.own_link(&link)?) };
            self.pages(call, |item| {
                items.push(item);
                Ok(())
            })
            .await?;
        }
        Ok(items)
    }

    /// The answers to many reads; none, and a note, where they got none that can be used.
    pub(super) fn all_optional(
        &self,
        read: Result<Vec<Got>, CallError>,
        about: &Optional,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<Vec<Got>, CallError> {
        let read = match read {
            Err(error @ (CallError::Refused { .. } | CallError::Lost { .. })) => {
                Err(CallError::Protocol(error.to_string()))
            }
            read => read,
        };
        Ok(self.optional_once(read, unreadable, about)?.unwrap_or_default())
    }

    /// As [`Graph::optional`], noted once for all that lack it.
    pub(super) fn optional_once<T>(
        &self,
        read: Result<T, CallError>,
        unreadable: &mut Vec<Unreadable>,
        about: &Optional,
    ) -> Result<Option<T>, CallError> {
        if unreadable.iter().any(|noted| noted.what == about.what) {
            return self.optional(read, &mut Vec::new(), about);
        }
        self.optional(read, unreadable, about)
    }
}

/// Whether the service does not do it for this caller, whoever the guest is.
fn is_denied(got: &Got) -> bool {
    matches!(got, Err(refusal) if matches!(
        refusal.status,
        StatusCode::BAD_REQUEST
            | StatusCode::FORBIDDEN
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::NOT_IMPLEMENTED
    ))
}

fn memberships(all: Vec<wire::Membership>, reach: &mut Reach) -> Memberships {
    let mut found = Memberships::default();
    for membership in all {
        let id: Box<str> = membership.id.into();
        let name: Option<Box<str>> = membership.display_name.map(Into::into);
        match membership.odata_type.as_deref() {
            Some("#microsoft.graph.group") => {
                let is = |list: &Option<Vec<String>>, word: &str| {
                    list.as_ref().map(|list| list.iter().any(|it| it.eq_ignore_ascii_case(word)))
                };
                let is_team = is(&membership.resource_provisioning_options, "Team");
                let has_site = is(&membership.group_types, "Unified");
                if is_team.is_none() {
                    note_hidden_groups(&mut reach.unreadable);
                }
                reach.groups.insert(id.clone(), ReachedGroup { name, is_team, has_site });
                found.groups.push(id);
            }
            Some("#microsoft.graph.directoryRole") => found.roles.push(name.unwrap_or(id)),
            Some("#microsoft.graph.administrativeUnit") => found.administrative_units += 1,
            Some(_) | None => {}
        }
    }
    found
}

fn note_hidden_groups(unreadable: &mut Vec<Unreadable>) {
    let Optional { what, consequence, permission } = GROUPS;
    if !unreadable.iter().any(|noted| noted.what == what) {
        let why = "the service shows the ids of groups alone".to_owned();
        unreadable.push(Unreadable { what, consequence, permission, why });
    }
}

/// The apps of a guest, each once: it may have several roles in one.
fn apps(all: Vec<wire::AppRoleAssignment>, reach: &mut Reach) -> Vec<Box<str>> {
    let mut apps: Vec<Box<str>> = Vec::new();
    for assignment in all.into_iter().filter(|it| !it.resource_id.is_empty()) {
        let id: Box<str> = assignment.resource_id.to_lowercase().into();
        let app = reach.apps.entry(id.clone()).or_default();
        let name = assignment.resource_display_name.map(Into::into);
        app.name = app.name.take().or(name);
        if !apps.contains(&id) {
            apps.push(id);
        }
    }
    apps
}
