//! What the directory says about an invitation whose answer was lost. Pure: from
//! how the guest looked before the intent and how it looks now.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{Redemption, RedemptionState};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// The reset shows: the invitation was sent.
    Sent,
    /// Nothing has changed, and no replica lags that long: it was not sent.
    Outstanding,
    /// Nothing shows yet, and a replica may still lag.
    TooEarly,
    /// Something changed that the invitation does not explain, or too close to the
    /// intent to tell: a person has to look.
    Undecided,
}

/// A change this long before the intent can be the intent's own:
/// `externalUserStateChangeDateTime` is cut off to whole seconds, and from its
/// `Date` header the service's clock is known to two seconds (`graph::Clock`).
const TOLERANCE: SignedDuration = SignedDuration::from_secs(3);

/// Concludes from the guest's redemption before the intent and now. `intended_at`
/// is in the service's time; `lag_is_over` says that the guest was read later than
/// any replica is believed to lag.
pub fn settle(
    before: Option<&Redemption>,
    intended_at: Timestamp,
    now: &Redemption,
    lag_is_over: bool,
) -> Settlement {
    let Some(before) = before else {
        return Settlement::Undecided;
    };
    let earliest_own = intended_at - TOLERANCE;
    let could_be_own = |redemption: &Redemption| {
        redemption.changed_at.is_some_and(|changed_at| changed_at >= earliest_own)
    };
    // A guest that had just changed looks the same before and after a reset within
    // the same second.
    if could_be_own(before) {
        return if lag_is_over { Settlement::Undecided } else { Settlement::TooEarly };
    }
    if now == before {
        return if lag_is_over { Settlement::Outstanding } else { Settlement::TooEarly };
    }
    if now.state == Some(RedemptionState::PendingAcceptance) && could_be_own(now) {
        return Settlement::Sent;
    }
    // A replica that lags further behind than the one read before the intent shows
    // an older state: no evidence of anything.
    if lag_is_over { Settlement::Undecided } else { Settlement::TooEarly }
}

#[cfg(test)]
#[path = "settle_model.rs"]
mod model;

#[cfg(test)]
mod tests {
    use super::*;
    use RedemptionState::{Accepted, PendingAcceptance};

    const INTENT: &str = "2026-11-21T12:00:00.400Z";

    fn redemption(state: RedemptionState, at: &str) -> Redemption {
        Redemption { state: Some(state), changed_at: Some(at.parse().unwrap()) }
    }

    fn concluded(before: &Redemption, now: &Redemption) -> (Settlement, Settlement) {
        let intent = INTENT.parse().unwrap();
        (settle(Some(before), intent, now, false), settle(Some(before), intent, now, true))
    }

    #[test]
    fn the_directory_settles_what_it_can_and_nothing_more() {
        use Settlement::{Outstanding, Sent, TooEarly, Undecided};
        let accepted = redemption(Accepted, "2024-01-01T00:00:00Z");
        let pending = redemption(PendingAcceptance, "2024-01-01T00:00:00Z");
        let never = Redemption::default();
        let reset = redemption(PendingAcceptance, "2026-11-21T12:00:00Z");
        let reset_later = redemption(PendingAcceptance, "2026-11-21T12:00:07Z");
        let reset_before = redemption(PendingAcceptance, "2026-11-21T11:59:57Z");
        let redeemed = redemption(Accepted, "2026-11-21T12:03:00Z");
        for (name, before, now, expected) in [
            ("unchanged, accepted", &accepted, &accepted, (TooEarly, Outstanding)),
            ("unchanged, pending", &pending, &pending, (TooEarly, Outstanding)),
            ("unchanged, never invited", &never, &never, (TooEarly, Outstanding)),
            ("reset in the same second", &accepted, &reset, (Sent, Sent)),
            ("reset a little later", &accepted, &reset_later, (Sent, Sent)),
            ("pending reset", &pending, &reset, (Sent, Sent)),
            ("never invited, reset", &never, &reset, (Sent, Sent)),
            ("reset by someone before the intent", &accepted, &reset_before, (TooEarly, Undecided)),
            ("redeemed since", &accepted, &redeemed, (TooEarly, Undecided)),
            ("just reset before, looks the same", &reset, &reset, (TooEarly, Undecided)),
            ("just reset before, reset again", &reset, &reset_later, (TooEarly, Undecided)),
            ("an older replica", &pending, &accepted, (TooEarly, Undecided)),
            ("state gone", &accepted, &never, (TooEarly, Undecided)),
        ] {
            assert_eq!(concluded(before, now), expected, "{name}");
        }
    }

    #[test]
    fn without_a_before_image_nothing_is_concluded() {
        let now = redemption(PendingAcceptance, "2026-11-21T12:00:00Z");
        assert_eq!(settle(None, INTENT.parse().unwrap(), &now, true), Settlement::Undecided);
    }
}
