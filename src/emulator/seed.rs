//! What is in a tenant when it starts: written by hand, read from JSON, or made up
//! in any size.
//!
//! Leaves to others: how it behaves (`options`) and what becomes of it
//! (`directory`).

use serde::{Deserialize, Serialize};

use super::apps::Apps;
use crate::graph::wire;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TenantSeed {
    pub organization: wire::Organization,
    pub allow_invites_from: AllowInvitesFrom,
    /// Applications that can sign in.
    pub applications: Vec<Application>,
    /// Users, guests among them.
    pub users: Vec<Person>,
    /// Soft-deleted users; they hold on to their addresses.
    pub deleted_users: Vec<Person>,
    pub groups: Vec<Group>,
    /// Contacts of the organization.
    pub contacts: Vec<Contact>,
    /// Active assignments of directory roles.
    pub role_assignments: Vec<wire::RoleAssignment>,
    /// Roles that can be activated in Privileged Identity Management; None where the
    /// tenant has no licence for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_eligibilities: Option<Vec<wire::RoleAssignment>>,
    /// `allowed` or `blocked`: whether guests of other tenants may come by default.
    pub inbound_access: InboundAccess,
    /// Other Entra tenants, by whose domains they are found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_tenants: Vec<OtherTenant>,
    /// Domains whose identity providers this tenant federates with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub federated_domains: Vec<String>,
    /// Whether guests may redeem with codes by mail.
    pub email_codes: EmailCodes,
    /// What is redeemed with where no provider of the order is the guest's.
    pub redemption_fallback: RedemptionFallback,
    /// Tenants with settings of their own in the cross-tenant access policy.
    pub partners: Vec<wire::Partner>,
    /// Definition of the B2B management policy, which holds the domains that may be
    /// invited; None where there is no such policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b2b_policy: Option<serde_json::Value>,
    /// Addresses that have a mailbox.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mailboxes: Vec<String>,
    /// What users sign in to.
    pub apps: Apps,
}

/// Who may invite (Microsoft Graph, *authorizationPolicy resource type*).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AllowInvitesFrom {
    None,
    /// Administrators and guest inviters.
    AdminsAndGuestInviters,
    AdminsGuestInvitersAndAllMembers,
    /// Everybody: the default outside US Government.
    #[default]
    Everyone,
}

/// Whether guests of other tenants may come by default (Microsoft Graph,
/// *crossTenantAccessPolicyTargetConfiguration resource type*).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum InboundAccess {
    #[default]
    Allowed,
    Blocked,
}

/// Whether guests may redeem with one-time codes by mail (Microsoft Graph,
/// *emailAuthenticationMethodConfiguration resource type*).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EmailCodes {
    /// On since October 2021.
    #[default]
    Default,
    Enabled,
    Disabled,
}

/// `fallbackIdentityProvider` (Microsoft Graph,
/// *defaultInvitationRedemptionIdentityProviderConfiguration resource type*).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RedemptionFallback {
    #[default]
    DefaultConfiguredIdp,
    EmailOneTimePasscode,
    MicrosoftAccount,
}

/// Another Entra tenant, as far as this one is told of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OtherTenant {
    #[serde(flatten)]
    pub information: wire::TenantInformation,
    /// Its verified domains, in lower case.
    pub domains: Vec<String>,
}

/// An application with a secret and the application permissions it was granted.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    pub client_id: String,
    #[serde(default)]
    pub client_secret: String,
    /// Its certificates, as the `x5t#S256` of an assertion names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificate_thumbprints: Vec<String>,
    /// Whom else it trusts to vouch for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub federated_identities: Vec<FederatedIdentity>,
    /// `User.Invite.All`, `User.ReadWrite.All`, …
    pub roles: Vec<String>,
    /// Whether it holds a directory role that lets it change sensitive properties
    /// of role holders.
    #[serde(default)]
    pub is_privileged: bool,
    /// Mailboxes in which Exchange itself lets it write and send, whatever its token says
    /// (Exchange Online, *Role Based Access Control for Applications*).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mailboxes: Vec<String>,
}

/// A subject of another identity provider.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FederatedIdentity {
    pub issuer: String,
    pub subject: String,
}

impl std::fmt::Debug for Application {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Application").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// A user with the properties that nobody but the emulator needs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Person {
    #[serde(flatten)]
    pub user: wire::User,
    /// `givenName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// `surname`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surname: Option<String>,
    /// `jobTitle`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_title: Option<String>,
    /// `companyName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_name: Option<String>,
    /// `department`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// `preferredLanguage`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_language: Option<String>,
    /// `createdDateTime`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_date_time: Option<String>,
    /// `deletedDateTime`, of a deleted user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_date_time: Option<String>,
    /// `signInActivity`; None of a user that never signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_in_activity: Option<wire::SignInActivity>,
}

