//! Headings that say which address is meant only beside each other: `From` and `To`,
//! `Before` and `After`. Each alone says nothing; `To email` is a recipient as well.
//!
//! Leaves to others: headings that speak for themselves (`heading`).

use super::words::{Word, parts};

/// One of the two addresses of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::manifest) enum Side {
    Present,
    New,
}

/// The words of a pair, in the same order.
const PAIRS: &[(&[&str], &[&str])] = &[
    (&["from"], &["to"]),
    (&["source", "origin"], &["target", "destination"]),
    (&["before"], &["after"]),
    (&["von"], &["nach", "an", "zu", "auf"]),
    (&["vorher"], &["nachher"]),
    (&["avant"], &["apres"]),
    (&["antes"], &["despues", "depois"]),
    (&["desde"], &["hacia"]),
    (&["van"], &["naar"]),
    (&["voor"], &["na"]),
    (&["prima"], &["dopo"]),
    (&["przed"], &["po"]),
];

/// Which pair and which side of it these words of a heading name: a word of a pair, first
/// or last, and else only what an address is called.
pub(super) fn side(words: &[String]) -> Option<(usize, Side)> {
    let is_address = |word: &String| {
        parts(word).is_some_and(|parts| {
            parts.iter().all(|part| {
                matches!(
                    part,
                    Word::Email
                        | Word::Mail
                        | Word::Correo
                        | Word::Address
                        | Word::Smtp
                        | Word::Upn
                        | Word::User
                        | Word::Guest
                )
            })
        })
    };
    let find = |word: &str| {
        PAIRS.iter().enumerate().find_map(|(pair, (present, new))| {
            if present.contains(&word) {
                Some((pair, Side::Present))
            } else {
                new.contains(&word).then_some((pair, Side::New))
            }
        })
    };
    let (first, after) = words.split_first()?;
    let (last, before) = words.split_last()?;
    let found = find(first).filter(|_| after.iter().all(is_address));
    found.or_else(|| find(last).filter(|_| before.iter().all(is_address)))
}

#[cfg(test)]
mod tests {
    use super::super::side;
    use super::*;

    #[test]
    fn a_side_is_a_word_of_a_pair_and_the_name_of_an_address() {
        for (heading, expected) in [
            ("From", Some((0, Side::Present))),
            ("To", Some((0, Side::New))),
            ("From email", Some((0, Side::Present))),
            ("To e-mail address", Some((0, Side::New))),
            ("Email to", Some((0, Side::New))),
            ("Source UPN", Some((1, Side::Present))),
            ("Target", Some((1, Side::New))),
            ("Von (E-Mail)", Some((3, Side::Present))),
            ("Adresse nachher", Some((4, Side::New))),
            ("From department", None),
            ("Email address to invite", None),
            ("Email", None),
            ("", None),
        ] {
            assert_eq!(side(heading), expected, "{heading}");
        }
    }
}
