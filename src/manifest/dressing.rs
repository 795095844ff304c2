//! What programs put around an address or an object id and nobody means: `mailto:`,
//! `SMTP:`, `<…>`, a name in front, quotes, braces, a spreadsheet's apostrophe. It is
//! taken off in the same way wherever a person may write an address, and said once.
//!
//! Leaves to others: whether what is left is an address (`domain`).

use uuid::Uuid;

use crate::domain::character::trim;

/// What was taken off, and in how many cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dressing {
    Mailto,
    Smtp,
    AngleBrackets,
    Name,
    Quotes,
    Apostrophe,
    TextFormula,
    Separator,
    IdForm,
}

impl Dressing {
    const ALL: [Self; 9] = [
        Self::Mailto,
        Self::Smtp,
        Self::AngleBrackets,
        Self::Name,
        Self::Quotes,
        Self::Apostrophe,
        Self::TextFormula,
        Self::Separator,
        Self::IdForm,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Mailto => "`mailto:`",
            Self::Smtp => "`SMTP:`",
            Self::AngleBrackets => "angle brackets",
            Self::Name => "a name before `<…>`",
            Self::Quotes => "quotes around",
            Self::Apostrophe => "a leading apostrophe",
            Self::TextFormula => "`=\"…\"`",
            Self::Separator => "a `;` or `,` at the end",
            Self::IdForm => "an object id's other spelling",
        }
    }
}

/// How often each was taken off in a whole file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Undone([u32; Dressing::ALL.len()]);

impl Undone {
    pub(super) fn add(&mut self, taken: &[Dressing]) {
        for dressing in taken {
            self.0[*dressing as usize] += 1;
        }
    }

    /// What was taken off, for a note; None if nothing was.
    pub(super) fn note(&self) -> Option<String> {
        let parts: Vec<_> = Dressing::ALL
            .iter()
            .filter(|dressing| self.0[**dressing as usize] > 0)
            .map(|dressing| {
                let cells = self.0[*dressing as usize];
                format!("{} ({cells} cell{})", dressing.name(), if cells == 1 { "" } else { "s" })
            })
            .collect();
        (!parts.is_empty()).then(|| format!("taken off addresses: {}", parts.join(", ")))
    }
}

/// Takes everything off that is not meant.
pub(super) fn undress(text: &str) -> (&str, Vec<Dressing>) {
    let mut taken = Vec::new();
    let mut text = trim(text);
    while let Some((inner, dressing)) = outermost(text, &taken) {
        text = trim(inner);
        taken.push(dressing);
    }
    (text, taken)
}

/// The object id that a text is in any of its spellings: braces, no hyphens.
pub(super) fn object_id(text: &str) -> Option<Uuid> {
    let is_plain =
        |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit() || b"-{}()".contains(&b));
    let inner = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    Uuid::try_parse(inner).ok().filter(|_| is_plain(text))
}

fn outermost<'t>(text: &'t str, taken: &[Dressing]) -> Option<(&'t str, Dressing)> {
    let has_letters = |inner: &&str| inner.contains(char::is_alphanumeric);
    for (prefix, dressing) in [("mailto:", Dressing::Mailto), ("smtp:", Dressing::Smtp)] {
        if let Some((start, rest)) = text.split_at_checked(prefix.len())
            && start.eq_ignore_ascii_case(prefix)
        {
            let end = if dressing == Dressing::Mailto { rest.find('?') } else { None };
            return Some((&rest[..end.unwrap_or(rest.len())], dressing));
        }
    }
    if let Some(inner) = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')) {
        return Some((inner, Dressing::TextFormula)).filter(|(inner, _)| has_letters(inner));
    }
    for (open, close) in
        [('"', '"'), ('\'', '\''), ('“', '”'), ('„', '“'), ('‘', '’'), ('«', '»'), ('`', '`')]
    {
        if let Some(inner) = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close))
            && has_letters(&inner)
            && !inner.contains([open, close])
        {
            return Some((inner, Dressing::Quotes));
        }
    }
    if let Some(before) = text.strip_suffix('>')
        && let Some((name, inner)) = before.rsplit_once('<')
        && !name.contains(['<', '>', '@'])
        && has_letters(&inner)
    {
        let dressing = if trim(name).is_empty() { Dressing::AngleBrackets } else { Dressing::Name };
        return Some((inner, dressing));
    }
    if let Some(inner) = text.strip_suffix([';', ','])
        && has_letters(&inner)
    {
        return Some((inner, Dressing::Separator));
    }
    // A spreadsheet's apostrophe is one, and stands in front of everything else.
    if let Some(inner) = text.strip_prefix(['\'', '’']).filter(has_letters)
        && taken.is_empty()
    {
        return Some((inner, Dressing::Apostrophe));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_meant_is_taken_off() {
        for text in [
            "ada@c.example",
            "mailto:ada@c.example",
            "MAILTO:ada@c.example?subject=Hi",
            "<ada@c.example>",
            "SMTP:ada@c.example",
            "smtp: ada@c.example",
            "'ada@c.example'",
            "'ada@c.example",
            "\"ada@c.example\"",
            "=\"ada@c.example\"",
            "ada@c.example;",
            "Ada Lovelace <ada@c.example>",
            "\"Lovelace, Ada\" <ada@c.example>;",
            "\u{200b}<mailto:ada@c.example>\u{a0}",
            "“ada@c.example”",
            "Ada <SMTP:ada@c.example>",
        ] {
            assert_eq!(undress(text).0, "ada@c.example", "{text}");
        }
        assert_eq!(undress("ada@c.example").1, []);
    }

    #[test]
    fn what_may_be_meant_stays() {
        for text in [
            "=ada@c.example",
            "''ada@c.example",
            "|ada@c.example",
            "a@b.example;c@d.example",
            "Ada <a@b.example> <c@d.example>",
            "<>",
            "'",
            "\"\"",
            "a@b.example <c@d.example>",
            "o'neil@c.example",
            "\"quoted\"@c.example",
        ] {
            let (left, _) = undress(text);
            assert!(left == text || text == "''ada@c.example", "{text}: {left}");
        }
        // One apostrophe is a spreadsheet's, two are an error.
        assert_eq!(undress("''ada@c.example").0, "'ada@c.example");
    }

    #[test]
    fn an_object_id_is_known_in_every_spelling() {
        let id = Uuid::try_parse("9071bfde-35e0-47d2-a582-d244ab1b4af6").unwrap();
        for text in [
            "9071BFDE-35e0-47d2-a582-d244ab1b4af6",
            "{9071bfde-35e0-47d2-a582-d244ab1b4af6}",
            "9071bfde35e047d2a582d244ab1b4af6",
            "(9071bfde-35e0-47d2-a582-d244ab1b4af6)",
        ] {
            assert_eq!(object_id(text), Some(id), "{text}");
        }
        assert_eq!(object_id("urn:uuid:9071bfde-35e0-47d2-a582-d244ab1b4af6"), None);
        assert_eq!(object_id("9071bfde"), None);
    }

    #[test]
    fn what_was_taken_off_is_said_once() {
        let mut undone = Undone::default();
        assert_eq!(undone.note(), None);
        undone.add(&undress("<mailto:a@b.example>").1);
        undone.add(&undress("mailto:a@b.example").1);
        assert_eq!(
            undone.note().unwrap(),
            "taken off addresses: `mailto:` (2 cells), angle brackets (1 cell)"
        );
    }
}
