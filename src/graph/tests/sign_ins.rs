//! When guests were last seen.

use super::*;
use crate::domain::UserId;
use crate::graph::wire::SignInActivity;

/// So many guests, the even ones of whom signed in.
fn seed(guests: u32, role: Option<&str>) -> TenantSeed {
    let mut seed = TenantSeed::with_guests(guests);
    seed.applications[0].roles.extend(role.map(str::to_owned));
    for person in seed.users.iter_mut().step_by(2) {
        person.sign_in_activity = Some(SignInActivity {
            last_sign_in_date_time: Some("2026-01-01T00:00:00Z".to_owned()),
            last_non_interactive_sign_in_date_time: Some("2026-02-01T00:00:00Z".to_owned()),
            last_successful_sign_in_date_time: None,
        });
    }
    seed
}

fn id(n: u32) -> UserId {
    TenantSeed::guest_id(n).parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn everybody_is_read_in_pages_as_large_as_they_may_be() {
    let rig = Rig::new(seed(1200, Some("AuditLog.Read.All")), Options::default());
    let mut unreadable = Vec::new();
    let sign_ins = rig.graph.sign_ins(&mut unreadable).await.unwrap().unwrap();
    assert_eq!(sign_ins.len(), 600);
    assert_eq!(sign_ins[&id(1)].to_string(), "2026-02-01T00:00:00Z");
    assert!(!sign_ins.contains_key(&id(2)) && unreadable.is_empty());
    assert_eq!(rig.sent(&Method::GET, "/users"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_service_with_smaller_pages_is_asked_for_those() {
    let said = r#"{"error":{"code":"BadRequest","message":"Cannot query data for more than 120 users at a time."}}"#;
    let script = says(Method::GET, "/v1.0/users", vec![Ok(answer(400, said))]);
    let rig = Rig::scripted(seed(240, Some("AuditLog.Read.All")), Options::default(), script);
    let sign_ins = rig.graph.sign_ins(&mut Vec::new()).await.unwrap().unwrap();
    assert_eq!(sign_ins.len(), 120);
    assert_eq!(rig.sent(&Method::GET, "/users"), 3);
}

#[tokio::test(start_paused = true)]
async fn who_may_not_read_it_does_not_know_and_says_so() {
    let rig = Rig::new(seed(4, None), Options::default());
    let mut unreadable = Vec::new();
    assert_eq!(rig.graph.sign_ins(&mut unreadable).await.unwrap(), None);
    let told = (unreadable[0].what, unreadable[0].permission);
    assert_eq!(told, ("sign-ins", "AuditLog.Read.All"));
}
