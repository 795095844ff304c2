//! The match of every guest, by what is exact; whatever is not becomes a doubt with its
//! candidates.
//!
//! Leaves to others: what a plan would say of the rows (`weigh`).

use std::collections::HashMap;

use crate::domain::{Directory, DirectoryUser, Email, UserId};

use super::candidates::{by_name, by_rule, candidates, distinct, rule_said, said};
use super::listed::{Listed, Naming, Whom};
use super::name;
use super::people::{People, Person};
use super::reason::{Doubt, Match, Omission};
use super::rules::{Rule, Rules, parts};
use super::{Candidate, Doubtful, Draft, Drafted, Guest, LeftOut};

/// Matches the guests of the domains that move, or those whom the list names where no
/// domain is said to.
pub fn match_guests(directory: &Directory, rules: &Rules, people: Option<&People>) -> Draft {
    let listed = people.map(|people| Listed::new(people, directory));
    let matcher = Matcher {
        rules,
        listed: listed.as_ref(),
        namesakes: namesakes(directory, rules, listed.as_ref()),
    };
    let mut draft =
        Draft { not_guests: listed.as_ref().map_or(0, |listed| listed.nobody), ..Draft::default() };
    for user in directory.users() {
        match matcher.guest(user) {
            Some(Verdict::Row(row)) => draft.rows.push(row),
            Some(Verdict::Doubt(doubt)) => draft.review.push(doubt),
            Some(Verdict::LeftOut(left_out)) => draft.left_out.push(left_out),
            None => {}
        }
    }
    part_shared_addresses(&mut draft);
    draft
}

enum Verdict {
    Row(Drafted),
    Doubt(Doubtful),
    LeftOut(LeftOut),
}

/// Guests at the domains that move or are moved to, or whom the list names, by their name.
type Namesakes<'a> = HashMap<String, Vec<&'a DirectoryUser>>;

struct Matcher<'a> {
    rules: &'a Rules,
    listed: Option<&'a Listed<'a>>,
    namesakes: Namesakes<'a>,
}

