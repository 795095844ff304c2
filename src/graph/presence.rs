//! Whether a guest is still there. One replica that does not have it is no word: it is
//! believed when the deleted items have the guest, or when no replica shows it for as long
//! as one may lag.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::domain::{Directory, DirectoryUser, UserId};

use super::call::Call;
use super::call_error::CallError;
use super::client::Graph;
use super::odata::{literal, query};
use super::pace::sleep_or_stop;
use super::wire;

/// What looking for a guest found.
#[derive(Debug, Clone)]
pub enum Presence {
    Here(Box<DirectoryUser>),
    /// The deleted items have it.
    Deleted {
        at: Option<Timestamp>,
    },
    /// Neither the directory nor its deleted items show it.
    Absent,
}

impl fmt::Display for Presence {
    /// A clause: `the guest …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here(_) => f.write_str("the guest is there"),
            Self::Deleted { at: Some(at) } => write!(f, "the guest was deleted on {at:.0}"),
            Self::Deleted { at: None } => f.write_str("the guest was deleted"),
            Self::Absent => f.write_str("the guest is not found any more"),
        }
    }
}

/// First wait before a guest that was not found is looked for again; doubles.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// When a user was deleted.
pub(super) fn deleted_at(user: &wire::DeletedUser) -> Option<Timestamp> {
    user.deleted_date_time.as_deref()?.parse().ok()
}

impl Graph {
    /// Looks for a guest until it is found, or its absence is certain: for at most `lag`,
    /// which is the longest a replica may be behind.
    pub async fn look_for(&self, id: UserId, lag: Duration) -> Result<Presence, CallError> {
        self.look(id, lag, &AtomicBool::new(false)).await
    }

    /// Looks for those of the guests that a reading did not find, in the same way; those that
    /// are there after all, or deleted, are added to it.
    pub async fn find(
        &self,
        directory: &mut Directory,
        guests: impl Iterator<Item = UserId>,
        lag: Duration,
    ) -> Result<(), CallError> {
        let missing: Vec<UserId> = guests.filter(|id| directory.user(*id).is_none()).collect();
        // Of many that are waited for together, one is told.
        let is_told = AtomicBool::new(false);
        let looks = missing.iter().map(|id| self.look(*id, lag, &is_told));
        for (id, found) in missing.iter().zip(try_join_all(looks).await?) {
            match found {
                Presence::Here(guest) => directory.add_user(*guest),
                Presence::Deleted { at } => drop(directory.deleted.insert(*id, at)),
                Presence::Absent => {}
            }
        }
        directory.index();
        Ok(())
    }

    async fn look(
        &self,
        id: UserId,
        lag: Duration,
        is_told: &AtomicBool,
    ) -> Result<Presence, CallError> {
        let until = Instant::now() + lag;
        let mut wait = FIRST_LOOK;
        loop {
            if let Some(guest) = self.user(id).await? {
                return Ok(Presence::Here(Box::new(guest)));
            }
            if let Some(deleted) = self.deleted(id).await? {
                return Ok(deleted);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Presence::Absent);
            }
            if !is_told.swap(true, Ordering::Relaxed) {
                self.tell_waiting(left, format!("{id} is not found, and a replica may be behind"));
            }
            sleep_or_stop(wait.min(left), self.stop()).await?;
            wait *= 2;
        }
    }

    /// The guest among the deleted items; None when it is not, or they can't be read.
    async fn deleted(&self, id: UserId) -> Result<Option<Presence>, CallError> {
        let filter = format!("id eq {}", literal(&id.to_string()));
        let query = query(&[("$filter", &filter), ("$select", "id,deletedDateTime")]);
        let url = self.url("/directory/deletedItems/microsoft.graph.user", &query);
        let page: wire::Page<wire::DeletedUser> = match self.read(&Call::get(url)).await {
            Err(error) if error.is_unavailable() => return Ok(None),
            read => read?,
        };
        let is_it = |found: &wire::DeletedUser| found.user.id.eq_ignore_ascii_case(&id.to_string());
        Ok(page
            .value
            .iter()
            .find(|found| is_it(found))
            .map(|found| Presence::Deleted { at: deleted_at(found) }))
    }
}
