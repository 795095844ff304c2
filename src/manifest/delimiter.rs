//! Which character separates the cells, and where the header begins.
//!
//! Guessing from character statistics alone is known to go wrong on manifests
//! (`id;mail;new_mail` was once taken for separated by `m`), so a candidate is
//! judged by the header it yields.
//!
//! Leaves to others: reading the records (`delimited`) and what the header's
//! names mean (`columns`).

use super::columns;
use super::delimited::Records;

/// Candidates; of two that do equally well the earlier is taken.
const CANDIDATES: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Enough records to tell a delimiter from a character that occurs by chance.
const SAMPLE: usize = 200;

/// How a delimited text is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// What separates the cells.
    pub(super) delimiter: u8,
    /// Byte at which the header begins.
    pub(super) at: usize,
    pub(super) line: u32,
    /// Whether a `version:v1.0` line was skipped.
    pub(super) versioned: bool,
    /// The text of a `sep=` line that could not be honoured.
    pub(super) odd_separator: Option<String>,
}

/// Skips what precedes the header, and finds the delimiter.
pub(super) fn detect(text: &str) -> Layout {
    let mut layout =
        Layout { delimiter: b',', at: 0, line: 1, versioned: false, odd_separator: None };
    let mut declared = None;
    loop {
        let rest = &text[layout.at..];
        let line = &rest[..rest.find(['\r', '\n']).unwrap_or(rest.len())];
        if let Some(separator) = separator_line(line) {
            match separator.as_bytes() {
                &[byte] if byte.is_ascii_punctuation() || byte == b'\t' => declared = Some(byte),
                _ => layout.odd_separator = Some(separator.to_owned()),
            }
        } else if is_version(line.trim_end_matches([',', ';', '\t', '|', ' '])) {
            layout.versioned = true;
        } else if !line.trim().is_empty() || line.len() == rest.len() {
            break;
        }
        if line.len() == rest.len() {
            layout.at = text.len();
            break;
        }
        layout.at += line.len() + if rest[line.len()..].starts_with("\r\n") { 2 } else { 1 };
        layout.line = layout.line.saturating_add(1);
    }
    layout.delimiter = declared.unwrap_or_else(|| sniff(text, layout.at, layout.line));
    layout
}

/// The first line of the portal's bulk templates, `version:v1.0`.
pub(super) fn is_version(cell: &str) -> bool {
    let cell = cell.trim().trim_matches('"').to_ascii_lowercase();
    cell.strip_prefix("version:v").is_some_and(|version| {
        version.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !version.is_empty()
    })
}

/// Excel's own declaration, `sep=;`.
fn separator_line(line: &str) -> Option<&str> {
    let line = line.trim_matches('"');
    let (key, separator) = line.split_at_checked(4)?;
    (key.eq_ignore_ascii_case("sep=") && separator.chars().count() <= 1).then_some(separator)
}

/// The candidate whose header has most known columns and, among equals, whose
/// records most often have as many cells as the header.
fn sniff(text: &str, at: usize, line: u32) -> u8 {
    let score = |delimiter: u8| {
        let mut records = Records::new(text, delimiter, at, line).take(SAMPLE);
        let Some(header) = records.next().filter(|header| !header.broken) else { return (0, 0) };
        let known = header.cells.iter().filter(|cell| columns::is_known(&cell.text)).count();
        let width = header.cells.len();
        let alike = if width > 1 {
            records.filter(|r| !r.broken && r.cells.len() == width).count()
        } else {
            0
        };
        (known, alike)
    };
    let mut best = (CANDIDATES[0], (0, 0));
    for candidate in CANDIDATES {
        let score = score(candidate);
        if score > best.1 {
            best = (candidate, score);
        }
    }
    best.0
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
        for (text, delimiter, line, versioned) in [
            ("sep=;\r\nuser,x;new_email\r\n", b';', 2, false),
            ("sep=\t\nuser\n", b'\t', 2, false),
            ("\"SEP=|\"\nuser|new_email\n", b'|', 2, false),
            ("version:v1.0\nuser;new_email\n", b';', 2, true),
            ("\n\nversion:v1.0,,,\r\n\r\nuser,new_email\r\n", b',', 5, true),
            ("sep=;\rVersion:v1.0;;\ruser;new_email\r", b';', 3, true),
        ] {
            let layout = detect(text);
            assert_eq!(
                (char::from(layout.delimiter), layout.line, layout.versioned),
                (char::from(delimiter), line, versioned),
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
