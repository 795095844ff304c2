//! The whole campaign: the tables in one pass each, put together by guest and address.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;

use super::super::CheckpointError;
use super::super::file::{classify, meta};
use super::super::lock::holder;
use super::super::status::{ROWS, STANDING, counts, open};
use super::{
    Delta, History, HistoryRow, RunRecord, SIGHTINGS, Standing, WaitRecord, json, optional_time,
    sighting, time,
};

pub fn read_history(path: &Path) -> Result<History, CheckpointError> {
    let connection = open(path)?;
    let failed = |source| classify(path, source);
    // Everything from one state of the file, whatever a run adds meanwhile.
    let transaction = connection.unchecked_transaction().map_err(failed)?;
    let mut history = history(&transaction).map_err(failed)?;
    history.status.held_by = holder(path);
    Ok(history)
}

fn history(connection: &Connection) -> rusqlite::Result<History> {
    let mut history = History {
        status: counts(connection)?,
        form: meta(connection, "manifest_form")?.filter(|form| !form.is_empty()),
        runs: runs(connection)?,
        rows: rows(connection)?,
        invitations: Vec::new(),
        waits: waits(connection)?,
        looked_at: None,
        delta: Delta::default(),
    };
    let mut keys: HashMap<String, usize> = HashMap::with_capacity(history.rows.len());
    for (index, row) in history.rows.iter().enumerate() {
        if let (Some(user), Some(address)) = (&row.user_id, &row.address) {
            // Of several rows that ask for the same, the first has the state.
            keys.entry(key(user, address)).or_insert(index);
        }
    }
    add_rows_of_earlier_manifests(connection, &mut history.rows, &mut keys)?;
    read_events(connection, &mut history, &keys)?;
    read_sightings(connection, &mut history, &keys)?;
    let looked = history.runs.iter().filter(|run| ["verify", "reconcile"].contains(&&*run.command));
    let looked = looked.filter_map(|run| run.ended_at).max();
    history.looked_at = history.looked_at.max(looked);
    Ok(history)
}

fn key(user: &str, address: &str) -> String {
    format!("{user} {address}")
}

fn runs(connection: &Connection) -> rusqlite::Result<Vec<RunRecord>> {
    let mut query = connection.prepare(
        "SELECT id, command, started_at, ended_at, stop_reason, exit_code, summary
         FROM run ORDER BY id",
    )?;
    let runs = query.query_map([], |row| {
        Ok(RunRecord {
            id: row.get(0)?,
            command: row.get(1)?,
            started_at: time(row, 2)?,
            ended_at: optional_time(row, 3)?,
            stop_reason: row.get(4)?,
            exit_code: row.get(5)?,
            summary: json(row, 6)?,
        })
    })?;
    runs.collect()
}

fn rows(connection: &Connection) -> rusqlite::Result<Vec<HistoryRow>> {
    let mut query = connection.prepare(&format!(
        "SELECT m.line, m.user, m.user_id, m.address, m.decision, m.reason, m.explanation,
            m.cells, b.mail, r.detail, {STANDING} FROM {ROWS} ORDER BY m.line"
    ))?;
    let rows = query.query_map([], |row| {
        let standing = match row.get_ref(10)?.as_str()? {
            "invited" => Standing::Invited,
            "settled" => Standing::Settled,
            "blocked" => Standing::Blocked,
            "failed" => Standing::Failed,
            "unknown" => Standing::Unknown,
            "patched" => Standing::Patched,
            _ => Standing::NotAttempted,
        };
        Ok(HistoryRow {
            line: Some(row.get(0)?),
            user: row.get(1)?,
            user_id: row.get(2)?,
            address: row.get(3)?,
            decision: row.get(4)?,
            reason: row.get(5)?,
            explanation: row.get(6)?,
            cells: row.get(7)?,
            old_mail: row.get(8)?,
            detail: if standing == Standing::Failed { json(row, 9)? } else { Value::Null },
            standing,
            patched_at: None,
            first_invited_at: None,
            invited_at: None,
            invitations: 0,
            sighting: None,
            redeemed_at: None,
        })
    })?;
    rows.collect()
}

