//! What the commands share that carry out a plan: deadlines, guards' refusals, showing
//! what happens, and what is kept of a run.

use std::collections::BTreeSet;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use indicatif::ProgressDrawTarget;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::runtime::Runtime;

use crate::checkpoint::{Checkpoint, Journal, LastRun};
use crate::config::Settings;
use crate::config::args::BudgetArgs;
use crate::manifest::Manifest;
use crate::plan::Plan;
use crate::report::{Progress, ProgressMode, apply_json};
use crate::run::{Event, LimitedBy, Observer, RunSettings, Stop, StopReason, Summary};

use super::Exit;
use super::connect::Sink;
use super::failure::Failure;
use super::planning::Context;
use super::ui::Ui;

/// Failed rows shown per code in the summary without `-v`.
pub(super) const ROWS_PER_CODE: usize = 10;

/// After so long without an event, what was told before must be visible.
const IDLE: Duration = Duration::from_millis(200);

/// A checkpoint is one campaign's, and its manifest has a name.
pub(super) fn warn_of_other_manifest(
    checkpoint: &Checkpoint,
    manifest: &Manifest,
    ui: &Ui,
) -> Result<(), Failure> {
    if let Some(earlier) = checkpoint.manifest()?.filter(|earlier| *earlier != manifest.name) {
        ui.warn(format_args!(
            "this checkpoint is of {earlier}; from now on `status` accounts for the rows of {}, and apart for the guests that are in none of them",
            manifest.name
        ));
    }
    Ok(())
}

/// The reading before a plan can take long, too: the time budget counts from the
/// beginning.
pub(super) fn stop_at(runtime: &Runtime, deadline: Option<tokio::time::Instant>, stop: &Stop) {
    if let Some(deadline) = deadline {
        let stop = stop.clone();
        runtime.spawn(async move {
            tokio::time::sleep_until(deadline).await;
            stop.request(StopReason::TimeBudget);
        });
    }
}

/// Ends a run that a guard refused: nothing was sent, every row is accounted for.
pub(super) fn refused(
    plan: &Plan,
    reason: StopReason,
    advice: &str,
    ui: &Ui,
) -> Result<Exit, Failure> {
    let message = reason.to_string();
    let summary = Summary {
        rows: plan.counts.rows,
        settled: plan.counts.settled,
        blocked: plan.counts.blocked,
        not_attempted: plan.counts.change,
        stop_reason: Some(reason),
        ..Summary::default()
    };
    ui.chronicle.counted(&summary);
    let exit = Exit::of(&summary);
    if ui.json() {
        // A reader that is gone must not turn the refusal into success.
        let none = vec![None; plan.rows.len()];
        let _ = apply_json(&mut ui.stdout(), plan, &none, &summary, exit.code());
    }
    Err(Failure::new(exit, anyhow::anyhow!(message)).hint(advice).told())
}

