//! A row as every format delivers it: raw cells that know where they stand.
//!
//! Leaves to others: producing records (`delimited`, `workbook`, `json_lines`)
//! and understanding them (`columns`, `rows`).

use std::borrow::Cow;

use crate::domain::character::trim;

use super::guard::unguarded;
use super::problem::{Place, RowProblem};

#[derive(Debug, Clone)]
pub(super) struct Record<'a> {
    /// Line on which it begins.
    pub(super) line: u32,
    /// Its cells, in the order of the header.
    pub(super) cells: Vec<Cell<'a>>,
    /// What the format itself found wrong.
    pub(super) defects: Vec<RowProblem>,
    /// Whether a defect leaves it uncertain where the cells begin and end.
    pub(super) broken: bool,
    /// How places are counted.
    pub(super) ruler: Ruler<'a>,
}

#[derive(Debug, Clone)]
pub(super) struct Cell<'a> {
    pub(super) text: Cow<'a, str>,
    /// Line on which it begins.
    pub(super) line: u32,
    /// Where it begins, in the units of the ruler.
    pub(super) at: usize,
}

/// What a cell's `at` counts. Columns are needed for problems only, so a text
/// keeps byte offsets and counts its characters when somebody asks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ruler<'a> {
    /// Bytes of the whole text.
    Text(&'a str),
    /// Columns of the sheet, from 0.
    Sheet,
}

impl Ruler<'_> {
    /// The place of something that begins at `at` in `line`.
    pub(super) fn place(self, line: u32, at: usize) -> Place {
        let before = match self {
            Self::Text(text) => {
                let before = text.get(..at).unwrap_or(text);
                let line_start = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
                before[line_start..].chars().count()
            }
            Self::Sheet => at,
        };
        Place { line, column: u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1) }
    }
}

impl Record<'_> {
    /// The trimmed text of a cell; empty if the record is shorter.
    pub(super) fn text(&self, index: usize) -> &str {
        self.cells.get(index).map_or("", |cell| trim(&cell.text))
    }

    /// Where a cell begins. A cell that is missing from a text is placed at the
    /// beginning of the record.
    pub(super) fn place(&self, index: usize) -> Place {
        match (self.cells.get(index).or(self.cells.first()), self.ruler) {
            (_, Ruler::Sheet) => self.ruler.place(self.line, index),
            (Some(cell), Ruler::Text(_)) => self.ruler.place(cell.line, cell.at),
            (None, Ruler::Text(_)) => Place { line: self.line, column: 1 },
        }
    }

    /// The record without the apostrophes that our own files have in front of what a
    /// spreadsheet would run.
    pub(super) fn unguarded(&self) -> Cow<'_, Self> {
        if self.cells.iter().all(|cell| unguarded(&cell.text).len() == cell.text.len()) {
            return Cow::Borrowed(self);
        }
        let mut record = self.clone();
        for cell in &mut record.cells {
            if unguarded(&cell.text).len() < cell.text.len() {
                cell.text.to_mut().remove(0);
            }
        }
        Cow::Owned(record)
    }

    /// Whether it holds nothing at all. Excel writes cleared rows as `,,,`.
    pub(super) fn is_blank(&self) -> bool {
        self.defects.is_empty() && self.cells.iter().all(|cell| trim(&cell.text).is_empty())
    }

    /// The number of cells up to the last one that is not blank.
    pub(super) fn filled(&self) -> usize {
        let last = self.cells.iter().rposition(|cell| !trim(&cell.text).is_empty());
        last.map_or(0, |index| index + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters_of_their_line() {
        let text = "user\r\nZoë,x";
        let ruler = Ruler::Text(text);
        let at = text.find('x').unwrap();
        assert_eq!(ruler.place(2, at), Place { line: 2, column: 5 });
        assert_eq!(Ruler::Sheet.place(9, 2), Place { line: 9, column: 3 });
    }
}
