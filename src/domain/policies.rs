//! What the tenant's policies say of invitations: who may send them, to which
//! domains, and which other tenants keep accounts here.
//!
//! Leaves to others: reading them (`graph`), and what follows for a row (`plan`).

use std::collections::BTreeSet;

use super::Inbound;

/// The policies, as far as they could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies {
    /// Who may invite; None when it could not be read.
    pub invites_from: Option<InvitesFrom>,
    /// Which domains may be invited; None when it could not be read.
    pub domains: Option<InvitedDomains>,
    /// The other tenants with settings of their own; None when they could not be read.
    pub partners: Option<Vec<Partner>>,
}

/// `allowInvitesFrom` (Microsoft Graph, *authorizationPolicy resource type*).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvitesFrom {
    /// `none`: nobody; the default of US Government.
    Nobody,
    /// `adminsAndGuestInviters`.
    AdminsAndGuestInviters,
    /// `adminsGuestInvitersAndAllMembers`.
    AdminsGuestInvitersAndAllMembers,
    /// `everyone`: the default elsewhere.
    Everyone,
    /// A value this program does not know.
    Other(Box<str>),
}

impl InvitesFrom {
    /// Reads the service's word.
    pub fn read(text: &str) -> Self {
        match text {
            "none" => Self::Nobody,
            "adminsAndGuestInviters" => Self::AdminsAndGuestInviters,
            "adminsGuestInvitersAndAllMembers" => Self::AdminsGuestInvitersAndAllMembers,
            "everyone" => Self::Everyone,
            other => Self::Other(other.into()),
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Nobody => "none",
            Self::AdminsAndGuestInviters => "adminsAndGuestInviters",
            Self::AdminsGuestInvitersAndAllMembers => "adminsGuestInvitersAndAllMembers",
            Self::Everyone => "everyone",
            Self::Other(text) => text,
        }
    }
}

/// The allow or deny list (Entra, *Allow or block invitations to specific
/// organizations*): there is one or the other. Domains in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvitedDomains {
    All,
    /// Only these.
    Only(BTreeSet<String>),
    AllBut(BTreeSet<String>),
}

impl InvitedDomains {
    /// Whether a domain, in lower case, may be invited as far as the list says. What a
    /// domain says of those below it is not documented, so that is left to the service.
    pub fn allow(&self, domain: &str) -> bool {
        let is_below = |listed: &String| {
            domain.strip_suffix(listed.as_str()).is_some_and(|above| above.ends_with('.'))
        };
        match self {
            Self::All => true,
            Self::Only(domains) => domains.contains(domain) || domains.iter().any(is_below),
            Self::AllBut(domains) => !domains.contains(domain),
        }
    }
}

/// Another tenant with settings of its own in the cross-tenant access policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Partner {
    pub tenant_id: String,
    /// What the policy calls it.
    pub name: Option<String>,
    /// Whether it may synchronise users into this tenant.
    pub synchronises: bool,
    /// Whom the settings let in; None where the default holds.
    pub inbound: Option<Inbound>,
    /// Whether its users' invitations are redeemed without their doing, as far as this
    /// tenant decides it; the partner has to want it as well.
    pub redeems_automatically: bool,
}

impl Policies {
    /// The settings for another tenant, where there are any.
    pub fn partner(&self, tenant_id: &str) -> Option<&Partner> {
        let mut partners = self.partners.iter().flatten();
        partners.find(|partner| partner.tenant_id.eq_ignore_ascii_case(tenant_id))
    }

    /// The partners that may synchronise users into this tenant, by name or id.
    pub fn synchronising(&self) -> impl Iterator<Item = &str> {
        let partners = self.partners.iter().flatten();
        partners
            .filter(|partner| partner.synchronises)
            .map(|partner| partner.name.as_deref().unwrap_or(&partner.tenant_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_speaks_of_the_domains_it_names() {
        let named = || BTreeSet::from(["fabrikam.example".to_owned()]);
        for (list, fabrikam, below, other) in [
            (InvitedDomains::All, true, true, true),
            (InvitedDomains::Only(named()), true, true, false),
            (InvitedDomains::AllBut(named()), false, true, true),
        ] {
            assert_eq!(list.allow("fabrikam.example"), fabrikam, "{list:?}");
            assert_eq!(list.allow("sub.fabrikam.example"), below, "{list:?}");
            assert_eq!(list.allow("northwind.example"), other, "{list:?}");
            assert_eq!(list.allow("notfabrikam.example"), other, "{list:?}");
        }
    }

    #[test]
    fn every_word_of_the_service_survives() {
        for word in ["none", "adminsAndGuestInviters", "everyone", "somebodyNew"] {
            assert_eq!(InvitesFrom::read(word).as_str(), word);
        }
    }
}
