//! The plan as a person reviews it: what would change, what can't, what need
//! not, what is worth knowing, and the digest that pins it.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use anstyle::Style;

use crate::campaign::Samples;
use crate::domain::Caller;
use crate::manifest::PartOfIt;
use crate::plan::{Change, Decision, Plan, PlannedRow, Severity};

use super::delivery::{Delivery, Mix, mark};
use super::plan_domains::domains;
use super::plan_mails::mails;
use super::plan_reach::reach;
use super::row::{journey, who};
use super::style::{Styles, count, paint};
use super::text::{columns, fit, harmless, shorten, wrap};

/// How much of the plan is shown, and how.
#[derive(Debug, Clone, Copy)]
pub struct PlanView {
    pub styles: Styles,
    /// Most rows listed under one reason; `usize::MAX` lists all.
    pub max_rows_per_reason: usize,
    /// Columns of the terminal; `usize::MAX` where there is none.
    pub width: usize,
    /// The command that carries it out.
    pub command: &'static str,
    /// Whether the digest is for its `--plan`.
    pub is_pinned: bool,
}

/// Columns before the number of a group: indentation and code.
const CODE_COLUMNS: usize = 22;
const NUMBER_COLUMNS: usize = 7;
/// Where the sentence about a group begins.
const ABOUT_COLUMN: usize = CODE_COLUMNS + NUMBER_COLUMNS + 2;
/// Columns that the guest's name and move may take in any case; what follows lines
/// up behind them or stands below. An address is not cut to make room for it.
const JOURNEY_COLUMNS: usize = 56;
/// Narrower than this, nothing could be told apart any more.
const NARROWEST: usize = 40;

/// Writes the plan for a person, with an example for every template of one's own mails.
pub fn plan_text(
    out: &mut dyn Write,
    plan: &Plan,
    samples: &Samples,
    view: &PlanView,
) -> io::Result<()> {
    let view = &PlanView { width: view.width.max(NARROWEST), ..*view };
    // With every row listed, a standard stream would pass on each line.
    let out = &mut BufWriter::new(out);
    header(out, plan, view)?;
    let styles = view.styles;
    section(out, plan, view, &Section { title: "Change", style: styles.good, kind: Kind::Change })?;
    section(
        out,
        plan,
        view,
        &Section { title: "Blocked", style: styles.attention, kind: Kind::Blocked },
    )?;
    section(
        out,
        plan,
        view,
        &Section { title: "Settled", style: styles.faint, kind: Kind::Settled },
    )?;
    mails(out, samples, view)?;
    domains(out, plan, view)?;
    reach(out, plan, view)?;
    findings(out, plan, view)?;
    if let Some(wave) = &plan.wave {
        writeln!(out)?;
        for line in wrap(&wave.sentence(), view.width) {
            writeln!(out, "{line}")?;
        }
    }
    if let Some(effort) = &plan.effort {
        writeln!(out, "\n{}  {}", paint(styles.heading, "Pace"), effort.sentence())?;
    }
    if let Some(mailing) = plan.mailing.as_ref().filter(|mailing| mailing.is_paced()) {
        let gap = if plan.effort.is_some() { "" } else { "\n" };
        writeln!(out, "{gap}{} {}", paint(styles.heading, "Mails"), mailing.sentence())?;
    }
    if plan.counts.change == 0 {
        if plan.counts.blocked > 0 && plan.counts.settled == 0 {
            writeln!(out, "\nNothing can be changed: every row is blocked")?;
        } else {
            writeln!(out, "\nNothing to change")?;
        }
        return out.flush();
    }
    if !view.is_pinned {
        return out.flush();
    }
    let digest = plan.digest.short();
    let note = if plan.refusals().next().is_some() {
        format!("({} refuses it until the findings allow it)", view.command)
    } else {
        let does = match &plan.wave {
            Some(wave) if wave.held_because.is_some() => {
                "finishes what was begun of exactly this".to_owned()
            }
            Some(wave) if wave.waiting > 0 => {
                format!("carries out wave {} of exactly this", wave.number)
            }
            Some(_) | None => "carries out exactly this".to_owned(),
        };
        format!("({} --plan {digest} {does})", view.command)
    };
    let (title, note) = (paint(styles.heading, "Digest"), paint(styles.faint, note));
    writeln!(out, "\n{title} {digest}   {note}")?;
    out.flush()
}

