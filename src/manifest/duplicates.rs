//! Rows that contradict each other.
//!
//! Which of two rows is meant cannot be known, so both are set aside; the later
//! one bears the problem, which names both lines.
//!
//! Leaves to others: whether two references of different kinds mean the same
//! guest, which only the directory tells.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::domain::{Email, GuestRef};

use super::cells::shown;
use super::problem::{ProblemCode, RowProblem};
use super::record::Record;

/// The first line of every claim, by the claim's digest: in a manifest of a million rows
/// the texts themselves would take a multiple of it, and among 2^128 digests no two of
/// different texts are met.
type Lines = HashMap<u128, u32>;

/// What earlier rows have claimed.
#[derive(Debug, Default)]
pub(super) struct Claims {
    users: Lines,
    addresses: Lines,
    contradicted: HashSet<u32>,
}

impl Claims {
    /// Enters a row's claims, each with the index of the cell that makes it, and
    /// says which of them an earlier row made first.
    pub(super) fn enter(
        &mut self,
        record: &Record<'_>,
        user: Option<(&GuestRef, usize)>,
        address: Option<(&Email, usize)>,
    ) -> Vec<RowProblem> {
        let line = record.line;
        let mut problems = Vec::new();
        let advice = "delete one of the two rows";
        let same_user =
            user.and_then(|(user, _)| first_line(&mut self.users, &user.folded(), line));
        if let (Some(first), Some((user, index))) = (same_user, user) {
            problems.push(record.place(index).problem(
                ProblemCode::DuplicateUser,
                format!(
                    "lines {first} and {line} name the same guest, `{}`",
                    shown(&user.to_string())
                ),
                advice,
            ));
        }
        let same_address = address
            .and_then(|(address, _)| first_line(&mut self.addresses, &address.folded(), line));
        // A row repeated as a whole is one mistake, not two.
        if let (Some(first), Some((address, index))) = (same_address, address)
            && same_user != same_address
        {
            problems.push(record.place(index).problem(
                ProblemCode::DuplicateAddress,
                format!("lines {first} and {line} both move a guest to `{address}`"),
                format!("{advice}, or correct the address; two guests cannot share one"),
            ));
        }
        self.contradicted.extend(same_user.into_iter().chain(same_address));
        problems
    }

    /// Whether a later row contradicts the row on this line.
    pub(super) fn contradicts(&self, line: u32) -> bool {
        self.contradicted.contains(&line)
    }
}

/// The line that claimed the key first, if it was not this one.
fn first_line(claims: &mut Lines, key: &str, line: u32) -> Option<u32> {
    match claims.entry(digest(key)) {
        Entry::Occupied(first) => Some(*first.get()),
        Entry::Vacant(free) => {
            free.insert(line);
            None
        }
    }
}

fn digest(key: &str) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, key).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}
