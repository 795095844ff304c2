//! The checkpoint during a run: records go in, and come back durable.
//!
//! Leaves to others: grouping them into commits (`queue`), and what they leave in the
//! tables (`projection`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::oneshot;

use super::database::{ReadError, journal_mode};
use super::lock::Lock;
use super::projection::Addition;
use super::queue::{File, Queue};
use super::seal::Seal;
use super::tables::{Wait, write_waits};
use super::{CheckpointError, Entry, Unwritten};

/// The checkpoint during a run.
#[derive(Debug)]
pub struct Journal {
    queue: Arc<Queue>,
    path: PathBuf,
}

/// What is known when a run ends.
#[derive(Debug)]
pub struct RunEnd {
    /// When.
    pub at: Timestamp,
    pub stop_reason: Option<&'static str>,
    /// The program's exit code.
    pub exit_code: u8,
    pub summary: String,
}

impl Journal {
    pub(super) fn start(path: PathBuf, connection: Connection, lock: Lock, seal: Seal) -> Self {
        Self { queue: Arc::new(Queue::new(connection, lock, seal)), path }
    }

    /// Writes a record. When this returns, the record survives whatever happens
    /// next. After a failure every later record fails too: what is not written
    /// down must not be done.
    pub async fn append(
        &self,
        record: impl Into<Entry>,
        at: Timestamp,
    ) -> Result<(), CheckpointError> {
        self.add(Addition::Record { entry: record.into(), at }).await
    }

    /// Writes down why the run is about to end, where no record tells of it: whatever
    /// becomes of this program, the next run knows.
    pub async fn stopped(&self, reason: &'static str) -> Result<(), CheckpointError> {
        self.add(Addition::Stop(reason)).await
    }

    async fn add(&self, addition: Addition) -> Result<(), CheckpointError> {
        let (acknowledge, acknowledged) = oneshot::channel();
        if let Some(writer) = self.queue.push(addition, acknowledge) {
            tokio::task::spawn_blocking(move || writer.run());
        }
        acknowledged
            .await
            .unwrap_or_else(|_| Err(Unwritten::Failed("its writer has ended".to_owned())))
            .map_err(CheckpointError::Unwritten)
    }

    /// Where the run's waits are noted.
    pub fn waits(&self) -> WaitLog {
        WaitLog(Arc::clone(&self.queue))
    }

    /// The file, for reading beside the run.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down how the run ended and releases the checkpoint.
    pub fn end_run(self, end: &RunEnd) -> Result<(), CheckpointError> {
        let Some(File { mut connection, lock, seal, .. }) = self.queue.close() else {
            let why = Unwritten::Failed("it was closed before".to_owned());
            return Err(CheckpointError::Unwritten(why));
        };
        let (run, waits) = (seal.run(), self.queue.take_waits());
        lock.must_be_named().map_err(CheckpointError::Unwritten)?;
        let mut write_end = || {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            seal.must_be_on(&transaction)?;
            write_waits(&transaction, run, &waits)?;
            transaction.execute(
                "UPDATE run SET ended_at = ?2, stop_reason = ?3, exit_code = ?4, summary = ?5
                 WHERE id = ?1",
                params![run, end.at.to_string(), end.stop_reason, end.exit_code, end.summary],
            )?;
            transaction.commit()?;
            // Leaves one file instead of two.
            Ok(journal_mode(&connection, "DELETE")?)
        };
        let written = write_end();
        drop(connection);
        drop(lock);
        written.map_err(|error: ReadError| error.at(&self.path))
    }
}

/// Where waits are noted: how long the tenant made a run wait, for its report. They go
/// to disk with the next record or the end of the run, as nothing depends on them.
#[derive(Debug, Clone)]
pub struct WaitLog(Arc<Queue>);

impl WaitLog {
    /// Notes a wait of so many seconds that began then.
    pub fn note(&self, at: Timestamp, scope: Option<&str>, seconds: f64) {
        self.0.note(Wait { at, scope: scope.unwrap_or_default().to_owned(), seconds });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::checkpoint::{Checkpoint, Record, RunStart};
    use crate::domain::{Email, InvitationKey, Redemption, UserId};

    fn patched(n: u32) -> Record {
        let id = UserId::parse(&format!("{n:08x}-0000-4000-8000-00000000b2b0")).unwrap();
        let address = Email::parse("guest@northwind.example").unwrap();
        Record::Patched { key: InvitationKey { user_id: id, address } }
    }

    #[tokio::test(start_paused = true)]
    async fn a_paused_clock_stands_still_while_records_are_written() {
        let directory = tempfile::tempdir().unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let checkpoint = Checkpoint::open(&directory.path().join("c"), now).unwrap();
        let start = RunStart {
            at: now,
            command: "apply",
            manifest: "m",
            tenant_name: None,
            plan_digest: String::new(),
            manifest_form: String::new(),
        };
        let journal = checkpoint.begin_run(&start, std::iter::empty()).unwrap();
        let before = tokio::time::Instant::now();
        // Something to jump to, were the clock to move.
        let later = tokio::spawn(tokio::time::sleep(Duration::from_hours(1)));
        for n in 0..20 {
            journal.append(patched(n), now).await.unwrap();
        }
        assert_eq!(before.elapsed(), Duration::ZERO);
        later.abort();
        let summary = String::new();
        journal.end_run(&RunEnd { at: now, stop_reason: None, exit_code: 0, summary }).unwrap();
    }

    #[tokio::test]
    async fn names_of_a_guest_are_remembered_and_its_object_id_is_not() {
        const ID: &str = "0000abcd-0000-4000-8000-00000000b2b0";
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("c.checkpoint");
        let at = Timestamp::UNIX_EPOCH;
        let start = RunStart {
            at,
            command: "apply",
            manifest: "m",
            tenant_name: None,
            plan_digest: String::new(),
            manifest_form: String::new(),
        };
        let checkpoint = Checkpoint::open(&path, at).unwrap();
        let journal = checkpoint.begin_run(&start, std::iter::empty()).unwrap();
        let user_id = UserId::parse(ID).unwrap();
        let key = InvitationKey { user_id, address: Email::parse("new@f.example").unwrap() };
        for reference in [ID, "old@f.example"] {
            let before = Redemption::default();
            let reference = reference.to_owned();
            journal
                .append(
                    Record::Intended {
                        key: key.clone(),
                        reference,
                        reason: crate::checkpoint::IntentReason::NewAddress,
                        before,
                        silent: false,
                        anew: false,
                    },
                    at,
                )
                .await
                .unwrap();
        }
        let summary = "{}".to_owned();
        journal.end_run(&RunEnd { at, stop_reason: None, exit_code: 0, summary }).unwrap();

        let ledger = Checkpoint::open(&path, at).unwrap().ledger().unwrap();
        assert_eq!(ledger.user_named("old@f.example"), Some(user_id));
        assert_eq!(ledger.user_named(ID), None);
    }
}
