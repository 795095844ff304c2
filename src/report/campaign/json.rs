//! A report as JSON. `schema` names the shape: `reinvite-report/1` means that keys are
//! only ever added. Beside it stand `generated_at`, `stuck_after_seconds`, `totals`
//! over all campaigns, and `campaigns`: each with its heading, `totals`, `domains`,
//! `runs`, `rows` in the order of the manifest, a line each, and `left_half_way`: the
//! guests without a row that have the new mail and no invitation.

use std::io::{self, BufWriter, Write};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::checkpoint::History;

use super::row::{ReportOptions, RowView};
use super::view::{Campaign, Domain, Heading, Report, Totals};

/// How every such file begins.
pub(super) const MARK: &str = "{\"schema\":\"reinvite-report/1\",";

#[derive(Serialize)]
struct Top {
    generated_at: Timestamp,
    stuck_after_seconds: u64,
    totals: Totals,
}

#[derive(Serialize)]
struct Head<'a> {
    #[serde(flatten)]
    heading: Heading<'a>,
    totals: Totals,
    domains: &'a [Domain],
    runs: Vec<Run<'a>>,
}

#[derive(Serialize)]
struct Run<'a> {
    id: i64,
    command: &'a str,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    stop_reason: Option<&'a str>,
    exit_code: Option<u8>,
    /// Seconds that the tenant made it wait.
    waited_seconds: f64,
    summary: &'a Value,
}

pub(super) fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    // serde writes token by token.
    let mut out = BufWriter::new(out);
    let top = Top {
        generated_at: report.options.now,
        stuck_after_seconds: report.options.stuck_after.as_secs(),
        totals: report.totals(),
    };
    out.write_all(MARK.as_bytes())?;
    write_open(&mut out, &top)?;
    out.write_all(b",\n\"campaigns\":[")?;
    for (position, campaign) in report.campaigns.iter().enumerate() {
        out.write_all(if position == 0 { b"\n{" } else { b",\n{" })?;
        write_open(&mut out, &head(campaign))?;
        out.write_all(b",\n\"rows\":[")?;
        for (position, row) in campaign.rows().iter().enumerate() {
            out.write_all(if position == 0 { b"\n" } else { b",\n" })?;
            serde_json::to_writer(&mut out, &RowView::new(row, report.options))?;
        }
        out.write_all(b"\n],\n\"left_half_way\":")?;
        let left = campaign.left_half_way().map(|row| RowView::left(row, report.options));
        serde_json::to_writer(&mut out, &left.collect::<Vec<_>>())?;
        out.write_all(b"}")?;
    }
    out.write_all(b"\n]}\n")?;
    out.flush()
}

/// The rows of the manifest as the report has them.
pub(in crate::report) fn row_values(
    history: &History,
    options: ReportOptions,
) -> serde_json::Result<Vec<Value>> {
    let rows = history.rows.iter().filter(|row| row.line.is_some());
    rows.map(|row| serde_json::to_value(RowView::new(row, options))).collect()
}

fn head(campaign: &Campaign) -> Head<'_> {
    let history = &campaign.history;
    let runs = history.runs.iter().map(|run| Run {
        id: run.id,
        command: &run.command,
        started_at: run.started_at,
        ended_at: run.ended_at,
        stop_reason: run.stop_reason.as_deref(),
        exit_code: run.exit_code,
        waited_seconds: history.waited(run.id),
        summary: &run.summary,
    });
    Head {
        heading: campaign.heading(),
        totals: campaign.totals,
        domains: &campaign.domains,
        runs: runs.collect(),
    }
}

/// An object's keys without its braces, so that rows can follow one by one.
fn write_open(out: &mut dyn Write, object: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string(object)?;
    let keys = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    out.write_all(keys.expect("an object").as_bytes())
}
