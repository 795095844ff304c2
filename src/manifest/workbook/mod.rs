//! From a workbook to records: what a person sees of it is what is read.
//!
//! Cells are read as a stream and kept sparsely: a sheet with one stray cell in
//! its last corner would otherwise take gigabytes.
//!
//! Leaves to others: which row is the header (`table`).

mod binary;
mod book;
mod container;
mod ods;
mod visible;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{XlsbError, XlsxError};

use super::cells::shown;
use super::columns;
use super::error::{LoadError, LoadErrorKind};
use super::options::Options;
use super::problem::{ProblemCode, RowProblem};
use super::record::{Cell, Record, Ruler};

use book::{Book, Cells, SheetEntry};
pub(super) use container::{is_ole, is_zip, refuse_ole};
use ods::OdsError;
use visible::{Visible, letters};

/// Rows of the tallest sheet Excel can hold.
const SHEET_ROWS: u32 = 1_048_576;

/// Rows with anything in them among which a sheet's header is looked for.
const HEADER_WITHIN: usize = 20;

/// The sheet that holds the manifest.
pub(super) struct Sheet {
    pub(super) name: String,
    /// Its rows that hold anything.
    pub(super) rows: Box<dyn Iterator<Item = Record<'static>>>,
    /// What of the workbook is left out.
    pub(super) notes: Vec<String>,
}

