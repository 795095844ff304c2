//! What the tenant permits: the documented quotas as buckets that fill with use
//! and drain with time.
//!
//! Leaves to others: saying no (`errors`), and faults that pretend to be throttling
//! (`faults`). Numbers and costs: Microsoft Graph, *Service-specific throttling
//! limits*, 2026-02.

use std::collections::HashMap;
use std::time::Duration;

use http::Method;
use tokio::time::Instant;

/// What the tenant permits.
#[derive(Debug, Clone, PartialEq)]
pub struct Quotas {
    /// Resource units of one application.
    pub resource_units: ResourceUnits,
    /// Writes of one application.
    pub writes: Option<Limit>,
    /// Writes of all applications.
    pub tenant_writes: Option<Limit>,
    /// Invitations of all applications.
    pub invitations: Option<Limit>,
    /// Whether an invitation counts as a write too, which is not documented.
    pub invitations_are_writes: bool,
    /// Multiplies every amount: 0.1 makes a tenth of everything.
    pub scale: f64,
    /// Multiplies every window and what it permits: the rates stay, and at 0.1 a tenth
    /// can be spent at once. No window gets shorter than five seconds: in less, chance
    /// decides what is refused.
    pub window: f64,
    /// Whether answers tell how much of a limit is used, which is not promised for every
    /// service.
    pub tells_share: bool,
}

/// The resource units of one application.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ResourceUnits {
    /// By the number of users: 3,500 below 50, 5,000 up to 500, 8,000 above, in 10 s.
    ByTenantSize,
    Limit(Limit),
    Unlimited,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    pub amount: f64,
    pub per: Duration,
}

impl Limit {
    /// So much in so many seconds.
    pub const fn new(amount: f64, seconds: u64) -> Self {
        Self { amount, per: Duration::from_secs(seconds) }
    }
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            resource_units: ResourceUnits::ByTenantSize,
            writes: Some(Limit::new(3_000.0, 150)),
            tenant_writes: Some(Limit::new(18_000.0, 300)),
            invitations: Some(Limit::new(150.0, 5)),
            invitations_are_writes: false,
            scale: 1.0,
            window: 1.0,
            tells_share: true,
        }
    }
}

impl Quotas {
    pub fn unlimited() -> Self {
        Self {
            resource_units: ResourceUnits::Unlimited,
            writes: None,
            tenant_writes: None,
            invitations: None,
            invitations_are_writes: false,
            scale: 1.0,
            window: 1.0,
            tells_share: true,
        }
    }

    /// The same with every amount multiplied.
    #[must_use]
    pub fn scaled(self, scale: f64) -> Self {
        Self { scale: self.scale * scale, ..self }
    }

    /// The same rates over windows of another length.
    #[must_use]
    pub fn over(self, window: f64) -> Self {
        Self { window: self.window * window, ..self }
    }

    fn bucket(&self, limit: Option<Limit>, now: Instant) -> Option<Bucket> {
        let Limit { amount, per } = limit?;
        let per_second = amount * self.scale / per.as_secs_f64();
        let window = per.mul_f64(self.window).max(per.min(SHORTEST_WINDOW));
        let capacity = (per_second * window.as_secs_f64()).max(1.0);
        Some(Bucket { capacity, per_second, used: 0.0, at: now })
    }
}

/// No documented window is shorter.
const SHORTEST_WINDOW: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) units: u32,
    pub(super) is_write: bool,
    pub(super) is_invitation: bool,
}

/// The cost of a request, from the segments after the version.
pub(super) fn cost(method: &Method, segments: &[&str], query: &str) -> Cost {
    if segments.first() == Some(&"invitations") {
        return Cost { units: 0, is_write: false, is_invitation: true };
    }
    let is_read = *method == Method::GET || segments == ["directoryObjects", "getByIds"];
    let base: u32 = match segments {
        ["users"] if is_read => 2,
        ["directoryObjects", "getByIds"] | ["groups", _, "transitiveMembers", ..] => 5,
        _ => 1,
    };
    let asks = |name: &str| query.split('&').any(|pair| option(pair) == name);
    let small_top = || {
        let top = query.split('&').find(|pair| option(pair) == "$top");
        top.and_then(|pair| pair.split_once('=')?.1.parse::<u32>().ok()).is_some_and(|top| top < 20)
    };
    let less = u32::from(asks("$select")) + u32::from(small_top());
    let units = (base + u32::from(asks("$expand"))).saturating_sub(less).max(1);
    Cost { units, is_write: !is_read, is_invitation: false }
}

