//! Ctrl-C, SIGTERM and a hang-up, or what Windows has for them: the first winds down, the
//! second leaves at once. A terminal that was closed is no reason to lose what is in flight.

use std::io::Write as _;

use crate::run::{Stop, StopReason};

use super::Exit;

/// Listens for as long as the runtime lives, from now on.
pub(super) fn listen(stop: Stop) {
    // Before the task has its first turn: what comes until then is not to be lost.
    let mut signals = Signals::new();
    tokio::spawn(async move {
        let mut asked = false;
        loop {
            let (reason, exit) = signals.next().await;
            if asked {
                // Safe at any moment: what is not durable has not been reported.
                tell(&stop.on_its_way());
                leave(exit);
            }
            asked = true;
            stop.request(reason);
        }
    });
}

const INTERRUPTED: (StopReason, Exit) = (StopReason::Interrupted, Exit::Interrupted);
const TERMINATED: (StopReason, Exit) = (StopReason::Terminated, Exit::Terminated);

/// Lines named when the program is left at once.
const MOST_NAMED: usize = 10;

/// Says of which rows nobody knows how far they came. The next run finds it out.
fn tell(lines: &[u32]) {
    let text = match lines {
        [] => "left at once; no invitation and no mail was on its way".to_owned(),
        lines => {
            let named: Vec<_> = lines.iter().take(MOST_NAMED).map(ToString::to_string).collect();
            let more = lines.len().saturating_sub(MOST_NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let named = named.join(", ");
            format!(
                "left at once; whether what was on its way for line {named}{more} was carried out \
                 is not known, and the next run settles it"
            )
        }
    };
    // Whoever closed the terminal reads nothing.
    let _ = writeln!(anstream::stderr(), "{text}");
}

#[expect(clippy::exit, reason = "the second signal asks for exactly this")]
fn leave(exit: Exit) {
    std::process::exit(i32::from(exit.code()))
}

/// Those that could be listened for.
#[cfg(unix)]
struct Signals {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let hangup = is_hangup_for_us().then(SignalKind::hangup);
        Self {
            interrupt: signal(SignalKind::interrupt()).ok(),
            terminate: signal(SignalKind::terminate()).ok(),
            hangup: hangup.and_then(|kind| signal(kind).ok()),
        }
    }

    async fn next(&mut self) -> (StopReason, Exit) {
        let Self { interrupt, terminate, hangup } = self;
        tokio::select! {
            Some(()) = async { interrupt.as_mut()?.recv().await } => INTERRUPTED,
            Some(()) = async { terminate.as_mut()?.recv().await } => TERMINATED,
            Some(()) = async { hangup.as_mut()?.recv().await } => TERMINATED,
            else => std::future::pending().await,
        }
    }
}

/// Whether a hang-up is not ignored: `nohup` has it so, and that is to stay. Where the
/// system does not say, nobody listens, and the program ends at once as ever.
#[cfg(unix)]
fn is_hangup_for_us() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // One bit for each signal, the hang-up being number 1.
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|it| it & 1 == 0)
}

/// The keys, and that the window is closed, the user logs off, or Windows shuts down. After
/// these it ends the program some seconds later, whatever it does
/// (learn.microsoft.com/windows/console/handlerroutine, 2023-10: 5 for a window).
#[cfg(windows)]
struct Signals {
    interrupt: Option<tokio::signal::windows::CtrlC>,
    key: Option<tokio::signal::windows::CtrlBreak>,
    close: Option<tokio::signal::windows::CtrlClose>,
    logoff: Option<tokio::signal::windows::CtrlLogoff>,
    shutdown: Option<tokio::signal::windows::CtrlShutdown>,
}

#[cfg(windows)]
impl Signals {
    fn new() -> Self {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};
        Self {
            interrupt: ctrl_c().ok(),
            key: ctrl_break().ok(),
            close: ctrl_close().ok(),
            logoff: ctrl_logoff().ok(),
            shutdown: ctrl_shutdown().ok(),
        }
    }

    async fn next(&mut self) -> (StopReason, Exit) {
        let Self { interrupt, key, close, logoff, shutdown } = self;
        tokio::select! {
            Some(()) = async { interrupt.as_mut()?.recv().await } => INTERRUPTED,
            Some(()) = async { key.as_mut()?.recv().await } => INTERRUPTED,
            Some(()) = async { close.as_mut()?.recv().await } => TERMINATED,
            Some(()) = async { logoff.as_mut()?.recv().await } => TERMINATED,
            Some(()) = async { shutdown.as_mut()?.recv().await } => TERMINATED,
            else => std::future::pending().await,
        }
    }
}
