//! Whether the people of a new domain can redeem an invitation, from what was read of the
//! domain and of this tenant's settings. Only a word of the service says that they can't;
//! what could not be read says nothing.
//!
//! Leaves to others: reading it (`graph`), and what a refused row is called (`reason`).

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::domain::{Home, Inbound, RedemptionOrder, Tenant};

use super::{Blocked, Decision, PlannedRow};

/// With what the people of a domain redeem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Redeems {
    /// They sign in to their Entra tenant.
    Tenant,
    /// A one-time code by mail.
    Code,
    /// They sign in with the identity provider that this tenant federates with.
    Federation,
    /// A Microsoft account.
    MicrosoftAccount,
    /// In a way that the configuration vouches for.
    AsConfigured,
    /// They can't.
    No,
    /// It can't be told.
    Unknown,
}

/// Why the people of a domain can't redeem.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CannotRedeem {
    /// There is no Entra tenant to sign in to, and no codes are mailed.
    NoTenantNoCodes,
    /// The cross-tenant access settings let in nobody of this tenant.
    TenantBlocked(Box<str>),
}

impl fmt::Display for CannotRedeem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTenantNoCodes => f.write_str("no Entra tenant, and codes by mail are off"),
            Self::TenantBlocked(tenant) => write!(
                f,
                "its Entra tenant {tenant} is blocked by the inbound cross-tenant access settings"
            ),
        }
    }
}

/// A domain that guests are to move to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewDomain {
    pub domain: String,
    /// Rows that invite to it, or are blocked because its people can't redeem.
    pub rows: u64,
    pub redeems: Redeems,
    /// Whether it is an Entra tenant's; null where that is not known.
    pub has_tenant: Option<bool>,
    pub tenant_id: Option<String>,
    pub tenant_name: Option<String>,
    /// Whether codes by mail are on.
    pub codes: Option<bool>,
    /// Whom of the tenant the cross-tenant access settings let in.
    pub cross_tenant: Option<Inbound>,
    /// Whether invitations are redeemed without the guest's doing, as far as this tenant
    /// decides it.
    pub automatic: Option<bool>,
    /// Whether the allow or deny list lets it be invited.
    pub allowed: Option<bool>,
    /// All of it in a sentence.
    pub about: String,
    /// The permissions that would show what is not known.
    pub unknown: Vec<&'static str>,
}

/// Microsoft's own domains, whose addresses are Microsoft accounts.
const MICROSOFT_ACCOUNTS: &[&str] = &["outlook.com", "hotmail.com", "live.com", "msn.com"];

/// What is known of a domain, judged.
struct Judged {
    redeems: Redeems,
    why_not: Option<CannotRedeem>,
    cross_tenant: Option<Inbound>,
    /// Whether codes are mailed to guests who have no other way.
    codes: Option<bool>,
}

/// Why the people of a domain can't redeem, if that is certain.
pub(super) fn cannot_redeem(
    domain: &str,
    tenant: &Tenant,
    redeemable: &[String],
) -> Option<CannotRedeem> {
    judge(domain, tenant, redeemable).why_not
}

fn judge(domain: &str, tenant: &Tenant, redeemable: &[String]) -> Judged {
    let redeeming = &tenant.redeeming;
    let fallback = redeeming.order.as_ref().and_then(|order| order.fallback.as_deref());
    // Without codes in the order, their being switched on mails nobody one.
    let is_account = fallback == Some("microsoftAccount");
    let codes = if is_account { Some(false) } else { redeeming.codes };
    let is_federation = |provider: &String| provider == "externalFederation";
    let federates =
        redeeming.order.as_ref().is_none_or(|order| order.first.iter().any(is_federation));
    let (redeems, why_not, cross_tenant) = match redeeming.homes.get(domain) {
        Some(Home::Tenant(home)) => {
            let partner = tenant.policies.partner(&home.id);
            // Without the list of partners, the default may not be what holds.
            let default = redeeming.inbound.filter(|_| tenant.policies.partners.is_some());
            let inbound = partner.and_then(|partner| partner.inbound).or(default);
            if inbound == Some(Inbound::Blocked) {
                let why = CannotRedeem::TenantBlocked(home.label().into());
                (Redeems::No, Some(why), inbound)
            } else {
                (Redeems::Tenant, None, inbound)
            }
        }
        // Cross-tenant access settings are about tenants (Entra, *Cross-tenant access
        // overview*).
        Some(Home::NoTenant) if is_account || MICROSOFT_ACCOUNTS.contains(&domain) => {
            (Redeems::MicrosoftAccount, None, None)
        }
        Some(Home::NoTenant) => match codes {
            Some(true) => (Redeems::Code, None, None),
            Some(false) if federates && redeeming.federated.get(domain) == Some(&true) => {
                (Redeems::Federation, None, None)
            }
            Some(false) => (Redeems::No, Some(CannotRedeem::NoTenantNoCodes), None),
            None => (Redeems::Unknown, None, None),
        },
        None => (Redeems::Unknown, None, None),
    };
    if why_not.is_some() && redeemable.iter().any(|named| named == domain) {
        return Judged { redeems: Redeems::AsConfigured, why_not: None, cross_tenant, codes };
    }
    Judged { redeems, why_not, cross_tenant, codes }
}

