//! What a campaign does, below its printing: what `reconcile`, `remind` and `verify` do,
//! in their order.
//!
//! It stands between `cli` and `run`: `cli` reads the manifest, asks, prints and
//! exits; here the directory is read, the plan made and rationed, carried out, drift
//! put right, and the guests looked at again. Its time is the client's clock, so that
//! tests can drive a fortnight of nights.
//!
//! Leaves to others: every decision (`plan`), every step of a row (`run`).

mod carry_out;
mod correct;
mod digest;
mod kept;
mod names;
mod prepare;
mod read;
mod verify;

pub use carry_out::{Night, carry_out};
pub use correct::{Corrected, Correction};
pub use digest::{Digest, Seen, Standing};
pub use kept::manifest_row;
pub use names::RowName;
pub use prepare::{Eve, Scope, prepare};
pub use read::{Asked, Read, read_and_plan};
pub use verify::{Unsettled, Verified, verify};

use crate::checkpoint::CheckpointError;
use crate::graph::CallError;

/// Why a night could not be prepared, or its guests not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum NightError {
    /// The tenant could not be asked.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The checkpoint can't be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}
