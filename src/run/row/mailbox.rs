//! A mail from a mailbox of the tenant: draft, its record, sending, and what became of it
//! where an answer was lost. The mailbox tells, if it is asked late enough.
//!
//! Leaves to others: how often it is tried (`mail`).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::checkpoint::Record;
use crate::delivery::{Found, Mail, Mailbox, MessageId, Outcome as Handed, refused};
use crate::domain::{EarlierMail, MailWay};
use crate::graph::CallError;

use super::RowRun;
use crate::run::event::Event;

/// First wait before the mailbox is asked again; doubles.
const FIRST_LOOK: Duration = Duration::from_secs(2);

const NOT_RECORDED: &str = "it could not be recorded";

/// What is known of a mail that an earlier request may have sent.
enum Settled {
    Sent,
    /// It was not; its draft, if it is there.
    Unsent(Option<String>),
    Not(Handed),
}

impl RowRun<'_, '_> {
    /// Sends a mail from the mailbox, unless it was sent before. The record that it is
    /// about to be is durable before each request that could send it.
    pub(super) async fn hand_to_mailbox(
        &self,
        mailbox: &Mailbox,
        mail: &Mail,
        earlier: Option<&EarlierMail>,
    ) -> Handed {
        let draft = match self.earlier_draft(mailbox, &mail.message_id, earlier).await {
            Settled::Sent => return Handed::accepted(),
            Settled::Not(handed) => return handed,
            Settled::Unsent(draft) => draft,
        };
        let intent = self.mail_intent(&mail.message_id, MailWay::Mailbox);
        if self.append(intent).await.is_err() {
            return Handed::NotSent { why: NOT_RECORDED.to_owned() };
        }
        let draft = match draft {
            Some(draft) => draft,
            None => match self.draft(mailbox, mail).await {
                Ok(draft) => draft,
                Err(handed) => return handed,
            },
        };
        // P1: from here on it may be sent.
        if self.append(Record::MailDrafted { key: self.key.clone() }).await.is_err() {
            return Handed::NotSent { why: NOT_RECORDED.to_owned() };
        }
        match mailbox.send(self.run.graph, &draft).await {
            Ok(()) => Handed::accepted(),
            Err(CallError::Lost { evidence }) => {
                self.lost_send(mailbox, &mail.message_id, evidence).await
            }
            Err(CallError::Refused { refusal, .. }) => match refused(&refusal) {
                Some(handed) => handed,
                // The draft is gone: it was sent, or somebody took it away.
                None => self.lost_send(mailbox, &mail.message_id, refusal.to_string()).await,
            },
            Err(error) => self.not_sent(&error),
        }
    }

    /// What an earlier run left in the mailbox.
    async fn earlier_draft(
        &self,
        mailbox: &Mailbox,
        id: &MessageId,
        earlier: Option<&EarlierMail>,
    ) -> Settled {
        let Some(earlier) = earlier else { return Settled::Unsent(None) };
        let is_this = earlier.message_id == id.as_str();
        match earlier.drafted_at {
            Some(at) if is_this => self.settle(mailbox, id, at).await,
            Some(_) => {
                let why =
                    "it may have been sent from another mailbox, which is not asked".to_owned();
                Settled::Not(Handed::Lost { why })
            }
            None if is_this => match mailbox.find(self.run.graph, id).await {
                Ok(Found::Sent) => Settled::Sent,
                Ok(Found::Draft(draft)) => Settled::Unsent(Some(draft)),
                Ok(Found::Nothing) => Settled::Unsent(None),
                Err(error) => Settled::Not(self.not_sent(&error)),
            },
            None => Settled::Unsent(None),
        }
    }

    async fn draft(&self, mailbox: &Mailbox, mail: &Mail) -> Result<String, Handed> {
        let evidence = match mailbox.draft(self.run.graph, mail).await {
            Ok(draft) => return Ok(draft),
            Err(CallError::Lost { evidence }) => evidence,
            Err(CallError::Refused { refusal, .. }) => {
                let why = refusal.to_string();
                return Err(refused(&refusal).unwrap_or(Handed::NotSent { why }));
            }
            Err(error) => return Err(self.not_sent(&error)),
        };
        // Nobody gets a draft: one more does no harm, and the one that is there will do.
        match mailbox.find(self.run.graph, &mail.message_id).await {
            Ok(Found::Draft(draft)) => Ok(draft),
            Ok(Found::Sent | Found::Nothing) => Err(Handed::NotSent { why: evidence }),
            Err(error) => Err(self.not_sent(&error)),
        }
    }

    async fn lost_send(&self, mailbox: &Mailbox, id: &MessageId, evidence: String) -> Handed {
        match self.settle(mailbox, id, self.run.graph.clock().now()).await {
            Settled::Sent => Handed::accepted(),
            Settled::Unsent(_) => Handed::NotSent { why: evidence },
            Settled::Not(handed) => handed,
        }
    }

    /// Asks the mailbox until it must show a mail that was perhaps sent at a moment: what
    /// was sent stays among the drafts for a while.
    async fn settle(&self, mailbox: &Mailbox, id: &MessageId, since: Timestamp) -> Settled {
        let lag = SignedDuration::try_from(self.run.settings.replication_lag);
        let until = since.saturating_add(lag.unwrap_or(SignedDuration::MAX)).unwrap_or(since);
        let mut wait = FIRST_LOOK;
        let mut is_told = false;
        loop {
            let asked_at = self.run.graph.clock().now();
            let found = match mailbox.find(self.run.graph, id).await {
                Ok(found) => found,
                Err(error) => {
                    self.note_stop(&error);
                    let why = format!("the mailbox could not be asked: {error}");
                    return Settled::Not(Handed::Unsettled { why });
                }
            };
            match found {
                Found::Sent => return Settled::Sent,
                Found::Draft(draft) if asked_at >= until => return Settled::Unsent(Some(draft)),
                Found::Nothing if asked_at >= until => {
                    let why = "the mailbox has it neither among the drafts nor sent".to_owned();
                    return Settled::Not(Handed::Lost { why });
                }
                Found::Draft(_) | Found::Nothing => {}
            }
            let left = Duration::try_from(until.duration_since(asked_at)).unwrap_or_default();
            if !is_told && left > wait {
                is_told = true;
                (self.run.observe)(Event::Waiting {
                    line: Some(self.row.line),
                    why:
                        "a mail's answer was lost, and the mailbox is read until it has to show it"
                            .to_owned(),
                    at_most: left,
                });
            }
            tokio::select! {
                biased;
                () = self.run.stop.requested() => {
                    let why = "the run was stopped while the mailbox might not show it yet; the next run looks again".to_owned();
                    return Settled::Not(Handed::Unsettled { why });
                }
                () = tokio::time::sleep(wait.min(left) + Duration::from_millis(1)) => {}
            }
            wait = wait.saturating_mul(2);
        }
    }

    /// Nothing that could send the mail left.
    fn not_sent(&self, error: &CallError) -> Handed {
        self.note_stop(error);
        Handed::NotSent { why: error.to_string() }
    }
}
