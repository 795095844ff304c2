//! The table of rows is what folding the records makes of them.

use proptest::prelude::*;

use super::*;
use crate::checkpoint::state::RowState;

/// Any record of one of two guests.
fn record() -> impl Strategy<Value = Record> {
    let reason = prop::sample::select(IntentReason::ALL);
    let how = prop::sample::select(InvitedHow::ALL);
    (1..=2_u128, 0..10, reason, how).prop_map(|(n, what, reason, how)| match what {
        0 => patching(n, "Old@fabrikam.example"),
        1 => Record::Patched { key: key(n) },
        2 | 3 => Record::Intended {
            key: key(n),
            reference: format!("guest{n}"),
            reason,
            before: redemption(),
        },
        4 => outstanding(n),
        5 => Record::Unknown { key: key(n), evidence: "no answer".to_owned() },
        6 => Record::Invited { key: key(n), how },
        7 => failed(n, "gone"),
        8 => resend_asked(n),
        _ if how == InvitedHow::Accepted => Record::Correcting { key: key(n), found: None },
        _ => Record::Corrected { key: key(n) },
    })
}

fn fold(records: &[Record], n: u128) -> Option<RowState> {
    let mine = (1..).zip(records).filter(|(_, record)| *record.key() == key(n));
    mine.fold(None, |state, (second, record)| RowState::after(state, record, at(second)))
}

/// The row as the SQL of the second format left it.
fn by_sql(path: &Path, n: u128) -> Option<RowState> {
    use crate::checkpoint::state::{Accepted, Step};
    use rusqlite::OptionalExtension as _;
    let connection = rusqlite::Connection::open(path).unwrap();
    let row: Option<(String, String, String)> = connection
        .query_row(
            "SELECT state, at, detail FROM row WHERE user_id = ?1",
            [key(n).user_id.to_string()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()
        .unwrap();
    let (state, at, detail) = row?;
    let mut detail: serde_json::Value = serde_json::from_str(&detail).unwrap();
    let object = detail.as_object_mut().unwrap();
    let resend = object.remove("resend").map(|it| serde_json::from_value(it).unwrap());
    let accepted = object.remove("accepted").map(|it| {
        let inner: serde_json::Value =
            serde_json::from_str(it["detail"].as_str().unwrap()).unwrap();
        Accepted {
            at: it["at"].as_str().unwrap().parse().unwrap(),
            how: inner["how"].as_str().unwrap().parse().unwrap(),
        }
    });
    let mut step = Step::parse(&state, &detail.to_string()).unwrap();
    if let Step::Intended(intent) = &mut step {
        intent.accepted = accepted;
    }
    Some(RowState { step, at: at.parse().unwrap(), resend })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn rust_and_sql_agree(records in prop::collection::vec(record(), 0..24)) {
        let place = Place::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(place.run(Vec::new(), &records));
        for n in [1, 2] {
            prop_assert_eq!(by_sql(&place.path(), n), fold(&records, n));
        }
    }
}