fn header(out: &mut dyn Write, plan: &Plan, view: &PlanView) -> io::Result<()> {
    let tenant = match &plan.tenant_name {
        Some(name) => format!("{} (tenant {})", harmless(name), harmless(&plan.tenant_id)),
        None => format!("tenant {}", harmless(&plan.tenant_id)),
    };
    let actor = match plan.caller {
        Caller::AppOnly => "acting as an application",
        Caller::Delegated => "acting for the signed-in user",
    };
    let rows = rows_of(plan);
    writeln!(out, "{}: {rows}, {actor}", paint(view.styles.heading, format!("Plan for {tenant}")))
}

/// How many rows it has, and of which part of the manifest they are.
pub(super) fn rows_of(plan: &Plan) -> String {
    let rows = count(plan.counts.rows, "row", "rows");
    let Some(PartOfIt { expression, left_out }) = &plan.part else { return rows };
    format!("{rows} with {} ({left_out} left out)", harmless(expression))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Change,
    Blocked,
    Settled,
}

impl Kind {
    fn from_decision(decision: &Decision) -> Self {
        match decision {
            Decision::Change(_) => Self::Change,
            Decision::Blocked(_) => Self::Blocked,
            Decision::Settled(_) => Self::Settled,
        }
    }
}

struct Section {
    title: &'static str,
    style: Style,
    kind: Kind,
}

/// One decision with its reasons, the most frequent first. A section without
/// rows is left out, except that a plan always says how much would change.
fn section(out: &mut dyn Write, plan: &Plan, view: &PlanView, section: &Section) -> io::Result<()> {
    let mut by_reason: BTreeMap<&'static str, Vec<&PlannedRow>> = BTreeMap::new();
    for row in plan.rows.iter().filter(|row| Kind::from_decision(&row.decision) == section.kind) {
        by_reason.entry(row.decision.reason()).or_default().push(row);
    }
    let rows: usize = by_reason.values().map(Vec::len).sum();
    if rows == 0 && section.kind != Kind::Change {
        return Ok(());
    }
    let title = fit(section.title, CODE_COLUMNS);
    writeln!(out, "\n{}{rows:>NUMBER_COLUMNS$}", paint(view.styles.heading, title))?;
    let mut groups: Vec<_> = by_reason.into_iter().collect();
    groups.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    for (code, rows) in groups {
        let code = paint(section.style, fit(code, CODE_COLUMNS - 2));
        let number = rows.len();
        let about = rows.first().map_or("", |row| row.decision.words().about);
        let mut about = wrap(about, view.width.saturating_sub(ABOUT_COLUMN)).into_iter();
        let first = about.next().unwrap_or_default();
        writeln!(out, "  {code}{number:>NUMBER_COLUMNS$}  {first}")?;
        for line in about {
            writeln!(out, "{:ABOUT_COLUMN$}{line}", "")?;
        }
        group(out, plan, view, &rows)?;
    }
    Ok(())
}

/// The rows of one reason: what their guests receive, then the rows themselves.
fn group(
    out: &mut dyn Write,
    plan: &Plan,
    view: &PlanView,
    rows: &[&PlannedRow],
) -> io::Result<()> {
    let mixed = deliveries(out, plan, view, rows)?;
    let shown = &rows[..rows.len().min(view.max_rows_per_reason)];
    let listed: Vec<Listed> = shown.iter().map(|row| Listed::new(row, plan, mixed)).collect();
    let digits = plan.rows.iter().map(|row| row.line).max().unwrap_or_default().to_string().len();
    let widest = listed.iter().map(|listed| columns(&listed.guest)).max().unwrap_or_default();
    let indent = "    line   ".len() + digits;
    let room = view.width.saturating_sub(indent);
    let tails = listed.iter().map(|listed| columns(&listed.tail)).filter(|&tail| tail > 0);
    let shortest = tails.min().unwrap_or_default();
    let column = widest.min(room.saturating_sub(shortest + 2).max(JOURNEY_COLUMNS));
    for Listed { line, guest, tail } in &listed {
        write!(out, "    line {line:<digits$}  ")?;
        if tail.is_empty() {
            writeln!(out, "{}", shorten(guest, room))?;
        } else if columns(guest) <= column && column + 2 + columns(tail) <= room {
            writeln!(out, "{}  {tail}", fit(guest, column))?;
        } else {
            // A reason names whom it concerns, by ids too: it is never cut.
            writeln!(out, "{}", shorten(guest, room))?;
            for part in wrap(tail, room.saturating_sub(2)) {
                writeln!(out, "{:indent$}  {part}", "")?;
            }
        }
    }
    if rows.len() > shown.len() {
        let more = format!("… and {} more (-v shows all)", rows.len() - shown.len());
        writeln!(out, "    {}", paint(view.styles.faint, more))?;
    }
    Ok(())
}

