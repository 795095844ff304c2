//! Writing records: one writer at a time, on the runtime's blocking threads. It
//! takes together what arrives together, and answers after the commit is durable.
//!
//! A thread of its own would do as well, but for one thing: a runtime whose clock
//! is paused knows nothing of it, and lets virtual minutes pass while a commit is
//! under way. It does wait for its own blocking threads.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::oneshot;

use super::lock::Lock;
use super::record::beside;
use super::{CheckpointError, Entry, Record};

/// Records that one commit takes at most. A commit costs one flush of the disk
/// however many it holds; beyond some hundreds the flush no longer counts.
const LARGEST_COMMIT: usize = 512;

type Acknowledge = oneshot::Sender<Result<(), String>>;
type Queued = (Entry, Timestamp, Acknowledge);

/// The checkpoint during a run.
#[derive(Debug)]
pub struct Journal {
    desk: Arc<Desk>,
    path: PathBuf,
    run: i64,
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
    pub(super) fn start(path: PathBuf, connection: Connection, lock: Lock, run: i64) -> Self {
        let file = File { connection, broken: None, lock };
        let desk = Desk {
            run,
            queue: Mutex::default(),
            unattended: Condvar::new(),
            file: Mutex::new(Some(file)),
            waits: Mutex::default(),
        };
        Self { desk: Arc::new(desk), path, run }
    }

    /// Writes a record. When this returns, the record survives whatever happens
    /// next. After a failure every later record fails too: what is not written
    /// down must not be done.
    pub async fn append(
        &self,
        record: impl Into<Entry>,
        at: Timestamp,
    ) -> Result<(), CheckpointError> {
        let (acknowledge, acknowledged) = oneshot::channel();
        if let Some(shift) = self.desk.hand_in((record.into(), at, acknowledge)) {
            tokio::task::spawn_blocking(move || shift.work());
        }
        acknowledged
            .await
            .map_err(|_| CheckpointError::Broken("its writer has ended".to_owned()))?
            .map_err(CheckpointError::Broken)
    }

    /// Where the run's waits are noted.
    pub fn waits(&self) -> WaitLog {
        WaitLog(Arc::clone(&self.desk))
    }

