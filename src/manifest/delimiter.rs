//! Which character separates the cells, and where the header begins.
//!
//! Guessing from character statistics alone is known to go wrong on manifests
//! (`id;mail;new_mail` was once taken for separated by `m`), so a candidate is
//! judged by the header it yields.
//!
//! Leaves to others: reading the records (`delimited`) and what the header's
//! names mean (`columns`).

use crate::domain::character::{is_blank, trim};

use super::columns::likeness;
use super::delimited::Records;
use super::record::Record;

/// Candidates; of two that do equally well the earlier is taken.
const CANDIDATES: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Enough records to tell a delimiter from a character that occurs by chance.
const SAMPLE: usize = 200;

/// Among so many records the header is looked for.
const HEADS: usize = 20;

/// How a delimited text is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// What separates the cells.
    pub(super) delimiter: u8,
    /// Byte at which the header begins.
    pub(super) at: usize,
    pub(super) line: u32,
    /// Lines before the header whose form is known.
    pub(super) skipped: Vec<Skipped>,
    /// The text of a `sep=` line that could not be honoured.
    pub(super) odd_separator: Option<String>,
    /// Whether every line is one quoted cell, as when a CSV was put into one column.
    pub(super) lines_are_quoted: bool,
}

/// A line that a program puts before the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Skipped {
    /// The portal's `version:v1.0`.
    VersionLine,
    /// `#TYPE …`, which Export-Csv of Windows PowerShell writes.
    TypeLine,
}

impl Skipped {
    pub(super) const fn note(self) -> &'static str {
        match self {
            Self::VersionLine => "portal template: version line skipped",
            Self::TypeLine => "the #TYPE line of Export-Csv is skipped",
        }
    }
}

/// Skips what precedes the header, and finds the delimiter.
pub(super) fn detect(text: &str) -> Layout {
    let mut layout = Layout {
        delimiter: b',',
        at: 0,
        line: 1,
        skipped: Vec::new(),
        odd_separator: None,
        lines_are_quoted: false,
    };
    let mut declared = None;
    loop {
        // A byte order mark stands wherever two files were put together.
        let hidden = |c: char| is_blank(c) && !c.is_whitespace();
        let rest = &text[layout.at..];
        layout.at += rest.len() - rest.trim_start_matches(hidden).len();
        let rest = &text[layout.at..];
        let line = &rest[..rest.find(['\r', '\n']).unwrap_or(rest.len())];
        if let Some(separator) = separator_line(line) {
            match separator.as_bytes() {
                &[byte] if byte.is_ascii_punctuation() || byte == b'\t' => declared = Some(byte),
                _ => layout.odd_separator = Some(separator.to_owned()),
            }
        } else if is_version(line.trim_end_matches([',', ';', '\t', '|', ' '])) {
            layout.skipped.push(Skipped::VersionLine);
        } else if is_type(line) {
            layout.skipped.push(Skipped::TypeLine);
        } else if !trim(line).is_empty() || line.len() == rest.len() {
            break;
        }
        if line.len() == rest.len() {
            layout.at = text.len();
            break;
        }
        layout.at += line.len() + if rest[line.len()..].starts_with("\r\n") { 2 } else { 1 };
        layout.line = layout.line.saturating_add(1);
    }
    let (delimiter, lines_are_quoted) = sniff(text, layout.at, layout.line, declared);
    layout.delimiter = delimiter;
    layout.lines_are_quoted = lines_are_quoted;
    layout
}

fn is_type(line: &str) -> bool {
    let line = trim(line).trim_start_matches('"');
    line.split_at_checked(5).is_some_and(|(key, rest)| {
        key.eq_ignore_ascii_case("#type") && rest.starts_with([' ', '\t'])
    })
}

/// The first line of the portal's bulk templates, `version:v1.0`.
pub(super) fn is_version(cell: &str) -> bool {
    let cell = trim(cell).trim_matches('"').to_ascii_lowercase();
    cell.strip_prefix("version:v").is_some_and(|version| {
        version.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !version.is_empty()
    })
}