/// The domains that the rows go to, those of the most rows first.
pub(super) fn new_domains(
    rows: &[PlannedRow],
    tenant: &Tenant,
    redeemable: &[String],
) -> Vec<NewDomain> {
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows {
        let address = match &row.decision {
            Decision::Change(change) => change.invite.as_ref().map(|invite| &invite.address),
            Decision::Blocked(Blocked::CannotRedeem { .. } | Blocked::DomainNotAllowed { .. }) => {
                row.new_email.as_ref()
            }
            Decision::Blocked(_) | Decision::Settled(_) => None,
        };
        if let Some(address) = address {
            *counted.entry(address.domain()).or_default() += 1;
        }
    }
    let mut domains: Vec<NewDomain> = counted
        .into_iter()
        .map(|(domain, rows)| describe(domain, rows, tenant, redeemable))
        .collect();
    domains.sort_by_key(|domain| std::cmp::Reverse(domain.rows));
    domains
}

fn describe(domain: String, rows: u64, tenant: &Tenant, redeemable: &[String]) -> NewDomain {
    let Judged { redeems, why_not, cross_tenant, codes } = judge(&domain, tenant, redeemable);
    let home = tenant.redeeming.homes.get(&domain);
    let found = match home {
        Some(Home::Tenant(home)) => Some(home),
        Some(Home::NoTenant) | None => None,
    };
    let partners = tenant.policies.partners.is_some();
    let automatic = found.filter(|_| partners).map(|home| {
        let partner = tenant.policies.partner(&home.id);
        partner.is_some_and(|partner| partner.redeems_automatically)
    });
    let allowed = tenant.policies.domains.as_ref().map(|list| list.allow(&domain));
    let mut unknown = Vec::new();
    if home.is_none() {
        unknown.push("CrossTenantInformation.ReadBasic.All");
    }
    if codes.is_none() && found.is_none() {
        unknown.push("Policy.Read.AuthenticationMethod");
    }
    if found.is_some() && cross_tenant.is_none() {
        unknown.push("Policy.Read.All");
    }
    let is_federated = tenant.redeeming.federated.get(&domain);
    if home == Some(&Home::NoTenant) && codes == Some(false) && is_federated.is_none() {
        unknown.push("Domain.Read.All");
    }
    let mut about = match (found, home) {
        (Some(home), _) => format!("Entra tenant {}", home.label()),
        (None, Some(_)) => "no Entra tenant".to_owned(),
        (None, None) => "whether it is an Entra tenant is not known".to_owned(),
    };
    let is_listed_out = allowed == Some(false);
    let redeems = if is_listed_out { Redeems::No } else { redeems };
    let how = match (redeems, &why_not) {
        (Redeems::No, _) if is_listed_out => {
            "the list of domains that may be invited keeps it out".to_owned()
        }
        (Redeems::No, Some(CannotRedeem::TenantBlocked(_))) => {
            "blocked by the inbound cross-tenant access settings: its people can't redeem"
                .to_owned()
        }
        (Redeems::No, _) if is_federated.is_none() => {
            "codes by mail are off: its people can't redeem, unless it is federated, which is not known".to_owned()
        }
        (Redeems::No, _) => "codes by mail are off: its people can't redeem".to_owned(),
        (Redeems::Tenant, _) if cross_tenant == Some(Inbound::Partly) => {
            "its people sign in there; the cross-tenant access settings let in some of them"
                .to_owned()
        }
        (Redeems::Tenant, _) => "its people sign in there".to_owned(),
        (Redeems::Code, _) => "its people get one-time codes by mail".to_owned(),
        (Redeems::Federation, _) => {
            "its people sign in with the identity provider that this tenant federates with"
                .to_owned()
        }
        (Redeems::MicrosoftAccount, _) => "its people need a Microsoft account".to_owned(),
        (Redeems::AsConfigured, _) => "redeemable_domains vouches for it".to_owned(),
        (Redeems::Unknown, _) if home.is_some() => {
            "whether codes by mail are on is not known".to_owned()
        }
        (Redeems::Unknown, _) => match codes {
            Some(true) => "codes by mail are on".to_owned(),
            Some(false) => "codes by mail are off".to_owned(),
            None => "nor whether codes by mail are on".to_owned(),
        },
    };
    about = format!("{about}; {how}");
    if automatic == Some(true) && redeems == Redeems::Tenant {
        about.push_str(
            "; redeemed automatically, with a notification and no invitation, if it agrees",
        );
    }
    NewDomain {
        rows,
        redeems,
        has_tenant: home.map(|home| matches!(home, Home::Tenant(_))),
        tenant_id: found.map(|home| home.id.clone()),
        tenant_name: found.and_then(|home| home.name.clone()),
        codes: tenant.redeeming.codes,
        cross_tenant,
        automatic,
        allowed,
        about,
        unknown,
        domain,
    }
}

