//! What became of the mails that left: the table `arrival`, and the mails whose fate is
//! asked about.
//!
//! Leaves to others: one's own mails up to their leaving (`mail`).

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::database::{ReadError, in_one_state};
use super::tables::{begun, collect, key, optional, parsed, text};
use super::{Checkpoint, CheckpointError, Reader, Record, mail};
use crate::domain::{Arrival, ArrivalCounts, InvitationKey, UserId};

/// What was told of the newest mail to a guest and address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// Of one's own mail.
    pub(super) message_id: Option<String>,
    pub(super) arrival: Arrival,
}

/// Writes what a record does to it.
pub(super) fn write(
    connection: &Connection,
    record: &Record,
    at: Timestamp,
) -> Result<(), ReadError> {
    let key = record.key();
    let (user, address) = (key.user_id.to_string(), key.address.folded());
    match record {
        // Of the next mail nothing is known yet. A reminder leaves what the one before came
        // to, until the trace tells of it.
        Record::Invited { .. } | Record::Mailed { .. } => {
            connection
                .prepare_cached("DELETE FROM arrival WHERE user_id = ?1 AND address = ?2")?
                .execute(params![user, address])?;
        }
        Record::MailTraced { fate, message_id, code, message, .. } => {
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO arrival
                        (user_id, address, fate, at, message_id, code, message)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![
                    user,
                    address,
                    fate.as_str(),
                    at.to_string(),
                    message_id,
                    code,
                    message
                ])?;
        }
        Record::Patching { .. }
        | Record::Patched { .. }
        | Record::Intended { .. }
        | Record::Outstanding { .. }
        | Record::Unknown { .. }
        | Record::Failed { .. }
        | Record::ResendAsked { .. }
        | Record::Correcting { .. }
        | Record::Corrected { .. }
        | Record::Reverting { .. }
        | Record::Reverted { .. }
        | Record::MailIntended { .. }
        | Record::MailDrafted { .. }
        | Record::MailWithdrawn { .. }
        | Record::MailFailed { .. }
        | Record::MailUnknown { .. }
        | Record::Reminding { .. }
        | Record::Reminded { .. }
        | Record::Seen(_) => {}
    }
    Ok(())
}

pub(super) fn read(connection: &Connection) -> Result<HashMap<InvitationKey, Told>, ReadError> {
    let mut query = connection
        .prepare("SELECT user_id, address, fate, at, message_id, code, message FROM arrival")?;
    let told = collect(&mut query, |row| {
        let arrival = Arrival {
            fate: parsed(row, 2)?,
            at: parsed(row, 3)?,
            code: optional(row, 5)?,
            message: text(row, 6)?.to_owned(),
        };
        Ok((key(row, 0, 1)?, Told { message_id: optional(row, 4)?, arrival }))
    })?;
    Ok(told.into_iter().collect())
}

/// Who sent a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailedBy {
    /// One's own mail.
    Us { message_id: String },
    /// Microsoft, with the invitation.
    Microsoft,
}

/// The newest mail to a guest, at the address that it is wanted to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentMail {
    pub key: InvitationKey,
    pub by: MailedBy,
    /// When it was recorded as sent, in the service's time.
    pub at: Timestamp,
    /// What was told of it.
    pub arrival: Option<Arrival>,
    /// Whether that is told of this very mail, and not of one before a reminder.
    pub is_told: bool,
}

impl SentMail {
    /// Whether the trace may have more to tell.
    pub fn is_open(&self) -> bool {
        !self.is_told || self.arrival.as_ref().is_none_or(|arrival| !arrival.fate.is_final())
    }
}

/// The mails that left or may have, each guest's newest, by guest.
pub(super) fn sent(connection: &Connection) -> Result<Vec<SentMail>, ReadError> {
    let mut mails: Vec<(InvitationKey, MailedBy, Timestamp)> = mail::left(connection)?
        .into_iter()
        .map(|(key, message_id, at)| (key, MailedBy::Us { message_id }, at))
        .collect();
    let mut query = connection.prepare(
        "SELECT e.user_id, e.address, e.at FROM event e
         JOIN (SELECT max(id) AS id FROM event WHERE what = 'invited' GROUP BY user_id, address) l
            ON l.id = e.id
         WHERE e.detail ->> '$.silent' IS NULL AND NOT EXISTS
            (SELECT 1 FROM mail m WHERE m.user_id = e.user_id AND m.address = e.address)",
    )?;
    mails.extend(collect(&mut query, |row| {
        Ok((key(row, 0, 1)?, MailedBy::Microsoft, parsed(row, 2)?))
    })?);
    // What became of a mail to an address that is not wanted any more is no news.
    let begun = begun(connection)?;
    let mut last: HashMap<UserId, i64> = HashMap::new();
    for (key, at) in &begun {
        let known = last.entry(key.user_id).or_insert(*at);
        *known = (*known).max(*at);
    }
    mails.retain(|(key, ..)| begun.get(key) == last.get(&key.user_id));
    let mut told = read(connection)?;
    mails.sort_by_cached_key(|(key, ..)| key.stored());
    let mails = mails.into_iter().map(|(key, by, at)| {
        let told = told.remove(&key);
        let is_told = told.as_ref().is_some_and(|told| match (&by, &told.message_id) {
            (MailedBy::Us { message_id }, Some(of)) => message_id == of,
            (MailedBy::Microsoft, None) => true,
            (MailedBy::Us { .. } | MailedBy::Microsoft, _) => false,
        });
        SentMail { key, by, at, arrival: told.map(|told| told.arrival), is_told }
    });
    Ok(mails.collect())
}

pub(super) fn counts(connection: &Connection) -> Result<ArrivalCounts, ReadError> {
    let is_asked: bool =
        connection.query_row("SELECT EXISTS (SELECT 1 FROM arrival)", [], |row| row.get(0))?;
    let mut counts = ArrivalCounts::default();
    if is_asked {
        for mail in sent(connection)? {
            counts.count(mail.arrival.map(|arrival| arrival.fate));
        }
    }
    Ok(counts)
}

impl Checkpoint {
    /// The mails that left or may have.
    pub fn mails_sent(&self) -> Result<Vec<SentMail>, CheckpointError> {
        let (path, connection) = self.connection();
        in_one_state(path, connection, sent)
    }
}

impl Reader {
    /// The mails that left or may have, beside the run that holds the checkpoint.
    pub fn mails_sent(&self) -> Result<Vec<SentMail>, CheckpointError> {
        self.read(sent)
    }
}
