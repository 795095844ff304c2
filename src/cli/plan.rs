//! `plan`: what would change, without changing anything.

use std::path::Path;

use jiff::Timestamp;

use crate::campaign::{Part, Samples, SoFar, tell_reach};
use crate::checkpoint::{CheckpointError, Reader, is_configured_name, read_ledger};
use crate::config::args::{ApplyArgs, Cli, PlanArgs};
use crate::config::{Settings, UserWide, checkpoint_path};
use crate::manifest::Manifest;
use crate::plan::Plan;
use crate::report::{
    PlanFormat, PlanPage, PlanView, Replace, ReportFileError, Schema, check_report_path, count,
    harmless, plan_json, plan_text, report_file, write_plan,
};
use crate::run::Stop;

use super::apply::{checkpoint, request};
use super::connect::client;
use super::elsewhere::Elsewhere;
use super::failure::Failure;
use super::planning::{
    Asked, Context, Planned, keep_only, lines, make_plan, read_manifest, reading, runtime,
    tell_of_checkpoints_beside, tell_unplanned,
};
use super::resume_command::carry_out;
use super::ui::Ui;
use super::{Exit, pager, signals};

/// Rows shown per reason without `-v`.
pub(super) const ROWS_PER_REASON: usize = 8;

pub(super) fn run(cli: &Cli, args: &PlanArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = settings(cli, ui)?;
    let out = args.out.as_deref().map(|path| page_format(path).map(|format| (path, format)));
    let out = out.transpose()?;
    let mut manifest = read_manifest(&args.planning, &settings, ui)?;
    keep_only(&mut manifest, &args.only, ui)?;
    let asked = Asked {
        reset_matching: args.planning.reset_matching,
        moves_reverted: true,
        ..Asked::default()
    };
    let path = &args.planning.manifest;
    let plan = || {
        let path = checkpoint_path(Some(path), settings.checkpoint.as_deref());
        // A plan needs no checkpoint; a manifest from stdin may have none.
        let path = path.unwrap_or_default();
        let (plan, samples) = plan(&path, &settings, &manifest, asked, (false, args.reach), ui)?;
        if let Some((path, format)) = out {
            write(cli, args, &manifest, (&plan, &samples), (path, format), ui)?;
        }
        let changes = args.expect_no_changes && plan.counts.change > 0;
        show(&plan, &samples, if changes { Exit::ChangesPending } else { Exit::Done }, ui)
    };
    plan().map_err(|failure| tell_unplanned(failure, &manifest, ui))
}

/// The format of a plan for review, once it is clear that its file can be written.
fn page_format(path: &Path) -> Result<PlanFormat, Failure> {
    let format = PlanFormat::of(path).ok_or_else(|| {
        let message = anyhow::anyhow!("--out {}: no .html or .md file", path.display());
        Failure::new(Exit::Usage, message)
            .hint("name it plan.html for a page, or plan.md for a ticket")
    })?;
    match check_report_path(path, Replace::Reports) {
        Ok(()) => Ok(format),
        Err(error @ ReportFileError::NotAReport { .. }) => {
            Err(Failure::new(Exit::Usage, error).hint("choose another name"))
        }
        Err(error) => Err(Failure::new(Exit::Usage, error)),
    }
}

/// Writes the plan for whoever signs it off.
fn write(
    cli: &Cli,
    args: &PlanArgs,
    manifest: &Manifest,
    (plan, samples): (&Plan, &Samples),
    (path, format): (&Path, PlanFormat),
    ui: &Ui,
) -> Result<(), Failure> {
    let page = PlanPage {
        plan,
        manifest: &manifest.name,
        samples,
        command: carry_out(cli, args, &plan.digest.short()),
        now: Timestamp::now(),
    };
    report_file(path, |out| write_plan(out, &page, format)).map_err(|error| {
        Failure::new(Exit::Unexpected, error).hint("check the path, its permissions and the disk")
    })?;
    ui.note(format_args!("the plan for review is in {}", path.display()));
    Ok(())
}

/// `apply --dry-run`: the plan that this very command would carry out.
pub(super) fn dry_run(
    args: &ApplyArgs,
    yes: bool,
    settings: &Settings,
    ui: &Ui,
) -> Result<Exit, Failure> {
    let mut manifest = read_manifest(&args.planning, settings, ui)?;
    keep_only(&mut manifest, &args.only, ui)?;
    let plan = || {
        let request = request(args, &manifest, yes)?;
        let path = match &args.into {
            Some(_) => checkpoint(args, settings)?,
            None => checkpoint(args, settings).unwrap_or_default(),
        };
        let is_part = request.is_part;
        let (plan, samples) =
            plan(&path, settings, &manifest, request.asked(), (is_part, false), ui)?;
        show(&plan, &samples, Exit::Done, ui)
    };
    plan().map_err(|failure| tell_unplanned(failure, &manifest, ui))
}

