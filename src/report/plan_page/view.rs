//! The parts of a plan that both formats show, without any markup.

use std::collections::BTreeMap;

use crate::domain::Caller;
use crate::plan::{Decision, Plan, PlannedRow, TouchedByOne};
use crate::report::delivery::{Delivery, Mix, mark};
use crate::report::plan_text::rows_of;
use crate::report::row::{journey, who};
use crate::report::text::harmless;

use super::PlanPage;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Change,
    Blocked,
    Settled,
}

impl Kind {
    fn is_of(self, decision: &Decision) -> bool {
        match decision {
            Decision::Change(_) => self == Self::Change,
            Decision::Blocked(_) => self == Self::Blocked,
            Decision::Settled(_) => self == Self::Settled,
        }
    }
}

/// The rows of one reason.
pub(super) struct Group<'a> {
    pub(super) code: &'static str,
    pub(super) about: &'static str,
    pub(super) advice: &'static str,
    pub(super) rows: Vec<&'a PlannedRow>,
}

/// The rows of one kind by their reasons, the most frequent first.
pub(super) fn groups(plan: &Plan, kind: Kind) -> Vec<Group<'_>> {
    let mut by_reason: BTreeMap<&'static str, Group<'_>> = BTreeMap::new();
    for row in plan.rows.iter().filter(|row| kind.is_of(&row.decision)) {
        let words = row.decision.words();
        let (about, advice) = (words.about, words.advice);
        let group = Group { code: words.code, about, advice, rows: Vec::new() };
        by_reason.entry(words.code).or_insert(group).rows.push(row);
    }
    let mut groups: Vec<_> = by_reason.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.rows.len()));
    groups
}

/// What the guests of the rows that change receive: how many rows, and what.
pub(super) fn deliveries(plan: &Plan) -> Vec<(u64, String)> {
    let mut mixes: BTreeMap<Delivery, Mix<'_>> = BTreeMap::new();
    for invitation in plan.rows.iter().filter_map(|row| row.change()?.invite.as_ref()) {
        mixes.entry(Delivery::new(invitation, plan.caller)).or_default().add(invitation);
    }
    mixes.iter().map(|(delivery, mix)| (mix.rows, mix.describe(*delivery))).collect()
}

/// Who is meant by a row, and where it goes.
pub(super) fn guest(row: &PlannedRow) -> String {
    match row.decision {
        Decision::Change(_) => journey(row),
        Decision::Blocked(_) | Decision::Settled(_) => who(row),
    }
}

/// What is particular to a row within its group: what the guest receives, and what hangs on
/// it where that was asked for, or why it can't be carried out where the reason alone does
/// not say it.
pub(super) fn particular(row: &PlannedRow, plan: &Plan) -> String {
    match &row.decision {
        Decision::Change(change) => {
            let received = match &change.invite {
                Some(invitation) => mark(invitation, plan.caller),
                None => "no invitation".to_owned(),
            };
            let touched = plan.touched.as_ref().zip(row.user_id);
            let touched = touched.and_then(|(touched, id)| touched.guests.get(&id));
            let reach = touched.map(TouchedByOne::sentence).filter(|reach| !reach.is_empty());
            std::iter::once(received).chain(reach).collect::<Vec<_>>().join("; ")
        }
        decision => {
            let sentence = decision.to_string();
            if sentence == decision.words().about { String::new() } else { harmless(&sentence) }
        }
    }
}

impl PlanPage<'_> {
    /// The tenant, for a person.
    pub(super) fn tenant(&self) -> String {
        harmless(self.plan.tenant_name.as_deref().unwrap_or(&self.plan.tenant_id))
    }

    /// Whose plan it is.
    pub(super) fn about(&self) -> String {
        let actor = match self.plan.caller {
            Caller::AppOnly => "acting as an application",
            Caller::Delegated => "acting for the signed-in user",
        };
        format!(
            "{}: {}, tenant {}, {actor}",
            harmless(self.manifest),
            rows_of(self.plan),
            harmless(&self.plan.tenant_id)
        )
    }

    /// What keeps the plan from being carried out, by the names of the findings.
    pub(super) fn refusals(&self) -> Vec<&'static str> {
        self.plan.refusals().map(|finding| finding.code).collect()
    }

    pub(super) fn changes_nothing(&self) -> bool {
        self.plan.counts.change == 0
    }
}
