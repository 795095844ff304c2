//! Which column is what: what single headings say, weighed against each other and
//! against what a person settled by hand.
//!
//! Leaves to others: the words of a heading (`heading`), the cells below (`cells`), and
//! choosing per row among the columns that name the guest (`rows`).

mod missing;

#[cfg(test)]
mod tests;

use super::cells::shown;
use super::detected::TakenColumn;
use super::heading::{Heading, Side, cleaned, folded, side};
use super::options::{ColumnChoice, Options};
use super::problem::{Place, ProblemCode, RowProblem};
use super::record::Record;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Meaning {
    User,
    /// The address to move to.
    NewEmail,
    /// Text of the invitation.
    Message,
    Cc,
    /// Language of Microsoft's text.
    Language,
    /// Where the guest lands after redeeming.
    RedirectUrl,
    /// Whether Microsoft mails the invitation.
    Send,
    /// Name shown in the invitation.
    DisplayName,
    /// Whether to reset a guest who already has the address.
    Reset,
}

impl Meaning {
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::NewEmail => "new_email",
            Self::Message => "message",
            Self::Cc => "cc",
            Self::Language => "language",
            Self::RedirectUrl => "redirect_url",
            Self::Send => "send",
            Self::DisplayName => "display_name",
            Self::Reset => "reset",
        }
    }

    /// The meaning of a name of the contract; `current_email` names the guest.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, meaning)| *meaning)
    }

    /// What the column says, for "names the guest".
    pub(super) const fn does(self) -> &'static str {
        match self {
            Self::User => "names the guest",
            Self::NewEmail => "gives the new address",
            Self::Message => "gives the message",
            Self::Cc => "gives the CC",
            Self::Language => "gives the language",
            Self::RedirectUrl => "gives the redirect URL",
            Self::Send => "says whether to send",
            Self::DisplayName => "gives the name",
            Self::Reset => "says whether to reset",
        }
    }
}

/// The names of the contract, which a slip of the pen is compared with.
const NAMES: &[(&str, Meaning)] = &[
    ("user", Meaning::User),
    ("object_id", Meaning::User),
    ("user_principal_name", Meaning::User),
    ("upn", Meaning::User),
    ("current_email", Meaning::User),
    ("old_email", Meaning::User),
    ("id", Meaning::User),
    ("mail", Meaning::User),
    ("new_email", Meaning::NewEmail),
    ("target_email", Meaning::NewEmail),
    ("message", Meaning::Message),
    ("cc", Meaning::Cc),
    ("cc_email", Meaning::Cc),
    ("language", Meaning::Language),
    ("redirect_url", Meaning::RedirectUrl),
    ("send", Meaning::Send),
    ("display_name", Meaning::DisplayName),
    ("reset", Meaning::Reset),
];

#[derive(Debug, Default)]
pub(super) struct Columns {
    /// Columns with a meaning, those of the guest in order of rank.
    known: Vec<Known>,
    /// Columns that name the guest, in order of rank.
    pub(super) guest: Vec<usize>,
    /// Columns without a meaning, in the order of the header.
    pub(super) extra: Vec<usize>,
    /// The header as written, cleaned; a nameless column is called by its number.
    pub(super) headers: Vec<String>,
    /// The column `[inviteeEmail]`: the manifest is the portal's template.
    pub(super) invitee: Option<usize>,
    /// `email`, where other columns name the guest and the new address.
    pub(super) set_aside: Option<usize>,
    /// Where each heading stands.
    places: Vec<Place>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    index: usize,
    heading: Heading,
    meaning: Meaning,
}

/// Whether a heading says who is moved, or to which address.
pub(super) fn decides_who_moves(heading: &str) -> bool {
    side(heading).is_some()
        || Heading::of(heading)
            .is_some_and(|heading| matches!(heading.meaning(), Meaning::User | Meaning::NewEmail))
}

/// What the headings of a header are understood as, each alone or as one of a pair.
fn understood(header: &Record<'_>) -> Vec<(usize, Heading)> {
    let of = |index: usize| Some((index, Heading::of(header.text(index))?));
    let mut known: Vec<_> = (0..header.filled()).filter_map(of).collect();
    let sides: Vec<_> = (0..header.filled())
        .filter_map(|index| side(header.text(index)).map(|(pair, side)| (index, pair, side)))
        .collect();
    let [(first, pair, one), (second, other_pair, other)] = sides[..] else { return known };
    if pair == other_pair && one != other {
        known.retain(|(index, _)| *index != first && *index != second);
        for (index, side) in [(first, one), (second, other)] {
            known.push(match side {
                Side::Present => (index, Heading::PresentAddress),
                Side::New => (index, Heading::Means(Meaning::NewEmail)),
            });
        }
    }
    known
}

