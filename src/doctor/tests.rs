//! Judgement without a tenant.

use jiff::SignedDuration;

use super::*;
use crate::config::MailWrite;
use crate::domain::{InvitedDomains, InvitesFrom, Partner};

const LEAST: [&str; 2] = ["User.Invite.All", "User.ReadWrite.All"];
const WHOLE: [&str; 9] = [
    "User.Invite.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "RoleManagement.Read.Directory",
    "Policy.Read.All",
    "Policy.Read.B2BManagementPolicy",
    "CrossTenantInformation.ReadBasic.All",
    "Policy.Read.AuthenticationMethod",
    "Domain.Read.All",
];

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn identity(caller: Caller, permissions: &[&str]) -> Identity {
    Identity {
        caller,
        app_id: Some("a1".to_owned()),
        user_name: None,
        permissions: Some(owned(permissions)),
        roles: Vec::new(),
    }
}

fn facts(identity: Identity, tenant: Tenant) -> Facts<'static> {
    Facts {
        configured: Configured {
            tenant: "contoso.example".to_owned(),
            cloud: "cloud global".to_owned(),
            method: "client-secret",
            checkpoint: None,
            open_folder: None,
            consent_url: "https://login.example/contoso.example/adminconsent?client_id=".to_owned(),
            client_id: None,
            mail: MailWrite::Mail,
            user_wide: None,
            mail_trace: false,
            has_message_trace: true,
        },
        identity: Some(identity),
        seen: Some(Seen {
            tenant,
            users: Some(500),
            inbound_allowed: Some(true),
            skew: SignedDuration::ZERO,
        }),
        plan: None,
        last_run: None,
        mailing: None,
        templates: Vec::new(),
        obstacle: None,
    }
}

fn tenant() -> Tenant {
    let mut tenant = Tenant {
        verified_domains: ["contoso.example".to_owned()].into(),
        default_domain: Some("contoso.example".to_owned()),
        ..Tenant::default()
    };
    tenant.policies.invites_from = Some(InvitesFrom::Everyone);
    tenant.policies.domains = Some(InvitedDomains::All);
    tenant.policies.partners = Some(Vec::new());
    tenant
}

/// The findings that are not as they should be: severity and code.
fn amiss(facts: &Facts<'_>) -> Vec<(Severity, &'static str)> {
    let findings = diagnose(facts).findings;
    let amiss = findings.into_iter().filter(|finding| finding.severity != Severity::Ok);
    amiss.map(|finding| (finding.severity, finding.code)).collect()
}

