//! What a record does to the tables: the event itself, and the present state that it
//! leaves of its row, in one transaction.
//!
//! Leaves to others: which state that is (`state`).

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};

use super::database::ReadError;
use super::seal::Seal;
use super::state::RowState;
use super::tables::{Wait, row_state, write_row_state, write_waits};
use super::{BeforeImage, Entry, Record, arrival, mail, record};
use crate::domain::{InvitationKey, Sighting, UserId};

/// Something to be written.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "all but one of a run are records")]
pub(super) enum Addition {
    /// A record, and when it happened.
    Record { entry: Entry, at: Timestamp },
    /// Why the run is about to end, where no record tells of it.
    Stop(&'static str),
}

/// A row as a commit found it, and as it leaves it.
struct Row {
    before: Option<RowState>,
    after: Option<RowState>,
}

/// Writes records and the states they leave: all of it, or nothing.
pub(super) fn commit(
    connection: &mut Connection,
    seal: &mut Seal,
    additions: &[Addition],
    waits: &[Wait],
) -> Result<(), ReadError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    seal.must_be_on(&transaction)?;
    let mut sealed = seal.clone();
    let run = seal.run();
    write_waits(&transaction, run, waits)?;
    let mut rows: HashMap<&InvitationKey, Row> = HashMap::new();
    for addition in additions {
        let (entry, at) = match addition {
            Addition::Record { entry, at } => (entry, at),
            Addition::Stop(reason) => {
                write_stop(&transaction, run, reason)?;
                continue;
            }
        };
        let record = &entry.record;
        if let Some(reason) = entry.stops {
            write_stop(&transaction, run, reason)?;
        }
        if let Record::Seen(sighting) = record {
            write_sighting(&transaction, &mut sealed, *at, sighting)?;
            mail::write(&transaction, entry, *at)?;
            continue;
        }
        write_event(&transaction, &mut sealed, *at, entry)?;
        remember(&transaction, record, *at)?;
        mail::write(&transaction, entry, *at)?;
        arrival::write(&transaction, record, *at)?;
        let key = record.key();
        let row = match rows.entry(key) {
            std::collections::hash_map::Entry::Occupied(row) => row.into_mut(),
            std::collections::hash_map::Entry::Vacant(row) => {
                let before = row_state(&transaction, key)?;
                row.insert(Row { after: before.clone(), before })
            }
        };
        row.after = RowState::after(row.after.take(), record, *at);
    }
    for (key, Row { before, after }) in rows {
        if let Some(after) = after.filter(|after| before.as_ref() != Some(after)) {
            write_row_state(&transaction, key, &after)?;
        }
    }
    sealed.write(&transaction)?;
    transaction.commit()?;
    *seal = sealed;
    Ok(())
}

/// Its end writes the reason once more, with everything else.
fn write_stop(connection: &Connection, run: i64, reason: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE run SET stop_reason = ?2 WHERE id = ?1")?
        .execute(params![run, reason])
        .map(drop)
}

fn write_sighting(
    connection: &Connection,
    seal: &mut Seal,
    at: Timestamp,
    Sighting { key, shows, since }: &Sighting,
) -> rusqlite::Result<()> {
    let (run, at, user) = (seal.run(), at.to_string(), key.user_id.to_string());
    let (address, shown) = (key.address.folded(), record::shown(shows).to_string());
    let since = since.map(|since| since.to_string());
    seal.add_sighting([
        &run.to_string(),
        &at,
        &user,
        &address,
        shows.word(),
        since.as_deref().unwrap_or_default(),
        &shown,
    ]);
    connection
        .prepare_cached(
            "INSERT INTO sighting (run, at, user_id, address, finding, since, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![run, at, user, address, shows.word(), since, shown])
        .map(drop)
}

fn write_event(
    connection: &Connection,
    seal: &mut Seal,
    at: Timestamp,
    entry: &Entry,
) -> rusqlite::Result<()> {
    let key = entry.record.key();
    let (run, at, user) = (seal.run(), at.to_string(), key.user_id.to_string());
    let (address, detail) = (key.address.folded(), entry.detail().to_string());
    let what = entry.record.what().map_or("", super::What::as_str);
    seal.add_event([&run.to_string(), &at, &user, &address, what, &detail]);
    connection
        .prepare_cached(
            "INSERT INTO event (run, at, user_id, address, what, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![run, at, user, address, what, detail])
        .map(drop)
}

/// Keeps what can't be learned again once the mail is written.
fn remember(connection: &Connection, record: &Record, at: Timestamp) -> rusqlite::Result<()> {
    match record {
        Record::Patching { key, reference, before, .. }
        | Record::Reverting { key, reference, before, .. } => {
            write_before_image(connection, key.user_id, at, before)?;
            remember_name(connection, reference, key.user_id)?;
            match &before.mail {
                Some(mail) => remember_name(connection, &mail.to_lowercase(), key.user_id),
                None => Ok(()),
            }
        }
        Record::Intended { key, reference, .. } => {
            remember_name(connection, reference, key.user_id)
        }
        Record::Patched { .. }
        | Record::Outstanding { .. }
        | Record::Unknown { .. }
        | Record::Invited { .. }
        | Record::Failed { .. }
        | Record::ResendAsked { .. }
        | Record::Correcting { .. }
        | Record::Corrected { .. }
        | Record::Reverted { .. }
        | Record::MailIntended { .. }
        | Record::MailDrafted { .. }
        | Record::MailWithdrawn { .. }
        | Record::Mailed { .. }
        | Record::MailFailed { .. }
        | Record::MailUnknown { .. }
        | Record::Reminding { .. }
        | Record::Reminded { .. }
        | Record::MailTraced { .. }
        | Record::Seen(_) => Ok(()),
    }
}

/// The first image is the one from before the campaign.
fn write_before_image(
    connection: &Connection,
    user_id: UserId,
    at: Timestamp,
    BeforeImage { mail, other_mails }: &BeforeImage,
) -> rusqlite::Result<()> {
    let other_mails = serde_json::to_string(other_mails).expect("plain data");
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO before_image (user_id, at, mail, other_mails)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![user_id.to_string(), at.to_string(), mail, other_mails])
        .map(drop)
}

/// A name is remembered for when the directory no longer knows it. An object id is
/// known as long as its user exists.
fn remember_name(connection: &Connection, name: &str, user_id: UserId) -> rusqlite::Result<()> {
    let user = user_id.to_string();
    if name == user {
        return Ok(());
    }
    connection
        .prepare_cached("INSERT OR IGNORE INTO name (name, user_id) VALUES (?1, ?2)")?
        .execute(params![name, user])
        .map(drop)
}
