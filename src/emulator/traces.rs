//! `GET /admin/exchange/tracing/messageTraces` and `getDetailsByRecipient`: what became of
//! the mails that left, for each recipient (Microsoft Graph, *List messageTraces*,
//! *exchangeMessageTrace: getDetailsByRecipient*, 2026-01).
//!
//! Whether Microsoft's invitations show in a tenant's trace is not documented; here they
//! do where an option says from whom. Between the terms of a filter is `and`.
//!
//! Leaves to others: which mails left (`outbox`).

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::errors::Refusal;
use super::http::percent::decode_query;
use super::http::{Answer, Request};
use super::outbox::{Leaving, Sender};
use super::state::Shared;
use super::token::Grant;

const READ: &[&str] = &["ExchangeMessageTrace.Read.All"];

/// Rows of a page without `$top`, and the most it may ask for.
const DEFAULT_TOP: usize = 1000;
const MAX_TOP: usize = 5000;
/// The longest span of one query, and how far back one may begin.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 10);
const OLDEST: SignedDuration = SignedDuration::from_hours(24 * 90);
/// What is looked at when no time is asked for.
const LATELY: SignedDuration = SignedDuration::from_hours(48);

/// What becomes of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailFate {
    /// Nobody has the address.
    Bounced,
    Quarantined,
    FilteredAsSpam,
    /// The next hop does not take it yet.
    Pending,
}

const FATES: &[(&str, MailFate, &str)] = &[
    ("failed", MailFate::Bounced, "failed"),
    ("quarantined", MailFate::Quarantined, "quarantined"),
    ("spam", MailFate::FilteredAsSpam, "filteredAsSpam"),
    ("pending", MailFate::Pending, "pending"),
];

/// A rule: what becomes of the mails to an address or a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRule {
    /// In lower case.
    whose: String,
    fate: MailFate,
}

impl MailRule {
    pub fn new(whose: &str, fate: MailFate) -> Self {
        Self { whose: whose.to_lowercase(), fate }
    }

    fn is_about(&self, address: &str) -> bool {
        let address = address.to_lowercase();
        let domain = address.rsplit('@').next().unwrap_or_default();
        self.whose == address || self.whose == domain
    }
}

impl FromStr for MailRule {
    type Err = &'static str;

    /// `ADDRESS` or `DOMAIN`, and what becomes of its mails unless they bounce.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write an address or a domain, and =quarantined, =spam or =pending after it \
                            unless its mails bounce";
        let (whose, fate) = text.split_once('=').unwrap_or((text, "failed"));
        let fate = FATES.iter().find(|(word, ..)| *word == fate.trim()).ok_or(FORM)?.1;
        let whose = whose.trim();
        if whose.is_empty() { Err(FORM) } else { Ok(Self::new(whose, fate)) }
    }
}

/// A row: one mail and one recipient.
struct Row<'a> {
    id: String,
    mail: &'a Leaving,
    message_id: String,
    sender: String,
    recipient: &'a str,
    fate: Option<MailFate>,
}

impl Row<'_> {
    fn status(&self) -> &'static str {
        let fate = FATES.iter().find(|(_, fate, _)| Some(*fate) == self.fate);
        fate.map_or("delivered", |(_, _, status)| status)
    }

    fn property(&self, name: &str) -> Option<String> {
        Some(match name {
            "id" => self.id.clone(),
            "messageId" => self.message_id.clone(),
            "senderAddress" => self.sender.clone(),
            "recipientAddress" => self.recipient.to_owned(),
            "status" => self.status().to_owned(),
            _ => return None,
        })
    }

    fn to_json(&self, subject: &str) -> Value {
        json!({
            "id": self.id,
            "senderAddress": self.sender,
            "recipientAddress": self.recipient,
            "messageId": self.message_id,
            "receivedDateTime": self.mail.at,
            "subject": subject,
            "status": self.status(),
        })
    }
}

