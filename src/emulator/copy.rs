//! A tenant copied from what was read of another: guests, who else holds their addresses,
//! roles, policies and domains, and nothing else. Under pseudonyms, if wished, that keep
//! domains, and whatever is the same stays the same.
//!
//! Leaves to others: reading the other tenant (`graph`), and the file (`cli`).

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::{hmac, rand};
use serde_json::{Value, json};
use uuid::Uuid;

use super::seed::{
    AllowInvitesFrom, Application, Contact, EmailCodes, Group, InboundAccess, OtherTenant, Person,
    RedemptionFallback, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, TenantSeed,
};
use crate::domain::{
    AddressHolder, Directory, DirectoryUser, HolderKind, Home, HomeTenant, Inbound, InvitedDomains,
    InvitesFrom, Partner, Redeeming, RedemptionState, RoleHolding, UserId, UserType,
};
use crate::graph::wire;

/// What every run needs; whoever copies a tenant may only read it.
const TO_RUN: [&str; 2] = ["User.Invite.All", "User.ReadWrite.All"];

/// A role that is assigned in the copy; which one it was is of no interest (Entra, *Built-in
/// roles*: Reports Reader).
const ANY_ROLE: &str = "4a5d8f65-41da-4de4-8968-e035b65339cf";

impl TenantSeed {
    /// The tenant of this directory, for an application with these permissions.
    pub fn copy_of(directory: &Directory, permissions: &[&str]) -> Self {
        let tenant = &directory.tenant;
        let default = tenant.default_domain.as_deref();
        let domain = |name: &String| wire::VerifiedDomain {
            name: name.clone(),
            is_default: default == Some(name),
            is_initial: name.ends_with(".onmicrosoft.com"),
        };
        let mut groups = Groups::default();
        let mut assignments = Vec::new();
        let mut assigned = |principal: &str| {
            assignments.push(wire::RoleAssignment {
                id: derived("assignment", principal).to_string(),
                principal_id: principal.to_owned(),
                role_definition_id: ANY_ROLE.to_owned(),
                directory_scope_id: Some("/".to_owned()),
                principal: None,
            });
        };
        for (user, holding) in sorted(directory.role_holders.iter().flatten()) {
            match holding {
                RoleHolding::Direct => assigned(&user.to_string()),
                RoleHolding::ThroughGroup(name) => {
                    if groups.join(name, *user) {
                        assigned(&derived("group", name).to_string());
                    }
                }
            }
        }
        for (user, holding) in sorted(&directory.protected) {
            if let RoleHolding::ThroughGroup(name) = holding {
                groups.join(name, *user);
            }
        }
        let eligible = sorted(&directory.eligible).into_iter();
        let eligible = eligible.map(|(user, _)| wire::RoleAssignment {
            id: derived("eligibility", &user.to_string()).to_string(),
            principal_id: user.to_string(),
            role_definition_id: ANY_ROLE.to_owned(),
            directory_scope_id: Some("/".to_owned()),
            principal: None,
        });
        let holders = Holders::of(directory);
        let roles: BTreeSet<&str> = permissions.iter().chain(&TO_RUN).copied().collect();
        Self {
            organization: wire::Organization {
                id: tenant.id.clone().unwrap_or_default(),
                display_name: tenant.display_name.clone(),
                verified_domains: tenant.verified_domains.iter().map(domain).collect(),
            },
            allow_invites_from: invites_from(tenant.policies.invites_from.as_ref()),
            applications: vec![Application {
                client_id: SAMPLE_CLIENT_ID.into(),
                client_secret: SAMPLE_CLIENT_SECRET.into(),
                roles: roles.into_iter().map(str::to_owned).collect(),
                ..Application::default()
            }],
            users: directory.users().iter().map(person).collect(),
            deleted_users: holders.deleted_users,
            groups: groups.0.into_values().chain(holders.groups).collect(),
            contacts: holders.contacts,
            role_assignments: assignments,
            role_eligibilities: Some(eligible.collect()),
            inbound_access: match tenant.redeeming.inbound {
                Some(Inbound::Blocked) => InboundAccess::Blocked,
                Some(Inbound::Allowed | Inbound::Partly) | None => InboundAccess::Allowed,
            },
            other_tenants: other_tenants(&tenant.redeeming),
            federated_domains: federated(&tenant.redeeming),
            email_codes: match tenant.redeeming.codes {
                Some(true) => EmailCodes::Enabled,
                Some(false) => EmailCodes::Disabled,
                None => EmailCodes::Default,
            },
            redemption_fallback: fallback(&tenant.redeeming),
            partners: tenant.policies.partners.iter().flatten().map(partner).collect(),
            b2b_policy: tenant.policies.domains.as_ref().and_then(b2b_policy),
            ..Self::default()
        }
    }
}

