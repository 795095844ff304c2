//! The shapes of our JSON objects. Each object begins with its own: a name and a version,
//! so that a reader can refuse what it was not written for. Keys are only ever added within
//! a version.
//!
//! Leaves to others: what the objects hold, and the log's and the webhook's versions, which
//! are numbers of their own.

use std::io::{self, Write};

use serde::{Serialize, Serializer};

/// The shape of an object or of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// What is left to do by hand.
    Aftercare,
    Apply,
    /// The configuration in force.
    ConfigShow,
    Doctor,
    Draft,
    Emulate,
    Explain,
    /// Of a command that failed before it had an object of its own.
    Failure,
    Init,
    Lint,
    Plan,
    Preview,
    /// A night, and the reminders that are a part of it.
    Reconcile,
    Rehearsal,
    /// A line of a result file.
    Result,
    /// A plan of the way back, or its run.
    Revert,
    Snapshot,
    Status,
    Verify,
}

impl Schema {
    /// Every one there is.
    #[cfg(test)]
    pub(super) const ALL: [Self; 19] = [
        Self::Aftercare,
        Self::Apply,
        Self::ConfigShow,
        Self::Doctor,
        Self::Draft,
        Self::Emulate,
        Self::Explain,
        Self::Failure,
        Self::Init,
        Self::Lint,
        Self::Plan,
        Self::Preview,
        Self::Reconcile,
        Self::Rehearsal,
        Self::Result,
        Self::Revert,
        Self::Snapshot,
        Self::Status,
        Self::Verify,
    ];

    /// As it stands in the object.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aftercare => "reinvite-aftercare/1",
            Self::Apply => "reinvite-apply/1",
            Self::ConfigShow => "reinvite-config-show/1",
            Self::Doctor => "reinvite-doctor/1",
            Self::Draft => "reinvite-draft/1",
            Self::Emulate => "reinvite-emulate/1",
            Self::Explain => "reinvite-explain/1",
            Self::Failure => "reinvite-failure/1",
            Self::Init => "reinvite-init/1",
            Self::Lint => "reinvite-lint/1",
            Self::Plan => "reinvite-plan/1",
            Self::Preview => "reinvite-preview/1",
            Self::Reconcile => "reinvite-reconcile/1",
            Self::Rehearsal => "reinvite-rehearsal/1",
            Self::Result => "reinvite-result/1",
            Self::Revert => "reinvite-revert/1",
            Self::Snapshot => "reinvite-snapshot/1",
            Self::Status => "reinvite-status/1",
            Self::Verify => "reinvite-verify/1",
        }
    }

    /// Writes `object` with its schema before its keys, and ends the line.
    pub fn write(self, out: &mut dyn Write, object: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut *out, &Marked { schema: self, object })?;
        out.write_all(b"\n")
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An object behind its schema.
#[derive(Serialize)]
struct Marked<'a, T> {
    schema: Schema,
    #[serde(flatten)]
    object: &'a T,
}
