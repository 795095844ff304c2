//! From records to rows: every cell understood, every problem kept.
//!
//! Leaves to others: splitting the file into records (`table`), and what is said
//! about a whole file (`detected`).

mod guest;

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{Email, Message, RedirectUrl};

use super::cells::{self, Fault, shown};
use super::columns::{Columns, Meaning};
use super::dressing::{Undone, undress};
use super::duplicates::Claims;
use super::heading::cleaned;
use super::options::Options;
use super::problem::{ProblemCode, Problems, RowProblem};
use super::record::Record;
use super::row::{Reset, Row, Wish};
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

impl InvalidRow {
    /// A row of which nothing but the place is kept.
    fn at(line: u32) -> Self {
        Self { line, user: String::new(), new_email: String::new() }
    }
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
    options: &'c Options,
    /// Whether any row says that it wants a reset.
    asks_for_resets: bool,
    /// Per column, whether its cells look like addresses, as far as looked at.
    holds_addresses: Vec<bool>,
    undone: Undone,
    used: Vec<bool>,
    /// The rows without problems; none if they are only checked.
    sound: Vec<Row>,
    /// Line of every such row, and whether it asks for a reset only.
    sound_lines: Vec<(u32, bool)>,
    invalid: Vec<InvalidRow>,
    problems: Problems,
    written: Written,
}

/// What a row says of its new address.
enum Address {
    Given(Email),
    /// There is no cell for it, or an empty one.
    None,
    /// There is one that is no address.
    Bad,
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
    /// How many rows have no problem.
    pub(super) valid: usize,
    /// How many of them ask for a reset only.
    pub(super) resets: usize,
    pub(super) invalid: Vec<InvalidRow>,
    pub(super) problems: Vec<RowProblem>,
    /// Per column of the header, whether any row took its cell.
    pub(super) used: Vec<bool>,
    /// What was taken off addresses.
    pub(super) undone: Undone,
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
    /// Reads rows under a header that has these problems of its own.
    pub(super) fn new(
        columns: &'c Columns,
        width: Width,
        header_problems: Vec<RowProblem>,
        options: &'c Options,
        written: Written,
    ) -> Self {
        let header_is_sound = header_problems.is_empty();
        let mut problems = Problems::default();
        problems.extend(header_problems);
        Self {
            columns,
            width,
            header_is_sound,
            options,
            asks_for_resets: false,
            holds_addresses: vec![false; columns.headers.len()],
            undone: Undone::default(),
            claims: Claims::default(),
            messages: HashMap::new(),
            redirect_urls: HashMap::new(),
            used: vec![false; columns.headers.len()],
            sound: Vec::new(),
            sound_lines: Vec::new(),
            invalid: Vec::new(),
            problems,
            written,
        }
    }

    pub(super) fn take(&mut self, record: &Record<'_>) {
        if record.is_blank() {
            return;
        }
        if !self.options.only_check {
            self.written.keep(record);
        }
        let record = &*record.unguarded();
        let found = self.problems.found();
        self.problems.extend(record.defects.iter().cloned());
        let row = if record.broken || !self.has_the_right_width(record) {
            None
        } else {
            self.understand(record)
        };
        match row {
            Some(row) if self.problems.found() == found && self.header_is_sound => {
                self.sound_lines.push((row.line, row.wish.is_reset_only()));
                if !self.options.only_check || self.is_first_of_its_language(&row) {
                    self.sound.push(row);
                }
            }
            _ if self.options.only_check => self.invalid.push(InvalidRow::at(record.line)),
            _ => self.invalid.push(InvalidRow {
                line: record.line,
                user: self.guest_cell(record).text.to_owned(),
                new_email: self.cell(record, Meaning::NewEmail).text.to_owned(),
            }),
        }
    }

    /// Whether no row so far has its language and wants a mail, or wants none, like this one.
    fn is_first_of_its_language(&self, row: &Row) -> bool {
        let is_like = |other: &Row| other.language == row.language && other.send == row.send;
        !self.sound.iter().any(is_like)
    }

