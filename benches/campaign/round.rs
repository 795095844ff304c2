//! One round: a fresh tenant, a manifest that moves all its guests, and then plan,
//! apply, and apply once more.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use reinvite::emulator::{TenantSeed, Usage};
use serde_json::Value;

use super::Outcome;
use super::process::{Used, cpu_seconds, peak_bytes, run};
use super::tenant::{Pace, Tenant, workplace};

#[derive(Debug)]
pub(super) struct Round {
    pub(super) rows: u32,
    pub(super) plan: Used,
    pub(super) apply: Used,
    /// From the run's first row to its last, without planning.
    pub(super) sending_seconds: f64,
    pub(super) again: Used,
    /// What it took to read the directory, for the plan and for the second apply.
    pub(super) plan_usage: Usage,
    pub(super) again_usage: Usage,
    /// Of the emulator, during the apply.
    pub(super) emulator_cpu_seconds: Option<f64>,
    pub(super) emulator_peak_bytes: Option<u64>,
    pub(super) checkpoint_bytes: u64,
}

impl Round {
    /// Without latency and quota.
    pub(super) fn measure(rows: u32, pace: &Pace) -> Outcome<Self> {
        let directory = workplace()?;
        let directory = directory.path();
        let tenant = Tenant::start(directory, rows, &["--quota=none".to_owned()])?;
        fs::write(directory.join("guests.csv"), manifest(rows))?;
        fs::write(directory.join("reinvite.toml"), tenant.configuration(pace))?;
        let usage = || tenant.about::<Usage>("usage");

        let begin = usage()?;
        let plan = run(directory, "plan", ["plan", "guests.csv", "--output", "json"])?;
        let planned = usage()?;
        expect(directory, "plan", "change", rows)?;
        let apply_arguments = ["apply", "guests.csv", "--yes", "--output", "json"];
        let before = cpu_seconds(tenant.process_id());
        let apply = run(directory, "apply", apply_arguments)?;
        let after = cpu_seconds(tenant.process_id());
        let summary = expect(directory, "apply", "invited", rows)?;
        let applied = usage()?;
        let again = run(directory, "again", apply_arguments)?;
        let finished = usage()?;
        let nothing = expect(directory, "again", "settled", rows)?;
        if nothing["invited"] != 0 || nothing["patched"] != 0 {
            return Err(format!("the second apply sent something: {nothing}").into());
        }
        Ok(Self {
            rows,
            plan,
            apply,
            again,
            sending_seconds: summary["elapsed_seconds"].as_f64().ok_or("no elapsed_seconds")?,
            plan_usage: between(begin, planned),
            again_usage: between(applied, finished),
            emulator_cpu_seconds: after.zip(before).map(|(after, before)| after - before),
            emulator_peak_bytes: peak_bytes(tenant.process_id()),
            checkpoint_bytes: fs::metadata(directory.join("guests.csv.checkpoint"))?.len(),
        })
    }
}

/// The sign-in is a request, too, and not one that reads the directory.
fn between(before: Usage, after: Usage) -> Usage {
    Usage {
        requests: after.requests - before.requests - 1,
        units: after.units - before.units,
        refused: after.refused - before.refused,
    }
}

pub(super) fn manifest(rows: u32) -> String {
    let mut text = "user,new_email\n".to_owned();
    for n in 1..=rows {
        let _ = writeln!(text, "{},guest{n}@northwind.example", TenantSeed::guest_id(n));
    }
    text
}

/// The summary of a command that must have counted every row so.
pub(super) fn expect(directory: &Path, name: &str, key: &str, rows: u32) -> Outcome<Value> {
    let text = fs::read(directory.join(format!("{name}.out")))?;
    let mut printed: Value = serde_json::from_slice(&text)?;
    let summary = printed["summary"].take();
    if summary[key] != rows {
        return Err(format!("{name}: not {rows} rows are {key}: {summary}").into());
    }
    Ok(summary)
}
