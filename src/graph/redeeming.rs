//! Whether the people of the new domains can redeem: one look a domain, many in a request.
//!
//! A plan can do without any of it, so nothing that these reads are answered keeps one from
//! being made. Leaves to others: what follows (`plan`).

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use crate::domain::{
    Directory, Email, GuestRef, Home, HomeTenant, Inbound, Redeeming, RedemptionOrder, Unreadable,
};

use super::batch::{Get, Got};
use super::call_error::CallError;
use super::client::Graph;
use super::odata::{literal, query, segment};
use super::refusal::Refusal;
use super::survey::{Optional, Wanted, parse, refused};
use super::wire;

/// More domains than these are not asked about: those with the most addresses are.
const MOST_DOMAINS: usize = 500;

const CONSEQUENCE: &str = "new domains whose people can't redeem";
const HOMES: Optional = Optional {
    what: "the Entra tenants of the new domains",
    consequence: CONSEQUENCE,
    permission: "CrossTenantInformation.ReadBasic.All",
};
const CODES: Optional = Optional {
    what: "whether codes by mail are on",
    consequence: CONSEQUENCE,
    permission: "Policy.Read.AuthenticationMethod",
};
/// Microsoft Graph, *Get samlOrWsFedExternalDomainFederation*.
const FEDERATIONS: Optional = Optional {
    what: "whether new domains without a tenant are federated",
    consequence: "new domains whose people redeem there",
    permission: "Domain.Read.All",
};
const DEFAULT: Optional = Optional {
    what: "the default of the cross-tenant access settings",
    consequence: CONSEQUENCE,
    permission: "Policy.Read.All",
};

