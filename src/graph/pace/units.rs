//! What our calls cost in resource units (Microsoft Graph, *Service-specific
//! throttling limits*, 2026-02), until the service says otherwise.
//!
//! Leaves to others: how many units there are (`budgets`).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// What the documented cost of a call depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::graph) struct Shape {
    kind: Kind,
    /// One less for `$select`.
    selects: bool,
    /// One more for `$expand`.
    expands: bool,
    /// One less for `$top` below 20.
    few: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// Costs what its items cost.
    Batch,
    /// `GET /users`.
    Users,
    /// `POST /directoryObjects/getByIds`.
    ByIds,
    /// `GET /groups/{id}/members`.
    Members,
    /// `GET /groups/{id}/transitiveMembers`.
    TransitiveMembers,
    MemberOf,
    /// Any other read, and every write. An invitation is taken for one: what it costs is
    /// not documented.
    Other,
}

impl Kind {
    fn base(self) -> u32 {
        match self {
            Self::Batch => 0,
            Self::Other => 1,
            Self::Users | Self::MemberOf => 2,
            Self::Members => 3,
            Self::ByIds | Self::TransitiveMembers => 5,
        }
    }
}

impl Shape {
    /// The shape of a call, from its path below the version and its query, both as
    /// they are sent.
    pub(in crate::graph) fn from_request(path: &str, query: &str) -> Self {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let kind = match (segments.next(), segments.next(), segments.next()) {
            (Some("$batch"), None, _) => Kind::Batch,
            (Some("users"), None, _) => Kind::Users,
            (Some("directoryObjects"), Some("getByIds"), _) => Kind::ByIds,
            (Some("groups"), Some(_), Some("members")) => Kind::Members,
            (Some("groups"), Some(_), Some("transitiveMembers")) => Kind::TransitiveMembers,
            (Some("users"), Some(_), Some("memberOf" | "transitiveMemberOf")) => Kind::MemberOf,
            _ => Kind::Other,
        };
        let value = |name: &str| {
            query.split('&').find_map(|pair| {
                let (found, value) = pair.split_once('=')?;
                (found.trim_start_matches("%24").trim_start_matches('$') == name).then_some(value)
            })
        };
        Self {
            kind,
            selects: value("select").is_some(),
            expands: value("expand").is_some(),
            few: value("top").and_then(|top| top.parse().ok()).is_some_and(|top: u32| top < 20),
        }
    }

    fn documented(self) -> u32 {
        if self.kind == Kind::Batch {
            return 0;
        }
        let less = u32::from(self.selects) + u32::from(self.few);
        (self.kind.base() + u32::from(self.expands)).saturating_sub(less).max(1)
    }
}

/// The costs as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Costs(Mutex<HashMap<Shape, u32>>);

impl Costs {
    /// What a call costs: what the last of its shape did, or what is documented.
    pub(super) fn of(&self, shape: Shape) -> u32 {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.get(&shape).copied().unwrap_or_else(|| shape.documented())
    }

    /// Learns from `x-ms-resource-unit`. Returns what the call cost beyond what it was
    /// thought to.
    pub(super) fn learn(&self, shape: Shape, units: u32) -> u32 {
        let expected = self.of(shape);
        if units != expected {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(shape, units);
        }
        units.saturating_sub(expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_the_documented_ones() {
        for (path, query, units) in [
            ("/users", "", 2),
            ("/users", "$select=id&$top=999", 1),
            ("/users", "%24filter=x&%24select=id", 1),
            ("/users", "$select=id&$top=5", 1),
            ("/users/1", "$select=id", 1),
            ("/users/1/memberOf", "", 2),
            ("/users/$count", "", 1),
            ("/directoryObjects/getByIds", "", 5),
            ("/directoryObjects/getByIds", "$select=id", 4),
            ("/groups/1/transitiveMembers/microsoft.graph.user", "$select=id", 4),
            ("/groups/1/members", "$top=19&$select=id", 1),
            ("/roleManagement/directory/roleAssignments", "$expand=principal", 2),
            ("/invitations", "", 1),
            ("/$batch", "", 0),
        ] {
            assert_eq!(
                Costs::default().of(Shape::from_request(path, query)),
                units,
                "{path} {query}"
            );
        }
    }

    #[test]
    fn the_service_knows_better() {
        let costs = Costs::default();
        let page = Shape::from_request("/users", "$select=id");
        assert_eq!(costs.learn(page, 1), 0);
        assert_eq!(costs.learn(page, 7), 6);
        assert_eq!((costs.of(page), costs.of(Shape::from_request("/users", ""))), (7, 2));
        assert_eq!(costs.learn(page, 7), 0);
        assert_eq!(costs.learn(page, 1), 0);
        assert_eq!(costs.of(page), 1);
    }
}
