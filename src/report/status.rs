//! Where a campaign stands, for `status`: counts, the last run, failures by
//! code.
//!
//! Leaves to others: reading it from the checkpoint; [`Status`] is plain data.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::Counts;

use super::style::{Styles, count, paint};
use super::text::{fit, harmless, wrap};

/// Where a campaign stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The manifest, as it was named.
    pub manifest: String,
    /// The tenant's name or id.
    pub tenant: String,
    /// When the checkpoint was created.
    pub created: Timestamp,
    /// All rows of the manifest.
    pub rows: u64,
    /// How many rows are in which state.
    pub counts: Counts,
    /// The last run, if there was any.
    pub last_run: Option<LastRun>,
    /// Who holds the checkpoint right now.
    pub locked_by: Option<String>,
    pub failures: Vec<FailureGroup>,
    /// What became of requests to send again.
    pub resends: ResendCounts,
    /// Guests of the campaign that no row of the manifest asks for any more.
    pub not_in_manifest: NotInManifestCounts,
}

/// Requests to send again that were not carried out; these rows are counted as
/// invited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ResendCounts {
    /// The next apply sends it.
    pub outstanding: u64,
    pub failed: u64,
}

/// How many guests that only earlier manifests asked for are in which state. They are
/// no part of the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct NotInManifestCounts {
    /// The service accepted the invitation.
    pub invited: u64,
    /// The mail is written, the invitation was not sent.
    pub patched: u64,
    /// Whether the invitation was sent is not known.
    pub unknown: u64,
    pub failed: u64,
    /// Begun, and not invited.
    pub not_attempted: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastRun {
    /// When it began.
    pub started: Timestamp,
    /// When it ended; None if it is running, or was cut off.
    pub ended: Option<Timestamp>,
    /// Code of the reason it ended early.
    pub stop_reason: Option<String>,
    pub exit_code: Option<u8>,
}

/// Failed rows with one code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailureGroup {
    pub code: String,
    pub rows: u64,
    /// The sentence of one of them.
    pub message: String,
}

const LABEL_COLUMNS: usize = 14;
const NARROWEST: usize = 40;

/// Writes the status for a person.
pub fn status_text(
    out: &mut dyn Write,
    status: &Status,
    styles: Styles,
    width: usize,
) -> io::Result<()> {
    let width = width.max(NARROWEST);
    let manifest = if status.manifest.is_empty() {
        "no manifest yet".into()
    } else {
        harmless(&status.manifest)
    };
    let title = format!("{manifest}, {}", harmless(&status.tenant));
    let rows = count(status.rows, "row", "rows");
    writeln!(out, "{}: {rows}, since {:.0}", paint(styles.heading, title), status.created)?;
    match &status.last_run {
        Some(run) => writeln!(out, "{}", last_run(run, status.locked_by.is_some()))?,
        None => writeln!(out, "no run yet")?,
    }
    if let Some(owner) = &status.locked_by {
        writeln!(out, "{}", paint(styles.attention, format!("in use by {}", harmless(owner))))?;
    }
    writeln!(out)?;
    let plain = anstyle::Style::new();
    let Counts { invited, patched, unknown, failed, blocked, settled, not_attempted } =
        status.counts;
    for (label, n, style, about) in [
        ("invited", invited, styles.good, ""),
        ("settled", settled, plain, "nothing to do"),
        ("blocked", blocked, styles.attention, "refused by the plan"),
        ("failed", failed, styles.bad, ""),
        ("unknown", unknown, styles.attention, "the answer was lost"),
        ("patched", patched, styles.attention, "mail written, not invited yet"),
        ("not attempted", not_attempted, plain, ""),
    ] {
        let style = if n > 0 { style } else { styles.faint };
        let line = format!("{}{n:>7}  {about}", fit(label, LABEL_COLUMNS));
        writeln!(out, "  {}", paint(style, line.trim_end()))?;
    }
    let sum = status.counts.sum();
    if sum != status.rows {
        let text = format!("{sum} of {} rows are accounted for; report this", status.rows);
        writeln!(out, "  {}", paint(styles.bad, text))?;
    }
    let apart = [resends(status.resends), not_in_manifest(status.not_in_manifest)];
    for text in apart.into_iter().flatten() {
        writeln!(out)?;
        for line in wrap(&text, width.saturating_sub(2)) {
            writeln!(out, "  {}", paint(styles.attention, line))?;
        }
    }
    if !status.failures.is_empty() {
        writeln!(out, "\n{}", paint(styles.heading, "Failed"))?;
    }
    for FailureGroup { code, rows, message } in &status.failures {
        let head = format!("{}: {}", harmless(code), count(*rows, "row", "rows"));
        writeln!(out, "  {}", paint(styles.bad, head))?;
        for line in wrap(&harmless(message), width.saturating_sub(4)) {
            writeln!(out, "    {line}")?;
        }
    }
    Ok(())
}

fn resends(counts: ResendCounts) -> Option<String> {
    let ResendCounts { outstanding, failed } = counts;
    (outstanding + failed > 0).then(|| {
        let of_them = parts(&[(outstanding, "for the next apply"), (failed, "failed")]);
        format!("of the invited, asked to send again and not sent: {of_them}")
    })
}

fn not_in_manifest(counts: NotInManifestCounts) -> Option<String> {
    let NotInManifestCounts { invited, patched, unknown, failed, not_attempted } = counts;
    let all = invited + patched + unknown + failed + not_attempted;
    (all > 0).then(|| {
        let of_them = parts(&[
            (invited, "invited"),
            (failed, "failed"),
            (unknown, "unknown"),
            (patched, "patched and not invited"),
            (not_attempted, "not attempted"),
        ]);
        let guests = count(all, "guest of this campaign is", "guests of this campaign are");
        format!("{guests} in no row of this manifest: {of_them}")
    })
}

