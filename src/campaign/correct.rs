//! Writing mails again that somebody changed after the invitation.
//!
//! Leaves to others: which (`plan`). Each guest is read once more just before, and one
//! that has changed again is left alone.

use serde::Serialize;

use crate::checkpoint::{Entry, Journal, Record};
use crate::domain::{DirectoryUser, Trace};
use crate::graph::{CallError, Graph, Verdict};
use crate::plan;
use crate::run::{Stop, StopReason, mail_patch, stop_reason};

use super::names::{Names, RowName};

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

/// Puts mails right, one after another, until something asks to stop.
pub(super) async fn correct(
    corrections: &[plan::Correction],
    names: &Names,
    graph: &Graph,
    journal: &Journal,
    stop: &Stop,
) -> Vec<Correction> {
    let mut ended = Vec::new();
    for correction in corrections {
        if stop.is_requested() {
            break;
        }
        let outcome = match one(correction, graph, journal).await {
            Ok(outcome) => outcome,
            Err(Trouble::Checkpoint(message)) => {
                stop.request(StopReason::Checkpoint { message });
                break;
            }
            Err(Trouble::Call(error)) => {
                if let Some(reason) = stop_reason(&error) {
                    stop.request(reason);
                }
                let is_of_guest = matches!(&error, CallError::Refused { verdict, .. }
                    if !matches!(verdict, Verdict::StopRun(_)));
                if !is_of_guest {
                    break;
                }
                Corrected::Failed(error.to_string())
            }
        };
        let found = correction.set_mail.expected.as_deref().map(str::to_owned);
        ended.push(Correction { row: names.of(&correction.key), found, outcome });
    }
    ended
}

enum Trouble {
    Call(CallError),
    Checkpoint(String),
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

async fn one(
    correction: &plan::Correction,
    graph: &Graph,
    journal: &Journal,
) -> Result<Corrected, Trouble> {
    let plan::Correction { key, set_mail, .. } = correction;
    let guest = graph.user(key.user_id).await?;
    let is_as_planned = |guest: &DirectoryUser| {
        guest.mail == set_mail.expected
            && set_mail.other_mails.as_ref().is_none_or(|set| guest.other_mails == set.expected)
    };
    if !guest.as_ref().is_some_and(is_as_planned) {
        return Ok(Corrected::LeftAlone);
    }
    let found = set_mail.expected.as_deref().map(str::to_owned);
    let before = Record::Correcting { key: key.clone(), found };
    append(journal, before, graph).await?;
    let mut trace = Trace::default();
    graph.patch_user(key.user_id, &mail_patch(set_mail), &mut trace).await?;
    let after = Record::Corrected { key: key.clone() };
    append(journal, after.after(Some(trace)), graph).await?;
    Ok(Corrected::Done)
}

async fn append(journal: &Journal, record: impl Into<Entry>, graph: &Graph) -> Result<(), Trouble> {
    let written = journal.append(record, graph.clock().service_now()).await;
    written.map_err(|error| Trouble::Checkpoint(error.to_string()))
}
