//! How fast: every request passes here, there is no second way to send. What it
//! waits for, in this order: the rate that the tenant bears (`adaptive`, `bearable`), the
//! configured pace and the documented quotas (`budgets`), the end of a hold-off
//! (`hold_off`), and a place among the requests in flight.
//!
//! Leaves to others: sending, and what an answer means. The token endpoint is no
//! part of Graph and knows no pace.

mod adaptive;
mod bearable;
mod bucket;
mod budgets;
mod evidence;
mod hold_off;
mod units;
mod waits;

use std::time::Duration;

use http::HeaderMap;
use tokio::sync::{MutexGuard, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::adaptive::Adaptive;
use self::budgets::Budgets;
use self::hold_off::{HoldOffs, held_by};
use self::units::Costs;
use self::waits::{Cause, Waiting};

pub use self::budgets::EarlierWrite;
pub(super) use self::hold_off::Lane;
pub(super) use self::units::Shape;
pub use self::waits::Waits;

/// What the configuration says about pace.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// PATCH and POST together, per second. Microsoft documents 3,000 writes per
    /// 150 s for one application in one tenant (*Throttling limits*, 2026-02).
    pub writes_per_second: f64,
    /// Writes that may go at once after a pause.
    pub burst: u32,
    /// Requests of any kind under way at one time.
    pub requests_in_flight: usize,
}

/// The pacer of one tenant.
#[derive(Debug)]
pub(super) struct Pacer {
    budgets: Budgets,
    costs: Costs,
    /// Where each PATCH and each invitation stands in line. Fair: first come, first
    /// served. Held while waiting, so that at the end of a hold-off one goes and the
    /// others follow at the rate. One line each: while one is held off, the other goes
    /// on, and otherwise they take turns.
    patch_turn: tokio::sync::Mutex<()>,
    invite_turn: tokio::sync::Mutex<()>,
    /// What the tenant bears of both together.
    writes: Adaptive,
    /// What it bears of invitations, whose quota is another.
    invitations: Adaptive,
    hold_offs: HoldOffs,
    in_flight: Semaphore,
    waiting: Waiting,
    stop: CancellationToken,
}

/// The run is stopping: the request was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stopped;

/// A refusal that asked for patience.
#[derive(Debug, Clone, Copy)]
pub(super) struct Throttling<'a> {
    /// Of a request in this lane.
    pub(super) lane: Lane,
    /// When that was sent.
    pub(super) sent_at: Instant,
    pub(super) wait: Duration,
    /// `x-ms-throttle-scope`.
    pub(super) scope: Option<&'a str>,
    /// `x-ms-throttle-information`.
    pub(super) information: Option<&'a str>,
}

impl Pacer {
    pub(super) fn new(pace: Pace, stop: CancellationToken) -> Self {
        Self {
            budgets: Budgets::new(pace),
            costs: Costs::default(),
            patch_turn: tokio::sync::Mutex::new(()),
            invite_turn: tokio::sync::Mutex::new(()),
            writes: Adaptive::new(pace.writes_per_second),
            invitations: Adaptive::new(pace.writes_per_second),
            hold_offs: HoldOffs::default(),
            in_flight: Semaphore::new(pace.requests_in_flight),
            waiting: Waiting::default(),
            stop,
        }
    }

