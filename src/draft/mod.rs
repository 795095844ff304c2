//! Whom a move is about, and where to: the guests of the domains that move, matched by a
//! rule or by a list of people. What is exact and unambiguous becomes a row of a manifest;
//! the rest is for a person, with candidates. Nobody is ever matched by likeness alone.
//!
//! Pure: the same directory, rules and list give the same draft. Leaves to others: reading
//! the directory (`graph`) and the list (`manifest`), the order of it all (`campaign`), and
//! writing what came of it (`manifest`).

mod candidates;
mod listed;
mod matching;
mod name;
mod people;
mod reason;
mod rules;
mod weigh;

#[cfg(test)]
mod tests;

use jiff::Timestamp;

pub use matching::match_guests;
pub use people::People;
pub use reason::{Doubt, Match, Omission};
pub use rules::{Rule, RuleError, Rules};

use crate::domain::{DirectoryUser, Email, UserId};
use crate::plan::Words;

/// What is to become of the guests whom the move is about. Each is in one of the lists.
#[derive(Debug, Default)]
pub struct Draft {
    /// The rows of the manifest.
    pub rows: Vec<Drafted>,
    /// What a person has to decide.
    pub review: Vec<Doubtful>,
    /// Who is not to be moved.
    pub left_out: Vec<LeftOut>,
    /// Rows of the list that name no guest of the tenant.
    pub not_guests: u64,
}

/// A guest, as a person knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    pub id: UserId,
    pub user_principal_name: Box<str>,
    pub mail: Option<Box<str>>,
    /// `displayName`.
    pub name: Option<Box<str>>,
    /// When it last signed in, where that is known.
    pub last_sign_in: Option<Timestamp>,
}

/// A guest and its new address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drafted {
    pub guest: Guest,
    pub new_email: Email,
    /// By what they were brought together.
    pub matched: Match,
    /// Where that stands.
    pub evidence: Box<str>,
}

/// A guest about whom a person has to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubtful {
    pub guest: Guest,
    pub doubt: Doubt,
    /// What is particular to this guest; empty where there is nothing.
    pub detail: Box<str>,
    /// Addresses that may be the new one.
    pub candidates: Vec<Candidate>,
}

/// An address that may be a guest's new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub address: Email,
    /// Why it may be.
    pub evidence: Box<str>,
}

/// A guest who is not to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub guest: Guest,
    pub words: Words,
    /// What is particular to this guest; empty where there is nothing.
    pub detail: Box<str>,
}

impl Doubtful {
    /// The doubt in a sentence about this guest, without full stop.
    pub fn sentence(&self) -> String {
        let about = self.doubt.words().about;
        match &*self.detail {
            "" => about.to_owned(),
            // The detail is a sentence that says it all.
            detail if self.doubt == Doubt::AddressTaken => detail.to_owned(),
            detail => format!("{about}: {detail}"),
        }
    }
}

impl From<&DirectoryUser> for Guest {
    fn from(user: &DirectoryUser) -> Self {
        Self {
            id: user.id,
            user_principal_name: user.user_principal_name.clone(),
            mail: user.mail.clone(),
            name: user.display_name.clone(),
            last_sign_in: None,
        }
    }
}
