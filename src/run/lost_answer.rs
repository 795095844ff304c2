//! What the directory says about an invitation whose answer was lost. Pure: from how
//! the guest looked before the intent, how it looks now, and when it was read. The one
//! judge, for a run that waits and for a look that does not.
//!
//! Leaves to others: reading the guest, waiting, and what follows.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{Redemption, RedemptionState, TOLERANCE};

/// What the directory says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The reset shows: the invitation was sent.
    Sent,
    /// Nothing has changed, and no replica lags that long: it was not sent.
    NotSent,
    /// Nothing shows yet, and until then, in our time, a replica may still lag.
    TooEarly { until: Timestamp },
    /// Something changed that the invitation does not explain, or too close to the
    /// intent to tell: a person has to look.
    Undecided,
    /// It can't be told and does not matter: it was one more invitation after an
    /// accepted one, and the guest has redeemed one of them.
    Moot,
}

/// The intent of an invitation, as it is on record.
#[derive(Debug, Clone, Copy)]
pub struct Intent<'a> {
    /// When it was recorded, in the service's time.
    pub at: Timestamp,
    /// The guest's redemption just before; None when that is not on record.
    pub before: Option<&'a Redemption>,
    /// When an invitation before it was accepted, in the service's time, if it was one more.
    pub accepted_at: Option<Timestamp>,
    /// When the campaign last invited the guest before that, to whatever address, in the
    /// service's time.
    pub invited_before: Option<Timestamp>,
}

/// From when on every replica shows what was sent.
#[derive(Debug, Clone, Copy)]
pub struct Horizon {
    /// When that is asked, in our time: nothing was sent later, whatever a record made by
    /// a wrong clock says.
    pub asked_at: Timestamp,
    /// When whoever sent it had ended, in our time: nothing was sent later.
    pub ended_at: Timestamp,
    /// How far the service's clock is ahead of ours.
    pub skew: SignedDuration,
    /// The longest that a replica is believed to lag.
    pub lag: SignedDuration,
}

/// An invitation of which it is not known whether it was sent.
#[derive(Debug, Clone)]
pub struct LostAnswer {
    intended_at: Timestamp,
    before: Option<Redemption>,
    is_one_more: bool,
    invited_before: Option<Timestamp>,
    certain_at: Timestamp,
    /// Whether its record is dated after it was asked about.
    lies_ahead: bool,
}

/// A record dated so far ahead of the present was made by a clock that was wrong.
const FAR_AHEAD: SignedDuration = SignedDuration::from_mins(1);

impl LostAnswer {
    pub fn new(intent: Intent<'_>, horizon: Horizon) -> Self {
        // By our clock and by the service's: a host whose clock was slow when the last
        // run ended would make this run believe that it was long ago.
        let intended_here = intent.at.saturating_sub(horizon.skew).unwrap_or(Timestamp::MAX);
        let dated = horizon.ended_at.max(intended_here);
        let over = dated.min(horizon.asked_at);
        Self {
            intended_at: intent.at,
            before: intent.before.cloned(),
            is_one_more: intent.accepted_at.is_some(),
            invited_before: intent.invited_before.max(intent.accepted_at),
            certain_at: over.saturating_add(horizon.lag).unwrap_or(Timestamp::MAX),
            lies_ahead: dated.duration_since(horizon.asked_at) > FAR_AHEAD,
        }
    }

    /// From when on, in our time, every replica shows it.
    pub fn certain_at(&self) -> Timestamp {
        self.certain_at
    }

    /// What to tell of a record whose date was made by a clock that was wrong.
    pub fn wrong_date(&self) -> Option<String> {
        self.lies_ahead.then(|| {
            format!(
                "the record of its invitation is dated {:.0}, which lies ahead; that is not \
                 waited for",
                self.intended_at
            )
        })
    }

