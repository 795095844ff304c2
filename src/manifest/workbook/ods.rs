//! A workbook of `LibreOffice` and its like: one document that says of every cell what it
//! holds and whether it is seen (OASIS, *`OpenDocument`* 1.3 part 3, 9).
//!
//! The library that reads the cells of other workbooks says nothing of what is hidden, and
//! unfolds repeated rows whatever their number; here the document is gone through once, as a
//! stream.
//!
//! Leaves to others: what is refused.

use std::collections::BTreeSet;
use std::io::{BufReader, Cursor, Read};
use std::ops::RangeInclusive;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use zip::ZipArchive;

use super::book::{SheetEntry, Value, Values};
use super::visible::{Merged, Visible, attribute, letters};
use super::{Refusal, SHEET_ROWS};
use crate::domain::character::trim;
use crate::manifest::no_value::is_error_value;

/// Most bytes that the repeated cells of a document may come to.
const MOST_REPEATED: usize = 256 * 1024 * 1024;

/// More columns than any sheet has.
const MOST_COLUMNS: usize = 16_384;

/// A document, read whole.
pub(super) struct Ods {
    tables: Vec<Table>,
}

#[derive(Default)]
struct Table {
    name: String,
    is_hidden: bool,
    values: Values,
    hidden_rows: BTreeSet<u32>,
    hidden_columns: Vec<RangeInclusive<usize>>,
    merged: Vec<Merged>,
    uncalculated: Vec<(u32, usize)>,
}

/// Why a document gives no sheets.
#[derive(Debug, thiserror::Error)]
pub(super) enum OdsError {
    #[error(transparent)]
    Archive(#[from] zip::result::ZipError),
    #[error(transparent)]
    Xml(#[from] quick_xml::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A row beyond the last that a sheet can have.
    #[error("a sheet has more rows than a sheet can have")]
    TooManyRows,
}

impl Ods {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(OdsError::from)?;
        if is_encrypted(&mut archive) {
            return Err(Refusal::Locked);
        }
        let part = archive.by_name("content.xml").map_err(OdsError::from)?;
        let mut reader = Reader::from_reader(BufReader::new(part));
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().check_end_names = false;
        let mut walk = Walk::default();
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer).map_err(OdsError::from)? {
                Event::Start(element) => walk.open(&element),
                Event::End(element) => walk.close(element.local_name().as_ref())?,
                Event::Text(text) if walk.in_paragraph() => {
                    walk.text.push_str(&text.xml_content(XmlVersion::default()));
                }
                Event::CData(text) if walk.in_paragraph() => {
                    walk.text.push_str(&text.xml_content(XmlVersion::default()));
                }
                Event::GeneralRef(reference) if walk.in_paragraph() => {
                    let name = reference.to_string();
                    let resolved = reference.resolve_char_ref().ok().flatten();
                    match resolved {
                        Some(c) => walk.text.push(c),
                        None => walk.text.push_str(
                            quick_xml::escape::resolve_predefined_entity(&name).unwrap_or(""),
                        ),
                    }
                }
                Event::Eof => return Ok(Self { tables: walk.tables }),
                _ => {}
            }
        }
    }

    pub(super) fn sheets(&self) -> Vec<SheetEntry> {
        let entry = |table: &Table| SheetEntry {
            name: table.name.clone(),
            is_visible: !table.is_hidden,
            has_cells: true,
        };
        self.tables.iter().map(entry).collect()
    }

    fn table(&self, sheet: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == sheet)
    }

    pub(super) fn values(&self, sheet: &str) -> Option<&Values> {
        self.table(sheet).map(|table| &table.values)
    }

    pub(super) fn visible(&self, sheet: &str) -> Option<Visible> {
        self.table(sheet).map(|table| Visible {
            hidden_rows: table.hidden_rows.clone(),
            hidden_columns: table.hidden_columns.clone(),
            merged: table.merged.clone(),
            uncalculated: table.uncalculated.clone(),
        })
    }
}

/// A password hides every part but the list of parts, which says so.
fn is_encrypted(archive: &mut ZipArchive<Cursor<&[u8]>>) -> bool {
    let mut list = String::new();
    let read = archive.by_name("META-INF/manifest.xml").map(|part| {
        // The list of a workbook is short; a long one is none.
        part.take(1024 * 1024).read_to_string(&mut list)
    });
    read.is_ok() && list.contains("encryption-data")
}

