//! `reinvite` moves Microsoft Entra B2B guests to new email addresses in bulk.
//!
//! It reads a manifest, compares it with the live directory, shows the plan, and
//! carries it out through Microsoft Graph at the pace the tenant permits, never
//! inviting anyone twice, resumable from a checkpoint after any stop.
//!
//! The arrows between the modules point one way:
//!
//! ```text
//! main → cli ─┬→ config   manifest → plan ← run → graph → domain
//!             ├→ campaign ───────────────→ run, plan, graph, checkpoint
//!             ├→ doctor ───────────→ plan
//!             ├→ report ─────────────────→ run::event, plan, campaign, doctor, checkpoint::History
//!             ├→ checkpoint ←──────────── run
//!             └→ emulator → graph::wire
//! ```
//!
//! `program`, which runs programs that hand over a secret, knows none of them;
//! `config` and `graph` use it.

pub mod campaign;
pub mod checkpoint;
pub mod cli;
pub mod config;
pub mod doctor;
pub mod domain;
pub mod emulator;
pub mod graph;
pub mod manifest;
pub mod plan;
pub mod program;
pub mod report;
pub mod run;
