//! `revert`, in its order: from what the checkpoint holds of the campaign a manifest is
//! made that gives every guest its old address again, which is read, planned, reviewed and
//! carried out like any other.
//!
//! Leaves to others: what may be undone (`plan`), and the order of a run (`apply`).

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::checkpoint::{Checkpoint, ManifestRow, Past, Planned, Undo};
use crate::domain::{Email, GuestRef, Ledger, UserId};
use crate::manifest::{self, Form, LoadError, Manifest, Options, Reset, Row, Wish};
use crate::plan::{Before, PlannedRow, Returning, Revert};
use crate::run::RunResult;

use super::CampaignError;
use super::apply::{Applied, Kept, Task, carry_out_task};
use super::read::Asked;
use super::session::{Carried, Host, Session, tell_of_other_manifest};

/// What is asked of a `revert`.
#[derive(Debug, Clone, Default)]
pub struct RevertRequest {
    /// Take guests back who have redeemed the new address, too.
    pub even_redeemed: bool,
    /// Try rows again that failed for good in an earlier run.
    pub retry_failed: bool,
    /// The digest of the plan that was reviewed.
    pub reviewed: Option<String>,
    /// How the manifest was read that moved the guests.
    pub options: Options,
}

/// A `revert` that was carried out, as far as it came.
#[derive(Debug)]
pub struct Reverted {
    pub applied: Applied,
    /// What was carried out.
    pub manifest: Manifest,
}

/// The manifest can't be read any more from what the checkpoint keeps of it.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    #[error("the manifest as the checkpoint keeps it: {0}")]
    Load(#[from] LoadError),
    #[error("line {line} of {manifest}, as the checkpoint keeps it, can't be read as it was")]
    Row { manifest: String, line: u32 },
}

/// What a way back is planned from.
#[derive(Debug)]
pub struct WayBack {
    /// Every guest that has an address to go back to, with what its row said of its mails.
    pub manifest: Manifest,
    pub asked: Asked,
}

impl WayBack {
    /// From what the campaign has on record. The error is a manifest that can't be read any
    /// more from what was kept of it.
    pub fn new(
        ledger: &Ledger,
        past: &mut Past,
        undo: Undo,
        request: &RevertRequest,
    ) -> Result<Self, KeptError> {
        let guests = guests(ledger, &past.manifest);
        let (mut rows, extra_columns) = kept_rows(&undo, &past.manifest, &request.options)?;
        let before: HashMap<UserId, Before> = undo
            .before
            .into_iter()
            .map(|(id, image)| {
                let other_mails = image.other_mails.into_iter().map(Into::into).collect();
                (id, Before { mail: image.mail.map(Into::into), other_mails })
            })
            .collect();
        let cells: HashSet<u32> =
            past.manifest.iter().filter(|row| is_kept(row)).map(|row| row.line).collect();
        let mut back = Vec::with_capacity(guests.len());
        for guest in &guests {
            let mail = before.get(&guest.user_id).and_then(|before| before.mail.as_deref());
            let Some(address) = mail.and_then(|mail| Email::parse(mail).ok()) else { continue };
            let kept = rows.remove(&guest.line);
            // That it said `send = no`, for one, must not be lost.
            if kept.is_none() && undo.form.is_some() && cells.contains(&guest.line) {
                return Err(KeptError::Row { manifest: undo.manifest, line: guest.line });
            }
            back.push(row(guest, address, kept));
        }
        let manifest = Manifest::of_rows(undo.manifest, back, extra_columns);
        let revert = Revert {
            guests,
            before,
            invitations: std::mem::take(&mut past.invitations),
            even_redeemed: request.even_redeemed,
        };
        let asked = Asked {
            retry_failed: request.retry_failed,
            revert: Some(revert.into()),
            ..Asked::default()
        };
        Ok(Self { manifest, asked })
    }
}

/// Whether the row's cells are on record.
fn is_kept(row: &ManifestRow) -> bool {
    row.cells != "[]"
}

/// Everybody whom the campaign acted on: under its line and name in the manifest, and the
/// others behind.
fn guests(ledger: &Ledger, rows: &[ManifestRow]) -> Vec<Returning> {
    let mut left: HashSet<UserId> = ledger.users().collect();
    let mut guests = Vec::with_capacity(left.len());
    for row in rows {
        if let Some(user_id) = row.user_id.filter(|id| left.remove(id)) {
            guests.push(Returning { line: row.line, user: row.user.as_str().into(), user_id });
        }
    }
    let mut left: Vec<UserId> = left.into_iter().collect();
    left.sort_unstable();
    let last = rows.last().map_or(1, |row| row.line);
    guests.extend((last.saturating_add(1)..).zip(left).map(|(line, user_id)| Returning {
        line,
        user: user_id.to_string().into(),
        user_id,
    }));
    guests
}

