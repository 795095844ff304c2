//! The columns that stand beside rows which are handed back to be mended: why, what to do,
//! and which line of the campaign's manifest it is. They tell a mended file from a manifest
//! of its own.
//!
//! Leaves to others: which rows are handed back (`report`), and what a mended file does to
//! its campaign (`campaign`).

/// The columns that are added, the last of a file.
const ADDED: [&str; 3] = ["reason", "advice", "line"];

/// Their names when the author has one of those.
const APART: [&str; 3] = ["reinvite_reason", "reinvite_advice", "reinvite_line"];

/// The columns of a file by whose they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownership {
    /// How many are the author's.
    pub own: usize,
    /// Where the line of the campaign's manifest stands; None where the file was not handed
    /// back, or by a version that did not write it.
    pub line: Option<usize>,
    /// Whether the file was handed back.
    pub is_handed_back: bool,
}

impl Ownership {
    /// By the header.
    pub fn new(header: &[String]) -> Self {
        let is = |cell: &String, name: &str| cell.trim().eq_ignore_ascii_case(name);
        let ends_with = |names: &[&str]| {
            header.len() > names.len()
                && header[header.len() - names.len()..]
                    .iter()
                    .zip(names)
                    .all(|(cell, name)| is(cell, name))
        };
        let width = header.len();
        let added = [ADDED, APART].iter().find_map(|names| {
            let counts = [names.len(), names.len() - 1].into_iter();
            counts.filter(|count| ends_with(&names[..*count])).max()
        });
        Self {
            own: width - added.unwrap_or(0),
            line: added.filter(|added| *added == ADDED.len()).map(|_| width - 1),
            is_handed_back: added.is_some(),
        }
    }
}

/// The names of the columns that are added to these of the author's.
pub fn added_columns(own: &[String]) -> [&'static str; 3] {
    let is_added = |cell: &String| ADDED.iter().any(|name| cell.trim().eq_ignore_ascii_case(name));
    if own.iter().any(is_added) { APART } else { ADDED }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn what_was_added_is_told_from_what_is_the_authors() {
        for (text, own, line) in [
            ("user,new_email", 2, None),
            ("user,new_email,reason,advice,line", 2, Some(4)),
            ("user,new_email,Reason, ADVICE ,Line", 2, Some(4)),
            // By a version before the line was written.
            ("user,new_email,reason,advice", 2, None),
            ("user,line,reinvite_reason,reinvite_advice,reinvite_line", 2, Some(4)),
            ("user,reinvite_reason,reinvite_advice", 1, None),
            // The author's own.
            ("user,new_email,line", 3, None),
            ("user,advice,reason", 3, None),
            ("reason,advice,line,user", 4, None),
            // There would be nothing left.
            ("reason,advice", 2, None),
        ] {
            let header = header(text);
            let ownership = Ownership::new(&header);
            assert_eq!((ownership.own, ownership.line), (own, line), "{text}");
            assert_eq!(ownership.is_handed_back, own < header.len(), "{text}");
        }
    }

    #[test]
    fn a_column_of_the_authors_keeps_its_name() {
        assert_eq!(added_columns(&header("user,new_email")), ADDED);
        for taken in ["user,Line", "reason,user", "user, advice"] {
            assert_eq!(added_columns(&header(taken)), APART, "{taken}");
        }
    }
}
