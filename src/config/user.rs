//! The configuration of a user, under that of a campaign: how all of its campaigns sign
//! in, mail and notify. What a campaign is about never comes from there.
//!
//! Leaves to others: reading files (`file`), and which of the two a value is from (`layers`).

use std::path::PathBuf;

use super::error::Problem;
use super::file::File;
use super::layers::Environment;

/// The sections that it may have, with those below them.
const SECTIONS: [&str; 3] = ["auth", "delivery", "notify"];

/// What of it a tenant on this machine does without: a rehearsal that takes a real mail server
/// would mail real guests, and a real monitor would hear of it.
pub(super) const OF_THE_REAL_WORLD: &[&str] = &["delivery", "notify"];

/// The part of the configuration that a section belongs to: `delivery` for `delivery.smtp`.
pub(super) fn part(section: &str) -> &str {
    section.split('.').next().unwrap_or(section)
}

/// What of a configuration is the user's, and where that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserWide {
    pub path: PathBuf,
    /// The sections that the campaign's own configuration does not have.
    pub sections: Vec<&'static str>,
}

/// Where it is looked for: `$XDG_CONFIG_HOME/reinvite/config.toml`, or below `~/.config`; on
/// Windows `%APPDATA%\reinvite\config.toml`.
pub(super) fn path(env: Environment<'_>) -> Option<PathBuf> {
    let directory = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        directory("APPDATA")
    } else {
        // A relative one is to be ignored (XDG Base Directory Specification 0.8).
        directory("XDG_CONFIG_HOME").or_else(|| directory("HOME").map(|home| home.join(".config")))
    };
    base.map(|base| base.join("reinvite").join("config.toml"))
}

/// Keys of it that have to stand with the campaign.
pub(super) fn misplaced(user: &File) -> Vec<Problem> {
    let misplaced = user.keys().filter(|key| !SECTIONS.contains(&part(key.section)));
    misplaced
        .map(|key| Problem {
            origin: user.name_of(key),
            message: format!("{key} belongs to a campaign and not to its user"),
            hint: Some(
                "move it to the campaign's reinvite.toml; [auth], [delivery] and [notify] may \
                 stand here"
                    .to_owned(),
            ),
        })
        .collect()
}

/// The sections that are the user's where the campaign's file has none of them.
pub(super) fn taken(user: &File, campaign: &File) -> Option<UserWide> {
    let is_taken = |part: &&str| user.has(part) && !campaign.has(part);
    let sections: Vec<_> = SECTIONS.into_iter().filter(is_taken).collect();
    (!sections.is_empty()).then(|| UserWide { path: user.path().to_owned(), sections })
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use super::*;

    #[test]
    fn it_is_looked_for_where_the_system_keeps_such_files() {
        let at = |set: &[(&str, &str)]| {
            let env = |name: &str| -> Option<OsString> {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            };
            path(&env)
        };
        let home = ("HOME", "/home/ada");
        assert_eq!(
            at(&[home]).as_deref(),
            Some(Path::new("/home/ada/.config/reinvite/config.toml"))
        );
        let chosen = at(&[home, ("XDG_CONFIG_HOME", "/cfg")]);
        assert_eq!(chosen.as_deref(), Some(Path::new("/cfg/reinvite/config.toml")));
        assert_eq!(at(&[home, ("XDG_CONFIG_HOME", "cfg")]), at(&[home]));
        assert_eq!(at(&[("HOME", "")]), None);
        assert_eq!(at(&[]), None);
    }
}