    /// Concludes from the guest's redemption. `read_at` is when that reading began, in
    /// our time.
    pub fn judge(&self, now: &Redemption, read_at: Timestamp) -> Verdict {
        let lag_is_over = read_at >= self.certain_at;
        let too_early = Verdict::TooEarly { until: self.certain_at };
        let undecided = if self.is_one_more && now.state == Some(RedemptionState::Accepted) {
            Verdict::Moot
        } else {
            Verdict::Undecided
        };
        let Some(before) = &self.before else { return undecided };
        let earliest_own = self.intended_at - TOLERANCE;
        let could_be_own = |redemption: &Redemption| {
            redemption.changed_at.is_some_and(|changed_at| changed_at >= earliest_own)
        };
        // The one before, which the replica that was read before the intent may not have had.
        if self.shows_the_one_before(now) && before.changed_at <= now.changed_at {
            return match (lag_is_over, could_be_own(now)) {
                (false, _) => too_early,
                (true, false) => Verdict::NotSent,
                (true, true) => undecided,
            };
        }
        // A guest that had just changed looks the same before and after a reset within
        // the same second.
        if could_be_own(before) {
            return if lag_is_over { undecided } else { too_early };
        }
        if now == before {
            return if lag_is_over { Verdict::NotSent } else { too_early };
        }
        if now.state == Some(RedemptionState::PendingAcceptance) && could_be_own(now) {
            return Verdict::Sent;
        }
        // A replica that lags further behind than the one read before the intent shows
        // an older state: no evidence of anything.
        if lag_is_over { undecided } else { too_early }
    }

    /// Whether what changed the guest last may be the campaign's invitation before this one.
    fn shows_the_one_before(&self, now: &Redemption) -> bool {
        now.state == Some(RedemptionState::PendingAcceptance)
            && now
                .changed_at
                .zip(self.invited_before)
                .is_some_and(|(changed_at, invited)| changed_at <= invited + TOLERANCE)
    }

    /// Whether the guest waited before and waits as it did, so that another invitation takes
    /// nothing from it, whether or not there was one.
    pub fn waits_as_before(&self, now: &Redemption) -> bool {
        now.state == Some(RedemptionState::PendingAcceptance) && self.before.as_ref() == Some(now)
    }

    /// What a person needs to decide what the directory could not.
    pub fn evidence(&self, now: &Redemption) -> String {
        let show = |redemption: &Redemption| {
            let state = redemption.state.as_ref().map_or("none".to_owned(), ToString::to_string);
            let since = redemption.changed_at.map_or("never".to_owned(), |at| at.to_string());
            format!("{state} since {since}")
        };
        format!(
            "intended at {:.0}; redemption before: {}, now: {}",
            self.intended_at,
            self.before.as_ref().map_or("not recorded".to_owned(), show),
            show(now)
        )
    }
}

/// What is on record of an invitation that was not sent.
pub const NO_CHANGE: &str = "the directory shows no change";

/// What is on record of one more invitation of unknown outcome that is [`Verdict::Moot`].
pub const MOOT: &str = "the guest has redeemed; whether it was mailed once more does not matter";

/// What is on record of an invitation of unknown outcome after which the guest was invited to
/// another address.
pub const SUPERSEDED: &str =
    "the guest was invited to another address since; whether it was sent does not matter";

#[cfg(test)]
#[path = "lost_answer_model.rs"]
mod model;

#[cfg(test)]
mod tests {
    use super::*;
    use RedemptionState::{Accepted, PendingAcceptance};

    const INTENT: &str = "2026-11-21T12:00:00.400Z";

    fn redemption(state: RedemptionState, at: &str) -> Redemption {
        Redemption { state: Some(state), changed_at: Some(at.parse().unwrap()) }
    }

    const LAG: SignedDuration = SignedDuration::from_mins(5);

    fn lost(before: Option<&Redemption>, accepted_at: Option<&str>) -> LostAnswer {
        let at = INTENT.parse().unwrap();
        let accepted_at = accepted_at.map(|at| at.parse().unwrap());
        let horizon = Horizon { asked_at: at, ended_at: at, skew: SignedDuration::ZERO, lag: LAG };
        let intent = Intent { at, before, accepted_at, invited_before: None };
        LostAnswer::new(intent, horizon)
    }

