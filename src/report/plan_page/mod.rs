//! A plan as a page for whoever signs it off: what would change and what can't, what is
//! worth knowing, who gets which mail, and the command that carries out exactly this. As
//! HTML in one file, or as Markdown for a ticket or a pull request.
//!
//! Leaves to others: making the plan and the examples, and where the bytes go (`cli`).

mod html;
mod markdown;
#[cfg(test)]
mod tests;
mod view;

use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;

use crate::campaign::Samples;
use crate::plan::Plan;

/// What the page is made of.
#[derive(Debug)]
pub struct PlanPage<'a> {
    pub plan: &'a Plan,
    /// Name of the manifest.
    pub manifest: &'a str,
    /// An example for every template of one's own.
    pub samples: &'a Samples,
    /// The command that carries out exactly this plan.
    pub command: String,
    pub now: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanFormat {
    Html,
    Markdown,
}

impl PlanFormat {
    /// The format that a file's name asks for.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "html" | "htm" => Some(Self::Html),
            "md" | "markdown" => Some(Self::Markdown),
            _ => None,
        }
    }
}

pub fn write_plan(out: &mut dyn Write, page: &PlanPage<'_>, format: PlanFormat) -> io::Result<()> {
    match format {
        PlanFormat::Html => html::write(out, page),
        PlanFormat::Markdown => markdown::write(out, page),
    }
}

/// Whether a file that begins like this is an earlier such page.
pub(super) fn is_plan_page(beginning: &[u8]) -> bool {
    [html::MARK, markdown::MARK].iter().any(|mark| beginning.starts_with(mark.as_bytes()))
}
