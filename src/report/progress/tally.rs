//! What is known of a run while it goes on, and the one line that tells it.
//! Time is handed in, so that the line is a plain function of it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::report::style::{Styles, count, paint};
use crate::report::text::{harmless, remaining};
use crate::run::{Event, Outcome, Phase};

/// The pace is taken over this long: shorter jumps, longer hides a change.
const WINDOW: Duration = Duration::from_secs(15);
/// Samples of the window, so that its memory does not grow with the pace.
const SAMPLE_EVERY: Duration = Duration::from_millis(500);
/// How long the reason of a retry stays on the line.
const RETRY_SHOWN: Duration = Duration::from_secs(5);
const BAR_COLUMNS: u64 = 20;

#[derive(Debug)]
pub(super) struct Tally {
    to_do: u64,
    finished: u64,
    invited: u64,
    failed: u64,
    unknown: u64,
    clearing: u64,
    patching: u64,
    settling: u64,
    inviting: u64,
    stopping: bool,
    throttled_until: Option<Instant>,
    retried: Option<(Instant, u64)>,
    /// What the run as a whole waits for, and until when at the latest.
    waiting: Option<(String, Instant)>,
    /// How long a row takes at the configured pace; None where that is not known.
    per_row: Option<Duration>,
    /// Moments, and rows finished by then; the oldest first. They begin with the first row
    /// that is finished, as before it there is only the wait until one is, and anew when
    /// all have waited.
    samples: VecDeque<(Instant, u64)>,
}

impl Tally {
    pub(super) fn new(per_row: Option<Duration>) -> Self {
        Self {
            to_do: 0,
            finished: 0,
            invited: 0,
            failed: 0,
            unknown: 0,
            clearing: 0,
            patching: 0,
            settling: 0,
            inviting: 0,
            stopping: false,
            throttled_until: None,
            retried: None,
            waiting: None,
            per_row,
            samples: VecDeque::new(),
        }
    }

    /// Takes in what happened.
    pub(super) fn note(&mut self, event: &Event, now: Instant) {
        match event {
            Event::Started { to_do } => self.to_do = *to_do,
            Event::RowEntered { line: _, from, to } => {
                self.waiting = None;
                self.leave(*from);
                *self.in_phase(*to) += 1;
            }
            Event::RowFinished { index: _, line: _, from, outcome } => {
                self.waiting = None;
                self.leave(*from);
                match outcome {
                    Outcome::Invited(_) => self.invited += 1,
                    Outcome::Failed(_) => self.failed += 1,
                    Outcome::Unknown { .. } => self.unknown += 1,
                    Outcome::AsWanted { .. } => {}
                    // The run is ending; the row stays to be done.
                    Outcome::NotAttempted { .. } | Outcome::Held => return,
                }
                self.finished += 1;
                self.sample(now);
            }
            Event::Throttled { scope: _, wait } => {
                self.throttled_until = self.throttled_until.max(now.checked_add(*wait));
            }
            Event::Retrying { .. } => {
                let recent = self.recent_retries(now);
                self.retried = Some((now, recent + 1));
            }
            Event::Stopping { .. } => self.stopping = true,
            Event::Waiting { line: None, why, at_most } => {
                self.samples.clear();
                self.waiting = now.checked_add(*at_most).map(|until| (why.clone(), until));
            }
            Event::CanaryPassed { rows: _ } => {
                self.samples.clear();
                self.waiting = None;
            }
            Event::Patched { line: _ }
            | Event::Waiting { .. }
            | Event::Noticed { .. }
            | Event::SignInNeeded { .. }
            | Event::Finished(_) => {}
        }
    }

    /// Rows that the run has to do.
    pub(super) fn to_do(&self) -> u64 {
        self.to_do
    }

    /// Rows that are done, however they ended.
    pub(super) fn finished(&self) -> u64 {
        self.finished
    }

    /// Until when the tenant has asked for patience, as far as was told.
    pub(super) fn throttled_until(&self) -> Option<Instant> {
        self.throttled_until
    }

    fn in_phase(&mut self, phase: Phase) -> &mut u64 {
        match phase {
            Phase::Clearing => &mut self.clearing,
            Phase::Patching => &mut self.patching,
            Phase::Settling => &mut self.settling,
            Phase::Inviting => &mut self.inviting,
        }
    }

    fn leave(&mut self, phase: Option<Phase>) {
        if let Some(phase) = phase {
            let rows = self.in_phase(phase);
            *rows = rows.saturating_sub(1);
        }
    }

    fn sample(&mut self, now: Instant) {
        match self.samples.back_mut() {
            Some((at, _)) if now.saturating_duration_since(*at) < SAMPLE_EVERY => {}
            Some(_) | None => self.samples.push_back((now, self.finished)),
        }
        // One sample from before the window stays: the window begins between two.
        while self.samples.get(1).is_some_and(|(at, _)| now.saturating_duration_since(*at) > WINDOW)
        {
            self.samples.pop_front();
        }
    }

