//! Every format made alike: a header, and records below it.
//!
//! Leaves to others: reading a format (`delimited`, `workbook`, `json_lines`) and
//! understanding the records (`columns`, `rows`).

use std::borrow::Cow;

use crate::domain::character::trim;

use super::cells::shown;
use super::delimited::Records;
use super::delimiter::{self, Skipped};
use super::detected::{Detected, Format};
use super::encoding::Encoding;
use super::error::{LoadError, LoadErrorKind};
use super::options::Options;
use super::problem::ProblemCode;
use super::record::{Cell, Record};
use super::rows::Width;
use super::{header, json_lines, workbook};

/// More columns than any manifest has; a file with more is something else.
const MAX_COLUMNS: usize = 1000;

/// A manifest in no particular format.
pub(super) struct Table<'a> {
    pub(super) detected: Detected,
    /// What a CSV has before its header.
    pub(super) preamble: String,
    pub(super) header: Record<'a>,
    pub(super) width: Width,
    pub(super) records: Box<dyn Iterator<Item = Record<'a>> + 'a>,
}

impl<'a> Table<'a> {
    /// Reads a text, which is CSV unless it looks or is named like JSON Lines.
    pub(super) fn from_text(
        name: &str,
        text: &'a str,
        encoding: Encoding,
    ) -> Result<Self, LoadError> {
        if text.trim().is_empty() {
            return Err(LoadErrorKind::Empty { name: name.to_owned() }.into());
        }
        let named_json = ["jsonl", "ndjson", "json"].iter().any(|json| has_extension(name, json));
        match json_lines::kind(text) {
            json_lines::Kind::Document => {
                Err(LoadErrorKind::NotJsonLines { name: name.to_owned() }.into())
            }
            json_lines::Kind::NotJson if !named_json => Self::from_csv(name, text, encoding),
            json_lines::Kind::NotJson | json_lines::Kind::Lines => {
                let mut detected = detected(name, Format::JsonLines);
                detected.encoding = Some(encoding);
                let json_lines::JsonLines { header, records } = json_lines::read(text, MAX_COLUMNS);
                let width = Width::UpToHeader(header.filled());
                Self {
                    detected,
                    preamble: String::new(),
                    header,
                    width,
                    records: Box::new(records.into_iter()),
                }
                .checked()
            }
        }
    }

    pub(super) fn from_workbook(
        name: &str,
        bytes: &[u8],
        options: &Options,
    ) -> Result<Table<'static>, LoadError> {
        let sheet = workbook::read(name, bytes, MAX_COLUMNS, options)?;
        let mut detected = detected(name, Format::Workbook);
        detected.sheet = Some(sheet.name);
        detected.notes.extend(sheet.notes);
        let mut records = sheet.rows.filter(|record| !record.is_blank()).peekable();
        if records.next_if(is_version_row).is_some() {
            detected.notes.push(Skipped::VersionLine.note().to_owned());
        }
        let (header, records) = header::find(records, &mut detected);
        let Some(header) = header else {
            return Err(LoadErrorKind::Empty { name: name.to_owned() }.into());
        };
        let width = Width::UpToHeader(header.filled());
        Table { detected, preamble: String::new(), header, width, records }.checked()
    }

    fn from_csv(name: &str, text: &'a str, encoding: Encoding) -> Result<Self, LoadError> {
        if let Some(what) = markup(text) {
            return Err(LoadErrorKind::NotText { name: name.to_owned(), what }.into());
        }
        let end = text.trim_end_matches(|c: char| c.is_ascii_control() || c == '\u{feff}').len();
        let layout = delimiter::detect(text);
        let mut detected = detected(name, Format::Csv);
        detected.encoding = Some(encoding);
        detected.delimiter = Some(char::from(layout.delimiter));
        if has_extension(name, "xlsx") {
            detected.notes.push("named .xlsx, but it is text and is read as CSV".to_owned());
        }
        detected.notes.extend(layout.skipped.iter().map(|skipped| skipped.note().to_owned()));
        if let Some(separator) = layout.odd_separator {
            detected
                .notes
                .push(format!("`sep={}` is not a usable separator: ignored", shown(&separator)));
        }
        if text[end..].contains('\0') {
            detected.notes.push("the NUL characters at the end are left out".to_owned());
        }
        if text[end..].contains('\u{1a}') {
            detected.notes.push("the Ctrl-Z at the end is left out".to_owned());
        }
        let text = if text[end..].contains(['\u{1a}', '\0']) { &text[..end] } else { text };
        let at = layout.at.min(text.len());
        let records = Records::new(text, layout.delimiter, at, layout.line);
        let records: Box<dyn Iterator<Item = Record<'a>> + 'a> = if layout.lines_are_quoted {
            detected
                .notes
                .push("every line is quoted as a whole: the quotes are undone".to_owned());
            Box::new(records.map(move |record| unquoted(record, layout.delimiter)))
        } else {
            Box::new(records)
        };
        let (header, records) = header::find(records, &mut detected);
        let Some(header) = header else {
            return Err(LoadErrorKind::Empty { name: name.to_owned() }.into());
        };
        let width = Width::AsHeader(header.filled());
        let preamble = text[..header.cells.first().map_or(at, |cell| cell.at)].to_owned();
        Self { detected, preamble, header, width, records }.checked()
    }

    fn checked(self) -> Result<Self, LoadError> {
        let found = self.header.filled();
        if found > MAX_COLUMNS {
            let name = self.detected.name;
            return Err(LoadErrorKind::TooManyColumns { name, found, limit: MAX_COLUMNS }.into());
        }
        Ok(self)
    }
}

