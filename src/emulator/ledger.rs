//! What happened in the tenant, for tests and for another process that reads
//! `/emulator/ledger`.
//!
//! Leaves to others: causing any of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Everything that happened so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// Every write in the order in which the tenant took it.
    pub writes: Vec<Write>,
    /// Every request in the order in which it was answered, unless the options say
    /// not to keep them. Items of a batch stand before their batch.
    pub requests: Vec<RequestEntry>,
    /// Every request that Graph does not take as it is, however it was answered,
    /// unless the options say not to keep requests.
    #[serde(default)]
    pub violations: Vec<Violation>,
}

impl Ledger {
    /// Every change of a user, in order.
    pub fn patches(&self) -> impl Iterator<Item = &PatchEntry> {
        self.writes.iter().filter_map(|write| match write {
            Write::Patch(patch) => Some(patch),
            Write::Invitation(_) => None,
        })
    }

    /// Every invitation, in order.
    pub fn invitations(&self) -> impl Iterator<Item = &InvitationEntry> {
        self.writes.iter().filter_map(|write| match write {
            Write::Invitation(invitation) => Some(invitation),
            Write::Patch(_) => None,
        })
    }

    /// The changes of one user.
    pub fn patches_of(&self, id: &str) -> Vec<&PatchEntry> {
        self.patches().filter(|patch| patch.id.eq_ignore_ascii_case(id)).collect()
    }

    /// The invitations of one user.
    pub fn invitations_for(&self, id: &str) -> Vec<&InvitationEntry> {
        self.invitations().filter(|invitation| invitation.id.eq_ignore_ascii_case(id)).collect()
    }

    /// The requests whose path begins so, `/v1.0` left out.
    pub fn requests_to(&self, prefix: &str) -> Vec<&RequestEntry> {
        self.requests
            .iter()
            .filter(|request| {
                let path = request.path.strip_prefix("/v1.0").unwrap_or(&request.path);
                path.starts_with(prefix)
            })
            .collect()
    }
}

/// A write that the tenant took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Write {
    /// A `PATCH /users/{id}`.
    Patch(PatchEntry),
    /// A `POST /invitations`.
    Invitation(InvitationEntry),
}

impl Write {
    pub fn id(&self) -> &str {
        match self {
            Self::Patch(patch) => &patch.id,
            Self::Invitation(invitation) => &invitation.id,
        }
    }

    /// When.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Patch(patch) => patch.at,
            Self::Invitation(invitation) => invitation.at,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PatchEntry {
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// The addresses before.
    pub before: Addresses,
    /// The addresses after.
    pub after: Addresses,
}

/// The addresses of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Addresses {
    /// `mail`.
    pub mail: Option<String>,
    /// `otherMails`.
    pub other_mails: Vec<String>,
    /// `proxyAddresses`.
    pub proxy_addresses: Vec<String>,
}

/// What an invitation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// It reset the redemption of an external user.
    Reset,
    Created,
    /// It turned an internal user into an external one, which cannot be undone
    /// (Entra, *Invite internal users*).
    Converted,
}

/// An invitation that the service accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvitationEntry {
    /// Object id of the guest.
    pub id: String,
    pub address: String,
    /// When.
    pub at: Timestamp,
    pub effect: Effect,
    /// Whether Microsoft mailed it.
    pub mailed: bool,
    pub message: Option<String>,
    /// Whether the text was dropped because an application sent it (Entra,
    /// *Troubleshoot B2B collaboration*, 2025-02).
    pub message_dropped: bool,
    /// The language asked for.
    pub language: Option<String>,
    pub cc: Option<String>,
    pub redirect_url: String,
    /// The link that redeems it: with the next invitation it is void.
    pub redeem_url: String,
}

/// The traffic in numbers, which are kept even when the requests are not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Requests, and batches as one each.
    pub requests: u64,
    /// Resource units charged.
    pub units: u64,
    /// Answers with status 429, those within batches included.
    pub refused: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestEntry {
    /// When it was answered.
    pub at: Timestamp,
    /// `GET`, `PATCH`, …
    pub method: String,
    /// Path and query as sent.
    pub path: String,
    /// Status of the answer, or of the answer that was lost.
    pub status: u16,
    /// Resource units charged.
    pub units: u32,
    /// Whether it came in a batch.
    pub in_batch: bool,
    /// Whether the answer was made to get lost.
    pub lost: bool,
}

/// A request that breaks the contract of Graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Violation {
    /// `GET`, `PATCH`, …
    pub method: String,
    /// Path and query as sent.
    pub path: String,
    pub what: String,
}