impl Shared {
    /// A request about traces. It costs nothing of the directory's quotas.
    pub(super) fn traces(
        &self,
        grant: &Grant,
        path: &[&str],
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ)?;
        match path {
            ["messageTraces"] => self.list_traces(request),
            ["messageTraces", id, details] => {
                let recipient = details
                    .strip_prefix("getDetailsByRecipient(recipientAddress='")
                    .or_else(|| {
                        details.strip_prefix(
                            "microsoft.graph.getDetailsByRecipient(recipientAddress='",
                        )
                    })
                    .and_then(|rest| rest.strip_suffix("')"))
                    .ok_or_else(|| Refusal::no_such_segment(details))?;
                self.details(id, recipient)
            }
            _ => Err(Refusal::no_such_segment(path.last().copied().unwrap_or_default())),
        }
    }

    fn list_traces(&self, request: &Request) -> Result<Answer, Refusal> {
        let now = self.clock.now();
        let asked = Asked::parse(&request.query, now)?.check(now)?;
        let outbox = self.outbox();
        let rows = outbox.newest_first().flat_map(|(place, mail)| self.rows(place, mail));
        let found: Vec<Row<'_>> = rows.filter(|row| asked.holds(row)).collect();
        let page = found.iter().skip(asked.start).take(asked.top);
        let value: Vec<Value> =
            page.map(|row| row.to_json(&self.letter(row.mail).subject)).collect();
        let end = asked.start + value.len();
        let mut answer = json!({
            "@odata.context": format!(
                "{}/v1.0/$metadata#admin/exchange/tracing/messageTraces",
                request.origin
            ),
            "value": value,
        });
        if end < found.len() {
            let rest = request.query.split('&').filter(|pair| {
                !pair.is_empty()
                    && !pair.starts_with("$skiptoken")
                    && !pair.starts_with("%24skiptoken")
            });
            let rest: Vec<&str> = rest.collect();
            let next = [&rest[..], &[&*format!("$skiptoken={end}")]].concat().join("&");
            let link = format!("{}{}?{next}", request.origin, request.path);
            answer["@odata.nextLink"] = link.into();
        }
        Ok(Answer::ok(&answer))
    }

    /// The rows of a mail; none before the trace shows it.
    fn rows<'a>(&self, place: usize, mail: &'a Leaving) -> Vec<Row<'a>> {
        let delay = SignedDuration::try_from(self.options.trace_delay).unwrap_or_default();
        if mail.at + delay > self.clock.now() {
            return Vec::new();
        }
        let (message_id, sender) = match &mail.sender {
            Sender::Microsoft(_) => match &self.options.invitations_traced_from {
                Some(from) => (format!("<invitation-{place}@microsoft.example>"), from.clone()),
                None => return Vec::new(),
            },
            Sender::Mailbox { address, message } => {
                (message.internet_message_id.clone().unwrap_or_default(), address.clone())
            }
            Sender::Smtp(taken) => {
                (taken.header("Message-ID").unwrap_or_default(), taken.from.clone())
            }
        };
        let row = |recipient: &'a String| Row {
            id: format!("00000000-0000-4000-8000-{place:012x}"),
            mail,
            message_id: message_id.clone(),
            sender: sender.clone(),
            recipient,
            fate: self
                .options
                .mail_rules
                .iter()
                .find(|rule| rule.is_about(recipient))
                .map(|it| it.fate),
        };
        mail.recipients.iter().map(row).collect()
    }

    fn details(&self, id: &str, recipient: &str) -> Result<Answer, Refusal> {
        let outbox = self.outbox();
        let mut rows = outbox.newest_first().flat_map(|(place, mail)| self.rows(place, mail));
        let is_meant =
            |row: &Row<'_>| row.id == id && row.recipient.eq_ignore_ascii_case(recipient);
        let row = rows.find(is_meant).ok_or_else(|| Refusal::no_such_resource(id))?;
        let event = |event: &str, description: &str| {
            json!({
                "id": row.id,
                "messageId": row.message_id,
                "dateTime": row.mail.at,
                "event": event,
                "action": "",
                "description": description,
                "data": "",
            })
        };
        let last = match row.fate {
            None => event("Deliver", "The message was handed to the next hop."),
            Some(MailFate::Bounced) => event(
                "Fail",
                "Reason: [{LED=550 5.1.1 The email account that you tried to reach does not exist.}]",
            ),
            Some(MailFate::Quarantined) => event("Quarantine", "The message was quarantined."),
            Some(MailFate::FilteredAsSpam) => event("Spam", "The message was marked as spam."),
            Some(MailFate::Pending) => {
                event("Defer", "Reason: [{LED=451 4.4.1 Connection timed out}]")
            }
        };
        let value = [event("Receive", "Message received by Exchange Online."), last];
        Ok(Answer::ok(&json!({ "value": value })))
    }
}

