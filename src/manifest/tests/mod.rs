//! What the loader promises as a whole.

mod formats;
mod problems;
mod robustness;
mod workbooks;

use super::{LoadError, Loaded, Options};

/// Reads a manifest with nothing settled by hand.
fn parse(name: &str, bytes: &[u8]) -> Result<Loaded, LoadError> {
    super::parse(name, bytes, &Options::default())
}

/// Loads a CSV that is a manifest, whatever is wrong inside it.
fn load(text: &str) -> Loaded {
    parse("m.csv", text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

/// Guest and new address of every valid row.
fn moves(loaded: &Loaded) -> Vec<(String, String)> {
    let address = |email: &Option<crate::domain::Email>| {
        email.as_ref().map(ToString::to_string).unwrap_or_default()
    };
    loaded.manifest.rows.iter().map(|row| (row.user.to_string(), address(&row.new_email))).collect()
}

/// Every problem as `line:column code`.
fn places(loaded: &Loaded) -> Vec<String> {
    loaded.problems.iter().map(|p| format!("{}:{} {}", p.line, p.column, p.code)).collect()
}
