//! Why a file is no manifest at all.
//!
//! Leaves to others: what is wrong with single rows (`problem`).

use std::io;

use super::problem::Place;

/// The file as a whole cannot be used. It says what is; [`advice`](Self::advice)
/// says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct LoadError {
    kind: Box<LoadErrorKind>,
    place: Option<Place>,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// The operating system does not give it.
    #[error("cannot read `{name}`: {source}")]
    Unreadable {
        name: String,
        #[source]
        source: io::Error,
    },
    /// More bytes than a manifest can sensibly have.
    #[error("`{name}` is larger than {limit_mib} MiB")]
    TooLarge { name: String, limit_mib: u64 },
    /// No bytes, or nothing but white space.
    #[error("`{name}` is empty")]
    Empty { name: String },
    /// A header and nothing below it.
    #[error("`{name}` has a header and no rows")]
    NoRows { name: String },
    /// Not text, and no workbook either.
    #[error("`{name}` is not a manifest: it looks like {what}")]
    NotText { name: String, what: &'static str },
    /// Text with the one character that no text has.
    #[error("`{name}` holds a NUL character")]
    NulInText { name: String },
    /// A workbook of Excel 97–2003.
    #[error("`{name}` is an old .xls workbook")]
    OldWorkbook { name: String },
    /// A workbook that a password protects.
    #[error("`{name}` is protected by a password")]
    Encrypted { name: String },
    /// A workbook that rights management protects.
    #[error("`{name}` is encrypted by a sensitivity label")]
    Labelled { name: String },
    /// A small archive that becomes a large one.
    #[error("`{name}` unfolds to more than {limit_mib} MiB")]
    Unfolds { name: String, limit_mib: u64 },
    /// Sheets of which each could be the manifest.
    #[error("`{name}` has several sheets with guests: {}", quoted(sheets))]
    SeveralSheets { name: String, sheets: Vec<String> },
    /// The sheet asked for is not there.
    #[error("`{name}` has no sheet `{sheet}`; it has {}", quoted(sheets))]
    NoSuchSheet { name: String, sheet: String, sheets: Vec<String> },
    /// Nothing is on the sheets that can be seen, or a hidden one was asked for.
    #[error("`{name}`: hidden, and not read: {}", quoted(sheets))]
    HiddenSheet { name: String, sheets: Vec<String> },
    /// Rows that nobody sees, by hand or by a filter.
    #[error("`{name}`: sheet `{sheet}` hides {}", hidden(rows))]
    HiddenRows { name: String, sheet: String, rows: Vec<u32> },
    /// A column that nobody sees would say who is moved, or where to.
    #[error("`{name}`: sheet `{sheet}` hides column {column}, `{heading}`")]
    HiddenColumn { name: String, sheet: String, column: String, heading: String },
    /// A ZIP archive that cannot be read as a workbook.
    #[error("`{name}` cannot be read as an .xlsx workbook: {reason}")]
    BadWorkbook { name: String, reason: String },
    /// Bytes that the file's own encoding does not allow.
    #[error("`{name}` is not valid {encoding}")]
    BrokenEncoding {
        name: String,
        /// The encoding it declares or mostly follows.
        encoding: &'static str,
    },
    /// One JSON document instead of one object a line.
    #[error("`{name}` is a JSON document, not JSON Lines")]
    NotJsonLines { name: String },
    /// A header wider than any manifest's.
    #[error("`{name}` has {found} columns; at most {limit} are read")]
    TooManyColumns { name: String, found: usize, limit: usize },
}

fn quoted(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// How many rows, and which are the first.
fn hidden(rows: &[u32]) -> String {
    let first: Vec<_> = rows.iter().take(3).map(ToString::to_string).collect();
    let (first, more) = (first.join(", "), if rows.len() > 3 { ", …" } else { "" });
    match rows.len() {
        1 => format!("row {first}, which is not empty"),
        count => format!("{count} rows that are not empty: {first}{more}"),
    }
}

impl LoadError {
    pub fn kind(&self) -> &LoadErrorKind {
        &self.kind
    }

    /// Line and column of it, from 1, where they are known.
    pub fn place(&self) -> Option<(u32, u32)> {
        self.place.map(|place| (place.line, place.column))
    }

    pub fn advice(&self) -> &str {
        match &*self.kind {
            LoadErrorKind::Unreadable { .. } => {
                "check the path and the permissions; `-` reads standard input"
            }
            LoadErrorKind::TooLarge { .. } => {
                "split the manifest, or check that it is the right file"
            }
            LoadErrorKind::Empty { .. } | LoadErrorKind::NoRows { .. } => {
                "the first line names the columns, for example `user,new_email`; \
                 each further line is one guest"
            }
            LoadErrorKind::NotText { what: "a web page" | "an XML document", .. } => {
                "open it in Excel and save it as .xlsx or CSV; a new name alone changes nothing"
            }
            LoadErrorKind::NulInText { .. } => {
                "export the file again, for this one is damaged there; or delete the character"
            }
            LoadErrorKind::NotText { .. } => {
                "a manifest is CSV text, a workbook (.xlsx, .xlsb, .ods) or JSON Lines"
            }
            LoadErrorKind::OldWorkbook { .. } => "save it as .xlsx or CSV",
            LoadErrorKind::Encrypted { .. } => {
                "open it, remove the password, and save it again; or save the sheet as CSV"
            }
            LoadErrorKind::Labelled { .. } => {
                "open it in Excel, choose a label that does not encrypt, and save it again; or \
                 save the sheet as CSV"
            }
            LoadErrorKind::Unfolds { .. } => {
                "save the sheet as CSV, or copy the rows to a new workbook"
            }
            LoadErrorKind::SeveralSheets { .. } | LoadErrorKind::NoSuchSheet { .. } => {
                "say which is the manifest, with --sheet NAME"
            }
            LoadErrorKind::HiddenSheet { .. } => "unhide the sheet that is the manifest",
            LoadErrorKind::HiddenRows { .. } => {
                "delete them or show them (clear the filter), or read them as well with \
                 --include-hidden"
            }
            LoadErrorKind::HiddenColumn { .. } => "show the column, or delete it",
            LoadErrorKind::BadWorkbook { .. } => {
                "open it in Excel and save it again, or save it as CSV"
            }
            LoadErrorKind::BrokenEncoding { .. } => {
                "save the file again as UTF-8; texts pasted together from several files may have \
                 mixed two encodings"
            }
            LoadErrorKind::NotJsonLines { .. } => {
                "write one object on each line, for example with `jq -c '.[]'`"
            }
            LoadErrorKind::TooManyColumns { .. } => "delete the columns that are not needed",
        }
    }

    /// The same error at a known place.
    pub(super) fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
}

impl From<LoadErrorKind> for LoadError {
    fn from(kind: LoadErrorKind) -> Self {
        Self { kind: Box::new(kind), place: None }
    }
}
