//! The configuration as it is in force, key by key, with where each value comes from.
//!
//! Leaves to others: what a value means, and showing it (`report`).

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;

use super::error::{ConfigError, Origin};
use super::example::EXAMPLE;
use super::key::{self, Key};
use super::layers::Layers;
use super::settings::{Overrides, Settings};

/// A key that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub section: &'static str,
    pub name: &'static str,
    /// As TOML writes it. No key holds a secret, only where one is.
    pub value: String,
    pub from: Whence,
}

/// Who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whence {
    /// A flag, or its variable.
    Flag(&'static str),
    /// The key's environment variable.
    Variable(String),
    /// A configuration file, and the place in it as an editor finds it.
    File { place: String, is_of_user: bool },
    /// `[pace] preset`.
    Preset,
    /// Nobody.
    Default,
}

/// Every key that has a value. What a command would refuse is an error here, too.
pub fn shown(
    path: &Path,
    named: bool,
    env: impl Fn(&str) -> Option<OsString>,
    overrides: &Overrides,
) -> Result<Vec<Shown>, ConfigError> {
    let (settings, _) = Settings::load(path, named, &env, overrides)?;
    let mut layers = Layers::open(path, named, &env)?;
    let defaults = defaults();
    let mut all = Vec::new();
    for &key in key::ALL {
        let found = layers.find(key, |value| Ok(value.to_toml())).ok().flatten();
        let (value, from) = match (flag(key, overrides), found) {
            (Some((flag, value)), _) => (value, Whence::Flag(flag)),
            (None, Some(found)) => {
                let from = match found.origin {
                    Origin::Variable(name) => Whence::Variable(name),
                    Origin::File { path, line, column, .. } => Whence::File {
                        place: format!("{}:{line}:{column}", path.display()),
                        is_of_user: layers.is_of_user(&path),
                    },
                    Origin::Nowhere => Whence::Default,
                };
                (found.value, from)
            }
            (None, None) => match (preset(key, &settings), defaults.get(&key)) {
                (Some(value), _) => (value, Whence::Preset),
                (None, Some(value)) => ((*value).to_owned(), Whence::Default),
                (None, None) => continue,
            },
        };
        all.push(Shown { section: key.section, name: key.name, value, from });
    }
    Ok(all)
}

/// The flags that every command has and that stand above a key.
fn flag(key: Key, overrides: &Overrides) -> Option<(&'static str, String)> {
    let path = overrides.checkpoint.as_ref().filter(|_| key == key::CHECKPOINT_PATH)?;
    Some(("--checkpoint", toml::Value::String(path.display().to_string()).to_string()))
}

/// What the preset says of a key.
fn preset(key: Key, settings: &Settings) -> Option<String> {
    let pace = &settings.pace;
    match key {
        key::PACE_WRITES_PER_SECOND => Some(pace.writes_per_second.to_string()),
        key::PACE_BURST => Some(pace.burst.to_string()),
        key::PACE_REQUESTS_IN_FLIGHT => Some(pace.requests_in_flight.to_string()),
        _ => None,
    }
}

