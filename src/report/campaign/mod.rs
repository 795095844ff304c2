//! A campaign as a report: what the checkpoint tells, made into counts, lists and
//! series, and written as HTML, CSV, JSON, Markdown or `JUnit`.
//!
//! Leaves to others: reading the checkpoint, and where the bytes go (`cli`).

mod advice;
mod chart;
mod csv;
mod explain;
mod failed;
mod html;
mod json;
mod junit;
mod markdown;
mod needs;
mod row;
#[cfg(test)]
mod tests;
mod view;

pub use explain::{Explained, explain_json, explain_text};
pub use failed::{failed_csv, failed_rows};
pub(super) use html::{STYLE, hash, moment};
pub(super) use json::row_values;
pub(super) use markdown::{code, fence};
pub use row::ReportOptions;
pub use view::Report;

use std::io::{self, Write};

pub use crate::config::args::ReportFormat;

pub fn write_report(out: &mut dyn Write, report: &Report, format: ReportFormat) -> io::Result<()> {
    match format {
        ReportFormat::Html => html::write(out, report),
        ReportFormat::Csv => csv::write(out, report),
        ReportFormat::Json => json::write(out, report),
        ReportFormat::Markdown => markdown::write(out, report),
        ReportFormat::Junit => junit::write(out, report),
    }
}

/// Whether a file that begins like this is an earlier report of some format, so that
/// nothing but that is lost with it.
pub(super) fn is_report(beginning: &[u8]) -> bool {
    let marks = [
        html::MARK.as_bytes(),
        csv::MARK.as_bytes(),
        json::MARK.as_bytes(),
        markdown::MARK.as_bytes(),
        junit::MARK.as_bytes(),
    ];
    beginning.is_empty() || marks.iter().any(|mark| beginning.starts_with(mark))
}
