//! What a campaign does, below its printing: what `apply`, `reconcile`, `remind`,
//! `verify`, `revert`, `aftercare`, `draft` and `snapshot` do, in their order. Nobody else knows it.
//!
//! `cli` reads the manifest, opens the checkpoint, prints and exits; here the directory
//! is read, the plan made, shown to the caller for review, and carried out. Time is the
//! client's clock, so that tests can drive a fortnight of nights.
//!
//! Leaves to others: every decision (`plan`), every step of a row (`run`).

mod aftercare;
mod apply;
mod arrivals;
mod carry_out;
mod correct;
mod deadline;
mod digest;
mod draft;
mod look;
mod night;
mod part;
mod prepare;
mod reach;
mod read;
mod revert;
mod row_names;
mod sample_mail;
mod samples;
mod session;
mod snapshot;
mod stored;
mod unfinished;
mod verify;
mod wave;

pub use aftercare::{Aftercare, LeftOut, MovedGuest, WhyLeftOut, aftercare};
pub use apply::{Applied, ApplyRequest, ResendReason, apply};
pub use arrivals::{Arrived, BouncedDomain, MailLook};
pub use carry_out::Night;
pub use correct::{Corrected, Correction};
pub use deadline::time_budget;
pub use digest::{Digest, Seen, Standing};
pub use draft::{DraftRequest, Drafting, draft};
pub use look::{Verification, verify};
pub use night::{NightRequest, Reconciled, reconcile};
pub use part::Part;
pub use prepare::{NightPlan, Scope};
pub use reach::tell_reach;
pub use read::{Asked, Read, read_and_plan};
pub use revert::{KeptError, RevertRequest, Reverted, WayBack, revert};
pub use row_names::RowName;
pub use sample_mail::sample_letter;
pub use samples::{SampleMail, Samples};
pub use session::{Carried, Host, Notice, Refusal, Review, Session};
pub use snapshot::{Snapshot, snapshot};
pub use unfinished::Unfinished;
pub use verify::{SettledAnswers, Unsettled, Verified};
pub use wave::SoFar;

use crate::checkpoint::CheckpointError;
use crate::delivery::PostError;
use crate::graph::CallError;

/// Why a command could not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// The tenant could not be asked.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The checkpoint can't be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// No mail of one's own can be written.
    #[error(transparent)]
    Post(#[from] PostError),
    /// What the checkpoint keeps of the manifest can't be read.
    #[error(transparent)]
    Kept(#[from] KeptError),
}
