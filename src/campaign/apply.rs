//! `apply`, in its order: read and plan, review, carry out. The same continues after any
//! stop.
//!
//! Leaves to others: every decision (`plan`), every step of a row (`run`).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::checkpoint::{Checkpoint, CheckpointError, Journal, ManifestRow, Record, RunStart};
use crate::manifest::Manifest;
use crate::plan::{ChangeReason, Plan, Tonight};
use crate::run::{RunResult, RunSettings, carry_out};

use super::CampaignError;
use super::part::{Merged, Part};
use super::read::{Asked, Read, read_and_plan};
use super::revert::merged;
use super::samples::Samples;
use super::session::{
    Carried, Earlier, Host, Notice, Refusal, Review, Session, tell_of_other_manifest,
};
use super::stored::{left_out_row, manifest_row, run_end};
use super::wave::SoFar;

/// What is asked of an `apply`, beyond its manifest.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct ApplyRequest {
    /// Reset guests whose mail already matches, too.
    pub reset_matching: bool,
    /// Try rows again that failed for good in an earlier run.
    pub retry_failed: bool,
    /// Rows to send again although they were invited, by their lines.
    pub resend: BTreeSet<String>,
    /// By whom that is asked, and why.
    pub resend_reason: Option<ResendReason>,
    /// Guests that were given their old address back may be moved again: somebody said so,
    /// or is asked.
    pub moves_reverted: bool,
    /// The digest of the plan that was reviewed.
    pub reviewed: Option<String>,
    /// The manifest is a part of the campaign's, whose other rows stay.
    pub is_part: bool,
}

impl ApplyRequest {
    /// What of it the plan is made with.
    pub fn asked(&self) -> Asked {
        Asked {
            reset_matching: self.reset_matching,
            retry_failed: self.retry_failed,
            resend: self.resend.clone(),
            moves_reverted: self.moves_reverted,
            ..Asked::default()
        }
    }
}

/// Why somebody wants an invitation sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResendReason {
    pub who: String,
    pub why: String,
}

/// An `apply` that was carried out, as far as it came.
#[derive(Debug)]
pub struct Applied {
    pub plan: Arc<Plan>,
    pub result: RunResult,
    /// Whether its end could be written down.
    pub ended: Result<(), CheckpointError>,
}

/// Applies a manifest. `exit_code` is what the result is to the caller, for the record.
pub async fn apply<H: Host>(
    session: &Session<'_>,
    checkpoint: Checkpoint,
    manifest: &Manifest,
    request: ApplyRequest,
    host: &H,
    exit_code: impl FnOnce(&RunResult) -> u8,
) -> Result<Carried<Applied, H::Objection>, CampaignError> {
    let mut asked = request.asked();
    let ApplyRequest { resend_reason, reviewed, is_part, .. } = request;
    let part = Part::of(&checkpoint, manifest, is_part)?;
    match &part {
        Some(part) => asked.others = part.guests(),
        None => tell_of_other_manifest(&checkpoint, manifest, host)?,
    }
    let kept = part.map(Kept::Part);
    let task = Task { command: "apply", asked, resend_reason, reviewed, kept };
    let work = carry_out_task(session, checkpoint, manifest, task, host, exit_code);
    // It holds a directory and a plan on its way.
    session.within_budget(Box::pin(work)).await
}

/// What is to be carried out, beyond the manifest's rows.
pub(super) struct Task {
    pub(super) command: &'static str,
    pub(super) asked: Asked,
    pub(super) resend_reason: Option<ResendReason>,
    pub(super) reviewed: Option<String>,
    /// What earlier runs left of a manifest of which this run takes some guests.
    pub(super) kept: Option<Kept>,
}

/// A manifest as the last run left it, and why this run has a part of it.
pub(super) enum Kept {
    /// Its guests go back.
    WayBack {
        rows: Vec<ManifestRow>,
        /// As JSON.
        form: String,
    },
    /// Its rows were mended.
    Part(Part),
}

impl Kept {
    fn part(&self) -> Option<&Part> {
        match self {
            Self::Part(part) => Some(part),
            Self::WayBack { .. } => None,
        }
    }
}

