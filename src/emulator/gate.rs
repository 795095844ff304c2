//! Whether there is a way to the tenant: shut, it cuts every connection and lets none come
//! about until it opens again by itself.
//!
//! Leaves to others: the connections (`connection`), and when it is shut (`routes`).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
pub(super) struct Gate {
    opens_at: watch::Sender<Option<Instant>>,
    /// Cuts the connections that were made since it was last open.
    cut: Mutex<CancellationToken>,
    /// Listeners that must be gone before a connection can be said to be refused.
    listeners: watch::Sender<usize>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            opens_at: watch::Sender::new(None),
            cut: Mutex::default(),
            listeners: watch::Sender::new(0),
        }
    }
}

impl Gate {
    fn cut(&self) -> MutexGuard<'_, CancellationToken> {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shuts for so long. Returns once nobody listens.
    pub(super) async fn shut(&self, time: Duration) {
        self.opens_at.send_replace(Some(Instant::now() + time));
        let mut listeners = self.listeners.subscribe();
        // It fails only when the sender is gone, which is ours.
        let _ = listeners.wait_for(|listeners| *listeners == 0).await;
        std::mem::take(&mut *self.cut()).cancel();
    }

    /// When it opens, if it is shut.
    pub(super) fn is_shut(&self) -> Option<Instant> {
        let opens_at = *self.opens_at.borrow();
        opens_at.filter(|opens_at| *opens_at > Instant::now())
    }

    /// Waits until it is shut; says when it opens.
    pub(super) async fn shuts(&self) -> Instant {
        let mut opens_at = self.opens_at.subscribe();
        loop {
            if let Some(opens_at) = self.is_shut() {
                return opens_at;
            }
            if opens_at.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// What cuts a connection that is made now.
    pub(super) fn for_connection(&self) -> CancellationToken {
        self.cut().clone()
    }

    pub(super) fn listens(&self) {
        self.listeners.send_modify(|listeners| *listeners += 1);
    }

    pub(super) fn listens_no_more(&self) {
        self.listeners.send_modify(|listeners| *listeners -= 1);
    }
}
