//! Names of people, compared. Two names that are one here may be those of two people, and
//! nobody is ever moved because of it; two that have nothing in common here are a doubt.
//!
//! Leaves to others: what follows from it (`matching`).

use std::collections::BTreeSet;

use icu_normalizer::DecomposingNormalizerBorrowed;

/// A name in the form in which different spellings of it are equal: `Müller, Jürgen`,
/// `Juergen Mueller (Northwind)`. None where nothing is left of it.
pub(super) fn key(name: &str) -> Option<String> {
    let tokens = tokens(name);
    (!tokens.is_empty()).then(|| tokens.into_iter().collect::<Vec<_>>().join(" "))
}

/// The key of the name that the local part of an address is made of, without numbers.
pub(super) fn key_of_local(local: &str) -> Option<String> {
    let tokens: BTreeSet<_> = tokens(local)
        .into_iter()
        .map(|token| token.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned())
        .filter(|token| !token.is_empty())
        .collect();
    (tokens.len() > 1).then(|| tokens.into_iter().collect::<Vec<_>>().join(" "))
}

/// Whether an address with this local part bears a name that is in none of the person's
/// own. Not where it has but one word, or numbers: those may be anybody's.
pub(super) fn is_of_another(local: &str, names: &[&str]) -> bool {
    let words: Vec<String> = words(local)
        .map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned())
        .filter(|word| !word.is_empty())
        .collect();
    // `vandijk` of `van Dijk`.
    let names: Vec<String> = names.iter().map(|name| self::words(name).collect()).collect();
    let is_own =
        |word: &String| word.len() < 3 || names.iter().any(|name| name.contains(word.as_str()));
    words.len() > 1 && !names.is_empty() && !words.iter().all(is_own)
}

/// Whether two names are the same but for case and blanks.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let folded =
        |name: &str| name.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ");
    let one = folded(one);
    !one.is_empty() && one == folded(other)
}

/// Whether two names have no word in common. Not where one of them is too little to tell.
pub(super) fn is_other(one: &str, other: &str) -> bool {
    let (one, other) = (tokens(one), tokens(other));
    one.len() > 1 && other.len() > 1 && one.is_disjoint(&other)
}

/// The words of a name: without case, marks and notes in parentheses; `ae`, `oe`, `ue`
/// and `aa` are what they stand for in names that lost their marks.
fn tokens(name: &str) -> BTreeSet<String> {
    words(name).collect()
}

/// The same in their order.
fn words(name: &str) -> impl Iterator<Item = String> + use<> {
    let name = name.split(['(', '[']).next().unwrap_or_default();
    // An address where a name should be.
    let name = name.split('@').next().unwrap_or_default();
    let mut plain = String::with_capacity(name.len());
    for c in DecomposingNormalizerBorrowed::new_nfkd().normalize(name).chars() {
        match c {
            '\u{300}'..='\u{36f}' | '\'' | '\u{2019}' | '\u{2bc}' | '`' => {}
            'ß' | 'ẞ' => plain.push_str("ss"),
            'æ' | 'Æ' => plain.push('a'),
            'œ' | 'Œ' | 'ø' | 'Ø' => plain.push('o'),
            'ł' | 'Ł' => plain.push('l'),
            'đ' | 'Đ' | 'ð' | 'Ð' => plain.push('d'),
            'ı' => plain.push('i'),
            c if c.is_alphanumeric() => plain.extend(c.to_lowercase()),
            _ => plain.push(' '),
        }
    }
    let written_out = [("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a")];
    let fold = |word: &str| {
        written_out.iter().fold(word.to_owned(), |word, (long, short)| word.replace(long, short))
    };
    plain.split_whitespace().map(fold).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_name_have_one_key() {
        for (one, other) in [
            ("Jürgen Müller", "Mueller, Juergen"),
            ("Søren Østergård", "soren  ostergard"),
            ("Łukasz Żółć", "Lukasz Zolc (Northwind)"),
            ("Niamh O'Brien", "Niamh O’Brien"),
            ("Jean-Luc d'Arcy", "Darcy Jean Luc"),
            ("Großmann, Eva", "eva.grossmann@northwind.example"),
        ] {
            assert_eq!(key(one), key(other), "{one}, {other}");
        }
        assert_ne!(key("Ada Vance"), key("Ida Vance"));
        assert_eq!(key_of_local("juergen.mueller2"), key("Müller, Jürgen"));
        assert_eq!(key_of_local("avance"), None, "may be anybody's");
        assert_eq!(key(" - "), None);
        assert_eq!(key(""), None);
    }

    #[test]
    fn the_same_name_is_so_to_the_letter_and_another_in_every_word() {
        assert!(is_same("Ada  Vance", "ada vance"));
        assert!(!is_same("Ada Vance", "Vance, Ada"));
        assert!(!is_same("Jürgen Müller", "Juergen Mueller"));
        assert!(!is_same("", " "));
        for (local, names, expected) in [
            ("sean.sternthal", &["Seán Sternmann"][..], true),
            ("anton.berg", &["Anna Berg"], true),
            ("petra.vandijk2", &["van Dijk, Petra"], false),
            ("j.oestergaard", &["Jürgen Østergård"], false),
            ("ada.mayer", &["Ada Vance", "Ada Mayer"], false),
            ("ada.mayer", &[], false),
            ("avance", &["Bob Smith"], false),
            ("e12345.x7", &["Bob Smith"], false),
        ] {
            assert_eq!(is_of_another(local, names), expected, "{local}");
        }
        assert!(is_other("Ada Vance", "Bob Smith"));
        assert!(!is_other("Ada Vance", "Ada Müller"));
        assert!(!is_other("Jürgen Müller", "Juergen Schmidt"));
        assert!(!is_other("avance", "Ada Vance"), "too little to tell");
    }
}
