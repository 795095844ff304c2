//! From records to rows: every cell understood, every problem kept.
//!
//! Leaves to others: splitting the file into records (`table`), and what is said
//! about a whole file (`detected`).

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{GuestRef, Message, RedirectUrl};

use super::cells::{self, Fault};
use super::columns::{Columns, Meaning};
use super::duplicates::Claims;
use super::problem::{ProblemCode, RowProblem};
use super::record::Record;
use super::row::{Reset, Row};
use super::written::Written;

/// A row with problems: what it takes to account for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidRow {
    /// Line of the file on which the row begins, from 1.
    pub line: u32,
    /// The cell naming the guest, as written.
    pub user: String,
    /// The cell with the new address, as written.
    pub new_email: String,
}

/// Reads the rows of one manifest.
#[derive(Debug)]
pub(super) struct Rows<'c> {
    columns: &'c Columns,
    /// What the number of cells may be.
    width: Width,
    /// Rows are kept only under a header that is beyond doubt.
    header_is_sound: bool,
    claims: Claims,
    messages: HashMap<Box<str>, Arc<Message>>,
    redirect_urls: HashMap<Box<str>, Arc<RedirectUrl>>,
    used: Vec<bool>,
    sound: Vec<Row>,
    invalid: Vec<InvalidRow>,
    problems: Vec<RowProblem>,
    written: Written,
}

/// How many cells a row must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// As many as the header; more only if they are empty.
    AsHeader(usize),
    /// The format leaves empty cells out, so no more than the header.
    UpToHeader(usize),
}

/// What became of all records.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) rows: Vec<Row>,
    pub(super) invalid: Vec<InvalidRow>,
    pub(super) problems: Vec<RowProblem>,
    /// Per column of the header, whether any row took its cell.
    pub(super) used: Vec<bool>,
    /// The rows as they were written.
    pub(super) written: Written,
}

/// A cell chosen among the columns of one meaning.
#[derive(Debug, Clone, Copy)]
struct Chosen<'r> {
    index: usize,
    text: &'r str,
}

impl<'c> Rows<'c> {
    /// Reads rows under a header; `problems` are the header's own.
    pub(super) fn new(
        columns: &'c Columns,
        width: Width,
        problems: Vec<RowProblem>,
        written: Written,
    ) -> Self {
        Self {
            columns,
            width,
            header_is_sound: problems.is_empty(),
            claims: Claims::default(),
            messages: HashMap::new(),
            redirect_urls: HashMap::new(),
            used: vec![false; columns.headers.len()],
            sound: Vec::new(),
            invalid: Vec::new(),
            problems,
            written,
        }
    }

    pub(super) fn take(&mut self, record: &Record<'_>) {
        if record.is_blank() {
            return;
        }
        self.written.keep(record);
        let found = self.problems.len();
        self.problems.extend_from_slice(&record.defects);
        let row = if record.broken || !self.has_the_right_width(record) {
            None
        } else {
            self.understand(record)
        };
        match row {
            Some(row) if self.problems.len() == found && self.header_is_sound => {
                self.sound.push(row);
            }
            _ => self.invalid.push(InvalidRow {
                line: record.line,
                user: self.guest_cell(record).text.to_owned(),
                new_email: self.cell(record, Meaning::NewEmail).text.to_owned(),
            }),
        }
    }

    /// Sets aside what later rows contradict, and hands everything over.
    pub(super) fn finish(mut self) -> Read {
        let (contradicted, rows) =
            self.sound.into_iter().partition(|row: &Row| self.claims.contradicts(row.line));
        let set_aside: Vec<Row> = contradicted;
        self.invalid.extend(set_aside.into_iter().map(|row| InvalidRow {
            line: row.line,
            user: row.user.to_string(),
            new_email: row.new_email.map(String::from).unwrap_or_default(),
        }));
        self.invalid.sort_by_key(|row| row.line);
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        let Self { invalid, problems, used, written, .. } = self;
        Read { rows, invalid, problems, used, written }
    }

    fn has_the_right_width(&mut self, record: &Record<'_>) -> bool {
        let (found, filled) = (record.cells.len(), record.filled());
        let count = |cells: usize| format!("{cells} cell{}", if cells == 1 { "" } else { "s" });
        let (index, problem, advice) = match self.width {
            Width::UpToHeader(width) | Width::AsHeader(width)
                if filled <= width && (found >= width || self.width != Width::AsHeader(width)) =>
            {
                return true;
            }
            // The first cell too many shows where the row went astray.
            Width::AsHeader(width) => (
                if filled > width { width } else { found - 1 },
                format!("this row has {}, the header has {width}", count(found)),
                "put a cell that contains the delimiter in quotes, and leave empty cells in place",
            ),
            Width::UpToHeader(width) => (
                filled - 1,
                format!("this cell is beyond the header, which has {}", count(width)),
                "name its column in the header, or clear the cell",
            ),
        };
        self.problems.push(record.place(index).problem(
            ProblemCode::WrongCellCount,
            problem,
            advice,
        ));
        false
    }

    /// The cell that counts among the columns of one meaning.
    fn cell<'r>(&self, record: &'r Record<'_>, meaning: Meaning) -> Chosen<'r> {
        choose(record, self.columns.of(meaning))
    }

