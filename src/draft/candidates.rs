//! Addresses that may be a guest's new one, and why they may be: all that alikeness is good
//! for.
//!
//! Leaves to others: what is certain (`matching`).

use crate::domain::{DirectoryUser, Email};

use super::Candidate;
use super::listed::Listed;
use super::matching::{domain_of, home_address};
use super::rules::{Rule, parts};

/// What may be the new address of a guest whom the list does not name.
pub(super) fn candidates(
    listed: &Listed<'_>,
    user: &DirectoryUser,
    rule: &Rule,
    target: Option<Email>,
) -> Vec<Candidate> {
    let home = user.mail.as_deref().and_then(parts).map(|(_, domain)| domain);
    let from = home.map(str::to_owned).or_else(|| {
        let address = home_address(&user.user_principal_name)?;
        Some(parts(&address)?.1.to_owned())
    });
    let named = from.map_or_else(Vec::new, |from| by_name(listed, user, &from));
    distinct(named.into_iter().chain(by_rule(rule, target)))
}

/// By the rule alone.
pub(super) fn by_rule(rule: &Rule, target: Option<Email>) -> Vec<Candidate> {
    let evidence = format!("same local part: {}", rule_said(rule));
    target.map(|address| Candidate { address, evidence: evidence.into() }).into_iter().collect()
}

/// Rows of the list that have the guest's name.
pub(super) fn by_name(listed: &Listed<'_>, user: &DirectoryUser, domain: &str) -> Vec<Candidate> {
    distinct(listed.of_name(user, domain).map(|person| Candidate {
        address: person.new_email.clone(),
        evidence: format!("same name: {}", listed.place(person)).into(),
    }))
}

/// Each address once, with all the evidence for it.
pub(super) fn distinct(candidates: impl IntoIterator<Item = Candidate>) -> Vec<Candidate> {
    let mut distinct: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        match distinct.iter_mut().find(|known| known.address == candidate.address) {
            Some(known) if known.evidence != candidate.evidence => {
                known.evidence = format!("{}; {}", known.evidence, candidate.evidence).into();
            }
            Some(_) => {}
            None => distinct.push(candidate),
        }
    }
    distinct
}

pub(super) fn rule_said(rule: &Rule) -> String {
    format!("its domain moves to {} ({})", rule.to, rule.said)
}

pub(super) fn said(user: &DirectoryUser, rule: &Rule) -> String {
    let from = domain_of(user).unwrap_or_default();
    format!("{from} moves to {} ({})", rule.to, rule.said)
}
