//! `GET` and `PATCH` of users (Microsoft Graph, *List users*, *Get user*, *Update
//! user*, 2026-07).
//!
//! Leaves to others: filters (`odata`), versions and indexes (`directory`).

use http::StatusCode;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::body::is_annotation;
use super::directory::{Directory, Holder, smtp_addresses};
use super::errors::Refusal;
use super::http::{Answer, Request};
use super::ledger::{Addresses, PatchEntry, Write};
use super::odata::{Filter, Query};
use super::page::page;
use super::property::{Property, Selected};
use super::seed::Person;
use super::state::Shared;
use super::token::Grant;
use crate::graph::wire::UserPatch;

/// Microsoft Graph, *List users*, permissions.
pub(super) const READ_USERS: &[&str] = &[
    "User.Read.All",
    "User.ReadUpdate.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
/// Microsoft Graph, *Update user*, permissions, 2026-07.
const UPDATE_USERS: &[&str] =
    &["User.ReadUpdate.All", "User.ReadWrite.All", "Directory.ReadWrite.All"];
/// The least permission that changes `otherMails`, and nothing else here.
const UPDATE_OTHER_MAILS: &str = "User-Mail.ReadWrite.All";

/// Microsoft Graph, *signInActivity resource type*.
const READ_SIGN_INS: &str = "AuditLog.Read.All";
/// The largest page with `signInActivity`; the words are those of an earlier cap
/// (microsoftgraph/msgraph-sdk-powershell#1898).
const MAX_TOP_WITH_SIGN_INS: usize = 500;

/// Microsoft Graph, *user resource type*, `otherMails`.
const MAX_OTHER_MAILS: usize = 250;
const MAX_OTHER_MAIL_LENGTH: usize = 250;

impl Shared {
    /// `GET /users`
    pub(super) fn list_users(&self, grant: &Grant, request: &Request) -> Result<Answer, Refusal> {
        grant.require_any(READ_USERS)?;
        let query = Query::parse(&request.query)?;
        let properties = query.properties()?;
        if shows_sign_ins(&properties, grant)? && query.top() > MAX_TOP_WITH_SIGN_INS {
            return Err(Refusal::unsupported_query(format!(
                "Cannot query data for more than {MAX_TOP_WITH_SIGN_INS} users at a time."
            )));
        }
        if query.count && !request.is_eventual() {
            return Err(count_needs_advanced());
        }
        let filter = parse_filter(&query, query.count && request.is_eventual())?;
        let tenant = self.tenant();
        let now = Instant::now();
        let found = |start: usize| {
            let directory = &tenant.directory;
            (start..directory.len()).filter_map(|at| {
                let person = self.read(directory, at, now)?;
                filter.as_ref().is_none_or(|filter| filter.finds(person)).then_some((at, person))
            })
        };
        // The count comes with the first page only.
        let count = (query.count && query.start == 0).then(|| found(0).count());
        let items = found(query.start).map(|(at, person)| {
            (at, Selected { person, properties: &properties, annotation: None })
        });
        Ok(page(request, &query, &context("users", &query), count, items))
    }

    /// `GET /users/$count`
    pub(super) fn count_users(&self, grant: &Grant, request: &Request) -> Result<Answer, Refusal> {
        grant.require_any(READ_USERS)?;
        if !request.is_eventual() {
            return Err(count_needs_advanced());
        }
        let filter = parse_filter(&Query::parse(&request.query)?, true)?;
        let tenant = self.tenant();
        let now = Instant::now();
        let count = (0..tenant.directory.len())
            .filter_map(|at| self.read(&tenant.directory, at, now))
            .filter(|person| filter.as_ref().is_none_or(|filter| filter.finds(person)))
            .count();
        Ok(Answer::new(StatusCode::OK, "text/plain", count.to_string().into_bytes()))
    }

    /// `GET /users/{id or UPN}`
    pub(super) fn get_user(
        &self,
        grant: &Grant,
        name: &str,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_USERS)?;
        let query = Query::parse(&request.query)?;
        let properties = query.properties()?;
        shows_sign_ins(&properties, grant)?;
        let tenant = self.tenant();
        let person = tenant
            .directory
            .find_named(name)
            .and_then(|at| self.read(&tenant.directory, at, Instant::now()))
            .ok_or_else(|| Refusal::no_such_resource(name))?;
        let context =
            format!("{}/v1.0/$metadata#{}/$entity", request.origin, context("users", &query));
        let annotation = Some(("@odata.context", context.as_str()));
        Ok(Answer::ok(&Selected { person, properties: &properties, annotation }))
    }

    /// What a read of a user shows now.
    pub(super) fn read<'a>(
        &self,
        directory: &'a Directory,
        at: usize,
        now: Instant,
    ) -> Option<&'a Person> {
        let lag = self.options.read_lag.of(&directory.current(at).user.id);
        directory.seen(at, lag, now)
    }

    /// `PATCH /users/{id}`
    pub(super) fn patch_user(
        &self,
        grant: &Grant,
        name: &str,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let patch = parse_patch(&request.json()?)?;
        let only_other_mails = patch.mail.is_none() && patch.other_mails.is_some();
        if !(only_other_mails && grant.has_any(&[UPDATE_OTHER_MAILS])) {
            grant.require_any(UPDATE_USERS)?;
        }
        let mut tenant = self.tenant();
        let at =
            tenant.directory.find_named(name).ok_or_else(|| Refusal::no_such_resource(name))?;
        may_change(&tenant.directory, at, &patch, grant)?;
        if patch == UserPatch::default() {
            return Ok(Answer::no_content());
        }
        let before = addresses(tenant.directory.current(at));
        tenant.directory.write(at, self.longest_lag(), Instant::now(), |person| {
            if let Some(mail) = &patch.mail {
                set_mail(person, mail);
            }
            if let Some(other_mails) = &patch.other_mails {
                person.user.other_mails.clone_from(other_mails);
            }
        });
        let person = tenant.directory.current(at);
        let write = Write::Patch(PatchEntry {
            id: person.user.id.clone(),
            at: self.clock.now(),
            before,
            after: addresses(person),
        });
        tenant.writes.push(write.clone());
        let n = tenant.writes.len();
        drop(tenant);
        self.wrote(n, &write);
        Ok(Answer::no_content())
    }
}