    /// The cell that names the guest.
    fn guest_cell<'r>(&self, record: &'r Record<'_>) -> Chosen<'r> {
        choose(record, self.columns.guest.iter().copied())
    }

    /// Parses the chosen cell, if it is not empty, and keeps what is wrong.
    fn parse<T>(
        &mut self,
        record: &Record<'_>,
        meaning: Meaning,
        parse: impl FnOnce(&mut Self, &str) -> Result<T, Fault>,
    ) -> Option<T> {
        let Chosen { index, text } = self.cell(record, meaning);
        if text.is_empty() {
            return None;
        }
        self.used[index] = true;
        let parsed = parse(self, text);
        parsed.map_err(|fault| self.problems.push(fault.at(record.place(index)))).ok()
    }

    /// The row, as far as it can be understood. It is complete only if no
    /// problem was found on the way.
    fn understand(&mut self, record: &Record<'_>) -> Option<Row> {
        if self.is_the_templates_example(record) {
            return None;
        }
        let user = self.user(record);
        let new_email = self.parse(record, Meaning::NewEmail, |_, text| cells::new_email(text));
        let user_at = self.guest_cell(record).index;
        let address_at = self.cell(record, Meaning::NewEmail).index;
        let duplicates = self.claims.enter(
            record,
            user.as_ref().map(|user| (user, user_at)),
            new_email.as_ref().map(|email| (email, address_at)),
        );
        self.problems.extend(duplicates);
        let message = self.parse(record, Meaning::Message, |rows, text| {
            interned(&mut rows.messages, text, cells::message)
        });
        let cc = self.parse(record, Meaning::Cc, |_, text| cells::cc(text, new_email.as_ref()));
        let language = self.parse(record, Meaning::Language, |_, text| cells::language(text));
        let redirect_url = self.parse(record, Meaning::RedirectUrl, |rows, text| {
            interned(&mut rows.redirect_urls, text, cells::redirect_url)
        });
        let send = self.parse(record, Meaning::Send, |_, text| cells::send(text));
        let display_name =
            self.parse(record, Meaning::DisplayName, |_, text| cells::display_name(text));
        let reset = self.parse(record, Meaning::Reset, |_, text| cells::reset(text));
        Some(Row {
            line: record.line,
            user: user?,
            new_email,
            message,
            cc,
            language,
            redirect_url,
            send,
            display_name,
            reset: reset.unwrap_or(Reset::WhenMoved),
            extra: self.columns.extra.iter().map(|&index| record.text(index).into()).collect(),
        })
    }

    /// The guest. A header without a column for it bears that problem itself.
    fn user(&mut self, record: &Record<'_>) -> Option<GuestRef> {
        if self.columns.guest.is_empty() {
            return None;
        }
        let Chosen { index, text } = self.guest_cell(record);
        if text.is_empty() {
            let place = record.place(index);
            let known = |p: &RowProblem| (p.line, p.column) == (place.line, place.column);
            if !record.defects.iter().any(known) {
                self.problems.push(place.problem(
                    ProblemCode::NoUser,
                    "this row names no guest",
                    format!(
                        "fill in `{}`, or delete the row",
                        cells::shown(&self.columns.headers[index])
                    ),
                ));
            }
            return None;
        }
        self.used[index] = true;
        match cells::user(text) {
            Ok(user) => Some(user),
            // The same cell is read as the new address too, and reported there.
            Err(_)
                if self.columns.invitee_names_guest()
                    && self.cell(record, Meaning::NewEmail).index == index =>
            {
                None
            }
            Err(fault) => {
                self.problems.push(fault.at(record.place(index)));
                None
            }
        }
    }

    fn is_the_templates_example(&mut self, record: &Record<'_>) -> bool {
        if self.columns.invitee.is_none() {
            return false;
        }
        let first = record.text(0).to_ascii_lowercase();
        let address = self.cell(record, Meaning::NewEmail).text;
        let example =
            first.starts_with("example:") || address.eq_ignore_ascii_case("example@example.com");
        if example {
            self.problems.push(record.place(0).problem(
                ProblemCode::ExampleRow,
                "this is the example row of the portal's template",
                "delete the row",
            ));
        }
        example
    }
}

/// The first cell that is not empty; else an empty text in the foremost column.
fn choose<'r>(record: &'r Record<'_>, columns: impl Iterator<Item = usize>) -> Chosen<'r> {
    let mut foremost = None;
    for index in columns {
        let text = record.text(index);
        if !text.is_empty() {
            return Chosen { index, text };
        }
        foremost.get_or_insert(index);
    }
    Chosen { index: foremost.unwrap_or_default(), text: "" }
}

/// Equal texts share one allocation: a manifest repeats one message thousands of
/// times.
fn interned<T>(
    known: &mut HashMap<Box<str>, Arc<T>>,
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, Fault>,
) -> Result<Arc<T>, Fault> {
    if let Some(value) = known.get(text) {
        return Ok(Arc::clone(value));
    }
    let value = Arc::new(parse(text)?);
    known.insert(text.into(), Arc::clone(&value));
    Ok(value)
}
