//! The manifest as its author wrote it: its form and every row's cells, so that rows
//! can be handed back in the columns, delimiter and encoding they came in.
//!
//! Leaves to others: which rows are handed back, and with what beside them (`report`).

use encoding_rs::WINDOWS_1252;
use serde::{Deserialize, Serialize};

use super::detected::Format;
use super::encoding::Encoding;
use super::record::Record;

/// The form of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    pub format: Format,
    /// Its encoding; a workbook has none.
    pub encoding: Option<Encoding>,
    /// What separates the cells of a CSV.
    pub delimiter: Option<char>,
    /// What a CSV has before its header: the portal's version line, Excel's `sep=`.
    pub preamble: String,
    /// The header's cells as written.
    pub header: Vec<String>,
}

/// A manifest as written. The rows' cells are kept as JSON in one text: a manifest of
/// 100,000 rows costs a copy of its bytes and no allocation a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub form: Form,
    rows: Vec<(u32, usize)>,
    cells: String,
}

impl Written {
    pub(super) fn new(form: Form) -> Self {
        Self { form, rows: Vec::new(), cells: String::new() }
    }

    /// Keeps a row; rows come in the order of the file.
    pub(super) fn keep(&mut self, record: &Record<'_>) {
        let width = self.form.header.len().max(record.filled());
        self.cells.push('[');
        for (position, cell) in record.cells.iter().take(width).enumerate() {
            if position > 0 {
                self.cells.push(',');
            }
            push_json(&mut self.cells, &cell.text);
        }
        self.cells.push(']');
        self.rows.push((record.line, self.cells.len()));
    }

    /// The cells of the row that begins on this line, as a JSON list of texts.
    pub fn cells(&self, line: u32) -> Option<&str> {
        let position = self.rows.binary_search_by_key(&line, |row| row.0).ok()?;
        let from = position.checked_sub(1).map_or(0, |before| self.rows[before].1);
        Some(&self.cells[from..self.rows[position].1])
    }
}

/// A text as JSON. Most cells are plain, and those are copied.
fn push_json(out: &mut String, text: &str) {
    if text.bytes().any(|b| b < 0x20 || b == b'"' || b == b'\\') {
        out.push_str(&serde_json::to_string(text).expect("a text is plain data"));
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

impl Form {
    /// The bytes of a text in this form's encoding, with a byte order mark where the
    /// encoding is not safe to guess without one. A workbook's rows go into UTF-8 with
    /// a mark, which is what Excel opens. A character that the encoding has not becomes
    /// a question mark.
    pub fn encode(&self, text: &str) -> Vec<u8> {
        match self.encoding.unwrap_or(Encoding::Utf8Bom) {
            Encoding::Utf8 => text.as_bytes().to_vec(),
            Encoding::Utf8Bom => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            Encoding::Utf16Le => utf16(text, u16::to_le_bytes),
            Encoding::Utf16Be => utf16(text, u16::to_be_bytes),
            Encoding::Windows1252 => {
                let (bytes, _, has_others) = WINDOWS_1252.encode(text);
                if has_others { windows_1252(text) } else { bytes.into_owned() }
            }
        }
    }
}

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(to_bytes).collect()
}

fn windows_1252(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut buffer = [0; 4];
    for c in text.chars() {
        let (encoded, _, is_other) = WINDOWS_1252.encode(c.encode_utf8(&mut buffer));
        bytes.extend_from_slice(if is_other { b"?" } else { &encoded });
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Options, parse};

    fn written(bytes: &[u8]) -> Written {
        parse("m.csv", bytes, &Options::default()).unwrap().manifest.written
    }

    fn cells(written: &Written, line: u32) -> Vec<String> {
        serde_json::from_str(written.cells(line).unwrap()).unwrap()
    }

    #[test]
    fn rows_come_back_as_they_were_written_the_unusable_ones_too() {
        let text = "version:v1.0;;\r\nUser; new email;Büro\r\n\
                    ada@b.example;ada@c.example;\" \"\"x\"\";\r\ny\\\"\r\n;;\r\nnobody;?;z\r\n";
        let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        let written = written(&bytes);
        assert_eq!(written.form.encoding, Some(Encoding::Windows1252));
        assert_eq!(written.form.delimiter, Some(';'));
        assert_eq!(written.form.preamble, "version:v1.0;;\r\n");
        assert_eq!(written.form.header, ["User", " new email", "Büro"]);
        assert_eq!(cells(&written, 3), ["ada@b.example", "ada@c.example", " \"x\";\r\ny\\"]);
        assert_eq!(cells(&written, 6), ["nobody", "?", "z"]);
        assert_eq!(written.cells(5), None);
    }

    #[test]
    fn every_encoding_reads_back() {
        let form = written(b"user\na@b.example\n").form;
        for encoding in [
            Encoding::Utf8,
            Encoding::Utf8Bom,
            Encoding::Utf16Le,
            Encoding::Utf16Be,
            Encoding::Windows1252,
        ] {
            let form = Form { encoding: Some(encoding), ..form.clone() };
            let bytes = form.encode("user,note\na@b.example,Grüße €\n");
            let read = written(&bytes);
            assert_eq!(read.form.encoding, Some(encoding));
            assert_eq!(cells(&read, 2)[1], "Grüße €");
        }
        let form = Form { encoding: Some(Encoding::Windows1252), ..form };
        assert_eq!(form.encode("é株"), b"\xe9?");
    }
}
