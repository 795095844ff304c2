//! Who else holds the names that a plan turns on. A sweep shows guests; a member that
//! holds a guest's present address or the new one makes the same row ambiguous or taken,
//! and a plan decides alike however the directory was read.
//!
//! Leaves to others: holders that are no users (`recipients`, `survey`).

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Directory, DirectoryUser, Email, GuestRef, Unreadable};

use super::batch::Get;
use super::call::Call;
use super::call_error::CallError;
use super::client::Graph;
use super::odata::{held_by, literal, query};
use super::survey::{Optional, PAGE, Swept, Wanted, is_about_the_filter};
use super::users::directory_user;
use super::wire;

const MEMBERS: Optional = Optional {
    what: "members that hold these addresses",
    consequence: "addresses that a member holds",
    permission: "User.Read.All",
};

/// Who is no guest. The type of old accounts is null (Microsoft Graph, *user*).
const NOT_A_GUEST: &str = "(userType eq 'Member' or userType eq null)";

impl Graph {
    /// Adds the users who hold a name of the manifest and are not in the directory yet.
    /// `looked_for` are the names that were asked for one by one.
    pub(super) async fn look_up_holders(
        &self,
        directory: &mut Directory,
        wanted: &Wanted,
        swept: Swept,
        looked_for: &BTreeSet<String>,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<(), CallError> {
        let mut names: BTreeSet<String> = wanted.addresses.iter().map(Email::folded).collect();
        if swept == Swept::Guests {
            let is_name = |reference: &&GuestRef| matches!(reference, GuestRef::Name(_));
            names.extend(wanted.references.iter().filter(is_name).map(GuestRef::folded));
        }
        names.retain(|name| !looked_for.contains(name));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = match swept {
            Swept::Guests => self.members_holding(&names, &directory.tenant.verified_domains).await,
            Swept::Nothing => self.holders(&names).await,
        };
        let found = self.optional(found, unreadable, &MEMBERS)?;
        for user in found.unwrap_or_default() {
            directory.add_user(user);
        }
        Ok(())
    }

    /// Users who hold any of the names.
    pub(super) async fn holders(&self, names: &[&str]) -> Result<Vec<DirectoryUser>, CallError> {
        let gets: Vec<Get> = names
            .iter()
            .map(|name| Get {
                path: "/users".to_owned(),
                query: query(&[("$filter", &held_by(name)), ("$select", wire::USER_SELECT)]),
            })
            .collect();
        let users: Vec<wire::User> = self.all_of(&gets).await?;
        users.into_iter().map(directory_user).collect()
    }

    /// Members who hold any of the names, and some others: whatever takes fewer requests.
    async fn members_holding(
        &self,
        names: &[&str],
        own: &BTreeSet<String>,
    ) -> Result<Vec<DirectoryUser>, CallError> {
        let (endings, mut one_by_one) = by_ending(names, own);
        let mut users = Vec::new();
        for (ending, names) in endings {
            match self.members_ending(ending).await {
                Ok(found) => users.extend(found),
                // An advanced query that is not to be had leaves the plain one.
                Err(CallError::Refused { refusal, .. }) if is_about_the_filter(&refusal) => {
                    one_by_one.extend(names);
                }
                Err(error) => return Err(error),
            }
        }
        users.extend(self.holders(&one_by_one).await?);
        Ok(users)
    }

    /// Members one of whose addresses ends so.
    async fn members_ending(&self, ending: &str) -> Result<Vec<DirectoryUser>, CallError> {
        let mut users = Vec::new();
        for holds in holds_ending(ending) {
            let query = query(&[
                ("$filter", &format!("{NOT_A_GUEST} and {holds}")),
                ("$select", wire::USER_SELECT),
                ("$count", "true"),
                ("$top", PAGE),
            ]);
            let call = Call { advanced: true, ..Call::get(self.url("/users", &query)) };
            self.pages(call, |user: wire::User| {
                users.push(directory_user(user)?);
                Ok(())
            })
            .await?;
        }
        Ok(users)
    }
}

/// A query for each property that holds addresses: one with all would be nearer to the
/// height that the service allows a filter (microsoftgraph/microsoft-graph-docs#3641). A
/// UPN ends in a domain of the tenant's own.
fn holds_ending(ending: &str) -> [String; 3] {
    let ending = literal(ending);
    [
        format!("endsWith(mail,{ending})"),
        format!("proxyAddresses/any(p:endsWith(p,{ending}))"),
        format!("otherMails/any(m:endsWith(m,{ending}))"),
    ]
}

/// The endings that are worth asking for, with the names that end so, and the names that
/// are better asked for one by one: those of the tenant's own domains, where most members
/// are, and those that are few.
fn by_ending<'n>(
    names: &[&'n str],
    own: &BTreeSet<String>,
) -> (BTreeMap<&'n str, Vec<&'n str>>, Vec<&'n str>) {
    let (mut endings, mut one_by_one) = (BTreeMap::<_, Vec<_>>::new(), Vec::new());
    for name in names {
        match ending(name, own) {
            Some(ending) => endings.entry(ending).or_default().push(*name),
            None => one_by_one.push(*name),
        }
    }
    let queries = holds_ending("").len();
    endings.retain(|_, names| {
        let few = names.len() <= queries;
        if few {
            one_by_one.append(names);
        }
        !few
    });
    (endings, one_by_one)
}

/// From the `@` on, or from the `#EXT#` that stands before it in the UPN of a guest; none
/// of a name that ends in a domain of the tenant's own like those of its members.
fn ending<'n>(name: &'n str, own: &BTreeSet<String>) -> Option<&'n str> {
    let at = name.rfind('@')?;
    let before = &name[..at];
    let external = "#ext#";
    if before.len() >= external.len()
        && before.is_char_boundary(before.len() - external.len())
        && before[before.len() - external.len()..].eq_ignore_ascii_case(external)
    {
        return Some(&name[at - external.len()..]);
    }
    (!own.contains(&name[at + 1..].to_lowercase())).then_some(&name[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_asked_for_by_their_ending_where_that_takes_fewer_requests() {
        let own = BTreeSet::from(["contoso.example".to_owned()]);
        let names = [
            "a@fabrikam.example",
            "b@fabrikam.example",
            "c@fabrikam.example",
            "d@fabrikam.example",
            "a@northwind.example",
            "a@contoso.example",
            "b@contoso.example",
            "c@contoso.example",
            "d@Contoso.example",
            "a_x.example#EXT#@contoso.example",
            "b_x.example#EXT#@contoso.example",
            "c_x.example#EXT#@contoso.example",
            "d_x.example#EXT#@contoso.example",
            "nobody",
        ];
        let (endings, one_by_one) = by_ending(&names, &own);
        let endings: Vec<_> = endings.into_iter().map(|(at, names)| (at, names.len())).collect();
        assert_eq!(endings, [("#EXT#@contoso.example", 4), ("@fabrikam.example", 4)]);
        assert_eq!(
            one_by_one,
            [
                "a@contoso.example",
                "b@contoso.example",
                "c@contoso.example",
                "d@Contoso.example",
                "nobody",
                "a@northwind.example"
            ]
        );
    }
}