fn plan(
    path: &Path,
    settings: &Settings,
    manifest: &Manifest,
    mut asked: Asked,
    (is_part, with_reach): (bool, bool),
    ui: &Ui,
) -> Result<(Plan, Samples), Failure> {
    if !path.as_os_str().is_empty() {
        tell_of_checkpoints_beside(path, manifest, ui);
    }
    let ledger = read_ledger(path)?;
    let reader = Reader::open(path).ok();
    let part = reader.as_ref().map(|reader| Part::for_plan(reader, manifest, is_part));
    let part = part.transpose()?.flatten();
    if let Some(part) = &part {
        let (name, of) = (harmless(&manifest.name), harmless(&part.manifest));
        ui.note(format_args!("{name} is planned as a part of {of}"));
        asked.others = part.guests();
    }
    let earlier = reader.filter(|_| !settings.waves.sizes.is_empty());
    let earlier = earlier.map(|reader| reader.past()).transpose()?.unwrap_or_default();
    let so_far = SoFar { invitations: &earlier.invitations, part: part.as_ref() };
    let stop = Stop::new();
    let runtime = runtime()?;
    let _guard = runtime.enter();
    signals::listen(stop.clone());
    let graph = client(settings, &stop, &lines(ui))?;
    let context = Context { runtime: &runtime, graph: &graph, settings, stop: &stop, ui };
    let Planned { mut plan, tenant_key, samples } =
        make_plan(&context, manifest, &ledger, asked, Some(&so_far))?;
    ui.log.planned(&plan);
    tell_unfit(&samples, ui);
    let is_others = |found: &String| {
        !found.eq_ignore_ascii_case(&tenant_key) && !is_configured_name(found, &settings.tenant.id)
    };
    if let Some(found) = ledger.tenant.filter(is_others) {
        return Err(CheckpointError::OtherTenant {
            path: path.to_owned(),
            found,
            wanted: tenant_key,
        }
        .into());
    }
    if with_reach {
        let requests = reading(&context, tell_reach(&graph, &mut plan))?;
        let requests = count(requests, "request", "requests");
        ui.note(format_args!("what the changes touch was read in {requests}"));
    }
    Ok((plan, samples))
}

/// Says what is wrong with the templates: a run that is to mail would not begin.
pub(super) fn tell_unfit(samples: &Samples, ui: &Ui) {
    for problem in &samples.problems {
        ui.warn(format_args!("{}; {}", harmless(&problem.to_string()), harmless(&problem.advice)));
    }
}

fn show(plan: &Plan, samples: &Samples, exit: Exit, ui: &Ui) -> Result<Exit, Failure> {
    let printed = if ui.json() {
        plan_json(&mut ui.stdout(), Schema::Plan, plan, exit.code(), ui.log.elapsed())
    } else {
        let mut text = Vec::new();
        plan_text(&mut text, plan, samples, &view(ui, ui.styles_out()))
            .and_then(|()| pager::show(&text, ui))
    };
    printed.map_err(Failure::from_stdout)?;
    Ok(exit)
}

/// The settings, with a word on what a person may not have in mind.
pub(super) fn settings(cli: &Cli, ui: &Ui) -> Result<Settings, Failure> {
    let settings = load_settings(cli, ui)?;
    tell_of(&settings, ui);
    Ok(settings)
}

/// The settings, for a command that knows by them how much it says.
pub(super) fn load_settings(cli: &Cli, ui: &Ui) -> Result<Settings, Failure> {
    let (path, named) = cli.global.config_file();
    let env = |name: &str| std::env::var_os(name);
    let elsewhere = Elsewhere::of(cli);
    let loaded = Settings::load(path, named, env, &cli.overrides());
    // Where the environment says everything, no file is missed.
    if let Some(elsewhere) = elsewhere.filter(|it| loaded.is_err() || *it != Elsewhere::Nowhere) {
        ui.warn(elsewhere);
    }
    let (settings, warnings) = loaded?;
    for warning in warnings {
        ui.warn(warning);
    }
    Ok(settings)
}

/// Says what is not of the campaign's own configuration, and who signs in.
pub(super) fn tell_of(settings: &Settings, ui: &Ui) {
    if let Some(UserWide { path, sections }) = &settings.user_wide {
        let sections: Vec<_> = sections.iter().map(|section| format!("[{section}]")).collect();
        ui.note(format_args!("{} from {}", sections.join(" and "), path.display()));
    }
    if settings.auth.is_ambient() {
        ui.note(format_args!("signing in by {}", settings.auth));
    }
}

pub(super) fn view(ui: &Ui, styles: crate::report::Styles) -> PlanView {
    let max_rows_per_reason = if ui.verbose > 0 { usize::MAX } else { ROWS_PER_REASON };
    PlanView { styles, max_rows_per_reason, width: Ui::width(), command: "apply", is_pinned: true }
}
