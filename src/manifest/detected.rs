//! What was found out about a manifest's form, and saying it.
//!
//! Leaves to others: finding it out (`encoding`, `delimiter`, `columns`, `rows`).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::cells::shown;
use super::columns::{Columns, Meaning};
use super::encoding::Encoding;
use super::heading::folded;

/// How a manifest was understood. It displays as a few lines for a person:
/// what was detected, which columns are used, and a line for every note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    pub name: String,
    pub format: Format,
    /// The sheet of a workbook that is read.
    pub sheet: Option<String>,
    /// Its encoding; a workbook has none.
    pub encoding: Option<Encoding>,
    /// What separates the cells of a CSV.
    pub delimiter: Option<char>,
    /// Rows, with the invalid ones.
    pub rows: usize,
    /// Rows that ask for a reset at the present address and for nothing else.
    pub resets: usize,
    /// Columns that are used, in the order of the header.
    pub taken: Vec<TakenColumn>,
    /// Further names of the guest: which column names it instead. Where both name a guest
    /// and not the same one, the plan blocks the row.
    pub compared: Vec<String>,
    /// Columns that are not used because a stronger one is there, with the reason.
    pub ignored: Vec<String>,
    /// Columns this program has no use for; templates and the report do.
    pub kept: Vec<String>,
    pub notes: Vec<String>,
}

/// Headings, folded, under which people note what is not to be done.
const DECIDES_ELSEWHERE: &[&str] = &[
    "action",
    "aktion",
    "accion",
    "actie",
    "azione",
    "status",
    "statut",
    "skip",
    "skip?",
    "exclude",
    "ignore",
    "omit",
    "include",
    "include?",
    "inscope",
    "migrate",
    "migrate?",
    "move",
    "move?",
    "done",
    "done?",
    "erledigt",
    "uberspringen",
    "überspringen",
    "ausschliessen",
    "ausschließen",
    "decision",
    "approved",
    "freigabe",
    "freigegeben",
];

impl Detected {
    /// Fills in what the header and the rows below it turned out to be. `used`
    /// says per column whether any row took its cell.
    pub(super) fn describe(&mut self, columns: &Columns, used: &[bool]) {
        let is_used = |index: usize| used.get(index).copied().unwrap_or_default();
        for taken in columns.taken() {
            let winner = columns.of(taken.meaning).find(|&index| is_used(index));
            match winner.filter(|_| !is_used(taken.index)) {
                Some(winner) if taken.meaning == Meaning::User => self.compared.push(format!(
                    "{} ({} {})",
                    shown(&taken.header),
                    shown(&columns.headers[winner]),
                    taken.meaning.does()
                )),
                Some(winner) => self.ignored.push(format!(
                    "{} (not needed: {} {})",
                    shown(&taken.header),
                    shown(&columns.headers[winner]),
                    taken.meaning.does()
                )),
                None => self.taken.push(taken),
            }
        }
        self.kept.extend(columns.extra.iter().map(|&index| columns.headers[index].clone()));
        if self.encoding == Some(Encoding::Windows1252) {
            self.notes.push(
                "Windows-1252 is assumed, as it is no valid UTF-8: check the accents".to_owned(),
            );
        }
        for (header, name) in columns.misspelt() {
            self.notes.push(format!("`{}` is not used; was `{name}` meant?", shown(header)));
        }
        for &index in &columns.extra {
            let header = &columns.headers[index];
            if DECIDES_ELSEWHERE.contains(&&*folded(header)) {
                self.notes.push(format!(
                    "`{}` decides nothing: every row is read, whatever stands there",
                    shown(header)
                ));
            }
        }
        if columns.invitee_names_guest() {
            self.notes.push(
                "[inviteeEmail] gives the new address and names the guest who has it already: \
                 nobody moves, and --reset-only resets them"
                    .to_owned(),
            );
        }
    }
}

/// How a manifest stores its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    Csv,
    Workbook,
    /// One JSON object a line.
    JsonLines,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenColumn {
    /// Its position in the header, from 0.
    pub(super) index: usize,
    pub header: String,
    pub meaning: Meaning,
}

impl fmt::Display for TakenColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.header == self.meaning.name() {
            f.write_str(&self.header)
        } else {
            write!(f, "{} (as {})", shown(&self.header), self.meaning.name())
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Csv => "CSV",
            Self::Workbook => "workbook",
            Self::JsonLines => "JSON Lines",
        })
    }
}

impl fmt::Display for Detected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, format, sheet, encoding, delimiter, rows, resets, .. } = self;
        let Self { taken, compared, ignored, kept, notes, .. } = self;
        write!(f, "{name}: {format}")?;
        if let Some(sheet) = sheet {
            write!(f, ", sheet `{}`", shown(sheet))?;
        }
        if let Some(encoding) = encoding {
            write!(f, ", {}", encoding.name())?;
        }
        match delimiter {
            None => {}
            Some(',') => write!(f, ", comma")?,
            Some(';') => write!(f, ", semicolon")?,
            Some('\t') => write!(f, ", tab")?,
            Some(other) => write!(f, ", separated by {other}")?,
        }
        write!(f, "; {rows} {}", if *rows == 1 { "row" } else { "rows" })?;
        match resets {
            0 => {}
            resets if resets == rows => write!(f, ", all of which ask for a reset only")?,
            1 => write!(f, ", 1 of which asks for a reset only")?,
            resets => write!(f, ", {resets} of which ask for a reset only")?,
        }
        let has = |meaning| taken.iter().any(|column| column.meaning == meaning);
        let unread = match (has(Meaning::Message), has(Meaning::Cc)) {
            (false, false) => "; none is read as message or cc",
            (false, true) => "; none is read as message",
            (true, false) => "; none is read as cc",
            (true, true) => "",
        };
        let taken: Vec<_> = taken.iter().map(ToString::to_string).collect();
        write!(f, "; columns: {}", taken.join(", "))?;
        if !compared.is_empty() {
            write!(f, "\nonly compared: {}", compared.join(", "))?;
        }
        if !ignored.is_empty() {
            write!(f, "\nnot used: {}", ignored.join(", "))?;
        }
        if !kept.is_empty() {
            let kept: Vec<_> = kept.iter().map(|header| shown(header)).collect();
            write!(f, "\nkept: {}{unread}", kept.join(", "))?;
        }
        for note in notes {
            write!(f, "\nnote: {note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_detected_reads_as_a_few_lines() {
        let taken = |index, header: &str, meaning| TakenColumn {
            index,
            header: header.to_owned(),
            meaning,
        };
        let detected = Detected {
            name: "guests.csv".to_owned(),
            format: Format::Csv,
            sheet: None,
            encoding: Some(Encoding::Utf8),
            delimiter: Some(';'),
            rows: 204,
            resets: 3,
            taken: vec![taken(0, "id", Meaning::User), taken(2, "new_email", Meaning::NewEmail)],
            compared: vec!["mail (id names the guest)".to_owned()],
            ignored: Vec::new(),
            kept: vec!["department".to_owned(), "country".to_owned()],
            notes: vec!["look twice".to_owned()],
        };
        assert_eq!(
            detected.to_string(),
            "guests.csv: CSV, UTF-8, semicolon; 204 rows, 3 of which ask for a reset only; columns: id (as user), new_email\n\
             only compared: mail (id names the guest)\n\
             kept: department, country; none is read as message or cc\n\
             note: look twice"
        );
    }
}
