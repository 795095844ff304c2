//! The way back on record: which guests are on it, how, and since which address.

use super::*;
use crate::checkpoint::{Entry, Planned, Reader, read_ledger, read_status};
use crate::domain::{Email, LedgerState, RedeemUrl};

/// Guest 1 at another address than its first.
fn old() -> InvitationKey {
    let address: Email = "old@northwind.example".parse().unwrap();
    InvitationKey { address, ..key(1) }
}

fn of_old(record: Record) -> Record {
    match record {
        Record::Reverting { reference, before, way, .. } => {
            Record::Reverting { key: old(), reference, before, way }
        }
        Record::Intended { reference, before, silent, .. } => {
            let reason = IntentReason::Revert;
            Record::Intended { key: old(), reference, reason, before, silent, anew: false }
        }
        _ => panic!("{record:?}"),
    }
}

fn row(address: &InvitationKey) -> ManifestRow {
    ManifestRow {
        line: 2,
        user: "someone".to_owned(),
        user_id: Some(address.user_id),
        address: Some(address.address.clone()),
        decision: Planned::Change,
        reason: "revert".to_owned(),
        explanation: String::new(),
        cells: "[]".to_owned(),
    }
}

/// Whatever comes after the mail was written back, the row stays what it is there for,
/// until somebody moves the guest there.
#[tokio::test]
async fn a_row_on_its_way_back_says_so_until_the_guest_is_moved_there() {
    let reverting = || of_old(reverting(1, WayBack::Invitation));
    let (patched, outstanding) =
        (Record::Patched { key: old() }, Record::Outstanding { key: old(), why: String::new() });
    let invited = Record::Invited { key: old(), how: InvitedHow::Accepted };
    let steps = [
        (reverting(), LedgerState::Reverting),
        (patched, LedgerState::Patched),
        (of_old(intended(1)), LedgerState::Unknown { before: Some(redemption()) }),
        (outstanding, LedgerState::Outstanding),
        (of_old(intended(1)), LedgerState::Unknown { before: Some(redemption()) }),
        (invited, LedgerState::Invited),
    ];
    let mut records = vec![patching(1, "old@northwind.example"), intended(1), move_accepted()];
    for (record, state) in steps {
        records.push(record);
        let place = Place::new();
        place.run(vec![row(&old())], &records).await;
        let ledger = read_ledger(&place.path()).unwrap();
        assert_eq!(ledger.get(&old()).unwrap().state, state);
        assert_eq!(ledger.way_back(&old()), Some(WayBack::Invitation));
        assert_eq!(ledger.reverted_to(key(1).user_id), Some(&old()));
        // The row of the way back tells of the guest, and nothing else does.
        let status = read_status(&place.path()).unwrap();
        assert_eq!((status.rows, status.not_in_manifest.invited), (1, 0));
    }
    records.push(patching(1, "old@northwind.example"));
    let place = Place::new();
    place.run(vec![row(&key(1))], &records).await;
    let ledger = read_ledger(&place.path()).unwrap();
    assert_eq!(ledger.reverted_to(key(1).user_id), None);
    assert_eq!(ledger.wishes(key(1).user_id).last().unwrap().0, key(1));
}

fn move_accepted() -> Record {
    invited(1)
}

#[tokio::test]
async fn a_mail_that_is_back_is_settled_and_no_invitation() {
    let back = [of_old(reverting(1, WayBack::MailAlone)), Record::Reverted { key: old() }];
    let mut records = vec![patching(1, "old@northwind.example"), Record::Patched { key: key(1) }];
    records.extend(back);
    let place = Place::new();
    place.run(vec![row(&old())], &records).await;
    let ledger = read_ledger(&place.path()).unwrap();
    assert_eq!(ledger.get(&old()).unwrap().state, LedgerState::Reverted);
    assert_eq!(ledger.way_back(&old()), Some(WayBack::MailAlone));
    let status = read_status(&place.path()).unwrap();
    assert_eq!((status.counts.settled, status.not_in_manifest.patched), (1, 0));
    assert!(Reader::open(&place.path()).unwrap().past().unwrap().invitations.is_empty());
    // It is a write of a mail, which a tenant counts.
    let checkpoint = Checkpoint::open(&place.path(), at(2000)).unwrap();
    assert_eq!(checkpoint.begun_since(at(0)).unwrap(), 2);
    assert_eq!(checkpoint.announced_since(at(0), 9).unwrap().len(), 2);
}

/// A refusal keeps how the guest was to get back, so that trying again invites nobody.
#[tokio::test]
async fn a_mail_that_was_refused_is_still_to_be_written_alone() {
    let refused = Record::Failed {
        key: old(),
        code: "taken".into(),
        message: String::new(),
        advice: String::new(),
        request_id: None,
        anew: false,
    };
    let records = [
        patching(1, "old@northwind.example"),
        Record::Patched { key: key(1) },
        of_old(reverting(1, WayBack::MailAlone)),
        refused,
    ];
    let place = Place::new();
    place.run(vec![row(&old())], &records).await;
    let ledger = read_ledger(&place.path()).unwrap();
    assert!(matches!(ledger.get(&old()).unwrap().state, LedgerState::Failed { .. }));
    assert_eq!(ledger.way_back(&old()), Some(WayBack::MailAlone));
}

/// A link that a later invitation has voided is a secret that nobody needs.
#[tokio::test]
async fn the_link_of_the_address_that_is_given_up_is_wiped() {
    let place = Place::new();
    let journal = place.begin(vec![row(&key(1))]);
    let link = |to: &str| Some(RedeemUrl::new(format!("https://redeem.example/{to}")));
    let records = [
        Entry { link: link("new"), ..invited(1).into() },
        of_old(reverting(1, WayBack::Invitation)).into(),
        of_old(intended(1)).into(),
        Entry {
            link: link("old"),
            ..Record::Invited { key: old(), how: InvitedHow::Accepted }.into()
        },
    ];
    for (second, record) in (1..).zip(records) {
        journal.append(record, at(second)).await.unwrap();
    }
    end(journal);
    let connection = rusqlite::Connection::open(place.path()).unwrap();
    let mut query = connection.prepare("SELECT link FROM mail WHERE link IS NOT NULL").unwrap();
    let links = query.query_map([], |row| row.get(0)).unwrap();
    let links: Vec<String> = links.collect::<Result<_, _>>().unwrap();
    assert_eq!(links, ["https://redeem.example/old"]);
    let bytes = std::fs::read(place.path()).unwrap();
    assert!(!bytes.windows(26).any(|part| part == b"https://redeem.example/new"));
}
