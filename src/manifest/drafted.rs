//! Writing what was drafted: a manifest, and beside it the rows that a person has to
//! decide, which become a manifest once the new addresses are filled in.
//!
//! Columns that a manifest has no use for carry the evidence; their headings mean nothing to
//! its reader. Leaves to others: whom to draft (`draft`).

use std::io::{self, Write};

use ::csv::{ErrorKind, Terminator, WriterBuilder};
use jiff::Timestamp;

use super::guard::guarded;
use crate::domain::{Email, UserId};

/// The columns of a drafted manifest.
const DRAFTED: [&str; 7] =
    ["user", "current_email", "new_email", "name", "match", "evidence", "last_sign_in"];

/// The columns of what a person has to decide. That of the new address is empty.
const DOUBTFUL: [&str; 9] = [
    "user",
    "current_email",
    "new_email",
    "name",
    "reason",
    "advice",
    "candidate",
    "candidates",
    "last_sign_in",
];

/// A guest in a file that was drafted.
#[derive(Debug, Clone, Copy)]
pub struct DraftedGuest<'a> {
    pub user: UserId,
    pub current_email: Option<&'a str>,
    pub name: Option<&'a str>,
    pub last_sign_in: Option<Timestamp>,
}

/// A row of a drafted manifest.
#[derive(Debug, Clone, Copy)]
pub struct DraftedRow<'a> {
    pub guest: DraftedGuest<'a>,
    pub new_email: &'a Email,
    /// By what they were brought together, as a word.
    pub matched: &'a str,
    pub evidence: &'a str,
}

/// A row that a person has to decide.
#[derive(Debug, Clone)]
pub struct DoubtfulRow<'a> {
    pub guest: DraftedGuest<'a>,
    pub reason: String,
    pub advice: &'a str,
    /// Addresses that may be the new one, with why they may be.
    pub candidates: Vec<(&'a Email, &'a str)>,
}

/// Writes a manifest.
pub fn write_drafted<'a>(
    out: &mut dyn Write,
    rows: impl IntoIterator<Item = DraftedRow<'a>>,
) -> io::Result<()> {
    let rows = rows.into_iter().map(|row| {
        [
            row.guest.user.to_string(),
            row.guest.current_email.unwrap_or_default().to_owned(),
            row.new_email.to_string(),
            row.guest.name.unwrap_or_default().to_owned(),
            row.matched.to_owned(),
            row.evidence.to_owned(),
            moment(row.guest.last_sign_in),
        ]
    });
    write(out, DRAFTED, rows)
}

/// Writes what a person has to decide.
pub fn write_doubtful<'a>(
    out: &mut dyn Write,
    rows: impl IntoIterator<Item = DoubtfulRow<'a>>,
) -> io::Result<()> {
    let rows = rows.into_iter().map(|row| {
        // By itself, to be copied.
        let only = match row.candidates.as_slice() {
            [(address, _)] => Some(address.to_string()),
            _ => None,
        };
        let candidates = row.candidates.iter();
        let candidates: Vec<_> =
            candidates.map(|(address, why)| format!("{address} ({why})")).collect();
        [
            row.guest.user.to_string(),
            row.guest.current_email.unwrap_or_default().to_owned(),
            String::new(),
            row.guest.name.unwrap_or_default().to_owned(),
            row.reason,
            row.advice.to_owned(),
            only.unwrap_or_default(),
            candidates.join("; "),
            moment(row.guest.last_sign_in),
        ]
    });
    write(out, DOUBTFUL, rows)
}

fn moment(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| format!("{at:.0}"))
}

/// A CSV with these columns.
pub(super) fn write<const N: usize>(
    out: &mut dyn Write,
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> io::Result<()> {
    let written = || {
        // Excel takes a CSV without this mark for the machine's legacy code page.
        out.write_all("\u{feff}".as_bytes())?;
        let mut csv = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
        csv.write_record(header)?;
        for row in rows {
            csv.write_record(row.iter().map(|cell| guarded(cell).into_owned()))?;
        }
        Ok(csv.flush()?)
    };
    written().map_err(|error: ::csv::Error| match error.into_kind() {
        // As it was, for whoever asks whether the reader is gone.
        ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::GuestRef;
    use crate::manifest::{Options, ProblemCode, parse};

    fn guest(name: &str) -> DraftedGuest<'_> {
        DraftedGuest {
            user: "9071bfde-35e0-47d2-a582-d244ab1b4af6".parse().unwrap(),
            current_email: Some("ada@northwind.example"),
            name: Some(name),
            last_sign_in: Some("2026-05-01T08:00:00.5Z".parse().unwrap()),
        }
    }

    #[test]
    fn what_is_drafted_is_a_manifest_whose_evidence_means_nothing() {
        let new_email = Email::parse("ada@fabrikam.example").unwrap();
        let mut bytes = Vec::new();
        let row = DraftedRow {
            guest: guest("=cmd|' /C calc'!A0, \"Ada\""),
            new_email: &new_email,
            matched: "old-address",
            evidence: "hr.xlsx line 17",
        };
        write_drafted(&mut bytes, [row]).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains("\"'=cmd|"), "{text}");
        let loaded = parse("guests.csv", &bytes, &Options::default()).unwrap();
        assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
        let manifest = loaded.manifest;
        assert_eq!(manifest.extra_columns, ["name", "match", "evidence", "last_sign_in"]);
        let row = &manifest.rows[0];
        assert_eq!(row.user, GuestRef::Id(guest("").user));
        assert_eq!(*row.also, [GuestRef::Name("ada@northwind.example".into())]);
        assert_eq!(row.wish.address(), Some(&new_email));
        assert_eq!(&*row.extra[0], "=cmd|' /C calc'!A0, \"Ada\"");
        assert_eq!(&*row.extra[3], "2026-05-01T08:00:00Z");
        assert_eq!((&row.display_name, &row.message, &row.cc), (&None, &None, &None));
    }

    #[test]
    fn what_a_person_decides_is_a_manifest_once_it_is_filled_in() {
        let candidate = Email::parse("ada@fabrikam.example").unwrap();
        let mut bytes = Vec::new();
        let row = DoubtfulRow {
            guest: guest("Ada Vance"),
            reason: "namesake: another has the name".to_owned(),
            advice: "fill in new_email",
            candidates: vec![(&candidate, "same name"), (&candidate, "same local part")],
        };
        write_doubtful(&mut bytes, [row]).unwrap();
        let loaded = parse("review.csv", &bytes, &Options::default()).unwrap();
        let codes: Vec<_> = loaded.problems.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, [ProblemCode::MissingAddress], "nothing is done before that");
        let text = String::from_utf8(bytes).unwrap();
        let filled = text
            .replace("ada@northwind.example,,Ada", "ada@northwind.example,a@fabrikam.example,Ada");
        let loaded = parse("review.csv", filled.as_bytes(), &Options::default()).unwrap();
        assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
        assert_eq!(
            loaded.manifest.extra_columns,
            ["name", "reason", "advice", "candidate", "candidates", "last_sign_in"]
        );
    }
}