fn add_rows_of_earlier_manifests(
    connection: &Connection,
    rows: &mut Vec<HistoryRow>,
    keys: &mut HashMap<String, usize>,
) -> rusqlite::Result<()> {
    let mut query = connection.prepare(
        "SELECT r.user_id, r.address,
            CASE WHEN r.state != 'intended' AND r.detail ->> '$.resend' IS NOT NULL
                THEN 'invited' ELSE r.state END,
            r.detail, b.mail, b.user_id IS NOT NULL
         FROM row r LEFT JOIN before_image b ON b.user_id = r.user_id
         ORDER BY r.user_id, r.address",
    )?;
    let mut found = query.query([])?;
    while let Some(row) = found.next()? {
        let (user, address) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
        let key = key(user, address);
        if keys.contains_key(&key) {
            continue;
        }
        let standing = match row.get_ref(2)?.as_str()? {
            "invited" => Standing::Invited,
            "intended" => Standing::Unknown,
            "failed" => Standing::Failed,
            "patched" => Standing::Patched,
            "outstanding" if row.get(5)? => Standing::Patched,
            _ => Standing::NotAttempted,
        };
        keys.insert(key, rows.len());
        rows.push(HistoryRow {
            line: None,
            user: user.to_owned(),
            user_id: Some(user.to_owned()),
            address: Some(address.to_owned()),
            decision: String::new(),
            reason: String::new(),
            explanation: String::new(),
            cells: String::new(),
            standing,
            detail: json(row, 3)?,
            old_mail: row.get(4)?,
            patched_at: None,
            first_invited_at: None,
            invited_at: None,
            invitations: 0,
            sighting: None,
            redeemed_at: None,
        });
    }
    Ok(())
}

fn read_events(
    connection: &Connection,
    history: &mut History,
    keys: &HashMap<String, usize>,
) -> rusqlite::Result<()> {
    let last_run = history.runs.last().map_or(0, |run| run.id);
    let mut query = connection.prepare(
        "SELECT run, at, user_id, address, what, CASE what WHEN 'unknown' THEN detail END
         FROM event WHERE what IN ('patched', 'invited', 'failed', 'unknown') ORDER BY id",
    )?;
    let mut events = query.query([])?;
    while let Some(event) = events.next()? {
        let run: i64 = event.get(0)?;
        let at = time(event, 1)?;
        let key = key(event.get_ref(2)?.as_str()?, event.get_ref(3)?.as_str()?);
        let row = keys.get(&key).map(|&index| &mut history.rows[index]);
        let is_last = u64::from(run == last_run);
        match (event.get_ref(4)?.as_str()?, row) {
            ("patched", row) => {
                history.delta.patched += is_last;
                if let Some(row) = row {
                    row.patched_at = Some(at);
                }
            }
            ("invited", row) => {
                history.invitations.push((run, at));
                let earlier = row.map_or(0, |row| {
                    row.first_invited_at.get_or_insert(at);
                    row.invited_at = Some(at);
                    row.invitations += 1;
                    row.invitations - 1
                });
                let count = if earlier == 0 {
                    &mut history.delta.invited
                } else {
                    &mut history.delta.invited_again
                };
                *count += is_last;
            }
            ("failed", _) => history.delta.failed += is_last,
            (_, Some(row)) if row.standing == Standing::Unknown => row.detail = json(event, 5)?,
            _ => {}
        }
    }
    Ok(())
}

fn read_sightings(
    connection: &Connection,
    history: &mut History,
    keys: &HashMap<String, usize>,
) -> rusqlite::Result<()> {
    let last_run = history.runs.last().map_or(0, |run| run.id);
    let mut query = connection.prepare(&format!("{SIGHTINGS} ORDER BY id"))?;
    let mut found = query.query([])?;
    while let Some(row) = found.next()? {
        let sighting = sighting(row)?;
        let is_last = u64::from(row.get::<_, i64>(4)? == last_run);
        match &*sighting.finding {
            "redeemed" => history.delta.redeemed += is_last,
            "mail-changed" => history.delta.mail_changed += is_last,
            "deleted" => history.delta.deleted += is_last,
            "reinvited" => history.delta.reinvited += is_last,
            "no-trace" => history.delta.no_trace += is_last,
            _ => {}
        }
        history.looked_at = history.looked_at.max(Some(sighting.at));
        let key = key(row.get_ref(5)?.as_str()?, row.get_ref(6)?.as_str()?);
        if let Some(&index) = keys.get(&key) {
            let row = &mut history.rows[index];
            if sighting.finding == "redeemed" {
                row.redeemed_at = sighting.since.or(Some(sighting.at));
            }
            row.sighting = Some(sighting);
        }
    }
    Ok(())
}

fn waits(connection: &Connection) -> rusqlite::Result<Vec<WaitRecord>> {
    let mut query = connection.prepare("SELECT run, at, scope, seconds FROM wait ORDER BY id")?;
    let waits = query.query_map([], |row| {
        Ok(WaitRecord {
            run: row.get(0)?,
            at: time(row, 1)?,
            scope: row.get(2)?,
            seconds: row.get(3)?,
        })
    })?;
    waits.collect()
}