#[test]
fn what_a_token_has_is_compared_in_both_directions() {
    let app = needs(None, MailWrite::Mail, Caller::AppOnly, false);
    let names = |needs: &[Need]| permissions::to_ask_for(needs);
    let all = names(&app);
    assert_eq!(all.iter().filter(|name| WHOLE.contains(name)).count(), WHOLE.len());
    assert_eq!(all.len(), WHOLE.len());
    let with = |has: &[&str], more: &[&str]| owned(&[has, more].concat());
    for (has, missing, unseen, needless) in [
        (owned(&WHOLE), &[][..], &[][..], &[][..]),
        (owned(&LEAST), &[], &WHOLE[2..], &[]),
        (
            owned(&[]),
            &LEAST[..],
            &[
                "User.Invite.All",
                "Directory.Read.All",
                "RoleManagement.Read.Directory",
                "Policy.Read.All",
                "Policy.Read.B2BManagementPolicy",
                "CrossTenantInformation.ReadBasic.All",
                "Policy.Read.AuthenticationMethod",
                "Domain.Read.All",
            ],
            &[],
        ),
        (owned(&["User.Invite.All"]), &["User.ReadWrite.All"], &WHOLE[2..], &[]),
        // It can invite, unless the tenant restricts that.
        (
            owned(&["User.ReadWrite.All"]),
            &[],
            &[
                "User.Invite.All",
                "Directory.Read.All",
                "RoleManagement.Read.Directory",
                "Policy.Read.All",
                "Policy.Read.B2BManagementPolicy",
                "CrossTenantInformation.ReadBasic.All",
                "Policy.Read.AuthenticationMethod",
                "Domain.Read.All",
            ],
            &[],
        ),
        // Narrower ones do as well, and those of signing in are no matter.
        (
            with(
                &LEAST,
                &[
                    "Organization.Read.All",
                    "OrgContact.Read.All",
                    "Group.Read.All",
                    "User.Read",
                    "AuditLog.Read.All",
                    "RoleManagement.Read.All",
                    "Policy.Read.All",
                    "Policy.Read.B2BManagementPolicy",
                    "CrossTenantInformation.ReadBasic.All",
                    "Policy.Read.AuthenticationMethod",
                    "Domain.Read.All",
                    "openid",
                ],
            ),
            &[],
            &[],
            &[],
        ),
        (with(&WHOLE, &["Mail.Send"]), &[], &[], &["Mail.Send: -"]),
        (with(&WHOLE, &["Directory.ReadWrite.All"]), &[], &[], &["Directory.ReadWrite.All: "]),
        (
            owned(&["User.Invite.All", "Directory.ReadWrite.All"]),
            &[],
            &[
                "RoleManagement.Read.Directory",
                "Policy.Read.All",
                "Policy.Read.B2BManagementPolicy",
                "CrossTenantInformation.ReadBasic.All",
                "Policy.Read.AuthenticationMethod",
                "Domain.Read.All",
            ],
            &["Directory.ReadWrite.All: User.ReadWrite.All, Directory.Read.All"],
        ),
    ] {
        let compared = compare(&has, &app);
        assert_eq!(names(&compared.missing), missing, "{has:?}");
        assert_eq!(names(&compared.unseen), unseen, "{has:?}");
        let found = compared.needless.iter().map(|Needless { permission, instead, serves }| {
            let instead = if *serves { instead.join(", ") } else { "-".to_owned() };
            format!("{permission}: {instead}")
        });
        assert_eq!(found.collect::<Vec<_>>(), needless, "{has:?}");
    }
}

#[test]
fn what_is_needed_follows_the_attribute_and_the_caller() {
    let purposes = |mail, caller| {
        let needs = needs(None, mail, caller, false);
        needs.iter().map(|need| need.purpose).collect::<Vec<_>>()
    };
    let app = purposes(MailWrite::Mail, Caller::AppOnly);
    assert!(app.contains(&"to write the mail") && !app.contains(&"to write otherMails"));
    assert!(app.contains(&"to find guests that hold a role"));
    let person = purposes(MailWrite::Both, Caller::Delegated);
    assert!(person.contains(&"to write the mail") && person.contains(&"to write otherMails"));
    assert!(!person.contains(&"to find guests that hold a role"));
    // A permission for an attribute that is not written is needless.
    let has = owned(&[&WHOLE[..], &["User-Mail.ReadWrite.All"]].concat());
    for (mail, needless) in [(MailWrite::Mail, 1), (MailWrite::OtherMails, 0)] {
        let compared = compare(&has, &needs(None, mail, Caller::AppOnly, false));
        assert_eq!(compared.needless.len(), needless, "{mail:?}");
    }
}

#[test]
fn a_missing_permission_is_a_problem_and_says_where_to_consent() {
    let facts = facts(identity(Caller::AppOnly, &WHOLE[1..]), tenant());
    assert!(diagnose(&facts).is_fit());
    let facts = self::facts(identity(Caller::AppOnly, &WHOLE[2..]), tenant());
    let diagnosis = diagnose(&facts);
    assert!(!diagnosis.is_fit());
    assert_eq!(diagnosis.permissions.missing, LEAST);
    let missing = diagnosis.findings.iter().find(|f| f.code == "permission-missing").unwrap();
    let advice = missing.advice.as_deref().unwrap();
    assert!(advice.ends_with("https://login.example/contoso.example/adminconsent?client_id=a1"));
}

