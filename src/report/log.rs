//! The run as log lines, one for each thing that happened: a JSON object for
//! programs, or a line of text for people.
//!
//! Every object has the keys `schema` (1), `time` (UTC), `level` (`debug`, `info`,
//! `warning`, `error`), `event`, `run_id` and `message`; what is about a row has
//! `line`, and `user` and `user_id` where they are known. `event` is one of
//!
//! | word | further keys |
//! |---|---|
//! | `command` | `command`, `manifest`, `checkpoint`, `version`: the first line |
//! | `planned` | `rows`, `change`, `settled`, `blocked`, `plan_digest`, `tenant_id`, `tenant_name` |
//! | `started` | `to_do` |
//! | `mail-written` | |
//! | `row-finished` | `outcome`, `outcome_reason`, `new_email`, `advice`, `request_id` |
//! | `throttled` | `scope`, `wait_seconds` |
//! | `retrying` | `attempt`, `wait_seconds` |
//! | `canary-passed` | `rows` |
//! | `sign-in-needed` | `valid_seconds`: a person has to sign in; the code is not logged |
//! | `stopping` | `stop_reason` |
//! | `note`, `warning`, `problem` (of the manifest) | |
//! | `error` | `causes`, `hints`, `exit_code` |
//! | `hook` | `hook`: what a hook printed |
//! | `trace` | `target`, `fields`: with `-vv` |
//! | `finished` | `command`, `result`, `exit_code`, `to_do`, `summary`: the last line |
//!
//! Keys and words are only ever added.
//!
//! Leaves to others: where the lines go.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::Email;
use crate::plan::{Plan, PlannedRow};
use crate::run::{Event, Outcome};

use super::row::RowEnd;
use super::style::count;
use super::text::{harmless, remaining, seconds, stamp};

const SCHEMA: u8 = 1;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For whoever looks into the program.
    Debug,
    Info,
    /// What should not be overlooked.
    Warning,
    Error,
}

/// One line, without when and by which run it was written.
#[derive(Debug, Clone, Serialize)]
pub struct LogLine {
    level: Level,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    message: String,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl LogLine {
    /// The event of a command's last line.
    pub const LAST: &'static str = "finished";

    pub fn new(level: Level, event: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { level, event, line: None, user: None, user_id: None, message, more: Map::new() }
    }

    /// The same with one more key.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.more.insert(key.to_owned(), value.into());
        self
    }

    pub fn level(&self) -> Level {
        self.level
    }

    /// Whether it is the last of its command.
    pub fn is_last(&self) -> bool {
        self.event == Self::LAST
    }

    /// The line for an event of the run, if it has one. Phases of rows have none: a
    /// row tells of its mail and of its end.
    pub fn from_event(event: &Event, plan: Option<&Plan>) -> Option<Self> {
        let info = |event, message| Self::new(Level::Info, event, message);
        let row = |line| {
            let planned = plan.and_then(|plan| {
                let at = plan.rows.binary_search_by_key(&line, |row| row.line).ok()?;
                plan.rows.get(at)
            });
            (line, planned)
        };
        Some(match event {
            Event::Started { to_do } => {
                info("started", format!("{} to do", count(*to_do, "row", "rows")))
                    .with("to_do", *to_do)
            }
            Event::Patched { line } => {
                info("mail-written", "the guest's mail was written".to_owned()).about(row(*line))
            }
            Event::RowFinished { index, line, from: _, outcome } => {
                let planned = plan.and_then(|plan| plan.rows.get(*index));
                Self::from_row(*line, planned, outcome)
            }
            Event::Throttled { scope, wait } => {
                let message = format!("throttled by the tenant, waiting {}", remaining(*wait));
                Self::new(Level::Warning, "throttled", message)
                    .with("scope", scope.as_deref())
                    .with("wait_seconds", seconds(*wait))
            }
            // Not the code: whoever reads the log could enter it first.
            Event::SignInNeeded { url, code: _, valid_for } => {
                Self::new(Level::Warning, "sign-in-needed", format!("sign in at {url}"))
                    .with("valid_seconds", seconds(*valid_for))
            }
            Event::Retrying { line, attempt, wait, why } => {
                let retrying = Self::new(Level::Warning, "retrying", why)
                    .with("attempt", *attempt)
                    .with("wait_seconds", seconds(*wait));
                match line {
                    Some(line) => retrying.about(row(*line)),
                    None => retrying,
                }
            }
            Event::Waiting { line, why, at_most } => {
                let waiting = Self::new(Level::Warning, "waiting", why)
                    .with("at_most_seconds", seconds(*at_most));
                match line {
                    Some(line) => waiting.about(row(*line)),
                    None => waiting,
                }
            }
            Event::Noticed { line, what } => {
                let noticed = Self::new(Level::Warning, "noticed", what);
                match line {
                    Some(line) => noticed.about(row(*line)),
                    None => noticed,
                }
            }
            Event::Stopping { reason, .. } => {
                Self::new(Level::Warning, "stopping", reason.to_string())
                    .with("stop_reason", reason.code())
            }
            Event::CanaryPassed { rows } => {
                let message =
                    format!("canary passed: {} sent and verified", count(*rows, "row", "rows"));
                info("canary-passed", message).with("rows", *rows)
            }
            // The last line of all has what it holds.
            Event::RowEntered { .. } | Event::Finished(_) => return None,
        })
    }

