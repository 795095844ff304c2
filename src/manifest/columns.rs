//! What the header's names mean.
//!
//! Leaves to others: the cells below them (`cells`), and choosing per row among
//! several columns of one meaning (`rows`).

use super::cells::shown;
use super::detected::TakenColumn;
use super::problem::{ProblemCode, RowProblem};
use super::record::{Record, trim};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

/// The names a column may have. Among columns of one meaning the order is rank:
/// per row the first that is not empty counts. An object id ranks first because
/// it names one object and outlives the move.
const NAMES: &[(&str, Meaning)] = &[
    ("id", Meaning::User),
    ("object_id", Meaning::User),
    ("user", Meaning::User),
    ("user_principal_name", Meaning::User),
    ("upn", Meaning::User),
    ("current_email", Meaning::User),
    ("old_email", Meaning::User),
    ("mail", Meaning::User),
    ("new_email", Meaning::NewEmail),
    (INVITEE_EMAIL, Meaning::NewEmail),
    ("target_email", Meaning::NewEmail),
    ("email", Meaning::NewEmail),
    ("message", Meaning::Message),
    ("[customizedMessageBody]", Meaning::Message),
    ("cc", Meaning::Cc),
    ("cc_email", Meaning::Cc),
    ("language", Meaning::Language),
    ("redirect_url", Meaning::RedirectUrl),
    ("[inviteRedirectURL]", Meaning::RedirectUrl),
    ("send", Meaning::Send),
    ("[sendEmail]", Meaning::Send),
    ("display_name", Meaning::DisplayName),
    ("reset", Meaning::Reset),
];

/// The portal template's only address. In a manifest that names no guest
/// otherwise it names the guest as well.
const INVITEE_EMAIL: &str = "[inviteeEmail]";

#[derive(Debug, Default)]
pub(super) struct Columns {
    /// Columns with a meaning, in order of rank.
    known: Vec<Known>,
    /// Columns that name the guest, in order of rank.
    pub(super) guest: Vec<usize>,
    /// Columns without one, in the order of the header.
    pub(super) extra: Vec<usize>,
    /// The header as written, trimmed; a nameless column is called by its number.
    pub(super) headers: Vec<String>,
    /// The column `[inviteeEmail]`: the manifest is the portal's template.
    pub(super) invitee: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    index: usize,
    meaning: Meaning,
}

/// Whether a header cell is one of the known names.
pub(super) fn is_known(header: &str) -> bool {
    rank(header).is_some()
}

/// Whether a heading says who is moved, or to which address.
pub(super) fn decides_who_moves(header: &str) -> bool {
    rank(trim(header))
        .is_some_and(|rank| matches!(NAMES[rank].1, Meaning::User | Meaning::NewEmail))
}

