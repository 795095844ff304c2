//! P5 Stops when the tenant says stop: an answer that is true of the tenant ends the
//! run at once, and the next one knocks before it comes in.

use reinvite::campaign::Carried;
use reinvite::emulator::{
    Action, AllowInvitesFrom, Canned, Matcher, RequestEntry, RetryAfter, SAMPLE_CLIENT_ID,
    TenantSeed,
};
use reinvite::run::Outcome;

use crate::support::{Campaign, Cut, Finished, id, seconds};

const GUESTS: u32 = 200;

/// Many guests at the default pace.
fn many() -> Campaign {
    Campaign::new().guests(GUESTS).pace(4.0, 4, 4)
}

/// The same in a tenant that lets nobody invite, where the plan may not see that.
fn disabled() -> Campaign {
    let unseen = Canned::error(403, "Authorization_RequestDenied", "Insufficient privileges.");
    let policy = Matcher::new(http::Method::GET, "/policies/authorizationPolicy").always();
    many()
        .tenant(|tenant| tenant.allow_invites_from = AllowInvitesFrom::None)
        .fault(policy, Action::Answer(unseen))
}

fn roles(tenant: &mut TenantSeed, roles: &[&str]) {
    tenant.applications[0].roles = roles.iter().map(|&role| role.to_owned()).collect();
}

/// After the answer that says stop nothing more is sent, not even what was waiting
/// at the door, and no row is spent on it.
#[track_caller]
fn assert_stopped_at_once(campaign: &mut Campaign, finished: &Finished, code: &str) {
    finished.assert_adds_up();
    assert_eq!(finished.stop_code(), Some(code));
    let ledger = campaign.ledger();
    let requests = &ledger.requests;
    // What a plan may not read stops nothing.
    let stops =
        |request: &RequestEntry| matches!(request.status, 401 | 403) && request.method != "GET";
    let first = requests.iter().position(stops).unwrap();
    let under_way = requests.len() - first - 1;
    assert!(under_way < 4, "{under_way} requests after the answer that says stop");
    assert!(requests.len() < GUESTS as usize, "{} requests", requests.len());
    assert_eq!(finished.summary.failed, 0);
    assert_eq!(
        finished.summary.not_attempted + finished.summary.invited,
        u64::from(GUESTS),
        "{:?}",
        finished.summary
    );
}

#[tokio::test(start_paused = true)]
async fn a_block_for_suspicious_activity_ends_the_run_and_the_patch_lane_too() {
    let mut campaign = many();
    let emulator = campaign.emulator();
    // After a good dozen writes, the fifth invitation among them.
    let count = std::sync::atomic::AtomicU32::new(0);
    campaign = campaign.at_each_request(move |_, sent| {
        if sent.is_invitation() && count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 5 {
            emulator.block_invitations(true);
        }
    });
    let finished = campaign.run().await;
    assert_stopped_at_once(&mut campaign, &finished, "invitations-blocked");
    assert_eq!(finished.summary.invited, 5);
    assert!(finished.outcomes.contains(&Some(Outcome::NotAttempted { patched: true })));
    assert!(finished.outcomes.contains(&Some(Outcome::NotAttempted { patched: false })));

    // Still blocked: one probe, no volley.
    for _ in 0..2 {
        let probe = campaign.resume().await;
        assert_eq!(probe.stop_code(), Some("invitations-blocked"));
        assert_eq!((probe.writes().len(), probe.invitations().len()), (1, 1));
        probe.assert_adds_up();
    }

    campaign.emulator().block_invitations(false);
    campaign = campaign.fault(Matcher::invitation(), Action::Delay(seconds(10)));
    let rest = campaign.resume().await;
    assert_eq!((rest.stop_code(), rest.summary.invited), (None, u64::from(GUESTS) - 5));
    let probe = &rest.writes()[0];
    assert!(probe.is_invitation(), "{probe:?}");
    let wait = rest.writes()[1].at.duration_since(probe.at).unsigned_abs();
    assert!(wait >= seconds(10), "the others waited {wait:?} for the probe's answer");
    assert!((1..=GUESTS).all(|n| campaign.invitations(n) == 1));
}