    /// The file, for reading beside the run.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down how the run ended and releases the checkpoint.
    pub fn end_run(self, end: &RunEnd) -> Result<(), CheckpointError> {
        let Some(File { connection, lock, .. }) = self.desk.close() else {
            return Err(CheckpointError::Broken("it was closed before".to_owned()));
        };
        let waits = self.desk.take_waits();
        let write_end = || {
            write_waits(&connection, self.run, &waits)?;
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
        drop(lock);
        written.map_err(|source| CheckpointError::Database { path: self.path, source })
    }
}

/// Where waits are noted: how long the tenant made a run wait, for its report. They go
/// to disk with the next record or the end of the run, as nothing depends on them.
#[derive(Debug, Clone)]
pub struct WaitLog(Arc<Desk>);

impl WaitLog {
    /// Notes a wait of so many seconds that began then.
    pub fn note(&self, at: Timestamp, scope: Option<&str>, seconds: f64) {
        lock(&self.0.waits).push(Wait { at, scope: scope.unwrap_or_default().to_owned(), seconds });
    }
}

#[derive(Debug)]
struct Wait {
    at: Timestamp,
    scope: String,
    seconds: f64,
}

fn write_waits(connection: &Connection, run: i64, waits: &[Wait]) -> rusqlite::Result<()> {
    for Wait { at, scope, seconds } in waits {
        connection
            .prepare_cached("INSERT INTO wait (run, at, scope, seconds) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![run, at.to_string(), scope, seconds])?;
    }
    Ok(())
}

/// Where records are handed in and wait for the writer on duty. The lock is kept
/// until the last record handed in is written, even if nobody waits for it.
#[derive(Debug)]
struct Desk {
    run: i64,
    queue: Mutex<Queue>,
    /// Told when a writer has written everything and left.
    unattended: Condvar,
    file: Mutex<Option<File>>,
    waits: Mutex<Vec<Wait>>,
}

#[derive(Debug, Default)]
struct Queue {
    records: Vec<Queued>,
    is_attended: bool,
}

#[derive(Debug)]
struct File {
    connection: Connection,
    broken: Option<String>,
    lock: Lock,
}

impl Desk {
    /// Takes a record in. Returns a shift when nobody is writing.
    fn hand_in(self: &Arc<Self>, record: Queued) -> Option<Shift> {
        let mut queue = lock(&self.queue);
        queue.records.push(record);
        let needs_writer = !std::mem::replace(&mut queue.is_attended, true);
        needs_writer.then(|| Shift { desk: Arc::clone(self), is_over: false })
    }

    fn take_waits(&self) -> Vec<Wait> {
        std::mem::take(&mut *lock(&self.waits))
    }

    /// Waits until everything handed in is written, and gives up the file.
    fn close(&self) -> Option<File> {
        let queue = lock(&self.queue);
        let queue = self.unattended.wait_while(queue, |queue| queue.is_attended);
        drop(queue);
        lock(&self.file).take()
    }
}

/// One writer's time at the desk: from the record that called it until nothing is
/// left to write.
struct Shift {
    desk: Arc<Desk>,
    is_over: bool,
}

impl Shift {
    fn work(mut self) {
        while let Some(batch) = self.next_batch() {
            let result = self.write(&batch);
            for (_, _, acknowledge) in batch {
                // Whoever asked may have gone; the record is durable all the same.
                let _ = acknowledge.send(result.clone());
            }
        }
    }

    /// The records to write next; none, and the shift is over.
    fn next_batch(&mut self) -> Option<Vec<Queued>> {
        let mut queue = lock(&self.desk.queue);
        if queue.records.is_empty() {
            queue.is_attended = false;
            self.is_over = true;
            self.desk.unattended.notify_all();
            return None;
        }
        let many = queue.records.len().min(LARGEST_COMMIT);
        Some(queue.records.drain(..many).collect())
    }

    fn write(&self, batch: &[Queued]) -> Result<(), String> {
        let mut file = lock(&self.desk.file);
        let file = file.as_mut().ok_or("it was closed before")?;
        if let Some(why) = &file.broken {
            return Err(why.clone());
        }
        let waits = self.desk.take_waits();
        commit(&mut file.connection, self.desk.run, batch, &waits).map_err(|error| {
            let why = error.to_string();
            file.broken = Some(why.clone());
            why
        })
    }
}

impl Drop for Shift {
    /// A shift that ends in the middle, by a panic or with its runtime, leaves
    /// nobody waiting for an answer.
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if let Some(file) = lock(&self.desk.file).as_mut() {
            file.broken.get_or_insert_with(|| "its writer has ended".to_owned());
        }
        let mut queue = lock(&self.desk.queue);
        queue.records.clear();
        queue.is_attended = false;
        self.desk.unattended.notify_all();
    }
}

/// A panic of a writer is noted in the file; the data behind the lock is sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A person asks to send again: noted beside the state, which stays what it is, with
/// the moment of the invitation that stands. Where none is known to stand there is
/// nothing to note: what became of the one before is settled as ever.
const ASK_AGAIN: &str = "
    UPDATE row SET detail = json_set(detail, '$.resend', json_object(
        'invited_at',
            coalesce(detail ->> '$.resend.invited_at', detail ->> '$.accepted.at', at),
        'before', json(?3)))
    WHERE user_id = ?1 AND address = ?2 AND (state = 'invited'
        OR detail ->> '$.resend.invited_at' IS NOT NULL OR detail ->> '$.accepted.at' IS NOT NULL)";

/// The present state. What a person asked for is carried along until the service
/// accepts it.
const PRESENT_STATE: &str = "
    INSERT INTO row (user_id, address, state, at, detail) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (user_id, address) DO UPDATE SET
        state = excluded.state,
        at = excluded.at,
        detail = CASE
            WHEN excluded.state = 'invited' OR instr(detail, '\"resend\":') = 0
                OR detail ->> '$.resend' IS NULL THEN excluded.detail
            ELSE json_set(excluded.detail, '$.resend', json(detail -> '$.resend'))
        END";

/// Events and the present state they leave, in one transaction.
fn commit(
    connection: &mut Connection,
    run: i64,
    batch: &[Queued],
    waits: &[Wait],
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    write_waits(&transaction, run, waits)?;
    for (entry, at, _) in batch {
        let record = &entry.record;
        let key = record.key();
        let (user, address) = (key.user_id.to_string(), key.address.folded());
        let (at, word, mut detail) = (at.to_string(), record.word(), record.detail().to_string());
        if let Record::Seen(sighting) = record {
            let since = sighting.since.map(|since| since.to_string());
            transaction
                .prepare_cached(
                    "INSERT INTO sighting (run, at, user_id, address, finding, since, detail)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![run, at, user, address, word, since, detail])?;
            continue;
        }
        transaction
            .prepare_cached(
                "INSERT INTO event (run, at, user_id, address, what, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![run, at, user, address, word, entry.with_trace(&detail)])?;
        match record {
            // Evidence leaves state and moment of the intent as they are, since that is
            // what a later settlement compares the directory with. What is done to a
            // mail after the invitation doesn't undo the invitation.
            Record::Unknown { .. }
            | Record::Correcting { .. }
            | Record::Corrected { .. }
            | Record::Seen(_) => continue,
            Record::ResendAsked { before, .. } => {
                let before = serde_json::to_string(before).expect("plain data");
                transaction.prepare_cached(ASK_AGAIN)?.execute(params![user, address, before])?;
                continue;
            }
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
            Record::Intended { reference, reason, .. } => {
                remember_name(&transaction, reference, &user)?;
                // The first of a row follows none.
                let is_first = ["new-address", "reset-only"].contains(reason);
                if !is_first && let Some(accepted) = accepted(&transaction, &user, &address)? {
                    detail = beside(&detail, "accepted", &accepted.to_string());
                }
            }
            // One more invitation that was not sent leaves the accepted one as it was.
            Record::Outstanding { .. } | Record::Failed { .. } => {
                if let Some(accepted) = accepted(&transaction, &user, &address)? {
                    let [at, detail] = ["at", "detail"].map(|key| accepted[key].as_str());
                    put_row(&transaction, [&user, &address, "invited"], at, detail)?;
                    continue;
                }
            }
            Record::Patched { .. } | Record::Invited { .. } => {}
        }
        put_row(&transaction, [&user, &address, word], Some(&at), Some(&detail))?;
    }
    transaction.commit()
}

/// The accepted invitation that the row's state stands for, or keeps while one more
/// is on its way: when it was accepted, and how. Where a person asked for one more,
/// that request is what the row keeps instead.
fn accepted(
    connection: &Connection,
    user: &str,
    address: &str,
) -> rusqlite::Result<Option<serde_json::Value>> {
    let sql = "
        SELECT CASE state
            WHEN 'invited' THEN json_object('at', at, 'detail', detail)
            WHEN 'intended' THEN detail -> '$.accepted'
        END
        FROM row
        WHERE user_id = ?1 AND address = ?2 AND detail ->> '$.resend' IS NULL";
    let accepted: Option<Option<String>> = connection
        .prepare_cached(sql)?
        .query_row(params![user, address], |row| row.get(0))
        .optional()?;
    Ok(accepted.flatten().and_then(|text| serde_json::from_str(&text).ok()))
}

/// The present state of a row.
fn put_row(
    connection: &Connection,
    [user, address, state]: [&str; 3],
    at: Option<&str>,
    detail: Option<&str>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(PRESENT_STATE)?
        .execute(params![user, address, state, at, detail])
        .map(drop)
}

/// A name is remembered for when the directory no longer knows it. An object id is
/// known as long as its user exists.
fn remember_name(connection: &Connection, name: &str, user: &str) -> rusqlite::Result<()> {
    if name == user {
        return Ok(());
    }
    connection
        .prepare_cached("INSERT OR IGNORE INTO name (name, user_id) VALUES (?1, ?2)")?
        .execute(params![name, user])
        .map(drop)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::checkpoint::{Checkpoint, RunStart};
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
                    Record::Intended { key: key.clone(), reference, reason: "new-address", before },
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
