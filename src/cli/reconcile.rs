//! `reconcile`: a night of a campaign, by a scheduler or by hand; and `remind`, the
//! part of it that sends reminders.
//!
//! Leaves to others: the night itself (`night`), and its words (`report`).

use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;

use crate::campaign::{Eve, Night, NightError, Scope, carry_out, manifest_row, prepare};
use crate::checkpoint::{Checkpoint, Journal, RunEnd, RunStart};
use crate::config::args::{BudgetArgs, Cli, PlanningArgs, ReconcileArgs, RemindArgs};
use crate::config::{Settings, checkpoint_path};
use crate::graph::CallError;
use crate::manifest::Manifest;
use crate::report::{NightView, PlanView, night_json, night_text, plan_text};
use crate::run::{Stop, StopReason};

use super::after::After;
use super::carry_on::night_again;
use super::connect::{client, tell_what_was_spent};
use super::consent::{confirm, refusal};
use super::failure::Failure;
use super::plan::{settings, view};
use super::planning::{
    Context, lines, note_reading, read_manifest, reading, runtime, tell_unplanned,
};
use super::running::{
    deadline, numbers, refused, run_settings, shown, stop_at, warn_of_other_manifest,
};
use super::ui::Ui;
use super::wrap_up::{check_result, wrap_up, write_result};
use super::{Exit, signals};

pub(super) fn run(cli: &Cli, args: &ReconcileArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = settings(cli, ui)?;
    let yes = cli.global.yes || settings.reconcile.unattended;
    // A scheduler mails whatever is said, so nothing is unless there is something to say.
    let ui = &if yes { ui.unless_verbose() } else { ui.clone() };
    let after = After::of(&settings, ui);
    let work = || {
        let manifest = &args.planning.manifest;
        let job = Job {
            settings: &settings,
            scope: Scope::Everything,
            planning: &args.planning,
            budget: &args.budget,
            result: args.result.as_deref(),
            yes,
            again: night_again(
                cli,
                "reconcile",
                &args.planning,
                &args.budget,
                args.result.as_deref(),
            ),
            checkpoint: checkpoint_path(Some(manifest), settings.checkpoint.as_deref())?,
            after: &after,
        };
        job.run(ui)
    };
    let result = work();
    after.conclude(result)
}

pub(super) fn remind(cli: &Cli, args: &RemindArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = settings(cli, ui)?;
    if settings.remind.after.is_none() {
        return Err(Failure::new(
            Exit::Usage,
            anyhow::anyhow!("[remind] after is not set: nobody is reminded"),
        )
        .hint(
            "write `after = \"7d\"` under [remind] to remind guests a week after their invitation",
        ));
    }
    let planning = args.planning();
    let after = After::of(&settings, ui);
    let work = || {
        let job = Job {
            settings: &settings,
            scope: Scope::Reminders,
            planning: &planning,
            budget: &args.budget,
            result: None,
            yes: cli.global.yes,
            again: night_again(cli, "remind", &planning, &args.budget, None),
            checkpoint: checkpoint_path(Some(&args.manifest), settings.checkpoint.as_deref())?,
            after: &after,
        };
        job.run(ui)
    };
    let result = work();
    after.conclude(result)
}

/// What is to be done in a night, and how.
struct Job<'a> {
    settings: &'a Settings,
    scope: Scope,
    planning: &'a PlanningArgs,
    budget: &'a BudgetArgs,
    result: Option<&'a Path>,
    yes: bool,
    /// The command that continues after a stop.
    again: String,
    checkpoint: PathBuf,
    /// Who is told of the end.
    after: &'a After<'a>,
}

