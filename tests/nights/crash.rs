//! P1 and P2 over nights that are cut off: whenever the program is gone from one moment
//! to the next, the checkpoint tells the truth, and the nights after it end with every
//! mail that was due, and none beyond.
//!
//! Where to cut, and why that is everywhere: see `tests/promises/crash.rs`. A request
//! that writes nothing is cut before alone: nothing of it is left behind.

use std::time::Duration;

use http::Method;
use reinvite::emulator::{Action, Canned, Fault, Matcher, RetryAfter};

use crate::support::{Campaign, Cut, guest, id, new_address};

/// Everybody at once, reminded after a day.
const POLICY: &[(&str, &str)] = &[
    ("sizes = [2, 4, \"rest\"]", "sizes = []"),
    ("after = \"3d\"", "after = \"1d\""),
    ("gap = \"3d\"", "gap = \"1d\""),
];

/// How many mails each guest has in the end.
const MAILS: [(u32, usize); 9] = [
    // Redeems after the first.
    (1, 1),
    // A reminder is due; the first one gets lost.
    (2, 2),
    // A person asked for one more.
    (3, 2),
    // Somebody changes the mail back; put right, the guest is reminded.
    (4, 2),
    // The first answer was lost, the invitation was not.
    (5, 1),
    // The first invitation was lost.
    (6, 1),
    // A reminder is due; its answer gets lost.
    (7, 2),
    // New tonight, and the tenant throttles.
    (8, 1),
    // New tonight, and the answer gets lost.
    (9, 1),
];

fn fault(campaign: &Campaign, n: u32, action: Action) {
    campaign.tenant.inject(Fault::new(Matcher::invitation().of(&id(n)), action));
}

/// A campaign on the eve of a night that has everything to do.
async fn eve() -> Campaign {
    let mut campaign = Campaign::with(7, "2026-05-04T12:00:00Z", POLICY);
    fault(&campaign, 5, Action::CommitThenDrop);
    fault(&campaign, 6, Action::Drop);
    // No time to settle what was lost: the guest can't be read after it.
    let reads = Matcher::new(Method::GET, "/users").of(&id(5)).nth(3).times(6);
    campaign.tenant.inject(Fault::new(reads, Action::Answer(Canned::status(503))));
    campaign.stop_after = Some(Duration::from_mins(1));
    campaign.night(1).await;
    assert_eq!(campaign.status().counts.unknown, 2);
    let tenant = campaign.tenant.clone();
    tenant.redeem(&id(1));
    campaign.hours(26).await;
    campaign.ask_again(3).await;
    tenant.edit(&id(4), |user| user.mail = Some("guest4@fabrikam.example".into()));
    for n in [8, 9] {
        tenant.add(guest(n));
        campaign.rows.push(n);
    }
    fault(&campaign, 2, Action::Drop);
    fault(&campaign, 7, Action::CommitThenDrop);
    fault(&campaign, 8, Action::Answer(Canned::throttled(RetryAfter::Seconds(5))));
    fault(&campaign, 9, Action::CommitThenDrop);
    campaign
}

/// The checkpoint may know less than happened, and it says so: of an invitation that it
/// does not have as accepted, it says that it does not know.
fn assert_tells_the_truth(campaign: &Campaign, cut: Option<Cut>) {
    let status = campaign.status();
    let sum = status.counts.invited
        + status.counts.settled
        + status.counts.blocked
        + status.counts.failed;
    let sum = sum + status.counts.unknown + status.counts.patched + status.counts.not_attempted;
    assert_eq!(sum, status.rows, "{cut:?}: {status:?}");
    assert!(status.held_by.is_none(), "{cut:?}");
    let ledger = campaign.tenant.ledger();
    for (n, _) in MAILS {
        let of = |what: &str| format!("SELECT {what} AND user_id = '{}'", id(n));
        let accepted = campaign.query(&of("what FROM event WHERE what = 'invited'")).len();
        let state = campaign.query(&of("state FROM row WHERE true"));
        let state = state.first().map_or("none", String::as_str);
        let sent = ledger.invitations_for(&id(n)).len();
        assert!(accepted <= sent, "guest {n}, {cut:?}: {accepted} of {sent}");
        assert!(accepted == sent || state == "intended", "guest {n}, {cut:?}: {state}");
    }
}

/// What people and schedulers do after a night that was cut off.
#[derive(Debug, Clone, Copy)]
enum Then {
    Reconcile,
    Verify,
    Remind,
}

async fn cut_and_go_on(cut: Option<Cut>, then: Then) -> Vec<(Duration, bool)> {
    let mut campaign = eve().await;
    let (is_cut, sent) = campaign.until(cut).await;
    assert_tells_the_truth(&campaign, cut);
    if cut.is_none() {
        assert!(!is_cut);
    }
    campaign.hours(2).await;
    match then {
        Then::Reconcile => {}
        Then::Verify => campaign.verify().await,
        Then::Remind => drop(campaign.remind().await),
    }
    assert_tells_the_truth(&campaign, cut);
    for _ in 0..2 {
        campaign.once().await;
        assert_tells_the_truth(&campaign, cut);
        campaign.hours(1).await;
    }
    for (n, mails) in MAILS {
        let sent = campaign.tenant.ledger().invitations_for(&id(n)).len();
        let of = format!("SELECT what FROM event WHERE user_id = '{}' ORDER BY id", id(n));
        assert_eq!(sent, mails, "guest {n}, {cut:?}, {then:?}: {:?}", campaign.query(&of));
        let mail = campaign.tenant.user(&id(n)).unwrap().mail;
        assert_eq!(mail, Some(new_address(n)), "{cut:?}, {then:?}");
    }
    let user = campaign.tenant.user(&id(1)).unwrap();
    assert_eq!(user.external_user_state.as_deref(), Some("Accepted"), "{cut:?}, {then:?}");
    let (status, guests) = (campaign.status(), MAILS.len() as u64);
    assert_eq!((status.rows, status.counts.invited), (guests, guests), "{cut:?}, {then:?}");
    // As often as one likes.
    assert_eq!(campaign.once().await, "quiet\n", "{cut:?}, {then:?}");
    sent
}

/// Every third place, from the `first`.
async fn cut_at_every_third(first: usize, then: Then) {
    let whole = cut_and_go_on(None, then).await;
    let begins = whole.iter().position(|(_, writes)| *writes).unwrap();
    let mut cuts = Vec::new();
    for n in begins..=whole.len() {
        let (at, writes) = whole[n - 1];
        let last = whole[n - 2].0;
        // Where nothing was sent, nothing but records came before; they did before the wait.
        if at > last + Duration::from_secs(1) {
            cuts.push(Cut::At((last + at) / 2));
        } else {
            cuts.push(Cut::Before(n));
        }
        cuts.extend(writes.then_some(Cut::After(n)));
    }
    assert!(cuts.len() > 45, "{} cuts are no test", cuts.len());
    for cut in cuts.iter().skip(first).step_by(3) {
        cut_and_go_on(Some(*cut), then).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_night_cut_off_anywhere_sends_every_mail_that_is_due_and_none_twice() {
    cut_at_every_third(0, Then::Reconcile).await;
}

#[tokio::test(start_paused = true)]
async fn a_night_cut_off_and_looked_at_sends_every_mail_that_is_due_and_none_twice() {
    cut_at_every_third(1, Then::Verify).await;
}

#[tokio::test(start_paused = true)]
async fn a_night_cut_off_before_reminders_sends_every_mail_that_is_due_and_none_twice() {
    cut_at_every_third(2, Then::Remind).await;
}