/// Whether sign-ins are among the properties; refused to whom they are not shown.
fn shows_sign_ins(properties: &[&Property], grant: &Grant) -> Result<bool, Refusal> {
    let shows = properties.iter().any(|property| property.is_sign_ins());
    if shows {
        grant.require_any(&[READ_SIGN_INS])?;
    }
    Ok(shows)
}

/// The filter of a query, if it is one that Graph supports.
pub(super) fn parse_filter(query: &Query, is_advanced: bool) -> Result<Option<Filter>, Refusal> {
    let Some(text) = &query.filter else { return Ok(None) };
    let filter = Filter::parse(text)?;
    filter.check(is_advanced)?;
    Ok(Some(filter))
}

/// Microsoft Graph, *Advanced query capabilities*, 2025-08.
pub(super) fn count_needs_advanced() -> Refusal {
    Refusal::unsupported_query(
        "Operator '$count' is not supported because the required parameters might be missing. Try \
         adding $count=true query parameter and ConsistencyLevel:eventual header.",
    )
}

/// `users` or `users(id,mail)`, for `@odata.context`.
pub(super) fn context(set: &str, query: &Query) -> String {
    query.select.as_ref().map_or_else(|| set.into(), |names| format!("{set}({})", names.join(",")))
}

/// Reads the body of a PATCH: `mail` and `otherMails`, which is all that this
/// emulator changes.
pub(super) fn parse_patch(body: &Map<String, Value>) -> Result<UserPatch, Refusal> {
    let mut patch = UserPatch::default();
    for (name, value) in body.iter().filter(|(name, _)| !is_annotation(name)) {
        match (name.as_str(), value) {
            ("mail", Value::String(mail)) => patch.mail = Some(address("mail", mail)?),
            // `mail` cannot be set to null (Microsoft Graph, *user resource type*).
            ("mail", _) => return Err(invalid_value("mail")),
            ("otherMails", Value::Array(list)) if list.len() <= MAX_OTHER_MAILS => {
                let mails = list.iter().map(|mail| match mail {
                    Value::String(mail) if mail.len() <= MAX_OTHER_MAIL_LENGTH => {
                        address("otherMails", mail)
                    }
                    _ => Err(invalid_value("otherMails")),
                });
                patch.other_mails = Some(mails.collect::<Result<_, _>>()?);
            }
            ("otherMails", _) => return Err(invalid_value("otherMails")),
            (name, _) if Property::named(name).is_none() => {
                return Err(Refusal::unknown_property(name));
            }
            (name, _) => {
                return Err(Refusal::directory(format!(
                    "Property '{name}' is read-only and cannot be set."
                )));
            }
        }
    }
    Ok(patch)
}

