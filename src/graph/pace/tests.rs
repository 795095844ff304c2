//! The pacer as a whole, in virtual time.

use std::sync::Arc;

use super::*;

fn pacer(writes_per_second: f64, burst: u32, requests_in_flight: usize) -> Arc<Pacer> {
    let pace = Pace { writes_per_second, burst, requests_in_flight };
    Arc::new(Pacer::new(pace, CancellationToken::new()))
}

fn guest() -> Shape {
    Shape::of("/users/1", "$select=id")
}

async fn enter(pacer: &Pacer, lane: Lane) -> Result<(), Stopped> {
    if lane == Lane::Invite {
        pacer.take_turn(guest()).await?;
        return pacer.enter_now().await.map(drop);
    }
    pacer.enter(lane, guest()).await.map(drop)
}

fn throttling(lane: Lane, seconds: u64, scope: Option<&str>) -> Throttling<'_> {
    let wait = Duration::from_secs(seconds);
    Throttling { lane, sent_at: Instant::now(), wait, scope, information: None }
}

#[tokio::test(start_paused = true)]
async fn writes_keep_the_rate_and_reads_do_not_wait_for_it() {
    let pacer = pacer(2.0, 1, 8);
    let started = Instant::now();
    for lane in [Lane::Patch, Lane::Invite, Lane::Patch, Lane::Invite, Lane::Patch] {
        enter(&pacer, lane).await.unwrap();
    }
    let elapsed = started.elapsed();
    assert!(elapsed >= Duration::from_secs(2), "{elapsed:?}");
    assert!(elapsed < Duration::from_millis(2100), "{elapsed:?}");
    for _ in 0..100 {
        enter(&pacer, Lane::Read).await.unwrap();
    }
    assert_eq!(started.elapsed(), elapsed);
}

#[tokio::test(start_paused = true)]
async fn a_refused_invitation_holds_off_invitations_alone() {
    let pacer = pacer(1000.0, 100, 8);
    let started = Instant::now();
    pacer.refused(throttling(Lane::Invite, 30, Some("Tenant/ReadWrite/app/tenant")));
    pacer.refused(throttling(Lane::Invite, 5, None));
    enter(&pacer, Lane::Patch).await.unwrap();
    enter(&pacer, Lane::Read).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(1));
    enter(&pacer, Lane::Invite).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_hold_off_of_all_holds_everyone_and_takes_no_place_meanwhile() {
    let pacer = pacer(1000.0, 100, 1);
    let started = Instant::now();
    pacer.refused(throttling(Lane::Read, 30, None));
    let read = tokio::spawn({
        let pacer = pacer.clone();
        async move { enter(&pacer, Lane::Read).await }
    });
    tokio::task::yield_now().await;
    // One place, and a read that is held off: it goes on with the rest.
    enter(&pacer, Lane::Patch).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(1));
    pacer.refused(throttling(Lane::Read, 60, Some("Tenant_Application/ReadWrite/app/tenant")));
    enter(&pacer, Lane::Patch).await.unwrap();
    read.await.unwrap().unwrap();
    assert!(started.elapsed() >= Duration::from_mins(1));
}

#[tokio::test(start_paused = true)]
async fn a_turn_is_worth_nothing_once_a_hold_off_began() {
    let pacer = pacer(1000.0, 100, 8);
    pacer.take_turn(guest()).await.unwrap();
    pacer.refused(throttling(Lane::Patch, 5, None));
    assert!(pacer.enter_now().await.unwrap().is_none());
    pacer.take_turn(guest()).await.unwrap();
    assert!(pacer.enter_now().await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_every_wait() {
    for lane in [Lane::Read, Lane::Patch, Lane::Invite] {
        let stop = CancellationToken::new();
        let pace = Pace { writes_per_second: 1.0, burst: 1, requests_in_flight: 1 };
        let pacer = Arc::new(Pacer::new(pace, stop.clone()));
        pacer.refused(throttling(Lane::Patch, 3600, Some("Tenant/ReadWrite/a/t")));
        let waiting = tokio::spawn({
            let pacer = pacer.clone();
            async move { enter(&pacer, lane).await }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.cancel();
        assert_eq!(waiting.await.unwrap(), Err(Stopped), "{lane:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_limit_are_in_flight() {
    let pacer = pacer(1e6, 100, 2);
    let first = pacer.enter(Lane::Read, guest()).await.unwrap();
    let _second = pacer.enter(Lane::Patch, guest()).await.unwrap();
    let third = tokio::time::timeout(Duration::from_secs(1), pacer.enter(Lane::Read, guest()));
    assert!(third.await.is_err());
    drop(first);
    assert!(pacer.enter(Lane::Read, guest()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn waiting_is_counted_by_its_cause() {
    let pacer = pacer(1.0, 1, 8);
    for _ in 0..11 {
        enter(&pacer, Lane::Patch).await.unwrap();
    }
    pacer.refused(throttling(Lane::Read, 7, None));
    enter(&pacer, Lane::Read).await.unwrap();
    let waits = pacer.waits();
    let seconds = [waits.pace, waits.quota, waits.throttling, waits.in_flight];
    assert_eq!(seconds.map(|wait| (wait.as_millis() + 500) / 1000), [10, 0, 7, 0]);
}

#[tokio::test(start_paused = true)]
async fn what_an_answer_says_it_cost_is_paid() {
    let pacer = pacer(1.0, 1, 8);
    let mut headers = HeaderMap::new();
    headers.insert("x-ms-resource-unit", "3500".parse().unwrap());
    enter(&pacer, Lane::Read).await.unwrap();
    pacer.learn_cost(guest(), &headers);
    let started = Instant::now();
    pacer.take_units(std::iter::once(Shape::of("/users", "$select=id"))).await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(2), "{:?}", started.elapsed());
}
