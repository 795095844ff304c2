//! What a move touches: how much hangs on each guest that a plan changes, and which apps know
//! a guest by what the move changes. Only what an app is known to be told counts as such;
//! what could not be read is neither yes nor no.
//!
//! Leaves to others: reading it (`graph`), and its rendering (`report`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::domain::{
    ClaimsMapping, GuestReach, Owner, Reach, ReachedApp, SignOn, Unreadable, UserId,
};

use super::{Plan, count};

/// What the plan's changes touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    pub total: TouchedTotal,
    /// By guest.
    pub guests: BTreeMap<UserId, TouchedByOne>,
}

/// What all of them together touch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TouchedTotal {
    /// Guests that change.
    pub guests: u64,
    /// Different groups; null where no guest's could be read.
    pub groups: Option<u64>,
    /// Those of them that are teams; null where that could not be read of some.
    pub teams: Option<u64>,
    /// Guests that hold a directory role.
    pub role_holders: Option<u64>,
    /// Guests of whom something could not be read.
    pub not_seen: u64,
    /// The apps that guests are assigned to, those that are told an address first; null where
    /// no guest's could be read.
    pub apps: Option<Vec<TouchedApp>>,
    /// What could not be read, and which permission shows it.
    pub unreadable: Vec<Unreadable>,
}

/// How much hangs on one guest. What could not be read is null.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TouchedByOne {
    /// Groups that it is in, directly or through others.
    pub groups: Option<u64>,
    pub teams: Option<u64>,
    /// Active directory roles.
    pub roles: Option<u64>,
    /// Apps that it is assigned to, itself or through a group.
    pub apps: Option<u64>,
}

impl TouchedByOne {
    /// What is known to hang on it, as in "2 groups, 1 team, 1 app"; empty where nothing is.
    pub fn sentence(&self) -> String {
        let Self { groups, teams, roles, apps } = *self;
        let parts = [
            (groups, "group", "groups"),
            (teams, "team", "teams"),
            (roles, "role", "roles"),
            (apps, "app", "apps"),
        ];
        let parts = parts.into_iter().filter_map(|(number, one, many)| {
            number.filter(|number| *number > 0).map(|number| count(number, one, many))
        });
        parts.collect::<Vec<_>>().join(", ")
    }

    /// How much that is, to name those first on whom the most hangs.
    pub fn weight(&self) -> u64 {
        // A team is one of the groups.
        [self.groups, self.roles, self.apps].into_iter().flatten().sum()
    }
}

/// An app that guests are assigned to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TouchedApp {
    /// Object id of its service principal.
    pub id: Box<str>,
    pub client_id: Option<Box<str>>,
    pub name: Option<Box<str>>,
    /// Guests of the plan that are assigned to it.
    pub guests: u64,
    pub sign_on: Option<SignOn>,
    /// What of a user it is told that a move changes, as far as is known.
    pub claims: BTreeSet<Identifier>,
    /// What is known of its claims, in words.
    pub about: String,
    /// Null where they could not be read.
    pub owners: Option<Vec<Owner>>,
}

impl TouchedApp {
    /// What a person recognises it by.
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// Whether it is known to be told no address: SAML by a policy of its own alone.
    pub fn is_clear(&self) -> bool {
        self.sign_on == Some(SignOn::Saml) && self.claims.is_empty()
    }
}

/// What a move changes of what an app may know a user by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identifier {
    /// The mail address.
    Mail,
    /// The user principal name: a guest that signs in at its own tenant is told by the one
    /// that it has there (Entra, *B2B collaboration user claims mapping*, 2023-08). The one
    /// that it has here stays.
    Upn,
}

impl Identifier {
    fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Upn => "user principal name",
        }
    }

    /// What a claims mapping policy takes by this `ID` (Entra, *Claims mapping policy type*,
    /// "Valid ID values per source"). `localuserprincipalname` does not change.
    fn of_mapping(id: &str) -> Option<Self> {
        match id.to_lowercase().as_str() {
            "mail" | "othermail" | "othermails" | "proxyaddresses" => Some(Self::Mail),
            "userprincipalname" => Some(Self::Upn),
            _ => None,
        }
    }

    /// What an optional claim of this name holds (Microsoft identity platform, *Optional
    /// claims reference*).
    fn of_optional_claim(name: &str) -> Option<Self> {
        match name {
            "email" | "verified_primary_email" | "verified_secondary_email" => Some(Self::Mail),
            "upn" | "preferred_username" => Some(Self::Upn),
            _ => None,
        }
    }
}

/// The guests that a plan changes.
pub fn guests_that_change(plan: &Plan) -> BTreeSet<UserId> {
    plan.rows.iter().filter(|row| row.change().is_some()).filter_map(|row| row.user_id).collect()
}

