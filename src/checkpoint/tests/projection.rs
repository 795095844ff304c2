//! The table of rows is what folding the records makes of them.

use proptest::prelude::*;

use super::*;
use crate::checkpoint::Entry;
use crate::checkpoint::format::upgrade;
use crate::checkpoint::projection::{Addition, commit};
use crate::checkpoint::seal::{Seal, verify};
use crate::checkpoint::state::RowState;
use crate::checkpoint::tables::row_states;

/// Any record of one of two guests.
fn record() -> impl Strategy<Value = Record> {
    let reason = prop::sample::select(IntentReason::ALL);
    let how = prop::sample::select(InvitedHow::ALL);
    (1..=2_u128, 0..12, reason, how).prop_map(|(n, what, reason, how)| match what {
        0 => patching(n, "Old@fabrikam.example"),
        1 => Record::Patched { key: key(n) },
        2 | 3 => Record::Intended {
            key: key(n),
            reference: format!("guest{n}"),
            reason,
            before: redemption(),
            silent: what == 3,
            anew: false,
        },
        4 => outstanding(n),
        5 => Record::Unknown { key: key(n), evidence: "no answer".to_owned() },
        6 => Record::Invited { key: key(n), how },
        7 => failed(n, "gone"),
        8 => resend_asked(n),
        9 => reverting(n, way_back(how)),
        10 => Record::Reverted { key: key(n) },
        _ if how == InvitedHow::Accepted => Record::Correcting { key: key(n), found: None },
        _ => Record::Corrected { key: key(n) },
    })
}

fn way_back(how: InvitedHow) -> WayBack {
    if how == InvitedHow::Accepted { WayBack::Invitation } else { WayBack::MailAlone }
}

fn fold(records: &[Record], n: u128) -> Option<RowState> {
    let mine = (1..).zip(records).filter(|(_, record)| *record.key() == key(n));
    mine.fold(None, |state, (second, record)| RowState::after(state, record, at(second)))
}

/// In batches of any size, as a busy writer takes them.
fn write(connection: &mut rusqlite::Connection, records: &[Record], batch: usize) {
    let mut second = 0;
    let mut seal = Seal::read(connection).unwrap().unwrap();
    for records in records.chunks(batch) {
        let additions: Vec<Addition> = records
            .iter()
            .map(|record| {
                second += 1;
                Addition::Record { entry: record.clone().into(), at: at(second) }
            })
            .collect();
        commit(connection, &mut seal, &additions, &[]).unwrap();
    }
}

proptest! {
    #[test]
    fn the_table_of_rows_is_the_fold_of_the_events(
        records in prop::collection::vec(record(), 0..24),
        batch in 1..10_usize,
    ) {
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        upgrade(&connection).unwrap();
        write(&mut connection, &records, batch);
        verify(Path::new("c"), &connection).unwrap();
        let mut states = row_states(&connection).unwrap();
        for n in [1, 2] {
            prop_assert_eq!(states.remove(&key(n)), fold(&records, n));
        }
        prop_assert!(states.is_empty());
    }

    #[test]
    fn every_record_is_read_back_as_it_was_written(record in record()) {
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        upgrade(&connection).unwrap();
        write(&mut connection, std::slice::from_ref(&record), 1);
        let (what, detail): (String, String) = connection
            .query_row("SELECT what, detail FROM event", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        let entry = Entry::parse(what.parse().unwrap(), record.key().clone(), &detail).unwrap();
        prop_assert_eq!(entry, Entry::from(record));
    }
}
