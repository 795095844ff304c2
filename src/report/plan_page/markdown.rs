//! The page as Markdown. Texts from outside stand in code spans or fenced blocks, so that
//! they are neither links nor mentions.

use std::io::{self, Write};

use crate::domain::Email;
use crate::plan::Severity;
use crate::report::campaign::{code, fence};
use crate::report::plan_reach::{about, not_seen, total_sentence};
use crate::report::style::count;
use crate::report::text::harmless_lines;

use super::PlanPage;
use super::view::{Kind, deliveries, groups, guest, particular};

/// How every such file begins.
pub(super) const MARK: &str = "<!-- reinvite plan 1 -->\n";

/// Rows listed of one reason; a ticket is no table of all guests.
const LIST: usize = 20;

pub(super) fn write(out: &mut dyn Write, page: &PlanPage<'_>) -> io::Result<()> {
    let plan = page.plan;
    out.write_all(MARK.as_bytes())?;
    writeln!(out, "# Plan for {}\n", code(&page.tenant()))?;
    writeln!(
        out,
        "{}. Made {:.0}; nothing was written to the directory.\n",
        code(&page.about()),
        page.now
    )?;
    let counts = plan.counts;
    writeln!(out, "| rows | change | blocked | settled |\n|--:|--:|--:|--:|")?;
    let (rows, change) = (counts.rows, counts.change);
    writeln!(out, "| {rows} | {change} | {} | {} |\n", counts.blocked, counts.settled)?;
    writeln!(out, "## To carry it out\n")?;
    let refusals = page.refusals();
    if page.changes_nothing() {
        writeln!(out, "Nothing would change.\n")?;
    } else if refusals.is_empty() {
        writeln!(
            out,
            "This command carries out exactly this plan, or nothing if it has changed by then:\n"
        )?;
        block(out, &page.command)?;
    } else {
        writeln!(
            out,
            "`apply` refuses this plan until its findings allow it: {}.\n",
            refusals.join(", ")
        )?;
    }
    writeln!(out, "Digest `{}`.", plan.digest)?;
    if let Some(effort) = &plan.effort {
        writeln!(out, "{}.", effort.sentence())?;
    }
    if let Some(mailing) = plan.mailing.as_ref().filter(|mailing| mailing.is_paced()) {
        writeln!(out, "{}.", mailing.sentence())?;
    }
    writeln!(out, "\n## Findings\n")?;
    if plan.findings.is_empty() {
        writeln!(out, "None.")?;
    }
    for finding in &plan.findings {
        let word = match finding.severity {
            Severity::Refuse => "**refuse**",
            Severity::Warn => "warn",
        };
        let (message, advice) = (code(&finding.message), code(&finding.advice));
        writeln!(out, "- {word} `{}`: {message}; {advice}", finding.code)?;
    }
    mails(out, page)?;
    if !plan.domains.is_empty() {
        writeln!(out, "\n## New domains\n")?;
    }
    for domain in &plan.domains {
        let rows = count(domain.rows, "row", "rows");
        write!(out, "- {}, {rows}: {}", code(&domain.domain), code(&domain.about))?;
        if !domain.unknown.is_empty() {
            write!(out, " ({} would show it)", domain.unknown.join(", "))?;
        }
        writeln!(out)?;
    }
    if let Some(touched) = &plan.touched {
        let total = &touched.total;
        writeln!(out, "\n## What the changes touch\n\n{}.\n", total_sentence(total))?;
        for app in total.apps.iter().flatten() {
            let guests = count(app.guests, "guest", "guests");
            writeln!(out, "- {}, {guests}: {}", code(app.label()), code(&about(app)))?;
        }
        for line in not_seen(total) {
            writeln!(out, "- {}", code(&line))?;
        }
    }
    section(out, page, Kind::Change, "What changes")?;
    section(out, page, Kind::Blocked, "What can't be carried out")?;
    section(out, page, Kind::Settled, "What needs nothing")
}

fn mails(out: &mut dyn Write, page: &PlanPage<'_>) -> io::Result<()> {
    let received = deliveries(page.plan);
    if received.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Who gets which mail\n")?;
    for (rows, about) in received {
        writeln!(out, "- {}: {}", count(rows, "row", "rows"), code(&about))?;
    }
    for mail in &page.samples.mails {
        writeln!(out, "\n### Example: {}\n", code(&mail.template))?;
        let rows = count(mail.rows, "row", "rows");
        writeln!(out, "{rows}, as line {} gets it; the link leads nowhere yet.\n", mail.line)?;
        let copies = mail.cc.iter().map(Email::as_str).collect::<Vec<_>>().join(", ");
        let fields = [
            ("From", &*mail.from),
            ("To", mail.to.as_str()),
            ("Cc", &copies),
            ("Subject", &mail.subject),
        ];
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
            writeln!(out, "- {name}: {}", code(value))?;
        }
        writeln!(out)?;
        block(out, &mail.text)?;
    }
    Ok(())
}

fn section(out: &mut dyn Write, page: &PlanPage<'_>, kind: Kind, title: &str) -> io::Result<()> {
    let groups = groups(page.plan, kind);
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## {title}")?;
    for group in groups {
        writeln!(out, "\n### `{}` ({})\n\n{}.", group.code, group.rows.len(), group.about)?;
        if !group.advice.is_empty() {
            writeln!(out, "To do: {}.", group.advice)?;
        }
        writeln!(out)?;
        for row in group.rows.iter().take(LIST) {
            write!(out, "- line {}: {}", row.line, code(&guest(row)))?;
            let more = particular(row, page.plan);
            if !more.is_empty() {
                write!(out, ": {}", code(&more))?;
            }
            writeln!(out)?;
        }
        if group.rows.len() > LIST {
            writeln!(out, "- and {} more", group.rows.len() - LIST)?;
        }
    }
    Ok(())
}

/// A text as a fenced block: nothing in it is Markdown.
fn block(out: &mut dyn Write, text: &str) -> io::Result<()> {
    let text = harmless_lines(text.trim_end());
    let fence = fence(&text, 3);
    writeln!(out, "{fence}text\n{text}\n{fence}\n")
}