/// Carries out a plan while a thread of its own shows what happens. The work is given
/// whom to tell.
pub(super) fn shown<T>(
    context: &Context<'_>,
    plan: &Plan,
    journal: &Journal,
    sink: &Sink,
    work: impl FnOnce(&Context<'_>, Observer<'_>) -> T,
) -> T {
    let ui = context.ui;
    let mode = if ui.quiet {
        ProgressMode::Quiet(Box::new(anstream::stderr()))
    } else if ui.can_animate() {
        ProgressMode::Bar(ProgressDrawTarget::stderr())
    } else {
        ProgressMode::Lines(Box::new(anstream::stderr()))
    };
    let (events, shown) = mpsc::channel::<Event>();
    let forward = events.clone();
    let waits = journal.waits();
    sink.redirect(move |event| {
        if let Event::Throttled { scope, wait } = &event {
            waits.note(Timestamp::now(), scope.as_deref(), wait.as_secs_f64());
        }
        drop(forward.send(event));
    });
    std::thread::scope(|scope| {
        let mut progress = Progress::new(mode, plan, ui.styles_err());
        let is_shown = ui.is_read_by_a_person();
        scope.spawn(move || {
            loop {
                match shown.recv_timeout(IDLE) {
                    Ok(event) => {
                        ui.chronicle.event(&event, Some(plan));
                        if is_shown {
                            progress.on_event(&event);
                        }
                        if matches!(event, Event::Finished(_)) {
                            break;
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => progress.on_idle(),
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
        });
        let observe = |event| drop(events.send(event));
        work(context, &observe)
    })
}

/// The run's numbers, as they are kept with it.
pub(super) fn numbers(summary: &Summary) -> serde_json::Value {
    serde_json::json!({
        "rows": summary.rows,
        "invited": summary.invited,
        "patched": summary.patched,
        "settled": summary.settled,
        "blocked": summary.blocked,
        "failed": summary.failed,
        "unknown": summary.unknown,
        "not_attempted": summary.not_attempted,
        "retries": summary.retries,
        "throttled": summary.throttled,
        "elapsed_seconds": summary.elapsed.as_secs_f64(),
        "limited_by": summary.limited_by.map(LimitedBy::code),
    })
}

/// Until when an earlier run may have sent something, at the latest. One that did not
/// say when it ended was killed, and may have until just before this one took the lock;
/// and none did after that, whatever a clock that was fast made it say.
pub(super) fn earlier_runs_ended_at(last_run: Option<&LastRun>, now: Timestamp) -> Timestamp {
    last_run.and_then(|run| run.ended_at).map_or(now, |ended_at| ended_at.min(now))
}

pub(super) fn run_settings(
    settings: &Settings,
    deadline: Option<tokio::time::Instant>,
    last_run: Option<&LastRun>,
    probe: bool,
) -> RunSettings {
    RunSettings {
        settle: settings.pace.settle,
        replication_lag: settings.pace.replication_lag,
        max_failures: settings.guards.max_failures,
        canary: settings.guards.canary.unwrap_or(0),
        deadline,
        stop_file: settings.guards.stop_file.clone(),
        writes_per_second: settings.pace.writes_per_second,
        requests_in_flight: settings.pace.requests_in_flight,
        probe,
        earlier_runs_ended_at: earlier_runs_ended_at(last_run, Timestamp::now()),
        held: BTreeSet::new(),
        reminders_until: None,
    }
}

/// When to stop starting rows: the earlier of `--max-duration` and `--until`.
pub(super) fn deadline(budget: &BudgetArgs, started: Instant) -> Option<tokio::time::Instant> {
    let by_time = budget.until.map(|until| time_left(until, Timestamp::now()));
    let left = match (budget.max_duration, by_time) {
        (Some(one), Some(other)) => one.min(other),
        (one, other) => one.or(other)?,
    };
    Some(tokio::time::Instant::from_std(started) + left)
}

/// From now until the next time the clock in UTC shows this time of day.
fn time_left(until: jiff::civil::Time, now: Timestamp) -> Duration {
    let now = now.to_zoned_datetime(TimeZone::UTC);
    let today = now.date().to_datetime(until).to_zoned_datetime(TimeZone::UTC);
    let next = today.map(|today| {
        if today > now { today } else { today.saturating_add(jiff::Span::new().days(1)) }
    });
    next.ok()
        .and_then(|next| Duration::try_from(next.duration_since(&now)).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_run_ended_when_it_said_and_never_in_the_future() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let run = |ended_at: Option<&str>| LastRun {
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: ended_at.map(|at| at.parse().unwrap()),
            stop_reason: None,
            exit_code: None,
        };
        let yesterday = run(Some("2026-11-20T12:00:00Z"));
        assert_eq!(earlier_runs_ended_at(Some(&yesterday), now), yesterday.ended_at.unwrap());
        let tomorrow = run(Some("2026-11-22T12:00:00Z"));
        for last_run in [None, Some(&run(None)), Some(&tomorrow)] {
            assert_eq!(earlier_runs_ended_at(last_run, now), now, "{last_run:?}");
        }
    }
}
