//! A rehearsal: a whole campaign carried out on a copy of the tenant in memory, the first run
//! and the nights after it, under a clock that does not wait. Nothing leaves the process but
//! its files.
//!
//! The runs are `campaign`'s own, with the campaign's own settings; what is put in the place
//! of the world is the tenant (`emulator`), the way to it, and the guests who redeem.
//!
//! Leaves to others: the runtime with such a clock and the files (`cli`), and how it is told
//! (`report`).

mod calendar;
mod guests;
mod nights;
mod stage;
mod wire;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Time;

use crate::campaign::{Night, Refusal};
use crate::config::{Redeem, Settings};
use crate::emulator::{Options, TenantSeed};
use crate::manifest::Manifest;
use crate::plan::{Plan, Wave};
use crate::run::{RunResult, Summary};

pub use calendar::{Calendar, Day, Mailed};
pub use nights::{RehearsalError, rehearse};
pub use stage::{CHECKPOINT, MAILS, StageError};

/// What is to be rehearsed.
#[derive(Debug)]
pub struct Request<'a> {
    pub manifest: &'a Manifest,
    /// The campaign's own.
    pub settings: &'a Settings,
    /// The copy of the tenant.
    pub seed: TenantSeed,
    /// How it behaves. When it begins is said by `begin`.
    pub options: Options,
    pub begin: Timestamp,
    /// How many nights at most; None for as many as it takes.
    pub nights: Option<u32>,
    /// Who redeems; None for nobody.
    pub redeem: Option<Redeem>,
    /// Chooses who it is.
    pub luck: u64,
    /// Reset guests whose mail already matches, too.
    pub reset_matching: bool,
    /// How long each run may begin something.
    pub max_duration: Option<Duration>,
    /// Until when, by the time of day.
    pub until: Option<Time>,
    /// Where the checkpoint and mails as files go. Nothing of another rehearsal is in it.
    pub folder: &'a Path,
    /// What the end of a run is to the caller, for the record.
    pub codes: Codes,
}

/// The exit code of an `apply` and of a night.
#[derive(Debug, Clone, Copy)]
pub struct Codes {
    pub apply: fn(&RunResult) -> u8,
    pub night: fn(&Night) -> u8,
}

/// How a rehearsal came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Nothing more would happen, and nothing is left to do.
    Settled,
    /// Nothing more would happen, and rows still wait or are unknown.
    Stuck,
    /// So many nights were asked for, or are the most there are.
    OutOfNights,
    /// A guard refused a plan.
    Refused(Refusal),
    /// A run was stopped, and a person would have to look; its summary says why.
    Stopped,
    /// Somebody asked to end it.
    Interrupted,
}

/// A run of a rehearsal.
#[derive(Debug, Clone)]
pub struct Run {
    pub command: &'static str,
    /// 0 for an `apply`, then from 1.
    pub night: u32,
    pub began_at: Timestamp,
    pub ended_at: Timestamp,
    pub exit_code: u8,
    pub summary: Summary,
    /// Guests who were reminded; among the invited, but for those who got the same link.
    pub reminded: u64,
    /// The wave that it was in, if any.
    pub wave: Option<Wave>,
    /// Guests who had redeemed when it ended, since the rehearsal began.
    pub redeemed: u64,
    /// Whether anything happened in it.
    pub is_eventful: bool,
}

/// What would happen.
#[derive(Debug)]
pub struct Rehearsal {
    pub begun_at: Timestamp,
    /// When the last thing happened.
    pub last_at: Timestamp,
    /// What the clock showed at the end.
    pub ended_at: Timestamp,
    pub runs: Vec<Run>,
    pub mails: Calendar,
    /// Guests who redeemed.
    pub redeemed: u64,
    /// The first one.
    pub plan: Arc<Plan>,
    pub end: End,
}
