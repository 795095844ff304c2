//! Refuses filters that Graph does not support, in its words: operators by property
//! (Microsoft Graph, *user resource type*), advanced queries (*Advanced query
//! capabilities*, 2025-08), and the number of clauses.
//!
//! Leaves to others: what a supported filter finds (`eval`).

use super::parse::{Comparison, Filter, Literal, Operand};
use crate::emulator::errors::Refusal;
use crate::emulator::property::{Property, op};

/// microsoft-graph-docs-contrib#1238.
const MAX_CLAUSES: usize = 15;

impl Filter {
    /// Checks the filter. `is_advanced`: `ConsistencyLevel: eventual` and
    /// `$count=true` came with it.
    pub(in crate::emulator) fn check(&self, is_advanced: bool) -> Result<(), Refusal> {
        self.check_operators(false, is_advanced)?;
        if is_advanced { Ok(()) } else { self.check_clauses() }
    }

    fn check_operators(&self, negated: bool, is_advanced: bool) -> Result<(), Refusal> {
        let advanced = |operator: &str| {
            if is_advanced { Ok(()) } else { Err(needs_advanced(operator)) }
        };
        let supports = |property: &Property, operators: u16| {
            let needed = operators | if negated { op::NOT } else { 0 };
            if property.operators & needed == needed { Ok(()) } else { Err(unsupported(property)) }
        };
        match self {
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().try_for_each(|part| part.check_operators(negated, is_advanced))
            }
            Self::Not(inner) => {
                inner.check_operators(true, is_advanced)?;
                advanced("not")
            }
            Self::Compare(Operand::Count(property), comparison, _) => {
                supports(property, op::COUNT)?;
                match comparison {
                    Comparison::Eq | Comparison::Ne => advanced("$count"),
                    Comparison::Ge | Comparison::Le => Err(unsupported(property)),
                }
            }
            Self::Compare(operand, comparison, literal) => {
                let property = operand.property();
                bare_list(*operand)?;
                let operators = match (comparison, literal) {
                    (Comparison::Eq, Literal::Null) => op::EQ | op::NULL,
                    (Comparison::Eq, _) => op::EQ,
                    (Comparison::Ne, _) => op::NE,
                    (Comparison::Ge | Comparison::Le, _) => op::GE_LE,
                };
                supports(property, operators)?;
                if *comparison == Comparison::Ne { advanced("ne") } else { Ok(()) }
            }
            Self::In(operand, _) => {
                bare_list(*operand)?;
                supports(operand.property(), op::IN)
            }
            Self::StartsWith(operand, _) => {
                bare_list(*operand)?;
                supports(operand.property(), op::STARTS)
            }
            Self::EndsWith(operand, _) => {
                bare_list(*operand)?;
                supports(operand.property(), op::ENDS)?;
                advanced("endsWith")
            }
            Self::Any(property, inner) => {
                if !property.is_list() {
                    return Err(unsupported(property));
                }
                inner.check_operators(negated, is_advanced)
            }
        }
    }

    /// Every chain of `or` has at most 15 clauses; each value of an `in` is one.
    fn check_clauses(&self) -> Result<(), Refusal> {
        match self {
            Self::Or(_) | Self::In(..) => {
                let clauses = self.clauses();
                if clauses > MAX_CLAUSES {
                    return Err(Refusal::unsupported_query(format!(
                        "Too many child clauses specified in search filter expression containing \
                         'OR' operators: {clauses}. Max allowed: {MAX_CLAUSES}"
                    )));
                }
                Ok(())
            }
            Self::And(parts) => parts.iter().try_for_each(Self::check_clauses),
            Self::Not(inner) | Self::Any(_, inner) => inner.check_clauses(),
            Self::Compare(..) | Self::StartsWith(..) | Self::EndsWith(..) => Ok(()),
        }
    }

    fn clauses(&self) -> usize {
        match self {
            Self::Or(parts) => parts.iter().map(Self::clauses).sum(),
            Self::In(_, literals) => literals.len(),
            _ => 1,
        }
    }
}