/// Whether a query has the form that is taken.
pub(super) fn trace_query(query: &str) -> Result<(), Refusal> {
    Asked::parse(query, Timestamp::UNIX_EPOCH).map(drop)
}

/// What a query asks for.
struct Asked {
    from: Timestamp,
    to: Timestamp,
    /// Properties and the values that they must have.
    equal: Vec<(String, String)>,
    top: usize,
    start: usize,
}

impl Asked {
    /// Reads the options; whether the time is one that is kept, `check` says.
    fn parse(query: &str, now: Timestamp) -> Result<Self, Refusal> {
        let mut asked =
            Self { from: now - LATELY, to: now, equal: Vec::new(), top: DEFAULT_TOP, start: 0 };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode_query(name), decode_query(value));
            let invalid = || {
                Refusal::bad_request(format!("Invalid value '{value}' for {name} query option."))
            };
            match name.as_str() {
                "$filter" => asked.filter(&value)?,
                "$top" => {
                    let top = value.parse().ok().filter(|top| (1..=MAX_TOP).contains(top));
                    asked.top = top.ok_or_else(invalid)?;
                }
                "$skiptoken" => asked.start = value.parse().map_err(|_| invalid())?,
                _ => {
                    return Err(Refusal::unsupported_query(format!(
                        "Query option '{name}' is not supported here."
                    )));
                }
            }
        }
        Ok(asked)
    }

    fn check(self, now: Timestamp) -> Result<Self, Refusal> {
        if self.to > now || self.to < self.from {
            return Err(Refusal::bad_request(
                "The end of the time range lies ahead of now or before its start.",
            ));
        }
        if now.duration_since(self.from) > OLDEST {
            return Err(Refusal::bad_request(
                "The start of the time range is more than 90 days ago.",
            ));
        }
        if self.to.duration_since(self.from) > LONGEST {
            return Err(Refusal::bad_request("The time range is longer than 10 days."));
        }
        Ok(self)
    }

    fn filter(&mut self, text: &str) -> Result<(), Refusal> {
        const EQUAL: &[&str] = &["id", "messageId", "senderAddress", "recipientAddress", "status"];
        let unsupported = || Refusal::unsupported_query("The filter is not supported here.");
        for term in text.split(" and ") {
            let (property, rest) = term.trim().split_once(' ').ok_or_else(unsupported)?;
            let (operator, value) = rest.split_once(' ').ok_or_else(unsupported)?;
            let moment = || value.parse::<Timestamp>().map_err(|_| unsupported());
            match (property, operator) {
                ("receivedDateTime", "ge") => self.from = moment()?,
                ("receivedDateTime", "le") => self.to = moment()?,
                (property, "eq") if EQUAL.contains(&property) => {
                    let inside = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
                    let value = inside.ok_or_else(unsupported)?.replace("''", "'");
                    self.equal.push((property.to_owned(), value));
                }
                _ => return Err(unsupported()),
            }
        }
        Ok(())
    }

    fn holds(&self, row: &Row<'_>) -> bool {
        (self.from..=self.to).contains(&row.mail.at)
            && self.equal.iter().all(|(name, value)| {
                row.property(name).is_some_and(|it| it.eq_ignore_ascii_case(value))
            })
    }
}
