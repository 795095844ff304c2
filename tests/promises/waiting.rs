//! Time: how long it waits before it writes, invites and asks again. All in virtual
//! time, and to the second.

use std::time::Duration;

use jiff::Timestamp;
use reinvite::emulator::{Action, Canned, Matcher, RetryAfter};
use reinvite::run::LimitedBy;

use crate::support::{Campaign, Cut, Sent, id, seconds};

fn gap(one: &Sent, next: &Sent) -> Duration {
    next.at.duration_since(one.at).unsigned_abs()
}

#[tokio::test(start_paused = true)]
async fn an_invitation_follows_its_patch_after_the_settle_time() {
    let mut campaign = Campaign::new().guests(1);
    let finished = campaign.run().await;
    let [patch, invitation] = finished.writes()[..] else { panic!() };
    assert!(gap(patch, invitation) >= seconds(15));
    assert!(gap(patch, invitation) < seconds(16));
    assert_eq!(finished.summary.limited_by, Some(LimitedBy::Replication));
}

#[tokio::test(start_paused = true)]
async fn the_settle_time_grows_while_the_service_does_not_see_the_mail() {
    let mut campaign = Campaign::new().guests(1).invitation_lag(seconds(100));
    let finished = campaign.run().await;
    assert_eq!(finished.summary.invited, 1);
    let writes = finished.writes();
    let gaps: Vec<u64> = writes.windows(2).map(|pair| gap(pair[0], pair[1]).as_secs()).collect();
    assert_eq!(gaps, [15, 15, 30, 60]);
    assert_eq!(campaign.invitations(1), 1);
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_the_service_never_sees_is_given_up_after_the_replication_lag() {
    let mut campaign = Campaign::new().guests(1).invitation_lag(seconds(10_000));
    let finished = campaign.run().await;
    assert_eq!(finished.failure(1), "address-not-on-guest");
    let writes = finished.writes();
    let patience = gap(writes[0], writes.last().unwrap());
    assert!(patience >= seconds(300), "{patience:?}");
    assert!(patience <= seconds(300 + 120), "{patience:?}");
    assert_eq!(campaign.invitations(1), 0);
}

/// Nothing of ours is on its way to a replica there: waiting would change nothing.
#[tokio::test(start_paused = true)]
async fn a_row_whose_mail_was_not_written_by_us_does_not_wait_for_replicas() {
    let no_match = Canned::error(
        400,
        "BadRequest",
        "The email you\u{2019}re using to invite this user doesn\u{2019}t match any emails on the user object.",
    );
    let mut campaign = Campaign::new()
        .guests(1)
        .manifest(&format!("user,new_email,reset\n{},,always\n", id(1)))
        .fault(Matcher::invitation(), Action::Answer(no_match));
    let finished = campaign.run().await;
    assert_eq!((finished.failure(1), finished.writes().len()), ("address-not-on-guest", 1));
    assert!(finished.summary.elapsed < seconds(1));
}

/// The forms of `Retry-After`, and the wait that each asks for.
fn forms() -> Vec<(Canned, Duration)> {
    let text = |text: &str| Canned::throttled(RetryAfter::Text(text.to_owned()));
    vec![
        (Canned::throttled(RetryAfter::Seconds(9)), seconds(9)),
        (Canned::throttled(RetryAfter::Decimal(2.5)), Duration::from_millis(2500)),
        (Canned::throttled(RetryAfter::HttpDate(seconds(30))), seconds(30)),
        // It did not say, or not so that it can be understood: our own patience.
        (Canned::status(429), Duration::from_millis(500)),
        (text("soon"), Duration::from_millis(500)),
        (text("-5"), Duration::from_millis(500)),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_in_any_form_holds_off_what_was_refused_until_then() {
    type IsHeld = fn(&Sent) -> bool;
    // Nothing said which quota it was, and an invitation may count as a write.
    let held: [(Matcher, IsHeld); 3] = [
        (Matcher::invitation().nth(3), Sent::is_invitation),
        (Matcher::patch().nth(3), Sent::is_write),
        (Matcher::new(http::Method::GET, &format!("/users/{}", id(3))), |sent| !sent.is_write()),
    ];
    for (on, is_held) in held {
        for (canned, wait) in forms() {
            let mut campaign = Campaign::new()
                .guests(6)
                .pace(2.0, 1, 4)
                .fault(on.clone(), Action::Answer(canned.clone()));
            let finished = campaign.run().await;
            assert_eq!((finished.summary.invited, finished.summary.throttled), (6, 1));
            let ledger = campaign.ledger();
            let refused = ledger.requests.iter().find(|request| request.status == 429).unwrap();
            let until: Timestamp = refused.at + wait;
            let early: Vec<&Sent> = finished
                .sent
                .iter()
                .filter(|sent| sent.at > refused.at && sent.at < until && is_held(sent))
                .collect();
            assert!(early.is_empty(), "{canned:?}: {early:?}");
            // And no longer than it was asked for, give or take the second that a date cuts off.
            let next = finished.sent.iter().find(|sent| sent.at >= until && is_held(sent)).unwrap();
            let late = next.at.duration_since(until).unsigned_abs();
            assert!(late <= seconds(2), "{canned:?}: {late:?} late");
            assert!((1..=6).all(|n| campaign.invitations(n) == 1));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_scope_says_what_else_is_held_off() {
    let told = |scope: &str| {
        Canned::throttled(RetryAfter::Seconds(30))
            .header("x-ms-throttle-scope", &format!("{scope}/app/tenant"))
    };
    for (scope, patches_go_on) in [
        ("Tenant/ReadWrite", true),
        ("Tenant_Application/Write", false),
        ("Tenant_Application/ReadWrite", false),
    ] {
        let mut campaign = Campaign::new()
            .guests(100)
            .pace(2.0, 1, 4)
            .fault(Matcher::invitation(), Action::Answer(told(scope)));
        let finished = campaign.run().await;
        assert_eq!((finished.summary.invited, finished.summary.throttled), (100, 1));
        let ledger = campaign.ledger();
        let refused = ledger.requests.iter().find(|request| request.status == 429).unwrap();
        let meanwhile = |sent: &&Sent| sent.at > refused.at && sent.at < refused.at + seconds(30);
        let patches = finished.sent.iter().filter(meanwhile).filter(|sent| sent.is_patch());
        // Those go on at the pace that both share.
        assert_eq!(patches.count() >= 50, patches_go_on, "{scope}");
        let invitations =
            finished.sent.iter().filter(meanwhile).filter(|sent| sent.is_invitation());
        assert_eq!(invitations.count(), 0, "{scope}");
    }
}

/// A tenant does not forget what was written because a program started again.
#[tokio::test(start_paused = true)]
async fn a_new_run_gets_no_new_burst() {
    let mut campaign = Campaign::new()
        .guests(40)
        .pace(1.0, 20, 16)
        .settings(|settings| settings.pace.settle = Duration::ZERO)
        .cut(Cut::Before(70));
    assert!(campaign.run_until_cut().await.is_none());
    let before = campaign.ledger().writes.len();
    assert!(before >= 20, "{before}");
    let finished = campaign.resume().await;
    let writes = finished.writes();
    let at_once = writes.iter().filter(|write| gap(writes[0], write) < seconds(1)).count();
    assert!(at_once <= 2, "{at_once}");
}

#[tokio::test(start_paused = true)]
async fn an_absurd_retry_after_is_no_reason_to_wait_for_hours() {
    let absurd = Canned::throttled(RetryAfter::Seconds(999_999_999));
    let mut campaign =
        Campaign::new().guests(1).fault(Matcher::invitation(), Action::Answer(absurd));
    let finished = campaign.run().await;
    assert_eq!(finished.summary.invited, 1);
    assert!(finished.summary.elapsed <= seconds(660), "{:?}", finished.summary.elapsed);
}

#[tokio::test(start_paused = true)]
async fn a_long_night_takes_no_time_and_every_second_of_it_is_accounted_for() {
    let mut campaign = Campaign::new().guests(120).pace(1.0, 1, 4);
    let finished = campaign.run().await;
    // 240 writes, one a second, and the last settle time overlaps with the others.
    let elapsed = finished.summary.elapsed.as_secs();
    assert!((239..=245).contains(&elapsed), "{elapsed} s");
    assert_eq!(finished.summary.limited_by.map(LimitedBy::code), Some("pace"));
    let writes = finished.writes();
    assert!(writes.windows(2).all(|pair| gap(pair[0], pair[1]) >= Duration::from_millis(990)));
}
