//! The `reinvite` program.

fn main() {}
