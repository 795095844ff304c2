//! What the tests of the promises are written with: a campaign against the
//! embedded tenant, and the wire between the two.

mod apply;
mod campaign;
mod command;
mod finished;
mod wire;

pub(crate) use campaign::{Campaign, address, id};
pub(crate) use command::{Command, Ended};
pub(crate) use finished::Finished;
pub(crate) use wire::{Cut, Sent};

use std::time::Duration;

/// Seconds, as a duration.
pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
