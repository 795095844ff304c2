//! What is true of the tenant as a whole: its name and domains, how many users it
//! has, and its policies on invitations.

use serde_json::Value;

use crate::domain::{Inbound, InvitedDomains, InvitesFrom, Partner, Policies, Tenant, Unreadable};

use super::call::Call;
use super::call_error::CallError;
use super::client::Graph;
use super::odata::query;
use super::redeeming::inbound;
use super::survey::Optional;
use super::wire;

/// The tenant alone, for a check that plans nothing.
#[derive(Debug)]
pub struct Examination {
    pub tenant: Tenant,
    /// How many users it has, guests and members; decides the quota.
    pub users: Option<u64>,
    /// Whether guests of any other tenant may come by default; None where that depends on
    /// more than a word, or could not be read.
    pub inbound_allowed: Option<bool>,
}

const ORGANIZATION: Optional = Optional {
    what: "the organization",
    consequence: "new addresses in the tenant's own domains",
    permission: "Directory.Read.All",
};
const INVITES_FROM: Optional = Optional {
    what: "who may invite",
    consequence: "whether invitations are allowed",
    permission: "Policy.Read.All",
};
const PARTNERS: Optional = Optional {
    what: "cross-tenant access settings",
    consequence: "accounts that another tenant synchronises",
    permission: "Policy.Read.All",
};
const DOMAINS: Optional = Optional {
    what: "the list of domains that may be invited",
    consequence: "domains that may not be invited",
    permission: "Policy.Read.B2BManagementPolicy",
};

impl Graph {
    /// Reads about the tenant and nothing else.
    pub async fn examine(&self) -> Result<Examination, CallError> {
        // What stays unknown shows in the tenant itself.
        let tenant = self.tenant(&mut Vec::new()).await?;
        let users = self.count("/users", None).await?;
        let url = self.url("/policies/crossTenantAccessPolicy/default", "");
        let default = match self.read::<wire::CrossTenantDefault>(&Call::get(url)).await {
            Err(error) if error.is_unavailable() => None,
            read => Some(read?),
        };
        let setting = default.and_then(|default| default.b2b_collaboration_inbound);
        let inbound_allowed = match inbound(setting.as_ref()) {
            Some(Inbound::Allowed) => Some(true),
            Some(Inbound::Blocked) => Some(false),
            Some(Inbound::Partly) | None => None,
        };
        Ok(Examination { tenant, users, inbound_allowed })
    }

