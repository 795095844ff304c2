//! What is recorded, and what of it is read back.

use futures_util::future::join_all;

use super::*;
use crate::checkpoint::{Announced, Planned, read_ledger};
use crate::domain::{Invitations, LedgerEntry, LedgerState, Resend, Shows, Sighting};

#[tokio::test]
async fn every_record_leaves_the_state_that_planning_reads() {
    let evidence = || Record::Unknown { key: key(1), evidence: "nothing".to_owned() };
    let unknown = LedgerState::Unknown { before: Some(redemption()) };
    let refused = LedgerState::Failed { code: "gone".into(), message: "because of gone".into() };
    for (name, records, state, since) in [
        ("patching", vec![patching(1, "a@b.example")], Some(LedgerState::Patching), 1),
        (
            "patched",
            vec![patching(1, "a@b.example"), Record::Patched { key: key(1) }],
            Some(LedgerState::Patched),
            2,
        ),
        ("intended", vec![intended(1)], Some(unknown.clone()), 1),
        (
            "intended and evidence",
            vec![intended(1), evidence(), evidence()],
            Some(unknown.clone()),
            1,
        ),
        ("evidence alone", vec![evidence()], None, 0),
        ("outstanding", vec![intended(1), outstanding(1)], Some(LedgerState::Outstanding), 2),
        (
            "intended again",
            vec![intended(1), outstanding(1), intended(1)],
            Some(unknown.clone()),
            3,
        ),
        ("invited", vec![intended(1), invited(1)], Some(LedgerState::Invited), 2),
        ("settled later", vec![intended(1), evidence(), invited(1)], Some(LedgerState::Invited), 3),
        ("failed", vec![intended(1), failed(1, "gone")], Some(refused), 2),
        // Nothing is known to stand yet: what became of the first is still the question.
        ("asked for again, unknown", vec![intended(1), resend_asked(1)], Some(unknown), 1),
        (
            "sent again, and not sent after all",
            vec![intended(1), invited(1), intended(1), outstanding(1)],
            Some(LedgerState::Invited),
            2,
        ),
        (
            "sent again after being turned away, and refused",
            vec![intended(1), invited(1), intended(1), outstanding(1), intended(1), failed(1, "x")],
            Some(LedgerState::Invited),
            2,
        ),
        (
            "not even sent again",
            vec![intended(1), invited(1), failed(1, "gone")],
            Some(LedgerState::Invited),
            2,
        ),
        (
            "sent again, answer lost",
            vec![intended(1), invited(1), intended(1), evidence()],
            Some(LedgerState::Unknown { before: Some(redemption()) }),
            3,
        ),
        (
            "sent again",
            vec![intended(1), invited(1), intended(1), invited(1)],
            Some(LedgerState::Invited),
            4,
        ),
        (
            "mail put right",
            vec![
                intended(1),
                invited(1),
                Record::Correcting { key: key(1), found: None },
                Record::Corrected { key: key(1) },
            ],
            Some(LedgerState::Invited),
            2,
        ),
    ] {
        let place = Place::new();
        place.run(Vec::new(), &records).await;
        let expected = state.map(|state| LedgerEntry { state, at: at(since), resend: None });
        let reopened = Checkpoint::open(&place.path(), at(1000)).unwrap();
        assert_eq!(reopened.ledger().unwrap().get(&key(1)), expected.as_ref(), "{name}");
        assert_eq!(read_ledger(&place.path()).unwrap().get(&key(1)), expected.as_ref(), "{name}");
        assert_eq!(events(&place.path()).len(), records.len(), "{name}");
    }
}

#[tokio::test]
async fn a_request_to_send_again_is_open_until_an_invitation_is_accepted() {
    let first = || vec![intended(1), invited(1), resend_asked(1)];
    let resend = Resend { invited_at: at(2), before: redemption() };
    let refused = LedgerState::Failed { code: "gone".into(), message: "because of gone".into() };
    let gone = refused.clone();
    let anew = || {
        let Record::Patching { key, reference, before, .. } = patching(1, "a@b.example") else {
            unreachable!("it is one")
        };
        Record::Patching { key, reference, before, anew: true }
    };
    let unknown = LedgerState::Unknown { before: Some(redemption()) };
    for (name, then, state, since, open) in [
        ("asked", vec![], LedgerState::Invited, 2, true),
        ("asked twice", vec![resend_asked(1)], LedgerState::Invited, 2, true),
        ("written", vec![patching(1, "a@b.example")], LedgerState::Patching, 4, true),
        ("intended", vec![intended(1)], unknown, 4, true),
        ("put back", vec![intended(1), outstanding(1)], LedgerState::Outstanding, 5, true),
        ("refused", vec![intended(1), failed(1, "gone")], refused, 5, true),
        (
            "refused and asked again",
            vec![failed(1, "gone"), resend_asked(1), intended(1), outstanding(1)],
            LedgerState::Outstanding,
            7,
            true,
        ),
        ("accepted", vec![intended(1), invited(1)], LedgerState::Invited, 5, false),
        ("wanted anew", vec![anew()], LedgerState::Patching, 4, false),
        ("wanted anew, refused", vec![anew(), failed(1, "gone")], gone, 5, false),
    ] {
        let place = Place::new();
        let records: Vec<Record> = first().into_iter().chain(then).collect();
        place.run(Vec::new(), &records).await;
        let resend = open.then(|| resend.clone());
        let expected = LedgerEntry { state, at: at(since), resend };
        assert_eq!(read_ledger(&place.path()).unwrap().get(&key(1)), Some(&expected), "{name}");
    }
}

