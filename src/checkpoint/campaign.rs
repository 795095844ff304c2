//! One reading of a campaign: the manifest, the present states, the runs; and where
//! each row stands. `status` and `history` are made of it.
//!
//! Leaves to others: what happened in between (`log`).

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::Connection;

use super::arrival;
use super::database::{ReadError, meta};
use super::mail::{self, MailCounts};
use super::manifest_row::{self, ManifestRow, Planned};
use super::state::{RowState, Step};
use super::tables::{RunRecord, begun, old_mails, row_states, runs, under_way};
use crate::domain::{ArrivalCounts, InvitationKey, State, UserId};

/// What a file says of its campaign as a whole.
#[derive(Debug)]
pub(super) struct About {
    pub(super) manifest: String,
    /// The manifest's form, as JSON; None if its last run did not keep it.
    pub(super) form: Option<String>,
    pub(super) tenant: String,
    pub(super) tenant_name: Option<String>,
    pub(super) created_at: Option<Timestamp>,
}

#[derive(Debug)]
pub(super) struct Campaign {
    pub(super) about: About,
    pub(super) manifest: Vec<ManifestRow>,
    pub(super) runs: Vec<RunRecord>,
    pub(super) mails: MailCounts,
    /// Mails that left, by what the message trace told of them.
    pub(super) arrivals: ArrivalCounts,
    states: HashMap<InvitationKey, RowState>,
    /// Mails from before the campaign, of guests whose mail it was about to write.
    old_mails: HashMap<UserId, Option<String>>,
    /// Invitations that the run which is at work has on their way.
    under_way: HashSet<InvitationKey>,
    /// Guests and addresses after which the campaign began another address for the guest.
    replaced: HashSet<InvitationKey>,
}

/// A row of the manifest, or a guest and address that it has no more.
#[derive(Debug)]
pub(super) struct CampaignRow<'a> {
    pub(super) key: Option<InvitationKey>,
    pub(super) planned: Option<&'a ManifestRow>,
    /// What became of its guest and address: of several rows that ask for the same,
    /// the first has it.
    pub(super) state: Option<&'a RowState>,
    pub(super) stands: State,
    /// The run that is at work awaits the answer to its invitation.
    pub(super) is_under_way: bool,
    pub(super) old_mail: Option<&'a str>,
}

impl CampaignRow<'_> {
    /// Whether others moved its guest, and nobody is known to have invited it.
    pub(super) fn is_not_invited(&self) -> bool {
        self.stands == State::Settled
            && self.state.is_none()
            && self.planned.is_some_and(|planned| planned.decision == Planned::NotInvited)
    }
}

impl Campaign {
    /// `is_held`: a run is at work on it.
    pub(super) fn read(connection: &Connection, is_held: bool) -> Result<Self, ReadError> {
        let some = |key| meta(connection, key).map(|text| text.filter(|text| !text.is_empty()));
        let about = About {
            manifest: some("manifest")?.unwrap_or_default(),
            form: some("manifest_form")?,
            tenant: some("tenant")?.unwrap_or_default(),
            tenant_name: some("tenant_name")?,
            created_at: some("created_at")?.and_then(|text| text.parse().ok()),
        };
        let states = row_states(connection)?;
        Ok(Self {
            about,
            manifest: manifest_row::read(connection)?,
            runs: runs(connection)?,
            mails: mail::counts(connection)?,
            arrivals: arrival::counts(connection)?,
            replaced: replaced(connection, &states)?,
            under_way: if is_held { awaited(connection, &states)? } else { HashSet::new() },
            states,
            old_mails: old_mails(connection)?,
        })
    }

