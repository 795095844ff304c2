//! The end of a run as a person reads it, possibly at night: why it ended, what
//! became of every row, what failed and what to do, and how to go on.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anstyle::Style;

use crate::manifest::PartOfIt;
use crate::plan::{ChangeReason, LEFT, NOT_INVITED, Plan, PlannedRow};
use crate::run::{InvitedHow, LimitedBy, Outcome, Summary};

use super::row::{RowEnd, journey};
use super::style::{Styles, count, paint};
use super::text::{fit, harmless, shorten, span, wrap};

/// How the summary is shown, and what only the caller knows.
#[derive(Debug, Clone, Copy)]
pub struct SummaryView<'a> {
    pub styles: Styles,
    /// Most rows listed for one failure; `usize::MAX` lists all.
    pub max_rows_per_code: usize,
    /// Columns of the terminal; `usize::MAX` where there is none.
    pub width: usize,
    /// The exact command that carries on, when there is something left to do.
    pub continue_with: Option<&'a str>,
    /// Where the result of every row was written, if it was.
    pub result_file: Option<&'a Path>,
}

const LABEL_COLUMNS: usize = 14;
const NARROWEST: usize = 40;

/// A run of a few seconds was as fast as anyone needs.
const WORTH_A_LIMIT: Duration = Duration::from_secs(5);

/// Writes the summary for a person. `outcomes` goes by the position in the
/// plan's rows.
pub fn summary_text(
    out: &mut dyn Write,
    plan: &Plan,
    outcomes: &[Option<Outcome>],
    summary: &Summary,
    view: &SummaryView<'_>,
) -> io::Result<()> {
    let view = &SummaryView { width: view.width.max(NARROWEST), ..*view };
    why_it_ended(out, plan, summary, view)?;
    counts(out, plan, outcomes, summary, view)?;
    part(out, plan)?;
    wave(out, plan, view)?;
    left(out, plan, view)?;
    mails(out, summary, view)?;
    effort(out, summary, view)?;
    let ended = plan.rows.iter().zip(outcomes).filter_map(|(row, outcome)| {
        let outcome = outcome.as_ref()?;
        matches!(outcome, Outcome::Failed(_) | Outcome::Unknown { .. })
            .then(|| (row, RowEnd::new(row, Some(outcome))))
    });
    let (failed, unknown): (Vec<_>, Vec<_>) = ended.partition(|(_, end)| end.outcome == "failed");
    trouble(out, "Failed", view.styles.bad, &failed, view)?;
    trouble(out, "Unknown", view.styles.attention, &unknown, view)?;
    if let Some(path) = view.result_file {
        writeln!(out, "\nEvery row is in {}", harmless(&path.display().to_string()))?;
    }
    if let Some(command) = view.continue_with {
        writeln!(out, "\n{}\n  {command}", paint(view.styles.heading, "To carry on"))?;
    }
    Ok(())
}

/// Of which part of the manifest it tells.
fn part(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    let Some(PartOfIt { expression, left_out }) = &plan.part else { return Ok(()) };
    let rows = count(*left_out, "row of the manifest is", "rows of the manifest are");
    writeln!(out, "Only {}: {rows} left as before", harmless(expression))
}

/// What waits for a later wave, and for what.
fn wave(out: &mut dyn Write, plan: &Plan, view: &SummaryView<'_>) -> io::Result<()> {
    let Some(wave) = &plan.wave else { return Ok(()) };
    indented(out, 0, "", Some(&wave.sentence()), view)
}

fn why_it_ended(
    out: &mut dyn Write,
    plan: &Plan,
    summary: &Summary,
    view: &SummaryView<'_>,
) -> io::Result<()> {
    let is_held = plan.wave.as_ref().is_some_and(|wave| wave.held_because.is_some());
    let Some(reason) = &summary.stop_reason else {
        let mails = summary.mail_unknown() + summary.mails_due();
        let unsuccessful =
            summary.failed + summary.unknown + summary.not_attempted + mails - summary.held;
        let (style, word) = match (unsuccessful, summary.blocked) {
            (0, 0) if summary.left > 0 => {
                (view.styles.attention, "Done, but for guests without a row")
            }
            (0, 0) if summary.not_invited > 0 => {
                (view.styles.attention, "Done, but for guests without an invitation")
            }
            (0, 0) if is_held => (view.styles.attention, "Done, and the next wave waits"),
            (0, 0) if summary.held > 0 => (view.styles.good, "Done, as far as this wave goes"),
            (0, 0) => (view.styles.good, "Done"),
            (0, _) => (view.styles.attention, "Done, but for the blocked rows"),
            (_, _) => (view.styles.attention, "Finished, and not every row succeeded"),
        };
        return writeln!(out, "{}", paint(style, word));
    };
    let text = format!("Stopped early: {} [{}]", harmless(&reason.to_string()), reason.code());
    for line in wrap(&text, view.width) {
        writeln!(out, "{}", paint(view.styles.bad, line))?;
    }
    indented(out, 2, "advice: ", reason.advice(), view)
}

