//! The Message-ID of a mail: known before the mail is sent, so that a mail whose answer
//! was lost can be found again.
//!
//! Leaves to others: looking for it (`mailbox`), and keeping it (`checkpoint`).

use std::fmt;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::domain::{Email, InvitationKey};

/// A Message-ID, with its angle brackets (RFC 5322, 3.6.4).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// The id of the mail for one invitation: the same for the same guest, address and
    /// invitation, whichever run makes it. `invitation` tells one invitation of a guest
    /// from the next, as the checkpoint names it. Another sender's mail is another one: its
    /// mailbox is the only one to ask.
    pub fn of(key: &InvitationKey, invitation: &str, from: &Email) -> Self {
        let named = format!("{}\n{invitation}\n{}", key.stored(), from.folded());
        let digest = Sha256::digest(named.as_bytes());
        let half = digest.first_chunk::<16>().expect("the digest has 32 bytes");
        let id = uuid::Builder::from_custom_bytes(*half).into_uuid();
        Self(format!("<{id}@{}>", from.domain()))
    }

    /// One of its own, for a mail to oneself.
    pub fn random(from: &Email) -> Self {
        Self(format!("<{}@{}>", Uuid::new_v4(), from.domain()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UserId;

    #[test]
    fn an_invitation_has_one_id_and_the_next_has_another() {
        let key = |address: &str| InvitationKey {
            user_id: UserId::parse("63e8a076-a912-4a58-8471-02c26af3569f").unwrap(),
            address: Email::parse(address).unwrap(),
        };
        let from = Email::parse("it@Contoso.example").unwrap();
        let id = MessageId::of(&key("ada@fabrikam.example"), "1", &from);
        assert!(id.as_str().starts_with('<') && id.as_str().ends_with("@contoso.example>"));
        assert_eq!(id, MessageId::of(&key("Ada@Fabrikam.example"), "1", &from));
        assert_ne!(id, MessageId::of(&key("ada@fabrikam.example"), "2", &from));
        assert_ne!(id, MessageId::of(&key("bob@fabrikam.example"), "1", &from));
        let other = Email::parse("hr@contoso.example").unwrap();
        assert_ne!(id, MessageId::of(&key("ada@fabrikam.example"), "1", &other));
    }
}