/// Where the walk through the document is.
#[derive(Default)]
struct Walk {
    tables: Vec<Table>,
    /// Styles of tables that are not shown.
    hidden_styles: BTreeSet<String>,
    style: Option<String>,
    in_table: bool,
    row: u32,
    row_repeats: u32,
    row_cells: Vec<(usize, Value)>,
    row_uncalculated: Vec<usize>,
    row_hidden: bool,
    /// Groups of rows and of columns around, and how many of them are closed.
    groups: Vec<bool>,
    column: usize,
    columns_declared: usize,
    cell: Option<Held>,
    /// Elements open within the cell that are none of its own paragraphs.
    foreign: usize,
    paragraphs: usize,
    in_text: bool,
    text: String,
    repeated: usize,
}

/// The cell that is open.
struct Held {
    value: Option<String>,
    is_error: bool,
    has_formula: bool,
    repeats: usize,
    columns: usize,
    rows: u32,
    is_covered: bool,
}

impl Walk {
    fn in_paragraph(&self) -> bool {
        self.in_text && self.foreign == 0
    }

    fn open(&mut self, element: &BytesStart<'_>) {
        let name = element.local_name();
        let name = name.as_ref();
        if self.cell.is_some() {
            self.within_cell(name, element);
            return;
        }
        match name {
            "style" => self.style = attribute(element, "name"),
            "table-properties" if attribute(element, "display").as_deref() == Some("false") => {
                self.hidden_styles.extend(self.style.clone());
            }
            "table" if !self.in_table => {
                let style = attribute(element, "style-name");
                self.in_table = true;
                (self.row, self.columns_declared) = (0, 0);
                self.tables.push(Table {
                    name: attribute(element, "name").unwrap_or_default(),
                    is_hidden: style.is_some_and(|style| self.hidden_styles.contains(&style)),
                    ..Table::default()
                });
            }
            "table-row-group" | "table-column-group" => {
                self.groups.push(attribute(element, "display").as_deref() == Some("false"));
            }
            "table-column" if self.in_table => {
                let repeats = repeats(element, "number-columns-repeated").min(MOST_COLUMNS);
                let first = self.columns_declared;
                self.columns_declared = (first + repeats).min(MOST_COLUMNS);
                if self.is_hidden(element) && self.columns_declared > first {
                    let last = self.columns_declared - 1;
                    self.tables.last_mut().expect("one is open").hidden_columns.push(first..=last);
                }
            }
            "table-row" if self.in_table => {
                let repeats = repeats(element, "number-rows-repeated");
                self.row_repeats = u32::try_from(repeats).unwrap_or(u32::MAX);
                self.row_hidden = self.is_hidden(element);
                self.row_cells.clear();
                self.row_uncalculated.clear();
                self.column = 0;
            }
            "table-cell" | "covered-table-cell" if self.in_table => {
                self.text.clear();
                (self.foreign, self.paragraphs, self.in_text) = (0, 0, false);
                let kind = attribute(element, "value-type");
                let value = match kind.as_deref() {
                    Some("date") => attribute(element, "date-value"),
                    Some("time") => attribute(element, "time-value"),
                    Some("boolean") => attribute(element, "boolean-value"),
                    Some("string") => attribute(element, "string-value"),
                    Some(_) => attribute(element, "value"),
                    None => None,
                };
                // `calcext:value-type`, which stands beside `office:value-type`.
                let is_error = element.attributes().flatten().any(|attribute| {
                    attribute.key.local_name().as_ref() == "value-type"
                        && attribute.value.as_ref() == "error"
                });
                self.cell = Some(Held {
                    value,
                    is_error,
                    has_formula: attribute(element, "formula").is_some(),
                    repeats: repeats(element, "number-columns-repeated"),
                    columns: repeats(element, "number-columns-spanned"),
                    rows: u32::try_from(repeats(element, "number-rows-spanned"))
                        .unwrap_or(u32::MAX),
                    is_covered: name == "covered-table-cell",
                });
            }
            _ => {}
        }
    }