    /// Sets aside what later rows contradict, and hands everything over.
    pub(super) fn finish(mut self) -> Read {
        let is_contradicted = |line: u32| self.claims.contradicts(line);
        let (contradicted, rows): (Vec<Row>, Vec<Row>) =
            self.sound.into_iter().partition(|row| is_contradicted(row.line));
        if self.options.only_check {
            let lines = self.sound_lines.iter().map(|(line, _)| *line);
            self.invalid.extend(lines.filter(|line| is_contradicted(*line)).map(InvalidRow::at));
        } else {
            self.invalid.extend(contradicted.into_iter().map(|row| InvalidRow {
                line: row.line,
                user: row.user.to_string(),
                new_email: row.wish.address().map(ToString::to_string).unwrap_or_default(),
            }));
        }
        self.sound_lines.retain(|(line, _)| !is_contradicted(*line));
        let valid = self.sound_lines.len();
        let resets = self.sound_lines.iter().filter(|(_, is_reset)| *is_reset).count();
        self.invalid.sort_by_key(|row| row.line);
        let has_new_addresses = self.columns.of(Meaning::NewEmail).next().is_some();
        let mut problems = self.problems.into_sorted();
        if self.header_is_sound
            && !has_new_addresses
            && !self.options.reset_only
            && !self.asks_for_resets
            && !self.invalid.is_empty()
        {
            // One cause: what every row lacks is a column.
            problems.retain(|problem| problem.code != ProblemCode::MissingAddress);
            problems.insert(0, self.columns.missing_new_address(&self.holds_addresses));
            problems.sort_by_key(|problem| (problem.line, problem.column));
        }
        let Self { invalid, used, undone, written, .. } = self;
        Read { rows, valid, resets, invalid, problems, used, undone, written }
    }

