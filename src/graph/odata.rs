//! OData literals and query strings: `o'neil+b2b@…` and `#EXT#` arrive as they
//! were written.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but RFC 3986's unreserved characters and the comma, which separates
/// the names in `$select`.
const IN_QUERY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b',');

/// A string literal: quoted, quotes inside doubled.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A query string from names and values. Names stay as they are (`$filter`).
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.extend(utf8_percent_encode(value, IN_QUERY));
    }
    text
}

pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, IN_QUERY).to_string()
}

/// The users who hold a text as UPN, `mail`, proxy address or in `otherMails`:
/// Microsoft's own "does this address exist" query without its legacy part.
pub(super) fn held_by(name: &str) -> String {
    let name_literal = literal(name);
    let proxy = literal(&format!("smtp:{name}"));
    format!(
        "userPrincipalName eq {name_literal} or mail eq {name_literal} \
         or otherMails/any(m:m eq {name_literal}) or proxyAddresses/any(p:p eq {proxy})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled_and_reserved_characters_encoded() {
        assert_eq!(literal("o'neil+b2b@f.example"), "'o''neil+b2b@f.example'");
        let filter = format!("mail eq {}", literal("o'neil+b2b@f.example"));
        assert_eq!(
            query(&[("$filter", &filter), ("$top", "999")]),
            "$filter=mail%20eq%20%27o%27%27neil%2Bb2b%40f.example%27&$top=999"
        );
        assert_eq!(segment("a_f.example#EXT#@c.example"), "a_f.example%23EXT%23%40c.example");
        assert_eq!(query(&[("$select", "id,mail")]), "$select=id,mail");
    }
}
