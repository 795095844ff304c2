//! Writing records: one thread owns the file, takes together what arrives
//! together, and answers after the commit is durable.

use std::path::PathBuf;
use std::thread::JoinHandle;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use tokio::sync::{mpsc, oneshot};

use super::lock::Lock;
use super::{CheckpointError, Record};

/// Records that one commit takes at most. A commit costs one flush of the disk
/// however many it holds; beyond some hundreds the flush no longer counts.
const LARGEST_COMMIT: usize = 512;

/// Records that may wait for the writer before those who write have to wait too.
const QUEUE: usize = 2 * LARGEST_COMMIT;

type Acknowledge = oneshot::Sender<Result<(), String>>;

/// The checkpoint during a run.
#[derive(Debug)]
pub struct Journal {
    queue: mpsc::Sender<(Record, Timestamp, Acknowledge)>,
    writer: JoinHandle<Connection>,
    path: PathBuf,
    run: i64,
    lock: Lock,
}

/// What is known when a run ends.
#[derive(Debug)]
pub struct RunEnd {
    /// When.
    pub at: Timestamp,
    /// Why it ended early.
    pub stop_reason: Option<&'static str>,
    /// The program's exit code.
    pub exit_code: u8,
    /// The summary, as JSON.
    pub summary: String,
}

impl Journal {
    pub(super) fn start(path: PathBuf, connection: Connection, lock: Lock, run: i64) -> Self {
        let (queue, records) = mpsc::channel(QUEUE);
        let writer = std::thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || write(connection, run, records))
            .expect("a thread can be started");
        Self { queue, writer, path, run, lock }
    }

    /// Writes a record. When this returns, the record survives whatever happens
    /// next. After a failure every later record fails too: what is not written
    /// down must not be done.
    pub async fn append(&self, record: Record, at: Timestamp) -> Result<(), CheckpointError> {
        let gone = || CheckpointError::Broken("its writer has ended".to_owned());
        let (acknowledge, acknowledged) = oneshot::channel();
        self.queue.send((record, at, acknowledge)).await.map_err(|_| gone())?;
        acknowledged.await.map_err(|_| gone())?.map_err(CheckpointError::Broken)
    }

    /// Writes down how the run ended and releases the checkpoint.
    pub fn end_run(self, end: &RunEnd) -> Result<(), CheckpointError> {
        drop(self.queue);
        let connection = self
            .writer
            .join()
            .map_err(|_| CheckpointError::Broken("its writer panicked".to_owned()))?;
        let write_end = || {
            connection.execute(
                "UPDATE run SET ended_at = ?2, stop_reason = ?3, exit_code = ?4, summary = ?5
                 WHERE id = ?1",
                params![self.run, end.at.to_string(), end.stop_reason, end.exit_code, end.summary],
            )?;
            // Leaves one file instead of three.
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        };
        let written = write_end();
        drop(connection);
        drop(self.lock);
        written.map_err(|source| CheckpointError::Database { path: self.path, source })
    }
}

/// The writer thread: until the queue is closed and empty.
fn write(
    mut connection: Connection,
    run: i64,
    mut records: mpsc::Receiver<(Record, Timestamp, Acknowledge)>,
) -> Connection {
    let mut batch = Vec::with_capacity(LARGEST_COMMIT);
    let mut broken: Option<String> = None;
    while records.blocking_recv_many(&mut batch, LARGEST_COMMIT) > 0 {
        let result = match &broken {
            Some(why) => Err(why.clone()),
            None => commit(&mut connection, run, &batch).map_err(|error| error.to_string()),
        };
        if let Err(why) = &result {
            broken.get_or_insert_with(|| why.clone());
        }
        for (_, _, acknowledge) in batch.drain(..) {
            // Whoever asked may have gone; the record is durable all the same.
            let _ = acknowledge.send(result.clone());
        }
    }
    connection
}

/// Events and the present state they leave, in one transaction.
fn commit(
    connection: &mut Connection,
    run: i64,
    batch: &[(Record, Timestamp, Acknowledge)],
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for (record, at, _) in batch {
        let key = record.key();
        let (user, address) = (key.user_id.to_string(), key.address.folded());
        let (at, word, detail) = (at.to_string(), record.word(), record.detail().to_string());
        transaction
            .prepare_cached(
                "INSERT INTO event (run, at, user_id, address, what, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![run, at, user, address, word, detail])?;
        match record {
            // A request to send again only says that a person decided. Evidence leaves
            // state and moment of the intent as they are, since that is what a later
            // settlement compares the directory with.
            Record::ResendAsked { .. } | Record::Unknown { .. } => continue,
            Record::Patching { reference, before, .. } => {
                let other_mails = serde_json::to_string(&before.other_mails).expect("plain data");
                // The first image is the one from before the campaign.
                transaction
                    .prepare_cached(
                        "INSERT OR IGNORE INTO before_image (user_id, at, mail, other_mails)
                         VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute(params![user, at, before.mail, other_mails])?;
                remember_name(&transaction, reference, &user)?;
                if let Some(mail) = &before.mail {
                    remember_name(&transaction, &mail.to_lowercase(), &user)?;
                }
            }
            Record::Intended { reference, .. } => remember_name(&transaction, reference, &user)?,
            Record::Patched { .. }
            | Record::Outstanding { .. }
            | Record::Invited { .. }
            | Record::Failed { .. } => {}
        }
        transaction
            .prepare_cached(
                "INSERT INTO row (user_id, address, state, at, detail) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (user_id, address)
                 DO UPDATE SET state = excluded.state, at = excluded.at, detail = excluded.detail",
            )?
            .execute(params![user, address, word, at, detail])?;
    }
    transaction.commit()
}

fn remember_name(connection: &Connection, name: &str, user: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO name (name, user_id) VALUES (?1, ?2)")?
        .execute(params![name, user])
        .map(drop)
}
