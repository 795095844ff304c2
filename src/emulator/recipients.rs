//! Contacts of the organization and groups, as far as they hold addresses (Microsoft
//! Graph, *List orgContacts*, *List groups*).
//!
//! Leaves to others: members of groups (`lookups`).

use http::StatusCode;

use super::errors::Refusal;
use super::http::{Answer, Request};
use super::odata::{Filter, Query};
use super::page::page;
use super::property::Selected;
use super::seed::{Contact, Group, Person};
use super::state::Shared;
use super::token::Grant;
use super::users::{context, count_needs_advanced, parse_filter};
use crate::graph::wire::User;

/// Microsoft Graph, *List orgContacts*, permissions.
const READ_CONTACTS: &[&str] =
    &["OrgContact.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"];
/// Microsoft Graph, *List groups*, permissions.
const READ_GROUPS: &[&str] = &[
    "GroupMember.Read.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

/// Filters on groups that are not about addresses.
const WITH_MAIL: &str = "mailEnabled eq true";
const ASSIGNABLE: &str = "isAssignableToRole eq true";

impl Shared {
    /// `GET /contacts`
    pub(super) fn list_contacts(
        &self,
        grant: &Grant,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_CONTACTS)?;
        list("contacts", &self.contacts(), request)
    }

    /// `GET /contacts/$count`
    pub(super) fn count_contacts(
        &self,
        grant: &Grant,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_CONTACTS)?;
        count(&self.contacts(), request)
    }

    /// `GET /groups`
    pub(super) fn list_groups(&self, grant: &Grant, request: &Request) -> Result<Answer, Refusal> {
        grant.require_any(READ_GROUPS)?;
        list("groups", &self.groups(request)?, request)
    }

    /// `GET /groups/$count`
    pub(super) fn count_groups(&self, grant: &Grant, request: &Request) -> Result<Answer, Refusal> {
        grant.require_any(READ_GROUPS)?;
        count(&self.groups(request)?, request)
    }

    fn contacts(&self) -> Vec<Person> {
        let tenant = self.tenant();
        let contacts = tenant.directory.contacts.iter();
        contacts
            .map(|Contact { id, display_name, mail, proxy_addresses }| {
                recipient(id, display_name.as_ref(), mail.as_ref(), proxy_addresses)
            })
            .collect()
    }

    /// All groups, or those that roles can be assigned to, if these are asked for.
    fn groups(&self, request: &Request) -> Result<Vec<Person>, Refusal> {
        let only_assignable =
            Query::parse(&request.query)?.filter.is_some_and(|filter| filter == ASSIGNABLE);
        let tenant = self.tenant();
        let mut groups: Vec<Person> = tenant
            .directory
            .groups
            .values()
            .filter(|group| !only_assignable || group.is_assignable_to_role)
            .map(|Group { id, display_name, mail, proxy_addresses, .. }| {
                recipient(id, display_name.as_ref(), mail.as_ref(), proxy_addresses)
            })
            .collect();
        // Pages rest on an order.
        groups.sort_by(|a, b| a.user.id.cmp(&b.user.id));
        Ok(groups)
    }
}

/// Users, contacts and groups have these properties in common, and filters on them.
fn recipient(id: &str, name: Option<&String>, mail: Option<&String>, proxies: &[String]) -> Person {
    Person::from(User {
        id: id.to_owned(),
        display_name: name.cloned(),
        mail: mail.cloned(),
        proxy_addresses: proxies.to_vec(),
        ..User::default()
    })
}

fn list(set: &str, recipients: &[Person], request: &Request) -> Result<Answer, Refusal> {
    let query = Query::parse(&request.query)?;
    let properties = query.properties()?;
    let found = matching(recipients, &query, request)?;
    let found = found.into_iter().skip_while(|(at, _)| *at < query.start);
    let items = found
        .map(|(at, person)| (at, Selected { person, properties: &properties, annotation: None }));
    Ok(page(request, &query, &context(set, &query), None, items))
}

fn count(recipients: &[Person], request: &Request) -> Result<Answer, Refusal> {
    if !request.is_eventual() {
        return Err(count_needs_advanced());
    }
    let found = matching(recipients, &Query::parse(&request.query)?, request)?.len();
    Ok(Answer::new(StatusCode::OK, "text/plain", found.to_string().into_bytes()))
}

/// Whether a filter on contacts or groups is one that Graph takes.
pub(super) fn recipient_filter(text: &str, is_advanced: bool) -> Result<(), Refusal> {
    if [WITH_MAIL, ASSIGNABLE].contains(&text) {
        return Ok(());
    }
    Filter::parse(text)?.check(is_advanced)
}

fn matching<'a>(
    recipients: &'a [Person],
    query: &Query,
    request: &Request,
) -> Result<Vec<(usize, &'a Person)>, Refusal> {
    let all = recipients.iter().enumerate();
    if query.filter.as_deref() == Some(WITH_MAIL) {
        return Ok(all.filter(|(_, person)| person.user.mail.is_some()).collect());
    }
    if query.filter.as_deref() == Some(ASSIGNABLE) {
        return Ok(all.collect());
    }
    let filter = parse_filter(query, query.count && request.is_eventual())?;
    Ok(all.filter(|(_, person)| filter.as_ref().is_none_or(|f| f.finds(person))).collect())
}
