//! Texts from manifests and directories made fit for a terminal: harmless, no
//! wider than the place they have, broken at blanks. And moments and spans of time,
//! in words and for programs.

use std::time::Duration;

use jiff::Timestamp;

/// The text with everything escaped that would steer a terminal or disguise the
/// order of its letters: control characters, line breaks, marks of direction,
/// characters without width that hide in an address.
pub(crate) fn harmless(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || steers(c) {
            harmless.extend(c.escape_default());
        } else {
            harmless.push(c);
        }
    }
    harmless
}

/// The same for a text of several lines of ours, in which a word that is not ours was
/// made one line already.
pub(crate) fn harmless_lines(text: &str) -> String {
    text.split('\n').map(harmless).collect::<Vec<_>>().join("\n")
}

fn steers(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Columns a character takes. An estimate by block, which is enough to line up
/// columns; a terminal that disagrees shows a ragged edge and no more.
fn columns_of(c: char) -> usize {
    match u32::from(c) {
        // combining marks and variation selectors
        0x300..=0x36f
        | 0x483..=0x489
        | 0x591..=0x5bd
        | 0x1ab0..=0x1aff
        | 0x1dc0..=0x1dff
        | 0x20d0..=0x20ff
        | 0xfe00..=0xfe0f
        | 0xfe20..=0xfe2f => 0,
        // East Asian wide and full-width, emoji
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe4f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

pub(super) fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// The text if it fits, else its beginning and `…`.
pub(super) fn shorten(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut room = width.saturating_sub(1);
    let mut short = String::new();
    for c in text.chars() {
        let Some(rest) = room.checked_sub(columns_of(c)) else { break };
        room = rest;
        short.push(c);
    }
    short.push('…');
    short
}

/// The text, shortened or followed by blanks, so that it takes exactly `width`
/// columns.
pub(super) fn fit(text: &str, width: usize) -> String {
    let mut fitted = shorten(text, width);
    let padding = width.saturating_sub(columns(&fitted));
    fitted.extend(std::iter::repeat_n(' ', padding));
    fitted
}

/// The text in lines of at most `width` columns, broken at blanks. A longer word
/// keeps a line of its own: ids must stay whole to be copied.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && columns(&line) + 1 + columns(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// A moment with milliseconds, in UTC: `2026-03-02T02:00:00.000Z`.
pub(crate) fn stamp(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// To the millisecond: more digits would only differ.
pub(crate) fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

/// A span in the two largest units that matter: `850 ms`, `12 s`, `3 min 12 s`,
/// `2 h 5 min`.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{seconds} s"),
        60..3600 if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ if seconds % 3600 < 60 => format!("{} h", seconds / 3600),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// What is left of a wait, never less than a second while it lasts.
pub(super) fn remaining(duration: Duration) -> String {
    span(Duration::from_secs(duration.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_steers_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\r\nc\td"), "a\\u{1b}[2Jb\\r\\nc\\td");
        assert_eq!(harmless("ada@\u{202e}elpmaxe.kirbaf"), "ada@\\u{202e}elpmaxe.kirbaf");
        assert_eq!(harmless("c1 \u{9b}31m, del \u{7f}"), "c1 \\u{9b}31m, del \\u{7f}");
        assert_eq!(harmless("Zoë 株式会社"), "Zoë 株式会社");
    }

    #[test]
    fn texts_are_cut_by_the_columns_they_take() {
        assert_eq!(shorten("株式会社", 8), "株式会社");
        assert_eq!(shorten("株式会社", 6), "株式…");
        assert_eq!(fit("株式", 6), "株式  ");
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(columns("e\u{301}"), 1);
    }

    #[test]
    fn words_are_not_broken() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("9071bfde-35e0 x", 5), ["9071bfde-35e0", "x"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn spans_are_read_at_a_glance() {
        for (seconds, text) in
            [(59, "59 s"), (60, "1 min"), (192, "3 min 12 s"), (3600, "1 h"), (7530, "2 h 5 min")]
        {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
        assert_eq!(span(Duration::from_millis(850)), "850 ms");
        assert_eq!(remaining(Duration::from_millis(11_200)), "12 s");
    }
}