/// The answer that stopped a run is as durable as what it says of its row.
#[tokio::test(start_paused = true)]
async fn a_run_killed_before_it_wrote_its_end_is_followed_by_one_probe() {
    let slow = |campaign: Campaign, on: fn() -> Matcher| {
        // Another is still under way when the tenant has said stop, and the run waits for it.
        let campaign = campaign.pace(20.0, 20, 16).fault(on().of(&id(2)), delay(600));
        campaign.fault(on().always(), delay(10))
    };
    let unpermitted = || {
        many().tenant(|tenant| {
            roles(tenant, &["User.Invite.All", "User.Read.All", "Directory.Read.All"]);
        })
    };
    let cases = [
        (slow(disabled(), Matcher::invitation), "invitations-disabled"),
        (slow(unpermitted(), Matcher::patch), "permission"),
    ];
    for (campaign, code) in cases {
        let mut campaign = campaign;
        let killed_at = campaign.emulator().now() + seconds(120);
        campaign = campaign.cut(Cut::At(killed_at));
        assert!(campaign.run_until_cut().await.is_none(), "{code}");
        let reasons = campaign.query("SELECT coalesce(stop_reason, '') FROM run");
        assert_eq!(reasons, [code]);
        for _ in 0..2 {
            let probe = campaign.resume().await;
            assert_eq!((probe.stop_code(), probe.writes().len()), (Some(code), 1));
        }
    }
}

fn delay(of: u64) -> Action {
    Action::Delay(seconds(of))
}

/// A run in between that ended for another reason has found nothing out either.
#[tokio::test(start_paused = true)]
async fn a_run_that_never_began_does_not_make_the_tenants_stop_forgotten() {
    let mut campaign = disabled();
    campaign.run().await;
    let stop_file = campaign.checkpoint().with_file_name("stop");
    std::fs::write(&stop_file, "").unwrap();
    campaign.settings.guards.stop_file = Some(stop_file);
    let between = campaign.resume().await;
    assert_eq!((between.stop_code(), between.writes().len()), (Some("stop-file"), 0));
    campaign.settings.guards.stop_file = None;
    let probe = campaign.resume().await;
    assert_eq!((probe.stop_code(), probe.writes().len()), (Some("invitations-disabled"), 1));
}

/// A probe that never came to the question has found nothing out.
#[tokio::test(start_paused = true)]
async fn a_probe_that_was_not_sent_is_followed_by_another_and_not_by_a_volley() {
    let mut campaign = disabled();
    campaign.run().await;
    campaign = campaign.after_plan(|emulator| {
        for n in 1..=3 {
            emulator.edit(&id(n), |user| user.mail = Some("other@fabrikam.example".to_owned()));
        }
    });
    let finished = campaign.resume().await;
    assert_eq!(finished.stop_code(), Some("invitations-disabled"));
    assert!((1..=3).all(|n| finished.failure(n) == "changed-since-plan"));
    assert_eq!(finished.writes().len(), 1);
    assert!(finished.writes()[0].is_about(&id(4)));
}

#[tokio::test(start_paused = true)]
async fn invitations_that_are_disabled_end_the_run() {
    let mut campaign = disabled();
    let finished = campaign.run().await;
    assert_stopped_at_once(&mut campaign, &finished, "invitations-disabled");
    assert_eq!(finished.invitations().len(), 1);

    let probe = campaign.resume().await;
    assert_eq!((probe.stop_code(), probe.writes().len()), (Some("invitations-disabled"), 1));

    campaign.emulator().set_allow_invites_from(AllowInvitesFrom::Everyone);
    campaign.resume().await;
    assert!((1..=GUESTS).all(|n| campaign.invitations(n) == 1));
}

