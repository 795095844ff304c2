//! The JSON Schemas of what this program writes and of its configuration, for whoever
//! reads or writes them by program or in an editor.
//!
//! Leaves to others: which object a command writes. That each of them is as its schema says
//! is tested on what the program itself writes.

/// What several of them share.
const COMMON: &str = include_str!("../../docs/schema/common.json");

/// How a schema refers to what is shared.
const REFERENCE: &str = "\"common.json#/$defs/";

macro_rules! documents {
    ($($name:literal),* $(,)?) => {
        /// By name: of the configuration, of each command's object, and of the lines of
        /// result and log files and of the webhook.
        const DOCUMENTS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../docs/schema/", $name, ".json")))),*];
    };
}

documents!(
    "aftercare",
    "apply",
    "config",
    "config-show",
    "doctor",
    "draft",
    "emulate",
    "explain",
    "failure",
    "init",
    "lint",
    "log",
    "plan",
    "preview",
    "reconcile",
    "rehearsal",
    "report",
    "result",
    "revert",
    "snapshot",
    "status",
    "verify",
    "webhook",
);

/// The names that [`schema_document`] knows.
pub fn schema_names() -> impl Iterator<Item = &'static str> {
    DOCUMENTS.iter().map(|(name, _)| *name)
}

/// The schema of this name, whole: what it shares with others is in it.
pub fn schema_document(name: &str) -> Option<String> {
    let (_, text) = DOCUMENTS.iter().find(|(known, _)| *known == name)?;
    if !text.contains(REFERENCE) {
        return Some((*text).to_owned());
    }
    let shared = &COMMON[COMMON.find("  \"$defs\"").expect("the file is our own")..];
    let own = text.trim_end().strip_suffix('}').expect("it is an object").trim_end();
    let whole = format!("{own},\n{shared}");
    Some(whole.replace(REFERENCE, "\"#/$defs/"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::report::Schema;

    fn document(name: &str) -> Value {
        serde_json::from_str(&schema_document(name).unwrap()).unwrap()
    }

    #[test]
    fn each_stands_alone() {
        for name in schema_names() {
            let document = document(name);
            assert_eq!(document["$id"], format!("{name}.json"));
            let text = document.to_string();
            assert!(!text.contains("common.json"), "{name}");
            for part in text.split("\"#/$defs/").skip(1) {
                let of = part.split('"').next().unwrap();
                assert!(document["$defs"].get(of).is_some(), "{name} lacks {of}");
            }
        }
        assert_eq!(schema_document("nothing"), None);
    }

    #[test]
    fn every_object_of_ours_has_one() {
        let names: BTreeSet<_> = schema_names().collect();
        for schema in Schema::ALL {
            let name = schema.as_str().strip_prefix("reinvite-").unwrap();
            let name = name.strip_suffix("/1").unwrap();
            assert!(names.contains(name), "{name}");
            let document = document(name).to_string();
            assert!(document.contains(&format!("{{\"const\":\"{}\"", schema.as_str())), "{name}");
        }
    }
}
