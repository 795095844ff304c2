//! What is concluded from a reading: one table.

use jiff::SignedDuration;
use uuid::Uuid;

use super::*;
use crate::domain::{Redemption, Resend, UserId, UserType};
use RedemptionState::{Accepted, PendingAcceptance};

const ADDRESS: &str = "new@northwind.example";
const OLD: &str = "old@fabrikam.example";

/// Accepted at noon, its intent two seconds before.
fn noon() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn minutes(minutes: i64) -> Timestamp {
    noon() + SignedDuration::from_mins(minutes)
}

fn id() -> UserId {
    Uuid::from_u128(1).into()
}

fn key(address: &str) -> InvitationKey {
    InvitationKey { user_id: id(), address: address.parse().unwrap() }
}

fn guest(mail: &str, state: Option<RedemptionState>, changed_at: Timestamp) -> DirectoryUser {
    DirectoryUser {
        id: id(),
        user_principal_name: "old_fabrikam.example#EXT#@contoso.example".into(),
        display_name: None,
        mail: Some(mail.into()),
        other_mails: Vec::new(),
        proxy_addresses: Vec::new(),
        user_type: UserType::Guest,
        creation_type: Some("Invitation".into()),
        redemption: Redemption { state, changed_at: Some(changed_at) },
        account_enabled: Some(true),
        synced: false,
        formerly_synced: false,
        management_restricted: false,
    }
}

/// What a reading so many minutes after noon shows of a guest.
fn seen(
    states: &[(&str, LedgerState, i64)],
    guest: Option<DirectoryUser>,
    at: i64,
) -> Vec<(String, String)> {
    let mut ledger = Ledger::default();
    let mut invitations = HashMap::new();
    for (address, state, minute) in states {
        let at = minutes(*minute);
        ledger.record(key(address), LedgerEntry { state: state.clone(), at, resend: None });
        let intended_at = at - SignedDuration::from_secs(2);
        let sent = Invitations {
            accepted: 1,
            first_at: at,
            accepted_at: at,
            intended_at,
            refused_at: None,
            reminded: 0,
            reminded_at: None,
            bounced: false,
        };
        invitations.insert(key(address), sent);
    }
    ledger.record_name(OLD, id());
    let mut directory = Directory::default();
    if let Some(guest) = guest {
        directory.add_user(guest);
    }
    let lag = SignedDuration::from_mins(5);
    let look = Look { mail: MailWrite::Mail, at: minutes(at), lag };
    observations(&ledger, &invitations, &directory, look)
        .into_iter()
        .map(|(key, observation)| {
            let word = match observation {
                Observation::Shows(sighting) => {
                    assert_eq!(sighting.key, key);
                    match sighting.shows {
                        Shows::MailChanged { back: true, .. } => "mail-changed back".to_owned(),
                        shows => shows.word().to_owned(),
                    }
                }
                Observation::TooEarly => "too early".to_owned(),
                Observation::NotInvited => "not invited".to_owned(),
                Observation::Unknown => "unknown".to_owned(),
            };
            (key.address.to_string(), word)
        })
        .collect()
}

#[test]
fn a_reading_is_judged_by_what_was_sent_and_how_long_replicas_lag() {
    let invited = || LedgerState::Invited;
    let frozen = || Some(RedemptionState::Other("Frozen".into()));
    let before = -10_000;
    for (name, state, mail, redemption, changed, soon, later) in [
        ("shown at once", invited(), ADDRESS, Some(PendingAcceptance), 0, "pending", "pending"),
        ("redeemed", invited(), ADDRESS, Some(Accepted), 3, "redeemed", "redeemed"),
        ("not yet shown", invited(), ADDRESS, Some(Accepted), before, "too early", "no-trace"),
        (
            "was pending before",
            invited(),
            ADDRESS,
            Some(PendingAcceptance),
            before,
            "too early",
            "pending",
        ),
        ("state gone", invited(), ADDRESS, None, 1, "too early", "no-trace"),
        (
            "shown a little late",
            invited(),
            ADDRESS,
            Some(PendingAcceptance),
            5,
            "pending",
            "pending",
        ),
        (
            "invited by hand",
            invited(),
            ADDRESS,
            Some(PendingAcceptance),
            6,
            "reinvited",
            "reinvited",
        ),
        ("a new state", invited(), ADDRESS, frozen(), 3, "unclear", "unclear"),
        ("a new state, old", invited(), ADDRESS, frozen(), before, "too early", "no-trace"),
        ("mail back", invited(), OLD, Some(PendingAcceptance), 0, "too early", "mail-changed back"),
        ("mail other", invited(), "x@y.example", Some(Accepted), 9, "too early", "mail-changed"),
        (
            "written only",
            LedgerState::Patched,
            ADDRESS,
            Some(Accepted),
            before,
            "not invited",
            "not invited",
        ),
        (
            "written, and changed",
            LedgerState::Patched,
            OLD,
            None,
            before,
            "too early",
            "mail-changed back",
        ),
        ("to be sent", LedgerState::Outstanding, OLD, None, before, "not invited", "not invited"),
        ("lost", LedgerState::Unknown { before: None }, OLD, None, 0, "unknown", "unknown"),
    ] {
        let states = [(ADDRESS, state, 0)];
        for (at, expected) in [(4, soon), (5, later)] {
            let guest = guest(mail, redemption.clone(), minutes(changed));
            let shown = seen(&states, Some(guest), at);
            assert_eq!(shown, [(ADDRESS.to_owned(), expected.to_owned())], "{name} at {at}");
        }
    }
    let gone = seen(&[(ADDRESS, invited(), 0)], None, 1);
    assert_eq!(gone, [(ADDRESS.to_owned(), "deleted".to_owned())]);
}

