//! The promises on the way back: every attribute is what it was but the redemption, nobody
//! is invited twice to the old address, nobody is forgotten, and what somebody else has
//! done since stays.

use proptest::prelude::*;
use reinvite::campaign::Carried;
use reinvite::config::MailWrite;
use reinvite::emulator::{Action, Canned, Emulator, Matcher, RetryAfter};
use reinvite::graph::wire;

use crate::support::{Campaign, Cut, Finished, Sent, address, id, seconds};

const GUESTS: u32 = 4;

/// Longer than a replica lags.
async fn later() {
    tokio::time::sleep(seconds(600)).await;
}

/// A guest as it must be again: everything but the redemption, and the second addresses
/// that Graph keeps.
fn attributes(emulator: &Emulator, n: u32) -> wire::User {
    wire::User {
        proxy_addresses: Vec::new(),
        external_user_state: None,
        external_user_state_change_date_time: None,
        ..emulator.user(&id(n)).unwrap()
    }
}

fn old_address(n: u32) -> String {
    format!("guest{n}@fabrikam.example")
}

/// How many invitations the n-th guest got to an address.
fn invited_to(campaign: &mut Campaign, n: u32, address: &str) -> usize {
    let ledger = campaign.ledger();
    let to = ledger.invitations_for(&id(n));
    to.iter().filter(|invitation| invitation.address.eq_ignore_ascii_case(address)).count()
}

/// Four guests who were moved, but for the last, whose mail alone was written.
async fn moved(mail: MailWrite) -> Campaign {
    let refused = Canned::error(400, "BadRequest", "the invitation is refused");
    let mut campaign = Campaign::new()
        .guests(GUESTS)
        .mail(mail)
        .fault(Matcher::invitation().of(&id(4)), Action::Answer(refused));
    let finished = campaign.run().await;
    assert_eq!((finished.summary.invited, finished.summary.failed), (3, 1));
    later().await;
    campaign
}

#[tokio::test(start_paused = true)]
async fn going_back_brings_everything_back_but_the_redemption() {
    for mail in [MailWrite::Mail, MailWrite::OtherMails, MailWrite::Both] {
        let mut campaign = moved(mail).await;
        let emulator = campaign.emulator();
        let seed = Campaign::new().guests(GUESTS).emulator();
        campaign = campaign.reverts();
        let finished = campaign.run().await;
        finished.assert_adds_up();
        assert_eq!((finished.summary.invited, finished.summary.settled), (3, 1), "{mail:?}");
        assert_eq!(finished.planned(1), "revert");
        assert_eq!(finished.planned(4), "revert-mail");
        for n in 1..=GUESTS {
            assert_eq!(attributes(&emulator, n), attributes(&seed, n), "{mail:?}, guest {n}");
            let expected = usize::from(n != 4);
            assert_eq!(invited_to(&mut campaign, n, &old_address(n)), expected, "guest {n}");
        }
        // What was said about the move is not said again, and nobody is asked twice.
        let once_more = campaign.run().await;
        assert_eq!(once_more.writes().len(), 0, "{mail:?}");
        assert_eq!(once_more.planned(1), "already-invited");
        assert_eq!(once_more.planned(4), "reverted");
        assert_eq!(campaign.status().not_in_manifest.invited, 0);
    }
}

fn bad_day(campaign: Campaign) -> Campaign {
    campaign
        .fault(
            Matcher::invitation().of(&id(1)).nth(2),
            Action::Answer(Canned::throttled(RetryAfter::Seconds(5))),
        )
        .fault(Matcher::invitation().of(&id(2)).nth(2), Action::CommitThenDrop)
        .fault(Matcher::invitation().of(&id(3)).nth(2), Action::Drop)
        .fault(Matcher::patch().of(&id(4)).nth(2), Action::CommitThenDrop)
}

