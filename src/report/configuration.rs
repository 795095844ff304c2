//! The configuration in force: as TOML, or for programs; with where each value comes from.
//! Values stand as they were given: a relative path starts from the file it is from.
//!
//! Leaves to others: finding that out (`config`).

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::config::{Shown, Whence};

use super::style::Styles;
use super::text::{columns, harmless};

/// Comments stand below each other up to here.
const COMMENT_AT: usize = 48;

/// The keys under their sections, with the origin of each as a comment where it is asked for.
pub fn configuration_text(keys: &[Shown], origin: bool, styles: Styles) -> String {
    let (heading, faint) = (styles.heading, styles.faint);
    let mut text = String::new();
    let mut section = "";
    for key in keys {
        if key.section != section {
            let gap = if section.is_empty() { "" } else { "\n" };
            section = key.section;
            let _ = writeln!(text, "{gap}{heading}[{section}]{heading:#}");
        }
        let line = harmless(&format!("{} = {}", key.name, key.value));
        text += &line;
        if origin {
            let gap = COMMENT_AT.saturating_sub(columns(&line)).max(2);
            let _ = write!(text, "{:gap$}{faint}# {}{faint:#}", "", harmless(&words(&key.from)));
        }
        text.push('\n');
    }
    text
}

/// The same as one object.
pub fn configuration_json(keys: &[Shown]) -> Value {
    let keys = keys.iter().map(|key| {
        let (origin, place) = match &key.from {
            Whence::Flag(flag) => ("flag", Some(*flag)),
            Whence::Variable(name) => ("variable", Some(name.as_str())),
            Whence::File { place, is_of_user: false } => ("file", Some(place.as_str())),
            Whence::File { place, is_of_user: true } => ("user-file", Some(place.as_str())),
            Whence::Preset => ("preset", None),
            Whence::Default => ("default", None),
        };
        json!({
            "section": key.section,
            "key": key.name,
            "value": key.value,
            "origin": origin,
            "place": place,
        })
    });
    json!({ "keys": keys.collect::<Vec<_>>() })
}

fn words(from: &Whence) -> String {
    match from {
        Whence::Flag(flag) => (*flag).to_owned(),
        Whence::Variable(name) => name.clone(),
        Whence::File { place, is_of_user: false } => place.clone(),
        Whence::File { place, is_of_user: true } => format!("{place}, the user's own"),
        Whence::Preset => "the preset".to_owned(),
        Whence::Default => "default".to_owned(),
    }
}
