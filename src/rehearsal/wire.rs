//! The way to the tenant: its router is called in this process.
//!
//! Leaves to others: what it answers (`emulator`).

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{Request, Response};
use tower_service::Service as _;

use crate::emulator::{AnswerLost, NoConnection};
use crate::graph::{Reached, Transport, TransportError};

/// Hands requests to a tenant's router.
pub(super) struct InProcess(pub(super) Router);

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let lost = |reached, what: &str| TransportError {
            was_up: true,
            reached,
            message: format!("the rehearsal's tenant: {what}"),
        };
        let answer = match self.0.clone().call(request.map(Body::from)).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        if answer.extensions().get::<NoConnection>().is_some() {
            return Err(lost(Reached::No, "no way there"));
        }
        if answer.extensions().get::<AnswerLost>().is_some() {
            return Err(lost(Reached::Maybe, "the connection was closed"));
        }
        let (parts, body) = answer.into_parts();
        match to_bytes(body, usize::MAX).await {
            Ok(body) => Ok(Response::from_parts(parts, body)),
            Err(_) => Err(lost(Reached::Maybe, "the answer broke off")),
        }
    }
}
