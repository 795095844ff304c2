//! P3 Never guessed: where it is not clear who or what is meant, nothing is done,
//! and it is said why.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use reinvite::domain::AddressHolder;
use reinvite::emulator::{Action, Canned, Matcher, guest};
use reinvite::plan::{Blocked, Decision};
use reinvite::run::Outcome;

use crate::support::{Campaign, address, id};

#[tokio::test(start_paused = true)]
async fn two_guests_that_match_are_both_named_and_neither_is_touched() {
    let mut campaign = Campaign::new().guests(2).tenant(|tenant| {
        let mut other = guest(&id(9), "someone@elsewhere.example");
        other.user.other_mails = vec!["GUEST1@fabrikam.example".to_owned()];
        tenant.users.push(other);
    });
    let finished = campaign.run().await;
    let Decision::Blocked(Blocked::Ambiguous { candidates }) = finished.decision(1) else {
        panic!("{:?}", finished.decision(1));
    };
    let ids: Vec<String> =
        candidates.iter().map(|AddressHolder { id, .. }| id.to_string()).collect();
    assert_eq!(ids, [id(1), id(9)]);
    let sentence = finished.decision(1).to_string();
    for candidate in candidates {
        assert!(sentence.contains(&*candidate.name), "{sentence}");
    }
    assert_eq!((finished.summary.blocked, finished.summary.invited), (1, 1));
    assert!(finished.writes().iter().all(|sent| sent.is_about(&id(2))));
}

/// The old address has passed to somebody else: the campaign remembers one guest by
/// it, the directory knows another.
#[tokio::test(start_paused = true)]
async fn an_address_that_meant_one_guest_and_now_names_another_is_ambiguous() {
    let mut campaign = Campaign::new().guests(1);
    campaign.run().await;
    let emulator = campaign.emulator();
    emulator.edit(&id(1), |user| user.proxy_addresses.retain(|p| !p.contains("fabrikam")));
    emulator.add(guest(&id(9), "guest1@fabrikam.example"));
    let again = campaign.resume().await;
    assert_eq!((again.planned(1), again.writes().len()), ("ambiguous", 0));
}

