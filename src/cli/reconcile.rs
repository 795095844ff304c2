//! `reconcile`: a night of a campaign, by a scheduler or by hand; and `remind`, the
//! part of it that sends reminders.
//!
//! Leaves to others: the night itself (`campaign`), and its words (`report`).

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::campaign::{
    self, CampaignError, Carried, Night, NightPlan, NightRequest, Part, Reconciled, Scope, Session,
};
use crate::checkpoint::{Checkpoint, Reader};
use crate::config::args::{BudgetArgs, Cli, PlanningArgs, ReconcileArgs, RemindArgs};
use crate::config::{Settings, checkpoint_path};
use crate::graph::CallError;
use crate::manifest::Manifest;
use crate::report::{NightView, night_json, night_text};
use crate::run::Stop;

use super::after::After;
use super::connect::client;
use super::display::{Display, Occasion, refused};
use super::failure::Failure;
use super::finish::{check_result, finish, write_result};
use super::plan::{load_settings, settings, tell_of};
use super::planning::{
    campaign_failure, deadline, lines, read_manifest, runtime, tell_of_checkpoints_beside,
    tell_unplanned,
};
use super::quoting::quoted;
use super::resume_command::night_again;
use super::ui::Ui;
use super::{Exit, signals};

pub(super) fn run(cli: &Cli, args: &ReconcileArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = load_settings(cli, ui)?;
    let yes = cli.global.yes || settings.reconcile.unattended;
    // A scheduler mails whatever is said, so nothing is unless there is something to say.
    let ui = &if yes { ui.unless_verbose() } else { ui.clone() };
    tell_of(&settings, ui);
    let after = After::new(&settings, ui);
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
    let result = work().map_err(Failure::of_a_run);
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
    let after = After::new(&settings, ui);
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
    let result = work().map_err(Failure::of_a_run);
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
    /// A night is about the whole of a manifest: what a part has not would be taken for
    /// rows that left it.
    fn refuse_a_part(&self, manifest: &Manifest) -> Result<(), Failure> {
        let Ok(reader) = Reader::open(&self.checkpoint) else { return Ok(()) };
        let Some(part) = Part::for_plan(&reader, manifest, false)? else { return Ok(()) };
        let (name, of) = (&manifest.name, &part.manifest);
        let text = format!("{name} has rows of {of} that were handed back, and is a part of it");
        let (part, into) = (quoted(&self.planning.manifest), quoted(&self.checkpoint));
        Err(Failure::new(Exit::Usage, anyhow::anyhow!(text))
            .hint(format!("carry it out with: reinvite apply {part} --into {into}")))
    }

    fn run(&self, ui: &Ui) -> Result<Exit, Failure> {
        let deadline = deadline(self.budget);
        ui.log.checkpoint(&self.checkpoint);
        let manifest = read_manifest(self.planning, self.settings, ui)?;
        tell_of_checkpoints_beside(&self.checkpoint, &manifest, ui);
        if self.scope == Scope::Everything {
            self.refuse_a_part(&manifest)?;
        }
        self.night(&manifest, deadline, ui)
            .map_err(|failure| tell_unplanned(failure, &manifest, ui))
    }

    fn night(
        &self,
        manifest: &Manifest,
        deadline: Option<tokio::time::Instant>,
        ui: &Ui,
    ) -> Result<Exit, Failure> {
        let Self { settings, scope, .. } = *self;
        let stop = Stop::new();
        let runtime = runtime()?;
        let _guard = runtime.enter();
        signals::listen(stop.clone());
        let sink = lines(ui);
        let graph = client(settings, &stop, &sink)?;
        let checkpoint = Checkpoint::open(&self.checkpoint, Timestamp::now())?;
        self.after.started();
        check_result(self.result)?;
        let session = Session { settings, graph: &graph, stop: &stop, deadline };
        let occasion = Occasion::Night(scope);
        let display = Display::new(
            ui,
            &stop,
            &sink,
            &manifest.name,
            occasion,
            self.yes,
            self.settings.guards.canary,
        );
        let request = NightRequest { scope, reset_matching: self.planning.reset_matching };
        let exit_code = |night: &Night| exit_of(night).code();
        let carried = runtime.block_on(campaign::reconcile(
            &session, checkpoint, manifest, request, &display, exit_code,
        ));
        display.close();
        match carried.map_err(|error| campaign_failure(error, &stop))? {
            Carried::Out(reconciled) => self.tell(manifest, reconciled, ui),
            Carried::Refused { plan, refusal } => Err(refused(&plan, &refusal, ui)),
            Carried::Declined(failure) => Err(failure),
        }
    }

    /// From here on everything is known: exit code, numbers, and why it stopped.
    fn tell(
        &self,
        manifest: &Manifest,
        Reconciled { night_plan, night, ended }: Reconciled,
        ui: &Ui,
    ) -> Result<Exit, Failure> {
        let exit = exit_of(&night);
        ui.log.counted(&night.summary);
        let mails = &night.summary.mails;
        let written = write_result(
            self.result,
            &self.checkpoint,
            manifest,
            &night_plan.plan,
            &night.outcomes,
            mails,
        );
        let told = self.print(&night_plan, manifest, &night, exit, ui);
        finish(exit, written, ended, told)
    }

    fn print(
        &self,
        night_plan: &NightPlan,
        manifest: &Manifest,
        night: &Night,
        exit: Exit,
        ui: &Ui,
    ) -> std::io::Result<()> {
        let Night { outcomes, summary, digest, .. } = night;
        if ui.json() {
            let out = &mut ui.stdout();
            return night_json(out, &night_plan.plan, outcomes, summary, digest, exit.code());
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
        night_text(&mut ui.stdout(), &night_plan.plan, outcomes, summary, digest, &view)
    }
}

/// Rows shown in each list without `-v`, so that a digest fits on a screen.
pub(super) const ROWS_PER_LIST: usize = 5;

/// The code of a night: that of its run, of the guests that need a person, or of why
/// they could not be looked at.
pub(super) fn exit_of(night: &Night) -> Exit {
    let exit = Exit::from_summary(&night.summary_for_exit());
    match &night.trouble {
        Some(CampaignError::Call(CallError::Stopped)) | None => exit,
        Some(CampaignError::Call(error)) => exit.or_more_urgent(Failure::from(error.clone()).exit),
        Some(CampaignError::Checkpoint(_) | CampaignError::Post(_) | CampaignError::Kept(_)) => {
            exit.or_more_urgent(Exit::Unexpected)
        }
    }
}
