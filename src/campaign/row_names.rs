//! Rows and guests by the names that a person knows them by.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::checkpoint::ManifestRow;
use crate::domain::{Email, InvitationKey, Ledger, UserId};
use crate::plan::{Blocked, ChangeReason, Decision, PlannedRow, Settled};

/// A row, or a guest that no row asks for any more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RowName {
    /// Line in the manifest; None when it is not in it.
    pub line: Option<u32>,
    /// The guest as the manifest names it, or its object id.
    pub user: String,
    pub user_id: Option<UserId>,
    pub new_email: Option<String>,
}

/// Names by guest and address.
#[derive(Debug, Default)]
pub(super) struct RowNames(HashMap<InvitationKey, (Option<u32>, String)>);

impl RowNames {
    /// From the manifest of an earlier run and, before it, the present plan.
    pub(super) fn new(
        previous: &[ManifestRow],
        rows: &[PlannedRow],
        ledger: &Ledger,
        is_present: bool,
    ) -> Self {
        let mut names = HashMap::new();
        // A guest that is gone is still meant by its row.
        let meant =
            |id: Option<UserId>, user: &str| id.or_else(|| ledger.user_named(&user.to_lowercase()));
        for row in previous {
            let user_id = meant(row.user_id, &row.user);
            if let (Some(user_id), Some(address)) = (user_id, row.address.clone()) {
                let line = (!is_present).then_some(row.line);
                names.insert(InvitationKey { user_id, address }, (line, row.user.clone()));
            }
        }
        for row in rows {
            let user_id = meant(row.user_id, &row.user);
            if let (Some(user_id), Some(address)) = (user_id, row.new_email.clone()) {
                let name = (Some(row.line), row.user.to_string());
                names.insert(InvitationKey { user_id, address }, name);
            }
        }
        Self(names)
    }

    pub(super) fn of(&self, key: &InvitationKey) -> RowName {
        let (line, user) = match self.0.get(key) {
            Some((line, user)) => (*line, user.clone()),
            None => (None, key.user_id.to_string()),
        };
        RowName {
            line,
            user,
            user_id: Some(key.user_id),
            new_email: Some(key.address.as_str().to_owned()),
        }
    }
}

/// Rows that were added since the manifest of the last run, and those that left it. A
/// row is the same if it names its guest in the same way, or asks the same for the same
/// guest: people sort and edit their manifests, and a guest may be gone meanwhile. One
/// that the campaign invited is no news where it comes back, as after a run with the
/// failed rows alone.
pub(super) fn changed(
    previous: &[ManifestRow],
    rows: &[PlannedRow],
) -> (Vec<RowName>, Vec<RowName>) {
    let asked = |id: Option<UserId>, address: Option<&Email>| Some((id?, address?.folded()));
    let before: HashSet<_> =
        previous.iter().map(|row| asked(row.user_id, row.address.as_ref())).collect();
    let now: HashSet<_> =
        rows.iter().map(|row| asked(row.user_id, row.new_email.as_ref())).collect();
    let users_before: HashSet<_> = previous.iter().map(|row| row.user.to_lowercase()).collect();
    let users_now: HashSet<_> = rows.iter().map(|row| row.user.to_lowercase()).collect();
    let is_among = |set: &HashSet<_>, asked: Option<_>| asked.is_some() && set.contains(&asked);
    let new = rows
        .iter()
        .filter(|row| !users_before.contains(&row.user.to_lowercase()))
        .filter(|row| !is_among(&before, asked(row.user_id, row.new_email.as_ref())))
        .filter(|row| !is_invited(row))
        .map(|row| RowName {
            line: Some(row.line),
            user: row.user.to_string(),
            user_id: row.user_id,
            new_email: row.new_email.as_ref().map(|address| address.as_str().to_owned()),
        });
    let left = previous
        .iter()
        .filter(|row| !users_now.contains(&row.user.to_lowercase()))
        .filter(|row| !is_among(&now, asked(row.user_id, row.address.as_ref())))
        .map(|row| RowName {
            line: None,
            user: row.user.clone(),
            user_id: row.user_id,
            new_email: row.address.as_ref().map(|address| address.as_str().to_owned()),
        });
    (new.collect(), left.collect())
}

/// Whether the campaign has invited the row's guest to the row's address.
fn is_invited(row: &PlannedRow) -> bool {
    match &row.decision {
        Decision::Settled(settled) => {
            matches!(settled, Settled::AlreadyInvited { .. } | Settled::MailUnknown { .. })
        }
        Decision::Change(change) => match change.reason {
            ChangeReason::Reminder
            | ChangeReason::ReminderMail
            | ChangeReason::Correction
            | ChangeReason::Mail
            | ChangeReason::Unmailed => true,
            ChangeReason::NewAddress
            | ChangeReason::ResetOnly
            | ChangeReason::FinishEarlierRun
            | ChangeReason::UnknownOutcome
            | ChangeReason::RetryFailed
            | ChangeReason::Resend
            | ChangeReason::Revert
            | ChangeReason::RevertMail => false,
        },
        Decision::Blocked(blocked) => {
            matches!(blocked, Blocked::MailChanged { .. } | Blocked::MailHeld { .. })
        }
    }
}
