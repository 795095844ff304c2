//! The quotas of the tenant in use: buckets that fill with what is asked and drain with
//! time.
//!
//! Leaves to others: how large they are (`quota`).

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::quota::{Cost, Limit, Quotas, ResourceUnits};

/// A request was over the quota.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Throttled {
    /// Whole seconds until the same request would pass.
    pub(super) retry_after: u64,
    /// Value of `x-ms-throttle-scope`.
    pub(super) scope: String,
    /// Value of `x-ms-throttle-information`, where one is documented.
    pub(super) information: Option<&'static str>,
    /// Use as a share of the limit.
    pub(super) share: f64,
}

/// Where a limit's use shows at least this high: `x-ms-throttle-limit-percentage`
/// goes from 0.8 to 1.8.
pub(super) const REPORTED_FROM: f64 = 0.8;
const REPORTED_TO: f64 = 1.8;

#[derive(Debug)]
pub(super) struct Bucket {
    capacity: f64,
    per_second: f64,
    used: f64,
    at: Instant,
    /// What others add in a second.
    others: f64,
    /// The shares of requests that were let through although over the limit, added up: a
    /// whole one is refused.
    owed: f64,
}

impl Bucket {
    pub(super) fn new(capacity: f64, per_second: f64, at: Instant) -> Self {
        Self { capacity, per_second, used: 0.0, at, others: 0.0, owed: 0.0 }
    }

    fn shared_with(self, others: f64) -> Self {
        Self { others, ..self }
    }

    fn drain(&mut self, now: Instant) {
        let drained = (self.per_second - self.others) * now.duration_since(self.at).as_secs_f64();
        self.used = (self.used - drained).clamp(0.0, self.capacity * REPORTED_TO);
        self.at = now;
    }

    fn has_room(&self, cost: f64) -> bool {
        // Draining by fractions leaves rounding errors behind.
        self.used + cost <= self.capacity + 1e-6
    }

    /// Whether a request that costs so much is refused.
    fn refuses(&mut self, cost: f64, gradually: bool) -> bool {
        if self.has_room(cost) {
            return false;
        }
        if !gradually {
            return true;
        }
        self.owed += ((self.used + cost) / self.capacity - 1.0).clamp(0.0, REPORTED_TO - 1.0);
        let refuses = self.owed >= 1.0;
        self.owed -= f64::from(u8::from(refuses));
        refuses
    }

    fn fill(&mut self, cost: f64) {
        // Use goes on accruing while throttled (Microsoft Graph, *Throttling*).
        self.used = (self.used + cost).min(self.capacity * REPORTED_TO);
    }

    fn share(&self) -> f64 {
        self.used / self.capacity
    }

    fn seconds_until_room(&self, cost: f64) -> u64 {
        // Where others use it all, nobody can say.
        let per_second = (self.per_second - self.others).max(self.per_second / 100.0);
        let wait = ((self.used + cost - self.capacity) / per_second).max(0.0);
        Duration::from_secs_f64(wait.ceil()).as_secs().max(1)
    }
}

/// The limits of one application, here and everywhere.
#[derive(Debug)]
struct Own {
    units: Option<Bucket>,
    writes: Option<Bucket>,
    units_everywhere: Option<Bucket>,
    writes_everywhere: Option<Bucket>,
}

/// The quotas of the tenant in use.
#[derive(Debug)]
pub(super) struct Meters {
    quotas: Quotas,
    units_limit: Option<Limit>,
    tenant_id: String,
    apps: HashMap<String, Own>,
    tenant_writes: Option<Bucket>,
    invitations: Option<Bucket>,
}

impl Meters {
    pub(super) fn new(quotas: Quotas, users: usize, tenant_id: String) -> Self {
        let now = Instant::now();
        let units_limit = match quotas.resource_units {
            ResourceUnits::ByTenantSize if users < 50 => Some(Limit::new(3_500.0, 10)),
            ResourceUnits::ByTenantSize if users <= 500 => Some(Limit::new(5_000.0, 10)),
            ResourceUnits::ByTenantSize => Some(Limit::new(8_000.0, 10)),
            ResourceUnits::Limit(limit) => Some(limit),
            ResourceUnits::Unlimited => None,
        };
        Self {
            tenant_writes: quotas
                .bucket(quotas.tenant_writes, now)
                .map(|bucket| bucket.shared_with(quotas.others.writes)),
            invitations: quotas
                .bucket(quotas.invitations, now)
                .map(|bucket| bucket.shared_with(quotas.others.invitations)),
            apps: HashMap::new(),
            units_limit,
            tenant_id,
            quotas,
        }
    }

    /// Whether answers tell how much of a limit is used.
    pub(super) fn tell_share(&self) -> bool {
        self.quotas.tells_share
    }

