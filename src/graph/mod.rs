//! All HTTP: client, wire types, pace, retry, sign-in and the service's errors.
//!
//! Leaves to others: what to ask for and in which order (`run`), and what the
//! answers mean for a guest (`plan`).

pub mod wire;
