//! From an .xlsx workbook to records.
//!
//! Cells are read as a stream and kept sparsely: a sheet with one stray cell in
//! its last corner would otherwise take gigabytes.
//!
//! Leaves to others: which row is the header (`table`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, ExcelDateTime, Reader, Xlsx, XlsxError};

use crate::domain::character::trim;

use super::cells::shown;
use super::error::{LoadError, LoadErrorKind};
use super::problem::{ProblemCode, RowProblem};
use super::record::{Cell, Record, Ruler};

/// Rows of the tallest sheet Excel can hold.
const SHEET_ROWS: u32 = 1_048_576;

/// The sheet that holds the manifest.
pub(super) struct Sheet {
    /// Its name, if the workbook has more than one.
    pub(super) name: Option<String>,
    /// Its rows that hold anything.
    pub(super) rows: Box<dyn Iterator<Item = Record<'static>>>,
}

/// The cells of a sheet by row and column, both from 0.
type Cells = BTreeMap<u32, BTreeMap<usize, Result<String, RowProblem>>>;

/// Why a workbook gives no cells.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Unreadable(#[from] XlsxError),
    #[error("a cell stands in column {0}")]
    TooWide(usize),
}

/// Whether the bytes are a ZIP archive, as every .xlsx is.
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// Whether the bytes are an OLE container: an .xls, or an encrypted workbook.
pub(super) fn is_ole(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
}

/// Reads the first sheet that has cells; none may stand beyond the column
/// `most_columns`.
pub(super) fn read(name: &str, bytes: &[u8], most_columns: usize) -> Result<Sheet, LoadError> {
    let name = || name.to_owned();
    // calamine's arithmetic on cell references such as `ZZZZZZZZ1` overflows, so a
    // damaged workbook makes a checked build panic. Nothing it leaves is used.
    match catch_unwind(AssertUnwindSafe(|| first_sheet(bytes, most_columns))) {
        Ok(Ok(Some((sheet, cells)))) => {
            let rows = cells.into_iter().map(|(row, cells)| record(row + 1, cells));
            Ok(Sheet { name: sheet, rows: Box::new(rows) })
        }
        Ok(Ok(None)) => Err(LoadErrorKind::Empty { name: name() }.into()),
        Ok(Err(Refusal::TooWide(found))) => {
            Err(LoadErrorKind::TooManyColumns { name: name(), found, limit: most_columns }.into())
        }
        Ok(Err(Refusal::Unreadable(error))) => {
            Err(LoadErrorKind::BadWorkbook { name: name(), reason: shown(&error.to_string()) }
                .into())
        }
        Err(_) => {
            let reason = "its cell references are damaged".to_owned();
            Err(LoadErrorKind::BadWorkbook { name: name(), reason }.into())
        }
    }
}

fn first_sheet(
    bytes: &[u8],
    most_columns: usize,
) -> Result<Option<(Option<String>, Cells)>, Refusal> {
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes))?;
    let names = workbook.sheet_names();
    for name in &names {
        let cells = match cells(&mut workbook, name, most_columns) {
            // A chart has a sheet of its own and no cells.
            Err(Refusal::Unreadable(XlsxError::NotAWorksheet(_))) => continue,
            cells => cells?,
        };
        if !cells.is_empty() {
            return Ok(Some(((names.len() > 1).then(|| name.clone()), cells)));
        }
    }
    Ok(None)
}

fn cells(
    workbook: &mut Xlsx<Cursor<&[u8]>>,
    sheet: &str,
    most_columns: usize,
) -> Result<Cells, Refusal> {
    let mut stream = workbook.worksheet_cells_reader(sheet)?;
    let mut cells = Cells::new();
    while let Some(cell) = stream.next_cell()? {
        let (row, column) = cell.get_position();
        if row >= SHEET_ROWS {
            return Err(XlsxError::RowNumberOverflow.into());
        }
        let column = column as usize;
        let text = match cell.get_value() {
            DataRef::Error(error) => {
                let place = Ruler::Sheet.place(row + 1, column);
                Err(place.problem(
                    ProblemCode::FormulaError,
                    format!("this cell holds the error {error}"),
                    "correct the formula, or paste its value",
                ))
            }
            value => Ok(text(value)),
        };
        if text.as_ref().is_ok_and(|text| trim(text).is_empty()) {
            continue;
        }
        if column >= most_columns {
            return Err(Refusal::TooWide(column.saturating_add(1)));
        }
        cells.entry(row).or_default().insert(column, text);
    }
    Ok(cells)
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

fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty | DataRef::Error(_) => String::new(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::DateTime(moment) => moment_text(moment),
    }
}

/// A date as ISO 8601 writes it; without the time if that is midnight.
fn moment_text(moment: &ExcelDateTime) -> String {
    if moment.is_duration() {
        return moment.as_f64().to_string();
    }
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second) == (0, 0, 0) {
        date
    } else {
        format!("{date} {hour:02}:{minute:02}:{second:02}")
    }
}
