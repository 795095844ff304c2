//! What a row calls the person: the name in a column that a manifest itself has no use for,
//! in one or in two.
//!
//! Leaves to others: comparing names (`draft`).

use super::heading::plain_words;
use super::{Manifest, Row};

/// Headings of a whole name, as their words.
const WHOLE: &[&[&str]] = &[
    &["name"],
    &["full", "name"],
    &["fullname"],
    &["employee"],
    &["employee", "name"],
    &["person"],
    &["namen"],
    &["vollstandiger", "name"],
    &["mitarbeiter"],
    &["mitarbeiterin"],
    &["nom", "complet"],
    &["nombre", "completo"],
    &["volledige", "naam"],
    &["naam"],
    &["nome", "completo"],
    &["imie", "i", "nazwisko"],
];

/// Headings of a given name.
const GIVEN: &[&[&str]] = &[
    &["given", "name"],
    &["givenname"],
    &["first", "name"],
    &["firstname"],
    &["forename"],
    &["vorname"],
    &["prenom"],
    &["nombre"],
    &["voornaam"],
    &["nome"],
    &["imie"],
];

/// Headings of a family name.
const FAMILY: &[&[&str]] = &[
    &["surname"],
    &["last", "name"],
    &["lastname"],
    &["family", "name"],
    &["familienname"],
    &["nachname"],
    &["nom"],
    &["nom", "de", "famille"],
    &["apellido"],
    &["apellidos"],
    &["achternaam"],
    &["cognome"],
    &["sobrenome"],
    &["apelido"],
    &["nazwisko"],
];

/// The name of a row's person, where the manifest has a column for it.
pub fn person_name(manifest: &Manifest, row: &Row) -> Option<String> {
    if let Some(name) = &row.display_name {
        return Some(name.to_string());
    }
    let cell = |headings: &[&[&str]]| {
        let cells = manifest.extra_columns.iter().zip(&row.extra);
        let mut named = cells.filter(|(heading, cell)| {
            let words = plain_words(heading);
            !cell.trim().is_empty() && headings.iter().any(|known| *known == words)
        });
        named.next().map(|(_, cell)| cell.trim())
    };
    match (cell(WHOLE), cell(GIVEN), cell(FAMILY)) {
        (Some(name), _, _) => Some(name.to_owned()),
        (None, Some(given), Some(family)) => Some(format!("{given} {family}")),
        (None, Some(_), None) | (None, None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Options, parse};

    #[test]
    fn a_name_is_in_one_column_or_in_two() {
        for (header, cells, name) in [
            ("Name", "Ada Vance", Some("Ada Vance")),
            ("Full name;Surname", "Ada Vance;V", Some("Ada Vance")),
            ("Vorname;Nachname", "Jürgen;Müller", Some("Jürgen Müller")),
            ("Prénom;Nom", "Zoé; Dubois", Some("Zoé Dubois")),
            ("Display name", "Ada Vance", Some("Ada Vance")),
            ("Surname", "Vance", None),
            ("First name", "Ada", None),
            ("Name of the manager", "Bob", None),
            ("Name;Department", ";Legal", None),
        ] {
            let text = format!("old_email;new_email;{header}\na@b.example;a@c.example;{cells}\n");
            let manifest = parse("m.csv", text.as_bytes(), &Options::default()).unwrap().manifest;
            let found = person_name(&manifest, &manifest.rows[0]);
            assert_eq!(found.as_deref(), name, "{header}");
        }
    }
}
