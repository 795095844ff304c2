//! `aftercare`: what is left to do by hand after a campaign, as files in a directory. It
//! writes nothing to the tenant and nothing to the checkpoint.
//!
//! Leaves to others: what is read (`campaign`), and what the files say (`report`).

use std::fs;
use std::io;
use std::path::Path;

use crate::campaign::{Aftercare, aftercare};
use crate::checkpoint::{CheckpointError, Reader, is_configured_name};
use crate::config::args::{AftercareArgs, Cli};
use crate::files;
use crate::graph::CallError;
use crate::report::{
    AftercareFile, AftercareView, Replace, ReportFileError, aftercare_json, aftercare_text,
    check_report_path, count, report_file,
};
use crate::run::Stop;

use super::checkpoint_args::checkpoint_of;
use super::connect::client;
use super::failure::Failure;
use super::plan::{ROWS_PER_REASON, settings};
use super::planning::{interrupted, lines, runtime};
use super::report::unreplaced;
use super::ui::Ui;
use super::{Exit, signals};

pub(super) fn run(cli: &Cli, args: &AftercareArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = settings(cli, ui)?;
    let path = checkpoint_of(args.campaign.as_deref(), settings.checkpoint.as_deref())?;
    ui.log.checkpoint(&path);
    let reader = Reader::open(&path)?;
    let (ledger, past, undo) = (reader.ledger()?, reader.past()?, reader.undo()?);
    let status = reader.status()?;
    let is_made = check(args)?;
    let stop = Stop::new();
    let runtime = runtime()?;
    let _guard = runtime.enter();
    signals::listen(stop.clone());
    let graph = client(&settings, &stop, &lines(ui))?;
    let read = runtime.block_on(async {
        tokio::select! {
            read = aftercare(&graph, &settings, (&ledger, &past, &undo), &status) => read,
            () = stop.requested() => Err(CallError::Stopped),
        }
    });
    let mut read = read.map_err(|error| interrupted(error, &stop))?;
    let is_others = |found: &String| {
        !found.eq_ignore_ascii_case(&read.tenant_key)
            && !is_configured_name(found, &settings.tenant.id)
    };
    if let Some(found) = ledger.tenant.filter(is_others) {
        let wanted = read.tenant_key;
        return Err(CheckpointError::OtherTenant { path, found, wanted }.into());
    }
    ui.note(format_args!("tenant read in {}", count(read.requests, "request", "requests")));
    if read.manifest.is_empty() {
        // No run has told the checkpoint whose it is.
        read.manifest = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    }
    let has_files = !read.moved.is_empty();
    if has_files {
        write(args, &read)?;
    } else if is_made {
        // The directory is empty, and of no use to anybody.
        let _ = fs::remove_dir(&args.out);
    }
    show(args, &read, has_files, ui)?;
    Ok(Exit::Done)
}

/// Makes sure, before anything is read, that the files can be written and that none is lost.
/// Tells whether the directory was made for them.
fn check(args: &AftercareArgs) -> Result<bool, Failure> {
    let unusable = |error: io::Error| {
        let text = format!("{} can't be written to", args.out.display());
        Failure::new(Exit::Usage, anyhow::Error::new(error).context(text))
            .hint("name another directory, or mend it")
    };
    let replace = if args.force { Replace::Anything } else { Replace::Nothing };
    let is_made = !args.out.exists();
    private_directory(&args.out).map_err(unusable)?;
    for file in AftercareFile::ALL {
        let path = args.out.join(file.name());
        check_report_path(&path, replace).map_err(|error| match error {
            ReportFileError::Exists { .. } => Failure::new(Exit::Usage, error)
                .hint("name another directory, or replace its files with --force"),
            error => unreplaced(error),
        })?;
        files::check_replace(&path).map_err(unusable)?;
    }
    Ok(is_made)
}

/// Makes the directory, for its owner alone: its files hold people's addresses.
fn private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn write(args: &AftercareArgs, read: &Aftercare) -> Result<(), Failure> {
    for file in AftercareFile::ALL {
        report_file(&args.out.join(file.name()), |out| file.write(out, read)).map_err(|error| {
            Failure::new(Exit::Unexpected, error)
                .hint("check the path, its permissions and the disk")
        })?;
    }
    Ok(())
}

fn show(args: &AftercareArgs, read: &Aftercare, has_files: bool, ui: &Ui) -> Result<(), Failure> {
    let directory = has_files.then(|| args.out.display().to_string());
    let directory = directory.as_deref();
    let told = if ui.json() {
        aftercare_json(&mut ui.stdout(), read, directory, Exit::Done.code())
    } else {
        let most_rows = if ui.verbose > 0 { usize::MAX } else { ROWS_PER_REASON };
        let (styles, width) = (ui.styles_out(), Ui::width());
        let view = AftercareView { directory, styles, width, most_rows };
        aftercare_text(&mut ui.stdout(), read, &view)
    };
    told.map_err(Failure::from_stdout)
}
