//! All HTTP: client, wire types, pace, retry, sign-in and the service's errors.
//!
//! Leaves to others: what to ask for and in which order (`run`), and what the
//! answers mean for a guest (`plan`).

mod answer;
mod auth;
mod backoff;
mod batch;
mod call;
mod call_error;
mod catalogue;
mod client;
mod clock;
mod connection;
mod guests;
mod holders;
mod mailbox;
mod odata;
mod pace;
mod pages;
mod presence;
mod reach;
mod reached_apps;
mod recipients;
mod redact;
mod redeeming;
mod refusal;
mod roles;
mod rules;
mod sign_ins;
mod sites;
mod survey;
mod tenant;
mod traces;
mod transport;
mod users;
pub mod wire;

#[cfg(test)]
mod tests;

pub use answer::Foreign;
pub use auth::{
    AuthError, AzureCli, Certificate, CertificateError, CertificateFault, Claims, ClaimsRequest,
    ClientCertificate, ClientSecret, CommandToken, DeviceCode, DevicePrompt, Federation,
    GivenToken, IdentityHost, ManagedIdentity, Token, TokenEndpoint, TokenSource, WorkloadIdentity,
};
pub(crate) use backoff::backoff;
pub use call_error::CallError;
pub(crate) use catalogue::GONE;
pub use catalogue::{Cause, Operation, StopCause, Verdict, judge};
pub(crate) use client::THROTTLED_ATTEMPTS;
pub use client::{Graph, Observation, Observer, Traffic};
pub use clock::Clock;
pub use pace::{EarlierWrite, Pace, Waits};
pub use presence::Presence;
pub use refusal::Refusal;
pub use survey::{Method, Survey, Wanted};
pub use tenant::Examination;
pub use traces::TracedMail;
pub use transport::{
    ExplanationLost, HttpTransport, NeverProxied, Reached, Transport, TransportError, is_loopback,
};
pub(crate) use transport::{REQUEST_TIMEOUT, UNTRUSTED};
