//! The examples of one's own mails in a plan's text: for every template what the first of
//! its guests will read, as far as there is room.
//!
//! Leaves to others: making them (`campaign`), and the mail of every guest (`preview`).

use std::io::{self, Write};

use crate::campaign::{SampleMail, Samples};

use super::plan_text::PlanView;
use super::style::{count, paint};
use super::text::{columns, fit, harmless, shorten, wrap};

/// Lines of a mail's text that are shown where not everything is.
const LINES: usize = 3;
/// Templates shown with more than their subject where not everything is.
const TEMPLATES: usize = 3;
/// Columns before a value.
const INDENT: usize = 13;

/// Writes the examples; nothing where there are none.
pub(super) fn mails(out: &mut dyn Write, samples: &Samples, view: &PlanView) -> io::Result<()> {
    if samples.mails.is_empty() {
        return Ok(());
    }
    let styles = view.styles;
    let title = paint(styles.heading, "Mails of your own");
    let note = paint(styles.faint, "(an example for each template; `preview` shows every guest's)");
    writeln!(out, "\n{title}  {note}")?;
    let names: Vec<String> = samples.mails.iter().map(|mail| harmless(&mail.template)).collect();
    let widest = names.iter().map(|name| columns(name)).max().unwrap_or_default();
    let is_whole = view.max_rows_per_reason == usize::MAX;
    for (position, (mail, name)) in samples.mails.iter().zip(&names).enumerate() {
        let rows = count(mail.rows, "row", "rows");
        writeln!(out, "  {}  {rows}, as line {} gets it", fit(name, widest), mail.line)?;
        if is_whole || position < TEMPLATES {
            example(out, mail, view, is_whole)?;
        } else {
            let room = view.width.saturating_sub(INDENT);
            writeln!(out, "    Subject  {}", shorten(&harmless(&mail.subject), room))?;
        }
    }
    Ok(())
}

fn example(
    out: &mut dyn Write,
    mail: &SampleMail,
    view: &PlanView,
    is_whole: bool,
) -> io::Result<()> {
    let room = view.width.saturating_sub(INDENT);
    let copies = mail.cc.iter().map(|copy| harmless(copy.as_str())).collect::<Vec<_>>().join(", ");
    let fields = [
        ("From", harmless(&mail.from)),
        ("To", harmless(mail.to.as_str())),
        ("Cc", copies),
        ("Subject", harmless(&mail.subject)),
    ];
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        let mut name = *name;
        for line in wrap(value, room) {
            writeln!(out, "    {name:<9}{line}")?;
            name = "";
        }
    }
    let lines = mail.text.lines().map(harmless);
    if is_whole {
        writeln!(out)?;
        for line in lines.flat_map(|line| wrap(&line, room)) {
            writeln!(out, "{}", format!("{:INDENT$}{line}", "").trim_end())?;
        }
        return Ok(());
    }
    let lines: Vec<String> = lines.filter(|line| !line.trim().is_empty()).collect();
    for line in lines.iter().take(LINES) {
        writeln!(out, "{:INDENT$}{}", "", shorten(line.trim(), room))?;
    }
    if lines.len() > LINES {
        let more = count((lines.len() - LINES) as u64, "more line", "more lines");
        let more = format!("… and {more} (-v shows all)");
        writeln!(out, "{:INDENT$}{}", "", paint(view.styles.faint, more))?;
    }
    Ok(())
}
