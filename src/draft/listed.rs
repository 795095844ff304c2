//! Which rows of a list name which guest, and how.
//!
//! Leaves to others: what that is worth (`matching`).

use std::collections::{HashMap, HashSet};

use crate::domain::{Directory, DirectoryUser, GuestRef, UserId};

use super::name;
use super::people::{People, Person};
use super::reason::Match;
use super::rules::parts;

/// A list, looked up by guest.
#[derive(Debug)]
pub(super) struct Listed<'a> {
    people: &'a People,
    by_guest: HashMap<UserId, Vec<Naming>>,
    by_name: HashMap<String, Vec<usize>>,
    /// Rows that name nobody.
    pub(super) nobody: u64,
}

/// A row that names a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Naming {
    pub(super) row: usize,
    pub(super) how: Match,
    pub(super) whom: Whom,
}

/// Whom a row names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whom {
    /// This guest and nobody else.
    One,
    /// Its cells name different users.
    Two,
    /// A cell names several users.
    Several,
}

impl<'a> Listed<'a> {
    pub(super) fn new(people: &'a People, directory: &Directory) -> Self {
        let mut listed =
            Self { people, by_guest: HashMap::new(), by_name: HashMap::new(), nobody: 0 };
        for (row, person) in people.persons.iter().enumerate() {
            listed.enter(row, person, directory);
            if let Some(key) = person.name.as_deref().and_then(name::key) {
                listed.by_name.entry(key).or_default().push(row);
            }
        }
        listed
    }

    fn enter(&mut self, row: usize, person: &Person, directory: &Directory) {
        let mut found: Vec<(&DirectoryUser, Match)> = Vec::new();
        let mut several = false;
        for reference in &person.references {
            let users = match reference {
                GuestRef::Id(id) => directory.user(*id).into_iter().collect(),
                GuestRef::Name(name) => directory.users_named(name),
            };
            several |= users.len() > 1;
            found.extend(users.into_iter().map(|user| (user, how(user, reference))));
        }
        let ids: HashSet<UserId> = found.iter().map(|(user, _)| user.id).collect();
        let whom = match ids.len() {
            0 => {
                self.nobody += 1;
                return;
            }
            1 => Whom::One,
            _ if several => Whom::Several,
            _ => Whom::Two,
        };
        for id in ids {
            // The firmest of the ways in which the row names the guest.
            let hows = found.iter().filter(|(user, _)| user.id == id).map(|(_, how)| *how);
            if let Some(how) = hows.min() {
                self.by_guest.entry(id).or_default().push(Naming { row, how, whom });
            }
        }
    }

    /// The rows that name a guest, in the order of the list.
    pub(super) fn of(&self, guest: UserId) -> &[Naming] {
        self.by_guest.get(&guest).map_or(&[], Vec::as_slice)
    }

    pub(super) fn person(&self, row: usize) -> &'a Person {
        &self.people.persons[row]
    }

    /// Rows of the guest's name whose old address, if there is one, is at this domain.
    pub(super) fn of_name<'s>(
        &'s self,
        guest: &DirectoryUser,
        domain: &'s str,
    ) -> impl Iterator<Item = &'a Person> + use<'s, 'a> {
        let key = guest.display_name.as_deref().and_then(name::key);
        let rows = key.and_then(|key| self.by_name.get(&key)).map_or(&[][..], Vec::as_slice);
        rows.iter().map(|row| self.person(*row)).filter(move |person| person.may_be_at(domain))
    }

    /// Rows of others who have the name of this one.
    pub(super) fn namesakes_of<'s>(
        &'s self,
        person: &'s Person,
    ) -> impl Iterator<Item = &'a Person> + 's {
        let key = person.name.as_deref().and_then(name::key);
        let rows = key.and_then(|key| self.by_name.get(&key)).map_or(&[][..], Vec::as_slice);
        let is_one = |other: &Person| {
            other.references.iter().any(|reference| {
                person.references.iter().any(|own| own.folded() == reference.folded())
            })
        };
        rows.iter().map(|row| self.person(*row)).filter(move |other| !is_one(other))
    }

    /// A row whose person's name the new address of this one is made of, where it is not its
    /// own; `here` is the guest's name in the directory.
    pub(super) fn whose_name(&self, person: &Person, here: &str) -> Option<&'a Person> {
        let (local, _) = parts(person.new_email.as_str())?;
        let key = name::key_of_local(local)?;
        let rows = self.by_name.get(&key)?;
        let is_own = person.name.as_deref().and_then(name::key).as_ref() == Some(&key)
            || name::key(here).as_ref() == Some(&key);
        (!is_own).then(|| self.person(rows[0]))
    }

    /// Where a row stands.
    pub(super) fn place(&self, person: &Person) -> String {
        format!("{} line {}", self.people.name, person.line)
    }
}

/// In which way a reference names this user.
fn how(user: &DirectoryUser, reference: &GuestRef) -> Match {
    let GuestRef::Name(name) = reference else { return Match::ObjectId };
    let is = |text: &str| text.to_lowercase() == name.to_lowercase();
    if user.mail.as_deref().is_some_and(is) {
        Match::OldAddress
    } else if is(&user.user_principal_name) {
        Match::UserPrincipalName
    } else {
        Match::OtherAddress
    }
}