impl From<wire::User> for Person {
    fn from(user: wire::User) -> Self {
        Self { user, ..Self::default() }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Group {
    pub id: String,
    /// `displayName`.
    pub display_name: Option<String>,
    /// `mail`.
    pub mail: Option<String>,
    /// `proxyAddresses`.
    pub proxy_addresses: Vec<String>,
    /// Whether roles can be assigned to it.
    pub is_assignable_to_role: bool,
    /// Object ids of its direct members, users and groups.
    pub members: Vec<String>,
    /// Object ids of its owners.
    pub owners: Vec<String>,
    /// `groupTypes`: `Unified` of a Microsoft 365 group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub group_types: Vec<String>,
    /// `resourceProvisioningOptions`: `Team` of a team.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_provisioning_options: Vec<String>,
    /// `webUrl` of its root site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_url: Option<String>,
}

/// A contact of the organization.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Contact {
    pub id: String,
    /// `displayName`.
    pub display_name: Option<String>,
    /// `mail`.
    pub mail: Option<String>,
    /// `proxyAddresses`.
    pub proxy_addresses: Vec<String>,
}

/// Client id of the sample tenant's application.
pub const SAMPLE_CLIENT_ID: &str = "11111111-1111-1111-1111-111111111111";
/// Its secret: a value for demonstrations, worth nothing anywhere.
pub const SAMPLE_CLIENT_SECRET: &str = "emulator-secret";

impl TenantSeed {
    /// Reads a tenant from JSON.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// Contoso, which belongs to `samples/contoso.csv`.
    pub fn sample() -> Self {
        Self::from_json(include_str!("../../samples/tenant.json"))
            .expect("the sample is parsed by a test")
    }

    /// A tenant without users: organization, domains and the sample application
    /// with every permission this program can use.
    pub fn empty() -> Self {
        let domain = |name: &str, is_default: bool| wire::VerifiedDomain {
            name: name.into(),
            is_default,
            is_initial: !is_default,
        };
        Self {
            organization: wire::Organization {
                id: "c0c0c0c0-0000-4000-8000-000000000001".into(),
                display_name: Some("Contoso".into()),
                verified_domains: vec![
                    domain("contoso.example", true),
                    domain("contoso.onmicrosoft.com", false),
                ],
            },
            applications: vec![Application {
                client_id: SAMPLE_CLIENT_ID.into(),
                client_secret: SAMPLE_CLIENT_SECRET.into(),
                roles: [
                    "User.Invite.All",
                    "User.ReadWrite.All",
                    "Directory.Read.All",
                    "RoleManagement.Read.Directory",
                    "Policy.Read.All",
                    "Policy.Read.B2BManagementPolicy",
                    "Policy.Read.AuthenticationMethod",
                    "CrossTenantInformation.ReadBasic.All",
                    "Domain.Read.All",
                ]
                .map(String::from)
                .to_vec(),
                mailboxes: vec!["it@contoso.example".into()],
                ..Application::default()
            }],
            mailboxes: vec!["it@contoso.example".into()],
            ..Self::default()
        }
    }

    /// [`TenantSeed::empty`] and this many redeemed guests `guest1@fabrikam.example`
    /// and so on, always the same ones.
    pub fn with_guests(guests: u32) -> Self {
        let users = (1..=guests)
            .map(|n| guest(&Self::guest_id(n), &format!("guest{n}@fabrikam.example")))
            .collect();
        Self { users, ..Self::empty() }
    }

    /// Object id of the n-th guest of [`TenantSeed::with_guests`].
    pub fn guest_id(n: u32) -> String {
        format!("{n:08x}-0000-4000-8000-00000000b2b0")
    }
}

/// A redeemed guest, as an invitation to this address leaves it.
pub fn guest(id: &str, address: &str) -> Person {
    let name = address.split('@').next().unwrap_or(address);
    let user = wire::User {
        id: id.into(),
        display_name: Some(name.into()),
        user_principal_name: external_upn(address, "contoso.onmicrosoft.com"),
        mail: Some(address.into()),
        proxy_addresses: vec![format!("SMTP:{address}")],
        user_type: Some("Guest".into()),
        creation_type: Some("Invitation".into()),
        external_user_state: Some("Accepted".into()),
        external_user_state_change_date_time: Some("2024-03-01T09:00:00Z".into()),
        account_enabled: Some(true),
        ..wire::User::default()
    };
    let created_date_time = Some("2024-02-28T09:00:00Z".into());
    Person { created_date_time, ..Person::from(user) }
}

/// The UPN that an invitation gives: `ada_fabrikam.example#EXT#@…` (Entra, *B2B
/// user properties*, 2026-03).
pub(super) fn external_upn(address: &str, initial_domain: &str) -> String {
    format!("{}#EXT#@{initial_domain}", address.replace('@', "_"))
}
