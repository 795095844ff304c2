//! Every format made alike: a header, and records below it.
//!
//! Leaves to others: reading a format (`delimited`, `workbook`, `json_lines`) and
//! understanding the records (`columns`, `rows`).

use super::cells::shown;
use super::delimited::Records;
use super::delimiter;
use super::detected::{Detected, Format};
use super::encoding::Encoding;
use super::error::{LoadError, LoadErrorKind};
use super::record::Record;
use super::rows::Width;
use super::{json_lines, workbook};

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

    pub(super) fn from_workbook(name: &str, bytes: &[u8]) -> Result<Table<'static>, LoadError> {
        let sheet = workbook::read(name, bytes, MAX_COLUMNS)?;
        let mut detected = detected(name, Format::Workbook);
        detected.notes.extend(sheet.name.map(|sheet| format!("sheet `{}` is read", shown(&sheet))));
        let mut records = sheet.rows.filter(|record| !record.is_blank()).peekable();
        if records.next_if(is_version_row).is_some() {
            detected.notes.push(VERSION_LINE.to_owned());
        }
        let Some(header) = records.next() else {
            return Err(LoadErrorKind::Empty { name: name.to_owned() }.into());
        };
        let width = Width::UpToHeader(header.filled());
        let (preamble, records) = (String::new(), Box::new(records));
        Table { detected, preamble, header, width, records }.checked()
    }

    fn from_csv(name: &str, text: &'a str, encoding: Encoding) -> Result<Self, LoadError> {
        let layout = delimiter::detect(text);
        let mut detected = detected(name, Format::Csv);
        detected.encoding = Some(encoding);
        detected.delimiter = Some(char::from(layout.delimiter));
        if has_extension(name, "xlsx") {
            detected.notes.push("named .xlsx, but it is text and is read as CSV".to_owned());
        }
        if layout.versioned {
            detected.notes.push(VERSION_LINE.to_owned());
        }
        if let Some(separator) = layout.odd_separator {
            detected
                .notes
                .push(format!("`sep={}` is not a usable separator: ignored", shown(&separator)));
        }
        let mut records = Records::new(text, layout.delimiter, layout.at, layout.line);
        let Some(header) = records.find(|record| !record.is_blank()) else {
            return Err(LoadErrorKind::Empty { name: name.to_owned() }.into());
        };
        let width = Width::AsHeader(header.filled());
        let preamble = text[..layout.at].to_owned();
        Self { detected, preamble, header, width, records: Box::new(records) }.checked()
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

const VERSION_LINE: &str = "portal template: version line skipped";

fn detected(name: &str, format: Format) -> Detected {
    Detected {
        name: name.to_owned(),
        format,
        encoding: None,
        delimiter: None,
        rows: 0,
        taken: Vec::new(),
        ignored: Vec::new(),
        kept: Vec::new(),
        notes: Vec::new(),
    }
}

fn is_version_row(row: &Record<'_>) -> bool {
    let mut texts = (0..row.filled()).map(|index| row.text(index)).filter(|text| !text.is_empty());
    texts.next().is_some_and(delimiter::is_version) && texts.next().is_none()
}

fn has_extension(name: &str, wanted: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case(wanted))
}