/// A way back that is cut short there, and then gone to its end. Says whether it was.
async fn crash_and_resume(cut: Cut) -> bool {
    let mut campaign = bad_day(moved(MailWrite::Both).await).reverts().cut(cut);
    let crashed = campaign.run_until_cut().await.is_none();
    let status = campaign.status();
    assert_eq!(status.counts.sum(), status.rows, "{cut:?}");
    assert_eq!(status.rows, u64::from(GUESTS), "{cut:?}");

    // One that was cut off may have to wait until the replicas can be believed.
    for _ in 0..2 {
        let resumed = campaign.resume().await;
        resumed.assert_adds_up();
        later().await;
    }
    let emulator = campaign.emulator();
    let seed = Campaign::new().guests(GUESTS).emulator();
    for n in 1..=GUESTS {
        let events = campaign.events_of(n);
        assert_eq!(
            attributes(&emulator, n),
            attributes(&seed, n),
            "guest {n}, {cut:?}: {events:?}"
        );
        let expected = usize::from(n != 4);
        let invited = invited_to(&mut campaign, n, &old_address(n));
        assert_eq!(invited, expected, "guest {n}, {cut:?}: {events:?}");
        assert_eq!(invited_to(&mut campaign, n, &address(n)), expected, "guest {n}, {cut:?}");
    }
    let counts = campaign.status().counts;
    assert_eq!((counts.invited, counts.settled), (3, 1), "{cut:?}");
    assert_eq!(campaign.resume().await.writes().len(), 0, "{cut:?}");
    crashed
}

#[tokio::test(start_paused = true)]
async fn a_crash_on_the_way_back_forgets_nobody_and_invites_nobody_twice() {
    let mut campaign = bad_day(moved(MailWrite::Both).await).reverts();
    let Finished { sent, .. } = campaign.run().await;
    let first_write = sent.iter().position(Sent::is_write).expect("there is something to do");
    let matters = |n: &usize| *n >= first_write;
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
        crashes += usize::from(crash_and_resume(cut).await);
    }
    assert!(crashes * 2 >= cuts.len(), "{crashes} crashes at {} places", cuts.len());
}

/// What was done to the guests before they go back.
#[derive(Debug, Clone)]
struct Before {
    mail: MailWrite,
    other_mails: Vec<Vec<String>>,
    /// Where the move was cut short.
    cut: usize,
    /// Whether it was moved on to a third address.
    moved_on: bool,
}

fn before() -> impl Strategy<Value = Before> {
    let mail = prop::sample::select(vec![MailWrite::Mail, MailWrite::OtherMails, MailWrite::Both]);
    let others = prop::collection::vec("[a-c]@home\\.example", 0..3);
    let others = prop::collection::vec(others, GUESTS as usize);
    (mail, others, 1..40_usize, any::<bool>()).prop_map(|(mail, mut other_mails, cut, moved_on)| {
        for list in &mut other_mails {
            list.sort();
            list.dedup();
        }
        Before { mail, other_mails, cut, moved_on }
    })
}

