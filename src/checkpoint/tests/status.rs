//! Where a campaign stands: every row of the manifest once.

use proptest::prelude::*;

use super::*;
use crate::checkpoint::{Planned, read_status};
use crate::domain::{Counts, State};

/// A row as planned, with what became of its guest.
#[derive(Debug, Clone, Copy)]
struct Fate {
    decision: Planned,
    happened: &'static str,
}

fn fate() -> impl Strategy<Value = Fate> {
    let decision = prop::sample::select(Planned::ALL);
    let happened = prop::sample::select(vec![
        "nothing",
        "patching",
        "patched",
        "intended",
        "outstanding",
        "outstanding, written",
        "invited",
        "failed",
        "resend asked",
        "resend intended",
        "resend put back",
        "resend failed",
    ]);
    (decision, happened).prop_map(|(decision, happened)| Fate { decision, happened })
}

fn records(n: u128, happened: &str) -> Vec<Record> {
    match happened {
        "nothing" => vec![],
        "patching" => vec![patching(n, "a@b.example")],
        "patched" => vec![patching(n, "a@b.example"), Record::Patched { key: key(n) }],
        "intended" => vec![intended(n)],
        "outstanding" => vec![intended(n), outstanding(n)],
        "outstanding, written" => {
            vec![patching(n, "a@b.example"), intended(n), outstanding(n)]
        }
        "invited" => vec![intended(n), invited(n)],
        "resend asked" => vec![invited(n), resend_asked(n)],
        "resend intended" => vec![invited(n), resend_asked(n), intended(n)],
        "resend put back" => {
            vec![invited(n), resend_asked(n), patching(n, "a@b.example"), outstanding(n)]
        }
        "resend failed" => vec![invited(n), resend_asked(n), intended(n), failed(n, "again")],
        _ => vec![failed(n, if n.is_multiple_of(2) { "even" } else { "odd" })],
    }
}

fn row(line: u32, n: u128, decision: Planned) -> ManifestRow {
    ManifestRow {
        line,
        user: "someone".to_owned(),
        user_id: Some(key(n).user_id),
        address: Some(key(n).address),
        decision,
        reason: "x".to_owned(),
        explanation: String::new(),
        cells: "[]".to_owned(),
    }
}

