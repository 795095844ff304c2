//! What needs a person, for the page: a list for each cause, in it a group for each
//! reason, so that a reason and its advice stand there once and not on every row.

use std::collections::HashMap;

use minijinja::context;
use minijinja::value::Value;

use crate::plan::BlockedKind;
use crate::report::text::{harmless, span};

use super::ReportOptions;
use super::html::moment;
use super::row::{Attention, RowView};

/// Rows of a group; the table has them all.
const ROWS: usize = 50;

/// Groups of a list. Reasons of ours are fewer; those of a service may be many.
const GROUPS: usize = 30;

/// Rows by reason and advice: the largest group first, in the order of the manifest
/// among equals.
pub(super) fn list(attention: Attention, rows: &[RowView<'_>], options: ReportOptions) -> Value {
    let mut places: HashMap<(&str, Option<&str>), usize> = HashMap::new();
    let mut groups: Vec<Vec<&RowView<'_>>> = Vec::new();
    for row in rows {
        let place = *places.entry((code(attention, row), row.advice)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(row);
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    let shown: Vec<Value> = groups.iter().take(GROUPS).map(|rows| group(attention, rows)).collect();
    let more: usize = groups.iter().skip(GROUPS).map(Vec::len).sum();
    context! {
        word => attention.word(),
        about => about(attention, options),
        count => rows.len(),
        groups => shown,
        more => more,
    }
}

fn code<'a>(attention: Attention, row: &RowView<'a>) -> &'a str {
    match (attention, row.redemption) {
        // The row's own reason is that it was invited.
        (Attention::Drift | Attention::Stuck, Some(redemption)) => redemption.word(),
        (Attention::Bounced, _) => row
            .arrival
            .map_or(row.reason, |arrival| arrival.code.as_deref().unwrap_or(arrival.fate.as_str())),
        _ => row.reason,
    }
}

fn group(attention: Attention, rows: &[&RowView<'_>]) -> Value {
    let first = rows[0];
    let is_shared = rows.iter().all(|row| row.explanation == first.explanation);
    let about = match BlockedKind::parse(first.reason).filter(|_| attention == Attention::Blocked) {
        Some(kind) if !is_shared => Some(kind.words().about.to_owned()),
        _ => first.explanation.filter(|_| is_shared).map(harmless),
    };
    let shown: Vec<Value> = rows
        .iter()
        .take(ROWS)
        .map(|row| {
            let why = row.explanation.filter(|_| !is_shared).map(harmless);
            let since = row.last_invited_at.filter(|_| row.explanation.is_none());
            context! {
                line => row.line,
                journey => row.journey(),
                why => why,
                since => since.map(moment),
                request_id => row.request_id.map(harmless),
            }
        })
        .collect();
    let has_particulars = !is_shared
        || rows.iter().any(|row| row.request_id.is_some() || row.last_invited_at.is_some());
    context! {
        code => harmless(code(attention, first)),
        about => about,
        advice => first.advice.map(harmless),
        count => rows.len(),
        particulars => has_particulars,
        more => rows.len() - shown.len(),
        rows => shown,
    }
}

fn about(attention: Attention, options: ReportOptions) -> String {
    match attention {
        Attention::Unknown => {
            "Whether the invitation was sent is not known. It is not sent again unasked.".to_owned()
        }
        Attention::LeftHalfWay => {
            "The manifest has no row for them any more, so nothing invites them.".to_owned()
        }
        Attention::NotInvited => {
            "The new mail was written by nothing that the checkpoint knows, and the directory shows no invitation since.".to_owned()
        }
        Attention::Patched => {
            "The mail is written and no invitation was sent. While a run is at work, it may be about to."
                .to_owned()
        }
        Attention::Failed => {
            "Refused by the service, or by a guest that had changed meanwhile.".to_owned()
        }
        Attention::Blocked => "The plan did not allow the row.".to_owned(),
        Attention::Drift => {
            "The directory shows something that this campaign did not do.".to_owned()
        }
        Attention::Bounced => {
            "The message trace tells that their mails did not arrive; they are not reminded."
                .to_owned()
        }
        Attention::Stuck => format!(
            "Invited {} ago or longer, and not redeemed when last verified.",
            days(options.stuck_after)
        ),
    }
}

fn days(duration: std::time::Duration) -> String {
    let days = duration.as_secs() / 86_400;
    if days > 0 && duration.as_secs().is_multiple_of(86_400) {
        crate::report::count(days, "day", "days")
    } else {
        span(duration)
    }
}
