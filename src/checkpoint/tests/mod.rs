//! The checkpoint as a file: what is written is there, in whatever state the file
//! was left, and what is no checkpoint of ours is refused.

mod projection;
mod records;
mod refused;
mod reverts;
mod status;
mod torn;
mod upgrade;
mod whose;

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use uuid::Uuid;

use super::{
    BeforeImage, Checkpoint, IntentReason, InvitedHow, Journal, ManifestRow, Record, RunEnd,
    RunStart,
};
use crate::domain::{InvitationKey, Redemption, RedemptionState, WayBack};

const TENANT: &str = "c0c0c0c0-0000-4000-8000-000000000001";

/// A directory for one campaign.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("guests.csv.checkpoint")
    }

    /// A run over these rows, under way.
    fn begin(&self, rows: Vec<ManifestRow>) -> Journal {
        let checkpoint = Checkpoint::open(&self.path(), at(0)).unwrap();
        checkpoint.claim(TENANT, TENANT).unwrap();
        let start = RunStart {
            at: at(0),
            command: "apply",
            manifest: "guests.csv",
            tenant_name: Some("Contoso"),
            plan_digest: "d1".to_owned(),
            manifest_form: String::new(),
        };
        checkpoint.begin_run(&start, rows.into_iter()).unwrap()
    }

    /// A whole run with these records, a second apart.
    async fn run(&self, rows: Vec<ManifestRow>, records: &[Record]) {
        let journal = self.begin(rows);
        for (second, record) in (1..).zip(records) {
            journal.append(record.clone(), at(second)).await.unwrap();
        }
        end(journal);
    }
}

fn end(journal: Journal) {
    let summary = "{}".to_owned();
    journal.end_run(&RunEnd { at: at(999), stop_reason: None, exit_code: 0, summary }).unwrap();
}

fn at(second: i64) -> Timestamp {
    let noon: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
    noon + SignedDuration::from_secs(second)
}

fn key(n: u128) -> InvitationKey {
    let address = format!("guest{n}@northwind.example").parse().unwrap();
    InvitationKey { user_id: Uuid::from_u128(n).into(), address }
}

fn redemption() -> Redemption {
    Redemption { state: Some(RedemptionState::Accepted), changed_at: Some(at(-86_400)) }
}

fn patching(n: u128, mail: &str) -> Record {
    let before =
        BeforeImage { mail: Some(mail.to_owned()), other_mails: vec!["x@y.example".into()] };
    Record::Patching {
        key: key(n),
        reference: format!("guest{n}@fabrikam.example"),
        before,
        anew: false,
    }
}

fn reverting(n: u128, way: WayBack) -> Record {
    let before = BeforeImage::default();
    Record::Reverting { key: key(n), reference: format!("guest{n}@fabrikam.example"), before, way }
}

fn intended(n: u128) -> Record {
    Record::Intended {
        key: key(n),
        reference: format!("ref-{n}"),
        reason: IntentReason::FinishEarlierRun,
        before: redemption(),
        silent: false,
        anew: false,
    }
}

fn invited(n: u128) -> Record {
    Record::Invited { key: key(n), how: InvitedHow::Accepted }
}

fn failed(n: u128, code: &str) -> Record {
    let (code, message) = (code.to_owned(), format!("because of {code}"));
    let advice = "mend it".to_owned();
    let request_id = Some("r-1".to_owned());
    Record::Failed { key: key(n), code, message, advice, request_id, anew: false }
}

fn resend_asked(n: u128) -> Record {
    Record::ResendAsked { key: key(n), who: "me".into(), why: "lost".into(), before: redemption() }
}

fn outstanding(n: u128) -> Record {
    Record::Outstanding { key: key(n), why: "no change".to_owned() }
}

/// The words of all events, oldest first, by a connection of our own.
fn events(path: &Path) -> Vec<String> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut query =
        connection.prepare("SELECT what || ' ' || user_id FROM event ORDER BY id").unwrap();
    let words = query.query_map([], |row| row.get(0)).unwrap();
    words.collect::<Result<_, _>>().unwrap()
}
