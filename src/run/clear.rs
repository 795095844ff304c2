//! Reading the directory back: whether an invitation whose answer was lost was
//! sent, and whether a canary's invitation shows.
//!
//! Leaves to others: what a reading means (`settle`), and what follows from it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::domain::{DirectoryUser, Redemption, RedemptionState};
use crate::graph::{CallError, Presence};
use crate::plan::{Change, PlannedRow};

use super::engine::Run;
use super::event::{Event, InvitedHow};
use super::row::{Done, RowRun, redemption};
use super::settle::{Settlement, settle};

/// First wait before a guest is read again; doubles up to the replication lag.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// A record dated so far ahead of the present was made by a clock that was wrong.
const FAR_AHEAD: SignedDuration = SignedDuration::from_secs(60);

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
        let address = &change.invitation.address;
        let until = Instant::now() + self.settings.replication_lag;
        let mut wait = FIRST_LOOK;
        loop {
            let guest = match self.graph.user(user_id).await {
                Ok(guest) => guest,
                Err(CallError::Stopped) => return Sighted::Stopped,
                Err(error) => return Sighted::No(error.to_string()),
            };
            let shows = guest.as_ref().is_some_and(|guest| {
                let newer = guest.redemption_changed_at > change.redemption.changed_at;
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
            tokio::select! {
                () = tokio::time::sleep_until((Instant::now() + wait).min(until)) => {}
                () = self.stop.requested() => return Sighted::Stopped,
            }
            wait *= 2;
        }
    }
}

impl RowRun<'_, '_> {
    /// Lets a fresh reading have the last word on an invitation that was taken for not
    /// sent: what it shows now outweighs what a lagging replica did not.
    pub(super) async fn not_sent_after_all(
        &self,
        guest: DirectoryUser,
    ) -> Result<DirectoryUser, Done> {
        let Some((before, intended_at)) = &self.lost else { return Ok(guest) };
        let now = redemption(&guest);
        match settle(before.as_ref(), *intended_at, &now, true) {
            Settlement::Outstanding => Ok(guest),
            Settlement::Sent => Err(match self.invited(InvitedHow::SettledFromDirectory).await {
                Ok(outcome) => Done(outcome),
                Err(done) => done,
            }),
            Settlement::Undecided | Settlement::TooEarly => {
                Err(self.unknown(evidence(before.as_ref(), *intended_at, &now)).await)
            }
        }
    }

    /// Whether it no longer matters: it was one more invitation after an accepted one,
    /// and the guest has redeemed one of them.
    fn is_moot(&self, now: &Redemption) -> bool {
        let resent = self.change.unsettled.as_ref().is_some_and(|open| open.resent);
        resent && now.state == Some(RedemptionState::Accepted)
    }

    /// Reads the guest until the directory tells whether an invitation was sent:
    /// true when it was, false when it certainly was not. `over` is the moment, in
    /// our time, after which nothing can have been sent any more.
    pub(super) async fn settle_from_directory(
        &mut self,
        before: Option<&Redemption>,
        intended_at: Timestamp,
        over: Timestamp,
    ) -> Result<bool, Done> {
        let lag = SignedDuration::try_from(self.run.settings.replication_lag)
            .unwrap_or(SignedDuration::MAX);
        // By our clock and by the service's: a host whose clock was slow when the last run
        // ended would make this run believe that it was long ago.
        let intended_here = intended_at - self.run.graph.clock().skew();
        let begun = self.run.graph.clock().now();
        let certain_at = over.max(intended_here).min(begun);
        if over.max(intended_here) > begun + FAR_AHEAD {
            (self.run.observe)(Event::Noticed {
                line: Some(self.row.line),
                what: format!(
                    "the record of its invitation is dated {intended_at:.0}, which lies ahead; \
                     that is not waited for"
                ),
            });
        }
        // Nothing can have been sent after this moment, whatever a record says.
        let certain_at = certain_at.saturating_add(lag).unwrap_or(Timestamp::MAX);
        let mut is_told = false;
        let mut wait = FIRST_LOOK;
        loop {
            let lag_is_over = self.run.graph.clock().now() >= certain_at;
            let now = match self.run.graph.user(self.user_id()).await {
                Ok(Some(guest)) => Some(redemption(&guest)),
                Ok(None) => None,
                Err(error) => {
                    self.note_stop(&error);
                    return Err(self
                        .unknown(format!("the guest could not be read: {error}"))
                        .await);
                }
            };
            let settlement = match &now {
                Some(now) => settle(before, intended_at, now, lag_is_over),
                // One replica that does not have the guest is no word on it.
                None if !lag_is_over => Settlement::TooEarly,
                None => return Err(self.absent().await),
            };
            let now = now.unwrap_or_default();
            match settlement {
                Settlement::Sent => return Ok(true),
                Settlement::Outstanding => {
                    self.outstanding("the directory shows no change".to_owned()).await?;
                    return Ok(false);
                }
                Settlement::Undecided if self.is_moot(&now) => {
                    self.outstanding(MOOT.to_owned()).await?;
                    return Ok(false);
                }
                Settlement::Undecided => {
                    let evidence = evidence(before, intended_at, &now);
                    return Err(self.unknown(evidence).await);
                }
                Settlement::TooEarly => {}
            }
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
                let evidence =
                    "the run ended before a replica had to show it; the next run settles it";
                return Err(self.unknown(evidence.to_owned()).await);
            }
            wait = wait.saturating_mul(2);
        }
    }
}

impl RowRun<'_, '_> {
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

/// Why one more invitation of unknown outcome needs nobody's attention.
pub const MOOT: &str = "the guest has redeemed; whether it was mailed once more does not matter";

/// What a person needs to decide what the directory could not.
fn evidence(before: Option<&Redemption>, intended_at: Timestamp, now: &Redemption) -> String {
    let show = |redemption: &Redemption| {
        let state = redemption.state.as_ref().map_or("none".to_owned(), ToString::to_string);
        let since = redemption.changed_at.map_or("never".to_owned(), |at| at.to_string());
        format!("{state} since {since}")
    };
    format!(
        "intended at {intended_at:.0}; redemption before: {}, now: {}",
        before.map_or("not recorded".to_owned(), show),
        show(now)
    )
}
