//! The ways a mail leaves, behind one word.
//!
//! Leaves to others: which is configured (`config`), and when to send.

use std::io;

use crate::config::{DeliverySettings, DeliveryWay};

use super::files::Folder;
use super::letter::Letter;
use super::message::Mail;
use super::outcome::Outcome;
use super::smtp::Smtp;

/// Where one's own mail goes.
pub enum Mailer {
    Smtp(Smtp),
    Files(Folder),
}

impl Mailer {
    /// The configured way; None where no mail of one's own leaves by it.
    pub fn of(settings: &DeliverySettings) -> io::Result<Option<Self>> {
        Ok(match (settings.by, &settings.smtp, &settings.folder) {
            (DeliveryWay::Smtp, Some(smtp), _) => Some(Self::Smtp(Smtp::new(smtp.clone()))),
            (DeliveryWay::Files, _, Some(folder)) => Some(Self::Files(Folder::open(folder)?)),
            _ => None,
        })
    }

    /// Hands a mail over, once.
    pub async fn send(&self, mail: &Mail, letter: &Letter) -> Outcome {
        match self {
            Self::Smtp(smtp) => smtp.send(mail).await,
            Self::Files(folder) => folder.put(mail, letter),
        }
    }
}
