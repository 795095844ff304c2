//! Ctrl-C and SIGTERM: the first winds down, the second leaves at once.

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
                leave(exit);
            }
            asked = true;
            stop.request(reason);
        }
    });
}

#[expect(clippy::exit, reason = "the second signal asks for exactly this")]
fn leave(exit: Exit) {
    std::process::exit(i32::from(exit.code()))
}

#[cfg(unix)]
struct Terminate(Option<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Terminate {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self(signal(SignalKind::terminate()).ok())
    }

    async fn recv(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
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
