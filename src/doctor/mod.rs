//! What stands between a configuration and a run that succeeds, judged from what was
//! seen: pure, like `plan`, which it builds on.
//!
//! Leaves to others: signing in and reading the tenant (`graph`), how it is shown
//! (`report`), and what an exit code is (`cli`).

mod campaign;
mod mailing;
mod permissions;
mod tenant;

#[cfg(test)]
mod tests;

use jiff::SignedDuration;
use serde::Serialize;

use crate::config::{MailWrite, UserWide};
use crate::domain::{Caller, Tenant};
use crate::plan::Plan;

pub use campaign::LastRun;
pub use mailing::{Mailing, Trouble, Unfit};
pub use permissions::{Compared, Need, Needless, compare, needs};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Ok,
    Warning,
    Problem,
    /// Could not be told.
    NotSeen,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    pub code: &'static str,
    /// What is; without full stop.
    pub message: String,
    /// How to mend it, or what follows.
    pub advice: Option<String>,
}

impl Finding {
    fn ok(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Ok, code, message: message.into(), advice: None }
    }

    fn with_advice(
        severity: Severity,
        code: &'static str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { severity, code, message: message.into(), advice: Some(advice.into()) }
    }

    /// Something that keeps every run from succeeding.
    pub fn problem(
        code: &'static str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::with_advice(Severity::Problem, code, message, advice)
    }

    fn warning(code: &'static str, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::with_advice(Severity::Warning, code, message, advice)
    }

    fn not_seen(code: &'static str, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::with_advice(Severity::NotSeen, code, message, advice)
    }
}

/// What was configured, for a person to recognise it by.
#[derive(Debug, Clone)]
pub struct Configured {
    pub tenant: String,
    /// The cloud, or where Graph is.
    pub cloud: String,
    pub method: &'static str,
    /// Where the campaign's record is, if that is known.
    pub checkpoint: Option<String>,
    /// The folder of that record, where others may read what is written there: Windows gives
    /// new files the permissions of their folder, and this one is in no profile.
    pub open_folder: Option<String>,
    /// Where an administrator consents to an application's permissions, up to its id.
    pub consent_url: String,
    /// The application's id, where the configuration says it.
    pub client_id: Option<String>,
    /// Which attribute takes the new address.
    pub mail: MailWrite,
    /// What of this is the user's own, and where.
    pub user_wide: Option<UserWide>,
    /// Whether nights ask the message trace what became of mails.
    pub mail_trace: bool,
    /// Whether this is the cloud that has the message trace.
    pub has_message_trace: bool,
}

/// What the token says of its holder.
#[derive(Debug, Clone)]
pub struct Identity {
    /// An application, or for a person.
    pub caller: Caller,
    pub app_id: Option<String>,
    pub user_name: Option<String>,
    /// What was granted; None when the token does not say.
    pub permissions: Option<Vec<String>>,
    /// Template ids of the directory roles held.
    pub roles: Vec<String>,
}

/// What was read of the tenant.
#[derive(Debug, Clone)]
pub struct Seen {
    pub tenant: Tenant,
    /// Its users, guests and members.
    pub users: Option<u64>,
    /// Whether guests of any partner may come by default.
    pub inbound_allowed: Option<bool>,
    /// How far the service's clock is ahead of ours.
    pub skew: SignedDuration,
}

/// Everything there is to judge by; what could not be come by is None.
#[derive(Debug)]
pub struct Facts<'a> {
    pub configured: Configured,
    pub identity: Option<Identity>,
    pub seen: Option<Seen>,
    /// The plan, if there is a manifest and it could be planned.
    pub plan: Option<&'a Plan>,
    /// How the last run of the campaign ended; None without a checkpoint.
    pub last_run: Option<LastRun>,
    /// How mails of one's own would leave; None where Microsoft mails.
    pub mailing: Option<Mailing>,
    /// What is wrong with the templates of one's own mails, held against the manifest.
    pub templates: Vec<Unfit>,
    /// What ended the examination before its end.
    pub obstacle: Option<Finding>,
}

