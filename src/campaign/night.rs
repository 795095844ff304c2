//! `reconcile` and `remind`, in their order: plan the night, review, carry it out.
//!
//! Leaves to others: what a night is made of (`prepare`), and its rows, corrections and
//! looks (`carry_out`).

use crate::checkpoint::{Checkpoint, CheckpointError, Journal, RunStart};
use crate::manifest::Manifest;

use crate::run::RunSettings;

use super::CampaignError;
use super::carry_out::{Night, carry_out};
use super::prepare::{NightPlan, Scope, prepare};
use super::samples::Samples;
use super::session::{
    Carried, Earlier, Host, Notice, Refusal, Review, Session, tell_of_other_manifest,
};
use super::stored::{manifest_row, run_end};

/// What is asked of a night, beyond its manifest.
#[derive(Debug, Clone, Copy)]
pub struct NightRequest {
    pub scope: Scope,
    /// Reset guests whose mail already matches, too.
    pub reset_matching: bool,
}

/// A night that was carried out, as far as it came.
#[derive(Debug)]
pub struct Reconciled {
    pub night_plan: NightPlan,
    pub night: Night,
    /// Whether its end could be written down.
    pub ended: Result<(), CheckpointError>,
}

/// Does a night's work. `exit_code` is what the night is to the caller, for the record.
pub async fn reconcile<H: Host>(
    session: &Session<'_>,
    checkpoint: Checkpoint,
    manifest: &Manifest,
    request: NightRequest,
    host: &H,
    exit_code: impl FnOnce(&Night) -> u8,
) -> Result<Carried<Reconciled, H::Objection>, CampaignError> {
    let work = reconcile_in_order(session, checkpoint, manifest, request, host, exit_code);
    // It holds a directory and a plan on its way.
    session.within_budget(Box::pin(work)).await
}

async fn reconcile_in_order<H: Host>(
    session: &Session<'_>,
    checkpoint: Checkpoint,
    manifest: &Manifest,
    NightRequest { scope, reset_matching }: NightRequest,
    host: &H,
    exit_code: impl FnOnce(&Night) -> u8,
) -> Result<Carried<Reconciled, H::Objection>, CampaignError> {
    let Session { settings, graph, stop, .. } = *session;
    if scope == Scope::Everything {
        tell_of_other_manifest(&checkpoint, manifest, host)?;
    }
    let earlier = Earlier::read(&checkpoint, graph.clock().now())?;
    let read = prepare(graph, &checkpoint, manifest, settings, scope, reset_matching);
    let night_plan = Box::pin(session.reading(read)).await?;
    let (method, requests) = (night_plan.method, night_plan.requests);
    host.observe(Notice::DirectoryRead { plan: &night_plan.plan, method, requests });
    checkpoint.claim(&night_plan.tenant_key, &settings.tenant.id)?;

    let refusal = Refusal::find(&night_plan.plan, None);
    let held = night_plan.tonight.held.len() as u64;
    let begins = night_plan.plan.counts.change.saturating_sub(held);
    let samples = Samples::default();
    let (plan, refused) = (&night_plan.plan, refusal.as_ref());
    let review = Review { plan, samples: &samples, begins, refusal: refused };
    let consent = host.review(review).await;
    if let Some(refusal) = refusal {
        return Ok(Carried::Refused { plan: night_plan.plan, refusal });
    }
    if let Err(objection) = consent {
        return Ok(Carried::Declined(objection));
    }

    session.tell_what_was_spent(&checkpoint)?;
    let post = session.post(&checkpoint, manifest, &night_plan.plan)?;
    let begun = night_plan.ledger.mails_begun();
    let begun = begun.map(|(key, by)| (key.clone(), by)).collect();
    let journal = begin(session, checkpoint, manifest, &night_plan)?;
    session.give_up_mails(&journal, begun).await?;
    host.observe(Notice::RunBegan { plan: &night_plan.plan, waits: journal.waits() });
    let run = RunSettings { post, ..session.run_settings(earlier) };
    let observe = |event| host.observe(Notice::Run(event));
    let night = carry_out(&night_plan, graph, &journal, settings, &run, stop, &observe).await;
    let digest = serde_json::to_value(&night.digest).expect("plain data");
    let code = exit_code(&night);
    let end = run_end(graph.clock().now(), &night.summary, code, Some(digest));
    let ended = journal.end_run(&end);
    Ok(Carried::Out(Reconciled { night_plan, night, ended }))
}

fn begin(
    session: &Session<'_>,
    checkpoint: Checkpoint,
    manifest: &Manifest,
    night_plan: &NightPlan,
) -> Result<Journal, CheckpointError> {
    let at = session.graph.clock().now();
    if night_plan.scope == Scope::Reminders {
        return checkpoint.begin_look("remind", at);
    }
    let start = RunStart {
        at,
        command: "reconcile",
        manifest: &manifest.name,
        tenant_name: night_plan.plan.tenant_name.as_deref(),
        plan_digest: night_plan.plan.digest.to_string(),
        manifest_form: serde_json::to_string(&manifest.written.form).expect("plain data"),
    };
    let rows = night_plan.plan.rows.iter().map(|row| manifest_row(row, manifest));
    checkpoint.begin_run(&start, rows)
}