fn detected(name: &str, format: Format) -> Detected {
    Detected {
        name: name.to_owned(),
        format,
        sheet: None,
        encoding: None,
        delimiter: None,
        rows: 0,
        resets: 0,
        taken: Vec::new(),
        compared: Vec::new(),
        ignored: Vec::new(),
        kept: Vec::new(),
        notes: Vec::new(),
    }
}

/// What a text in angle brackets is, if it is none that a manifest begins with.
fn markup(text: &str) -> Option<&'static str> {
    let start = trim(text).get(..).unwrap_or_default();
    let begins = |tag: &str| {
        start.split_at_checked(tag.len()).is_some_and(|(begin, _)| begin.eq_ignore_ascii_case(tag))
    };
    let html = ["<!doctype html", "<html", "<head", "<body", "<table", "<meta", "<!--", "<div"];
    if html.into_iter().any(begins) {
        Some("a web page")
    } else if begins("<?xml") || begins("<workbook") {
        Some("an XML document")
    } else {
        None
    }
}

/// The cells of a line that is quoted as a whole.
fn unquoted(record: Record<'_>, delimiter: u8) -> Record<'_> {
    if record.broken || record.filled() != 1 {
        return record;
    }
    let line = record.cells[0].text.clone();
    let mut inner = Records::new(&line, delimiter, 0, 1);
    let Some(cells) = inner.next() else { return record };
    let place = record.place(0);
    let (at, first) = (record.cells[0].at, record.cells[0].line);
    let mut defects: Vec<_> = cells
        .defects
        .iter()
        .map(|defect| place.problem(defect.code, &defect.problem, &defect.advice))
        .collect();
    if inner.next().is_some() {
        defects.push(place.problem(
            ProblemCode::TextAfterQuote,
            "several lines are quoted as one",
            "quote every cell by itself",
        ));
    }
    let own = |cell: Cell<'_>| Cell { text: Cow::Owned(cell.text.into_owned()), line: first, at };
    Record {
        broken: !defects.is_empty(),
        defects,
        cells: cells.cells.into_iter().map(own).collect(),
        ..record
    }
}

fn is_version_row(row: &Record<'_>) -> bool {
    let mut texts = (0..row.filled()).map(|index| row.text(index)).filter(|text| !text.is_empty());
    texts.next().is_some_and(delimiter::is_version) && texts.next().is_none()
}

fn has_extension(name: &str, wanted: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case(wanted))
}
