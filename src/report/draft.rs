//! What was drafted, for people and for programs.
//!
//! Leaves to others: the files (`manifest`), and where they are (`cli`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::campaign::Drafting;
use crate::domain::{Unreadable, UserId};
use crate::draft::{Draft, Guest};
use crate::plan::Words;

use super::schema::Schema;
use super::style::{Styles, count, paint};
use super::text::{fit, harmless, wrap};

/// How much of a draft is shown, and where its files are.
#[derive(Debug, Clone, Copy)]
pub struct DraftView<'a> {
    pub styles: Styles,
    /// Most guests listed under one reason.
    pub max_rows_per_reason: usize,
    /// Columns of the terminal.
    pub width: usize,
    /// The manifest; None where none was written.
    pub manifest: Option<&'a str>,
    /// What a person has to decide; None where nothing is.
    pub review: Option<&'a str>,
}

const CODE_COLUMNS: usize = 24;
const NUMBER_COLUMNS: usize = 7;
const NARROWEST: usize = 60;

/// Guests for one reason, in the words of the reason.
struct Group<'a> {
    about: &'a str,
    /// Each with what is particular to it.
    guests: Vec<(&'a Guest, String)>,
}

/// Writes a draft for a person.
pub fn draft_text(
    out: &mut dyn Write,
    drafting: &Drafting,
    view: &DraftView<'_>,
) -> io::Result<()> {
    let out = &mut BufWriter::new(out);
    let Drafting { draft, tenant, guests, .. } = drafting;
    let guests = count(*guests, "guest", "guests");
    let title = format!("Draft for {} ({guests})", harmless(tenant));
    writeln!(out, "{}", paint(view.styles.heading, title))?;
    let mut rows = BTreeMap::<_, u64>::new();
    for row in &draft.rows {
        *rows.entry(row.matched).or_default() += 1;
    }
    let into = |file: Option<&str>| file.map_or(String::new(), |file| format!("  into {file}"));
    let number = draft.rows.len();
    heading(out, "To be moved", number, view.styles.good, &into(view.manifest))?;
    for (matched, number) in rows {
        line(out, matched.as_str(), number, matched.about(), view)?;
    }
    let doubts = draft.review.iter().map(|row| {
        let candidates = row.candidates.iter().map(|candidate| candidate.address.as_str());
        let candidates = candidates.collect::<Vec<_>>().join(" or ");
        let detail = match (candidates.is_empty(), row.detail.is_empty()) {
            (true, _) => row.detail.to_string(),
            (false, true) => format!("→ {candidates}?"),
            (false, false) => format!("→ {candidates}?  {}", row.detail),
        };
        (row.doubt.words(), &row.guest, detail)
    });
    let number = draft.review.len();
    heading(out, "For a person to decide", number, view.styles.attention, &into(view.review))?;
    groups(out, doubts, view)?;
    let left_out = draft.left_out.iter().map(|row| (row.words, &row.guest, row.detail.to_string()));
    heading(out, "Left out", draft.left_out.len(), view.styles.faint, "")?;
    groups(out, left_out, view)?;
    if draft.not_guests > 0 {
        let rows = count(draft.not_guests, "row of the list names", "rows of the list name");
        writeln!(out, "\n{rows} no guest of this tenant")?;
    }
    not_seen(out, &drafting.unreadable, view)?;
    out.flush()
}

fn heading(
    out: &mut dyn Write,
    title: &str,
    number: usize,
    style: anstyle::Style,
    rest: &str,
) -> io::Result<()> {
    if number == 0 {
        return Ok(());
    }
    let title = paint(style, fit(title, CODE_COLUMNS + 2));
    writeln!(out, "\n{title}{number:>NUMBER_COLUMNS$}{}", harmless(rest))
}

fn line(
    out: &mut dyn Write,
    code: &str,
    number: u64,
    about: &str,
    view: &DraftView<'_>,
) -> io::Result<()> {
    let indent = CODE_COLUMNS + NUMBER_COLUMNS + 4;
    let mut head = format!("  {}{number:>NUMBER_COLUMNS$}  ", fit(code, CODE_COLUMNS));
    for text in wrap(about, view.width.max(NARROWEST).saturating_sub(indent)) {
        writeln!(out, "{head}{text}")?;
        head = " ".repeat(indent);
    }
    Ok(())
}

