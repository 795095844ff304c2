//! A night as a person reads it in the morning: what happened since the last one, who
//! needs a person, what waits, and where the campaign stands. At most a screen.

use std::io::{self, Write};

use crate::campaign::{
    Corrected, Digest, MailLook, RowName, Seen, SettledAnswers, Standing, Unfinished, Verified,
};
use crate::domain::{Fate, Finding};
use crate::plan::{ChangeReason, Plan, PlannedRow};
use crate::run::{Outcome, Summary};

use super::bounce;
use super::row::{RowEnd, journey};
use super::status::fates;
use super::style::{Styles, count, paint, plural};
use super::text::{fit, harmless, wrap};

/// How a night is shown, and what only the caller knows.
#[derive(Debug, Clone, Copy)]
pub struct NightView<'a> {
    pub styles: Styles,
    /// Columns of the terminal.
    pub width: usize,
    pub most_rows: usize,
    pub manifest: &'a str,
    /// Whether reminders were all that was asked for.
    pub only_reminders: bool,
    /// The command that carries on, when the night was cut short.
    pub continue_with: Option<&'a str>,
}

/// How a look at the guests is shown.
#[derive(Debug, Clone, Copy)]
pub struct VerifyView {
    pub styles: Styles,
    /// Columns of the terminal.
    pub width: usize,
    pub most_rows: usize,
}

const LABEL_COLUMNS: usize = 16;

/// Writes the digest of a night.
pub fn night_text(
    out: &mut dyn Write,
    plan: &Plan,
    outcomes: &[Option<Outcome>],
    summary: &Summary,
    digest: &Digest,
    view: &NightView<'_>,
) -> io::Result<()> {
    let list = VerifyView { styles: view.styles, width: view.width, most_rows: view.most_rows };
    let tenant = plan.tenant_name.as_deref().unwrap_or(&plan.tenant_id);
    let what = if view.only_reminders { "Reminders for" } else { "Night of" };
    let heading = format!("{what} {}, {}", harmless(view.manifest), harmless(tenant));
    writeln!(out, "{}", paint(view.styles.heading, heading))?;
    if let Some(reason) = &summary.stop_reason {
        let text = format!("Stopped early: {} [{}]", harmless(&reason.to_string()), reason.code());
        for line in wrap(&text, view.width) {
            writeln!(out, "{}", paint(view.styles.bad, line))?;
        }
        if let Some(advice) = reason.advice() {
            writeln!(out, "  advice: {advice}")?;
        }
    }
    happened(out, outcomes, summary, digest, view)?;
    need_a_person(out, plan, outcomes, summary, digest, &list)?;
    listed(out, "Where mails bounced", &bounced(&digest.verified), &list)?;
    let findings: Vec<String> = plan
        .findings
        .iter()
        .map(|finding| format!("{}: {}", finding.code, harmless(&finding.message)))
        .collect();
    listed(out, "The plan says", &findings, &list)?;
    let left: Vec<String> = digest.left.iter().map(named).collect();
    listed(out, "Left the manifest, and left as they are", &left, &list)?;
    waits(out, summary, digest, &list)?;
    if !view.only_reminders {
        standing(out, &digest.verified.standing, &list)?;
    }
    if let Some(mails) = &digest.verified.mails {
        arrivals(out, mails, &list)?;
    }
    if let Some(command) = view.continue_with {
        writeln!(out, "\n{}\n  {command}", paint(view.styles.heading, "To carry on"))?;
    }
    Ok(())
}

