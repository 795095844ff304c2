//! What `plan` and `apply` share: read the manifest, read the directory, decide.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Runtime;

use crate::config::Settings;
use crate::config::args::PlanningArgs;
use crate::domain::{Ledger, Tenant};
use crate::graph::{CallError, Graph, Method, Wanted};
use crate::manifest::{self, Manifest, Source};
use crate::plan::{Guards, Plan, Policy};
use crate::report::{count, unplanned_json};
use crate::run::{Event, Stop, StopReason};

use super::connect::{Sink, sign_in};
use super::failure::Failure;
use super::ui::Ui;
use super::{Exit, lint};

/// Reads the manifest; refuses one with bad rows unless they are to be skipped.
pub(super) fn read_manifest(args: &PlanningArgs, ui: &Ui) -> Result<Manifest, Failure> {
    let loaded = manifest::read(&Source::from_arg(&args.manifest))?;
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
    Err(Failure::new(
        Exit::Usage,
        anyhow::anyhow!("{}: {problems}; nothing was sent", loaded.manifest.name),
    )
    .hint("mend the rows, or leave them out with --skip-invalid"))
}

/// What the command line adds to the settings for planning.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) reset_matching: bool,
    pub(super) retry_failed: bool,
    pub(super) resend: BTreeSet<String>,
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
}

/// Reads the directory and plans. Ctrl-C ends it at once: nothing is under way
/// that could matter.
pub(super) fn make_plan(
    context: &Context<'_>,
    manifest: &Manifest,
    ledger: &Ledger,
    asked: Asked,
) -> Result<Planned, Failure> {
    let Context { runtime, graph, settings, stop, ui } = context;
    let remembered = manifest.rows.iter().map(|row| row.user.folded());
    let wanted = Wanted {
        references: manifest.rows.iter().map(|row| row.user.clone()).collect(),
        addresses: manifest.rows.iter().filter_map(|row| row.new_email.clone()).collect(),
        known: ledger.users().collect(),
        remembered: remembered.filter(|name| ledger.user_named(name).is_some()).collect(),
    };
    let reading = async {
        let (caller, token_tenant) = sign_in(graph).await?;
        let survey = graph.survey(&wanted, caller).await?;
        Ok::<_, CallError>((caller, token_tenant, survey))
    };
    let read = runtime.block_on(async {
        tokio::select! {
            read = reading => read,
            () = stop.requested() => Err(CallError::Stopped),
        }
    });
    let (caller, token_tenant, survey) = read.map_err(|error| interrupted(error, stop))?;
    // Before the plan is made, which is when the most is in memory.
    drop(wanted);
    ui.note(format_args!(
        "directory read {}, in {}",
        match survey.method {
            Method::Sweep => "in one sweep over all guests",
            Method::LookUps => "by looking up the guests named",
        },
        count(survey.requests, "request", "requests"),
    ));
    let mut directory = survey.directory;
    let Tenant { id, .. } = &mut directory.tenant;
    *id = id.take().or(token_tenant);
    let tenant_key = id.clone().unwrap_or_else(|| settings.tenant.id.clone());
    let policy = Policy {
        tenant: settings.tenant.id.clone(),
        caller,
        invitation: settings.invitation.clone(),
        mail: settings.mail,
        reset_matching: asked.reset_matching,
        retry_failed: asked.retry_failed,
        resend: asked.resend,
    };
    let guards = Guards {
        max_changes: settings.guards.max_changes,
        allowed_domains: settings.guards.allowed_domains.clone(),
    };
    let plan = Plan::make(manifest, &directory, ledger, &policy, &guards);
    Ok(Planned { plan, tenant_key })
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
    let chronicle = Arc::clone(&ui.chronicle);
    Sink::new(move |event| {
        chronicle.event(&event, None);
        let text = match event {
            Event::Throttled { wait, .. } => {
                format!("throttled by the tenant; waiting {:.1} s", wait.as_secs_f64())
            }
            Event::Retrying { wait, why, .. } => {
                format!("trying again in {:.1} s: {why}", wait.as_secs_f64())
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
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    })
}

/// With `--output json` even a command that could not plan prints its one object.
pub(super) fn tell_unplanned(
    failure: Failure,
    manifest: &Manifest,
    started: Instant,
    ui: &Ui,
) -> Failure {
    if !ui.json() || failure.is_told {
        return failure;
    }
    let rows = (manifest.rows.len() + manifest.invalid.len()) as u64;
    let why = (failure.exit.stop_reason(), failure.error.to_string());
    // When stdout is gone there is nobody left to tell; the error itself is what counts.
    let _ = unplanned_json(&mut ui.stdout(), rows, failure.exit.code(), why, started.elapsed());
    failure.told()
}

/// The runtime of a command that calls a tenant. Rows are carried out by the main
/// thread, and one worker is plenty for the sockets and signals; more of them mostly
/// wake each other.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}
