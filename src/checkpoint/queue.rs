//! One writer at a time, on the runtime's blocking threads. It takes together what
//! arrives together, and answers after the commit is durable.
//!
//! A thread of its own would do as well, but for one thing: a runtime whose clock
//! is paused knows nothing of it, and lets virtual minutes pass while a commit is
//! under way. It does wait for its own blocking threads.
//!
//! Leaves to others: what a record does to the tables (`projection`).

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::Unwritten;
use super::lock::Lock;
use super::projection::{Addition, commit};
use super::seal::Seal;
use super::tables::Wait;

/// Records that one commit takes at most. A commit costs one flush of the disk
/// however many it holds; beyond some hundreds the flush no longer counts.
const LARGEST_COMMIT: usize = 512;

type Acknowledge = oneshot::Sender<Result<(), Unwritten>>;

/// Records that wait to be written. The lock is kept until the last of them is, even
/// if nobody waits for it.
#[derive(Debug)]
pub(super) struct Queue {
    pending: Mutex<Pending>,
    /// Told when a writer has written everything and ended.
    idle: Condvar,
    file: Mutex<Option<File>>,
    waits: Mutex<Vec<Wait>>,
}

#[derive(Debug, Default)]
struct Pending {
    additions: Vec<Addition>,
    /// Of each addition, in the same order.
    acknowledges: Vec<Acknowledge>,
    has_writer: bool,
}

/// The open file, until the run ends.
#[derive(Debug)]
pub(super) struct File {
    pub(super) connection: Connection,
    pub(super) lock: Lock,
    /// What it holds, as this run wrote it.
    pub(super) seal: Seal,
    /// Why nothing more is written.
    broken: Option<Unwritten>,
}

impl Queue {
    pub(super) fn new(connection: Connection, lock: Lock, seal: Seal) -> Self {
        Self {
            pending: Mutex::default(),
            idle: Condvar::new(),
            file: Mutex::new(Some(File { connection, lock, seal, broken: None })),
            waits: Mutex::default(),
        }
    }

    /// Takes a record in. Returns a writer to be run when there is none.
    pub(super) fn push(
        self: &Arc<Self>,
        addition: Addition,
        acknowledge: Acknowledge,
    ) -> Option<Writer> {
        let mut pending = lock(&self.pending);
        pending.additions.push(addition);
        pending.acknowledges.push(acknowledge);
        let needs_writer = !std::mem::replace(&mut pending.has_writer, true);
        needs_writer.then(|| Writer { queue: Arc::clone(self), has_ended: false })
    }

    pub(super) fn note(&self, wait: Wait) {
        lock(&self.waits).push(wait);
    }

    pub(super) fn take_waits(&self) -> Vec<Wait> {
        std::mem::take(&mut *lock(&self.waits))
    }

    /// Waits until everything handed in is written, and gives up the file.
    pub(super) fn close(&self) -> Option<File> {
        let pending = lock(&self.pending);
        let pending = self.idle.wait_while(pending, |pending| pending.has_writer);
        drop(pending);
        lock(&self.file).take()
    }
}

/// From the record that called for it until nothing is left to write.
pub(super) struct Writer {
    queue: Arc<Queue>,
    has_ended: bool,
}

impl Writer {
    pub(super) fn run(mut self) {
        while let Some((batch, acknowledges)) = self.next_batch() {
            let result = self.write(&batch);
            for acknowledge in acknowledges {
                // Whoever asked may have gone; the record is durable all the same.
                let _ = acknowledge.send(result.clone());
            }
        }
    }

    /// What to write next; none, and the writer has ended.
    fn next_batch(&mut self) -> Option<(Vec<Addition>, Vec<Acknowledge>)> {
        let mut pending = lock(&self.queue.pending);
        if pending.additions.is_empty() {
            pending.has_writer = false;
            self.has_ended = true;
            self.queue.idle.notify_all();
            return None;
        }
        let many = pending.additions.len().min(LARGEST_COMMIT);
        let additions = pending.additions.drain(..many).collect();
        Some((additions, pending.acknowledges.drain(..many).collect()))
    }

    /// The one door to the file while a run is under way. Whatever must hold before an
    /// intent may become durable is asked here.
    fn write(&self, batch: &[Addition]) -> Result<(), Unwritten> {
        let mut file = lock(&self.queue.file);
        let file =
            file.as_mut().ok_or_else(|| Unwritten::Failed("it was closed before".to_owned()))?;
        if let Some(why) = &file.broken {
            return Err(why.clone());
        }
        let waits = self.queue.take_waits();
        let File { connection, lock, seal, broken } = file;
        let written = lock.must_be_named().and_then(|()| {
            // A file that goes away after the look is read-only to SQLite (sqlite.org, Result
            // and Error Codes, SQLITE_READONLY_DBMOVED): what is amiss is where it went.
            commit(connection, seal, batch, &waits).map_err(|error| {
                lock.must_be_named().err().unwrap_or_else(|| Unwritten::from(error))
            })
        });
        written.inspect_err(|why| *broken = Some(why.clone()))
    }
}

impl Drop for Writer {
    /// A writer that ends in the middle, by a panic or with its runtime, leaves
    /// nobody waiting for an answer.
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        if let Some(file) = lock(&self.queue.file).as_mut() {
            file.broken.get_or_insert_with(|| Unwritten::Failed("its writer has ended".to_owned()));
        }
        let mut pending = lock(&self.queue.pending);
        pending.additions.clear();
        pending.acknowledges.clear();
        pending.has_writer = false;
        self.queue.idle.notify_all();
    }
}

/// A panic of a writer is noted in the file; the data behind the lock is sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