/// Writes what a look at the guests showed. `names_pending` lists whoever has not
/// redeemed, too.
pub fn verify_text(
    out: &mut dyn Write,
    verified: &Verified,
    unfinished: Unfinished,
    names_pending: bool,
    view: &VerifyView,
) -> io::Result<()> {
    let pending = verified.standing.pending;
    let is_done = unfinished.total() == 0;
    let mails = verified.mails.as_ref();
    let is_fine = verified.attention.is_empty()
        && verified.unknown.is_empty()
        && mails.is_none_or(|mails| mails.attention.is_empty());
    let (text, style) = if !is_fine {
        ("Some guests need a person".to_owned(), view.styles.attention)
    } else if !is_done {
        let rows = count(unfinished.total(), "row is", "rows are");
        (format!("{rows} not as wanted yet"), view.styles.attention)
    } else if pending > 0 {
        let guests = count(pending, "guest has", "guests have");
        (format!("Everybody is invited; {guests} yet to redeem"), view.styles.good)
    } else {
        ("Everybody is as wanted".to_owned(), view.styles.good)
    };
    writeln!(out, "{}", paint(style, text))?;
    let SettledAnswers { sent, not_sent } = verified.settled;
    if sent + not_sent > 0 {
        writeln!(
            out,
            "{} settled: {sent} sent, {not_sent} not sent",
            count(sent + not_sent, "lost answer", "lost answers")
        )?;
    }
    listed(out, "Needs a person", &attention(verified), view)?;
    listed(out, "Where mails bounced", &bounced(verified), view)?;
    listed(out, "Not done", &not_done(unfinished), view)?;
    listed(out, "With the new mail, no invitation and no row", &verified.left, view)?;
    listed(out, "With the new mail by others, and no invitation", &verified.not_invited, view)?;
    if names_pending {
        let names: Vec<String> = verified
            .pending
            .iter()
            .map(|seen| match seen.since {
                Some(since) => format!("{}: pending since {since:.0}", named(&seen.row)),
                None => format!("{}: pending", named(&seen.row)),
            })
            .collect();
        // Whoever asks for names gets all of them.
        listed(out, "Not redeemed yet", &names, &VerifyView { most_rows: usize::MAX, ..*view })?;
    }
    standing(out, &verified.standing, view)?;
    mails.map_or(Ok(()), |mails| arrivals(out, mails, view))
}

/// What the manifest asks for and is not there, each with the next step.
fn not_done(unfinished: Unfinished) -> Vec<String> {
    let Unfinished { not_begun, patched, failed, blocked, resends, .. } = unfinished;
    let Unfinished { not_invited, unmailed, left_patched, .. } = unfinished;
    let lines = [
        (not_begun, "not attempted; `reinvite apply` goes on with it"),
        (patched, "patched: mail written, not invited yet; `reinvite apply` goes on with it"),
        (failed, "failed; `reinvite status` tells why, and `apply --retry-failed` tries again"),
        (blocked, "blocked; `reinvite plan` tells why"),
        (resends, "not sent again, though a person asked for it; `reinvite apply` takes it up"),
        (
            not_invited,
            "with the new mail, by nothing that this checkpoint knows, and no invitation since; `reinvite plan` tells what to do",
        ),
        (
            unmailed,
            "invited, and no mail with the link is known to have left; `reinvite apply` mails it or says whom to ask",
        ),
        (
            left_patched,
            "with the new mail and no invitation, and no row any more; put the row back and apply, or set the mail back by hand",
        ),
    ];
    let lines = lines.into_iter().filter(|(n, _)| *n > 0);
    lines.map(|(n, what)| format!("{n} {what}")).collect()
}

/// What this night did and found, each kind on a line of its own.
fn happened(
    out: &mut dyn Write,
    outcomes: &[Option<Outcome>],
    summary: &Summary,
    digest: &Digest,
    view: &NightView<'_>,
) -> io::Result<()> {
    let seen = |finding: Finding| {
        digest.verified.news.iter().filter(|seen| seen.finding == finding).count() as u64
    };
    let told = |fate: Fate| {
        let news = digest.verified.mails.iter().flat_map(|mails| &mails.news);
        news.filter(|mail| mail.fate == fate).count() as u64
    };
    let number_of = |which: fn(&Outcome) -> bool| {
        outcomes.iter().flatten().filter(|outcome| which(outcome)).count() as u64
    };
    let put_off = number_of(|outcome| matches!(outcome, Outcome::NotAttempted { .. }));
    let patched = number_of(|outcome| matches!(outcome, Outcome::NotAttempted { patched: true }));
    let styles = view.styles;
    let SettledAnswers { sent, not_sent } = digest.verified.settled;
    let settled = sent + not_sent;
    let lines = [
        ("new rows", digest.new.len() as u64, styles.faint),
        ("left", digest.left.len() as u64, styles.faint),
        ("invited", summary.invited.saturating_sub(digest.reminded), styles.good),
        ("of them resets", digest.resets, styles.attention),
        ("of them unmailed", digest.without_mail, styles.attention),
        ("reminded", digest.reminded + digest.reminded_by_mail, styles.good),
        ("mails put right", digest.corrected(), styles.good),
        ("lost, settled", settled, styles.good),
        ("arrived", told(Fate::Delivered), styles.good),
        ("bounced", told(Fate::Bounced), styles.bad),
        ("quarantined", told(Fate::Quarantined), styles.attention),
        ("taken for spam", told(Fate::Spam), styles.attention),
        ("redeemed", seen(Finding::Redeemed), styles.good),
        ("invited by hand", seen(Finding::Reinvited), styles.faint),
        ("mail changed", seen(Finding::MailChanged), styles.attention),
        ("deleted", seen(Finding::Deleted), styles.attention),
        ("without a trace", seen(Finding::NoTrace), styles.attention),
        ("unclear", seen(Finding::Unclear), styles.attention),
        ("failed", summary.failed, styles.bad),
        ("unknown", summary.unknown, styles.attention),
        ("blocked", summary.blocked, styles.attention),
        ("patched", patched, styles.attention),
        ("not attempted", put_off.saturating_sub(patched), styles.attention),
    ];
    let mut any = false;
    for (label, n, style) in lines.into_iter().filter(|(_, n, _)| *n > 0) {
        any = true;
        writeln!(out, "  {}", paint(style, format!("{}{n:>7}", fit(label, LABEL_COLUMNS))))?;
    }
    if !any {
        let nobody = if view.only_reminders { "nobody is due" } else { "nothing new" };
        writeln!(out, "  {}", paint(styles.faint, nobody))?;
    }
    Ok(())
}

