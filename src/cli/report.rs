//! `report`: one or more campaigns as a report, from their checkpoints alone.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::campaign::Samples;
use crate::checkpoint::{History, Reader};
use crate::config::OfflineSettings;
use crate::config::args::{Cli, ReportArgs};
use crate::report::{
    Replace, Report, ReportFileError, ReportFormat, ReportOptions, check_report_path, count,
    failed_csv, failed_rows, report_file, write_report,
};

use super::Exit;
use super::checkpoint_args::{checkpoint_of, offline};
use super::failure::Failure;
use super::planning::options as manifest_options;
use super::ui::Ui;

pub(super) fn run(cli: &Cli, args: &ReportArgs, ui: &Ui) -> Result<Exit, Failure> {
    let format = format(args, ui);
    let replace = if args.force { Replace::Anything } else { Replace::Reports };
    // `-` is stdout, asked for by name.
    let out = args.out.as_deref().filter(|path| *path != Path::new("-"));
    if let Some(path) = out {
        check(path, replace)?;
    } else if format == ReportFormat::Html
        && args.failed.is_none()
        && args.out.is_none()
        && std::io::stdout().is_terminal()
    {
        return Err(usage("a terminal can't show an HTML report")
            .hint("write it to a file with --out report.html, or choose --format markdown"));
    }
    // A file of failed rows may have been mended since: it is work, not a report.
    let replace = if args.force { Replace::Anything } else { Replace::Nothing };
    if let Some(path) = &args.failed {
        check(path, replace)?;
    }
    let settings = offline(cli, ui)?;
    let paths = checkpoints(&settings, args)?;
    if args.failed.is_some() && paths.len() > 1 {
        return Err(usage("--failed writes the rows of one manifest, and several are named")
            .hint("name one of them"));
    }
    let histories: Vec<History> =
        paths.iter().map(|path| Reader::open(path)?.history()).collect::<Result<_, _>>()?;
    let options = ReportOptions { now: Timestamp::now(), stuck_after: args.stuck_after };
    let report = Report::new(histories, options);
    let report = if format == ReportFormat::Html {
        let OfflineSettings { delivery, invitation, manifest, .. } = &settings;
        let read_as = manifest_options(manifest, delivery.by);
        report.with_samples(|history| Samples::kept(history, delivery, invitation, &read_as))
    } else {
        report
    };
    if let Some(path) = &args.failed {
        failed(&report, path, &paths[0], ui)?;
    }
    match out {
        Some(path) => {
            report_file(path, |out| write_report(out, &report, format)).map_err(unwritten)?;
            ui.note(format_args!("the report is in {}", path.display()));
        }
        // Whoever asks for the failed rows alone gets them alone.
        None if args.failed.is_some() && args.format.is_none() && args.out.is_none() => {}
        None => write_report(&mut ui.stdout(), &report, format).map_err(Failure::from_stdout)?,
    }
    Ok(Exit::Done)
}

/// The format asked for, else the one that the file's name says.
fn format(args: &ReportArgs, ui: &Ui) -> ReportFormat {
    let named =
        args.out.as_ref().and_then(|path| path.extension()?.to_str()).map(str::to_lowercase);
    let by_name = named.map(|extension| match extension.as_str() {
        "csv" => ReportFormat::Csv,
        "json" => ReportFormat::Json,
        "md" | "markdown" => ReportFormat::Markdown,
        "xml" => ReportFormat::Junit,
        _ => ReportFormat::Html,
    });
    let default = if ui.json() { ReportFormat::Json } else { ReportFormat::Html };
    args.format.or(by_name).unwrap_or(default)
}

/// The checkpoints to report. The configured one stands above that of a manifest, but
/// can't be that of several.
fn checkpoints(settings: &OfflineSettings, args: &ReportArgs) -> Result<Vec<PathBuf>, Failure> {
    let configured = settings.checkpoint.as_deref();
    match args.campaigns.as_slice() {
        [] => Ok(vec![checkpoint_of(None, configured)?]),
        [one] => Ok(vec![checkpoint_of(Some(one), configured)?]),
        many => {
            Ok(many.iter().map(|one| checkpoint_of(Some(one), None)).collect::<Result<_, _>>()?)
        }
    }
}

fn failed(report: &Report, path: &Path, checkpoint: &Path, ui: &Ui) -> Result<(), Failure> {
    let rows = failed_rows(report) as u64;
    let Some(bytes) = failed_csv(report) else {
        return Err(usage("the checkpoint does not have the manifest's rows as they were written")
            .hint("an earlier version wrote it; run apply once with this one"));
    };
    report_file(path, |out| out.write_all(&bytes)).map_err(unwritten)?;
    if rows == 0 {
        ui.note(format_args!("{}: no row failed or is blocked", path.display()));
        return Ok(());
    }
    ui.note(format_args!(
        "{}: {}; mend them, then: reinvite apply {} --into {} --retry-failed",
        path.display(),
        count(rows, "failed or blocked row", "failed or blocked rows"),
        path.display(),
        checkpoint.display(),
    ));
    Ok(())
}

fn check(path: &Path, replace: Replace) -> Result<(), Failure> {
    check_report_path(path, replace).map_err(unreplaced)
}

/// The failure where a file is not to be replaced.
pub(super) fn unreplaced(error: ReportFileError) -> Failure {
    let hint = match &error {
        ReportFileError::NotAReport { .. } | ReportFileError::Exists { .. } => {
            "name another file, or replace this one with --force"
        }
        ReportFileError::Database { .. } | ReportFileError::File(_) => "name another file",
    };
    Failure::new(Exit::Usage, error).hint(hint)
}

fn unwritten(error: impl Into<anyhow::Error>) -> Failure {
    Failure::new(Exit::Unexpected, error).hint("check the path, its permissions and the disk")
}

fn usage(message: &'static str) -> Failure {
    Failure::new(Exit::Usage, anyhow::anyhow!(message))
}
