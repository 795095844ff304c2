//! How fast a campaign goes, how well it keeps a pace, and what it costs, by the
//! real binary against the emulator in a process of its own.
//!
//! ```text
//! cargo bench --bench campaign -- [--rows N] [--large N] [--repeat N] [--mails] [--quick]
//! ```
//!
//! Speed depends on the machine and on what else runs there. So the same run also
//! measures what the machine gives at most (`calibration`), and the tables show
//! ratios to that; of several rounds the best counts. Nothing is asserted about
//! time. That every guest is invited once and the second apply sends nothing is:
//! otherwise the figures would be of something else.

mod calibration;
mod mailing;
mod paced;
mod process;
mod round;
mod table;
mod tenant;

use std::error::Error;
use std::io::Write as _;

use clap::Parser;

use calibration::Calibration;
use mailing::{Held, Mailing, PacedMails, Way};
use paced::Setting;
use round::Round;
use table::{Column, Flat};
use tenant::Pace;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Measures a campaign.
#[derive(Debug, Parser)]
struct Args {
    /// Guests to move
    #[arg(long, default_value_t = 10_000)]
    rows: u32,

    /// Guests to move in one large round; 0 for none
    #[arg(long, default_value_t = 100_000)]
    large: u32,

    /// Rounds, each against a fresh tenant
    #[arg(long, default_value_t = 3)]
    repeat: u32,

    /// Requests in flight
    #[arg(long, default_value_t = 64)]
    in_flight: usize,

    /// Some seconds of everything: to see that it works
    #[arg(long)]
    quick: bool,

    /// Mails of one's own alone
    #[arg(long)]
    mails: bool,

    /// Cargo says so; it changes nothing
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Outcome<()> {
    let mut args = Args::parse();
    if args.quick {
        (args.rows, args.large, args.repeat) = (2_000, 0, 1);
    }
    let (rows, repeat) = (args.rows.max(1), args.repeat.max(1));
    let mut stderr = std::io::stderr();
    let mut stdout = std::io::stdout();
    let unlimited = Pace::unlimited(args.in_flight.max(1));

    if args.mails {
        return mails(&args, &mut stdout);
    }
    let mut calibrations = Vec::new();
    let mut rounds = Vec::new();
    for n in 1..=repeat {
        writeln!(stderr, "{rows} guests, round {n} of {repeat}")?;
        // Before each round, so that a machine that is busy for a while slows both.
        calibrations.push(Calibration::measure(rows, &unlimited)?);
        rounds.push(Round::measure(rows, &unlimited)?);
    }
    let mut columns = vec![Column { rows, rounds }];
    if args.large > 0 {
        writeln!(stderr, "{} guests", args.large)?;
        let round = Round::measure(args.large, &unlimited)?;
        columns.push(Column { rows: args.large, rounds: vec![round] });
    }
    table::speed(&mut stdout, &calibrations, &columns)?;

    let mut flat = Vec::new();
    for (in_flight, settle_ms, what) in [
        (16, 0, "16 requests in flight"),
        (64, 0, "64 requests in flight"),
        (256, 0, "256 requests in flight"),
        (64, 3_000, "and thousands of rows waiting to be invited"),
    ] {
        writeln!(stderr, "{rows} guests, {what}")?;
        let round = Round::measure(rows, &Pace { settle_ms, ..Pace::unlimited(in_flight) })?;
        flat.push(Flat { what, peak_bytes: round.apply.peak_bytes });
    }
    table::memory(&mut stdout, rows, &flat)?;

    let mut paced = Vec::new();
    for setting in settings(args.quick) {
        writeln!(stderr, "{}", setting.name)?;
        paced.push(setting.measure()?);
    }
    table::pace(&mut stdout, &paced)?;
    mails(&args, &mut stdout)
}

/// What mails of one's own cost, and how they keep the pace of a mailbox.
fn mails(args: &Args, stdout: &mut std::io::Stdout) -> Outcome<()> {
    let mut stderr = std::io::stderr();
    let (rows, at_a_pace) = if args.quick { (500, 60) } else { (4_000, 600) };
    let mut mailings = Vec::new();
    for way in Way::ALL {
        writeln!(stderr, "{rows} guests mailed by {}", way.name())?;
        mailings.push(Mailing::measure(rows, way)?);
    }
    table::mailings(stdout, &mailings)?;
    let mut paced = Vec::new();
    for way in [Way::Mailbox, Way::Server] {
        writeln!(stderr, "{at_a_pace} mails at a pace, by {}", way.name())?;
        paced.push(PacedMails::measure(way, at_a_pace, 600)?);
    }
    table::paced_mails(stdout, &paced)?;
    let links = if args.large > 0 { args.large } else { rows };
    writeln!(stderr, "{links} links held")?;
    table::held(stdout, &Held::measure(links)?)?;
    Ok(())
}

/// Quotas ten times the documented rates, over a thirtieth of their windows: 200 writes
/// a second, 1,000 at once. Refusals by chance are against the preset `full`: faster,
/// their waits would overlap.
fn settings(quick: bool) -> [Setting; 6] {
    const WINDOW: f64 = 1.0 / 30.0;
    let guests = |guests: u32| if quick { guests / 8 } else { guests };
    let pace = Pace { writes_per_second: 200, burst: 100, in_flight: 256, settle_ms: 0 };
    let full = Pace { writes_per_second: 18, burst: 100, in_flight: 64, settle_ms: 0 };
    let known = Setting {
        name: "the configured pace is the quota",
        guests: guests(5_500),
        quota: 10.0,
        window: WINDOW,
        is_silent: false,
        refuse_every: None,
        pace,
    };
    let hidden = Setting {
        name: "a hidden quota at a third of the configured pace",
        guests: guests(2_000),
        quota: 10.0 / 3.0,
        ..known
    };
    [
        known,
        Setting {
            name: "the same, and all of its depth at once",
            pace: Pace { burst: 1_000, ..pace },
            ..known
        },
        hidden,
        Setting { name: "the same, without a word before it refuses", is_silent: true, ..hidden },
        Setting {
            name: "one in twenty refused whatever the pace",
            guests: guests(250),
            quota: 1.0,
            window: 1.0,
            refuse_every: Some(20),
            pace: full,
            ..known
        },
        Setting {
            name: "that, and a hidden third without a word",
            guests: guests(250),
            quota: 0.3,
            is_silent: true,
            refuse_every: Some(20),
            pace: full,
            ..known
        },
    ]
}
