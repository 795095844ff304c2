//! Who is due, and when reminders may be sent.

use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::config::{RemindSettings, Settings};
use crate::domain::UserType;

const DAY: u64 = 24 * 60 * 60;

fn at(text: &str) -> Timestamp {
    format!("2026-11-{text}:00Z").parse().unwrap()
}

/// The policy as the file gives it.
fn settings(remind: &str) -> RemindSettings {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("reinvite.toml");
    let text = format!(
        "[tenant]\nid = \"contoso.example\"\n[auth]\nmethod = \"access-token\"\n\
         access_token_env = \"T\"\n[remind]\n{remind}"
    );
    std::fs::write(&path, text).unwrap();
    let none = crate::config::Overrides::default();
    Settings::load(&path, true, |_| None, &none).unwrap().0.remind
}

fn key() -> InvitationKey {
    InvitationKey { user_id: Uuid::from_u128(1).into(), address: "a@b.example".parse().unwrap() }
}

fn guest(state: RedemptionState, changed_at: Timestamp) -> DirectoryUser {
    DirectoryUser {
        id: key().user_id,
        user_principal_name: "x".into(),
        display_name: None,
        mail: Some("a@b.example".into()),
        other_mails: Vec::new(),
        proxy_addresses: Vec::new(),
        user_type: UserType::Guest,
        creation_type: None,
        redemption: crate::domain::Redemption { state: Some(state), changed_at: Some(changed_at) },
        account_enabled: None,
        synced: false,
        formerly_synced: false,
        management_restricted: false,
    }
}

fn reminders(
    settings: RemindSettings,
    accepted: u64,
    last: Timestamp,
    now: Timestamp,
) -> Reminders {
    let first_at = at("02T12:00");
    let sent = Invitations {
        accepted,
        first_at,
        accepted_at: last,
        intended_at: last,
        refused_at: None,
        reminded: 0,
        reminded_at: None,
        bounced: false,
    };
    Reminders {
        settings,
        invitations: Arc::new(HashMap::from([(key(), sent)])),
        now,
        lag: SignedDuration::from_mins(5),
    }
}

#[test]
fn a_guest_is_due_after_the_wait_and_never_beyond_the_most() {
    use RedemptionState::{Accepted, PendingAcceptance};
    let policy = || RemindSettings {
        after: Some(Duration::from_secs(3 * DAY)),
        gap: Duration::from_secs(7 * DAY),
        ..RemindSettings::default()
    };
    let last = at("10T12:00");
    for (name, accepted, now, state, changed_at, due) in [
        ("too early", 1, "13T11:59", PendingAcceptance, last, false),
        ("after the first wait", 1, "13T12:00", PendingAcceptance, last, true),
        ("within the gap", 2, "13T12:00", PendingAcceptance, last, false),
        ("after the gap", 2, "17T12:00", PendingAcceptance, last, true),
        ("had its mails", 3, "30T12:00", PendingAcceptance, last, false),
        ("redeemed", 1, "30T12:00", Accepted, at("11T09:00"), false),
        ("invited by hand", 1, "30T12:00", PendingAcceptance, at("11T09:00"), false),
    ] {
        let reminders = reminders(policy(), accepted, last, at(now));
        assert_eq!(reminders.is_due(&key(), &guest(state, changed_at)), due, "{name}");
    }
    // A mail with the same link counts like an invitation, and does not hide one of others.
    for (reminded, now, changed_at, due) in [
        (1, "17T11:59", last, false),
        (1, "18T12:00", last, true),
        (2, "30T12:00", last, false),
        (1, "30T12:00", at("11T09:00"), false),
    ] {
        let mut again = reminders(policy(), 1, last, at(now));
        let sent = Arc::make_mut(&mut again.invitations).get_mut(&key()).unwrap();
        (sent.reminded, sent.reminded_at) = (reminded, Some(at("11T12:00")));
        let guest = guest(PendingAcceptance, changed_at);
        assert_eq!(again.is_due(&key(), &guest), due, "{reminded} reminded, {now}");
    }
    for (now, due) in [("24T11:59", false), ("24T12:00", true)] {
        let mut refused = reminders(policy(), 1, last, at(now));
        let sent = Arc::make_mut(&mut refused.invitations).get_mut(&key()).unwrap();
        sent.refused_at = Some(at("17T12:00"));
        let guest = guest(PendingAcceptance, last);
        assert_eq!(refused.is_due(&key(), &guest), due, "refused a week before {now}");
    }
    let off = reminders(RemindSettings::default(), 1, last, at("30T12:00"));
    assert!(!off.is_due(&key(), &guest(PendingAcceptance, last)));
    let other = InvitationKey { address: "c@d.example".parse().unwrap(), ..key() };
    let on = reminders(policy(), 1, last, at("30T12:00"));
    assert!(!on.is_due(&other, &guest(PendingAcceptance, last)), "never invited");
}

#[test]
fn nobody_is_reminded_in_quiet_hours_or_on_other_days() {
    let work =
        "after = \"1d\"\nquiet_hours = \"20:00-07:00\"\nweekdays = [\"mon\", \"tue\", \"fri\"]";
    let (open, days) = (Some("open"), "after = \"1d\"\nweekdays = [\"sat\"]");
    // 2 November 2026 is a Monday.
    for (remind, now, expected) in [
        (work, "02T06:59", (None, "02T07:00")),
        (work, "02T07:00", (open, "02T20:00")),
        (work, "02T20:00", (None, "03T07:00")),
        (work, "03T12:00", (open, "03T20:00")),
        (work, "03T22:00", (None, "06T07:00")),
        (work, "06T20:30", (None, "09T07:00")),
        (days, "06T23:59", (None, "07T00:00")),
        (days, "07T00:00", (open, "08T00:00")),
    ] {
        let reminders = reminders(settings(remind), 1, at("01T00:00"), at(now));
        let (is_open, change) = expected;
        let closed = is_open.is_none();
        assert_eq!(reminders.quiet_until(), closed.then(|| at(change)), "{now}");
        let until = if closed { at(now) } else { at(change) };
        assert_eq!(reminders.until(), Some(until), "{now}");
    }
    let always = reminders(RemindSettings::default(), 1, at("01T00:00"), at("02T00:00"));
    assert_eq!((always.until(), always.quiet_until()), (None, None));
}
