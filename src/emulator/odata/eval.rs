//! Decides whether a filter finds a user. Text compares without regard to case, as
//! the directory does.
//!
//! Leaves to others: whether the filter is allowed (`check`).

use jiff::Timestamp;

use super::parse::{Comparison, Filter, Literal, Operand};
use crate::emulator::property::Value;
use crate::emulator::seed::Person;

impl Filter {
    /// Whether the filter finds this user.
    pub(in crate::emulator) fn finds(&self, person: &Person) -> bool {
        self.holds(person, None)
    }

    fn holds(&self, person: &Person, item: Option<&str>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.holds(person, item)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(person, item)),
            Self::Not(inner) => !inner.holds(person, item),
            Self::Compare(Operand::Count(property), comparison, literal) => {
                let Value::List(list) = property.of(person) else { return false };
                let equal = matches!(literal, Literal::Number(n) if n.parse() == Ok(list.len()));
                equal == (*comparison == Comparison::Eq)
            }
            Self::Compare(operand, comparison, literal) => {
                compare(value(*operand, person, item), *comparison, literal)
            }
            Self::In(operand, literals) => {
                let value = value(*operand, person, item);
                literals.iter().any(|literal| compare(value, Comparison::Eq, literal))
            }
            Self::StartsWith(operand, start) => match value(*operand, person, item) {
                Value::Text(text) => part_is(text.get(..start.len()), start),
                _ => false,
            },
            Self::EndsWith(operand, end) => match value(*operand, person, item) {
                Value::Text(text) => {
                    part_is(text.len().checked_sub(end.len()).and_then(|at| text.get(at..)), end)
                }
                _ => false,
            },
            Self::Any(property, inner) => match property.of(person) {
                Value::List(list) => list.iter().any(|item| inner.holds(person, Some(item))),
                _ => false,
            },
        }
    }
}

fn value<'a>(operand: Operand, person: &'a Person, item: Option<&'a str>) -> Value<'a> {
    match operand {
        Operand::Property(property) | Operand::Count(property) => property.of(person),
        Operand::Item(_) => item.map_or(Value::Null, Value::Text),
    }
}

fn part_is(part: Option<&str>, expected: &str) -> bool {
    part.is_some_and(|part| equal(part, expected))
}

fn equal(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (!a.is_ascii() && a.to_lowercase() == b.to_lowercase())
}

fn compare(value: Value<'_>, comparison: Comparison, literal: &Literal) -> bool {
    let is_equal = match (value, literal) {
        (Value::Null, Literal::Null) => true,
        (Value::Bool(a), Literal::Bool(b)) => a == *b,
        (Value::Text(a), Literal::Text(b)) => equal(a, b),
        (Value::Text(a), Literal::Number(b)) => moments(a, b).is_some_and(|(a, b)| a == b),
        _ => false,
    };
    match comparison {
        Comparison::Eq => is_equal,
        Comparison::Ne => !is_equal,
        Comparison::Ge | Comparison::Le => {
            let ordering = match (value, literal) {
                (Value::Text(a), Literal::Text(b)) => a.to_lowercase().cmp(&b.to_lowercase()),
                (Value::Text(a), Literal::Number(b)) => match moments(a, b) {
                    Some((a, b)) => a.cmp(&b),
                    None => return false,
                },
                _ => return false,
            };
            is_equal || ordering.is_ge() == (comparison == Comparison::Ge)
        }
    }
}

fn moments(a: &str, b: &str) -> Option<(Timestamp, Timestamp)> {
    Some((a.parse().ok()?, b.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::seed::guest;

    #[test]
    fn filters_find_what_they_say() {
        let mut ada = guest("A1", "Ada.O'Neil@Fabrikam.example");
        ada.user.other_mails = vec!["ada@home.example".into(), "lovelace@home.example".into()];
        ada.user.on_premises_sync_enabled = None;
        let table = [
            ("mail eq 'ada.o''neil@fabrikam.EXAMPLE'", true),
            ("mail ne 'ada.o''neil@fabrikam.example'", false),
            ("id eq 'a1'", true),
            ("id in ('b2','A1')", true),
            ("startsWith(mail,'ADA.')", true),
            ("startsWith(mail,'adam')", false),
            ("endsWith(mail,'@FABRIKAM.example')", true),
            ("endsWith(userPrincipalName,'#EXT#@contoso.onmicrosoft.com')", true),
            ("otherMails/any(x:x eq 'Ada@home.example')", true),
            ("otherMails/any(x:startsWith(x,'love') and endsWith(x,'home.example'))", true),
            ("otherMails/any(x:x eq 'other@home.example')", false),
            ("proxyAddresses/any(x:x eq 'smtp:ada.o''neil@fabrikam.example')", true),
            ("otherMails/$count eq 2", true),
            ("otherMails/$count ne 0", true),
            ("proxyAddresses/$count eq 0", false),
            ("onPremisesSyncEnabled eq null", true),
            ("mail eq null", false),
            ("accountEnabled eq true", true),
            ("accountEnabled eq false", false),
            ("createdDateTime ge 2024-01-01T00:00:00Z", true),
            ("createdDateTime le 2024-01-01T00:00:00Z", false),
            ("externalUserStateChangeDateTime eq 2024-03-01T09:00:00Z", true),
            ("userType eq 'Guest' and (mail eq 'x' or not (creationType eq null))", true),
            ("department eq 'Sales'", false),
        ];
        for (filter, finds) in table {
            assert_eq!(Filter::parse(filter).unwrap().finds(&ada), finds, "{filter}");
        }
    }
}
