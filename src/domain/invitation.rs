//! What an invitation carries, and what makes two of them the same.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Email, UserId};

/// What must not be sent twice: one guest invited to one address. The tenant is
/// the checkpoint's, which holds one tenant only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InvitationKey {
    pub user_id: UserId,
    pub address: Email,
}

impl InvitationKey {
    /// The key as the checkpoint stores it: object id, a blank, the address in
    /// lower case.
    pub fn stored(&self) -> String {
        format!("{} {}", self.user_id, self.address.folded())
    }
}

/// The text of an invitation. Plain text: Microsoft does not process HTML in it.
/// No maximum length is documented, so none is enforced here.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Message(Box<str>);

/// Why a text cannot be an invitation's message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Nothing but white space.
    #[error("the message is empty")]
    Empty,
    /// A control character other than tab and line breaks.
    #[error("the message contains the control character U+{0:04X}")]
    ControlCharacter(u32),
}

impl Message {
    /// Takes a text as a message. Tabs and line breaks are allowed, other
    /// control characters are not.
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        if text.trim().is_empty() {
            return Err(MessageError::Empty);
        }
        match text.chars().find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
            Some(control) => Err(MessageError::ControlCharacter(u32::from(control))),
            None => Ok(Self(text.into())),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A language tag for Microsoft's standard text, such as `en-US` or `de`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(Box<str>);

/// The text does not look like a language tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a language tag such as en-US or de")]
pub struct LanguageError(String);

impl Language {
    /// Checks the shape of the tag. Which languages Microsoft has a text for is
    /// not documented, so that is left to the service.
    pub fn parse(text: &str) -> Result<Self, LanguageError> {
        let error = || LanguageError(text.to_owned());
        let mut subtags = text.split('-');
        let primary = subtags.next().unwrap_or_default();
        if !(2..=3).contains(&primary.len()) || !primary.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Err(error());
        }
        for subtag in subtags {
            let shape = (2..=8).contains(&subtag.len());
            if !shape || !subtag.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(error());
            }
        }
        Ok(Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where the guest lands after redeeming: an https URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUrl(Box<str>);

/// Why a text cannot be a redirect URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUrlError {
    /// Not an absolute URL at all.
    #[error("`{text}` is not a URL: {cause}")]
    NotAUrl {
        text: String,
        /// What the URL parser says.
        cause: url::ParseError,
    },
    /// A URL of another scheme.
    #[error("`{0}` is not an https URL")]
    NotHttps(String),
}

impl RedirectUrl {
    /// Parses an absolute https URL and keeps it as written.
    pub fn parse(text: &str) -> Result<Self, RedirectUrlError> {
        let url = Url::parse(text)
            .map_err(|cause| RedirectUrlError::NotAUrl { text: text.to_owned(), cause })?;
        if url.scheme() != "https" || url.host_str().is_none() {
            return Err(RedirectUrlError::NotHttps(text.to_owned()));
        }
        Ok(Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `externalUserState`: whether the last invitation was redeemed
/// (Microsoft Graph, *user resource type*).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RedemptionState {
    /// Invited, not redeemed.
    PendingAcceptance,
    Accepted,
    /// A value this program does not know; kept verbatim.
    #[serde(untagged)]
    Other(Box<str>),
}

impl fmt::Display for RedemptionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PendingAcceptance => "PendingAcceptance",
            Self::Accepted => "Accepted",
            Self::Other(other) => other,
        })
    }
}

macro_rules! text_conversions {
    ($($name:ident, $error:ident;)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0.into()
            }
        }
    )*};
}

text_conversions! {
    Message, MessageError;
    Language, LanguageError;
    RedirectUrl, RedirectUrlError;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_urls_are_absolute_https() {
        for text in ["https://myapps.microsoft.com", "https://myapps.microsoft.com?tenantId=1"] {
            assert_eq!(RedirectUrl::parse(text).unwrap().as_str(), text);
        }
        for text in ["http://myapps.microsoft.com", "myapps.microsoft.com", "ftp://x.example", ""] {
            assert!(RedirectUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn languages_have_the_shape_of_a_tag() {
        for text in ["en", "en-US", "zh-Hant-TW", "fil"] {
            assert!(Language::parse(text).is_ok(), "{text}");
        }
        for text in ["", "e", "english", "en_US", "en-", "12-US"] {
            assert!(Language::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn messages_keep_their_lines_and_refuse_control_characters() {
        assert!(Message::parse("Hello\r\n\tworld").is_ok());
        assert_eq!(Message::parse(" \n"), Err(MessageError::Empty));
        assert_eq!(Message::parse("a\u{7}b"), Err(MessageError::ControlCharacter(7)));
    }

    #[test]
    fn unknown_redemption_states_survive() {
        let state: RedemptionState = serde_json::from_str("\"Frozen\"").unwrap();
        assert_eq!(state, RedemptionState::Other("Frozen".into()));
        let state: RedemptionState = serde_json::from_str("\"Accepted\"").unwrap();
        assert_eq!(state, RedemptionState::Accepted);
    }
}
