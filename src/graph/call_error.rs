//! Why a call gave no result, and what certainly did not happen then.
//!
//! Leaves to others: what an answer means (`catalogue`).

use http::StatusCode;

use super::answer::Foreign;
use super::auth::AuthError;
use super::catalogue::Verdict;
use super::pace::Stopped;
use super::refusal::Refusal;
use super::transport::TransportError;

/// Why a call gave no result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// The run is stopping; nothing was sent.
    #[error("the run is stopping, and asks the tenant nothing more")]
    Stopped,
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The service can't be reached; nothing was sent.
    #[error("cannot reach {0}")]
    Unreachable(TransportError),
    /// An invitation was turned away, or held off before it was sent: certainly not
    /// carried out. The hold-off is noted; the next turn comes after it.
    #[error("throttled")]
    Throttled {
        /// Whether the service turned it away, rather than a hold-off of others.
        by_service: bool,
    },
    /// Turned away so often that going on makes no sense now.
    #[error("throttled {0} times in a row without getting through")]
    ThrottledOut(u32),
    #[error("{refusal}")]
    Refused { refusal: Box<Refusal>, verdict: Verdict },
    /// Not the service answered, time after time: true of every request, and no verdict
    /// on any guest.
    #[error("{0}")]
    Foreign(Box<Foreign>),
    /// It may or may not have been carried out.
    #[error("{evidence}")]
    Lost { evidence: String },
    /// An answer that breaks the protocol.
    #[error("the service's answer can't be used: {0}")]
    Protocol(String),
}

impl From<Stopped> for CallError {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}

impl CallError {
    /// Whether the service said that there is no such thing, or that this caller
    /// or this server does not do it: what an optional read can live without.
    pub(super) fn is_unavailable(&self) -> bool {
        match self {
            Self::Refused { refusal, .. } => matches!(
                refusal.status,
                StatusCode::BAD_REQUEST
                    | StatusCode::FORBIDDEN
                    | StatusCode::NOT_FOUND
                    | StatusCode::METHOD_NOT_ALLOWED
                    | StatusCode::NOT_IMPLEMENTED
            ),
            Self::Protocol(_) => true,
            Self::Stopped
            | Self::Auth(_)
            | Self::Unreachable(_)
            | Self::Throttled { .. }
            | Self::ThrottledOut(_)
            | Self::Foreign(_)
            | Self::Lost { .. } => false,
        }
    }
}