    fn recent_retries(&self, now: Instant) -> u64 {
        match self.retried {
            Some((at, n)) if now.saturating_duration_since(at) < RETRY_SHOWN => n,
            Some(_) | None => 0,
        }
    }

    /// Rows per second over the window.
    fn pace(&self, now: Instant) -> Option<f64> {
        let in_window = |(at, _): &&(Instant, u64)| now.saturating_duration_since(*at) <= WINDOW;
        let (at, before) =
            self.samples.iter().find(in_window).or_else(|| self.samples.back()).copied()?;
        let elapsed = now.saturating_duration_since(at);
        if elapsed < Duration::from_secs(1) {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of guests are far below 2^52")]
        let rows = (self.finished - before) as f64;
        Some(rows / elapsed.as_secs_f64())
    }

    /// The line, without a line break: how far, how fast, how long, how well,
    /// and what is being waited for.
    pub(super) fn line(&self, now: Instant, styles: Styles) -> String {
        let filled = (self.finished * BAR_COLUMNS).checked_div(self.to_do).unwrap_or_default();
        let filled = usize::try_from(filled.min(BAR_COLUMNS)).unwrap_or_default();
        let empty = usize::try_from(BAR_COLUMNS).unwrap_or_default() - filled;
        let bar = format!("{}{}", "█".repeat(filled), "░".repeat(empty));
        self.told(format!("{bar} {}/{}", self.finished, self.to_do), now, styles)
    }

    /// The same for a file: with the share in place of a bar.
    pub(super) fn text(&self, now: Instant) -> String {
        let share = (self.finished * 100).checked_div(self.to_do).unwrap_or_default();
        let head = format!("{} of {} rows ({share} %)", self.finished, self.to_do);
        self.told(head, now, Styles::plain())
    }

    fn told(&self, head: String, now: Instant, styles: Styles) -> String {
        let mut parts = vec![head];
        let pace = self.pace(now);
        parts.extend(pace.map(|pace| format!("{pace:.1}/s")));
        if let Some(left) = self.time_left(pace).filter(|_| !self.stopping) {
            parts.push(format!("about {} left", remaining(left)));
        }
        // A problem comes before the rest, as a narrow terminal cuts the end.
        parts.extend(self.wait(now).map(|wait| paint(styles.attention, wait)));
        for (n, word, style) in [
            (self.failed, "failed", styles.bad),
            (self.unknown, "unknown", styles.attention),
            (self.invited, "invited", styles.good),
        ] {
            if n > 0 {
                parts.push(paint(style, format!("{n} {word}")));
            }
        }
        parts.join("  ")
    }

    /// How long the rest takes: as the rows of late did, and no less than the configured
    /// pace allows.
    fn time_left(&self, pace: Option<f64>) -> Option<Duration> {
        let left = self.to_do.saturating_sub(self.finished);
        let rows = u32::try_from(left).ok().filter(|rows| *rows > 0)?;
        let at_best = self.per_row.map(|per_row| per_row * rows);
        let at_pace =
            pace.and_then(|pace| Duration::try_from_secs_f64(f64::from(rows) / pace).ok());
        at_pace.max(at_best).filter(|left| *left >= Duration::from_secs(1))
    }

    /// Why it does not go faster, the foremost cause only.
    fn wait(&self, now: Instant) -> Option<String> {
        let in_flight = self.clearing + self.patching + self.settling + self.inviting;
        if self.stopping {
            return Some(format!("stopping, {} in flight", count(in_flight, "guest", "guests")));
        }
        if let Some(left) = self.throttled_until.map(|until| until.saturating_duration_since(now))
            && !left.is_zero()
        {
            return Some(format!("throttled by the tenant, {} left", remaining(left)));
        }
        let retries = self.recent_retries(now);
        if retries > 0 {
            return Some(format!("repeating {}", count(retries, "request", "requests")));
        }
        if let Some((why, until)) = &self.waiting {
            let left = remaining(until.saturating_duration_since(now));
            return Some(format!("{}, {left} at most", harmless(why)));
        }
        if self.patching + self.inviting > 0 {
            return None;
        }
        if self.settling > 0 {
            let wait = if self.settling == 1 { "waits" } else { "wait" };
            let guests = count(self.settling, "guest", "guests");
            return Some(format!("{guests} {wait} for the directory to replicate"));
        }
        (self.clearing > 0)
            .then(|| format!("settling {}", count(self.clearing, "lost answer", "lost answers")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use crate::run::{InvitedHow, StopReason};

    fn finished(from: Phase, outcome: Outcome) -> Event {
        Event::RowFinished { index: 0, line: 2, from: Some(from), outcome }
    }

    fn entered(from: Option<Phase>, to: Phase) -> Event {
        Event::RowEntered { line: 2, from, to }
    }

    struct Run(Tally, Instant);

    impl Run {
        fn new(to_do: u64) -> Self {
            let start = Instant::now();
            let mut tally = Tally::new(None);
            tally.note(&Event::Started { to_do }, start);
            Self(tally, start)
        }

        fn after(&mut self, seconds: u64, event: &Event) -> &mut Self {
            self.1 += Duration::from_secs(seconds);
            self.0.note(event, self.1);
            self
        }

        fn line(&self) -> String {
            self.0.line(self.1, Styles::plain())
        }
    }

    #[test]
    fn the_line_tells_position_pace_and_time_left() {
        let mut run = Run::new(100);
        for _ in 0..20 {
            run.after(0, &entered(None, Phase::Inviting))
                .after(1, &finished(Phase::Inviting, Outcome::Invited(InvitedHow::Accepted)));
        }
        run.after(0, &finished(Phase::Inviting, Outcome::Failed(sample::failure())));
        assert_eq!(
            run.line(),
            "████░░░░░░░░░░░░░░░░ 21/100  1.1/s  about 1 min 15 s left  1 failed  20 invited"
        );
    }

    #[test]
    fn a_wait_says_what_for() {
        let mut run = Run::new(100);
        run.after(0, &entered(None, Phase::Clearing));
        assert_eq!(run.line(), "░░░░░░░░░░░░░░░░░░░░ 0/100  settling 1 lost answer");
        run.after(0, &entered(None, Phase::Settling)).after(0, &entered(None, Phase::Settling));
        assert!(run.line().ends_with("2 guests wait for the directory to replicate"));
        run.after(0, &entered(Some(Phase::Settling), Phase::Inviting));
        assert!(run.line().ends_with("0/100"), "work goes on: {}", run.line());
        let why = "connection reset".to_owned();
        let wait = Duration::from_secs(1);
        run.after(0, &Event::Retrying { line: Some(2), attempt: 1, wait, why });
        assert!(run.line().ends_with("repeating 1 request"));
        run.after(0, &Event::Throttled { scope: None, wait: Duration::from_secs(20) });
        run.after(8, &Event::Patched { line: 2 });
        assert!(run.line().ends_with("throttled by the tenant, 12 s left"), "{}", run.line());
        run.after(0, &Event::Stopping { reason: StopReason::Interrupted, at_most: wait });
        assert!(run.line().ends_with("stopping, 3 guests in flight"), "{}", run.line());
    }

    /// The time that is left falls, whatever the run waits for: before the first row is
    /// finished, and while a canary is looked for, nothing is finished and no pace is one.
    #[test]
    fn the_time_left_does_not_climb_while_all_wait() {
        let accepted = || finished(Phase::Inviting, Outcome::Invited(InvitedHow::Accepted));
        let mut run = Run::new(100);
        run.0.per_row = Some(Duration::from_secs(2));
        run.after(0, &entered(None, Phase::Settling));
        assert!(run.line().contains(" 0/100  about 3 min 20 s left  1 guest waits"));
        run.after(16, &accepted()).after(1, &accepted());
        assert!(run.line().contains(" 2/100  1.0/s  about 3 min 16 s left"), "{}", run.line());
        let why = "the canary of line 2 is looked for in the directory".to_owned();
        let at_most = Duration::from_mins(5);
        run.after(0, &Event::Waiting { line: None, why, at_most });
        let shown = "about 3 min 16 s left  the canary of line 2 is looked for in the directory";
        assert!(run.line().contains(&format!("{shown}, 5 min at most")), "{}", run.line());
        run.after(200, &Event::Patched { line: 2 });
        assert!(run.line().contains(&format!("{shown}, 1 min 40 s at most")), "{}", run.line());
        // What is finished has not waited, as when the service is back.
        let why = "no way to the service".to_owned();
        run.after(0, &Event::Waiting { line: None, why, at_most });
        assert!(run.line().contains("no way to the service, 5 min at most"), "{}", run.line());
        run.after(0, &accepted());
        assert!(!run.line().contains("no way"), "{}", run.line());
        run.after(0, &Event::CanaryPassed { rows: 2 });
        assert!(!run.line().contains("canary"), "{}", run.line());
        // A pace below the configured one is what counts.
        run.after(1, &accepted()).after(6, &accepted()).after(6, &accepted());
        assert!(run.line().contains(" 6/100  0.2/s  about 9 min 24 s left"), "{}", run.line());
    }

    #[test]
    fn a_shorter_throttle_does_not_replace_a_longer_one() {
        let mut run = Run::new(1);
        run.after(0, &Event::Throttled { scope: None, wait: Duration::from_secs(20) });
        run.after(0, &Event::Throttled { scope: None, wait: Duration::from_secs(1) });
        assert!(run.line().ends_with("20 s left"));
    }

    #[test]
    fn the_pace_forgets_what_is_long_past() {
        let mut run = Run::new(10_000);
        for _ in 0..1000 {
            run.after(0, &finished(Phase::Inviting, Outcome::Invited(InvitedHow::Accepted)));
        }
        for _ in 0..60 {
            run.after(1, &finished(Phase::Inviting, Outcome::Invited(InvitedHow::Accepted)));
        }
        assert!(run.line().contains("  1.0/s  "), "{}", run.line());
        assert!(run.0.samples.len() < 40);
    }
}
