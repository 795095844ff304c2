//! A report as `JUnit` XML for CI: a suite per campaign, a test case per row. A row that
//! failed or is blocked, and a guest without a row that is left half way, is a failure, an unknown one an error, and one that no run has
//! finished is skipped.

use std::io::{self, BufWriter, Write};

use crate::domain::State;
use crate::report::text::harmless;

use super::row::{Attention, RowView};
use super::view::Report;

/// How every such file begins.
pub(super) const MARK: &str =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- reinvite report 1 -->\n";

pub(super) fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    out.write_all(MARK.as_bytes())?;
    writeln!(out, "<testsuites name=\"reinvite\">")?;
    for campaign in &report.campaigns {
        let counts = campaign.totals.counts;
        let left = campaign.left_half_way().len() as u64;
        let created = campaign.history.status.created_at.unwrap_or_default();
        writeln!(
            out,
            "<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" timestamp=\"{created:.0}\">",
            xml(&campaign.title()),
            campaign.totals.rows + left,
            counts.failed + counts.blocked + left,
            counts.unknown,
            counts.patched + counts.not_attempted,
        )?;
        for row in campaign.views(report.options) {
            case(&mut out, &campaign.history.status.manifest, &row)?;
        }
        writeln!(out, "</testsuite>")?;
    }
    writeln!(out, "</testsuites>")?;
    out.flush()
}

fn case(out: &mut dyn Write, manifest: &str, row: &RowView<'_>) -> io::Result<()> {
    let place = row.line.map_or_else(|| "no line".to_owned(), |line| format!("line {line}"));
    let (class, name) = (xml(manifest), xml(&row.journey()));
    write!(out, "<testcase classname=\"{class}\" name=\"{place}: {name}\"")?;
    let element = match row.state {
        _ if matches!(row.attention, Some(Attention::LeftHalfWay | Attention::NotInvited)) => {
            "failure"
        }
        State::Failed | State::Blocked => "failure",
        State::Unknown => "error",
        State::Patched | State::NotAttempted => {
            return writeln!(out, "><skipped message=\"{}\"/></testcase>", xml(row.reason));
        }
        State::Invited | State::Settled => return writeln!(out, "/>"),
    };
    writeln!(
        out,
        "><{element} type=\"{}\" message=\"{}\">{}</{element}></testcase>",
        xml(row.reason),
        xml(row.explanation.unwrap_or(row.reason)),
        xml(row.advice.unwrap_or_default()),
    )
}

/// A text within XML. Characters that XML 1.0 has no place for are escaped as the
/// terminal sees them.
fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in harmless(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_within_their_attribute() {
        assert_eq!(xml("a\"<b>&'\u{0}\u{ffff}"), "a&quot;&lt;b&gt;&amp;&apos;\\u{0}\u{fffd}");
    }
}
