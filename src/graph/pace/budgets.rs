//! What may be spent: the configured pace, and Microsoft's documented quotas under
//! it (*Service-specific throttling limits*, 2026-02).
//!
//! Leaves to others: what a read costs (`units`), and what the tenant says while we
//! spend (`adaptive`, `hold_off`).

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::Pace;
use super::bucket::Bucket;

/// Directory writes of one application in one tenant: 3,000 in 150 s.
const WRITES: f64 = 3_000.0;
const WRITES_PER_SECOND: f64 = WRITES / 150.0;

/// Requests on `/invitations` in one tenant, of all applications: 150 in 5 s.
const INVITATIONS: f64 = 150.0;
const INVITATIONS_PER_SECOND: f64 = INVITATIONS / 5.0;

/// Resource units of one application in a tenant of each size, in 10 s.
const UNITS: [(u64, u32); 3] = [(0, 3_500), (50, 5_000), (501, 8_000)];
const UNITS_WINDOW: f64 = 10.0;
const MOST_UNITS: u32 = UNITS[UNITS.len() - 1].1;

/// A write that an earlier run announced: sent or not, it is taken for sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EarlierWrite {
    pub ago: Duration,
    /// An invitation, rather than a PATCH.
    pub is_invitation: bool,
}

impl EarlierWrite {
    /// What lies further back is forgotten by every quota.
    pub const WINDOW: Duration = Duration::from_secs(150);

    /// More than this in the window cannot be told from a quota that is used up.
    pub const MOST: usize = 3_000;
}

/// The budgets of one application in one tenant.
///
/// Whoever configures more than the documented 20 writes a second says that this
/// tenant permits more, as Microsoft may on request and an emulator does: the
/// documented quotas then grow in proportion.
#[derive(Debug)]
pub(super) struct Budgets {
    /// The configured pace: PATCH and POST together.
    pub(super) pace: Bucket,
    writes: Bucket,
    invitations: Bucket,
    units: Bucket,
    /// Units that the tenant has in a window; the least until its size is known.
    units_of_tenant: AtomicU32,
    parameters: [(f64, f64); 3],
}

impl Budgets {
    pub(super) fn new(pace: Pace) -> Self {
        let raise = (pace.writes_per_second / WRITES_PER_SECOND).max(1.0);
        let parameters = [
            (pace.writes_per_second, f64::from(pace.burst)),
            (WRITES_PER_SECOND * raise, WRITES * raise),
            (INVITATIONS_PER_SECOND * raise, INVITATIONS * raise),
        ];
        let [own, writes, invitations] = parameters.map(|(rate, burst)| Bucket::new(rate, burst));
        let units = f64::from(MOST_UNITS) * raise;
        Self {
            pace: own,
            writes,
            invitations,
            units: Bucket::new(units / UNITS_WINDOW, units),
            units_of_tenant: AtomicU32::new(UNITS[0].1),
            parameters,
        }
    }

    /// Waits until the documented quotas have room for a write. Whether an invitation is
    /// a directory write, too, is not documented: it is taken for one.
    pub(super) async fn take_write(&self, is_invitation: bool) {
        self.writes.take(1.0).await;
        if is_invitation {
            self.invitations.take(1.0).await;
        }
    }

    /// Waits until the resource units of the tenant have room for a call.
    pub(super) async fn take_units(&self, units: u32) {
        if units > 0 {
            self.units.take(self.weight(units)).await;
        }
    }

    /// Notes what a call cost beyond what was taken for it.
    pub(super) fn owe_units(&self, units: u32) {
        self.units.owe(self.weight(units));
    }

    /// Learns the number of users of the tenant, or at least how many there are for sure.
    pub(super) fn tenant_has(&self, users: u64) {
        let units = UNITS.iter().rev().find(|(from, _)| users >= *from).map_or(0, |(_, u)| *u);
        self.units_of_tenant.fetch_max(units, Ordering::Relaxed);
    }

    /// Notes what earlier runs spent, so that a new run begins with no new burst.
    pub(super) fn spent(&self, writes: &[EarlierWrite]) {
        let all: Vec<Duration> = writes.iter().map(|write| write.ago).collect();
        let invitations: Vec<Duration> =
            writes.iter().filter(|write| write.is_invitation).map(|write| write.ago).collect();
        let buckets = [(&self.pace, &all), (&self.writes, &all), (&self.invitations, &invitations)];
        for ((bucket, ages), (rate, burst)) in buckets.into_iter().zip(self.parameters) {
            bucket.owe(left_of(ages, rate, burst));
        }
    }