/// What is said of a row: what is known of its invitation comes first, then
/// whether there is anything to do, then how far it got.
fn stands(fate: Fate) -> State {
    match (fate.happened, fate.decision) {
        // The first invitation stands, whatever became of another.
        ("invited" | "resend asked" | "resend put back" | "resend failed", _) => State::Invited,
        ("intended" | "resend intended", _) => State::Unknown,
        (_, Planned::Settled | Planned::NotInvited) => State::Settled,
        ("failed", _) => State::Failed,
        (_, Planned::Blocked) => State::Blocked,
        // Announced is not written: the run may have stopped just before the PATCH.
        ("nothing" | "patching" | "outstanding", _) => State::NotAttempted,
        _ => State::Patched,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn every_row_is_counted_once_and_the_sums_add_up(
        fates in prop::collection::vec(fate(), 0..12),
        strangers in prop::collection::vec(fate(), 0..4),
    ) {
        let place = Place::new();
        let guests = || (1_u128..).zip(&fates);
        let rows: Vec<ManifestRow> =
            (2..).zip(guests()).map(|(line, (n, fate))| row(line, n, fate.decision)).collect();
        // Earlier manifests of the campaign had guests that this one has not.
        let all = guests().chain((1001..).zip(&strangers));
        let records: Vec<Record> = all.flat_map(|(n, fate)| records(n, fate.happened)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(place.run(rows, &records));
        let status = read_status(&place.path()).unwrap();
        prop_assert_eq!(status.counts, fates.iter().map(|fate| stands(*fate)).collect());
        prop_assert_eq!(status.rows, fates.len() as u64);
        prop_assert_eq!(status.counts.sum(), status.rows);
        // Where nothing happened there is nothing to lose sight of.
        let of_earlier = strangers.iter().filter(|fate| fate.happened != "nothing");
        let unplanned = of_earlier.map(|fate| stands(Fate { decision: Planned::Change, ..*fate }));
        let expected: Counts = unplanned.collect();
        prop_assert_eq!(status.not_in_manifest, expected.into());
        let is_left = |fate: &&Fate| {
            fate.happened == "nothing" && fate.decision == Planned::NotInvited
        };
        prop_assert_eq!(status.not_invited, fates.iter().filter(is_left).count() as u64);
        let asked = |open: &[&str], unless: Option<Planned>| {
            let some = fates.iter().filter(|fate| open.contains(&fate.happened));
            let counts = |fate: &&Fate| unless.is_none() || !fate.decision.is_settled();
            some.filter(counts).count() as u64
        };
        // One that has lapsed is settled in the plan.
        let outstanding = asked(&["resend asked", "resend put back"], Some(Planned::Settled));
        prop_assert_eq!(status.resends.outstanding, outstanding);
        prop_assert_eq!(status.resends.failed, asked(&["resend failed"], None));
        let failures: u64 = status.failures.iter().map(|failure| failure.rows).sum();
        prop_assert_eq!(failures, status.counts.failed);
    }
}

/// Moved on to another address, and asked for again: what became of it before is none of that.
#[tokio::test]
async fn an_address_that_was_replaced_and_comes_back_stands_where_its_new_wish_does() {
    let other = || InvitationKey { address: "other@tailspin.example".parse().unwrap(), ..key(1) };
    let first = [patching(1, "a@b.example"), intended(1), invited(1)];
    let on = Record::Patched { key: other() };
    let refused = Record::Failed {
        key: other(),
        code: "refused".to_owned(),
        message: String::new(),
        advice: String::new(),
        request_id: None,
        anew: true,
    };
    let failed_anew = match failed(1, "gone") {
        Record::Failed { key, code, message, advice, request_id, .. } => {
            Record::Failed { key, code, message, advice, request_id, anew: true }
        }
        _ => unreachable!(),
    };
    let anew = ManifestRow { reason: "new-address".to_owned(), ..row(2, 1, Planned::Change) };
    let again = [patching(1, "a@b.example"), intended(1), invited(1)];
    for (row, last, expected) in [
        (anew.clone(), vec![], State::NotAttempted),
        (anew.clone(), again[..1].to_vec(), State::NotAttempted),
        (anew.clone(), again[..2].to_vec(), State::Unknown),
        (anew.clone(), again.to_vec(), State::Invited),
        (anew, vec![failed_anew], State::Failed),
        (row(2, 1, Planned::Blocked), vec![], State::Blocked),
        // Of the other nothing came, and the first stands.
        (row(2, 1, Planned::Settled), vec![refused.clone()], State::Invited),
        (row(2, 1, Planned::Change), vec![refused], State::Invited),
    ] {
        let place = Place::new();
        let told = format!("{row:?} after {last:?}");
        let to_other = match patching(1, "a@b.example") {
            Record::Patching { reference, before, anew, .. } => {
                Record::Patching { key: other(), reference, before, anew }
            }
            _ => unreachable!(),
        };
        let records = first.iter().cloned().chain([to_other, on.clone()]).chain(last);
        place.run(vec![row], &records.collect::<Vec<_>>()).await;
        let counts = read_status(&place.path()).unwrap().counts;
        assert_eq!(counts, [expected].into_iter().collect(), "{told}");
    }
}

#[tokio::test]
async fn rows_without_a_guest_are_counted_too() {
    let place = Place::new();
    let nobody =
        |line, decision| ManifestRow { user_id: None, address: None, ..row(line, 1, decision) };
    place.run(vec![nobody(2, Planned::Blocked), nobody(3, Planned::Blocked)], &[]).await;
    let status = read_status(&place.path()).unwrap();
    assert_eq!((status.rows, status.counts.blocked), (2, 2));
}

#[tokio::test]
async fn a_run_under_way_is_shown_with_its_owner_and_a_finished_one_with_its_end() {
    let place = Place::new();
    let journal = place.begin(vec![row(2, 1, Planned::Change)]);
    journal.append(intended(1), at(1)).await.unwrap();
    let status = read_status(&place.path()).unwrap();
    assert_eq!(status.held_by.unwrap().pid, std::process::id());
    assert_eq!(status.last_run.unwrap().ended_at, None);
    // Its answer is awaited, which is not to be unknown.
    assert_eq!((status.under_way, status.counts.unknown, status.counts.not_attempted), (1, 0, 1));
    let key = key(1);
    journal.append(Record::Unknown { key, evidence: "lost".to_owned() }, at(2)).await.unwrap();
    let status = read_status(&place.path()).unwrap();
    assert_eq!((status.under_way, status.counts.unknown), (0, 1));
    end(journal);
    let status = read_status(&place.path()).unwrap();
    assert!(status.held_by.is_none());
    assert_eq!((status.under_way, status.counts.unknown), (0, 1));
    let last = status.last_run.unwrap();
    assert_eq!((last.started_at, last.ended_at, last.exit_code), (at(0), Some(at(999)), Some(0)));
    assert_eq!((status.manifest.as_str(), status.tenant.as_str()), ("guests.csv", TENANT));
    assert_eq!(status.tenant_name.as_deref(), Some("Contoso"));
}
