//! What is read of the tenant: its domains, policies and partners, its role holders, and
//! who else holds an address.

use serde::{Deserialize, Serialize};

use super::null_as_default;

/// An `organization`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Organization {
    pub id: String,
    pub display_name: Option<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub verified_domains: Vec<VerifiedDomain>,
}

/// A domain of an [`Organization`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VerifiedDomain {
    pub name: String,
    /// The one new users get by default.
    pub is_default: bool,
    /// The `onmicrosoft.com` one.
    pub is_initial: bool,
}

/// A `unifiedRoleAssignment`, with `$expand=principal`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RoleAssignment {
    pub id: String,
    /// User, group or service principal that holds the role.
    #[serde(deserialize_with = "null_as_default")]
    pub principal_id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub role_definition_id: String,
    /// `/` for the whole directory.
    pub directory_scope_id: Option<String>,
    /// The principal, when expanded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<DirectoryObject>,
}

/// An `authorizationPolicy`, as far as it is read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuthorizationPolicy {
    /// `none`, `adminsAndGuestInviters`, `adminsGuestInvitersAndAllMembers` or `everyone`.
    pub allow_invites_from: Option<String>,
}

/// A `crossTenantAccessPolicyConfigurationPartner`, with
/// `$expand=identitySynchronization`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Partner {
    /// The partner's tenant id.
    pub tenant_id: String,
    /// Whether the partner may synchronise users into this tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_synchronization: Option<IdentitySynchronization>,
    /// Which of its people may be guests here; None where the default holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b2b_collaboration_inbound: Option<B2bSetting>,
    /// Whether invitations of its people are redeemed without their doing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automatic_user_consent_settings: Option<AutomaticConsent>,
}

/// An `inboundOutboundPolicyConfiguration`, as far as it is read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AutomaticConsent {
    pub inbound_allowed: Option<bool>,
}

/// A `crossTenantIdentitySyncPolicyPartner`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IdentitySynchronization {
    pub display_name: Option<String>,
    /// Synchronisation into this tenant.
    pub user_sync_inbound: Option<UserSyncInbound>,
}

/// A `crossTenantUserSyncInbound`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserSyncInbound {
    pub is_sync_allowed: Option<bool>,
}

/// A `crossTenantAccessPolicyConfigurationDefault`, as far as it is read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CrossTenantDefault {
    /// Which people of other tenants may be guests here.
    pub b2b_collaboration_inbound: Option<B2bSetting>,
    /// With what invitations are redeemed.
    pub invitation_redemption_identity_provider_configuration: Option<RedemptionProviders>,
}

/// A `defaultInvitationRedemptionIdentityProviderConfiguration`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RedemptionProviders {
    #[serde(deserialize_with = "null_as_default")]
    pub primary_identity_provider_precedence_order: Vec<String>,
    pub fallback_identity_provider: Option<String>,
}

/// A `tenantInformation`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TenantInformation {
    pub tenant_id: String,
    pub federation_brand_name: Option<String>,
    pub display_name: Option<String>,
    pub default_domain_name: Option<String>,
}

/// An `emailAuthenticationMethodConfiguration`, as far as it is read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EmailMethod {
    /// `default`, `enabled` or `disabled`.
    pub allow_external_id_to_use_email_otp: Option<String>,
}

/// A `crossTenantAccessPolicyB2BSetting`, as far as it is read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct B2bSetting {
    pub users_and_groups: Option<TargetConfiguration>,
}

/// A `crossTenantAccessPolicyTargetConfiguration`, as far as it is read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TargetConfiguration {
    /// `allowed` or `blocked`.
    pub access_type: Option<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub targets: Vec<Target>,
}

/// A `crossTenantAccessPolicyTarget`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Target {
    /// `AllUsers`, `AllApplications`, or an id.
    pub target: String,
    /// `user`, `group` or `application`.
    pub target_type: String,
}

/// A `b2bManagementPolicy` (Microsoft Graph beta, 2025-10).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct B2bManagementPolicy {
    /// Texts of JSON, one as a rule.
    #[serde(deserialize_with = "null_as_default")]
    pub definition: Vec<String>,
}

/// An object that mail is sent to besides users: an `orgContact` or a `group`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MailRecipient {
    pub id: String,
    pub display_name: Option<String>,
    pub mail: Option<String>,
    /// `SMTP:primary`, `smtp:secondary`, and addresses of other kinds.
    #[serde(deserialize_with = "null_as_default")]
    pub proxy_addresses: Vec<String>,
}

/// Any directory object, as far as it is read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DirectoryObject {
    /// `#microsoft.graph.user`, `#microsoft.graph.group`, …
    #[serde(rename = "@odata.type")]
    pub odata_type: Option<String>,
    pub id: String,
    pub display_name: Option<String>,
}
