//! Which permissions a campaign needs, and how they compare with those a token has, in
//! both directions: what is missing, and what is more than needed.
//!
//! Names and order are those of Microsoft Graph's permission tables, the same for
//! applications and for people. Leaves to others: what to say about it (`mod`).

use std::collections::BTreeSet;

use crate::config::MailWrite;
use crate::domain::Caller;
use crate::plan::{Decision, Plan};

/// One thing that a permission is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    pub purpose: &'static str,
    /// Whether a run can't succeed without it; otherwise only the plan sees less.
    pub essential: bool,
    pub ask_for: &'static str,
    /// Others that do it and grant little besides.
    others: &'static [&'static str],
    /// Those that do it and grant far more.
    too_much: &'static [&'static str],
}

impl Need {
    fn is_met_by(&self, permission: &str) -> bool {
        self.is_met_modestly_by(permission) || self.too_much.contains(&permission)
    }

    fn is_met_modestly_by(&self, permission: &str) -> bool {
        self.ask_for == permission || self.others.contains(&permission)
    }

    fn is_met(&self, has: &BTreeSet<&str>) -> bool {
        has.iter().any(|permission| self.is_met_by(permission))
    }
}

/// Microsoft Graph, *Create invitation*, 2024-10.
const INVITE: Need = Need {
    purpose: "to invite",
    essential: true,
    ask_for: "User.Invite.All",
    others: &[],
    too_much: &["User.ReadWrite.All", "Directory.ReadWrite.All"],
};
/// Reported in the field for applications; Microsoft's page no longer speaks of it.
const INVITE_WHERE_RESTRICTED: Need = Need {
    purpose: "to invite where the tenant leaves it to administrators",
    essential: false,
    ask_for: "User.Invite.All",
    others: &[],
    too_much: &[],
};
/// The same page: what `resetRedemption` takes.
const RESET: Need = Need {
    purpose: "to reset redemptions",
    essential: true,
    ask_for: "User.ReadWrite.All",
    others: &[],
    too_much: &["Directory.ReadWrite.All"],
};
/// Microsoft Graph, *Update user*, 2026-07.
const WRITE_MAIL: Need = Need {
    purpose: "to write the mail",
    essential: true,
    ask_for: "User.ReadWrite.All",
    others: &["User.ReadUpdate.All"],
    too_much: &["Directory.ReadWrite.All"],
};
const WRITE_OTHER_MAILS: Need = Need {
    purpose: "to write otherMails",
    essential: true,
    ask_for: "User.ReadWrite.All",
    others: &["User-Mail.ReadWrite.All", "User.ReadUpdate.All"],
    too_much: &["Directory.ReadWrite.All"],
};
/// Microsoft Graph, *List users*.
const READ_USERS: Need = Need {
    purpose: "to read guests",
    essential: true,
    ask_for: "User.ReadWrite.All",
    others: &["User.Read.All", "User.ReadUpdate.All", "Directory.Read.All"],
    too_much: &["Directory.ReadWrite.All"],
};
/// Microsoft Graph, *List organization*.
const DOMAINS: Need = Need {
    purpose: "to know the tenant's own domains",
    essential: false,
    ask_for: "Directory.Read.All",
    others: &["Organization.Read.All"],
    too_much: &["Organization.ReadWrite.All", "Directory.ReadWrite.All"],
};
/// Microsoft Graph, *List orgContacts*.
const CONTACTS: Need = Need {
    purpose: "to find addresses that contacts hold",
    essential: false,
    ask_for: "Directory.Read.All",
    others: &["OrgContact.Read.All"],
    too_much: &["Directory.ReadWrite.All"],
};
/// Microsoft Graph, *List groups*.
const GROUPS: Need = Need {
    purpose: "to find addresses that groups hold",
    essential: false,
    ask_for: "Directory.Read.All",
    others: &["GroupMember.Read.All", "Group.Read.All"],
    too_much: &["GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"],
};
/// Microsoft Graph, *List unifiedRoleAssignments*, 2024-07.
const ROLES: Need = Need {
    purpose: "to find guests that hold a role",
    essential: false,
    ask_for: "RoleManagement.Read.Directory",
    others: &["RoleManagement.Read.All", "Directory.Read.All"],
    too_much: &["RoleManagement.ReadWrite.Directory", "Directory.ReadWrite.All"],
};
/// Microsoft Graph, *List roleEligibilityScheduleInstances*.
const ELIGIBILITIES: Need = Need {
    purpose: "to find guests that may activate a role",
    essential: false,
    ask_for: "RoleManagement.Read.Directory",
    others: &["RoleEligibilitySchedule.Read.Directory", "RoleManagement.Read.All"],
    too_much: &[
        "RoleEligibilitySchedule.ReadWrite.Directory",
        "RoleManagement.ReadWrite.Directory",
    ],
};
/// Microsoft Graph, *Get authorizationPolicy*, *crossTenantAccessPolicy: List partners*.
const POLICIES: Need = Need {
    purpose: "to know whether invitations are allowed, and which tenants synchronise users",
    essential: false,
    ask_for: "Policy.Read.All",
    others: &[],
    too_much: &["Policy.ReadWrite.Authorization", "Policy.ReadWrite.CrossTenantAccess"],
};
/// Microsoft Graph beta, *List b2bManagementPolicies*, 2025-10.
const INVITED_DOMAINS: Need = Need {
    purpose: "to know which domains may be invited",
    essential: false,
    ask_for: "Policy.Read.B2BManagementPolicy",
    others: &[],
    too_much: &["Policy.ReadWrite.B2BManagementPolicy"],
};
/// Microsoft Graph, *findTenantInformationByDomainName*, 2024-11.
const OTHER_TENANTS: Need = Need {
    purpose: "to know whether a new domain is an Entra tenant",
    essential: false,
    ask_for: "CrossTenantInformation.ReadBasic.All",
    others: &[],
    too_much: &[],
};
/// Microsoft Graph, *Get emailAuthenticationMethodConfiguration*.
const EMAIL_CODES: Need = Need {
    purpose: "to know whether guests get codes by mail",
    essential: false,
    ask_for: "Policy.Read.AuthenticationMethod",
    others: &[],
    too_much: &["Policy.ReadWrite.AuthenticationMethod"],
};
/// Microsoft Graph, *Get samlOrWsFedExternalDomainFederation*.
const FEDERATIONS: Need = Need {
    purpose: "to know whether people without a tenant and codes sign in by a federation",
    essential: false,
    ask_for: "Domain.Read.All",
    others: &[],
    too_much: &["Domain.ReadWrite.All"],
};

