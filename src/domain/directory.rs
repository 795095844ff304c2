//! What was read of the tenant, at one moment, in the form that planning needs:
//! users found by id or by any address they hold, other holders of addresses,
//! role holders, and what could not be read.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Email, Policies, Redeeming, Redemption, UserId};

/// `userType` of a directory user. It says nothing about where the user signs
/// in: external members and internal guests exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserType {
    /// `Guest`.
    Guest,
    /// `Member`.
    Member,
    /// Null or a value this program does not know.
    Other,
}

/// One user as the directory showed it. Addresses are kept as text: what the
/// directory holds need not satisfy our own rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryUser {
    pub id: UserId,
    /// `userPrincipalName`; never changed by this program.
    pub user_principal_name: Box<str>,
    /// `displayName`.
    pub display_name: Option<Box<str>>,
    /// `mail`.
    pub mail: Option<Box<str>>,
    /// `otherMails`.
    pub other_mails: Vec<Box<str>>,
    /// `proxyAddresses` without their `smtp:` prefix; addresses of other kinds
    /// are left out.
    pub proxy_addresses: Vec<Box<str>>,
    /// `userType`.
    pub user_type: UserType,
    /// `creationType`: `Invitation`, `SelfServiceSignUp`, … or null.
    pub creation_type: Option<Box<str>>,
    pub redemption: Redemption,
    /// `accountEnabled`; false blocks sign-in. None when it was not shown.
    pub account_enabled: Option<bool>,
    /// `onPremisesSyncEnabled` is true: owned by an on-premises directory.
    pub synced: bool,
    /// Was synced once and no longer is: `onPremisesSyncEnabled` is false and
    /// an on-premises anchor is still there.
    pub formerly_synced: bool,
    /// `isManagementRestricted`: in a restricted management administrative unit.
    pub management_restricted: bool,
}

impl DirectoryUser {
    /// Whether the account signs in elsewhere: it came by invitation or external
    /// sign-up, has a redemption state, or carries the mark of an external UPN.
    /// Inviting a user of whom none of this is true would convert an internal
    /// account, one way (Entra, *Invite internal users*).
    pub fn is_external(&self) -> bool {
        self.redemption.state.is_some()
            || matches!(self.creation_type.as_deref(), Some("Invitation" | "SelfServiceSignUp"))
            || self.user_principal_name.to_ascii_uppercase().contains("#EXT#")
    }

    /// Whether `mail` is the given address.
    pub fn has_mail(&self, address: &Email) -> bool {
        self.mail.as_deref().is_some_and(|mail| mail.eq_ignore_ascii_case(address.as_str()))
    }

    /// Whether `otherMails` holds the given address.
    pub fn has_other_mail(&self, address: &Email) -> bool {
        self.other_mails.iter().any(|mail| mail.eq_ignore_ascii_case(address.as_str()))
    }

    /// Every text this user can be found by: UPN, `mail`, `otherMails`, proxy
    /// addresses. May repeat.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.user_principal_name)
            .chain(self.mail.as_deref())
            .chain(self.other_mails.iter().map(|mail| &**mail))
            .chain(self.proxy_addresses.iter().map(|mail| &**mail))
    }
}

/// What kind of object holds an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, PartialOrd, Ord, Hash)]
#[serde(rename_all = "kebab-case")]
pub enum HolderKind {
    /// A guest or external member.
    Guest,
    /// A user of the tenant itself.
    Member,
    /// A soft-deleted user: still holds its proxy addresses for 30 days.
    DeletedUser,
    /// A contact of the organization.
    Contact,
    /// A group that receives mail.
    Group,
}

impl fmt::Display for HolderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Guest => "guest",
            Self::Member => "member",
            Self::DeletedUser => "soft-deleted user",
            Self::Contact => "contact",
            Self::Group => "group",
        })
    }
}