/// Why a workbook gives no cells.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Xml(#[from] XlsxError),
    #[error(transparent)]
    Binary(#[from] XlsbError),
    #[error(transparent)]
    Open(#[from] OdsError),
    #[error("its sheet `{0}` is nowhere in it")]
    Nowhere(String),
    /// It has a password.
    #[error("it is encrypted")]
    Locked,
    /// Its repeated cells are too many.
    #[error("it unfolds to too much")]
    Unfolds,
    #[error(transparent)]
    Refused(#[from] LoadErrorKind),
}

/// Reads the visible sheet that has a header; no cell may stand beyond the column
/// `most_columns`.
pub(super) fn read(
    name: &str,
    bytes: &[u8],
    most_columns: usize,
    options: &Options,
) -> Result<Sheet, LoadError> {
    container::check(name, bytes)?;
    let file = File { name, bytes, most_columns, options };
    // calamine's arithmetic on cell references such as `ZZZZZZZZ1` overflows, so a
    // damaged workbook makes a checked build panic. Nothing it leaves is used.
    match catch_unwind(AssertUnwindSafe(|| file.sheet())) {
        Ok(Ok(sheet)) => Ok(sheet),
        Ok(Err(Refusal::Refused(kind))) => Err(kind.into()),
        Ok(Err(Refusal::Locked)) => Err(LoadErrorKind::Encrypted { name: name.to_owned() }.into()),
        Ok(Err(Refusal::Unfolds)) => Err(LoadErrorKind::Unfolds {
            name: name.to_owned(),
            limit_mib: container::MOST_UNFOLDED_MIB,
        }
        .into()),
        Ok(Err(error)) => {
            let reason = shown(&error.to_string());
            Err(LoadErrorKind::BadWorkbook { name: name.to_owned(), reason }.into())
        }
        Err(_) => {
            let reason = "its cell references are damaged".to_owned();
            Err(LoadErrorKind::BadWorkbook { name: name.to_owned(), reason }.into())
        }
    }
}

struct File<'a> {
    name: &'a str,
    bytes: &'a [u8],
    most_columns: usize,
    options: &'a Options,
}

impl File<'_> {
    fn sheet(&self) -> Result<Sheet, Refusal> {
        let mut workbook = Book::open(self.bytes)?;
        let sheet = self.choose(&mut workbook)?;
        let cells = self.cells(&mut workbook, &sheet, usize::MAX)?;
        if cells.is_empty() {
            return Err(LoadErrorKind::Empty { name: self.name.to_owned() }.into());
        }
        let header = header_row(&cells);
        let mut seen = Seen { file: self, sheet: &sheet, header, cells, notes: Vec::new() };
        let all = workbook.sheets();
        let others: Vec<_> = all.iter().filter(|other| other.name != sheet).map(named).collect();
        if !others.is_empty() {
            seen.notes.push(format!("left out: {}", others.join(", ")));
        }
        seen.look(&workbook.visible(&sheet)?)?;
        let notes = std::mem::take(&mut seen.notes);
        let rows = seen.cells.into_iter().map(|(row, cells)| record(row + 1, cells));
        Ok(Sheet { name: sheet, rows: Box::new(rows), notes })
    }

    /// The sheet that was named, or the only one a person sees that has a header; where
    /// none has, the first with anything on it, so that its problems are told.
    fn choose(&self, workbook: &mut Book<'_>) -> Result<String, Refusal> {
        let sheets = workbook.sheets();
        let shown_names = |visible: bool| {
            let names = sheets.iter().filter(|sheet| sheet.is_visible == visible);
            names.map(|sheet| shown(&sheet.name)).collect::<Vec<_>>()
        };
        let name = || self.name.to_owned();
        if let Some(wanted) = &self.options.sheet {
            // Excel takes no two names that differ in case alone.
            let same = |name: &str| name.to_lowercase() == wanted.to_lowercase();
            let found = sheets.iter().find(|sheet| same(&sheet.name));
            return match found {
                Some(sheet) if sheet.is_visible => Ok(sheet.name.clone()),
                Some(sheet) => Err(LoadErrorKind::HiddenSheet {
                    name: name(),
                    sheets: vec![shown(&sheet.name)],
                }
                .into()),
                None => Err(LoadErrorKind::NoSuchSheet {
                    name: name(),
                    sheet: shown(wanted),
                    sheets: shown_names(true),
                }
                .into()),
            };
        }
        let (mut with_header, mut filled) = (Vec::new(), Vec::new());
        for sheet in &sheets {
            if !sheet.is_visible || !sheet.has_cells {
                continue;
            }
            let head = self.cells(workbook, &sheet.name, HEADER_WITHIN)?;
            if header_row(&head).is_some() {
                with_header.push(sheet.name.clone());
            }
            if !head.is_empty() {
                filled.push(sheet.name.clone());
            }
        }
        if with_header.len() > 1 {
            let sheets = with_header.iter().map(|sheet| shown(sheet)).collect();
            return Err(LoadErrorKind::SeveralSheets { name: name(), sheets }.into());
        }
        let hidden = shown_names(false);
        match with_header.pop().or_else(|| filled.into_iter().next()) {
            Some(sheet) => Ok(sheet),
            None if hidden.is_empty() => Err(LoadErrorKind::Empty { name: name() }.into()),
            None => Err(LoadErrorKind::HiddenSheet { name: name(), sheets: hidden }.into()),
        }
    }

    /// The cells of a sheet's first rows with anything in them.
    fn cells(
        &self,
        workbook: &mut Book<'_>,
        sheet: &str,
        most_rows: usize,
    ) -> Result<Cells, Refusal> {
        let values = workbook.values(sheet, most_rows)?.unwrap_or_default();
        let widest = values.values().filter_map(|row| row.keys().next_back()).max();
        if let Some(column) = widest.filter(|column| **column >= self.most_columns) {
            return Err(LoadErrorKind::TooManyColumns {
                name: self.name.to_owned(),
                found: column.saturating_add(1),
                limit: self.most_columns,
            }
            .into());
        }
        let told = |row: u32, column: usize, error: String| {
            problem(
                (row, column),
                ProblemCode::FormulaError,
                format!("{} holds the error `{}`", address(sheet, row, column), shown(&error)),
                "correct the formula, or paste its value",
            )
        };
        let cells = values.into_iter().map(|(row, cells)| {
            let cells = cells
                .into_iter()
                .map(|(column, value)| (column, value.map_err(|error| told(row, column, error))));
            (row, cells.collect())
        });
        Ok(cells.collect())
    }
}

/// A sheet whose cells are held against what a person sees of it.
struct Seen<'a> {
    file: &'a File<'a>,
    sheet: &'a str,
    /// Its header, if one was found.
    header: Option<u32>,
    cells: Cells,
    notes: Vec<String>,
}

