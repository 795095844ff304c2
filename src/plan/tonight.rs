//! What of a plan is begun in one run: no more than the present wave, and at night no more
//! than its budget. What was begun before is always finished.
//!
//! Which wave it is, the ledger tells: as many guests as were begun so far. So it
//! is the same wave after any stop, and a run takes one wave at most.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::config::{Limit, WaveSettings, WaveSize};

use super::review::count;
use super::{Blocked, ChangeReason, Decision, PlannedRow, Settled};

/// What the campaign has come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Guests of the manifest that were invited and have redeemed.
    pub redeemed: u64,
    /// Guests of the manifest whose newest mail bounced.
    pub bounced: u64,
    /// When the last guest was invited for the first time.
    pub last_invited_at: Option<Timestamp>,
    /// The rows of the campaign that are not in the plan, where it is about a part.
    pub others: Others,
}

/// The rows of a campaign that a plan of a part of it has not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Others {
    /// Nothing was done about them, and something is to be.
    pub fresh: u64,
    pub invited: u64,
    pub failed: u64,
    /// Begun, and to be finished.
    pub under_way: u64,
}

/// Rows that wait for a later night.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tonight {
    /// Their positions in the plan's rows.
    pub held: BTreeSet<usize>,
    /// The wave, when there are waves and one is not finished.
    pub wave: Option<Wave>,
    /// How many of the rows wait for the budget of the night.
    pub over_budget: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wave {
    /// Its number, from 1.
    pub number: usize,
    /// Rows of it that begin now.
    pub begins: u64,
    /// Rows that wait for a later one.
    pub waiting: u64,
    /// Why it can't begin yet.
    pub held_because: Option<String>,
}

impl Wave {
    /// What it is and what waits, as a sentence without full stop.
    pub fn sentence(&self) -> String {
        let Self { number, begins, waiting, held_because } = self;
        let begin = count(*begins, "guest", "guests");
        let wait = count(*waiting, "waits", "wait");
        match held_because {
            Some(why) => {
                let guests = count(*waiting, "guest", "guests");
                format!("Wave {number} does not begin, and {guests} wait: {why}")
            }
            None if *waiting > 0 => {
                format!("Wave {number}, {begin}; {wait} for wave {}", number + 1)
            }
            None => format!("Wave {number}, {begin}"),
        }
    }
}

/// Decides which changes of a plan wait. `budget` is what is left of the night's.
pub fn tonight(
    rows: &[PlannedRow],
    progress: Progress,
    waves: &WaveSettings,
    budget: Option<u64>,
    now: Timestamp,
) -> Tonight {
    let Others { fresh: elsewhere, invited, failed, under_way } = progress.others;
    let mut so_far = SoFar { invited, failed, begun_elsewhere: under_way, ..SoFar::default() };
    for (position, row) in rows.iter().enumerate() {
        so_far.count(position, &row.decision);
    }
    let mut tonight = Tonight::default();
    let mut fresh = std::mem::take(&mut so_far.fresh);
    if !waves.sizes.is_empty() && !fresh.is_empty() {
        let (number, most) = so_far.wave(waves, fresh.len() as u64 + elsewhere);
        let held_because = so_far.gate(number, most, waves, progress, now);
        let room = if held_because.is_some() { 0 } else { most.left };
        let later = fresh.split_off(usize::try_from(room).unwrap_or(usize::MAX).min(fresh.len()));
        let (begins, waiting) = (fresh.len() as u64, later.len() as u64);
        tonight.wave = Some(Wave { number, begins, waiting, held_because });
        tonight.held.extend(later);
    }
    if let Some(budget) = budget {
        // Reminders come last: a guest without an invitation is worse off.
        let room = usize::try_from(budget.saturating_sub(so_far.under_way)).unwrap_or(usize::MAX);
        let over = fresh.iter().chain(&so_far.reminders).copied().skip(room);
        let over: Vec<usize> = over.collect();
        tonight.over_budget = over.len() as u64;
        tonight.held.extend(over);
    }
    tonight
}

/// The rows of a plan by what became of them so far.
#[derive(Debug, Default)]
struct SoFar {
    /// Nothing was done about them.
    fresh: Vec<usize>,
    reminders: Vec<usize>,
    /// Begun, and to be finished.
    under_way: u64,
    /// The same, in no row of the plan.
    begun_elsewhere: u64,
    invited: u64,
    failed: u64,
}

/// How far the guests begun reach into the waves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reach {
    /// Nothing of the wave was begun.
    at_start: bool,
    left: u64,
}

