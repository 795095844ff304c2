//! Reading the directory back until it tells whether an invitation whose answer was
//! lost was sent.
//!
//! Leaves to others: what a reading means (`lost_answer`), and what follows from it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::{DirectoryUser, RedemptionState};
use crate::graph::Presence;
use crate::run::event::{Event, InvitedHow};
use crate::run::lost_answer::{Horizon, Intent, LostAnswer, MOOT, NO_CHANGE, Verdict};

use super::{Done, RowRun};

/// First wait before a guest is read again; doubles up to the replication lag.
const FIRST_LOOK: Duration = Duration::from_secs(2);

fn is_redeemed(guest: &DirectoryUser) -> bool {
    guest.redemption.state == Some(RedemptionState::Accepted)
}

impl RowRun<'_, '_> {
    /// An invitation of unknown outcome. `ended_at` is the moment, in our time, after
    /// which it can't have been sent any more.
    pub(super) fn lost_answer(&self, intent: Intent<'_>, ended_at: Timestamp) -> LostAnswer {
        let lag = SignedDuration::try_from(self.run.settings.replication_lag)
            .unwrap_or(SignedDuration::MAX);
        let clock = self.run.graph.clock();
        let horizon = Horizon { asked_at: clock.now(), ended_at, skew: clock.skew(), lag };
        let lost = LostAnswer::new(intent, horizon);
        if let Some(what) = lost.wrong_date() {
            (self.run.observe)(Event::Noticed { line: Some(self.row.line), what });
        }
        lost
    }

    /// Lets a fresh reading have the last word on an invitation that was taken for not
    /// sent: what it shows now outweighs what a lagging replica did not.
    pub(super) async fn not_sent_after_all(
        &self,
        guest: DirectoryUser,
    ) -> Result<DirectoryUser, Done> {
        let Some(lost) = &self.lost else { return Ok(guest) };
        match lost.judge(&guest.redemption, self.run.graph.clock().now()) {
            Verdict::NotSent => Ok(guest),
            Verdict::Sent if self.is_unmailed() && !is_redeemed(&guest) => {
                self.remake(guest.redemption.changed_at).await?;
                Ok(guest)
            }
            Verdict::Sent => Err(match self.invited(InvitedHow::SettledFromDirectory).await {
                Ok(outcome) => Done(outcome),
                Err(done) => done,
            }),
            Verdict::Undecided | Verdict::Moot | Verdict::TooEarly { .. } => {
                Err(self.unknown(lost.evidence(&guest.redemption)).await)
            }
        }
    }

    /// Reads the guest until the directory tells whether an invitation was sent:
    /// true when it was, false when it certainly was not.
    pub(super) async fn was_sent(&mut self, lost: &LostAnswer) -> Result<bool, Done> {
        let mut is_told = false;
        let mut wait = FIRST_LOOK;
        loop {
            let read_at = self.run.graph.clock().now();
            let now = match self.run.graph.user(self.user_id()).await {
                Ok(guest) => guest.map(|guest| guest.redemption),
                Err(error) => {
                    self.note_stop(&error);
                    return Err(self
                        .unknown(format!("the guest could not be read: {error}"))
                        .await);
                }
            };
            let certain_at = match now {
                Some(now) => match lost.judge(&now, read_at) {
                    Verdict::Sent => return Ok(true),
                    Verdict::NotSent => {
                        self.outstanding(NO_CHANGE.to_owned()).await?;
                        return Ok(false);
                    }
                    // Whoever asked for it has what it was for.
                    Verdict::Moot => {
                        self.outstanding(MOOT.to_owned()).await?;
                        self.is_open = false;
                        return Err(self.not_attempted());
                    }
                    // Nobody has the link either way, and it is made again.
                    Verdict::Undecided if self.is_unmailed() && lost.waits_as_before(&now) => {
                        return Ok(true);
                    }
                    Verdict::Undecided => return Err(self.unknown(lost.evidence(&now)).await),
                    Verdict::TooEarly { until } => until,
                },
                // One replica that does not have the guest is no word on it.
                None if read_at < lost.certain_at() => lost.certain_at(),
                None => return Err(self.absent().await),
            };
            let left = certain_at.duration_since(self.run.graph.clock().now());
            // A millisecond more, so that the last look is surely past the bound.
            let left = Duration::try_from(left).unwrap_or_default() + Duration::from_millis(1);
            if !is_told && left > wait {
                is_told = true;
                (self.run.observe)(Event::Waiting {
                    line: Some(self.row.line),
                    why: "an invitation's answer was lost, and the directory is read until a \
                          replica has to show it"
                        .to_owned(),
                    at_most: left,
                });
            }
            let stopped = tokio::select! {
                () = tokio::time::sleep(wait.min(left)) => false,
                () = self.run.stop.requested() => true,
            };
            if stopped {
                let evidence = "the run was stopped while the directory might not show it yet; \
                                the next run looks again before it sends anything";
                return Err(self.unknown(evidence.to_owned()).await);
            }
            wait = wait.saturating_mul(2);
        }
    }

    /// The guest whose invitation's answer was lost is not there any more.
    async fn absent(&self) -> Done {
        let absence = match self.run.graph.look_for(self.user_id(), Duration::ZERO).await {
            Ok(Presence::Here(_)) => "the guest is shown by some replicas alone".to_owned(),
            Ok(absent) => absent.to_string(),
            Err(error) => {
                self.note_stop(&error);
                format!("the guest could not be read: {error}")
            }
        };
        self.unknown(absence).await
    }
}