    /// Waits until a request may be sent. The permit is held until its answer is
    /// there.
    pub(super) async fn enter(
        &self,
        lane: Lane,
        shape: Shape,
    ) -> Result<SemaphorePermit<'_>, Stopped> {
        let permit = async {
            let turn = self.turn(lane, shape).await;
            let permit = self.admission(lane).await;
            drop(turn);
            permit
        };
        self.unless_stopped(permit).await
    }

    /// Waits for the turn of an invitation. It holds nothing; [`Self::enter_now`]
    /// follows.
    pub(super) async fn take_turn(&self, shape: Shape) -> Result<(), Stopped> {
        let turn = async {
            let turn = self.turn(Lane::Invite, shape).await;
            self.end_of_hold_off(Lane::Invite).await;
            drop(turn);
        };
        self.unless_stopped(turn).await
    }

    /// Enters with a turn taken before. None when a hold-off began since: what was
    /// true when the turn came may not be by the time it ends.
    pub(super) async fn enter_now(&self) -> Result<Option<SemaphorePermit<'_>>, Stopped> {
        let permit = self.unless_stopped(self.place()).await?;
        Ok(self.hold_offs.of(Lane::Invite).is_none().then_some(permit))
    }

    /// Waits for room for the items of a batch, whose own call costs nothing.
    pub(super) async fn take_units(
        &self,
        shapes: impl Iterator<Item = Shape>,
    ) -> Result<(), Stopped> {
        let units = shapes.map(|shape| self.costs.of(shape)).sum();
        self.unless_stopped(self.waiting.during(Cause::Quota, self.budgets.take_units(units))).await
    }

    /// Learns from an answer, of which kind soever: what it cost.
    pub(super) fn learn_cost(&self, shape: Shape, headers: &HeaderMap) {
        if let Some(units) = number(headers, "x-ms-resource-unit") {
            self.budgets.owe_units(self.costs.learn(shape, units));
        }
    }

    /// Learns from an answer that was no refusal for want of quota.
    pub(super) fn let_through(&self, lane: Lane, sent_at: Instant, headers: &HeaderMap) {
        let used = number(headers, "x-ms-throttle-limit-percentage");
        match lane {
            Lane::Read | Lane::Mail => {}
            Lane::Patch => self.writes.accepted(sent_at, used),
            Lane::Invite => {
                let is_shared = self.writes.passed(sent_at, used);
                self.invitations.accepted(sent_at, used.filter(|_| !is_shared));
            }
        }
    }

    /// Learns from a refusal: holds off what it names, and goes slower afterwards.
    pub(super) fn refused(&self, throttling: Throttling<'_>) {
        let Throttling { lane, sent_at, wait, scope, information } = throttling;
        let until = Instant::now() + wait;
        let held = held_by(lane, scope, information);
        self.hold_offs.hold(held, until);
        match lane {
            Lane::Read | Lane::Mail => {}
            // A quota of the directory, by what it says.
            Lane::Invite if held == [Lane::Invite] => self.invitations.refused(sent_at, until),
            Lane::Patch | Lane::Invite => self.writes.refused(sent_at, until),
        }
    }

    /// Learns how many users the tenant has, at least.
    pub(super) fn tenant_has(&self, users: u64) {
        self.budgets.tenant_has(users);
    }

    /// Notes what earlier runs spent.
    pub(super) fn spent(&self, writes: &[EarlierWrite]) {
        self.budgets.spent(writes);
    }

    /// What requests have waited for so far.
    pub(super) fn waits(&self) -> Waits {
        self.waiting.so_far()
    }

    /// Waits for everything that can be waited for without a place in flight: one that
    /// waits for its turn must not occupy a place that another could use.
    async fn turn(&self, lane: Lane, shape: Shape) -> Option<MutexGuard<'_, ()>> {
        let units = self.costs.of(shape);
        let turn = match lane {
            Lane::Read => {
                self.waiting.during(Cause::Quota, self.budgets.take_units(units)).await;
                return None;
            }
            // Its pace is the mailbox's, and kept by whoever mails.
            Lane::Mail => return None,
            Lane::Patch => self.patch_turn.lock().await,
            Lane::Invite => self.invite_turn.lock().await,
        };
        let bearable = async {
            self.writes.wait().await;
            if lane == Lane::Invite {
                self.invitations.wait().await;
            }
        };
        self.waiting.during(Cause::Throttling, bearable).await;
        self.waiting.during(Cause::Pace, self.budgets.pace.take(1.0)).await;
        let quota = async {
            self.budgets.take_write(lane == Lane::Invite).await;
            self.budgets.take_units(units).await;
        };
        self.waiting.during(Cause::Quota, quota).await;
        Some(turn)
    }

    /// Waits for a place in flight and the end of any hold-off, and holds no place
    /// while a hold-off lasts: the other lanes need it.
    async fn admission(&self, lane: Lane) -> SemaphorePermit<'_> {
        loop {
            self.end_of_hold_off(lane).await;
            let permit = self.place().await;
            if self.hold_offs.of(lane).is_none() {
                return permit;
            }
        }
    }

    async fn end_of_hold_off(&self, lane: Lane) {
        while let Some(moment) = self.hold_offs.of(lane) {
            self.waiting.during(Cause::Throttling, sleep_until(moment)).await;
        }
    }

    async fn place(&self) -> SemaphorePermit<'_> {
        let permit = self.waiting.during(Cause::InFlight, self.in_flight.acquire()).await;
        permit.expect("the semaphore is never closed")
    }

    async fn unless_stopped<T>(&self, wait: impl Future<Output = T>) -> Result<T, Stopped> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Stopped),
            done = wait => Ok(done),
        }
    }
}

fn number<T: std::str::FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// Sleeps, unless the run stops first.
pub(super) async fn sleep_or_stop(wait: Duration, stop: &CancellationToken) -> Result<(), Stopped> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(Stopped),
        () = tokio::time::sleep(wait) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
