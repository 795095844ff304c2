//! The judge of lost answers against a service that keeps a history: clocks that
//! disagree as far as the `Date` header allows, whole seconds, replicas that lag,
//! and other people's hands. Times are milliseconds of the service's own clock.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{Horizon, Intent, LostAnswer, Verdict};
use crate::domain::{Redemption, RedemptionState};

/// When the intent was recorded: late in a second, so that cutting off counts.
const INTENT: i64 = 10_000_950;

/// The longest that a replica lags, as configured.
const LAG: i64 = 300_000;

/// How far apart a moment here and a change there can lie and still be the same:
/// the clock is known to two seconds, and the change is cut off to whole ones.
const TOLERANCE: i64 = 3_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Reset,
    Redeemed,
}

/// A lost invitation and everything around it.
#[derive(Debug, Clone)]
struct Story {
    /// What others did, in any order.
    others: Vec<(i64, Event)>,
    /// When an earlier invitation of ours was accepted, if there was one.
    first: Option<i64>,
    /// When our reset was carried out, if it was.
    ours: Option<i64>,
    /// How late our clock dates the intent.
    late: i64,
    /// How far the replica lagged that was read just before the intent.
    lag_before: i64,
    /// From when on nothing can have been sent any more.
    over: i64,
    /// When the guest is read again, and how far that replica lags.
    read_at: i64,
    lag_now: i64,
}

fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_790_000_000_000 + millis).unwrap()
}

impl Story {
    fn events(&self) -> Vec<(i64, Event)> {
        let mut events = self.others.clone();
        events.extend(self.first.into_iter().chain(self.ours).map(|at| (at, Event::Reset)));
        events.sort_by_key(|(at, _)| *at);
        events
    }

    /// The guest as it was at a moment.
    fn guest_at(&self, moment: i64) -> Redemption {
        let mut guest = Redemption::default();
        for (at, event) in self.events().into_iter().filter(|(at, _)| *at <= moment) {
            let state = match event {
                Event::Reset => RedemptionState::PendingAcceptance,
                // Only an invitation can be redeemed.
                Event::Redeemed if guest.state == Some(RedemptionState::PendingAcceptance) => {
                    RedemptionState::Accepted
                }
                Event::Redeemed => continue,
            };
            let whole_seconds = at.div_euclid(1000) * 1000;
            guest = Redemption { state: Some(state), changed_at: Some(time(whole_seconds)) };
        }
        guest
    }

    fn before(&self) -> Redemption {
        self.guest_at(INTENT - self.lag_before)
    }

    fn now(&self) -> Redemption {
        self.guest_at(self.read_at - self.lag_now)
    }

    fn intended_at(&self) -> i64 {
        INTENT + self.late
    }

    fn lag_is_over(&self) -> bool {
        self.read_at >= self.over + LAG
    }

    fn judged(&self) -> Verdict {
        let before = self.before();
        let at = time(self.intended_at());
        // The clock is known to two seconds when an answer comes.
        let invited_before = self.first.map(|at| time(at + self.late.max(-2_000)));
        let before = Some(&before);
        let intent = Intent { at, before, accepted_at: None, invited_before };
        // Our clock is late by as much as it dates the intent.
        let horizon = Horizon {
            asked_at: time(self.read_at + self.late),
            ended_at: time(self.over + self.late),
            skew: SignedDuration::ZERO,
            lag: SignedDuration::from_millis(LAG),
        };
        LostAnswer::new(intent, horizon).judge(&self.now(), time(self.read_at + self.late))
    }

    /// Whether what was read before the intent is clearly older than it.
    fn before_is_old(&self) -> bool {
        let recent = time(self.intended_at() - TOLERANCE);
        self.before().changed_at.is_none_or(|changed_at| changed_at < recent)
    }

    /// Whether the invitation before was so long before the intent that the clocks can't
    /// confuse the two.
    fn first_is_long_ago(&self) -> bool {
        self.first.is_none_or(|first| first < INTENT - 2 * TOLERANCE - 1_000)
    }

    fn nobody_else_since(&self, moment: i64) -> bool {
        self.others.iter().all(|(at, _)| *at <= moment)
    }
}

