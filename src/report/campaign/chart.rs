//! Charts as geometry: redemption over the campaign, and throughput with its waits
//! over the last run that invited anyone. Each comes with its numbers as a table, for
//! those who can't or won't look at a picture.
//!
//! Leaves to others: the marks that draw it (`report.html`).

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::checkpoint::RunRecord;

use super::ReportOptions;
use super::row::RowView;
use super::view::Campaign;

/// Size of the drawing, in its own units.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 240.0;
/// Room for the axes' labels.
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 28.0;
const TOP: f64 = 10.0;
const RIGHT: f64 = 12.0;

/// Points along the time axis: what a screen can tell apart.
const STEPS: usize = 60;

/// A chart, ready to be drawn.
#[derive(Debug, Serialize)]
pub(super) struct Chart {
    pub(super) title: String,
    /// What is to be seen, in a sentence.
    pub(super) about: String,
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    base: f64,
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
    lines: Vec<Line>,
    bars: Vec<Box>,
    bands: Vec<Box>,
    pub(super) table: Table,
}

#[derive(Debug, Serialize)]
struct Tick {
    at: f64,
    label: String,
}

#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    path: String,
}

#[derive(Debug, Serialize)]
struct Box {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// The numbers behind a chart.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// A span of time cut into steps.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: Timestamp,
    to: Timestamp,
    steps: usize,
}

impl Span {
    fn seconds(self) -> f64 {
        self.to.duration_since(self.from).as_secs_f64().max(0.001)
    }

    /// Where in the span a moment is, from 0 to 1.
    fn share(self, at: Timestamp) -> f64 {
        (at.duration_since(self.from).as_secs_f64() / self.seconds()).clamp(0.0, 1.0)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of some dozens of steps"
    )]
    fn step(self, at: Timestamp) -> usize {
        ((self.share(at) * self.steps as f64) as usize).min(self.steps - 1)
    }

    #[expect(clippy::cast_precision_loss, reason = "some dozens of steps")]
    fn x(self, step: usize) -> f64 {
        round(LEFT + (WIDTH - LEFT - RIGHT) * step as f64 / self.steps as f64)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "milliseconds within a campaign"
    )]
    fn begin(self, step: usize) -> Timestamp {
        let ms = self.seconds() * 1000.0 * step as f64 / self.steps as f64;
        self.from.saturating_add(SignedDuration::from_millis(ms as i64)).unwrap_or(self.to)
    }
}

/// Invitations and redemptions over the campaign, cumulated. None before the first
/// invitation, and before anyone has looked for redemptions.
pub(super) fn redemption(campaign: &Campaign, options: ReportOptions) -> Option<Chart> {
    campaign.history.looked_at?;
    let (mut invited, mut redeemed) = (Vec::new(), Vec::new());
    for row in campaign.rows() {
        let view = RowView::new(row, options);
        invited.extend(view.invited_at);
        redeemed.extend(view.redeemed_at);
    }
    let from = *invited.iter().min()?;
    let span = Span { from, to: options.now.max(from), steps: STEPS };
    let (invited, redeemed) = (cumulated(&invited, span), cumulated(&redeemed, span));
    let (all, back) = (*invited.last()?, *redeemed.last()?);
    let scale = Scale::up_to(to_f64(all));
    let rows = (0..span.steps).map(|step| {
        vec![label(span, step + 1), invited[step].to_string(), redeemed[step].to_string()]
    });
    Some(Chart {
        about: format!("{back} of {all} invited guests have redeemed."),
        lines: vec![
            Line { name: "invited", path: scale.path(&invited, span) },
            Line { name: "redeemed", path: scale.path(&redeemed, span) },
        ],
        table: Table { head: vec!["Until (UTC)", "Invited", "Redeemed"], rows: rows.collect() },
        ..Chart::empty("Redemption over time", span, &scale)
    })
}

