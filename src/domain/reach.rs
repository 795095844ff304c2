//! What hangs on guests in the tenant: groups, teams, roles, and the apps that they are
//! assigned to, with what those apps are told of a user.
//!
//! Leaves to others: reading it (`graph`), and what a move means for it (`plan`).

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Unreadable, UserId};

/// What hangs on some guests. What could not be read is absent, and is no zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    pub guests: BTreeMap<UserId, GuestReach>,
    /// The groups that any of them is in, by object id.
    pub groups: BTreeMap<Box<str>, ReachedGroup>,
    /// The apps that any of them is assigned to, by the object id of the service principal.
    pub apps: BTreeMap<Box<str>, ReachedApp>,
    /// What could not be read, each once.
    pub unreadable: Vec<Unreadable>,
}

/// What hangs on one guest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuestReach {
    /// None where it could not be read.
    pub memberships: Option<Memberships>,
    /// Object ids of the apps that it is assigned to, itself or through a group that it is
    /// directly in. None where it could not be read.
    pub apps: Option<Vec<Box<str>>>,
}

/// What a guest is a member of, directly or through groups in groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memberships {
    /// Object ids of groups.
    pub groups: Vec<Box<str>>,
    /// Active directory roles, by their names, or their ids where no name was shown.
    pub roles: Vec<Box<str>>,
    pub administrative_units: u64,
}

/// A group that a guest is in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReachedGroup {
    pub name: Option<Box<str>>,
    /// Whether it is a team; None where the caller may not see it.
    pub is_team: Option<bool>,
    /// Whether it is a Microsoft 365 group, which has a site; None as above.
    pub has_site: Option<bool>,
}

/// An app that a guest is assigned to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReachedApp {
    pub name: Option<Box<str>>,
    /// Its client id.
    pub client_id: Option<Box<str>>,
    /// What was read of its service principal; None where it could not be read.
    pub sign_on: Option<SignOn>,
    /// The optional claims that its registration asks for; None where it is registered in
    /// another tenant, or could not be read.
    pub optional_claims: Option<Vec<Box<str>>>,
    /// The sources of its claims mapping policies, such as `mail`: one list a policy. None
    /// where these could not be read.
    pub mapped: Option<Vec<ClaimsMapping>>,
    /// Who answers for it; None where that could not be read.
    pub owners: Option<Vec<Owner>>,
}

/// How people sign in to an app (Microsoft Graph, *servicePrincipal resource type*,
/// `preferredSingleSignOnMode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignOn {
    Saml,
    Oidc,
    Password,
    /// `notSupported`, `external`, or a value that this program does not know.
    Other,
    /// Nothing is set: most often `OpenID` Connect, set up by the app itself.
    Unset,
}

/// What a claims mapping policy takes its values from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimsMapping {
    /// `displayName` of the policy.
    pub name: Box<str>,
    /// The `ID` of every claim whose source is the user, as written.
    pub of_user: Vec<Box<str>>,
    /// Whether the claims of everybody are sent, too: `IncludeBasicClaimSet`.
    pub with_basic: bool,
    /// Whether the definition could not be understood, so that there may be more.
    pub is_unclear: bool,
}

/// Somebody who owns an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Owner {
    pub id: Box<str>,
    /// `displayName`; null where the caller may not see it.
    pub name: Option<Box<str>>,
    /// `mail`, or the user principal name.
    pub address: Option<Box<str>>,
}
