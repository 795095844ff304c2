//! Planning without a client: small worlds made by hand, and what is decided in
//! them.

mod decide;
mod outstanding;
mod properties;
mod review;

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use uuid::Uuid;

use super::{Guards, Plan, PlannedRow, Policy};
use crate::config::{InvitationDefaults, Limit, MailWrite};
use crate::domain::{
    AddressHolder, Caller, Directory, DirectoryUser, Email, GuestRef, InvitationKey,
    InvitedDomains, InvitesFrom, Ledger, LedgerEntry, LedgerState, Partner, Redemption,
    RedemptionState, Resend, RoleHolding, Tenant, Unreadable, UserId, UserType,
};
use crate::manifest::{InvalidRow, Manifest, Options, Reset, Row, Wish, parse};

/// Everything a plan is made from.
#[derive(Debug, Clone)]
struct World {
    tenant: Tenant,
    users: Vec<DirectoryUser>,
    holders: Vec<(String, AddressHolder)>,
    roles: Option<HashMap<UserId, RoleHolding>>,
    eligible: Vec<UserId>,
    protected: Vec<UserId>,
    unreadable: Vec<Unreadable>,
    ledger: Vec<(InvitationKey, LedgerState)>,
    resends: Vec<(InvitationKey, Resend)>,
    names: Vec<(String, UserId)>,
    rows: Vec<Row>,
    invalid: Vec<InvalidRow>,
    policy: Policy,
    guards: Guards,
}

impl World {
    /// A tenant with these guests, and an application that may do everything.
    fn new(users: impl IntoIterator<Item = DirectoryUser>) -> Self {
        let tenant = Tenant {
            id: Some("c0c0c0c0-0000-4000-8000-000000000001".to_owned()),
            verified_domains: ["contoso.example".to_owned()].into(),
            guests: Some(1000),
            ..Tenant::default()
        };
        Self {
            tenant,
            users: users.into_iter().collect(),
            holders: Vec::new(),
            roles: Some(HashMap::new()),
            eligible: Vec::new(),
            protected: Vec::new(),
            unreadable: Vec::new(),
            ledger: Vec::new(),
            resends: Vec::new(),
            names: Vec::new(),
            rows: Vec::new(),
            invalid: Vec::new(),
            policy: Policy {
                mail_pace: crate::plan::MailPace::default(),
                write_pace: crate::plan::WritePace::default(),
                tenant: "contoso.example".to_owned(),
                caller: Caller::AppOnly,
                invitation: InvitationDefaults::default(),
                mail: MailWrite::Mail,
                delivery: crate::config::DeliveryWay::Microsoft,
                reset_matching: false,
                retry_failed: false,
                resend: BTreeSet::new(),
                read_at: earlier() + jiff::SignedDuration::from_hours(12),
                lag: jiff::SignedDuration::from_mins(5),
                invited_within: Some(jiff::SignedDuration::from_hours(24 * 30)),
                others: BTreeSet::new(),
                revert: None,
                reminders: None,
                redeemable_domains: Vec::new(),
            },
            guards: Guards {
                max_changes: Limit::Count(u64::MAX),
                allowed_domains: None,
                moves_reverted: false,
            },
        }
    }

