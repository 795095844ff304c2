//! What a person sees of a sheet, and what they don't: hidden rows and columns, merged
//! ranges, formulas that nobody calculated.
//!
//! The library that reads the cells says nothing of these, so that the sheet's own XML
//! is gone through once more, as a stream.
//!
//! Leaves to others: the cells' values, and what is refused.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Cursor};
use std::ops::RangeInclusive;

use calamine::XlsxError;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use zip::ZipArchive;

/// Rows and columns are counted from 0.
#[derive(Debug, Default)]
pub(super) struct Visible {
    pub(super) hidden_rows: BTreeSet<u32>,
    pub(super) hidden_columns: Vec<RangeInclusive<usize>>,
    pub(super) merged: Vec<Merged>,
    /// Formulas without a stored value.
    pub(super) uncalculated: Vec<(u32, usize)>,
}

/// A merged range.
#[derive(Debug, Clone)]
pub(super) struct Merged {
    /// As the sheet writes it, `B2:B3`.
    pub(super) name: String,
    pub(super) rows: RangeInclusive<u32>,
    pub(super) first_column: usize,
}

/// The part of the archive that holds a sheet of this name.
pub(super) fn part_of(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    sheet: &str,
) -> Result<Option<String>, XlsxError> {
    let main = target(archive, "_rels/.rels", |relation| {
        attribute(relation, "Type").is_some_and(|kind| kind.ends_with("/officeDocument"))
    })?;
    let main = main.map_or_else(|| "xl/workbook.xml".to_owned(), |main| resolved("", &main));
    let (folder, file) = main.rsplit_once('/').unwrap_or(("", &main));
    let mut id = None;
    each(archive, &main, |element| {
        if element.local_name().as_ref() == "sheet"
            && attribute(element, "name").is_some_and(|name| name == sheet)
        {
            id = id.take().or_else(|| attribute(element, "id"));
        }
    })?;
    let Some(id) = id else { return Ok(None) };
    let relations = format!("{folder}/_rels/{file}.rels");
    let relations = relations.trim_start_matches('/');
    let found = target(archive, relations, |relation| {
        attribute(relation, "Id").is_some_and(|found| found == id)
    })?;
    Ok(found.map(|target| resolved(folder, &target)))
}

pub(super) fn target(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    part: &str,
    wanted: impl Fn(&BytesStart<'_>) -> bool,
) -> Result<Option<String>, XlsxError> {
    let mut found = None;
    each(archive, part, |element| {
        if element.local_name().as_ref() == "Relationship" && wanted(element) {
            found = found.take().or_else(|| attribute(element, "Target"));
        }
    })?;
    Ok(found)
}

/// A target is relative to the folder of the part that names it, unless it begins with
/// a slash (ECMA-376 part 2, 9.3).
pub(super) fn resolved(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut path: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path.join("/")
}

impl Visible {
    pub(super) fn of(
        archive: &mut ZipArchive<Cursor<&[u8]>>,
        part: &str,
    ) -> Result<Self, XlsxError> {
        let mut visible = Self::default();
        let mut walk = Walk::default();
        let mut reader = reader(archive, part)?;
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer)? {
                Event::Start(element) => visible.open(&mut walk, &element),
                Event::End(element) => match element.local_name().as_ref() {
                    "c" => visible.close_cell(&mut walk),
                    "v" | "is" => walk.in_value = false,
                    _ => {}
                },
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) if walk.in_value => {
                    walk.has_value = true;
                }
                Event::Eof => return Ok(visible),
                _ => {}
            }
        }
    }

    fn open(&mut self, walk: &mut Walk, element: &BytesStart<'_>) {
        match element.local_name().as_ref() {
            "row" => {
                let given = attribute(element, "r").and_then(|row| row.parse::<u32>().ok());
                walk.row = given.unwrap_or(walk.next_row + 1).saturating_sub(1);
                walk.next_row = walk.row.saturating_add(1);
                walk.next_column = 0;
                if is_set(element, "hidden") || is_nothing(element, "ht") {
                    self.hidden_rows.insert(walk.row);
                }
            }
            "col" if is_set(element, "hidden") || is_nothing(element, "width") => {
                let number = |name| attribute(element, name).and_then(|n| n.parse::<usize>().ok());
                if let (Some(first @ 1..), Some(last @ 1..)) = (number("min"), number("max")) {
                    self.hidden_columns.push(first - 1..=last - 1);
                }
            }
            "c" => {
                let place = attribute(element, "r").and_then(|place| cell(&place));
                let (row, column) = place.unwrap_or((walk.row, walk.next_column));
                walk.cell = (row, column);
                walk.next_column = column + 1;
                walk.has_formula = false;
                // A text that a formula gave may be empty; Excel says that it is one.
                walk.has_value = attribute(element, "t").is_some_and(|kind| kind == "str");
            }
            "f" => walk.has_formula = true,
            "v" | "is" => walk.in_value = true,
            "mergeCell" => {
                let Some(name) = attribute(element, "ref") else { return };
                let (first, last) = name.split_once(':').unwrap_or((&name, &name));
                if let (Some(first), Some(last)) = (cell(first), cell(last)) {
                    self.merged.push(Merged {
                        rows: first.0..=last.0,
                        first_column: first.1,
                        name,
                    });
                }
            }
            _ => {}
        }
    }

    fn close_cell(&mut self, walk: &mut Walk) {
        if walk.has_formula && !walk.has_value {
            self.uncalculated.push(walk.cell);
        }
        walk.in_value = false;
    }

    pub(super) fn hides_column(&self, column: usize) -> bool {
        self.hidden_columns.iter().any(|columns| columns.contains(&column))
    }
}

