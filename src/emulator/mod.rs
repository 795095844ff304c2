//! An Entra tenant in memory: quotas, replication lag and scripted faults, on
//! loopback or called in process. `demo` and `emulate` show it, tests and
//! benchmarks run against it.
//!
//! It is a map of the documentation, not of the service: every rule names its
//! source, and where Microsoft's pages are silent it does nothing of its own
//! devising that a caller could come to rely on.
//!
//! Leaves to others: everything that decides (`plan`, `run`). It knows the JSON
//! that travels (`graph::wire`) and nothing else of the client.

mod apps;
mod assertion;
mod audits;
mod bad_day;
mod batch;
mod body;
mod canned;
mod clock;
mod connection;
mod contract;
mod copy;
mod delta;
mod device;
mod directory;
mod discovery;
mod errors;
mod faults;
mod gate;
mod http;
mod invitations;
mod ledger;
mod lookups;
mod mail_body;
mod mail_page;
mod mailbox;
mod meters;
mod odata;
mod options;
mod outbox;
mod page;
mod policies;
mod property;
mod quota;
mod recipients;
mod redeem;
mod routes;
mod seed;
mod server;
mod smtp;
mod spoilt;
mod state;
mod token;
mod traces;
mod users;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::sync::Arc;

use axum::Router;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::time::Instant;

pub use apps::{App, Apps};
pub use canned::{Canned, CannedBody, RetryAfter};
pub use clock::Clock;
pub use connection::{Certificate, CertificateError};
pub use copy::{NoRandomKey, Pseudonyms};
pub use device::DeviceSignIn;
pub use faults::{Action, Fault, Matcher, Spoil};
pub use ledger::{
    Addresses, Effect, InvitationEntry, Ledger, PatchEntry, RequestEntry, Usage, Violation, Write,
};
pub use mail_page::MAILS;
pub use mailbox::MailboxMessage;
pub use options::{Lag, Options, Tripwire};
pub use outbox::LeftMail;
pub use quota::{Limit, Others, Quotas, ResourceUnits};
pub use seed::{
    AllowInvitesFrom, Application, Contact, EmailCodes, FederatedIdentity, Group, InboundAccess,
    OtherTenant, Person, RedemptionFallback, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, TenantSeed,
    guest,
};
pub use server::{AnswerLost, NoConnection, Server};
pub use smtp::{SmtpAccount, SmtpAction, SmtpFault, SmtpServer, SmtpStep, TakenMail};
pub use traces::{MailFate, MailRule};

use crate::domain::Caller;
use crate::graph::wire;

/// A tenant. Clones are handles to the same one.
#[derive(Clone)]
pub struct Emulator {
    shared: Arc<state::Shared>,
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("tenant_id", &self.shared.tenant_id)
            .finish_non_exhaustive()
    }
}

impl Emulator {
    /// Starts a tenant. Its clock starts with it, so a test with paused time makes
    /// it inside its runtime.
    pub fn new(seed: TenantSeed, options: Options) -> Self {
        Self { shared: Arc::new(state::Shared::new(seed, options)) }
    }

    /// The tenant as a service, to be called in process. Token endpoint and Graph
    /// are on the same origin: `/{tenant}/oauth2/v2.0/token` and `/v1.0`.
    pub fn router(&self) -> Router {
        server::router(Arc::clone(&self.shared))
    }

    /// Serves the tenant on a socket until the server is shut down.
    pub fn serve(&self, listener: TcpListener) -> io::Result<Server> {
        Server::start(&self.shared, listener, None)
    }

    /// The same over TLS, which MSAL demands.
    pub fn serve_tls(&self, listener: TcpListener, certificate: Certificate) -> io::Result<Server> {
        Server::start(&self.shared, listener, Some(certificate))
    }

    /// A mail server whose mails leave the tenant like those of its mailboxes; with an
    /// account, only whoever signs in may send.
    pub fn serve_smtp(
        &self,
        listener: TcpListener,
        account: Option<SmtpAccount>,
    ) -> io::Result<SmtpServer> {
        SmtpServer::of(listener, account, Some(Arc::clone(&self.shared)))
    }

    pub fn tenant_id(&self) -> &str {
        &self.shared.tenant_id
    }

    /// Insists, when it is dropped, that every request kept to the contract of Graph.
    /// For tests to hold as long as their tenant.
    pub fn insist_on_contract(&self) -> ContractGuard {
        ContractGuard { emulator: self.clone() }
    }

    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Everything that happened so far.
    pub fn ledger(&self) -> Ledger {
        self.shared.ledger()
    }

    /// An address of the tenant to send from: its first mailbox, if it has any.
    pub fn sender(&self) -> String {
        let mailbox = self.shared.mailboxes().first();
        mailbox.unwrap_or_else(|| format!("it@{}", self.shared.initial_domain))
    }

    /// What is in a mailbox, in the order in which it came there.
    pub fn mailbox(&self, address: &str) -> Vec<MailboxMessage> {
        self.shared.mailboxes().messages(address)
    }

