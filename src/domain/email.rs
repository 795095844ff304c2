//! Email addresses as Entra accepts them.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Serialize};

use super::character::{Found, is_blank};

/// An address that Entra can store as `mail` and invite: ASCII, unquoted local
/// part, a domain with a dot. It keeps the spelling it was written with and
/// compares without regard to case, as the directory does.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(Box<str>);

/// Why a text is no usable address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// The text is empty.
    #[error("the address is empty")]
    Empty,
    /// `mail` takes no accented or other non-ASCII characters
    /// (Microsoft Graph, *Update user*, 2026-07).
    #[error("it contains {0}, which is not ASCII; Entra's `mail` takes nothing else")]
    NotAscii(Found),
    /// A space, control or format character inside the address.
    #[error("it contains {0}")]
    Blank(Found),
    /// Entra has no quoted local parts.
    #[error("quoted local parts are not accepted")]
    Quoted,
    /// Longer than an SMTP address may be (RFC 5321: 254 octets, local part 64).
    #[error("the address is longer than 254 characters")]
    TooLong,
    /// Anything else that is wrong with its shape.
    #[error("not an email address: {0}")]
    Malformed(String),
}

impl Email {
    /// Parses one bare address, without display name.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        if text.is_empty() {
            return Err(EmailError::Empty);
        }
        if let Some(blank) = Found::first(text, is_blank) {
            return Err(EmailError::Blank(blank));
        }
        if let Some(other) = Found::first(text, |c| !c.is_ascii()) {
            return Err(EmailError::NotAscii(other));
        }
        if text.contains('"') {
            return Err(EmailError::Quoted);
        }
        if text.len() > 254 {
            return Err(EmailError::TooLong);
        }
        let options =
            Options::default().with_required_tld().without_domain_literal().without_display_text();
        EmailAddress::parse_with_options(text, options)
            .map_err(|error| EmailError::Malformed(in_a_sentence(&error.to_string())))?;
        Ok(Self(text.into()))
    }

    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address in lower case, for keys and indexes.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// The part after the `@`, in lower case.
    pub fn domain(&self) -> String {
        let at = self.0.rfind('@').expect("a parsed address has an @");
        self.0[at + 1..].to_ascii_lowercase()
    }

    /// The characters that Microsoft's *invitation* page lists as not allowed in
    /// an invited address. The list is not enforced literally, so a hit is worth
    /// a warning and no more.
    pub fn discouraged_character(&self) -> Option<char> {
        const DISCOURAGED: &str = "~!#$%^&*()+=[]{}\\/|;:\"<>?,";
        self.0.chars().find(|c| DISCOURAGED.contains(*c))
    }
}

/// Another library's sentence as part of ours: `Domain is empty.` becomes `domain
/// is empty`.
fn in_a_sentence(sentence: &str) -> String {
    let mut chars = sentence.trim_end_matches('.').chars();
    let first = chars.next().into_iter().flat_map(char::to_lowercase);
    first.chain(chars).collect()
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Email {}

impl Hash for Email {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.0.bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
        state.write_u8(0xff);
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Email {
    type Error = EmailError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_addresses_parse_and_compare_without_case() {
        let written = Email::parse("Mary.O'Neil+b2b@Fabrikam.Example").unwrap();
        assert_eq!(written.as_str(), "Mary.O'Neil+b2b@Fabrikam.Example");
        assert_eq!(written, Email::parse("mary.o'neil+b2b@fabrikam.example").unwrap());
        assert_eq!(written.domain(), "fabrikam.example");
    }

    #[test]
    fn what_entra_refuses_is_refused_with_its_reason() {
        let found = |character, position| Found { character, position };
        for (text, expected) in [
            ("", EmailError::Empty),
            ("zoë@fabrikam.example", EmailError::NotAscii(found('ë', 3))),
            ("a b@fabrikam.example", EmailError::Blank(found(' ', 2))),
            ("a\n@fabrikam.example", EmailError::Blank(found('\n', 2))),
            ("ä\u{200b}@fabrikam.example", EmailError::Blank(found('\u{200b}', 2))),
            ("\"a\"@fabrikam.example", EmailError::Quoted),
        ] {
            assert_eq!(Email::parse(text), Err(expected), "{text:?}");
        }
        let long = format!("a@{}.example", "x".repeat(260));
        assert_eq!(Email::parse(&long), Err(EmailError::TooLong));
        for text in [
            "a@localhost",
            "a@[127.0.0.1]",
            "a@@b.example",
            "a..b@c.example",
            "plain",
            "A <a@b.example>",
        ] {
            assert!(Email::parse(text).is_err(), "{text:?}");
        }
    }
}
