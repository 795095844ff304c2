//! A command's end as the environment of a hook.
//!
//! Leaves to others: running hooks (`hooks`), and knowing their variables when a hook runs
//! this program (`config`).

use crate::report::{harmless, seconds, stamp};

use super::ending::Ending;

/// What a hook finds in its environment; a value is empty where something is not
/// known.
pub(super) fn hook_environment(ending: &Ending) -> Vec<(String, String)> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let said = [
        ("COMMAND", ending.command.to_owned()),
        ("RUN_ID", ending.run_id.to_string()),
        ("RESULT", ending.verdict.word().to_owned()),
        ("EXIT_CODE", ending.exit_code.to_string()),
        ("MEANING", ending.meaning.to_owned()),
        ("TO_DO", text(&ending.to_do)),
        ("STOP_REASON", ending.stop_reason.unwrap_or_default().to_owned()),
        ("STOP_MESSAGE", text(&ending.stop_message)),
        ("TENANT_ID", ending.tenant_id().unwrap_or_default().to_owned()),
        ("TENANT_NAME", text(&ending.tenant_name)),
        ("MANIFEST", text(&ending.manifest)),
        ("CHECKPOINT", text(&ending.checkpoint)),
        ("STARTED_AT", stamp(ending.started_at)),
        ("ENDED_AT", stamp(ending.ended_at)),
        ("DURATION_SECONDS", seconds(ending.duration).to_string()),
    ];
    let known = ending.numbers.is_some();
    let counted = ending
        .numbers
        .clone()
        .unwrap_or_default()
        .numbers()
        .into_iter()
        .map(|(name, n)| (name, if known { n.to_string() } else { String::new() }));
    let all = said.into_iter().chain(counted);
    // No environment can hold a zero byte, and `env` shows a line break as another variable.
    let entry = |name: &str, value: String| {
        (format!("REINVITE_HOOK_{}", name.to_uppercase()), harmless(&value))
    };
    all.map(|(name, value)| entry(name, value)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::ending::tests::{stopped_night, unplanned_night};
    use super::*;

    #[test]
    fn every_variable_has_a_value_once_everything_is_known() {
        for (name, value) in hook_environment(&stopped_night()) {
            assert!(!value.is_empty(), "{name}");
        }
    }

    #[test]
    fn the_configuration_knows_every_variable() {
        let names = hook_environment(&stopped_night()).into_iter().map(|(name, _)| name);
        assert_eq!(crate::config::unknown_variables(names), []);
    }

    #[test]
    fn what_is_not_known_is_empty() {
        let environment = hook_environment(&unplanned_night());
        let value = |name| environment.iter().find(|(known, _)| known == name).map(|(_, v)| &**v);
        assert_eq!(value("REINVITE_HOOK_ROWS"), Some(""));
        assert_eq!(value("REINVITE_HOOK_EXIT_CODE"), Some("2"));
    }
}
