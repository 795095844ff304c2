//! A report as one page: no other file, no request, no script but its own. Every text
//! from a manifest or a directory is escaped by the template engine, whose rule for
//! HTML is on for the whole page.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, context};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::checkpoint::MailCounts;
use crate::domain::State;
use crate::report::sample_mail::sample_mail;
use crate::report::text::{harmless, span};

use super::ReportOptions;
use super::chart;
use super::needs;
use super::row::{Attention, RowView, word};
use super::view::{Campaign, Report, Totals};

pub(super) const MARK: &str = "<!doctype html>\n<!-- reinvite report 1 -->";

const TEMPLATE: &str = include_str!("report.html");
pub(in crate::report) const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// Before the body is read: a table that will be paged is not laid out whole first.
const EARLY: &str = "document.documentElement.className=\"js\"";

/// Domains shown; the others are one row.
const DOMAINS: usize = 50;

/// Runs shown, the last ones.
const RUNS: usize = 30;

pub(super) fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let mut environment = Environment::new();
    environment.add_template("report.html", TEMPLATE).map_err(io::Error::other)?;
    let template = environment.get_template("report.html").map_err(io::Error::other)?;
    let campaigns: Vec<Value> =
        report.campaigns.iter().map(|campaign| section(campaign, report.options)).collect();
    let page = context! {
        mark => Value::from_safe_string(MARK.to_owned()),
        style => Value::from_safe_string(STYLE.to_owned()),
        script => Value::from_safe_string(SCRIPT.to_owned()),
        style_hash => hash(STYLE),
        script_hash => hash(SCRIPT),
        early => Value::from_safe_string(EARLY.to_owned()),
        early_hash => hash(EARLY),
        generated_at => moment(report.options.now),
        version => env!("CARGO_PKG_VERSION"),
        title => match &*report.campaigns {
            [only] => only.title(),
            many => format!("{} campaigns", many.len()),
        },
        funnel => funnel(&report.totals(), report.mails(), report.campaigns.iter().all(|one| one.history.looked_at.is_some())),
        totals => Value::from(Serde(&report.totals())),
        campaigns => campaigns,
    };
    template.render_captured_to(page, out).map(drop).map_err(io::Error::other)
}

/// What the page's policy knows a style or script by.
pub(in crate::report) fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

fn section(campaign: &Campaign, options: ReportOptions) -> Value {
    let history = Arc::clone(&campaign.history);
    let rows = campaign.rows().len();
    let left = campaign.left_half_way().len();
    let left_rows: Vec<Value> =
        campaign.left_half_way().map(|row| table_row(&RowView::left(row, options))).collect();
    let status = &history.status;
    let mut lists = campaign.attention(options);
    let lists: Vec<Value> = Attention::ALL
        .iter()
        .filter_map(|attention| {
            let rows = lists.remove(attention.word())?;
            Some(needs::list(*attention, &rows, options))
        })
        .collect();
    let runs: Vec<_> =
        history.runs.iter().rev().take(RUNS).map(|run| run_view(campaign, run)).collect();
    context! {
        title => campaign.title(),
        tenant_id => harmless(&status.tenant),
        created => status.created_at.map(moment),
        running => status.held_by.is_some(),
        rehearsal => status.is_rehearsal(),
        verified => history.looked_at.map(moment),
        gone => history.rows.len() - rows,
        left => left,
        totals => Value::from(Serde(&campaign.totals)),
        funnel => funnel(&campaign.totals, history.status.mails, history.looked_at.is_some()),
        delta => delta(campaign),
        redemption => chart::redemption(campaign, options).map(|chart| Value::from(Serde(&chart))),
        throughput => chart::throughput(campaign, options).map(|chart| Value::from(Serde(&chart))),
        lists => lists,
        mails => campaign.samples.mails.iter().map(sample_mail).collect::<Vec<_>>(),
        domains => Value::from(Serde(&domains(campaign))),
        runs => runs,
        more_runs => history.runs.len().saturating_sub(RUNS),
        row_count => rows,
        left_rows => left_rows,
        // One row at a time: a large manifest is not held a second time as values.
        rows => Value::make_object_iterable(history, move |history| {
            std::boxed::Box::new(history.rows[..rows].iter().map(move |row| table_row(&RowView::new(row, options))))
        }),
    }
}

#[derive(Serialize)]
struct Step {
    name: &'static str,
    /// None when nobody has looked.
    rows: Option<u64>,
    share: u64,
    about: &'static str,
}