/// An object that holds an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, PartialOrd, Ord, Hash)]
pub struct AddressHolder {
    pub kind: HolderKind,
    pub id: UserId,
    /// UPN or display name, for a person to recognise it by.
    pub name: Box<str>,
}

impl fmt::Display for AddressHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.kind, self.name, self.id)
    }
}

/// How a user came to hold a directory role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, PartialOrd, Ord, Hash)]
pub enum RoleHolding {
    Direct,
    /// Through a role-assignable group of this name or id.
    ThroughGroup(Box<str>),
}

/// When guests last signed in, or tried to; of those not in it that is not known.
pub type SignIns = HashMap<UserId, Timestamp>;

/// Who is asking: decides whether role holders can be reset at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Caller {
    /// An application without a signed-in user. It cannot reset a user that
    /// holds a role (Entra, *Reset redemption status*, 2026-04), and Microsoft
    /// drops custom messages it sends (Entra, *Troubleshoot B2B*, 2025-02).
    AppOnly,
    /// On behalf of a signed-in user.
    Delegated,
}

/// Something that could not be read, so that the plan could not check it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// What: "role assignments".
    pub what: &'static str,
    /// What the plan does not see because of it: "guests that hold a role".
    pub consequence: &'static str,
    /// The permission that shows it, the least one that serves several purposes.
    pub permission: &'static str,
    /// Why, in the service's own words.
    pub why: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tenant {
    /// Tenant id, when `/organization` or the token told it.
    pub id: Option<String>,
    /// `displayName` of the organization.
    pub display_name: Option<String>,
    /// Verified domains, in lower case.
    pub verified_domains: BTreeSet<String>,
    /// The default domain, in lower case.
    pub default_domain: Option<String>,
    /// How many guests it has, when known.
    pub guests: Option<u64>,
    /// What its policies say of invitations.
    pub policies: Policies,
    /// Whether the people of the new domains can redeem here.
    pub redeeming: Redeeming,
}

/// The snapshot. Build it with [`Directory::new`] and the `add_` methods, then
/// [`Directory::index`] it.
#[derive(Debug, Default)]
pub struct Directory {
    pub tenant: Tenant,
    /// Users with active roles; None when they could not be read.
    pub role_holders: Option<HashMap<UserId, RoleHolding>>,
    /// Users who can activate a role at any moment (Privileged Identity Management);
    /// empty when that could not be read.
    pub eligible: HashMap<UserId, RoleHolding>,
    /// Members and owners of role-assignable groups, whose `otherMails` are protected;
    /// empty when nobody asked or it could not be read.
    pub protected: HashMap<UserId, RoleHolding>,
    /// Soft-deleted users, and when each was deleted where that is told; empty when they could
    /// not be read.
    pub deleted: HashMap<UserId, Option<Timestamp>>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
    users: Vec<DirectoryUser>,
    by_id: HashMap<UserId, u32>,
    /// Hash of a folded name, position in `users`; sorted. A hash is a tenth of
    /// the memory that the names themselves would take a second time.
    by_name: Vec<(u64, u32)>,
    other_holders: HashMap<Box<str>, AddressHolder>,
}

impl Directory {
    /// An empty snapshot of a tenant.
    pub fn new(tenant: Tenant) -> Self {
        Self { tenant, ..Self::default() }
    }

    /// Adds a user. The same object id again (read twice through two queries) is
    /// ignored.
    pub fn add_user(&mut self, user: DirectoryUser) {
        let position = u32::try_from(self.users.len()).expect("fewer than 2^32 users");
        if let std::collections::hash_map::Entry::Vacant(slot) = self.by_id.entry(user.id) {
            slot.insert(position);
            self.by_name.extend(user.names().map(|name| (fold_hash(name), position)));
            self.users.push(user);
        }
    }

    /// Notes that an object other than the users added holds an address.
    pub fn add_holder(&mut self, address: &str, holder: AddressHolder) {
        self.other_holders.insert(address.to_lowercase().into(), holder);
    }

