//! `rehearse`: a whole campaign on a copy of the tenant, under a clock that does not wait.
//!
//! Leaves to others: the rehearsal itself (`rehearsal`), and its words (`report`).

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;

use crate::campaign::{Night, Samples};
use crate::checkpoint::{History, Reader};
use crate::config::Settings;
use crate::config::args::{Cli, RehearseArgs};
use crate::manifest::Manifest;
use crate::rehearsal::{
    CHECKPOINT, Codes, End, MAILS, Rehearsal, RehearsalError, Request, Run, rehearse,
};
use crate::report::{
    RehearsalView, Replace, Report, ReportFormat, ReportOptions, check_report_path, rehearsal_json,
    rehearsal_text, report_file, write_report,
};
use crate::run::{RunResult, Stop, StopReason};

use super::failure::Failure;
use super::plan::settings;
use super::planning::options as manifest_options;
use super::planning::{campaign_failure, read_manifest, tell_unplanned};
use super::reconcile;
use super::report::unreplaced;
use super::ui::Ui;
use super::weather::{options, tenant_of};
use super::{Exit, signals};

/// The report of a rehearsal, in its folder.
const REPORT: &str = "rehearsal.html";

/// What an invitation is pending for before the report says so: as `report` has it.
const STUCK_AFTER: std::time::Duration = std::time::Duration::from_hours(14 * 24);

pub(super) fn run(cli: &Cli, args: &RehearseArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = settings(cli, ui)?;
    let seed = tenant_of(&args.tenant)?;
    let manifest = read_manifest(&args.planning, &settings, ui)?;
    let folder = Folder::prepare(args)?;
    let request = Request {
        manifest: &manifest,
        settings: &settings,
        seed,
        options: options(&args.tenant_is)?,
        begin: args.begin.unwrap_or_else(Timestamp::now),
        nights: args.nights,
        redeem: args.redeem,
        luck: args.seed,
        reset_matching: args.planning.reset_matching,
        max_duration: args.budget.max_duration,
        until: args.budget.until,
        folder: &folder.path,
        codes: Codes {
            apply: |result: &RunResult| Exit::from_summary(&result.summary).code(),
            night: |night: &Night| reconcile::exit_of(night).code(),
        },
    };
    hold(request, &settings, &folder, ui).map_err(|failure| tell_unplanned(failure, &manifest, ui))
}

fn hold(
    request: Request<'_>,
    settings: &Settings,
    folder: &Folder,
    ui: &Ui,
) -> Result<Exit, Failure> {
    let manifest = request.manifest;
    ui.note("a rehearsal: nothing leaves this machine, and no hook, webhook or metric is run or written");
    let stop = Stop::new();
    // Time passes when everybody waits for it, and in no other way.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let hear = |run: &Run| {
        if ui.verbose > 0 {
            let name = if run.night == 0 {
                run.command.to_owned()
            } else {
                format!("night {}", run.night)
            };
            ui.note(format_args!("{name}: {:.0} to {:.0}", run.began_at, run.ended_at));
        }
    };
    let rehearsal = runtime.block_on(async {
        signals::listen(stop.clone());
        rehearse(request, &stop, &hear).await
    });
    let rehearsal = rehearsal.map_err(|error| match error {
        RehearsalError::Campaign(error) => campaign_failure(error, &stop),
        RehearsalError::NoNight => Failure::new(Exit::Usage, error).hint(
            "its first run is a night, as [reconcile] max_changes holds rows back: --nights 1",
        ),
        RehearsalError::Stage(error) => {
            Failure::new(Exit::Usage, error).hint("take a file that `reinvite snapshot` wrote")
        }
    })?;
    tell(&rehearsal, manifest, settings, folder, ui)
}

