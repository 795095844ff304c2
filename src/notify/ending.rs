//! How a command ended: everything that whoever is told of it can want to know.
//! The log's last line, the metrics, the webhook and the hooks take their facts
//! from here, so that they agree.
//!
//! Leaves to others: gathering it (`cli`).

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::report::{Level, LogLine, count, harmless, seconds, stamp};
use crate::run::{StopReason, Summary};

/// What an end is to whoever waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be; what a time budget left over comes next time.
    Success,
    /// Nothing was done, because another run is at it.
    Skipped,
    Failure,
}

impl Verdict {
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Skipped => "skipped",
            Self::Failure => "failure",
        }
    }
}

/// How a command ended. Texts hold no secret and no redeem link.
#[derive(Debug, Clone)]
pub struct Ending {
    /// The command: `apply`.
    pub command: &'static str,
    /// One of a kind for every start of the program.
    pub run_id: Uuid,
    /// What the end is to whoever waits for it.
    pub verdict: Verdict,
    /// The program's exit code.
    pub exit_code: u8,
    /// What the exit code means.
    pub meaning: &'static str,
    pub to_do: Option<String>,
    /// Stable code of why it ended early.
    pub stop_reason: Option<&'static str>,
    /// The same in a sentence.
    pub stop_message: Option<String>,
    /// The tenant as the configuration names it, so that it is known before the
    /// tenant answers, and always the same.
    pub tenant: Option<String>,
    /// The tenant's id, once it is known.
    pub tenant_id: Option<String>,
    /// The tenant's name, once it is known.
    pub tenant_name: Option<String>,
    /// The manifest as it was named.
    pub manifest: Option<String>,
    pub checkpoint: Option<String>,
    /// Digest of the plan, once there was one.
    pub plan_digest: Option<String>,
    /// When the command was started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// From start to end, by a clock that nobody sets.
    pub duration: Duration,
    /// The run in numbers; None when it ended before there was a plan.
    pub numbers: Option<Summary>,
    /// How long the tenant asked to send nothing; waits side by side count once.
    pub throttle_wait: Duration,
}

impl Ending {
    /// Whether something was written to the directory.
    pub fn has_changes(&self) -> bool {
        self.numbers.as_ref().is_some_and(|numbers| numbers.invited + numbers.patched > 0)
    }

    /// The tenant's id, or what the configuration has in its place.
    pub(super) fn tenant_id(&self) -> Option<&str> {
        self.tenant_id.as_deref().or(self.tenant.as_deref())
    }

    /// The summary as one object, with the keys that `--output json` has. The numbers
    /// are missing when there was no plan.
    pub fn summary(&self) -> Value {
        let mut summary = json!({
            "exit_code": self.exit_code,
            "stop_reason": self.stop_reason,
            "stop_message": self.stop_message,
            "plan_digest": self.plan_digest,
            "tenant_id": self.tenant_id(),
            "tenant_name": self.tenant_name,
            "started_at": stamp(self.started_at),
            "elapsed_seconds": seconds(self.duration),
            "throttle_wait_seconds": seconds(self.throttle_wait),
        });
        for (name, number) in self.numbers.iter().flat_map(Summary::numbers) {
            summary[name] = number.into();
        }
        summary
    }

    /// The log's last line.
    pub fn log_line(&self) -> LogLine {
        let level = match self.verdict {
            Verdict::Success => Level::Info,
            Verdict::Skipped => Level::Warning,
            Verdict::Failure => Level::Error,
        };
        LogLine::new(level, LogLine::LAST, self.meaning)
            .with("command", self.command)
            .with("result", self.verdict.word())
            .with("exit_code", self.exit_code)
            .with("to_do", self.to_do.as_deref())
            .with("summary", self.summary())
    }

