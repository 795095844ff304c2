//! A rehearsal as a person reads it: how long it took, run by run, the mails by day and domain
//! against what may leave, and where the rows ended.
//!
//! Leaves to others: the rehearsal (`rehearsal`), the report of its campaign (`campaign`), and
//! the same for a program (`rehearsal_json`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;

use crate::checkpoint::History;
use crate::config::{DeliverySettings, DeliveryWay};
use crate::plan::Decision;
use crate::rehearsal::{Calendar, End, Rehearsal, Run};

use super::style::{Styles, count, paint};
use super::text::{columns, fit, harmless, span, wrap};

/// Domains with a column of their own.
const DOMAINS: usize = 4;

/// The widest column of a domain.
const DOMAIN_COLUMNS: usize = 24;

/// How a rehearsal is shown, and what only the caller knows.
#[derive(Debug, Clone, Copy)]
pub struct RehearsalView<'a> {
    pub styles: Styles,
    /// Columns of the terminal.
    pub width: usize,
    pub manifest: &'a str,
    /// The campaign's own.
    pub delivery: &'a DeliverySettings,
    /// Shows every night, and every day and domain with mails.
    pub is_whole: bool,
    pub exit_code: u8,
    /// Where report and checkpoint were left.
    pub files: Option<(&'a Path, &'a Path)>,
}

impl RehearsalView<'_> {
    /// What a mailbox or server is asked to take, and in 24 hours; None where no mail of
    /// one's own leaves.
    pub(super) fn pace(&self) -> Option<(u32, Option<u32>)> {
        let pace = self.delivery.pace;
        matches!(self.delivery.by, DeliveryWay::Graph | DeliveryWay::Smtp)
            .then_some((pace.per_minute, pace.recipients_per_day))
    }
}

/// Writes a rehearsal for a person. `history` is what its checkpoint tells.
pub fn rehearsal_text(
    out: &mut dyn Write,
    rehearsal: &Rehearsal,
    history: &History,
    view: &RehearsalView<'_>,
) -> io::Result<()> {
    let plan = &rehearsal.plan;
    let tenant = plan.tenant_name.as_deref().unwrap_or("the tenant");
    let heading = format!("Rehearsal of {}, {}", harmless(view.manifest), harmless(tenant));
    writeln!(out, "{}", paint(view.styles.heading, heading))?;
    let (text, style) = end(rehearsal, history, view);
    for line in wrap(&text, view.width) {
        writeln!(out, "{}", paint(style, line))?;
    }
    if let End::Refused(refusal) = &rehearsal.end {
        for line in wrap(&format!("advice: {}", refusal.advice), view.width.saturating_sub(2)) {
            writeln!(out, "  {line}")?;
        }
    }
    runs(out, &rehearsal.runs, view)?;
    if rehearsal.mails.mails() > 0 {
        mails(out, &rehearsal.mails, view)?;
    }
    rows(out, rehearsal, history, view)
}

/// How it ended, in a sentence.
fn end(
    rehearsal: &Rehearsal,
    history: &History,
    view: &RehearsalView<'_>,
) -> (String, anstyle::Style) {
    let took = days(rehearsal.last_at.duration_since(rehearsal.begun_at));
    let nights = rehearsal.runs.iter().filter(|run| run.night > 0).count() as u64;
    let nights = count(nights, "night", "nights");
    let waiting = history.status.counts.not_attempted + history.status.counts.unknown;
    let waiting = count(waiting, "row", "rows");
    let stopped = || rehearsal.runs.last().and_then(|run| run.summary.stop_reason.as_ref());
    match &rehearsal.end {
        End::Settled => (format!("Settled after {took}, in {nights}"), view.styles.good),
        End::Stuck => (
            format!(
                "Nothing more happens after {took}, and {waiting} still not settled ({nights})"
            ),
            view.styles.attention,
        ),
        End::OutOfNights => (format!("Ended after {nights}"), view.styles.attention),
        End::Refused(refusal) => {
            (format!("Refused: {}", harmless(&refusal.reason.to_string())), view.styles.bad)
        }
        End::Stopped => {
            let reason = stopped().map(|reason| format!("{reason} [{}]", reason.code()));
            let reason = reason.unwrap_or_default();
            (format!("Stopped after {took}: {}", harmless(&reason)), view.styles.bad)
        }
        End::Interrupted => (format!("Interrupted after {nights}"), view.styles.bad),
    }
}

