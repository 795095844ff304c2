//! The apps that guests are assigned to: how people sign in to them, what they are told of a
//! user, and who owns them.
//!
//! Leaves to others: which apps these are (`reach`), and what follows from their claims
//! (`plan`).

use serde_json::Value;

use crate::domain::{ClaimsMapping, Owner, Reach, SignOn, Unreadable};

use super::batch::Get;
use super::call::Call;
use super::call_error::CallError;
use super::client::Graph;
use super::odata::{literal, query, segment};
use super::redeeming::unavailable;
use super::survey::{Optional, PAGE, parse};
use super::wire;

const CONSEQUENCE: &str = "the apps that know a guest by its address";

/// Microsoft Graph, *Get servicePrincipal*, *List applications*, *List owners of a service
/// principal*.
const APPS: Optional = Optional {
    what: "how guests sign in to apps",
    consequence: CONSEQUENCE,
    permission: "Application.Read.All",
};
const REGISTRATIONS: Optional = Optional {
    what: "optional claims of apps",
    consequence: CONSEQUENCE,
    permission: "Application.Read.All",
};
const OWNERS: Optional = Optional {
    what: "owners of apps",
    consequence: "whom to tell",
    permission: "Application.Read.All",
};
/// Microsoft Graph, *List claimsMappingPolicies*. The list of one service principal takes a
/// permission to write applications (*List assigned claimsMappingPolicies*), which nobody
/// should grant for a look.
const POLICIES: Optional = Optional {
    what: "claims mapping policies",
    consequence: CONSEQUENCE,
    permission: "Policy.Read.All",
};

/// As many as `$expand` shows of a relation to directory objects (Microsoft Graph, *Query
/// parameters*, `$expand`).
const MOST_EXPANDED: usize = 20;

impl Graph {
    /// Reads what is to be known of the apps.
    pub(super) async fn reached_apps(&self, reach: &mut Reach) -> Result<(), CallError> {
        if reach.apps.is_empty() {
            return Ok(());
        }
        self.service_principals(reach).await?;
        self.optional_claims(reach).await?;
        self.claims_mappings(reach).await?;
        self.app_owners(reach).await
    }

    async fn service_principals(&self, reach: &mut Reach) -> Result<(), CallError> {
        let query = query(&[("$select", wire::SERVICE_PRINCIPAL_SELECT)]);
        let get = |id: &str| Get {
            path: format!("/servicePrincipals/{}", segment(id)),
            query: query.clone(),
        };
        let gets: Vec<Get> = reach.apps.keys().map(|id| get(id)).collect();
        let read = self.get_all(&gets).await;
        let read = self.all_optional(read, &APPS, &mut reach.unreadable)?;
        for (app, got) in reach.apps.values_mut().zip(read) {
            let read = got.map_err(unavailable).and_then(parse::<wire::ServicePrincipal>);
            let Some(found) = self.optional_once(read, &mut reach.unreadable, &APPS)? else {
                continue;
            };
            app.name = found.display_name.map(Into::into).or(app.name.take());
            app.client_id = found.app_id.map(Into::into);
            app.sign_on = Some(sign_on(found.preferred_single_sign_on_mode.as_deref()));
        }
        Ok(())
    }