/// Neither property takes accented characters (Microsoft Graph, *user resource type*).
fn address(property: &str, text: &str) -> Result<String, Refusal> {
    let is_address = text.is_ascii()
        && text.split_once('@').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty());
    if is_address { Ok(text.to_owned()) } else { Err(invalid_value(property)) }
}

fn invalid_value(property: &str) -> Refusal {
    Refusal::directory(format!(
        "Invalid value specified for property '{property}' of resource 'User'."
    ))
}

fn may_change(
    directory: &Directory,
    at: usize,
    patch: &UserPatch,
    grant: &Grant,
) -> Result<(), Refusal> {
    let user = &directory.current(at).user;
    // Needs a role scoped to the restricted management administrative unit, which
    // nobody has here (Microsoft Graph, *user resource type*).
    if user.is_management_restricted == Some(true) {
        return Err(Refusal::denied());
    }
    // `otherMails` is a sensitive property, `mail` is none (Microsoft Graph, *users*).
    if patch.other_mails.is_some() && directory.is_protected(&user.id) && !grant.is_privileged {
        return Err(Refusal::denied());
    }
    if user.on_premises_sync_enabled == Some(true) {
        return Err(Refusal::directory(
            "Unable to update the specified properties for on-premises mastered Directory Sync \
             objects or objects currently undergoing migration.",
        ));
    }
    // microsoft-graph-docs-contrib#3564: `mail` of an object mastered elsewhere.
    let formerly_synced =
        user.on_premises_sync_enabled == Some(false) && user.on_premises_immutable_id.is_some();
    if patch.mail.is_some() && formerly_synced {
        return Err(Refusal::directory(
            "Unable to update the specified properties for objects that have originated within an \
             external service.",
        ));
    }
    match patch.mail.as_ref().and_then(|mail| directory.holder(mail)) {
        Some(Holder::User(holder)) if *holder == at => Ok(()),
        Some(Holder::User(holder)) => {
            Err(Refusal::address_taken(&directory.current(*holder).user.id))
        }
        Some(Holder::DeletedUser(id) | Holder::Group(id) | Holder::Contact(id)) => {
            Err(Refusal::address_taken(id))
        }
        None => Ok(()),
    }
}

/// Sets `mail` and brings `proxyAddresses` up to date: they come to include the new
/// mail, as the primary address unless the present primary one carries the
/// external UPN (Microsoft Graph, *user resource type*, `mail` and
/// `proxyAddresses`).
fn set_mail(person: &mut Person, mail: &str) {
    let user = &mut person.user;
    user.mail = Some(mail.to_owned());
    let primary_is_external_upn = user
        .proxy_addresses
        .iter()
        .any(|proxy| proxy.starts_with("SMTP:") && proxy.to_uppercase().contains("#EXT#"));
    let is_held = smtp_addresses(&user.proxy_addresses).any(|held| held.eq_ignore_ascii_case(mail));
    if primary_is_external_upn {
        if !is_held {
            user.proxy_addresses.push(format!("smtp:{mail}"));
        }
        return;
    }
    user.proxy_addresses.retain(|proxy| {
        proxy.split_once(':').is_none_or(|(_, held)| !held.eq_ignore_ascii_case(mail))
    });
    for proxy in &mut user.proxy_addresses {
        if let Some(address) = proxy.strip_prefix("SMTP:") {
            *proxy = format!("smtp:{address}");
        }
    }
    user.proxy_addresses.insert(0, format!("SMTP:{mail}"));
}

fn addresses(person: &Person) -> Addresses {
    Addresses {
        mail: person.user.mail.clone(),
        other_mails: person.user.other_mails.clone(),
        proxy_addresses: person.user.proxy_addresses.clone(),
    }
}
