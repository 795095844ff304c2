//! What the commands share that plan: read the manifest, read the directory, decide.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::runtime::Runtime;

pub(super) use crate::campaign::Asked;
use crate::campaign::{CampaignError, Read, Samples, SoFar, read_and_plan, time_budget};
use crate::checkpoint::beside::checkpoints_beside;
use crate::config::args::{BudgetArgs, PlanningArgs};
use crate::config::{ColumnFilter, DeliveryWay, ManifestSettings, NamedColumn, Settings};
use crate::domain::{Email, Ledger};
use crate::graph::{CallError, Graph, Method};
use crate::manifest::{
    self, ColumnChoice, Manifest, Meaning, Only, OnlyError, Options, Ownership, PartOfIt, Source,
};
use crate::plan::Plan;
use crate::report::{Schema, count, failure_json, harmless, sign_in_line, unplanned_json};
use crate::run::{Event, Stop, StopReason};

use super::connect::Sink;
use super::failure::Failure;
use super::quoting::quoted;
use super::ui::Ui;
use super::{Exit, lint};

/// Reads the manifest; refuses one with bad rows unless they are to be skipped.
pub(super) fn read_manifest(
    args: &PlanningArgs,
    settings: &Settings,
    ui: &Ui,
) -> Result<Manifest, Failure> {
    let loaded = manifest::read(
        &Source::from_arg(&args.manifest),
        &options(&settings.manifest, settings.delivery.by),
    )?;
    lint::detected(&loaded.manifest, ui);
    if loaded.problems.is_empty() {
        return Ok(loaded.manifest);
    }
    lint::problems(&loaded, ui)?;
    let bad = loaded.manifest.invalid.len() as u64;
    if args.skip_invalid && !loaded.manifest.rows.is_empty() {
        ui.warn(format_args!(
            "{} skipped, as asked",
            count(bad, "unusable row is", "unusable rows are")
        ));
        return Ok(loaded.manifest);
    }
    let problems = count(loaded.problems.len() as u64, "problem", "problems");
    let failure = Failure::new(
        Exit::Usage,
        anyhow::anyhow!("{}: {problems}; nothing was sent", loaded.manifest.name),
    )
    .hint(if loaded.manifest.rows.is_empty() {
        "mend the rows; none of them is usable"
    } else {
        "mend the rows, or leave them out with --skip-invalid"
    });
    Err(Failure { rows: rows(&loaded.manifest), ..failure })
}

/// Names checkpoints that lie beside where a campaign's should be and is not: one that
/// was renamed knows who was invited.
pub(super) fn tell_of_checkpoints_beside(checkpoint: &Path, manifest: &Manifest, ui: &Ui) {
    let users = manifest.rows.iter().map(|row| row.user.to_string());
    let addresses = manifest.rows.iter().filter_map(|row| row.wish.address().map(Email::folded));
    let guests: Vec<String> = users.chain(addresses).collect();
    let is_handed_back = Ownership::new(&manifest.written.form.header).is_handed_back;
    let flag = if is_handed_back { "--into" } else { "--checkpoint" };
    for beside in checkpoints_beside(checkpoint, &manifest.name, &guests) {
        ui.warn(format_args!(
            "there is no {}, but {} has guests of this manifest; if it is this campaign's, go on with {flag} {}",
            harmless(&checkpoint.display().to_string()),
            harmless(&beside.display().to_string()),
            harmless(&quoted(&beside)),
        ));
    }
}

