//! The pace against a quota, with the latency of a real service: time from the first
//! write to the last, beside the least that the buckets allow.

use std::fs;

use reinvite::emulator::{Ledger, Write};

use super::Outcome;
use super::process::run;
use super::round::{expect, manifest};
use super::tenant::{Pace, Tenant, workplace};

/// Milliseconds that reads, a PATCH and an invitation take.
const LATENCY: &str = "30..120,patch=80..250,invite=150..600";

/// Microsoft's documented quotas (*Throttling limits*, 2026-02), each with its window:
/// 3,000 writes in 150 s, 150 invitations in 5 s, which the emulator makes no shorter.
const WRITES_PER_SECOND: f64 = 20.0;
const WRITES_WINDOW: f64 = 150.0;
const INVITATIONS_PER_SECOND: f64 = 30.0;
const INVITATIONS_WINDOW: f64 = 5.0;

/// A quota, and what is configured against it. An invitation is a write, too: that is
/// the harder of two possibilities.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) guests: u32,
    /// The documented rates times this.
    pub(super) quota: f64,
    /// The documented windows times this: in a run of a minute, those of minutes would
    /// let everything through at once.
    pub(super) window: f64,
    /// Nothing is said of it before it is used up.
    pub(super) is_silent: bool,
    /// Every how many writes is refused for a second, whatever the pace.
    pub(super) refuse_every: Option<u32>,
    pub(super) pace: Pace,
}

#[derive(Debug)]
pub(super) struct Paced {
    pub(super) setting: Setting,
    pub(super) seconds: f64,
    pub(super) optimum: f64,
    pub(super) refused: u64,
    pub(super) limited_by: String,
}

impl Setting {
    /// The least time for all writes: of every bucket its depth at once, the rest at
    /// its rate, and what is refused whatever the pace waits its second.
    fn optimum(&self) -> f64 {
        let Self { quota, window, refuse_every, pace, .. } = *self;
        let guests = f64::from(self.guests);
        let own = f64::from(pace.writes_per_second);
        let [writes, invitations] =
            [WRITES_PER_SECOND, INVITATIONS_PER_SECOND].map(|rate| rate * quota);
        let waits = refuse_every.map_or(0.0, |every| 2.0 * guests / f64::from(every - 1));
        [
            (2.0 * guests + waits * own, own, f64::from(pace.burst)),
            (2.0 * guests, writes, writes * WRITES_WINDOW * window),
            (guests, invitations, invitations * INVITATIONS_WINDOW * window.max(1.0)),
        ]
        .into_iter()
        .map(|(requests, rate, depth)| (requests - depth) / rate)
        .fold(0.0, f64::max)
    }

    pub(super) fn measure(self) -> Outcome<Paced> {
        let directory = workplace()?;
        let directory = directory.path();
        let mut flags = vec![
            format!("--quota={}", self.quota),
            format!("--quota-window={}", self.window),
            format!("--latency={LATENCY}"),
            "--invitations-are-writes".to_owned(),
        ];
        flags.extend(self.is_silent.then(|| "--silent-quota".to_owned()));
        flags.extend(self.refuse_every.map(|every| format!("--refuse-every={every}")));
        let tenant = Tenant::start(directory, self.guests, &flags)?;
        fs::write(directory.join("guests.csv"), manifest(self.guests))?;
        fs::write(directory.join("reinvite.toml"), tenant.configuration(&self.pace))?;
        run(directory, "apply", ["apply", "guests.csv", "--yes", "--output", "json"])?;
        let summary = expect(directory, "apply", "invited", self.guests)?;
        let ledger: Ledger = tenant.about("ledger")?;
        let times = ledger.writes.iter().map(Write::at);
        let (first, last) = times.clone().min().zip(times.max()).ok_or("nothing was written")?;
        Ok(Paced {
            setting: self,
            seconds: last.duration_since(first).as_secs_f64(),
            optimum: self.optimum(),
            refused: summary["throttled"].as_u64().ok_or("no throttled")?,
            limited_by: summary["limited_by"].as_str().ok_or("no limited_by")?.to_owned(),
        })
    }
}
