//! A part of a manifest that was mended and is fed in again: its rows take the place of the
//! campaign's, and the others stay what the last run left of them, so that `status` and the
//! reports go on to account for all.
//!
//! A part that `--only` takes of the very manifest is kept in the same way.
//!
//! Leaves to others: which columns tell such a file (`manifest`).

use std::collections::{BTreeSet, HashMap};

use crate::checkpoint::{Checkpoint, CheckpointError, ManifestRow, Past, Reader, Undo};
use crate::domain::UserId;
use crate::manifest::{Form, Manifest, Ownership};
use crate::plan::PlannedRow;

use super::stored::manifest_row;

/// The campaign that a mended file is a part of, as the last run left its rows.
#[derive(Debug)]
pub struct Part {
    /// Name of the campaign's manifest.
    pub manifest: String,
    pub(super) rows: Vec<ManifestRow>,
    /// The form of its manifest, as JSON.
    pub(super) form: String,
}

/// The campaign's rows with those in place that a part has.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) rows: Vec<ManifestRow>,
    /// Rows of the campaign that the part has not.
    pub(super) others: u64,
    /// Rows whose words differ from those of the campaign's manifest.
    pub(super) mended: u64,
    /// Rows that are in none of the campaign's.
    pub(super) new: u64,
}

impl Part {
    /// The campaign that the manifest is a part of: somebody said so, or it was handed back
    /// from there. None for a manifest that stands for itself.
    pub(super) fn of(
        checkpoint: &Checkpoint,
        manifest: &Manifest,
        is_asked: bool,
    ) -> Result<Option<Self>, CheckpointError> {
        let name = checkpoint.manifest()?;
        if !is_part(name.as_deref(), manifest, is_asked) {
            return Ok(None);
        }
        let part = Self::new(checkpoint.past()?, checkpoint.undo()?);
        // A campaign that begins with a part of its manifest has no other rows yet.
        Ok(Some(part).filter(|part| !part.rows.is_empty()))
    }

    /// The same, for a plan that nobody carries out.
    pub fn for_plan(
        reader: &Reader,
        manifest: &Manifest,
        is_asked: bool,
    ) -> Result<Option<Self>, CheckpointError> {
        let undo = reader.undo()?;
        if !is_part(Some(&*undo.manifest), manifest, is_asked) {
            return Ok(None);
        }
        let part = Self::new(reader.past()?, undo);
        Ok(Some(part).filter(|part| !part.rows.is_empty()))
    }

    fn new(past: Past, undo: Undo) -> Self {
        let Undo { manifest, form, before: _ } = undo;
        Self { manifest, rows: past.manifest, form: form.unwrap_or_default() }
    }

    /// The guests that the campaign's rows are about.
    pub fn guests(&self) -> BTreeSet<UserId> {
        self.rows.iter().filter_map(|row| row.user_id).collect()
    }

    /// Puts the rows of the part in their places.
    pub(super) fn merge(&self, manifest: &Manifest, planned: &[PlannedRow]) -> Merged {
        let header = &manifest.written.form.header;
        let ownership = Ownership::new(header);
        let of_record: Option<Form> = serde_json::from_str(&self.form).ok();
        let has_its_columns = of_record.is_some_and(|form| {
            let record = &form.header[..Ownership::new(&form.header).own];
            *record == header[..ownership.own]
        });
        let mut places = Places::new(&self.rows);
        let mut merged = Merged { rows: self.rows.clone(), ..Merged::default() };
        let is_same_file = manifest.part.is_some() && self.manifest == manifest.name;
        let mut lines: BTreeSet<u32> = self.rows.iter().map(|row| row.line).collect();
        let mut next = self.rows.iter().map(|row| row.line).max().unwrap_or(1);
        for row in planned {
            let mut row = manifest_row(row, manifest);
            let mut cells: Vec<String> = serde_json::from_str(&row.cells).unwrap_or_default();
            let line = ownership.line.and_then(|at| cells.get(at)?.trim().parse().ok());
            cells.truncate(ownership.own);
            let Some(at) = places.take(line, &row, &cells) else {
                // Of the same file it is another part, and no news.
                if is_same_file && lines.insert(row.line) {
                    next = next.max(row.line);
                } else {
                    merged.new += 1;
                    next = next.saturating_add(1);
                    row.line = next;
                }
                row.cells = own_cells(&cells, has_its_columns);
                merged.rows.push(row);
                continue;
            };
            let kept = &self.rows[at];
            let mut before: Vec<String> = serde_json::from_str(&kept.cells).unwrap_or_default();
            before.truncate(ownership.own);
            row.line = kept.line;
            row.cells = if has_its_columns {
                merged.mended += u64::from(!same_cells(&before, &cells));
                own_cells(&cells, true)
            } else {
                merged.mended += u64::from(kept.user != row.user || kept.address != row.address);
                kept.cells.clone()
            };
            merged.rows[at] = row;
        }
        merged.others = places.free.iter().filter(|free| **free).count() as u64;
        merged
    }
}

