//! Whether a plan may be carried out: what the guards and a reviewed digest say,
//! and what a person at the terminal says.

use std::io::{IsTerminal as _, Write as _};

use tokio::sync::oneshot;

use crate::graph::CallError;
use crate::plan::Plan;
use crate::report::count;
use crate::run::StopReason;

use super::Exit;
use super::failure::Failure;
use super::planning::{Context, interrupted};

/// Why the plan may not be carried out, if it may not, and what to do.
pub(super) fn refusal<'p>(plan: &'p Plan, reviewed: Option<&str>) -> Option<(StopReason, &'p str)> {
    if let Some(reviewed) = reviewed.filter(|reviewed| !plan.digest.is(reviewed)) {
        let reason = StopReason::Guard {
            code: "plan-changed",
            message: format!(
                "the plan is now {}, not the reviewed {reviewed}",
                plan.digest.short()
            ),
        };
        return Some((reason, "review the plan again, then pass its digest"));
    }
    let finding = plan.refusals().next()?;
    let reason = StopReason::Guard { code: finding.code, message: finding.message.clone() };
    Some((reason, &finding.advice))
}

/// Asks a person, naming what is done, the tenant and the count. Without a terminal there is
/// nobody to ask, and nothing is changed.
pub(super) fn confirm(
    context: &Context<'_>,
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
        let mut stderr = context.ui.stderr();
        write!(
            stderr,
            "\n{what} {changes} of {tenant} ({})? Invitations can't be called back.\nType yes to go on: ",
            plan.tenant_id
        )?;
        stderr.flush()?;
    }
    if answer(context)?.trim().eq_ignore_ascii_case("yes") {
        Ok(())
    } else {
        Err(Failure::new(Exit::Interrupted, anyhow::anyhow!("not confirmed; nothing was sent")))
    }
}

/// A line from the terminal, or the end by a signal: a read that waits for a person
/// notices none, so it waits on a thread of its own.
fn answer(context: &Context<'_>) -> Result<String, Failure> {
    let (typed, line) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        // When the program has ended meanwhile, nobody wants it any more.
        let _ = typed.send(std::io::stdin().read_line(&mut line).map(|_| line));
    });
    context.runtime.block_on(async {
        tokio::select! {
            line = line => Ok(line.map_err(std::io::Error::other)??),
            () = context.stop.requested() => Err(interrupted(CallError::Stopped, context.stop)),
        }
    })
}
