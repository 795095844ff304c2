//! The tenant's policies on inviting and on other tenants.
//!
//! Leaves to others: keeping to them (`invitations`).

use serde_json::json;

use super::errors::Refusal;
use super::http::{Answer, Request};
use super::odata::Query;
use super::page::page;
use super::seed::{InboundAccess, OtherTenant};
use super::state::Shared;
use super::token::Grant;
use crate::graph::wire::{Partner, TenantInformation};

/// Microsoft Graph, *Get authorizationPolicy*, permissions.
const READ_POLICY: &[&str] = &["Policy.Read.All", "Policy.ReadWrite.Authorization"];
/// Microsoft Graph, *List partners* and *Get default* of the cross-tenant access policy,
/// permissions.
const READ_CROSS_TENANT: &[&str] = &["Policy.Read.All", "Policy.ReadWrite.CrossTenantAccess"];
/// Microsoft Graph beta, *List b2bManagementPolicies*, permissions, 2025-10.
const READ_B2B_POLICIES: &[&str] =
    &["Policy.Read.B2BManagementPolicy", "Policy.ReadWrite.B2BManagementPolicy"];

/// Microsoft Graph, *Get emailAuthenticationMethodConfiguration*, permissions.
const READ_AUTHENTICATION_METHOD: &[&str] =
    &["Policy.Read.AuthenticationMethod", "Policy.ReadWrite.AuthenticationMethod"];
/// Microsoft Graph, *findTenantInformationByDomainName*, permissions, 2024-11.
const READ_TENANT_INFORMATION: &[&str] = &["CrossTenantInformation.ReadBasic.All"];

/// Microsoft Graph, *Get samlOrWsFedExternalDomainFederation*, permissions.
const READ_FEDERATIONS: &[&str] = &["Domain.Read.All", "Domain.ReadWrite.All"];

/// The domain that a `$filter` of federations asks for: the one documented shape.
pub(super) fn federation_filter(text: &str) -> Result<String, Refusal> {
    let domain = text.trim().strip_prefix("domains/any(x: x/id eq '");
    let domain = domain.and_then(|rest| rest.strip_suffix("')"));
    let domain = domain.map(|domain| domain.replace("''", "'").to_lowercase());
    domain
        .ok_or_else(|| Refusal::unsupported_query("The emulator has no $filter of that kind here."))
}

