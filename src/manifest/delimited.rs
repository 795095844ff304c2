//! From delimited text to records, in the manner of RFC 4180.
//!
//! The csv crate is not used for reading: an unclosed quote swallows the rest of
//! the file there, and it knows no column. Here such a quote costs one row, which
//! is reported, and reading goes on with the next line. The crate serves as the
//! oracle of this module's tests.
//!
//! Leaves to others: which delimiter it is (`delimiter`), and what the header
//! makes of the cells (`columns`).

use std::borrow::Cow;

use super::problem::ProblemCode;
use super::record::{Cell, Record, Ruler};

/// More lines than any invitation's text has. A quote still open after so many
/// was not meant to be.
const MAX_LINES_OF_A_CELL: u32 = 500;

/// Reads one record after another.
#[derive(Debug, Clone)]
pub(super) struct Records<'a> {
    text: &'a str,
    delimiter: u8,
    at: usize,
    line: u32,
}

/// How a quoted cell ended.
enum Quoted<'a> {
    /// Properly; the text without its quotes.
    Closed(Cow<'a, str>),
    /// Properly, but more text follows before the next delimiter.
    TextAfter(Cow<'a, str>),
    /// Not at all, or only where another cell's quote opens.
    Unclosed,
}

impl<'a> Records<'a> {
    /// Reads `text` from the byte `at`, which is the beginning of `line`.
    pub(super) fn new(text: &'a str, delimiter: u8, at: usize, line: u32) -> Self {
        Self { text, delimiter, at, line }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn ends_cell(&self, at: usize) -> bool {
        self.byte(at).is_none_or(|b| b == self.delimiter || b == b'\n' || b == b'\r')
    }

    /// Moves over a line end, if there is one here.
    fn line_end(&mut self) -> bool {
        match self.byte(self.at) {
            Some(b'\r') => self.at += 1 + usize::from(self.byte(self.at + 1) == Some(b'\n')),
            Some(b'\n') => self.at += 1,
            _ => return false,
        }
        self.line = self.line.saturating_add(1);
        true
    }

    /// Moves to the end of the cell.
    fn skip_to_end(&mut self) {
        while !self.ends_cell(self.at) {
            self.at += 1;
        }
    }

    fn unquoted(&mut self) -> Cow<'a, str> {
        let start = self.at;
        self.skip_to_end();
        Cow::Borrowed(&self.text[start..self.at])
    }

    /// How many blanks stand before a quote that opens a cell here, if one does. After
    /// blanks it does so only if the cell ends properly: `user, "new_email"`.
    fn blanks_before_a_quoted_cell(&self) -> Option<usize> {
        let rest = &self.text.as_bytes()[self.at..];
        let blanks = rest.iter().take_while(|b| **b == b' ').count();
        if rest.get(blanks) != Some(&b'"') {
            return None;
        }
        let closes = || {
            let mut ahead = Self { at: self.at + blanks, ..*self };
            matches!(ahead.quoted(), Quoted::Closed(_))
        };
        (blanks == 0 || closes()).then_some(blanks)
    }

    /// Reads a quoted cell; `at` stands on its opening quote.
    fn quoted(&mut self) -> Quoted<'a> {
        let first_line = self.line;
        self.at += 1;
        let mut start = self.at;
        let mut unescaped = String::new();
        loop {
            match self.byte(self.at) {
                None => return Quoted::Unclosed,
                Some(b'"') if self.byte(self.at + 1) == Some(b'"') => {
                    unescaped.push_str(&self.text[start..=self.at]);
                    self.at += 2;
                    start = self.at;
                }
                Some(b'"') => break,
                Some(b'\r' | b'\n') => {
                    self.line_end();
                    if self.line - first_line > MAX_LINES_OF_A_CELL {
                        return Quoted::Unclosed;
                    }
                }
                Some(_) => self.at += 1,
            }
        }
        let rest = &self.text[start..self.at];
        let content = if unescaped.is_empty() {
            Cow::Borrowed(rest)
        } else {
            unescaped.push_str(rest);
            Cow::Owned(unescaped)
        };
        self.at += 1;
        // Blanks between the closing quote and the delimiter harm nobody.
        while self.byte(self.at) == Some(b' ') {
            self.at += 1;
        }
        if self.ends_cell(self.at) {
            Quoted::Closed(content)
        } else if self.line == first_line {
            Quoted::TextAfter(content)
        } else {
            Quoted::Unclosed
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        while self.line_end() {}
        self.byte(self.at)?;
        let ruler = Ruler::Text(self.text);
        let mut record = Record {
            line: self.line,
            cells: Vec::new(),
            defects: Vec::new(),
            broken: false,
            ruler,
        };
        loop {
            let (at, line) = (self.at, self.line);
            let blanks = self.blanks_before_a_quoted_cell();
            let text = if blanks.is_some() {
                self.at += blanks.unwrap_or_default();
                match self.quoted() {
                    Quoted::Closed(text) => text,
                    Quoted::TextAfter(text) => {
                        record.defects.push(ruler.place(line, at).problem(
                            ProblemCode::TextAfterQuote,
                            "text follows the closing quote of this cell",
                            "write a quote inside a quoted cell twice: \"\"",
                        ));
                        self.skip_to_end();
                        text
                    }
                    Quoted::Unclosed => {
                        record.defects.push(ruler.place(line, at).problem(
                            ProblemCode::UnclosedQuote,
                            "the quote that opens this cell is never closed",
                            "close it, or write a quote that belongs to the text twice inside a \
                             quoted cell",
                        ));
                        // Only this line is lost: the next one is a row again.
                        (self.at, self.line) = (at, line);
                        while !matches!(self.byte(self.at), None | Some(b'\n' | b'\r')) {
                            self.at += 1;
                        }
                        Cow::Borrowed("")
                    }
                }
            } else {
                self.unquoted()
            };
            record.cells.push(Cell { text, line, at });
            if self.byte(self.at) == Some(self.delimiter) {
                self.at += 1;
            } else {
                self.line_end();
                record.broken = !record.defects.is_empty();
                return Some(record);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::problem::Place;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<Record<'_>> {
        Records::new(text, b',', 0, 1).collect()
    }

    fn cells<'a>(records: &'a [Record<'_>]) -> Vec<(u32, Vec<&'a str>)> {
        let texts = |r: &'a Record<'_>| r.cells.iter().map(|c| &*c.text).collect();
        records.iter().map(|r| (r.line, texts(r))).collect()
    }

    #[test]
    fn every_line_end_counts_as_one_line() {
        for text in ["a,b\r\n\r\nc,d\r\n", "a,b\n\nc,d", "a,b\r\rc,d\r"] {
            assert_eq!(cells(&read(text)), [(1, vec!["a", "b"]), (3, vec!["c", "d"])], "{text:?}");
        }
    }

    #[test]
    fn quoted_cells_hold_delimiters_quotes_and_lines() {
        let records = read("\"a,\"\"b\"\"\",\"x\r\ny\",z\nnext,\"\" ,");
        assert_eq!(
            cells(&records),
            [(1, vec!["a,\"b\"", "x\r\ny", "z"]), (3, vec!["next", "", ""])]
        );
        assert_eq!(records[0].place(2), Place { line: 2, column: 4 });
        assert!(records.iter().all(|r| r.defects.is_empty()));
    }

    #[test]
    fn a_quote_inside_an_unquoted_cell_is_a_letter() {
        assert_eq!(cells(&read("5\" disk,b\"")), [(1, vec!["5\" disk", "b\""])]);
    }

    #[test]
    fn an_unclosed_quote_costs_its_own_row_only() {
        for (text, place, lines) in [
            ("a,b\nc,\"d\ne,f\ng,h\n", (2, 3), vec![1, 2, 3, 4]),
            ("a,b\nc,\"d\ne,f\ng,\"h\"\n", (2, 3), vec![1, 2, 3, 4]),
            ("a,b\n\"c\",\"d\n\"e\",\"f\"\n", (2, 5), vec![1, 2, 3]),
            ("a,b\nc,\"", (2, 3), vec![1, 2]),
        ] {
            let records = read(text);
            assert_eq!(records.iter().map(|r| r.line).collect::<Vec<_>>(), lines, "{text:?}");
            let defects: Vec<_> = records.iter().flat_map(|r| &r.defects).collect();
            assert_eq!(defects.len(), 1, "{text:?}");
            assert_eq!((defects[0].line, defects[0].column), place);
            assert_eq!(defects[0].code, ProblemCode::UnclosedQuote);
        }
    }

    #[test]
    fn a_quote_open_for_hundreds_of_lines_is_unclosed_even_if_it_closes() {
        let text = format!("a,\"b\n{}x\",y\n", "c,d\n".repeat(600));
        let records = read(&text);
        assert_eq!(records.len(), 602);
        assert_eq!(records[0].defects[0].code, ProblemCode::UnclosedQuote);
        assert!(records[1..].iter().all(|r| r.defects.is_empty()));
    }

    #[test]
    fn text_after_a_quote_is_reported_and_the_row_goes_on() {
        let records = read("a,\"b\"c,d\ne");
        assert_eq!(cells(&records), [(1, vec!["a", "b", "d"]), (2, vec!["e"])]);
        assert_eq!(records[0].defects[0].code, ProblemCode::TextAfterQuote);
    }

    proptest! {
        #[test]
        fn what_the_csv_crate_writes_is_read_as_it_was(
            rows in prop::collection::vec(prop::collection::vec("[ -~äß\r\n\"]{0,12}", 3), 1..8),
            delimiter in prop::sample::select(vec![b',', b';', b'\t', b'|']),
        ) {
            let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let records: Vec<_> = Records::new(&text, delimiter, 0, 1).collect();
            let read: Vec<Vec<_>> =
                records.iter().map(|r| r.cells.iter().map(|c| c.text.to_string()).collect()).collect();
            prop_assert_eq!(read, rows);
            prop_assert!(records.iter().all(|r| r.defects.is_empty()));
        }

        #[test]
        fn every_text_ends_and_lines_only_grow(text in "[a,;\"\r\n ü]{0,60}") {
            let mut last = 0;
            for record in read(&text) {
                prop_assert!(record.line > last);
                last = record.line;
                prop_assert!(!record.cells.is_empty());
            }
        }
    }
}
