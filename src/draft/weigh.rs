//! A draft held against what a plan would say of it, and against when its guests were last
//! here: nothing is drafted that would be blocked for a reason that is known by now.
//!
//! Leaves to others: what is blocked, and why (`plan`).

use std::collections::HashMap;

use jiff::Timestamp;

use crate::domain::{GuestRef, SignIns, UserId};
use crate::manifest::{Manifest, Reset, Row, Wish};
use crate::plan::{Blocked, Decision, PlannedRow};

use super::{Doubt, Doubtful, Draft, Drafted, Guest, LeftOut, Omission};

impl Draft {
    /// The rows as the manifest of this name that they will be.
    pub fn manifest(&self, name: &str) -> Manifest {
        let rows = self.rows.iter().zip(2..);
        let rows = rows
            .map(|(row, line)| manifest_row(line, &row.guest, Wish::Move(row.new_email.clone())));
        Manifest::of_rows(name.to_owned(), rows.collect(), Vec::new())
    }

    /// Takes out what a plan blocks or settles. `decide` is that plan.
    pub fn weigh(&mut self, decide: impl Fn(&Manifest) -> Vec<PlannedRow>) {
        let decided: HashMap<UserId, Decision> = decide(&self.manifest(""))
            .into_iter()
            .filter_map(|row| Some((row.user_id?, row.decision)))
            .collect();
        for row in std::mem::take(&mut self.rows) {
            match decided.get(&row.guest.id) {
                Some(Decision::Change(_)) => self.rows.push(row),
                Some(decision) => match doubt(decision) {
                    Some(doubt) => self.review.push(row.doubted(doubt, &decision.to_string())),
                    None => self.left_out.push(left_out(row.guest, decision)),
                },
                // It was read a moment ago.
                None => {}
            }
        }
        for doubtful in std::mem::take(&mut self.review) {
            match about_the_guest(&doubtful, &decide) {
                Some(decision) => self.left_out.push(left_out(doubtful.guest, &decision)),
                None => self.review.push(doubtful),
            }
        }
    }

    /// Notes when guests were last here. With `since`, those who were not since then are
    /// left out, and those of whom nothing is known are a doubt.
    pub fn seen(&mut self, sign_ins: &SignIns, since: Option<Timestamp>) {
        let note = |guest: &mut Guest| guest.last_sign_in = sign_ins.get(&guest.id).copied();
        self.rows.iter_mut().for_each(|row| note(&mut row.guest));
        self.review.iter_mut().for_each(|row| note(&mut row.guest));
        self.left_out.iter_mut().for_each(|row| note(&mut row.guest));
        let Some(since) = since else { return };
        for row in std::mem::take(&mut self.rows) {
            match row.guest.last_sign_in {
                Some(last) if last < since => self.left_out.push(inactive(row.guest)),
                Some(_) => self.rows.push(row),
                None => self.review.push(row.doubted(Doubt::NeverSeen, "")),
            }
        }
        let is_inactive = |row: &Doubtful| row.guest.last_sign_in.is_some_and(|last| last < since);
        let (gone, review) = std::mem::take(&mut self.review).into_iter().partition(is_inactive);
        self.review = review;
        let gone: Vec<Doubtful> = gone;
        self.left_out.extend(gone.into_iter().map(|row| inactive(row.guest)));
    }

    /// Puts everything in the order of the guests' addresses, which a person looks for.
    pub fn sort(&mut self) {
        let key = |guest: &Guest| {
            let address = guest.mail.as_ref().unwrap_or(&guest.user_principal_name);
            let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
            (domain.to_lowercase(), local.to_lowercase(), guest.id)
        };
        self.rows.sort_by_cached_key(|row| key(&row.guest));
        self.review.sort_by_cached_key(|row| key(&row.guest));
        self.left_out.sort_by_cached_key(|row| key(&row.guest));
    }
}

/// Whether a decision is a person's to look into, rather than a reason to leave the guest
/// out.
fn doubt(decision: &Decision) -> Option<Doubt> {
    match decision {
        Decision::Blocked(Blocked::AddressTaken { .. }) => Some(Doubt::AddressTaken),
        Decision::Blocked(Blocked::ConflictingRows { .. }) => Some(Doubt::SharedAddress),
        Decision::Blocked(Blocked::TwoGuests { .. } | Blocked::Ambiguous { .. }) => {
            Some(Doubt::Ambiguous)
        }
        Decision::Change(_) | Decision::Settled(_) | Decision::Blocked(_) => None,
    }
}

/// What a plan says against the guest itself, whichever address it would move to.
fn about_the_guest(
    doubtful: &Doubtful,
    decide: impl Fn(&Manifest) -> Vec<PlannedRow>,
) -> Option<Decision> {
    let wish = match doubtful.candidates.first() {
        Some(candidate) => Wish::Move(candidate.address.clone()),
        None => Wish::ResetOnly,
    };
    let row = manifest_row(2, &doubtful.guest, wish);
    let decision = decide(&Manifest::of_rows(String::new(), vec![row], Vec::new())).pop()?.decision;
    let is_about_the_guest = matches!(
        decision,
        Decision::Blocked(
            Blocked::NotAGuest
                | Blocked::InternalGuest
                | Blocked::HoldsRole { .. }
                | Blocked::Synced
                | Blocked::ExternallyMastered
                | Blocked::RestrictedUnit
                | Blocked::Disabled
        )
    );
    is_about_the_guest.then_some(decision)
}

fn left_out(guest: Guest, decision: &Decision) -> LeftOut {
    let (words, sentence) = (decision.words(), decision.to_string());
    let detail = if sentence == words.about { String::new() } else { sentence };
    LeftOut { guest, words, detail: detail.into() }
}

fn inactive(guest: Guest) -> LeftOut {
    let last = guest.last_sign_in.map_or_else(String::new, |last| format!("last on {last:.0}"));
    LeftOut { guest, words: Omission::Inactive.words(), detail: last.into() }
}

fn manifest_row(line: u32, guest: &Guest, wish: Wish) -> Row {
    let also = guest.mail.iter().map(|mail| GuestRef::parse(mail)).collect();
    Row {
        line,
        user: GuestRef::Id(guest.id),
        also,
        wish,
        message: None,
        cc: None,
        more_cc: Box::default(),
        language: None,
        redirect_url: None,
        send: None,
        display_name: None,
        reset: Reset::default(),
        extra: Box::default(),
    }
}

impl Drafted {
    /// What names the guest in the manifest: a plan looks for it.
    pub fn names(&self) -> impl Iterator<Item = GuestRef> + '_ {
        let mail = self.guest.mail.iter().map(|mail| GuestRef::parse(mail));
        std::iter::once(GuestRef::Id(self.guest.id)).chain(mail)
    }
}