impl Job<'_> {
    fn run(&self, ui: &Ui) -> Result<Exit, Failure> {
        let started = Instant::now();
        ui.chronicle.checkpoint(&self.checkpoint);
        let manifest = read_manifest(self.planning, self.settings, ui)?;
        self.night(&manifest, started, ui).map_err(|failure| tell_unplanned(failure, &manifest, ui))
    }

    fn night(&self, manifest: &Manifest, started: Instant, ui: &Ui) -> Result<Exit, Failure> {
        let settings = self.settings;
        let deadline = deadline(self.budget, started);
        let stop = Stop::new();
        let runtime = runtime()?;
        let _guard = runtime.enter();
        signals::listen(stop.clone());
        stop_at(&runtime, deadline, &stop);
        let sink = lines(ui);
        let graph = client(settings, &stop, &sink)?;
        let checkpoint = Checkpoint::open(&self.checkpoint, Timestamp::now())?;
        self.after.started();
        check_result(self.result)?;
        if self.scope == Scope::Everything {
            warn_of_other_manifest(&checkpoint, manifest, ui)?;
        }
        let last_run = checkpoint.last_run()?;
        let probe = checkpoint.is_stopped_by(StopReason::is_of_tenant)?;
        let context = Context { runtime: &runtime, graph: &graph, settings, stop: &stop, ui };
        let reset_matching = self.planning.reset_matching;
        let eve = reading(
            &context,
            prepare(&graph, &checkpoint, manifest, settings, self.scope, reset_matching),
        )?;
        note_reading(ui, eve.method, eve.requests);
        ui.chronicle.planned(&eve.plan);
        checkpoint.claim(&eve.tenant_key)?;
        if let Some((reason, advice)) = self.review(&context, &eve)? {
            return refused(&eve.plan, reason, &advice, ui);
        }
        tell_what_was_spent(&graph, &checkpoint)?;
        let journal = self.begin(checkpoint, manifest, &eve)?;
        let run = run_settings(settings, deadline, last_run.as_ref(), probe);
        let night = shown(&context, &eve.plan, &journal, &sink, |context, observe| {
            let Context { runtime, graph, stop, .. } = context;
            runtime.block_on(carry_out(&eve, graph, &journal, settings, &run, stop, observe))
        });
        self.finish(&eve, manifest, journal, &night, ui)
    }

    /// Shows the plan to whoever is asked, and asks. The reason if a guard refuses.
    fn review(
        &self,
        context: &Context<'_>,
        eve: &Eve,
    ) -> Result<Option<(StopReason, String)>, Failure> {
        let (plan, ui) = (&eve.plan, context.ui);
        let begin = plan.counts.change.saturating_sub(eve.ration.held.len() as u64)
            + eve.corrections.len() as u64;
        if !ui.quiet && plan.counts.rows > 0 && (begin > 0 || ui.verbose > 0) {
            // A stderr that nobody reads is no reason not to do what was asked.
            let view = PlanView { is_pinned: false, ..view(ui, ui.styles_err()) };
            let _ = plan_text(&mut ui.stderr(), plan, &view);
        }
        if let Some((reason, advice)) = refusal(plan, None) {
            return Ok(Some((reason, advice.to_owned())));
        }
        if begin > 0 && !self.yes {
            let what = match self.scope {
                Scope::Everything => "Move, reset, remind or correct",
                Scope::Reminders => "Remind",
            };
            confirm(context, plan, what, begin, "look at it, then pass --yes")?;
        }
        Ok(None)
    }

    fn begin(
        &self,
        checkpoint: Checkpoint,
        manifest: &Manifest,
        eve: &Eve,
    ) -> Result<Journal, Failure> {
        let at = Timestamp::now();
        if self.scope == Scope::Reminders {
            return Ok(checkpoint.begin_look("remind", at)?);
        }
        let start = RunStart {
            at,
            command: "reconcile",
            manifest: &manifest.name,
            tenant_name: eve.plan.tenant_name.as_deref(),
            plan_digest: eve.plan.digest.to_string(),
            manifest_form: serde_json::to_string(&manifest.written.form).expect("plain data"),
        };
        let rows = eve.plan.rows.iter().map(|row| manifest_row(row, manifest));
        Ok(checkpoint.begin_run(&start, rows)?)
    }

    /// Writes down how the night ended, then tells. From here on everything is known:
    /// exit code, numbers, and why it stopped.
    fn finish(
        &self,
        eve: &Eve,
        manifest: &Manifest,
        journal: Journal,
        night: &Night,
        ui: &Ui,
    ) -> Result<Exit, Failure> {
        let exit = exit_of(night);
        let Night { outcomes, summary, digest, trouble: _ } = night;
        ui.chronicle.counted(summary);
        let mut kept = numbers(summary);
        kept["night"] = serde_json::to_value(digest).map_err(std::io::Error::other)?;
        let ended = journal.end_run(&RunEnd {
            at: Timestamp::now(),
            stop_reason: summary.stop_reason.as_ref().map(StopReason::code),
            exit_code: exit.code(),
            summary: kept.to_string(),
        });
        let written = write_result(self.result, manifest, &eve.plan, outcomes);
        let told = self.tell(eve, manifest, night, exit, ui);
        wrap_up(exit, written, ended, told)
    }

    fn tell(
        &self,
        eve: &Eve,
        manifest: &Manifest,
        night: &Night,
        exit: Exit,
        ui: &Ui,
    ) -> std::io::Result<()> {
        let Night { outcomes, summary, digest, .. } = night;
        if ui.json() {
            let (out, held) = (&mut ui.stdout(), &eve.ration.held);
            return night_json(out, &eve.plan, outcomes, summary, digest, held, exit.code());
        }
        if night.is_quiet() && exit == Exit::Done && self.scope == Scope::Everything {
            if ui.verbose > 0 {
                ui.note("nothing has changed since the last night");
            }
            return Ok(());
        }
        let unfinished = summary.stop_reason.is_some() || summary.unknown > 0;
        let view = NightView {
            styles: ui.styles_out(),
            width: Ui::width(),
            most_rows: if ui.verbose > 0 { usize::MAX } else { ROWS_PER_LIST },
            manifest: &manifest.name,
            only_reminders: self.scope == Scope::Reminders,
            continue_with: unfinished.then_some(self.again.as_str()),
        };
        night_text(&mut ui.stdout(), &eve.plan, outcomes, summary, digest, &view)
    }
}

/// Rows shown in each list without `-v`, so that a digest fits on a screen.
pub(super) const ROWS_PER_LIST: usize = 5;

/// The code of a night: that of its run, of the guests that need a person, or of why
/// they could not be looked at.
fn exit_of(night: &Night) -> Exit {
    let exit = Exit::of(&night.summary_for_exit());
    match &night.trouble {
        Some(NightError::Call(CallError::Stopped)) | None => exit,
        Some(NightError::Call(error)) => exit.or_more_urgent(Failure::from(error.clone()).exit),
        Some(NightError::Checkpoint(_)) => exit.or_more_urgent(Exit::Unexpected),
    }
}
