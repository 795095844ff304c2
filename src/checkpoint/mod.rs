//! The checkpoint: one SQLite file per campaign that is the resumable state, the
//! ledger of who was invited when, and the before-images of everything written.
//!
//! It owns durability, the lock, the durable vocabulary and its version. Leaves
//! to others: what to record and when (`run`), and what it means (`plan`). Never
//! in it: tokens, secrets, redeem links.

mod error;
mod file;
mod format;
mod history;
mod journal;
mod ledger;
mod lock;
mod past;
mod recent;
mod record;
mod state;
mod status;

#[cfg(test)]
mod tests;

pub use error::CheckpointError;
pub use file::{Checkpoint, ManifestRow, RunStart};
pub use history::{
    Delta, History, HistoryEvent, HistoryRow, RunRecord, Sighting, Standing, Trail, WaitRecord,
    read_history, read_trail, user_named,
};
pub use journal::{Journal, RunEnd, WaitLog};
pub use lock::Owner;
pub use past::{Past, PreviousRow, read_past};
pub use recent::Announced;
pub use record::{BeforeImage, Entry, IntentReason, InvitedHow, Record, What};
pub use state::Failure;
pub use status::{
    FailureCount, LastRun, NotInManifest, Resends, Status, last_success, read_ledger, read_status,
};
