//! What is wrong with a row, where, and what to do about it.
//!
//! Leaves to others: finding problems (`rows`, `delimited`, `json_lines`,
//! `columns`) and a file that cannot be read at all (`error`).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

/// A problem of one row, or of the header. It displays as `line:column: problem`,
/// so that with the file's name in front editors can jump to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowProblem {
    /// Line on which the offending cell begins, from 1.
    pub line: u32,
    /// Column at which the cell begins, from 1: characters of the line, or in a
    /// workbook columns of the sheet.
    pub column: u32,
    pub code: ProblemCode,
    pub problem: String,
    pub advice: String,
    /// Every place that has this problem, line and column; the first is the one above.
    pub places: Vec<(u32, u32)>,
}

impl RowProblem {
    /// How often it was found.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// Where else it was found, for a person: the number, and the first of the lines.
    /// None if it was found once.
    pub fn elsewhere(&self) -> Option<String> {
        const SHOWN: usize = 3;
        let count = self.count();
        let lines: Vec<_> =
            self.places.iter().take(SHOWN).map(|(line, _)| line.to_string()).collect();
        let more = if count > SHOWN { ", …" } else { "" };
        if count > 1 && self.places.iter().all(|(line, _)| *line == self.line) {
            return Some(format!("{count} times in this line"));
        }
        (count > 1).then(|| format!("{count} times, lines {}{more}", lines.join(", ")))
    }

    /// What it has in common with others of the same cause: its code, and its sentence
    /// without what it quotes and without lines, counts and places.
    fn cause(&self) -> (ProblemCode, String) {
        let unquoted = self.problem.split('`').step_by(2);
        let is_told = |word: &&str| !word.contains(|c: char| c.is_ascii_digit());
        let words: Vec<&str> = unquoted.flat_map(str::split_whitespace).filter(is_told).collect();
        (self.code, words.join(" "))
    }
}

/// The problems of a manifest, those of one cause as one.
#[derive(Debug, Default)]
pub(super) struct Problems {
    list: Vec<RowProblem>,
    by_cause: HashMap<(ProblemCode, String), usize>,
    found: usize,
}

impl Problems {
    pub(super) fn push(&mut self, problem: RowProblem) {
        self.found += 1;
        match self.by_cause.entry(problem.cause()) {
            Entry::Occupied(known) => self.list[*known.get()].places.extend(problem.places),
            Entry::Vacant(free) => {
                free.insert(self.list.len());
                self.list.push(problem);
            }
        }
    }

    pub(super) fn extend(&mut self, problems: impl IntoIterator<Item = RowProblem>) {
        problems.into_iter().for_each(|problem| self.push(problem));
    }

    /// How many were found so far, every place counted.
    pub(super) fn found(&self) -> usize {
        self.found
    }

    /// All of them, in the order of their first places.
    pub(super) fn into_sorted(mut self) -> Vec<RowProblem> {
        self.list.sort_by_key(|problem| (problem.line, problem.column));
        self.list
    }
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.problem)
    }
}

/// A place in the manifest: line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Place {
    /// A problem at this place.
    pub(super) fn problem(
        self,
        code: ProblemCode,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) -> RowProblem {
        RowProblem {
            line: self.line,
            column: self.column,
            code,
            problem: problem.into(),
            advice: advice.into(),
            places: vec![(self.line, self.column)],
        }
    }
}

macro_rules! problem_codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Rules a manifest can break. The names are stable: scripts may rely on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ProblemCode {
            $($(#[$doc])* $name,)*
        }

        impl ProblemCode {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

problem_codes! {
    /// No column names the guest, or none gives new addresses and nothing asks for a
    /// reset.
    MissingColumn = "missing-column",
    /// It can't be told which of several columns is meant, or what one is.
    AmbiguousColumn = "ambiguous-column",
    /// Two columns of one name.
    DuplicateColumn = "duplicate-column",
    /// A quoted cell that never ends.
    UnclosedQuote = "unclosed-quote",
    /// Text after the closing quote of a cell.
    TextAfterQuote = "text-after-quote",
    /// More or fewer cells than the header has.
    WrongCellCount = "wrong-cell-count",
    /// A line that is no JSON object.
    BadJson = "bad-json",
    /// A list or an object as a JSON value.
    NestedValue = "nested-value",
    /// A cell of a workbook that holds an error such as `#REF!`.
    FormulaError = "formula-error",
    /// A formula that nobody calculated: the workbook holds no value for it.
    FormulaWithoutValue = "formula-without-value",
    /// Cells of a workbook that are merged, of which one alone holds a value.
    MergedCells = "merged-cells",
    /// The example row of the portal's template.
    ExampleRow = "example-row",
    /// The header once more, as where two files were put together.
    RepeatedHeader = "repeated-header",
    /// No cell names the guest.
    NoUser = "no-user",
    /// Neither an object id, nor a UPN, nor an address.
    BadUser = "bad-user",
    /// Two cells of one row name different guests.
    TwoGuests = "two-guests",
    /// Neither a new address nor a word that asks for a reset.
    MissingAddress = "missing-address",
    /// The new address is none that Entra takes.
    BadAddress = "bad-address",
    /// The text of the invitation cannot be sent.
    BadMessage = "bad-message",
    /// The CC is no address that Entra takes.
    BadCc = "bad-cc",
    /// More than one address in CC.
    TwoCc = "two-cc",
    /// The CC is the address invited.
    CcIsNewAddress = "cc-is-new-address",
    /// Not a language tag.
    BadLanguage = "bad-language",
    /// Not an https URL.
    BadRedirectUrl = "bad-redirect-url",
    BadSend = "bad-send",
    /// A control character in the name.
    BadDisplayName = "bad-display-name",
    /// Not one of the words `reset` knows.
    BadReset = "bad-reset",
    /// An earlier row names the same guest.
    DuplicateUser = "duplicate-user",
    /// An earlier row moves another guest to the same address.
    DuplicateAddress = "duplicate-address",
    /// No domain, where a map of domains wants one.
    BadDomain = "bad-domain",
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_kebab_case_and_unlike_each_other() {
        let mut names: Vec<_> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
        for name in &names {
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{name}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ProblemCode::ALL.len());
    }

    #[test]
    fn problems_of_one_cause_are_one_with_every_place() {
        let mut problems = Problems::default();
        for (line, cell) in [(2, "a"), (4, "b"), (5, "c"), (9, "d")] {
            let place = Place { line, column: 3 };
            problems.push(place.problem(ProblemCode::BadSend, format!("`{cell}` is odd"), "x"));
            if line == 4 {
                problems.push(place.problem(ProblemCode::BadSend, "it is even", "x"));
            }
        }
        assert_eq!(problems.found(), 5);
        let problems = problems.into_sorted();
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[0].to_string(), "2:3: `a` is odd");
        assert_eq!(problems[0].places, [(2, 3), (4, 3), (5, 3), (9, 3)]);
        assert_eq!(problems[0].elsewhere().unwrap(), "4 times, lines 2, 4, 5, …");
        assert_eq!(problems[1].elsewhere(), None);
    }

    #[test]
    fn a_problem_begins_with_its_place() {
        let problem = Place { line: 7, column: 3 }.problem(ProblemCode::NoUser, "no guest", "add");
        assert_eq!(problem.to_string(), "7:3: no guest");
    }
}