    /// An app that is registered in another tenant is not found, and asks for its claims
    /// there.
    async fn optional_claims(&self, reach: &mut Reach) -> Result<(), CallError> {
        let mut gets = Vec::new();
        let apps: Vec<_> = reach.apps.values_mut().filter(|app| app.client_id.is_some()).collect();
        for app in &apps {
            let filter = format!("appId eq {}", literal(app.client_id.as_deref().unwrap_or("")));
            let options = [("$filter", &*filter), ("$select", wire::APPLICATION_SELECT)];
            gets.push(Get { path: "/applications".to_owned(), query: query(&options) });
        }
        let read = self.get_all(&gets).await;
        let read = self.all_optional(read, &REGISTRATIONS, &mut reach.unreadable)?;
        for (app, got) in apps.into_iter().zip(read) {
            let read = got.map_err(unavailable);
            let read = read.and_then(parse::<wire::Page<wire::RegisteredApplication>>);
            let read = self.optional_once(read, &mut reach.unreadable, &REGISTRATIONS)?;
            let Some(found) = read.and_then(|page| page.value.into_iter().next()) else {
                continue;
            };
            let claims = found.optional_claims.unwrap_or_default();
            let wire::OptionalClaims { id_token, access_token, saml2_token } = claims;
            let all = id_token.into_iter().chain(access_token).chain(saml2_token);
            let mut names: Vec<Box<str>> = all.map(|claim| claim.name.into()).collect();
            names.sort_unstable();
            names.dedup();
            app.optional_claims = Some(names);
        }
        Ok(())
    }

    /// The policies of the tenant, each with the apps that it is assigned to.
    async fn claims_mappings(&self, reach: &mut Reach) -> Result<(), CallError> {
        let call = Call::get(
            self.url("/policies/claimsMappingPolicies", &query(&[("$expand", "appliesTo")])),
        );
        let mut policies = Vec::new();
        let read = self
            .pages(call, |policy: wire::ClaimsMappingPolicy| {
                policies.push(policy);
                Ok(())
            })
            .await;
        if self.optional_once(read, &mut reach.unreadable, &POLICIES)?.is_none() {
            return Ok(());
        }
        for app in reach.apps.values_mut() {
            app.mapped = Some(Vec::new());
        }
        for mut policy in policies {
            let expanded = policy.applies_to.take();
            let Some(assigned) =
                self.assigned_to(&policy.id, expanded, &mut reach.unreadable).await?
            else {
                // To whichever app it is assigned: none of them is known to have no policy.
                reach.apps.values_mut().for_each(|app| app.mapped = None);
                return Ok(());
            };
            let mapping = claims_mapping(&policy);
            for principal in assigned {
                let app = reach.apps.get_mut(&*principal.id.to_lowercase());
                if let Some(mapped) = app.and_then(|app| app.mapped.as_mut()) {
                    mapped.push(mapping.clone());
                }
            }
        }
        Ok(())
    }