pub(super) async fn carry_out_task<H: Host>(
    session: &Session<'_>,
    checkpoint: Checkpoint,
    manifest: &Manifest,
    task: Task,
    host: &H,
    exit_code: impl FnOnce(&RunResult) -> u8,
) -> Result<Carried<Applied, H::Objection>, CampaignError> {
    let Session { settings, graph, stop, .. } = *session;
    let Task { command, asked, resend_reason, reviewed, kept } = task;
    let ledger = checkpoint.ledger()?;
    let earlier = Earlier::read(&checkpoint, graph.clock().now())?;
    let read = read_and_plan(graph, manifest, &ledger, settings, asked);
    let read = Box::pin(session.reading(read)).await?;
    let tonight = if settings.waves.sizes.is_empty() {
        Tonight::default()
    } else {
        let invitations = &checkpoint.past()?.invitations;
        let part = kept.as_ref().and_then(Kept::part);
        let now = graph.clock().service_now();
        SoFar { invitations, part }.begins(&read, manifest, &ledger, settings, now)
    };
    let Read { mut plan, tenant_key, directory, method, requests, .. } = read;
    let Tonight { held, wave, .. } = tonight;
    plan.wave = wave;
    let samples = Samples::planned(&plan, manifest, &directory, settings);
    drop(directory);
    let begun = ledger.mails_begun().map(|(key, by)| (key.clone(), by)).collect();
    drop(ledger);
    host.observe(Notice::DirectoryRead { plan: &plan, method, requests });
    checkpoint.claim(&tenant_key, &settings.tenant.id)?;

    let refusal = Refusal::find(&plan, reviewed.as_deref());
    let begins = plan.counts.change.saturating_sub(held.len() as u64);
    let review = Review { plan: &plan, samples: &samples, begins, refusal: refusal.as_ref() };
    let consent = host.review(review).await;
    let plan = Arc::new(plan);
    if let Some(refusal) = refusal {
        return Ok(Carried::Refused { plan, refusal });
    }
    if let Err(objection) = consent {
        return Ok(Carried::Declined(objection));
    }

    session.tell_what_was_spent(&checkpoint)?;
    let post = session.post(&checkpoint, manifest, &plan)?;
    let journal = begin(session, checkpoint, manifest, &plan, command, kept, host)?;
    session.give_up_mails(&journal, begun).await?;
    if let Some(reason) = &resend_reason {
        record_resends(session, &journal, &plan, reason).await?;
    }
    host.observe(Notice::RunBegan { plan: &plan, waits: journal.waits() });
    let run = RunSettings { held, post, ..session.run_settings(earlier) };
    let observe = |event| host.observe(Notice::Run(event));
    let result = carry_out(&plan, graph, &journal, &run, stop, &observe).await;
    let end = run_end(graph.clock().now(), &result.summary, exit_code(&result), None);
    let ended = journal.end_run(&end);
    Ok(Carried::Out(Applied { plan, result, ended }))
}

fn begin(
    session: &Session<'_>,
    checkpoint: Checkpoint,
    manifest: &Manifest,
    plan: &Plan,
    command: &'static str,
    kept: Option<Kept>,
    host: &impl Host,
) -> Result<Journal, CheckpointError> {
    let start = |name, manifest_form| RunStart {
        at: session.graph.clock().now(),
        command,
        manifest: name,
        tenant_name: plan.tenant_name.as_deref(),
        plan_digest: plan.digest.to_string(),
        manifest_form,
    };
    match kept {
        None => {
            let form = serde_json::to_string(&manifest.written.form).expect("plain data");
            let rows = plan.rows.iter().map(|row| manifest_row(row, manifest));
            // P2: what a part leaves out was asked for as well, and is not attempted.
            let left_out = manifest.left_out.iter().map(|row| left_out_row(row, manifest));
            checkpoint.begin_run(&start(&manifest.name, form), rows.chain(left_out))
        }
        // Nothing goes back: what the manifest's rows came to stays as it is.
        Some(Kept::WayBack { .. }) if plan.counts.change == 0 => {
            checkpoint.begin_look(command, session.graph.clock().now())
        }
        Some(Kept::WayBack { rows, form }) => {
            let rows = merged(&rows, &plan.rows);
            checkpoint.begin_run(&start(&manifest.name, form), rows.into_iter())
        }
        Some(Kept::Part(part)) => {
            let Merged { rows, others, mended, new } = part.merge(manifest, &plan.rows);
            let start = start(&part.manifest, part.form.clone());
            let journal = checkpoint.begin_run(&start, rows.into_iter())?;
            // Of the very manifest, it was said already which rows are meant.
            if manifest.part.is_none() || part.manifest != manifest.name {
                host.observe(Notice::Part { of: &part.manifest, others, mended, new });
            }
            Ok(journal)
        }
    }
}

/// Writes down who asked for another invitation, and why, before it is sent.
async fn record_resends(
    session: &Session<'_>,
    journal: &Journal,
    plan: &Plan,
    reason: &ResendReason,
) -> Result<(), CheckpointError> {
    for row in &plan.rows {
        let (Some(change), Some(key)) = (row.change(), row.key()) else { continue };
        if change.reason != ChangeReason::Resend {
            continue;
        }
        let record = Record::ResendAsked {
            key,
            who: reason.who.clone(),
            why: reason.why.clone(),
            before: change.redemption.clone(),
        };
        journal.append(record, session.graph.clock().service_now()).await?;
    }
    Ok(())
}