    fn from_row(line: u32, row: Option<&PlannedRow>, outcome: &Outcome) -> Self {
        let level = match outcome {
            Outcome::Invited(_)
            | Outcome::AsWanted { .. }
            | Outcome::NotAttempted { .. }
            | Outcome::Held => Level::Info,
            Outcome::Unknown { .. } => Level::Warning,
            Outcome::Failed(_) => Level::Error,
        };
        let Some(row) = row else {
            return Self::new(level, "row-finished", "the row is not in the plan")
                .about((line, None));
        };
        let end = RowEnd::new(row, Some(outcome));
        Self::new(level, "row-finished", end.message.to_string())
            .about((line, Some(row)))
            .with("outcome", end.outcome)
            .with("outcome_reason", end.reason)
            .with("new_email", row.new_email.as_ref().map(Email::as_str))
            .with("advice", end.advice)
            .with("request_id", end.request_id)
    }

    fn about(self, (line, row): (u32, Option<&PlannedRow>)) -> Self {
        Self {
            line: Some(line),
            user: row.map(|row| row.user.to_string()),
            user_id: row.and_then(|row| row.user_id).map(|id| id.to_string()),
            ..self
        }
    }

    pub fn from_plan(plan: &Plan) -> Self {
        let counts = plan.counts;
        let message = format!(
            "{} planned: {} to change, {} settled, {} blocked",
            count(counts.rows, "row", "rows"),
            counts.change,
            counts.settled,
            counts.blocked
        );
        Self::new(Level::Info, "planned", message)
            .with("rows", counts.rows)
            .with("change", counts.change)
            .with("settled", counts.settled)
            .with("blocked", counts.blocked)
            .with("plan_digest", plan.digest.to_string())
            .with("tenant_id", &*plan.tenant_id)
            .with("tenant_name", plan.tenant_name.as_deref())
    }

    /// The line as one JSON object and a line end.
    pub fn json(&self, at: Timestamp, run_id: Uuid) -> String {
        #[derive(Serialize)]
        struct Stamped<'a> {
            schema: u8,
            time: String,
            run_id: Uuid,
            #[serde(flatten)]
            line: &'a LogLine,
        }
        let stamped = Stamped { schema: SCHEMA, time: stamp(at), run_id, line: self };
        let mut text = serde_json::to_string(&stamped).expect("plain data");
        text.push('\n');
        text
    }

    /// The line as text and a line end.
    pub fn text(&self, at: Timestamp) -> String {
        let level = match self.level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        let whose = match (self.line, &self.user) {
            (Some(line), Some(user)) => format!("line {line}, {}: ", harmless(user)),
            (Some(line), None) => format!("line {line}: "),
            (None, _) => String::new(),
        };
        let message = harmless(&self.message);
        format!("{} {level:<7} {:<12} {whose}{message}\n", stamp(at), self.event)
    }
}

