//! `revert`: gives the guests of a campaign their old address back, as a plan like any
//! other: shown, asked for, carried out, continued.
//!
//! Leaves to others: what may be undone (`plan`), its order (`campaign`).

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::campaign::{self, Carried, RevertRequest, Reverted, Samples, Session, WayBack};
use crate::checkpoint::{Checkpoint, CheckpointError, Reader, is_configured_name};
use crate::config::Settings;
use crate::config::args::{Cli, RevertArgs};
use crate::plan::Plan;
use crate::report::{Schema, SummaryView, apply_json, plan_json, plan_text, summary_text};
use crate::run::{RunResult, Stop};

use super::after::After;
use super::checkpoint_args::checkpoint_of;
use super::connect::client;
use super::display::{Display, Occasion, ROWS_PER_CODE, refused};
use super::failure::Failure;
use super::finish::{check_result, finish, write_result};
use super::plan::{settings, tell_unfit, view};
use super::planning::{
    Context, Planned, campaign_failure, deadline, lines, make_plan, options, runtime, tell_failure,
};
use super::resume_command::revert_again;
use super::ui::Ui;
use super::{Exit, signals};

pub(super) fn run(cli: &Cli, args: &RevertArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = settings(cli, ui)?.for_the_way_back();
    let checkpoint = || checkpoint_of(args.campaign.as_deref(), settings.checkpoint.as_deref());
    if args.dry_run {
        let shown = checkpoint().map_err(Failure::from).and_then(|path| {
            let (plan, samples) = plan(&path, args, &settings, ui)?;
            show(&plan, &samples, ui)
        });
        return shown.map_err(|failure| tell_failure(failure, ui));
    }
    let after = After::new(&settings, ui);
    let work = || {
        let job = Job { settings: &settings, args, path: checkpoint()?, cli, after: &after };
        job.run(ui)
    };
    let result = work().map_err(Failure::of_a_run);
    after.conclude(result)
}

fn request(args: &RevertArgs, settings: &Settings) -> RevertRequest {
    RevertRequest {
        even_redeemed: args.even_redeemed,
        retry_failed: args.retry_failed,
        reviewed: args.plan.clone(),
        options: options(&settings.manifest, settings.delivery.by),
    }
}

/// What this very command would carry out. Nothing is written, and nobody is kept from it
/// by a run that goes on.
fn plan(
    path: &Path,
    args: &RevertArgs,
    settings: &Settings,
    ui: &Ui,
) -> Result<(Plan, Samples), Failure> {
    let reader = Reader::open(path)?;
    let (ledger, mut past, undo) = (reader.ledger()?, reader.past()?, reader.undo()?);
    let back = WayBack::new(&ledger, &mut past, undo, &request(args, settings))?;
    let stop = Stop::new();
    let runtime = runtime()?;
    let _guard = runtime.enter();
    signals::listen(stop.clone());
    let graph = client(settings, &stop, &lines(ui))?;
    let context = Context { runtime: &runtime, graph: &graph, settings, stop: &stop, ui };
    let Planned { plan, tenant_key, samples } =
        make_plan(&context, &back.manifest, &ledger, back.asked, None)?;
    ui.log.planned(&plan);
    tell_unfit(&samples, ui);
    let is_others = |found: &String| {
        !found.eq_ignore_ascii_case(&tenant_key) && !is_configured_name(found, &settings.tenant.id)
    };
    if let Some(found) = ledger.tenant.filter(is_others) {
        let path = path.to_owned();
        return Err(CheckpointError::OtherTenant { path, found, wanted: tenant_key }.into());
    }
    Ok((plan, samples))
}

fn show(plan: &Plan, samples: &Samples, ui: &Ui) -> Result<Exit, Failure> {
    let printed = if ui.json() {
        let (out, elapsed) = (&mut ui.stdout(), ui.log.elapsed());
        plan_json(out, Schema::Revert, plan, Exit::Done.code(), elapsed)
    } else {
        let view = crate::report::PlanView { command: "revert", ..view(ui, ui.styles_out()) };
        plan_text(&mut ui.stdout(), plan, samples, &view)
    };
    printed.map_err(Failure::from_stdout)?;
    Ok(Exit::Done)
}

/// What is to be taken back, and how.
struct Job<'a> {
    settings: &'a Settings,
    args: &'a RevertArgs,
    path: PathBuf,
    cli: &'a Cli,
    /// Who is told of start and end.
    after: &'a After<'a>,
}

impl Job<'_> {
    fn run(&self, ui: &Ui) -> Result<Exit, Failure> {
        let Self { settings, args, path, cli, after } = self;
        ui.log.checkpoint(path);
        let deadline = deadline(&args.budget);
        // There has to be a campaign: taking one back must not begin one.
        Reader::open(path)?;
        let stop = Stop::new();
        let runtime = runtime()?;
        let _guard = runtime.enter();
        signals::listen(stop.clone());
        let sink = lines(ui);
        let graph = client(settings, &stop, &sink)?;
        let checkpoint = Checkpoint::open(path, Timestamp::now())?;
        let name = checkpoint.manifest()?.unwrap_or_default();
        after.started();
        check_result(args.result.as_deref())?;
        let session = Session { settings, graph: &graph, stop: &stop, deadline };
        let display = Display::new(
            ui,
            &stop,
            &sink,
            &name,
            Occasion::Revert,
            cli.global.yes,
            settings.guards.canary,
        );
        let exit_code = |result: &RunResult| Exit::from_summary(&result.summary).code();
        let request = request(args, settings);
        let carried =
            runtime.block_on(campaign::revert(&session, checkpoint, request, &display, exit_code));
        display.close();
        match carried.map_err(|error| campaign_failure(error, &stop))? {
            Carried::Out(reverted) => self.tell(reverted, ui),
            Carried::Refused { plan, refusal } => Err(refused(&plan, &refusal, ui)),
            Carried::Declined(failure) => Err(failure),
        }
    }

    fn tell(&self, Reverted { applied, manifest }: Reverted, ui: &Ui) -> Result<Exit, Failure> {
        let campaign::Applied { plan, result: RunResult { outcomes, summary }, ended } = applied;
        ui.log.counted(&summary);
        let exit = Exit::from_summary(&summary);
        let result_path = self.args.result.as_deref();
        let written =
            write_result(result_path, &self.path, &manifest, &plan, &outcomes, &summary.mails);
        let told = if ui.json() {
            apply_json(&mut ui.stdout(), ui.schema, &plan, &outcomes, &summary, exit.code())
        } else {
            let unfinished = summary.not_attempted + summary.unknown + summary.mails_due() > 0;
            let again = revert_again(self.cli, self.args);
            let view = SummaryView {
                styles: ui.styles_out(),
                max_rows_per_code: if ui.verbose > 0 { usize::MAX } else { ROWS_PER_CODE },
                width: Ui::width(),
                continue_with: unfinished.then_some(again.as_str()),
                result_file: result_path.filter(|_| matches!(written, Some(Ok(())))),
            };
            summary_text(&mut ui.stdout(), &plan, &outcomes, &summary, &view)
        };
        finish(exit, written, ended, told)
    }
}
