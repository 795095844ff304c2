//! The rows of the manifest as the last plan left them.
//!
//! Leaves to others: what became of them (`campaign`).

use rusqlite::{Connection, params};

use super::database::ReadError;
use super::tables::{collect, optional, parsed};
use crate::domain::{Email, InvitationKey, UserId, words};

words! {
    /// What a plan had in mind for a row.
    pub enum Planned ("decision") {
        Change = "change",
        Settled = "settled",
        /// Settled, but for an invitation that nobody is known to have sent.
        NotInvited = "not-invited",
        Blocked = "blocked",
    }
}

impl Planned {
    pub(super) fn is_settled(self) -> bool {
        matches!(self, Self::Settled | Self::NotInvited)
    }
}

/// A row of the manifest as a run planned it: what `status` accounts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestRow {
    pub line: u32,
    /// The guest as the manifest names it.
    pub user: String,
    pub user_id: Option<UserId>,
    /// The address asked for.
    pub address: Option<Email>,
    pub decision: Planned,
    /// The plan's reason code.
    pub reason: String,
    /// The plan's sentence, where the reason code does not say it all; else empty.
    pub explanation: String,
    /// The row's cells as they were written, as a JSON list of texts.
    pub cells: String,
}

impl ManifestRow {
    pub fn key(&self) -> Option<InvitationKey> {
        Some(InvitationKey { user_id: self.user_id?, address: self.address.clone()? })
    }

    /// Whether the plan took it for a wish of which nothing earlier stands, once another
    /// address had been begun.
    pub(super) fn is_anew(&self) -> bool {
        match self.decision {
            Planned::Change => {
                matches!(&*self.reason, "new-address" | "reset-only" | "revert" | "revert-mail")
            }
            Planned::Blocked => true,
            Planned::Settled | Planned::NotInvited => false,
        }
    }
}

pub(super) fn write(
    connection: &Connection,
    rows: impl Iterator<Item = ManifestRow>,
) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM manifest_row", [])?;
    let mut insert = connection.prepare(
        "INSERT INTO manifest_row
         (line, user, user_id, address, decision, reason, explanation, cells)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for row in rows {
        insert.execute(params![
            row.line,
            row.user,
            row.user_id.map(|id| id.to_string()),
            row.address.as_ref().map(Email::folded),
            row.decision.as_str(),
            row.reason,
            row.explanation,
            row.cells
        ])?;
    }
    Ok(())
}

/// By line.
pub(super) fn read(connection: &Connection) -> Result<Vec<ManifestRow>, ReadError> {
    let mut query = connection.prepare(
        "SELECT line, user, user_id, address, decision, reason, explanation, cells
         FROM manifest_row ORDER BY line",
    )?;
    collect(&mut query, |row| {
        Ok(ManifestRow {
            line: row.get(0)?,
            user: row.get(1)?,
            user_id: optional(row, 2)?,
            address: optional(row, 3)?,
            decision: parsed(row, 4)?,
            reason: row.get(5)?,
            explanation: row.get(6)?,
            cells: row.get(7)?,
        })
    })
}
