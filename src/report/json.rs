//! The plan and the run as one JSON object each. Keys are a contract: they are
//! only ever added. Rows are written one by one, a line each, so that a large
//! plan is not held in memory a second time and a difference shows by line.
//!
//! Leaves to others: where the bytes go, and which exit code it is (`cli`).

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::campaign::Digest as Night;
use crate::domain::{Caller, RedemptionOrder, UserId};
use crate::manifest::PartOfIt;
use crate::plan::{
    Counts, Digest, Effort, Finding, Mailing, NewDomain, Plan, PlannedRow, TouchedByOne,
    TouchedTotal, Wave,
};
use crate::run::{LimitedBy, MailEnd, Numbers, Outcome, StopReason, Summary};

use super::delivery::Delivery;
use super::row::{Message, RowEnd, mail_word, old_email};
use super::schema::Schema;
use super::text::seconds;

/// A row's keys. With an end, `explanation` is the outcome's; without, the plan's. Not
/// `message`: fed back as a manifest, our sentence would be sent to the guest.
#[derive(Serialize)]
pub(super) struct RowKeys<'a> {
    pub(super) line: u32,
    pub(super) user: &'a str,
    pub(super) user_id: Option<UserId>,
    pub(super) old_email: Option<&'a str>,
    pub(super) new_email: Option<&'a str>,
    pub(super) decision: &'static str,
    pub(super) reason: &'static str,
    pub(super) explanation: Message<'a>,
    /// What the guest of a change receives.
    pub(super) delivery: Option<Delivery>,
    /// What hangs on the guest of a change, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reach: Option<TouchedByOne>,
    /// What became of the mail, once the run is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mail: Option<&'static str>,
    #[serde(flatten)]
    pub(super) end: Option<RowEnd<'a>>,
}

impl<'a> RowKeys<'a> {
    pub(super) fn planned(row: &'a PlannedRow, caller: Caller) -> Self {
        Self {
            line: row.line,
            user: &row.user,
            user_id: row.user_id,
            old_email: old_email(row),
            new_email: row.new_email.as_ref().map(crate::domain::Email::as_str),
            decision: row.decision.name(),
            reason: row.decision.reason(),
            explanation: Message::Decision(&row.decision),
            delivery: row
                .change()
                .and_then(|change| change.invite.as_ref())
                .map(|invitation| Delivery::new(invitation, caller)),
            reach: None,
            mail: None,
            end: None,
        }
    }

    pub(super) fn ended(row: &'a PlannedRow, caller: Caller, outcome: Option<&'a Outcome>) -> Self {
        let end = RowEnd::new(row, outcome);
        Self { explanation: end.message, end: Some(end), ..Self::planned(row, caller) }
    }
}

#[derive(Serialize)]
struct PlanSummary<'a> {
    #[serde(flatten)]
    counts: Counts,
    reasons: BTreeMap<&'static str, u64>,
    /// Findings that keep `apply` from going on.
    refusals: u64,
    plan_digest: Digest,
    exit_code: u8,
    stop_reason: Option<&'static str>,
    elapsed_seconds: f64,
    tenant_id: &'a str,
    tenant_name: Option<&'a str>,
    caller: Caller,
    /// Absent where all of the manifest is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<&'a PartOfIt>,
    /// The wave that `apply` would begin; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    wave: Option<&'a Wave>,
    /// Mails of one's own: how many, how long they take, and what waits for another day.
    mailing: Option<Mailing>,
    /// Writes, the pace, and how long they take; null where nothing changes.
    effort: Option<Effort>,
    /// The domains that rows go to, and whether their people can redeem.
    domains: &'a [NewDomain],
    /// With what invitations are redeemed; null where that could not be read.
    redemption_order: Option<&'a RedemptionOrder>,
    /// What the changes touch; absent where that was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    reach: Option<&'a TouchedTotal>,
}