/// Invitations a minute over the last run that invited anyone, with the waits that the
/// tenant imposed.
pub(super) fn throughput(campaign: &Campaign, options: ReportOptions) -> Option<Chart> {
    let history = &campaign.history;
    let (run, last) = *history.invitations.last()?;
    let run: &RunRecord = history.runs.iter().find(|record| record.id == run)?;
    let to = match run.ended_at {
        Some(ended_at) => ended_at.max(last),
        None if history.status.held_by.is_some() => options.now.max(last),
        None => last,
    };
    let from = run.started_at.min(last);
    let span = Span { from, to: to.max(from), steps: STEPS };
    let mut counts = vec![0_u64; span.steps];
    for (_, at) in history.invitations.iter().filter(|(of, _)| *of == run.id) {
        counts[span.step(*at)] += 1;
    }
    let minutes = span.seconds() / 60.0 / to_f64(span.steps as u64);
    let rates: Vec<f64> = counts.iter().map(|count| to_f64(*count) / minutes).collect();
    let scale = Scale::up_to(rates.iter().copied().fold(1.0, f64::max));
    let waits: Vec<_> = history.waits.iter().filter(|wait| wait.run == run.id).collect();
    let bands = waits.iter().map(|wait| {
        let end = SignedDuration::try_from_secs_f64(wait.seconds.clamp(0.0, 86_400.0));
        let end = wait.at.saturating_add(end.unwrap_or_default()).unwrap_or(wait.at);
        let x = |at| LEFT + (WIDTH - LEFT - RIGHT) * span.share(at);
        Box {
            x: round(x(wait.at)),
            y: TOP,
            width: round((x(end) - x(wait.at)).max(1.0)),
            height: HEIGHT - BOTTOM - TOP,
        }
    });
    let bars = rates.iter().enumerate().filter(|(_, rate)| **rate > 0.0).map(|(step, rate)| {
        let (x, y) = (span.x(step), scale.y(*rate));
        let width = round((span.x(step + 1) - x - 1.0).max(1.0));
        Box { x, y, width, height: round(HEIGHT - BOTTOM - y) }
    });
    let waited: f64 = waits.iter().map(|wait| wait.seconds).sum();
    let sent: u64 = counts.iter().sum();
    let per_minute = to_f64(sent) / (span.seconds() / 60.0);
    let rows = (0..span.steps).map(|step| {
        let within = waits.iter().filter(|wait| span.step(wait.at) == step);
        let waited: f64 = within.map(|wait| wait.seconds).sum();
        vec![label(span, step), counts[step].to_string(), format!("{waited:.0}")]
    });
    let throttled = match waits.len() {
        0 => "The tenant imposed no wait.".to_owned(),
        1 => format!("The tenant imposed one wait of {waited:.0} s."),
        many => format!("The tenant imposed {many} waits, {waited:.0} s together."),
    };
    Some(Chart {
        about: format!("{sent} invitations, {per_minute:.0} a minute on average. {throttled}"),
        bands: bands.collect(),
        bars: bars.collect(),
        table: Table {
            head: vec!["From (UTC)", "Invitations", "Seconds of waits begun"],
            rows: rows.collect(),
        },
        ..Chart::empty("Invitations a minute in the last run that invited", span, &scale)
    })
}

impl Chart {
    fn empty(title: &str, span: Span, scale: &Scale) -> Self {
        let x_ticks = (0..=4).map(|quarter| {
            let step = span.steps * quarter / 4;
            Tick { at: span.x(step), label: label(span, step) }
        });
        let y_ticks = (0..=scale.ticks).map(|tick| {
            let value = to_f64(tick) * scale.tick;
            Tick { at: scale.y(value), label: number(value) }
        });
        Self {
            title: title.to_owned(),
            about: String::new(),
            width: WIDTH,
            height: HEIGHT,
            left: LEFT,
            right: WIDTH - RIGHT,
            base: HEIGHT - BOTTOM,
            x_ticks: x_ticks.collect(),
            y_ticks: y_ticks.collect(),
            lines: Vec::new(),
            bars: Vec::new(),
            bands: Vec::new(),
            table: Table { head: Vec::new(), rows: Vec::new() },
        }
    }
}

/// The vertical axis: round numbers from nothing to a little more than the most.
struct Scale {
    tick: f64,
    ticks: u64,
}

impl Scale {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few ticks")]
    fn up_to(most: f64) -> Self {
        let rough = (most / 4.0).max(0.25);
        let power = 10_f64.powf(rough.log10().floor());
        let tick = [1.0, 2.0, 5.0, 10.0]
            .iter()
            .map(|factor| factor * power)
            .find(|tick| *tick >= rough)
            .unwrap_or(rough)
            .max(1.0);
        Self { tick, ticks: (most / tick).ceil().max(1.0) as u64 }
    }

    fn y(&self, value: f64) -> f64 {
        let most = self.tick * to_f64(self.ticks);
        round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value / most).min(1.0))
    }

    /// A line through the values at the ends of the steps, from nothing.
    fn path(&self, values: &[u64], span: Span) -> String {
        let mut path = format!("M{LEFT} {}", self.y(0.0));
        for (step, value) in values.iter().enumerate() {
            let _ = write!(path, "L{} {}", span.x(step + 1), self.y(to_f64(*value)));
        }
        path
    }
}

fn cumulated(moments: &[Timestamp], span: Span) -> Vec<u64> {
    let mut counts = vec![0; span.steps];
    for at in moments {
        counts[span.step(*at)] += 1;
    }
    let mut sum = 0;
    for count in &mut counts {
        sum += *count;
        *count = sum;
    }
    counts
}

/// A moment as the axis shows it: with seconds in a short span, with days in a long.
fn label(span: Span, step: usize) -> String {
    let format = match span.seconds() {
        ..600.0 => "%H:%M:%S",
        600.0..86_400.0 => "%H:%M",
        86_400.0..518_400.0 => "%m-%d %H:%M",
        _ => "%Y-%m-%d",
    };
    span.begin(step).to_zoned_datetime(TimeZone::UTC).strftime(format).to_string()
}

fn number(value: f64) -> String {
    if value >= 10_000.0 { format!("{:.0}k", value / 1000.0) } else { format!("{value:.0}") }
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows, far below 2^52")]
fn to_f64(count: u64) -> f64 {
    count as f64
}
