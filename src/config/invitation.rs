//! What a manifest's rows inherit: the invitation's defaults, and where the new
//! address is written.
//!
//! Leaves to others: the rows' own values, which come first.

use std::sync::Arc;

use crate::domain::{Email, Language, Message, RedirectUrl};

use super::key;
use super::layers::{Layers, Reported};
use super::value::Value;

/// Where a guest lands who redeems, unless told otherwise: the page of the apps
/// that the guest may use, which every tenant has.
const MY_APPS: &str = "https://myapps.microsoft.com";

/// Values for rows that have none of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationDefaults {
    /// Where guests land after redeeming.
    pub redirect_url: RedirectUrl,
    /// Language of Microsoft's standard text.
    pub language: Option<Language>,
    pub message: Option<Arc<Message>>,
    pub cc: Option<Email>,
    /// Whether Microsoft mails the invitation.
    pub send: bool,
}

impl Default for InvitationDefaults {
    fn default() -> Self {
        Self {
            redirect_url: RedirectUrl::parse(MY_APPS).expect("the default is an https URL"),
            language: None,
            message: None,
            cc: None,
            send: true,
        }
    }
}

impl InvitationDefaults {
    pub(super) fn resolve(layers: &mut Layers<'_>) -> Result<Self, Reported> {
        let redirect_url =
            layers.get(key::INVITATION_REDIRECT_URL, |value| value.parsed(RedirectUrl::parse));
        let language = layers.get(key::INVITATION_LANGUAGE, |value| value.parsed(Language::parse));
        let message = layers.get(key::INVITATION_MESSAGE, |value| value.parsed(Message::parse));
        let cc = layers.get(key::INVITATION_CC, |value| value.parsed(Email::parse));
        let send = layers.get(key::INVITATION_SEND, Value::boolean);
        let default = Self::default();
        Ok(Self {
            redirect_url: redirect_url?.unwrap_or(default.redirect_url),
            language: language?,
            message: message?.map(Arc::new),
            cc: cc?,
            send: send?.unwrap_or(default.send),
        })
    }
}

/// Which attribute of the guest takes the new address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MailWrite {
    /// `mail`.
    #[default]
    Mail,
    /// `otherMails`.
    OtherMails,
    Both,
}

impl MailWrite {
    pub(super) fn resolve(layers: &mut Layers<'_>) -> Result<Self, Reported> {
        let choices =
            [("mail", Self::Mail), ("other-mails", Self::OtherMails), ("both", Self::Both)];
        Ok(layers.get(key::MAIL_WRITE, |value| value.choice(&choices))?.unwrap_or_default())
    }
}