    /// One after an invitation of the campaign to another address.
    fn elsewhere(before: Option<&Redemption>, invited_before: &str) -> LostAnswer {
        let at = INTENT.parse().unwrap();
        let invited_before = Some(invited_before.parse().unwrap());
        let horizon = Horizon { asked_at: at, ended_at: at, skew: SignedDuration::ZERO, lag: LAG };
        LostAnswer::new(Intent { at, before, accepted_at: None, invited_before }, horizon)
    }

    /// When no replica lags any more.
    fn late() -> Timestamp {
        INTENT.parse::<Timestamp>().unwrap() + LAG
    }

    fn concluded(before: &Redemption, now: &Redemption) -> (Verdict, Verdict) {
        let lost = lost(Some(before), None);
        (lost.judge(now, late() - SignedDuration::from_millis(1)), lost.judge(now, late()))
    }

    #[test]
    fn the_directory_settles_what_it_can_and_nothing_more() {
        use Verdict::{NotSent, Sent, Undecided};
        let too_early = Verdict::TooEarly { until: late() };
        let accepted = redemption(Accepted, "2024-01-01T00:00:00Z");
        let pending = redemption(PendingAcceptance, "2024-01-01T00:00:00Z");
        let never = Redemption::default();
        let reset = redemption(PendingAcceptance, "2026-11-21T12:00:00Z");
        let reset_later = redemption(PendingAcceptance, "2026-11-21T12:00:07Z");
        let reset_before = redemption(PendingAcceptance, "2026-11-21T11:59:57Z");
        let redeemed = redemption(Accepted, "2026-11-21T12:03:00Z");
        for (name, before, now, expected) in [
            ("unchanged, accepted", &accepted, &accepted, (too_early, NotSent)),
            ("unchanged, pending", &pending, &pending, (too_early, NotSent)),
            ("unchanged, never invited", &never, &never, (too_early, NotSent)),
            ("reset in the same second", &accepted, &reset, (Sent, Sent)),
            ("reset a little later", &accepted, &reset_later, (Sent, Sent)),
            ("pending reset", &pending, &reset, (Sent, Sent)),
            ("never invited, reset", &never, &reset, (Sent, Sent)),
            (
                "reset by someone before the intent",
                &accepted,
                &reset_before,
                (too_early, Undecided),
            ),
            ("redeemed since", &accepted, &redeemed, (too_early, Undecided)),
            ("just reset before, looks the same", &reset, &reset, (too_early, Undecided)),
            ("just reset before, reset again", &reset, &reset_later, (too_early, Undecided)),
            ("an older replica", &pending, &accepted, (too_early, Undecided)),
            ("state gone", &accepted, &never, (too_early, Undecided)),
        ] {
            assert_eq!(concluded(before, now), expected, "{name}");
        }
    }

    #[test]
    fn without_a_before_image_nothing_is_concluded() {
        let now = redemption(PendingAcceptance, "2026-11-21T12:00:00Z");
        assert_eq!(lost(None, None).judge(&now, late()), Verdict::Undecided);
    }

    #[test]
    fn one_more_invitation_is_moot_once_one_was_redeemed() {
        let pending = redemption(PendingAcceptance, "2026-11-20T00:00:00Z");
        let redeemed = redemption(Accepted, "2026-11-21T12:03:00Z");
        let reset = redemption(PendingAcceptance, "2026-11-21T12:00:01Z");
        let first = Some("2026-11-20T00:00:00Z");
        assert_eq!(lost(Some(&pending), first).judge(&redeemed, late()), Verdict::Moot);
        assert_eq!(lost(None, first).judge(&redeemed, late()), Verdict::Moot);
        assert_eq!(lost(Some(&pending), None).judge(&redeemed, late()), Verdict::Undecided);
        assert_eq!(lost(None, first).judge(&pending, late()), Verdict::Undecided);
        // What can be told is told.
        assert_eq!(lost(Some(&pending), first).judge(&reset, late()), Verdict::Sent);
        // Nor is it one more for having been invited to another address before.
        let elsewhere = elsewhere(Some(&pending), "2026-11-20T00:00:00Z");
        assert_eq!(elsewhere.judge(&redeemed, late()), Verdict::Undecided);
    }