    /// The writes from this place on, from 0.
    pub fn writes_since(&self, place: usize) -> Vec<Write> {
        self.shared.tenant().writes.get(place..).unwrap_or_default().to_vec()
    }

    /// The mails that left the tenant from this place on, from 0, and the place to go on from.
    pub fn mails_since(&self, place: usize) -> (Vec<LeftMail>, usize) {
        self.shared.outbox().left_since(place)
    }

    /// A user as it is, whatever replicas show.
    pub fn user(&self, id: &str) -> Option<wire::User> {
        let tenant = self.shared.tenant();
        tenant.directory.find(id).map(|at| tenant.directory.current(at).user.clone())
    }

    pub fn users(&self) -> Vec<wire::User> {
        let tenant = self.shared.tenant();
        let directory = &tenant.directory;
        (0..directory.len()).map(|at| directory.current(at).user.clone()).collect()
    }

    /// The guest redeems the invitation. False when there is no such user.
    pub fn redeem(&self, id: &str) -> bool {
        self.shared.redeem(id)
    }

    /// Somebody changes a user by hand; no rule is checked and no write is noted.
    /// False when there is no such user. The closure must not use the emulator.
    pub fn edit(&self, id: &str, change: impl FnOnce(&mut wire::User)) -> bool {
        let keep = self.shared.longest_lag();
        let mut tenant = self.shared.tenant();
        let found = tenant.directory.find(id);
        if let Some(at) = found {
            tenant.directory.write(at, keep, Instant::now(), |person| change(&mut person.user));
        }
        found.is_some()
    }

    /// Somebody deletes a user. False when there is no such user.
    pub fn delete(&self, id: &str) -> bool {
        let mut tenant = self.shared.tenant();
        let found = tenant.directory.find(id);
        if let Some(at) = found {
            tenant.directory.delete(at, self.shared.clock.now_in_seconds());
        }
        found.is_some()
    }

    /// Somebody invites a user again by hand, in the portal. False when there is no such
    /// user.
    pub fn reinvite(&self, id: &str) -> bool {
        let now = self.shared.clock.now_in_seconds();
        self.edit(id, |user| invitations::set_state(user, "PendingAcceptance", now))
    }

    pub fn add(&self, person: Person) {
        self.shared.tenant().directory.add(person, Some(Instant::now()));
    }

    /// Somebody gives a role to a user or a group.
    pub fn assign_role(&self, assignment: wire::RoleAssignment) {
        self.shared.tenant().directory.assign_role(assignment);
    }

    /// Somebody changes who may invite.
    pub fn set_allow_invites_from(&self, allow: AllowInvitesFrom) {
        self.shared.tenant().allow_invites_from = allow;
    }

    /// The anti-abuse engine blocks invitations, or Microsoft support lifts the block.
    pub fn block_invitations(&self, blocked: bool) {
        self.shared.tenant().is_blocked = blocked;
    }

    /// Changes what an application is permitted; tokens show it when they are issued
    /// anew. Does nothing when there is no such application.
    pub fn edit_application(&self, client_id: &str, change: impl FnOnce(&mut Application)) {
        let mut applications = self.shared.applications();
        if let Some(app) = applications.iter_mut().find(|app| app.client_id == client_id) {
            change(app);
        }
    }

    /// All tokens given out so far are worth nothing any more.
    pub fn revoke_tokens(&self) {
        self.shared.tokens().revoke_all();
    }

    /// Everybody is signed out: what bought new tokens does so no more. Tokens given
    /// out so far stay good.
    pub fn sign_everybody_out(&self) {
        self.shared.device_codes().revoke_all();
    }

    /// A token of an application of the seed, or of a user signed in to it, without
    /// going to the token endpoint. None when there is no such application.
    pub fn token(&self, client_id: &str, caller: Caller) -> Option<String> {
        let applications = self.shared.applications();
        let application = applications.iter().find(|app| app.client_id == client_id)?.clone();
        drop(applications);
        Some(self.shared.issue(&application, caller))
    }

    /// One more thing that goes wrong. It counts requests from now on.
    pub fn inject(&self, fault: Fault) {
        self.shared.faults().add(fault);
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        *self.shared.faults() = faults::Armed::default();
    }

    /// Calls back once the n-th write (from 1; changes and invitations) is done and
    /// before it is answered.
    pub fn on_write(&self, n: usize, hook: impl FnOnce(&Write) + Send + 'static) {
        self.shared.on_write(n, Box::new(hook));
    }

    /// The present moment on the tenant's clock.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }
}

/// See [`Emulator::insist_on_contract`].
#[derive(Debug)]
#[must_use = "it insists when it is dropped"]
pub struct ContractGuard {
    emulator: Emulator,
}

impl Drop for ContractGuard {
    /// Panics when a request broke the contract, unless a panic is under way.
    fn drop(&mut self) {
        let violations = self.emulator.shared.violations().clone();
        let kept = violations.is_empty() || std::thread::panicking();
        assert!(kept, "requests that Graph does not take: {violations:#?}");
    }
}
