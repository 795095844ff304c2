//! The checkpoint: one SQLite file per campaign that is the resumable state, the
//! ledger of who was invited when, and the before-images of everything written.
//!
//! It owns durability, the lock, the durable vocabulary and its version. Leaves
//! to others: what to record and when (`run`), and what it means (`plan`). Never
//! in it: tokens, secrets, redeem links.

mod arrival;
pub mod beside;
mod campaign;
mod database;
mod error;
mod file;
mod format;
mod held;
mod history;
mod journal;
mod ledger;
mod lock;
mod log;
mod mail;
mod manifest_row;
mod past;
mod projection;
mod queue;
mod reader;
mod record;
mod rehearsed;
mod seal;
mod state;
mod status;
mod tables;
mod trail;
mod undo;

#[cfg(test)]
mod tests;

pub use arrival::{MailedBy, SentMail};
pub use error::{CheckpointError, Unwritten};
pub use file::{Checkpoint, RunStart, is_configured_name};
pub use history::{History, HistoryRow};
pub use journal::{Journal, RunEnd, WaitLog};
pub use ledger::read_ledger;
pub use lock::Owner;
pub use log::Delta;
pub use mail::{MailCounts, MailSent};
pub use manifest_row::{ManifestRow, Planned};
pub use past::{Announced, Past};
pub use reader::Reader;
pub use record::{BeforeImage, Entry, IntentReason, InvitedHow, MailedHow, Record, What};
pub use rehearsed::rehearsal_of;
pub use state::Failure;
pub use status::{FailureCount, LastRun, NotInManifest, Resends, Status, read_status};
pub use tables::{RunRecord, SightingRecord, WaitRecord, last_run};
pub use trail::{HistoryEvent, Trail};
pub use undo::Undo;
