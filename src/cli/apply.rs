//! `apply`: plan, review, confirm, carry out. The same command continues after
//! any stop.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::campaign::{self, Applied, ApplyRequest, Carried, ResendReason, Session};
use crate::checkpoint::{Checkpoint, Reader};
use crate::config::args::{ApplyArgs, Cli};
use crate::config::{RowSelector, Settings, checkpoint_path};
use crate::manifest::{Manifest, Row};
use crate::report::{SummaryView, apply_json, summary_text};
use crate::run::{RunResult, Stop};

use super::after::After;
use super::checkpoint_args::checkpoint_of;
use super::connect::client;
use super::display::{Display, Occasion, ROWS_PER_CODE, refused};
use super::failure::Failure;
use super::finish::{check_result, finish, write_result};
use super::plan::{dry_run, settings};
use super::planning::{
    campaign_failure, deadline, keep_only, lines, read_manifest, runtime,
    tell_of_checkpoints_beside, tell_unplanned,
};
use super::resume_command::continue_with;
use super::ui::Ui;
use super::{Exit, signals};

pub(super) fn run(cli: &Cli, args: &ApplyArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = settings(cli, ui)?;
    if args.dry_run {
        return dry_run(args, cli.global.yes, &settings, ui);
    }
    let after = After::new(&settings, ui);
    let work = || {
        let job = Job {
            settings: &settings,
            args,
            yes: cli.global.yes,
            again: continue_with(cli, args),
            checkpoint: checkpoint(args, &settings)?,
            after: Some(&after),
        };
        apply(&job, ui)
    };
    let result = work().map_err(Failure::of_a_run);
    after.conclude(result)
}

/// The campaign's checkpoint: that of the campaign which the manifest is a part of has to be
/// there.
pub(super) fn checkpoint(args: &ApplyArgs, settings: &Settings) -> Result<PathBuf, Failure> {
    let Some(into) = &args.into else {
        return Ok(checkpoint_path(Some(&args.planning.manifest), settings.checkpoint.as_deref())?);
    };
    let path = checkpoint_of(Some(into), None)?;
    Reader::open(&path)?;
    Ok(path)
}

/// What is to be applied, and how.
pub(super) struct Job<'a> {
    pub(super) settings: &'a Settings,
    pub(super) args: &'a ApplyArgs,
    pub(super) yes: bool,
    /// The command that continues after a stop.
    pub(super) again: String,
    pub(super) checkpoint: PathBuf,
    /// Who is told of start and end.
    pub(super) after: Option<&'a After<'a>>,
}

pub(super) fn apply(job: &Job<'_>, ui: &Ui) -> Result<Exit, Failure> {
    let args = job.args;
    ui.log.checkpoint(&job.checkpoint);
    // Before the manifest is read.
    reason_of_resend(args)?;
    let deadline = deadline(&args.budget);
    let mut manifest = read_manifest(&args.planning, job.settings, ui)?;
    keep_only(&mut manifest, &args.only, ui)?;
    tell_of_checkpoints_beside(&job.checkpoint, &manifest, ui);
    apply_manifest(job, &manifest, deadline, ui)
        .map_err(|failure| tell_unplanned(failure, &manifest, ui))
}

fn apply_manifest(
    job: &Job<'_>,
    manifest: &Manifest,
    deadline: Option<tokio::time::Instant>,
    ui: &Ui,
) -> Result<Exit, Failure> {
    let Job { settings, args, .. } = job;
    let request = request(args, manifest, job.yes)?;
    let stop = Stop::new();
    let runtime = runtime()?;
    let _guard = runtime.enter();
    signals::listen(stop.clone());
    let sink = lines(ui);
    let graph = client(settings, &stop, &sink)?;
    // Before anything is asked of the tenant: a checkpoint that can't be written, or
    // that someone else holds, ends the run here.
    let checkpoint = Checkpoint::open(&job.checkpoint, Timestamp::now())?;
    if let Some(after) = job.after {
        after.started();
    }
    check_result(args.result.as_deref())?;
    let session = Session { settings, graph: &graph, stop: &stop, deadline };
    let display = Display::new(
        ui,
        &stop,
        &sink,
        &manifest.name,
        Occasion::Apply,
        job.yes,
        settings.guards.canary,
    );
    let exit_code = |result: &RunResult| Exit::from_summary(&result.summary).code();
    let carried = runtime
        .block_on(campaign::apply(&session, checkpoint, manifest, request, &display, exit_code));
    display.close();
    match carried.map_err(|error| campaign_failure(error, &stop))? {
        Carried::Out(applied) => tell(job, manifest, applied, ui),
        Carried::Refused { plan, refusal } => Err(refused(&plan, &refusal, ui)),
        Carried::Declined(failure) => Err(failure),
    }
}

fn tell(job: &Job<'_>, manifest: &Manifest, applied: Applied, ui: &Ui) -> Result<Exit, Failure> {
    let Applied { plan, result: RunResult { outcomes, summary }, ended } = applied;
    ui.log.counted(&summary);
    let exit = Exit::from_summary(&summary);
    let result_path = job.args.result.as_deref();
    let written =
        write_result(result_path, &job.checkpoint, manifest, &plan, &outcomes, &summary.mails);
    let told = if ui.json() {
        apply_json(&mut ui.stdout(), ui.schema, &plan, &outcomes, &summary, exit.code())
    } else {
        let unfinished = summary.not_attempted + summary.unknown + summary.mails_due() > 0;
        let view = SummaryView {
            styles: ui.styles_out(),
            max_rows_per_code: if ui.verbose > 0 { usize::MAX } else { ROWS_PER_CODE },
            width: Ui::width(),
            continue_with: unfinished.then_some(job.again.as_str()),
            result_file: result_path.filter(|_| matches!(written, Some(Ok(())))),
        };
        summary_text(&mut ui.stdout(), &plan, &outcomes, &summary, &view)
    };
    finish(exit, written, ended, told)
}

/// What the flags ask for.
pub(super) fn request(
    args: &ApplyArgs,
    manifest: &Manifest,
    yes: bool,
) -> Result<ApplyRequest, Failure> {
    let who = ["USER", "USERNAME", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let who = who.unwrap_or_else(|| "unknown".to_owned());
    Ok(ApplyRequest {
        reset_matching: args.planning.reset_matching,
        retry_failed: args.retry_failed,
        resend: rows_to_resend(args, manifest)?,
        resend_reason: args.reason.clone().map(|why| ResendReason { who, why }),
        // Who is not asked has to say so beforehand.
        moves_reverted: !yes || args.move_reverted,
        reviewed: args.plan.clone(),
        is_part: args.into.is_some() || !args.only.is_empty(),
    })
}

fn reason_of_resend(args: &ApplyArgs) -> Result<(), Failure> {
    if args.resend.is_empty() || args.reason.is_some() {
        return Ok(());
    }
    let text = "--resend needs a --reason, which is recorded";
    Err(Failure::new(Exit::Usage, anyhow::anyhow!(text))
        .hint("for example --reason 'the mail was lost'"))
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
                        .wish
                        .address()
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