impl Touched {
    /// Counts what was read.
    pub fn of(reach: &Reach) -> Self {
        let guests: BTreeMap<UserId, TouchedByOne> =
            reach.guests.iter().map(|(id, guest)| (*id, by_one(guest, reach))).collect();
        let is_seen = |it: &TouchedByOne| it.groups.is_some() && it.apps.is_some();
        let read: Vec<_> = guests.values().filter(|it| it.groups.is_some()).collect();
        let any_read = !read.is_empty() || guests.is_empty();
        let any_assigned = guests.is_empty() || guests.values().any(|it| it.apps.is_some());
        let teams = reach.groups.values().map(|group| group.is_team);
        let teams = teams.collect::<Option<Vec<bool>>>();
        let teams = teams.map(|teams| teams.into_iter().filter(|is_team| *is_team).count() as u64);
        let role_holders = read.iter().filter(|it| it.roles > Some(0)).count() as u64;
        let mut assigned: BTreeMap<&str, u64> = BTreeMap::new();
        for app in reach.guests.values().flat_map(|guest| guest.apps.iter().flatten()) {
            *assigned.entry(app).or_default() += 1;
        }
        let guests_of = |id: &str| assigned.get(id).copied().unwrap_or_default();
        let apps = reach.apps.iter().map(|(id, app)| touched_app(id, app, guests_of(id)));
        let mut apps: Vec<TouchedApp> = apps.collect();
        apps.sort_by(|one, other| {
            let rank = |app: &TouchedApp| (app.claims.is_empty(), std::cmp::Reverse(app.guests));
            rank(one).cmp(&rank(other)).then_with(|| one.label().cmp(other.label()))
        });
        let total = TouchedTotal {
            guests: guests.len() as u64,
            groups: any_read.then_some(reach.groups.len() as u64),
            teams: teams.filter(|_| any_read),
            role_holders: any_read.then_some(role_holders),
            not_seen: guests.values().filter(|it| !is_seen(it)).count() as u64,
            apps: any_assigned.then_some(apps),
            unreadable: reach.unreadable.clone(),
        };
        Self { total, guests }
    }
}

fn by_one(guest: &GuestReach, reach: &Reach) -> TouchedByOne {
    let groups = guest.memberships.as_ref().map(|it| &it.groups);
    let teams = groups.and_then(|groups| {
        let is_team = |id: &str| reach.groups.get(id).and_then(|group| group.is_team);
        groups.iter().map(|id| is_team(id)).try_fold(0, |sum, is| Some(sum + u64::from(is?)))
    });
    TouchedByOne {
        groups: groups.map(|groups| groups.len() as u64),
        teams,
        roles: guest.memberships.as_ref().map(|it| it.roles.len() as u64),
        apps: guest.apps.as_ref().map(|apps| apps.len() as u64),
    }
}

fn touched_app(id: &str, app: &ReachedApp, guests: u64) -> TouchedApp {
    let (claims, about) = claims(app);
    TouchedApp {
        id: id.into(),
        client_id: app.client_id.clone(),
        name: app.name.clone(),
        guests,
        sign_on: app.sign_on,
        claims,
        about,
        owners: app.owners.clone(),
    }
}

/// What of a user an app is told that a move changes, and how that is known.
fn claims(app: &ReachedApp) -> (BTreeSet<Identifier>, String) {
    let mut told = BTreeSet::new();
    let mut parts = Vec::new();
    let mut mapping = |policy: &ClaimsMapping| {
        let of: BTreeSet<_> =
            policy.of_user.iter().filter_map(|id| Identifier::of_mapping(id)).collect();
        if !of.is_empty() {
            parts.push(format!("the claims policy {} sends the {}", policy.name, names(&of)));
        }
        if policy.is_unclear {
            parts.push(format!("the claims policy {} could not be understood", policy.name));
        }
        told.extend(of);
    };
    app.mapped.iter().flatten().for_each(&mut mapping);
    let optional: Vec<&str> = app
        .optional_claims
        .iter()
        .flatten()
        .map(|name| &**name)
        .filter(|name| Identifier::of_optional_claim(name).is_some())
        .collect();
    if !optional.is_empty() {
        let claims = if optional.len() == 1 { "claim" } else { "claims" };
        parts.push(format!("it asks for the {claims} {}", optional.join(", ")));
        told.extend(optional.iter().filter_map(|name| Identifier::of_optional_claim(name)));
    }
    // Entra, *B2B collaboration user claims mapping*, 2023-08: the user name and the mail, by
    // default. What the portal's Attributes & Claims make of it, Graph v1.0 does not show.
    let replaces = |policy: &ClaimsMapping| !policy.with_basic && !policy.is_unclear;
    let is_default = !app.mapped.iter().flatten().any(replaces);
    match app.sign_on {
        Some(SignOn::Saml) if is_default => {
            told.extend([Identifier::Mail, Identifier::Upn]);
            let unless = if app.mapped.is_some() { "" } else { " or a claims policy" };
            parts.push(format!(
                "SAML sends the user principal name and the mail, unless its Attributes & Claims{unless} \
                 say otherwise"
            ));
        }
        // Microsoft identity platform, *Optional claims reference*: `email`.
        Some(SignOn::Oidc | SignOn::Unset) if told.is_empty() => parts.push(
            "whether it goes by an address is not known; the tokens of guests carry their mail"
                .to_owned(),
        ),
        Some(SignOn::Saml) if told.is_empty() => {
            parts.push("SAML, by a claims policy that sends neither address".to_owned());
        }
        Some(SignOn::Password | SignOn::Other) if told.is_empty() => {
            parts.push("how it knows a guest is not known".to_owned());
        }
        None if told.is_empty() => parts.push("how it knows a guest could not be read".to_owned()),
        Some(_) | None => {}
    }
    (told, parts.join("; "))
}

