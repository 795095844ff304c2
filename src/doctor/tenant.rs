//! What the tenant itself permits: its policies, its mail, its quota, and its clock.

use jiff::SignedDuration;

use crate::domain::{InvitedDomains, InvitesFrom, Tenant};
use crate::plan::{Decision, Plan};

use super::{Finding, Seen};

/// Entra takes this much difference between clocks as normal; an assertion dated later is
/// refused (Entra, *Certificate credentials*).
const TOLERATED_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A `Date` header tells the time to two seconds.
const UNNOTICEABLE_SKEW: SignedDuration = SignedDuration::from_secs(2);

pub(super) fn findings(seen: &Seen, plan: Option<&Plan>) -> Vec<Finding> {
    vec![
        invitations(&seen.tenant),
        invited_domains(&seen.tenant),
        partners(seen),
        mail(&seen.tenant, plan),
        quota(seen.users),
        clock(seen.skew),
    ]
}

/// Whether an application needs the permission for invitations by its name: reported in the
/// field where not everyone may invite; Microsoft's page no longer speaks of it.
pub(super) fn restricts_invitations(tenant: &Tenant) -> bool {
    matches!(
        tenant.policies.invites_from,
        Some(InvitesFrom::AdminsAndGuestInviters | InvitesFrom::AdminsGuestInvitersAndAllMembers)
    )
}

fn invitations(tenant: &Tenant) -> Finding {
    let Some(from) = &tenant.policies.invites_from else {
        return Finding::not_seen(
            "invitations",
            "whether the tenant allows invitations",
            "Policy.Read.All shows it",
        );
    };
    let setting = format!("allowInvitesFrom is {}", from.as_str());
    match from {
        InvitesFrom::Nobody => Finding::problem(
            "invitations",
            format!("{setting}: nobody may invite"),
            "change the guest invite settings in Entra's external collaboration settings; it takes up to an hour to work",
        ),
        InvitesFrom::AdminsAndGuestInviters
        | InvitesFrom::AdminsGuestInvitersAndAllMembers
        | InvitesFrom::Everyone => Finding::ok("invitations", setting),
        InvitesFrom::Other(_) => Finding::not_seen(
            "invitations",
            setting,
            "this version does not know what that means; a canary tells",
        ),
    }
}

fn invited_domains(tenant: &Tenant) -> Finding {
    let listed = |domains: &std::collections::BTreeSet<String>| {
        const SHOWN: usize = 5;
        let some: Vec<&str> = domains.iter().take(SHOWN).map(String::as_str).collect();
        let more = domains.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more}", some.join(", "))
    };
    match &tenant.policies.domains {
        None => Finding::not_seen(
            "invited-domains",
            "which domains may be invited",
            "Policy.Read.B2BManagementPolicy shows it, in the global cloud",
        ),
        Some(InvitedDomains::All) => Finding::ok("invited-domains", "every domain may be invited"),
        Some(InvitedDomains::Only(domains)) => Finding::warning(
            "invited-domains",
            format!("only these domains may be invited: {}", listed(domains)),
            "the plan blocks rows to others",
        ),
        Some(InvitedDomains::AllBut(domains)) => Finding::warning(
            "invited-domains",
            format!("these domains may not be invited: {}", listed(domains)),
            "the plan blocks rows to them",
        ),
    }
}

fn partners(seen: &Seen) -> Finding {
    let Some(partners) = &seen.tenant.policies.partners else {
        return Finding::not_seen(
            "cross-tenant-access",
            "cross-tenant access settings",
            "Policy.Read.All shows them",
        );
    };
    let settings = match partners.len() {
        0 => "no partner has settings of its own".to_owned(),
        1 => "1 partner has settings of its own".to_owned(),
        n => format!("{n} partners have settings of their own"),
    };
    let synchronising: Vec<&str> = seen.tenant.policies.synchronising().collect();
    if seen.inbound_allowed == Some(false) {
        return Finding::warning(
            "cross-tenant-access",
            format!("guests of other tenants are blocked by default; {settings}"),
            "an invitation to a tenant without settings that allow it is refused",
        );
    }
    if synchronising.is_empty() {
        return Finding::ok("cross-tenant-access", settings);
    }
    Finding::warning(
        "cross-tenant-access",
        format!("{settings}; {} may synchronise users into this tenant", synchronising.join(", ")),
        "what synchronisation owns it writes again; have such accounts changed at their source",
    )
}

/// Exchange Online's limit for default domains (Exchange team blog, 2025-10).
fn mail(tenant: &Tenant, plan: Option<&Plan>) -> Finding {
    let Some(domain) = tenant.default_domain.as_deref() else {
        return Finding::not_seen(
            "mail",
            "the tenant's domains, and whether its mail is capped",
            "Directory.Read.All shows them",
        );
    };
    let mailed = plan.map(|plan| {
        let sent = plan.rows.iter().filter(
            |row| matches!(&row.decision, Decision::Change(change) if change.invite.as_ref().is_some_and(|invitation| invitation.send)),
        );
        format!("; this plan mails {}", sent.count())
    });
    if domain.contains(".onmicrosoft.") {
        return Finding::warning(
            "mail",
            format!(
                "the default domain is {domain}, from which Exchange delivers 100 external mails a day and bounces the rest unseen{}",
                mailed.unwrap_or_default()
            ),
            "make a custom domain the default before mailing more, or apply in parts",
        );
    }
    let domains = tenant.verified_domains.len();
    let domains = if domains == 1 {
        "1 verified domain".into()
    } else {
        format!("{domains} verified domains")
    };
    Finding::ok("mail", format!("{domains}, {domain} by default: not capped"))
}

/// Microsoft Graph, *Throttling limits*, 2026-02.
fn quota(users: Option<u64>) -> Finding {
    let Some(users) = users else {
        return Finding::not_seen(
            "quota",
            "how many users the tenant has, which decides its quota",
            "User.Read.All shows it, where the server counts",
        );
    };
    let (class, units) = match users {
        0..50 => ("S", "3,500"),
        50..=500 => ("M", "5,000"),
        501.. => ("L", "8,000"),
    };
    Finding::ok(
        "quota",
        format!(
            "{users} users, class {class}: {units} resource units in 10 s and 3,000 writes in 150 s for this application, 150 invitations in 5 s for the tenant"
        ),
    )
}

fn clock(skew: SignedDuration) -> Finding {
    let off = skew.abs();
    if off <= UNNOTICEABLE_SKEW {
        return Finding::ok("clock", "agrees with the service's");
    }
    let direction = if skew.is_positive() { "behind" } else { "ahead of" };
    let message = format!("{} s {direction} the service's", off.as_secs());
    if off <= TOLERATED_SKEW {
        return Finding::ok("clock", message);
    }
    Finding::warning(
        "clock",
        message,
        "set this machine's clock; Entra refuses certificates' assertions that are dated otherwise",
    )
}
