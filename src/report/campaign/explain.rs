//! Everything about one row on one screen: what was asked for, which guest that is,
//! what was done and when, what the directory showed, and what to do next.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::checkpoint::{
    Entry, HistoryEvent, HistoryRow, IntentReason, InvitedHow, MailedHow, Record, Trail,
};
use crate::domain::{Shows, Trace};
use crate::report::bounce;
use crate::report::schema::Schema;
use crate::report::style::{Styles, paint};
use crate::report::text::{fit, harmless, wrap};

use super::ReportOptions;
use super::row::{RowView, word};

/// One row and everything recorded of it.
#[derive(Debug, Clone, Copy)]
pub struct Explained<'a> {
    pub manifest: &'a str,
    /// The manifest's header as written.
    pub header: &'a [String],
    pub row: &'a HistoryRow,
    /// What was recorded of its guest and address; None for a row without a guest.
    pub trail: Option<&'a Trail>,
    /// What the report is made for.
    pub options: ReportOptions,
}

const LABEL: usize = 12;

/// Width at which nothing useful is left of a line.
const NARROWEST: usize = 60;

/// Writes the row for a person.
pub fn explain_text(
    out: &mut dyn Write,
    explained: &Explained<'_>,
    styles: Styles,
    width: usize,
) -> io::Result<()> {
    let width = width.max(NARROWEST);
    let view = RowView::new(explained.row, explained.options);
    let place = match explained.row.line {
        Some(line) => format!("{}, line {line}", harmless(explained.manifest)),
        None => "not in the manifest any more".to_owned(),
    };
    writeln!(out, "{}", paint(styles.heading, format!("{place}: {}", view.journey())))?;
    let mut lines = Lines { out, width };
    let mail = view.arrival.map(|arrival| bounce::told(arrival.fate));
    let state = match view.redemption {
        Some(redemption) => format!("{}, {}", word(view.state), redemption.word()),
        None => word(view.state).to_owned(),
    };
    lines.put("state", &format!("{state} ({})", harmless(view.reason)))?;
    if let Some(mail) = mail {
        lines.put("mail", mail)?;
    }
    if let Some(explanation) = view.explanation {
        lines.put("why", &harmless(explanation))?;
    }
    lines.put("asked for", &asked(explained))?;
    lines.put("guest", &matched(explained.row))?;
    let before = explained.trail.and_then(|trail| trail.before.as_ref());
    match before {
        Some(before) => {
            let others = match before.other_mails.as_slice() {
                [] => String::new(),
                others => format!("; otherMails {}", harmless(&others.join(", "))),
            };
            let mail = before.mail.as_deref().map_or("no mail".to_owned(), harmless);
            lines.put("before", &format!("{mail}{others}"))?;
        }
        None => lines.put("before", "this campaign has written nothing to it")?,
    }
    if let Some(at) = view.patched_at {
        lines.put(
            "after",
            &format!("{}, written {at:.0}", view.new_email.map_or(String::new(), harmless)),
        )?;
    }
    if let Some(trail) = explained.trail {
        history(&mut lines, trail, styles)?;
    }
    let next = next_step(&view);
    writeln!(lines.out)?;
    lines.put("next", next)
}

fn history(lines: &mut Lines<'_>, trail: &Trail, styles: Styles) -> io::Result<()> {
    writeln!(lines.out, "\n{}", paint(styles.heading, "What happened"))?;
    if trail.events.is_empty() {
        writeln!(lines.out, "  nothing yet")?;
    }
    for event in &trail.events {
        lines.event(event.at, &happened(&event.entry))?;
    }
    writeln!(lines.out, "\n{}", paint(styles.heading, "Mails sent"))?;
    let mails = mails(trail);
    if mails.is_empty() {
        writeln!(lines.out, "  none")?;
    }
    for mail in mails {
        lines.event(mail.at, &mail.sentence())?;
    }
    writeln!(lines.out, "\n{}", paint(styles.heading, "Seen in the directory"))?;
    if trail.sightings.is_empty() {
        writeln!(lines.out, "  nothing: verify has not looked yet")?;
    }
    for seen in &trail.sightings {
        let since = seen.sighting.since.map_or(String::new(), |since| format!(" since {since:.0}"));
        let mail = match &seen.sighting.shows {
            Shows::MailChanged { mail: Some(mail), .. } => format!(": {}", harmless(mail)),
            _ => String::new(),
        };
        lines.event(seen.at, &format!("{}{since}{mail}", seen.sighting.shows.finding()))?;
    }
    Ok(())
}

