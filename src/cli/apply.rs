//! `apply`: plan, review, confirm, carry out. The same command continues after
//! any stop.

use std::collections::BTreeSet;
use std::time::Instant;

use jiff::Timestamp;

use crate::campaign::manifest_row;
use crate::checkpoint::{Checkpoint, Journal, Record, RunEnd, RunStart};
use crate::config::args::{ApplyArgs, Cli};
use crate::config::{RowSelector, Settings, checkpoint_path};
use crate::domain::InvitationKey;
use crate::manifest::{Manifest, Row};
use crate::plan::{ChangeReason, Decision, Plan};
use crate::report::{SummaryView, apply_json, plan_text, summary_text};
use crate::run::{RunResult, Stop, StopReason, carry_out};

use super::after::After;
use super::carry_on::continue_with;
use super::connect::{client, tell_what_was_spent};
use super::consent::{confirm, refusal};
use super::failure::Failure;
use super::plan::{settings, view};
use super::planning::{Asked, Context, lines, make_plan, read_manifest, runtime, tell_unplanned};
use super::running::{
    ROWS_PER_CODE, deadline, numbers, refused, run_settings, shown, stop_at, warn_of_other_manifest,
};
use super::ui::Ui;
use super::wrap_up::{check_result, wrap_up, write_result};
use super::{Exit, signals};

pub(super) fn run(cli: &Cli, args: &ApplyArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = settings(cli, ui)?;
    let after = After::of(&settings, ui);
    let work = || {
        let manifest = &args.planning.manifest;
        let job = Job {
            settings: &settings,
            args,
            yes: cli.global.yes,
            again: continue_with(cli, args),
            checkpoint: checkpoint_path(Some(manifest), settings.checkpoint.as_deref())?,
            after: Some(&after),
        };
        apply(&job, ui)
    };
    let result = work();
    after.conclude(result)
}

/// What is to be applied, and how.
pub(super) struct Job<'a> {
    pub(super) settings: &'a Settings,
    pub(super) args: &'a ApplyArgs,
    pub(super) yes: bool,
    /// The command that continues after a stop.
    pub(super) again: String,
    pub(super) checkpoint: std::path::PathBuf,
    /// Who is told of start and end.
    pub(super) after: Option<&'a After<'a>>,
}

pub(super) fn apply(job: &Job<'_>, ui: &Ui) -> Result<Exit, Failure> {
    let args = job.args;
    ui.chronicle.checkpoint(&job.checkpoint);
    if !args.resend.is_empty() && args.reason.is_none() {
        return Err(Failure::new(
            Exit::Usage,
            anyhow::anyhow!("--resend needs a --reason, which is recorded"),
        )
        .hint("for example --reason 'the mail was lost'"));
    }
    let started = Instant::now();
    let manifest = read_manifest(&args.planning, job.settings, ui)?;
    apply_manifest(job, &manifest, started, ui)
        .map_err(|failure| tell_unplanned(failure, &manifest, ui))
}

fn apply_manifest(
    job: &Job<'_>,
    manifest: &Manifest,
    started: Instant,
    ui: &Ui,
) -> Result<Exit, Failure> {
    let Job { settings, args, .. } = job;
    let resend = rows_to_resend(args, manifest)?;
    let deadline = deadline(&args.budget, started);
    let stop = Stop::new();
    let runtime = runtime()?;
    let _guard = runtime.enter();
    signals::listen(stop.clone());
    stop_at(&runtime, deadline, &stop);
    let sink = lines(ui);
    let graph = client(settings, &stop, &sink)?;

    // Before anything is asked of the tenant: a checkpoint that can't be written, or
    // that someone else holds, ends the run here.
    let checkpoint = Checkpoint::open(&job.checkpoint, Timestamp::now())?;
    if let Some(after) = job.after {
        after.started();
    }
    check_result(args.result.as_deref())?;
    let ledger = checkpoint.ledger()?;
    let last_run = checkpoint.last_run()?;
    let probe = checkpoint.is_stopped_by(StopReason::is_of_tenant)?;
    warn_of_other_manifest(&checkpoint, manifest, ui)?;
    let asked = Asked {
        reset_matching: args.planning.reset_matching,
        retry_failed: args.retry_failed,
        resend,
        ..Asked::default()
    };
    let context = Context { runtime: &runtime, graph: &graph, settings, stop: &stop, ui };
    let planned = make_plan(&context, manifest, &ledger, asked)?;
    let plan = planned.plan;
    ui.chronicle.planned(&plan);
    checkpoint.claim(&planned.tenant_key)?;
    drop(ledger);

    if !ui.quiet && ui.is_read_by_a_person() {
        // A stderr that nobody reads is no reason not to do what was asked.
        let _ = plan_text(&mut ui.stderr(), &plan, &view(ui, ui.styles_err()));
    }
    if let Some((reason, advice)) = refusal(&plan, args.plan.as_deref()) {
        return refused(&plan, reason, advice, ui);
    }
    if plan.counts.change > 0 && !job.yes {
        let hint =
            format!("review the plan, then pass --yes, or --yes --plan {}", plan.digest.short());
        confirm(&context, &plan, "Move or reset", plan.counts.change, &hint)?;
    }

    tell_what_was_spent(&graph, &checkpoint)?;
    let start = RunStart {
        at: Timestamp::now(),
        command: "apply",
        manifest: &manifest.name,
        tenant_name: plan.tenant_name.as_deref(),
        plan_digest: plan.digest.to_string(),
        manifest_form: serde_json::to_string(&manifest.written.form).expect("plain data"),
    };
    let rows = plan.rows.iter().map(|row| manifest_row(row, manifest));
    let journal = checkpoint.begin_run(&start, rows)?;
    record_resends(&context, &journal, &plan, args)?;
    let run_settings = run_settings(settings, deadline, last_run.as_ref(), probe);
    let result = shown(&context, &plan, &journal, &sink, |context, observe| {
        let Context { runtime, graph, stop, .. } = context;
        runtime.block_on(carry_out(&plan, graph, &journal, &run_settings, stop, observe))
    });
    finish(job, &plan, manifest, journal, &result, ui)
}