    /// Text stands in the cell's own paragraphs; a comment has paragraphs, too.
    fn within_cell(&mut self, name: &str, element: &BytesStart<'_>) {
        if self.foreign > 0 {
            self.foreign += 1;
            return;
        }
        match name {
            "p" if !self.in_text => {
                if self.paragraphs > 0 {
                    self.text.push('\n');
                }
                self.paragraphs += 1;
                self.in_text = true;
            }
            "s" if self.in_text => {
                let blanks = repeats(element, "c").min(1000);
                self.text.extend(std::iter::repeat_n(' ', blanks));
            }
            "tab" if self.in_text => self.text.push('\t'),
            "line-break" if self.in_text => self.text.push('\n'),
            "span" | "a" if self.in_text => {}
            _ => self.foreign = 1,
        }
    }

    fn is_hidden(&self, element: &BytesStart<'_>) -> bool {
        let visibility = attribute(element, "visibility");
        matches!(visibility.as_deref(), Some("collapse" | "filter"))
            || self.groups.iter().any(|closed| *closed)
    }

    fn close(&mut self, name: &str) -> Result<(), Refusal> {
        if self.cell.is_some() {
            match name {
                _ if self.foreign > 0 => self.foreign -= 1,
                "p" => self.in_text = false,
                "table-cell" | "covered-table-cell" => self.close_cell(),
                _ => {}
            }
            return Ok(());
        }
        match name {
            "style" => self.style = None,
            "table" => self.in_table = false,
            "table-row-group" | "table-column-group" => {
                self.groups.pop();
            }
            "table-row" if self.in_table => self.close_row()?,
            _ => {}
        }
        Ok(())
    }

    fn close_cell(&mut self) {
        let Some(cell) = self.cell.take() else { return };
        let first = self.column;
        self.column = first.saturating_add(cell.repeats).min(MOST_COLUMNS);
        if cell.columns > 1 || cell.rows > 1 {
            let (last_row, last) =
                (self.row.saturating_add(cell.rows - 1), first.saturating_add(cell.columns - 1));
            let name = format!(
                "{}{}:{}{}",
                letters(first),
                self.row.saturating_add(1),
                letters(last),
                last_row.saturating_add(1)
            );
            let table = self.tables.last_mut().expect("one is open");
            table.merged.push(Merged { name, rows: self.row..=last_row, first_column: first });
        }
        // What a merged cell covers is seen by nobody.
        if cell.is_covered {
            return;
        }
        let text = std::mem::take(&mut self.text);
        let is_error = cell.is_error || (cell.has_formula && is_error_value(&text));
        let value = match cell.value {
            _ if is_error => Err(text),
            Some(value) => Ok(value),
            None => Ok(text),
        };
        let is_empty = value.as_ref().is_ok_and(|text| trim(text).is_empty());
        for column in first..self.column {
            if is_empty && cell.has_formula {
                self.row_uncalculated.push(column);
            } else if !is_empty {
                self.row_cells.push((column, value.clone()));
            } else {
                break;
            }
        }
    }

    fn close_row(&mut self) -> Result<(), Refusal> {
        let first = self.row;
        self.row = first.saturating_add(self.row_repeats);
        if self.row_cells.is_empty() && self.row_uncalculated.is_empty() {
            return Ok(());
        }
        if self.row > SHEET_ROWS {
            return Err(OdsError::TooManyRows.into());
        }
        let size: usize = self
            .row_cells
            .iter()
            .map(|(_, value)| 64 + value.as_ref().map_or_else(String::len, String::len))
            .sum();
        self.repeated =
            self.repeated.saturating_add(size.saturating_mul(self.row_repeats as usize));
        if self.repeated > MOST_REPEATED {
            return Err(Refusal::Unfolds);
        }
        let table = self.tables.last_mut().expect("one is open");
        for row in first..self.row {
            if !self.row_cells.is_empty() {
                table.values.insert(row, self.row_cells.iter().cloned().collect());
            }
            table.uncalculated.extend(self.row_uncalculated.iter().map(|column| (row, *column)));
            if self.row_hidden {
                table.hidden_rows.insert(row);
            }
        }
        Ok(())
    }
}

fn repeats(element: &BytesStart<'_>, name: &str) -> usize {
    attribute(element, name).and_then(|count| count.parse().ok()).unwrap_or(1)
}
