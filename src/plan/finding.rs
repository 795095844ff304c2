//! Safety findings: what a person should know of the plan as a whole before
//! anything is sent. Each rule has a name; those that refuse say which setting
//! allows more.

use serde::Serialize;

/// How much a finding weighs. Ordered: the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// `apply` refuses until the named setting allows it.
    Refuse,
    /// Worth a look; `apply` goes on.
    Warn,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    /// Stable name of the rule.
    pub code: &'static str,
    /// What is, with its numbers; a sentence without full stop.
    pub message: String,
    pub advice: String,
}

impl Finding {
    pub(super) fn refuse(code: &'static str, message: String, advice: impl Into<String>) -> Self {
        Self { severity: Severity::Refuse, code, message, advice: advice.into() }
    }

    pub(super) fn warn(code: &'static str, message: String, advice: impl Into<String>) -> Self {
        Self { severity: Severity::Warn, code, message, advice: advice.into() }
    }
}
