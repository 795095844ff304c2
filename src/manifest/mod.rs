//! The manifest: columns, encodings, delimiters, and row problems with line,
//! column and advice.
//!
//! Leaves to others: whether a guest exists (`graph`) and what is to be done
//! with it (`plan`).

mod row;

pub use row::{Reset, Row};