fn tell(
    rehearsal: &Rehearsal,
    manifest: &Manifest,
    settings: &Settings,
    folder: &Folder,
    ui: &Ui,
) -> Result<Exit, Failure> {
    let exit = exit_of(rehearsal);
    let checkpoint = folder.path.join(CHECKPOINT);
    let history = || -> Result<History, Failure> { Ok(Reader::open(&checkpoint)?.history()?) };
    let options = ReportOptions { now: rehearsal.ended_at, stuck_after: STUCK_AFTER };
    let page = folder.is_kept.then(|| folder.path.join(REPORT));
    if let Some(page) = &page {
        let Settings { delivery, invitation, manifest: reading, .. } = settings;
        let read_as = manifest_options(reading, delivery.by);
        let report = Report::new(vec![history()?], options)
            .with_samples(|history| Samples::kept(history, delivery, invitation, &read_as));
        report_file(page, |out| write_report(out, &report, ReportFormat::Html)).map_err(
            |error| {
                Failure::new(Exit::Unexpected, error)
                    .hint("check the path, its permissions and the disk")
            },
        )?;
    }
    let view = RehearsalView {
        styles: ui.styles_out(),
        width: Ui::width(),
        manifest: &manifest.name,
        delivery: &settings.delivery,
        is_whole: ui.verbose > 0,
        exit_code: exit.code(),
        files: page.as_deref().map(|page| (page, &*checkpoint)),
    };
    let history = history()?;
    let out = &mut ui.stdout();
    let told = if ui.json() {
        rehearsal_json(out, rehearsal, &history, options, &view)
    } else {
        rehearsal_text(out, rehearsal, &history, &view)
    };
    told.map_err(Failure::from_stdout)?;
    match &page {
        Some(page) => ui.note(format_args!(
            "the report is in {}; more: reinvite explain LINE --checkpoint {}",
            page.display(),
            checkpoint.display()
        )),
        None => ui.note("--out DIR keeps the report and the checkpoint"),
    }
    Ok(exit)
}

/// What the campaign would end with: the last run's code, or why there was none.
fn exit_of(rehearsal: &Rehearsal) -> Exit {
    let last = rehearsal.runs.last().and_then(|run| Exit::from_code(run.exit_code));
    match &rehearsal.end {
        End::Refused(refusal) => Exit::from_stop_reason(&refusal.reason),
        End::Interrupted => Exit::from_stop_reason(&StopReason::Interrupted),
        End::Settled | End::Stuck | End::OutOfNights | End::Stopped => last.unwrap_or(Exit::Done),
    }
}

/// Where a rehearsal keeps what it writes: for good, or only as long as it lasts.
struct Folder {
    path: PathBuf,
    is_kept: bool,
}

impl Folder {
    fn prepare(args: &RehearseArgs) -> Result<Self, Failure> {
        let Some(path) = &args.out else { return Self::passing() };
        let folder = Self { path: path.clone(), is_kept: true };
        folder.create()?;
        folder.clear(args.force)?;
        Ok(folder)
    }

    /// In memory, where the system has such a place: a rehearsal writes as often as its
    /// campaign, and nobody needs it any more after a crash.
    fn passing() -> Result<Self, Failure> {
        let name = format!("reinvite-rehearsal-{}", uuid::Uuid::new_v4().simple());
        let passing = |place: &Path| Self { path: place.join(&name), is_kept: false };
        let folder = passing(Path::new("/dev/shm"));
        if cfg!(target_os = "linux") && folder.create().is_ok() {
            return Ok(folder);
        }
        let folder = passing(&std::env::temp_dir());
        folder.create()?;
        Ok(folder)
    }

    fn create(&self) -> Result<(), Failure> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(self.is_kept);
        // What is in it names guests, and a mail has a link.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let made = builder.create(&self.path);
        made.with_context(|| format!("cannot create the directory {}", self.path.display()))
            .map_err(|error| Failure::new(Exit::Usage, error).hint("name another one with --out"))
    }

    /// Makes room: an earlier rehearsal's files go where that is asked for, and nothing else.
    fn clear(&self, force: bool) -> Result<(), Failure> {
        let replace = if force { Replace::Anything } else { Replace::Reports };
        check_report_path(&self.path.join(REPORT), replace).map_err(unreplaced)?;
        let checkpoint = self.path.join(CHECKPOINT);
        if !checkpoint.exists() {
            return Ok(());
        }
        let refuse = |why: &str, hint: &str| {
            let text = format!("{} is there already{why}", checkpoint.display());
            Err(Failure::new(Exit::Usage, anyhow!(text)).hint(hint.to_owned()))
        };
        if !Reader::open(&checkpoint)?.status()?.is_rehearsal() {
            return refuse(", and is a campaign's", "name another directory with --out");
        }
        if !force {
            return refuse(
                "",
                "name another directory, or replace the rehearsal in it with --force",
            );
        }
        let gone = |path: &Path, removed: std::io::Result<()>| match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::new(
                Exit::Usage,
                anyhow::Error::new(error).context(format!("cannot remove {}", path.display())),
            )),
            Ok(()) | Err(_) => Ok(()),
        };
        for suffix in ["", "-journal", "-wal", "-shm"] {
            let path = self.path.join(format!("{CHECKPOINT}{suffix}"));
            gone(&path, std::fs::remove_file(&path))?;
        }
        let mails = self.path.join(MAILS);
        gone(&mails, std::fs::remove_dir_all(&mails))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.is_kept {
            // What can't be removed now goes with the system's other passing files.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