#[test]
fn the_message_trace_is_asked_for_where_nights_ask_it() {
    let mut facts = facts(identity(Caller::AppOnly, &WHOLE), tenant());
    assert_eq!(diagnose(&facts).permissions.useful, Vec::<&str>::new());
    facts.configured.mail_trace = true;
    let diagnosis = diagnose(&facts);
    assert_eq!(diagnosis.permissions.useful, ["ExchangeMessageTrace.Read.All"]);
    assert!(diagnosis.is_fit(), "a run can do without");
    let told = diagnosis.findings.iter().find(|finding| finding.code == "permission-useful");
    assert!(told.unwrap().message.contains("to know whether mails arrived"));
    // No permission helps where there is no trace.
    facts.configured.has_message_trace = false;
    facts.configured.cloud = "cloud us-gov".to_owned();
    assert_eq!(amiss(&facts), [(Severity::NotSeen, "mail-trace")]);
    let diagnosis = diagnose(&facts);
    assert!(diagnosis.is_fit() && diagnosis.permissions.useful.is_empty());
    let told = diagnosis.findings.iter().find(|finding| finding.code == "mail-trace");
    assert!(told.unwrap().message.contains("this is cloud us-gov"), "{told:?}");
}

#[test]
fn a_token_that_says_nothing_is_no_problem() {
    let opaque = Identity { permissions: None, ..identity(Caller::AppOnly, &[]) };
    assert_eq!(amiss(&facts(opaque, tenant())), [(Severity::NotSeen, "permissions")]);
}

#[test]
fn a_person_needs_a_role_that_may_reset() {
    let person = |roles: &[&str]| {
        let identity = Identity { roles: owned(roles), ..identity(Caller::Delegated, &WHOLE) };
        let facts = facts(identity, tenant());
        amiss(&facts).into_iter().filter(|(_, code)| *code == "directory-role").collect::<Vec<_>>()
    };
    let member = "b79fbf4d-3ef9-4689-8143-76b194e85509";
    let guest_inviter = "95e79109-95c0-4d8e-aee3-d01accf2d47b";
    assert_eq!(person(&[]), [(Severity::NotSeen, "directory-role")]);
    assert_eq!(person(&[member, guest_inviter]), [(Severity::Problem, "directory-role")]);
    for (id, _) in MAY_RESET {
        assert_eq!(person(&[member, &id.to_uppercase()]), []);
    }
}

#[test]
fn what_the_tenants_settings_mean() {
    type Case = (&'static str, Tenant, &'static [&'static str], Vec<(Severity, &'static str)>);
    let mut cases: Vec<Case> = Vec::new();
    let with = |change: &dyn Fn(&mut Tenant)| {
        let mut tenant = tenant();
        change(&mut tenant);
        tenant
    };
    let from = |from: InvitesFrom| with(&|t| t.policies.invites_from = Some(from.clone()));
    cases.push(("as it should be", tenant(), &WHOLE, vec![]));
    let problem = || vec![(Severity::Problem, "invitations")];
    cases.push(("nobody", from(InvitesFrom::Nobody), &WHOLE, problem()));
    cases.push(("some", from(InvitesFrom::AdminsAndGuestInviters), &WHOLE, vec![]));
    let restricted = vec![(Severity::Problem, "permission-missing")];
    cases.push(("some", from(InvitesFrom::AdminsAndGuestInviters), &WHOLE[1..], restricted));
    let other = InvitesFrom::Other("new".into());
    cases.push(("unknown", from(other), &WHOLE, vec![(Severity::NotSeen, "invitations")]));
    let listed = InvitedDomains::Only(["a.example".to_owned()].into());
    cases.push((
        "list",
        with(&|t| t.policies.domains = Some(listed.clone())),
        &WHOLE,
        vec![(Severity::Warning, "invited-domains")],
    ));
    let partner = Partner {
        tenant_id: "p".to_owned(),
        name: Some("Fabrikam".to_owned()),
        synchronises: true,
        ..Partner::default()
    };
    cases.push((
        "synchronisation",
        with(&|t| t.policies.partners = Some(vec![partner.clone()])),
        &WHOLE,
        vec![(Severity::Warning, "cross-tenant-access")],
    ));
    cases.push((
        "capped",
        with(&|t| t.default_domain = Some("contoso.onmicrosoft.us".to_owned())),
        &WHOLE,
        vec![(Severity::Warning, "mail")],
    ));
    let not_seen = ["invitations", "invited-domains", "cross-tenant-access", "mail"];
    cases.push((
        "nothing read",
        Tenant::default(),
        &WHOLE,
        not_seen.map(|code| (Severity::NotSeen, code)).to_vec(),
    ));
    for (name, tenant, has, expected) in cases {
        assert_eq!(amiss(&facts(identity(Caller::AppOnly, has), tenant)), expected, "{name}");
    }
}

