//! Whether a plan may be carried out: what a person at the terminal says.
//!
//! Leaves to others: what the guards say (`campaign`).

use std::io::{IsTerminal as _, Write as _};

use tokio::sync::oneshot;

use crate::graph::CallError;
use crate::plan::{Plan, Wave};
use crate::report::{count, harmless, what_guests_get};
use crate::run::Stop;

use super::Exit;
use super::failure::Failure;
use super::planning::interrupted;
use super::ui::Ui;

/// Asks a person, naming what is done, the tenant and the count, how long it takes, who goes
/// first and what the guests get. Without a terminal there is nobody to ask, and nothing is
/// changed.
pub(super) async fn confirm(
    ui: &Ui,
    stop: &Stop,
    plan: &Plan,
    what: &str,
    changes: u64,
    canary: u64,
    hint: &str,
) -> Result<(), Failure> {
    let details = details(plan, changes, canary);
    let changes = count(changes, "guest", "guests");
    let tenant = plan.tenant_name.as_deref().unwrap_or(&plan.tenant_id);
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            anyhow::anyhow!("{changes} of {tenant} would change, and there is no terminal to ask at; nothing was sent"),
        )
        .hint(hint));
    }
    {
        let mut stderr = ui.stderr();
        write!(
            stderr,
            "\n{what} {changes} of {tenant} ({})? Invitations can't be called back.\n",
            plan.tenant_id
        )?;
        for detail in details {
            writeln!(stderr, "  {}", harmless(&detail))?;
        }
        write!(stderr, "Type yes to go on: ")?;
        stderr.flush()?;
    }
    loop {
        match Answer::of(&answer(stop).await?) {
            Answer::Yes => return Ok(()),
            Answer::Abbreviated => {
                let mut stderr = ui.stderr();
                write!(stderr, "Type the whole word yes to go on, anything else to leave: ")?;
                stderr.flush()?;
            }
            Answer::No => {
                let not_confirmed = anyhow::anyhow!("not confirmed; nothing was sent");
                return Err(Failure::new(Exit::Interrupted, not_confirmed));
            }
        }
    }
}

/// What a person wants to know at that moment: what reaches the guests, who goes first, and
/// how long it takes.
fn details(plan: &Plan, changes: u64, canary: u64) -> Vec<String> {
    let gets = what_guests_get(plan);
    let first = (canary > 0 && canary < changes).then(|| {
        let rows = count(canary, "goes", "go");
        format!("{rows} first, as a canary: the others follow when the directory shows it")
    });
    // Of all that the plan has; a wave is a part of it.
    let pace =
        plan.effort.map(|effort| effort.sentence()).filter(|_| changes == plan.counts.change);
    let wave = plan.wave.as_ref().map(Wave::sentence);
    gets.into_iter().chain(first).chain(wave).chain(pace).collect()
}

/// What a line at the prompt means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    /// `y`: meant as a yes, but too quickly typed for what can't be called back. Asked again
    /// rather than refused, so that nobody has to plan anew for two letters.
    Abbreviated,
    /// Everything else, and the end of the input.
    No,
}

impl Answer {
    fn of(line: &str) -> Self {
        match line.trim() {
            word if word.eq_ignore_ascii_case("yes") => Self::Yes,
            word if word.eq_ignore_ascii_case("y") => Self::Abbreviated,
            _ => Self::No,
        }
    }
}

/// A line from the terminal, or the end by a signal: a read that waits for a person
/// notices none, so it waits on a thread of its own.
async fn answer(stop: &Stop) -> Result<String, Failure> {
    let (typed, line) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        // When the program has ended meanwhile, nobody wants it any more.
        let _ = typed.send(std::io::stdin().read_line(&mut line).map(|_| line));
    });
    tokio::select! {
        line = line => Ok(line.map_err(std::io::Error::other)??),
        () = stop.requested() => Err(interrupted(CallError::Stopped, stop)),
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;

    #[test]
    fn only_the_whole_word_is_a_yes_and_its_letter_is_asked_again() {
        for (line, meant) in [
            ("yes\n", Answer::Yes),
            (" YES \r\n", Answer::Yes),
            ("y\n", Answer::Abbreviated),
            ("Y\r\n", Answer::Abbreviated),
            ("no\n", Answer::No),
            ("ye\n", Answer::No),
            ("yes please\n", Answer::No),
            ("\n", Answer::No),
            ("", Answer::No),
        ] {
            assert_eq!(Answer::of(line), meant, "{line:?}");
        }
    }
}
