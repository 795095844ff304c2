//! What all mails of a run share: sender, templates, the way they leave, and how fast.
//!
//! Leaves to others: when a mail may be sent, and what is recorded of it (`run`).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::config::{DeliverySettings, DeliveryWay, KeepLinks};
use crate::domain::{Email, HeldLink, InvitationKey, Language, MailWay, UserId};
use crate::graph::{Graph, REQUEST_TIMEOUT};

use super::check::check;
use super::letter::Letter;
use super::mailbox::Mailbox;
use super::mailer::{Mailer, NotReady};
use super::message::{Mail, MessageError, Sender};
use super::message_id::MessageId;
use super::outcome::Outcome;
use super::smtp::AFTER_TEXT;
use super::template_error::TemplateError;
use super::templates::Templates;

/// Why no mail of one's own can be written in this run.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("{template}: {problem}; {advice}")]
    Unfit { template: String, problem: String, advice: String },
    #[error("[delivery] folder can't be used: {0}")]
    Folder(#[from] io::Error),
}

/// What the campaign knows of the guests beyond the plan.
#[derive(Debug, Default)]
pub struct Known {
    pub tenant_name: String,
    /// Headings of the columns that only templates use.
    pub headings: Vec<String>,
    /// Their cells, by line of the manifest.
    pub columns: HashMap<u32, BTreeMap<String, String>>,
    /// Mails as they were before the campaign wrote them.
    pub old_mails: HashMap<UserId, Option<String>>,
    /// Links that earlier runs left to be mailed, and what they began with them.
    pub links: HashMap<InvitationKey, HeldLink>,
    /// Recipients that the mailbox still takes today; None for no limit.
    pub recipients_left: Option<u64>,
}

/// One's own post office during a run.
pub struct Post {
    mailer: Mailer,
    templates: Templates,
    sender: Sender,
    by: DeliveryWay,
    pub keeps_links: bool,
    pub known: Known,
    pub tenant_name: Arc<str>,
    /// Guests who may be reset before their mail has its end.
    pub ahead: Semaphore,
    /// Recipients left today; None for no limit.
    left: Option<AtomicU64>,
    is_spent: AtomicBool,
    lane: Semaphore,
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post").field("by", &self.by).finish_non_exhaustive()
    }
}

impl Post {
    /// The configured one; None where no mail of one's own is written. `languages` are
    /// those of the rows.
    pub fn open<'l>(
        settings: &DeliverySettings,
        default: Option<&'l Language>,
        languages: impl Iterator<Item = Option<&'l Language>>,
        known: Known,
    ) -> Result<Option<Self>, PostError> {
        let Some(sender) = Sender::of(settings) else { return Ok(None) };
        if !settings.by.is_own() {
            return Ok(None);
        }
        let templates = Templates::load(settings, default, languages)?;
        if let Some(unfit) =
            check(&templates, &known.headings).into_iter().find(|problem| problem.is_fatal)
        {
            return Err(PostError::Unfit {
                template: unfit.template,
                problem: unfit.problem,
                advice: unfit.advice,
            });
        }
        let Some(mailer) = Mailer::of(settings)? else { return Ok(None) };
        let is_paced = settings.by != DeliveryWay::Files;
        Ok(Some(Self {
            mailer,
            templates,
            sender,
            by: settings.by,
            keeps_links: settings.keep_links == KeepLinks::UntilRedeemed,
            tenant_name: known.tenant_name.as_str().into(),
            left: known.recipients_left.map(AtomicU64::new),
            is_spent: AtomicBool::new(false),
            known,
            ahead: Semaphore::new(settings.ahead.max(1) as usize),
            lane: Semaphore::new(settings.pace.in_flight.max(1) as usize),
            interval: if is_paced {
                Duration::from_mins(1) / settings.pace.per_minute.max(1)
            } else {
                Duration::ZERO
            },
            next: Mutex::default(),
        }))
    }

    pub fn from(&self) -> &Email {
        &self.sender.from.address
    }

    /// By which way the mails leave.
    pub fn way(&self) -> MailWay {
        match self.mailer {
            Mailer::Smtp(_) => MailWay::Server,
            Mailer::Files(_) => MailWay::File,
            Mailer::Mailbox(_) => MailWay::Mailbox,
        }
    }

    /// The mailbox that mails are sent from, if it is one.
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match &self.mailer {
            Mailer::Mailbox(mailbox) => Some(mailbox),
            Mailer::Smtp(_) | Mailer::Files(_) => None,
        }
    }

    pub fn is_files(&self) -> bool {
        self.by == DeliveryWay::Files
    }

    /// The longest that a mail takes that is under way.
    pub fn longest(&self) -> Duration {
        match self.by {
            DeliveryWay::Smtp => AFTER_TEXT,
            DeliveryWay::Microsoft
            | DeliveryWay::Graph
            | DeliveryWay::Files
            | DeliveryWay::None => REQUEST_TIMEOUT,
        }
    }

    pub fn mail(
        &self,
        letter: &Letter,
        id: MessageId,
        at: Timestamp,
    ) -> Result<Mail, MessageError> {
        Mail::new(&self.templates, letter, &self.sender, id, at)
    }

    /// Takes a mail's recipients off what the mailbox takes today; false where they are too
    /// many, and then nobody is to be reset for it.
    pub fn reserve(&self, recipients: u64) -> bool {
        let Some(left) = &self.left else { return true };
        let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(recipients)
        });
        if taken.is_err() {
            self.is_spent.store(true, Ordering::Relaxed);
        }
        taken.is_ok()
    }

    /// Whether some mail had to wait for another day.
    pub fn is_spent(&self) -> bool {
        self.is_spent.load(Ordering::Relaxed)
    }

    /// Waits until the next mail may leave: so many a minute, so many at once.
    pub async fn turn(&self) -> SemaphorePermit<'_> {
        let permit = self.lane.acquire().await.expect("the lane is never closed");
        let mut next = self.next.lock().await;
        let due = next.unwrap_or_else(Instant::now);
        tokio::time::sleep_until(due).await;
        // A wait that ended a little late makes the next no later; one that was not needed
        // makes it no earlier.
        let now = Instant::now();
        *next = Some(if now < due + self.interval { due } else { now } + self.interval);
        permit
    }

    /// Whether mails would leave: nobody is to be reset whose mail would not.
    pub async fn ready(&self, graph: &Graph) -> Result<(), NotReady> {
        self.mailer.ready(graph).await
    }

    /// Hands a mail over, once; from a mailbox in steps that are recorded, which is not done
    /// here ([`Self::mailbox`]).
    pub async fn send(&self, mail: &Mail, letter: &Letter) -> Outcome {
        self.mailer.send(mail, letter, None).await
    }
}