impl Graph {
    /// Reads whether the people of the domains that guests move to can redeem.
    pub(super) async fn redeeming(
        &self,
        directory: &mut Directory,
        wanted: &Wanted,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<(), CallError> {
        let domains = new_domains(directory, wanted);
        let tenant = &mut directory.tenant;
        if domains.is_empty() {
            return Ok(());
        }
        let get = |path: String| Get { path, query: String::new() };
        let mut gets = vec![
            get("/policies/crossTenantAccessPolicy/default".to_owned()),
            // Microsoft Graph, *Get emailAuthenticationMethodConfiguration*.
            get("/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/email"
                .to_owned()),
        ];
        gets.extend(domains.iter().map(|domain| get(home_path(domain))));
        let mut answers = match self.get_all(&gets).await {
            Ok(answers) => answers.into_iter(),
            // Nothing is known then, and that is said.
            Err(
                error @ (CallError::Refused { .. }
                | CallError::Lost { .. }
                | CallError::Protocol(_)),
            ) => {
                for about in [&DEFAULT, &CODES, &HOMES] {
                    self.optional::<()>(protocol(&error), unreadable, about)?;
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let default = usable::<wire::CrossTenantDefault>(answers.next());
        if let Some(default) = self.optional(default, unreadable, &DEFAULT)? {
            tenant.redeeming.inbound = inbound(default.b2b_collaboration_inbound.as_ref());
            let order = default.invitation_redemption_identity_provider_configuration;
            tenant.redeeming.order = order.map(|order| RedemptionOrder {
                first: order.primary_identity_provider_precedence_order,
                fallback: order.fallback_identity_provider,
            });
        }
        let codes = usable::<wire::EmailMethod>(answers.next());
        if let Some(codes) = self.optional(codes, unreadable, &CODES)? {
            tenant.redeeming.codes = are_codes_on(&codes);
        }
        let mut refusal = None;
        for (domain, answer) in domains.into_iter().zip(answers) {
            match home(answer) {
                Ok(home) => {
                    tenant.redeeming.homes.insert(domain, home);
                }
                Err(error) => refusal = Some(error),
            }
        }
        if let Some(error) = refusal {
            self.optional::<()>(Err(error), unreadable, &HOMES)?;
        }
        self.federations(&mut tenant.redeeming, unreadable).await
    }

    /// Where people have no tenant and get no code, a federation is what is left.
    async fn federations(
        &self,
        redeeming: &mut Redeeming,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<(), CallError> {
        if redeeming.codes != Some(false) {
            return Ok(());
        }
        let homes = redeeming.homes.iter().filter(|(_, home)| **home == Home::NoTenant);
        let domains: Vec<String> = homes.map(|(domain, _)| domain.clone()).collect();
        let gets: Vec<Get> = domains.iter().map(|domain| federation_of(domain)).collect();
        let answers = match self.get_all(&gets).await {
            Ok(answers) => answers,
            Err(
                error @ (CallError::Refused { .. }
                | CallError::Lost { .. }
                | CallError::Protocol(_)),
            ) => {
                self.optional::<()>(protocol(&error), unreadable, &FEDERATIONS)?;
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for (domain, answer) in domains.into_iter().zip(answers) {
            let found = usable::<wire::Page<wire::DirectoryObject>>(Some(answer));
            if let Some(found) = self.optional_once(found, unreadable, &FEDERATIONS)? {
                redeeming.federated.insert(domain, !found.value.is_empty());
            }
        }
        Ok(())
    }
}

/// The domains of the addresses that are not the tenant's own, those of the most addresses
/// first.
fn new_domains(directory: &Directory, wanted: &Wanted) -> Vec<String> {
    let present = wanted.resets.iter().filter_map(|reference| {
        let guest = match reference {
            GuestRef::Id(id) => directory.user(*id)?,
            GuestRef::Name(name) => *directory.users_named(name).first()?,
        };
        Email::parse(guest.mail.as_deref()?).ok()
    });
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for domain in wanted.addresses.iter().map(Email::domain).chain(present.map(|it| it.domain())) {
        *counted.entry(domain).or_default() += 1;
    }
    counted.retain(|domain, _| !directory.tenant.verified_domains.contains(domain));
    let mut domains: Vec<_> = counted.into_iter().collect();
    domains.sort_by_key(|(_, addresses)| std::cmp::Reverse(*addresses));
    domains.truncate(MOST_DOMAINS);
    domains.into_iter().map(|(domain, _)| domain).collect()
}

/// Microsoft Graph, *tenantRelationship: findTenantInformationByDomainName*, 2024-11.
fn home_path(domain: &str) -> String {
    let name = segment(&literal(domain));
    format!("/tenantRelationships/findTenantInformationByDomainName(domainName={name})")
}

fn federation_of(domain: &str) -> Get {
    let filter = format!("domains/any(x: x/id eq {})", literal(domain));
    Get {
        path: "/directory/federationConfigurations/graph.samlOrWsFedExternalDomainFederation"
            .to_owned(),
        query: query(&[("$filter", &filter)]),
    }
}

/// The answer about a domain. That 404 means that there is no tenant is not on Microsoft's
/// page; public programs take it so. Only Graph's own 404 counts.
fn home(answer: Got) -> Result<Home, CallError> {
    match answer {
        Ok(body) => {
            let found: wire::TenantInformation = parse(body)?;
            if found.tenant_id.is_empty() {
                return Err(CallError::Protocol("a tenant without an id".to_owned()));
            }
            let said = |name: Option<String>| name.filter(|name| !name.is_empty());
            let name = said(found.display_name).or_else(|| said(found.federation_brand_name));
            let name = name.or_else(|| said(found.default_domain_name));
            Ok(Home::Tenant(HomeTenant { id: found.tenant_id, name }))
        }
        Err(refusal) if is_no_tenant(&refusal) => Ok(Home::NoTenant),
        Err(refusal) => Err(unavailable(refusal)),
    }
}

fn is_no_tenant(refusal: &Refusal) -> bool {
    refusal.status == http::StatusCode::NOT_FOUND && !refusal.code.is_empty()
}

/// What is in an answer, if the plan can use it.
fn usable<T: DeserializeOwned>(answer: Option<Got>) -> Result<T, CallError> {
    match answer {
        Some(Ok(body)) => parse::<T>(body),
        Some(Err(refusal)) => Err(unavailable(refusal)),
        None => Err(CallError::Protocol("a batch that was not answered whole".to_owned())),
    }
}

/// A refusal as something that can be done without, whatever it says.
pub(super) fn unavailable(refusal: Refusal) -> CallError {
    let error = refused(refusal);
    if error.is_unavailable() { error } else { CallError::Protocol(error.to_string()) }
}

fn protocol(error: &CallError) -> Result<(), CallError> {
    Err(CallError::Protocol(error.to_string()))
}

/// Whom settings for guests let in. Only a word about everybody is one about anybody
/// (Microsoft Graph, *crossTenantAccessPolicyTargetConfiguration resource type*).
pub(super) fn inbound(setting: Option<&wire::B2bSetting>) -> Option<Inbound> {
    let people = setting?.users_and_groups.as_ref()?;
    let is_everybody = people.targets.iter().any(|target| target.target == "AllUsers");
    Some(match (people.access_type.as_deref()?, is_everybody) {
        ("allowed", true) => Inbound::Allowed,
        ("blocked", true) => Inbound::Blocked,
        ("allowed" | "blocked", false) => Inbound::Partly,
        _ => return None,
    })
}

/// `default` has been on since October 2021 (Microsoft Graph,
/// *emailAuthenticationMethodConfiguration resource type*).
fn are_codes_on(method: &wire::EmailMethod) -> Option<bool> {
    match method.allow_external_id_to_use_email_otp.as_deref() {
        Some("default" | "enabled") => Some(true),
        Some("disabled") => Some(false),
        Some(_) | None => None,
    }
}
