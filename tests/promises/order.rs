//! The order of `apply`: what comes before what, whatever else happens.

use std::time::Duration;

use http::Method;
use reinvite::campaign::{CampaignError, Carried};
use reinvite::checkpoint::CheckpointError;
use reinvite::emulator::{Action, Matcher};
use reinvite::graph::CallError;

use crate::support::Campaign;

#[tokio::test(start_paused = true)]
async fn a_plan_that_its_reviewer_does_not_want_leaves_no_trace() {
    let mut campaign = Campaign::new().guests(3).objects();
    let carried = campaign.try_run().await.unwrap();
    assert!(matches!(carried, Carried::Declined(())), "{carried:?}");
    assert_eq!(campaign.ledger().writes.len(), 0);
    assert_eq!(campaign.query("SELECT command FROM run"), [""; 0]);
    // Nobody has to know of it afterwards.
    assert_eq!(campaign.run().await.summary.invited, 3);
}

/// The digest pins the plan, whatever the reviewer says.
#[tokio::test(start_paused = true)]
async fn a_guard_that_refuses_leaves_no_trace_either() {
    let mut campaign = Campaign::new()
        .guests(3)
        .settings(|settings| settings.guards.max_changes = "2".parse().unwrap());
    let carried = campaign.try_run().await.unwrap();
    let Carried::Refused { plan, refusal } = carried else { panic!("{carried:?}") };
    assert_eq!(refusal.reason.code(), "max-changes");
    assert_eq!(refusal.summary(&plan).not_attempted, 3);
    assert_eq!(campaign.ledger().writes.len(), 0);
    assert_eq!(campaign.query("SELECT command FROM run"), [""; 0]);
}

/// A checkpoint is bound to its tenant before anything is written to either.
#[tokio::test(start_paused = true)]
async fn a_checkpoint_of_another_tenant_is_refused_before_anything_is_sent() {
    let mut campaign = Campaign::new().guests(3).objects();
    campaign.try_run().await.unwrap();
    let mut other = Campaign::new().guests(3).tenant(|tenant| {
        tenant.organization.id = "7d1c2a40-0000-4000-8000-0000000000aa".to_owned();
    });
    std::fs::copy(campaign.checkpoint(), other.checkpoint()).unwrap();
    let refused = other.try_run().await;
    assert!(
        matches!(refused, Err(CampaignError::Checkpoint(CheckpointError::OtherTenant { .. }))),
        "{refused:?}"
    );
    assert_eq!(other.ledger().writes.len(), 0);
}

/// The time budget is one, from the first request on.
#[tokio::test(start_paused = true)]
async fn a_time_budget_that_is_used_up_while_reading_ends_the_reading() {
    let slow = Action::Delay(Duration::from_secs(100));
    let mut campaign =
        Campaign::new().guests(3).fault(Matcher::new(Method::GET, "/users").always(), slow);
    let started = tokio::time::Instant::now();
    campaign.deadline = Some(started + Duration::from_secs(20));
    let ended = campaign.try_run().await;
    assert!(matches!(ended, Err(CampaignError::Call(CallError::Stopped))), "{ended:?}");
    assert_eq!(started.elapsed().as_secs(), 20);
    assert_eq!(campaign.ledger().writes.len(), 0);
}
