//! Where a campaign stands, for `status`: counts, the last run, failures by
//! code.
//!
//! Leaves to others: reading it (`checkpoint`).

use std::borrow::Cow;
use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::checkpoint::{FailureCount, LastRun, MailCounts, NotInManifest, Owner, Resends, Status};
use crate::domain::{ArrivalCounts, Counts};

use super::schema::Schema;
use super::style::{Styles, count, paint};
use super::text::{fit, harmless, wrap};

/// The keys of the object.
#[derive(Serialize)]
struct StatusKeys<'a> {
    manifest: &'a str,
    /// Its name and id, or its id alone.
    tenant: Cow<'a, str>,
    /// When the campaign began.
    created: Timestamp,
    rows: u64,
    counts: Counts,
    last_run: Option<&'a LastRun>,
    locked_by: Option<String>,
    failures: &'a [FailureCount],
    resends: Resends,
    not_in_manifest: NotInManifest,
    not_invited: u64,
    under_way: u64,
    mails: MailCounts,
    /// Only where the message trace was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    arrivals: Option<ArrivalCounts>,
}

impl<'a> From<&'a Status> for StatusKeys<'a> {
    fn from(status: &'a Status) -> Self {
        Self {
            manifest: &status.manifest,
            tenant: tenant(status),
            created: created(status),
            rows: status.rows,
            counts: status.counts,
            last_run: status.last_run.as_ref(),
            locked_by: status.held_by.as_ref().map(Owner::to_string),
            failures: &status.failures,
            resends: status.resends,
            not_in_manifest: status.not_in_manifest,
            not_invited: status.not_invited,
            under_way: status.under_way,
            mails: status.mails,
            arrivals: Some(status.arrivals).filter(|told| told.traced() > 0),
        }
    }
}

fn tenant(status: &Status) -> Cow<'_, str> {
    match &status.tenant_name {
        Some(name) => format!("{name} ({})", status.tenant).into(),
        None => (&*status.tenant).into(),
    }
}