#[derive(Serialize)]
pub(super) struct RunSummary<'a> {
    #[serde(flatten)]
    numbers: Numbers,
    plan_digest: Digest,
    exit_code: u8,
    stop_reason: Option<&'static str>,
    stop_message: Option<String>,
    started_at: Option<Timestamp>,
    elapsed_seconds: f64,
    /// `pace`, `quota`, `throttling`, `replication`, `requests-in-flight` or `latency`.
    limited_by: Option<&'static str>,
    tenant_id: &'a str,
    tenant_name: Option<&'a str>,
    caller: Caller,
    /// Absent where all of the manifest is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<&'a PartOfIt>,
    /// Rows that wait for a later run, among those not attempted.
    held: u64,
    /// Absent where the campaign has no waves, or nothing left to begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    wave: Option<&'a Wave>,
}

/// Writes the plan as one object with `summary`, `findings` and `rows`.
pub fn plan_json(
    out: &mut dyn Write,
    schema: Schema,
    plan: &Plan,
    exit_code: u8,
    elapsed: Duration,
) -> io::Result<()> {
    let mut reasons = BTreeMap::new();
    for row in &plan.rows {
        *reasons.entry(row.decision.reason()).or_default() += 1;
    }
    let summary = PlanSummary {
        counts: plan.counts,
        reasons,
        refusals: plan.refusals().count() as u64,
        plan_digest: plan.digest,
        exit_code,
        stop_reason: None,
        elapsed_seconds: seconds(elapsed),
        tenant_id: &plan.tenant_id,
        tenant_name: plan.tenant_name.as_deref(),
        caller: plan.caller,
        only: plan.part.as_ref(),
        wave: plan.wave.as_ref(),
        mailing: plan.mailing,
        effort: plan.effort,
        domains: &plan.domains,
        redemption_order: plan.redemption_order.as_ref(),
        reach: plan.touched.as_ref().map(|touched| &touched.total),
    };
    let reach = |row: &PlannedRow| {
        let touched = plan.touched.as_ref().filter(|_| row.change().is_some())?;
        touched.guests.get(&row.user_id?).copied()
    };
    let rows = plan
        .rows
        .iter()
        .map(|row| RowKeys { reach: reach(row), ..RowKeys::planned(row, plan.caller) });
    write_object(out, schema, &summary, &plan.findings, rows, None)
}

/// What is left to say when there is no plan: how many rows there are, that none
/// was attempted, and why.
#[derive(Serialize)]
struct UnplannedSummary {
    #[serde(flatten)]
    numbers: Numbers,
    change: u64,
    plan_digest: Option<Digest>,
    exit_code: u8,
    stop_reason: &'static str,
    stop_message: String,
    elapsed_seconds: f64,
}

/// Writes the one object of a command that ended before there was a plan: every
/// row of the manifest is not attempted.
pub fn unplanned_json(
    out: &mut dyn Write,
    schema: Schema,
    rows: u64,
    exit_code: u8,
    (stop_reason, stop_message): (&'static str, String),
    elapsed: Duration,
) -> io::Result<()> {
    let summary = UnplannedSummary {
        numbers: Summary { rows, not_attempted: rows, ..Summary::default() }.numbers(),
        change: 0,
        plan_digest: None,
        exit_code,
        stop_reason,
        stop_message,
        elapsed_seconds: seconds(elapsed),
    };
    write_object(out, schema, &summary, &[], std::iter::empty(), None)
}

/// Writes the one object of a command that has no rows and failed.
pub fn failure_json(
    out: &mut dyn Write,
    exit_code: u8,
    (stop_reason, stop_message): (&'static str, String),
    elapsed: Duration,
) -> io::Result<()> {
    let object = serde_json::json!({
        "summary": {
            "exit_code": exit_code,
            "stop_reason": stop_reason,
            "stop_message": stop_message,
            "elapsed_seconds": seconds(elapsed),
        },
    });
    Schema::Failure.write(out, &object)
}

/// Writes the run as one object with `summary`, `findings` and `rows`.
/// `outcomes` goes by the position in the plan's rows.
pub fn apply_json(
    out: &mut dyn Write,
    schema: Schema,
    plan: &Plan,
    outcomes: &[Option<Outcome>],
    summary: &Summary,
    exit_code: u8,
) -> io::Result<()> {
    let rows = ended_rows(plan, outcomes, &summary.mails);
    let summary = RunSummary::new(plan, summary, exit_code);
    write_object(out, schema, &summary, &plan.findings, rows, None)
}

/// The rows of a run as they ended.
pub(super) fn ended_rows<'a>(
    plan: &'a Plan,
    outcomes: &'a [Option<Outcome>],
    mails: &'a BTreeMap<u32, MailEnd>,
) -> impl Iterator<Item = RowKeys<'a>> {
    plan.rows.iter().enumerate().map(|(index, row)| {
        let outcome = outcomes.get(index).and_then(Option::as_ref);
        let mail = mail_word(row, outcome, mails.get(&row.line).copied());
        RowKeys { mail, ..RowKeys::ended(row, plan.caller, outcome) }
    })
}