/// Role-assignable groups, by name.
#[derive(Default)]
struct Groups(BTreeMap<Box<str>, Group>);

impl Groups {
    /// Adds a member; tells whether the group is new.
    fn join(&mut self, name: &str, user: UserId) -> bool {
        let is_new = !self.0.contains_key(name);
        let group = self.0.entry(name.into()).or_insert_with(|| Group {
            id: derived("group", name).to_string(),
            display_name: Some(name.to_owned()),
            is_assignable_to_role: true,
            ..Group::default()
        });
        let user = user.to_string();
        if !group.members.contains(&user) {
            group.members.push(user);
        }
        is_new
    }
}

/// Holders of addresses that are no users, each with all of its addresses.
#[derive(Default)]
struct Holders {
    deleted_users: Vec<Person>,
    groups: Vec<Group>,
    contacts: Vec<Contact>,
}

impl Holders {
    fn of(directory: &Directory) -> Self {
        let mut by_id: BTreeMap<UserId, (&AddressHolder, Vec<String>)> = BTreeMap::new();
        for (address, holder) in directory.other_holders() {
            let addresses = &mut by_id.entry(holder.id).or_insert((holder, Vec::new())).1;
            addresses.push(address.to_owned());
        }
        let mut holders = Self::default();
        for (id, (AddressHolder { kind, name, .. }, mut addresses)) in by_id {
            addresses.sort_unstable();
            let (id, display_name) = (id.to_string(), Some(name.to_string()));
            let mail = addresses.first().cloned();
            let proxy_addresses = proxies(mail.as_deref(), addresses.iter().map(String::as_str));
            match kind {
                HolderKind::Contact => {
                    holders.contacts.push(Contact { id, display_name, mail, proxy_addresses });
                }
                HolderKind::Group => holders.groups.push(Group {
                    id,
                    display_name,
                    mail,
                    proxy_addresses,
                    ..Group::default()
                }),
                HolderKind::DeletedUser | HolderKind::Guest | HolderKind::Member => {
                    holders.deleted_users.push(Person::from(wire::User {
                        user_principal_name: format!("deleted-{id}"),
                        id,
                        display_name,
                        mail,
                        proxy_addresses,
                        ..wire::User::default()
                    }));
                }
            }
        }
        holders
    }
}

fn person(user: &DirectoryUser) -> Person {
    let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    let proxy_addresses =
        proxies(user.mail.as_deref(), user.proxy_addresses.iter().map(|address| &**address));
    Person::from(wire::User {
        id: user.id.to_string(),
        display_name: text(&user.display_name),
        user_principal_name: user.user_principal_name.to_string(),
        mail: text(&user.mail),
        other_mails: user.other_mails.iter().map(ToString::to_string).collect(),
        proxy_addresses,
        user_type: match user.user_type {
            UserType::Guest => Some("Guest".to_owned()),
            UserType::Member => Some("Member".to_owned()),
            UserType::Other => None,
        },
        creation_type: text(&user.creation_type),
        external_user_state: user.redemption.state.as_ref().map(|state| match state {
            RedemptionState::PendingAcceptance => "PendingAcceptance".to_owned(),
            RedemptionState::Accepted => "Accepted".to_owned(),
            RedemptionState::Other(other) => other.to_string(),
        }),
        external_user_state_change_date_time: user.redemption.changed_at.map(|at| at.to_string()),
        account_enabled: user.account_enabled,
        on_premises_sync_enabled: match (user.synced, user.formerly_synced) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        },
        on_premises_immutable_id: user.formerly_synced.then(|| "kept".to_owned()),
        is_management_restricted: user.management_restricted.then_some(true),
    })
}

