//! The manifest: columns, encodings, delimiters, and row problems with line,
//! column and advice.
//!
//! [`read`] takes a file or standard input, [`parse`] its bytes. A file that is no
//! manifest is a [`LoadError`]; everything wrong inside one is a [`RowProblem`],
//! and all of them are found at once.
//!
//! Leaves to others: whether a guest exists (`graph`) and what is to be done
//! with it (`plan`).

mod cells;
mod columns;
mod covered;
mod delimited;
mod delimiter;
mod detected;
mod domain_map;
mod drafted;
mod dressing;
mod duplicates;
mod encoding;
mod error;
mod guard;
mod handed_back;
mod header;
mod heading;
mod json_lines;
mod kept;
mod no_value;
mod only;
mod options;
mod person_name;
mod problem;
mod record;
mod row;
mod rows;
mod source;
mod table;
mod workbook;
mod written;

#[cfg(test)]
mod tests;

pub use columns::Meaning;
pub use covered::write_covered;
pub use detected::{Detected, Format, TakenColumn};
pub use domain_map::{DomainMap, DomainMove, read_domain_map};
pub use drafted::{DoubtfulRow, DraftedGuest, DraftedRow, write_doubtful, write_drafted};
pub use encoding::Encoding;
pub use error::{LoadError, LoadErrorKind};
pub use guard::{guarded, unguarded};
pub use handed_back::{Ownership, added_columns};
pub use kept::reread;
pub use only::{Only, OnlyError};
pub use options::{ColumnChoice, Options};
pub use person_name::person_name;
pub use problem::{ProblemCode, RowProblem};
pub use row::{Reset, Row, Wish};
pub use rows::InvalidRow;
pub use source::{Source, read};
pub use written::{Form, Written};

use serde::Serialize;

use columns::Columns;
use rows::{Read, Rows, Width};
use table::Table;

/// A manifest and all that is wrong with it.
#[derive(Debug)]
pub struct Loaded {
    /// What could be understood.
    pub manifest: Manifest,
    /// Every problem, those of one cause as one, in the order of their first places.
    pub problems: Vec<RowProblem>,
}

/// What a manifest asks for.
#[derive(Debug)]
pub struct Manifest {
    pub name: String,
    /// The rows without problems, in the order of the file; where they are only checked,
    /// the first of every language, with a mail and without.
    pub rows: Vec<Row>,
    /// The rows with problems, in the order of the file.
    pub invalid: Vec<InvalidRow>,
    /// Names of the columns this program has no use for.
    pub extra_columns: Vec<String>,
    /// How the file was understood.
    pub detected: Detected,
    /// The file as it was written.
    pub written: Written,
    /// What was asked for of it, where not all of its rows are meant.
    pub part: Option<PartOfIt>,
    /// The rows that are no part of it.
    pub left_out: Vec<LeftOut>,
}

/// A row that is no part of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub line: u32,
    /// The guest as the manifest names it.
    pub user: String,
    pub address: Option<crate::domain::Email>,
}

/// A part of a manifest, as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartOfIt {
    /// `wave=1`.
    pub expression: String,
    /// Rows that were left out.
    pub left_out: u64,
}

/// Reads a manifest from its bytes. `name` is used in messages, and its extension
/// as a hint; what the bytes are counts more.
pub fn parse(name: &str, bytes: &[u8], options: &Options) -> Result<Loaded, LoadError> {
    if workbook::is_zip(bytes) {
        return load(Table::from_workbook(name, bytes, options)?, options);
    }
    if workbook::is_ole(bytes) {
        return Err(workbook::refuse_ole(name, bytes).into());
    }
    let (text, encoding) = encoding::decode(name, bytes)?;
    load(Table::from_text(name, &text, encoding)?, options)
}

fn load(table: Table<'_>, options: &Options) -> Result<Loaded, LoadError> {
    let Table { mut detected, preamble, header, width, records } = table;
    let form = Form {
        format: detected.format,
        encoding: detected.encoding,
        delimiter: detected.delimiter,
        preamble,
        header: header.cells.iter().take(header.filled()).map(|c| c.text.to_string()).collect(),
    };
    let (columns, width, problems) = if header.defects.is_empty() {
        let (columns, problems) = Columns::resolve(&header.unguarded(), options);
        (columns, width, problems)
    } else {
        // Under a broken header no cell means anything, and no row is too wide.
        (Columns::default(), Width::UpToHeader(usize::MAX), header.defects.clone())
    };
    let header_is_sound = problems.is_empty();
    let mut rows = Rows::new(&columns, width, problems, options, Written::new(form));
    for record in records {
        rows.take(&record);
    }
    let Read { rows, valid, resets, invalid, problems, used, undone, written } = rows.finish();
    detected.rows = valid + invalid.len();
    detected.resets = resets;
    if detected.rows == 0 && header_is_sound {
        return Err(LoadErrorKind::NoRows { name: detected.name }.into());
    }
    detected.notes.extend(undone.note());
    detected.describe(&columns, &used);
    let manifest = Manifest {
        name: detected.name.clone(),
        rows,
        invalid,
        extra_columns: detected.kept.clone(),
        detected,
        written,
        part: None,
        left_out: Vec::new(),
    };
    Ok(Loaded { manifest, problems })
}