    /// Charges a request. Answers with the highest share of any limit it touched.
    pub(super) fn charge(&mut self, app: &str, cost: Cost) -> Result<f64, Throttled> {
        let Self { quotas, units_limit, tenant_id, apps, tenant_writes, invitations } = self;
        let now = Instant::now();
        if !apps.contains_key(app) {
            let own = Own {
                units: quotas.bucket(*units_limit, now),
                writes: quotas.bucket(quotas.writes, now),
                units_everywhere: quotas.bucket(quotas.application_units, now),
                writes_everywhere: quotas.bucket(quotas.application_writes, now),
            };
            apps.insert(app.to_owned(), own);
        }
        let own = apps.get_mut(app).expect("inserted above");
        let gradually = quotas.refuses_gradually;
        let is_write = cost.is_write || (cost.is_invitation && quotas.invitations_are_writes);
        let mut touched = [
            (
                cost.units > 0,
                f64::from(cost.units),
                &mut own.units,
                "Tenant_Application/ReadWrite",
                Some("ResourceUnitLimitExceeded"),
            ),
            (
                cost.units > 0,
                f64::from(cost.units),
                &mut own.units_everywhere,
                "Application/ReadWrite",
                Some("ResourceUnitLimitExceeded"),
            ),
            (
                is_write,
                1.0,
                &mut own.writes,
                "Tenant_Application/Write",
                Some("WriteLimitExceeded"),
            ),
            (
                is_write,
                1.0,
                &mut own.writes_everywhere,
                "Application/Write",
                Some("WriteLimitExceeded"),
            ),
            (is_write, 1.0, tenant_writes, "Tenant/Write", Some("WriteLimitExceeded")),
            (cost.is_invitation, 1.0, invitations, "Tenant/ReadWrite", None),
        ];
        let mut refused = None;
        for (touches, cost, bucket, scope, information) in &mut touched {
            let Some(bucket) = bucket.as_mut().filter(|_| *touches) else { continue };
            bucket.drain(now);
            if refused.is_none() && bucket.refuses(*cost, gradually) {
                bucket.fill(*cost);
                refused = Some(Throttled {
                    retry_after: bucket.seconds_until_room(*cost),
                    scope: format!("{scope}/{app}/{tenant_id}"),
                    information: *information,
                    share: bucket.share(),
                });
            }
        }
        if let Some(refused) = refused {
            return Err(refused);
        }
        let mut highest: f64 = 0.0;
        for (touches, cost, bucket, ..) in &mut touched {
            let Some(bucket) = bucket.as_mut().filter(|_| *touches) else { continue };
            bucket.fill(*cost);
            highest = highest.max(bucket.share());
        }
        Ok(highest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::quota::Others;

    fn meters(quotas: Quotas, users: usize) -> Meters {
        Meters::new(quotas, users, "tenant".into())
    }

    const INVITATION: Cost = Cost { units: 0, is_write: false, is_invitation: true };
    const PATCH: Cost = Cost { units: 1, is_write: true, is_invitation: false };

    #[tokio::test(start_paused = true)]
    async fn a_hundred_and_fifty_invitations_pass_in_five_seconds() {
        let mut meters = meters(Quotas::default(), 10);
        let passed = (0..200).filter(|_| meters.charge("a", INVITATION).is_ok()).count();
        assert_eq!(passed, 150);
        let refused = meters.charge("other app, same tenant", INVITATION).unwrap_err();
        assert!(refused.share > 1.0 && refused.retry_after >= 1, "{refused:?}");
        tokio::time::advance(Duration::from_secs(refused.retry_after)).await;
        assert!(meters.charge("a", INVITATION).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_as_told_is_always_enough() {
        let mut meters = meters(Quotas::default().scaled(0.01), 10);
        for _ in 0..200 {
            if let Err(refused) = meters.charge("a", PATCH) {
                tokio::time::advance(Duration::from_secs(refused.retry_after)).await;
                assert!(meters.charge("a", PATCH).is_ok());
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_window_permits_less_at_once_and_as_much_in_time() {
        let mut meters = meters(Quotas::default().scaled(10.0).over(0.05), 10);
        let passed =
            |meters: &mut Meters| (0..1_000).filter(|_| meters.charge("a", PATCH).is_ok()).count();
        // 200 a second, and 7.5 seconds' worth at once.
        assert_eq!(passed(&mut meters), 1_000);
        assert_eq!(passed(&mut meters), 500);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(passed(&mut meters), 1_000);
        let mut meters = self::meters(Quotas::default().over(0.01), 10);
        assert_eq!(passed(&mut meters), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn writes_are_counted_for_each_application_and_for_the_tenant() {
        let mut meters = meters(Quotas::default(), 1_000);
        let passed = (0..4_000).filter(|_| meters.charge("a", PATCH).is_ok()).count();
        assert_eq!(passed, 3_000);
        let refused = meters.charge("a", PATCH).unwrap_err();
        assert_eq!(refused.scope, "Tenant_Application/Write/a/tenant");
        assert_eq!(refused.information, Some("WriteLimitExceeded"));
        assert!(meters.charge("b", PATCH).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_share_of_the_limit_is_told() {
        let quotas = Quotas { writes: Some(Limit::new(10.0, 10)), ..Quotas::unlimited() };
        let mut meters = meters(quotas, 1);
        let shares: Vec<f64> = (0..10).map(|_| meters.charge("a", PATCH).unwrap()).collect();
        assert!((shares[0] - 0.1).abs() < 1e-9 && (shares[9] - 1.0).abs() < 1e-9);
    }

    #[tokio::test(start_paused = true)]
    async fn resource_units_grow_with_the_tenant() {
        for (users, units) in [(49, 3_500), (50, 5_000), (500, 5_000), (501, 8_000)] {
            let mut meters = meters(Quotas { writes: None, ..Quotas::default() }, users);
            let read = Cost { units: 1, is_write: false, is_invitation: false };
            let passed = (0..9_000).filter(|_| meters.charge("a", read).is_ok()).count();
            assert_eq!(passed, units);
        }
    }

    /// Each application has limits of its own, and all share those of the tenant.
    #[tokio::test(start_paused = true)]
    async fn two_applications_share_the_tenants_limit_and_each_has_its_own() {
        let quotas = Quotas {
            writes: Some(Limit::new(60.0, 10)),
            tenant_writes: Some(Limit::new(100.0, 10)),
            ..Quotas::unlimited()
        };
        let mut meters = meters(quotas, 1);
        let mut passed = |app: &str| (0..200).filter(|_| meters.charge(app, PATCH).is_ok()).count();
        assert_eq!((passed("a"), passed("b")), (60, 40));
        assert_eq!(
            meters.charge("a", PATCH).unwrap_err().scope,
            "Tenant_Application/Write/a/tenant"
        );
        assert_eq!(meters.charge("b", PATCH).unwrap_err().scope, "Tenant/Write/b/tenant");
        // Refused requests used it up, too: so long until the tenant has room.
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(meters.charge("b", PATCH).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn an_application_has_a_limit_over_all_tenants() {
        let quotas =
            Quotas { application_writes: Some(Limit::new(5.0, 10)), ..Quotas::unlimited() };
        let mut meters = meters(quotas, 1);
        assert_eq!((0..9).filter(|_| meters.charge("a", PATCH).is_ok()).count(), 5);
        assert_eq!(meters.charge("a", PATCH).unwrap_err().scope, "Application/Write/a/tenant");
        assert!(meters.charge("b", PATCH).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn others_use_what_is_shared_and_no_more_than_that() {
        let others = Others { writes: 8.0, invitations: 0.0 };
        let quotas = Quotas {
            writes: Some(Limit::new(1_000.0, 10)),
            tenant_writes: Some(Limit::new(100.0, 10)),
            others,
            ..Quotas::unlimited()
        };
        let mut meters = meters(quotas, 1);
        let mut passed = 0;
        for _ in 0..1_000 {
            tokio::time::advance(Duration::from_millis(450)).await;
            passed += usize::from(meters.charge("a", PATCH).is_ok());
        }
        // Two a second are left of ten; in 450 seconds, and a hundred at the beginning.
        assert!((900..=1_000).contains(&passed), "{passed}");
        let refused = |meters: &mut Meters| meters.charge("a", PATCH).err();
        let throttled = (0..200).find_map(|_| refused(&mut meters)).unwrap();
        assert_eq!(throttled.scope, "Tenant/Write/a/tenant");
    }

    #[tokio::test(start_paused = true)]
    async fn the_further_over_the_limit_the_more_is_refused() {
        let quotas = Quotas {
            writes: Some(Limit::new(1_000.0, 10)),
            refuses_gradually: true,
            ..Quotas::unlimited()
        };
        let mut meters = meters(quotas, 1);
        let refused =
            |meters: &mut Meters| (0..100).filter(|_| meters.charge("a", PATCH).is_err()).count();
        let by_hundreds: Vec<usize> = (0..20).map(|_| refused(&mut meters)).collect();
        assert_eq!(by_hundreds[..10], [0; 10]);
        assert!(by_hundreds[10..18].is_sorted(), "{by_hundreds:?}");
        assert!((18..=22).contains(&by_hundreds[11].midpoint(by_hundreds[12])), "{by_hundreds:?}");
        assert!((79..=81).contains(&by_hundreds[19]), "{by_hundreds:?}");
    }
}
