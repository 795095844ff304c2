//! What the campaign itself says: the plan of its manifest, and how its last run ended.

use jiff::Timestamp;

use crate::plan::{Blocked, Decision, Plan};

use super::Finding;

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
