//! Stopping: one flag that everything watches, and the gravest reason given.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::event::StopReason;

/// Asks a run to start nothing new. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    token: CancellationToken,
    reason: Arc<Mutex<Option<StopReason>>>,
    on_its_way: Arc<Mutex<BTreeSet<u32>>>,
}

/// Something of a row has left, and what became of it is not on record yet.
#[derive(Debug)]
pub(super) struct Leaving {
    line: u32,
    on_its_way: Arc<Mutex<BTreeSet<u32>>>,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.on_its_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.line);
    }
}

impl Stop {
    /// Nothing has asked to stop yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks to stop. True when this is the first reason or a graver one.
    pub fn request(&self, reason: StopReason) -> bool {
        let mut current = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        let graver = current.as_ref().is_none_or(|current| *current < reason);
        if graver {
            *current = Some(reason);
        }
        drop(current);
        self.token.cancel();
        graver
    }

    /// Why, once something has asked.
    pub fn reason(&self) -> Option<StopReason> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether something has asked.
    pub fn is_requested(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Resolves when something asks.
    pub async fn requested(&self) {
        self.token.cancelled().await;
    }

    /// Notes that an invitation or a mail of a row leaves, until that is dropped.
    pub(super) fn leaving(&self, line: u32) -> Leaving {
        self.on_its_way.lock().unwrap_or_else(PoisonError::into_inner).insert(line);
        Leaving { line, on_its_way: Arc::clone(&self.on_its_way) }
    }

    /// Lines of the rows of which something has left, and nobody knows yet what became of it.
    pub fn on_its_way(&self) -> Vec<u32> {
        self.on_its_way.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    /// The flag itself, for those who only wait.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_left_is_known_until_it_is_on_record() {
        let stop = Stop::new();
        let first = stop.leaving(7);
        let second = stop.clone().leaving(3);
        assert_eq!(stop.on_its_way(), [3, 7]);
        drop(first);
        assert_eq!(stop.on_its_way(), [3]);
        drop(second);
        assert!(stop.on_its_way().is_empty());
    }

    #[test]
    fn a_graver_reason_replaces_a_lesser_one_and_never_the_other_way() {
        let stop = Stop::new();
        assert!(!stop.is_requested());
        assert!(stop.request(StopReason::Interrupted));
        assert!(!stop.request(StopReason::TimeBudget));
        assert_eq!(stop.reason(), Some(StopReason::Interrupted));
        let blocked = StopReason::Tenant { code: "invitations-blocked", message: String::new() };
        assert!(stop.request(blocked.clone()));
        assert!(!stop.request(StopReason::Interrupted));
        assert_eq!(stop.reason(), Some(blocked));
    }
}
