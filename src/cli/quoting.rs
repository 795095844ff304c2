//! A word of a command line as a person pastes it into the shell of their system.
//!
//! Leaves to others: which words a command has (`resume_command`).

use std::path::Path;

/// Who reads the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shell {
    Posix,
    /// `cmd.exe`, and PowerShell as far as both agree: neither tells a program from which
    /// one it was started.
    Windows,
}

const SHELL: Shell = if cfg!(windows) { Shell::Windows } else { Shell::Posix };

pub(super) fn quoted(path: &Path) -> String {
    word(&path.display().to_string())
}

pub(super) fn word(text: &str) -> String {
    word_for(SHELL, text)
}

fn word_for(shell: Shell, text: &str) -> String {
    let plain = match shell {
        Shell::Posix => "-_./:=",
        Shell::Windows => "-_./:=\\",
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || plain.contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    match shell {
        Shell::Posix => format!("'{}'", text.replace('\'', "'\\''")),
        Shell::Windows => format!("\"{}\"", within_quotes(text)),
    }
}

/// Programs take backslashes before a quote for escapes, and two quotes for one
/// (learn.microsoft.com/cpp/c-language/parsing-c-command-line-arguments, 2024-10); `cmd.exe`
/// takes two for an end and a beginning, so that what follows stays within quotes.
fn within_quotes(text: &str) -> String {
    let mut within = String::new();
    let mut backslashes = 0;
    for c in text.chars() {
        match c {
            '\\' => backslashes += 1,
            '"' => {
                within.push_str(&"\\".repeat(backslashes));
                within.push('"');
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        within.push(c);
    }
    within.push_str(&"\\".repeat(backslashes));
    within
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_with_a_blank_stays_one() {
        for (text, posix, windows) in [
            ("guests.csv", "guests.csv", "guests.csv"),
            (r"C:\moves\guests.csv", r"'C:\moves\guests.csv'", r"C:\moves\guests.csv"),
            ("it's here.csv", r"'it'\''s here.csv'", r#""it's here.csv""#),
            ("new_email=Neue Adresse", "'new_email=Neue Adresse'", r#""new_email=Neue Adresse""#),
            (r"C:\my moves\", r"'C:\my moves\'", r#""C:\my moves\\""#),
            (r#"team="A&B""#, r#"'team="A&B"'"#, r#""team=""A&B""""#),
            (r#"a\"b c"#, r#"'a\"b c'"#, r#""a\\""b c""#),
            ("Müller & Co", "'Müller & Co'", r#""Müller & Co""#),
            ("", "''", r#""""#),
        ] {
            assert_eq!(word_for(Shell::Posix, text), posix);
            assert_eq!(word_for(Shell::Windows, text), windows);
        }
    }
}
