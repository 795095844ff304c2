//! What the tenant permits: the documented quotas as buckets that fill with use
//! and drain with time.
//!
//! Leaves to others: the buckets in use (`meters`), saying no (`errors`), and faults that
//! pretend to be throttling (`faults`). Numbers and costs: Microsoft Graph, *Service-specific throttling
//! limits*, 2026-02.

use std::time::Duration;

use http::Method;
use tokio::time::Instant;

use super::meters::Bucket;

/// What the tenant permits.
#[derive(Debug, Clone, PartialEq)]
pub struct Quotas {
    /// Resource units of one application.
    pub resource_units: ResourceUnits,
    /// Writes of one application.
    pub writes: Option<Limit>,
    /// Writes of one application in all tenants, of which there is but this one.
    pub application_writes: Option<Limit>,
    /// Resource units of one application in all tenants.
    pub application_units: Option<Limit>,
    /// Writes of all applications.
    pub tenant_writes: Option<Limit>,
    /// Invitations of all applications.
    pub invitations: Option<Limit>,
    /// Whether an invitation counts as a write too, which is not documented.
    pub invitations_are_writes: bool,
    /// What other applications use of the limits that all of them share.
    pub others: Others,
    /// Over a limit a growing share of the requests is refused, from none at the limit to
    /// four of five at 1.8 times of it, as `x-ms-throttle-limit-percentage` is documented;
    /// otherwise all are.
    pub refuses_gradually: bool,
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

/// What other applications of the tenant do all the time, in a second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Others {
    pub writes: f64,
    pub invitations: f64,
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
            application_writes: Some(Limit::new(35_000.0, 300)),
            application_units: Some(Limit::new(150_000.0, 20)),
            tenant_writes: Some(Limit::new(18_000.0, 300)),
            invitations: Some(Limit::new(150.0, 5)),
            invitations_are_writes: false,
            others: Others::default(),
            refuses_gradually: false,
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
            application_writes: None,
            application_units: None,
            tenant_writes: None,
            invitations: None,
            invitations_are_writes: false,
            others: Others::default(),
            refuses_gradually: false,
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

    pub(super) fn bucket(&self, limit: Option<Limit>, now: Instant) -> Option<Bucket> {
        let Limit { amount, per } = limit?;
        let per_second = amount * self.scale / per.as_secs_f64();
        let window = per.mul_f64(self.window).max(per.min(SHORTEST_WINDOW));
        let capacity = (per_second * window.as_secs_f64()).max(1.0);
        Some(Bucket::new(capacity, per_second, now))
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