fn is_part(campaign: Option<&str>, manifest: &Manifest, is_asked: bool) -> bool {
    let is_other = |name: &str| !name.is_empty() && name != manifest.name;
    let is_handed_back = || Ownership::new(&manifest.written.form.header).is_handed_back;
    is_asked || campaign.is_some_and(is_other) && is_handed_back()
}

fn own_cells(cells: &[String], has_its_columns: bool) -> String {
    if has_its_columns {
        serde_json::to_string(cells).expect("plain data")
    } else {
        "[]".to_owned()
    }
}

/// Cells that are missing at the end are empty.
fn same_cells(one: &[String], other: &[String]) -> bool {
    let cell = |cells: &[String], at: usize| cells.get(at).cloned().unwrap_or_default();
    (0..one.len().max(other.len())).all(|at| cell(one, at) == cell(other, at))
}

/// Which rows of the campaign the part has not taken yet.
struct Places<'a> {
    rows: &'a [ManifestRow],
    free: Vec<bool>,
    by_line: HashMap<u32, usize>,
    by_user: HashMap<String, Vec<usize>>,
    by_id: HashMap<UserId, Vec<usize>>,
    by_address: HashMap<String, Vec<usize>>,
}

impl<'a> Places<'a> {
    fn new(rows: &'a [ManifestRow]) -> Self {
        let mut places = Self {
            rows,
            free: vec![true; rows.len()],
            by_line: HashMap::new(),
            by_user: HashMap::new(),
            by_id: HashMap::new(),
            by_address: HashMap::new(),
        };
        for (at, row) in rows.iter().enumerate() {
            places.by_line.insert(row.line, at);
            if !row.user.is_empty() {
                places.by_user.entry(row.user.to_lowercase()).or_default().push(at);
            }
            if let Some(id) = row.user_id {
                places.by_id.entry(id).or_default().push(at);
            }
            if let Some(address) = &row.address {
                places.by_address.entry(address.folded()).or_default().push(at);
            }
        }
        places
    }

    /// The place of a row: the line that it names, if that row still has something in
    /// common with it; else the first of its name, its guest, or its address.
    fn take(&mut self, line: Option<u32>, row: &ManifestRow, cells: &[String]) -> Option<usize> {
        let named = line.and_then(|line| self.by_line.get(&line).copied());
        let named = named.filter(|at| self.free[*at] && shares(&self.rows[*at], row, cells));
        let first = |places: Option<&Vec<usize>>| {
            places.and_then(|places| places.iter().copied().find(|at| self.free[*at]))
        };
        let at = named
            .or_else(|| first(self.by_user.get(&row.user.to_lowercase())))
            .or_else(|| first(self.by_id.get(&row.user_id?)))
            .or_else(|| first(self.by_address.get(&row.address.as_ref()?.folded())))?;
        self.free[at] = false;
        Some(at)
    }
}

/// Whether two rows have a guest, an address or a cell in common: people sort and edit their
/// manifests between runs, and a line may be another row's by now.
fn shares(kept: &ManifestRow, row: &ManifestRow, cells: &[String]) -> bool {
    let before: Vec<String> = serde_json::from_str(&kept.cells).unwrap_or_default();
    kept.user_id.is_some() && kept.user_id == row.user_id
        || kept.user.eq_ignore_ascii_case(&row.user)
        || kept.address.is_some() && kept.address == row.address
        || before.iter().zip(cells).any(|(one, other)| !one.is_empty() && one == other)
}