/// The order of redemption, for a person.
pub fn order_sentence(order: &RedemptionOrder) -> String {
    let word = |name: &str| match name {
        "azureActiveDirectory" => "the Entra tenant".to_owned(),
        "externalFederation" => "a federation (SAML, WS-Fed)".to_owned(),
        "socialIdentityProviders" => "a social account".to_owned(),
        "emailOneTimePasscode" => "a code by mail".to_owned(),
        "microsoftAccount" => "a Microsoft account".to_owned(),
        "defaultConfiguredIdp" => "what the tenant offers by default".to_owned(),
        other => other.to_owned(),
    };
    let fallback = order.fallback.as_deref().into_iter();
    let steps: Vec<String> =
        order.first.iter().map(String::as_str).chain(fallback).map(word).collect();
    format!("redeemed with {}", steps.join(", else "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{HomeTenant, Partner, Policies, Redeeming};

    fn tenant(home: Option<Home>, codes: Option<bool>, fallback: Option<&str>) -> Tenant {
        let order = fallback.map(|fallback| RedemptionOrder {
            first: vec!["azureActiveDirectory".to_owned()],
            fallback: Some(fallback.to_owned()),
        });
        let homes = home.map(|home| ("new.example".to_owned(), home)).into_iter().collect();
        Tenant {
            redeeming: Redeeming { homes, codes, order, ..Redeeming::default() },
            ..Tenant::default()
        }
    }

    fn fabrikam() -> Home {
        Home::Tenant(HomeTenant { id: "f".to_owned(), name: Some("Fabrikam".to_owned()) })
    }

    #[test]
    fn only_a_sure_word_says_that_nobody_can_redeem() {
        let none = || Some(Home::NoTenant);
        let (on, off) = (Some(true), Some(false));
        for (home, codes, fallback, expected) in [
            (Some(fabrikam()), off, None, Redeems::Tenant),
            (Some(fabrikam()), None, None, Redeems::Tenant),
            (none(), on, None, Redeems::Code),
            (none(), on, Some("defaultConfiguredIdp"), Redeems::Code),
            (none(), on, Some("microsoftAccount"), Redeems::MicrosoftAccount),
            (none(), off, Some("microsoftAccount"), Redeems::MicrosoftAccount),
            (none(), off, None, Redeems::No),
            (none(), off, Some("defaultConfiguredIdp"), Redeems::No),
            (none(), off, Some("emailOneTimePasscode"), Redeems::No),
            (none(), None, Some("emailOneTimePasscode"), Redeems::Unknown),
            (none(), None, None, Redeems::Unknown),
            (None, off, None, Redeems::Unknown),
            (None, on, None, Redeems::Unknown),
        ] {
            let tenant = tenant(home, codes, fallback);
            let judged = judge("new.example", &tenant, &[]);
            assert_eq!(judged.redeems, expected, "{tenant:?}");
            assert_eq!(judged.why_not.is_some(), expected == Redeems::No, "{tenant:?}");
            let vouched = cannot_redeem("new.example", &tenant, &["new.example".to_owned()]);
            assert_eq!(vouched, None, "{tenant:?}");
        }
    }

    #[test]
    fn addresses_of_microsoft_itself_are_accounts() {
        let mut tenant = tenant(None, Some(false), None);
        tenant.redeeming.homes.insert("outlook.com".to_owned(), Home::NoTenant);
        assert_eq!(judge("outlook.com", &tenant, &[]).redeems, Redeems::MicrosoftAccount);
    }

    #[test]
    fn settings_of_a_partner_stand_above_the_default() {
        let partner =
            |inbound| vec![Partner { tenant_id: "F".to_owned(), inbound, ..Partner::default() }];
        let (allowed, partly, blocked) =
            (Some(Inbound::Allowed), Some(Inbound::Partly), Some(Inbound::Blocked));
        for (partners, default, is_blocked) in [
            (Some(vec![]), blocked, true),
            (Some(vec![]), partly, false),
            (Some(vec![]), allowed, false),
            (Some(vec![]), None, false),
            (Some(partner(None)), blocked, true),
            (Some(partner(allowed)), blocked, false),
            (Some(partner(partly)), blocked, false),
            (Some(partner(blocked)), allowed, true),
            // A partner that could not be read may be let in.
            (None, blocked, false),
        ] {
            let mut tenant = tenant(Some(fabrikam()), Some(true), None);
            tenant.redeeming.inbound = default;
            tenant.policies = Policies { partners: partners.clone(), ..Policies::default() };
            let why = cannot_redeem("new.example", &tenant, &[]);
            let expected = is_blocked.then(|| CannotRedeem::TenantBlocked("Fabrikam".into()));
            assert_eq!(why, expected, "{partners:?}, {default:?}");
        }
        // Without a tenant the settings are about somebody else.
        let mut tenant = tenant(Some(Home::NoTenant), Some(true), None);
        tenant.redeeming.inbound = blocked;
        assert_eq!(cannot_redeem("new.example", &tenant, &[]), None);
    }
}
