//! The figures as a table: the best of all rounds, how far the worst was from it,
//! and each as a ratio to what the machine gives.

use std::io::{self, Write};
use std::thread::available_parallelism;

use super::calibration::Calibration;
use super::process::Used;
use super::round::{Round, Setup};

/// Requests of a row: read, write, invite.
const REQUESTS_PER_ROW: f64 = 3.0;

/// Guests in a page of Graph's.
const PAGE: u32 = 999;

const MIB: f64 = 1024.0 * 1024.0;

/// A figure of several rounds.
#[derive(Clone, Copy)]
struct Figure {
    best: f64,
    worst: f64,
}

impl Figure {
    /// The least of the values is the best; None when a value is missing.
    fn least<T>(of: &[T], value: impl Fn(&T) -> Option<f64>) -> Option<Self> {
        let values: Vec<f64> = of.iter().map(value).collect::<Option<_>>()?;
        let best = values.iter().copied().reduce(f64::min)?;
        let worst = values.iter().copied().reduce(f64::max)?;
        Some(Self { best, worst })
    }

    fn most<T>(of: &[T], value: impl Fn(&T) -> Option<f64>) -> Option<Self> {
        let Self { best, worst } = Self::least(of, value)?;
        Some(Self { best: worst, worst: best })
    }
}

/// The table as it grows.
struct Table<'a> {
    out: &'a mut dyn Write,
}

impl Table<'_> {
    /// A line; a figure that could not be measured shows as such.
    fn line(
        &mut self,
        what: &str,
        figure: Option<Figure>,
        show: impl Fn(f64) -> String,
        note: &str,
    ) -> io::Result<()> {
        let (best, worst) = match figure {
            Some(Figure { best, worst }) => (show(best), format!("({})", show(worst))),
            None => ("not measured".to_owned(), String::new()),
        };
        writeln!(self.out, "  {what:<32} {best:>14} {worst:>14}  {note}")
    }
}

pub(super) fn print(
    out: &mut dyn Write,
    setup: &Setup,
    calibrations: &[Calibration],
    rounds: &[Round],
) -> io::Result<()> {
    let rows = f64::from(setup.rows);
    let cores = available_parallelism().map_or(0, usize::from);
    writeln!(
        out,
        "{} guests, {} requests in flight, {cores} cores; best of {} (worst)\n",
        setup.rows,
        setup.in_flight,
        rounds.len()
    )?;
    let mut table = Table { out };

    writeln!(table.out, "the machine")?;
    let bare = Figure::most(calibrations, |c| Some(c.requests_per_second));
    let bare_cpu = Figure::least(calibrations, |c| c.client_cpu_per_request);
    let bare_emulator = Figure::least(calibrations, |c| c.emulator_cpu_per_request);
    let commits = Figure::most(calibrations, |c| Some(c.commits_per_second));
    table.line("bare reads of a guest", bare, per_second, "")?;
    table.line("CPU of the bare client for one", bare_cpu, micros, "")?;
    table.line("CPU of the emulator for one", bare_emulator, micros, "")?;
    table.line("durable commits", commits, per_second, "")?;

    writeln!(table.out, "\napply")?;
    let speed = Figure::most(rounds, |r| Some(rows / r.sending_seconds));
    let against = ratio(speed.map(|s| s.best * REQUESTS_PER_ROW), bare);
    let note = format!("{against} of bare requests, at {REQUESTS_PER_ROW} a row");
    table.line("durable rows", speed, per_second, &note)?;
    let cpu = Figure::least(rounds, |r| Some(r.apply.cpu_seconds? / rows));
    let against = ratio(cpu.map(|c| c.best / REQUESTS_PER_ROW), bare_cpu);
    let note = format!("{against} of {REQUESTS_PER_ROW} bare requests, planning included");
    table.line("CPU of the client for a row", cpu, micros, &note)?;
    let emulator = Figure::least(rounds, |r| Some(r.emulator_cpu_seconds? / rows));
    let against = ratio(emulator.map(|c| c.best / REQUESTS_PER_ROW), bare_emulator);
    let note = format!("{against} of {REQUESTS_PER_ROW} bare requests, planning included");
    table.line("CPU of the emulator for a row", emulator, micros, &note)?;
    let per_row = |figure: Option<Figure>| {
        figure.map_or(String::new(), |f| format!("{:.2} KiB a row", f.best / 1024.0 / rows))
    };
    let memory = Figure::least(rounds, |r| peak(&r.apply));
    table.line("peak memory of the client", memory, mib, &per_row(memory))?;
    let memory = Figure::least(rounds, |r| bytes(r.emulator_peak_bytes?));
    table.line("peak memory of the emulator", memory, mib, &per_row(memory))?;
    let file = Figure::least(rounds, |r| bytes(r.checkpoint_bytes));
    table.line("checkpoint", file, mib, &per_row(file))?;

    let least = setup.rows.div_ceil(PAGE);
    let requests = |requests: fn(&Round) -> u64| {
        Figure::least(rounds, |r| u32::try_from(requests(r)).ok().map(f64::from))
    };
    let note = format!("{least} pages of guests are the least possible");
    for (name, used, sent) in [
        ("plan", (|r| &r.plan) as fn(&Round) -> &Used, (|r| r.plan_requests) as fn(&Round) -> u64),
        ("apply of a finished campaign", |r| &r.again, |r| r.again_requests),
    ] {
        writeln!(table.out, "\n{name}")?;
        let elapsed = Figure::least(rounds, |r| Some(used(r).elapsed.as_secs_f64()));
        table.line("time", elapsed, seconds, "")?;
        let cpu = Figure::least(rounds, |r| Some(used(r).cpu_seconds? / rows));
        table.line("CPU of the client for a row", cpu, micros, "")?;
        let memory = Figure::least(rounds, |r| peak(used(r)));
        table.line("peak memory of the client", memory, mib, &per_row(memory))?;
        table.line("requests", requests(sent), |n| format!("{n:.0}"), &note)?;
    }
    Ok(())
}

fn peak(used: &Used) -> Option<f64> {
    bytes(used.peak_bytes?)
}

#[expect(clippy::cast_precision_loss, clippy::unnecessary_wraps, reason = "far below 2^52")]
fn bytes(bytes: u64) -> Option<f64> {
    Some(bytes as f64)
}

fn ratio(figure: Option<f64>, to: Option<Figure>) -> String {
    match (figure, to) {
        (Some(figure), Some(to)) => format!("{:.2}", figure / to.best),
        _ => "?".to_owned(),
    }
}

fn per_second(value: f64) -> String {
    format!("{value:.0}/s")
}

fn micros(seconds: f64) -> String {
    format!("{:.1} µs", seconds * 1e6)
}

fn mib(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / MIB)
}

fn seconds(value: f64) -> String {
    format!("{value:.2} s")
}
