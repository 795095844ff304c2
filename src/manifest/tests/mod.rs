//! What the loader promises as a whole.

mod cases;
mod documents;
mod formats;
mod problems;
mod robustness;
mod workbooks;

use super::{Loaded, Options, Row, parse};

/// Loads a CSV that is a manifest, whatever is wrong inside it.
fn load(text: &str) -> Loaded {
    parse("m.csv", text.as_bytes(), &Options::default())
        .unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

/// The same, where rows without a new address ask for a reset.
fn load_resets(text: &str) -> Loaded {
    let options = Options { reset_only: true, ..Options::default() };
    parse("m.csv", text.as_bytes(), &options).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

/// Reads a manifest with nothing settled by hand.
fn read(name: &str, bytes: &[u8]) -> Result<Loaded, super::LoadError> {
    parse(name, bytes, &Options::default())
}

/// Guest and new address of every valid row.
fn moves(loaded: &Loaded) -> Vec<(String, String)> {
    let address = |row: &Row| row.wish.address().map(ToString::to_string).unwrap_or_default();
    loaded.manifest.rows.iter().map(|row| (row.user.to_string(), address(row))).collect()
}

/// Every problem as `line:column code`.
fn places(loaded: &Loaded) -> Vec<String> {
    loaded.problems.iter().map(|p| format!("{}:{} {}", p.line, p.column, p.code)).collect()
}