#[tokio::test]
async fn redemptions_come_back_as_they_were() {
    for before in [
        Redemption::default(),
        Redemption { state: Some(RedemptionState::PendingAcceptance), changed_at: None },
        Redemption {
            state: Some(RedemptionState::Other("Frozen".into())),
            changed_at: Some(at(-1)),
        },
        Redemption { state: None, changed_at: Some(at(-1)) },
    ] {
        let place = Place::new();
        let record = Record::Intended {
            key: key(1),
            reference: "x".into(),
            reason: IntentReason::NewAddress,
            before: before.clone(),
            silent: false,
            anew: false,
        };
        place.run(Vec::new(), &[record]).await;
        let ledger = read_ledger(&place.path()).unwrap();
        let state = LedgerState::Unknown { before: Some(before) };
        assert_eq!(ledger.get(&key(1)).map(|entry| &entry.state), Some(&state));
    }
}

#[tokio::test]
async fn records_written_together_are_all_there_in_their_order() {
    const GUESTS: u128 = 700;
    let place = Place::new();
    let journal = place.begin(Vec::new());
    let one_guest = async |n| {
        journal.append(intended(n), at(1)).await.unwrap();
        journal.append(invited(n), at(2)).await.unwrap();
    };
    join_all((1..=GUESTS).map(one_guest)).await;
    end(journal);
    let ledger = read_ledger(&place.path()).unwrap();
    for n in 1..=GUESTS {
        assert_eq!(ledger.get(&key(n)).unwrap().state, LedgerState::Invited, "{n}");
    }
    assert_eq!(events(&place.path()).len(), 1400);
}

#[tokio::test]
async fn a_record_that_was_acknowledged_is_seen_by_others_at_once() {
    let place = Place::new();
    let journal = place.begin(Vec::new());
    for n in 1..=20 {
        journal.append(intended(n), at(1)).await.unwrap();
        assert!(read_ledger(&place.path()).unwrap().get(&key(n)).is_some());
    }
    end(journal);
}

#[tokio::test]
async fn the_first_before_image_is_kept_over_runs() {
    let place = Place::new();
    place.run(Vec::new(), &[patching(1, "First@fabrikam.example")]).await;
    place.run(Vec::new(), &[patching(1, "second@fabrikam.example")]).await;
    let connection = rusqlite::Connection::open(place.path()).unwrap();
    let image: (String, String, i64) = connection
        .query_row("SELECT mail, other_mails, count(*) FROM before_image", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(image, ("First@fabrikam.example".into(), "[\"x@y.example\"]".into(), 1));
}

#[tokio::test]
async fn a_moved_guest_is_known_by_every_name_it_had() {
    let place = Place::new();
    place.run(Vec::new(), &[patching(1, "Old@Fabrikam.example"), intended(1)]).await;
    // What a name meant first, it means for good.
    place.run(Vec::new(), &[patching(2, "old@fabrikam.example")]).await;
    let ledger = read_ledger(&place.path()).unwrap();
    for name in ["old@fabrikam.example", "guest1@fabrikam.example", "ref-1"] {
        assert_eq!(ledger.user_named(name), Some(key(1).user_id), "{name}");
    }
    assert_eq!(ledger.user_named("guest2@fabrikam.example"), Some(key(2).user_id));
    assert_eq!(ledger.user_named("nobody"), None);
}

#[tokio::test]
async fn the_end_of_a_run_leaves_one_file_that_only_its_owner_reads() {
    let place = Place::new();
    let journal = place.begin(Vec::new());
    journal.append(invited(1), at(1)).await.unwrap();
    let files = || {
        let mut names: Vec<_> = std::fs::read_dir(place.0.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap()))
            .collect();
        names.sort_by(|one, other| one.0.cmp(&other.0));
        names
    };
    #[cfg(unix)]
    for (name, metadata) in files() {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
    end(journal);
    let names: Vec<String> = files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["guests.csv.checkpoint"]);
}

