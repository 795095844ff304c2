//! The present states as planning needs them.

use std::path::Path;

use rusqlite::Connection;

use super::database::{ReadError, in_one_state, meta};
use super::record::{MailedHow, What};
use super::state::{RowState, Step};
use super::tables::{begun, old_mails, parsed, row_states, seen_gone, text, written_and_given_up};
use super::{Checkpoint, CheckpointError, Reader};
use crate::domain::{Ledger, LedgerEntry, LedgerState};

impl Checkpoint {
    /// What earlier runs of the campaign did.
    pub fn ledger(&self) -> Result<Ledger, CheckpointError> {
        let (path, connection) = self.connection();
        in_one_state(path, connection, ledger)
    }
}

impl Reader {
    /// What earlier runs of the campaign did, for a plan that writes nothing.
    pub fn ledger(&self) -> Result<Ledger, CheckpointError> {
        self.read(ledger)
    }
}

/// Reads what earlier runs did; empty when there is no checkpoint yet.
pub fn read_ledger(path: &Path) -> Result<Ledger, CheckpointError> {
    match Reader::open(path) {
        Err(CheckpointError::Missing { .. }) => Ok(Ledger::default()),
        reader => reader?.ledger(),
    }
}

fn ledger(connection: &Connection) -> Result<Ledger, ReadError> {
    let mut ledger = Ledger::default();
    ledger.tenant = meta(connection, "tenant")?;
    // The history of a guest is a sequence: of two addresses the one that was begun last is
    // the one that the manifest asked for last, whatever became known of the other since.
    let begun = begun(connection)?;
    let mut states: Vec<_> = row_states(connection)?.into_iter().collect();
    states.sort_by_cached_key(|(key, _)| begun.get(key).copied());
    for (key, RowState { step, at, resend, reverts }) in states {
        if let Some(way) = reverts {
            ledger.record_revert(key.clone(), way);
        }
        let state = match step {
            Step::Patching => LedgerState::Patching,
            Step::Patched => LedgerState::Patched,
            Step::Intended(intent) => {
                // A request of a person is kept instead of what it was made after.
                let asked_after = resend.as_ref().map(|resend| resend.invited_at);
                if let Some(at) = intent.accepted.as_ref().map(|it| it.at).or(asked_after) {
                    ledger.record_resent(key.clone(), at);
                }
                if intent.silent {
                    ledger.record_silent(key.clone());
                }
                LedgerState::Unknown { before: intent.before }
            }
            Step::Outstanding => LedgerState::Outstanding,
            Step::Invited(_) => LedgerState::Invited,
            Step::Failed(failure) => {
                LedgerState::Failed { code: failure.code, message: failure.message }
            }
            Step::Reverting => LedgerState::Reverting,
            Step::Reverted => LedgerState::Reverted,
        };
        ledger.record(key, LedgerEntry { state, at, resend });
    }
    for (key, standing) in super::mail::standings(connection)? {
        ledger.record_mail(key, standing);
    }
    // A file leaves nothing of a mailbox's day.
    let mut query = connection.prepare(
        "SELECT at, coalesce(detail ->> '$.recipients', 1) FROM event
         WHERE what IN (?1, ?2, ?3) AND coalesce(detail ->> '$.mailed', '') <> ?4",
    )?;
    let words = [What::Mailed, What::Reminded, What::MailUnknown].map(What::as_str);
    let [mailed, reminded, unknown] = words;
    let mut sent = query.query((mailed, reminded, unknown, MailedHow::File.as_str()))?;
    while let Some(row) = sent.next()? {
        let recipients: i64 = row.get(1)?;
        ledger.record_mailed(parsed(row, 0)?, u64::try_from(recipients).unwrap_or_default());
    }
    for (key, at) in written_and_given_up(connection)? {
        ledger.record_written_at(key, at);
    }
    for user_id in seen_gone(connection)? {
        ledger.record_seen_gone(user_id);
    }
    for user_id in old_mails(connection)?.into_keys() {
        ledger.record_written(user_id);
    }
    let mut query = connection.prepare("SELECT name, user_id FROM name")?;
    let mut names = query.query([])?;
    while let Some(row) = names.next()? {
        ledger.record_name(text(row, 0)?, parsed(row, 1)?);
    }
    Ok(ledger)
}
