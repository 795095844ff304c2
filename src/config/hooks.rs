//! Programs of the user's that run after a command.
//!
//! Leaves to others: running them.

use std::time::Duration;

use super::duration::parse_duration;
use super::key;
use super::layers::{Layers, Reported};
use super::value::{Fault, Value, can_be_meant};

/// Programs to run after a command. Each is a program and its arguments; no shell
/// reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookSettings {
    /// After a success.
    pub on_success: Option<Vec<String>>,
    /// After a failure.
    pub on_failure: Option<Vec<String>>,
    /// After the others, whatever the end.
    pub finally: Option<Vec<String>>,
    /// How long each may take.
    pub time_limit: Duration,
}

impl Default for HookSettings {
    fn default() -> Self {
        Self {
            on_success: None,
            on_failure: None,
            finally: None,
            time_limit: Duration::from_mins(1),
        }
    }
}

/// What a hook finds in its environment, behind the prefix (`report` gives the
/// values).
const HOOK_VARIABLES: &[&str] = &[
    "COMMAND",
    "RUN_ID",
    "RESULT",
    "EXIT_CODE",
    "MEANING",
    "TO_DO",
    "STOP_REASON",
    "STOP_MESSAGE",
    "TENANT_ID",
    "TENANT_NAME",
    "MANIFEST",
    "CHECKPOINT",
    "STARTED_AT",
    "ENDED_AT",
    "DURATION_SECONDS",
    "ROWS",
    "INVITED",
    "PATCHED",
    "SETTLED",
    "BLOCKED",
    "FAILED",
    "UNKNOWN",
    "NOT_ATTEMPTED",
    "RETRIES",
    "THROTTLED",
    "MAILED",
    "MAIL_FILES",
    "MAIL_FAILED",
    "MAIL_UNKNOWN",
    "NOT_INVITED",
];

/// Whether a variable is one that hooks are given. A hook that runs this program
/// passes them on to it.
pub(super) fn is_hook_variable(name: &str) -> bool {
    name.strip_prefix("REINVITE_HOOK_").is_some_and(|name| HOOK_VARIABLES.contains(&name))
}

impl HookSettings {
    pub(super) fn resolve(layers: &mut Layers<'_>) -> Result<Self, Reported> {
        let on_success = layers.get(key::HOOKS_ON_SUCCESS, program);
        let on_failure = layers.get(key::HOOKS_ON_FAILURE, program);
        let finally = layers.get(key::HOOKS_FINALLY, program);
        let time_limit = layers.get(key::HOOKS_TIME_LIMIT, time_limit);
        Ok(Self {
            on_success: on_success?,
            on_failure: on_failure?,
            finally: finally?,
            time_limit: time_limit?.unwrap_or(Self::default().time_limit),
        })
    }
}

fn time_limit(value: &Value) -> Result<Duration, Fault> {
    match value.parsed(parse_duration)? {
        Duration::ZERO => Err(Fault::new("leaves the programs no time at all")),
        limit => Ok(limit),
    }
}

/// A program and its arguments.
fn program(value: &Value) -> Result<Vec<String>, Fault> {
    if let Value::Text(_) = value {
        return Err(Fault::new("must be a list of the program and its arguments, not a text")
            .with_hint("no shell reads it: write [\"program\", \"argument\"]"));
    }
    let words = value.texts()?;
    if words.first().is_none_or(|program| program.is_empty()) {
        return Err(Fault::new("names no program")
            .with_hint("write [\"program\", \"argument\"], or leave the key out"));
    }
    can_be_meant(&words)?;
    Ok(words.into_iter().map(str::to_owned).collect())
}