/// The rows of the manifest that moved the guests, by line, as far as they were kept.
fn kept_rows(
    undo: &Undo,
    rows: &[ManifestRow],
    options: &Options,
) -> Result<(BTreeMap<u32, Row>, Vec<String>), LoadError> {
    let form: Option<Form> = undo.form.as_deref().and_then(|form| serde_json::from_str(form).ok());
    let Some(form) = form.filter(|_| rows.iter().any(is_kept)) else {
        return Ok((BTreeMap::new(), Vec::new()));
    };
    // Whatever the row asked for, it says what its guest's mails are like.
    let options = Options { reset_only: true, several_cc: true, ..options.clone() };
    let cells = rows.iter().filter(|row| is_kept(row)).map(|row| (row.line, &*row.cells));
    let read = manifest::reread(&undo.manifest, &form, cells, &options)?;
    let rows = read.rows.into_iter().map(|row| (row.line, row)).collect();
    Ok((rows, read.extra_columns))
}

/// The row of a guest that goes back. What the move's message said is true no more.
fn row(guest: &Returning, address: Email, kept: Option<Row>) -> Row {
    let wish = Wish::Move(address);
    let (line, user) = (guest.line, GuestRef::Id(guest.user_id));
    match kept {
        Some(kept) => {
            let cc = kept.cc.filter(|cc| wish.address() != Some(cc));
            let (also, reset) = (Box::default(), Reset::WhenMoved);
            Row { line, user, also, wish, message: None, cc, reset, ..kept }
        }
        None => Row {
            line,
            user,
            also: Box::default(),
            wish,
            message: None,
            cc: None,
            more_cc: Box::default(),
            language: None,
            redirect_url: None,
            send: None,
            display_name: None,
            reset: Reset::WhenMoved,
            extra: Box::default(),
        },
    }
}

/// The manifest's rows with those in place that are on their way back. The others stay
/// what the last run left of them.
pub(super) fn merged(kept: &[ManifestRow], rows: &[PlannedRow]) -> Vec<ManifestRow> {
    let back: HashMap<UserId, &PlannedRow> =
        rows.iter().filter_map(|row| Some((row.user_id?, row))).collect();
    let lines: HashSet<u32> = kept.iter().map(|row| row.line).collect();
    let kept = kept.iter().map(|kept| {
        let Some(row) = kept.user_id.and_then(|id| back.get(&id)) else { return kept.clone() };
        let planned = super::stored::planned_row(row, kept.cells.clone());
        if row.line == kept.line {
            return planned;
        }
        // Another row of the same guest.
        ManifestRow {
            line: kept.line,
            user: kept.user.clone(),
            decision: Planned::Settled,
            reason: "same-as-line".to_owned(),
            explanation: format!("line {} asks for the same", row.line),
            ..planned
        }
    });
    let others = rows.iter().filter(|row| !lines.contains(&row.line));
    kept.chain(others.map(|row| super::stored::planned_row(row, "[]".to_owned()))).collect()
}

/// Takes a campaign back. `exit_code` is what the result is to the caller, for the record.
pub async fn revert<H: Host>(
    session: &Session<'_>,
    checkpoint: Checkpoint,
    request: RevertRequest,
    host: &H,
    exit_code: impl FnOnce(&RunResult) -> u8,
) -> Result<Carried<Reverted, H::Objection>, CampaignError> {
    let (ledger, mut past, undo) = (checkpoint.ledger()?, checkpoint.past()?, checkpoint.undo()?);
    let form = undo.form.clone().unwrap_or_default();
    let WayBack { manifest, asked } = WayBack::new(&ledger, &mut past, undo, &request)?;
    drop(ledger);
    tell_of_other_manifest(&checkpoint, &manifest, host)?;
    let task = Task {
        command: "revert",
        asked,
        resend_reason: None,
        reviewed: request.reviewed,
        kept: Some(Kept::WayBack { rows: past.manifest, form }),
    };
    let work = carry_out_task(session, checkpoint, &manifest, task, host, exit_code);
    // It holds a directory and a plan on its way.
    let carried = session.within_budget(Box::pin(work)).await?;
    Ok(match carried {
        Carried::Out(applied) => Carried::Out(Reverted { applied, manifest }),
        Carried::Refused { plan, refusal } => Carried::Refused { plan, refusal },
        Carried::Declined(objection) => Carried::Declined(objection),
    })
}
