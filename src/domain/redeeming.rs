//! Whether the people of a domain can redeem an invitation here: which Entra tenant the
//! domain is, and what this tenant's settings let them redeem with.
//!
//! Leaves to others: reading it (`graph`), and what follows for a row (`plan`).

use std::collections::BTreeMap;

use serde::Serialize;

/// What is known of it. What could not be read is absent, and is no verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redeeming {
    /// By domain, in lower case. A domain that is not here was not asked about, or could
    /// not be read.
    pub homes: BTreeMap<String, Home>,
    /// Whether this tenant federates with an identity provider of a domain, in lower case
    /// (Entra, *SAML/WS-Fed identity provider federation*). Asked only of domains whose
    /// people could redeem with nothing else.
    pub federated: BTreeMap<String, bool>,
    /// Whether guests may redeem with one-time codes by mail.
    pub codes: Option<bool>,
    /// Whether guests of tenants without settings of their own may come.
    pub inbound: Option<Inbound>,
    /// With what invitations are redeemed, one after the other.
    pub order: Option<RedemptionOrder>,
}

/// Where the people of a domain sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// In this Entra tenant.
    Tenant(HomeTenant),
    /// The service knows no tenant for the domain.
    NoTenant,
}

/// Another Entra tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HomeTenant {
    pub id: String,
    /// Its display name.
    pub name: Option<String>,
}

impl HomeTenant {
    /// What a person recognises it by.
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }
}

/// Whom the cross-tenant access settings let in (Microsoft Graph,
/// *crossTenantAccessPolicyB2BSetting resource type*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inbound {
    Allowed,
    /// Some users, or some groups; which of them is not ours to see.
    Partly,
    /// Nobody.
    Blocked,
}

/// The order of redemption (Microsoft Graph,
/// *defaultInvitationRedemptionIdentityProviderConfiguration resource type*), in the
/// service's words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RedemptionOrder {
    /// `azureActiveDirectory`, `externalFederation`, `socialIdentityProviders`.
    pub first: Vec<String>,
    /// `defaultConfiguredIdp`, `emailOneTimePasscode` or `microsoftAccount`.
    pub fallback: Option<String>,
}

impl RedemptionOrder {
    /// Whether it is the one that every tenant begins with.
    pub fn is_default(&self) -> bool {
        self.first == ["azureActiveDirectory", "externalFederation", "socialIdentityProviders"]
            && self.fallback.as_deref() == Some("defaultConfiguredIdp")
    }
}