/// Which one was the primary is not read: the mail, or else the first.
fn proxies<'a>(mail: Option<&str>, addresses: impl Iterator<Item = &'a str>) -> Vec<String> {
    let addresses: Vec<&str> = addresses.collect();
    let primary = mail
        .and_then(|mail| addresses.iter().position(|held| held.eq_ignore_ascii_case(mail)))
        .unwrap_or_default();
    let kinds = (0..).map(|at| if at == primary { "SMTP" } else { "smtp" });
    kinds.zip(addresses).map(|(kind, address)| format!("{kind}:{address}")).collect()
}

fn invites_from(read: Option<&InvitesFrom>) -> AllowInvitesFrom {
    match read {
        Some(InvitesFrom::Nobody) => AllowInvitesFrom::None,
        Some(InvitesFrom::AdminsAndGuestInviters) => AllowInvitesFrom::AdminsAndGuestInviters,
        Some(InvitesFrom::AdminsGuestInvitersAndAllMembers) => {
            AllowInvitesFrom::AdminsGuestInvitersAndAllMembers
        }
        Some(InvitesFrom::Everyone | InvitesFrom::Other(_)) | None => AllowInvitesFrom::Everyone,
    }
}

/// The tenants that the new domains are.
fn other_tenants(redeeming: &Redeeming) -> Vec<OtherTenant> {
    let mut tenants: BTreeMap<&str, OtherTenant> = BTreeMap::new();
    for (domain, home) in &redeeming.homes {
        let Home::Tenant(HomeTenant { id, name }) = home else { continue };
        let tenant = tenants.entry(id).or_insert_with(|| OtherTenant {
            information: wire::TenantInformation {
                tenant_id: id.clone(),
                display_name: name.clone(),
                ..wire::TenantInformation::default()
            },
            domains: Vec::new(),
        });
        tenant.domains.push(domain.clone());
    }
    tenants.into_values().collect()
}

fn federated(redeeming: &Redeeming) -> Vec<String> {
    let federated = redeeming.federated.iter().filter(|(_, is_federated)| **is_federated);
    federated.map(|(domain, _)| domain.clone()).collect()
}

fn fallback(redeeming: &Redeeming) -> RedemptionFallback {
    match redeeming.order.as_ref().and_then(|order| order.fallback.as_deref()) {
        Some("emailOneTimePasscode") => RedemptionFallback::EmailOneTimePasscode,
        Some("microsoftAccount") => RedemptionFallback::MicrosoftAccount,
        Some(_) | None => RedemptionFallback::DefaultConfiguredIdp,
    }
}

/// Of a setting that lets in some, whom it lets in was not read.
fn b2b_setting(inbound: Inbound) -> wire::B2bSetting {
    let (access, target) = match inbound {
        Inbound::Allowed => ("allowed", "AllUsers"),
        Inbound::Blocked => ("blocked", "AllUsers"),
        Inbound::Partly => ("allowed", "some"),
    };
    wire::B2bSetting {
        users_and_groups: Some(wire::TargetConfiguration {
            access_type: Some(access.to_owned()),
            targets: vec![wire::Target {
                target: target.to_owned(),
                target_type: "user".to_owned(),
            }],
        }),
    }
}

fn partner(partner: &Partner) -> wire::Partner {
    wire::Partner {
        b2b_collaboration_inbound: partner.inbound.map(b2b_setting),
        automatic_user_consent_settings: partner
            .redeems_automatically
            .then_some(wire::AutomaticConsent { inbound_allowed: Some(true) }),
        tenant_id: partner.tenant_id.clone(),
        identity_synchronization: Some(wire::IdentitySynchronization {
            display_name: partner.name.clone(),
            user_sync_inbound: Some(wire::UserSyncInbound {
                is_sync_allowed: Some(partner.synchronises),
            }),
        }),
    }
}

fn b2b_policy(domains: &InvitedDomains) -> Option<Value> {
    let list = match domains {
        InvitedDomains::All => return None,
        InvitedDomains::Only(domains) => json!({ "AllowedDomains": domains }),
        InvitedDomains::AllBut(domains) => json!({ "BlockedDomains": domains }),
    };
    let policy = json!({ "InvitationsAllowedAndBlockedDomainsPolicy": list });
    Some(json!({ "B2BManagementPolicy": policy }))
}

