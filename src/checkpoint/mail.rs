//! What became of the mail with an invitation's link, and the link itself for as long
//! as it is needed: the table `mail`.
//!
//! Leaves to others: what a record does to a mail (`mail::state`), and the invitation
//! (`checkpoint::state`).

mod state;

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use serde::Serialize;

use super::database::{ReadError, in_one_state};
use super::tables::{collect, key, optional, parsed, text};
use super::{Checkpoint, CheckpointError, Entry, InvitedHow, Record};
use crate::domain::{HeldLink, InvitationKey, MailStanding, MailWay, RedeemUrl, words};
use state::{MailState, Step};

words! {
    /// What became of the mail with a guest's newest invitation.
    pub enum MailSent ("mail of a row") {
        Microsoft = "microsoft",
        /// One's own: sent, or written as a file.
        Sent = "sent",
        Failed = "failed",
        Unknown = "unknown",
        NotYet = "not-yet",
        /// Nobody sends one.
        None = "none",
    }
}

/// Writes what a record does to the mail. `secure_delete` overwrites what goes.
pub(super) fn write(
    connection: &Connection,
    entry: &Entry,
    at: Timestamp,
) -> Result<(), ReadError> {
    let key = entry.record.key();
    let (user, address) = (key.user_id.to_string(), key.address.folded());
    // One to another address of the guest voids the link as well; a lost answer that is
    // settled late may have been to an earlier one.
    if let Record::Invited { how: InvitedHow::Accepted | InvitedHow::LinkLost, .. } = entry.record {
        connection
            .prepare_cached(
                "UPDATE mail SET link = NULL
                 WHERE user_id = ?1 AND address <> ?2 AND link IS NOT NULL",
            )?
            .execute(params![user, address])?;
    }
    let before = {
        let mut query = connection.prepare_cached(
            "SELECT state, at, message_id, link FROM mail WHERE user_id = ?1 AND address = ?2",
        )?;
        let mut rows = query.query(params![user, address])?;
        rows.next()?.map(|row| read_state(row, 0)).transpose()?
    };
    let after = MailState::after(before.clone(), entry, at);
    if before == after {
        return Ok(());
    }
    let Some(MailState { step, at, message_id, link }) = after else {
        connection
            .prepare_cached("DELETE FROM mail WHERE user_id = ?1 AND address = ?2")?
            .execute(params![user, address])?;
        return Ok(());
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO mail (user_id, address, state, at, message_id, link)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            user,
            address,
            step.word(),
            at.to_string(),
            message_id,
            link.as_ref().map(RedeemUrl::expose),
        ])?;
    Ok(())
}

fn read_state(row: &Row<'_>, first: usize) -> Result<MailState, ReadError> {
    let link: Option<String> = row.get(first + 3)?;
    Ok(MailState {
        step: Step::parse(text(row, first)?)?,
        at: parsed(row, first + 1)?,
        message_id: optional(row, first + 2)?,
        link: link.map(RedeemUrl::new),
    })
}

fn states(connection: &Connection) -> Result<Vec<(InvitationKey, MailState)>, ReadError> {
    let mut query =
        connection.prepare("SELECT user_id, address, state, at, message_id, link FROM mail")?;
    collect(&mut query, |row| Ok((key(row, 0, 1)?, read_state(row, 2)?)))
}

/// What became of each mail of one's own.
pub(super) fn sent_by_us(
    connection: &Connection,
) -> Result<HashMap<InvitationKey, MailSent>, ReadError> {
    let states = states(connection)?.into_iter();
    let sent = states.map(|(key, state)| {
        let sent = match state.step {
            Step::NoLink | Step::Held | Step::Intended(MailWay::Mailbox) => MailSent::NotYet,
            Step::Intended(_) | Step::Drafted | Step::Unknown => MailSent::Unknown,
            Step::Mailed | Step::Reminding => MailSent::Sent,
            Step::Failed => MailSent::Failed,
        };
        (key, sent)
    });
    Ok(sent.collect())
}

/// Mails of one's own that left or may have: whom each is for, its Message-ID, and since
/// when it is so.
pub(super) fn left(
    connection: &Connection,
) -> Result<Vec<(InvitationKey, String, Timestamp)>, ReadError> {
    let states = states(connection)?.into_iter();
    let left = states.filter_map(|(key, state)| match state.step {
        // What was begun from a mailbox, the mailbox tells.
        Step::Mailed | Step::Reminding | Step::Unknown | Step::Intended(MailWay::Server) => {
            Some((key, state.message_id?, state.at))
        }
        Step::NoLink | Step::Held | Step::Intended(_) | Step::Drafted | Step::Failed => None,
    });
    Ok(left.collect())
}

/// Mails of one's own by where they stand, each guest's newest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct MailCounts {
    /// Sent, or written as a file.
    pub mailed: u64,
    /// No mail left: the link is held, or was lost and is made again.
    pub held: u64,
    /// Refused for the guest.
    pub failed: u64,
    /// Sent or not: not known.
    pub unknown: u64,
}

impl MailCounts {
    pub fn total(self) -> u64 {
        let Self { mailed, held, failed, unknown } = self;
        mailed + held + failed + unknown
    }
}

pub(super) fn counts(connection: &Connection) -> Result<MailCounts, ReadError> {
    let mut counts = MailCounts::default();
    for (_, state) in states(connection)? {
        match (state.step, state.standing()) {
            (Step::Mailed | Step::Reminding, _) => counts.mailed += 1,
            (Step::Failed, _) => counts.failed += 1,
            (_, Some(MailStanding::Held | MailStanding::NoLink)) => counts.held += 1,
            (_, Some(MailStanding::Begun { .. } | MailStanding::Unknown)) => counts.unknown += 1,
            // It had redeemed before its mail left. Of a mail that was sent no other is said.
            (_, None | Some(MailStanding::Kept | MailStanding::Reminding)) => {}
        }
    }
    Ok(counts)
}

/// Where mails are not at their end.
pub(super) fn standings(
    connection: &Connection,
) -> Result<Vec<(InvitationKey, MailStanding)>, ReadError> {
    let states = states(connection)?.into_iter();
    Ok(states.filter_map(|(key, state)| Some((key, state.standing()?))).collect())
}

impl Checkpoint {
    /// The links that are held, for mails that are still to be sent.
    pub fn links(&self) -> Result<HashMap<InvitationKey, HeldLink>, CheckpointError> {
        let (path, connection) = self.connection();
        in_one_state(path, connection, |connection| {
            let states = states(connection)?.into_iter();
            let open = states.filter(|(_, state)| state.standing().is_some());
            Ok(open.filter_map(|(key, state)| Some((key, state.held()?))).collect())
        })
    }

    /// The mail of every guest whose mail was written, as it was before.
    pub fn old_mails(
        &self,
    ) -> Result<HashMap<crate::domain::UserId, Option<String>>, CheckpointError> {
        let (path, connection) = self.connection();
        in_one_state(path, connection, super::tables::old_mails)
    }
}
