//! Until when the service wants to hear nothing, and of what.
//!
//! Leaves to others: how long it asked for (`backoff`), and going slower afterwards
//! (`adaptive`).

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// What can be held off by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Lane {
    Read,
    Patch,
    Invite,
    /// A mailbox, whose limits are Exchange's.
    Mail,
}

const ALL: &[Lane] = &[Lane::Read, Lane::Patch, Lane::Invite];
const WRITES: &[Lane] = &[Lane::Patch, Lane::Invite];

/// What a refusal holds off, from the lane of the refused request,
/// `x-ms-throttle-scope` (`Tenant_Application/Write/…`) and
/// `x-ms-throttle-information` (Microsoft Graph, *Throttling*).
///
/// Without a usable scope it is the lane alone, and for a PATCH invitations as well:
/// they may count as directory writes. A refused invitation holds off invitations: the
/// invitation service's own quota is one of `/invitations` for the whole tenant, so
/// `Tenant/ReadWrite` says no more than that there. A scope of the application, or
/// information that names a quota of the directory, does say more.
pub(super) fn held_by(
    lane: Lane,
    scope: Option<&str>,
    information: Option<&str>,
) -> &'static [Lane] {
    if lane == Lane::Mail {
        return &[Lane::Mail];
    }
    let (level, access) = scope
        .and_then(|scope| scope.split_once('/'))
        .map_or(("", ""), |(level, rest)| (level, rest.split('/').next().unwrap_or_default()));
    let is = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
    if is(access, "ReadWrite") {
        let units = information.is_some_and(|what| is(what, "ResourceUnitLimitExceeded"));
        if lane == Lane::Invite && is(level, "Tenant") && !units {
            return &[Lane::Invite];
        }
        return ALL;
    }
    match (lane, is(access, "Write")) {
        (Lane::Read, true) => ALL,
        (Lane::Read, false) => &[Lane::Read],
        (Lane::Patch, _) | (Lane::Invite, true) => WRITES,
        (Lane::Invite, false) => &[Lane::Invite],
        (Lane::Mail, _) => &[Lane::Mail],
    }
}

/// The moments before which nothing of a lane is sent. Moments, not spans: they mean
/// the same to everyone who reads them.
#[derive(Debug, Default)]
pub(super) struct HoldOffs(Mutex<[Option<Instant>; 4]>);

impl HoldOffs {
    /// Until when the lane is held off, if that lies ahead.
    pub(super) fn of(&self, lane: Lane) -> Option<Instant> {
        let moments = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        moments[lane as usize].filter(|moment| *moment > Instant::now())
    }

    /// Holds lanes off; never shortens an earlier wish.
    pub(super) fn hold(&self, lanes: &[Lane], until: Instant) {
        let mut moments = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for lane in lanes {
            let moment = &mut moments[*lane as usize];
            *moment = (*moment).max(Some(until));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_refusal_holds_off_what_its_scope_names() {
        use Lane::{Invite, Patch, Read};
        const UNITS: Option<&str> = Some("ResourceUnitLimitExceeded");
        for (lane, scope, information, held) in [
            (Patch, Some("Tenant_Application/Write/app/tenant"), None, WRITES),
            (Patch, Some("Tenant_Application/ReadWrite/app/tenant"), UNITS, ALL),
            (Patch, Some("Tenant/Write/app/tenant"), Some("WriteLimitExceeded"), WRITES),
            (Read, Some("Tenant_Application/ReadWrite/app/tenant"), UNITS, ALL),
            (Read, Some("Tenant_Application/Read/app/tenant"), None, &[Read][..]),
            (Invite, Some("Tenant/ReadWrite/app/tenant"), None, &[Invite]),
            (Invite, Some("Tenant/ReadWrite/app/tenant"), UNITS, ALL),
            (Invite, Some("Tenant_Application/ReadWrite/app/tenant"), None, ALL),
            (Invite, Some("tenant_application/write/app/tenant"), None, WRITES),
            // What it means is nowhere written: the lane.
            (Invite, Some("Tenant_Application/Read/app/tenant"), None, &[Invite]),
            (Patch, Some("Tenant_Application/Read/app/tenant"), None, WRITES),
            (Read, Some("Tenant_Application/Write/app/tenant"), None, ALL),
            (Read, Some("nonsense"), None, &[Read]),
            (Read, None, None, &[Read]),
            (Patch, None, None, WRITES),
            (Invite, None, None, &[Invite]),
        ] {
            assert_eq!(
                held_by(lane, scope, information),
                held,
                "{lane:?} {scope:?} {information:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_off_is_never_shortened_and_ends_by_itself() {
        let hold_offs = HoldOffs::default();
        let now = Instant::now();
        let [long, short] = [30, 5].map(|seconds| now + Duration::from_secs(seconds));
        hold_offs.hold(WRITES, long);
        hold_offs.hold(ALL, short);
        assert_eq!(hold_offs.of(Lane::Patch), Some(long));
        assert_eq!(hold_offs.of(Lane::Read), Some(short));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(hold_offs.of(Lane::Read), None);
        assert_eq!(hold_offs.of(Lane::Invite), Some(long));
    }
}