/// Says what the guests of a group receive. True if not all receive the same, so
/// that every row has to say which it is.
fn deliveries(
    out: &mut dyn Write,
    plan: &Plan,
    view: &PlanView,
    rows: &[&PlannedRow],
) -> io::Result<bool> {
    let mut mixes: BTreeMap<Delivery, Mix<'_>> = BTreeMap::new();
    for invitation in rows.iter().filter_map(|row| row.change()?.invite.as_ref()) {
        mixes.entry(Delivery::new(invitation, plan.caller)).or_default().add(invitation);
    }
    let differ = mixes.len() > 1;
    for (delivery, mix) in &mixes {
        let number = if differ { mix.rows.to_string() } else { String::new() };
        let mut number = format!("{:CODE_COLUMNS$}{number:>NUMBER_COLUMNS$}", "");
        for line in wrap(&mix.describe(*delivery), view.width.saturating_sub(ABOUT_COLUMN)) {
            writeln!(out, "{number:ABOUT_COLUMN$}{}", paint(view.styles.faint, line))?;
            number.clear();
        }
    }
    Ok(differ)
}

struct Listed {
    line: u32,
    guest: String,
    tail: String,
}

impl Listed {
    fn new(row: &PlannedRow, plan: &Plan, mixed: bool) -> Self {
        let (guest, tail) = match &row.decision {
            Decision::Change(change) => {
                let invitation = change.invite.as_ref().filter(|_| mixed);
                let received = invitation.map(|invitation| mark(invitation, plan.caller));
                (journey(row), aside(change, received))
            }
            // What is true of all rows of the group was said with its number.
            decision => {
                let sentence = Some(decision.to_string());
                let particular = sentence.filter(|text| text != decision.words().about);
                (who(row), particular.map_or_else(String::new, |text| harmless(&text)))
            }
        };
        Self { line: row.line, guest, tail }
    }
}

/// What is received, if rows differ in it, and where the address is written, if
/// that is not the mail.
fn aside(change: &Change, received: Option<String>) -> String {
    let only_other_mails = change
        .set_mail
        .as_ref()
        .is_some_and(|set| set.desired.is_none() && set.other_mails.is_some());
    let written = only_other_mails.then(|| "written to otherMails only".to_owned());
    received.into_iter().chain(written).collect::<Vec<_>>().join("; ")
}

