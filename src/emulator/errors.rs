//! Refusals in the words of Microsoft Graph, the directory and the invitation
//! service.
//!
//! Leaves to others: when they apply. The wordings were collected from
//! Microsoft's documentation and from bug reports, whose numbers stand beside
//! them; the directory says `Request_*`, the invitation service plain words.

use http::StatusCode;
use serde_json::{Value, json};

use super::http::{Answer, Request};
use crate::graph::wire::{ErrorBody, ErrorDetail, ErrorEnvelope};

/// The code of a refused token.
const INVALID_TOKEN: &str = "InvalidAuthenticationToken";

#[derive(Debug, Clone, thiserror::Error)]
#[error("{status} {code}: {message}")]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) details: Vec<ErrorDetail>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: Vec::new() }
    }

    /// 400 of the gateway and of the invitation service.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// 400 of the directory.
    pub(super) fn directory(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message)
    }

    /// 400 for a query that the directory does not support.
    pub(super) fn unsupported_query(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_UnsupportedQuery", message)
    }

    pub(super) fn unknown_property(name: &str) -> Self {
        Self::bad_request(format!(
            "Could not find a property named '{name}' on type 'microsoft.graph.user'."
        ))
    }

    /// 404 (terraform-provider-azuread#656).
    pub(super) fn no_such_resource(id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "Request_ResourceNotFound",
            format!(
                "Resource '{id}' does not exist or one of its queried reference-property objects \
                 are not present."
            ),
        )
    }

    /// 400 for a path that Graph does not know.
    pub(super) fn no_such_segment(segment: &str) -> Self {
        Self::bad_request(format!("Resource not found for the segment '{segment}'."))
    }

    /// 405 (Microsoft Graph, *JSON batching*, 2025-02).
    pub(super) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        )
    }

    /// 403 for a missing permission or role (Microsoft Graph, *JSON batching*, 2025-02).
    pub(super) fn denied() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        )
    }

    /// 401 for a token that is missing, unknown or expired.
    pub(super) fn unauthenticated(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, INVALID_TOKEN, message)
    }

    /// 403 of the invitation service.
    pub(super) fn forbidden(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message)
    }

    /// 400 when an address is taken (microsoft-graph-docs-contrib#8421). The cause
    /// shows in the details.
    pub(super) fn address_taken(holder: &str) -> Self {
        let message = "Another object with the same value for property proxyAddresses already \
                       exists.";
        let detail = |code: &str, message: String, target: &str| ErrorDetail {
            code: code.into(),
            message,
            target: target.into(),
        };
        Self {
            details: vec![
                detail("ObjectConflict", message.into(), "proxyAddresses"),
                detail("ConflictingObjects", holder.into(), ""),
            ],
            ..Self::directory(message)
        }
    }

    /// 429 (Microsoft Graph, *Throttling*, sample response).
    pub(super) fn throttled() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", "Please retry again later.")
    }

    /// The refusal as it travels.
    pub(super) fn answer(self, request: &Request, date: &str) -> Answer {
        let mut inner = json!({
            "date": date,
            "request-id": request.id,
            "client-request-id": request.header("client-request-id").unwrap_or(&request.id),
        });
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            inner["code"] = Value::from("429");
            inner["status"] = Value::from("429");
            inner["message"] = Value::from("Please retry after");
        }
        let error = ErrorBody {
            code: self.code.into(),
            message: self.message,
            details: self.details,
            inner_error: Some(inner),
        };
        let mut answer = Answer::json(self.status, &ErrorEnvelope { error });
        if self.code == INVALID_TOKEN {
            answer.set("www-authenticate", "Bearer realm=\"\"");
        }
        answer
    }
}
