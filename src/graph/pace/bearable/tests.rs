//! The search against a service that is played: a limit, chance, and both.

use std::time::Duration;

use super::*;

/// A service with a limit, if any, that also refuses by chance, each for a second.
#[derive(Debug, Clone, Copy)]
struct Service {
    /// Per second, and as much as five seconds' worth at once.
    limit: f64,
    by_chance: f64,
}

/// What became of a campaign that sends as fast as it may.
#[derive(Debug)]
struct Campaign {
    /// Time taken, as a multiple of the least: the limit's, or the configured rate
    /// and the waits asked for.
    slower: f64,
    /// Refusals per request that got through.
    refused: f64,
}

/// Numbers that look like chance, from zero to one.
fn chances(seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        f64::from(u32::try_from(state >> 32).expect("half of it")) / f64::from(u32::MAX)
    })
}

fn send(service: Service, most: f64, requests: u32, seed: u64) -> Campaign {
    const LATENCY: Duration = Duration::from_millis(150);
    const WAIT: Duration = Duration::from_secs(1);
    let mut chance = chances(seed);
    let start = Instant::now();
    let mut search = Bearable::new(most, start);
    let (depth, mut used, mut counted_at) = (5.0 * service.limit, 0.0, start);
    let mut under_way: std::collections::VecDeque<(Instant, bool)> = [].into();
    let (mut now, mut held, mut waits) = (start, start, Duration::ZERO);
    let (mut through, mut refused) = (0, 0);
    while through < requests {
        now += Duration::from_secs_f64(1.0 / search.rate(now, true));
        now = now.max(held);
        while let Some((sent_at, is_accepted)) = under_way.front().copied()
            && sent_at + LATENCY <= now
        {
            under_way.pop_front();
            let at = sent_at + LATENCY;
            search.rate(at, true);
            if is_accepted {
                through += 1;
                search.accepted(sent_at);
            } else {
                refused += 1;
                waits += (at + WAIT).saturating_duration_since(held.max(at));
                held = held.max(at + WAIT);
                search.refused(at, sent_at, at + WAIT);
            }
        }
        if now < held {
            continue;
        }
        used = f64::max(used - seconds(counted_at, now) * service.limit, 0.0);
        counted_at = now;
        let is_accepted =
            used + 1.0 <= depth && chance.next().is_some_and(|it| it >= service.by_chance);
        used = (used + 1.0).min(1.8 * depth);
        under_way.push_back((now, is_accepted));
    }
    let requests = f64::from(requests);
    let by_limit = (requests - depth) / service.limit;
    let by_rate = requests / most + waits.as_secs_f64();
    let least = if service.limit < most { by_limit } else { by_rate };
    Campaign { slower: seconds(start, now) / least, refused: f64::from(refused) / requests }
}

#[test]
fn the_rate_comes_down_for_a_limit_and_not_for_chance() {
    const NONE: f64 = 1e9;
    for (name, limit, by_chance, slower, refused) in [
        ("nothing is refused", NONE, 0.0, 1.01, 0.0),
        ("one in fifty by chance", NONE, 0.02, 1.15, 0.03),
        ("one in twenty by chance", NONE, 0.05, 1.1, 0.07),
        ("one in ten by chance", NONE, 0.1, 1.1, 0.14),
        ("a third is permitted", 6.0, 0.0, 1.15, 0.03),
        ("two thirds are permitted", 12.0, 0.0, 1.15, 0.03),
        ("a third, and one in twenty by chance", 6.0, 0.05, 1.5, 0.3),
    ] {
        let service = Service { limit, by_chance };
        let campaigns: Vec<Campaign> =
            (1..=20).map(|seed| send(service, 18.0, 1_000, seed)).collect();
        let mean = |of: fn(&Campaign) -> f64| campaigns.iter().map(of).sum::<f64>() / 20.0;
        let (took, were_refused) = (mean(|it| it.slower), mean(|it| it.refused));
        assert!(took <= slower, "{name}: {took} times the least");
        assert!(were_refused <= refused, "{name}: {were_refused} refused");
    }
}

#[test]
fn a_limit_that_is_gone_is_forgotten() {
    let start = Instant::now();
    let mut search = Bearable::new(18.0, start);
    let mut now = start;
    // A limit of six: two refusals alike, and a trial that none follows.
    for _ in 0..3 {
        for _ in 0..30 {
            search.accepted(now);
        }
        now += Duration::from_secs(5);
        search.refused(now, now, now);
    }
    search.rate(now, true);
    for _ in 0..300 {
        search.accepted(now);
    }
    let found = search.rate(now, true);
    assert!((6.0..7.0).contains(&found), "{found}");
    let later = search.rate(now + Duration::from_mins(5), true);
    assert!((later - 18.0).abs() < f64::EPSILON, "{later}");
}

#[test]
fn what_was_under_way_belongs_to_the_refusal_before() {
    let start = Instant::now();
    let mut search = Bearable::new(18.0, start);
    let second = Duration::from_secs(1);
    assert!(search.refused(start + second, start, start + 2 * second));
    assert!(!search.refused(start + second, start + second / 2, start + 2 * second));
    assert!(search.refused(start + 3 * second, start + 2 * second, start + 4 * second));
}

#[test]
fn it_never_stands_still() {
    let start = Instant::now();
    let mut search = Bearable::new(1.0, start);
    for n in 0..100 {
        let now = start + Duration::from_secs(n);
        search.refused(now, now, now);
    }
    assert!(search.rate(start + Duration::from_secs(100), true) >= LEAST);
}