/// What the plan sees is not found out at the guests' cost.
#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_seen_to_let_nobody_invite_is_refused_before_a_mail_is_written() {
    let mut campaign = many().tenant(|tenant| tenant.allow_invites_from = AllowInvitesFrom::None);
    let refused = campaign.try_run().await.unwrap();
    assert!(matches!(refused, Carried::Refused { .. }), "{refused:?}");
    let ledger = campaign.ledger();
    assert!(ledger.requests.iter().all(|request| request.method != "PATCH"));
    assert_eq!(ledger.invitations().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_missing_consent_to_write_mail_ends_the_run_at_the_first_patch() {
    let mut campaign = many().tenant(|tenant| {
        roles(tenant, &["User.Invite.All", "User.Read.All", "Directory.Read.All"]);
    });
    let finished = campaign.run().await;
    finished.assert_adds_up();
    assert_eq!(finished.stop_code(), Some("permission"));
    assert!(finished.writes().len() <= 4, "{} writes", finished.writes().len());
    assert_eq!(finished.summary.not_attempted, u64::from(GUESTS));

    let probe = campaign.resume().await;
    assert_eq!((probe.stop_code(), probe.writes().len()), (Some("permission"), 1));

    grant(&mut campaign, &["User.ReadWrite.All", "User.Invite.All", "Directory.Read.All"]);
    campaign.resume().await;
    assert!((1..=GUESTS).all(|n| campaign.invitations(n) == 1));
}

/// The service says this with a 401 that no fresh token cures.
#[tokio::test(start_paused = true)]
async fn a_missing_consent_to_invite_ends_the_run_at_the_first_invitation() {
    let mut campaign =
        many().tenant(|tenant| roles(tenant, &["User.ReadUpdate.All", "Directory.Read.All"]));
    let finished = campaign.run().await;
    assert_eq!(finished.invitations().len(), 1);
    assert_stopped_at_once(&mut campaign, &finished, "permission");

    let probe = campaign.resume().await;
    assert_eq!((probe.stop_code(), probe.writes().len()), (Some("permission"), 1));

    grant(&mut campaign, &["User.ReadWrite.All", "Directory.Read.All"]);
    campaign.resume().await;
    assert!((1..=GUESTS).all(|n| campaign.invitations(n) == 1));
}

/// One guest may hold a role; three in a row and nobody accepted is no coincidence.
#[tokio::test(start_paused = true)]
async fn a_missing_consent_to_reset_ends_the_run_after_three() {
    let mut campaign = many().tenant(|tenant| {
        roles(tenant, &["User.ReadUpdate.All", "User.Invite.All", "Directory.Read.All"]);
    });
    let finished = campaign.run().await;
    finished.assert_adds_up();
    assert_eq!((finished.stop_code(), finished.summary.failed), (Some("permission"), 3));
    assert_eq!(finished.invitations().len(), 3);

    // Every refusal may be about its guest, so it takes three again, one by one.
    let probes = campaign.resume().await;
    assert_eq!((probes.stop_code(), probes.invitations().len()), (Some("permission"), 3));

    grant(&mut campaign, &["User.ReadWrite.All", "Directory.Read.All"]);
    campaign = campaign.retry_failed();
    campaign.resume().await;
    assert!((1..=GUESTS).all(|n| campaign.invitations(n) == 1));
}

#[tokio::test(start_paused = true)]
async fn a_full_directory_ends_the_run() {
    let full = Canned::error(403, "Directory_QuotaExceeded", "The directory object quota limit.");
    let mut campaign = many().fault(Matcher::invitation(), Action::Answer(full));
    let finished = campaign.run().await;
    assert_stopped_at_once(&mut campaign, &finished, "quota-exceeded");
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_turns_everything_away_ends_the_run_and_the_next_goes_on() {
    let throttled = Action::Answer(Canned::throttled(RetryAfter::Seconds(60)));
    let mut campaign =
        Campaign::new().guests(3).pace(4.0, 4, 1).fault(Matcher::patch().times(60), throttled);
    let finished = campaign.run().await;
    finished.assert_adds_up();
    assert_eq!((finished.stop_code(), finished.summary.not_attempted), (Some("throttled-out"), 3));
    // A quarter of an hour or more of patience came first.
    assert!(finished.summary.elapsed >= seconds(15 * 60), "{:?}", finished.summary.elapsed);

    while campaign.resume().await.stop_code().is_some() {}
    assert!((1..=3).all(|n| campaign.invitations(n) == 1));
}

/// What one guest is refused for says nothing about the others.
#[tokio::test(start_paused = true)]
async fn a_guest_who_is_refused_does_not_stop_the_others() {
    let refused = Canned::error(400, "BadRequest", "This user can't be invited to this directory");
    let mut campaign = Campaign::new()
        .guests(5)
        .fault(Matcher::invitation().of(&id(1)).always(), Action::Answer(refused))
        .fault(
            Matcher::invitation().of(&id(2)).always(),
            Action::Answer(Canned::error(403, "Forbidden", "Generic authorization exception.")),
        );
    let finished = campaign.run().await;
    assert_eq!((finished.failure(1), finished.failure(2)), ("not-invitable", "not-permitted"));
    assert_eq!((finished.stop_code(), finished.summary.invited), (None, 3));
}

fn grant(campaign: &mut Campaign, roles: &[&str]) {
    campaign.emulator().edit_application(SAMPLE_CLIENT_ID, |application| {
        application.roles = roles.iter().map(|&role| role.to_owned()).collect();
    });
}