/// What the domains that move say of a guest.
enum Standing<'a> {
    /// Its mail is at a domain that moves.
    Moves { rule: &'a Rule, target: Option<Email> },
    /// It has no mail; another of its addresses is at one.
    NoMail { rule: &'a Rule, target: Option<Email> },
    /// Its mail is where the domain of another of its addresses moves.
    AlreadyThere,
    /// Its mail is at a third domain, and this address at one that moves.
    Elsewhere(String),
    /// None of its addresses is.
    Outside,
}

impl<'a> Matcher<'a> {
    /// None where the move is not about the user.
    fn guest(&self, user: &DirectoryUser) -> Option<Verdict> {
        let rows = self.listed.map_or(&[][..], |listed| listed.of(user.id));
        if self.rules.is_empty() {
            return self.by_list_alone(user, rows);
        }
        let left_out = |omission, detail: &str| Some(left_out(user, omission, detail));
        let is_named = !rows.is_empty();
        match self.standing(user) {
            Standing::Moves { rule, target } => Some(match self.listed {
                None => self.by_rule(user, rule, target),
                Some(listed) if rows.is_empty() => {
                    not_listed(user, Doubt::NotListed, candidates(listed, user, rule, target))
                }
                Some(listed) => self.by_rows(listed, user, rows, Some(rule)),
            }),
            // Members of the tenant have private addresses.
            Standing::NoMail { .. } | Standing::AlreadyThere | Standing::Elsewhere(_)
                if !user.is_external() =>
            {
                None
            }
            Standing::NoMail { rule, target } => Some(match self.listed {
                Some(listed) if is_named && rows.iter().all(|row| row.how < Match::OldAddress) => {
                    self.by_rows(listed, user, rows, Some(rule))
                }
                Some(listed) => {
                    not_listed(user, Doubt::NoMail, candidates(listed, user, rule, target))
                }
                None => not_listed(user, Doubt::NoMail, by_rule(rule, target)),
            }),
            Standing::AlreadyThere => left_out(Omission::AlreadyThere, ""),
            Standing::Elsewhere(address) => left_out(Omission::Elsewhere, &address),
            Standing::Outside if is_named => {
                let is_there = self.listed.is_some_and(|listed| {
                    rows.iter().any(|row| user.has_mail(&listed.person(row.row).new_email))
                });
                left_out(if is_there { Omission::AlreadyThere } else { Omission::OtherDomain }, "")
            }
            Standing::Outside => None,
        }
    }

    fn standing(&self, user: &DirectoryUser) -> Standing<'a> {
        let rule = |address: &str| parts(address).and_then(|(_, domain)| self.rules.of(domain));
        let moved = |address: &str| {
            let (local, domain) = parts(address)?;
            let rule = self.rules.of(domain)?;
            Some((rule, rule.moved(local)))
        };
        if let Some((rule, target)) = user.mail.as_deref().and_then(moved) {
            return Standing::Moves { rule, target };
        }
        let home = home_address(&user.user_principal_name);
        let others = || {
            let mails = user.other_mails.iter().chain(&user.proxy_addresses);
            mails.map(|mail| &**mail).chain(home.as_deref())
        };
        match user.mail.as_deref() {
            None => match others().find_map(moved) {
                Some((rule, target)) => Standing::NoMail { rule, target },
                None => Standing::Outside,
            },
            Some(mail) => {
                let at = parts(mail).map(|(_, domain)| domain.to_lowercase());
                let moving: Vec<_> = others().filter(|other| rule(other).is_some()).collect();
                let is_there = |other: &&str| {
                    rule(other).is_some_and(|rule| at.as_deref() == Some(rule.to.as_str()))
                };
                match moving.first() {
                    None => Standing::Outside,
                    Some(_) if moving.iter().any(is_there) => Standing::AlreadyThere,
                    Some(first) => Standing::Elsewhere((*first).to_owned()),
                }
            }
        }
    }

    /// The domain moves, and no list says otherwise.
    fn by_rule(&self, user: &DirectoryUser, rule: &Rule, target: Option<Email>) -> Verdict {
        let Some(target) = target else { return not_listed(user, Doubt::NoAddress, Vec::new()) };
        let others: Vec<_> = self.namesakes_of(user).collect();
        if others.is_empty() || !user.is_external() {
            return Verdict::Row(Drafted {
                guest: user.into(),
                evidence: said(user, rule).into(),
                new_email: target,
                matched: Match::SameLocalPart,
            });
        }
        let is_there =
            |other: &DirectoryUser| domain_of(other).is_some_and(|at| at == rule.to.as_str());
        let there: Vec<_> = others.iter().filter(|other| is_there(other)).collect();
        let doubt = if there.is_empty() { Doubt::Namesake } else { Doubt::NamesakeThere };
        let there = there.iter().filter_map(|other| {
            let address = Email::parse(other.mail.as_deref()?).ok()?;
            Some(Candidate { address, evidence: "of the guest of the same name".into() })
        });
        let candidates = distinct(by_rule(rule, Some(target)).into_iter().chain(there));
        let names = others.iter().map(|other| address_of(other)).collect::<Vec<_>>().join(", ");
        let detail = names.into();
        Verdict::Doubt(Doubtful { guest: user.into(), doubt, detail, candidates })
    }

    /// Other guests of the same name.
    fn namesakes_of(&self, user: &DirectoryUser) -> impl Iterator<Item = &'a DirectoryUser> {
        let key = user.display_name.as_deref().and_then(name::key);
        let namesakes = key.and_then(|key| self.namesakes.get(&key)).map_or(&[][..], Vec::as_slice);
        let id = user.id;
        namesakes.iter().copied().filter(move |other| other.id != id)
    }

    /// No domain is said to move: the list says of whom it is, and where each moves.
    fn by_list_alone(&self, user: &DirectoryUser, rows: &[Naming]) -> Option<Verdict> {
        let listed = self.listed?;
        if !rows.is_empty() {
            return Some(self.by_rows(listed, user, rows, None));
        }
        let domain = domain_of(user).filter(|_| user.is_external())?;
        let candidates = by_name(listed, user, &domain);
        // A row that has the guest's name and names another one has found whom it means.
        (!candidates.is_empty()).then(|| not_listed(user, Doubt::ByNameOnly, candidates))
    }

    /// What rows that name the guest are worth.
    fn by_rows(
        &self,
        listed: &Listed<'_>,
        user: &DirectoryUser,
        rows: &[Naming],
        rule: Option<&Rule>,
    ) -> Verdict {
        let doubt = |doubt, detail: String| {
            let candidates = rows.iter().map(|row| {
                let person = listed.person(row.row);
                let evidence = listed.place(person).into();
                Candidate { address: person.new_email.clone(), evidence }
            });
            let candidates = distinct(candidates);
            Verdict::Doubt(Doubtful {
                guest: user.into(),
                doubt,
                detail: detail.into(),
                candidates,
            })
        };
        let places = || {
            let places = rows.iter().map(|row| listed.place(listed.person(row.row)));
            places.collect::<Vec<_>>().join(", ")
        };
        if rows.iter().any(|row| row.whom == Whom::Two) {
            return doubt(Doubt::TwoGuests, places());
        }
        if rows.iter().any(|row| row.whom == Whom::Several) {
            return doubt(Doubt::Ambiguous, places());
        }
        // The firmest row; the others must not contradict it.
        let Some(best) = rows.iter().min_by_key(|row| (row.how, row.row)) else {
            return doubt(Doubt::NotListed, String::new());
        };
        let person = listed.person(best.row);
        if rows.iter().any(|row| listed.person(row.row).new_email != person.new_email) {
            return doubt(Doubt::TwoAddresses, places());
        }
        let here = user.display_name.as_deref().unwrap_or_default();
        let there = || rows.iter().filter_map(|row| listed.person(row.row).name.as_deref());
        if let Some(there) = there().find(|there| name::is_other(there, here)) {
            let detail = format!("`{there}` in the list, `{here}` in the directory");
            return doubt(Doubt::OtherName, detail);
        }
        let is_same = || there().any(|there| name::is_same(there, here));
        if best.how == Match::OtherAddress && !is_same() {
            return doubt(Doubt::OtherAddress, places());
        }
        if let Some(other) = listed.whose_name(person, here) {
            let name = other.name.as_deref().unwrap_or_default();
            return doubt(Doubt::OthersName, format!("{name}, {}", listed.place(other)));
        }
        let names: Vec<&str> = there().chain([here]).filter(|name| !name.is_empty()).collect();
        if let Some((local, _)) = parts(person.new_email.as_str())
            && name::is_of_another(local, &names)
        {
            return doubt(Doubt::OthersName, names.join(", "));
        }
        if let Some(detail) = self.may_be_mixed_up(listed, user, person) {
            return doubt(Doubt::Namesake, detail);
        }
        let domain = person.new_email.domain();
        if let Some(rule) = rule.filter(|rule| rule.to.as_str() != domain) {
            return doubt(Doubt::OtherDomain, format!("{}, and {}", places(), rule_said(rule)));
        }
        Verdict::Row(Drafted {
            guest: user.into(),
            new_email: person.new_email.clone(),
            matched: best.how,
            evidence: places().into(),
        })
    }

    /// Namesakes, whose rows may have been mixed up: lists are made by sorting two others by
    /// name and putting them side by side, which leaves people of one name in any order.
    fn may_be_mixed_up(
        &self,
        listed: &Listed<'_>,
        user: &DirectoryUser,
        person: &Person,
    ) -> Option<String> {
        let in_list = listed.namesakes_of(person).map(|other| listed.place(other));
        let here = self.namesakes_of(user).map(|other| address_of(other).to_owned());
        let others: Vec<_> = in_list.chain(here).collect();
        (!others.is_empty()).then(|| others.join(", "))
    }
}

