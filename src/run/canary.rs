//! Looking for the invitations of the canary rows in the directory.
//!
//! Leaves to others: which rows those are, and what follows (`engine`).

use std::time::Duration;

use tokio::time::Instant;

use crate::graph::CallError;
use crate::plan::{Change, PlannedRow};

use super::engine::Run;
use super::event::Event;

/// First wait before a guest is read again; doubles up to the replication lag.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// What became of looking for a canary's invitation.
pub(super) enum Sighted {
    /// The directory shows it.
    Yes,
    /// It does not, or could not be asked: why.
    No(String),
    /// The run was asked to end before that was known.
    Stopped,
}

impl Run<'_> {
    /// Waits until the directory shows an invitation of this run, for the canary; not
    /// beyond the moment when the run is asked to end.
    pub(super) async fn look_for(&self, row: &PlannedRow, change: &Change) -> Sighted {
        let user_id = row.user_id.expect("a change has a guest");
        let address = row.new_email.as_ref().expect("a change has an address");
        let until = Instant::now() + self.settings.replication_lag;
        let mut wait = FIRST_LOOK;
        let mut is_told = false;
        loop {
            let guest = match self.graph.user(user_id).await {
                Ok(guest) => guest,
                Err(CallError::Stopped) => return Sighted::Stopped,
                Err(error) => return Sighted::No(error.to_string()),
            };
            let shows = guest.as_ref().is_some_and(|guest| {
                let newer = guest.redemption.changed_at > change.redemption.changed_at;
                newer && (guest.has_mail(address) || guest.has_other_mail(address))
            });
            if shows {
                return Sighted::Yes;
            }
            if Instant::now() >= until {
                return Sighted::No(format!(
                    "line {}: the directory does not show the invitation of {address}",
                    row.line
                ));
            }
            if !is_told {
                is_told = true;
                (self.observe)(Event::Waiting {
                    line: None,
                    why: format!("the canary of line {} is looked for in the directory", row.line),
                    at_most: until.saturating_duration_since(Instant::now()),
                });
            }
            tokio::select! {
                () = tokio::time::sleep_until((Instant::now() + wait).min(until)) => {}
                () = self.stop.requested() => return Sighted::Stopped,
            }
            wait *= 2;
        }
    }
}