    /// The end in at most five lines of plain text.
    pub fn lines(&self) -> Vec<String> {
        let Self { command, meaning, exit_code, .. } = self;
        let what = match self.manifest.as_deref() {
            Some(manifest) => format!("reinvite {command} {manifest}"),
            None => format!("reinvite {command}"),
        };
        let tenant = match (self.tenant_name.as_deref(), self.tenant_id()) {
            (Some(name), Some(id)) => Some(format!("Tenant: {name} ({id})")),
            (None, Some(id)) => Some(format!("Tenant: {id}")),
            (_, None) => None,
        };
        let why = self.stop_message.as_ref().map(|why| format!("Why: {}", first_line(why)));
        let to_do = self.to_do.as_ref().map(|advice| format!("To do: {}", first_line(advice)));
        let first = format!("{what}: {meaning} (exit code {exit_code})");
        let lines = [Some(first), tenant, self.numbers.as_ref().map(rows_in_words), why, to_do];
        lines.into_iter().flatten().map(|line| harmless(&line)).collect()
    }
}

/// How many rows there are, and what became of them.
fn rows_in_words(summary: &Summary) -> String {
    let rows = count(summary.rows, "row", "rows");
    let states: Vec<_> = summary
        .ends()
        .filter(|(_, n)| *n > 0)
        .map(|(name, n)| format!("{n} {}", name.replace('_', " ")))
        .collect();
    let rows = if states.is_empty() { rows } else { format!("{rows}: {}", states.join(", ")) };
    match mails_in_words(summary) {
        Some(mails) => format!("{rows}; your mails: {mails}"),
        None => rows,
    }
}

/// What became of one's own mails; None where there are none.
fn mails_in_words(summary: &Summary) -> Option<String> {
    let ends = [
        ("sent", summary.mailed()),
        ("written as files", summary.mail_files()),
        ("not sent", summary.mail_failed()),
        ("unknown", summary.mail_unknown()),
        ("still to be sent", summary.mails_due()),
    ];
    let ends: Vec<_> =
        ends.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{n} {name}")).collect();
    (!ends.is_empty()).then(|| ends.join(", "))
}

