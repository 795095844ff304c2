//! The rows that failed or are blocked, in the user's own columns, delimiter and
//! encoding, with why, what to do, and the line: to be mended and fed in again. Unknown rows are
//! not among them, since their invitation may have been sent.
//!
//! The cells of a CSV stay exactly as they were, even where a spreadsheet would take
//! one for a formula: they came from such a file, and have to mean the same when they
//! come back. In a workbook and in JSON Lines they were text and could not run, so that
//! they are guarded here, which the reader of manifests takes back.

use ::csv::{Terminator, WriterBuilder};

use crate::domain::State;
use crate::manifest::{Form, Format, Ownership, added_columns, guarded, unguarded};

use super::row::RowView;
use super::view::{Campaign, Report};

/// How many rows such a file would have.
pub fn failed_rows(report: &Report) -> usize {
    let of = |campaign: &Campaign| {
        let is_bad = |standing| matches!(standing, State::Failed | State::Blocked);
        campaign.rows().iter().filter(|row| is_bad(row.standing)).count()
    };
    report.campaigns.iter().map(of).sum()
}

/// The file for the report's first campaign. None when the checkpoint does not have
/// the rows as they were written, as of an earlier version.
pub fn failed_csv(report: &Report) -> Option<Vec<u8>> {
    let campaign = report.campaigns.first()?;
    let form: Form = serde_json::from_str(campaign.history.form.as_deref()?).ok()?;
    let columns = Columns::from_form(&form);
    let mut csv = WriterBuilder::new()
        .delimiter(delimiter(&form))
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    let mut write = |cells: &[String]| csv.write_record(cells).expect("memory takes everything");
    write(&columns.header(&form));
    for row in campaign.rows() {
        if !matches!(row.standing, State::Failed | State::Blocked) {
            continue;
        }
        let view = RowView::new(row, report.options);
        let cells: Vec<String> = serde_json::from_str(&row.cells).unwrap_or_default();
        let reason = match view.explanation {
            Some(explanation) => format!("{}: {explanation}", view.reason),
            None => view.reason.to_owned(),
        };
        let line = view.line.map(|line| line.to_string()).unwrap_or_default();
        write(&columns.row(&cells, (&reason, view.advice.unwrap_or_default()), &line));
    }
    let text = csv.into_inner().expect("memory takes everything");
    let text = String::from_utf8(text).expect("it was written from texts");
    let preamble = if form.format == Format::Csv { form.preamble.as_str() } else { "" };
    Some(form.encode(&format!("{preamble}{text}")))
}

/// What separates cells; a manifest that was no CSV comes back with commas.
fn delimiter(form: &Form) -> u8 {
    form.delimiter.and_then(|delimiter| u8::try_from(delimiter).ok()).unwrap_or(b',')
}

/// The user's columns, and the names of those that are added.
struct Columns {
    /// How many of the user's columns come back. What was added before, in a file that was
    /// mended and fed in, is replaced instead of growing each time.
    own: usize,
    added: [&'static str; 3],
    /// Whether the user's own file was one whose cells a spreadsheet runs.
    may_run: bool,
}

impl Columns {
    fn from_form(form: &Form) -> Self {
        let own = Ownership::new(&form.header).own;
        let added = added_columns(&form.header[..own]);
        Self { own, added, may_run: form.format == Format::Csv }
    }

    fn header(&self, form: &Form) -> Vec<String> {
        let own = form.header[..self.own].iter().map(|cell| self.written(cell));
        own.chain(self.added.map(str::to_owned)).collect()
    }

    /// A cell of the user's as this file has it.
    fn written(&self, cell: &str) -> String {
        if self.may_run { cell.to_owned() } else { guarded(unguarded(cell)).into_owned() }
    }

    fn row(&self, cells: &[String], (reason, advice): (&str, &str), line: &str) -> Vec<String> {
        let mut cells: Vec<String> = cells.iter().map(|cell| self.written(cell)).collect();
        cells.resize(self.own, String::new());
        // Reason and advice may quote the directory.
        cells.extend([guarded(reason).into_owned(), guarded(advice).into_owned()]);
        cells.push(line.to_owned());
        cells
    }
}