async fn there_and_back(before: Before) {
    let others = before.other_mails.clone();
    let change = move |tenant: &mut reinvite::emulator::TenantSeed| {
        for (user, others) in tenant.users.iter_mut().zip(others) {
            user.user.other_mails = others;
        }
    };
    let mut campaign =
        Campaign::new().guests(GUESTS).mail(before.mail).tenant(change).pace(20.0, 1, 1);
    let emulator = campaign.emulator();
    let was: Vec<_> = (1..=GUESTS).map(|n| attributes(&emulator, n)).collect();
    if before.moved_on {
        campaign.run().await;
        later().await;
        let third = (1..=GUESTS).map(|n| (id(n), format!("guest{n}@tailspin.example")));
        campaign = campaign.rows(third);
    }
    campaign = campaign.cut(Cut::Before(before.cut));
    let _ = campaign.run_until_cut().await;
    later().await;
    let reset: Vec<bool> = (1..=GUESTS).map(|n| campaign.invitations(n) > 0).collect();
    campaign = campaign.reverts();
    let finished = campaign.run().await;
    finished.assert_adds_up();
    for row in &finished.plan.rows {
        let n = (1..=GUESTS).find(|n| Some(id(*n)) == row.user_id.map(|id| id.to_string()));
        let n = n.expect("it is one of ours");
        let reason = row.decision.reason();
        if reason == "outcome-unknown" {
            continue;
        }
        assert_eq!(attributes(&emulator, n), was[n as usize - 1], "{reason}, {before:?}");
        let was_reset = reset[n as usize - 1];
        let invited = invited_to(&mut campaign, n, &old_address(n));
        assert_eq!(invited, usize::from(was_reset), "guest {n}: {reason}, {before:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn there_and_back_leaves_every_attribute_as_it_was(before in before()) {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(there_and_back(before));
    }
}

#[tokio::test(start_paused = true)]
async fn what_others_have_done_since_stays() {
    let mut campaign = moved(MailWrite::Both).await;
    let emulator = campaign.emulator();
    emulator.edit(&id(1), |user| user.mail = Some("else@fabrikam.example".to_owned()));
    emulator.edit(&id(2), |user| user.other_mails.push("theirs@home.example".to_owned()));
    assert!(emulator.reinvite(&id(3)));
    emulator.edit(&id(4), |user| user.mail = Some("else4@fabrikam.example".to_owned()));
    later().await;
    campaign = campaign.reverts();
    let finished = campaign.run().await;
    let planned: Vec<_> = (1..=4).map(|n| finished.planned(n)).collect();
    assert_eq!(planned, ["mail-changed", "changed-since", "invited-since", "changed-since"]);
    assert_eq!(finished.writes().len(), 0);
}

/// Somebody writes between the plan and its carrying out.
#[tokio::test(start_paused = true)]
async fn a_guest_changed_after_the_plan_is_left_alone() {
    let mut campaign = moved(MailWrite::Mail).await.reverts().after_plan(|emulator| {
        emulator.edit(&id(1), |user| user.mail = Some("else@fabrikam.example".to_owned()));
        assert!(emulator.redeem(&id(2)));
    });
    let finished = campaign.run().await;
    assert_eq!(finished.failure(1), "changed-since-plan");
    assert_eq!(finished.failure(2), "redeemed-since-plan");
    assert_eq!((finished.summary.invited, finished.summary.settled), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn whoever_has_redeemed_goes_back_only_when_that_is_asked_for() {
    let mut campaign = moved(MailWrite::Mail).await;
    assert!(campaign.emulator().redeem(&id(1)));
    later().await;
    campaign = campaign.reverts();
    let finished = campaign.run().await;
    assert_eq!((finished.planned(1), finished.summary.invited), ("redeemed", 2));
    assert_eq!(invited_to(&mut campaign, 1, &old_address(1)), 0);
    campaign = campaign.reverts_even_redeemed();
    let finished = campaign.run().await;
    assert_eq!((finished.planned(1), finished.summary.invited), ("revert", 1));
    assert_eq!(invited_to(&mut campaign, 1, &old_address(1)), 1);
}

/// Nobody knows what there is to undo while an answer is open.
#[tokio::test(start_paused = true)]
async fn a_guest_whose_answer_was_lost_waits_until_it_is_settled() {
    let mut campaign = Campaign::new().guests(1).cut(Cut::Before(1));
    let reads = Campaign::new().guests(1).run().await.sent.len();
    campaign = campaign.cut(Cut::After(reads));
    assert!(campaign.run_until_cut().await.is_none());
    later().await;
    campaign = campaign.reverts();
    let finished = campaign.run().await;
    assert_eq!((finished.planned(1), finished.writes().len()), ("outcome-unknown", 0));
    campaign = campaign.applies();
    assert_eq!(campaign.run().await.summary.invited, 1);
    campaign = campaign.reverts();
    assert_eq!(campaign.run().await.summary.invited, 1);
    assert_eq!(invited_to(&mut campaign, 1, &address(1)), 1);
    assert_eq!(invited_to(&mut campaign, 1, &old_address(1)), 1);
}

/// A refusal is not tried again unasked, and never becomes an invitation.
#[tokio::test(start_paused = true)]
async fn a_mail_that_is_refused_on_the_way_back_is_tried_again_when_asked_and_stays_a_mail() {
    let refused = Canned::error(400, "Request_BadRequest", "no");
    let mut campaign = moved(MailWrite::Mail)
        .await
        .fault(Matcher::patch().of(&id(4)), Action::Answer(refused))
        .reverts();
    let finished = campaign.run().await;
    assert!(!finished.failure(4).is_empty());
    assert_eq!(campaign.status().counts.failed, 1);
    assert_eq!(campaign.run().await.planned(4), "failed-before");
    campaign = campaign.retry_failed();
    assert_eq!(campaign.run().await.planned(4), "revert-mail");
    assert_eq!(campaign.invitations(4), 0);
    assert_eq!(campaign.emulator().user(&id(4)).unwrap().mail, Some(old_address(4)));
}

/// Trying again is about what was refused, and not about what somebody else has written.
#[tokio::test(start_paused = true)]
async fn a_way_back_that_failed_overwrites_nobody_when_it_is_tried_again() {
    let refused = Canned::error(400, "BadRequest", "the invitation is refused");
    let mut campaign = moved(MailWrite::Mail)
        .await
        .fault(Matcher::invitation().of(&id(1)), Action::Answer(refused))
        .reverts();
    let finished = campaign.run().await;
    assert!(!finished.failure(1).is_empty());
    let theirs = "else@fabrikam.example".to_owned();
    campaign.emulator().edit(&id(1), |user| user.mail = Some(theirs.clone()));
    later().await;
    campaign = campaign.retry_failed();
    let finished = campaign.run().await;
    assert_eq!((finished.planned(1), finished.writes().len()), ("changed-since", 0));
    assert_eq!(campaign.emulator().user(&id(1)).unwrap().mail, Some(theirs));
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_never_had_a_mail_and_one_that_was_only_reset_stay_and_are_told() {
    let mut campaign = Campaign::new()
        .guests(2)
        .tenant(|tenant| {
            tenant.users[0].user.mail = None;
            tenant.users[0].user.proxy_addresses = Vec::new();
        })
        .manifest(&format!("user,new_email,reset\n{},{},\n{},,always\n", id(1), address(1), id(2)));
    assert_eq!(campaign.run().await.summary.invited, 2);
    later().await;
    campaign = campaign.reverts();
    let finished = campaign.run().await;
    assert_eq!((finished.planned(1), finished.planned(2)), ("had-no-mail", "nothing-to-undo"));
    assert_eq!(finished.writes().len(), 0);
    // Nothing went back, and what the manifest's rows came to stays told.
    assert_eq!(campaign.status().counts.invited, 2);
}

/// A scheduler must not undo at night what a person has undone by day.
#[tokio::test(start_paused = true)]
async fn the_same_manifest_moves_nobody_again_without_a_persons_word() {
    let mut campaign = moved(MailWrite::Mail).await.reverts();
    assert_eq!(campaign.run().await.summary.invited, 3);
    later().await;
    campaign = campaign.applies().yes();
    let writes = campaign.ledger().writes.len();
    let Ok(Carried::Refused { refusal, .. }) = campaign.try_run().await else { panic!() };
    assert_eq!(refusal.reason.code(), "reverted");
    assert_eq!(campaign.ledger().writes.len(), writes);
    assert_eq!(campaign.status().counts.invited, 3);
}

/// Whoever says so moves them again, and takes them back again.
#[tokio::test(start_paused = true)]
async fn there_and_back_and_there_and_back_again() {
    let mut campaign = moved(MailWrite::Both).await.reverts();
    assert_eq!(campaign.run().await.summary.invited, 3);
    later().await;
    campaign = campaign.applies();
    assert_eq!(campaign.run().await.summary.invited, 4);
    later().await;
    campaign = campaign.reverts();
    assert_eq!(campaign.run().await.summary.invited, 4);
    let emulator = campaign.emulator();
    let seed = Campaign::new().guests(GUESTS).emulator();
    for n in 1..=GUESTS {
        assert_eq!(attributes(&emulator, n), attributes(&seed, n), "guest {n}");
    }
    assert_eq!(invited_to(&mut campaign, 1, &old_address(1)), 2);
}
