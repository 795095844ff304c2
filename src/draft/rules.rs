//! Which domains move, and where to.
//!
//! Leaves to others: reading them (`manifest`, `config`).

use std::collections::BTreeMap;

use crate::domain::{DomainName, Email};

/// Domains that move. None at all where a list says of everybody where it moves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules(BTreeMap<DomainName, Rule>);

/// Where a domain moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub to: DomainName,
    /// Who says so: `--from and --to`, `domains.csv line 3`.
    pub said: Box<str>,
}

/// Why a domain can't move there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// To itself.
    #[error("`{0}` would move to itself")]
    Itself(DomainName),
    /// It moves elsewhere already.
    #[error("`{from}` moves to `{first}` ({said}) and to `{second}`")]
    Twice { from: DomainName, first: DomainName, said: Box<str>, second: DomainName },
}

impl Rules {
    /// Adds a domain that moves.
    pub fn add(
        &mut self,
        from: DomainName,
        to: DomainName,
        said: impl Into<Box<str>>,
    ) -> Result<(), RuleError> {
        if from == to {
            return Err(RuleError::Itself(from));
        }
        match self.0.get(&from) {
            Some(rule) if rule.to != to => Err(RuleError::Twice {
                first: rule.to.clone(),
                said: rule.said.clone(),
                from,
                second: to,
            }),
            Some(_) => Ok(()),
            None => {
                self.0.insert(from, Rule { to, said: said.into() });
                Ok(())
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rule of this domain.
    pub fn of(&self, domain: &str) -> Option<&Rule> {
        let domain = DomainName::parse(domain).ok()?;
        self.0.get(&domain)
    }

    /// Whether a domain moves to this one.
    pub fn move_to(&self, domain: &str) -> bool {
        self.0.values().any(|rule| rule.to.as_str().eq_ignore_ascii_case(domain))
    }

    /// Domains that move, with where to.
    pub fn iter(&self) -> impl Iterator<Item = (&DomainName, &Rule)> {
        self.0.iter()
    }
}

impl Rule {
    /// The address that one of the domain becomes; None where that is none.
    pub fn moved(&self, local: &str) -> Option<Email> {
        Email::parse(&format!("{local}@{}", self.to)).ok()
    }
}

/// What stands before and behind the last `@`.
pub(super) fn parts(address: &str) -> Option<(&str, &str)> {
    address.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(text: &str) -> DomainName {
        text.parse().unwrap()
    }

    #[test]
    fn a_domain_moves_to_one_other() {
        let mut rules = Rules::default();
        rules.add(domain("Northwind.example"), domain("fabrikam.example"), "a").unwrap();
        rules.add(domain("northwind.example"), domain("Fabrikam.example"), "b").unwrap();
        assert_eq!(
            rules
                .add(domain("northwind.example"), domain("x.example"), "c")
                .unwrap_err()
                .to_string(),
            "`northwind.example` moves to `fabrikam.example` (a) and to `x.example`"
        );
        assert!(rules.add(domain("x.example"), domain("x.example"), "d").is_err());
        let rule = rules.of("NORTHWIND.example").unwrap();
        assert_eq!(rule.moved("Ada.Vance").unwrap().as_str(), "Ada.Vance@fabrikam.example");
        assert_eq!(rule.moved("Ädä"), None);
        assert!(rules.move_to("FABRIKAM.example") && !rules.move_to("northwind.example"));
        assert_eq!(rules.of("sub.northwind.example"), None);
    }
}