fn funnel(totals: &Totals, mails: MailCounts, is_verified: bool) -> Value {
    let step = |name, rows: u64, about| Step {
        name,
        rows: Some(rows),
        share: (rows * 100).checked_div(totals.rows).unwrap_or_default(),
        about,
    };
    let redeemed = step("Redeemed", totals.redeemed, "the guest accepted it, as last verified");
    let mailed = step("Mailed", mails.mailed, "your own mail with the link was sent or written");
    let mut steps = vec![
        step("In scope", totals.rows, "rows of the manifest"),
        step("Changed", totals.changed, "the mail is in place"),
        step("Invited", totals.counts.invited, "the service accepted the invitation"),
    ];
    steps.extend((mails.total() > 0).then_some(mailed));
    let delivered = step(
        "Delivered",
        totals.arrivals.delivered,
        "the guest's server took the mail, as the message trace told",
    );
    steps.extend((totals.arrivals.traced() > 0).then_some(delivered));
    steps.push(if is_verified {
        redeemed
    } else {
        Step { rows: None, about: "verify has not looked yet", ..redeemed }
    });
    Value::from(Serde(&steps))
}

/// What the last run changed, in the order in which it matters.
fn delta(campaign: &Campaign) -> Option<Value> {
    let run = campaign.history.runs.last()?;
    let delta = campaign.history.delta;
    let changes = [
        ("redeemed", delta.redeemed),
        ("invited", delta.invited),
        ("invited once more", delta.invited_again),
        ("mails written", delta.patched),
        ("failed", delta.failed),
        ("deleted", delta.deleted),
        ("mail changed by someone else", delta.mail_changed),
        ("invited by someone else", delta.reinvited),
        ("without a trace in the directory", delta.no_trace),
    ];
    let changes: Vec<Value> = changes
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| context! { name => *name, count => *count })
        .collect();
    Some(context! {
        command => run.command.as_str(),
        started => moment(run.started_at),
        ended => run.ended_at.map(moment),
        stop_reason => run.stop_reason.as_deref().map(harmless),
        exit_code => run.exit_code,
        changes => changes,
    })
}

fn run_view(campaign: &Campaign, run: &crate::checkpoint::RunRecord) -> Value {
    let waited = campaign.history.waited(run.id);
    let took = run.ended_at.map(|end| end.duration_since(run.started_at));
    let number = |key: &str| run.summary.get(key).and_then(serde_json::Value::as_u64);
    context! {
        id => run.id,
        command => run.command.as_str(),
        started => moment(run.started_at),
        took => took.and_then(|took| std::time::Duration::try_from(took).ok()).map(span),
        invited => number("invited"),
        failed => number("failed"),
        unknown => number("unknown"),
        throttled => number("throttled"),
        waited => format!("{waited:.0} s"),
        stop_reason => run.stop_reason.as_deref().map(harmless),
        exit_code => run.exit_code,
    }
}

fn domains(campaign: &Campaign) -> Vec<BTreeMap<&'static str, Value>> {
    let (shown, others) = campaign.domains.split_at(campaign.domains.len().min(DOMAINS));
    let row = |name: String, totals: &Totals| {
        BTreeMap::from([("domain", Value::from(name)), ("totals", Value::from(Serde(totals)))])
    };
    let mut rows: Vec<_> = shown
        .iter()
        .map(|domain| {
            let name = if domain.domain.is_empty() { "no address" } else { &domain.domain };
            row(harmless(name), &domain.totals)
        })
        .collect();
    if !others.is_empty() {
        let mut totals = Totals::default();
        for domain in others {
            totals.add(&domain.totals);
        }
        rows.push(row(format!("{} other domains", others.len()), &totals));
    }
    rows
}

/// A row of the large table. Its values are few: there may be a hundred thousand.
fn table_row(view: &RowView<'_>) -> Value {
    let old = view.old_email.filter(|old| !old.eq_ignore_ascii_case(view.user));
    let reason = match view.state {
        State::Invited => view.explanation.map(harmless).unwrap_or_default(),
        _ => view.explanation.map_or_else(|| harmless(view.reason), harmless),
    };
    context! {
        line => view.line,
        user => harmless(view.user),
        old => old.map(harmless),
        address => view.new_email.map(harmless),
        state => word(view.state),
        redemption => view.redemption.map(super::row::Redemption::word),
        invited => view.last_invited_at.map(moment),
        mails => view.invitations,
        reason => reason,
    }
}

/// A moment to the minute, in UTC.
pub(in crate::report) fn moment(at: Timestamp) -> String {
    at.to_zoned_datetime(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M").to_string()
}
