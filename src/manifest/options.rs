//! What a person settled about a manifest that can't be read out of it.
//!
//! Leaves to others: where it was said (`config`).

/// How to read a manifest where there is a choice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// Whether hidden rows of a sheet are read like the others.
    pub include_hidden: bool,
}