/// Every row is in exactly one of these lines.
fn counts(
    out: &mut dyn Write,
    plan: &Plan,
    outcomes: &[Option<Outcome>],
    summary: &Summary,
    view: &SummaryView<'_>,
) -> io::Result<()> {
    let number_of = |which: fn(&Outcome) -> bool| {
        outcomes.iter().flatten().filter(|outcome| which(outcome)).count() as u64
    };
    let from_directory =
        number_of(|outcome| matches!(outcome, Outcome::Invited(InvitedHow::SettledFromDirectory)));
    let patched = number_of(|outcome| matches!(outcome, Outcome::NotAttempted { patched: true }));
    let aside = |n: u64, text: &str| if n == 0 { String::new() } else { format!("{n} {text}") };
    let is_back = |row: &PlannedRow| {
        row.change().is_some_and(|change| change.reason == ChangeReason::RevertMail)
    };
    let back =
        plan.rows.iter().zip(outcomes).filter(|(row, outcome)| {
            matches!(outcome, Some(Outcome::AsWanted { .. })) && is_back(row)
        });
    let settled = match back.count() {
        0 => "nothing to do".to_owned(),
        back => format!("{back} of them got the old address back without an invitation"),
    };
    let styles = view.styles;
    let unstyled = Style::new();
    let lines = [
        (
            "invited",
            summary.invited,
            styles.good,
            aside(from_directory, "of them known from the directory, as the answer was lost"),
        ),
        ("settled", summary.settled, unstyled, settled),
        ("blocked", summary.blocked, styles.attention, "refused by the plan".to_owned()),
        ("failed", summary.failed, styles.bad, String::new()),
        (
            "unknown",
            summary.unknown,
            styles.attention,
            "the answer was lost, and the directory can't tell".to_owned(),
        ),
        ("patched", patched, styles.attention, "mail written, not invited yet".to_owned()),
        (
            "not attempted",
            summary.not_attempted.saturating_sub(patched),
            styles.attention,
            match summary.held {
                0 => String::new(),
                held if held == summary.not_attempted => "wait for a later wave".to_owned(),
                held => format!("{held} of them wait for a later wave"),
            },
        ),
    ];
    let sum: u64 = lines.iter().map(|(_, n, _, _)| n).sum();
    writeln!(out, "\n{}", paint(styles.heading, count(summary.rows, "row", "rows")))?;
    for (label, n, style, aside) in lines {
        if n > 0 || label == "invited" {
            let style = if n > 0 { style } else { unstyled };
            let line = format!("{}{n:>7}  {aside}", fit(label, LABEL_COLUMNS));
            writeln!(out, "  {}", paint(style, line.trim_end()))?;
        }
    }
    if sum != summary.rows {
        let text = format!("{sum} of {} rows are accounted for; report this", summary.rows);
        writeln!(out, "  {}", paint(styles.bad, text))?;
    }
    Ok(())
}

/// The guests that need a person and that no count tells of.
fn left(out: &mut dyn Write, plan: &Plan, view: &SummaryView<'_>) -> io::Result<()> {
    let mut findings = plan
        .findings
        .iter()
        .filter(|finding| [LEFT, NOT_INVITED].contains(&finding.code))
        .peekable();
    if findings.peek().is_some() {
        writeln!(out, "\n{}", paint(view.styles.attention, "Needs a person"))?;
    }
    for finding in findings {
        indented(out, 2, "", Some(&finding.message), view)?;
        indented(out, 2, "advice: ", Some(&finding.advice), view)?;
    }
    Ok(())
}

/// What became of one's own mails.
fn mails(out: &mut dyn Write, summary: &Summary, view: &SummaryView<'_>) -> io::Result<()> {
    if summary.mails.is_empty() {
        return Ok(());
    }
    let styles = view.styles;
    writeln!(out, "\n{}", paint(styles.heading, "Your mails"))?;
    for (label, n, style, aside) in [
        ("sent", summary.mailed(), styles.good, ""),
        ("files", summary.mail_files(), styles.good, "to be sent by you"),
        ("refused", summary.mail_failed(), styles.bad, ""),
        (
            "unknown",
            summary.mail_unknown(),
            styles.attention,
            "the answer was lost: ask the guest; --resend invites and mails again",
        ),
        (
            "not yet",
            summary.mails_due(),
            styles.attention,
            "the link is held, and the next run sends it",
        ),
    ] {
        if n > 0 {
            let line = format!("{}{n:>7}  {aside}", fit(label, LABEL_COLUMNS));
            writeln!(out, "  {}", paint(style, line.trim_end()))?;
        }
    }
    Ok(())
}

