//! What a request leaves with the service, so that a support case can find it.

use serde::{Deserialize, Serialize};

/// The traces of a write: of its last attempt, if there were several.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trace {
    /// Requests sent for it; those that were turned away count too.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub requests: u32,
    /// HTTP status of the last answer; None when there was none.
    pub status: Option<u16>,
    /// The service's `request-id`.
    pub request_id: Option<String>,
    /// Our `client-request-id`, the only trace of a request that stayed unanswered.
    pub client_request_id: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_one(requests: &u32) -> bool {
    *requests == 1
}

fn one() -> u32 {
    1
}

impl Trace {
    /// Whether anything was sent.
    pub fn is_empty(&self) -> bool {
        self.requests == 0
    }
}
