//! What a manifest holds once it is read.

use std::sync::Arc;

use crate::domain::{Email, GuestRef, Language, Message, RedirectUrl};

/// One row: a guest to move, and what this row says about its invitation.
/// Whatever is `None` falls back to the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Line of the file on which the row begins, from 1.
    pub line: u32,
    pub user: GuestRef,
    /// What else the row calls the guest; whether all of it means one guest only the
    /// directory tells.
    pub also: Box<[GuestRef]>,
    /// What the row asks for.
    pub wish: Wish,
    /// Text of the invitation; equal texts share one allocation.
    pub message: Option<Arc<Message>>,
    /// Carbon copy: the service takes one.
    pub cc: Option<Email>,
    /// Further ones, of one's own mail.
    pub more_cc: Box<[Email]>,
    /// Language of Microsoft's standard text.
    pub language: Option<Language>,
    /// Where the guest lands after redeeming; equal URLs share one allocation.
    pub redirect_url: Option<Arc<RedirectUrl>>,
    /// Whether Microsoft mails the invitation.
    pub send: Option<bool>,
    /// Name shown in the invitation.
    pub display_name: Option<Box<str>>,
    /// What to do when the guest's mail already is the new address.
    pub reset: Reset,
    /// Cells of the columns this program has no use for, in the order of
    /// [`Manifest::extra_columns`](super::Manifest::extra_columns).
    pub extra: Box<[Box<str>]>,
}

impl Row {
    /// Everything that the row calls the guest.
    pub fn names(&self) -> impl Iterator<Item = &GuestRef> {
        std::iter::once(&self.user).chain(&self.also)
    }
}

/// What a row asks for. Neither can come about by leaving something out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Move the guest to this address.
    Move(Email),
    /// Reset the guest's redemption at its present address, in so many words.
    ResetOnly,
}

impl Wish {
    /// The address to move to, if there is to be a move.
    pub fn address(&self) -> Option<&Email> {
        match self {
            Self::Move(address) => Some(address),
            Self::ResetOnly => None,
        }
    }

    pub fn is_reset_only(&self) -> bool {
        *self == Self::ResetOnly
    }
}

/// What to do with a guest whose mail already is the new address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reset {
    /// Leave it alone unless the run was told otherwise.
    #[default]
    WhenMoved,
    /// Reset its redemption all the same.
    Always,
}