/// Whether a file that begins with these bytes holds log lines, of either form, so
/// that appending some more spoils nothing.
pub fn is_log(beginning: &[u8]) -> bool {
    let text = String::from_utf8_lossy(beginning);
    let json = format!("{{\"schema\":{SCHEMA},\"time\":\"");
    let is_time = || text.get(..24).is_some_and(|time| time.parse::<Timestamp>().is_ok());
    text.is_empty() || text.starts_with(&json) || is_time()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::sample;
    use super::*;
    use crate::run::StopReason;

    fn at() -> Timestamp {
        "2026-03-02T02:00:01.25Z".parse().unwrap()
    }

    /// Every event of a run that has a line, as the sample has it.
    fn lines() -> Vec<LogLine> {
        let plan = sample::plan();
        let mut events = vec![
            Event::Started { to_do: 6 },
            Event::Patched { line: 2 },
            Event::Throttled {
                scope: Some("Tenant_Application".into()),
                wait: Duration::from_secs(7),
            },
            Event::Retrying {
                line: Some(3),
                attempt: 1,
                wait: Duration::from_millis(1500),
                why: "503\u{1b}[2J Service Unavailable".into(),
            },
            Event::CanaryPassed { rows: 5 },
            Event::Stopping { reason: StopReason::TimeBudget, at_most: std::time::Duration::ZERO },
        ];
        for (index, outcome) in sample::outcomes().into_iter().enumerate() {
            let line = plan.rows[index].line;
            events.extend(outcome.map(|outcome| Event::RowFinished {
                index,
                line,
                from: None,
                outcome,
            }));
        }
        let of_events = events.iter().filter_map(|event| LogLine::from_event(event, Some(&plan)));
        std::iter::once(LogLine::from_plan(&plan)).chain(of_events).collect()
    }

    #[test]
    fn as_json_the_lines_read_like_this() {
        let text: String = lines().iter().map(|line| line.json(at(), Uuid::nil())).collect();
        insta::assert_snapshot!(text, @r#"
        {"schema":1,"time":"2026-03-02T02:00:01.250Z","run_id":"00000000-0000-0000-0000-000000000000","level":"info","event":"planned","message":"14 rows planned: 6 to change, 3 settled, 5 blocked","blocked":5,"change":6,"plan_digest":"4232697f88502bb2c289f73d522c8f49e2f590181a2e0696c94ea8012a60a85b","rows":14,"settled":3,"tenant_id":"7d1c2a40-0000-4000-8000-0000000000aa","tenant_name":"Contoso"}
        {"schema":1,"time":"2026-03-02T02:00:01.250Z","run_id":"00000000-0000-0000-0000-000000000000","level":"info","event":"started","message":"6 rows to do","to_do":6}
        {"schema":1,"time":"2026-03-02T02:00:01.250Z","run_id":"00000000-0000-0000-0000-000000000000","level":"info","event":"mail-written","line":2,"user":"ada@northwind.example","user_id":"00000000-0000-0000-0000-000000000002","message":"the guest's mail was written"}
        {"schema":1,"time":"2026-03-02T02:00:01.250Z","run_id":"00000000-0000-0000-0000-000000000000","level":"warning","event":"throttled","message":"throttled by the tenant, waiting 7 s","scope":"Tenant_Application","wait_seconds":7.0}
        {"schema":1,"time":"2026-03-02T02:00:01.250Z","run_id":"00000000-0000-0000-0000-000000000000","level":"warning","event":"retrying","line":3,"user":"bob_northwind.example#EXT#@contoso.example","user_id":"00000000-0000-0000-0000-000000000003","message":"503\u001b[2J Service Unavailable","attempt":1,"wait_seconds":1.5}
        {"schema":1,"time":"2026-03-02T02:00:01.250Z","run_id":"00000000-0000-0000-0000-000000000000","level":"info","event":"canary-passed","message":"canary passed: 5 rows sent and verified","rows":5}
        {"schema":1,"time":"2026-03-02T02:00:01.250Z","run_id":"00000000-0000-0000-0000-000000000000","level":"warning","event":"stopping","message":"the time budget is used up","stop_reason":"time-budget"}
        {"schema":1,"time":"2026-03-02T02:00:01.250Z","run_id":"00000000-0000-0000-0000-000000000000","level":"info","event":"row-finished","line":2,"user":"ada@northwind.example","user_id":"00000000-0000-0000-0000-000000000002","message":"the service accepted the invitation","advice":null,"new_email":"ada@fabrikam.example","outcome":"invited","outcome_reason":"accepted","request_id":null}
        {"schema":1,"time":"2026-03-02T02:00:01.250Z","run_id":"00000000-0000-0000-0000-000000000000","level":"info","event":"row-finished","line":3,"user":"bob_northwind.example#EXT#@contoso.example","user_id":"00000000-0000-0000-0000-000000000003","message":"the answer was lost; the directory shows that the invitation was accepted","advice":null,"new_email":"bob@fabrikam.example","outcome":"invited","outcome_reason":"settled-from-directory","request_id":null}
        {"schema":1,"time":"2026-03-02T02:00:01.250Z","run_id":"00000000-0000-0000-0000-000000000000","level":"error","event":"row-finished","line":4,"user":"c.old@northwind.example","user_id":"00000000-0000-0000-0000-000000000004","message":"the invitation service does not see the new mail: \"doesn't match any emails on the user object\" after 5 tries in 3 min","advice":"run apply again with --retry-failed after an hour","new_email":"cleo@fabrikam.example","outcome":"failed","outcome_reason":"address-mismatch","request_id":"0000aaaa-11bb-cccc-dd22-eeeeee333333"}
        {"schema":1,"time":"2026-03-02T02:00:01.250Z","run_id":"00000000-0000-0000-0000-000000000000","level":"warning","event":"row-finished","line":5,"user":"dan@northwind.example","user_id":"00000000-0000-0000-0000-000000000005","message":"the connection was lost after the request left; the guest is unchanged since","advice":"run apply again to look once more; if it stays unknown, ask the guest whether the mail came","new_email":"dan@northwind.example","outcome":"unknown","outcome_reason":"answer-lost","request_id":null}
        {"schema":1,"time":"2026-03-02T02:00:01.250Z","run_id":"00000000-0000-0000-0000-000000000000","level":"info","event":"row-finished","line":6,"user":"eve@northwind.example","user_id":"00000000-0000-0000-0000-000000000006","message":"the mail is written, the invitation is still to be sent","advice":"run apply again","new_email":"eve@fabrikam.example","outcome":"not-attempted","outcome_reason":"mail-written","request_id":null}
        "#);
    }

    #[test]
    fn as_text_the_lines_read_like_this() {
        let text: String = lines().iter().map(|line| line.text(at())).collect();
        insta::assert_snapshot!(text, @r#"
        2026-03-02T02:00:01.250Z info    planned      14 rows planned: 6 to change, 3 settled, 5 blocked
        2026-03-02T02:00:01.250Z info    started      6 rows to do
        2026-03-02T02:00:01.250Z info    mail-written line 2, ada@northwind.example: the guest's mail was written
        2026-03-02T02:00:01.250Z warning throttled    throttled by the tenant, waiting 7 s
        2026-03-02T02:00:01.250Z warning retrying     line 3, bob_northwind.example#EXT#@contoso.example: 503\u{1b}[2J Service Unavailable
        2026-03-02T02:00:01.250Z info    canary-passed canary passed: 5 rows sent and verified
        2026-03-02T02:00:01.250Z warning stopping     the time budget is used up
        2026-03-02T02:00:01.250Z info    row-finished line 2, ada@northwind.example: the service accepted the invitation
        2026-03-02T02:00:01.250Z info    row-finished line 3, bob_northwind.example#EXT#@contoso.example: the answer was lost; the directory shows that the invitation was accepted
        2026-03-02T02:00:01.250Z error   row-finished line 4, c.old@northwind.example: the invitation service does not see the new mail: "doesn't match any emails on the user object" after 5 tries in 3 min
        2026-03-02T02:00:01.250Z warning row-finished line 5, dan@northwind.example: the connection was lost after the request left; the guest is unchanged since
        2026-03-02T02:00:01.250Z info    row-finished line 6, eve@northwind.example: the mail is written, the invitation is still to be sent
        "#);
    }

    #[test]
    fn a_log_is_known_by_its_beginning() {
        for line in lines() {
            assert!(is_log(line.json(at(), Uuid::nil()).as_bytes()));
            assert!(is_log(line.text(at()).as_bytes()));
        }
        assert!(is_log(b""));
        for other in ["user,new_email\n", "SQLite format 3\0", "{\"line\":2}", "2026-03-02\n"] {
            assert!(!is_log(other.as_bytes()), "{other}");
        }
    }
}