/// Asked at 60, refused at 61: the one accepted at noon stands.
#[test]
fn a_guest_to_whom_a_person_asked_to_send_again_is_still_an_invited_one() {
    let shown = |state: LedgerState, redemption: RedemptionState, changed: i64| {
        let mut ledger = Ledger::default();
        let before = Redemption { state: Some(PendingAcceptance), changed_at: Some(noon()) };
        let resend = Some(Resend { invited_at: noon(), before });
        ledger.record(key(ADDRESS), LedgerEntry { state, at: minutes(61), resend });
        let mut directory = Directory::default();
        directory.add_user(guest(ADDRESS, Some(redemption), minutes(changed)));
        let (at, lag) = (minutes(100), SignedDuration::from_mins(5));
        let intended_at = noon() - SignedDuration::from_secs(2);
        let sent = Invitations {
            accepted: 1,
            first_at: noon(),
            accepted_at: noon(),
            intended_at,
            refused_at: None,
            reminded: 0,
            reminded_at: None,
            bounced: false,
        };
        let sent = [(key(ADDRESS), sent)].into();
        let look = Look { mail: MailWrite::Mail, at, lag };
        match observations(&ledger, &sent, &directory, look).remove(0).1 {
            Observation::Shows(sighting) => sighting.shows.word(),
            other => panic!("{other:?}"),
        }
    };
    let failed = LedgerState::Failed { code: "x".into(), message: "x".into() };
    for state in [failed, LedgerState::Outstanding, LedgerState::Patched] {
        assert_eq!(shown(state.clone(), PendingAcceptance, 0), "pending", "{state:?}");
        assert_eq!(shown(state.clone(), Accepted, 30), "redeemed", "{state:?}");
        assert_eq!(shown(state.clone(), PendingAcceptance, 30), "reinvited", "{state:?}");
    }
}

#[test]
fn of_a_guest_moved_on_only_the_last_address_counts() {
    const NEXT: &str = "next@tailspin.example";
    let pending = |mail| Some(guest(mail, Some(PendingAcceptance), minutes(60)));
    let invited = || LedgerState::Invited;
    let moved = [(ADDRESS, invited(), 0), (NEXT, invited(), 60)];
    assert_eq!(seen(&moved, pending(NEXT), 100), [(NEXT.to_owned(), "pending".to_owned())]);
    // Set back by hand: no reason to count the first address again.
    assert_eq!(seen(&moved, pending(ADDRESS), 100), [(NEXT.to_owned(), "mail-changed".to_owned())]);
    // Moved on, and back: the order tells, not what became known when.
    let came_back = [(NEXT, invited(), 30), (ADDRESS, invited(), 0)];
    assert_eq!(
        seen(&came_back, pending(NEXT), 100),
        [(ADDRESS.to_owned(), "mail-changed".to_owned())]
    );
    // Refused for good after its mail was written: that is our own hand, too.
    let failed = LedgerState::Failed { code: "x".into(), message: "x".into() };
    let refused = [(ADDRESS, invited(), 0), (NEXT, failed, 60)];
    assert_eq!(seen(&refused, pending(NEXT), 100), [(NEXT.to_owned(), "not invited".to_owned())]);
    let shown = seen(&refused, pending(ADDRESS), 100);
    assert!(shown.contains(&(ADDRESS.to_owned(), "reinvited".to_owned())), "{shown:?}");
}