fn sorted<'a>(
    holders: impl IntoIterator<Item = (&'a UserId, &'a RoleHolding)>,
) -> BTreeMap<&'a UserId, &'a RoleHolding> {
    holders.into_iter().collect()
}

/// An id that is always the same for the same thing.
fn derived(kind: &str, name: &str) -> Uuid {
    let digest =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, format!("{kind}\0{name}").as_bytes());
    uuid_of(digest.as_ref())
}

fn uuid_of(bytes: &[u8]) -> Uuid {
    let mut id = [0; 16];
    id.copy_from_slice(&bytes[..16]);
    uuid::Builder::from_custom_bytes(id).into_uuid()
}

/// Pseudonyms of one copy: by a key that nobody keeps, so that they lead nowhere back.
/// Whatever was the same stays the same, and every domain stays.
pub struct Pseudonyms(hmac::Key);

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pseudonyms").finish_non_exhaustive()
    }
}

/// No random key is to be had.
#[derive(Debug, thiserror::Error)]
#[error("the system has no random numbers for the key of the pseudonyms")]
pub struct NoRandomKey;

impl Pseudonyms {
    /// By a new key.
    pub fn new() -> Result<Self, NoRandomKey> {
        let mut key = [0; 32];
        rand::fill(&mut key).map_err(|_| NoRandomKey)?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    fn tag(&self, kind: &str, text: &str) -> hmac::Tag {
        hmac::sign(&self.0, format!("{kind}\0{}", text.to_lowercase()).as_bytes())
    }

    fn word(&self, kind: &str, text: &str) -> String {
        let tag = self.tag(kind, text);
        let digits =
            tag.as_ref().iter().take(6).fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
        format!("{digits:012x}")
    }

    /// Of an address, or of the UPN of a guest, which is made of one.
    pub fn address(&self, address: &str) -> String {
        let upper = address.to_ascii_uppercase();
        if let Some(at) = upper.find("#EXT#@")
            && let Some((local, domain)) = address[..at].rsplit_once('_')
        {
            let home = self.word("address", &format!("{local}@{domain}"));
            return format!("{home}_{domain}{}", &address[at..]);
        }
        match address.rsplit_once('@') {
            Some((_, domain)) => format!("{}@{domain}", self.word("address", address)),
            None => self.word("address", address),
        }
    }

    /// Of an object id.
    pub fn id(&self, id: &str) -> String {
        uuid_of(self.tag("id", id).as_ref()).to_string()
    }

    fn name(&self, name: &mut Option<String>) {
        if let Some(text) = name {
            *text = format!("Name {}", self.word("name", text));
        }
    }

    fn mail(&self, mail: &mut Option<String>) {
        if let Some(text) = mail {
            *text = self.address(text);
        }
    }

    fn list(&self, addresses: &mut [String]) {
        for text in addresses {
            *text = match text.split_once(':') {
                Some((kind, address)) => format!("{kind}:{}", self.address(address)),
                None => self.address(text),
            };
        }
    }

    fn ids(&self, ids: &mut [String]) {
        for id in ids {
            *id = self.id(id);
        }
    }

    /// Puts pseudonyms for everybody and everything in a tenant.
    pub fn cover(&self, seed: &mut TenantSeed) {
        for person in seed.users.iter_mut().chain(&mut seed.deleted_users) {
            let user = &mut person.user;
            user.id = self.id(&user.id);
            user.user_principal_name = self.address(&user.user_principal_name);
            self.name(&mut user.display_name);
            self.mail(&mut user.mail);
            self.list(&mut user.other_mails);
            self.list(&mut user.proxy_addresses);
        }
        for group in &mut seed.groups {
            group.id = self.id(&group.id);
            self.name(&mut group.display_name);
            self.mail(&mut group.mail);
            self.list(&mut group.proxy_addresses);
            self.ids(&mut group.members);
            self.ids(&mut group.owners);
        }
        for contact in &mut seed.contacts {
            contact.id = self.id(&contact.id);
            self.name(&mut contact.display_name);
            self.mail(&mut contact.mail);
            self.list(&mut contact.proxy_addresses);
        }
        let assignments = seed.role_assignments.iter_mut();
        for assignment in assignments.chain(seed.role_eligibilities.iter_mut().flatten()) {
            assignment.id = self.id(&assignment.id);
            assignment.principal_id = self.id(&assignment.principal_id);
        }
    }
}
