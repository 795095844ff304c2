//! The JSON that travels: requests and responses of Microsoft Graph and of the
//! token endpoint, as the client reads and the emulator writes them.
//!
//! Reading is defensive (anything may be null or missing, numbers may be
//! strings), writing is exact. The tests hold literal bodies from Microsoft's
//! documentation, because client and emulator share these types and would
//! otherwise agree on the same mistake.
//!
//! Here is what a row's requests carry: users, invitations, errors, batches. What
//! is read of the tenant (`tenant`), a list's pages (`page`), when users signed in (`sign_in`)
//! and what the token endpoint says (`token`) have files of their own.

mod mail;
mod page;
mod reach;
mod sign_in;
mod tenant;
mod token;
mod traces;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

pub use mail::{FOUND_SELECT, FileAttachment, FoundMessage, ItemBody, MailHeader, MailMessage};
pub use page::Page;
pub use reach::{
    APPLICATION_SELECT, ASSIGNMENT_SELECT, AppOwner, AppRoleAssignment, ClaimsMappingPolicy,
    MEMBERSHIP_SELECT, Membership, OWNER_SELECT, OptionalClaim, OptionalClaims,
    RegisteredApplication, SERVICE_PRINCIPAL_SELECT, ServicePrincipal,
};
pub use sign_in::{SignInActivity, UserSignIns};
pub use tenant::{
    AuthorizationPolicy, AutomaticConsent, B2bManagementPolicy, B2bSetting, CrossTenantDefault,
    DirectoryObject, EmailMethod, IdentitySynchronization, MailRecipient, Organization, Partner,
    RedemptionProviders, RoleAssignment, Target, TargetConfiguration, TenantInformation,
    UserSyncInbound, VerifiedDomain,
};
pub use token::{DeviceCodeResponse, IdentityTokenResponse, TokenError, TokenResponse};
pub use traces::{MessageTrace, TraceDetail};

/// The properties of a user that this program reads, for `$select`. Without it
/// Graph leaves most of them out (Microsoft Graph, *user resource type*).
pub const USER_SELECT: &str = "id,displayName,userPrincipalName,mail,otherMails,proxyAddresses,\
    userType,creationType,externalUserState,externalUserStateChangeDateTime,accountEnabled,\
    onPremisesSyncEnabled,onPremisesImmutableId,isManagementRestricted";

/// A `user`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct User {
    pub id: String,
    pub display_name: Option<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub user_principal_name: String,
    pub mail: Option<String>,
    /// Further addresses; replaced as a whole by a PATCH.
    #[serde(deserialize_with = "null_as_default")]
    pub other_mails: Vec<String>,
    /// `SMTP:primary`, `smtp:secondary`, and addresses of other kinds; read-only.
    #[serde(deserialize_with = "null_as_default")]
    pub proxy_addresses: Vec<String>,
    /// `Guest`, `Member` or null.
    pub user_type: Option<String>,
    /// `Invitation`, `SelfServiceSignUp`, `EmailVerified`, `LocalAccount` or null.
    pub creation_type: Option<String>,
    /// `PendingAcceptance`, `Accepted` or null.
    pub external_user_state: Option<String>,
    /// Moment of the last change of `externalUserState`, RFC 3339.
    pub external_user_state_change_date_time: Option<String>,
    /// False when sign-in is blocked.
    pub account_enabled: Option<bool>,
    /// True when synced from an on-premises directory, false when it once was.
    pub on_premises_sync_enabled: Option<bool>,
    /// The on-premises anchor.
    pub on_premises_immutable_id: Option<String>,
    /// True in a restricted management administrative unit.
    pub is_management_restricted: Option<bool>,
}

/// A `user` among the deleted items.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeletedUser {
    /// What it was; most of it is kept for 30 days.
    #[serde(flatten)]
    pub user: User,
    /// Moment of its deletion, RFC 3339.
    pub deleted_date_time: Option<String>,
}

/// The body of `PATCH /users/{id}`: only what is to change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserPatch {
    /// New primary address. Cannot be set to null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// The whole new list of further addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_mails: Option<Vec<String>>,
}

