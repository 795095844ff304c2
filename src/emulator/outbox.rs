//! Every mail that leaves the tenant, in the order in which it does: Microsoft's
//! invitations, and one's own mails out of a mailbox or over SMTP.
//!
//! Leaves to others: mailboxes and their limits (`mailbox`), and showing the mails
//! (`mail_page`).

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::ledger::InvitationEntry;
use super::smtp::TakenMail;
use super::state::Shared;
use crate::graph::wire::MailMessage;

/// Who sent a mail, and what it says.
#[derive(Debug, Clone)]
pub(super) enum Sender {
    /// Microsoft, for an invitation.
    Microsoft(Arc<InvitationEntry>),
    /// A mailbox of the tenant.
    Mailbox { address: String, message: Arc<MailMessage> },
    /// Whoever handed it in over SMTP.
    Smtp(Arc<TakenMail>),
}

/// A mail that leaves.
#[derive(Debug, Clone)]
pub(super) struct Leaving {
    pub(super) at: Timestamp,
    leaves_at: Instant,
    pub(super) sender: Sender,
    /// Everybody it is for, the carbon copies among them.
    pub(super) recipients: Vec<String>,
}

impl Leaving {
    pub(super) fn has_left(&self) -> bool {
        self.leaves_at <= Instant::now()
    }

    pub(super) fn is_for(&self, address: &str) -> bool {
        self.recipients.iter().any(|recipient| recipient.eq_ignore_ascii_case(address))
    }
}

/// A mail that has left, for whoever looks from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftMail {
    /// When it left.
    pub at: Timestamp,
    /// Everybody it is for, the guest first.
    pub recipients: Vec<String>,
}

/// The mails of a tenant. One is known by its place, from 0.
#[derive(Debug, Default)]
pub(super) struct Outbox(Vec<Leaving>);

impl Outbox {
    pub(super) fn get(&self, place: usize) -> Option<&Leaving> {
        self.0.get(place).filter(|mail| mail.has_left())
    }

    /// Those that left from this place on, up to the first that has not, and the place of
    /// that one.
    pub(super) fn left_since(&self, place: usize) -> (Vec<LeftMail>, usize) {
        let left = self.0[place.min(self.0.len())..].iter().take_while(|mail| mail.has_left());
        let left: Vec<_> = left
            .map(|mail| LeftMail { at: mail.at, recipients: mail.recipients.clone() })
            .collect();
        let next = place + left.len();
        (left, next)
    }

    /// Those that have left, the last first, each with its place.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = (usize, &Leaving)> {
        self.0.iter().enumerate().rev().filter(|(_, mail)| mail.has_left())
    }
}

impl Shared {
    /// A mail leaves at a moment that may lie ahead.
    pub(super) fn leaves(&self, sender: Sender, leaves_at: Instant) {
        let wait = leaves_at.saturating_duration_since(Instant::now());
        let recipients = recipients(&sender);
        let at = self.clock.now() + wait;
        self.outbox().0.push(Leaving { at, leaves_at, sender, recipients });
    }
}

fn recipients(sender: &Sender) -> Vec<String> {
    match sender {
        Sender::Microsoft(invitation) => {
            std::iter::once(&invitation.address).chain(&invitation.cc).cloned().collect()
        }
        Sender::Mailbox { message, .. } => {
            let all = message.to_recipients.iter().chain(&message.cc_recipients);
            all.filter_map(|one| one.email_address.address.clone()).collect()
        }
        Sender::Smtp(mail) => mail.to.clone(),
    }
}