    /// Every row of the manifest by line, then those of earlier manifests by guest.
    pub(super) fn rows(&self) -> Vec<CampaignRow<'_>> {
        let mut seen = HashSet::new();
        let mut rows = Vec::with_capacity(self.manifest.len());
        for planned in &self.manifest {
            let key = planned.key();
            let found = key.as_ref().and_then(|key| self.states.get(key));
            let is_replaced = key.as_ref().is_some_and(|key| self.replaced.contains(key));
            // What became of an address before another was begun is not what becomes of it now.
            let current = found.filter(|_| !(is_replaced && planned.is_anew()));
            let is_first = key.clone().is_none_or(|key| seen.insert(key));
            let is_written = planned.user_id.is_some_and(|id| self.old_mails.contains_key(&id));
            let is_under_way =
                is_first && key.as_ref().is_some_and(|key| self.under_way.contains(key));
            rows.push(CampaignRow {
                planned: Some(planned),
                state: found.filter(|_| is_first),
                // An invitation is counted once: the others have nothing to do.
                stands: match found {
                    Some(_) if !is_first => State::Settled,
                    Some(state) if is_under_way => awaits(state, is_written),
                    _ => stands(Some(planned.decision), current, is_written),
                },
                is_under_way,
                old_mail: planned.user_id.and_then(|id| self.old_mail(id)),
                key,
            });
        }
        // What was done about an address that a row takes back is told by that row.
        let reverted: HashSet<UserId> = seen
            .iter()
            .filter(|key| self.states.get(key).is_some_and(|state| state.reverts.is_some()))
            .map(|key| key.user_id)
            .collect();
        let is_left = |key: &InvitationKey| !seen.contains(key) && !reverted.contains(&key.user_id);
        let mut strangers: Vec<_> = self.states.iter().filter(|(key, _)| is_left(key)).collect();
        strangers.sort_by_cached_key(|(key, _)| key.stored());
        rows.extend(strangers.into_iter().map(|(key, state)| CampaignRow {
            key: Some(key.clone()),
            planned: None,
            state: Some(state),
            stands: stands(None, Some(state), self.old_mails.contains_key(&key.user_id)),
            is_under_way: false,
            old_mail: self.old_mail(key.user_id),
        }));
        rows
    }

    fn old_mail(&self, user_id: UserId) -> Option<&str> {
        self.old_mails.get(&user_id)?.as_deref()
    }
}

/// See [`Campaign::under_way`]. Whatever was said of an invitation since its intent, its
/// state has.
fn awaited(
    connection: &Connection,
    states: &HashMap<InvitationKey, RowState>,
) -> Result<HashSet<InvitationKey>, ReadError> {
    let mut awaited = under_way(connection)?;
    awaited
        .retain(|key| states.get(key).is_some_and(|state| matches!(state.step, Step::Intended(_))));
    Ok(awaited)
}

/// See [`Campaign::replaced`].
fn replaced(
    connection: &Connection,
    states: &HashMap<InvitationKey, RowState>,
) -> Result<HashSet<InvitationKey>, ReadError> {
    let mut seen = HashSet::with_capacity(states.len());
    // Nearly always every guest has one address.
    if states.keys().all(|key| seen.insert(key.user_id)) {
        return Ok(HashSet::new());
    }
    let begun = begun(connection)?;
    let mut last: HashMap<UserId, Option<i64>> = HashMap::new();
    for key in states.keys() {
        let at = last.entry(key.user_id).or_default();
        *at = (*at).max(begun.get(key).copied());
    }
    let is_replaced = |key: &&InvitationKey| begun.get(key).copied() < last[&key.user_id];
    Ok(states.keys().filter(is_replaced).cloned().collect())
}

/// Where a row stands whose answer a run awaits: where it was, as long as that run says
/// nothing else. If it is killed, the answer is lost.
fn awaits(state: &RowState, is_written: bool) -> State {
    match &state.step {
        Step::Intended(intent) if intent.accepted.is_none() && state.resend.is_none() => {
            if is_written {
                State::Patched
            } else {
                State::NotAttempted
            }
        }
        _ => State::Invited,
    }
}

/// Where a row stands. The state of the campaign decides; the plan's word counts only
/// for rows of which nothing is known to have been sent.
fn stands(planned: Option<Planned>, state: Option<&RowState>, is_written: bool) -> State {
    let Some(RowState { step, resend, at: _, reverts: _ }) = state else {
        return match planned {
            Some(Planned::Settled | Planned::NotInvited) => State::Settled,
            Some(Planned::Blocked) => State::Blocked,
            Some(Planned::Change) | None => State::NotAttempted,
        };
    };
    match (step, planned) {
        (Step::Invited(_), _) => State::Invited,
        (Step::Intended(_), _) => State::Unknown,
        // The first invitation stands, whatever became of another.
        (
            Step::Patching | Step::Patched | Step::Outstanding | Step::Failed(_) | Step::Reverting,
            _,
        ) if resend.is_some() => State::Invited,
        (Step::Reverted, _) | (_, Some(Planned::Settled | Planned::NotInvited)) => State::Settled,
        (Step::Failed(_), _) => State::Failed,
        (_, Some(Planned::Blocked)) => State::Blocked,
        (Step::Patched, Some(Planned::Change) | None) => State::Patched,
        (Step::Outstanding, Some(Planned::Change) | None) if is_written => State::Patched,
        // Announced is not written: the run may have stopped just before the PATCH.
        (Step::Patching | Step::Outstanding | Step::Reverting, Some(Planned::Change) | None) => {
            State::NotAttempted
        }
    }
}
