//! P1 Never twice: an invitation is sent at most once per campaign unless a person
//! asks for another.

use reinvite::emulator::{Action, Canned, Matcher, RetryAfter};
use reinvite::run::{InvitedHow, Outcome};

use crate::support::{Campaign, address, id};

#[tokio::test(start_paused = true)]
async fn a_second_apply_sends_nothing() {
    let mut campaign = Campaign::new().guests(5);
    let first = campaign.run().await;
    assert_eq!((first.summary.invited, first.summary.patched), (5, 5));
    let second = campaign.resume().await;
    assert_eq!(second.writes().len(), 0);
    assert_eq!((second.summary.settled, second.summary.rows), (5, 5));
    assert_eq!(campaign.ledger().writes.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn rows_may_be_reordered_between_runs() {
    let mut campaign = Campaign::new().guests(3);
    campaign.run().await;
    let reordered = format!(
        "new_email,user\n{},guest3@fabrikam.example\n{},guest1@fabrikam.example\n{},guest2@fabrikam.example\n",
        address(3),
        address(1),
        address(2)
    );
    campaign = campaign.manifest(&reordered);
    let again = campaign.resume().await;
    assert_eq!(again.writes().len(), 0);
    assert!((1..=3).all(|row| again.planned(row) == "already-invited"));
}

#[tokio::test(start_paused = true)]
async fn a_row_added_between_runs_is_all_that_is_sent() {
    let mut campaign = Campaign::new().guests(3);
    let all = format!("user,new_email\n{},{}\n{},{}\n", id(1), address(1), id(2), address(2));
    campaign = campaign.manifest(&all);
    campaign.run().await;
    campaign = campaign.manifest(&format!("{all}{},{}\n", id(3), address(3)));
    let again = campaign.resume().await;
    assert_eq!(again.writes().len(), 2);
    assert!(again.writes().iter().all(|sent| sent.is_about(&id(3))));
}

/// After the move nobody finds the guest by the old address any more, not even the
/// service; the campaign remembers whom it meant.
#[tokio::test(start_paused = true)]
async fn a_guest_renamed_in_the_manifest_is_invited_once() {
    let names = [
        "guest1@fabrikam.example".to_owned(),
        "guest1_fabrikam.example#EXT#@contoso.onmicrosoft.com".to_owned(),
        id(1),
        "GUEST1@Fabrikam.Example".to_owned(),
        address(1),
    ];
    let mut campaign = Campaign::new().guests(1);
    for (run, name) in names.iter().enumerate() {
        campaign = campaign.manifest(&format!("user,new_email\n{name},{}\n", address(1)));
        let finished = campaign.run().await;
        assert_eq!(finished.writes().len(), if run == 0 { 2 } else { 0 }, "{name}");
        assert_eq!(finished.summary.blocked, 0, "{name}");
        campaign.emulator().edit(&id(1), |user| {
            // Whoever cleans up after a move takes the old address away for good.
            user.proxy_addresses.retain(|proxy| !proxy.contains("fabrikam"));
            user.other_mails.clear();
        });
    }
    assert_eq!(campaign.invitations(1), 1);
}

/// What is wanted is what the manifest says now: the history of a guest is a sequence.
#[tokio::test(start_paused = true)]
async fn a_wish_that_was_replaced_and_comes_back_is_invited_once_more_and_only_once() {
    let mut campaign = Campaign::new().guests(1);
    for (run, address) in [address(1), address(9), address(1), address(9)].iter().enumerate() {
        campaign = campaign.manifest(&format!("user,new_email\n{},{address}\n", id(1)));
        let moved = campaign.run().await;
        assert_eq!((moved.planned(1), moved.summary.invited), ("new-address", 1), "run {run}");
        let again = campaign.resume().await;
        assert_eq!((again.planned(1), again.writes().len()), ("already-invited", 0), "run {run}");
    }
    assert_eq!(campaign.invitations(1), 4);
}

/// The third invitation is lost and never happened; the first one to the same address is
/// no reason to leave it at that.
#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_wish_that_came_back_is_not_taken_for_a_reminder() {
    let mut campaign = Campaign::new().guests(1);
    for address in [address(1), address(9)] {
        campaign = campaign.manifest(&format!("user,new_email\n{},{address}\n", id(1)));
        campaign.run().await;
    }
    campaign = campaign
        .manifest(&format!("user,new_email\n{},{}\n", id(1), address(1)))
        .fault(Matcher::invitation(), Action::Drop);
    let finished = campaign.run().await;
    assert_eq!((finished.planned(1), finished.summary.invited), ("new-address", 1));
    assert_eq!(campaign.invitations(1), 3);
}

#[tokio::test(start_paused = true)]
async fn the_same_guest_in_two_rows_is_invited_once() {
    let upn = "guest1_fabrikam.example#EXT#@contoso.onmicrosoft.com";
    let mut campaign = Campaign::new()
        .guests(1)
        .manifest(&format!("user,new_email,reset\n{upn},,always\n{},,always\n", id(1)));
    let finished = campaign.run().await;
    assert_eq!((finished.planned(1), finished.planned(2)), ("reset-only", "same-as-line"));
    assert_eq!(campaign.resume().await.writes().len(), 0);
    assert_eq!(campaign.invitations(1), 1);
}

#[tokio::test(start_paused = true)]
async fn two_rows_that_move_one_guest_are_set_aside_together() {
    let upn = "guest1_fabrikam.example#EXT#@contoso.onmicrosoft.com";
    for (one, other) in
        [(address(1), address(1)), (address(1), address(9)), (address(1), String::new())]
    {
        let rows = format!("user,new_email,reset\n{upn},{one},\n{},{other},always\n", id(1));
        let mut campaign = Campaign::new().guests(2).manifest(&rows).skip_invalid();
        let finished = campaign.run().await;
        assert_eq!((finished.summary.blocked, finished.writes().len()), (2, 0), "{rows}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_in_other_letters_is_the_same_address() {
    let mut campaign = Campaign::new().guests(1);
    campaign.run().await;
    campaign = campaign.manifest(&format!("user,new_email\n{},GUEST1@Northwind.example\n", id(1)));
    assert_eq!(campaign.resume().await.writes().len(), 0);
    assert_eq!(campaign.invitations(1), 1);
}

#[tokio::test(start_paused = true)]
async fn a_429_is_repeated_and_still_invites_once() {
    let throttled = || Action::Answer(Canned::throttled(RetryAfter::Seconds(7)));
    let mut campaign = Campaign::new()
        .guests(3)
        .fault(Matcher::patch().times(2), throttled())
        .fault(Matcher::invitation().times(3), throttled());
    let finished = campaign.run().await;
    assert_eq!((finished.summary.invited, finished.summary.throttled), (3, 5));
    assert!((1..=3).all(|n| finished.outcome(n) == &Outcome::Invited(InvitedHow::Accepted)));
    assert!((1..=3).all(|n| campaign.invitations(n) == 1));
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_error_in_a_201_is_a_failure_and_is_not_repeated_unasked() {
    let mut campaign =
        Campaign::new().guests(2).fault(Matcher::invitation().of(&id(1)), Action::ErrorStatusIn201);
    let finished = campaign.run().await;
    assert_eq!(finished.failure(1), "status-error");
    let again = campaign.resume().await;
    assert_eq!((again.planned(1), again.writes().len()), ("failed-before", 0));
    campaign = campaign.retry_failed();
    assert_eq!(campaign.resume().await.summary.invited, 1);
    assert_eq!((campaign.invitations(1), campaign.invitations(2)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_person_may_ask_for_another_and_it_is_recorded_who_and_why() {
    let mut campaign = Campaign::new().guests(2);
    campaign.run().await;
    campaign = campaign.resend("guest1@fabrikam.example", "the mail was lost");
    let asked = campaign.resume().await;
    assert_eq!((asked.planned(1), asked.planned(2)), ("resend", "already-invited"));
    assert_eq!((campaign.invitations(1), campaign.invitations(2)), (2, 1));
    assert_eq!(
        campaign.query(
            "SELECT json_array(detail ->> 'who', detail ->> 'why', detail ->> '$.before.state')
             FROM event WHERE what = 'resend-asked'"
        ),
        [r#"["ada","the mail was lost","PendingAcceptance"]"#]
    );
    let words = campaign.events_of(1);
    assert_eq!(words[words.len() - 3..], ["resend-asked", "intended", "invited"]);

    // Asked once is sent once.
    assert_eq!(campaign.resume().await.writes().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_patch_is_repeated_and_invites_once() {
    for action in
        [Action::Drop, Action::CommitThenDrop, Action::CommitThenAnswer(Canned::html(502))]
    {
        let mut campaign =
            Campaign::new().guests(2).fault(Matcher::patch().of(&id(1)), action.clone());
        let finished = campaign.run().await;
        assert_eq!((finished.summary.invited, finished.summary.patched), (2, 2), "{action:?}");
        assert_eq!(campaign.invitations(1), 1);
    }
}
