//! Messages of a mailbox (Microsoft Graph, *message resource type*).

use serde::{Deserialize, Serialize};

use super::{Recipient, null_as_default};

/// A `message`, as far as one's own mail needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MailMessage {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The Message-ID. It can be given while the message is a draft (*Update message*).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internet_message_id: Option<String>,
    pub subject: String,
    pub body: ItemBody,
    pub to_recipients: Vec<Recipient>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cc_recipients: Vec<Recipient>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reply_to: Vec<Recipient>,
    /// Names begin with `x-`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub internet_message_headers: Vec<MailHeader>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<FileAttachment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_draft: Option<bool>,
}

/// An `itemBody`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ItemBody {
    /// `html` or `text`.
    pub content_type: String,
    /// It holds the link.
    pub content: String,
}

impl std::fmt::Debug for ItemBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ItemBody").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}

/// An `internetMessageHeader`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailHeader {
    pub name: String,
    pub value: String,
}

/// A `fileAttachment` that the text shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileAttachment {
    #[serde(rename = "@odata.type")]
    pub odata_type: String,
    pub name: String,
    pub content_type: String,
    pub is_inline: bool,
    pub content_id: String,
    /// Base64.
    pub content_bytes: String,
}

/// A message as it is looked for by its Message-ID.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FoundMessage {
    #[serde(deserialize_with = "null_as_default")]
    pub id: String,
    pub internet_message_id: Option<String>,
    pub is_draft: Option<bool>,
}

/// What [`FoundMessage`] reads, for `$select`.
pub const FOUND_SELECT: &str = "id,internetMessageId,isDraft";
