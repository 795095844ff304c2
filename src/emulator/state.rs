//! What the handlers share: the tenant behind one lock, and what counts and meters
//! it behind others. Each is held briefly and never across an await.
//!
//! Leaves to others: everything that is done with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::apps::Apps;
use super::clock::Clock;
use super::device::DeviceCodes;
use super::directory::Directory;
use super::faults::Armed;
use super::gate::Gate;
use super::ledger::{InvitationEntry, RequestEntry, Usage, Violation, Write};
use super::mailbox::Mailboxes;
use super::meters::Meters;
use super::options::Options;
use super::outbox::Outbox;
use super::seed::{
    AllowInvitesFrom, Application, EmailCodes, InboundAccess, OtherTenant, RedemptionFallback,
    TenantSeed,
};
use super::token::Tokens;
use crate::graph::wire;

/// The tenant: all that a write must find and leave in one piece.
#[derive(Debug)]
pub(super) struct Tenant {
    pub(super) directory: Directory,
    pub(super) allow_invites_from: AllowInvitesFrom,
    /// The anti-abuse engine has struck; nothing but Microsoft support lifts it.
    pub(super) is_blocked: bool,
    pub(super) invitations: u64,
    pub(super) failed_invitations: u64,
    pub(super) writes: Vec<Write>,
    /// When who redeemed an invitation.
    pub(super) redemptions: Vec<(Timestamp, String)>,
}

impl Tenant {
    /// Every invitation that was accepted, in order.
    pub(super) fn invitations_made(&self) -> impl DoubleEndedIterator<Item = &InvitationEntry> {
        self.writes.iter().filter_map(|write| match write {
            Write::Invitation(invitation) => Some(invitation),
            Write::Patch(_) => None,
        })
    }
}

type Hook = Box<dyn FnOnce(&Write) + Send>;

/// What the handlers share.
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) options: Options,
    pub(super) tenant_id: String,
    pub(super) organization: wire::Organization,
    /// Verified domains in lower case.
    pub(super) domains: Vec<String>,
    pub(super) initial_domain: String,
    /// None: no licence for Privileged Identity Management.
    pub(super) role_eligibilities: Option<Vec<wire::RoleAssignment>>,
    pub(super) inbound_access: InboundAccess,
    pub(super) other_tenants: Vec<OtherTenant>,
    pub(super) federated_domains: Vec<String>,
    pub(super) email_codes: EmailCodes,
    pub(super) redemption_fallback: RedemptionFallback,
    pub(super) partners: Vec<wire::Partner>,
    pub(super) b2b_policy: Option<serde_json::Value>,
    pub(super) apps: Apps,
    tenant: Mutex<Tenant>,
    applications: Mutex<Vec<Application>>,
    tokens: Mutex<Tokens>,
    device_codes: Mutex<DeviceCodes>,
    meters: Mutex<Meters>,
    faults: Mutex<Armed>,
    mailboxes: Mutex<Mailboxes>,
    outbox: Mutex<Outbox>,
    requests: Mutex<Vec<RequestEntry>>,
    violations: Mutex<Vec<Violation>>,
    usage: Mutex<Usage>,
    hooks: Mutex<BTreeMap<usize, Vec<Hook>>>,
    /// The connections keep it, too.
    pub(super) gate: Arc<Gate>,
}

