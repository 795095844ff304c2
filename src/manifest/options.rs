//! What a person settled by hand about a manifest, because it can't be guessed.
//!
//! Leaves to others: asking for it (`config`, `cli`).

use super::columns::Meaning;

/// How a manifest is to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each was settled by itself")]
pub struct Options {
    /// Columns whose meaning was named.
    pub columns: Vec<ColumnChoice>,
    /// A row without a new address asks for a reset of the present one, unless it says
    /// no itself.
    pub reset_only: bool,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// Whether hidden rows of a sheet are read like the others.
    pub include_hidden: bool,
    /// A row may have several carbon copies: one's own mail goes to all, Microsoft's to one.
    pub several_cc: bool,
    /// Rows are checked and counted, and only a sample of them is kept: a check needs no
    /// more.
    pub only_check: bool,
}

/// The column that is to be taken for something, by its heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnChoice {
    pub meaning: Meaning,
    pub heading: String,
}