#[test]
fn inbound_access_clock_and_quota_are_judged() {
    let judged = |change: &dyn Fn(&mut Seen)| {
        let mut facts = facts(identity(Caller::AppOnly, &WHOLE), tenant());
        change(facts.seen.as_mut().unwrap());
        let amiss = amiss(&facts);
        let diagnosis = diagnose(&facts);
        let message = |code: &str| {
            let found = diagnosis.findings.iter().find(|finding| finding.code == code);
            found.unwrap().message.clone()
        };
        (amiss, message("quota"), message("clock"))
    };
    let blocked = judged(&|seen| seen.inbound_allowed = Some(false)).0;
    assert_eq!(blocked, [(Severity::Warning, "cross-tenant-access")]);
    for (users, class) in [(49, "S"), (50, "M"), (500, "M"), (501, "L")] {
        let quota = judged(&|seen| seen.users = Some(users)).1;
        assert!(quota.starts_with(&format!("{users} users, class {class}: ")), "{quota}");
    }
    for (seconds, is_amiss, message) in [
        (2, false, "agrees with the service's"),
        (-120, false, "120 s ahead of the service's"),
        (301, true, "301 s behind the service's"),
    ] {
        let (amiss, _, clock) = judged(&|seen| seen.skew = SignedDuration::from_secs(seconds));
        assert_eq!((!amiss.is_empty(), clock.as_str()), (is_amiss, message));
    }
}

#[test]
fn how_the_last_run_ended_is_told() {
    let run = |stop_reason: Option<&str>, unknown| LastRun {
        started_at: Some("2026-11-20T22:00:00Z".parse().unwrap()),
        stop_reason: stop_reason.map(str::to_owned),
        unknown,
        held_by: None,
    };
    for (run, severity, part) in [
        (LastRun { started_at: None, ..run(None, 0) }, Severity::Ok, "none yet"),
        (run(None, 0), Severity::Ok, "was not stopped"),
        (run(None, 2), Severity::Warning, "2 outcomes are unknown"),
        (run(Some("invitations-blocked"), 0), Severity::Warning, "stopped: invitations-blocked"),
        (
            LastRun { held_by: Some("pid 7".to_owned()), ..run(None, 0) },
            Severity::Warning,
            "in use by pid 7",
        ),
    ] {
        let finding = campaign::last_run(&run);
        assert_eq!(finding.severity, severity, "{run:?}");
        assert!(finding.message.contains(part), "{finding:?}");
    }
}

#[test]
fn a_folder_that_others_may_read_is_named() {
    let mut facts = facts(identity(Caller::AppOnly, &LEAST), Tenant::default());
    let said = |facts: &Facts<'_>| {
        let findings = diagnose(facts).findings;
        findings.into_iter().find(|finding| finding.code == "private-files")
    };
    assert_eq!(said(&facts), None);
    facts.configured.open_folder = Some(r"D:\moves".to_owned());
    let said = said(&facts).unwrap();
    assert_eq!(said.severity, Severity::NotSeen);
    assert!(said.message.ends_with(r"new files in D:\moves have its permissions"), "{said:?}");
}