    /// Reads about the tenant; only reaching it is indispensable.
    pub(super) async fn tenant(
        &self,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<Tenant, CallError> {
        let (organization, guests, invites_from, partners, domains) = tokio::join!(
            self.organization(),
            self.count("/users", Some("userType eq 'Guest'")),
            self.invites_from(),
            self.partners(),
            self.invited_domains(),
        );
        let organization = self.optional(organization, unreadable, &ORGANIZATION)?;
        let policies = Policies {
            invites_from: self.optional(invites_from, unreadable, &INVITES_FROM)?.flatten(),
            partners: self.optional(partners, unreadable, &PARTNERS)?,
            domains: self.optional(domains, unreadable, &DOMAINS)?,
        };
        let guests = guests?;
        let Some(organization) = organization.flatten() else {
            return Ok(Tenant { guests, policies, ..Tenant::default() });
        };
        let default = organization.verified_domains.iter().find(|domain| domain.is_default);
        Ok(Tenant {
            id: Some(organization.id).filter(|id| !id.is_empty()),
            display_name: organization.display_name,
            default_domain: default.map(|domain| domain.name.to_ascii_lowercase()),
            verified_domains: organization
                .verified_domains
                .iter()
                .map(|domain| domain.name.to_ascii_lowercase())
                .collect(),
            guests,
            policies,
            ..Tenant::default()
        })
    }

    async fn organization(&self) -> Result<Option<wire::Organization>, CallError> {
        let url =
            self.url("/organization", &query(&[("$select", "id,displayName,verifiedDomains")]));
        let page: wire::Page<wire::Organization> = self.read(&Call::get(url)).await?;
        Ok(page.value.into_iter().next())
    }

    async fn invites_from(&self) -> Result<Option<InvitesFrom>, CallError> {
        let url = self.url("/policies/authorizationPolicy", "");
        let policy: wire::AuthorizationPolicy = self.read(&Call::get(url)).await?;
        Ok(policy.allow_invites_from.as_deref().map(InvitesFrom::read))
    }

    async fn partners(&self) -> Result<Vec<Partner>, CallError> {
        let query = query(&[
            ("$select", "tenantId,b2bCollaborationInbound,automaticUserConsentSettings"),
            ("$expand", "identitySynchronization"),
        ]);
        let call = Call::get(self.url("/policies/crossTenantAccessPolicy/partners", &query));
        let mut partners = Vec::new();
        self.pages(call, |partner: wire::Partner| {
            let policy = partner.identity_synchronization.unwrap_or_default();
            let sync = policy.user_sync_inbound.unwrap_or_default();
            let consent = partner.automatic_user_consent_settings.unwrap_or_default();
            partners.push(Partner {
                tenant_id: partner.tenant_id,
                name: policy.display_name.filter(|name| !name.is_empty()),
                synchronises: sync.is_sync_allowed == Some(true),
                inbound: inbound(partner.b2b_collaboration_inbound.as_ref()),
                redeems_automatically: consent.inbound_allowed == Some(true),
            });
            Ok(())
        })
        .await?;
        Ok(partners)
    }

    /// The allow or deny list. Only the beta version shows it, so nothing that this
    /// answers may keep a plan from being made.
    async fn invited_domains(&self) -> Result<InvitedDomains, CallError> {
        let call = Call::get(self.beta_url("/policies/b2bManagementPolicies"));
        let page: wire::Page<wire::B2bManagementPolicy> = match self.read(&call).await {
            Err(error @ (CallError::Refused { .. } | CallError::Lost { .. }))
                if !error.is_unavailable() =>
            {
                return Err(CallError::Protocol(error.to_string()));
            }
            read => read?,
        };
        let definitions = page.value.iter().flat_map(|policy| &policy.definition);
        definitions
            .map(|text| listed_domains(text))
            .find(|list| *list != Ok(InvitedDomains::All))
            .unwrap_or(Ok(InvitedDomains::All))
            .map_err(CallError::Protocol)
    }

    /// How many objects of a collection there are; None when the server does not count.
    pub(super) async fn count(
        &self,
        collection: &str,
        filter: Option<&str>,
    ) -> Result<Option<u64>, CallError> {
        let query = filter.map(|filter| query(&[("$filter", filter)])).unwrap_or_default();
        let url = self.url(&format!("{collection}/$count"), &query);
        let call = Call { advanced: true, ..Call::get(url) };
        match self.repeat(&call).await {
            // The number is plain text, sometimes behind a byte order mark.
            Ok(body) => Ok(String::from_utf8_lossy(&body)
                .trim_start_matches('\u{feff}')
                .trim()
                .parse()
                .ok()),
            Err(error) if error.is_unavailable() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The list in a policy's definition, `{"B2BManagementPolicy":
/// {"InvitationsAllowedAndBlockedDomainsPolicy": {"AllowedDomains": […]}}}` (Entra,
/// *Allow or block invitations*). Names are read without regard to case: Microsoft's own
/// examples differ in it.
fn listed_domains(definition: &str) -> Result<InvitedDomains, String> {
    let value: Value = serde_json::from_str(definition)
        // The reference shows the same with single quotes (Graph beta, 2025-10).
        .or_else(|_| serde_json::from_str(&definition.replace('\'', "\"")))
        .map_err(|error| format!("the definition of the B2B management policy: {error}"))?;
    let policy = member(&value, "B2BManagementPolicy");
    let list = policy.and_then(|policy| {
        member(policy, "InvitationsAllowedAndBlockedDomainsPolicy")
            .or_else(|| member(policy, "InvitationsAllowedAndBlocked"))
    });
    let domains = |name| {
        let named = list.and_then(|list| member(list, name)).and_then(Value::as_array)?;
        let domains = named.iter().filter_map(Value::as_str);
        Some(
            domains
                .map(|domain| domain.trim().to_lowercase())
                .collect::<std::collections::BTreeSet<_>>(),
        )
    };
    Ok(match (domains("AllowedDomains"), domains("BlockedDomains")) {
        (Some(allowed), _) if !allowed.is_empty() => InvitedDomains::Only(allowed),
        (_, Some(blocked)) if !blocked.is_empty() => InvitedDomains::AllBut(blocked),
        _ => InvitedDomains::All,
    })
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let members = value.as_object()?;
    members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_found_in_every_spelling_of_the_definition() {
        let named = || ["a.example".to_owned(), "b.example".to_owned()].into();
        for (definition, expected) in [
            (
                r#"{"B2BManagementPolicy":{"InvitationsAllowedAndBlockedDomainsPolicy":{"AllowedDomains":["A.example","b.example"],"BlockedDomains":[]}}}"#,
                InvitedDomains::Only(named()),
            ),
            (
                r#"{"B2BManagementPolicy":{"InvitationsAllowedAndBlockedDomainsPolicy":{"BlockedDomains":["a.example","b.example"]},"AutoRedeemPolicy":{}}}"#,
                InvitedDomains::AllBut(named()),
            ),
            // Microsoft Graph beta, *List* and *Create b2bManagementPolicies*, 2025-10.
            ("{'B2BManagementPolicy':{'Version':1}}", InvitedDomains::All),
            (
                "{'B2BManagementPolicy':{'version':1,'invitationsAllowedAndBlocked':{'BlockedDomains':['a.example','b.example']}}}",
                InvitedDomains::AllBut(named()),
            ),
            ("{}", InvitedDomains::All),
        ] {
            assert_eq!(listed_domains(definition), Ok(expected), "{definition}");
        }
        assert!(listed_domains("<policy/>").is_err());
    }
}
