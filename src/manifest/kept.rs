//! A manifest that no file holds any more: its rows read once more from the cells that a
//! checkpoint kept of them, and one that is made of rows.
//!
//! Leaves to others: keeping the cells (`checkpoint`).

use super::detected::{Detected, Format};
use super::encoding::Encoding;
use super::written::{Form, Written};
use super::{LoadError, Manifest, Options, Row, parse};

/// Reads rows once more from their cells, each a JSON list of texts, under the header of
/// their form. A row that is no use is left out.
pub fn reread<'a>(
    name: &str,
    form: &Form,
    rows: impl Iterator<Item = (u32, &'a str)>,
    options: &Options,
) -> Result<Manifest, LoadError> {
    let mut text = String::new();
    push_line(&mut text, &form.header);
    let (mut line, mut lines) = (2, Vec::new());
    for (original, cells) in rows {
        let cells: Vec<String> = serde_json::from_str(cells).unwrap_or_default();
        if cells.is_empty() {
            continue;
        }
        let before = text.len();
        push_line(&mut text, &cells);
        lines.push((line, original));
        line += u32::try_from(text[before..].lines().count()).unwrap_or(u32::MAX);
    }
    let mut manifest = parse(name, text.as_bytes(), options)?.manifest;
    for row in &mut manifest.rows {
        if let Ok(position) = lines.binary_search_by_key(&row.line, |(line, _)| *line) {
            row.line = lines[position].1;
        }
    }
    Ok(manifest)
}

/// A line of CSV with every cell quoted, so that nothing in a cell means anything.
fn push_line(text: &mut String, cells: &[String]) {
    for (position, cell) in cells.iter().enumerate() {
        let comma = if position > 0 { "," } else { "" };
        text.push_str(&[comma, "\"", &cell.replace('"', "\"\""), "\""].concat());
    }
    text.push('\n');
}

impl Manifest {
    /// A manifest of these rows, by line, which were written in no file.
    pub fn of_rows(name: String, rows: Vec<Row>, extra_columns: Vec<String>) -> Self {
        let (format, encoding, delimiter) = (Format::Csv, Some(Encoding::Utf8), Some(','));
        let detected = Detected {
            name: name.clone(),
            format,
            sheet: None,
            encoding,
            delimiter,
            rows: rows.len(),
            resets: 0,
            taken: Vec::new(),
            compared: Vec::new(),
            ignored: Vec::new(),
            kept: extra_columns.clone(),
            notes: Vec::new(),
        };
        let form =
            Form { format, encoding, delimiter, preamble: String::new(), header: Vec::new() };
        let written = Written::new(form);
        Self {
            name,
            rows,
            invalid: Vec::new(),
            extra_columns,
            detected,
            written,
            part: None,
            left_out: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_they_were_and_keep_their_lines() {
        let text = "user;new_email;language;note;send\r\n\
                    ada@b.example;ada@c.example;de;\"a \"\"b\"\";\r\nc\";no\r\n\
                    nobody;?;;;\r\n\
                    bob@b.example;bob@c.example;;'=1+1;\r\n";
        let manifest = parse("m.csv", text.as_bytes(), &Options::default()).unwrap().manifest;
        let kept: Vec<_> = manifest.invalid.iter().map(|row| row.line).collect();
        let lines = manifest.rows.iter().map(|row| row.line).chain(kept);
        let mut lines: Vec<u32> = lines.collect();
        lines.sort_unstable();
        let cells = lines.iter().map(|line| (*line, manifest.written.cells(*line).unwrap()));
        let form = &manifest.written.form;
        let again = reread("m.csv", form, cells, &Options::default()).unwrap();
        assert_eq!(again.rows, manifest.rows);
        assert_eq!(again.extra_columns, manifest.extra_columns);
    }
}
