//! A list of people: who, under which old address, and the new one.
//!
//! Leaves to others: reading the file and understanding its headings (`manifest`).

use crate::domain::{Email, GuestRef};
use crate::manifest::{Manifest, Row, Wish, person_name};

/// A list of people, as a manifest's reader understands it.
#[derive(Debug)]
pub struct People {
    /// The file's name, for evidence.
    pub name: String,
    pub(super) persons: Vec<Person>,
}

/// One row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) line: u32,
    /// What the row calls the guest.
    pub(super) references: Vec<GuestRef>,
    pub(super) new_email: Email,
    /// The person's name, where the list has a column for it.
    pub(super) name: Option<Box<str>>,
}

impl People {
    /// The rows that give a new address.
    pub fn new(name: String, manifest: &Manifest) -> Self {
        let person = |row: &Row| {
            let Wish::Move(new_email) = &row.wish else { return None };
            Some(Person {
                line: row.line,
                references: row.names().cloned().collect(),
                new_email: new_email.clone(),
                name: person_name(manifest, row).map(Into::into),
            })
        };
        Self { name, persons: manifest.rows.iter().filter_map(person).collect() }
    }

    /// How many rows give a new address.
    pub fn len(&self) -> usize {
        self.persons.len()
    }

    /// Whether no row has a name to tell people apart by.
    pub fn is_nameless(&self) -> bool {
        self.persons.iter().all(|person| person.name.is_none())
    }

    pub fn is_empty(&self) -> bool {
        self.persons.is_empty()
    }
}

impl Person {
    /// Whether the old address is at this domain, or none is given.
    pub(super) fn may_be_at(&self, domain: &str) -> bool {
        let mut domains = self.references.iter().filter_map(|reference| match reference {
            GuestRef::Name(name) => name.rsplit_once('@').map(|(_, domain)| domain),
            GuestRef::Id(_) => None,
        });
        domains.next().is_none_or(|first| {
            first.eq_ignore_ascii_case(domain)
                || domains.any(|other| other.eq_ignore_ascii_case(domain))
        })
    }
}