/// A name in the form in which two spellings of it are equal: the property name
/// in brackets if there is one, without case, blanks, dashes and underscores.
pub(super) fn folded(header: &str) -> String {
    let property = header.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    let name = property.map_or(header, |(name, _)| name);
    trim(name)
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

fn rank(header: &str) -> Option<usize> {
    let wanted = folded(header);
    NAMES.iter().position(|(name, _)| folded(name) == wanted)
}

impl Columns {
    /// Understands a header, or says all that is wrong with it.
    pub(super) fn resolve(header: &Record<'_>) -> (Self, Vec<RowProblem>) {
        let mut columns = Self::default();
        let mut problems = Vec::new();
        let mut ranked: Vec<(usize, usize)> = Vec::new();
        for index in 0..header.filled() {
            let text = header.text(index);
            match rank(text) {
                Some(rank) => match ranked.iter().find(|(other, _)| *other == rank) {
                    Some(&(_, first)) => problems.push(header.place(index).problem(
                        ProblemCode::DuplicateColumn,
                        format!(
                            "`{}` and `{}` are the same column",
                            shown(header.text(first)),
                            shown(text)
                        ),
                        "delete or rename one of the two",
                    )),
                    None => ranked.push((rank, index)),
                },
                None => columns.extra.push(index),
            }
            columns.headers.push(if text.is_empty() {
                format!("column {}", index + 1)
            } else {
                text.to_owned()
            });
        }
        ranked.sort_unstable();
        for (rank, index) in ranked {
            let (name, meaning) = NAMES[rank];
            if name == INVITEE_EMAIL {
                columns.invitee = Some(index);
            }
            columns.known.push(Known { index, meaning });
        }
        columns.guest = columns.of(Meaning::User).collect();
        if columns.guest.is_empty() {
            match columns.invitee {
                Some(invitee) => columns.guest.push(invitee),
                None => problems.push(columns.missing_user(header)),
            }
        }
        (columns, problems)
    }

    /// Whether the invited address has to name the guest as well.
    pub(super) fn invitee_names_guest(&self) -> bool {
        self.invitee.is_some_and(|invitee| self.guest == [invitee])
    }

    /// The columns of one meaning, in order of rank.
    pub(super) fn of(&self, meaning: Meaning) -> impl Iterator<Item = usize> {
        self.known.iter().filter(move |known| known.meaning == meaning).map(|known| known.index)
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
        let accepted = format!("one column must be named {}", names.join(", "));
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
        Columns::resolve(&Records::new(header, b',', 0, 1).next().unwrap())
    }

    fn indices(columns: &Columns, meaning: Meaning) -> Vec<usize> {
        columns.of(meaning).collect()
    }

    #[test]
    fn spellings_of_one_name_are_one() {
        for header in [
            "userPrincipalName",
            "user_principal_name",
            " User Principal Name\u{a0}",
            "USER-PRINCIPAL-NAME",
            "Name of the guest [userPrincipalName] Required",
        ] {
            assert_eq!(folded(header), "userprincipalname");
            assert_eq!(indices(&resolve(header).0, Meaning::User), [0], "{header}");
        }
        assert_eq!(folded("objectId"), folded("Object Id"));
    }

    #[test]
    fn no_two_names_fold_to_the_same() {
        let mut names: Vec<_> = NAMES.iter().map(|(name, _)| folded(name)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), NAMES.len());
    }

    #[test]
    fn columns_of_one_meaning_are_ranked_by_name_not_by_position() {
        let (columns, problems) = resolve("mail,upn,email,Object Id,new email,id,department,");
        assert_eq!(problems, []);
        assert_eq!(indices(&columns, Meaning::User), [5, 3, 1, 0]);
        assert_eq!(indices(&columns, Meaning::NewEmail), [4, 2]);
        assert_eq!(columns.extra, [6]);
        assert!(!columns.invitee_names_guest());
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
    fn two_spellings_in_one_header_are_a_duplicate() {
        let (_, problems) = resolve("user,new_email,User,New Email");
        let places: Vec<_> = problems.iter().map(|p| (p.code.as_str(), p.column)).collect();
        assert_eq!(places, [("duplicate-column", 16), ("duplicate-column", 21)]);
    }

    #[test]
    fn a_missing_guest_column_is_explained() {
        for (header, column, advice) in [
            ("new_email,usre", 11, "`usre` looks like `user`; one column must be named `id`,"),
            ("name,new_email", 1, "one column must be named `id`, `object_id`, `user`,"),
            ("4711,ada@fabrikam.example", 6, "this line looks like data"),
        ] {
            let (_, problems) = resolve(header);
            assert_eq!(problems.len(), 1, "{header}");
            assert_eq!(
                (problems[0].code, problems[0].column),
                (ProblemCode::MissingColumn, column)
            );
            assert!(problems[0].advice.starts_with(advice), "{}", problems[0].advice);
        }
    }

    #[test]
    fn slips_are_noticed_and_other_words_are_not() {
        let (columns, _) = resolve("user,mesage,newmail,redirect-uri,language,langauge");
        assert_eq!(
            columns.misspelt(),
            [("mesage", "message"), ("newmail", "new_email"), ("redirect-uri", "redirect_url")]
        );
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