impl Seen<'_> {
    fn look(&mut self, visible: &Visible) -> Result<(), LoadErrorKind> {
        self.rows(visible)?;
        self.columns(visible)?;
        for &(row, column) in &visible.uncalculated {
            if visible.hides_column(column) {
                continue;
            }
            let defect = problem(
                (row, column),
                ProblemCode::FormulaWithoutValue,
                format!("{} is a formula without a value", address(self.sheet, row, column)),
                "open the workbook in Excel and save it, or paste the values",
            );
            self.cells.entry(row).or_default().insert(column, Err(defect));
        }
        for merged in &visible.merged {
            // A title that spans the columns above the header names nobody.
            if self.header.is_some_and(|header| *merged.rows.end() < header)
                || visible.hides_column(merged.first_column)
            {
                continue;
            }
            for (&row, cells) in self.cells.range_mut(merged.rows.clone()) {
                let defect = problem(
                    (row, merged.first_column),
                    ProblemCode::MergedCells,
                    format!(
                        "the cells `{}!{}` are merged, so that they hold one value",
                        shown(self.sheet),
                        merged.name
                    ),
                    "unmerge them, and write into every cell what it is to hold",
                );
                cells.insert(merged.first_column, Err(defect));
            }
        }
        Ok(())
    }

    fn rows(&mut self, visible: &Visible) -> Result<(), LoadErrorKind> {
        let filled: BTreeSet<u32> = self.cells.keys().copied().collect();
        let hidden: Vec<u32> =
            visible.hidden_rows.intersection(&filled).map(|row| row + 1).collect();
        if hidden.is_empty() {
            return Ok(());
        }
        let (name, sheet) = (self.file.name.to_owned(), shown(self.sheet));
        if !self.file.options.include_hidden {
            return Err(LoadErrorKind::HiddenRows { name, sheet, rows: hidden });
        }
        let count = hidden.len();
        self.notes.push(format!(
            "sheet `{sheet}` hides {count} {}, read as asked",
            if count == 1 { "row" } else { "rows" }
        ));
        Ok(())
    }

    /// A hidden column that would name the guest or the address is refused, and any
    /// other is left out.
    fn columns(&mut self, visible: &Visible) -> Result<(), LoadErrorKind> {
        let used: BTreeSet<usize> =
            self.cells.values().flat_map(|row| row.keys().copied()).collect();
        let header = self.header.and_then(|row| self.cells.get(&row)).cloned().unwrap_or_default();
        let heading = |column: &usize| header.get(column)?.as_deref().ok();
        let hidden: Vec<usize> = used.into_iter().filter(|c| visible.hides_column(*c)).collect();
        let decides = |column: &&usize| heading(column).is_some_and(columns::decides_who_moves);
        if let Some(column) = hidden.iter().find(decides) {
            return Err(LoadErrorKind::HiddenColumn {
                name: self.file.name.to_owned(),
                sheet: shown(self.sheet),
                column: letters(*column),
                heading: shown(heading(column).unwrap_or_default()),
            });
        }
        for column in hidden {
            let heading = heading(&column).map(|text| format!(" (`{}`)", shown(text)));
            self.notes.push(format!(
                "column {}{} is hidden: left out",
                letters(column),
                heading.unwrap_or_default()
            ));
            for row in self.cells.values_mut() {
                row.remove(&column);
            }
        }
        self.cells.retain(|_, row| !row.is_empty());
        Ok(())
    }
}

/// A sheet that is not read, for a note.
fn named(sheet: &SheetEntry) -> String {
    let hidden = if sheet.is_visible { "" } else { ", which is hidden" };
    format!("sheet `{}`{hidden}", shown(&sheet.name))
}

/// The first row in which a cell is the heading of guests or of new addresses.
fn header_row(cells: &Cells) -> Option<u32> {
    let names = |cell: &Result<String, _>| {
        cell.as_ref().is_ok_and(|text: &String| columns::decides_who_moves(text))
    };
    let mut head = cells.iter().take(HEADER_WITHIN);
    head.find(|(_, row)| row.values().any(names)).map(|(row, _)| *row)
}

fn problem(
    (row, column): (u32, usize),
    code: ProblemCode,
    problem: String,
    advice: &str,
) -> RowProblem {
    Ruler::Sheet.place(row + 1, column).problem(code, problem, advice)
}

/// A cell as Excel calls it, quoted: `Guests!C2`.
fn address(sheet: &str, row: u32, column: usize) -> String {
    format!("`{}!{}{}`", shown(sheet), letters(column), row + 1)
}

fn record(line: u32, cells: BTreeMap<usize, Result<String, RowProblem>>) -> Record<'static> {
    let mut record =
        Record { line, cells: Vec::new(), defects: Vec::new(), broken: false, ruler: Ruler::Sheet };
    for (column, text) in cells {
        let empty = |at| Cell { text: Cow::Borrowed(""), line, at };
        let first_missing = record.cells.len();
        record.cells.extend((first_missing..column).map(empty));
        let text = text.unwrap_or_else(|defect| {
            record.defects.push(defect);
            String::new()
        });
        record.cells.push(Cell { text: Cow::Owned(text), line, at: column });
    }
    record
}