    /// The bucket holds what the largest tenant has: in a smaller one a unit weighs more.
    fn weight(&self, units: u32) -> f64 {
        let of_tenant = self.units_of_tenant.load(Ordering::Relaxed);
        f64::from(units) * f64::from(MOST_UNITS) / f64::from(of_tenant)
    }
}

/// How much of what was spent so long ago is not made good yet.
fn left_of(ages: &[Duration], rate: f64, burst: f64) -> f64 {
    let mut ages: Vec<f64> = ages.iter().map(Duration::as_secs_f64).collect();
    ages.sort_by(|one, other| other.total_cmp(one));
    let mut left: f64 = 0.0;
    let mut last = f64::INFINITY;
    for age in ages {
        left = (left - (last - age) * rate).max(0.0) + 1.0;
        last = age;
    }
    (left - last * rate).clamp(0.0, burst.max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    fn budgets(writes_per_second: f64, burst: u32) -> Budgets {
        Budgets::new(Pace { writes_per_second, burst, requests_in_flight: 1 })
    }

    async fn seconds(work: impl Future<Output = ()>) -> f64 {
        let started = Instant::now();
        work.await;
        started.elapsed().as_secs_f64()
    }

    #[test]
    fn what_is_left_of_earlier_writes_drains_at_the_rate() {
        let seconds = |seconds: &[u64]| -> Vec<Duration> {
            seconds.iter().copied().map(Duration::from_secs).collect()
        };
        for (ages, rate, burst, left) in [
            (seconds(&[]), 1.0, 10.0, 0.0),
            (seconds(&[0, 0, 0]), 1.0, 10.0, 3.0),
            (seconds(&[2, 2, 2]), 1.0, 10.0, 1.0),
            (seconds(&[60, 0]), 1.0, 10.0, 1.0),
            (seconds(&[0; 50]), 1.0, 10.0, 10.0),
            (seconds(&[1, 3, 2, 0]), 0.5, 10.0, 2.5),
        ] {
            assert!((left_of(&ages, rate, burst) - left).abs() < 1e-9, "{ages:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_documented_quotas_hold_whatever_the_burst() {
        let budgets = budgets(18.0, 1_000_000);
        let took = seconds(async {
            for _ in 0..3_000 {
                budgets.pace.take(1.0).await;
                budgets.take_write(false).await;
            }
        });
        assert!(took.await < 0.1);
        let took = seconds(async {
            for _ in 0..20 {
                budgets.take_write(false).await;
            }
        });
        assert!((took.await - 1.0).abs() < 0.1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hundred_and_fifty_invitations_go_in_five_seconds() {
        let budgets = budgets(18.0, 1_000);
        let took = seconds(async {
            for _ in 0..180 {
                budgets.take_write(true).await;
            }
        });
        assert!((took.await - 1.0).abs() < 0.05);
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_documented_is_permitted_to_whoever_asks_for_it() {
        let budgets = budgets(200.0, 1);
        let took = seconds(async {
            for _ in 0..31_000 {
                budgets.take_write(false).await;
            }
        });
        assert!((took.await - 5.0).abs() < 0.1);
    }

    #[tokio::test(start_paused = true)]
    async fn resource_units_grow_with_the_tenant() {
        for (users, units) in [(0, 3_500), (49, 3_500), (50, 5_000), (500, 5_000), (501, 8_000)] {
            let budgets = budgets(4.0, 4);
            budgets.tenant_has(users);
            let all_at_once = seconds(async {
                for _ in 0..units / 10 {
                    budgets.take_units(10).await;
                }
            });
            assert!(all_at_once.await < 0.02, "{users}");
            let a_window_more = seconds(async {
                for _ in 0..units / 10 {
                    budgets.take_units(10).await;
                }
            });
            assert!((a_window_more.await - 10.0).abs() < 0.1, "{users}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_run_begins_where_the_last_one_ended() {
        let budgets = budgets(2.0, 100);
        let earlier = EarlierWrite { ago: Duration::from_secs(10), is_invitation: true };
        budgets.spent(&[earlier; 100]);
        // Twenty have been made good since: those go at once.
        for (writes, expected) in [(20, 0.0), (10, 5.0)] {
            let took = seconds(async {
                for _ in 0..writes {
                    budgets.pace.take(1.0).await;
                }
            });
            assert!((took.await - expected).abs() < 0.05);
        }
    }
}
