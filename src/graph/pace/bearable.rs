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
//! Leaves to others: warnings before a refusal (`adaptive`), and the wait that a refusal
//! asks for (`hold_off`), which is kept in any case.

use tokio::time::Instant;

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
const CAUTIOUS: f64 = 0.7;

/// What is left of the rate at least when a step upwards was refused.
const STEP_BACK: f64 = 0.97;

/// And at most, when that was a limit.
const KEPT: f64 = 0.8;

/// A trial goes a little above what got through: that is known to some requests only,
/// and a trial below the limit could not tell that it might go faster.
const ABOVE: f64 = 1.08;

/// A trial is not worth it where as much as this part of the rate gets through.
const WORTH: f64 = 0.9;

/// Nor is a limit likely where, at a lower rate, less than this part of what got through
/// at the higher one does.
const AS_MUCH: f64 = 0.85;

/// A trial supposes that refusals at the lower rate are so many times rarer.
const RARER: f64 = 8.0;

/// How many times likelier (natural logarithm) one of both has to be to be believed: that
/// they are rarer by e^4, that they are not by e^1. Being wrong with the first costs
/// more time.
const ARE_RARER: f64 = 4.0;
const ARE_NOT: f64 = -1.0;

/// Cycles that differ by less than this (variance over squared mean) are those of a
/// limit: of refusals by chance it is about one.
const ALIKE: f64 = 0.2;

/// From so many refusals on, a trial shows what looking at the cycles does not.
const MANY: f64 = 5.0;

/// Two cycles alone are alike by chance too often if they are short.
const ENOUGH: f64 = 24.0;

/// From less, nothing is found of the rate that a limit permits.
const LITTLE: f64 = 8.0;

/// Requests that got through from one refusal to the next, and how long that took.
#[derive(Debug, Clone, Copy, Default)]
struct Cycles {
    count: f64,
    through: f64,
    through_squared: f64,
    seconds: f64,
}

impl Cycles {
    fn add(&mut self, through: f64, seconds: f64) {
        self.count += 1.0;
        self.through += through;
        self.through_squared += through * through;
        self.seconds += seconds;
    }

    fn per_second(self) -> f64 {
        self.through / self.seconds.max(f64::MIN_POSITIVE)
    }

