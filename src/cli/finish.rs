//! What the commands share that carried out a plan, once they are done: the file with
//! the results, and which of the things that can still go wrong is told.
//!
//! Leaves to others: what the run came to (`exit`), and its words (`report`).

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::checkpoint::{CheckpointError, Reader};
use crate::manifest::Manifest;
use crate::plan::Plan;
use crate::report::{ExtraColumns, ResultFileError, Results, check_result_path, result_file};
use crate::run::{MailEnd, Outcome};

use super::Exit;
use super::failure::Failure;

/// Refuses a result file that could not be written. To be asked once the checkpoint is
/// open: a result must not take its name, or that of its lock.
pub(super) fn check_result(path: Option<&Path>) -> Result<(), Failure> {
    path.map_or(Ok(()), check_result_path)
        .map_err(|error| Failure::new(Exit::Usage, error).hint("name another file with --result"))
}

/// Writes what became of every row to the file that was asked for.
pub(super) fn write_result(
    path: Option<&Path>,
    checkpoint: &Path,
    manifest: &Manifest,
    plan: &Plan,
    outcomes: &[Option<Outcome>],
    mails: &BTreeMap<u32, MailEnd>,
) -> Option<Result<(), ResultFileError>> {
    let cells = |line: u32| {
        let found = manifest.rows.binary_search_by_key(&line, |row| row.line);
        found.map_or(&[][..], |position| &*manifest.rows[position].extra)
    };
    let extra = ExtraColumns { names: &manifest.extra_columns, cells: &cells };
    let path = path?;
    // What the mails were is a help: without them the file has the rest.
    let undo = Reader::open(checkpoint).and_then(|reader| reader.undo());
    let before = undo.map(|undo| undo.before).unwrap_or_default();
    let old_mail = |id| before.get(&id)?.mail.as_deref();
    let results = Results { outcomes, mails, old_mail: &old_mail };
    Some(result_file(path, plan, results, extra))
}

/// The exit code, unless the results could not be written, the end of the run could
/// not be recorded, or nobody could be told.
pub(super) fn finish(
    exit: Exit,
    written: Option<Result<(), ResultFileError>>,
    ended: Result<(), CheckpointError>,
    told: io::Result<()>,
) -> Result<Exit, Failure> {
    if let Some(Err(error)) = written {
        return Err(Failure::new(Exit::Unexpected, error)
            .hint("the checkpoint has everything; `status` shows it")
            .told());
    }
    ended.map_err(|error| Failure::from(error).told())?;
    match told {
        // Whoever read has had enough; the exit code still tells the scheduler.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::from_stdout(error)),
        Ok(()) | Err(_) => Ok(exit),
    }
}
