//! The digest that pins what was reviewed: equal for equal decisions in any
//! order of rows, different for any other.

use std::fmt;

use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::{Blocked, Decision, PlannedRow, Settled};

/// SHA-256 over the plan's decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

/// The shortest beginning of a digest that `apply --plan` takes: 48 bits are
/// beyond a mistaken match.
const SHORTEST_PREFIX: usize = 12;

impl Digest {
    /// Digests the decisions of a tenant's plan. Line numbers are left out, also
    /// those that a decision points to, and so is how a row names a guest that was
    /// found: people sort their manifests between reviewing and applying, and which
    /// of two rows for one guest comes first decides nothing.
    pub fn new(tenant: &str, rows: &[PlannedRow]) -> Self {
        let mut entries: Vec<[u8; 32]> = rows
            .iter()
            .map(|row| {
                let name = row.user_id.is_none().then_some(&row.user);
                let decision = match &row.decision {
                    Decision::Settled(Settled::SameAsLine { .. })
                    | Decision::Blocked(Blocked::ConflictingRows { .. }) => None,
                    decision => Some(decision),
                };
                let content = (&row.user_id, name, &row.new_email, row.decision.reason(), decision);
                let text = serde_json::to_vec(&content).expect("a decision is plain data");
                Sha256::digest(&text).into()
            })
            .collect();
        entries.sort_unstable();
        let mut hasher = Sha256::new();
        hasher.update(tenant.to_lowercase());
        for entry in entries {
            hasher.update(entry);
        }
        Self(hasher.finalize().into())
    }

    /// Whether this digest is the one a person wrote: in full, or at least its
    /// first twelve digits.
    pub fn is(&self, written: &str) -> bool {
        let written = written.trim();
        written.len() >= SHORTEST_PREFIX
            && self.to_string().starts_with(&written.to_ascii_lowercase())
    }

    /// The first twelve digits, for a person to read and type.
    pub fn short(&self) -> String {
        self.to_string()[..SHORTEST_PREFIX].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