    fn has_the_right_width(&mut self, record: &Record<'_>) -> bool {
        let (found, filled) = (record.cells.len(), record.filled());
        let count = |cells: usize| format!("{cells} cell{}", if cells == 1 { "" } else { "s" });
        let (index, problem, advice) = match self.width {
            Width::UpToHeader(width) if filled <= width => return true,
            Width::AsHeader(width) if filled <= width && self.may_end_at(found, width) => {
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

    /// Whether a row of so many cells lacks none that it needs. Excel leaves the last
    /// cells of a row out where a block of rows has nothing in them.
    fn may_end_at(&self, found: usize, width: usize) -> bool {
        found >= width || (found..width).all(|index| self.columns.may_be_missing(index))
    }

    /// The cell that counts among the columns of one meaning.
    fn cell<'r>(&self, record: &'r Record<'_>, meaning: Meaning) -> Chosen<'r> {
        choose(record, self.columns.of(meaning))
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
        let parsed = cells::error_value(text).map_or_else(|| parse(self, text), Err);
        parsed.map_err(|fault| self.problems.push(fault.at(record.place(index)))).ok()
    }

    /// The row, as far as it can be understood. It is complete only if no
    /// problem was found on the way.
    fn understand(&mut self, record: &Record<'_>) -> Option<Row> {
        if self.is_the_templates_example(record) || self.is_the_header_again(record) {
            return None;
        }
        if self.is_no_row(record) {
            self.no_row(record);
            return None;
        }
        let user = self.user(record);
        let address = self.address(record);
        let new_email = match &address {
            Address::Given(email) => Some(email),
            Address::None | Address::Bad => None,
        };
        let user_at = self.guest_cell(record).index;
        let address_at = self.cell(record, Meaning::NewEmail).index;
        let duplicates = self.claims.enter(
            record,
            user.as_ref().map(|user| (user, user_at)),
            new_email.map(|email| (email, address_at)),
        );
        self.problems.extend(duplicates);
        let message = self.parse(record, Meaning::Message, |rows, text| {
            if rows.options.only_check {
                return cells::message(text).map(Arc::new);
            }
            interned(&mut rows.messages, text, cells::message)
        });
        let cc = self.parse(record, Meaning::Cc, |rows, text| {
            let (text, taken) = undress(text);
            rows.undone.add(&taken);
            cells::ccs(text, new_email, rows.options.several_cc)
        });
        let (cc, more_cc) = match cc {
            Some((first, more)) => (Some(first), more),
            None => (None, Box::default()),
        };
        let language = self.parse(record, Meaning::Language, |_, text| cells::language(text));
        let redirect_url = self.parse(record, Meaning::RedirectUrl, |rows, text| {
            interned(&mut rows.redirect_urls, text, cells::redirect_url)
        });
        let send = self.parse(record, Meaning::Send, |_, text| cells::send(text));
        let display_name =
            self.parse(record, Meaning::DisplayName, |_, text| cells::display_name(text));
        let reset = self.parse(record, Meaning::Reset, |_, text| cells::reset(text));
        self.asks_for_resets |= reset == Some(true);
        let wants_reset = reset.unwrap_or(self.options.reset_only);
        let wish = match address {
            Address::Given(email) => Some(Wish::Move(email)),
            Address::None if wants_reset => Some(Wish::ResetOnly),
            Address::None => {
                self.missing_address(record);
                None
            }
            Address::Bad => None,
        };
        Some(Row {
            line: record.line,
            also: user.as_ref().map(|user| self.also(record, user)).unwrap_or_default(),
            user: user?,
            wish: wish?,
            message,
            cc,
            more_cc,
            language,
            redirect_url,
            send,
            display_name,
            reset: if reset == Some(true) { Reset::Always } else { Reset::WhenMoved },
            extra: self.columns.extra.iter().map(|&index| record.text(index).into()).collect(),
        })
    }

    fn address(&mut self, record: &Record<'_>) -> Address {
        let Chosen { index, text } = self.cell(record, Meaning::NewEmail);
        if text.is_empty() {
            return Address::None;
        }
        self.used[index] = true;
        let (text, taken) = undress(text);
        self.undone.add(&taken);
        match cells::new_email(text) {
            Ok(email) => Address::Given(email),
            Err(fault) => {
                self.problems.push(fault.at(record.place(index)));
                Address::Bad
            }
        }
    }

    fn missing_address(&mut self, record: &Record<'_>) {
        if self.columns.of(Meaning::NewEmail).next().is_none() {
            for (index, holds) in self.holds_addresses.iter_mut().enumerate() {
                *holds |= record.text(index).contains('@');
            }
        }
        let name = |meaning: Meaning| {
            let index = self.columns.of(meaning).next()?;
            Some((index, shown(&self.columns.headers[index])))
        };
        let (address, reset) = (name(Meaning::NewEmail), name(Meaning::Reset));
        let index = address.as_ref().or(reset.as_ref()).map_or(0, |(index, _)| *index);
        // What kept the address from being read is the problem then.
        if !record.defects.is_empty() || !self.header_is_sound {
            return;
        }
        let fill_in = match address {
            Some((_, heading)) => format!("fill in `{heading}`"),
            None => "give a column `new_email`".to_owned(),
        };
        let reset = reset.map_or("reset".to_owned(), |(_, heading)| heading);
        self.problems.push(record.place(index).problem(
            ProblemCode::MissingAddress,
            "this row gives no new address, and does not ask for a reset",
            format!(
                "{fill_in}; or, to reset the guest at the present address, write always in \
                 `{reset}`, or say --reset-only for the whole file"
            ),
        ));
    }

    fn is_the_header_again(&mut self, record: &Record<'_>) -> bool {
        let headings = &self.columns.headers;
        let is_again = record.filled() > 1
            && (0..record.filled()).all(|index| {
                headings.get(index).is_some_and(|heading| cleaned(record.text(index)) == *heading)
            });
        if is_again {
            self.problems.push(record.place(0).problem(
                ProblemCode::RepeatedHeader,
                "this line is the header once more",
                "delete the line",
            ));
        }
        is_again
    }

    fn is_the_templates_example(&mut self, record: &Record<'_>) -> bool {
        let Some(invitee) = self.columns.invitee else { return false };
        let first = record.text(0).to_ascii_lowercase();
        let address = record.text(invitee);
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
