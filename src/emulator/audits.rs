//! `GET /auditLogs/directoryAudits`: the events that an invitation and a redemption leave
//! (Microsoft Graph, *List directoryAudits*, 2024-08; Entra, *Audit activities*).
//!
//! Leaves to others: what happened (`ledger`).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::errors::Refusal;
use super::http::{Answer, Request};
use super::ledger::{Effect, Write};
use super::odata::Query;
use super::page::page;
use super::state::{Shared, Tenant};
use super::token::Grant;

const SERVICE: &str = "Invited Users";

struct Event<'a> {
    at: Timestamp,
    activity: &'static str,
    service: &'static str,
    /// Object id of the guest.
    target: &'a str,
}

impl Shared {
    /// `GET /auditLogs/directoryAudits`
    pub(super) fn audits(&self, grant: &Grant, request: &Request) -> Result<Answer, Refusal> {
        // Both are needed (the same page).
        grant.require_any(&["AuditLog.Read.All"])?;
        grant.require_any(&["Directory.Read.All", "Directory.ReadWrite.All"])?;
        let query = Query::parse(&request.query)?;
        let terms = query.filter.as_deref().map(Term::parse_all).transpose()?.unwrap_or_default();
        let tenant = self.tenant();
        let mut events = events(&tenant);
        // Newest first, as the log shows it.
        events.sort_by_key(|event| std::cmp::Reverse(event.at));
        let found = events.iter().filter(|event| terms.iter().all(|term| term.holds(event)));
        let items = found.enumerate().skip(query.start).map(|(at, event)| (at, event.to_json()));
        Ok(page(request, &query, "auditLogs/directoryAudits", None, items))
    }
}

fn events(tenant: &Tenant) -> Vec<Event<'_>> {
    let writes = tenant.writes.iter().map(|write| match write {
        Write::Patch(patch) => Event {
            at: patch.at,
            activity: "Update user",
            service: "Core Directory",
            target: &patch.id,
        },
        Write::Invitation(invitation) => Event {
            at: invitation.at,
            activity: match invitation.effect {
                Effect::Reset => "Invite external user with reset invitation status",
                Effect::Created => "Invite external user",
                Effect::Converted => "Invite internal user to B2B collaboration",
            },
            service: SERVICE,
            target: &invitation.id,
        },
    });
    let redemptions = tenant.redemptions.iter().map(|(at, id)| Event {
        at: *at,
        activity: "Redeem external user invite",
        service: SERVICE,
        target: id,
    });
    writes.chain(redemptions).collect()
}

impl Event<'_> {
    fn to_json(&self) -> Value {
        json!({
            "id": format!("{}_{}_{}", self.service.replace(' ', ""), self.at, self.target),
            "category": "UserManagement",
            "result": "success",
            "activityDisplayName": self.activity,
            "activityDateTime": self.at,
            "loggedByService": self.service,
            "targetResources": [{ "id": self.target, "type": "User" }],
        })
    }
}

/// A term of a filter: those that are documented, joined by `and`.
enum Term {
    At(fn(&Timestamp, &Timestamp) -> bool, Timestamp),
    Activity(String),
    ActivityBegins(String),
    Service(String),
}

impl Term {
    fn parse_all(text: &str) -> Result<Vec<Self>, Refusal> {
        text.split(" and ")
            .map(|term| {
                Self::parse(term.trim()).ok_or_else(|| {
                    Refusal::unsupported_query(
                        "Invalid filter clause: this property or operator is not supported.",
                    )
                })
            })
            .collect()
    }

    fn parse(text: &str) -> Option<Self> {
        if let Some(arguments) =
            text.strip_prefix("startswith(").and_then(|it| it.strip_suffix(')'))
        {
            let (property, value) = arguments.split_once(',')?;
            return (property.trim() == "activityDisplayName")
                .then(|| quoted(value.trim()).map(Self::ActivityBegins))?;
        }
        let (property, rest) = text.split_once(' ')?;
        let (operator, value) = rest.trim().split_once(' ')?;
        let value = value.trim();
        match (property, operator) {
            ("activityDateTime", "ge") => Some(Self::At(Timestamp::ge, value.parse().ok()?)),
            ("activityDateTime", "le") => Some(Self::At(Timestamp::le, value.parse().ok()?)),
            ("activityDateTime", "eq") => Some(Self::At(Timestamp::eq, value.parse().ok()?)),
            ("activityDisplayName", "eq") => quoted(value).map(Self::Activity),
            ("loggedByService", "eq") => quoted(value).map(Self::Service),
            _ => None,
        }
    }

    fn holds(&self, event: &Event<'_>) -> bool {
        match self {
            Self::At(compare, at) => compare(&event.at, at),
            Self::Activity(activity) => event.activity == activity,
            Self::ActivityBegins(begin) => event.activity.starts_with(begin.as_str()),
            Self::Service(service) => event.service == service,
        }
    }
}

fn quoted(text: &str) -> Option<String> {
    Some(text.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'"))
}
