//! Carrying out a plan: order, concurrency, stopping, events.
//!
//! Leaves to others: what to do (`plan`), how a request travels and how fast
//! (`graph`), durability (`checkpoint`), and every word shown to a person
//! (`report`).

mod clear;
mod ending;
mod engine;
pub mod event;
mod limit;
mod precheck;
mod request;
mod row;
mod settle;
mod stop;
mod tally;

pub use clear::MOOT;
pub use ending::stop_reason;
pub use engine::{Observer, RunResult, RunSettings, carry_out};
pub use event::{Event, Failure, InvitedHow, Outcome, Phase, StopReason, Summary};
pub use limit::LimitedBy;
pub use precheck::{Precheck, precheck};
pub use request::patch as mail_patch;
pub use settle::{Settlement, settle};
pub use stop::Stop;
