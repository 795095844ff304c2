//! A place in the configuration file as a person finds it: line, column, and the
//! line itself with a caret, without ever showing a secret.
//!
//! Leaves to others: what is wrong there.

use std::fmt::Write as _;
use std::ops::Range;

/// Keys that speak of secrets and yet hold none.
const HARMLESS: [&str; 7] = [
    "client_secret_file",
    "client_secret_env",
    "client_secret_command",
    "access_token_file",
    "access_token_env",
    "access_token_command",
    "federated_token_file",
];

/// The widest excerpt, in characters; longer lines are cut.
const WIDTH: usize = 100;

/// How much of a line may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// The whole line, unless the file seems to hold a secret somewhere.
    Line,
    /// Nothing after the place itself: the value belongs to a key that we don't
    /// know, so it may be anything.
    UpToPlace,
    /// Nothing from the place on: what stands there may be a secret.
    BeforePlace,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Line, from 1.
    pub(super) line: usize,
    /// Column in characters, from 1.
    pub(super) column: usize,
    /// The line with a caret under the place.
    pub(super) excerpt: String,
}

impl Place {
    /// Finds the place of a byte range of `text`.
    pub(super) fn new(text: &str, span: &Range<usize>, show: Show) -> Self {
        let start = floor(text, span.start);
        let end = floor(text, span.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let line = text[..line_start].matches('\n').count() + 1;
        let before = text[line_start..start].chars().count();
        let marked = text[start..end.min(line_end)].trim_end().chars().count();
        let whole = text[line_start..line_end].trim_end();
        let shown = match show {
            Show::UpToPlace => cut(whole, end.min(line_end) - line_start),
            Show::BeforePlace => cut(whole, start - line_start),
            // A secret is easily written where its file or variable belongs.
            Show::Line if holds_secret(text) || leads_to_secret(whole) => match whole.find('=') {
                Some(equals) => cut(whole, equals + 1),
                None if whole.starts_with('[') => whole.to_owned(),
                None => "…".to_owned(),
            },
            Show::Line => whole.to_owned(),
        };
        Self { line, column: before + 1, excerpt: draw(line, &shown, before, marked) }
    }
}

/// The line's first `at` bytes, and an ellipsis for the rest if there is one.
fn cut(line: &str, at: usize) -> String {
    let at = floor(line, at);
    if at < line.len() { format!("{} …", line[..at].trim_end()) } else { line.to_owned() }
}

fn draw(line: usize, shown: &str, before: usize, marked: usize) -> String {
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let skipped = if before < WIDTH { 0 } else { before - WIDTH / 2 };
    let mut excerpt = format!("{number} | ");
    let visible = shown.chars().skip(skipped).take(WIDTH);
    excerpt.extend(visible.map(|c| match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }));
    let width = shown.chars().count();
    // The caret points at nothing when the place itself is hidden.
    if before <= width {
        let carets = marked.clamp(1, (width - before).clamp(1, WIDTH));
        let indent = " ".repeat(before - skipped);
        write!(excerpt, "\n{margin} | {indent}{}", "^".repeat(carets)).expect("a string grows");
    }
    excerpt
}

/// The nearest character boundary at or before a position.
fn floor(text: &str, position: usize) -> usize {
    (0..=position.min(text.len()))
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .expect("zero is a boundary")
}

/// Whether a key's name speaks of a secret that would stand in the file itself.
pub(super) fn names_secret(key: &str) -> bool {
    let key = key.to_lowercase().replace('-', "_");
    let key = key.trim_matches(['"', '\'', ':']);
    !HARMLESS.contains(&key)
        && ["secret", "token", "password", "passwd", "pwd"].iter().any(|word| key.contains(word))
}

/// Whether a line gives a secret's place.
fn leads_to_secret(line: &str) -> bool {
    HARMLESS.iter().any(|key| line.contains(key))
}

/// Whether any line looks as if it gave a secret as a value. A guess on the safe
/// side: it costs the excerpts their right-hand sides and nothing more.
fn holds_secret(text: &str) -> bool {
    let ends_word = |c: char| c.is_whitespace() || matches!(c, '{' | ',' | '.' | '=');
    text.lines().map(str::trim_start).filter(|line| !line.starts_with('#')).any(|line| {
        let before_equals = line.match_indices('=').map(|(equals, _)| {
            line[..equals].trim_end().rsplit(ends_word).next().unwrap_or_default()
        });
        let first_word = line.split(|c: char| c.is_whitespace() || c == '=').next();
        before_equals.chain(first_word).any(names_secret)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_in_lines_and_characters() {
        let text = "[pace]\r\nsettle = 15\n# é = \"x\"\n";
        for (span, line, column, excerpt) in [
            (17..19, 2, 10, "2 | settle = 15\n  |          ^^"),
            (0..6, 1, 1, "1 | [pace]\n  | ^^^^^^"),
            (0..12, 1, 1, "1 | [pace]\n  | ^^^^^^"),
            (27..30, 3, 7, "3 | # é = \"x\"\n  |       ^^^"),
            (999..1000, 4, 1, "4 | \n  | ^"),
        ] {
            let place = Place::new(text, &span, Show::Line);
            assert_eq!((place.line, place.column, &*place.excerpt), (line, column, excerpt));
        }
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("message = \"{}\" x", "y".repeat(500));
        let at = text.len() - 1;
        let place = Place::new(&text, &(at..at + 1), Show::Line);
        assert_eq!(place.column, text.len());
        assert!(place.excerpt.lines().all(|line| line.chars().count() <= WIDTH + 4));
        assert!(place.excerpt.ends_with('^'));
    }

    #[test]
    fn a_value_after_an_unknown_key_is_not_shown() {
        let place = Place::new("a = { b = \"hidden\" }", &(6..7), Show::UpToPlace);
        assert_eq!(place.excerpt, "1 | a = { b …\n  |       ^");
        let place = Place::new("b = \"hidden\"", &(4..12), Show::BeforePlace);
        assert_eq!(place.excerpt, "1 | b = …\n  |     ^");
    }

    #[test]
    fn a_file_that_may_hold_a_secret_shows_no_values() {
        for text in [
            "x = 1\nclient_secret = \"hidden\"",
            "x = 1\nauth.client_secret = 'hidden'",
            "x = 1\nauth = { client_id = \"hidden\", access_token = \"hidden\" }",
            "x = 1\n\"client-secret\" = \"\"\"\nhidden\n\"\"\"",
            "x = 1\nclient_secret: hidden",
            "x = 1\npassword hidden",
        ] {
            for at in 0..text.len() {
                let place = Place::new(text, &(at..text.len()), Show::Line);
                assert!(!place.excerpt.contains("hidden"), "{text}: {}", place.excerpt);
            }
        }
        let text = "# secrets are never values\nclient_secret_file = \"hidden\"\nid = \"shown\"";
        assert!(!Place::new(text, &(30..31), Show::Line).excerpt.contains("hidden"));
        assert!(Place::new(text, &(60..61), Show::Line).excerpt.contains("shown"));
    }
}
