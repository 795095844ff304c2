//! Reading a whole campaign back, for reports: every row with what became of it, the
//! runs, the waits; or everything of one row. Works beside a run, on one state of the
//! file. What the next run has to know of the earlier ones, and no more, is `Past`.
//!
//! Leaves to others: what any of it means to a person (`report`).

mod campaign;
mod trail;

use jiff::Timestamp;
use rusqlite::Row;
use serde::Serialize;
use serde_json::Value;

use super::status::Status;

pub use campaign::read_history;
pub use trail::{HistoryEvent, Trail, read_trail, user_named};

/// A campaign from its first run to its last.
#[derive(Debug)]
pub struct History {
    /// Where it stands, in numbers.
    pub status: Status,
    /// The manifest's form, as JSON; None if its last run did not keep it.
    pub form: Option<String>,
    /// Every run, oldest first.
    pub runs: Vec<RunRecord>,
    /// Every row of the manifest by line, then those of earlier manifests.
    pub rows: Vec<HistoryRow>,
    /// Invitations accepted: in which run and when, oldest first.
    pub invitations: Vec<(i64, Timestamp)>,
    /// How long the tenant made runs wait.
    pub waits: Vec<WaitRecord>,
    /// When the directory was last compared with the campaign.
    pub looked_at: Option<Timestamp>,
    /// What the last run changed.
    pub delta: Delta,
}

impl History {
    /// How many seconds the tenant made a run wait.
    pub fn waited(&self, run: i64) -> f64 {
        let waits = self.waits.iter().filter(|wait| wait.run == run);
        // From a true zero: the sum of nothing is a negative one.
        waits.fold(0.0, |sum, wait| sum + wait.seconds)
    }
}

#[derive(Debug, Clone)]
pub struct RunRecord {
    /// Its number, from 1.
    pub id: i64,
    pub command: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; None while it runs or when it was killed.
    pub ended_at: Option<Timestamp>,
    pub stop_reason: Option<String>,
    pub exit_code: Option<u8>,
    /// Its numbers; null if it did not say.
    pub summary: Value,
}

/// Where a row stands, as `status` counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    Invited,
    Settled,
    /// Can't or mustn't be done.
    Blocked,
    Failed,
    /// Sent or not: not known.
    Unknown,
    /// Mail written, invitation still to be sent.
    Patched,
    /// Not begun.
    NotAttempted,
}

/// A row and what became of it.
#[derive(Debug, Clone)]
pub struct HistoryRow {
    /// Line in the manifest; None when the manifest has it no more.
    pub line: Option<u32>,
    /// The guest as the manifest names it; its object id when it does not.
    pub user: String,
    pub user_id: Option<String>,
    /// The address asked for, in lower case.
    pub address: Option<String>,
    /// `change`, `settled` or `blocked`, as last planned; empty without a line.
    pub decision: String,
    /// The plan's reason code.
    pub reason: String,
    /// The plan's sentence, where the code does not say it all.
    pub explanation: String,
    /// The cells as written, a JSON list.
    pub cells: String,
    pub standing: Standing,
    /// What the record of that state says, as JSON.
    pub detail: Value,
    /// Mail before the campaign.
    pub old_mail: Option<String>,
    /// When the mail was written.
    pub patched_at: Option<Timestamp>,
    /// When the first invitation was accepted.
    pub first_invited_at: Option<Timestamp>,
    /// When the last one was.
    pub invited_at: Option<Timestamp>,
    pub invitations: u32,
    /// What the directory showed when it last showed something new.
    pub sighting: Option<Sighting>,
    /// When the guest redeemed, by the sighting that last showed it; when that was
    /// seen, if the directory did not say.
    pub redeemed_at: Option<Timestamp>,
}

/// What the directory showed of a guest.
#[derive(Debug, Clone, Serialize)]
pub struct Sighting {
    /// When it was seen.
    pub at: Timestamp,
    /// `pending`, `redeemed`, `no-trace`, `mail-changed`, `deleted`, `reinvited`.
    pub finding: String,
    /// Since when it is so.
    pub since: Option<Timestamp>,
    /// What else there is to say.
    pub detail: Value,
}

/// A wait that the tenant imposed.
#[derive(Debug, Clone)]
pub struct WaitRecord {
    pub run: i64,
    /// From when.
    pub at: Timestamp,
    /// `x-ms-throttle-scope`; may be empty.
    pub scope: String,
    pub seconds: f64,
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

const SIGHTINGS: &str = "SELECT at, finding, since, detail, run, user_id, address FROM sighting";

fn sighting(row: &Row<'_>) -> rusqlite::Result<Sighting> {
    Ok(Sighting {
        at: time(row, 0)?,
        finding: row.get(1)?,
        since: optional_time(row, 2)?,
        detail: json(row, 3)?,
    })
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|error: jiff::Error| {
        let kind = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
    })
}

fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get_ref(column)?.as_str_or_null()?.and_then(|text| text.parse().ok()))
}

fn json(row: &Row<'_>, column: usize) -> rusqlite::Result<Value> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    Ok(text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default())
}