/// The permissions as `--output json` shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Permissions {
    /// What the token has; None when it does not say.
    pub has: Option<Vec<String>>,
    pub needs: Vec<&'static str>,
    pub missing: Vec<&'static str>,
    /// What would let the plan see more.
    pub useful: Vec<&'static str>,
    /// What is more than needed.
    pub needless: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// Name or id of the tenant.
    pub tenant: String,
    /// In the order in which a run meets them.
    pub findings: Vec<Finding>,
    pub permissions: Permissions,
}

impl Diagnosis {
    /// Whether another run has the checkpoint, and none can begin before it has ended.
    pub fn is_under_way(&self) -> bool {
        self.findings.iter().any(|finding| finding.code == campaign::UNDER_WAY)
    }

    /// Whether a run could succeed, as far as that can be told.
    pub fn is_fit(&self) -> bool {
        !self.findings.iter().any(|finding| finding.severity == Severity::Problem)
    }
}

pub fn diagnose(facts: &Facts<'_>) -> Diagnosis {
    let configured = &facts.configured;
    let mut findings = vec![configuration(configured)];
    findings.extend(configured.open_folder.as_deref().map(private_files));
    let caller = facts.identity.as_ref().map_or(Caller::AppOnly, |identity| identity.caller);
    let restricted = caller == Caller::AppOnly
        && facts.seen.as_ref().is_some_and(|seen| tenant::restricts_invitations(&seen.tenant));
    let mut needs = needs(facts.plan, configured.mail, caller, restricted);
    if configured.mail_trace && configured.has_message_trace {
        needs = permissions::with_mail_trace(needs);
    }
    let mut permissions = Permissions {
        needs: permissions::to_ask_for(needs.iter().filter(|need| need.essential)),
        ..Permissions::default()
    };
    if let Some(identity) = &facts.identity {
        findings.push(signed_in(identity));
        let is_mailbox = matches!(facts.mailing, Some(Mailing::Mailbox { .. }));
        findings.extend(granted(identity, &needs, configured, is_mailbox, &mut permissions));
        findings.extend(directory_role(identity));
    }
    if let Some(seen) = &facts.seen {
        findings.extend(tenant::findings(seen, facts.plan));
    }
    let mailing = facts.mailing.iter();
    findings.extend(mailing.flat_map(|it| mailing::findings(it, facts.identity.as_ref())));
    findings.extend(mailing::trace(configured));
    findings.extend(facts.templates.iter().map(mailing::template));
    findings.extend(facts.plan.into_iter().flat_map(campaign::planned));
    findings.extend(facts.last_run.as_ref().map(campaign::last_run));
    findings.extend(facts.obstacle.clone());
    let tenant = facts.seen.as_ref().map(|seen| &seen.tenant);
    let name = tenant.and_then(|tenant| Some((tenant.display_name.as_ref()?, tenant.id.as_ref()?)));
    Diagnosis {
        tenant: match name {
            Some((name, id)) => format!("{name} (tenant {id})"),
            None => format!("tenant {}", configured.tenant),
        },
        findings,
        permissions,
    }
}

fn configuration(configured: &Configured) -> Finding {
    let Configured { tenant, cloud, method, checkpoint, user_wide, .. } = configured;
    let checkpoint = match checkpoint {
        Some(path) => format!("checkpoint {path}"),
        None => "no checkpoint named".to_owned(),
    };
    let user = user_wide.as_ref().map(|UserWide { path, sections }| {
        let sections: Vec<_> = sections.iter().map(|section| format!("[{section}]")).collect();
        format!(", {} from {}", sections.join(" and "), path.display())
    });
    let user = user.unwrap_or_default();
    Finding::ok("configuration", format!("tenant {tenant}, {cloud}, {method}, {checkpoint}{user}"))
}

fn private_files(folder: &str) -> Finding {
    Finding::not_seen(
        "private-files",
        format!(
            "who else can read the addresses in checkpoint, log and results: new files in {folder} \
             have its permissions"
        ),
        "keep the campaign in a folder of your profile (%USERPROFILE%), or see in the folder's \
         Properties, Security, that nobody else can read it",
    )
}

fn signed_in(identity: &Identity) -> Finding {
    let app = identity.app_id.as_deref().unwrap_or("that the token does not name");
    let who = match (identity.caller, &identity.user_name) {
        (Caller::AppOnly, _) => format!("as the application {app}"),
        (Caller::Delegated, Some(user)) => format!("as {user}, through the application {app}"),
        (Caller::Delegated, None) => format!("as a person, through the application {app}"),
    };
    Finding::ok("sign-in", who)
}

