//! A guess where nobody is found: the cells that name the guests hold the new addresses,
//! or another column names them.
//!
//! Leaves to others: what is done with each row, which the guess does not change.

use crate::domain::{Directory, Email, GuestRef};
use crate::manifest::Manifest;

use super::decision::{Blocked, Decision, PlannedRow};
use super::{Finding, review::count};

/// What is guessed, where most rows find nobody and nearly all of these would otherwise.
pub(super) fn finding(
    manifest: &Manifest,
    rows: &[PlannedRow],
    directory: &Directory,
) -> Option<Finding> {
    let lost: Vec<&PlannedRow> = rows
        .iter()
        .filter(|row| matches!(row.decision, Decision::Blocked(Blocked::NotFound)))
        .collect();
    if lost.len() * 2 < rows.len() {
        return None;
    }
    let is_nearly_all = |found: usize| found > 0 && found * 10 >= lost.len() * 9;
    let holds = |address: &Email| !directory.users_named(address.as_str()).is_empty();
    let swapped = lost.iter().filter(|row| row.new_email.as_ref().is_some_and(holds)).count();
    let rows = count(lost.len() as u64, "row finds", "rows find");
    if is_nearly_all(swapped) {
        return Some(Finding::warn(
            "columns-swapped",
            format!(
                "{rows} nobody, and the new addresses of {swapped} belong to users: the two columns may be swapped"
            ),
            "the first lines say which column is taken for what; rename them, or say which is which with --column user=HEADING and --column new_email=HEADING",
        ));
    }
    let named_otherwise = |row: &&&PlannedRow| {
        let position = manifest.rows.binary_search_by_key(&row.line, |row| row.line);
        position.is_ok_and(|position| {
            manifest.rows[position].also.iter().any(|name| match name {
                GuestRef::Id(id) => directory.user(*id).is_some(),
                GuestRef::Name(name) => !directory.users_named(name).is_empty(),
            })
        })
    };
    let otherwise = lost.iter().filter(named_otherwise).count();
    is_nearly_all(otherwise).then(|| {
        Finding::warn(
            "other-column",
            format!("{rows} nobody, and another cell of {otherwise} names a user"),
            "the first lines say which columns are only compared; say which one names the guest with --column user=HEADING",
        )
    })
}
