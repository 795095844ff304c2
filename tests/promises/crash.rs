//! P1 and P2 under crashes: whenever the program is gone from one moment to the
//! next, the checkpoint opens, tells the truth, and the next `apply` ends with one
//! invitation for every guest.
//!
//! A crash is a run whose future is dropped: nothing more is sent, no answer is
//! seen, nothing is written down any more, the end of the run neither, and the
//! lock is gone as the operating system takes it from a dead process.
//!
//! What a crash leaves behind is the directory and the durable records, so it is
//! enough to crash once in each state that the two can be in. Requests change the
//! directory; records become durable between requests. Crashing before every
//! request (all records before it are durable, its effect is not there) and after
//! every request (its effect is there, and no record of it) covers every state with
//! a request next to it. Where two records follow one another without a request
//! between, a wait lies between them (the settle time, and the wait after the
//! service did not see the new mail), and crashing in the middle of every wait
//! covers those.

use reinvite::checkpoint::Status;
use reinvite::emulator::{Action, Canned, Matcher, RetryAfter};

use crate::support::{Campaign, Cut, Sent, id, seconds};

const GUESTS: u32 = 4;

/// Four guests on a bad day: one is throttled, the answer to one gets lost, the
/// request for one gets lost, a PATCH is lost, and every new mail reaches the
/// invitation service late.
fn bad_day() -> Campaign {
    Campaign::new()
        .guests(GUESTS)
        .invitation_lag(seconds(25))
        .read_lag(seconds(10))
        .fault(
            Matcher::invitation().of(&id(1)),
            Action::Answer(Canned::throttled(RetryAfter::Seconds(5))),
        )
        .fault(Matcher::invitation().of(&id(2)).nth(2), Action::CommitThenDrop)
        .fault(Matcher::invitation().of(&id(3)).nth(2), Action::Drop)
        .fault(Matcher::patch().of(&id(4)), Action::CommitThenDrop)
}

/// The requests of a run that nothing cuts short.
async fn undisturbed(campaign: fn() -> Campaign) -> Vec<Sent> {
    let mut campaign = campaign();
    let finished = campaign.run().await;
    assert_eq!(finished.summary.invited, u64::from(GUESTS), "{:?}", finished.summary);
    finished.sent
}

/// Crashes a run, then finishes the campaign, and looks closely all the while. Says
/// whether the run lived long enough to crash.
async fn crash_and_resume(mut campaign: Campaign, cut: Cut) -> bool {
    campaign = campaign.cut(cut);
    let crashed = campaign.run_until_cut().await.is_none();
    assert_tells_the_truth(&mut campaign, cut);

    let resumed = campaign.resume().await;
    resumed.assert_adds_up();
    assert_tells_the_truth(&mut campaign, cut);
    for n in 1..=GUESTS {
        assert_eq!(campaign.invitations(n), 1, "guest {n}, {cut:?}: {:?}", campaign.events_of(n));
    }
    assert_eq!(campaign.status().counts.invited, u64::from(GUESTS), "{cut:?}");

    let once_more = campaign.resume().await;
    assert_eq!(once_more.writes().len(), 0, "{cut:?}");
    crashed
}

/// The checkpoint may know less than happened, and it says so: a guest who was
/// invited is on record as invited, or as not known.
fn assert_tells_the_truth(campaign: &mut Campaign, cut: Cut) {
    let Status { rows, counts, held_by, .. } = campaign.status();
    assert_eq!(counts.sum(), rows, "{cut:?}");
    assert!(rows == u64::from(GUESTS) || rows == 0, "{cut:?}: {rows} rows");
    assert!(held_by.is_none(), "{cut:?}: held by {held_by:?}");
    for n in 1..=GUESTS {
        let state = campaign.query(&format!("SELECT state FROM row WHERE user_id = '{}'", id(n)));
        let state = state.first().map_or("none", String::as_str);
        match campaign.invitations(n) {
            0 => assert_ne!(state, "invited", "guest {n}, {cut:?}"),
            1 => assert!(["invited", "intended"].contains(&state), "guest {n}, {cut:?}: {state}"),
            many => panic!("guest {n} has {many} invitations, {cut:?}"),
        }
    }
}

async fn crash_everywhere(campaign: fn() -> Campaign) {
    let sent = undisturbed(campaign).await;
    // Planning reads and leaves nothing behind: one cut stands for all of it, but for the
    // reading of the first guest just before its PATCH.
    let first_write = sent.iter().position(Sent::is_write).expect("there is something to do");
    let matters = |n: &usize| *n == 1 || *n >= first_write;
    let mut cuts: Vec<Cut> =
        (1..=sent.len()).filter(matters).flat_map(|n| [Cut::Before(n), Cut::After(n)]).collect();
    for (one, next) in sent.iter().zip(&sent[1..]) {
        let gap = next.at.duration_since(one.at);
        if gap.is_positive() {
            cuts.push(Cut::At(one.at + gap / 2));
        }
    }
    let mut crashes = 0;
    for &cut in &cuts {
        crashes += usize::from(crash_and_resume(campaign(), cut).await);
    }
    // Which of two rows goes first may differ from the undisturbed run, and with it,
    // by a few, the number of requests.
    assert!(crashes * 10 >= cuts.len() * 9, "{crashes} crashes at {} places", cuts.len());
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_moment_loses_nobody_and_invites_nobody_twice() {
    crash_everywhere(|| bad_day().pace(20.0, 1, 1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_with_several_rows_in_flight_loses_nobody_and_invites_nobody_twice() {
    crash_everywhere(|| bad_day().pace(1000.0, 100, 16)).await;
}

/// Each run lives a little longer than the one before, so that the crashes fall
/// on the settling of lost answers, too.
#[tokio::test(start_paused = true)]
async fn crash_after_crash_the_campaign_still_gets_there() {
    for cut in [Cut::Before, Cut::After] {
        let mut campaign = bad_day();
        let mut runs = 0;
        loop {
            runs += 1;
            assert!(runs < 100, "no progress");
            campaign = campaign.cut(cut(5 + runs));
            match campaign.run_until_cut().await {
                None => assert_tells_the_truth(&mut campaign, cut(5 + runs)),
                Some(finished) if finished.writes().is_empty() => break,
                Some(_) => {}
            }
        }
        assert!(runs > 10, "{runs} runs are no test");
        assert!((1..=GUESTS).all(|n| campaign.invitations(n) == 1));
        assert_eq!(campaign.status().counts.invited, u64::from(GUESTS));
    }
}
