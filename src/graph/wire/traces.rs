//! Message traces (Microsoft Graph, *exchangeMessageTrace resource type*, 2026-01).

use serde::{Deserialize, Serialize};

use super::null_as_default;

/// One message and one recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MessageTrace {
    #[serde(deserialize_with = "null_as_default")]
    pub id: String,
    pub sender_address: Option<String>,
    pub recipient_address: Option<String>,
    /// The Message-ID, in its angle brackets.
    pub message_id: Option<String>,
    /// RFC 3339.
    pub received_date_time: Option<String>,
    /// `gettingStatus`, `pending`, `failed`, `delivered`, `expanded`, `quarantined`,
    /// `filteredAsSpam`, and what comes to be.
    pub status: Option<String>,
}

/// Something that happened to a message on its way to one recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TraceDetail {
    /// `Receive`, `Deliver`, `Fail`, and others.
    pub event: Option<String>,
    /// The server's words, where it failed.
    pub description: Option<String>,
}