    /// The first was accepted a minute before the intent of the second.
    #[test]
    fn the_invitation_before_that_shows_late_is_not_this_one() {
        use Verdict::{NotSent, Sent, Undecided};
        let first_at = "2026-11-21T11:59:00.200Z";
        let unseen = redemption(Accepted, "2024-01-01T00:00:00Z");
        let first = redemption(PendingAcceptance, "2026-11-21T11:59:00Z");
        let second = redemption(PendingAcceptance, "2026-11-21T12:00:01Z");
        let others = redemption(PendingAcceptance, "2026-11-21T11:59:30Z");
        let too_early = Verdict::TooEarly { until: late() };
        for (name, before, now, expected) in [
            ("the first shows late", &unseen, &first, (too_early, NotSent)),
            ("the first showed already", &first, &first, (too_early, NotSent)),
            ("the second shows", &unseen, &second, (Sent, Sent)),
            ("and after the first", &first, &second, (Sent, Sent)),
            ("neither shows yet", &unseen, &unseen, (too_early, NotSent)),
            ("somebody else's between them", &unseen, &others, (too_early, Undecided)),
            ("a replica older than the one before", &others, &first, (too_early, Undecided)),
        ] {
            let to_another = elsewhere(Some(before), first_at);
            for lost in [lost(Some(before), Some(first_at)), to_another] {
                let early = lost.judge(now, late() - SignedDuration::from_millis(1));
                assert_eq!((early, lost.judge(now, late())), expected, "{name}");
            }
        }
        // So close that what shows may be either.
        let close = Some("2026-11-21T11:59:59.000Z");
        let either = redemption(PendingAcceptance, "2026-11-21T12:00:00Z");
        assert_eq!(lost(Some(&unseen), close).judge(&either, late()), Undecided);
        let later = redemption(PendingAcceptance, "2026-11-21T12:00:07Z");
        assert_eq!(lost(Some(&unseen), close).judge(&later, late()), Sent);
    }

    #[test]
    fn the_horizon_is_the_later_of_two_clocks() {
        let accepted = redemption(Accepted, "2024-01-01T00:00:00Z");
        let at: Timestamp = INTENT.parse().unwrap();
        let minute = SignedDuration::from_mins(1);
        // The service is a minute behind: the intent was a minute later here.
        for (ended_at, skew, until) in [
            (at + minute, SignedDuration::ZERO, at + minute + LAG),
            (at - minute, SignedDuration::ZERO, at + LAG),
            (at, -minute, at + minute + LAG),
            (at, minute, at + LAG),
        ] {
            let before = Some(&accepted);
            let intent = Intent { at, before, accepted_at: None, invited_before: None };
            let asked_at = at + minute;
            let lost = LostAnswer::new(intent, Horizon { asked_at, ended_at, skew, lag: LAG });
            assert_eq!(lost.judge(&accepted, at), Verdict::TooEarly { until });
            assert_eq!(lost.judge(&accepted, until), Verdict::NotSent);
            assert_eq!(lost.wrong_date(), None);
        }
    }

    #[test]
    fn a_date_that_lies_ahead_is_told_and_not_waited_for() {
        let accepted = redemption(Accepted, "2024-01-01T00:00:00Z");
        let asked_at: Timestamp = INTENT.parse().unwrap();
        let at = asked_at + SignedDuration::from_hours(1);
        let before = Some(&accepted);
        let intent = Intent { at, before, accepted_at: None, invited_before: None };
        let skew = SignedDuration::ZERO;
        let lost =
            LostAnswer::new(intent, Horizon { asked_at, ended_at: asked_at, skew, lag: LAG });
        let until = asked_at + LAG;
        assert_eq!(lost.judge(&accepted, asked_at), Verdict::TooEarly { until });
        assert_eq!(lost.judge(&accepted, until), Verdict::NotSent);
        assert!(lost.wrong_date().unwrap().contains("is dated 2026-11-21T13:00:00Z"));
    }
}
