//! `reinvite` moves Microsoft Entra B2B guests to new email addresses in bulk.
//!
//! It reads a manifest, compares it with the live directory, shows the plan, and
//! carries it out through Microsoft Graph at the pace the tenant permits, never
//! inviting anyone twice, resumable from a checkpoint after any stop.
//!
//! The modules are rooms, and the arrows between them lead one way: `ARCHITECTURE.md`
//! has the picture, the way of a row through it, and the glossary; a test holds the two
//! together. `CONTRIBUTING.md` says how to work here.

pub mod campaign;
pub mod checkpoint;
pub mod cli;
pub mod config;
pub mod delivery;
pub mod doctor;
pub mod domain;
pub mod draft;
pub mod emulator;
pub mod files;
pub mod graph;
pub mod manifest;
pub mod notify;
pub mod plan;
pub mod program;
pub mod rehearsal;
pub mod report;
pub mod run;
pub mod text;
