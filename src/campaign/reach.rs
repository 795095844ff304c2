//! `plan --reach`: reads what hangs on the guests that a plan changes. Nothing is written to
//! the directory, and nothing of the plan depends on it.
//!
//! Leaves to others: what is read (`graph`), and what it means for a move (`plan`).

use std::sync::atomic::Ordering::Relaxed;

use crate::graph::{CallError, Graph};
use crate::plan::{Plan, Touched, guests_that_change};

/// Tells in the plan what its changes touch. Gives how many requests that took.
pub async fn tell_reach(graph: &Graph, plan: &mut Plan) -> Result<u64, CallError> {
    let before = graph.traffic().requests.load(Relaxed);
    let reach = graph.reach(&guests_that_change(plan)).await?;
    plan.touched = Some(Box::new(Touched::of(&reach)));
    Ok(graph.traffic().requests.load(Relaxed) - before)
}
