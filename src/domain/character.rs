//! Characters that nobody sees: which they are, and what they are called. One rule by
//! Unicode's categories for every text that a person wrote, so that what is cut off in
//! one place is not kept in another.
//!
//! Leaves to others: what a text with such a character inside is worth.

use std::fmt;

use icu_properties::CodePointSetData;
use icu_properties::props::{DefaultIgnorableCodePoint, EnumeratedProperty as _, GeneralCategory};

/// Whether a character leaves no ink: a space of any kind, a control or format
/// character, a filler or a selector of variants.
pub fn is_blank(c: char) -> bool {
    if c.is_ascii() {
        return c == ' ' || c.is_ascii_control();
    }
    matches!(
        GeneralCategory::for_char(c),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::SpaceSeparator
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    ) || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || c == BRAILLE_BLANK
}

/// Unicode counts it among the symbols.
const BRAILLE_BLANK: char = '\u{2800}';

/// Whether it separates words, as blanks and line breaks do and a zero-width character
/// does not.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || c == BRAILLE_BLANK
}

/// Cuts everything off both ends that leaves no ink.
pub fn trim(text: &str) -> &str {
    text.trim_matches(is_blank)
}

/// A character inside a text, as an error shows it: by code point, name and place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub character: char,
    /// Which character of the text it is, from 1.
    pub position: usize,
}

impl Found {
    /// The first character of which this holds.
    pub fn first(text: &str, wanted: impl Fn(char) -> bool) -> Option<Self> {
        let (index, character) = text.chars().enumerate().find(|(_, c)| wanted(*c))?;
        Some(Self { character, position: index + 1 })
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { character, position } = *self;
        if !is_blank(character) {
            write!(f, "`{character}` ")?;
        }
        write!(f, "U+{:04X}", u32::from(character))?;
        if is_blank(character) {
            write!(f, " {}", name(character))?;
        }
        write!(f, ", {position}{} character", ordinal_end(position))
    }
}

fn ordinal_end(number: usize) -> &'static str {
    match (number % 10, number % 100) {
        (1, n) if n != 11 => "st",
        (2, n) if n != 12 => "nd",
        (3, n) if n != 13 => "rd",
        _ => "th",
    }
}

/// Unicode's names of the characters that turn up in addresses copied from web pages,
/// mails and documents; the others are called by their kind.
fn name(c: char) -> &'static str {
    match c {
        '\0' => "null",
        '\t' => "tab",
        '\n' => "line feed",
        '\r' => "carriage return",
        '\u{1a}' => "substitute, Ctrl-Z",
        '\u{1b}' => "escape",
        ' ' => "space",
        '\u{7f}' => "delete",
        '\u{85}' => "next line",
        '\u{a0}' => "no-break space",
        '\u{ad}' => "soft hyphen",
        '\u{34f}' => "combining grapheme joiner",
        '\u{61c}' => "arabic letter mark",
        '\u{115f}' => "hangul choseong filler",
        '\u{1160}' => "hangul jungseong filler",
        '\u{1680}' => "ogham space mark",
        '\u{180e}' => "mongolian vowel separator",
        '\u{2000}' => "en quad",
        '\u{2001}' => "em quad",
        '\u{2002}' => "en space",
        '\u{2003}' => "em space",
        '\u{2004}' => "three-per-em space",
        '\u{2005}' => "four-per-em space",
        '\u{2006}' => "six-per-em space",
        '\u{2007}' => "figure space",
        '\u{2008}' => "punctuation space",
        '\u{2009}' => "thin space",
        '\u{200a}' => "hair space",
        '\u{200b}' => "zero width space",
        '\u{200c}' => "zero width non-joiner",
        '\u{200d}' => "zero width joiner",
        '\u{200e}' => "left-to-right mark",
        '\u{200f}' => "right-to-left mark",
        '\u{2028}' => "line separator",
        '\u{2029}' => "paragraph separator",
        '\u{202a}' => "left-to-right embedding",
        '\u{202b}' => "right-to-left embedding",
        '\u{202c}' => "pop directional formatting",
        '\u{202d}' => "left-to-right override",
        '\u{202e}' => "right-to-left override",
        '\u{202f}' => "narrow no-break space",
        '\u{205f}' => "medium mathematical space",
        '\u{2060}' => "word joiner",
        '\u{2061}' => "function application",
        '\u{2062}' => "invisible times",
        '\u{2063}' => "invisible separator",
        '\u{2064}' => "invisible plus",
        '\u{2066}' => "left-to-right isolate",
        '\u{2067}' => "right-to-left isolate",
        '\u{2068}' => "first strong isolate",
        '\u{2069}' => "pop directional isolate",
        BRAILLE_BLANK => "braille pattern blank",
        '\u{3000}' => "ideographic space",
        '\u{3164}' => "hangul filler",
        '\u{feff}' => "zero width no-break space",
        '\u{ffa0}' => "halfwidth hangul filler",
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => "variation selector",
        '\u{e0000}'..='\u{e007f}' => "tag character",
        c if c.is_control() => "control character",
        c if c.is_whitespace() => "space",
        _ => "format character",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_nothing_goes_at_both_ends_and_ink_stays() {
        let nothing = "\u{a0}\u{ad}\u{34f}\u{61c}\u{115f}\u{180e}\u{2003}\u{200b}\u{200d}\u{2028}\
                       \u{202e}\u{2060}\u{2066}\u{2800}\u{3000}\u{3164}\u{fe0f}\u{feff}\u{e0041}\
                       \0\t\r\n \u{1a}\u{85}";
        assert!(nothing.chars().all(is_blank));
        assert_eq!(trim(&format!("{nothing}ada lovelace{nothing}")), "ada lovelace");
        for ink in ["a", "é", "é", "-", "\u{2013}", "株", "\u{1f600}", "ß", "."] {
            assert_eq!(trim(ink), ink);
        }
    }

    #[test]
    fn a_character_is_shown_by_code_point_name_and_place() {
        for (text, shown) in [
            ("ada\u{200b}@c.example", "U+200B zero width space, 4th character"),
            ("\u{ad}", "U+00AD soft hyphen, 1st character"),
            ("0123456789\u{206a}", "U+206A format character, 11th character"),
            ("é", "`é` U+00E9, 1st character"),
            ("0123456789012345678901\u{430}", "`а` U+0430, 23rd character"),
        ] {
            let found = Found::first(text, |c| !c.is_ascii()).unwrap();
            assert_eq!(found.to_string(), shown);
        }
    }
}
