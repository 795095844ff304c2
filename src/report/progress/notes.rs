//! Events as lines of text: one per finished row, one per notable event.

use std::time::{Duration, Instant};

use crate::plan::{Plan, PlannedRow};
use crate::report::row::{RowEnd, journey};
use crate::report::sign_in::sign_in_line;
use crate::report::style::{Styles, count, paint};
use crate::report::text::{columns, fit, harmless, remaining, wrap};
use crate::run::{Event, Outcome, StopReason};

use super::tally::Tally;

/// Every request in flight is told to wait: a wait that ends less than this after
/// one already told is the same to a person.
const SAME_THROTTLE: Duration = Duration::from_secs(2);

/// Where the lines begin that belong to the one above.
const INDENT: &str = "    ";

/// How much a line matters. Ordered: the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    Row,
    /// Worth knowing while it lasts.
    Notable,
    /// Worth knowing ever after.
    Lasting,
    /// Somebody has to look at it.
    Problem,
}

/// The line for an event, if it has one. `tally` is the run before the event. What is longer
/// than `width` columns goes on in further lines.
pub(super) fn note(
    event: &Event,
    plan: &Plan,
    tally: &Tally,
    now: Instant,
    (styles, width): (Styles, usize),
) -> Option<(Weight, String)> {
    match event {
        Event::Started { to_do } => {
            Some((Weight::Notable, format!("{} to do", count(*to_do, "row", "rows"))))
        }
        Event::RowFinished { index, line, from: _, outcome } => {
            finished(plan.rows.get(*index), *line, outcome, (styles, width))
        }
        Event::Throttled { scope, wait } => {
            let told = tally.throttled_until().map(|until| until.saturating_duration_since(now));
            if told.is_some_and(|told| !told.is_zero() && told + SAME_THROTTLE > *wait) {
                return None;
            }
            let scope = scope.as_deref().map(|scope| format!(" ({})", harmless(scope)));
            let text = format!(
                "throttled by the tenant{}, waiting {}",
                scope.unwrap_or_default(),
                remaining(*wait)
            );
            Some((Weight::Notable, paint(styles.attention, text)))
        }
        Event::Retrying { line, attempt, wait, why } => {
            let whose = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            let text = format!(
                "{whose}attempt {attempt} failed: {}; again in {}",
                harmless(why),
                remaining(*wait)
            );
            // That a single row is tried again belongs to the work.
            let weight = if line.is_some() { Weight::Row } else { Weight::Notable };
            Some((weight, paint(styles.attention, text)))
        }
        Event::Waiting { line, why, at_most } => {
            let whose = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            let text =
                format!("{whose}{}; waiting for at most {}", harmless(why), remaining(*at_most));
            // That a single row waits belongs to the work.
            let weight = if line.is_some() { Weight::Row } else { Weight::Notable };
            Some((weight, paint(styles.attention, text)))
        }
        Event::Noticed { line, what } => {
            let whose = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            let text = format!("{whose}{}", harmless(what));
            Some((Weight::Notable, paint(styles.attention, text)))
        }
        Event::Stopping { reason, at_most } => {
            let by_hand = matches!(reason, StopReason::Interrupted | StopReason::Terminated);
            let patience = by_hand.then(|| {
                let most = remaining(*at_most);
                format!("; what is under way is finished first, in {most} at most; once more leaves at once")
            });
            let patience = patience.unwrap_or_default();
            let text = format!("stopping: {}{patience}", harmless(&reason.to_string()));
            Some((Weight::Problem, paint(styles.bad, wrap(&text, width).join("\n  "))))
        }
        Event::SignInNeeded { url, code, valid_for } => {
            Some((Weight::Problem, paint(styles.attention, sign_in_line(url, code, *valid_for))))
        }
        Event::CanaryPassed { rows } => {
            let rows = count(*rows, "row", "rows");
            Some((Weight::Lasting, format!("canary passed: {rows} sent and verified")))
        }
        Event::RowEntered { .. } | Event::Patched { .. } | Event::Finished(_) => None,
    }
}

fn finished(
    row: Option<&PlannedRow>,
    line: u32,
    outcome: &Outcome,
    (styles, width): (Styles, usize),
) -> Option<(Weight, String)> {
    let (weight, style) = match outcome {
        Outcome::Invited(_) | Outcome::AsWanted { .. } => (Weight::Row, styles.good),
        // The summary counts them; a line for each would bury it.
        Outcome::NotAttempted { .. } | Outcome::Held => return None,
        Outcome::Unknown { .. } => (Weight::Problem, styles.attention),
        Outcome::Failed(_) => (Weight::Problem, styles.bad),
    };
    let Some(row) = row else {
        return Some((weight, format!("line {line} is not in the plan")));
    };
    let end = RowEnd::new(row, Some(outcome));
    let word = fit(end.outcome, 13);
    let journey = journey(row);
    let room = width.saturating_sub(columns(&format!("line {line:<5} {word} {journey}: ")));
    let text = format!("line {line:<5} {} {journey}", paint(style, word));
    if weight < Weight::Problem {
        return Some((weight, text));
    }
    let message = harmless(&end.message.to_string());
    let why = format!("{message} [{}]", harmless(end.reason));
    if columns(&why) <= room {
        return Some((weight, format!("{text}: {why}")));
    }
    let why = wrap(&why, width.saturating_sub(INDENT.len()));
    Some((weight, format!("{text}:\n{INDENT}{}", why.join(&format!("\n{INDENT}")))))
}