/// A moment around the intent, often very close to it.
fn moment() -> impl Strategy<Value = i64> {
    prop_oneof![
        2 => INTENT - 6_000..INTENT + 6_000,
        1 => INTENT - 2 * LAG..INTENT + 2 * LAG,
        1 => Just(INTENT - 8_000_000),
    ]
}

fn lag() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), 0..=LAG]
}

fn story() -> impl Strategy<Value = Story> {
    let event = prop_oneof![Just(Event::Reset), Just(Event::Redeemed)];
    (
        prop::collection::vec((moment(), event), 0..4),
        prop::option::of(prop_oneof![1..10_000_i64, 1..2 * LAG]),
        prop::option::of(prop_oneof![0..1_500_i64, 0..100_000_i64]),
        -4_000..=2_000_i64,
        (lag(), lag()),
        0..20_000_i64,
        prop_oneof![0..LAG, LAG..2 * LAG],
    )
        .prop_map(|(others, first, ours, late, (lag_before, lag_now), gave_up, read_after)| {
            let first = first.map(|before| INTENT - before);
            let ours = ours.map(|after| INTENT + after);
            let over = ours.unwrap_or(INTENT) + gave_up;
            let read_at = over + read_after;
            Story { others, first, ours, late, lag_before, over, read_at, lag_now }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn sent_is_said_only_of_a_reset_that_happened(story in story()) {
        if story.judged() == Verdict::Sent {
            let earliest = story.intended_at() - TOLERANCE;
            let reset = |(at, event): &(i64, Event)| *event == Event::Reset && *at >= earliest;
            // The invitation before it is another.
            let mut events = story.events();
            events.retain(|(at, _)| Some(*at) != story.first);
            prop_assert!(events.iter().any(reset));
        }
    }

    #[test]
    fn not_sent_is_never_said_of_an_invitation_that_was_sent(story in story()) {
        if story.judged() == Verdict::NotSent {
            prop_assert_eq!(story.ours, None);
        }
    }

    #[test]
    fn not_sent_is_never_said_when_a_change_since_the_intent_shows(story in story()) {
        let intent = time(story.intended_at());
        if story.now().changed_at.is_some_and(|changed_at| changed_at >= intent) {
            prop_assert_ne!(story.judged(), Verdict::NotSent);
        }
    }

    #[test]
    fn nothing_final_but_sent_is_said_before_the_lag_is_over(story in story()) {
        let judged = story.judged();
        if story.lag_is_over() {
            prop_assert!(!matches!(judged, Verdict::TooEarly { .. }), "{judged:?}");
        } else {
            prop_assert!(matches!(judged, Verdict::Sent | Verdict::TooEarly { .. }), "{judged:?}");
        }
    }

    #[test]
    fn an_invitation_that_shows_is_judged_sent(story in story()) {
        let Some(ours) = story.ours else { return Ok(()) };
        let visible = story.read_at - story.lag_now >= ours;
        if visible && story.before_is_old() && story.first_is_long_ago() && story.nobody_else_since(ours) {
            prop_assert_eq!(story.judged(), Verdict::Sent);
        }
    }

    #[test]
    fn an_invitation_that_never_arrived_is_judged_not_sent(story in story()) {
        let quiet = story.nobody_else_since(INTENT - story.lag_before.max(2 * LAG));
        let first_is_long_ago = story.first_is_long_ago();
        if story.ours.is_none() && story.lag_is_over() && quiet && first_is_long_ago {
            prop_assert_eq!(story.judged(), Verdict::NotSent);
        }
    }
}

#[test]
fn a_clock_two_seconds_ahead_does_not_hide_that_it_was_sent() {
    // Reset by someone else, and by us within the same second of the service's clock.
    let story = Story {
        others: vec![(INTENT - 900, Event::Reset)],
        first: None,
        ours: Some(INTENT + 20),
        late: 2_000,
        lag_before: 0,
        over: INTENT + 100,
        read_at: INTENT + LAG + 200,
        lag_now: 0,
    };
    assert_eq!(story.before(), story.now());
    assert_eq!(story.judged(), Verdict::Undecided);
}