/// The body of `POST /invitations` (Microsoft Graph, *Create invitation*, 2024-10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvitationRequest {
    pub invited_user_email_address: String,
    /// Where the guest lands after redeeming.
    pub invite_redirect_url: String,
    /// Shown in the invitation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_user_display_name: Option<String>,
    /// Whether Microsoft mails the invitation; the service's default is false.
    #[serde(default)]
    pub send_invitation_message: bool,
    /// Text, language and carbon copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_user_message_info: Option<InvitedUserMessageInfo>,
    /// Resets the redemption of `invited_user` instead of inviting a new one.
    #[serde(default)]
    pub reset_redemption: bool,
    /// Required with `reset_redemption`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_user: Option<InvitedUser>,
}

/// Text, language and carbon copy of an invitation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InvitedUserMessageInfo {
    /// Ignored by the service when a text is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customized_message_body: Option<String>,
    /// The service takes one at most. A response carries an all-null element
    /// even when none was sent.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub cc_recipients: Vec<Recipient>,
}

/// A `recipient`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Recipient {
    #[serde(deserialize_with = "null_as_default")]
    pub email_address: EmailAddress,
}

/// An `emailAddress`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EmailAddress {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub address: Option<String>,
}

/// The guest of an invitation: only the id is sent, as Microsoft's example does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvitedUser {
    pub id: String,
    /// Shown in responses to a reset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_principal_name: Option<String>,
}

/// The body of a `201 Created` from `POST /invitations`. Only what is needed to
/// tell success from failure is required of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    #[serde(default)]
    pub id: Option<String>,
    /// The link that redeems it: a secret.
    #[serde(default)]
    pub invite_redeem_url: Option<String>,
    /// `PendingAcceptance`, `Completed`, `InProgress` or `Error`.
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    pub invited_user: Option<InvitedUser>,
    #[serde(default)]
    pub invited_user_email_address: Option<String>,
    /// Name shown in the invitation.
    #[serde(default)]
    pub invited_user_display_name: Option<String>,
    /// `Guest` or `Member`.
    #[serde(default)]
    pub invited_user_type: Option<String>,
    /// Where the guest lands after redeeming.
    #[serde(default)]
    pub invite_redirect_url: Option<String>,
    /// Whether Microsoft mails it.
    #[serde(default)]
    pub send_invitation_message: Option<bool>,
    /// Whether it reset an existing guest.
    #[serde(default)]
    pub reset_redemption: Option<bool>,
    /// Text, language and carbon copy.
    #[serde(default)]
    pub invited_user_message_info: Option<InvitedUserMessageInfo>,
}

/// The body of a refusal. `code` may be empty, the key of the inner error is
/// spelt both ways, and gateways answer without JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorEnvelope {
    pub error: ErrorBody,
}

/// The error of an [`ErrorEnvelope`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorBody {
    /// Short code: `BadRequest`, `Request_BadRequest`, …
    #[serde(deserialize_with = "null_as_default")]
    pub code: String,
    /// Text for a person; several causes share a code and differ only here.
    #[serde(deserialize_with = "null_as_default")]
    pub message: String,
    /// Causes, such as `ObjectConflict` with target `proxyAddresses`.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<ErrorDetail>,
    /// Request id, date and such.
    #[serde(rename = "innerError", alias = "innererror", skip_serializing_if = "Option::is_none")]
    pub inner_error: Option<Value>,
}

/// One of the causes of an error.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorDetail {
    #[serde(deserialize_with = "null_as_default")]
    pub code: String,
    #[serde(deserialize_with = "null_as_default")]
    pub message: String,
    /// The property concerned.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "String::is_empty")]
    pub target: String,
}

/// The body of `POST /$batch` (Microsoft Graph, *JSON batching*, 2025-02).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BatchRequest {
    /// At most 20.
    pub requests: Vec<BatchItem>,
}

/// One request of a batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BatchItem {
    /// Unique in the batch, without regard to case.
    pub id: String,
    pub method: String,
    /// Relative to the version root: `/users/…`.
    pub url: String,
    /// Headers of this request.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub headers: Map<String, Value>,
    /// JSON body; needs a `Content-Type` in `headers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Ids of requests that must succeed first.
    #[serde(rename = "dependsOn", default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
}

/// The body of the answer to a batch. The order of responses is not promised.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BatchResponse {
    /// One per request.
    pub responses: Vec<BatchItemResponse>,
}

/// The answer to one request of a batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BatchItemResponse {
    pub id: String,
    pub status: u16,
    /// Headers of this answer, `Retry-After` among them.
    #[serde(default)]
    pub headers: Map<String, Value>,
    #[serde(default)]
    pub body: Value,
}

/// Graph writes null where there is nothing.
fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}