/// A message is one line among others; of a long list the first says enough.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// What a stopped run says of itself: the code, and the sentence.
pub fn stopped(summary: &Summary) -> Option<(&'static str, String)> {
    summary.stop_reason.as_ref().map(|reason| (reason.code(), StopReason::to_string(reason)))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A night that the tenant stopped.
    pub(in crate::notify) fn stopped_night() -> Ending {
        let started_at: Timestamp = "2026-03-02T02:00:00Z".parse().unwrap();
        let numbers = crate::report::sample::summary();
        let (stop_reason, stop_message) = stopped(&numbers).unzip();
        Ending {
            command: "apply",
            run_id: Uuid::nil(),
            verdict: Verdict::Failure,
            exit_code: 5,
            meaning: "stopped by a safety limit or by the tenant",
            to_do: Some("ask Microsoft support <today> & wait".to_owned()),
            stop_reason,
            stop_message,
            tenant: Some("contoso.example".to_owned()),
            tenant_id: Some("7d1c2a40-0000-4000-8000-0000000000aa".to_owned()),
            tenant_name: Some("Contoso *Ltd*".to_owned()),
            manifest: Some("nights/guests \"old\".csv".to_owned()),
            checkpoint: Some("nights/guests.csv.checkpoint".to_owned()),
            plan_digest: Some("f1ff".to_owned()),
            started_at,
            ended_at: started_at + Duration::from_millis(192_400),
            duration: Duration::from_millis(192_400),
            numbers: Some(numbers),
            throttle_wait: Duration::from_millis(12_500),
        }
    }

    /// A night on which the manifest could not be read.
    pub(in crate::notify) fn unplanned_night() -> Ending {
        Ending {
            exit_code: 2,
            meaning: "usage, configuration or manifest unusable; nothing sent",
            to_do: None,
            stop_reason: Some("usage"),
            stop_message: Some("guests.csv: 2 problems;\nnothing was sent".to_owned()),
            tenant_id: None,
            tenant_name: None,
            plan_digest: None,
            numbers: None,
            throttle_wait: Duration::ZERO,
            ..stopped_night()
        }
    }

    #[test]
    fn mails_of_ones_own_are_told_where_there_were_some() {
        use crate::run::MailEnd::{Failed, NotYet, Sent, Unknown};
        let mut night = stopped_night();
        let numbers = night.numbers.as_mut().unwrap();
        numbers.mails = (2..).zip([Sent, Sent, Failed, Unknown, NotYet]).collect();
        let lines = night.lines();
        let end = "; your mails: 2 sent, 1 not sent, 1 unknown, 1 still to be sent";
        assert!(lines[2].ends_with(end), "{lines:?}");
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn an_end_is_told_in_at_most_five_lines() {
        insta::assert_snapshot!(stopped_night().lines().join("\n"), @r#"
        reinvite apply nights/guests "old".csv: stopped by a safety limit or by the tenant (exit code 5)
        Tenant: Contoso *Ltd* (7d1c2a40-0000-4000-8000-0000000000aa)
        14 rows: 2 invited, 3 settled, 5 blocked, 1 failed, 1 unknown, 2 not attempted
        Why: the tenant says stop: Guest invitations are blocked for suspicious activity
        To do: ask Microsoft support <today> & wait
        "#);
        insta::assert_snapshot!(unplanned_night().lines().join("\n"), @r#"
        reinvite apply nights/guests "old".csv: usage, configuration or manifest unusable; nothing sent (exit code 2)
        Tenant: contoso.example
        Why: guests.csv: 2 problems;
        "#);
    }

    #[test]
    fn the_last_line_of_the_log_reads_like_this() {
        let line = stopped_night().log_line();
        assert!(line.is_last());
        insta::assert_snapshot!(line.json(stopped_night().ended_at, Uuid::nil()), @r#"{"schema":1,"time":"2026-03-02T02:03:12.400Z","run_id":"00000000-0000-0000-0000-000000000000","level":"error","event":"finished","message":"stopped by a safety limit or by the tenant","command":"apply","exit_code":5,"result":"failure","summary":{"blocked":5,"elapsed_seconds":192.4,"exit_code":5,"failed":1,"invited":2,"mail_failed":0,"mail_files":0,"mail_unknown":0,"mailed":0,"not_attempted":2,"not_invited":0,"patched":4,"plan_digest":"f1ff","retries":7,"rows":14,"settled":3,"started_at":"2026-03-02T02:00:00.000Z","stop_message":"the tenant says stop: Guest invitations are blocked for suspicious activity","stop_reason":"invitations-blocked","tenant_id":"7d1c2a40-0000-4000-8000-0000000000aa","tenant_name":"Contoso *Ltd*","throttle_wait_seconds":12.5,"throttled":1,"unknown":1},"to_do":"ask Microsoft support <today> & wait"}"#);
        insta::assert_snapshot!(line.text(stopped_night().ended_at), @"2026-03-02T02:03:12.400Z error   finished     stopped by a safety limit or by the tenant");
    }

    #[test]
    fn the_summary_has_the_keys_of_the_contract() {
        insta::assert_snapshot!(stopped_night().summary(), @r#"{"blocked":5,"elapsed_seconds":192.4,"exit_code":5,"failed":1,"invited":2,"mail_failed":0,"mail_files":0,"mail_unknown":0,"mailed":0,"not_attempted":2,"not_invited":0,"patched":4,"plan_digest":"f1ff","retries":7,"rows":14,"settled":3,"started_at":"2026-03-02T02:00:00.000Z","stop_message":"the tenant says stop: Guest invitations are blocked for suspicious activity","stop_reason":"invitations-blocked","tenant_id":"7d1c2a40-0000-4000-8000-0000000000aa","tenant_name":"Contoso *Ltd*","throttle_wait_seconds":12.5,"throttled":1,"unknown":1}"#);
        insta::assert_snapshot!(unplanned_night().summary(), @r#"{"elapsed_seconds":192.4,"exit_code":2,"plan_digest":null,"started_at":"2026-03-02T02:00:00.000Z","stop_message":"guests.csv: 2 problems;\nnothing was sent","stop_reason":"usage","tenant_id":"contoso.example","tenant_name":null,"throttle_wait_seconds":0.0}"#);
    }
}