/// Neither the address of a wish that was replaced, nor the one from before, nor any
/// other is as wanted.
#[tokio::test(start_paused = true)]
async fn a_mail_that_somebody_changed_after_the_invitation_is_blocked_and_never_as_wanted() {
    let mut campaign = Campaign::new().guests(1);
    for address in [address(8), address(1)] {
        campaign = campaign.manifest(&format!("user,new_email\n{},{address}\n", id(1)));
        campaign.run().await;
    }
    tokio::time::sleep(campaign.settings.pace.replication_lag).await;
    for mail in [address(8), "guest1@fabrikam.example".to_owned(), address(7)] {
        campaign.emulator().edit(&id(1), |user| user.mail = Some(mail.clone()));
        let again = campaign.resume().await;
        assert_eq!((again.planned(1), again.writes().len()), ("mail-changed", 0), "{mail}");
        assert_eq!((again.summary.blocked, again.summary.settled), (1, 0), "{mail}");
        assert!(again.decision(1).to_string().contains(&mail), "{}", again.decision(1));
    }
    // Whoever wants it so says so.
    campaign = campaign.resend("2", "somebody set the mail back");
    assert_eq!(campaign.resume().await.summary.invited, 1);
    assert_eq!(campaign.emulator().user(&id(1)).unwrap().mail, Some(address(1)));
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_still_shows_the_old_mail_is_nobodys_hand() {
    let lag = std::time::Duration::from_mins(2);
    let mut campaign = Campaign::new().guests(1).read_lag(lag);
    campaign.run().await;
    let again = campaign.resume().await;
    assert_eq!((again.planned(1), again.summary.settled), ("already-invited", 1));
}

/// Between the mail and the invitation lies the wait for the replicas.
#[tokio::test(start_paused = true)]
async fn a_guest_who_redeems_while_the_new_mail_settles_is_left_alone() {
    let mut campaign = Campaign::new().guests(1);
    let emulator = campaign.emulator();
    emulator.on_write(1, {
        let emulator = emulator.clone();
        move |_| assert!(emulator.redeem(&id(1)))
    });
    let finished = campaign.run().await;
    let Outcome::Failed(failure) = finished.outcome(1) else {
        panic!("{:?}", finished.outcome(1));
    };
    assert_eq!(failure.code, "redeemed-since-plan");
    assert_eq!(campaign.invitations(1), 0);
}

#[tokio::test(start_paused = true)]
async fn a_guest_changed_by_hand_since_the_plan_is_a_conflict_and_not_overwritten() {
    let mut campaign = Campaign::new().guests(2).after_plan(|emulator| {
        emulator.edit(&id(1), |user| user.mail = Some("married@fabrikam.example".to_owned()));
    });
    let finished = campaign.run().await;
    assert_eq!(finished.failure(1), "changed-since-plan");
    let Outcome::Failed(failure) = finished.outcome(1) else { unreachable!() };
    assert!(failure.message.contains("married@fabrikam.example"), "{}", failure.message);
    assert!(finished.writes().iter().all(|sent| sent.is_about(&id(2))));
    let mail = campaign.emulator().user(&id(1)).unwrap().mail;
    assert_eq!(mail.as_deref(), Some("married@fabrikam.example"));
}

#[tokio::test(start_paused = true)]
async fn a_guest_who_redeemed_in_the_meantime_is_left_alone() {
    let mut campaign = Campaign::new().guests(2).after_plan(|emulator| {
        assert!(emulator.redeem(&id(1)));
    });
    let finished = campaign.run().await;
    assert_eq!(finished.failure(1), "redeemed-since-plan");
    assert!(finished.writes().iter().all(|sent| sent.is_about(&id(2))));
}

#[tokio::test(start_paused = true)]
async fn a_guest_invited_by_someone_else_in_the_meantime_is_left_alone() {
    let mut campaign = Campaign::new().guests(1).after_plan(|emulator| {
        let now = emulator.clock().now_in_seconds().to_string();
        emulator.edit(&id(1), |user| {
            user.external_user_state = Some("PendingAcceptance".to_owned());
            user.external_user_state_change_date_time = Some(now);
        });
    });
    let finished = campaign.run().await;
    assert_eq!((finished.failure(1), finished.writes().len()), ("invited-since-plan", 0));
}

#[tokio::test(start_paused = true)]
async fn a_guest_deleted_since_the_plan_is_reported_as_gone() {
    let missing = Canned::error(404, "Request_ResourceNotFound", "");
    let mut campaign = Campaign::new().guests(2).fault(
        Matcher::new(http::Method::GET, &format!("/users/{}", id(1))),
        Action::Answer(missing),
    );
    let finished = campaign.run().await;
    assert_eq!((finished.failure(1), finished.summary.invited), ("gone", 1));
}

#[tokio::test(start_paused = true)]
async fn an_address_that_someone_else_holds_is_not_taken_from_them() {
    let mut campaign = Campaign::new().guests(2).tenant(|tenant| {
        tenant.users.push(guest(&id(9), &address(1)));
    });
    let finished = campaign.run().await;
    assert_eq!((finished.planned(1), finished.summary.invited), ("address-taken", 1));
    let sentence = finished.decision(1).to_string();
    assert!(sentence.contains(&id(9)), "{sentence}");
}

/// A run that goes on where another stopped may plan from one replica and look at
/// another that is further behind.
#[tokio::test(start_paused = true)]
async fn a_replica_that_does_not_show_our_own_mail_yet_is_no_ones_hand() {
    let mut campaign = Campaign::new().guests(1).fault(
        Matcher::invitation(),
        Action::Answer(Canned::error(400, "BadRequest", "Group email address is not supported")),
    );
    assert_eq!(campaign.run().await.summary.failed, 1);
    let set_mail = |emulator: &reinvite::emulator::Emulator, mail: String| {
        assert!(emulator.edit(&id(1), move |user| user.mail = Some(mail)));
    };
    let requests = Arc::new(AtomicU32::new(0));
    let (begun, counted) = (Arc::clone(&requests), Arc::clone(&requests));
    let emulator = campaign.emulator();
    campaign = campaign
        .retry_failed()
        .after_plan(move |emulator| {
            set_mail(emulator, "guest1@fabrikam.example".to_owned());
            begun.store(1, Ordering::SeqCst);
        })
        .at_each_request(move |_, _| {
            if counted.load(Ordering::SeqCst) > 0 && counted.fetch_add(1, Ordering::SeqCst) == 3 {
                set_mail(&emulator, address(1));
            }
        });
    let again = campaign.resume().await;
    assert_eq!(again.summary.invited, 1, "{:?}", again.outcome(1));
    assert_eq!(campaign.invitations(1), 1);
}

/// Between two runs as between plan and PATCH: what a person set is not overwritten.
#[tokio::test(start_paused = true)]
async fn a_mail_set_by_hand_between_two_runs_is_not_overwritten() {
    let mut campaign = Campaign::new().guests(1);
    campaign.emulator().block_invitations(true);
    assert_eq!(campaign.run().await.summary.patched, 1);
    let emulator = campaign.emulator();
    emulator.block_invitations(false);
    emulator.edit(&id(1), |user| user.mail = Some("hand@tailspin.example".to_owned()));
    let again = campaign.resume().await;
    assert_eq!((again.planned(1), again.writes().len()), ("changed-by-hand", 0));
    campaign = campaign.retry_failed();
    assert_eq!(campaign.resume().await.summary.invited, 1);
    assert_eq!(campaign.invitations(1), 1);
}