/// Excel's own declaration, `sep=;`.
fn separator_line(line: &str) -> Option<&str> {
    let line = line.trim_matches('"').trim_end_matches(|c| is_blank(c) && c != '\t');
    let (key, separator) = line.split_at_checked(4)?;
    (key.eq_ignore_ascii_case("sep=") && separator.chars().count() <= 1).then_some(separator)
}

/// The candidate whose header has most known columns and, among equals, whose records
/// most often have as many cells as the header; and whether lines are quoted as a whole.
fn sniff(text: &str, at: usize, line: u32, declared: Option<u8>) -> (u8, bool) {
    let score = |delimiter: u8| {
        let records: Vec<_> = Records::new(text, delimiter, at, line).take(SAMPLE).collect();
        let heads = || records.iter().take(HEADS).filter(|record| !record.broken);
        // Of equals the first is the header.
        let mut header = (0, None);
        for record in heads() {
            let (_, _, known) = likeness(record);
            if known > header.0 || header.1.is_none() {
                header = (known, Some(record));
            }
        }
        let (known, Some(header)) = header else { return ((0, 0), 0) };
        let width = header.cells.len();
        let alike = if width > 1 {
            let others = records.iter().filter(|r| r.line != header.line && !r.broken);
            others.filter(|r| r.cells.len() == width).count()
        } else {
            0
        };
        let inside = |record: &Record<'_>| {
            let whole = text[record.cells[0].at..].starts_with('"') && record.filled() == 1;
            let inner = Records::new(&record.cells[0].text, delimiter, 0, 1).next();
            inner.filter(|inner| whole && inner.filled() > 1).map_or(0, |inner| likeness(&inner).2)
        };
        ((known, alike), heads().map(inside).max().unwrap_or(0))
    };
    let candidates = declared.map_or(CANDIDATES.to_vec(), |declared| vec![declared]);
    let mut best = (candidates[0], (0, 0));
    let mut quoted = (candidates[0], 0);
    for candidate in candidates {
        let (score, inside) = score(candidate);
        if score > best.1 {
            best = (candidate, score);
        }
        if inside > quoted.1 {
            quoted = (candidate, inside);
        }
    }
    if quoted.1 > best.1.0 { (quoted.0, true) } else { (best.0, false) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_decides_the_delimiter() {
        for (text, delimiter) in [
            ("user,new_email\na;b;c,d\n", b','),
            ("id;mail;new_mail\n1;2;3\n", b';'),
            ("user\tmessage\nx\tHello, you; and you\n", b'\t'),
            ("user|new_email\n", b'|'),
            ("user\na@b.example\n", b','),
            ("foo;bar\n1;2\n3;4\n", b';'),
            ("User [x], y;user;new_email\n", b';'),
            ("\"user\";\"a,b,c\"\n", b';'),
            ("", b','),
        ] {
            assert_eq!(char::from(detect(text).delimiter), char::from(delimiter), "{text:?}");
        }
    }

    #[test]
    fn lines_before_the_header_are_skipped_and_counted() {
        for (text, delimiter, line, skipped) in [
            ("sep=;\r\nuser,x;new_email\r\n", b';', 2, 0),
            ("sep=\t\nuser\n", b'\t', 2, 0),
            ("\"SEP=|\"\nuser|new_email\n", b'|', 2, 0),
            ("version:v1.0\nuser;new_email\n", b';', 2, 1),
            ("\n\nversion:v1.0,,,\r\n\r\nuser,new_email\r\n", b',', 5, 1),
            ("sep=;\rVersion:v1.0;;\ruser;new_email\r", b';', 3, 1),
        ] {
            let layout = detect(text);
            assert_eq!(
                (char::from(layout.delimiter), layout.line, layout.skipped.len()),
                (char::from(delimiter), line, skipped),
                "{text:?}"
            );
            assert!(text[layout.at..].starts_with("user"), "{text:?}");
        }
    }

    #[test]
    fn a_separator_nobody_can_split_at_is_named() {
        for text in ["sep=§\nuser\n", "sep=a\nuser\n", "sep=\nuser\n"] {
            let layout = detect(text);
            assert!(layout.odd_separator.is_some(), "{text:?}");
            assert_eq!((layout.delimiter, layout.line), (b',', 2));
        }
    }
}
