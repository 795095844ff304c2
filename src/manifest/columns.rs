//! Which column is what: what single headings say, weighed against each other and
//! against what a person settled by hand.
//!
//! Leaves to others: the words of a heading (`heading`), the cells below (`cells`), and
//! choosing per row among the columns that name the guest (`rows`).

use super::cells::shown;
use super::detected::TakenColumn;
use super::heading::{Heading, cleaned, folded};
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
    Heading::of(heading)
        .is_some_and(|heading| matches!(heading.meaning(), Meaning::User | Meaning::NewEmail))
}

/// How much of a header a record is: whether it names the guest, whether it says what is
/// asked for, and the number of headings that are understood.
pub(super) fn likeness(record: &Record<'_>) -> (bool, bool, usize) {
    let headings: Vec<_> = record.cells.iter().filter_map(|cell| Heading::of(&cell.text)).collect();
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
        let mut known: Vec<Known> = (0..header.filled())
            .filter_map(|index| {
                let heading = Heading::of(header.text(index))?;
                Some(Known { index, heading, meaning: heading.meaning() })
            })
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
        Self::set_aside_email(&mut known);
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
    fn set_aside_email(known: &mut Vec<Known>) {
        let is_clear = |known: &Known| {
            known.meaning == Meaning::User
                && !known.heading.is_everyday()
                && known.heading != Heading::Id
        };
        let has_new = known.iter().any(|known| known.meaning == Meaning::NewEmail);
        if has_new && known.iter().any(is_clear) {
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

    /// The problem of a header without a column of new addresses, where no row asks for
    /// a reset. `holds_addresses` says per column whether its cells look like addresses.
    pub(super) fn missing_new_address(&self, holds_addresses: &[bool]) -> RowProblem {
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

    /// Extra columns that were probably meant to be known ones the manifest does
    /// not have, with what they were meant to be.
    pub(super) fn misspelt(&self) -> Vec<(&str, &'static str)> {
        let absent = |meaning: Meaning| self.of(meaning).next().is_none();
        let meant = |index: &usize| {
            let header = self.headers[*index].as_str();
            nearest(header, absent).map(|name| (header, name))
        };
        self.extra.iter().filter_map(meant).collect()
    }

    fn missing_user(&self, header: &Record<'_>) -> RowProblem {
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

/// How a person settles which of two columns is meant.
fn settle(meaning: &str, headings: [&str; 2]) -> String {
    format!(
        "say which with --column {meaning}=\"{}\" or --column {meaning}=\"{}\", or under \
         [manifest] columns",
        headings[0], headings[1]
    )
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::delimited::Records;

    fn resolve(header: &str) -> (Columns, Vec<RowProblem>) {
        let header = Records::new(header, b',', 0, 1).next().unwrap();
        Columns::resolve(&header, &Options::default())
    }

    fn chosen(header: &str, meaning: Meaning, heading: &str) -> (Columns, Vec<RowProblem>) {
        let header = Records::new(header, b',', 0, 1).next().unwrap();
        let columns = vec![ColumnChoice { meaning, heading: heading.to_owned() }];
        Columns::resolve(&header, &Options { columns, ..Options::default() })
    }

    fn indices(columns: &Columns, meaning: Meaning) -> Vec<usize> {
        columns.of(meaning).collect()
    }

    fn codes(problems: &[RowProblem]) -> Vec<(&'static str, u32)> {
        problems.iter().map(|problem| (problem.code.as_str(), problem.column)).collect()
    }

    #[test]
    fn columns_that_name_the_guest_are_ranked_by_name_not_by_position() {
        let (columns, problems) = resolve("mail,upn,email,id,Object Id,new email,department,");
        assert_eq!(problems, []);
        assert_eq!(indices(&columns, Meaning::User), [4, 3, 1, 0]);
        assert_eq!(indices(&columns, Meaning::NewEmail), [5]);
        assert_eq!(columns.extra, [2, 6]);
        assert!(!columns.invitee_names_guest());
    }

    #[test]
    fn email_is_never_the_new_address() {
        for (header, guest, extra) in [
            ("Email,New Email Address", &[0][..], &[][..]),
            ("id,Email,New Email Address", &[0, 1], &[]),
            ("user,Email,new_email", &[0], &[1]),
            ("E-Mail,note", &[0], &[1]),
        ] {
            let (columns, problems) = resolve(header);
            assert_eq!(problems, [], "{header}");
            assert_eq!((&columns.guest[..], &columns.extra[..]), (guest, extra), "{header}");
        }
        for header in ["user,email", "id,Email Address,reset", "mail,E-Mail"] {
            let (_, problems) = resolve(header);
            assert_eq!(problems.len(), 1, "{header}");
            assert_eq!(problems[0].code, ProblemCode::AmbiguousColumn);
            assert!(problems[0].advice.contains("--column current_email="), "{header}");
        }
        for meaning in [Meaning::User, Meaning::NewEmail] {
            let (columns, problems) = chosen("user,email", meaning, "E-mail");
            assert_eq!(problems, []);
            assert_eq!(columns.of(meaning).collect::<Vec<_>>(), [1]);
        }
    }

    #[test]
    fn the_portal_template_names_guests_by_the_invited_address() {
        let (columns, problems) = resolve(
            "Email address to invite [inviteeEmail] Required,Redirection url [inviteRedirectURL] \
             Required,Send invitation message (true or false) [sendEmail],Customized invitation \
             message [customizedMessageBody]",
        );
        assert_eq!(problems, []);
        assert!(columns.invitee_names_guest());
        let meanings: Vec<_> = columns.taken().into_iter().map(|taken| taken.meaning).collect();
        assert_eq!(
            meanings,
            [Meaning::NewEmail, Meaning::RedirectUrl, Meaning::Send, Meaning::Message]
        );
    }

    #[test]
    fn two_columns_of_one_meaning_are_asked_about() {
        for (header, expected) in [
            (
                "user,new_email,User,New Email",
                &[("duplicate-column", 16), ("duplicate-column", 21)][..],
            ),
            ("user,New UPN,New Email", &[("ambiguous-column", 14)]),
            ("user,new_email,message,Nachricht", &[("ambiguous-column", 24)]),
        ] {
            assert_eq!(codes(&resolve(header).1), expected, "{header}");
        }
        let (columns, problems) = chosen("user,New UPN,New Email", Meaning::NewEmail, "new email");
        assert_eq!(problems, []);
        assert_eq!((indices(&columns, Meaning::NewEmail), &columns.extra[..]), (vec![2], &[1][..]));
        let (_, problems) = chosen("user,new_email", Meaning::NewEmail, "Neue Adresse");
        assert_eq!(codes(&problems), [("missing-column", 1)]);
        assert_eq!(problems[0].advice, "the headings are `user`, `new_email`");
    }

    #[test]
    fn a_missing_guest_column_is_explained() {
        for (header, column, advice) in [
            ("new_email,usre", 11, "`usre` looks like `user`; one column must be named `user`,"),
            ("name,new_email", 1, "one column must be named `user`, `object_id`,"),
            ("4711,ada@fabrikam.example", 6, "this line looks like data"),
        ] {
            let (_, problems) = resolve(header);
            assert_eq!(codes(&problems), [("missing-column", column)], "{header}");
            assert!(problems[0].advice.starts_with(advice), "{}", problems[0].advice);
        }
    }

    #[test]
    fn slips_are_noticed_and_other_words_are_not() {
        let (columns, _) = resolve("user,mesage,redirect-ulr,language,langauge");
        assert_eq!(columns.misspelt(), [("mesage", "message"), ("redirect-ulr", "redirect_url")]);
        let (columns, _) = resolve(
            "id,surname,givenName,userType,jobTitle,department,accountEnabled,usageLocation,\
             streetAddress,state,country,officeLocation,city,postalCode,telephoneNumber,\
             mobilePhone,alternateEmailAddress,ageGroup,consentProvidedForMinor,\
             legalAgeGroupClassification,companyName,creationType,directorySynced,\
             invitationState,identityIssuer,createdDateTime,authenticationEmail,notes,manager",
        );
        assert_eq!(columns.misspelt(), []);
    }
}
