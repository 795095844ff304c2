//! Which rate the tenant bears, found from what gets through and what is refused.
//!
//! A refusal alone says nothing of the rate: a service that refuses every twentieth
//! request whatever the pace would starve a sender that slows down at each. Two things
//! tell a limit from chance. A limit refuses nearly all that was sent after the first it
//! refused, and chance hardly any of it; then the rate becomes what got through since the
//! limit was last reached. Where too little was under way to tell: however fast one sends,
//! a limit lets as much through, and so from one refusal to the next the same. So the rate
//! is lowered to what got through and tried. If refusals become rare there and as much
//! gets through as before, there is a limit, and the lower rate is kept; if not, they come
//! whatever the rate, and the old one is taken up again. Upwards it goes in small steps;
//! one that is refused goes back to what was borne.
//!
//! Leaves to others: what is evidence of a limit (`evidence`), warnings before a refusal
//! (`adaptive`), and the wait that a refusal asks for (`hold_off`), which is kept in any
//! case.

use tokio::time::Instant;

use super::evidence::{Cycles, ENOUGH, Refusal, Trial, seconds};

/// No slower than this: one in twenty seconds.
const LEAST: f64 = 0.05;

/// From nothing to the configured rate in so many seconds, at the usual growth.
const REGAIN: f64 = 240.0;

/// But by no more than a part of the present rate in a second: far below the
/// configured rate, steps that are small there are leaps.
const STEEPEST: f64 = 0.02;

/// A growth that nothing speaks against doubles in this time, up to [`FASTEST`]; each
/// step that was refused halves it.
const DOUBLES: f64 = 60.0;
const FASTEST: f64 = 4.0;
const SLOWEST: f64 = 0.05;

/// And where a limit was just found, it begins with this.
const CAUTIOUS: f64 = 0.85;

/// What is left of the rate at most when a step upwards was refused.
const STEP_BACK: f64 = 0.97;

/// And at least, when that was a limit.
const KEPT: f64 = 0.8;

/// A trial goes a little above what got through: that is known to some requests only,
/// and a trial below the limit could not tell that it might go faster.
const ABOVE: f64 = 1.08;

/// A trial is not worth it where as much as this part of the rate gets through.
const WORTH: f64 = 0.9;

/// Nor is a limit likely where, at a lower rate, less than this part of what got through
/// at the higher one does.
const AS_MUCH: f64 = 0.85;

/// From less, nothing is found of the rate that a limit permits.
const LITTLE: f64 = 8.0;

/// A rate that passed its trial, and what got through when it was too fast.
#[derive(Debug, Clone, Copy)]
struct Borne {
    rate: f64,
    before: f64,
}

/// When a limit was last reached, and what happened since.
#[derive(Debug, Clone, Copy)]
struct Limit {
    reached_at: Instant,
    through: f64,
    /// Seconds that refusals by chance asked to wait.
    waited: f64,
}

/// The search for the rate.
#[derive(Debug)]
pub(super) struct Bearable {
    most: f64,
    rate: f64,
    /// Until when the rate has grown.
    grown_at: Instant,
    growth: f64,
    /// When something was last refused. What was sent before belongs to it.
    refused_at: Option<Instant>,
    /// It, as long as it was not judged.
    refusal: Option<Refusal>,
    limit: Option<Limit>,
    /// What got through since.
    through: f64,
    cycles: Cycles,
    trial: Option<Trial>,
    borne: Option<Borne>,
    /// How much longer it waits for the next trial, as trials have shown nothing.
    patience: f64,
    /// Refusals per request that the rate is known to have no part in.
    by_chance: f64,
}

impl Bearable {
    pub(super) fn new(most: f64, now: Instant) -> Self {
        Self {
            most,
            rate: most,
            grown_at: now,
            growth: 1.0,
            refused_at: None,
            refusal: None,
            limit: None,
            through: 0.0,
            cycles: Cycles::default(),
            trial: None,
            borne: None,
            patience: 1.0,
            by_chance: 0.0,
        }
    }

    /// The present rate, which grows meanwhile if it may.
    pub(super) fn rate(&mut self, now: Instant, may_grow: bool) -> f64 {
        // By the end of the wait, what was under way has been answered.
        if let Some(refusal) = self.refusal.take_if(|refusal| now >= refusal.until) {
            self.judge(refusal);
        }
        if self.trial.is_none() && may_grow {
            let seconds = seconds(self.grown_at, now);
            let step = self.growth * (self.most / REGAIN).min(self.rate * STEEPEST);
            self.rate = (self.rate + step * seconds).min(self.most);
            self.growth = (self.growth * (seconds / DOUBLES).exp2()).min(FASTEST);
        }
        self.grown_at = self.grown_at.max(now);
        self.rate
    }

    /// Learns of a request that got through.
    pub(super) fn accepted(&mut self, sent_at: Instant) {
        self.through += 1.0;
        if let Some(limit) = &mut self.limit {
            limit.through += 1.0;
        }
        if let Some(refusal) = &mut self.refusal {
            refusal.accepted_after += u32::from(sent_at > refusal.sent_at);
        }
        let Some(trial) = &mut self.trial else { return };
        trial.through += 1.0;
        if trial.has_helped() {
            self.borne = Some(Borne { rate: self.rate, before: trial.before });
            self.trial = None;
            self.cycles = Cycles::default();
            (self.patience, self.growth, self.by_chance) = (1.0, 1.0, 0.0);
        }
    }