/// Where the walk through a sheet is.
#[derive(Default)]
struct Walk {
    row: u32,
    next_row: u32,
    next_column: usize,
    cell: (u32, usize),
    has_formula: bool,
    in_value: bool,
    has_value: bool,
}

/// The letters of a column: 0 is `A`.
pub(super) fn letters(column: usize) -> String {
    let mut left = column + 1;
    let mut letters = Vec::new();
    while left > 0 {
        left -= 1;
        letters.push(char::from(b'A' + u8::try_from(left % 26).expect("less than 26")));
        left /= 26;
    }
    letters.iter().rev().collect()
}

/// Row and column of a reference such as `$B$2`.
fn cell(reference: &str) -> Option<(u32, usize)> {
    let reference = reference.replace('$', "");
    let digits = reference.find(|c: char| c.is_ascii_digit())?;
    let (letters, row) = reference.split_at(digits);
    if letters.is_empty() || letters.len() > 3 {
        return None;
    }
    let mut column = 0;
    for letter in letters.bytes() {
        if !letter.is_ascii_alphabetic() {
            return None;
        }
        column = column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1;
    }
    Some((row.parse::<u32>().ok()?.checked_sub(1)?, column - 1))
}

fn reader<'a>(
    archive: &'a mut ZipArchive<Cursor<&[u8]>>,
    part: &str,
) -> Result<Reader<impl BufRead + 'a>, XlsxError> {
    let index = archive.index_for_name(part).or_else(|| {
        // Some writers don't keep to the case of their own references.
        let mut names = archive.file_names().flatten();
        let name = names.find(|name| name.eq_ignore_ascii_case(part))?.into_owned();
        archive.index_for_name(&name)
    });
    let index = index.ok_or_else(|| XlsxError::FileNotFound(part.to_owned()))?;
    let mut reader = Reader::from_reader(BufReader::new(archive.by_index(index)?));
    reader.config_mut().expand_empty_elements = true;
    reader.config_mut().check_end_names = false;
    Ok(reader)
}

fn each(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    part: &str,
    mut take: impl FnMut(&BytesStart<'_>),
) -> Result<(), XlsxError> {
    let mut reader = reader(archive, part)?;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer)? {
            Event::Start(element) => take(&element),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.attributes().flatten().find(|a| a.key.local_name().as_ref() == name)?;
    found.normalized_value(XmlVersion::default()).ok().map(std::borrow::Cow::into_owned)
}

fn is_set(element: &BytesStart<'_>, name: &str) -> bool {
    attribute(element, name).is_some_and(|value| matches!(value.as_str(), "1" | "true" | "on"))
}

fn is_nothing(element: &BytesStart<'_>, name: &str) -> bool {
    attribute(element, name).is_some_and(|size| size.parse() == Ok(0.0_f64))
}
