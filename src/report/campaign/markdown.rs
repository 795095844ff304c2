//! A report as Markdown for a ticket: the numbers, and what needs a person. Texts from
//! outside stand in code spans, so that they are neither links nor mentions.

use std::io::{self, Write};

use crate::checkpoint::MailCounts;
use crate::report::text::harmless;

use super::ReportOptions;
use super::row::Attention;
use super::view::{Campaign, Report, Totals};

/// How every such file begins.
pub(super) const MARK: &str = "<!-- reinvite report 1 -->\n";

/// Rows of a list that needs a person: a ticket is no table of all guests.
const LIST: usize = 20;

pub(super) fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    out.write_all(MARK.as_bytes())?;
    if report.campaigns.len() > 1 {
        writeln!(out, "# {} campaigns\n", report.campaigns.len())?;
        table(out, &report.totals(), report.campaigns.iter().all(is_verified))?;
    }
    for campaign in &report.campaigns {
        section(out, campaign, report.options)?;
    }
    Ok(())
}

fn is_verified(campaign: &Campaign) -> bool {
    campaign.history.looked_at.is_some()
}

fn section(out: &mut dyn Write, campaign: &Campaign, options: ReportOptions) -> io::Result<()> {
    writeln!(out, "## {}\n", code(&campaign.title()))?;
    if campaign.history.status.is_rehearsal() {
        writeln!(
            out,
            "**This is a rehearsal** on a copy of the tenant: nobody was moved, invited or mailed.\n"
        )?;
    }
    if let Some(run) = campaign.heading().last_run {
        write!(out, "Last run: {}, began {:.0}", run.command, run.started_at)?;
        match run.ended_at {
            Some(ended) => write!(out, ", ended {ended:.0}")?,
            None if campaign.heading().running => write!(out, ", still running")?,
            None => write!(out, ", cut off")?,
        }
        if let Some(reason) = run.stop_reason {
            write!(out, ", stopped early: {}", code(reason))?;
        }
        writeln!(out, ".\n")?;
    }
    match campaign.history.looked_at {
        Some(at) => writeln!(out, "Verified in the directory {at:.0}.\n")?,
        None => {
            writeln!(out, "`reinvite verify` has not looked yet, so redemptions are not known.\n")?;
        }
    }
    table(out, &campaign.totals, is_verified(campaign))?;
    mails(out, campaign)?;
    let mut lists = campaign.attention(options);
    for attention in Attention::ALL {
        let Some(rows) = lists.remove(attention.word()) else { continue };
        writeln!(out, "### {} ({})\n", title(attention), rows.len())?;
        for row in rows.iter().take(LIST) {
            write!(out, "- ")?;
            if let Some(line) = row.line {
                write!(out, "line {line}: ")?;
            }
            write!(out, "{}", code(&row.journey()))?;
            if let Some(explanation) = row.explanation {
                write!(out, ": {}", code(explanation))?;
            }
            if let Some(advice) = row.advice {
                write!(out, "; {advice}")?;
            }
            writeln!(out)?;
        }
        if rows.len() > LIST {
            writeln!(out, "- and {} more", rows.len() - LIST)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// What became of one's own mails, and what the message trace told; nothing where there are none.
fn mails(out: &mut dyn Write, campaign: &Campaign) -> io::Result<()> {
    let MailCounts { mailed, held, failed, unknown } = campaign.history.status.mails;
    let told = campaign.totals.arrivals;
    let mut numbers = Vec::new();
    if campaign.history.status.mails.total() > 0 {
        numbers.extend([
            ("mailed", mailed),
            ("to be mailed", held),
            ("not mailed", failed),
            ("unknown", unknown),
        ]);
    }
    if told.traced() > 0 {
        numbers.extend([
            ("delivered", told.delivered),
            ("bounced", told.bounced),
            ("quarantined", told.quarantined),
            ("spam", told.spam),
            ("pending", told.pending),
            ("unclear", told.unclear),
            ("no trace", told.not_traced),
        ]);
    }
    if numbers.is_empty() {
        return Ok(());
    }
    let (names, numbers): (Vec<_>, Vec<_>) =
        numbers.into_iter().map(|(name, number)| (name, number.to_string())).unzip();
    writeln!(out, "Mails:\n\n| {} |", names.join(" | "))?;
    writeln!(out, "|{}", "--:|".repeat(names.len()))?;
    writeln!(out, "| {} |\n", numbers.join(" | "))
}

fn title(attention: Attention) -> &'static str {
    match attention {
        Attention::Unknown => "Unknown",
        Attention::LeftHalfWay => "Left half way: no row in the manifest any more",
        Attention::NotInvited => "Moved by others and not invited",
        Attention::Patched => "Patched and not invited",
        Attention::Failed => "Failed",
        Attention::Blocked => "Blocked",
        Attention::Drift => "Drift",
        Attention::Bounced => "Their mails did not arrive",
        Attention::Stuck => "Stuck",
    }
}

fn table(out: &mut dyn Write, totals: &Totals, verified: bool) -> io::Result<()> {
    let redeemed = if verified { totals.redeemed.to_string() } else { "–".to_owned() };
    writeln!(
        out,
        "| rows | changed | invited | redeemed | settled | blocked | failed | unknown | patched | not attempted |"
    )?;
    writeln!(out, "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
    let counts = totals.counts;
    writeln!(
        out,
        "| {} | {} | {} | {redeemed} | {} | {} | {} | {} | {} | {} |\n",
        totals.rows,
        totals.changed,
        counts.invited,
        counts.settled,
        counts.blocked,
        counts.failed,
        counts.unknown,
        counts.patched,
        counts.not_attempted,
    )
}

/// A text as a code span: nothing in it is Markdown. Its fence is longer than any run
/// of backticks in it.
pub(in crate::report) fn code(text: &str) -> String {
    let text = harmless(text);
    let fence = fence(&text, 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// At least so many backticks, and more than any run of them in the text.
pub(in crate::report) fn fence(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(least.max(longest + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_code_span_is_markdown() {
        assert_eq!(code("a|b <i> @x"), "`a|b <i> @x`");
        assert_eq!(code("`x` ``y"), "``` `x` ``y ```");
        assert_eq!(code("a\nb"), "`a\\nb`");
    }
}
