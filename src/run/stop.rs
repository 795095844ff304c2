//! Stopping: one flag that everything watches, and the gravest reason given.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::event::StopReason;

/// Asks a run to start nothing new. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    token: CancellationToken,
    reason: Arc<Mutex<Option<StopReason>>>,
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

    /// The flag itself, for those who only wait.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