fn need_a_person(
    out: &mut dyn Write,
    plan: &Plan,
    outcomes: &[Option<Outcome>],
    summary: &Summary,
    digest: &Digest,
    view: &VerifyView,
) -> io::Result<()> {
    let mut lines = Vec::new();
    // Corrections are told with the guests that the directory shows changed.
    let is_correction =
        |row: &PlannedRow| row.change().is_some_and(|it| it.reason == ChangeReason::Correction);
    for (row, outcome) in plan.rows.iter().zip(outcomes).filter(|(row, _)| !is_correction(row)) {
        if let Some(outcome @ (Outcome::Failed(_) | Outcome::Unknown { .. })) = outcome {
            let end = RowEnd::new(row, Some(outcome));
            lines.push(format!(
                "line {}  {}: {} [{}]",
                row.line,
                journey(row),
                end.message,
                end.reason
            ));
        }
    }
    for correction in &digest.corrections {
        if let Corrected::Failed(why) = &correction.outcome {
            lines.push(format!(
                "{}: its mail could not be put right: {why}",
                named(&correction.row)
            ));
        }
    }
    lines.extend(attention(&digest.verified));
    if digest.corrections_refused > 0 {
        let refused = digest.corrections_refused;
        lines.push(format!(
            "{} not put right: with tonight's changes more than [guards] max_changes allows",
            count(refused, "mail was", "mails were")
        ));
    }
    if summary.blocked > 0 {
        lines.push(format!(
            "{} blocked: `reinvite plan` tells why",
            count(summary.blocked, "row is", "rows are")
        ));
    }
    if let Some(why) = digest.unverified.as_ref().filter(|_| summary.stop_reason.is_none()) {
        lines.push(format!("the guests could not be looked at: {why}"));
    }
    listed(out, "Needs a person", &lines, view)
}

/// The guests that need a person, a sentence each.
fn attention(verified: &Verified) -> Vec<String> {
    let unknown = verified
        .unknown
        .iter()
        .map(|open| format!("{}: invited or not is unknown; {}", named(&open.row), open.why));
    let mails = verified.mails.iter().flat_map(|mails| &mails.attention);
    let mails = mails.map(|mail| format!("{}: {}", named(&mail.row), bounce::sentence(mail)));
    unknown.chain(verified.attention.iter().map(sentence)).chain(mails).collect()
}

/// Domains whose mails bounced, a sentence each.
fn bounced(verified: &Verified) -> Vec<String> {
    let domains = verified.mails.iter().flat_map(|mails| &mails.domains);
    domains.map(bounce::of_domain).collect()
}