/// A span of days and hours, or of less.
fn days(span_of: SignedDuration) -> String {
    let whole = Duration::try_from(span_of).unwrap_or_default();
    let hours = whole.as_secs() / 3600;
    match (hours / 24, hours % 24) {
        (0, _) => span(whole),
        (days, 0) => count(days, "day", "days"),
        (days, hours) => format!("{} {hours} h", count(days, "day", "days")),
    }
}

fn runs(out: &mut dyn Write, runs: &[Run], view: &RehearsalView<'_>) -> io::Result<()> {
    if runs.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", paint(view.styles.heading, "Runs"))?;
    let mut quiet = 0;
    for run in runs {
        if !run.is_eventful && !view.is_whole && run.summary.stop_reason.is_none() {
            quiet += 1;
            continue;
        }
        quiet_nights(out, &mut quiet, view)?;
        let name =
            if run.night == 0 { run.command.to_owned() } else { format!("night {}", run.night) };
        let began = run.began_at.strftime("%a %Y-%m-%d %H:%M");
        let took = run.ended_at.duration_since(run.began_at);
        let took = span(Duration::try_from(took).unwrap_or_default());
        let head = format!("  {began}  {name:<9} {took:>11}  ");
        let indent = columns(&head);
        let mut head = head;
        for line in wrap(&harmless(&did(run)), view.width.saturating_sub(indent).max(20)) {
            writeln!(out, "{head}{line}")?;
            head = " ".repeat(indent);
        }
    }
    quiet_nights(out, &mut quiet, view)
}

fn quiet_nights(out: &mut dyn Write, quiet: &mut u64, view: &RehearsalView<'_>) -> io::Result<()> {
    if *quiet > 0 {
        let nights = count(*quiet, "night", "nights");
        let text = format!("… {nights} with nothing to do");
        writeln!(out, "  {}", paint(view.styles.faint, text))?;
    }
    *quiet = 0;
    Ok(())
}

fn did(run: &Run) -> String {
    let summary = &run.summary;
    let invited = summary.invited.saturating_sub(run.reminded);
    let counted = [
        (invited, "invited"),
        (run.reminded, "reminded"),
        (summary.failed, "failed"),
        (summary.unknown, "unknown"),
        (summary.not_attempted, "waiting"),
    ];
    let mut parts: Vec<String> = counted
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{n} {what}"))
        .collect();
    if summary.throttled > 0 {
        parts.push(format!("throttled {}", count(summary.throttled, "time", "times")));
    }
    if run.redeemed > 0 {
        parts.push(format!("{} redeemed so far", run.redeemed));
    }
    if let Some(wave) = &run.wave {
        let held = wave.held_because.as_ref();
        let held = held.map_or_else(String::new, |why| format!(" waits: {why}"));
        parts.push(format!("wave {}{held}", wave.number));
    }
    if let Some(reason) = &summary.stop_reason {
        parts.push(format!("ended early: {reason}"));
    }
    if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") }
}

