//! Reading the directory for a plan: by one sweep over all guests, or by looking
//! up what the manifest names, whichever costs fewer resource units.
//!
//! What cannot be read for lack of permission is noted in the snapshot; only the
//! guests themselves are indispensable.

use std::collections::BTreeSet;
use std::time::Duration;

use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::debug;

use crate::domain::{
    AddressHolder, Caller, Directory, Email, GuestRef, HolderKind, Unreadable, UserId, UserType,
};

use super::batch::Get;
use super::call::Call;
use super::call_error::CallError;
use super::client::Graph;
use super::odata::query;
use super::pace::sleep_or_stop;
use super::presence::deleted_at;
use super::recipients::TAKEN;
use super::refusal::Refusal;
use super::users::{directory_user, smtp_addresses};
use super::wire;

/// What a plan needs to find.
#[derive(Debug, Default)]
pub struct Wanted {
    /// How the manifest names guests.
    pub references: Vec<GuestRef>,
    /// New addresses, to see whether someone holds them.
    pub addresses: Vec<Email>,
    /// Guests that keep their address, whose domain is a new one all the same.
    pub resets: Vec<GuestRef>,
    /// Guests that earlier runs acted on.
    pub known: Vec<UserId>,
    /// References, folded, of which an earlier run knows whom they meant. Where nobody is
    /// found by them after a sweep, they are not looked for one by one.
    pub remembered: BTreeSet<String>,
    /// Whether `otherMails` are to be written: a property of which Graph protects the
    /// members and owners of role-assignable groups, too.
    pub writes_other_mails: bool,
}

/// How the guests were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Page by page, all of them.
    Sweep,
    /// One by one, those named.
    LookUps,
}

/// The directory, and how it was read.
#[derive(Debug)]
pub struct Survey {
    pub directory: Directory,
    /// How the guests were read.
    pub method: Method,
    pub requests: u64,
}

/// Graph's largest page of users (Microsoft Graph, *List users*).
pub(super) const PAGE: &str = "999";
pub(super) const PAGE_SIZE: u64 = 999;

/// One look-up by filter costs 2 resource units less 1 for `$select`, and each row
/// takes one for the guest and one for the new address; a page of the sweep costs
/// 1 (Microsoft Graph, *Throttling limits*, 2026-02).
const LOOK_UP_UNITS: u64 = 1;
const PAGE_UNITS: u64 = 1;

/// When guests that were not found by their id are looked for once more.
const SECOND_LOOK: Duration = Duration::from_secs(2);

/// A read that a plan can do without.
pub(super) struct Optional {
    /// What: "role assignments".
    pub(super) what: &'static str,
    /// What the plan does not know without it.
    pub(super) consequence: &'static str,
    /// The permission that shows it.
    pub(super) permission: &'static str,
}

const DELETED_USERS: Optional =
    Optional { what: "deleted users", consequence: TAKEN, permission: "User.Read.All" };

impl Graph {
    /// Reads what a plan needs, in the way that costs less.
    pub async fn survey(&self, wanted: &Wanted, caller: Caller) -> Result<Survey, CallError> {
        self.survey_by(None, wanted, caller).await
    }

    /// Reads what a plan needs, the guests in this way. What a plan decides does not depend
    /// on it.
    pub async fn survey_by(
        &self,
        method: Option<Method>,
        wanted: &Wanted,
        caller: Caller,
    ) -> Result<Survey, CallError> {
        let before = self.traffic().requests.load(std::sync::atomic::Ordering::Relaxed);
        let mut unreadable = Vec::new();
        let tenant = Box::pin(self.tenant(&mut unreadable)).await?;
        // Members not counted: the tenant may be larger than that, never smaller.
        self.pacer.tenant_has(tenant.guests.unwrap_or_default());
        let look_ups =
            (wanted.references.len() + wanted.addresses.len() + wanted.known.len()) as u64;
        let cheaper = match tenant.guests {
            Some(guests) if look_ups * LOOK_UP_UNITS < guests.div_ceil(PAGE_SIZE) * PAGE_UNITS => {
                Method::LookUps
            }
            Some(_) | None => Method::Sweep,
        };
        let method = method.unwrap_or(cheaper);
        let mut directory = Directory::new(tenant);
        let swept = match method {
            Method::Sweep => self.sweep(&mut directory).await?,
            Method::LookUps => Swept::Nothing,
        };
        self.complete(&mut directory, wanted, swept, caller, &mut unreadable).await?;
        directory.unreadable = unreadable;
        let after = self.traffic().requests.load(std::sync::atomic::Ordering::Relaxed);
        Ok(Survey { directory, method, requests: after - before })
    }