fn created(status: &Status) -> Timestamp {
    status.created_at.unwrap_or_default()
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
    let title = format!("{manifest}, {}", harmless(&tenant(status)));
    let rows = count(status.rows, "row", "rows");
    writeln!(out, "{}: {rows}, since {:.0}", paint(styles.heading, title), created(status))?;
    if status.is_rehearsal() {
        let text = "a rehearsal: nobody was moved, invited or mailed";
        writeln!(out, "{}", paint(styles.attention, text))?;
    }
    match &status.last_run {
        Some(run) => writeln!(out, "{}", last_run(run, status.held_by.is_some()))?,
        None => writeln!(out, "no run yet")?,
    }
    if let Some(owner) = &status.held_by {
        let owner = harmless(&owner.to_string());
        writeln!(out, "{}", paint(styles.attention, format!("in use by {owner}")))?;
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
    let apart = [
        mails(status.mails),
        under_way(status.under_way),
        arrivals(status.arrivals),
        not_invited(status.not_invited),
        resends(status.resends),
        not_in_manifest(status.not_in_manifest),
    ];
    for text in apart.into_iter().flatten() {
        writeln!(out)?;
        for line in wrap(&text, width.saturating_sub(2)) {
            writeln!(out, "  {}", paint(styles.attention, line))?;
        }
    }
    if !status.failures.is_empty() {
        writeln!(out, "\n{}", paint(styles.heading, "Failed"))?;
    }
    for FailureCount { code, rows, message } in &status.failures {
        let head = format!("{}: {}", harmless(code), count(*rows, "row", "rows"));
        writeln!(out, "  {}", paint(styles.bad, head))?;
        for line in wrap(&harmless(message), width.saturating_sub(4)) {
            writeln!(out, "    {line}")?;
        }
    }
    Ok(())
}

fn mails(counts: MailCounts) -> Option<String> {
    let MailCounts { mailed, held, failed, unknown } = counts;
    (counts.total() > 0).then(|| {
        let of_them = parts(&[
            (mailed, "sent or written"),
            (held, "not sent yet: the link is held for the next run"),
            (failed, "refused"),
            (unknown, "sent or not, not known: ask the guest"),
        ]);
        format!("your mails: {of_them}")
    })
}

fn under_way(rows: u64) -> Option<String> {
    (rows > 0)
        .then(|| format!("of the patched and not attempted, on their way at this moment: {rows}"))
}

fn arrivals(counts: ArrivalCounts) -> Option<String> {
    (counts.traced() > 0)
        .then(|| format!("of the mails that left, by the message trace: {}", fates(counts)))
}

/// How many mails came to what.
pub(super) fn fates(counts: ArrivalCounts) -> String {
    let ArrivalCounts { delivered, bounced, quarantined, spam, pending, unclear, not_traced } =
        counts;
    parts(&[
        (delivered, "delivered"),
        (bounced, "bounced"),
        (quarantined, "quarantined"),
        (spam, "taken for spam"),
        (pending, "pending"),
        (unclear, "unclear"),
        (not_traced, "without a trace"),
    ])
}

fn not_invited(rows: u64) -> Option<String> {
    (rows > 0).then(|| {
        format!(
            "of the settled, moved by nothing that this checkpoint knows and not invited since, as far as the directory showed: {rows}"
        )
    })
}

fn resends(counts: Resends) -> Option<String> {
    let Resends { outstanding, failed } = counts;
    (outstanding + failed > 0).then(|| {
        let of_them = parts(&[(outstanding, "for the next apply"), (failed, "failed")]);
        format!("of the invited, asked to send again and not sent: {of_them}")
    })
}

fn not_in_manifest(counts: NotInManifest) -> Option<String> {
    let NotInManifest { invited, patched, unknown, failed, not_attempted } = counts;
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
    let LastRun { started_at, ended_at, stop_reason, exit_code } = run;
    let mut parts = vec![format!("last run began {started_at:.0}")];
    parts.push(match ended_at {
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
    Schema::Status.write(out, &StatusKeys::from(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        Status {
            manifest: "guests.csv".to_owned(),
            tenant: "Contoso".to_owned(),
            tenant_name: None,
            created_at: Some("2026-03-01T02:00:00Z".parse().unwrap()),
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
                started_at: "2026-03-02T02:00:00Z".parse().unwrap(),
                ended_at: Some("2026-03-02T02:03:12Z".parse().unwrap()),
                stop_reason: Some("invitations-blocked".to_owned()),
                exit_code: Some(5),
            }),
            held_by: None,
            failures: vec![FailureCount {
                code: "guest-gone".to_owned(),
                rows: 3,
                message: "the guest no longer exists".to_owned(),
            }],
            not_invited: 0,
            under_way: 0,
            resends: Resends::default(),
            not_in_manifest: NotInManifest::default(),
            mails: MailCounts::default(),
            arrivals: ArrivalCounts::default(),
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
            resends: Resends { outstanding: 2, failed: 1 },
            not_in_manifest: NotInManifest { invited: 40, unknown: 1, ..NotInManifest::default() },
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
        (run.ended_at, run.stop_reason, run.exit_code) = (None, None, None);
        assert!(render(&status).contains("last run began 2026-03-02T02:00:00Z, was cut off\n"));
        status.held_by = Some(Owner {
            pid: 17,
            host: "mgmt01".to_owned(),
            since: "2026-03-02T02:00:00Z".parse().unwrap(),
        });
        let text = render(&status);
        let owner = "in use by process 17 on mgmt01 since 2026-03-02T02:00:00Z";
        assert!(text.contains(&format!(", is running\n{owner}\n")), "{text}");
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
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"{"schema":"reinvite-status/1","manifest":"guests.csv","tenant":"Contoso","created":"2026-03-01T02:00:00Z","rows":204,"counts":{"invited":150,"patched":2,"unknown":1,"failed":3,"blocked":22,"settled":8,"not_attempted":18},"last_run":{"started":"2026-03-02T02:00:00Z","ended":"2026-03-02T02:03:12Z","stop_reason":"invitations-blocked","exit_code":5},"locked_by":null,"failures":[{"code":"guest-gone","rows":3,"message":"the guest no longer exists"}],"resends":{"outstanding":0,"failed":0},"not_in_manifest":{"invited":0,"patched":0,"unknown":0,"failed":0,"not_attempted":0},"not_invited":0,"under_way":0,"mails":{"mailed":0,"held":0,"failed":0,"unknown":0}}"#);
    }
}