struct Lines<'a> {
    out: &'a mut dyn Write,
    width: usize,
}

impl Lines<'_> {
    fn put(&mut self, label: &str, text: &str) -> io::Result<()> {
        let mut label = label;
        for line in wrap(text, self.width - LABEL - 2) {
            writeln!(self.out, "  {}{line}", fit(label, LABEL))?;
            label = "";
        }
        Ok(())
    }

    fn event(&mut self, at: Timestamp, text: &str) -> io::Result<()> {
        let mut label = format!("{at:.0}");
        for line in wrap(text, self.width - 24) {
            writeln!(self.out, "  {}{line}", fit(&label, 22))?;
            label.clear();
        }
        Ok(())
    }
}

/// The manifest's cells under their names, the empty ones left out.
fn cells(explained: &Explained<'_>) -> Vec<(String, String)> {
    let cells: Vec<String> = serde_json::from_str(&explained.row.cells).unwrap_or_default();
    let named = explained.header.iter().zip(cells);
    named
        .filter(|(_, cell)| !cell.trim().is_empty())
        .map(|(name, cell)| (name.clone(), cell))
        .collect()
}

fn asked(explained: &Explained<'_>) -> String {
    let cells = cells(explained);
    if cells.is_empty() {
        let address = explained.row.address.as_deref().unwrap_or("no new address");
        return format!("{} → {}", harmless(&explained.row.user), harmless(address));
    }
    let named =
        cells.iter().map(|(name, cell)| format!("{}: {}", harmless(name.trim()), harmless(cell)));
    named.collect::<Vec<_>>().join("; ")
}

/// Which guest it is, and how the row names it.
fn matched(row: &HistoryRow) -> String {
    let Some(id) = &row.user_id else { return "none was found".to_owned() };
    format!("{}, {}", harmless(id), named_by(row))
}

fn named_by(row: &HistoryRow) -> &'static str {
    let user = row.user.to_lowercase();
    let is = |mail: &Option<String>| mail.as_ref().is_some_and(|mail| mail.to_lowercase() == user);
    if row.user_id.as_ref().is_some_and(|id| id.to_lowercase() == user) {
        "named by object id"
    } else if user.contains("#ext#") {
        "named by user principal name"
    } else if is(&row.old_mail) {
        "the only user with this address, which was its mail"
    } else if is(&row.address) {
        "the only user with this address, the one it moves to"
    } else {
        "the only user with this user principal name or address"
    }
}

fn next_step<'a>(view: &RowView<'a>) -> &'a str {
    match (view.advice, view.redemption) {
        (Some(advice), _) => advice,
        (None, Some(super::row::Redemption::Pending)) => "wait for the guest to redeem",
        (None, Some(super::row::Redemption::NotVerified)) => {
            "nothing; verify tells whether the guest has redeemed"
        }
        (None, _) => "nothing",
    }
}

/// A text, or what stands for one that was not recorded.
fn or<'a>(text: &'a str, otherwise: &'a str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { harmless(text) }
}

