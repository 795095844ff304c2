//! `plan`: what would change, without changing anything.

use std::path::Path;

use crate::campaign::Part;
use crate::checkpoint::{CheckpointError, Reader, is_configured_name, read_ledger};
use crate::config::args::{ApplyArgs, Cli, PlanArgs};
use crate::config::{Settings, UserWide, checkpoint_path};
use crate::manifest::Manifest;
use crate::plan::Plan;
use crate::report::{PlanView, Schema, harmless, plan_json, plan_text};
use crate::run::Stop;

use super::apply::{checkpoint, request};
use super::connect::client;
use super::elsewhere::Elsewhere;
use super::failure::Failure;
use super::planning::{
    Asked, Context, Planned, lines, make_plan, read_manifest, runtime, tell_of_checkpoints_beside,
    tell_unplanned,
};
use super::ui::Ui;
use super::{Exit, pager, signals};

/// Rows shown per reason without `-v`.
pub(super) const ROWS_PER_REASON: usize = 8;

pub(super) fn run(cli: &Cli, args: &PlanArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = settings(cli, ui)?;
    let manifest = read_manifest(&args.planning, &settings, ui)?;
    let asked = Asked {
        reset_matching: args.planning.reset_matching,
        moves_reverted: true,
        ..Asked::default()
    };
    let path = &args.planning.manifest;
    let plan = || {
        let path = checkpoint_path(Some(path), settings.checkpoint.as_deref());
        // A plan needs no checkpoint; a manifest from stdin may have none.
        let plan = plan(&path.unwrap_or_default(), &settings, &manifest, asked, false, ui)?;
        let changes = args.expect_no_changes && plan.counts.change > 0;
        show(&plan, if changes { Exit::ChangesPending } else { Exit::Done }, ui)
    };
    plan().map_err(|failure| tell_unplanned(failure, &manifest, ui))
}

/// `apply --dry-run`: the plan that this very command would carry out.
pub(super) fn dry_run(
    args: &ApplyArgs,
    yes: bool,
    settings: &Settings,
    ui: &Ui,
) -> Result<Exit, Failure> {
    let manifest = read_manifest(&args.planning, settings, ui)?;
    let plan = || {
        let request = request(args, &manifest, yes)?;
        let path = match &args.into {
            Some(_) => checkpoint(args, settings)?,
            None => checkpoint(args, settings).unwrap_or_default(),
        };
        let plan = plan(&path, settings, &manifest, request.asked(), request.is_part, ui)?;
        show(&plan, Exit::Done, ui)
    };
    plan().map_err(|failure| tell_unplanned(failure, &manifest, ui))
}

fn plan(
    path: &Path,
    settings: &Settings,
    manifest: &Manifest,
    mut asked: Asked,
    is_part: bool,
    ui: &Ui,
) -> Result<Plan, Failure> {
    if !path.as_os_str().is_empty() {
        tell_of_checkpoints_beside(path, manifest, ui);
    }
    let ledger = read_ledger(path)?;
    if let Ok(reader) = Reader::open(path)
        && let Some(part) = Part::for_plan(&reader, manifest, is_part)?
    {
        let (name, of) = (harmless(&manifest.name), harmless(&part.manifest));
        ui.note(format_args!("{name} is planned as a part of {of}"));
        asked.others = part.guests();
    }
    let stop = Stop::new();
    let runtime = runtime()?;
    let _guard = runtime.enter();
    signals::listen(stop.clone());
    let graph = client(settings, &stop, &lines(ui))?;
    let context = Context { runtime: &runtime, graph: &graph, settings, stop: &stop, ui };
    let Planned { plan, tenant_key } = make_plan(&context, manifest, &ledger, asked)?;
    ui.log.planned(&plan);
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
    Ok(plan)
}

fn show(plan: &Plan, exit: Exit, ui: &Ui) -> Result<Exit, Failure> {
    let printed = if ui.json() {
        plan_json(&mut ui.stdout(), Schema::Plan, plan, exit.code(), ui.log.elapsed())
    } else {
        let mut text = Vec::new();
        plan_text(&mut text, plan, &view(ui, ui.styles_out())).and_then(|()| pager::show(&text, ui))
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
