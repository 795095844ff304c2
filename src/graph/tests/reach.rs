//! What hangs on guests.

use std::collections::BTreeSet;

use super::*;
use crate::domain::{Reach, UserId};
use crate::emulator::{Action, App, Canned, Fault, Group, Matcher};
use crate::graph::wire::{AppRoleAssignment, ServicePrincipal};

fn id(n: u32) -> UserId {
    TenantSeed::guest_id(n).parse().unwrap()
}

/// 45 guests; the first 25 are in a group of a group, which is assigned to an app.
fn seed() -> TenantSeed {
    let mut seed = TenantSeed::with_guests(45);
    let group = |id: &str, members: Vec<String>| Group {
        id: id.into(),
        display_name: Some(id.into()),
        members,
        ..Group::default()
    };
    let inner = (1..=25).map(TenantSeed::guest_id).collect();
    seed.groups = vec![group("inner", inner), group("outer", vec!["inner".into()])];
    let principal = ServicePrincipal {
        id: "app".into(),
        display_name: Some("App".into()),
        ..ServicePrincipal::default()
    };
    seed.apps.service_principals = vec![App { principal, ..App::default() }];
    let assignment = |principal_id: &str| AppRoleAssignment {
        principal_id: principal_id.into(),
        resource_id: "app".into(),
        ..AppRoleAssignment::default()
    };
    // Twice: two roles in one app are one app.
    seed.apps.assignments = vec![assignment("inner"), assignment("inner"), assignment("outer")];
    seed
}

async fn read(faults: Vec<Fault>, guests: impl Iterator<Item = u32>) -> (Rig, Reach) {
    let rig = Rig::new(seed(), Options { faults, ..Options::default() });
    let guests: BTreeSet<UserId> = guests.map(id).collect();
    let reach = rig.graph.reach(&guests).await.unwrap();
    (rig, reach)
}

#[tokio::test(start_paused = true)]
async fn groups_in_groups_count_and_so_does_an_app_of_a_direct_group() {
    let (rig, reach) = read(Vec::new(), 1..=46).await;
    let of = |n| {
        let guest = &reach.guests[&id(n)];
        let groups = guest.memberships.as_ref().map(|it| it.groups.len());
        (groups, guest.apps.as_ref().map(Vec::len))
    };
    assert_eq!(
        (of(1), of(25), of(26)),
        ((Some(2), Some(1)), (Some(2), Some(1)), (Some(0), Some(0)))
    );
    // There is no such guest, which is not that it has nothing.
    assert_eq!(of(46), (None, None));
    assert_eq!(reach.unreadable, []);
    assert_eq!(reach.apps["app"].name.as_deref(), Some("App"));
    // The first guest, then 45 others in batches of 20, each for both lists; then the app.
    assert_eq!(rig.sent(&Method::POST, "/$batch"), 2 * (1 + 3) + 2);
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_to_its_last_page_and_one_that_breaks_off_is_not_known() {
    let path = format!("/users/{}/transitiveMemberOf", id(1));
    let on = || Matcher::new(Method::GET, &path);
    let more = || Fault::new(on().times(2), Action::OneMorePage);
    let (rig, reach) = read(vec![more()], 1..=2).await;
    assert_eq!(reach.guests[&id(1)].memberships.as_ref().unwrap().groups.len(), 2);
    assert_eq!(rig.sent(&Method::GET, &path), 2);
    let refused = Action::Answer(Canned::error(400, "Request_BadRequest", "Expired."));
    let (_, reach) = read(vec![Fault::new(on().nth(2).always(), refused), more()], 1..=2).await;
    assert_eq!(reach.guests[&id(1)].memberships, None);
    assert!(reach.guests[&id(2)].memberships.is_some());
    let told: Vec<_> = reach.unreadable.iter().map(|it| it.what).collect();
    assert_eq!(told, ["groups and roles of guests"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_one_guest_is_not_asked_for_the_others() {
    let mut seed = seed();
    seed.applications[0].roles = vec!["User.Invite.All".into(), "User.ReadWrite.All".into()];
    let rig = Rig::new(seed, Options::default());
    let reach = rig.graph.reach(&(1..=45).map(id).collect()).await.unwrap();
    let told: Vec<_> = reach.unreadable.iter().map(|it| (it.what, it.permission)).collect();
    assert_eq!(
        told,
        [
            ("which groups are teams", "GroupMember.Read.All"),
            ("assignments of guests to apps", "Directory.Read.All"),
        ]
    );
    assert_eq!(reach.groups["inner"].is_team, None);
    let asked = rig.emulator.ledger();
    let asked = asked.requests.iter().filter(|it| it.path.contains("appRoleAssignments"));
    assert_eq!(asked.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_gives_no_answer_is_noted_and_keeps_no_plan_from_being_made() {
    let down = Action::Answer(Canned::error(500, "InternalServerError", "Try again."));
    let batch = Matcher::new(Method::POST, "/$batch").always();
    let (_, reach) = read(vec![Fault::new(batch, down)], 1..=3).await;
    let told: Vec<_> = reach.unreadable.iter().map(|it| it.what).collect();
    assert_eq!(told, ["groups and roles of guests", "assignments of guests to apps"]);
    assert!(reach.unreadable[0].why.contains("Try again."), "{:?}", reach.unreadable);
    assert_eq!(reach.guests.len(), 3);
    assert!(reach.guests.values().all(|it| it.memberships.is_none() && it.apps.is_none()));
}