    /// Adds a row on the next line.
    fn asks(mut self, user: &str, new_email: &str) -> Self {
        let line = u32::try_from(self.rows.len()).unwrap() + 2;
        self.rows.push(row(line, user, new_email));
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// An earlier run left this behind for guest `n` and the address.
    fn left(mut self, n: u128, address: &str, state: LedgerState) -> Self {
        self.ledger.push((key(n, address), state));
        self
    }

    /// A person asked to send again to guest `n`, invited to the address and redeemed
    /// or not as `before` says.
    fn asked_again(mut self, n: u128, address: &str, before: Redemption) -> Self {
        self.resends.push((key(n, address), Resend { invited_at: earlier(), before }));
        self
    }

    fn plan(&self) -> Plan {
        let mut directory = Directory::new(self.tenant.clone());
        for user in &self.users {
            directory.add_user(user.clone());
        }
        for (address, holder) in &self.holders {
            directory.add_holder(address, holder.clone());
        }
        directory.index();
        directory.role_holders.clone_from(&self.roles);
        let eligible = self.eligible.iter().map(|id| (*id, RoleHolding::Direct));
        directory.eligible = eligible.collect();
        let protected = self.protected.iter().map(|id| (*id, RoleHolding::Direct));
        directory.protected = protected.collect();
        directory.unreadable.clone_from(&self.unreadable);
        let mut ledger = Ledger::default();
        for (key, state) in &self.ledger {
            let asked = self.resends.iter().find(|(asked, _)| asked == key);
            let resend = asked.map(|(_, resend)| resend.clone());
            let entry = LedgerEntry { state: state.clone(), at: earlier(), resend };
            ledger.record(key.clone(), entry);
        }
        for (name, user) in &self.names {
            ledger.record_name(name, *user);
        }
        Plan::make(&self.manifest(), &directory, &ledger, &self.policy, &self.guards)
    }

    fn manifest(&self) -> Manifest {
        let loaded =
            parse("guests.csv", b"user,new_email\na@b.example,c@d.example\n", &Options::default())
                .unwrap();
        Manifest { rows: self.rows.clone(), invalid: self.invalid.clone(), ..loaded.manifest }
    }

    /// The reason codes, in the order of the lines.
    fn reasons(&self) -> Vec<&'static str> {
        self.plan().rows.iter().map(|row| row.decision.reason()).collect()
    }

    /// The only row.
    fn only(&self) -> PlannedRow {
        let mut rows = self.plan().rows;
        assert_eq!(rows.len(), 1);
        rows.remove(0)
    }
}

fn id(n: u128) -> UserId {
    Uuid::from_u128(n).into()
}

fn email(address: &str) -> Email {
    address.parse().unwrap()
}

fn key(n: u128, address: &str) -> InvitationKey {
    InvitationKey { user_id: id(n), address: email(address) }
}

/// When earlier runs did what they did.
fn earlier() -> Timestamp {
    "2026-11-20T22:00:00Z".parse().unwrap()
}

/// A redeemed guest `guest{n}@fabrikam.example`.
fn guest(n: u128) -> DirectoryUser {
    DirectoryUser {
        id: id(n),
        user_principal_name: format!("guest{n}_fabrikam.example#EXT#@contoso.example").into(),
        display_name: None,
        mail: Some(format!("guest{n}@fabrikam.example").into()),
        other_mails: Vec::new(),
        proxy_addresses: Vec::new(),
        user_type: UserType::Guest,
        creation_type: Some("Invitation".into()),
        redemption: Redemption {
            state: Some(RedemptionState::Accepted),
            changed_at: Some("2024-03-01T09:00:00Z".parse().unwrap()),
        },
        account_enabled: Some(true),
        synced: false,
        formerly_synced: false,
        management_restricted: false,
    }
}

fn but(mut user: DirectoryUser, change: impl FnOnce(&mut DirectoryUser)) -> DirectoryUser {
    change(&mut user);
    user
}

/// An account that signs in here.
fn internal(user: &mut DirectoryUser) {
    user.user_principal_name = format!("{}@contoso.example", user.id).into();
    user.creation_type = None;
    user.redemption = Redemption::default();
}

fn row(line: u32, user: &str, new_email: &str) -> Row {
    Row {
        line,
        user: GuestRef::parse(user),
        also: Box::default(),
        wish: if new_email.is_empty() { Wish::ResetOnly } else { Wish::Move(email(new_email)) },
        message: None,
        cc: None,
        more_cc: Box::default(),
        language: None,
        redirect_url: None,
        send: None,
        display_name: None,
        reset: Reset::WhenMoved,
        extra: Box::default(),
    }
}
