//! Who a row is about.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The object id of a directory user. It survives the move, so it is what rows,
/// the ledger and reports are keyed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(Uuid);

/// The text is not an object id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an object id (a GUID such as 9071bfde-35e0-47d2-a582-d244ab1b4af6)")]
pub struct UserIdError(String);

impl UserId {
    /// Parses an object id in its usual hyphenated form.
    pub fn parse(text: &str) -> Result<Self, UserIdError> {
        if text.len() != 36 {
            return Err(UserIdError(text.to_owned()));
        }
        Uuid::try_parse(text).map(Self).map_err(|_| UserIdError(text.to_owned()))
    }
}

impl From<Uuid> for UserId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for UserId {
    type Err = UserIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// How a manifest names a guest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum GuestRef {
    /// By object id, which names exactly one object.
    Id(UserId),
    /// By user principal name or by an address; kept as written, compared
    /// without regard to case. It may turn out to name none or several.
    Name(Box<str>),
}

impl GuestRef {
    /// Reads a reference: a GUID is an object id, anything else a name.
    pub fn parse(text: &str) -> Self {
        UserId::parse(text).map_or_else(|_| Self::Name(text.into()), Self::Id)
    }

    /// The reference in the form in which two spellings of it are equal.
    pub fn folded(&self) -> String {
        match self {
            Self::Id(id) => id.to_string(),
            Self::Name(name) => name.to_lowercase(),
        }
    }
}

impl fmt::Display for GuestRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_an_object_id_and_anything_else_a_name() {
        let id = "9071BFDE-35e0-47d2-a582-d244ab1b4af6";
        assert_eq!(GuestRef::parse(id), GuestRef::Id(id.parse().unwrap()));
        assert_eq!(GuestRef::parse(id).to_string(), id.to_lowercase());
        let upn = "ada_fabrikam.example#EXT#@contoso.example";
        assert_eq!(GuestRef::parse(upn), GuestRef::Name(upn.into()));
        assert!(UserId::parse("{9071bfde-35e0-47d2-a582-d244ab1b4af6}").is_err());
        assert!(UserId::parse("9071bfde35e047d2a582d244ab1b4af6").is_err());
    }
}
