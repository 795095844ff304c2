//! Where a campaign stands: every row of the manifest once.

use proptest::prelude::*;

use super::*;
use crate::checkpoint::{Status, read_status};

/// A row as planned, with what became of its guest.
#[derive(Debug, Clone, Copy)]
struct Fate {
    decision: &'static str,
    happened: &'static str,
}

fn fate() -> impl Strategy<Value = Fate> {
    let decision = prop::sample::select(vec!["change", "settled", "blocked"]);
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

fn row<'a>(line: u32, n: u128, decision: &'static str) -> ManifestRow<'a> {
    ManifestRow {
        line,
        user: "someone",
        user_id: Some(key(n).user_id.to_string()),
        address: Some(key(n).address.folded()),
        decision,
        reason: "x",
        explanation: None,
        cells: "[]",
    }
}

/// What is said of a row: what is known of its invitation comes first, then
/// whether there is anything to do, then how far it got.
fn word(fate: Fate) -> &'static str {
    match (fate.happened, fate.decision) {
        // The first invitation stands, whatever became of another.
        ("invited" | "resend asked" | "resend put back" | "resend failed", _) => "invited",
        ("intended" | "resend intended", _) => "unknown",
        (_, "settled") => "settled",
        ("failed", _) => "failed",
        (_, "blocked") => "blocked",
        // Announced is not written: the run may have stopped just before the PATCH.
        ("nothing" | "patching" | "outstanding", _) => "not attempted",
        _ => "patched",
    }
}

fn of(status: &Status) -> [(&'static str, u64); 7] {
    [
        ("invited", status.invited),
        ("settled", status.settled),
        ("blocked", status.blocked),
        ("failed", status.failed),
        ("unknown", status.unknown),
        ("patched", status.patched),
        ("not attempted", status.not_attempted),
    ]
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
        let rows: Vec<ManifestRow<'_>> =
            (2..).zip(guests()).map(|(line, (n, fate))| row(line, n, fate.decision)).collect();
        // Earlier manifests of the campaign had guests that this one has not.
        let all = guests().chain((1001..).zip(&strangers));
        let records: Vec<Record> = all.flat_map(|(n, fate)| records(n, fate.happened)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(place.run(rows, &records));
        let status = read_status(&place.path()).unwrap();
        for (name, count) in of(&status) {
            let expected = fates.iter().filter(|fate| word(**fate) == name).count();
            prop_assert_eq!(count, expected as u64, "{}", name);
        }
        prop_assert_eq!(status.rows, fates.len() as u64);
        prop_assert_eq!(of(&status).iter().map(|(_, count)| count).sum::<u64>(), status.rows);
        let apart = status.not_in_manifest;
        for (name, count) in [
            ("invited", apart.invited),
            ("unknown", apart.unknown),
            ("failed", apart.failed),
            ("patched", apart.patched),
            ("not attempted", apart.not_attempted),
        ] {
            // Where nothing happened there is nothing to lose sight of.
            let of_earlier = strangers.iter().filter(|fate| fate.happened != "nothing");
            let unplanned = of_earlier.map(|fate| word(Fate { decision: "change", ..*fate }));
            let expected = unplanned.filter(|word| *word == name).count();
            prop_assert_eq!(count, expected as u64, "{} and no longer in the manifest", name);
        }
        let asked = |open: &[&str], unless: &str| {
            let some = fates.iter().filter(|fate| open.contains(&fate.happened));
            some.filter(|fate| fate.decision != unless).count() as u64
        };
        // One that has lapsed is settled in the plan.
        let outstanding = asked(&["resend asked", "resend put back"], "settled");
        prop_assert_eq!(status.resends.outstanding, outstanding);
        prop_assert_eq!(status.resends.failed, asked(&["resend failed"], ""));
        let failures: u64 = status.failures.iter().map(|failure| failure.rows).sum();
        prop_assert_eq!(failures, status.failed);
    }
}

#[tokio::test]
async fn rows_without_a_guest_are_counted_too() {
    let place = Place::new();
    let nobody =
        |line, decision| ManifestRow { user_id: None, address: None, ..row(line, 1, decision) };
    place.run(vec![nobody(2, "blocked"), nobody(3, "blocked")], &[]).await;
    let status = read_status(&place.path()).unwrap();
    assert_eq!((status.rows, status.blocked), (2, 2));
}

#[tokio::test]
async fn a_run_under_way_is_shown_with_its_owner_and_a_finished_one_with_its_end() {
    let place = Place::new();
    let journal = place.begin(vec![row(2, 1, "change")]);
    journal.append(intended(1), at(1)).await.unwrap();
    let status = read_status(&place.path()).unwrap();
    assert_eq!(status.held_by.unwrap().pid, std::process::id());
    assert_eq!(status.last_run.unwrap().ended_at, None);
    assert_eq!(status.unknown, 1);
    end(journal);
    let status = read_status(&place.path()).unwrap();
    assert!(status.held_by.is_none());
    let last = status.last_run.unwrap();
    assert_eq!((last.started_at, last.ended_at, last.exit_code), (at(0), Some(at(999)), Some(0)));
    assert_eq!((status.manifest.as_str(), status.tenant.as_str()), ("guests.csv", TENANT));
    assert_eq!(status.tenant_name.as_deref(), Some("Contoso"));
}