impl Shared {
    pub(super) fn new(seed: TenantSeed, mut options: Options) -> Self {
        let TenantSeed {
            organization,
            allow_invites_from,
            applications,
            users,
            deleted_users,
            groups,
            contacts,
            role_assignments,
            role_eligibilities,
            inbound_access,
            other_tenants,
            federated_domains,
            email_codes,
            redemption_fallback,
            partners,
            b2b_policy,
            mailboxes,
            apps,
        } = seed;
        let domains = &organization.verified_domains;
        let initial = domains.iter().find(|domain| domain.is_initial).or(domains.first());
        let initial_domain = initial.map_or_else(String::new, |domain| domain.name.clone());
        let clock = Clock::starting_at(options.starts_at.unwrap_or_else(Timestamp::now));
        let directory = Directory::new(users, deleted_users, groups, contacts, role_assignments);
        let meters = Meters::new(options.quotas.clone(), directory.len(), organization.id.clone());
        let faults = Armed::new(std::mem::take(&mut options.faults));
        Self {
            clock,
            tenant_id: organization.id.clone(),
            domains: domains.iter().map(|domain| domain.name.to_lowercase()).collect(),
            initial_domain,
            role_eligibilities,
            inbound_access,
            other_tenants,
            federated_domains,
            email_codes,
            redemption_fallback,
            partners,
            b2b_policy,
            apps,
            organization,
            options,
            tenant: Mutex::new(Tenant {
                directory,
                allow_invites_from,
                is_blocked: false,
                invitations: 0,
                failed_invitations: 0,
                writes: Vec::new(),
                redemptions: Vec::new(),
            }),
            applications: Mutex::new(applications),
            tokens: Mutex::default(),
            device_codes: Mutex::default(),
            meters: Mutex::new(meters),
            faults: Mutex::new(faults),
            mailboxes: Mutex::new(Mailboxes::new(&mailboxes)),
            outbox: Mutex::default(),
            requests: Mutex::default(),
            violations: Mutex::default(),
            usage: Mutex::default(),
            hooks: Mutex::default(),
            gate: Arc::default(),
        }
    }

    pub(super) fn tenant(&self) -> MutexGuard<'_, Tenant> {
        lock(&self.tenant)
    }

    pub(super) fn applications(&self) -> MutexGuard<'_, Vec<Application>> {
        lock(&self.applications)
    }

    pub(super) fn tokens(&self) -> MutexGuard<'_, Tokens> {
        lock(&self.tokens)
    }

    pub(super) fn device_codes(&self) -> MutexGuard<'_, DeviceCodes> {
        lock(&self.device_codes)
    }

    pub(super) fn meters(&self) -> MutexGuard<'_, Meters> {
        lock(&self.meters)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Armed> {
        lock(&self.faults)
    }

    pub(super) fn mailboxes(&self) -> MutexGuard<'_, Mailboxes> {
        lock(&self.mailboxes)
    }

    pub(super) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        lock(&self.outbox)
    }

    pub(super) fn requests(&self) -> MutexGuard<'_, Vec<RequestEntry>> {
        lock(&self.requests)
    }

    pub(super) fn violations(&self) -> MutexGuard<'_, Vec<Violation>> {
        lock(&self.violations)
    }

    pub(super) fn usage(&self) -> MutexGuard<'_, Usage> {
        lock(&self.usage)
    }

    /// Has a hook called once the n-th write is done, from 1.
    pub(super) fn on_write(&self, n: usize, hook: Hook) {
        lock(&self.hooks).entry(n).or_default().push(hook);
    }

    /// Calls the hooks of the n-th write. No lock is held meanwhile, so a hook may
    /// use the tenant.
    pub(super) fn wrote(&self, n: usize, write: &Write) {
        let hooks = lock(&self.hooks).remove(&n).unwrap_or_default();
        for hook in hooks {
            hook(write);
        }
    }

    /// Whether a text names this tenant: its id or one of its domains.
    pub(super) fn is_tenant(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.tenant_id) || self.is_own_domain(name)
    }

    pub(super) fn is_own_domain(&self, domain: &str) -> bool {
        self.domains.contains(&domain.to_lowercase())
    }

    /// How long an old version of a user may still be shown by some replica.
    pub(super) fn longest_lag(&self) -> Duration {
        self.options.read_lag.longest().max(self.options.invitation_lag.longest())
    }
}

/// A panic of a hook or of a closure that edits a user must not hide the tenant
/// from the test that goes on to look at it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
