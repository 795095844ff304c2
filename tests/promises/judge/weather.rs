//! What goes wrong in a run, by the throw of dice.

use std::time::Duration;

use fastrand::Rng;
use http::Method;
use reinvite::emulator::{Action, Canned, CannedBody, Fault, Matcher, RetryAfter};

use crate::support::{id, seconds};

/// One of these. None lies: what is refused was not done.
pub(super) fn fault(dice: &mut Rng, guests: u32) -> Fault {
    let user = id(dice.u32(1..=guests));
    let on = match dice.u8(0..8) {
        0..=3 => Matcher::invitation(),
        4..=5 => Matcher::patch(),
        6 => Matcher::new(Method::GET, "/users"),
        _ => Matcher::any(),
    };
    let on = if dice.bool() { on.of(&user) } else { on };
    let on = on.nth(dice.u64(1..=4)).times(dice.u64(1..=3));
    Fault::new(on, action(dice))
}

/// The same for what a mailbox is asked to do.
pub(super) fn mailbox_fault(dice: &mut Rng, mailbox: &str) -> Fault {
    let on = Matcher::new(Method::POST, &format!("/users/{mailbox}/messages"));
    let on = on.nth(dice.u64(1..=4)).times(dice.u64(1..=3));
    Fault::new(on, action(dice))
}

fn action(dice: &mut Rng) -> Action {
    match dice.u8(0..12) {
        0 => Action::Answer(refusal(dice)),
        1..=2 => Action::Answer(no_verdict(dice)),
        3..=4 => Action::CommitThenAnswer(no_verdict(dice)),
        5 => Action::Drop,
        6 => Action::CommitThenDrop,
        7 => Action::TruncateBody,
        8 => Action::Delay(seconds(dice.u64(1..200))),
        9 => Action::CommitThenDelay(seconds(dice.u64(1..200))),
        10 => Action::ErrorStatusIn201,
        _ => Action::Away(Duration::from_secs(dice.u64(1..400))),
    }
}

/// What the service says of something that it did not do.
fn refusal(dice: &mut Rng) -> Canned {
    let busy = "Please wait briefly and retry.";
    let absent =
        "Resource does not exist or one of its queried reference-property objects are not present.";
    match dice.u8(0..5) {
        0 => Canned::throttled(RetryAfter::Seconds(dice.u64(1..60))),
        1 => Canned::status(429),
        2 => Canned::error(409, "Directory_ConcurrencyViolation", busy),
        3 => Canned::error(423, "Locked", busy),
        _ => Canned::error(404, "Request_ResourceNotFound", absent),
    }
}

/// What says nothing of whether something was done.
fn no_verdict(dice: &mut Rng) -> Canned {
    match dice.u8(0..8) {
        0 => Canned::status(500),
        1 => Canned::status(503),
        2 => Canned::status(504),
        3 => Canned::html(502),
        4 => Canned::foreign(*dice.choice([200, 302, 403, 404, 407, 451].iter()).unwrap()),
        5 => Canned { body: CannedBody::Json(serde_json::json!({})), ..Canned::status(201) },
        6 => Canned::status(503).header("date", "Mon, 04 May 2026 23:00:05 GMT"),
        _ => Canned::status(408),
    }
}