/// The name of a query option; the dollar sign may have been escaped.
fn option(pair: &str) -> &str {
    let name = pair.split('=').next().unwrap_or_default();
    match name {
        "%24select" => "$select",
        "%24expand" => "$expand",
        "%24top" => "$top",
        _ => name,
    }
}

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
struct Bucket {
    capacity: f64,
    per_second: f64,
    used: f64,
    at: Instant,
}

impl Bucket {
    fn drain(&mut self, now: Instant) {
        let drained = now.duration_since(self.at).as_secs_f64() * self.per_second;
        self.used = (self.used - drained).max(0.0);
        self.at = now;
    }

    fn has_room(&self, cost: f64) -> bool {
        // Draining by fractions leaves rounding errors behind.
        self.used + cost <= self.capacity + 1e-6
    }

    fn fill(&mut self, cost: f64) {
        // Use goes on accruing while throttled (Microsoft Graph, *Throttling*).
        self.used = (self.used + cost).min(self.capacity * REPORTED_TO);
    }

    fn share(&self) -> f64 {
        self.used / self.capacity
    }

    fn seconds_until_room(&self, cost: f64) -> u64 {
        let wait = ((self.used + cost - self.capacity) / self.per_second).max(0.0);
        Duration::from_secs_f64(wait.ceil()).as_secs().max(1)
    }
}

/// The quotas of the tenant in use.
#[derive(Debug)]
pub(super) struct Meters {
    quotas: Quotas,
    units_limit: Option<Limit>,
    tenant_id: String,
    apps: HashMap<String, (Option<Bucket>, Option<Bucket>)>,
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
            tenant_writes: quotas.bucket(quotas.tenant_writes, now),
            invitations: quotas.bucket(quotas.invitations, now),
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
            let own = (quotas.bucket(*units_limit, now), quotas.bucket(quotas.writes, now));
            apps.insert(app.to_owned(), own);
        }
        let (units, writes) = apps.get_mut(app).expect("inserted above");
        let is_write = cost.is_write || (cost.is_invitation && quotas.invitations_are_writes);
        let mut touched = [
            (
                cost.units > 0,
                f64::from(cost.units),
                units,
                "Tenant_Application/ReadWrite",
                Some("ResourceUnitLimitExceeded"),
            ),
            (is_write, 1.0, writes, "Tenant_Application/Write", Some("WriteLimitExceeded")),
            (is_write, 1.0, tenant_writes, "Tenant/Write", Some("WriteLimitExceeded")),
            (cost.is_invitation, 1.0, invitations, "Tenant/ReadWrite", None),
        ];
        let mut refused = None;
        for (touches, cost, bucket, scope, information) in &mut touched {
            let Some(bucket) = bucket.as_mut().filter(|_| *touches) else { continue };
            bucket.drain(now);
            if refused.is_none() && !bucket.has_room(*cost) {
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

    fn meters(quotas: Quotas, users: usize) -> Meters {
        Meters::new(quotas, users, "tenant".into())
    }

    const INVITATION: Cost = Cost { units: 0, is_write: false, is_invitation: true };
    const PATCH: Cost = Cost { units: 1, is_write: true, is_invitation: false };

    #[test]
    fn costs_are_the_documented_ones() {
        let table: [(&str, &[&str], &str, u32, bool); 10] = [
            ("GET", &["users"], "", 2, false),
            ("GET", &["users"], "$select=id&$top=999", 1, false),
            ("GET", &["users"], "$select=id&$top=5", 1, false),
            ("GET", &["users", "1"], "", 1, false),
            ("PATCH", &["users", "1"], "", 1, true),
            ("POST", &["directoryObjects", "getByIds"], "", 5, false),
            ("POST", &["directoryObjects", "getByIds"], "%24select=id", 4, false),
            (
                "GET",
                &["groups", "1", "transitiveMembers", "microsoft.graph.user"],
                "$select=id",
                4,
                false,
            ),
            (
                "GET",
                &["roleManagement", "directory", "roleAssignments"],
                "$expand=principal",
                2,
                false,
            ),
            ("GET", &["organization"], "$select=verifiedDomains", 1, false),
        ];
        for (method, segments, query, units, is_write) in table {
            let cost = cost(&method.parse().unwrap(), segments, query);
            assert_eq!(
                (cost.units, cost.is_write),
                (units, is_write),
                "{method} {segments:?} {query}"
            );
        }
    }

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
}