/// What it took: time, pace, mails written, repetitions.
fn effort(out: &mut dyn Write, summary: &Summary, view: &SummaryView<'_>) -> io::Result<()> {
    let mut parts = vec![format!("took {}", span(summary.elapsed))];
    parts.extend(pace(summary.invited, summary.elapsed));
    if summary.canary > 0 {
        parts.push(format!("canary of {} passed", summary.canary));
    }
    if summary.patched > 0 {
        parts.push(count(summary.patched, "mail written", "mails written"));
    }
    if summary.retries > 0 {
        parts.push(count(summary.retries, "retry", "retries"));
    }
    if summary.throttled > 0 {
        parts.push(format!("throttled {}", count(summary.throttled, "time", "times")));
    }
    writeln!(out)?;
    for line in wrap(&parts.join(", "), view.width) {
        writeln!(out, "{}", paint(view.styles.faint, line))?;
    }
    for line in limit(summary).iter().flat_map(|limit| wrap(limit, view.width)) {
        writeln!(out, "{}", paint(view.styles.faint, line))?;
    }
    Ok(())
}

/// What would have to change for the next run to be faster, where that is worth a
/// thought.
fn limit(summary: &Summary) -> Option<String> {
    let limit = summary.limited_by.filter(|_| summary.elapsed >= WORTH_A_LIMIT)?;
    Some(match limit {
        LimitedBy::Throttling { refusals, waited } => format!(
            "limited by {limit} ({}, {} of waiting)",
            count(refusals, "refusal", "refusals"),
            span(waited)
        ),
        other => format!("limited by {other}"),
    })
}

