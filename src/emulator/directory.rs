//! The objects of the tenant, their addresses, and what lagging replicas see of
//! them.
//!
//! Leaves to others: who may change what (`users`, `invitations`). Looking up an
//! id, a UPN or an address never walks the whole directory.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::seed::{Contact, Group, Person};
use crate::graph::wire;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holder {
    User(usize),
    DeletedUser(String),
    Group(String),
    Contact(String),
}

/// One user in all the versions that some replica may still show.
#[derive(Debug)]
struct Record {
    current: Person,
    /// When `current` was written; None when it was there from the start.
    written: Option<Instant>,
    /// The revision of the directory that wrote it.
    revision: u64,
    past: Vec<(Option<Instant>, Person)>,
}

impl Record {
    /// The version that a replica lagging by `lag` shows. None: the user is too new.
    fn seen(&self, lag: Duration, now: Instant) -> Option<&Person> {
        let visible = |written: &Option<Instant>| written.is_none_or(|at| at + lag <= now);
        if visible(&self.written) {
            return Some(&self.current);
        }
        self.past.iter().rev().find(|(written, _)| visible(written)).map(|(_, person)| person)
    }

    /// Replaces the current version and forgets those that no replica can show.
    fn replace(&mut self, person: Person, keep: Duration, now: Instant) {
        if keep > Duration::ZERO {
            self.past.push((self.written, std::mem::replace(&mut self.current, person)));
            let visible_to_all =
                |written: &Option<Instant>| written.is_none_or(|at| at + keep <= now);
            let newest = self.past.iter().rposition(|(written, _)| visible_to_all(written));
            self.past.drain(..newest.unwrap_or(0));
        } else {
            self.current = person;
        }
        self.written = Some(now);
    }
}

#[derive(Debug, Default)]
pub(super) struct Directory {
    records: Vec<Record>,
    by_id: HashMap<String, usize>,
    by_upn: HashMap<String, usize>,
    /// `mail` and `otherMails`, which are not unique.
    by_mail: HashMap<String, Vec<usize>>,
    /// SMTP addresses in `proxyAddresses`, which are.
    by_proxy: HashMap<String, Holder>,
    pub(super) deleted: Vec<Person>,
    /// Counts everything that was written.
    revision: u64,
    /// Who was deleted in which revision.
    gone: Vec<(u64, String)>,
    pub(super) groups: HashMap<String, Group>,
    pub(super) contacts: Vec<Contact>,
    pub(super) role_assignments: Vec<wire::RoleAssignment>,
    /// Users that hold a role, directly or through a role-assignable group.
    role_holders: HashSet<String>,
    /// Members and owners of role-assignable groups, whether or not a role is assigned.
    role_group_members: HashSet<String>,
}

impl Directory {
    pub(super) fn new(
        users: Vec<Person>,
        deleted: Vec<Person>,
        groups: Vec<Group>,
        contacts: Vec<Contact>,
        role_assignments: Vec<wire::RoleAssignment>,
    ) -> Self {
        let mut directory = Self::default();
        for group in groups {
            let holder = || Holder::Group(group.id.clone());
            directory.hold(&group.proxy_addresses, &holder);
            directory.hold_one(group.mail.as_deref(), &holder);
            directory.groups.insert(fold(&group.id), group);
        }
        for contact in &contacts {
            let holder = || Holder::Contact(contact.id.clone());
            directory.hold(&contact.proxy_addresses, &holder);
            directory.hold_one(contact.mail.as_deref(), &holder);
        }
        for person in &deleted {
            directory.hold(&person.user.proxy_addresses, &|| {
                Holder::DeletedUser(person.user.id.clone())
            });
        }
        directory.deleted = deleted;
        directory.contacts = contacts;
        for person in users {
            directory.add(person, None);
        }
        for assignment in role_assignments {
            directory.assign_role(assignment);
        }
        let assignable = directory.groups.values().filter(|group| group.is_assignable_to_role);
        directory.role_group_members = assignable
            .flat_map(|group| {
                let owners = group.owners.iter().map(|owner| fold(owner));
                directory.transitive_members(&group.id).into_iter().chain(owners)
            })
            .collect();
        directory
    }

    /// How many users there are.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// The position of the user with this object id.
    pub(super) fn find(&self, id: &str) -> Option<usize> {
        self.by_id.get(&fold(id)).copied()
    }

