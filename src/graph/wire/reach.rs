//! What hangs on a user: memberships, assignments to apps, and the apps themselves.

use serde::{Deserialize, Serialize};

use super::null_as_default;

/// The properties of a membership that are read, for `$select`.
pub const MEMBERSHIP_SELECT: &str = "id,displayName,groupTypes,resourceProvisioningOptions";

/// Something that a user is a member of. All but its kind and id is null where the caller may
/// not read such a thing (Microsoft Graph, *Get started: limited information returned for
/// inaccessible member objects*).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Membership {
    /// `#microsoft.graph.group`, `#microsoft.graph.directoryRole` or
    /// `#microsoft.graph.administrativeUnit`.
    #[serde(rename = "@odata.type")]
    pub odata_type: Option<String>,
    pub id: String,
    pub display_name: Option<String>,
    /// `Unified` in that of a Microsoft 365 group; null as above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_types: Option<Vec<String>>,
    /// `Team` in that of a team (Microsoft Graph, *List all teams*).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_provisioning_options: Option<Vec<String>>,
}

/// The properties of an assignment that are read, for `$select`.
pub const ASSIGNMENT_SELECT: &str = "resourceId,resourceDisplayName";

/// An `appRoleAssignment`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AppRoleAssignment {
    pub id: String,
    pub app_role_id: String,
    /// Whom it is for: a user or a group.
    pub principal_id: String,
    /// Object id of the service principal.
    #[serde(deserialize_with = "null_as_default")]
    pub resource_id: String,
    pub resource_display_name: Option<String>,
}

/// The properties of a service principal that are read, for `$select`.
pub const SERVICE_PRINCIPAL_SELECT: &str = "id,appId,displayName,preferredSingleSignOnMode";

/// A `servicePrincipal`: an app as this tenant knows it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServicePrincipal {
    pub id: String,
    pub app_id: Option<String>,
    pub display_name: Option<String>,
    pub preferred_single_sign_on_mode: Option<String>,
}

/// The property of an application that is read, for `$select`.
pub const APPLICATION_SELECT: &str = "id,optionalClaims";

/// An `application`: an app where it is registered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RegisteredApplication {
    pub id: String,
    pub optional_claims: Option<OptionalClaims>,
}

/// The claims that an app asks for beyond those that every token has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OptionalClaims {
    #[serde(deserialize_with = "null_as_default")]
    pub id_token: Vec<OptionalClaim>,
    #[serde(deserialize_with = "null_as_default")]
    pub access_token: Vec<OptionalClaim>,
    #[serde(deserialize_with = "null_as_default")]
    pub saml2_token: Vec<OptionalClaim>,
}

/// One of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OptionalClaim {
    #[serde(deserialize_with = "null_as_default")]
    pub name: String,
    /// Null for the predefined ones.
    pub source: Option<String>,
}

/// A `claimsMappingPolicy`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClaimsMappingPolicy {
    pub id: String,
    pub display_name: Option<String>,
    /// JSON, in strings.
    #[serde(deserialize_with = "null_as_default")]
    pub definition: Vec<String>,
    /// The service principals that it is assigned to, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applies_to: Option<Vec<super::DirectoryObject>>,
}

/// The properties of an owner that are read, for `$select`.
pub const OWNER_SELECT: &str = "id,displayName,mail,userPrincipalName";

/// An owner of an app: a user or another service principal.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AppOwner {
    #[serde(rename = "@odata.type")]
    pub odata_type: Option<String>,
    pub id: String,
    pub display_name: Option<String>,
    pub mail: Option<String>,
    pub user_principal_name: Option<String>,
}
