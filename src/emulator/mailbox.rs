//! Mailboxes of Exchange Online: drafts, sending them, and what was sent (Microsoft
//! Graph, *Create message*, *message: send*, *List messages*, *Obtain immutable
//! identifiers*).
//!
//! Sending is two things, as documented (*Things to know about sending mail*): the
//! request is accepted, and later the message moves from Drafts to Sent Items. What a
//! second request to send the same message does is not documented; here it is a second
//! mail, so that a test sees it.
//!
//! Leaves to others: faults (`faults`), and the ways to the recipient.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use super::body::MESSAGE;
use super::errors::Refusal;
use super::http::{Answer, Request};
use super::odata::Query;
use super::outbox::Sender;
use super::state::Shared;
use super::token::Grant;
use crate::graph::wire::{FoundMessage, MailMessage, Page};

/// Requests that one application may have under way in one mailbox (Microsoft Graph,
/// *Throttling limits*, Outlook service).
const MOST_IN_FLIGHT: u32 = 4;
/// What more is asked to wait.
const PATIENCE: &str = "2";
const MINUTE: Duration = Duration::from_mins(1);

/// Microsoft Graph, *Create message*, *List messages*, permissions.
const WRITE: &str = "Mail.ReadWrite";
/// *message: send*.
const SEND: &str = "Mail.Send";

/// A message in a mailbox, for whoever looks from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxMessage {
    pub message: MailMessage,
    /// How often it was sent; none as long as it is a draft.
    pub sent: u32,
    /// Whether it has left, and is in Sent Items.
    pub has_left: bool,
}

impl MailboxMessage {
    /// The addresses it is for.
    pub fn to(&self) -> Vec<&str> {
        let to = self.message.to_recipients.iter();
        to.filter_map(|one| one.email_address.address.as_deref()).collect()
    }
}

#[derive(Debug, Default)]
pub(super) struct Mailboxes(BTreeMap<String, Mailbox>);

#[derive(Debug, Default)]
struct Mailbox {
    messages: Vec<Stored>,
    in_flight: u32,
    /// When the last messages leave.
    leaving: VecDeque<Instant>,
}

#[derive(Debug)]
struct Stored {
    message: Arc<MailMessage>,
    sent: u32,
    leaves_at: Option<Instant>,
}

impl Stored {
    fn has_left(&self) -> bool {
        self.leaves_at.is_some_and(|at| at <= Instant::now())
    }
}

impl Mailboxes {
    pub(super) fn new(addresses: &[String]) -> Self {
        Self(addresses.iter().map(|it| (it.to_lowercase(), Mailbox::default())).collect())
    }

    pub(super) fn messages(&self, address: &str) -> Vec<MailboxMessage> {
        let found = self.0.get(&address.to_lowercase());
        let messages = found.map_or(&[][..], |mailbox| &mailbox.messages);
        let shown = messages.iter().map(|stored| MailboxMessage {
            message: MailMessage::clone(&stored.message),
            sent: stored.sent,
            has_left: stored.has_left(),
        });
        shown.collect()
    }

    pub(super) fn first(&self) -> Option<String> {
        self.0.keys().next().cloned()
    }

    fn of(&mut self, address: &str) -> Result<&mut Mailbox, Refusal> {
        self.0.get_mut(&address.to_lowercase()).ok_or_else(|| {
            let message = "The mailbox is either inactive, soft-deleted, or is hosted on-premise.";
            Refusal::new(StatusCode::NOT_FOUND, "MailboxNotEnabledForRESTAPI", message)
        })
    }
}

impl Mailbox {
    /// When a message that is sent now leaves.
    fn leaves_at(&mut self, lag: Duration, per_minute: usize) -> Instant {
        let now = Instant::now();
        self.leaving.retain(|at| *at + MINUTE > now);
        let place = self.leaving.len().checked_sub(per_minute);
        let free = place.map_or(now, |place| self.leaving[place] + MINUTE);
        let at = free.max(now) + lag;
        self.leaving.push_back(at);
        at
    }
}

/// A request under way in a mailbox.
pub(super) struct Place<'a> {
    shared: &'a Shared,
    address: String,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Ok(mailbox) = self.shared.mailboxes().of(&self.address) {
            mailbox.in_flight -= 1;
        }
    }
}

