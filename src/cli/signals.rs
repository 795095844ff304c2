//! Ctrl-C, SIGTERM and a hang-up: the first winds down, the second leaves at once. A
//! terminal that was closed is no reason to lose what is in flight.

use std::io::Write as _;

use crate::run::{Stop, StopReason};

use super::Exit;

/// Listens for as long as the runtime lives.
pub(super) fn listen(stop: Stop) {
    tokio::spawn(async move {
        let mut terminate = Terminate::new();
        let mut asked = false;
        loop {
            let (reason, exit) = tokio::select! {
                result = tokio::signal::ctrl_c() => {
                    if result.is_err() {
                        return;
                    }
                    (StopReason::Interrupted, Exit::Interrupted)
                }
                () = terminate.recv() => (StopReason::Terminated, Exit::Terminated),
            };
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

#[cfg(unix)]
struct Terminate([Option<tokio::signal::unix::Signal>; 2]);

#[cfg(unix)]
impl Terminate {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let hangup = is_hangup_for_us().then(SignalKind::hangup);
        Self([Some(SignalKind::terminate()), hangup].map(|kind| signal(kind?).ok()))
    }

    async fn recv(&mut self) {
        let [terminate, hangup] = &mut self.0;
        tokio::select! {
            () = one(terminate) => {}
            () = one(hangup) => {}
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

#[cfg(unix)]
async fn one(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

#[cfg(not(unix))]
struct Terminate;

#[cfg(not(unix))]
impl Terminate {
    fn new() -> Self {
        Self
    }

    async fn recv(&mut self) {
        std::future::pending().await
    }
}