/// Writes down how the run ended, then tells.
fn finish(
    job: &Job<'_>,
    plan: &Plan,
    manifest: &Manifest,
    journal: Journal,
    result: &RunResult,
    ui: &Ui,
) -> Result<Exit, Failure> {
    let RunResult { outcomes, summary } = result;
    ui.chronicle.counted(summary);
    let exit = Exit::of(summary);
    let ended = journal.end_run(&RunEnd {
        at: Timestamp::now(),
        stop_reason: summary.stop_reason.as_ref().map(StopReason::code),
        exit_code: exit.code(),
        summary: numbers(summary).to_string(),
    });
    let written = write_result(job.args.result.as_deref(), manifest, plan, outcomes);
    let told = if ui.json() {
        apply_json(&mut ui.stdout(), plan, outcomes, summary, exit.code())
    } else {
        let unfinished = summary.not_attempted + summary.unknown > 0;
        let result_path = job.args.result.as_deref();
        let view = SummaryView {
            styles: ui.styles_out(),
            max_rows_per_code: if ui.verbose > 0 { usize::MAX } else { ROWS_PER_CODE },
            width: Ui::width(),
            continue_with: unfinished.then_some(job.again.as_str()),
            result_file: result_path.filter(|_| matches!(written, Some(Ok(())))),
        };
        summary_text(&mut ui.stdout(), plan, outcomes, summary, &view)
    };
    wrap_up(exit, written, ended, told)
}

/// The lines that `--resend` means, each named by itself, by the user as the manifest
/// writes it, or by the new address. A row that is not there would be sent to nobody, and
/// nobody would notice; where two rows are meant, neither is.
fn rows_to_resend(args: &ApplyArgs, manifest: &Manifest) -> Result<BTreeSet<String>, Failure> {
    let lines = args.resend.iter().map(|selector| {
        let is_meant = |row: &&Row| match selector {
            RowSelector::Line(line) => u64::from(row.line) == *line,
            RowSelector::User(user) => {
                let wanted = user.folded();
                row.user.folded() == wanted
                    || row
                        .new_email
                        .as_ref()
                        .is_some_and(|address| address.as_str().to_lowercase() == wanted)
            }
        };
        let meant: Vec<u32> = manifest.rows.iter().filter(is_meant).map(|row| row.line).collect();
        match meant.as_slice() {
            [line] => Ok(line.to_string()),
            [] => Err(Failure::new(
                Exit::Usage,
                anyhow::anyhow!("--resend {selector}: {} has no such row", manifest.name),
            )
            .hint("name the line, the user as the manifest writes it, or the new address")),
            [first, second, ..] => Err(Failure::new(
                Exit::Usage,
                anyhow::anyhow!("--resend {selector}: lines {first} and {second} name it"),
            )
            .hint("name the line that is meant")),
        }
    });
    lines.collect()
}

/// Writes down who asked for another invitation, and why, before it is sent.
fn record_resends(
    context: &Context<'_>,
    journal: &Journal,
    plan: &Plan,
    args: &ApplyArgs,
) -> Result<(), Failure> {
    let Some(why) = &args.reason else { return Ok(()) };
    let who = ["USER", "USERNAME", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    for row in &plan.rows {
        let (Decision::Change(change), Some(user_id)) = (&row.decision, row.user_id) else {
            continue;
        };
        if change.reason != ChangeReason::Resend {
            continue;
        }
        let record = Record::ResendAsked {
            key: InvitationKey { user_id, address: change.invitation.address.clone() },
            who: who.clone().unwrap_or_else(|| "unknown".to_owned()),
            why: why.clone(),
            before: change.redemption.clone(),
        };
        let now = context.graph.clock().service_now();
        context.runtime.block_on(journal.append(record, now))?;
    }
    Ok(())
}