    /// The position of the user with this object id or UPN.
    pub(super) fn find_named(&self, name: &str) -> Option<usize> {
        let folded = fold(name);
        self.by_id.get(&folded).or_else(|| self.by_upn.get(&folded)).copied()
    }

    /// A user with this address in `mail` or `otherMails`.
    pub(super) fn find_mail(&self, address: &str) -> Option<usize> {
        self.by_mail.get(&fold(address)).and_then(|holders| holders.first()).copied()
    }

    /// Who holds this address as a proxy address.
    pub(super) fn holder(&self, address: &str) -> Option<&Holder> {
        self.by_proxy.get(&fold(address))
    }

    pub(super) fn current(&self, at: usize) -> &Person {
        &self.records[at].current
    }

    /// The user as a replica lagging by `lag` shows it.
    pub(super) fn seen(&self, at: usize, lag: Duration, now: Instant) -> Option<&Person> {
        self.records[at].seen(lag, now)
    }

    /// Adds a user that was written at this moment, or was always there.
    pub(super) fn add(&mut self, person: Person, written: Option<Instant>) -> usize {
        let at = self.records.len();
        self.revision += 1;
        let revision = self.revision;
        self.records.push(Record { current: person, written, revision, past: Vec::new() });
        self.index(at);
        at
    }

    /// Changes a user; replicas may show the old version for another `keep`.
    pub(super) fn write(
        &mut self,
        at: usize,
        keep: Duration,
        now: Instant,
        change: impl FnOnce(&mut Person),
    ) {
        let mut person = self.records[at].current.clone();
        change(&mut person);
        self.unindex(at);
        self.records[at].replace(person, keep, now);
        self.revision += 1;
        self.records[at].revision = self.revision;
        self.index(at);
    }

    /// How often something was written.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// The positions of the users that were written after a revision.
    pub(super) fn changed(&self, since: u64) -> impl Iterator<Item = usize> {
        let records = self.records.iter().enumerate();
        records.filter(move |(_, record)| record.revision > since).map(|(at, _)| at)
    }

    /// The users that were deleted after a revision. One from the start is told of none.
    pub(super) fn gone(&self, since: u64) -> impl Iterator<Item = &str> {
        let gone = self.gone.iter().filter(move |(revision, _)| since > 0 && *revision > since);
        gone.map(|(_, id)| id.as_str())
    }

    /// Deletes a user softly: nobody finds it any more, and its proxy addresses stay
    /// taken. Positions of other users change.
    pub(super) fn delete(&mut self, at: usize, now: Timestamp) {
        self.unindex(at);
        let mut person = self.records.remove(at).current;
        self.revision += 1;
        self.gone.push((self.revision, person.user.id.clone()));
        person.deleted_date_time = Some(format!("{now:.0}"));
        self.by_id.clear();
        self.by_upn.clear();
        self.by_mail.clear();
        self.by_proxy.retain(|_, holder| !matches!(holder, Holder::User(_)));
        self.hold(&person.user.proxy_addresses, &|| Holder::DeletedUser(person.user.id.clone()));
        self.deleted.push(person);
        (0..self.records.len()).for_each(|at| self.index(at));
    }

    /// Gives a role to a user or group.
    pub(super) fn assign_role(&mut self, assignment: wire::RoleAssignment) {
        let principal = &assignment.principal_id;
        if self.groups.contains_key(&fold(principal)) {
            self.role_holders.extend(self.transitive_members(principal));
        } else {
            self.role_holders.insert(fold(principal));
        }
        self.role_assignments.push(assignment);
    }

    /// Whether the user holds a role, directly or through a group.
    pub(super) fn holds_role(&self, id: &str) -> bool {
        self.role_holders.contains(&fold(id))
    }

    /// Whether the user's sensitive properties are protected: it holds a role or is
    /// in a role-assignable group (Microsoft Graph, *users*, "Who can update
    /// sensitive attributes").
    pub(super) fn is_protected(&self, id: &str) -> bool {
        self.holds_role(id) || self.role_group_members.contains(&fold(id))
    }

    /// Ids of the users in a group and in the groups inside it.
    pub(super) fn transitive_members(&self, group: &str) -> Vec<String> {
        let mut users = Vec::new();
        let mut open = vec![fold(group)];
        let mut visited = HashSet::new();
        while let Some(id) = open.pop() {
            if !visited.insert(id.clone()) {
                continue;
            }
            if let Some(group) = self.groups.get(&id) {
                open.extend(group.members.iter().rev().map(|member| fold(member)));
            } else if self.by_id.contains_key(&id) {
                users.push(id);
            }
        }
        users
    }

