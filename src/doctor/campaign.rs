//! What the campaign itself says: the plan of its manifest, and how its last run ended.

use jiff::Timestamp;

use crate::plan::{Blocked, Decision, NewDomain, Plan, Redeems};

use super::{Finding, Severity};

/// The code of a run that has the checkpoint.
pub(super) const UNDER_WAY: &str = "run-under-way";

/// How the last run of a campaign ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRun {
    /// When it began; None if there was none yet.
    pub started_at: Option<Timestamp>,
    pub stop_reason: Option<String>,
    /// Invitations whose outcome is not known.
    pub unknown: u64,
    /// Who holds the checkpoint right now.
    pub held_by: Option<String>,
}

pub(super) fn planned(plan: &Plan) -> Vec<Finding> {
    let counts = plan.counts;
    let message = format!(
        "{} rows: {} to change, {} blocked, {} settled",
        counts.rows, counts.change, counts.blocked, counts.settled
    );
    let refusals: Vec<&str> = plan.refusals().map(|finding| finding.code).collect();
    let mut findings = vec![if refusals.is_empty() {
        Finding::ok("plan", message)
    } else {
        Finding::problem(
            "plan",
            format!("{message}; apply refuses it: {}", refusals.join(", ")),
            "`reinvite plan` says why, and what allows it",
        )
    }];
    findings.extend(new_domains(plan));
    let holders = plan
        .rows
        .iter()
        .filter(|row| matches!(row.decision, Decision::Blocked(Blocked::HoldsRole { .. })));
    let holders = holders.count();
    if holders > 0 {
        findings.push(Finding::warning(
            "role-holders",
            match holders {
                1 => "1 guest holds a directory role, and an application can't reset it".to_owned(),
                n => {
                    format!("{n} guests hold a directory role, and an application can't reset them")
                }
            },
            "a signed-in Helpdesk Administrator or User Administrator can",
        ));
    }
    findings
}

/// Domains that are named one by one; more are counted.
const MOST_DOMAINS: usize = 20;

/// Whether the people of the new domains can redeem.
fn new_domains(plan: &Plan) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        plan.domains.iter().take(MOST_DOMAINS).map(new_domain).collect();
    let rest = &plan.domains[plan.domains.len().min(MOST_DOMAINS)..];
    if !rest.is_empty() {
        let refused = rest.iter().filter(|domain| domain.redeems == Redeems::No).count();
        let message = format!("{} more domains; the people of {refused} can't redeem", rest.len());
        findings.push(Finding::with_advice(
            if refused > 0 { Severity::Warning } else { Severity::Ok },
            NEW_DOMAIN,
            message,
            "`reinvite plan -v` names them",
        ));
    }
    findings
}

const NEW_DOMAIN: &str = "new-domain";

fn new_domain(domain: &NewDomain) -> Finding {
    let rows = if domain.rows == 1 { "1 row".to_owned() } else { format!("{} rows", domain.rows) };
    let message = format!("{}, {rows}: {}", domain.domain, domain.about);
    let shows = format!("{} would show it", domain.unknown.join(", "));
    match domain.redeems {
        Redeems::No => {
            Finding::warning(NEW_DOMAIN, message, "the plan blocks its rows, and says what to do")
        }
        Redeems::Unknown => Finding::not_seen(NEW_DOMAIN, message, shows),
        Redeems::Tenant
        | Redeems::Federation
        | Redeems::Code
        | Redeems::MicrosoftAccount
        | Redeems::AsConfigured => Finding {
            advice: (!domain.unknown.is_empty()).then_some(shows),
            ..Finding::ok(NEW_DOMAIN, message)
        },
    }
}

pub(super) fn last_run(run: &LastRun) -> Finding {
    if let Some(owner) = &run.held_by {
        return Finding::warning(
            UNDER_WAY,
            format!("the checkpoint is in use by {owner}"),
            "another run can't begin meanwhile",
        );
    }
    let Some(started) = run.started_at else {
        return Finding::ok("last-run", "none yet");
    };
    let unknown = match run.unknown {
        0 => String::new(),
        n => format!("; {n} outcomes are unknown"),
    };
    match run.stop_reason.as_deref() {
        Some(reason) => Finding::warning(
            "last-run",
            format!("began {started:.0} and was stopped: {reason}{unknown}"),
            match reason {
                "invitations-blocked" => {
                    "only Microsoft's support lifts the block; apply tries one row before the others"
                }
                "invitations-disabled" | "permission" => {
                    "see above; apply tries one row before the others"
                }
                _ => "the same apply goes on where it stopped",
            },
        ),
        None if run.unknown > 0 => Finding::warning(
            "last-run",
            format!("began {started:.0}{unknown}"),
            "the next apply settles them from the directory where that can tell",
        ),
        None => Finding::ok("last-run", format!("began {started:.0} and was not stopped")),
    }
}
