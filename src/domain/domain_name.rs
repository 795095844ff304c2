//! The domain of an address.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::Email;

/// A domain that an address can have, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct DomainName(Box<str>);

/// The text is no domain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a domain such as fabrikam.example")]
pub struct DomainNameError(String);

impl DomainName {
    /// Parses a domain; an `@` before it is what people write, and does no harm.
    pub fn parse(text: &str) -> Result<Self, DomainNameError> {
        let bare = text.trim();
        let bare = bare.strip_prefix('@').unwrap_or(bare);
        match Email::parse(&format!("x@{bare}")) {
            Ok(address) if !bare.contains('@') => Ok(Self(address.domain().into())),
            _ => Err(DomainNameError(text.to_owned())),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DomainName {
    type Err = DomainNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_what_an_address_can_end_in() {
        for (text, domain) in
            [("Fabrikam.example", "fabrikam.example"), (" @a-b.example ", "a-b.example")]
        {
            assert_eq!(DomainName::parse(text).unwrap().as_str(), domain);
        }
        for text in
            ["", "fabrikam", "a@fabrikam.example", "@@a.example", "fabrikam example", "ü.example"]
        {
            assert!(DomainName::parse(text).is_err(), "{text}");
        }
    }
}
