//! How things are emphasised, and how they are counted in words. Meaning never
//! rests on colour: with [`Styles::plain`] the same characters come out.
//!
//! Leaves to others: whether there is a terminal that shows colour (`cli`).

use std::fmt;

use anstyle::{AnsiColor, Style};

pub use crate::plan::count;

/// The emphases in use. The caller decides whether they show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Styles {
    pub heading: Style,
    /// What went as it should.
    pub good: Style,
    pub attention: Style,
    pub bad: Style,
    /// What a person may skip.
    pub faint: Style,
}

impl Styles {
    pub const fn plain() -> Self {
        let plain = Style::new();
        Self { heading: plain, good: plain, attention: plain, bad: plain, faint: plain }
    }

    /// Emphasis by the terminal's own sixteen colours.
    pub const fn coloured() -> Self {
        Self {
            heading: Style::new().bold(),
            good: AnsiColor::Green.on_default(),
            attention: AnsiColor::Yellow.on_default(),
            bad: AnsiColor::Red.on_default().bold(),
            faint: Style::new().dimmed(),
        }
    }
}

/// A text between the marks of a style. Pad the text before painting it: the
/// marks have no width.
pub(super) fn paint(style: Style, text: impl fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// The form of a noun that goes with a number.
pub fn plural<'a>(n: u64, one: &'a str, many: &'a str) -> &'a str {
    if n == 1 { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_none_is_plural() {
        assert_eq!(count(0, "row", "rows"), "0 rows");
        assert_eq!(count(1, "row", "rows"), "1 row");
        assert_eq!(count(2, "row", "rows"), "2 rows");
    }

    #[test]
    fn plain_styles_leave_no_mark() {
        assert_eq!(paint(Styles::plain().bad, "stop"), "stop");
        assert_eq!(paint(Styles::coloured().faint, "x"), "\u{1b}[2mx\u{1b}[0m");
    }
}