/// Keeps the rows that `--only` asks for.
pub(super) fn keep_only(
    manifest: &mut Manifest,
    filters: &[ColumnFilter],
    ui: &Ui,
) -> Result<(), Failure> {
    if filters.is_empty() {
        return Ok(());
    }
    let only = |filter: &ColumnFilter| Only {
        column: filter.column.clone(),
        value: filter.value.clone(),
        is_negated: filter.is_negated,
    };
    let only: Vec<Only> = filters.iter().map(only).collect();
    let expression = filters.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let left_out = manifest.keep_only(&only).map_err(|error| {
        let hint = match &error {
            OnlyError::NoColumn { nearest: Some(near), .. } => format!("did you mean `{near}`?"),
            OnlyError::NoColumn { columns, .. } => {
                format!("its columns are {}", columns.join(", "))
            }
            OnlyError::SeveralColumns { .. } => "give each column a heading of its own".to_owned(),
            OnlyError::NoRows { .. } => "see what the column holds; case does not count".to_owned(),
        };
        let message = anyhow::anyhow!("--only {expression}: {error}");
        Failure::new(Exit::Usage, message).hint(hint)
    })?;
    let kept = (manifest.rows.len() + manifest.invalid.len()) as u64;
    ui.note(format_args!(
        "only {}: {}, and {} left out",
        harmless(&expression),
        count(kept, "row", "rows"),
        count(left_out, "row is", "rows are")
    ));
    manifest.part = Some(PartOfIt { expression, left_out });
    Ok(())
}

/// What was settled by hand, as the manifest's reader takes it.
pub(super) fn options(settings: &ManifestSettings, by: DeliveryWay) -> Options {
    let choice = |column: &NamedColumn| ColumnChoice {
        meaning: Meaning::named(column.name).expect("both list the names of the contract"),
        heading: column.heading.clone(),
    };
    Options {
        columns: settings.columns.iter().map(choice).collect(),
        reset_only: settings.reset_only,
        sheet: settings.sheet.clone(),
        include_hidden: settings.include_hidden,
        several_cc: by.is_own(),
        only_check: false,
    }
}

/// What a command works with that talks to a tenant.
pub(super) struct Context<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) graph: &'a Graph,
    pub(super) settings: &'a Settings,
    pub(super) stop: &'a Stop,
    pub(super) ui: &'a Ui,
}

/// A plan, and whose it is.
pub(super) struct Planned {
    pub(super) plan: Plan,
    /// What a checkpoint is bound to.
    pub(super) tenant_key: String,
    /// What the templates make of it.
    pub(super) samples: Samples,
}

/// Reads the directory and plans. Which wave it is, `so_far` tells, where there are waves.
pub(super) fn make_plan(
    context: &Context<'_>,
    manifest: &Manifest,
    ledger: &Ledger,
    asked: Asked,
    so_far: Option<&SoFar<'_>>,
) -> Result<Planned, Failure> {
    let Context { graph, settings, .. } = context;
    let mut read =
        reading(context, async { read_and_plan(graph, manifest, ledger, settings, asked).await })?;
    let now = graph.clock().service_now();
    let tonight = so_far.map(|so_far| so_far.begins(&read, manifest, ledger, settings, now));
    read.plan.wave = tonight.and_then(|tonight| tonight.wave);
    let Read { plan, tenant_key, directory, method, requests, .. } = read;
    note_reading(context.ui, method, requests);
    let samples = Samples::planned(&plan, manifest, &directory, settings);
    Ok(Planned { plan, tenant_key, samples })
}

/// Reads something. Ctrl-C ends it at once: nothing is under way that could matter.
pub(super) fn reading<T>(
    context: &Context<'_>,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, Failure> {
    let read = context.runtime.block_on(async {
        tokio::select! {
            read = work => read,
            () = context.stop.requested() => Err(CallError::Stopped),
        }
    });
    read.map_err(|error| interrupted(error, context.stop))
}

/// The failure of a command that did not come to its end.
pub(super) fn campaign_failure(error: CampaignError, stop: &Stop) -> Failure {
    match error {
        CampaignError::Call(error) => interrupted(error, stop),
        CampaignError::Checkpoint(error) => error.into(),
        CampaignError::Kept(error) => error.into(),
        CampaignError::Post(error) => Failure::new(Exit::Usage, error)
            .hint("mend [delivery]; `preview` shows each mail without sending it"),
    }
}

/// Says how the guests were read.
pub(super) fn note_reading(ui: &Ui, method: Method, requests: u64) {
    ui.note(format_args!(
        "directory read {}, in {}",
        match method {
            Method::Sweep => "in one sweep over all guests",
            Method::LookUps => "by looking up the guests named",
        },
        count(requests, "request", "requests"),
    ));
}

