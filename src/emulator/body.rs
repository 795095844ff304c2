//! The types of the bodies that Graph takes: which properties there are and what may
//! be in them (Microsoft Graph, the pages of the types). Any other property is refused.
//! Annotations are not looked at: the SDKs put `@odata.type` into every object.
//!
//! Leaves to others: which operation takes which (`contract`), and the values.

use serde_json::Value;

use super::errors::Refusal;
use super::property::Property;

pub(super) struct Type {
    name: &'static str,
    properties: &'static [(&'static str, Shape)],
}

/// The type of a property.
enum Shape {
    Text,
    Bool,
    Texts,
    Object(&'static Type),
    Objects(&'static Type),
    /// A user: an object with nothing but properties of one.
    User,
    /// Of any type: it is judged elsewhere.
    Any,
}

/// Microsoft Graph, *invitation resource type*, without what only answers have.
pub(super) static INVITATION: Type = Type {
    name: "invitation",
    properties: &[
        ("invitedUserEmailAddress", Shape::Text),
        ("inviteRedirectUrl", Shape::Text),
        ("invitedUserDisplayName", Shape::Text),
        ("invitedUserType", Shape::Text),
        ("sendInvitationMessage", Shape::Bool),
        ("invitedUserMessageInfo", Shape::Object(&MESSAGE_INFO)),
        ("resetRedemption", Shape::Bool),
        ("invitedUser", Shape::User),
        ("invitedUserSponsors", Shape::Objects(&OBJECT)),
    ],
};
static MESSAGE_INFO: Type = Type {
    name: "invitedUserMessageInfo",
    properties: &[
        ("messageLanguage", Shape::Text),
        ("customizedMessageBody", Shape::Text),
        ("ccRecipients", Shape::Objects(&RECIPIENT)),
    ],
};
static RECIPIENT: Type =
    Type { name: "recipient", properties: &[("emailAddress", Shape::Object(&EMAIL_ADDRESS))] };
static EMAIL_ADDRESS: Type =
    Type { name: "emailAddress", properties: &[("name", Shape::Text), ("address", Shape::Text)] };
static OBJECT: Type = Type { name: "directoryObject", properties: &[("id", Shape::Text)] };
/// Microsoft Graph, *message resource type*, without what only answers have.
pub(super) static MESSAGE: Type = Type {
    name: "message",
    properties: &[
        ("internetMessageId", Shape::Text),
        ("subject", Shape::Text),
        ("body", Shape::Object(&ITEM_BODY)),
        ("toRecipients", Shape::Objects(&RECIPIENT)),
        ("ccRecipients", Shape::Objects(&RECIPIENT)),
        ("replyTo", Shape::Objects(&RECIPIENT)),
        ("internetMessageHeaders", Shape::Objects(&MESSAGE_HEADER)),
        ("attachments", Shape::Objects(&FILE_ATTACHMENT)),
    ],
};
static ITEM_BODY: Type = Type {
    name: "itemBody",
    properties: &[("contentType", Shape::Text), ("content", Shape::Text)],
};
static MESSAGE_HEADER: Type = Type {
    name: "internetMessageHeader",
    properties: &[("name", Shape::Text), ("value", Shape::Text)],
};
static FILE_ATTACHMENT: Type = Type {
    name: "fileAttachment",
    properties: &[
        ("name", Shape::Text),
        ("contentType", Shape::Text),
        ("isInline", Shape::Bool),
        ("contentId", Shape::Text),
        ("contentBytes", Shape::Text),
    ],
};
/// The parameters of *directoryObject: getByIds*.
pub(super) static IDS: Type =
    Type { name: "getByIds", properties: &[("ids", Shape::Texts), ("types", Shape::Texts)] };
/// Microsoft Graph, *JSON batching*.
pub(super) static BATCH: Type =
    Type { name: "batch", properties: &[("requests", Shape::Objects(&BATCH_ITEM))] };
static BATCH_ITEM: Type = Type {
    name: "batch request",
    properties: &[
        ("id", Shape::Text),
        ("method", Shape::Text),
        ("url", Shape::Text),
        ("headers", Shape::Any),
        ("body", Shape::Any),
        ("dependsOn", Shape::Texts),
    ],
};

impl Type {
    /// Refuses a body with a property that the type has not, or of another type.
    pub(super) fn check(&self, body: &Value) -> Result<(), Refusal> {
        let body = body.as_object().ok_or_else(|| wrong(self.name, "an object"))?;
        for (name, value) in body.iter().filter(|(name, _)| !is_annotation(name)) {
            let Some((_, shape)) = self.properties.iter().find(|(known, _)| known == name) else {
                return Err(Refusal::bad_request(format!(
                    "The property '{name}' does not exist on type 'microsoft.graph.{}'.",
                    self.name
                )));
            };
            shape.check(name, value)?;
        }
        Ok(())
    }
}

impl Shape {
    fn check(&self, name: &str, value: &Value) -> Result<(), Refusal> {
        let list = || value.as_array().ok_or_else(|| wrong(name, "a list"));
        match self {
            Self::Text if value.is_string() => Ok(()),
            Self::Text => Err(wrong(name, "a string")),
            Self::Bool if value.is_boolean() => Ok(()),
            Self::Bool => Err(wrong(name, "a Boolean")),
            Self::Texts if list()?.iter().all(Value::is_string) => Ok(()),
            Self::Texts => Err(wrong(name, "a list of strings")),
            Self::Object(of) => of.check(value),
            Self::User => check_user(value),
            Self::Objects(of) => list()?.iter().try_for_each(|item| of.check(item)),
            Self::Any => Ok(()),
        }
    }
}

/// Only the id counts. That the rest may be there is what Microsoft's PowerShell sample
/// supposes, which sends the whole user as it was read.
fn check_user(value: &Value) -> Result<(), Refusal> {
    let user = value.as_object().ok_or_else(|| wrong("invitedUser", "an object"))?;
    if user.get("id").is_some_and(|id| !id.is_string()) {
        return Err(wrong("id", "a string"));
    }
    let mut names = user.keys().filter(|name| !is_annotation(name));
    match names.find(|name| Property::named(name).is_none()) {
        Some(name) => Err(Refusal::bad_request(format!(
            "The property '{name}' does not exist on type 'microsoft.graph.user'."
        ))),
        None => Ok(()),
    }
}

/// `@odata.type`, or `otherMails@odata.type` (OData JSON Format 4.01, *Annotations*).
pub(super) fn is_annotation(name: &str) -> bool {
    name.contains("@odata.")
}

/// A value of another type than the property has.
pub(super) fn wrong(name: &str, wanted: &str) -> Refusal {
    Refusal::bad_request(format!(
        "Unable to read JSON request payload. '{name}' has to be {wanted}."
    ))
}
