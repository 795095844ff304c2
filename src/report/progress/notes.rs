//! Events as lines of text: one per finished row, one per notable event.

use std::time::{Duration, Instant};

use crate::plan::{Plan, PlannedRow};
use crate::report::row::{RowEnd, journey};
use crate::report::sign_in::sign_in_line;
use crate::report::style::{Styles, count, paint};
use crate::report::text::{fit, harmless, remaining};
use crate::run::{Event, Outcome, StopReason};

use super::tally::Tally;

/// Every request in flight is told to wait: a wait that ends less than this after
/// one already told is the same to a person.
const SAME_THROTTLE: Duration = Duration::from_secs(2);

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

/// The line for an event, if it has one. `tally` is the run before the event.
pub(super) fn note(
    event: &Event,
    plan: &Plan,
    tally: &Tally,
    now: Instant,
    styles: Styles,
) -> Option<(Weight, String)> {
    match event {
        Event::Started { to_do } => {
            Some((Weight::Notable, format!("{} to do", count(*to_do, "row", "rows"))))
        }
        Event::RowFinished { index, line, from: _, outcome } => {
            finished(plan.rows.get(*index), *line, outcome, styles)
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
            Some((Weight::Problem, paint(styles.bad, text)))
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
    styles: Styles,
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
    let word = paint(style, fit(end.outcome, 13));
    let text = format!("line {line:<5} {word} {}", journey(row));
    if weight < Weight::Problem {
        return Some((weight, text));
    }
    let message = harmless(&end.message.to_string());
    Some((weight, format!("{text}: {message} [{}]", harmless(end.reason))))
}