/// How much of a header a record is: whether it names the guest, whether it says what is
/// asked for, and the number of headings that are understood.
pub(super) fn likeness(record: &Record<'_>) -> (bool, bool, usize) {
    let headings: Vec<_> = understood(record).into_iter().map(|(_, heading)| heading).collect();
    let has = |meaning: Meaning| headings.iter().any(|heading| heading.meaning() == meaning);
    let invitee = headings.contains(&Heading::Invitee);
    (has(Meaning::User) || invitee, has(Meaning::NewEmail) || has(Meaning::Reset), headings.len())
}

impl Columns {
    /// Understands a header, or says all that is wrong with it.
    pub(super) fn resolve(header: &Record<'_>, options: &Options) -> (Self, Vec<RowProblem>) {
        let mut columns = Self::default();
        for index in 0..header.filled() {
            let text = cleaned(header.text(index));
            columns.places.push(header.place(index));
            columns.headers.push(if text.is_empty() {
                format!("column {}", index + 1)
            } else {
                text.into_owned()
            });
        }
        let mut problems = Vec::new();
        let mut known: Vec<Known> = understood(header)
            .into_iter()
            .map(|(index, heading)| Known { index, heading, meaning: heading.meaning() })
            .collect();
        for choice in &options.columns {
            match columns.chosen(choice) {
                Ok(index) => {
                    known.retain(|known| known.index != index && known.meaning != choice.meaning);
                    let heading = match choice.meaning {
                        Meaning::User => Heading::User,
                        meaning => Heading::Means(meaning),
                    };
                    known.push(Known { index, heading, meaning: choice.meaning });
                }
                Err(problem) => problems.push(problem),
            }
        }
        known.sort_by_key(|known| (known.heading, known.index));
        columns.place_invitee(&mut known, options);
        columns.set_aside_email(&mut known);
        problems.extend(columns.twice(&mut known));
        columns.guest =
            known.iter().filter(|k| k.meaning == Meaning::User).map(|k| k.index).collect();
        columns.known = known;
        if columns.invitee_names_guest() {
            columns.guest.extend(columns.invitee);
        }
        let is_known = |index: &usize| {
            columns.known.iter().any(|known| known.index == *index) || columns.guest.contains(index)
        };
        columns.extra = (0..header.filled()).filter(|index| !is_known(index)).collect();
        if columns.guest.is_empty() {
            problems.push(columns.missing_user(header));
        } else if !options.reset_only {
            problems.extend(columns.undecided_email());
        }
        (columns, problems)
    }

    /// The column that a person means by a heading.
    fn chosen(&self, choice: &ColumnChoice) -> Result<usize, RowProblem> {
        let wanted = folded(&choice.heading);
        let found: Vec<usize> = (0..self.headers.len())
            .filter(|index| folded(&self.headers[*index]) == wanted)
            .collect();
        let name = choice.meaning.name();
        match found.as_slice() {
            [index] => Ok(*index),
            [] => {
                Err(self.places.first().copied().unwrap_or(Place { line: 1, column: 1 }).problem(
                    ProblemCode::MissingColumn,
                    format!(
                        "no column is headed `{}`, which is to be `{name}`",
                        shown(&choice.heading)
                    ),
                    format!("the headings are {}", self.listed(0..self.headers.len())),
                ))
            }
            [_, second, ..] => Err(self.places[*second].problem(
                ProblemCode::DuplicateColumn,
                format!("two columns are headed `{}`", shown(&choice.heading)),
                "delete or rename one of the two",
            )),
        }
    }

    /// `[inviteeEmail]` gives the new address unless a column does so by name; where no
    /// other column names the guest, it does that as well.
    fn place_invitee(&mut self, known: &mut Vec<Known>, options: &Options) {
        let Some(invitee) = known.iter().find(|known| known.heading == Heading::Invitee).copied()
        else {
            return;
        };
        self.invitee = Some(invitee.index);
        let names_guest = known.iter().any(|known| known.meaning == Meaning::User);
        let is_clear =
            |known: &Known| known.meaning == Meaning::NewEmail && known.heading != Heading::Invitee;
        let moves = known.iter().any(is_clear) || options.reset_only && !names_guest;
        if !moves {
            return;
        }
        known.retain(|known| known.heading != Heading::Invitee);
        if !names_guest {
            known.push(Known { meaning: Meaning::User, ..invitee });
        }
    }