fn happened(Entry { record, trace, .. }: &Entry) -> String {
    let mut sentence = match record {
        Record::Patching { .. } => "the mail is about to be written".to_owned(),
        Record::Patched { .. } => "the mail was written".to_owned(),
        Record::Intended { .. } => "the invitation is about to be sent".to_owned(),
        Record::Invited { how: InvitedHow::SettledFromDirectory, .. } => {
            "invited: the answer was lost, and the directory shows it".to_owned()
        }
        Record::Invited { how: InvitedHow::LinkLost, .. } => "invited: the directory shows it; \
             the link was lost with the answer, and another invitation makes a new one"
            .to_owned(),
        Record::Invited { how: InvitedHow::Accepted, .. } => {
            "invited: the service accepted it".to_owned()
        }
        Record::Outstanding { why, .. } => format!("not sent: {}", or(why, "no reason recorded")),
        Record::Unknown { evidence, .. } => {
            format!("sent or not, not known: {}", or(evidence, "no answer"))
        }
        Record::Failed { code, message, .. } => format!(
            "failed, {}: {}",
            or(code, "no code"),
            // What is known of the request follows in the same sentence.
            harmless(message.trim_end_matches('.'))
        ),
        Record::ResendAsked { who, why, .. } => asked_again(who, why),
        Record::Correcting { .. } => "correcting".to_owned(),
        Record::Corrected { .. } => "corrected".to_owned(),
        Record::Reverting { .. } => {
            "the mail from before the campaign is about to be written back".to_owned()
        }
        Record::Reverted { .. } => {
            "the mail from before the campaign was written back; nobody was invited".to_owned()
        }
        Record::MailIntended { message_id, .. } => {
            format!("the mail with the link is about to be sent: {}", harmless(message_id))
        }
        Record::MailDrafted { .. } => "its draft is about to be sent".to_owned(),
        Record::MailWithdrawn { why, .. } => {
            format!("the mail was not sent: {}", or(why, "no reason recorded"))
        }
        Record::Mailed { how: MailedHow::Sent, .. } => "the mail was sent".to_owned(),
        Record::Mailed { how: MailedHow::File, .. } => "the mail was written as a file".to_owned(),
        Record::MailFailed { code, message, .. } => {
            format!("the mail failed, {}: {}", or(code, "no code"), harmless(message))
        }
        Record::MailUnknown { evidence, .. } => {
            format!("mail sent or not, not known: {}", or(evidence, "no answer"))
        }
        Record::Reminding { message_id, .. } => {
            format!("the same link is about to be mailed once more: {}", harmless(message_id))
        }
        Record::Reminded { how: MailedHow::Sent, .. } => {
            "a mail with the same link was sent".to_owned()
        }
        Record::Reminded { how: MailedHow::File, .. } => {
            "a mail with the same link was written as a file".to_owned()
        }
        Record::MailTraced { fate, code, message, .. } => {
            let code = code.as_ref().map_or(String::new(), |code| format!(" [{}]", harmless(code)));
            let words =
                if message.is_empty() { String::new() } else { format!(": {}", harmless(message)) };
            format!("the message trace tells of the mail: {}{code}{words}", bounce::told(*fate))
        }
        Record::Seen(sighting) => sighting.shows.word().to_owned(),
    };
    if let Some(trace) = trace {
        sentence.push_str(&traces(trace));
    } else if let Record::Failed { request_id: Some(id), .. } = record {
        sentence.push_str("; request-id ");
        sentence.push_str(&harmless(id));
    }
    sentence
}

fn traces(trace: &Trace) -> String {
    let mut parts = Vec::new();
    match trace.status {
        Some(status) => parts.push(format!("status {status}")),
        None => parts.push("no answer".to_owned()),
    }
    if trace.requests > 1 {
        parts.push(format!("after {} requests", trace.requests));
    }
    parts.extend(trace.request_id.as_ref().map(|id| format!("request-id {}", harmless(id))));
    parts.extend(
        trace.client_request_id.as_ref().map(|id| format!("client-request-id {}", harmless(id))),
    );
    format!("; {}", parts.join(", "))
}

fn asked_again(who: &str, why: &str) -> String {
    let why = if why.is_empty() { String::new() } else { format!(": {}", harmless(why)) };
    format!("{} asked for another invitation{why}", or(who, "someone"))
}