impl SoFar {
    fn count(&mut self, position: usize, decision: &Decision) {
        match decision {
            Decision::Change(change) => match change.reason {
                ChangeReason::NewAddress | ChangeReason::ResetOnly => self.fresh.push(position),
                ChangeReason::Reminder | ChangeReason::ReminderMail => {
                    self.invited += 1;
                    self.reminders.push(position);
                }
                // Invited, and no news of the guest.
                ChangeReason::Correction | ChangeReason::Mail => self.invited += 1,
                ChangeReason::FinishEarlierRun
                | ChangeReason::Unmailed
                | ChangeReason::UnknownOutcome
                | ChangeReason::RetryFailed
                | ChangeReason::Resend
                | ChangeReason::Revert
                | ChangeReason::RevertMail => self.under_way += 1,
            },
            Decision::Settled(
                Settled::AlreadyInvited { .. }
                | Settled::ResendFailed { .. }
                | Settled::ResendLapsed { .. }
                | Settled::MailUnknown { .. },
            )
            | Decision::Blocked(Blocked::MailChanged { .. } | Blocked::MailHeld { .. }) => {
                self.invited += 1;
            }
            Decision::Blocked(Blocked::FailedBefore { .. }) => self.failed += 1,
            Decision::Settled(
                Settled::AlreadyMatches { .. }
                | Settled::SameAsLine { .. }
                | Settled::NothingToUndo
                | Settled::Reverted { .. }
                | Settled::AsBefore,
            )
            | Decision::Blocked(_) => {}
        }
    }

    fn begun(&self) -> u64 {
        self.invited + self.failed + self.under_way + self.begun_elsewhere
    }

    /// The wave that the next fresh row belongs to, and how far it is.
    fn wave(&self, waves: &WaveSettings, fresh: u64) -> (usize, Reach) {
        let (begun, scope) = (self.begun(), self.begun() + fresh);
        let mut start = 0_u64;
        for (number, size) in (1..).zip(&waves.sizes) {
            let end = match size {
                WaveSize::Limit(limit) => start.saturating_add(limit.most(scope).max(1)),
                WaveSize::Rest => u64::MAX,
            };
            if begun < end {
                return (number, Reach { at_start: begun == start, left: end - begun });
            }
            start = end;
        }
        let number = waves.sizes.len() + 1;
        (number, Reach { at_start: begun == start, left: u64::MAX })
    }

    /// Why the wave can't begin. One that has begun goes on.
    fn gate(
        &self,
        number: usize,
        reach: Reach,
        waves: &WaveSettings,
        progress: Progress,
        now: Timestamp,
    ) -> Option<String> {
        if number == 1 || !reach.at_start {
            return None;
        }
        let (begun, invited) = (self.begun(), self.invited);
        let too_many = waves.max_failures.filter(|limit| match limit {
            Limit::Count(most) => self.failed > *most,
            Limit::Share(share) => self.failed > share.of(begun),
        });
        if let Some(limit) = too_many {
            let failed = self.failed;
            return Some(format!("{failed} of {begun} failed, and max_failures allows {limit}"));
        }
        let bounced = progress.bounced;
        let too_many = waves.max_bounced.filter(|limit| match limit {
            Limit::Count(most) => bounced > *most,
            Limit::Share(share) => bounced > share.of(invited),
        });
        if let Some(limit) = too_many {
            return Some(format!(
                "the mails to {bounced} of {invited} bounced, and max_bounced allows {limit}"
            ));
        }
        if waves.redeemed.is_none() && waves.after.is_none() {
            return None;
        }
        let redeemed = progress.redeemed;
        let have_redeemed = waves
            .redeemed
            .is_some_and(|share| invited > 0 && redeemed >= share.at_least_of(invited));
        let opens_at = waves.after.and_then(|after| {
            let after = SignedDuration::try_from(after).ok()?;
            progress.last_invited_at?.saturating_add(after).ok()
        });
        if have_redeemed || opens_at.is_some_and(|at| now >= at) {
            return None;
        }
        let mut why = format!("{redeemed} of {invited} have redeemed");
        if let Some(share) = waves.redeemed {
            let _ = write!(why, ", and {share} must");
        }
        if let Some(at) = opens_at {
            let or = if waves.redeemed.is_some() { "or it is" } else { "it has to be" };
            let _ = write!(why, "; {or} {at:.0}");
        }
        Some(why)
    }
}

#[cfg(test)]
#[path = "tests/tonight.rs"]
mod tests;
