//! What became of mails that somebody changed after the invitation and that were to be
//! put right.
//!
//! Leaves to others: which (`plan`), and writing them (`run`).

use serde::Serialize;

use crate::plan::{ChangeReason, Plan};
use crate::run::Outcome;

use super::row_names::{RowName, RowNames};

/// What became of a mail that was to be put right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Correction {
    #[serde(flatten)]
    pub row: RowName,
    /// What the mail was changed to.
    pub found: Option<String>,
    pub outcome: Corrected,
}

/// How putting a mail right ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Corrected {
    /// The mail is the invited address again.
    Done,
    /// The guest has changed again since it was planned, and was left alone.
    LeftAlone,
    /// Refused, with the service's words.
    Failed(String),
}

/// The corrections among the rows of a plan that the run came to.
pub(super) fn corrections(
    plan: &Plan,
    outcomes: &[Option<Outcome>],
    names: &RowNames,
) -> Vec<Correction> {
    plan.rows
        .iter()
        .zip(outcomes)
        .filter_map(|(row, outcome)| {
            let change = row.change().filter(|it| it.reason == ChangeReason::Correction)?;
            let outcome = match outcome.as_ref()? {
                Outcome::AsWanted { written: true } => Corrected::Done,
                Outcome::AsWanted { written: false } => Corrected::LeftAlone,
                Outcome::Failed(failure) if failure.is_of_others() => Corrected::LeftAlone,
                Outcome::Failed(failure) => Corrected::Failed(failure.message.clone()),
                Outcome::Invited(_)
                | Outcome::Unknown { .. }
                | Outcome::NotAttempted { .. }
                | Outcome::Held => {
                    return None;
                }
            };
            let found = change.set_mail.as_ref()?.expected.as_deref().map(str::to_owned);
            Some(Correction { row: names.of(&row.key()?), found, outcome })
        })
        .collect()
}