    /// Makes names findable. To be called once after the last [`Self::add_user`].
    pub fn index(&mut self) {
        self.by_name.sort_unstable();
        self.by_name.dedup();
        self.by_name.shrink_to_fit();
    }

    /// The user with this object id.
    pub fn user(&self, id: UserId) -> Option<&DirectoryUser> {
        self.by_id.get(&id).map(|&position| &self.users[position as usize])
    }

    /// All users found by this UPN or address: exact, without regard to case. In the order
    /// of their object ids, whatever order they were read in.
    pub fn users_named(&self, name: &str) -> Vec<&DirectoryUser> {
        let hash = fold_hash(name);
        let folded = name.to_lowercase();
        let start = self.by_name.partition_point(|&(h, _)| h < hash);
        let mut users: Vec<_> = self.by_name[start..]
            .iter()
            .take_while(|&&(h, _)| h == hash)
            .map(|&(_, position)| &self.users[position as usize])
            .filter(|user| user.names().any(|candidate| candidate.to_lowercase() == folded))
            .collect();
        users.sort_unstable_by_key(|user| user.id);
        users
    }

    /// An object outside the users of the snapshot that holds this address.
    pub fn other_holder(&self, address: &Email) -> Option<&AddressHolder> {
        self.other_holders.get(address.folded().as_str())
    }

    /// Addresses that objects outside the users hold, folded, with who holds them.
    pub fn other_holders(&self) -> impl Iterator<Item = (&str, &AddressHolder)> {
        self.other_holders.iter().map(|(address, holder)| (&**address, holder))
    }

    /// All users of the snapshot, in the order they were read.
    pub fn users(&self) -> &[DirectoryUser] {
        &self.users
    }
}

/// A hash under which two spellings of a name are equal.
fn fold_hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        c.hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RedemptionState;

    fn user(id: u128, upn: &str, mail: &str, other: &[&str]) -> DirectoryUser {
        DirectoryUser {
            id: UserId::from(uuid::Uuid::from_u128(id)),
            user_principal_name: upn.into(),
            display_name: None,
            mail: Some(mail.into()),
            other_mails: other.iter().map(|&mail| mail.into()).collect(),
            proxy_addresses: Vec::new(),
            user_type: UserType::Guest,
            creation_type: None,
            redemption: Redemption::default(),
            account_enabled: Some(true),
            synced: false,
            formerly_synced: false,
            management_restricted: false,
        }
    }

    #[test]
    fn a_name_finds_every_holder_exactly_and_without_case() {
        let mut directory = Directory::new(Tenant::default());
        directory.add_user(user(1, "ada_f.example#EXT#@c.example", "ada@f.example", &[]));
        directory.add_user(user(
            2,
            "bob_f.example#EXT#@c.example",
            "bob@f.example",
            &["ADA@F.example"],
        ));
        directory.add_user(user(1, "again", "again@f.example", &[]));
        directory.index();
        let ids = |name: &str| directory.users_named(name).iter().map(|u| u.id).collect::<Vec<_>>();
        assert_eq!(ids("Ada@f.Example").len(), 2);
        assert_eq!(ids("ADA_f.example#ext#@C.example").len(), 1);
        assert_eq!(ids("ada@f.exampl"), []);
        assert_eq!(ids("again"), []);
        assert_eq!(directory.users().len(), 2);
    }

    #[test]
    fn an_external_account_shows_in_any_of_three_places() {
        let mut guest = user(1, "ada@c.example", "ada@f.example", &[]);
        assert!(!guest.is_external());
        guest.creation_type = Some("SelfServiceSignUp".into());
        assert!(guest.is_external());
        guest.creation_type = Some("LocalAccount".into());
        assert!(!guest.is_external());
        guest.redemption.state = Some(RedemptionState::Accepted);
        assert!(guest.is_external());
        assert!(user(2, "bob_f.example#ext#@c.example", "b@f.example", &[]).is_external());
    }
}