#[tokio::test]
async fn what_was_announced_lately_is_known_and_what_was_not_sent_counts_too() {
    let place = Place::new();
    let records =
        [patching(1, "a@b.example"), intended(1), outstanding(1), intended(1), invited(1)];
    // A second apart, from 1.
    place.run(vec![], &records).await;
    let checkpoint = Checkpoint::open(&place.path(), at(100)).unwrap();
    let known = |since, most| {
        let announced = checkpoint.announced_since(at(since), most).unwrap();
        let seconds = announced
            .iter()
            .map(|write| (write.at.duration_since(at(0)).as_secs(), write.is_invitation));
        seconds.collect::<Vec<_>>()
    };
    assert_eq!(known(0, 10), [(4, true), (2, true), (1, false)]);
    assert_eq!(known(2, 10), [(4, true), (2, true)]);
    assert_eq!(known(0, 1), [(4, true)]);
    assert_eq!(known(6, 10), []);
}

#[tokio::test]
async fn a_mail_put_right_is_a_write_like_any_other() {
    let place = Place::new();
    let found = Some("x@y.example".to_owned());
    place.run(vec![], &[Record::Correcting { key: key(1), found }]).await;
    let checkpoint = Checkpoint::open(&place.path(), at(100)).unwrap();
    let announced = checkpoint.announced_since(at(0), 10).unwrap();
    assert_eq!(announced, [Announced { at: at(1), is_invitation: false }]);
}

/// What was settled from the directory may have been sent before the tenant said stop:
/// only an answer shows that it says so no longer.
#[tokio::test]
async fn a_stop_of_the_tenant_is_remembered_until_an_invitation_is_accepted() {
    let place = Place::new();
    let is_stopped = |place: &Place| {
        let checkpoint = Checkpoint::open(&place.path(), at(1000)).unwrap();
        checkpoint.is_stopped_by(|reason| reason == "invitations-blocked").unwrap()
    };
    let journal = place.begin(Vec::new());
    journal.append(intended(1), at(1)).await.unwrap();
    let (stop_reason, summary) = (Some("invitations-blocked"), "{}".to_owned());
    journal.end_run(&RunEnd { at: at(2), stop_reason, exit_code: 5, summary }).unwrap();
    assert!(is_stopped(&place));
    let settled = Record::Invited { key: key(1), how: InvitedHow::SettledFromDirectory };
    place.run(Vec::new(), &[settled]).await;
    assert!(is_stopped(&place));
    place.run(Vec::new(), &[intended(2), invited(2)]).await;
    assert!(!is_stopped(&place));
}

#[tokio::test]
async fn history_counts_invitations_and_keeps_the_last_sighting() {
    let seen = |shows: Shows, since: i64| {
        Record::Seen(Sighting { key: key(1), shows, since: Some(at(since)) })
    };
    let place = Place::new();
    let records = [
        intended(1),
        outstanding(1),
        intended(1),
        invited(1),
        seen(Shows::Pending, 3),
        intended(1),
        invited(1),
        seen(Shows::Redeemed, 8),
        intended(1),
    ];
    place.run(Vec::new(), &records).await;
    let checkpoint = Checkpoint::open(&place.path(), at(1000)).unwrap();
    let past = checkpoint.past().unwrap();
    let expected = Invitations {
        accepted: 2,
        first_at: at(4),
        accepted_at: at(7),
        intended_at: at(6),
        refused_at: None,
        reminded: 0,
        reminded_at: None,
        bounced: false,
    };
    assert_eq!(past.invitations[&key(1)], expected);
    let last = &past.sightings[&key(1)];
    assert_eq!((&last.shows, last.since), (&Shows::Redeemed, Some(at(8))));
    assert!(checkpoint.ledger().unwrap().resent(&key(1)).is_some());
    assert_eq!(checkpoint.begun_since(at(9)).unwrap(), 1);
    assert_eq!(checkpoint.begun_since(at(10)).unwrap(), 0);
    // Sightings are no events: reports read them where they are.
    assert_eq!(events(&place.path()).len(), records.len() - 2);
    // One that was refused since is known until another is accepted.
    drop(checkpoint);
    place.run(Vec::new(), &[outstanding(1), failed(1, "gone")]).await;
    let checkpoint = Checkpoint::open(&place.path(), at(1000)).unwrap();
    assert_eq!(checkpoint.past().unwrap().invitations[&key(1)].refused_at, Some(at(2)));
    drop(checkpoint);
    place.run(Vec::new(), &[intended(1), invited(1)]).await;
    let checkpoint = Checkpoint::open(&place.path(), at(1000)).unwrap();
    assert_eq!(checkpoint.past().unwrap().invitations[&key(1)].refused_at, None);
}

#[tokio::test]
async fn a_look_keeps_the_manifest_of_the_last_plan() {
    let place = Place::new();
    let row = ManifestRow {
        line: 2,
        user: "someone".to_owned(),
        user_id: None,
        address: None,
        decision: Planned::Blocked,
        reason: "not-found".to_owned(),
        explanation: String::new(),
        cells: "[]".to_owned(),
    };
    place.run(vec![row], &[]).await;
    let checkpoint = Checkpoint::open(&place.path(), at(1000)).unwrap();
    end(checkpoint.begin_look("verify", at(1000)).unwrap());
    let checkpoint = Checkpoint::open(&place.path(), at(1001)).unwrap();
    assert_eq!(checkpoint.past().unwrap().manifest.len(), 1);
}