fn mails(out: &mut dyn Write, mails: &Calendar, view: &RehearsalView<'_>) -> io::Result<()> {
    let domains = mails.domains();
    let most = if view.is_whole { usize::MAX } else { DOMAINS };
    let shown: Vec<&str> = domains.iter().take(most).map(|(domain, _)| *domain).collect();
    let has_others = domains.len() > shown.len();
    let width = |domain: &str| columns(&harmless(domain)).clamp(5, DOMAIN_COLUMNS);
    writeln!(out, "\n{}", paint(view.styles.heading, "Mails by day and domain"))?;
    let cells = |label: &str, total: u64, of: &dyn Fn(&str) -> u64| {
        let mut line = format!("  {label:<10} {total:>7}");
        for domain in &shown {
            let _ = write!(line, "  {:>width$}", of(domain), width = width(domain));
        }
        if has_others {
            let rest = total - shown.iter().map(|domain| of(domain)).sum::<u64>();
            let _ = write!(line, "  {rest:>7}");
        }
        line
    };
    let mut head = format!("  {:<10} {:>7}", "", "all");
    for domain in &shown {
        head.push_str("  ");
        head.push_str(&fit(&harmless(domain), width(domain)));
    }
    if has_others {
        head.push_str("   others");
    }
    writeln!(out, "{}", paint(view.styles.faint, head.trim_end()))?;
    for (date, day) in &mails.days {
        let of = |domain: &str| day.domains.get(domain).copied().unwrap_or_default();
        writeln!(out, "{}", cells(&date.to_string(), day.mails, &of))?;
    }
    if mails.days.len() > 1 {
        let sums: BTreeMap<&str, u64> = domains.iter().copied().collect();
        let of = |domain: &str| sums.get(domain).copied().unwrap_or_default();
        writeln!(out, "{}", cells("all", mails.mails(), &of))?;
    }
    let (day, minute) = (mails.most_in_a_day, mails.most_in_a_minute);
    let text = match view.pace() {
        None => format!("at most {day} recipients in 24 hours, {minute} mails in a minute"),
        Some((per_minute, per_day)) => {
            let per_day = per_day.map_or_else(String::new, |most| format!(" of {most}"));
            format!(
                "at most {day}{per_day} recipients in 24 hours, {minute} of {per_minute} mails in a minute"
            )
        }
    };
    for line in wrap(&text, view.width.saturating_sub(2)) {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

fn rows(
    out: &mut dyn Write,
    rehearsal: &Rehearsal,
    history: &History,
    view: &RehearsalView<'_>,
) -> io::Result<()> {
    let counts = history.status.counts;
    writeln!(out, "\n{}", paint(view.styles.heading, count(history.status.rows, "row", "rows")))?;
    for (name, rows) in [
        ("invited", counts.invited),
        ("redeemed", rehearsal.redeemed),
        ("settled", counts.settled),
        ("blocked", counts.blocked),
        ("failed", counts.failed),
        ("unknown", counts.unknown),
        ("patched", counts.patched),
        ("not attempted", counts.not_attempted),
    ] {
        if rows > 0 {
            writeln!(out, "  {name:<15} {rows:>6}")?;
        }
    }
    for (title, groups) in [("Blocked", blocked(rehearsal)), ("Failed", failed(history))] {
        if groups.is_empty() {
            continue;
        }
        writeln!(out, "\n{}", paint(view.styles.heading, title))?;
        for (code, rows, text) in groups {
            writeln!(out, "  {}: {}", harmless(&code), count(rows, "row", "rows"))?;
            for line in wrap(&harmless(&text), view.width.saturating_sub(4)) {
                writeln!(out, "    {line}")?;
            }
        }
    }
    Ok(())
}

/// The reasons for which rows are blocked, how many, and what to do.
fn blocked(rehearsal: &Rehearsal) -> Vec<(String, u64, String)> {
    let mut groups: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
    for row in &rehearsal.plan.rows {
        if matches!(row.decision, Decision::Blocked(_)) {
            let advice = row.decision.words().advice;
            groups.entry(row.decision.reason()).or_insert((0, advice)).0 += 1;
        }
    }
    let groups = groups.into_iter();
    groups
        .map(|(code, (rows, advice))| (code.to_owned(), rows, format!("advice: {advice}")))
        .collect()
}

fn failed(history: &History) -> Vec<(String, u64, String)> {
    let failures = history.status.failures.iter();
    failures.map(|one| (one.code.clone(), one.rows, one.message.clone())).collect()
}