    /// Adds to the guests that were swept whatever else a plan needs.
    pub(super) async fn complete(
        &self,
        directory: &mut Directory,
        wanted: &Wanted,
        swept: Swept,
        caller: Caller,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<(), CallError> {
        directory.index();
        let looked_for = self.look_up_references(directory, wanted, swept).await?;
        directory.index();
        self.look_up_holders(directory, wanted, swept, &looked_for, unreadable).await?;
        directory.index();
        Box::pin(self.redeeming(directory, wanted, unreadable)).await?;
        self.deleted_users(directory, unreadable).await?;
        self.recipients(directory, wanted, unreadable).await?;
        if caller == Caller::AppOnly {
            directory.role_holders = self.role_holders(directory, wanted, unreadable).await?;
            directory.eligible = self.eligible(directory, unreadable).await?;
            if wanted.writes_other_mails {
                directory.protected = self.protected(unreadable).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn sweep(&self, directory: &mut Directory) -> Result<Swept, CallError> {
        // External members come by invitation too; a filter on the type alone
        // would miss them.
        let filters =
            ["userType eq 'Guest' or creationType eq 'Invitation'", "userType eq 'Guest'"];
        for (position, filter) in filters.iter().enumerate() {
            let query =
                query(&[("$filter", filter), ("$select", wire::USER_SELECT), ("$top", PAGE)]);
            let call = Call::get(self.url("/users", &query));
            let read = self
                .pages(call, |user: wire::User| {
                    directory.add_user(directory_user(user)?);
                    Ok(())
                })
                .await;
            match read {
                // Only the plain form is indispensable: the other is an OData `or`. A later
                // page is never refused for its filter, and never ends here.
                Err(CallError::Refused { refusal, .. })
                    if position == 0 && is_about_the_filter(&refusal) => {}
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        let guests = directory.users().iter().filter(|user| user.user_type == UserType::Guest);
        let guests = guests.count() as u64;
        directory.tenant.guests = Some(guests);
        Ok(Swept::Guests)
    }

    /// Finds what the sweep did not: members named by mistake, guests just
    /// created, guests of earlier runs. Gives the names that it asked for.
    pub(super) async fn look_up_references(
        &self,
        directory: &mut Directory,
        wanted: &Wanted,
        swept: Swept,
    ) -> Result<BTreeSet<String>, CallError> {
        let mut ids: BTreeSet<UserId> = wanted.known.iter().copied().collect();
        let mut names: BTreeSet<String> = BTreeSet::new();
        for reference in &wanted.references {
            match reference {
                GuestRef::Id(id) => {
                    ids.insert(*id);
                }
                GuestRef::Name(_) => {
                    names.insert(reference.folded());
                }
            }
        }
        ids.retain(|id| directory.user(*id).is_none());
        names.retain(|name| directory.users_named(name).is_empty());
        if swept == Swept::Guests {
            names.retain(|name| !wanted.remembered.contains(name));
        }
        let select = query(&[("$select", wire::USER_SELECT)]);
        let by_id: Vec<Get> = ids
            .iter()
            .map(|id| Get { path: format!("/users/{id}"), query: select.clone() })
            .collect();
        let mut absent = self.add_by_id(directory, &by_id).await?;
        if !absent.is_empty() {
            // A replica that is behind may not have them: asked once more, as another may.
            sleep_or_stop(SECOND_LOOK, self.stop()).await?;
            absent = self.add_by_id(directory, &absent).await?;
        }
        debug!(absent = absent.len(), "looked up by id");
        let asked: Vec<&str> = names.iter().map(String::as_str).collect();
        for user in self.holders(&asked).await? {
            directory.add_user(user);
        }
        Ok(names)
    }

    /// Adds the users that are asked for one by one; gives what was asked for those that
    /// are not found.
    async fn add_by_id(
        &self,
        directory: &mut Directory,
        gets: &[Get],
    ) -> Result<Vec<Get>, CallError> {
        let mut absent = Vec::new();
        for (get, got) in gets.iter().zip(self.get_all(gets).await?) {
            match got {
                Ok(user) => {
                    let user = directory_user(parse(user)?)?;
                    if !get.path.ends_with(&user.id.to_string()) {
                        let told = user.id;
                        return Err(CallError::Protocol(format!(
                            "asked for {}, it tells of {told}",
                            get.path
                        )));
                    }
                    directory.add_user(user);
                }
                Err(refusal) if refusal.status == StatusCode::NOT_FOUND => absent.push(get.clone()),
                Err(refusal) => return Err(refused(refusal)),
            }
        }
        Ok(absent)
    }

    /// What all of these collections hold together.
    pub(super) async fn all_of<T: DeserializeOwned>(
        &self,
        gets: &[Get],
    ) -> Result<Vec<T>, CallError> {
        let mut items = Vec::new();
        for got in self.get_all(gets).await? {
            let page: wire::Page<T> = parse(got.map_err(refused)?)?;
            items.extend(page.value);
            // A second holder on the next page is a second holder.
            if let Some(link) = page.next_link {
                self.pages(Call::get(self.own_link(&link)?), |item: T| {
                    items.push(item);
                    Ok(())
                })
                .await?;
            }
        }
        Ok(items)
    }

    /// Deleted users keep their addresses for 30 days, and a PATCH that needs one
    /// of them fails without saying who holds it.
    async fn deleted_users(
        &self,
        directory: &mut Directory,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<(), CallError> {
        let select = "id,displayName,userPrincipalName,mail,proxyAddresses,deletedDateTime";
        let query = query(&[("$select", select), ("$top", PAGE)]);
        let call = Call::get(self.url("/directory/deletedItems/microsoft.graph.user", &query));
        let mut deleted = Vec::new();
        let read = self
            .pages(call, |user: wire::DeletedUser| {
                deleted.push(user);
                Ok(())
            })
            .await;
        self.optional(read, unreadable, &DELETED_USERS)?;
        for found in deleted {
            let at = deleted_at(&found);
            let user = found.user;
            let Ok(id) = UserId::parse(&user.id) else { continue };
            directory.deleted.insert(id, at);
            let name = user.display_name.as_deref().unwrap_or(&user.user_principal_name);
            let holder = AddressHolder { kind: HolderKind::DeletedUser, id, name: name.into() };
            for address in
                user.mail.as_deref().into_iter().chain(smtp_addresses(&user.proxy_addresses))
            {
                directory.add_holder(address, holder.clone());
            }
        }
        Ok(())
    }

    /// Lets an optional read fail where it is not available, and notes it.
    #[expect(clippy::unused_self, reason = "reads as a step of the survey")]
    pub(super) fn optional<T>(
        &self,
        read: Result<T, CallError>,
        unreadable: &mut Vec<Unreadable>,
        about: &Optional,
    ) -> Result<Option<T>, CallError> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_unavailable() => {
                let Optional { what, consequence, permission } = *about;
                unreadable.push(Unreadable {
                    what,
                    consequence,
                    permission,
                    why: error.to_string(),
                });
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// What the snapshot already covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swept {
    Nothing,
    Guests,
}

/// Whether a query is refused for its filter, rather than for anything else.
pub(super) fn is_about_the_filter(refusal: &Refusal) -> bool {
    refusal.status == StatusCode::BAD_REQUEST
        && (refusal.code.eq_ignore_ascii_case("Request_UnsupportedQuery")
            || refusal.folded_message().contains("filter"))
}

pub(super) fn parse<T: DeserializeOwned>(value: Value) -> Result<T, CallError> {
    serde_json::from_value(value)
        .map_err(|error| CallError::Protocol(format!("an answer within a batch: {error}")))
}

pub(super) fn refused(refusal: Refusal) -> CallError {
    let verdict = super::catalogue::judge(super::catalogue::Operation::Read, &refusal);
    CallError::Refused { refusal: Box::new(refusal), verdict }
}