    /// `email` beside a clear name of the guest and a clear new address is neither.
    fn set_aside_email(&mut self, known: &mut Vec<Known>) {
        let is_clear = |known: &Known| {
            known.meaning == Meaning::User
                && !known.heading.is_everyday()
                && known.heading != Heading::Id
        };
        let has_new = known.iter().any(|known| known.meaning == Meaning::NewEmail);
        if has_new && known.iter().any(is_clear) {
            let email = known.iter().find(|known| known.heading == Heading::Email);
            self.set_aside = email.map(|known| known.index);
            known.retain(|known| known.heading != Heading::Email);
        }
    }

    /// Columns of one name, and columns of one meaning where only the guest may have
    /// several: nobody can tell which is meant.
    fn twice(&self, known: &mut Vec<Known>) -> Vec<RowProblem> {
        let mut problems = Vec::new();
        let mut kept: Vec<Known> = Vec::new();
        for this in known.drain(..) {
            let name = |known: &Known| folded(&self.headers[known.index]);
            let is_rival = |other: &&Known| {
                other.meaning == this.meaning
                    && (this.meaning != Meaning::User || name(other) == name(&this))
            };
            let Some(other) = kept.iter().find(is_rival).copied() else {
                kept.push(this);
                continue;
            };
            let (first, second) = (other.index.min(this.index), other.index.max(this.index));
            let headings = (shown(&self.headers[first]), shown(&self.headers[second]));
            let place = self.places[second];
            problems.push(if name(&other) == name(&this) {
                place.problem(
                    ProblemCode::DuplicateColumn,
                    format!("`{}` and `{}` are the same column", headings.0, headings.1),
                    "delete or rename one of the two",
                )
            } else {
                let meaning = this.meaning.name();
                place.problem(
                    ProblemCode::AmbiguousColumn,
                    format!("`{}` and `{}` may both be `{meaning}`", headings.0, headings.1),
                    settle(meaning, [&headings.0, &headings.1]),
                )
            });
        }
        *known = kept;
        problems
    }

    /// `email` beside another name of the guest, where no column is clearly the new
    /// address: it may be either.
    fn undecided_email(&self) -> Option<RowProblem> {
        let email = self.known.iter().find(|known| known.heading == Heading::Email)?;
        if self.of(Meaning::NewEmail).next().is_some() || self.guest.len() < 2 {
            return None;
        }
        let heading = shown(&self.headers[email.index]);
        Some(self.places[email.index].problem(
            ProblemCode::AmbiguousColumn,
            format!("`{heading}` may be the present address of the guest or the new one"),
            format!(
                "name the column `new_email` or `current_email`, or say which it is with \
                 --column new_email=\"{heading}\" or --column current_email=\"{heading}\""
            ),
        ))
    }

    fn listed(&self, indices: impl IntoIterator<Item = usize>) -> String {
        const SHOWN: usize = 12;
        let names: Vec<_> = indices
            .into_iter()
            .take(SHOWN)
            .map(|index| format!("`{}`", shown(&self.headers[index])))
            .collect();
        names.join(", ")
    }

    /// Whether the invited address has to name the guest as well.
    pub(super) fn invitee_names_guest(&self) -> bool {
        self.known
            .iter()
            .any(|known| known.heading == Heading::Invitee && known.meaning == Meaning::NewEmail)
            && !self.known.iter().any(|known| known.meaning == Meaning::User)
    }

    /// The columns of one meaning, in order of rank.
    pub(super) fn of(&self, meaning: Meaning) -> impl Iterator<Item = usize> {
        self.known.iter().filter(move |known| known.meaning == meaning).map(|known| known.index)
    }

    /// Whether a row may end before this column.
    pub(super) fn may_be_missing(&self, index: usize) -> bool {
        let meaning = self.known.iter().find(|known| known.index == index);
        meaning.is_none_or(|known| known.meaning != Meaning::NewEmail)
            && self.guest.iter().any(|guest| *guest < index)
    }

    /// Every column with a meaning, in the order of the header.
    pub(super) fn taken(&self) -> Vec<TakenColumn> {
        let mut known = self.known.clone();
        known.sort_unstable_by_key(|known| known.index);
        let taken = |known: Known| TakenColumn {
            index: known.index,
            header: self.headers[known.index].clone(),
            meaning: known.meaning,
        };
        known.into_iter().map(taken).collect()
    }
}

/// How a person settles which of two columns is meant.
fn settle(meaning: &str, headings: [&str; 2]) -> String {
    format!(
        "say which with --column {meaning}=\"{}\" or --column {meaning}=\"{}\", or under \
         [manifest] columns",
        headings[0], headings[1]
    )
}
