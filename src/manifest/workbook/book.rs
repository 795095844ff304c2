//! The workbooks of Excel, in XML (`.xlsx`) and in its binary form (`.xlsb`), and of
//! `LibreOffice` (`.ods`) made alike: sheets, their cells, and what of them is seen.
//!
//! Leaves to others: which sheet is read, and what is refused of it.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{
    DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsb, XlsbError, Xlsx, XlsxError,
};
use zip::ZipArchive;

use super::ods::Ods;
use super::visible::{self, Visible};
use super::{Refusal, SHEET_ROWS, binary};
use crate::domain::character::trim;
use crate::manifest::cells::shown;
use crate::manifest::problem::RowProblem;

/// A sheet of a workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SheetEntry {
    pub(super) name: String,
    pub(super) is_visible: bool,
    /// Whether it has cells; a chart may have a sheet of its own.
    pub(super) has_cells: bool,
}

/// The cells of a sheet by row and column, both from 0; an error value is its name.
pub(super) type Values = BTreeMap<u32, BTreeMap<usize, Value>>;

/// What a cell holds: a text, or the name of an error.
pub(super) type Value = Result<String, String>;

/// The cells with what is wrong with them.
pub(super) type Cells = BTreeMap<u32, BTreeMap<usize, Result<String, RowProblem>>>;

pub(super) enum Book<'a> {
    Xml { bytes: &'a [u8], workbook: Box<Xlsx<Cursor<&'a [u8]>>> },
    Binary { bytes: &'a [u8], workbook: Box<Xlsb<Cursor<&'a [u8]>>> },
    Open(Ods),
}

impl<'a> Book<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let has = |part: &str| {
            ZipArchive::new(Cursor::new(bytes)).is_ok_and(|it| it.index_for_name(part).is_some())
        };
        Ok(if has("content.xml") {
            Self::Open(Ods::read(bytes)?)
        } else if has("xl/workbook.bin") {
            Self::Binary { bytes, workbook: Box::new(Xlsb::new(Cursor::new(bytes))?) }
        } else {
            Self::Xml { bytes, workbook: Box::new(Xlsx::new(Cursor::new(bytes))?) }
        })
    }

    pub(super) fn sheets(&self) -> Vec<SheetEntry> {
        let entry = |sheet: &calamine::Sheet| SheetEntry {
            name: sheet.name.clone(),
            is_visible: sheet.visible == SheetVisible::Visible,
            has_cells: sheet.typ == SheetType::WorkSheet,
        };
        match self {
            Self::Xml { workbook, .. } => workbook.sheets_metadata().iter().map(entry).collect(),
            Self::Binary { workbook, .. } => workbook.sheets_metadata().iter().map(entry).collect(),
            Self::Open(ods) => ods.sheets(),
        }
    }

    /// The cells of a sheet's first rows with anything in them; None of a sheet without
    /// cells.
    pub(super) fn values(
        &mut self,
        sheet: &str,
        most_rows: usize,
    ) -> Result<Option<Values>, Refusal> {
        let mut values = Values::new();
        match self {
            Self::Xml { workbook, .. } => {
                let mut stream = match workbook.worksheet_cells_reader(sheet) {
                    Err(XlsxError::NotAWorksheet(_)) => return Ok(None),
                    stream => stream?,
                };
                while let Some(cell) = stream.next_cell()? {
                    let (row, column) = cell.get_position();
                    if row >= SHEET_ROWS {
                        return Err(XlsxError::RowNumberOverflow.into());
                    }
                    if !put(&mut values, (row, column), value(cell.get_value()), most_rows) {
                        break;
                    }
                }
            }
            Self::Binary { workbook, .. } => {
                let mut stream = workbook.worksheet_cells_reader(sheet)?;
                while let Some(cell) = stream.next_cell()? {
                    let (row, column) = cell.get_position();
                    if row >= SHEET_ROWS {
                        return Err(XlsbError::from(std::io::Error::other("a row too far")).into());
                    }
                    if !put(&mut values, (row, column), value(cell.get_value()), most_rows) {
                        break;
                    }
                }
            }
            Self::Open(ods) => {
                let rows = ods.values(sheet).into_iter().flatten();
                values.extend(rows.take(most_rows).map(|(row, cells)| (*row, cells.clone())));
            }
        }
        Ok(Some(values))
    }

    /// What a person sees of a sheet.
    pub(super) fn visible(&self, sheet: &str) -> Result<Visible, Refusal> {
        let nowhere = || Refusal::Nowhere(shown(sheet));
        match self {
            Self::Xml { bytes, .. } => {
                let mut archive = ZipArchive::new(Cursor::new(*bytes)).map_err(XlsxError::from)?;
                let part = visible::part_of(&mut archive, sheet)?.ok_or_else(nowhere)?;
                Ok(Visible::of(&mut archive, &part)?)
            }
            Self::Binary { bytes, .. } => {
                let mut archive = ZipArchive::new(Cursor::new(*bytes)).map_err(XlsxError::from)?;
                binary::visible(&mut archive, sheet)?.ok_or_else(nowhere)
            }
            Self::Open(ods) => ods.visible(sheet).ok_or_else(nowhere),
        }
    }
}

/// Keeps a cell with anything in it; false beyond the last row that is asked for.
fn put(values: &mut Values, (row, column): (u32, u32), value: Value, most_rows: usize) -> bool {
    if value.as_ref().is_ok_and(|text| trim(text).is_empty()) {
        return true;
    }
    if values.len() == most_rows && !values.contains_key(&row) {
        return false;
    }
    values.entry(row).or_default().insert(column as usize, value);
    true
}

fn value(value: &DataRef<'_>) -> Value {
    Ok(match value {
        DataRef::Empty => String::new(),
        DataRef::Error(error) => return Err(error.to_string()),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::DateTime(moment) => moment_text(moment),
    })
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
