//! Whether there is a way to the service at all: one breaker for all requests. When no
//! connection comes about everybody waits, one request at a time tries again, and the
//! first that gets through lets all others go on.
//!
//! Leaves to others: what a request does meanwhile (`client`).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::backoff::backoff;
use super::pace::Stopped;
use super::transport::Hindrance;

/// How long a way that was there before is waited for: the restart of a router or of a
/// line takes a minute or two. A longer outage is the next run's.
const PATIENCE: Duration = Duration::from_mins(5);

/// The same where none was ever there: a machine that has just woken for its nightly run
/// has its network within a minute.
const FIRST_PATIENCE: Duration = Duration::from_mins(1);

/// The same where a host refuses that never took a connection: a restart is bridged, and a
/// wrong port is said soon.
const PATIENCE_WITH_A_REFUSAL: Duration = Duration::from_secs(3);

/// The longest wait between two tries, so that a way that is back is soon noticed.
const LONGEST_PROBE: Duration = Duration::from_secs(15);

/// A try whose end nobody told within this time holds up the next no longer.
const LEASE: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(super) struct Connection {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Whether there ever was a way.
    been_up: bool,
    outage: Option<Outage>,
}

#[derive(Debug)]
struct Outage {
    since: Instant,
    failures: u32,
    /// When the next request may try.
    next: Instant,
    /// Whether one is trying.
    is_probed: bool,
    is_given_up: bool,
}

/// What follows from a connection that did not come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Away {
    /// This is the first of an outage, which is waited out for at most so long.
    Began(Duration),
    /// It goes on.
    Lasts,
    GivenUp {
        /// Whether there was a way before.
        was_up: bool,
    },
}

impl Connection {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is a way as far as known, or it is this caller's turn to try.
    pub(super) async fn ready(&self, stop: &CancellationToken) -> Result<(), Stopped> {
        loop {
            let changed = self.changed.notified();
            let next = {
                let mut state = self.state();
                let Some(outage) = &mut state.outage else { return Ok(()) };
                let now = Instant::now();
                if outage.is_given_up {
                    return Ok(());
                }
                if now >= outage.next {
                    outage.is_probed = true;
                    outage.next = now + LEASE;
                    return Ok(());
                }
                outage.next
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(Stopped),
                () = changed => {}
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }

    /// An answer came.
    pub(super) fn is_up(&self) {
        let mut state = self.state();
        state.been_up = true;
        if state.outage.take().is_some() {
            drop(state);
            self.changed.notify_waiters();
        }
    }

    /// No connection came about, for such a reason.
    pub(super) fn failed(&self, hindrance: Hindrance) -> Away {
        let now = Instant::now();
        let mut state = self.state();
        let was_up = state.been_up;
        let patience = match hindrance {
            // Whoever talks to it would talk to somebody else.
            Hindrance::Untrusted | Hindrance::NoAuthorities => return Away::GivenUp { was_up },
            Hindrance::NoSuchHost | Hindrance::Proxy if !was_up => {
                return Away::GivenUp { was_up };
            }
            _ if was_up => PATIENCE,
            Hindrance::Refused => PATIENCE_WITH_A_REFUSAL,
            Hindrance::Network | Hindrance::NoSuchHost | Hindrance::Proxy => FIRST_PATIENCE,
        };
        let Some(outage) = &mut state.outage else {
            let next = now + backoff(1);
            state.outage = Some(Outage {
                since: now,
                failures: 1,
                next,
                is_probed: false,
                is_given_up: false,
            });
            return Away::Began(patience);
        };
        // What was under way when it began says nothing new.
        if outage.is_probed {
            outage.is_probed = false;
            outage.failures += 1;
            outage.next = now + backoff(outage.failures).min(LONGEST_PROBE);
            if now.duration_since(outage.since) >= patience {
                outage.is_given_up = true;
            }
        }
        let is_given_up = outage.is_given_up;
        drop(state);
        if is_given_up {
            self.changed.notify_waiters();
            return Away::GivenUp { was_up };
        }
        Away::Lasts
    }

    /// A request was sent, perhaps, and nothing came back: a try that failed, if it was
    /// one, and otherwise no news of the connection.
    pub(super) fn lost(&self) {
        let is_probed = self.state().outage.as_ref().is_some_and(|outage| outage.is_probed);
        if is_probed {
            self.failed(Hindrance::Network);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test(start_paused = true)]
    async fn one_at_a_time_tries_and_the_first_that_gets_through_frees_all() {
        let connection = Arc::new(Connection::default());
        let stop = CancellationToken::new();
        connection.is_up();
        assert_eq!(connection.failed(Hindrance::Network), Away::Began(PATIENCE));
        let begun = Instant::now();
        let tries = Arc::new(AtomicU32::new(0));
        let callers = (0..200).map(|_| {
            let (connection, stop, tries) =
                (Arc::clone(&connection), stop.clone(), Arc::clone(&tries));
            tokio::spawn(async move {
                loop {
                    connection.ready(&stop).await.unwrap();
                    if begun.elapsed() > Duration::from_mins(1) {
                        return connection.is_up();
                    }
                    tries.fetch_add(1, Ordering::Relaxed);
                    assert_eq!(connection.failed(Hindrance::Network), Away::Lasts);
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.unwrap();
        }
        assert!(tries.load(Ordering::Relaxed) < 15, "{tries:?}");
        assert!(begun.elapsed() < Duration::from_mins(1) + LONGEST_PROBE);
    }

    #[test]
    fn what_no_waiting_mends_is_told_at_once() {
        for been_up in [false, true] {
            let connection = Connection::default();
            if been_up {
                connection.is_up();
            }
            let given_up = Away::GivenUp { was_up: been_up };
            assert_eq!(connection.failed(Hindrance::Untrusted), given_up);
            for hindrance in [Hindrance::NoSuchHost, Hindrance::Proxy] {
                let waits = connection.failed(hindrance) != given_up;
                assert_eq!(waits, been_up, "{hindrance:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_given_up_after_a_while_and_sooner_where_there_was_none_ever() {
        use Hindrance::{Network, Refused};
        let stop = CancellationToken::new();
        for (been_up, hindrance, patience) in [
            (true, Network, PATIENCE),
            (true, Refused, PATIENCE),
            (false, Network, FIRST_PATIENCE),
            (false, Refused, PATIENCE_WITH_A_REFUSAL),
        ] {
            let connection = Connection::default();
            if been_up {
                connection.is_up();
            }
            let begun = Instant::now();
            assert_eq!(connection.failed(hindrance), Away::Began(patience));
            loop {
                connection.ready(&stop).await.unwrap();
                if connection.failed(hindrance) == (Away::GivenUp { was_up: been_up }) {
                    break;
                }
            }
            let took = begun.elapsed();
            assert!(took >= patience && took <= patience + LONGEST_PROBE, "{took:?}");
            // Nobody waits for it any more.
            connection.ready(&stop).await.unwrap();
            assert_eq!(connection.failed(hindrance), Away::GivenUp { was_up: been_up });
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_ends_when_the_run_stops() {
        let connection = Connection::default();
        connection.failed(Hindrance::Network);
        let stop = CancellationToken::new();
        stop.cancel();
        assert!(connection.ready(&stop).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_try_that_never_ends_holds_nobody_up_for_ever() {
        let (connection, stop) = (Connection::default(), CancellationToken::new());
        connection.failed(Hindrance::Network);
        connection.ready(&stop).await.unwrap();
        let begun = Instant::now();
        connection.ready(&stop).await.unwrap();
        assert_eq!(begun.elapsed(), LEASE);
    }
}