/// Sets what the token has against what is needed.
fn granted(
    identity: &Identity,
    needs: &[Need],
    configured: &Configured,
    is_mailbox: bool,
    permissions: &mut Permissions,
) -> Vec<Finding> {
    let Some(has) = &identity.permissions else {
        return vec![Finding::not_seen(
            "permissions",
            "the token does not say what it permits",
            format!("it has to permit {}", permissions.needs.join(" and ")),
        )];
    };
    let mut compared = compare(has, needs);
    let of_mailbox = |name: &str| is_mailbox && mailing::OF_A_MAILBOX.contains(&name);
    compared.needless.retain(|needless| !of_mailbox(&needless.permission));
    permissions.has = Some(has.clone());
    permissions.missing = permissions::to_ask_for(&compared.missing);
    permissions.useful = permissions::to_ask_for(&compared.unseen);
    permissions.needless =
        compared.needless.iter().map(|needless| needless.permission.clone()).collect();
    let consent = consent(identity, configured);
    let mut findings: Vec<Finding> = Vec::new();
    for permission in &permissions.missing {
        let message =
            format!("{permission} is missing: {}", purposes(&compared.missing, permission));
        let advice = format!("add it to the app registration, then {consent}");
        findings.push(Finding::problem("permission-missing", message, advice));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("permissions", "the token permits what a run needs"));
    }
    if !permissions.useful.is_empty() {
        let useful = permissions
            .useful
            .iter()
            .map(|permission| format!("{permission} ({})", purposes(&compared.unseen, permission)));
        findings.push(Finding::warning(
            "permission-useful",
            format!("not granted: {}", useful.collect::<Vec<_>>().join("; ")),
            "a run can do without; the plan says what it did not see",
        ));
    }
    for Needless { permission, instead, serves } in &compared.needless {
        let message = if *serves {
            format!("{permission} grants far more than is needed")
        } else {
            format!("{permission} is not needed")
        };
        let advice = if instead.is_empty() {
            "take it away".to_owned()
        } else {
            format!("grant {} instead", instead.join(", "))
        };
        findings.push(Finding::warning("permission-needless", message, advice));
    }
    findings
}

fn purposes(needs: &[Need], permission: &str) -> String {
    let of_it = needs.iter().filter(|need| need.ask_for == permission);
    of_it.map(|need| need.purpose).collect::<Vec<_>>().join(", ")
}

/// What an administrator does about a permission.
fn consent(identity: &Identity, configured: &Configured) -> String {
    match identity.app_id.as_deref().or(configured.client_id.as_deref()) {
        Some(id) => {
            format!("have an administrator consent at {}{id}", configured.consent_url)
        }
        None => "have an administrator consent".to_owned(),
    }
}

/// Directory roles that may reset a redemption, by template id (Entra, *Reset redemption
/// status*, 2026-04); the last is not named there and may do whatever the others may.
const MAY_RESET: &[(&str, &str)] = &[
    ("729827e3-9c14-49f7-bb1b-9608f156bbb8", "Helpdesk Administrator"),
    ("fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator"),
    ("62e90394-69f5-4237-9190-012177145e10", "Global Administrator"),
];

/// A person needs a role besides the permission; an application does not.
fn directory_role(identity: &Identity) -> Option<Finding> {
    if identity.caller == Caller::AppOnly {
        return None;
    }
    let held =
        |(id, _): &&(&str, &str)| identity.roles.iter().any(|role| role.eq_ignore_ascii_case(id));
    let advice = "assign Helpdesk Administrator or User Administrator at the directory scope, and sign in again";
    Some(match MAY_RESET.iter().find(held) {
        Some((_, name)) => Finding::ok("directory-role", format!("{name} may reset redemptions")),
        None if identity.roles.is_empty() => {
            Finding::not_seen("directory-role", "the token names no directory roles", advice)
        }
        None => Finding::problem(
            "directory-role",
            "none of the signed-in person's roles may reset redemptions",
            advice,
        ),
    })
}
