//! What a person is told who has to sign in with a browser.
//!
//! Leaves to others: where that is shown.

use std::time::Duration;

use super::text::{harmless, remaining};

/// The sentence for a page, a code, and how long the code is valid.
pub fn sign_in_line(url: &str, code: &str, valid_for: Duration) -> String {
    format!(
        "to sign in, open {} in a browser and enter the code {} within {}",
        harmless(url),
        harmless(code),
        remaining(valid_for)
    )
}