/// The defaults, from the example: it is tested that they are. A server's belong to it and
/// are left out, because they depend on how it is spoken to.
fn defaults() -> HashMap<Key, &'static str> {
    let mut section = "";
    let mut defaults = HashMap::new();
    for line in EXAMPLE.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
            continue;
        }
        let assignment = line.strip_prefix("# ").and_then(|line| line.split_once(" = "));
        let Some((name, value)) = assignment.filter(|(_, value)| !value.contains("# example"))
        else {
            continue;
        };
        if let Some(key) = Key::find(section, name).filter(|key| key.section != "delivery.smtp") {
            defaults.insert(key, value);
        }
    }
    // They belong to a cloud, and are an example of the global one's.
    defaults.retain(|key, _| ![key::TENANT_GRAPH_URL, key::TENANT_LOGIN_URL].contains(key));
    defaults
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn the_one_above_wins_and_a_section_of_the_campaign_is_its_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let user = path("reinvite").join("config.toml");
        std::fs::create_dir(user.parent().unwrap()).unwrap();
        std::fs::write(
            &user,
            "[auth]\nmethod = \"azure-cli\"\n[notify]\nwebhook_env = \"HOOK\"\non = \"always\"\n\
             [delivery]\nby = \"none\"\n",
        )
        .unwrap();
        let campaign = path("reinvite.toml");
        let text = "[tenant]\nid = \"contoso.example\"\n[delivery]\nkeep_links = \"until-sent\"\n\
                    [pace]\npreset = \"careful\"\n[notify]\nping_env = \"PING\"\n";
        std::fs::write(&campaign, text).unwrap();
        let home = directory.path().as_os_str().to_owned();
        let env = move |name: &str| match name {
            "XDG_CONFIG_HOME" | "APPDATA" => Some(home.clone()),
            "REINVITE_PACE_SETTLE" => Some("3s".into()),
            _ => None,
        };
        let overrides = Overrides { checkpoint: Some("c".into()), ..Overrides::default() };
        let shown = shown(&campaign, true, &env, &overrides).unwrap();
        let of = |section: &str, name: &str| {
            let key = shown.iter().find(|key| key.section == section && key.name == name);
            key.map(|key| (key.value.as_str(), key.from.clone()))
        };
        let in_file = |path: &Path, place: &str, is_of_user| Whence::File {
            place: format!("{}:{place}", path.display()),
            is_of_user,
        };
        assert_eq!(of("auth", "method"), Some(("\"azure-cli\"", in_file(&user, "2:10", true))));
        assert_eq!(
            of("tenant", "id"),
            Some(("\"contoso.example\"", in_file(&campaign, "2:6", false)))
        );
        // The campaign has [delivery] and [notify] of its own.
        assert_eq!(of("delivery", "by"), Some(("\"microsoft\"", Whence::Default)));
        assert_eq!(of("notify", "webhook_env"), None);
        assert_eq!(of("notify", "on"), Some(("[\"failure\"]", Whence::Default)));
        let settle = Whence::Variable("REINVITE_PACE_SETTLE".into());
        assert_eq!(of("pace", "settle"), Some(("\"3s\"", settle)));
        assert_eq!(of("pace", "writes_per_second"), Some(("1", Whence::Preset)));
        assert_eq!(of("checkpoint", "path"), Some(("\"c\"", Whence::Flag("--checkpoint"))));
        assert_eq!(of("guards", "canary"), None);
    }

    #[test]
    fn a_rehearsal_mails_and_notifies_by_nothing_of_the_users() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::create_dir(path("reinvite")).unwrap();
        let user = "[auth]\nmethod = \"azure-cli\"\n[notify]\nping_env = \"PING\"\n\
                    [delivery]\nby = \"smtp\"\nfrom = \"it@contoso.example\"\n\
                    [delivery.smtp]\nhost = \"smtp.contoso.example\"\n";
        std::fs::write(path("reinvite").join("config.toml"), user).unwrap();
        let of = |url: &str, variable: Option<&str>| {
            let text = format!("[tenant]\nid = \"contoso.example\"\n{url}");
            std::fs::write(path("reinvite.toml"), text).unwrap();
            let env = |name: &str| match name {
                "XDG_CONFIG_HOME" | "APPDATA" => Some(directory.path().as_os_str().to_owned()),
                "REINVITE_TENANT_GRAPH_URL" => variable.map(OsString::from),
                _ => None,
            };
            let path = path("reinvite.toml");
            let (settings, _) = Settings::load(&path, true, env, &Overrides::default()).unwrap();
            assert_eq!(settings.auth.method(), "azure-cli");
            (settings.user_wide.unwrap().sections, settings.delivery.smtp.is_some())
        };
        let all = (vec!["auth", "delivery", "notify"], true);
        let sign_in = (vec!["auth"], false);
        assert_eq!(of("", None), all);
        assert_eq!(of("graph_url = \"https://graph.contoso.example\"\n", None), all);
        assert_eq!(of("graph_url = \"http://127.0.0.1:8080\"\n", None), sign_in);
        assert_eq!(of("graph_url = \"https://localhost:8443\"\n", None), sign_in);
        assert_eq!(of("", Some("http://[::1]:8080")), sign_in);
    }

    #[test]
    fn what_is_shown_says_the_same_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("reinvite.toml");
        let text = EXAMPLE.replace("00000000-0000-0000-0000-000000000000", "contoso.example");
        std::fs::write(&path, text).unwrap();
        let overrides = Overrides::default();
        let first = shown(&path, true, |_| None, &overrides).unwrap();
        let mut again = String::new();
        let mut section = "";
        for key in &first {
            if key.section != section {
                section = key.section;
                writeln!(again, "[{section}]").unwrap();
            }
            writeln!(again, "{} = {}", key.name, key.value).unwrap();
        }
        let before = Settings::load(&path, true, |_| None, &overrides).unwrap();
        std::fs::write(&path, again).unwrap();
        assert_eq!(Settings::load(&path, true, |_| None, &overrides).unwrap(), before);
    }
}
