//! What happened to every guest and address, over all runs: the events and sightings,
//! oldest first, folded. `past` and `history` are made of it.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::Connection;
use serde::Serialize;

use super::Record;
use super::database::ReadError;
use super::record::{Entry, What};
use super::tables::{SIGHTINGS, SightingRecord, key, parsed, sighting, text};
use crate::domain::{InvitationKey, Invitations, Shows};

#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) guests: HashMap<InvitationKey, GuestLog>,
    /// Invitations accepted: in which run and when, oldest first.
    pub(super) invitations: Vec<(i64, Timestamp)>,
    /// What the last run changed.
    pub(super) delta: Delta,
    /// When the directory last showed something new.
    pub(super) seen_at: Option<Timestamp>,
}

/// What happened to one guest and address.
#[derive(Debug, Default)]
pub(super) struct GuestLog {
    pub(super) patched_at: Option<Timestamp>,
    /// Of the invitations that the service accepted.
    pub(super) invitations: Option<Invitations>,
    /// Of the last intent, whatever became of it.
    intended_at: Option<Timestamp>,
    /// Whether a mail with the same link is on its way.
    is_reminding: bool,
    /// Microsoft was asked not to mail the last invitation.
    pub(super) is_silent: bool,
    /// What is known of the last intent's lost answer.
    pub(super) evidence: Option<String>,
    /// What the directory showed last.
    pub(super) sighting: Option<SightingRecord>,
    /// When the guest redeemed, by the sighting that last showed it; when that was
    /// seen, if the directory did not say.
    pub(super) redeemed_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Delta {
    pub patched: u64,
    /// Guests invited for the first time.
    pub invited: u64,
    /// Guests invited once more.
    pub invited_again: u64,
    pub failed: u64,
    pub redeemed: u64,
    /// Guests whose mail someone else was seen to have changed.
    pub mail_changed: u64,
    pub deleted: u64,
    /// Guests seen invited by someone else.
    pub reinvited: u64,
    /// Invitations of which no trace was seen.
    pub no_trace: u64,
}

impl Log {
    pub(super) fn read(connection: &Connection) -> Result<Self, ReadError> {
        let last_run: Option<i64> = connection.query_row(
            "SELECT max(id) FROM run WHERE command <> 'verify'",
            [],
            |row| row.get(0),
        )?;
        let mut log = Self::default();
        // Of most records the word says all that is needed here.
        let mut query = connection.prepare(
            "SELECT run, at, user_id, address, what, CASE what WHEN 'unknown' THEN detail END,
                    CASE what WHEN 'invited' THEN detail ->> '$.silent' END,
                    what = 'invited' AND detail ->> '$.how' = 'link-lost'
             FROM event ORDER BY id",
        )?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let run: i64 = row.get(0)?;
            let (at, key, what) = (parsed(row, 1)?, key(row, 2, 3)?, parsed(row, 4)?);
            // It brought nobody a mail, and is followed by one that does.
            if row.get(7)? {
                continue;
            }
            let mut evidence = None;
            if what == What::Unknown {
                let entry = Entry::parse(what, key.clone(), text(row, 5)?);
                if let Record::Unknown { evidence: found, .. } =
                    entry.map_err(super::tables::content)?.record
                {
                    evidence = Some(found);
                }
            }
            if what == What::Invited {
                let is_silent: Option<bool> = row.get(6)?;
                log.guests.entry(key.clone()).or_default().is_silent = is_silent == Some(true);
            }
            log.happened(key, what, at, evidence, (run, Some(run) == last_run));
        }
        let mut query = connection.prepare(&format!("{SIGHTINGS} ORDER BY id"))?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let seen = sighting(row)?;
            let is_last = Some(seen.run) == last_run;
            log.seen(seen, is_last);
        }
        Ok(log)
    }

    fn happened(
        &mut self,
        key: InvitationKey,
        what: What,
        at: Timestamp,
        evidence: Option<String>,
        (run, is_last): (i64, bool),
    ) {
        let guest = self.guests.entry(key).or_default();
        let is_last = u64::from(is_last);
        match what {
            What::Patched | What::Reverted => {
                guest.patched_at = Some(at);
                self.delta.patched += is_last;
            }
            What::Intended => {
                guest.intended_at = Some(at);
                guest.evidence = None;
            }
            What::Unknown => guest.evidence = evidence,
            What::Invited => {
                let count = match guest.invitations {
                    None => &mut self.delta.invited,
                    Some(_) => &mut self.delta.invited_again,
                };
                *count += is_last;
                guest.invited(at);
                self.invitations.push((run, at));
            }
            What::Failed | What::MailFailed => {
                self.delta.failed += is_last;
                if let Some(invitations) = &mut guest.invitations {
                    invitations.refused_at = Some(at);
                }
            }
            What::Patching
            | What::Outstanding
            | What::ResendAsked
            | What::Correcting
            | What::Corrected
            | What::Reverting
            | What::MailIntended
            | What::MailDrafted
            | What::Mailed
            | What::MailTraced => {}
            What::Reminding => guest.is_reminding = true,
            What::MailWithdrawn => guest.is_reminding = false,
            // What may have left counts as a mail: the next is due later, not at once.
            What::Reminded | What::MailUnknown => {
                if std::mem::take(&mut guest.is_reminding)
                    && let Some(invitations) = &mut guest.invitations
                {
                    invitations.reminded += 1;
                    invitations.reminded_at = Some(at);
                }
            }
        }
    }

    fn seen(&mut self, seen: SightingRecord, is_last: bool) {
        let guest = self.guests.entry(seen.sighting.key.clone()).or_default();
        let delta = &mut self.delta;
        let count = match seen.sighting.shows {
            Shows::Redeemed => {
                guest.redeemed_at = seen.sighting.since.or(Some(seen.at));
                Some(&mut delta.redeemed)
            }
            Shows::MailChanged { .. } => Some(&mut delta.mail_changed),
            Shows::Deleted => Some(&mut delta.deleted),
            Shows::Reinvited => Some(&mut delta.reinvited),
            Shows::NoTrace => Some(&mut delta.no_trace),
            Shows::Pending | Shows::Unclear { .. } => None,
        };
        if let Some(count) = count {
            *count += u64::from(is_last);
        }
        self.seen_at = self.seen_at.max(Some(seen.at));
        guest.sighting = Some(seen);
    }
}

impl GuestLog {
    /// The intent of an invitation is the last one before it was accepted: one that
    /// came later is of unknown outcome, or was taken back.
    fn invited(&mut self, at: Timestamp) {
        let first = Invitations {
            accepted: 0,
            first_at: at,
            accepted_at: at,
            intended_at: at,
            refused_at: None,
            reminded: 0,
            reminded_at: None,
            bounced: false,
        };
        let invitations = self.invitations.get_or_insert(first);
        invitations.accepted += 1;
        invitations.accepted_at = at;
        invitations.intended_at = self.intended_at.unwrap_or(at);
        invitations.refused_at = None;
    }
}
