//! What became of the mail with an invitation's link, and the link itself for as long
//! as it is needed: the table `mail`, and the state in it as what records leave behind.
//!
//! Leaves to others: the invitation (`state`).

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use serde::Serialize;

use super::database::{ReadError, in_one_state};
use super::tables::{collect, content, key, optional, parsed, text};
use super::{Checkpoint, CheckpointError, Entry, InvitedHow, Record};
use crate::domain::{
    EarlierMail, HeldLink, InvitationKey, MailStanding, MailWay, RedeemUrl, Shows, Sighting, words,
};

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The link is here, and no mail was begun.
    Held,
    /// It is about to leave; from a mailbox, to be put there as a draft.
    Intended(MailWay),
    /// The draft is about to be sent.
    Drafted,
    Mailed,
    /// It was, and the same link is about to be mailed once more.
    Reminding,
    Failed,
    Unknown,
}

impl Step {
    const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Intended(MailWay::Server) => "intended",
            Self::Intended(MailWay::File) => "intended-file",
            Self::Intended(MailWay::Mailbox) => "intended-draft",
            Self::Drafted => "drafted",
            Self::Mailed => "mailed",
            Self::Reminding => "reminding",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    fn parse(word: &str) -> Result<Self, ReadError> {
        let intended = MailWay::ALL.iter().map(|&by| Self::Intended(by));
        [Self::Held, Self::Drafted, Self::Mailed, Self::Reminding, Self::Failed, Self::Unknown]
            .into_iter()
            .chain(intended)
            .find(|step| step.word() == word)
            .ok_or_else(|| content(format!("state of a mail `{word}`")))
    }
}

/// The mail of the guest's newest invitation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MailState {
    step: Step,
    at: Timestamp,
    message_id: Option<String>,
    link: Option<RedeemUrl>,
}

