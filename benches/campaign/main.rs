//! How fast a campaign goes, and what it costs: plan, apply and a second apply of
//! thousands of guests, by the real binary, against the emulator in a process of
//! its own, without latency and quota.
//!
//! ```text
//! cargo bench --bench campaign -- [--rows N] [--repeat N] [--in-flight N] [--quick]
//! ```
//!
//! Speed depends on the machine and on what else runs there. So the same run also
//! measures what the machine gives at most (`calibration`), and the table shows
//! ratios to that; of several rounds the best counts. Nothing is asserted about
//! time. That every guest is invited once and the second apply sends nothing is:
//! otherwise the figures would be of something else.

mod calibration;
mod process;
mod round;
mod table;

use std::error::Error;
use std::io::Write as _;

use clap::Parser;

use calibration::Calibration;
use round::{Round, Setup};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Measures a campaign.
#[derive(Debug, Parser)]
struct Args {
    /// Guests to move
    #[arg(long, default_value_t = 10_000)]
    rows: u32,

    /// Rounds, each against a fresh tenant
    #[arg(long, default_value_t = 3)]
    repeat: u32,

    /// Requests in flight
    #[arg(long, default_value_t = 64)]
    in_flight: usize,

    /// One round of 2,000 guests: to see that it works
    #[arg(long)]
    quick: bool,

    /// Cargo says so; it changes nothing
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Outcome<()> {
    let mut args = Args::parse();
    if args.quick {
        (args.rows, args.repeat) = (2_000, 1);
    }
    let setup = Setup { rows: args.rows.max(1), in_flight: args.in_flight.max(1) };
    let mut stderr = std::io::stderr();
    let mut calibrations = Vec::new();
    let mut rounds = Vec::new();
    for n in 1..=args.repeat.max(1) {
        writeln!(stderr, "round {n} of {}", args.repeat.max(1))?;
        // Before each round, so that a machine that is busy for a while slows both.
        calibrations.push(Calibration::measure(&setup)?);
        rounds.push(Round::measure(&setup)?);
    }
    table::print(&mut std::io::stdout().lock(), &setup, &calibrations, &rounds)?;
    Ok(())
}
