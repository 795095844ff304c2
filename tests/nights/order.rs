//! The order of a night: what earlier runs spent and found out counts, and what a night
//! may begin counts for the whole night.

use std::time::Duration;

use http::Method;
use reinvite::emulator::{Action, AllowInvitesFrom, Canned, Fault, Matcher};

use crate::support::{Campaign, Cut};

const ALL_AT_ONCE: (&str, &str) = ("sizes = [2, 4, \"rest\"]\n", "sizes = [\"rest\"]\n");

fn slowly() -> Campaign {
    let pace = "[pace]\nwrites_per_second = 1\nburst = 20\nsettle = \"1s\"\n[guards]\n";
    Campaign::with(13, "2026-05-04T12:00:00Z", &[ALL_AT_ONCE, ("[guards]\n", pace)])
}

/// A tenant does not forget what was written because a program started again.
#[tokio::test(start_paused = true)]
async fn a_new_night_gets_no_new_burst() {
    let mut campaign = slowly();
    let (is_cut, sent) = campaign.until(Some(Cut::At(Duration::from_secs(3)))).await;
    let writes = sent.iter().filter(|(_, writes)| *writes).count();
    assert!(is_cut && writes >= 20, "{writes}");
    let (_, sent) = campaign.until(None).await;
    let mut writes = sent.iter().filter(|(_, writes)| *writes).map(|(at, _)| *at);
    let first = writes.next().expect("something is left");
    let at_once = writes.filter(|at| at.saturating_sub(first) < Duration::from_secs(1)).count();
    assert!(at_once <= 2, "{at_once}");
}

/// After a tenant's stop the next night tries one row before all others.
#[tokio::test(start_paused = true)]
async fn the_night_after_a_tenants_stop_probes() {
    let mut campaign = slowly();
    campaign.tenant.set_allow_invites_from(AllowInvitesFrom::None);
    // The plan may not see that, or it would refuse.
    let unseen = Canned::error(403, "Authorization_RequestDenied", "Insufficient privileges.");
    let policy = Matcher::new(Method::GET, "/policies/authorizationPolicy").always();
    campaign.tenant.inject(Fault::new(policy, Action::Answer(unseen)));
    // So long that others would follow before the first is answered.
    let slow = Action::Delay(Duration::from_mins(1));
    campaign.tenant.inject(Fault::new(Matcher::invitation().always(), slow));
    let said = campaign.once().await;
    assert!(said.ends_with("exit 5\n"), "{said}");
    campaign.hours(24).await;
    let (_, sent) = campaign.until(None).await;
    assert_eq!(sent.iter().filter(|(_, writes)| *writes).count(), 1);
}

/// A night that is begun again some hours later is still the same night.
#[tokio::test(start_paused = true)]
async fn the_budget_of_a_night_is_for_all_its_runs() {
    let budget = ("unattended = true\n", "unattended = true\nmax_changes = 4\n");
    let mut campaign = Campaign::with(13, "2026-05-04T12:00:00Z", &[ALL_AT_ONCE, budget]);
    let invited = |campaign: &Campaign| campaign.tenant.ledger().invitations().count();
    campaign.once().await;
    assert_eq!(invited(&campaign), 4);
    campaign.hours(3).await;
    campaign.once().await;
    assert_eq!(invited(&campaign), 4);
    campaign.hours(21).await;
    campaign.once().await;
    assert_eq!(invited(&campaign), 8);
}

#[tokio::test(start_paused = true)]
async fn a_night_binds_the_checkpoint_to_its_tenant() {
    let mut campaign = slowly();
    campaign.once().await;
    let tenant = campaign.query("SELECT value FROM meta WHERE key = 'tenant'");
    assert_eq!(tenant.len(), 1, "{tenant:?}");
}