    /// Learns of a refusal. `until` is the end of the wait it asked for. Returns false
    /// for one that was under way when the last one came.
    pub(super) fn refused(&mut self, now: Instant, sent_at: Instant, until: Instant) -> bool {
        if self.refused_at.is_some_and(|last| sent_at <= last) {
            if let Some(refusal) = &mut self.refusal {
                refusal.refused_after += u32::from(sent_at > refusal.sent_at);
                refusal.until = refusal.until.max(until);
            }
            self.grown_at = self.grown_at.max(until);
            return false;
        }
        if let Some(refusal) = self.refusal.take() {
            self.judge(refusal);
        }
        let last = self.refused_at.replace(now);
        self.refusal = Some(Refusal {
            sent_at,
            at: now,
            until,
            through: std::mem::take(&mut self.through),
            seconds: last.map(|last| seconds(last, now)),
            through_since_limit: self.limit.map_or(0.0, |limit| limit.through),
            accepted_after: 0,
            refused_after: 0,
        });
        self.grown_at = until;
        true
    }

    /// Goes no faster than this until it grows again, whatever was found.
    pub(super) fn lower_to(&mut self, rate: f64) {
        if rate < self.rate {
            self.rate = rate.max(LEAST.min(self.most));
            (self.trial, self.borne) = (None, None);
            self.cycles = Cycles::default();
        }
    }

    fn judge(&mut self, refusal: Refusal) {
        if refusal.is_of_a_limit() {
            return self.come_down(refusal);
        }
        let is_limited = self.limit.is_some() && self.borne.is_some() && self.trial.is_none();
        if let Some(limit) = &mut self.limit {
            limit.waited += seconds(refusal.at, refusal.until);
        }
        if is_limited && refusal.is_by_chance() {
            return;
        }
        if self.trial.is_some() {
            self.try_on(refusal.at);
        } else if let Some(seconds) = refusal.seconds {
            self.weigh(refusal.at, refusal.through, seconds);
        }
    }

    /// To what got through since the limit was last reached. The first time tells nothing
    /// of the rate: what a limit permits at once has been used up.
    fn come_down(&mut self, refusal: Refusal) {
        let reached = Limit { reached_at: refusal.at, through: self.through, waited: 0.0 };
        (self.trial, self.cycles) = (None, Cycles::default());
        (self.patience, self.by_chance) = (1.0, 0.0);
        let Some(last) = self.limit else {
            self.limit = Some(reached);
            return;
        };
        let (through, back) = (refusal.through_since_limit, self.rate * STEP_BACK);
        let seconds = seconds(last.reached_at, refusal.at) - last.waited;
        let found = (through / seconds.max(f64::MIN_POSITIVE)).min(back);
        let kept = self.rate * KEPT;
        let rate = if self.borne.is_some() {
            self.growth = (self.growth / 2.0).max(SLOWEST);
            // It grew until it was reached: what got through meanwhile is less than may.
            found.max(kept)
        } else if through < LITTLE {
            // Too little to tell by how much.
            self.rate = kept.max(LEAST.min(self.most));
            return;
        } else {
            self.growth = CAUTIOUS;
            found
        };
        self.limit = Some(reached);
        self.rate = rate.max(LEAST.min(self.most));
        self.borne = Some(Borne { rate: self.rate, before: self.rate });
    }

    /// A refusal during a trial: it goes on, goes on slower, or has shown that the rate
    /// is not the cause.
    fn try_on(&mut self, now: Instant) {
        let Some(trial) = &mut self.trial else { return };
        trial.refused += 1.0;
        if !trial.has_not_helped() {
            return;
        }
        let through = trial.per_second(now);
        if through >= AS_MUCH * trial.before {
            // A limit, then, and still too fast for it.
            self.rate = (through * ABOVE).min(self.rate * STEP_BACK).max(LEAST.min(self.most));
            *trial = Trial { began: now, through: 0.0, refused: 0.0, ..*trial };
            return;
        }
        let (from, by_chance) = (trial.from, trial.refused / trial.through.max(1.0));
        // What was given up below the configured rate may have been given up for nothing.
        let rate = if from < self.most { from * 2.0 } else { from };
        self.believe_in_chance(rate, by_chance);
    }

    /// A refusal at a rate that is not on trial.
    fn weigh(&mut self, now: Instant, through: f64, seconds: f64) {
        self.cycles.add(through, seconds);
        let cycles = self.cycles;
        if let Some(borne) = &mut self.borne {
            if cycles.count >= 3.0 && cycles.per_second() < AS_MUCH * borne.before {
                // At the rate that was to be borne less gets through than above it: it
                // was chance after all, or what is permitted has changed.
                return self.believe_in_chance(self.most, cycles.per_request());
            }
            let is_chance = self.by_chance > 0.0 && through < 3.0 / self.by_chance;
            if self.rate < self.most && self.rate > borne.rate && !is_chance {
                let back = self.rate * STEP_BACK;
                self.rate = (through / seconds).clamp(borne.rate.min(back), back);
                if through > 3.0 * ENOUGH {
                    borne.rate = borne.rate.max(self.rate);
                }
                self.growth = (self.growth / 2.0).max(SLOWEST);
            }
        }
        if !cycles.ask_for_a_trial(self.patience) {
            return;
        }
        self.cycles = Cycles::default();
        let before = cycles.per_second();
        if before < WORTH * self.rate {
            self.trial = Some(Trial {
                from: self.rate,
                before,
                refused_before: cycles.per_request(),
                began: now,
                through: 0.0,
                refused: 0.0,
            });
            self.rate = (before * ABOVE).max(LEAST.min(self.most)).min(self.rate);
        }
    }

    fn believe_in_chance(&mut self, rate: f64, by_chance: f64) {
        self.rate = rate.min(self.most);
        (self.trial, self.borne) = (None, None);
        self.cycles = Cycles::default();
        self.patience = (self.patience * 2.0).max(2.0);
        (self.growth, self.by_chance) = (1.0, by_chance);
    }
}

#[cfg(test)]
mod tests;
