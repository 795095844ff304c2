//! Whom a row is about: the cell that names the guest, and whatever else it calls it.
//!
//! Leaves to others: whether all of it means one guest where only the directory tells
//! (`plan`).

use super::{Chosen, Rows, choose};
use crate::domain::GuestRef;
use crate::manifest::cells::{self, shown};
use crate::manifest::columns::Meaning;
use crate::manifest::dressing::{Dressing, undress};
use crate::manifest::problem::{ProblemCode, RowProblem};
use crate::manifest::record::Record;

/// Characters of an object id in its usual spelling.
const HYPHENATED: usize = 36;

impl Rows<'_> {
    /// The cell that names the guest: the first that does, or else the first that is not
    /// empty. A running number steps back for the address beside it.
    pub(super) fn guest_cell<'r>(&self, record: &'r Record<'_>) -> Chosen<'r> {
        let usable = self.columns.guest.iter().find_map(|&index| {
            let text = record.text(index);
            cells::user(undress(text).0).is_ok().then_some(Chosen { index, text })
        });
        usable.unwrap_or_else(|| choose(record, self.columns.guest.iter().copied()))
    }

    /// Whether nothing in a line looks like a guest or an address: a total, a remark, the
    /// head of another table. That is one mistake, and not one for every column.
    pub(super) fn is_no_row(&self, record: &Record<'_>) -> bool {
        let guest = self.guest_cell(record).text;
        let address = self.cell(record, Meaning::NewEmail).text;
        let is_word = |text: &str| !text.contains(['@', '.', '#', '/']);
        !guest.is_empty()
            && record.defects.is_empty()
            && !self.columns.invitee_names_guest()
            && self.columns.of(Meaning::NewEmail).next().is_some()
            && is_word(guest)
            && is_word(address)
            && cells::user(undress(guest).0).is_err()
            && cells::new_email(undress(address).0).is_err()
    }

    /// The problem of such a line.
    pub(super) fn no_row(&mut self, record: &Record<'_>) {
        let Chosen { index, text } = self.guest_cell(record);
        if let Err(fault) = cells::user(undress(text).0) {
            let mut problem = fault.at(record.place(index));
            problem.advice += ", or delete the line";
            self.point_at_email(record, &mut problem);
            self.problems.push(problem);
        }
    }

    /// Adds that a column set aside holds addresses.
    fn point_at_email(&self, record: &Record<'_>, problem: &mut RowProblem) {
        if let Some(email) = self.columns.set_aside
            && record.text(email).contains('@')
        {
            let email = shown(&self.columns.headers[email]);
            let column = format!("--column current_email=\"{email}\"");
            problem.advice +=
                &["; if `", &email, "` is the present address, say ", &column].concat();
        }
    }

    /// The guest. A header without a column for it bears that problem itself.
    pub(super) fn user(&mut self, record: &Record<'_>) -> Option<GuestRef> {
        if self.columns.guest.is_empty() {
            return None;
        }
        let Chosen { index, text } = self.guest_cell(record);
        if text.is_empty() {
            let place = record.place(index);
            let known = |p: &RowProblem| (p.line, p.column) == (place.line, place.column);
            if !record.defects.iter().any(known) {
                self.problems.push(place.problem(
                    ProblemCode::NoUser,
                    "this row names no guest",
                    format!("fill in `{}`, or delete the row", shown(&self.columns.headers[index])),
                ));
            }
            return None;
        }
        self.used[index] = true;
        let (bare, taken) = undress(text);
        self.undone.add(&taken);
        match cells::user(bare) {
            Ok(user) => {
                let is_id = matches!(user, GuestRef::Id(_));
                if is_id && bare.len() != HYPHENATED {
                    self.undone.add(&[Dressing::IdForm]);
                }
                self.names_one_guest(record, index, &user).then_some(user)
            }
            // The same cell is read as the new address too, and reported there.
            Err(_)
                if self.columns.invitee_names_guest()
                    && self.cell(record, Meaning::NewEmail).index == index =>
            {
                None
            }
            Err(fault) => {
                let mut problem = fault.at(record.place(index));
                self.point_at_email(record, &mut problem);
                self.problems.push(problem);
                None
            }
        }
    }

    /// Whether no other cell of the row names somebody else, as far as that can be told
    /// without the directory: by two object ids or two guests' own UPNs.
    fn names_one_guest(&mut self, record: &Record<'_>, index: usize, user: &GuestRef) -> bool {
        let differs = |other: &GuestRef| match (user, other) {
            (GuestRef::Id(one), GuestRef::Id(other)) => one != other,
            (GuestRef::Name(one), GuestRef::Name(other)) => {
                let is_guests_upn = |name: &str| name.to_lowercase().contains("#ext#@");
                is_guests_upn(one) && is_guests_upn(other) && !one.eq_ignore_ascii_case(other)
            }
            _ => false,
        };
        let rival = self.columns.guest.iter().copied().find(|&other| {
            other != index && cells::user(undress(record.text(other)).0).is_ok_and(|u| differs(&u))
        });
        if let Some(other) = rival {
            let heading = |index: usize| shown(&self.columns.headers[index]);
            self.problems.push(record.place(other).problem(
                ProblemCode::TwoGuests,
                format!("`{}` and `{}` name different guests", heading(index), heading(other)),
                "correct or clear one of the two cells",
            ));
        }
        rival.is_none()
    }

    /// What other cells call the guest.
    pub(super) fn also(&self, record: &Record<'_>, user: &GuestRef) -> Box<[GuestRef]> {
        let mut also: Vec<GuestRef> = Vec::new();
        for &index in &self.columns.guest {
            let Ok(other) = cells::user(undress(record.text(index)).0) else { continue };
            let is_known = |known: &GuestRef| known.folded() == other.folded();
            if !is_known(user) && !also.iter().any(is_known) {
                also.push(other);
            }
        }
        also.into()
    }
}
