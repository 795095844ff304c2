//! Columns that are not there: what a header without them is told, and which of its
//! columns they may be under another name.
//!
//! Leaves to others: the columns that are there (`columns`).

use super::{Columns, Known, Meaning, NAMES};
use crate::manifest::cells::shown;
use crate::manifest::heading::folded;
use crate::manifest::problem::{ProblemCode, RowProblem};
use crate::manifest::record::Record;

impl Columns {
    /// The problem of a header without a column of new addresses, where no row asks for
    /// a reset. `holds_addresses` says per column whether its cells look like addresses.
    pub(in crate::manifest) fn missing_new_address(&self, holds_addresses: &[bool]) -> RowProblem {
        let is_candidate = |index: &usize| {
            let is_guest = |known: &&Known| known.index == *index && !known.heading.is_everyday();
            !self.known.iter().any(|known| is_guest(&known))
                && self.guest != [*index]
                && (holds_addresses.get(*index).copied().unwrap_or_default()
                    || is_like_an_address(&self.headers[*index]))
        };
        let candidates: Vec<usize> = (0..self.headers.len()).filter(is_candidate).collect();
        let settle = match candidates.as_slice() {
            [] => "name the column `new_email`".to_owned(),
            candidates => {
                let heading = shown(&self.headers[candidates[0]]);
                format!(
                    "it might be {}: name it `new_email`, or say so with \
                     --column new_email=\"{heading}\"",
                    self.listed(candidates.iter().copied()),
                )
            }
        };
        let place = candidates.first().or(self.guest.first()).map_or(0, |index| *index);
        self.places[place].problem(
            ProblemCode::MissingColumn,
            "no column gives new addresses, and no row asks for a reset",
            format!("{settle}; to reset the guests at their present addresses, say --reset-only"),
        )
    }

    /// Extra columns that were probably meant to be known ones the manifest does
    /// not have, with what they were meant to be.
    pub(in crate::manifest) fn misspelt(&self) -> Vec<(&str, &'static str)> {
        let absent = |meaning: Meaning| self.of(meaning).next().is_none();
        let meant = |index: &usize| {
            let header = self.headers[*index].as_str();
            nearest(header, absent).map(|name| (header, name))
        };
        self.extra.iter().filter_map(meant).collect()
    }

    /// The problem of a header that names no guest.
    pub(super) fn missing_user(&self, header: &Record<'_>) -> RowProblem {
        let users = NAMES.iter().filter(|(_, meaning)| *meaning == Meaning::User);
        let names: Vec<_> = users.map(|(name, _)| format!("`{name}`")).collect();
        let accepted = format!(
            "one column must be named {} or the like, or be named with --column user=HEADING",
            names.join(", ")
        );
        let guess = self.extra.iter().find_map(|&index| {
            nearest(&self.headers[index], |meaning| meaning == Meaning::User).map(|name| {
                (index, format!("`{}` looks like `{name}`; ", shown(&self.headers[index])))
            })
        });
        let data = (0..header.filled()).find(|&index| header.text(index).contains('@'));
        let (index, hint) = match (guess, data) {
            (Some(guess), _) => guess,
            (None, Some(index)) => {
                (index, "this line looks like data: put a line with names above it; ".to_owned())
            }
            (None, None) => (0, String::new()),
        };
        header.place(index).problem(
            ProblemCode::MissingColumn,
            "no column names the guest",
            format!("{hint}{accepted}"),
        )
    }
}

fn is_like_an_address(heading: &str) -> bool {
    let heading = heading.to_lowercase();
    ["mail", "address", "adresse", "courriel", "correo", "upn", "smtp"]
        .iter()
        .any(|part| heading.contains(part))
}

/// The known name that a header is a slip of the finger away from. Names of two
/// or three letters are near to everything and never suggested.
fn nearest(header: &str, wanted: impl Fn(Meaning) -> bool) -> Option<&'static str> {
    let header = folded(header);
    let slips = |name: &str| {
        let allowed = match name.len() {
            0..4 => return None,
            4..8 => 1,
            _ => 2,
        };
        let distance = strsim::damerau_levenshtein(&header, name);
        (distance <= allowed).then_some(distance)
    };
    NAMES
        .iter()
        .filter(|(_, meaning)| wanted(*meaning))
        .filter_map(|(name, _)| slips(&folded(name)).map(|distance| (distance, *name)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
