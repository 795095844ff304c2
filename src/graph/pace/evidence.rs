//! What refusals are evidence of: a limit, or chance.
//!
//! Leaves to others: which rate follows from it (`bearable`).

use tokio::time::Instant;

/// A trial supposes that refusals at the lower rate are so many times rarer.
const RARER: f64 = 8.0;

/// How many times likelier (natural logarithm) one of both has to be to be believed: that
/// they are rarer by e^4, that they are not by e^1. Being wrong with the first costs
/// more time.
const ARE_RARER: f64 = 4.0;
const ARE_NOT: f64 = -1.0;

/// A trial ends with so many refusals, whatever they say.
const LONGEST: f64 = 3.0;

/// Cycles that differ by less than this (variance over squared mean) are those of a
/// limit: of refusals by chance it is about one.
const ALIKE: f64 = 0.2;

/// Once more than one trial has shown nothing, cycles that are alike are no reason for
/// another.
const HASTE: f64 = 2.0;

/// From so many refusals on, a trial shows what looking at the cycles does not.
const MANY: f64 = 5.0;

/// Two cycles alone are alike by chance too often if they are short.
pub(super) const ENOUGH: f64 = 24.0;

/// Requests that got through from one refusal to the next, and how long that took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cycles {
    pub(super) count: f64,
    pub(super) through: f64,
    through_squared: f64,
    pub(super) seconds: f64,
}

impl Cycles {
    pub(super) fn add(&mut self, through: f64, seconds: f64) {
        self.count += 1.0;
        self.through += through;
        self.through_squared += through * through;
        self.seconds += seconds;
    }

    pub(super) fn per_second(self) -> f64 {
        self.through / self.seconds.max(f64::MIN_POSITIVE)
    }

    pub(super) fn per_request(self) -> f64 {
        (self.count - 0.5) / self.through.max(1.0)
    }

    /// Whether they tell enough to try a lower rate: as those of a limit do, or by their
    /// number.
    pub(super) fn ask_for_a_trial(self, patience: f64) -> bool {
        (patience <= HASTE && self.are_alike())
            || (self.count >= 2.0 && self.count >= MANY * patience)
    }

    fn are_alike(self) -> bool {
        let mean = self.through / self.count;
        let variance = (self.through_squared / self.count - mean * mean) * self.count
            / (self.count - 1.0).max(0.5);
        let alike = variance / (mean * mean).max(0.1) < ALIKE;
        alike && (self.count >= 3.0 || (self.count >= 2.0 && self.through >= ENOUGH))
    }
}

/// A lower rate on trial.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trial {
    /// The rate before.
    pub(super) from: f64,
    /// What got through of it in a second, and what was refused of each request.
    pub(super) before: f64,
    pub(super) refused_before: f64,
    pub(super) began: Instant,
    pub(super) through: f64,
    pub(super) refused: f64,
}

impl Trial {
    /// How much likelier it is that refusals have become rarer than that they have not
    /// (Wald's sequential test of two rates).
    fn evidence(&self) -> f64 {
        let expected = self.through * self.refused_before;
        (1.0 - 1.0 / RARER) * expected - self.refused * RARER.ln()
    }

    /// Whether refusals have become rare.
    pub(super) fn has_helped(&self) -> bool {
        self.evidence() >= ARE_RARER
    }

    /// Whether they have not, as far as a trial goes.
    pub(super) fn has_not_helped(&self) -> bool {
        self.evidence() <= ARE_NOT || self.refused >= LONGEST
    }

    /// What gets through in a second.
    pub(super) fn per_second(&self, now: Instant) -> f64 {
        self.through / seconds(self.began, now).max(f64::MIN_POSITIVE)
    }
}

/// A refusal that was the first after a while, and what became of what was under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusal {
    pub(super) sent_at: Instant,
    pub(super) at: Instant,
    /// The end of the wait it asked for.
    pub(super) until: Instant,
    /// Since the one before, if there was one.
    pub(super) through: f64,
    pub(super) seconds: Option<f64>,
    /// Since the limit was last reached.
    pub(super) through_since_limit: f64,
    /// Sent later, and answered.
    pub(super) accepted_after: u32,
    pub(super) refused_after: u32,
}

impl Refusal {
    pub(super) fn is_of_a_limit(&self) -> bool {
        self.refused_after >= 2 && self.refused_after > 2 * self.accepted_after
    }

    pub(super) fn is_by_chance(&self) -> bool {
        self.accepted_after >= 2 && self.accepted_after > 2 * self.refused_after
    }
}

pub(super) fn seconds(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64()
}
