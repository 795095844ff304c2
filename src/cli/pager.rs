//! A text that is longer than the terminal, shown by the pager that the person likes.
//!
//! Leaves to others: what the text is.

use std::io::{IsTerminal as _, Write as _};
use std::process::{Command, Stdio};

use super::ui::Ui;

/// Without a word of the person's: quits when all fits, takes colours, leaves the text there.
const PAGER: &str = "less -FRX";

/// Shows a rendered text: through the pager where stdout is a terminal that it does not fit
/// into, otherwise straight.
pub(super) fn show(text: &[u8], ui: &Ui) -> std::io::Result<()> {
    if ui.pages && is_wanted(text) {
        let chosen = std::env::var("PAGER").ok().filter(|pager| !pager.trim().is_empty());
        if page(text, chosen.as_deref().unwrap_or(PAGER)) {
            return Ok(());
        }
    }
    ui.stdout().write_all(text)
}

fn is_wanted(text: &[u8]) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    // CI sets a variable of that name wherever it gives jobs a terminal.
    if dumb || set("CI") || !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return false;
    }
    let size = terminal_size::terminal_size_of(std::io::stdout());
    size.is_some_and(|(_, height)| lines(text) >= usize::from(height.0))
}

fn lines(text: &[u8]) -> usize {
    text.split(|byte| *byte == b'\n').count() - 1
}

/// Whether a pager took the text. One that is not there shows nothing, and one that is left
/// before the end was read enough.
fn page(text: &[u8], pager: &str) -> bool {
    let Some(mut command) = command(pager) else { return false };
    let Ok(mut child) = command.stdin(Stdio::piped()).spawn() else { return false };
    let written = child.stdin.take().map(|mut stdin| stdin.write_all(text));
    let is_read = |status: std::process::ExitStatus| status.success() || is_gone(written.as_ref());
    child.wait().is_ok_and(is_read)
}

fn is_gone(written: Option<&std::io::Result<()>>) -> bool {
    matches!(written, Some(Err(error)) if error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// The words of a pager; quotes are not for it, a script is.
fn command(pager: &str) -> Option<Command> {
    let mut words = pager.split_whitespace();
    let mut command = crate::program::command(words.next()?).into_std();
    command.args(words);
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", "FRX");
    }
    Some(command)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_pager_gets_the_whole_text_and_one_that_fails_shows_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("read");
        let text = "line\n".repeat(100_000);
        assert!(page(text.as_bytes(), &format!("dd of={} status=none", file.display())));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        assert!(!page(text.as_bytes(), "no-such-pager --of-any-kind"));
        assert!(!page(b"", "false"));
        // Left before the end.
        assert!(page(text.as_bytes(), "dd of=/dev/null count=1 status=none"));
    }

    #[test]
    fn nothing_is_paged_that_is_not_for_a_terminal() {
        // Neither has a test one.
        assert!(!is_wanted("line\n".repeat(100_000).as_bytes()));
    }
}
