//! The figures as Markdown tables: of several rounds the best, and in brackets the
//! worst.

use std::io::{self, Write};
use std::thread::available_parallelism;

use super::calibration::Calibration;
use super::mailing::{Held, Mailing, PacedMails};
use super::paced::Paced;
use super::round::Round;

/// Requests of a row: read, write, invite.
const REQUESTS_PER_ROW: f64 = 3.0;

/// Guests in a page of Graph's. With only the properties that are needed, it costs one
/// resource unit.
const PAGE: u32 = 999;

const MIB: f64 = 1024.0 * 1024.0;

pub(super) struct Column {
    pub(super) rows: u32,
    pub(super) rounds: Vec<Round>,
}

/// Memory at one number of rows and requests in flight.
pub(super) struct Flat {
    pub(super) what: &'static str,
    pub(super) peak_bytes: Option<u64>,
}

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

    fn to(self, other: Self) -> Self {
        Self { best: self.best / other.best, worst: self.worst / other.best }
    }
}

/// What the machine gives, and what a campaign makes of it.
pub(super) fn speed(
    out: &mut dyn Write,
    calibrations: &[Calibration],
    columns: &[Column],
) -> io::Result<()> {
    let bare = Figure::most(calibrations, |c| Some(c.requests_per_second));
    let bare_cpu = Figure::least(calibrations, |c| c.client_cpu_per_request);
    let emulator_cpu = Figure::least(calibrations, |c| c.emulator_cpu_per_request);
    let commits = Figure::most(calibrations, |c| Some(c.commits_per_second));
    writeln!(
        out,
        "{} cores; bare reads of a guest {}, each {} of CPU in the bare client and {} in the \
         emulator; bare durable commits {}\n",
        available_parallelism().map_or(0, usize::from),
        show(bare, per_second),
        show(bare_cpu, micros),
        show(emulator_cpu, micros),
        show(commits, per_second),
    )?;
    heading(out, "without latency and quota", columns)?;
    let mut line = |what: &str, cell: &dyn Fn(&[Round]) -> String| {
        let cells: Vec<String> = columns.iter().map(|column| cell(&column.rounds)).collect();
        writeln!(out, "| {what} | {} |", cells.join(" | "))
    };
    let speed =
        |rounds: &[Round]| Figure::most(rounds, |r| Some(f64::from(r.rows) / r.sending_seconds));
    line("guests moved per second, durably", &|rounds| show(speed(rounds), whole))?;
    line("… of what bare requests alone would allow, at three a guest", &|rounds| {
        let allowed = bare.map(|bare| Figure { best: bare.best / REQUESTS_PER_ROW, ..bare });
        show(speed(rounds).zip(allowed).map(|(speed, allowed)| speed.to(allowed)), ratio)
    })?;
    let cpu = |rounds: &[Round]| {
        Figure::least(rounds, |r| Some(r.apply.cpu_seconds? / f64::from(r.rows)))
    };
    line("client CPU for a guest, planning included", &|rounds| show(cpu(rounds), micros))?;
    line("… in bare requests of CPU", &|rounds| {
        show(cpu(rounds).zip(bare_cpu).map(|(cpu, bare)| cpu.to(bare)), ratio)
    })?;
    line("emulator CPU for a guest", &|rounds| {
        show(Figure::least(rounds, |r| Some(r.emulator_cpu_seconds? / f64::from(r.rows))), micros)
    })?;
    line("peak memory of the client, apply", &|rounds| {
        show(Figure::least(rounds, |r| bytes(r.apply.peak_bytes?)), mib)
    })?;
    line("… and of the emulator", &|rounds| {
        show(Figure::least(rounds, |r| bytes(r.emulator_peak_bytes?)), mib)
    })?;
    line("checkpoint", &|rounds| show(Figure::least(rounds, |r| bytes(r.checkpoint_bytes)), mib))?;
    line("planning", &|rounds| {
        show(Figure::least(rounds, |r| Some(r.plan.elapsed.as_secs_f64())), seconds)
    })?;
    let count = |n: u64| u32::try_from(n).ok().map(f64::from);
    let least = |rounds: &[Round]| rounds.first().map_or(0, |round| round.rows.div_ceil(PAGE));
    line("planning requests (pages of guests alone)", &|rounds| {
        let requests = Figure::least(rounds, |r| count(r.plan_usage.requests));
        format!("{} ({})", show(requests, whole), least(rounds))
    })?;
    line("planning resource units (likewise)", &|rounds| {
        let units = Figure::least(rounds, |r| count(r.plan_usage.units));
        format!("{} ({})", show(units, whole), least(rounds))
    })?;
    line("apply of a finished campaign", &|rounds| {
        show(Figure::least(rounds, |r| Some(r.again.elapsed.as_secs_f64())), seconds)
    })?;
    line("… its requests", &|rounds| {
        show(Figure::least(rounds, |r| count(r.again_usage.requests)), whole)
    })
}