impl Shared {
    /// `GET /policies/authorizationPolicy`
    pub(super) fn authorization_policy(
        &self,
        grant: &Grant,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_POLICY)?;
        Ok(Answer::ok(&json!({
            "@odata.context":
                format!("{}/v1.0/$metadata#policies/authorizationPolicy/$entity", request.origin),
            "id": "authorizationPolicy",
            "displayName": "Authorization Policy",
            "allowInvitesFrom": self.tenant().allow_invites_from,
        })))
    }

    /// `GET /policies/crossTenantAccessPolicy/default`
    pub(super) fn cross_tenant_default(
        &self,
        grant: &Grant,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        grant.require_any(READ_CROSS_TENANT)?;
        let access = |target: &str, kind: &str| {
            json!({
                "accessType": self.inbound_access,
                "targets": [{ "target": target, "targetType": kind }],
            })
        };
        Ok(Answer::ok(&json!({
            "@odata.context": format!(
                "{}/v1.0/$metadata#policies/crossTenantAccessPolicy/default/$entity",
                request.origin
            ),
            "isServiceDefault": self.inbound_access == InboundAccess::Allowed,
            "b2bCollaborationInbound": {
                "usersAndGroups": access("AllUsers", "user"),
                "applications": access("AllApplications", "application"),
            },
            "invitationRedemptionIdentityProviderConfiguration": {
                "primaryIdentityProviderPrecedenceOrder":
                    ["azureActiveDirectory", "externalFederation", "socialIdentityProviders"],
                "fallbackIdentityProvider": self.redemption_fallback,
            },
        })))
    }

    /// `GET /policies/crossTenantAccessPolicy/partners`
    pub(super) fn partners(&self, grant: &Grant, request: &Request) -> Result<Answer, Refusal> {
        grant.require_any(READ_CROSS_TENANT)?;
        let query = Query::parse(&request.query)?;
        let expands = match query.expand.as_deref() {
            None => false,
            Some("identitySynchronization") => true,
            Some(_) => {
                return Err(Refusal::unsupported_query("The emulator has no such $expand here."));
            }
        };
        let items = self.partners.iter().enumerate().skip(query.start).map(|(at, partner)| {
            let identity_synchronization =
                partner.identity_synchronization.clone().filter(|_| expands);
            (at, Partner { identity_synchronization, ..partner.clone() })
        });
        Ok(page(request, &query, "policies/crossTenantAccessPolicy/partners", None, items))
    }

    /// `GET /policies/authenticationMethodsPolicy/authenticationMethodConfigurations/email`
    pub(super) fn email_method(&self, grant: &Grant, request: &Request) -> Result<Answer, Refusal> {
        grant.require_any(READ_AUTHENTICATION_METHOD)?;
        Ok(Answer::ok(&json!({
            "@odata.context": format!(
                "{}/v1.0/$metadata#authenticationMethodConfigurations/$entity",
                request.origin
            ),
            "@odata.type": "#microsoft.graph.emailAuthenticationMethodConfiguration",
            "id": "Email",
            "state": "enabled",
            "allowExternalIdToUseEmailOtp": self.email_codes,
            "includeTargets": [],
        })))
    }

    /// `GET /directory/federationConfigurations/graph.samlOrWsFedExternalDomainFederation`
    pub(super) fn federations(&self, grant: &Grant, request: &Request) -> Result<Answer, Refusal> {
        grant.require_any(READ_FEDERATIONS)?;
        let query = Query::parse(&request.query)?;
        let wanted = query.filter.as_deref().map(federation_filter).transpose()?;
        let is_wanted = |domain: &&String| {
            wanted.as_ref().is_none_or(|wanted| domain.eq_ignore_ascii_case(wanted))
        };
        let federation = |domain: &String| {
            json!({
                "@odata.type": "#microsoft.graph.samlOrWsFedExternalDomainFederation",
                "id": format!("federation-{domain}"),
                "displayName": domain,
                "issuerUri": format!("https://sts.{domain}/adfs/services/trust"),
            })
        };
        let items = self.federated_domains.iter().filter(is_wanted).map(federation);
        let items = items.enumerate().skip(query.start);
        let context = "directory/federationConfigurations/microsoft.graph.samlOrWsFedExternalDomainFederation";
        Ok(page(request, &query, context, None, items))
    }

    /// `GET /tenantRelationships/findTenantInformationByDomainName(domainName='…')`. What the
    /// service says of a domain without a tenant is not documented, beyond that it is 404.
    pub(super) fn tenant_information(
        &self,
        grant: &Grant,
        function: &str,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let asked = function
            .strip_prefix("findTenantInformationByDomainName(domainName='")
            .and_then(|rest| rest.strip_suffix("')"))
            .ok_or_else(|| Refusal::no_such_segment(function))?;
        grant.require_any(READ_TENANT_INFORMATION)?;
        let domain = asked.replace("''", "'").to_lowercase();
        let own = self.own_tenant_information();
        let own = own.domains.contains(&domain).then_some(own);
        let of_another = || {
            let mut others = self.other_tenants.iter();
            others.find(|tenant| tenant.domains.contains(&domain)).cloned()
        };
        let Some(found) = own.or_else(of_another) else {
            return Err(Refusal::no_such_resource(&domain));
        };
        let mut body = serde_json::to_value(&found.information).expect("plain data");
        body["@odata.context"] =
            format!("{}/v1.0/$metadata#microsoft.graph.tenantInformation", request.origin).into();
        Ok(Answer::ok(&body))
    }

    fn own_tenant_information(&self) -> OtherTenant {
        let organization = &self.organization;
        let default = organization.verified_domains.iter().find(|domain| domain.is_default);
        OtherTenant {
            information: TenantInformation {
                tenant_id: organization.id.clone(),
                federation_brand_name: None,
                display_name: organization.display_name.clone(),
                default_domain_name: default.map(|domain| domain.name.clone()),
            },
            domains: self.domains.clone(),
        }
    }

    /// `GET /beta/policies/b2bManagementPolicies`
    pub(super) fn b2b_policies(&self, grant: &Grant, request: &Request) -> Result<Answer, Refusal> {
        grant.require_any(READ_B2B_POLICIES)?;
        let policies: Vec<_> = self
            .b2b_policy
            .iter()
            .map(|definition| {
                json!({
                    "id": "f596ef0d-42f9-0359-1aaa-12d02b38802a",
                    "displayName": "B2BManagementPolicy",
                    "definition": [definition.to_string()],
                    "isOrganizationDefault": true,
                })
            })
            .collect();
        let context = format!("{}/beta/$metadata#policies/b2bManagementPolicies", request.origin);
        Ok(Answer::ok(&json!({ "@odata.context": context, "value": policies })))
    }
}
