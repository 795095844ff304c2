//! The part of `OData` that Graph understands for users: query options, `$filter` and
//! its documented limits.
//!
//! Leaves to others: which properties there are (`property`), and the pages that an
//! answer is cut into (`users`).

mod check;
mod eval;
mod lexer;
mod parse;
mod query;

pub(super) use parse::Filter;
pub(super) use query::Query;
