//! Carrying out a plan: order, concurrency, stopping, events.
//!
//! Leaves to others: what to do (`plan`), how a request travels and how fast
//! (`graph`), durability (`checkpoint`), and every word shown to a person
//! (`report`).

mod canary;
mod engine;
pub mod event;
mod limit;
mod lost_answer;
mod own_failure;
mod precheck;
mod request;
mod row;
mod stop;
mod summary;
mod tally;

pub use engine::{Observer, RunResult, RunSettings, carry_out};
pub use event::{Event, Failure, InvitedHow, MailEnd, Outcome, Phase, StopReason};
pub use limit::LimitedBy;
pub use lost_answer::{Horizon, Intent, LostAnswer, MOOT, NO_CHANGE, SUPERSEDED, Verdict};
pub use precheck::{Precheck, precheck};
pub use row::stop_reason;
pub use stop::Stop;
pub use summary::{Numbers, Summary};
