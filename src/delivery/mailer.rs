//! The ways a mail leaves, behind one word.
//!
//! Leaves to others: which is configured (`config`), and when to send.

use std::io;

use crate::config::{DeliverySettings, DeliveryWay};
use crate::graph::Graph;

use super::files::Folder;
use super::letter::Letter;
use super::mailbox::Mailbox;
use super::message::Mail;
use super::outcome::Outcome;
use super::smtp::{Smtp, SmtpError};

/// Why no mail would leave now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotReady {
    pub why: String,
    /// Whether it may be otherwise in a moment.
    pub may_pass: bool,
}

/// Where one's own mail goes.
pub enum Mailer {
    Smtp(Smtp),
    Files(Folder),
    Mailbox(Mailbox),
}

impl Mailer {
    /// The configured way; None where no mail of one's own leaves by it.
    pub fn of(settings: &DeliverySettings) -> io::Result<Option<Self>> {
        Ok(match (settings.by, &settings.smtp, &settings.folder) {
            (DeliveryWay::Smtp, Some(smtp), _) => Some(Self::Smtp(Smtp::new(smtp.clone()))),
            (DeliveryWay::Files, _, Some(folder)) => Some(Self::Files(Folder::open(folder)?)),
            (DeliveryWay::Graph, _, _) => settings
                .from
                .as_ref()
                .map(|from| Self::Mailbox(Mailbox { address: from.address.clone() })),
            _ => None,
        })
    }

    /// Whether mails would leave, as far as that shows without sending one: what is in the
    /// way, if anything is.
    pub async fn ready(&self, graph: &Graph) -> Result<(), NotReady> {
        let lasting = |why: String| NotReady { why, may_pass: false };
        match self {
            Self::Smtp(smtp) => smtp.greet().await.map_err(|error| NotReady {
                why: error.to_string(),
                may_pass: matches!(error, SmtpError::Unreachable { .. } | SmtpError::Busy { .. }),
            }),
            Self::Files(folder) => {
                folder.can_be_written().map_err(|error| lasting(error.to_string()))
            }
            Self::Mailbox(mailbox) => {
                let looked = graph.look_into_mailbox(&mailbox.address).await;
                looked.map_err(|error| lasting(format!("the mailbox {}: {error}", mailbox.address)))
            }
        }
    }

    /// Hands a mail over, once, without a record of it: from a mailbox as a draft that is
    /// sent at once.
    pub async fn send(&self, mail: &Mail, letter: &Letter, graph: Option<&Graph>) -> Outcome {
        match self {
            Self::Mailbox(mailbox) => match graph {
                Some(graph) => mailbox.send_at_once(graph, mail).await,
                None => Outcome::NotSent { why: "nobody is signed in".to_owned() },
            },
            Self::Smtp(smtp) => smtp.send(mail).await,
            Self::Files(folder) => folder.put(mail, letter),
        }
    }
}