impl MailState {
    /// The state after a record; none where no link of one's own is mailed.
    fn after(state: Option<Self>, entry: &Entry, at: Timestamp) -> Option<Self> {
        match &entry.record {
            // The next invitation voids the link of the one before.
            Record::Invited { .. } => {
                let link = Some(entry.link.clone()?);
                Some(Self { step: Step::Held, at, message_id: None, link })
            }
            Record::MailIntended { message_id, by, .. } => {
                let message_id = Some(message_id.clone());
                state.map(|state| Self { step: Step::Intended(*by), at, message_id, ..state })
            }
            Record::Reminding { message_id, .. } => {
                let message_id = Some(message_id.clone());
                state.map(|state| Self { step: Step::Reminding, at, message_id, ..state })
            }
            // Whatever came of a reminder, the mail before it was sent.
            Record::Reminded { .. } | Record::MailWithdrawn { .. } | Record::MailUnknown { .. }
                if state.as_ref().is_some_and(|state| state.step == Step::Reminding) =>
            {
                state.map(|state| Self { step: Step::Mailed, at, ..state })
            }
            Record::MailDrafted { .. }
                if state.as_ref().is_some_and(|state| state.step == Step::Reminding) =>
            {
                state
            }
            Record::MailDrafted { .. } => {
                state.map(|state| Self { step: Step::Drafted, at, ..state })
            }
            Record::MailWithdrawn { .. } => {
                state.map(|state| Self { step: Step::Held, at, ..state })
            }
            Record::Mailed { keeps_link, .. } => state.map(|state| Self {
                step: Step::Mailed,
                at,
                link: state.link.filter(|_| *keeps_link),
                ..state
            }),
            Record::MailFailed { .. } => {
                state.map(|state| Self { step: Step::Failed, at, link: None, ..state })
            }
            Record::MailUnknown { .. } => {
                state.map(|state| Self { step: Step::Unknown, at, link: None, ..state })
            }
            // A mail that shows there has left; what does not show there may have.
            Record::MailTraced { message_id, .. } => state.map(|state| {
                let is_it = state.step == Step::Unknown && state.message_id == *message_id;
                Self { step: if is_it { Step::Mailed } else { state.step }, ..state }
            }),
            // Who has redeemed needs no link.
            Record::Seen(Sighting { shows: Shows::Redeemed, .. }) => {
                state.map(|state| Self { link: None, ..state })
            }
            // It leads nowhere any more: the guest is gone, or another invitation voids it.
            Record::Seen(Sighting { shows: Shows::Deleted | Shows::Reinvited, .. })
                if state.as_ref().is_some_and(|state| state.step == Step::Mailed) =>
            {
                state.map(|state| Self { link: None, ..state })
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
            | Record::Reminded { .. }
            | Record::Seen(_) => state,
        }
    }

    fn held(self) -> Option<HeldLink> {
        let Self { step, at, message_id, link } = self;
        let drafted_at = (step == Step::Drafted).then_some(at);
        // Of a mail that was sent nothing is to be settled before the next.
        let earlier = message_id.filter(|_| step != Step::Mailed);
        let earlier = earlier.map(|message_id| EarlierMail { message_id, drafted_at });
        Some(HeldLink { link: link?, earlier })
    }

    fn standing(&self) -> Option<MailStanding> {
        let has_link = self.link.is_some();
        match self.step {
            // A draft that nobody sent is no mail.
            Step::Held | Step::Intended(MailWay::Mailbox) if has_link => Some(MailStanding::Held),
            Step::Drafted => Some(MailStanding::Begun { by: MailWay::Mailbox, has_link }),
            Step::Intended(by) => Some(MailStanding::Begun { by, has_link }),
            Step::Unknown => Some(MailStanding::Unknown),
            Step::Mailed if has_link => Some(MailStanding::Kept),
            Step::Reminding => Some(MailStanding::Reminding),
            Step::Held | Step::Mailed | Step::Failed => None,
        }
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
    if let Record::Invited { how: InvitedHow::Accepted, .. } = entry.record {
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
        rows.next()?.map(|row| state(row, 0)).transpose()?
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

fn state(row: &Row<'_>, first: usize) -> Result<MailState, ReadError> {
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
    collect(&mut query, |row| Ok((key(row, 0, 1)?, state(row, 2)?)))
}

/// What became of each mail of one's own.
pub(super) fn sent_by_us(
    connection: &Connection,
) -> Result<HashMap<InvitationKey, MailSent>, ReadError> {
    let states = states(connection)?.into_iter();
    let sent = states.map(|(key, state)| {
        let sent = match state.step {
            Step::Held | Step::Intended(MailWay::Mailbox) => MailSent::NotYet,
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
        Step::Mailed | Step::Reminding | Step::Unknown => Some((key, state.message_id?, state.at)),
        Step::Held | Step::Intended(_) | Step::Drafted | Step::Failed => None,
    });
    Ok(left.collect())
}

/// Mails of one's own by where they stand, each guest's newest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct MailCounts {
    /// Sent, or written as a file.
    pub mailed: u64,
    /// The link is held, and no mail left.
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
            (_, Some(MailStanding::Held)) => counts.held += 1,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::{InvitedHow, MailedHow};
    use crate::domain::{Email, UserId};

    fn key() -> InvitationKey {
        InvitationKey {
            user_id: UserId::parse("0000abcd-0000-4000-8000-00000000b2b0").unwrap(),
            address: Email::parse("ada@northwind.example").unwrap(),
        }
    }

    /// An accepted invitation whose answer had this link.
    fn invited(link: Option<&str>) -> Entry {
        let record = Record::Invited { key: key(), how: InvitedHow::Accepted };
        Entry { link: link.map(RedeemUrl::new), ..record.into() }
    }

    /// What records leave: where the mail stands, and the link that is kept.
    fn left(entries: impl IntoIterator<Item = Entry>) -> (Option<MailStanding>, Option<String>) {
        let state = entries
            .into_iter()
            .fold(None, |state, entry| MailState::after(state, &entry, Timestamp::UNIX_EPOCH));
        let Some(state) = state else { return (None, None) };
        (state.standing(), state.link.map(|link| link.expose().to_owned()))
    }

    #[test]
    fn a_link_is_kept_until_its_mail_has_an_end() {
        let intended = |by| {
            let message_id = "<1@c>".into();
            Record::MailIntended { key: key(), message_id, by }.into()
        };
        let drafted = || Record::MailDrafted { key: key() }.into();
        let withdrawn = || Record::MailWithdrawn { key: key(), why: "later".into() }.into();
        let mailed = |keeps_link| {
            Record::Mailed { key: key(), how: MailedHow::Sent, recipients: 1, keeps_link }.into()
        };
        let unknown = || Record::MailUnknown { key: key(), evidence: "lost".into() }.into();
        let (code, message, advice) = ("5.1.1".to_owned(), String::new(), String::new());
        let failed = Record::MailFailed { key: key(), code, message, advice }.into();
        let traced: fn(&str) -> Entry = |message_id| {
            let (message_id, code) = (Some(message_id.to_owned()), None);
            let fate = crate::domain::Fate::Bounced;
            Record::MailTraced { key: key(), fate, message_id, code, message: String::new() }.into()
        };
        let shows = Shows::Redeemed;
        let redeemed = || Record::Seen(Sighting { key: key(), shows: shows.clone(), since: None });
        let held = || invited(Some("one"));
        let begun = |by| Some(MailStanding::Begun { by, has_link: true });
        let server = MailWay::Server;
        let one = || Some("one".to_owned());
        let kept = Some(MailStanding::Kept);
        let reminding = || Record::Reminding { key: key(), message_id: "<2@c>".into() }.into();
        let reminded =
            || Record::Reminded { key: key(), how: MailedHow::Sent, recipients: 1 }.into();
        let reinvited: fn() -> Entry = || {
            let shows = Shows::Reinvited;
            Record::Seen(Sighting { key: key(), shows, since: None }).into()
        };
        for (records, standing, link) in [
            (vec![invited(None)], None, None),
            (vec![held()], Some(MailStanding::Held), one()),
            (vec![held(), intended(server)], begun(server), one()),
            (vec![held(), intended(MailWay::File)], begun(MailWay::File), one()),
            (vec![held(), intended(MailWay::Mailbox)], Some(MailStanding::Held), one()),
            (vec![held(), intended(MailWay::Mailbox), drafted()], begun(MailWay::Mailbox), one()),
            (vec![held(), intended(server), withdrawn()], Some(MailStanding::Held), one()),
            (vec![held(), intended(server), mailed(false)], None, None),
            (vec![held(), intended(server), mailed(true)], kept, one()),
            (vec![held(), mailed(true), reminding()], Some(MailStanding::Reminding), one()),
            (vec![held(), mailed(true), reminding(), reminded()], kept, one()),
            (vec![held(), mailed(true), reminding(), drafted(), withdrawn()], kept, one()),
            (vec![held(), mailed(true), reminding(), unknown()], kept, one()),
            (vec![held(), mailed(true), reinvited()], None, None),
            (vec![held(), reinvited()], Some(MailStanding::Held), one()),
            (vec![held(), intended(server), mailed(true), redeemed().into()], None, None),
            (vec![held(), intended(server), unknown()], Some(MailStanding::Unknown), None),
            (vec![held(), intended(server), unknown(), traced("<1@c>")], None, None),
            // Another mail says nothing of it.
            (
                vec![held(), intended(server), unknown(), traced("<0@c>")],
                Some(MailStanding::Unknown),
                None,
            ),
            (vec![held(), intended(server), mailed(true), traced("<1@c>")], kept, one()),
            (vec![held(), intended(server), failed], None, None),
            (vec![held(), redeemed().into()], None, None),
            // The next invitation voids the link before, and Microsoft mails its own.
            (vec![held(), invited(None)], None, None),
            (
                vec![held(), intended(server), unknown(), invited(Some("two"))],
                Some(MailStanding::Held),
                Some("two".to_owned()),
            ),
        ] {
            let told = format!("{records:?}");
            assert_eq!(left(records), (standing, link), "{told}");
        }
    }
}