/// A mail that was sent: by Microsoft with the invitation, or one's own. No mail is told
/// of where none was to be sent.
#[derive(Debug, Serialize)]
struct Mail {
    at: Timestamp,
    /// `first`, `resend` or `reminder`; `again` when no record says why.
    kind: &'static str,
    who: Option<String>,
    why: Option<String>,
}

impl Mail {
    fn sentence(&self) -> String {
        match self.kind {
            "first" => "the first invitation".to_owned(),
            "resend" => format!(
                "sent again, asked for by {}{}",
                self.who.as_deref().map_or("someone".to_owned(), harmless),
                self.why.as_deref().map_or(String::new(), |why| format!(": {}", harmless(why)))
            ),
            "reminder" => "a reminder".to_owned(),
            _ => "sent again".to_owned(),
        }
    }
}

fn mails(trail: &Trail) -> Vec<Mail> {
    let mut mails: Vec<Mail> = Vec::new();
    let (mut asked, mut is_reminder) = (None, false);
    for event in &trail.events {
        match &event.entry.record {
            Record::ResendAsked { who, why, .. } => {
                let own = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
                asked = Some((own(who), own(why)));
            }
            Record::Intended { reason, .. } => is_reminder = *reason == IntentReason::Reminder,
            Record::Invited { .. } if event.entry.silent => {}
            Record::Reminded { how: MailedHow::Sent, .. } => {
                mails.push(Mail { at: event.at, kind: "reminder", who: None, why: None });
            }
            Record::Invited { .. } | Record::Mailed { how: MailedHow::Sent, .. } => {
                let (kind, (who, why)) = if mails.is_empty() {
                    ("first", (None, None))
                } else if let Some(asked) = asked.take() {
                    ("resend", asked)
                } else if is_reminder {
                    ("reminder", (None, None))
                } else {
                    ("again", (None, None))
                };
                mails.push(Mail { at: event.at, kind, who, why });
            }
            Record::Patching { .. }
            | Record::Patched { .. }
            | Record::Outstanding { .. }
            | Record::Unknown { .. }
            | Record::Failed { .. }
            | Record::Correcting { .. }
            | Record::Corrected { .. }
            | Record::Reverting { .. }
            | Record::Reverted { .. }
            | Record::MailIntended { .. }
            | Record::MailDrafted { .. }
            | Record::MailWithdrawn { .. }
            // A file is no mail until somebody sends it.
            | Record::Mailed { how: MailedHow::File, .. }
            | Record::MailFailed { .. }
            | Record::MailUnknown { .. }
            | Record::Reminding { .. }
            | Record::Reminded { how: MailedHow::File, .. }
            | Record::MailTraced { .. }
            | Record::Seen(_) => {}
        }
    }
    mails
}

#[derive(Serialize)]
struct Object<'a> {
    manifest: &'a str,
    row: RowView<'a>,
    /// The manifest's cells as written, by column.
    cells: Vec<(String, String)>,
    /// How the row names the guest.
    matched: Option<&'static str>,
    before: Option<&'a crate::checkpoint::BeforeImage>,
    events: &'a [HistoryEvent],
    mails: Vec<Mail>,
    sightings: &'a [crate::checkpoint::SightingRecord],
    next: &'a str,
}

/// Writes the row as one object.
pub fn explain_json(out: &mut dyn Write, explained: &Explained<'_>) -> io::Result<()> {
    let row = RowView::new(explained.row, explained.options);
    let next = next_step(&row);
    let object = Object {
        manifest: explained.manifest,
        cells: cells(explained),
        matched: explained.row.user_id.as_ref().map(|_| named_by(explained.row)),
        before: explained.trail.and_then(|trail| trail.before.as_ref()),
        events: explained.trail.map_or(&[], |trail| &trail.events),
        mails: explained.trail.map(mails).unwrap_or_default(),
        sightings: explained.trail.map_or(&[], |trail| &trail.sightings),
        next,
        row,
    };
    Schema::Explain.write(out, &object)
}
