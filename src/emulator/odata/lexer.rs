//! Cuts a `$filter` into words.
//!
//! Leaves to others: what the words mean (`parse`).

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or an operator: `mail`, `eq`, `$count`.
    Word(String),
    /// `'…'`, with doubled quotes made single.
    Text(String),
    /// A number, a date or the like, as written.
    Number(String),
    Open,
    Close,
    Comma,
    Colon,
    Slash,
}

/// Cuts a filter into words with their positions. Fails with the position of what
/// is none.
pub(super) fn tokens(filter: &str) -> Result<Vec<(usize, Token)>, usize> {
    let mut tokens = Vec::new();
    let mut rest = filter.char_indices().peekable();
    while let Some((at, first)) = rest.next() {
        let single = match first {
            ' ' | '\t' => continue,
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            ',' => Some(Token::Comma),
            ':' => Some(Token::Colon),
            '/' => Some(Token::Slash),
            _ => None,
        };
        if let Some(token) = single {
            tokens.push((at, token));
            continue;
        }
        let mut text = String::new();
        if first == '\'' {
            loop {
                match rest.next() {
                    Some((_, '\'')) if rest.next_if(|&(_, c)| c == '\'').is_some() => {
                        text.push('\'');
                    }
                    Some((_, '\'')) => break,
                    Some((_, c)) => text.push(c),
                    None => return Err(at),
                }
            }
            tokens.push((at, Token::Text(text)));
            continue;
        }
        text.push(first);
        if first.is_ascii_digit() || first == '-' {
            let part = |c: char| c.is_ascii_alphanumeric() || "-:.+".contains(c);
            while let Some((_, c)) = rest.next_if(|&(_, c)| part(c)) {
                text.push(c);
            }
            tokens.push((at, Token::Number(text)));
        } else if first.is_ascii_alphabetic() || "_$@".contains(first) {
            let part = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
            while let Some((_, c)) = rest.next_if(|&(_, c)| part(c)) {
                text.push(c);
            }
            tokens.push((at, Token::Word(text)));
        } else {
            return Err(at);
        }
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubled_quotes_are_one_and_dates_are_one_word() {
        let words: Vec<Token> = tokens("mail eq 'o''neil@x' or d ge 2026-05-01T08:00:00Z")
            .unwrap()
            .into_iter()
            .map(|(_, token)| token)
            .collect();
        assert_eq!(words[2], Token::Text("o'neil@x".into()));
        assert_eq!(words[6], Token::Number("2026-05-01T08:00:00Z".into()));
        assert_eq!(tokens("mail eq 'open"), Err(8));
        assert_eq!(tokens("mail = 'x'"), Err(5));
    }
}