/// Those of the counts that are not zero.
fn parts(counts: &[(u64, &str)]) -> String {
    let some = counts.iter().filter(|(n, _)| *n > 0);
    some.map(|(n, what)| format!("{n} {what}")).collect::<Vec<_>>().join(", ")
}

fn last_run(run: &LastRun, in_use: bool) -> String {
    let LastRun { started, ended, stop_reason, exit_code } = run;
    let mut parts = vec![format!("last run began {started:.0}")];
    parts.push(match ended {
        Some(ended) => format!("ended {ended:.0}"),
        None if in_use => "is running".to_owned(),
        None => "was cut off".to_owned(),
    });
    parts.extend(stop_reason.iter().map(|reason| format!("stopped early: {}", harmless(reason))));
    parts.extend(exit_code.iter().map(|code| format!("exit code {code}")));
    parts.join(", ")
}

/// Writes the status as one object.
pub fn status_json(out: &mut dyn Write, status: &Status) -> io::Result<()> {
    serde_json::to_writer(&mut *out, status)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        Status {
            manifest: "guests.csv".to_owned(),
            tenant: "Contoso".to_owned(),
            created: "2026-03-01T02:00:00Z".parse().unwrap(),
            rows: 204,
            counts: Counts {
                invited: 150,
                patched: 2,
                unknown: 1,
                failed: 3,
                blocked: 22,
                settled: 8,
                not_attempted: 18,
            },
            last_run: Some(LastRun {
                started: "2026-03-02T02:00:00Z".parse().unwrap(),
                ended: Some("2026-03-02T02:03:12Z".parse().unwrap()),
                stop_reason: Some("invitations-blocked".to_owned()),
                exit_code: Some(5),
            }),
            locked_by: None,
            failures: vec![FailureGroup {
                code: "guest-gone".to_owned(),
                rows: 3,
                message: "the guest no longer exists".to_owned(),
            }],
            resends: ResendCounts::default(),
            not_in_manifest: NotInManifestCounts::default(),
        }
    }

    fn render(status: &Status) -> String {
        let mut out = Vec::new();
        status_text(&mut out, status, Styles::plain(), 80).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_status_reads_like_this() {
        insta::assert_snapshot!(render(&status()), @r"
        guests.csv, Contoso: 204 rows, since 2026-03-01T02:00:00Z
        last run began 2026-03-02T02:00:00Z, ended 2026-03-02T02:03:12Z, stopped early: invitations-blocked, exit code 5

          invited           150
          settled             8  nothing to do
          blocked            22  refused by the plan
          failed              3
          unknown             1  the answer was lost
          patched             2  mail written, not invited yet
          not attempted      18

        Failed
          guest-gone: 3 rows
            the guest no longer exists
        ");
    }

    #[test]
    fn what_the_counts_of_rows_do_not_tell_is_said_apart() {
        let status = Status {
            resends: ResendCounts { outstanding: 2, failed: 1 },
            not_in_manifest: NotInManifestCounts {
                invited: 40,
                unknown: 1,
                ..NotInManifestCounts::default()
            },
            ..status()
        };
        insta::assert_snapshot!(render(&status), @"
        guests.csv, Contoso: 204 rows, since 2026-03-01T02:00:00Z
        last run began 2026-03-02T02:00:00Z, ended 2026-03-02T02:03:12Z, stopped early: invitations-blocked, exit code 5

          invited           150
          settled             8  nothing to do
          blocked            22  refused by the plan
          failed              3
          unknown             1  the answer was lost
          patched             2  mail written, not invited yet
          not attempted      18

          of the invited, asked to send again and not sent: 2 for the next apply, 1
          failed

          41 guests of this campaign are in no row of this manifest: 40 invited, 1
          unknown

        Failed
          guest-gone: 3 rows
            the guest no longer exists
        ");
    }

    #[test]
    fn a_run_without_an_end_is_running_or_was_cut_off() {
        let mut status = status();
        let run = status.last_run.as_mut().unwrap();
        (run.ended, run.stop_reason, run.exit_code) = (None, None, None);
        assert!(render(&status).contains("last run began 2026-03-02T02:00:00Z, was cut off\n"));
        status.locked_by = Some("pid 17 on mgmt01".to_owned());
        let text = render(&status);
        assert!(text.contains(", is running\nin use by pid 17 on mgmt01\n"), "{text}");
    }

    #[test]
    fn a_sum_that_does_not_add_up_is_not_hidden() {
        assert!(!render(&status()).contains("accounted for"));
        let short = Status { rows: 205, ..status() };
        assert!(render(&short).contains("204 of 205 rows are accounted for"));
    }

    #[test]
    fn the_json_reads_like_this() {
        let mut out = Vec::new();
        status_json(&mut out, &status()).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"{"manifest":"guests.csv","tenant":"Contoso","created":"2026-03-01T02:00:00Z","rows":204,"counts":{"invited":150,"patched":2,"unknown":1,"failed":3,"blocked":22,"settled":8,"not_attempted":18},"last_run":{"started":"2026-03-02T02:00:00Z","ended":"2026-03-02T02:03:12Z","stop_reason":"invitations-blocked","exit_code":5},"locked_by":null,"failures":[{"code":"guest-gone","rows":3,"message":"the guest no longer exists"}],"resends":{"outstanding":0,"failed":0},"not_in_manifest":{"invited":0,"patched":0,"unknown":0,"failed":0,"not_attempted":0}}"#);
    }
}