/// The failure of a reading that something asked to stop: with the code of the
/// signal.
pub(super) fn interrupted(error: CallError, stop: &Stop) -> Failure {
    match (&error, stop.reason()) {
        (CallError::Stopped, Some(StopReason::Terminated)) => {
            Failure::new(Exit::Terminated, anyhow::anyhow!("terminated before anything was sent"))
        }
        (CallError::Stopped, Some(StopReason::TimeBudget)) => Failure::new(
            Exit::OutOfTime,
            anyhow::anyhow!("the time budget was used up before anything was sent"),
        ),
        (CallError::Stopped, _) => {
            Failure::new(Exit::Interrupted, anyhow::anyhow!("interrupted before anything was sent"))
        }
        _ => error.into(),
    }
}

/// Tells of throttling and retries while there is no progress display.
pub(super) fn lines(ui: &Ui) -> Sink {
    let quiet = ui.quiet || !ui.is_read_by_a_person();
    let log = Arc::clone(&ui.log);
    Sink::new(move |event| {
        log.event(&event, None);
        let text = match event {
            Event::Throttled { wait, .. } => {
                format!("throttled by the tenant; waiting {:.1} s", wait.as_secs_f64())
            }
            Event::Retrying { wait, why, .. } => {
                format!("trying again in {:.1} s: {why}", wait.as_secs_f64())
            }
            Event::Waiting { why, at_most, .. } => {
                format!("{why}; waiting for at most {:.0} s", at_most.as_secs_f64())
            }
            Event::Noticed { what, .. } => what,
            // Asked of a person, who has to answer: said even when quiet.
            Event::SignInNeeded { url, code, valid_for } => {
                let line = sign_in_line(&url, &code, valid_for);
                let _ = writeln!(anstream::stderr(), "{line}");
                return;
            }
            Event::Started { .. }
            | Event::RowEntered { .. }
            | Event::Patched { .. }
            | Event::RowFinished { .. }
            | Event::Stopping { .. }
            | Event::CanaryPassed { .. }
            | Event::Finished(_) => return,
        };
        if !quiet {
            let _ = writeln!(anstream::stderr(), "{}", harmless(&text));
        }
    })
}

/// With `--output json` even a command that could not plan prints its one object.
pub(super) fn tell_unplanned(failure: Failure, manifest: &Manifest, ui: &Ui) -> Failure {
    tell_failure(Failure { rows: rows(manifest), ..failure }, ui)
}

/// With `--output json` a command that failed before it had its one object prints one
/// that says so. One that plans has the keys of a run.
pub(super) fn tell_failure(failure: Failure, ui: &Ui) -> Failure {
    if !ui.json() || failure.is_told {
        return failure;
    }
    let (out, code, elapsed) = (&mut ui.stdout(), failure.exit.code(), ui.log.elapsed());
    let why = (failure.exit.stop_reason(), failure.error.to_string());
    // When stdout is gone there is nobody left to tell; the error itself is what counts.
    let _ = if ui.schema == Schema::Failure {
        failure_json(out, code, why, elapsed)
    } else {
        unplanned_json(out, ui.schema, failure.rows, code, why, elapsed)
    };
    failure.told()
}

fn rows(manifest: &Manifest) -> u64 {
    (manifest.rows.len() + manifest.invalid.len()) as u64
}

/// The runtime of a command that calls a tenant. Rows are carried out by the main
/// thread, and one worker is plenty for the sockets and signals; more of them mostly
/// wake each other.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}

/// When to start nothing new, counted from now on.
pub(super) fn deadline(budget: &BudgetArgs) -> Option<tokio::time::Instant> {
    let left = time_budget(budget.max_duration, budget.until, Timestamp::now())?;
    Some(tokio::time::Instant::now() + left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_that_can_be_named_is_one_of_the_manifest() {
        for name in NamedColumn::NAMES {
            assert!(Meaning::named(name).is_some(), "{name}");
        }
    }
}