impl<'a> RunSummary<'a> {
    pub(super) fn new(plan: &'a Plan, summary: &Summary, exit_code: u8) -> Self {
        let stop_reason = summary.stop_reason.as_ref();
        Self {
            numbers: summary.numbers(),
            plan_digest: plan.digest,
            exit_code,
            stop_reason: stop_reason.map(StopReason::code),
            stop_message: stop_reason.map(StopReason::to_string),
            started_at: summary.started_at,
            elapsed_seconds: seconds(summary.elapsed),
            limited_by: summary.limited_by.map(LimitedBy::code),
            tenant_id: &plan.tenant_id,
            tenant_name: plan.tenant_name.as_deref(),
            caller: plan.caller,
            only: plan.part.as_ref(),
            held: summary.held,
            wave: plan.wave.as_ref(),
        }
    }
}

/// Writes the one object of a command; a night adds its digest.
pub(super) fn write_object<'a>(
    out: &mut dyn Write,
    schema: Schema,
    summary: &impl Serialize,
    findings: &[Finding],
    rows: impl Iterator<Item = RowKeys<'a>>,
    night: Option<&Night>,
) -> io::Result<()> {
    // serde writes token by token, and a standard stream would pass on each line.
    let mut out = BufWriter::new(out);
    write!(out, "{{\"schema\":\"{}\",\n\"summary\":", schema.as_str())?;
    serde_json::to_writer(&mut out, summary)?;
    out.write_all(b",\n\"findings\":")?;
    serde_json::to_writer(&mut out, findings)?;
    out.write_all(b",\n\"rows\":[")?;
    for (position, row) in rows.enumerate() {
        out.write_all(if position == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut out, &row)?;
    }
    out.write_all(b"\n]")?;
    if let Some(night) = night {
        out.write_all(b",\n\"night\":")?;
        serde_json::to_writer(&mut out, night)?;
    }
    out.write_all(b"}\n")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::sample;

    fn planned() -> Value {
        let mut out = Vec::new();
        plan_json(&mut out, Schema::Plan, &sample::plan(), 3, Duration::from_micros(1_234_567))
            .unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    fn applied() -> Value {
        let mut out = Vec::new();
        let (plan, outcomes) = (sample::plan(), sample::outcomes());
        apply_json(&mut out, Schema::Apply, &plan, &outcomes, &sample::summary(), 5).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    fn keys(object: &Value) -> Vec<&str> {
        object.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn the_keys_of_the_contract_are_all_there() {
        let (planned, applied) = (planned(), applied());
        let summary = &planned["summary"];
        for key in ["rows", "change", "settled", "blocked", "exit_code"] {
            assert!(summary[key].is_u64(), "{key}");
        }
        assert_eq!(summary["stop_reason"], Value::Null);
        assert!(keys(summary).contains(&"stop_reason"));
        assert!(summary["plan_digest"].is_string());
        assert_eq!(summary["elapsed_seconds"], 1.235);
        let summary = &applied["summary"];
        for key in [
            "rows",
            "invited",
            "patched",
            "settled",
            "blocked",
            "failed",
            "unknown",
            "not_attempted",
            "retries",
            "throttled",
            "exit_code",
        ] {
            assert!(summary[key].is_u64(), "{key}");
        }
        assert_eq!(summary["stop_reason"], "invitations-blocked");
        assert!(summary["plan_digest"].is_string());
        assert_eq!(summary["elapsed_seconds"], 192.4);
        for rows in [&planned["rows"], &applied["rows"]] {
            for row in rows.as_array().unwrap() {
                for key in ["line", "user", "user_id", "new_email", "decision", "reason"] {
                    assert!(keys(row).contains(&key), "{key}");
                }
            }
        }
    }

    #[test]
    fn the_sums_add_up_and_agree_with_the_rows() {
        let applied = applied();
        let summary = &applied["summary"];
        let states = ["invited", "settled", "blocked", "failed", "unknown", "not_attempted"];
        let sum: u64 = states.iter().map(|state| summary[state].as_u64().unwrap()).sum();
        assert_eq!(summary["rows"], sum);
        for state in states {
            let outcome = state.replace('_', "-");
            let rows = applied["rows"].as_array().unwrap().iter();
            assert_eq!(summary[state], rows.filter(|row| row["outcome"] == *outcome).count());
        }
        let planned = planned();
        let summary = &planned["summary"];
        let reasons = summary["reasons"].as_object().unwrap().values();
        assert_eq!(summary["rows"], reasons.map(|n| n.as_u64().unwrap()).sum::<u64>());
    }

    #[test]
    fn a_plan_reads_like_this() {
        let mut out = Vec::new();
        let mut plan = sample::plan();
        plan.rows.retain(|row| [3, 13, 15].contains(&row.line));
        plan_json(&mut out, Schema::Plan, &plan, 3, Duration::from_micros(1_234_567)).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        {"schema":"reinvite-plan/1",
        "summary":{"rows":14,"change":6,"settled":3,"blocked":5,"reasons":{"ambiguous":1,"invalid-row":1,"new-address":1},"refusals":1,"plan_digest":"4232697f88502bb2c289f73d522c8f49e2f590181a2e0696c94ea8012a60a85b","exit_code":3,"stop_reason":null,"elapsed_seconds":1.235,"tenant_id":"7d1c2a40-0000-4000-8000-0000000000aa","tenant_name":"Contoso","caller":"app-only","mailing":null,"effort":null,"domains":[],"redemption_order":null},
        "findings":[{"severity":"refuse","code":"max-changes","message":"6 rows would change, and max_changes allows 5","advice":"review the plan, then set [guards] max_changes or --max-changes to 6 or more"},{"severity":"warn","code":"resets","message":"1 guest is reset without a new address","advice":"they are locked out until they redeem again; a reset can't be undone"}],
        "rows":[
        {"line":3,"user":"bob_northwind.example#EXT#@contoso.example","user_id":"00000000-0000-0000-0000-000000000003","old_email":"bob@northwind.example","new_email":"bob@fabrikam.example","decision":"change","reason":"new-address","explanation":"moves from bob@northwind.example to bob@fabrikam.example","delivery":"message-dropped"},
        {"line":13,"user":"joe@northwind.example","user_id":null,"old_email":null,"new_email":"joe@fabrikam.example","decision":"blocked","reason":"ambiguous","explanation":"2 users hold it: guest joe#EXT#@c.example (00000000-0000-0000-0000-00000000000a); guest j#EXT#@c.example (00000000-0000-0000-0000-00000000000b); name the guest by object id","delivery":null},
        {"line":15,"user":"lea","user_id":null,"old_email":null,"new_email":null,"decision":"blocked","reason":"invalid-row","explanation":"the row is unusable (see `lint`) and was skipped","delivery":null}
        ]}
        "#);
    }

    #[test]
    fn a_run_reads_like_this() {
        let mut out = Vec::new();
        let (mut plan, outcomes) = (sample::plan(), sample::outcomes());
        plan.rows.truncate(4);
        apply_json(&mut out, Schema::Apply, &plan, &outcomes, &sample::summary(), 5).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        {"schema":"reinvite-apply/1",
        "summary":{"rows":14,"invited":2,"patched":4,"settled":3,"blocked":5,"failed":1,"unknown":1,"not_attempted":2,"retries":7,"throttled":1,"mailed":0,"mail_files":0,"mail_failed":0,"mail_unknown":0,"not_invited":0,"plan_digest":"4232697f88502bb2c289f73d522c8f49e2f590181a2e0696c94ea8012a60a85b","exit_code":5,"stop_reason":"invitations-blocked","stop_message":"the tenant says stop: Guest invitations are blocked for suspicious activity","started_at":"2026-03-02T02:00:00Z","elapsed_seconds":192.4,"limited_by":"throttling","tenant_id":"7d1c2a40-0000-4000-8000-0000000000aa","tenant_name":"Contoso","caller":"app-only","held":0},
        "findings":[{"severity":"refuse","code":"max-changes","message":"6 rows would change, and max_changes allows 5","advice":"review the plan, then set [guards] max_changes or --max-changes to 6 or more"},{"severity":"warn","code":"resets","message":"1 guest is reset without a new address","advice":"they are locked out until they redeem again; a reset can't be undone"}],
        "rows":[
        {"line":2,"user":"ada@northwind.example","user_id":"00000000-0000-0000-0000-000000000002","old_email":"ada@northwind.example","new_email":"ada@fabrikam.example","decision":"change","reason":"new-address","explanation":"the service accepted the invitation","delivery":"standard-text","mail":"microsoft","outcome":"invited","outcome_reason":"accepted","advice":null,"request_id":null},
        {"line":3,"user":"bob_northwind.example#EXT#@contoso.example","user_id":"00000000-0000-0000-0000-000000000003","old_email":"bob@northwind.example","new_email":"bob@fabrikam.example","decision":"change","reason":"new-address","explanation":"the answer was lost; the directory shows that the invitation was accepted","delivery":"message-dropped","mail":"microsoft","outcome":"invited","outcome_reason":"settled-from-directory","advice":null,"request_id":null},
        {"line":4,"user":"c.old@northwind.example","user_id":"00000000-0000-0000-0000-000000000004","old_email":"cleo@northwind.example","new_email":"cleo@fabrikam.example","decision":"change","reason":"new-address","explanation":"the invitation service does not see the new mail: \"doesn't match any emails on the user object\" after 5 tries in 3 min","delivery":"no-mail","mail":"none","outcome":"failed","outcome_reason":"address-mismatch","advice":"run apply again with --retry-failed after an hour","request_id":"0000aaaa-11bb-cccc-dd22-eeeeee333333"},
        {"line":5,"user":"dan@northwind.example","user_id":"00000000-0000-0000-0000-000000000005","old_email":null,"new_email":"dan@northwind.example","decision":"change","reason":"reset-only","explanation":"the connection was lost after the request left; the guest is unchanged since","delivery":"standard-text","mail":"unknown","outcome":"unknown","outcome_reason":"answer-lost","advice":"run apply again to look once more; if it stays unknown, ask the guest whether the mail came","request_id":null}
        ]}
        "#);
    }

    #[test]
    fn an_empty_plan_is_valid_json() {
        let mut out = Vec::new();
        plan_json(&mut out, Schema::Plan, &sample::plan_of(Vec::new()), 0, Duration::ZERO).unwrap();
        let empty: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(empty["rows"], Value::Array(Vec::new()));
    }
}