/// A list is compared through `any`, never by itself.
fn bare_list(operand: Operand) -> Result<(), Refusal> {
    match operand {
        Operand::Property(property) if property.is_list() => Err(unsupported(property)),
        Operand::Property(_) | Operand::Item(_) | Operand::Count(_) => Ok(()),
    }
}

fn unsupported(property: &Property) -> Refusal {
    Refusal::unsupported_query(format!(
        "Unsupported or invalid query filter clause specified for property '{}' of resource 'User'.",
        property.name
    ))
}

fn needs_advanced(operator: &str) -> Refusal {
    Refusal::unsupported_query(format!(
        "Operator '{operator}' is not supported because the required parameters might be missing. \
         Try adding $count=true query parameter and ConsistencyLevel:eventual header. Refer to \
         https://aka.ms/graph-docs/advanced-queries for more information"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(filter: &str, is_advanced: bool) -> Result<(), String> {
        let filter = Filter::parse(filter).map_err(|refusal| refusal.to_string())?;
        filter.check(is_advanced).map_err(|refusal| refusal.message)
    }

    #[test]
    fn each_property_supports_the_documented_operators() {
        let table = [
            ("userType eq 'Guest'", true),
            ("userType eq null", true),
            ("userType in ('Guest','Member')", true),
            ("startsWith(userType,'G')", false),
            ("externalUserState eq 'Accepted'", true),
            ("externalUserState eq null", false),
            ("externalUserStateChangeDateTime ge 2026-01-01T00:00:00Z", false),
            ("createdDateTime ge 2026-01-01T00:00:00Z", true),
            ("mail eq null", true),
            ("endsWith(mail,'@x')", true),
            ("otherMails/any(x:x eq 'a')", true),
            ("otherMails/any(x:x ne 'a')", false),
            ("otherMails eq 'a'", false),
            ("otherMails/$count eq 0", true),
            ("mail/any(x:x eq 'a')", false),
            ("proxyAddresses/any(x:endsWith(x,'@x'))", true),
            ("isManagementRestricted eq true", false),
            ("not startsWith(mail,'a')", true),
            ("accountEnabled eq true and userType ne 'Guest'", true),
        ];
        for (filter, supported) in table {
            assert_eq!(
                check(filter, true).is_ok(),
                supported,
                "{filter}: {:?}",
                check(filter, true)
            );
        }
    }

    #[test]
    fn some_operators_need_an_advanced_query() {
        for (filter, operator) in [
            ("userType ne 'Guest'", "'ne'"),
            ("not userType eq 'Guest'", "'not'"),
            ("endsWith(mail,'@x')", "'endsWith'"),
            ("mail eq 'a' or proxyAddresses/any(x:endsWith(x,'@x'))", "'endsWith'"),
            ("otherMails/$count eq 0", "'$count'"),
        ] {
            assert!(check(filter, false).unwrap_err().contains(operator), "{filter}");
            assert_eq!(check(filter, true), Ok(()));
        }
    }

    #[test]
    fn fifteen_clauses_are_enough() {
        let or = |n: usize| vec!["mail eq 'a'"; n].join(" or ");
        let list = |n: usize| format!("mail in ({})", vec!["'a'"; n].join(","));
        let nested = format!("({}) or ({})", or(8), list(8));
        for (filter, clauses) in [(or(16), 16), (list(17), 17), (nested, 16)] {
            assert_eq!(
                check(&filter, false).unwrap_err(),
                format!(
                    "Too many child clauses specified in search filter expression containing 'OR' \
                     operators: {clauses}. Max allowed: 15"
                )
            );
            assert_eq!(check(&filter, true), Ok(()));
        }
        assert_eq!(check(&or(15), false), Ok(()));
        assert_eq!(check(&list(15), false), Ok(()));
        assert_eq!(check(&format!("({}) and ({})", or(15), or(15)), false), Ok(()));
    }
}