/// Microsoft Graph, *List messageTraces*, 2026-01: nothing higher does it.
const MAIL_TRACE: Need = Need {
    purpose: "to know whether mails arrived",
    essential: false,
    ask_for: "ExchangeMessageTrace.Read.All",
    others: &[],
    too_much: &[],
};

/// What asking the message trace needs, too.
pub(super) fn with_mail_trace(mut needs: Vec<Need>) -> Vec<Need> {
    needs.push(MAIL_TRACE);
    needs
}

/// What a plan needs; without one, or without anything left to change, what every
/// campaign with these settings does.
pub fn needs(plan: Option<&Plan>, mail: MailWrite, caller: Caller, restricted: bool) -> Vec<Need> {
    let (writes_mail, writes_other_mails) = match plan.filter(|plan| plan.counts.change > 0) {
        Some(plan) => {
            let writes = plan.rows.iter().filter_map(|row| match &row.decision {
                Decision::Change(change) => change.set_mail.as_ref(),
                Decision::Settled(_) | Decision::Blocked(_) => None,
            });
            writes.fold((false, false), |(mail, other), set| {
                (mail || set.desired.is_some(), other || set.other_mails.is_some())
            })
        }
        None => match mail {
            MailWrite::Mail => (true, false),
            MailWrite::OtherMails => (false, true),
            MailWrite::Both => (true, true),
        },
    };
    let mut needs = vec![INVITE, RESET, READ_USERS];
    needs.extend(writes_mail.then_some(WRITE_MAIL));
    needs.extend(writes_other_mails.then_some(WRITE_OTHER_MAILS));
    needs.push(Need { essential: restricted, ..INVITE_WHERE_RESTRICTED });
    needs.extend([DOMAINS, CONTACTS, GROUPS]);
    // A signed-in administrator can reset role holders, so nobody asks.
    if caller == Caller::AppOnly {
        needs.extend([ROLES, ELIGIBILITIES]);
    }
    needs.extend([POLICIES, INVITED_DOMAINS, OTHER_TENANTS, EMAIL_CODES, FEDERATIONS]);
    needs
}

/// What a token has, set against what is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Needs that a run can't do without and the token does not meet.
    pub missing: Vec<Need>,
    /// Needs of the plan alone that the token does not meet.
    pub unseen: Vec<Need>,
    /// Permissions that nothing here needs, or needs so much of.
    pub needless: Vec<Needless>,
}

/// A permission that is more than needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needless {
    pub permission: String,
    /// What is needed instead and not there yet, were it taken away.
    pub instead: Vec<&'static str>,
    /// Whether it serves at all.
    pub serves: bool,
}

/// Scopes of signing in itself, which no tenant can do without.
const SIGN_IN: &[&str] = &["openid", "profile", "email", "offline_access", "User.Read"];

/// What serves a command that is no run: `draft` says when guests last signed in, `plan
/// --reach` what their apps are, and `aftercare` where the sites of their groups are.
const BESIDE_A_RUN: &[&str] = &["AuditLog.Read.All", "Application.Read.All", "Sites.Read.All"];

/// Compares what a token has with what is needed.
pub fn compare(has: &[String], needs: &[Need]) -> Compared {
    let is_of_a_run = |name: &&str| !SIGN_IN.contains(name) && !BESIDE_A_RUN.contains(name);
    let has: BTreeSet<&str> = has.iter().map(String::as_str).filter(is_of_a_run).collect();
    let unmet = |essential| {
        let unmet = needs.iter().filter(|need| need.essential == essential && !need.is_met(&has));
        unmet.copied().collect()
    };
    let needless = has
        .iter()
        .filter(|permission| !needs.iter().any(|need| need.is_met_modestly_by(permission)));
    let needless = needless.map(|permission| {
        let mut rest: BTreeSet<&str> =
            has.iter().copied().filter(|held| held != permission).collect();
        let mut purposes = needs.iter().filter(|need| need.is_met_by(permission)).peekable();
        let serves = purposes.peek().is_some();
        let mut instead = Vec::new();
        for need in purposes {
            // What takes the place of it for one need may do for the next.
            if !need.is_met(&rest) {
                rest.insert(need.ask_for);
                instead.push(need.ask_for);
            }
        }
        Needless { permission: (*permission).to_owned(), instead, serves }
    });
    Compared { missing: unmet(true), unseen: unmet(false), needless: needless.collect() }
}

/// The permissions to ask for, each once, in the order of the needs.
pub(super) fn to_ask_for<'a>(needs: impl IntoIterator<Item = &'a Need>) -> Vec<&'static str> {
    let mut names = Vec::new();
    for need in needs {
        if !names.contains(&need.ask_for) {
            names.push(need.ask_for);
        }
    }
    names
}
