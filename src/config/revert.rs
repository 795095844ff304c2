//! The words of the way back: what was said about the move is not said again.
//!
//! Leaves to others: who mails them (`delivery`), and everything else about a mail
//! (`invitation`).

use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::Message;

use super::delivery::{DeliverySettings, one_line, path};
use super::invitation::InvitationDefaults;
use super::key;
use super::layers::{Layers, Reported};
use super::settings::Settings;

/// Where subject and templates of the way back are configured.
const SECTION: &str = "revert";

/// What guests are told who get their old address back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevertSettings {
    /// Text of the invitation; None for Microsoft's standard text alone.
    pub message: Option<Arc<Message>>,
    /// Of one's own mail; None: the title of the template.
    pub subject: Option<String>,
    /// None: the built-in ones.
    pub template: Option<PathBuf>,
    /// None: made from the HTML.
    pub text_template: Option<PathBuf>,
}

impl RevertSettings {
    /// Whether its mails have a subject or templates of their own.
    pub fn has_own_words(&self) -> bool {
        self.subject.is_some() || self.template.is_some() || self.text_template.is_some()
    }

    /// The way of the mails, with the words of the way back.
    #[must_use]
    pub fn delivery(&self, delivery: &DeliverySettings) -> DeliverySettings {
        DeliverySettings {
            section: SECTION,
            subject: self.subject.clone(),
            template: self.template.clone(),
            text_template: self.text_template.clone(),
            ..delivery.clone()
        }
    }

    /// What an invitation of the way back says.
    #[must_use]
    pub fn invitation(&self, invitation: &InvitationDefaults) -> InvitationDefaults {
        InvitationDefaults { message: self.message.clone(), ..invitation.clone() }
    }

    pub(super) fn resolve(layers: &mut Layers<'_>) -> Result<Self, Reported> {
        let message = layers.get(key::REVERT_MESSAGE, |value| value.parsed(Message::parse));
        let subject = layers.get(key::REVERT_SUBJECT, one_line);
        let template = path(layers, key::REVERT_TEMPLATE);
        let text_template = path(layers, key::REVERT_TEXT_TEMPLATE);
        Ok(Self {
            message: message?.map(Arc::new),
            subject: subject?,
            template: template?,
            text_template: text_template?,
        })
    }
}

impl Settings {
    /// The same for the way back. The domains that guests may move to are no limit: the old
    /// addresses are the guests' own, as the directory had them.
    #[must_use]
    pub fn for_the_way_back(mut self) -> Self {
        self.invitation = self.revert.invitation(&self.invitation);
        self.delivery = self.revert.delivery(&self.delivery);
        self.guards.allowed_domains = None;
        self
    }
}