    fn per_request(self) -> f64 {
        (self.count - 0.5) / self.through.max(1.0)
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
struct Trial {
    /// The rate before.
    from: f64,
    /// What got through of it in a second, and what was refused of each request.
    before: f64,
    refused_before: f64,
    began: Instant,
    through: f64,
    refused: f64,
}

impl Trial {
    /// How much likelier it is that refusals have become rarer than that they have not
    /// (Wald's sequential test of two rates).
    fn evidence(&self) -> f64 {
        let expected = self.through * self.refused_before;
        (1.0 - 1.0 / RARER) * expected - self.refused * RARER.ln()
    }
}

/// A rate that passed its trial, and what got through when it was too fast.
#[derive(Debug, Clone, Copy)]
struct Borne {
    rate: f64,
    before: f64,
}

/// A refusal that was the first after a while, and what became of what was under way.
#[derive(Debug, Clone, Copy)]
struct Refusal {
    sent_at: Instant,
    at: Instant,
    /// The end of the wait it asked for.
    until: Instant,
    /// Since the one before, if there was one.
    through: f64,
    seconds: Option<f64>,
    /// Since the limit was last reached.
    through_since_limit: f64,
    /// Sent later, and answered.
    accepted_after: u32,
    refused_after: u32,
}

impl Refusal {
    fn is_of_a_limit(&self) -> bool {
        self.refused_after >= 2 && self.refused_after > 2 * self.accepted_after
    }

    fn is_by_chance(&self) -> bool {
        self.accepted_after >= 2 && self.accepted_after > 2 * self.refused_after
    }
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
        if trial.evidence() >= ARE_RARER {
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

    /// Goes no faster than this for now, whatever was found.
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
        if trial.evidence() > ARE_NOT && trial.refused < 3.0 {
            return;
        }
        let through = trial.through / seconds(trial.began, now).max(f64::MIN_POSITIVE);
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
        let shows = (cycles.are_alike() && self.patience <= 2.0)
            || (cycles.count >= 2.0 && cycles.count >= MANY * self.patience);
        if !shows {
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

fn seconds(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A service with a limit, if any, that also refuses by chance, each for a second.
    #[derive(Debug, Clone, Copy)]
    struct Service {
        /// Per second, and as much as five seconds' worth at once.
        limit: f64,
        by_chance: f64,
    }

    /// What became of a campaign that sends as fast as it may.
    #[derive(Debug)]
    struct Campaign {
        /// Time taken, as a multiple of the least: the limit's, or the configured rate
        /// and the waits asked for.
        slower: f64,
        /// Refusals per request that got through.
        refused: f64,
    }

    /// Numbers that look like chance, from zero to one.
    fn chances(seed: u64) -> impl Iterator<Item = f64> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        std::iter::repeat_with(move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            f64::from(u32::try_from(state >> 32).expect("half of it")) / f64::from(u32::MAX)
        })
    }

    fn send(service: Service, most: f64, requests: u32, seed: u64) -> Campaign {
        const LATENCY: Duration = Duration::from_millis(150);
        const WAIT: Duration = Duration::from_secs(1);
        let mut chance = chances(seed);
        let start = Instant::now();
        let mut search = Bearable::new(most, start);
        let (depth, mut used, mut counted_at) = (5.0 * service.limit, 0.0, start);
        let mut under_way: std::collections::VecDeque<(Instant, bool)> = [].into();
        let (mut now, mut held, mut waits) = (start, start, Duration::ZERO);
        let (mut through, mut refused) = (0, 0);
        while through < requests {
            now += Duration::from_secs_f64(1.0 / search.rate(now, true));
            now = now.max(held);
            while let Some((sent_at, is_accepted)) = under_way.front().copied()
                && sent_at + LATENCY <= now
            {
                under_way.pop_front();
                let at = sent_at + LATENCY;
                search.rate(at, true);
                if is_accepted {
                    through += 1;
                    search.accepted(sent_at);
                } else {
                    refused += 1;
                    waits += (at + WAIT).saturating_duration_since(held.max(at));
                    held = held.max(at + WAIT);
                    search.refused(at, sent_at, at + WAIT);
                }
            }
            if now < held {
                continue;
            }
            used = f64::max(used - seconds(counted_at, now) * service.limit, 0.0);
            counted_at = now;
            let is_accepted =
                used + 1.0 <= depth && chance.next().is_some_and(|it| it >= service.by_chance);
            used = (used + 1.0).min(1.8 * depth);
            under_way.push_back((now, is_accepted));
        }
        let requests = f64::from(requests);
        let by_limit = (requests - depth) / service.limit;
        let by_rate = requests / most + waits.as_secs_f64();
        let least = if service.limit < most { by_limit } else { by_rate };
        Campaign { slower: seconds(start, now) / least, refused: f64::from(refused) / requests }
    }

    #[test]
    fn the_rate_comes_down_for_a_limit_and_not_for_chance() {
        const NONE: f64 = 1e9;
        for (name, limit, by_chance, slower, refused) in [
            ("nothing is refused", NONE, 0.0, 1.01, 0.0),
            ("one in fifty by chance", NONE, 0.02, 1.15, 0.03),
            ("one in twenty by chance", NONE, 0.05, 1.1, 0.07),
            ("one in ten by chance", NONE, 0.1, 1.1, 0.14),
            ("a third is permitted", 6.0, 0.0, 1.15, 0.03),
            ("two thirds are permitted", 12.0, 0.0, 1.15, 0.03),
            ("a third, and one in twenty by chance", 6.0, 0.05, 1.5, 0.3),
        ] {
            let service = Service { limit, by_chance };
            let campaigns: Vec<Campaign> =
                (1..=20).map(|seed| send(service, 18.0, 1_000, seed)).collect();
            let mean = |of: fn(&Campaign) -> f64| campaigns.iter().map(of).sum::<f64>() / 20.0;
            let (took, were_refused) = (mean(|it| it.slower), mean(|it| it.refused));
            assert!(took <= slower, "{name}: {took} times the least");
            assert!(were_refused <= refused, "{name}: {were_refused} refused");
        }
    }

    #[test]
    fn a_limit_that_is_gone_is_forgotten() {
        let start = Instant::now();
        let mut search = Bearable::new(18.0, start);
        let mut now = start;
        // A limit of six: two refusals alike, and a trial that none follows.
        for _ in 0..3 {
            for _ in 0..30 {
                search.accepted(now);
            }
            now += Duration::from_secs(5);
            search.refused(now, now, now);
        }
        search.rate(now, true);
        for _ in 0..300 {
            search.accepted(now);
        }
        let found = search.rate(now, true);
        assert!((6.0..7.0).contains(&found), "{found}");
        let later = search.rate(now + Duration::from_mins(5), true);
        assert!((later - 18.0).abs() < f64::EPSILON, "{later}");
    }

    #[test]
    fn what_was_under_way_belongs_to_the_refusal_before() {
        let start = Instant::now();
        let mut search = Bearable::new(18.0, start);
        let second = Duration::from_secs(1);
        assert!(search.refused(start + second, start, start + 2 * second));
        assert!(!search.refused(start + second, start + second / 2, start + 2 * second));
        assert!(search.refused(start + 3 * second, start + 2 * second, start + 4 * second));
    }

    #[test]
    fn it_never_stands_still() {
        let start = Instant::now();
        let mut search = Bearable::new(1.0, start);
        for n in 0..100 {
            let now = start + Duration::from_secs(n);
            search.refused(now, now, now);
        }
        assert!(search.rate(start + Duration::from_secs(100), true) >= LEAST);
    }
}