/// Invitations per second, or per minute where that is a readable number.
fn pace(invited: u64, elapsed: Duration) -> Option<String> {
    if invited == 0 || elapsed < Duration::from_secs(1) {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of guests are far below 2^52")]
    let per_second = invited as f64 / elapsed.as_secs_f64();
    Some(if per_second >= 1.0 {
        format!("{per_second:.1} invitations per second")
    } else {
        format!("{:.1} invitations per minute", per_second * 60.0)
    })
}

/// The rows that need a person, by code, the most frequent first.
fn trouble(
    out: &mut dyn Write,
    title: &str,
    style: Style,
    rows: &[(&PlannedRow, RowEnd<'_>)],
    view: &SummaryView<'_>,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut by_code: BTreeMap<&str, Vec<&(&PlannedRow, RowEnd<'_>)>> = BTreeMap::new();
    for entry in rows {
        by_code.entry(entry.1.reason).or_default().push(entry);
    }
    let mut groups: Vec<_> = by_code.into_iter().collect();
    groups.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    writeln!(out, "\n{}", paint(view.styles.heading, title))?;
    for (code, rows) in groups {
        let head = format!("{}: {}", harmless(code), count(rows.len() as u64, "row", "rows"));
        writeln!(out, "  {}", paint(style, head))?;
        let advice = rows[0].1.advice;
        indented(out, 4, "advice: ", advice, view)?;
        for (row, end) in rows.iter().take(view.max_rows_per_code) {
            let guest = shorten(&journey(row), view.width.saturating_sub(16));
            writeln!(out, "    line {:<5}  {guest}", row.line)?;
            indented(out, 6, "", Some(&end.message.to_string()), view)?;
            if end.advice != advice {
                indented(out, 6, "advice: ", end.advice, view)?;
            }
            indented(out, 6, "request id ", end.request_id, view)?;
        }
        if let Some(more) = rows.len().checked_sub(view.max_rows_per_code).filter(|&n| n > 0) {
            writeln!(out, "    {}", paint(view.styles.faint, format!("… and {more} more")))?;
        }
    }
    Ok(())
}

fn indented(
    out: &mut dyn Write,
    indent: usize,
    label: &str,
    text: Option<&str>,
    view: &SummaryView<'_>,
) -> io::Result<()> {
    let Some(text) = text else { return Ok(()) };
    for line in wrap(&harmless(&format!("{label}{text}")), view.width.saturating_sub(indent)) {
        writeln!(out, "{:indent$}{line}", "")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn view() -> SummaryView<'static> {
        SummaryView {
            styles: Styles::plain(),
            max_rows_per_code: 10,
            width: 90,
            continue_with: None,
            result_file: None,
        }
    }

    fn render(outcomes: &[Option<Outcome>], summary: &Summary, view: &SummaryView<'_>) -> String {
        let mut out = Vec::new();
        summary_text(&mut out, &sample::plan(), outcomes, summary, view).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_stopped_run_reads_like_this() {
        let view = SummaryView {
            continue_with: Some("reinvite apply guests.csv --yes"),
            result_file: Some(Path::new("guests.result.csv")),
            ..view()
        };
        insta::assert_snapshot!(render(&sample::outcomes(), &sample::summary(), &view), @r#"
        Stopped early: the tenant says stop: Guest invitations are blocked for suspicious activity
        [invitations-blocked]
          advice: only Microsoft support can lift the block; the next run tries one row before all
          others

        14 rows
          invited             2  1 of them known from the directory, as the answer was lost
          settled             3  nothing to do
          blocked             5  refused by the plan
          failed              1
          unknown             1  the answer was lost, and the directory can't tell
          patched             1  mail written, not invited yet
          not attempted       1

        took 3 min 12 s, 0.6 invitations per minute, 4 mails written, 7 retries, throttled 1 time
        limited by the tenant's throttling (1 refusal, 2 min 10 s of waiting)

        Failed
          address-mismatch: 1 row
            advice: run apply again with --retry-failed after an hour
            line 4      c.old@northwind.example (cleo@northwind.example) → cleo@fabrikam.example
              the invitation service does not see the new mail: "doesn't match any emails on the
              user object" after 5 tries in 3 min
              request id 0000aaaa-11bb-cccc-dd22-eeeeee333333

        Unknown
          answer-lost: 1 row
            advice: run apply again to look once more; if it stays unknown, ask the guest whether
            the mail came
            line 5      dan@northwind.example
              the connection was lost after the request left; the guest is unchanged since

        Every row is in guests.result.csv

        To carry on
          reinvite apply guests.csv --yes
        "#);
    }

    #[test]
    fn a_quiet_night_is_short() {
        let summary = Summary {
            rows: 14,
            settled: 14,
            elapsed: Duration::from_millis(850),
            ..Summary::default()
        };
        insta::assert_snapshot!(render(&[], &summary, &view()), @r"
        Done

        14 rows
          invited             0
          settled            14  nothing to do

        took 850 ms
        ");
    }

    #[test]
    fn what_limited_a_run_is_said_when_it_took_a_while() {
        let summary = |limited_by, seconds| Summary {
            limited_by: Some(limited_by),
            elapsed: Duration::from_secs(seconds),
            ..Summary::default()
        };
        let pace = LimitedBy::Pace { writes_per_second: 4.0 };
        assert_eq!(limit(&summary(pace, 4)), None);
        for (limited_by, text) in [
            (pace, "limited by the configured pace (4 writes/s)"),
            (LimitedBy::Quota, "limited by Microsoft's documented quotas"),
            (LimitedBy::Replication, "limited by replication in the directory"),
            (
                LimitedBy::RequestsInFlight { most: 16 },
                "limited by requests in flight (16 at a time)",
            ),
            (LimitedBy::Latency, "limited by the time that requests take"),
        ] {
            assert_eq!(limit(&summary(limited_by, 60)).as_deref(), Some(text));
        }
    }

    #[test]
    fn rows_beyond_the_limit_are_counted() {
        let outcomes = vec![Some(Outcome::Failed(sample::failure())); 6];
        let text =
            render(&outcomes, &sample::summary(), &SummaryView { max_rows_per_code: 4, ..view() });
        assert!(text.contains("    … and 2 more\n"), "{text}");
        assert_eq!(text.matches("\n    advice:").count(), 1, "the same advice is given once");
    }

    #[test]
    fn a_sum_that_does_not_add_up_is_not_hidden() {
        let summary = Summary { rows: 15, ..sample::summary() };
        let text = render(&sample::outcomes(), &summary, &view());
        assert!(text.contains("14 of 15 rows are accounted for"), "{text}");
    }

    #[test]
    fn colour_adds_nothing_to_the_words() {
        let coloured = SummaryView { styles: Styles::coloured(), ..view() };
        let coloured = render(&sample::outcomes(), &sample::summary(), &coloured);
        let plain = render(&sample::outcomes(), &sample::summary(), &view());
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
    }
}