impl Shared {
    /// A place among the requests of the mailbox that a path leads to; refused when there
    /// is none. None where it leads to no mailbox.
    pub(super) fn mailbox_place(
        &self,
        request: &Request,
    ) -> Result<Option<Place<'_>>, Box<Answer>> {
        let segments = request.segments();
        let [_, users, address, kind, ..] = segments.as_slice() else { return Ok(None) };
        if users != "users" || !matches!(kind.as_str(), "messages" | "mailFolders") {
            return Ok(None);
        }
        let mut mailboxes = self.mailboxes();
        let Ok(mailbox) = mailboxes.of(address) else { return Ok(None) };
        if mailbox.in_flight >= MOST_IN_FLIGHT {
            drop(mailboxes);
            let message = "Application is over its MailboxConcurrency limit.";
            let refusal =
                Refusal::new(StatusCode::TOO_MANY_REQUESTS, "ApplicationThrottled", message);
            let mut answer = self.refuse(refusal, request);
            answer.set("retry-after", PATIENCE);
            return Err(Box::new(answer));
        }
        mailbox.in_flight += 1;
        Ok(Some(Place { shared: self, address: address.clone() }))
    }

    /// A request about a mailbox. It costs nothing of the directory's quotas.
    pub(super) fn in_mailbox(
        &self,
        grant: &Grant,
        address: &str,
        path: &[&str],
        request: &Request,
    ) -> Result<Answer, Refusal> {
        match (request.method.as_str(), path) {
            ("GET", ["mailFolders", "inbox"]) => {
                grant.may_in_mailbox(WRITE, address)?;
                self.mailboxes().of(address)?;
                Ok(Answer::ok(&json!({ "id": "inbox", "displayName": "Inbox" })))
            }
            ("GET", ["messages"]) => {
                grant.may_in_mailbox(WRITE, address)?;
                self.find_messages(address, request)
            }
            ("POST", ["messages"]) => {
                grant.may_in_mailbox(WRITE, address)?;
                self.draft(address, request)
            }
            ("POST", ["messages", id, "send"]) => {
                grant.may_in_mailbox(SEND, address)?;
                self.send_draft(address, id)
            }
            (_, path) => Err(Refusal::no_such_segment(path.last().copied().unwrap_or_default())),
        }
    }

    fn draft(&self, address: &str, request: &Request) -> Result<Answer, Refusal> {
        MESSAGE.check(&request.json()?)?;
        let mut message: MailMessage = request.json()?;
        let mut mailboxes = self.mailboxes();
        let mailbox = mailboxes.of(address)?;
        message.id = Uuid::new_v4().simple().to_string();
        message.is_draft = Some(true);
        let id = || format!("<{}@{address}>", Uuid::new_v4().simple());
        message.internet_message_id.get_or_insert_with(id);
        let answer = Answer::json(StatusCode::CREATED, &message);
        let message = Arc::new(message);
        mailbox.messages.push(Stored { message, sent: 0, leaves_at: None });
        Ok(answer)
    }

    fn send_draft(&self, address: &str, id: &str) -> Result<Answer, Refusal> {
        let (lag, per_minute) = (self.options.mail_lag, self.options.mails_per_minute);
        let mut mailboxes = self.mailboxes();
        let mailbox = mailboxes.of(address)?;
        let at = mailbox.leaves_at(lag, per_minute);
        let found = mailbox.messages.iter_mut().find(|stored| stored.message.id == id);
        let Some(stored) = found else {
            let message = "The specified object was not found in the store.";
            return Err(Refusal::new(StatusCode::NOT_FOUND, "ErrorItemNotFound", message));
        };
        stored.sent += 1;
        stored.leaves_at.get_or_insert(at);
        let message = Arc::clone(&stored.message);
        drop(mailboxes);
        self.leaves(Sender::Mailbox { address: address.to_owned(), message }, at);
        Ok(Answer::new(StatusCode::ACCEPTED, "", Vec::new()))
    }

    fn find_messages(&self, address: &str, request: &Request) -> Result<Answer, Refusal> {
        let query = Query::parse(&request.query)?;
        let wanted = query.filter.as_deref().map(message_id).transpose()?;
        let mut mailboxes = self.mailboxes();
        let messages = mailboxes.of(address)?.messages.iter();
        let value = messages
            .filter(|stored| wanted.is_none() || stored.message.internet_message_id == wanted)
            .map(|stored| FoundMessage {
                id: stored.message.id.clone(),
                internet_message_id: stored.message.internet_message_id.clone(),
                is_draft: Some(!stored.has_left()),
            })
            .collect();
        Ok(Answer::ok(&Page { value, next_link: None, count: None }))
    }
}

/// The Message-ID of the one filter that is looked for.
pub(super) fn message_id(filter: &str) -> Result<String, Refusal> {
    filter
        .strip_prefix("internetMessageId eq '")
        .and_then(|rest| rest.strip_suffix('\''))
        .map(|id| id.replace("''", "'"))
        .ok_or_else(|| Refusal::unsupported_query("The filter is not supported here."))
}