fn names(of: &BTreeSet<Identifier>) -> String {
    of.iter().map(|it| it.name()).collect::<Vec<_>>().join(" and the ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Memberships, ReachedGroup};

    use Identifier::{Mail, Upn};

    fn policy(of_user: &[&str], with_basic: bool) -> ClaimsMapping {
        let of_user = of_user.iter().map(|&id| id.into()).collect();
        ClaimsMapping { name: "HR".into(), of_user, with_basic, is_unclear: false }
    }

    #[test]
    fn an_app_is_told_what_its_settings_say() {
        let app = |sign_on, optional: Option<&[&str]>, mapped| ReachedApp {
            sign_on,
            optional_claims: optional.map(|names| names.iter().map(|&it| it.into()).collect()),
            mapped,
            ..ReachedApp::default()
        };
        let saml = Some(SignOn::Saml);
        for (app, expected) in [
            (app(saml, None, None), vec![Mail, Upn]),
            (app(saml, None, Some(vec![])), vec![Mail, Upn]),
            (app(saml, None, Some(vec![policy(&["employeeid"], false)])), vec![]),
            (app(saml, None, Some(vec![policy(&["Mail"], false)])), vec![Mail]),
            (app(saml, None, Some(vec![policy(&["employeeid"], true)])), vec![Mail, Upn]),
            (app(saml, None, Some(vec![policy(&["localuserprincipalname"], false)])), vec![]),
            (app(Some(SignOn::Oidc), Some(&["email", "ctry"]), None), vec![Mail]),
            (app(Some(SignOn::Unset), Some(&["upn"]), Some(vec![])), vec![Upn]),
            (app(Some(SignOn::Oidc), Some(&[]), Some(vec![])), vec![]),
            (app(None, None, None), vec![]),
        ] {
            let (told, about) = claims(&app);
            assert_eq!(told.into_iter().collect::<Vec<_>>(), expected, "{app:?}");
            assert!(!about.is_empty(), "{app:?}");
        }
        // A policy that is not understood may leave the default as it is.
        let unclear = ClaimsMapping { is_unclear: true, ..policy(&[], false) };
        let (told, about) = claims(&app(saml, None, Some(vec![unclear])));
        assert_eq!(told.len(), 2, "{about}");
    }

    #[test]
    fn what_could_not_be_read_is_no_zero() {
        let id = |n: u8| UserId::parse(&format!("{n:08}-0000-4000-8000-000000000000")).unwrap();
        let group = |is_team| ReachedGroup { is_team, ..ReachedGroup::default() };
        let guest = |groups: &[&str], roles: &[&str], apps: Option<&[&str]>| {
            let boxed = |list: &[&str]| list.iter().map(|&it| it.into()).collect();
            GuestReach {
                memberships: Some(Memberships {
                    groups: boxed(groups),
                    roles: boxed(roles),
                    administrative_units: 0,
                }),
                apps: apps.map(boxed),
            }
        };
        let mut reach = Reach {
            guests: [
                (id(1), guest(&["g", "t"], &["Reader"], Some(&["a"]))),
                (id(2), guest(&["t"], &[], None)),
                (id(3), GuestReach::default()),
            ]
            .into(),
            groups: [("g".into(), group(Some(false))), ("t".into(), group(Some(true)))].into(),
            apps: [("a".into(), ReachedApp::default())].into(),
            unreadable: Vec::new(),
        };
        let touched = Touched::of(&reach);
        let total = &touched.total;
        assert_eq!((total.groups, total.teams, total.role_holders), (Some(2), Some(1), Some(1)));
        assert_eq!(
            (total.guests, total.not_seen, total.apps.as_ref().unwrap()[0].guests),
            (3, 2, 1)
        );
        let one = touched.guests[&id(1)];
        assert_eq!(
            (one.groups, one.teams, one.roles, one.apps),
            (Some(2), Some(1), Some(1), Some(1))
        );
        assert_eq!(touched.guests[&id(2)].apps, None);
        assert_eq!(touched.guests[&id(3)], TouchedByOne::default());
        reach.groups.insert("g".into(), group(None));
        let touched = Touched::of(&reach);
        assert_eq!((touched.total.groups, touched.total.teams), (Some(2), None));
        assert_eq!((touched.guests[&id(1)].teams, touched.guests[&id(2)].teams), (None, Some(1)));
        reach.guests.values_mut().for_each(|guest| *guest = GuestReach::default());
        reach.groups.clear();
        let total = Touched::of(&reach).total;
        assert_eq!((total.groups, total.teams, total.role_holders), (None, None, None));
        assert_eq!(total.apps, None);
    }
}
