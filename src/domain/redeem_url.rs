//! The link that redeems an invitation.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// The link that redeems an invitation. Who has it needs only to sign in as the guest,
/// so it is a secret.
#[derive(Clone)]
pub struct RedeemUrl(SecretString);

impl RedeemUrl {
    /// Takes the link as the service gave it. It is not documented what it looks like.
    pub fn new(link: impl Into<String>) -> Self {
        Self(SecretString::from(link.into()))
    }

    /// One that leads nowhere: the domain is reserved (RFC 2606).
    pub fn nowhere() -> Self {
        Self::new("https://redeem.invalid/this-is-a-preview")
    }

    /// The link itself: for the mail that carries it, and for the checkpoint until then.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for RedeemUrl {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl fmt::Debug for RedeemUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedeemUrl([REDACTED])")
    }
}
