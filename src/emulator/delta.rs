//! `GET /users/delta`: what changed since (Microsoft Graph, *user: delta*; *Use delta
//! query*, 2022-08).
//!
//! Leaves to others: the properties of a user (`property`). Replica lag is left out:
//! a change feed of its own is behind the operation.

use serde_json::{Value, json};

use super::errors::Refusal;
use super::http::{Answer, Request};
use super::odata::Query;
use super::property::Selected;
use super::state::Shared;
use super::token::Grant;
use super::users::{READ_USERS, context};

/// Users on one page; the service promises no number.
const PAGE: usize = 200;

/// What a link carries on: revisions of the directory, and where the page begins.
#[derive(Debug, Clone, Copy)]
struct Round {
    /// What is newer than this is told.
    since: u64,
    /// The next round begins here: where the directory was when this one began.
    until: u64,
    start: usize,
}

impl Shared {
    /// `GET /users/delta`
    pub(super) fn changed_users(
        &self,
        grant: &Grant,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_USERS)?;
        let tenant = self.tenant();
        let directory = &tenant.directory;
        let (round, rest) = Round::of(request, directory.revision())?;
        let query = Query::parse(&rest)?;
        if query.filter.is_some() || query.expand.is_some() || query.count {
            return Err(Refusal::unsupported_query(
                "Only $select is supported here for delta queries.",
            ));
        }
        let properties = query.properties()?;
        let link = |name: &str, token: String| {
            let separator = if rest.is_empty() { "" } else { "&" };
            format!("{}{}?{rest}{separator}{name}={token}", request.origin, request.path)
        };
        let mut changed = directory.changed(round.since).skip(round.start).peekable();
        let mut value: Vec<Value> = Vec::new();
        while value.len() < PAGE
            && let Some(at) = changed.next()
        {
            let person = directory.current(at);
            let selected = Selected { person, properties: &properties, annotation: None };
            let mut user = serde_json::to_value(selected).expect("a user is plain data");
            // The id comes whatever is selected.
            user["id"] = json!(person.user.id);
            value.push(user);
        }
        let more = changed.peek().is_some();
        if !more {
            value.extend(
                directory
                    .gone(round.since)
                    .map(|id| json!({ "id": id, "@removed": { "reason": "changed" } })),
            );
        }
        let context = format!("{}/v1.0/$metadata#{}", request.origin, context("users", &query));
        let next = Round { start: round.start + PAGE, ..round };
        let (name, link) = if more {
            ("@odata.nextLink", link("$skiptoken", next.token()))
        } else {
            ("@odata.deltaLink", link("$deltatoken", format!("{:x}", round.until)))
        };
        Ok(Answer::ok(&json!({ "@odata.context": context, name: link, "value": value })))
    }
}

impl Round {
    /// The round that a request is a part of, and its other query options.
    fn of(request: &Request, now: u64) -> Result<(Self, String), Refusal> {
        let mut round = Self { since: 0, until: now, start: 0 };
        let mut rest = Vec::new();
        for pair in request.query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("$deltatoken" | "%24deltatoken", "latest")) => round.since = now,
                Some(("$deltatoken" | "%24deltatoken", token)) => {
                    round.since = u64::from_str_radix(token, 16).map_err(|_| unknown_token())?;
                }
                Some(("$skiptoken" | "%24skiptoken", token)) => {
                    round = Self::parse(token).ok_or_else(unknown_token)?;
                }
                _ => rest.push(pair),
            }
        }
        Ok((round, rest.join("&")))
    }

    fn token(self) -> String {
        format!("{:x}.{:x}.{:x}", self.since, self.until, self.start)
    }

    fn parse(token: &str) -> Option<Self> {
        let mut parts = token.splitn(3, '.').map(|part| u64::from_str_radix(part, 16).ok());
        let mut next = || parts.next().flatten();
        let (since, until, start) = (next()?, next()?, next()?);
        Some(Self { since, until, start: usize::try_from(start).ok()? })
    }
}

fn unknown_token() -> Refusal {
    Refusal::new(
        http::StatusCode::BAD_REQUEST,
        "syncStateNotFound",
        "The sync state generation is not found.",
    )
}