    fn index(&mut self, at: usize) {
        let Self { records, by_id, by_upn, by_mail, by_proxy, .. } = self;
        let user = &records[at].current.user;
        by_id.insert(fold(&user.id), at);
        by_upn.insert(fold(&user.user_principal_name), at);
        for mail in user.mail.iter().chain(&user.other_mails) {
            let holders = by_mail.entry(fold(mail)).or_default();
            if !holders.contains(&at) {
                holders.push(at);
            }
        }
        for address in smtp_addresses(&user.proxy_addresses) {
            by_proxy.entry(fold(address)).or_insert(Holder::User(at));
        }
    }

    fn unindex(&mut self, at: usize) {
        let Self { records, by_upn, by_mail, by_proxy, .. } = self;
        let user = &records[at].current.user;
        by_upn.remove(&fold(&user.user_principal_name));
        for mail in user.mail.iter().chain(&user.other_mails) {
            if let Some(holders) = by_mail.get_mut(&fold(mail)) {
                holders.retain(|&holder| holder != at);
            }
        }
        for address in smtp_addresses(&user.proxy_addresses) {
            let address = fold(address);
            if by_proxy.get(&address) == Some(&Holder::User(at)) {
                by_proxy.remove(&address);
            }
        }
    }

    fn hold(&mut self, proxies: &[String], holder: &dyn Fn() -> Holder) {
        for address in smtp_addresses(proxies) {
            self.by_proxy.entry(fold(address)).or_insert_with(holder);
        }
    }

    fn hold_one(&mut self, address: Option<&str>, holder: &dyn Fn() -> Holder) {
        if let Some(address) = address {
            self.by_proxy.entry(fold(address)).or_insert_with(holder);
        }
    }
}

/// The form in which two spellings of an id, UPN or address are equal.
pub(super) fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// The addresses among `proxyAddresses` that are for mail, without their prefix.
pub(super) fn smtp_addresses(proxies: &[String]) -> impl Iterator<Item = &str> {
    proxies.iter().filter_map(|proxy| {
        let (kind, address) = proxy.split_once(':')?;
        kind.eq_ignore_ascii_case("smtp").then_some(address)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::seed::guest;

    fn with(users: Vec<Person>) -> Directory {
        Directory::new(users, Vec::new(), Vec::new(), Vec::new(), Vec::new())
    }

    #[tokio::test(start_paused = true)]
    async fn each_replica_sees_a_write_after_its_own_lag() {
        let second = Duration::from_secs(1);
        let mut directory = with(vec![guest("A", "old@f.example")]);
        let mail = |directory: &Directory, lag: u32| {
            directory.seen(0, second * lag, Instant::now()).unwrap().user.mail.clone().unwrap()
        };
        for address in ["1@f.example", "2@f.example"] {
            directory.write(0, second * 30, Instant::now(), |person| {
                person.user.mail = Some(address.into());
            });
            tokio::time::advance(second * 10).await;
        }
        assert_eq!(mail(&directory, 5), "2@f.example");
        assert_eq!(mail(&directory, 15), "1@f.example");
        assert_eq!(mail(&directory, 30), "old@f.example");
        tokio::time::advance(second * 20).await;
        assert_eq!(mail(&directory, 30), "2@f.example");
    }

    #[tokio::test(start_paused = true)]
    async fn versions_that_nobody_can_see_are_forgotten() {
        let second = Duration::from_secs(1);
        let mut directory = with(vec![guest("A", "old@f.example")]);
        for _ in 0..100 {
            directory.write(0, second, Instant::now(), |_| ());
            tokio::time::advance(second).await;
        }
        assert!(directory.records[0].past.len() <= 2);
    }

    #[test]
    fn roles_reach_the_members_of_groups_in_groups() {
        let group = |id: &str, members: &[&str]| Group {
            id: id.into(),
            members: members.iter().map(|&member| member.into()).collect(),
            ..Group::default()
        };
        let assignment = wire::RoleAssignment { principal_id: "G1".into(), ..Default::default() };
        let directory = Directory::new(
            vec![guest("A", "a@f.example"), guest("B", "b@f.example")],
            Vec::new(),
            vec![group("G1", &["G2"]), group("G2", &["a", "G1"])],
            Vec::new(),
            vec![assignment],
        );
        assert!(directory.holds_role("A"));
        assert!(!directory.holds_role("B"));
    }
}