    /// The service principals that a policy is assigned to; the list is asked for where it
    /// may be longer than what came with the policy.
    async fn assigned_to(
        &self,
        policy: &str,
        expanded: Option<Vec<wire::DirectoryObject>>,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<Option<Vec<wire::DirectoryObject>>, CallError> {
        if let Some(expanded) = expanded.filter(|list| list.len() < MOST_EXPANDED) {
            return Ok(Some(expanded));
        }
        let path = format!("/policies/claimsMappingPolicies/{}/appliesTo", segment(policy));
        let call = Call::get(self.url(&path, &query(&[("$select", "id"), ("$top", PAGE)])));
        let mut assigned = Vec::new();
        let read = self
            .pages(call, |principal: wire::DirectoryObject| {
                assigned.push(principal);
                Ok(())
            })
            .await;
        Ok(self.optional_once(read, unreadable, &POLICIES)?.map(|()| assigned))
    }

    async fn app_owners(&self, reach: &mut Reach) -> Result<(), CallError> {
        let query = query(&[("$select", wire::OWNER_SELECT)]);
        let get = |id: &str| Get {
            path: format!("/servicePrincipals/{}/owners", segment(id)),
            query: query.clone(),
        };
        let gets: Vec<Get> = reach.apps.keys().map(|id| get(id)).collect();
        let read = self.get_all(&gets).await;
        let read = self.all_optional(read, &OWNERS, &mut reach.unreadable)?;
        for (app, got) in reach.apps.values_mut().zip(read) {
            let all = self.list_of::<wire::AppOwner>(got, &OWNERS, &mut reach.unreadable).await?;
            app.owners = all.map(|all| all.into_iter().map(owner).collect());
        }
        Ok(())
    }
}

fn owner(owner: wire::AppOwner) -> Owner {
    let address = owner.mail.or(owner.user_principal_name).filter(|text| !text.is_empty());
    Owner {
        id: owner.id.into(),
        name: owner.display_name.map(Into::into),
        address: address.map(Into::into),
    }
}

fn sign_on(mode: Option<&str>) -> SignOn {
    match mode.map(str::to_lowercase).as_deref() {
        None | Some("") => SignOn::Unset,
        Some("saml") => SignOn::Saml,
        Some("oidc") => SignOn::Oidc,
        Some("password") => SignOn::Password,
        Some(_) => SignOn::Other,
    }
}

/// What a policy takes from the user (Entra, *Claims mapping policy type*: `ClaimsSchema`).
fn claims_mapping(policy: &wire::ClaimsMappingPolicy) -> ClaimsMapping {
    let name = policy.display_name.as_deref().unwrap_or(&policy.id).into();
    let mut mapping = ClaimsMapping { name, ..ClaimsMapping::default() };
    for definition in &policy.definition {
        let parsed: Option<Value> = serde_json::from_str(definition).ok();
        let found = parsed.as_ref().and_then(|it| it.get("ClaimsMappingPolicy"));
        let Some(found) = found.and_then(Value::as_object) else {
            mapping.is_unclear = true;
            continue;
        };
        let basic = found.get("IncludeBasicClaimSet");
        mapping.with_basic |= match basic {
            Some(Value::Bool(is_included)) => *is_included,
            Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
            Some(_) | None => false,
        };
        let schema = found.get("ClaimsSchema").and_then(Value::as_array);
        for entry in schema.into_iter().flatten() {
            let text = |key: &str| entry.get(key).and_then(Value::as_str);
            match (text("Source"), text("ID")) {
                (Some(source), Some(id)) if source.eq_ignore_ascii_case("user") => {
                    mapping.of_user.push(id.into());
                }
                (Some(_), _) => {}
                // A claim of a fixed value has no source.
                (None, _) if text("Value").is_some() => {}
                (None, _) => mapping.is_unclear = true,
            }
        }
    }
    mapping
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(definition: &[&str]) -> ClaimsMapping {
        claims_mapping(&wire::ClaimsMappingPolicy {
            id: "p".to_owned(),
            display_name: Some("HR".to_owned()),
            definition: definition.iter().map(|&text| text.to_owned()).collect(),
            applies_to: None,
        })
    }

    #[test]
    fn a_definition_tells_what_it_takes_from_the_user() {
        // Entra, *Claims mapping policy type*, its example, shortened.
        let example = r#"{"ClaimsMappingPolicy":{"Version":1,"IncludeBasicClaimSet":"true",
            "ClaimsSchema":[{"Source":"user","ID":"employeeid","SamlClaimType":"http://e/employeeid",
            "JwtClaimType":"employeeid"},{"Source":"company","ID":"tenantcountry","JwtClaimType":"c"},
            {"Source":"User","ID":"mail","JwtClaimType":"m"},{"Value":"x","JwtClaimType":"fixed"}]}}"#;
        let found = mapping(&[example]);
        assert_eq!(found.of_user, ["employeeid".into(), Box::<str>::from("mail")]);
        assert!(found.with_basic && !found.is_unclear);
    }

    #[test]
    fn what_is_not_understood_is_said_to_be_unclear() {
        for definition in ["{", "{}", "[]", r#"{"ClaimsMappingPolicy":3}"#] {
            assert!(mapping(&[definition]).is_unclear, "{definition}");
        }
        let strange = r#"{"ClaimsMappingPolicy":{"ClaimsSchema":[{"ID":"mail"}]}}"#;
        assert!(mapping(&[strange]).is_unclear);
        assert!(!mapping(&[]).is_unclear);
    }
}
