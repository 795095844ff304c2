//! How fast the program writes: presets, and what overrides them.
//!
//! Leaves to others: keeping the pace, and slowing down when the service asks.

use std::time::Duration;

use super::duration::parse_duration;
use super::key;
use super::layers::{Layers, Reported};

/// The fastest pace that makes sense at all; only an emulator permits it.
const MOST_WRITES_PER_SECOND: u32 = 1_000_000;

/// Connections and memory bound it; Graph serves far fewer well.
const MOST_REQUESTS_IN_FLIGHT: u32 = 1024;

/// A named pace.
///
/// Graph documents 3,000 directory writes per 150 s for one application in one
/// tenant, which is 20 a second (*throttling limits*, 2026-02). Whether an
/// invitation counts as a directory write besides its own limit is not
/// documented, so PATCH and POST share the pace. Staying below the quota is not
/// all there is to it: invitations are blocked "for suspicious activity" at
/// thresholds that are nowhere written, after as few as a dozen, and only
/// Microsoft's support lifts the block. So the default is far below the quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    /// For new tenants, first runs, and whoever has been blocked before: one
    /// write a second, a guest every two.
    Careful,
    /// A fifth of the documented quota: 4,000 guests in a little over half an
    /// hour, and room for other writers of the same application.
    #[default]
    Steady,
    /// Just below the documented quota, for tenants known to bear it. The burst
    /// stays well within a window of 3,000.
    Full,
}

const PRESETS: &[(&str, Preset)] =
    &[("careful", Preset::Careful), ("steady", Preset::Steady), ("full", Preset::Full)];

#[derive(Debug, Clone, PartialEq)]
pub struct PaceSettings {
    /// The preset that the rest was taken from, where it wasn't overridden.
    pub preset: Preset,
    /// PATCH and POST together; may be less than one.
    pub writes_per_second: f64,
    /// Writes that may go out at once after a pause; at least one.
    pub burst: u32,
    /// Requests of any kind under way at the same time; at least one.
    pub requests_in_flight: usize,
    /// The first wait between PATCH and POST of one guest.
    pub settle: Duration,
    /// The longest we believe a replica of the directory lags behind.
    pub replication_lag: Duration,
}

impl From<Preset> for PaceSettings {
    fn from(preset: Preset) -> Self {
        let (writes_per_second, burst, requests_in_flight) = match preset {
            Preset::Careful => (1.0, 1, 4),
            Preset::Steady => (4.0, 4, 16),
            Preset::Full => (18.0, 100, 64),
        };
        Self {
            preset,
            writes_per_second,
            burst,
            requests_in_flight,
            settle: Duration::from_secs(15),
            replication_lag: Duration::from_mins(5),
        }
    }
}

impl Default for PaceSettings {
    fn default() -> Self {
        Self::from(Preset::default())
    }
}

impl PaceSettings {
    pub(super) fn resolve(layers: &mut Layers<'_>) -> Result<Self, Reported> {
        let preset = layers.get(key::PACE_PRESET, |value| value.choice(PRESETS));
        let writes =
            layers.get(key::PACE_WRITES_PER_SECOND, |value| value.positive(MOST_WRITES_PER_SECOND));
        let burst = layers.get(key::PACE_BURST, |value| value.whole(1, u32::MAX));
        let in_flight = layers
            .get(key::PACE_REQUESTS_IN_FLIGHT, |value| value.whole(1, MOST_REQUESTS_IN_FLIGHT));
        let settle = layers.get(key::PACE_SETTLE, |value| value.parsed(parse_duration));
        let lag = layers.get(key::PACE_REPLICATION_LAG, |value| value.parsed(parse_duration));
        let base = Self::from(preset?.unwrap_or_default());
        Ok(Self {
            preset: base.preset,
            writes_per_second: writes?.unwrap_or(base.writes_per_second),
            burst: burst?.unwrap_or(base.burst),
            requests_in_flight: in_flight?
                .map_or(base.requests_in_flight, |number| number as usize),
            settle: settle?.unwrap_or(base.settle),
            replication_lag: lag?.unwrap_or(base.replication_lag),
        })
    }
}
