//! What an answer means: one that is not Graph's is no verdict, one odd one neither.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use reinvite::campaign::{CampaignError, Carried};
use reinvite::emulator::{Action, Canned, CannedBody, Matcher};
use reinvite::graph::CallError;
use reinvite::run::{Event, Outcome, StopReason};

use crate::support::{Campaign, Command, address, id, seconds};

const PAGES: [u16; 7] = [302, 403, 404, 400, 451, 407, 200];

#[tokio::test(start_paused = true)]
async fn a_page_from_something_else_fails_no_row_and_the_next_run_carries_on() {
    for status in PAGES {
        let page = Action::Answer(Canned::foreign(status));
        let mut campaign = Campaign::new().guests(30).fault(Matcher::patch().times(6), page);
        let stopped = campaign.run().await;
        assert_eq!(stopped.stop_code(), Some("foreign-answers"), "{status}");
        assert_eq!(stopped.summary.failed, 0, "{status}");
        assert_eq!(stopped.summary.invited, 0, "{status}");
        stopped.assert_adds_up();
        let reason = stopped.summary.stop_reason.as_ref().unwrap().to_string();
        assert!(reason.contains(&format!("status {status}")), "{reason}");
        assert!(reason.contains("server `portal/1.0`, page `Sign in to the network`"), "{reason}");
        // The faults that are left are used up, three a run at least.
        let mut last = campaign.run().await;
        while last.stop_code().is_some() {
            last = campaign.run().await;
        }
        assert_eq!(last.summary.failed, 0, "{status}");
        for n in 1..=30 {
            assert_eq!(campaign.invitations(n), 1, "{status}: guest {n}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_page_among_graphs_answers_is_passed_over() {
    for status in PAGES {
        let page = Action::Answer(Canned::foreign(status));
        let mut campaign = Campaign::new().guests(3).fault(Matcher::patch().times(2), page);
        let run = campaign.run().await;
        assert_eq!(run.stop_code(), None, "{status}");
        assert_eq!(run.summary.invited, 3, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_invitation_answered_by_a_page_is_lost_and_settled_from_the_directory() {
    for status in PAGES {
        let page = Action::CommitThenAnswer(Canned::foreign(status));
        let mut campaign = Campaign::new().guests(3).fault(Matcher::invitation(), page);
        let run = campaign.run().await;
        assert_eq!(run.summary.invited, 3, "{status}");
        for n in 1..=3 {
            assert_eq!(campaign.invitations(n), 1, "{status}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_meets_another_waits_briefly_and_is_done() {
    for status in [409, 423] {
        let busy = || {
            let words = "Please wait briefly and retry.";
            Action::Answer(Canned::error(status, "Directory_ConcurrencyViolation", words))
        };
        let mut campaign = Campaign::new()
            .guests(2)
            .fault(Matcher::patch(), busy())
            .fault(Matcher::invitation(), busy());
        let run = campaign.run().await;
        assert_eq!(run.summary.invited, 2, "{status}: {:?}", run.summary);
        assert_eq!(campaign.invitations(1) + campaign.invitations(2), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_always_in_the_way_is_taken_up_by_the_next_run_unasked() {
    let busy = Canned::error(409, "Directory_ConcurrencyViolation", "Please wait and retry.");
    let mut campaign =
        Campaign::new().guests(1).fault(Matcher::invitation().times(6), Action::Answer(busy));
    assert_eq!(campaign.run().await.failure(1), "unanswered");
    assert_eq!(campaign.run().await.summary.invited, 1);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_does_not_have_a_guest_is_not_believed() {
    let words =
        "Resource does not exist or one of its queried reference-property objects are not present.";
    let absent = || Action::Answer(Canned::error(404, "Request_ResourceNotFound", words));
    let read = Matcher::new(http::Method::GET, &format!("/users/{}", id(1)));
    for on in [read, Matcher::patch(), Matcher::invitation()] {
        let mut campaign = Campaign::new().guests(2).fault(on.clone(), absent());
        let run = campaign.run().await;
        assert_eq!(run.summary.invited, 2, "{on:?}: {:?}", run.outcomes);
    }
}

/// The next run's plan reads a replica that does not have a guest which the campaign has moved:
/// absent it is only when none shows it for as long as one may lag.
#[tokio::test(start_paused = true)]
async fn a_plan_does_not_believe_a_replica_that_does_not_have_a_guest_of_the_campaign() {
    let absent = || Action::Answer(Canned::error(404, "Request_ResourceNotFound", "not found"));
    let nobody = || {
        let body = CannedBody::Json(serde_json::json!({ "value": [] }));
        Action::Answer(Canned { body, ..Canned::status(200) })
    };
    let by_id = || Matcher::new(http::Method::GET, &format!("/users/{}", id(1)));
    // All but the first, which counts them.
    let list = || Matcher::new(http::Method::GET, "/users").nth(2);
    // So often that a replica is behind, and that none shows it any more.
    for (looks, expected) in [(3, ("already-invited", 1)), (1_000, ("no-longer-found", 0))] {
        for by_name in [false, true] {
            let mut campaign = Campaign::new().guests(1);
            if !by_name {
                campaign = campaign.rows([(id(1), address(1))]);
            }
            campaign.run().await;
            campaign = campaign.fault(by_id().always(), absent()).fault(list().always(), nobody());
            let (emulator, is_by_id) = (campaign.emulator(), format!("/users/{}", id(1)));
            let seen = AtomicUsize::new(0);
            campaign = campaign.at_each_request(move |_, sent| {
                if sent.path.starts_with(&is_by_id) && seen.fetch_add(1, Relaxed) == looks {
                    emulator.heal();
                }
            });
            let begun = tokio::time::Instant::now();
            let next = campaign.run().await;
            assert_eq!((next.planned(1), next.summary.settled), expected, "{:?}", next.outcomes);
            let took = begun.elapsed().as_secs();
            // As long as it takes, and no longer than a replica lags.
            assert!((12..=310).contains(&took), "{took}");
            if expected.1 == 0 {
                assert!(took >= 300, "{took}");
                assert_eq!(next.decision(1).to_string(), "not found any more");
                // What a look has told is not waited for again.
                campaign.command(Command::Verify).await;
                let begun = tokio::time::Instant::now();
                assert_eq!(campaign.run().await.planned(1), "no-longer-found");
                assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
            }
        }
    }
}

/// Deleted is a word of its own, of a guest that the campaign never met, too.
#[tokio::test(start_paused = true)]
async fn a_plan_tells_a_deleted_guest_from_one_that_never_was() {
    let nobody = "99999999-0000-4000-8000-000000000001".to_owned();
    let mut campaign = Campaign::new().guests(2).rows([
        (id(1), address(1)),
        ("guest2@fabrikam.example".to_owned(), address(2)),
        (nobody, address(3)),
    ]);
    for n in [1, 2] {
        assert!(campaign.emulator().delete(&id(n)));
    }
    let begun = tokio::time::Instant::now();
    let run = campaign.run().await;
    for n in [1, 2] {
        let said = run.decision(n).to_string();
        assert!(said.starts_with("deleted on 2026-05-04T08:00:00Z"), "{said}");
    }
    assert_eq!([1, 2, 3].map(|n| run.planned(n)), ["deleted", "deleted", "not-found"]);
    assert!(begun.elapsed().as_secs() < 60);
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_is_gone_is_told_as_deleted_with_its_day() {
    let mut campaign = Campaign::new().guests(1).after_plan(|emulator| {
        assert!(emulator.delete(&id(1)));
    });
    let run = campaign.run().await;
    let Outcome::Failed(failure) = run.outcome(1) else { panic!("{:?}", run.outcomes) };
    assert_eq!(failure.code, "gone");
    assert!(failure.message.starts_with("the guest was deleted on 2026-05-04T"), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn one_date_an_hour_ahead_makes_nothing_wait_for_that_hour() {
    let ahead = Canned::status(504).header("date", "Mon, 04 May 2026 09:00:05 GMT");
    let mut campaign =
        Campaign::new().guests(2).fault(Matcher::invitation(), Action::Answer(ahead));
    let begun = tokio::time::Instant::now();
    let run = campaign.run().await;
    assert_eq!(run.summary.invited, 2, "{:?}", run.outcomes);
    assert!(begun.elapsed().as_secs() < 900, "{:?}", begun.elapsed());
    let waits = |event: &Event| matches!(event, Event::Waiting { line: Some(_), at_most, .. } if at_most.as_secs() <= 301);
    assert!(run.events.iter().any(waits), "{:?}", run.events);
}

#[tokio::test(start_paused = true)]
async fn a_broken_list_is_begun_again_and_no_half_of_it_is_kept() {
    let expired = Canned::error(
        400,
        "Directory_ExpiredPageToken",
        "The specified page token value has expired and can no longer be included in your request.",
    );
    let sweep = Matcher::new(http::Method::GET, "/users").nth(3);
    let mut campaign = Campaign::new().guests(1500).fault(sweep, Action::Answer(expired));
    campaign = campaign.rows([("guest1@fabrikam.example".to_owned(), address(1))]);
    assert_eq!(campaign.run().await.summary.invited, 1);
}

#[tokio::test(start_paused = true)]
async fn what_we_sent_as_a_secret_is_kept_by_nobody_who_repeats_it() {
    let mut campaign = Campaign::new().guests(1);
    let token = campaign.token();
    let echo = Canned::error(400, "BadRequest", &format!("you sent Bearer {token}"));
    campaign = campaign.fault(Matcher::invitation(), Action::Answer(echo));
    let run = campaign.run().await;
    assert!(!format!("{:?}", run.outcomes).contains(&token));
    assert!(format!("{:?}", run.outcomes).contains("[redacted]"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_says_nothing_of_the_invitation_is_lost_and_settled() {
    let empty = || Canned { body: CannedBody::Json(serde_json::json!({})), ..Canned::status(201) };
    for (action, sent) in [(Action::CommitThenAnswer(empty()), 1), (Action::Answer(empty()), 2)] {
        let mut campaign = Campaign::new().guests(1).fault(Matcher::invitation(), action);
        let run = campaign.run().await;
        assert_eq!(run.summary.invited, 1, "{:?}", run.outcomes);
        assert_eq!(run.invitations().len(), sent);
        assert_eq!(campaign.invitations(1), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_another_guest_or_address_is_lost_and_settled() {
    let about = |user: u32, to: u32| Canned {
        body: CannedBody::Json(serde_json::json!({
            "id": "7a5d1c10-3d1e-4bb0-9a41-6a1e4f0a0001",
            "invitedUserEmailAddress": address(to),
            "inviteRedeemUrl": "https://login.microsoftonline.com/redeem?rd=1",
            "status": "PendingAcceptance",
            "invitedUser": { "id": id(user) },
        })),
        ..Canned::status(201)
    };
    for (user, to) in [(2, 1), (1, 2)] {
        for carried_out in [true, false] {
            let action = if carried_out {
                Action::CommitThenAnswer(about(user, to))
            } else {
                Action::Answer(about(user, to))
            };
            let on = Matcher::invitation().of(&id(1));
            let mut campaign = Campaign::new().guests(2).fault(on, action);
            let run = campaign.run().await;
            assert_eq!(run.summary.invited, 2, "{:?}", run.outcomes);
            assert!(campaign.events_of(1).contains(&"unknown".to_owned()));
            assert_eq!((campaign.invitations(1), campaign.invitations(2)), (1, 1));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_refuses_connections_for_a_while_harms_no_row() {
    for on in [Matcher::patch().nth(2), Matcher::invitation().nth(2)] {
        let mut campaign = Campaign::new().guests(5).fault(on, Action::Away(seconds(90)));
        let run = campaign.run().await;
        assert_eq!((run.stop_code(), run.summary.invited), (None, 5), "{:?}", run.summary);
        assert!((1..=5).all(|n| campaign.invitations(n) == 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_not_made_of_what_something_else_answers() {
    for status in PAGES {
        let page = Action::Answer(Canned::foreign(status));
        let mut campaign = Campaign::new().guests(3).fault(Matcher::any().times(12), page);
        let mut refusals = 0;
        // Until the portal lets everybody through, and the same command carries on.
        let applied = loop {
            match campaign.try_run().await {
                Err(CampaignError::Call(CallError::Foreign(_))) => refusals += 1,
                Ok(Carried::Out(applied)) => break applied,
                other => panic!("{status}: {other:?}"),
            }
        };
        assert!(refusals > 0, "{status}");
        assert_eq!((applied.result.summary.invited, applied.result.summary.failed), (3, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn some_seconds_without_a_network_harm_no_row() {
    for lasting in [4, 30, 120] {
        let mut campaign =
            Campaign::new().guests(60).pace(4.0, 4, 4).away(seconds(5)..seconds(5 + lasting));
        let run = campaign.run().await;
        assert_eq!((run.stop_code(), run.summary.invited), (None, 60), "{:?}", run.summary);
        assert!((1..=60).all(|n| campaign.invitations(n) == 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_gives_up_for_want_of_a_network_fails_no_row_and_the_next_carries_on() {
    let mut campaign = Campaign::new().guests(60).pace(4.0, 4, 4).away(seconds(5)..seconds(3_600));
    let run = campaign.run().await;
    run.assert_adds_up();
    assert_eq!(run.stop_code(), Some("network"));
    assert_eq!((run.summary.failed, run.summary.unknown), (0, 0), "{:?}", run.summary);
    assert!(run.summary.elapsed < seconds(600), "{:?}", run.summary.elapsed);
    let rest = campaign.run().await;
    assert_eq!(rest.stop_code(), None);
    assert!((1..=60).all(|n| campaign.invitations(n) == 1));
}

#[tokio::test(start_paused = true)]
async fn a_machine_whose_network_comes_a_moment_after_it_carries_everything_out() {
    let resolver = "dns error: failed to lookup address information: Temporary failure in name \
                    resolution";
    let mut campaign = Campaign::new().guests(6).away_because(seconds(0)..seconds(40), resolver);
    let run = campaign.run().await;
    assert_eq!((run.stop_code(), run.summary.invited), (None, 6), "{:?}", run.summary);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_nobody_knows_and_a_certificate_that_nobody_trusts_are_not_waited_for() {
    let name = "dns error: failed to lookup address information: Name or service not known";
    let certificate = "client error (Connect): invalid peer certificate: UnknownIssuer";
    for why in [name, certificate] {
        let mut campaign = Campaign::new().guests(3).away_because(seconds(0)..seconds(3_600), why);
        let begun = tokio::time::Instant::now();
        match campaign.try_run().await {
            Err(CampaignError::Call(CallError::Unreachable(error))) => {
                assert!(!error.comes_back(), "{error}");
            }
            other => panic!("{why}: {other:?}"),
        }
        assert!(begun.elapsed() < seconds(3), "{why}: {:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_nobody_trusts_ends_a_run_at_once_and_fails_no_row() {
    let certificate = "client error (Connect): invalid peer certificate: UnknownIssuer";
    let mut campaign = Campaign::new()
        .guests(60)
        .pace(4.0, 4, 4)
        .away_because(seconds(5)..seconds(3_600), certificate);
    let run = campaign.run().await;
    run.assert_adds_up();
    let reason = run.summary.stop_reason.clone().unwrap();
    assert!(matches!(reason, StopReason::Unreachable { comes_back: false, .. }), "{reason:?}");
    assert!(reason.advice().is_some_and(|advice| advice.contains("SSL_CERT_FILE")), "{reason:?}");
    assert_eq!((run.summary.failed, run.summary.unknown), (0, 0), "{:?}", run.summary);
    assert!(run.summary.elapsed < seconds(10), "{:?}", run.summary.elapsed);
    // Once it is trusted, the same command carries on by itself.
    let rest = campaign.run().await;
    assert_eq!(rest.stop_code(), None);
    assert!((1..=60).all(|n| campaign.invitations(n) == 1));
}