/// Where the mails of the campaign are, and what was not seen of them.
fn arrivals(out: &mut dyn Write, mails: &MailLook, view: &VerifyView) -> io::Result<()> {
    let n = mails.counts.traced() + mails.counts.not_traced;
    let mut texts = Vec::new();
    if n > 0 {
        texts.push(format!("{n} {}: {}", plural(n, "mail", "mails"), fates(mails.counts)));
    }
    texts.extend(
        mails
            .unseen
            .as_ref()
            .map(|why| format!("the message trace was not seen: {}", harmless(why))),
    );
    for line in texts.iter().flat_map(|text| wrap(text, view.width)) {
        writeln!(out, "{}", paint(view.styles.faint, line))?;
    }
    Ok(())
}

fn sentence(seen: &Seen) -> String {
    let what = match seen.finding {
        Finding::MailChanged => {
            let mail = seen.mail.as_deref().unwrap_or("none");
            let back = if seen.back == Some(true) { " back" } else { "" };
            format!("someone changed the mail{back} to {mail}")
        }
        Finding::Deleted => "the guest is gone; restore it, or take the row out".to_owned(),
        Finding::NoTrace => {
            "the service accepted the invitation, and the directory shows none".to_owned()
        }
        other @ (Finding::Pending | Finding::Redeemed | Finding::Reinvited | Finding::Unclear) => {
            format!("the redemption is {other}")
        }
    };
    format!("{}: {what}", named(&seen.row))
}

/// A guest by its line and the address it was invited to.
fn named(row: &RowName) -> String {
    let line = row.line.map_or(String::new(), |line| format!("line {line}  "));
    format!("{line}{}", row.new_email.as_deref().unwrap_or(&row.user))
}

fn listed(out: &mut dyn Write, title: &str, lines: &[String], view: &VerifyView) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", paint(view.styles.heading, title))?;
    for line in lines.iter().take(view.most_rows) {
        let lines = wrap(&harmless(line), view.width.saturating_sub(6));
        for (position, line) in lines.iter().enumerate() {
            writeln!(out, "{}{line}", if position == 0 { "  " } else { "      " })?;
        }
    }
    if let Some(more) = lines.len().checked_sub(view.most_rows).filter(|&more| more > 0) {
        writeln!(out, "  {}", paint(view.styles.faint, format!("… and {more} more")))?;
    }
    Ok(())
}

fn waits(
    out: &mut dyn Write,
    summary: &Summary,
    digest: &Digest,
    view: &VerifyView,
) -> io::Result<()> {
    let mut lines = Vec::new();
    if digest.unverified.is_some() && summary.stop_reason.is_some() {
        lines.push("the guests of tonight are looked at next time".to_owned());
    }
    if let Some(wave) = digest.wave.as_ref().filter(|wave| wave.waiting > 0) {
        let rows = count(wave.waiting, "row waits", "rows wait");
        lines.push(match &wave.held_because {
            Some(why) => format!("{rows} for wave {}: {why}", wave.number),
            None => format!("{rows} for wave {}", wave.number + 1),
        });
    }
    if digest.over_budget > 0 {
        let rows = count(digest.over_budget, "row waits", "rows wait");
        lines.push(format!("{rows} for the next night, as [reconcile] max_changes says"));
    }
    if digest.used_up > 0 {
        let guests = count(digest.used_up, "guest has", "guests have");
        lines.push(format!("{guests} had all mails that [remind] max allows, and not redeemed"));
    }
    if let Some(until) = digest.quiet_until {
        lines.push(format!("nobody is reminded before {until:.0}"));
    }
    listed(out, "Waits", &lines, view)
}

/// Where the guests of the campaign are.
fn standing(out: &mut dyn Write, standing: &Standing, view: &VerifyView) -> io::Result<()> {
    let parts = [
        (standing.redeemed, "redeemed"),
        (standing.pending, "pending"),
        (standing.reinvited, "invited by hand"),
        (standing.too_early, "too early to tell"),
        (standing.mail_changed, "with another mail"),
        (standing.deleted, "deleted"),
        (standing.no_trace, "without a trace"),
        (standing.unclear, "unclear"),
        (standing.unknown, "unknown"),
    ];
    // Those that are not invited yet are told by their rows.
    let all: u64 = parts.iter().map(|(n, _)| n).sum();
    let parts: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if all == 0 {
        return Ok(());
    }
    let text =
        format!("{all} {} of the campaign: {}", plural(all, "guest", "guests"), parts.join(", "));
    writeln!(out)?;
    for line in wrap(&text, view.width) {
        writeln!(out, "{}", paint(view.styles.faint, line))?;
    }
    Ok(())
}