fn heading(out: &mut dyn Write, what: &str, columns: &[Column]) -> io::Result<()> {
    let cells = columns.iter().map(|Column { rows, rounds }| match rounds.len() {
        1 => format!("{rows} guests"),
        n => format!("{rows} guests, best (worst) of {n}"),
    });
    writeln!(out, "| {what} | {} |", cells.collect::<Vec<_>>().join(" | "))?;
    writeln!(out, "|---|{}", "--:|".repeat(columns.len()))
}

/// Memory by what is in flight.
pub(super) fn memory(out: &mut dyn Write, rows: u32, all: &[Flat]) -> io::Result<()> {
    writeln!(out, "\n| {rows} guests | peak memory of the client |\n|---|--:|")?;
    for Flat { what, peak_bytes } in all {
        let peak = peak_bytes.and_then(bytes).map(|best| Figure { best, worst: best });
        writeln!(out, "| {what} | {} |", show(peak, mib))?;
    }
    Ok(())
}

pub(super) fn pace(out: &mut dyn Write, all: &[Paced]) -> io::Result<()> {
    writeln!(
        out,
        "\n| against a quota, with latency | first to last write | optimum | ratio | refused | limited by |"
    )?;
    writeln!(out, "|---|--:|--:|--:|--:|---|")?;
    for Paced { setting, seconds: took, optimum, refused, limited_by } in all {
        let writes = 2.0 * f64::from(setting.guests);
        let share = u32::try_from(*refused).map_or(f64::NAN, f64::from) / writes * 100.0;
        writeln!(
            out,
            "| {} | {took:.1} s | {optimum:.1} s | {:.3} | {share:.2} % | {limited_by} |",
            setting.name,
            took / optimum,
        )?;
    }
    Ok(())
}

/// Each way beside the first.
pub(super) fn mailings(out: &mut dyn Write, all: &[Mailing]) -> io::Result<()> {
    let names: Vec<&str> = all.iter().map(|mailing| mailing.way.name()).collect();
    let rows = all.first().map_or(0, |mailing| mailing.rows);
    writeln!(out, "\n| {rows} guests mailed by | {} |", names.join(" | "))?;
    writeln!(out, "|---|{}", "--:|".repeat(all.len()))?;
    let mut line =
        |what: &str, value: &dyn Fn(&Mailing) -> Option<f64>, form: fn(f64) -> String| {
            let cells = all
                .iter()
                .map(|mailing| show(value(mailing).map(|best| Figure { best, worst: best }), form));
            writeln!(out, "| {what} | {} |", cells.collect::<Vec<_>>().join(" | "))
        };
    let each = |mailing: &Mailing, of: f64| of / f64::from(mailing.rows);
    let cpu = |mailing: &Mailing| Some(each(mailing, mailing.apply.cpu_seconds?));
    line("client CPU for a guest", &cpu, micros)?;
    let first = all.first().and_then(cpu);
    line("… of that by the first", &|mailing| Some(cpu(mailing)? / first?), ratio)?;
    let stored = |mailing: &Mailing| Some(each(mailing, bytes(mailing.checkpoint_bytes)?));
    line("checkpoint for a guest, bytes", &stored, whole)?;
    line("peak memory of the client", &|mailing| bytes(mailing.apply.peak_bytes?), mib)?;
    for mailing in all {
        if let Some(bytes) = mailing.mail_bytes {
            writeln!(out, "\nA mail by the built-in template has {bytes} bytes.")?;
        }
    }
    Ok(())
}

pub(super) fn paced_mails(out: &mut dyn Write, all: &[PacedMails]) -> io::Result<()> {
    writeln!(out, "\n| mails at a pace | run | optimum | ratio |\n|---|--:|--:|--:|")?;
    for PacedMails { way, mails, per_minute, seconds: took, optimum } in all {
        writeln!(
            out,
            "| {mails} by {}, {per_minute} a minute | {took:.1} s | {optimum:.1} s | {:.3} |",
            way.name(),
            took / optimum,
        )?;
    }
    Ok(())
}

pub(super) fn held(out: &mut dyn Write, all: &[Held]) -> io::Result<()> {
    writeln!(
        out,
        "\n| apply of a finished campaign | peak memory of the client | took | checkpoint |\n|---|--:|--:|--:|"
    )?;
    for Held { links, again, checkpoint_bytes } in all {
        let one = |value: Option<f64>, form: fn(f64) -> String| {
            show(value.map(|best| Figure { best, worst: best }), form)
        };
        writeln!(
            out,
            "| with {links} links held | {} | {} | {} |",
            one(again.peak_bytes.and_then(bytes), mib),
            one(Some(again.elapsed.as_secs_f64()), seconds),
            one(bytes(*checkpoint_bytes), mib),
        )?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, clippy::unnecessary_wraps, reason = "far below 2^52")]
fn bytes(bytes: u64) -> Option<f64> {
    Some(bytes as f64)
}

/// A figure that could not be measured shows as such.
fn show(figure: Option<Figure>, form: impl Fn(f64) -> String) -> String {
    let Some(Figure { best, worst }) = figure else { return "not measured".to_owned() };
    let (best, worst) = (form(best), form(worst));
    if best == worst { best } else { format!("{best} ({worst})") }
}

fn whole(value: f64) -> String {
    format!("{value:.0}")
}

fn ratio(value: f64) -> String {
    format!("{value:.2}")
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
