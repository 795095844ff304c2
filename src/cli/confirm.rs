//! Whether a plan may be carried out: what a person at the terminal says.
//!
//! Leaves to others: what the guards say (`campaign`).

use std::io::{IsTerminal as _, Write as _};

use tokio::sync::oneshot;

use crate::graph::CallError;
use crate::plan::Plan;
use crate::report::count;
use crate::run::Stop;

use super::Exit;
use super::failure::Failure;
use super::planning::interrupted;
use super::ui::Ui;

/// Asks a person, naming what is done, the tenant and the count. Without a terminal there is
/// nobody to ask, and nothing is changed.
pub(super) async fn confirm(
    ui: &Ui,
    stop: &Stop,
    plan: &Plan,
    what: &str,
    changes: u64,
    hint: &str,
) -> Result<(), Failure> {
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
            "\n{what} {changes} of {tenant} ({})? Invitations can't be called back.\nType yes to go on: ",
            plan.tenant_id
        )?;
        stderr.flush()?;
    }
    if answer(stop).await?.trim().eq_ignore_ascii_case("yes") {
        Ok(())
    } else {
        Err(Failure::new(Exit::Interrupted, anyhow::anyhow!("not confirmed; nothing was sent")))
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