fn findings(out: &mut dyn Write, plan: &Plan, view: &PlanView) -> io::Result<()> {
    if plan.findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", paint(view.styles.heading, "Findings"))?;
    for finding in &plan.findings {
        let (word, style) = match finding.severity {
            Severity::Refuse => ("refuse", view.styles.bad),
            Severity::Warn => ("warn", view.styles.attention),
        };
        writeln!(out, "  {}  {}", paint(style, fit(word, 6)), finding.code)?;
        for text in [&finding.message, &finding.advice] {
            for line in wrap(&harmless(text), view.width.saturating_sub(10)) {
                writeln!(out, "          {line}")?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn render(plan: &Plan, styles: Styles, rows: usize, width: usize) -> String {
        let mut out = Vec::new();
        let view = PlanView {
            styles,
            max_rows_per_reason: rows,
            width,
            command: "apply",
            is_pinned: true,
        };
        plan_text(&mut out, plan, &Samples::default(), &view).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_whole_plan_reads_like_this() {
        insta::assert_snapshot!(render(&sample::plan(), Styles::plain(), 2, 100), @r#"
        Plan for Contoso (tenant 7d1c2a40-0000-4000-8000-0000000000aa): 14 rows, acting as an application

        Change                      6
          new-address               3  moves to a new address
                                    1  Microsoft mails its standard text in de
                                    1  Microsoft mails its standard text and drops your message, 1 row with
                                       a cc
                                    1  no mail, send is off: tell the guest yourself
            line 2   ada@northwind.example → ada@fabrikam.example  standard text, de
            line 3   bob@northwind.example → bob@fabrikam.example
                       standard text, message dropped, copy to boss@fabrikam.example
            … and 1 more (-v shows all)
          finish-earlier-run        1  begun by an earlier run; the invitation is due
                                       Microsoft mails its standard text in the guest's language
            line 6   eve@northwind.example → eve@fabrikam.example
          reset-only                1  keeps its address; locked out until it redeems again
                                       Microsoft mails its standard text in the guest's language
            line 5   dan@northwind.example
          unknown-outcome           1  the answer was lost; settled from the directory, sent only if it
                                       never happened
                                       Microsoft mails its standard text in the guest's language
            line 7   finn@northwind.example → finn@fabrikam.example

        Blocked                     5
          not-found                 2  no user has this object id, UPN or address
            line 11  ghost\u{1b}[2J@northwind.example
            line 12  =HYPERLINK("https://evil.example")
          ambiguous                 1  several users hold it; name the guest by object id
            line 13  joe@northwind.example
                       2 users hold it: guest joe#EXT#@c.example (00000000-0000-0000-0000-00000000000a);
                       guest j#EXT#@c.example (00000000-0000-0000-0000-00000000000b); name the guest by
                       object id
          failed-before             1  failed for good in an earlier run; --retry-failed tries again
            line 14  kim@northwind.example
                       failed on 2026-03-01T02:00:05Z (guest-gone): the guest no longer exists;
                       --retry-failed tries again
          invalid-row               1  the row is unusable (see `lint`) and was skipped
            line 15  lea

        Settled                     3
          already-invited           1  invited by this campaign
            line 8   gil@northwind.example
                       invited on 2026-03-01T02:00:00Z; the directory still shows gil@elsewhere.example
          already-matches           1  the mail already is the new address; a reset would lock the guest out
                                       until they redeem (reset = always, or --reset-matching, sends it)
            line 9   hana@fabrikam.example
          same-as-line              1  another row asks for the same
            line 10  ada@northwind.example  line 2 asks for the same

        Findings
          refuse  max-changes
                  6 rows would change, and max_changes allows 5
                  review the plan, then set [guards] max_changes or --max-changes to 6 or more
          warn    resets
                  1 guest is reset without a new address
                  they are locked out until they redeem again; a reset can't be undone

        Digest 4232697f8850   (apply refuses it until the findings allow it)
        "#);
    }

    #[test]
    fn a_narrow_terminal_wraps_sentences_and_keeps_ids_whole() {
        let text = render(&sample::plan(), Styles::plain(), 8, 60);
        // The header and the digest hold what must stay whole to be compared.
        let body = text.lines().skip(1).filter(|line| !line.starts_with("Digest"));
        for line in body {
            assert!(columns(line) <= 60, "{line}");
        }
        assert!(text.contains("(00000000-0000-0000-0000-00000000000b)"), "{text}");
    }

    #[test]
    fn a_plan_that_nothing_refuses_says_how_to_pin_it() {
        let mut plan = sample::plan();
        plan.findings.clear();
        let text = render(&plan, Styles::plain(), 8, 80);
        let digest = plan.digest.short();
        let last = format!("Digest {digest}   (apply --plan {digest} carries out exactly this)");
        assert_eq!(text.lines().last(), Some(last.as_str()));
    }

    #[test]
    fn colour_adds_nothing_to_the_words() {
        let plain = render(&sample::plan(), Styles::plain(), usize::MAX, usize::MAX);
        let coloured = render(&sample::plan(), Styles::coloured(), usize::MAX, usize::MAX);
        assert_ne!(plain, coloured);
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
    }

    #[test]
    fn an_empty_plan_says_so() {
        let mut plan = sample::plan_of(Vec::new());
        plan.findings.clear();
        insta::assert_snapshot!(render(&plan, Styles::plain(), 8, 80), @r"
        Plan for Contoso (tenant 7d1c2a40-0000-4000-8000-0000000000aa): 0 rows, acting as an application

        Change                      0

        Nothing to change
        ");
    }
}