fn groups<'a>(
    out: &mut dyn Write,
    guests: impl Iterator<Item = (Words, &'a Guest, String)>,
    view: &DraftView<'_>,
) -> io::Result<()> {
    let mut groups = BTreeMap::<&str, Group<'_>>::new();
    for (words, guest, detail) in guests {
        let group = Group { about: words.about, guests: Vec::new() };
        groups.entry(words.code).or_insert(group).guests.push((guest, detail));
    }
    for (code, group) in groups {
        line(out, code, group.guests.len() as u64, group.about, view)?;
        for (guest, detail) in group.guests.iter().take(view.max_rows_per_reason) {
            let who = guest.mail.as_deref().unwrap_or(&guest.user_principal_name);
            let text = harmless(&format!("{who}  {detail}"));
            let mut indent = 6;
            for text in wrap(&text, view.width.max(NARROWEST).saturating_sub(10)) {
                writeln!(out, "{:indent$}{text}", "")?;
                indent = 10;
            }
        }
        let more = group.guests.len().saturating_sub(view.max_rows_per_reason);
        if more > 0 {
            let more = paint(view.styles.faint, format!("… and {more} more; -v shows all"));
            writeln!(out, "      {more}")?;
        }
    }
    Ok(())
}

/// What could not be read. Nobody is left out for it.
fn not_seen(
    out: &mut dyn Write,
    unreadable: &[Unreadable],
    view: &DraftView<'_>,
) -> io::Result<()> {
    if unreadable.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", paint(view.styles.attention, "Not seen"))?;
    for Unreadable { what, consequence, permission, why } in unreadable {
        let text = format!("{what}: {consequence} ({why}; {permission} shows it)");
        for line in wrap(&harmless(&text), view.width.max(NARROWEST) - 2) {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Keys<'a> {
    summary: Summary<'a>,
    rows: Vec<Row<'a>>,
    unreadable: &'a [Unreadable],
}

#[derive(Serialize)]
struct Summary<'a> {
    manifest: Option<&'a str>,
    review: Option<&'a str>,
    guests: u64,
    drafted: usize,
    doubtful: usize,
    left_out: usize,
    not_guests: u64,
    reasons: BTreeMap<&'a str, u64>,
    exit_code: u8,
}

#[derive(Serialize)]
struct Row<'a> {
    user_id: UserId,
    user: &'a str,
    current_email: Option<&'a str>,
    name: Option<&'a str>,
    last_sign_in: Option<Timestamp>,
    standing: &'static str,
    reason: &'a str,
    explanation: Cow<'a, str>,
    new_email: Option<&'a str>,
    candidates: Vec<Candidate<'a>>,
}

#[derive(Serialize)]
struct Candidate<'a> {
    address: &'a str,
    evidence: &'a str,
}

/// Writes a draft as one object.
pub fn draft_json(
    out: &mut dyn Write,
    drafting: &Drafting,
    view: &DraftView<'_>,
    exit_code: u8,
) -> io::Result<()> {
    let draft = &drafting.draft;
    let rows = rows(draft);
    let mut reasons = BTreeMap::new();
    for row in &rows {
        *reasons.entry(row.reason).or_default() += 1;
    }
    let summary = Summary {
        manifest: view.manifest,
        review: view.review,
        guests: drafting.guests,
        drafted: draft.rows.len(),
        doubtful: draft.review.len(),
        left_out: draft.left_out.len(),
        not_guests: draft.not_guests,
        reasons,
        exit_code,
    };
    Schema::Draft.write(out, &Keys { summary, rows, unreadable: &drafting.unreadable })
}

fn rows(draft: &Draft) -> Vec<Row<'_>> {
    let drafted = draft.rows.iter().map(|row| Row {
        standing: "drafted",
        reason: row.matched.as_str(),
        explanation: (&*row.evidence).into(),
        new_email: Some(row.new_email.as_str()),
        ..guest(&row.guest)
    });
    let doubtful = draft.review.iter().map(|row| Row {
        standing: "doubtful",
        reason: row.doubt.as_str(),
        explanation: row.sentence().into(),
        candidates: row
            .candidates
            .iter()
            .map(|candidate| Candidate {
                address: candidate.address.as_str(),
                evidence: &candidate.evidence,
            })
            .collect(),
        ..guest(&row.guest)
    });
    let left_out = draft.left_out.iter().map(|row| Row {
        standing: "left-out",
        reason: row.words.code,
        explanation: if row.detail.is_empty() { row.words.about } else { &*row.detail }.into(),
        ..guest(&row.guest)
    });
    drafted.chain(doubtful).chain(left_out).collect()
}

fn guest(guest: &Guest) -> Row<'_> {
    Row {
        user_id: guest.id,
        user: &guest.user_principal_name,
        current_email: guest.mail.as_deref(),
        name: guest.name.as_deref(),
        last_sign_in: guest.last_sign_in,
        standing: "",
        reason: "",
        explanation: "".into(),
        new_email: None,
        candidates: Vec::new(),
    }
}