fn not_listed(user: &DirectoryUser, doubt: Doubt, candidates: Vec<Candidate>) -> Verdict {
    Verdict::Doubt(Doubtful { guest: user.into(), doubt, detail: "".into(), candidates })
}

fn left_out(user: &DirectoryUser, omission: Omission, detail: &str) -> Verdict {
    let (words, detail) = (omission.words(), detail.into());
    Verdict::LeftOut(LeftOut { guest: user.into(), words, detail })
}

/// What a person knows the guest by.
fn address_of(user: &DirectoryUser) -> &str {
    user.mail.as_deref().unwrap_or(&user.user_principal_name)
}

/// The domain of the guest's mail, in lower case.
pub(super) fn domain_of(user: &DirectoryUser) -> Option<String> {
    Some(parts(user.mail.as_deref()?)?.1.to_lowercase())
}

/// The address that an invited guest's UPN was made of: `ada_northwind.example#EXT#@…`
/// (Entra, *B2B user properties*, 2026-03). A domain has no underscore.
pub(super) fn home_address(upn: &str) -> Option<String> {
    let at = upn.to_ascii_uppercase().find("#EXT#@")?;
    let (local, domain) = upn[..at].rsplit_once('_')?;
    Some(format!("{local}@{domain}"))
}

/// Guests whom the move may be about, by their name.
fn namesakes<'a>(
    directory: &'a Directory,
    rules: &Rules,
    listed: Option<&Listed<'_>>,
) -> Namesakes<'a> {
    let is_concerned = |user: &DirectoryUser| match listed {
        Some(listed) if rules.is_empty() => !listed.of(user.id).is_empty(),
        _ => domain_of(user).is_some_and(|at| rules.of(&at).is_some() || rules.move_to(&at)),
    };
    let mut namesakes = Namesakes::new();
    for user in directory.users().iter().filter(|user| user.is_external() && is_concerned(user)) {
        if let Some(key) = user.display_name.as_deref().and_then(name::key) {
            namesakes.entry(key).or_default().push(user);
        }
    }
    namesakes
}

/// Rows of several guests with one address are a doubt each.
fn part_shared_addresses(draft: &mut Draft) {
    let mut guests: HashMap<String, Vec<(UserId, Box<str>)>> = HashMap::new();
    for row in &draft.rows {
        let Guest { id, mail, user_principal_name, .. } = &row.guest;
        let name = mail.as_ref().unwrap_or(user_principal_name).clone();
        guests.entry(row.new_email.folded()).or_default().push((*id, name));
    }
    let (shared, rows) = std::mem::take(&mut draft.rows)
        .into_iter()
        .partition(|row| guests[&row.new_email.folded()].len() > 1);
    draft.rows = rows;
    let shared: Vec<Drafted> = shared;
    draft.review.extend(shared.into_iter().map(|row| {
        let others = guests[&row.new_email.folded()].iter().filter(|(id, _)| *id != row.guest.id);
        let others: Vec<_> = others.map(|(_, name)| &**name).collect();
        row.doubted(Doubt::SharedAddress, &format!("so would {}", others.join(", ")))
    }));
}

impl Drafted {
    /// The same guest with a doubt that came up later.
    pub(super) fn doubted(self, doubt: Doubt, detail: &str) -> Doubtful {
        let candidate = Candidate { address: self.new_email, evidence: self.evidence };
        let detail = detail.into();
        Doubtful { guest: self.guest, doubt, detail, candidates: vec![candidate] }
    }
}
