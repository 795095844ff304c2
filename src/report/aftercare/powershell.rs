//! Text as PowerShell takes it literally.

/// The characters that begin and end a verbatim string: PowerShell takes four typographic
/// quotation marks for the apostrophe (PowerShell language specification, 2.3.5.2, *String
/// literals*, single-quote-character).
const QUOTES: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];

/// A verbatim string literal: nothing in it is expanded, and a quotation mark is written
/// twice.
pub(super) fn verbatim(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for character in text.chars() {
        if QUOTES.contains(&character) {
            literal.push(character);
        }
        literal.push(character);
    }
    literal.push('\'');
    literal
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a verbatim string literal as PowerShell's own tokenizer does: it ends with the
    /// first quotation mark, of whichever kind, that is not followed by another, and of two
    /// the second counts. Gives what it holds, and what follows it.
    fn read(literal: &str) -> Option<(String, &str)> {
        let mut rest = literal.strip_prefix(QUOTES)?.chars();
        let mut text = String::new();
        loop {
            let mut character = rest.next()?;
            if QUOTES.contains(&character) {
                if !rest.as_str().starts_with(QUOTES) {
                    return Some((text, rest.as_str()));
                }
                character = rest.next()?;
            }
            text.push(character);
        }
    }

    #[test]
    fn whatever_a_name_holds_stays_text() {
        for (text, literal) in [
            ("Ada", "'Ada'"),
            ("O'Brien@fabrikam.example", "'O''Brien@fabrikam.example'"),
            ("$(Remove-Item x)", "'$(Remove-Item x)'"),
            ("a`nb", "'a`nb'"),
            ("’; Remove-Mailbox x; ‘", "'’’; Remove-Mailbox x; ‘‘'"),
            ("two\nlines", "'two\nlines'"),
            ("", "''"),
            ("'", "''''"),
        ] {
            assert_eq!(verbatim(text), literal);
            assert_eq!(read(literal), Some((text.to_owned(), "")), "{literal}");
        }
    }

    proptest! {
        #[test]
        fn a_literal_ends_where_the_text_does(text in "['‘’‚‛\"$`(){};#\\\\a\n é“”]{0,12}") {
            let source = format!("{}; after", verbatim(&text));
            prop_assert_eq!(read(&source), Some((text, "; after")));
        }
    }
}
