//! `reinvite.toml` as it was written: its keys' values and where each stands.
//! Only keys of the table are let in, and everything wrong is found in one pass,
//! which a derived `Deserialize` that stops at the first error could not do.
//!
//! Leaves to others: what the values mean, and which of them are needed.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Origin, Problem};
use super::excerpt::{Place, Show, names_secret};
use super::key::{self, Key};
use super::suggest::{listed, nearest};
use super::user::part;
use super::value::Value;
use super::written_path::IN_SINGLE_QUOTES;
use crate::text;

#[derive(Debug, Default)]
pub(super) struct File {
    path: PathBuf,
    text: String,
    values: HashMap<Key, (Range<usize>, Value)>,
}

impl File {
    /// Reads the file. One that is missing is as good as an empty one, unless it
    /// was asked for by name.
    pub(super) fn read(path: &Path, named: bool) -> Result<(Self, Vec<Problem>), ConfigError> {
        match fs::read(path) {
            Ok(bytes) => {
                Self::parse(path, &bytes).map_err(|problem| ConfigError::Invalid(vec![problem]))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if named {
                    Err(ConfigError::Missing(path.to_owned()))
                } else {
                    Ok((Self { path: path.to_owned(), ..Self::default() }, Vec::new()))
                }
            }
            Err(source) => Err(ConfigError::Unreadable { path: path.to_owned(), source }),
        }
    }

    /// Takes the file's bytes apart. Keys and sections that don't exist come back
    /// as problems beside the values of those that do; from a file that is not
    /// TOML at all no value can be had, so that is the only problem.
    pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<(Self, Vec<Problem>), Problem> {
        let mut file = Self { path: path.to_owned(), ..Self::default() };
        let Some(text) = text::decoded(bytes) else {
            let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
            valid.clone_into(&mut file.text);
            let at = file.text.len();
            let message = "the file is not UTF-8 text".to_owned();
            let hint = Some("save it with the encoding UTF-8".to_owned());
            let origin = file.origin(&(at..at), Show::UpToPlace);
            return Err(Problem { origin, message, hint });
        };
        text.as_str().clone_into(&mut file.text);
        match DeTable::parse(&text) {
            Ok(table) => {
                let problems = file.take(table.get_ref());
                Ok((file, problems))
            }
            Err(error) => Err(file.syntax_problem(&error)),
        }
    }

    pub(super) fn get(&self, key: Key) -> Option<&Value> {
        self.values.get(&key).map(|(_, value)| value)
    }

    /// Where a key's value stands.
    pub(super) fn place(&self, key: Key, show: Show) -> Origin {
        self.values.get(&key).map_or(Origin::Nowhere, |(span, _)| self.origin(span, show))
    }

    /// The keys that it gives, in the order of the file.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        let mut keys: Vec<_> =
            self.values.iter().map(|(key, (span, _))| (span.start, *key)).collect();
        keys.sort_by_key(|(start, _)| *start);
        keys.into_iter().map(|(_, key)| key)
    }

    /// Whether it gives a key of this part of the configuration; see [`part`].
    pub(super) fn has(&self, of: &str) -> bool {
        self.values.keys().any(|key| part(key.section) == of)
    }

    /// Gives no key of these parts any more.
    pub(super) fn forget(&mut self, parts: &[&str]) {
        self.values.retain(|key, _| !parts.contains(&part(key.section)));
    }

    /// Where a key stands, without its value.
    pub(super) fn name_of(&self, key: Key) -> Origin {
        self.place(key, Show::BeforePlace)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A path written in the file: relative ones start from the file's directory,
    /// so that they mean the same from wherever the program is started.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    fn origin(&self, span: &Range<usize>, show: Show) -> Origin {
        let Place { line, column, excerpt } = Place::new(&self.text, span, show);
        Origin::File { path: self.path.clone(), line, column, excerpt }
    }

    fn syntax_problem(&self, error: &toml::de::Error) -> Problem {
        let span = error.span().unwrap_or(0..0);
        let message = format!("not valid TOML: {}", error.message().replace('\n', "; "));
        // Whatever the parser stumbles over there: `\U` lacks its digits, and `\"` the end
        // of its text.
        let before = &self.text[..span.start];
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = self.text[start..].lines().next().unwrap_or_default();
        let hint = line.contains('\\').then(|| IN_SINGLE_QUOTES.to_owned());
        Problem { origin: self.origin(&span, Show::Line), message, hint }
    }

    fn take(&mut self, table: &DeTable<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, value) in table {
            match value.get_ref() {
                DeValue::Table(section) if key::sections().contains(&&**name.get_ref()) => {
                    self.take_section(name.get_ref(), section, &mut problems);
                }
                DeValue::Table(_) => problems.push(self.unknown_section(name)),
                _ => problems.push(self.outside_a_section(name)),
            }
        }
        problems
    }

    /// The keys of a section, and those of the sections below it.
    fn take_section(&mut self, name: &str, section: &DeTable<'_>, problems: &mut Vec<Problem>) {
        for (key_name, value) in section {
            let below = format!("{name}.{}", key_name.get_ref());
            match (Key::find(name, key_name.get_ref()), value.get_ref()) {
                (Some(key), _) => {
                    self.values.insert(key, (value.span(), Value::from(value.get_ref())));
                }
                (None, DeValue::Table(section)) if key::sections().contains(&below.as_str()) => {
                    self.take_section(&below, section, problems);
                }
                (None, _) => problems.push(self.unknown_key(name, key_name)),
            }
        }
    }

    fn unknown_key(&self, section: &str, name: &Spanned<impl AsRef<str>>) -> Problem {
        let (span, name) = (name.span(), name.get_ref().as_ref());
        let near = nearest(name, key::names_in(section));
        let elsewhere = key::ALL.iter().find(|key| key.name == name);
        let (message, hint) = match (near, elsewhere) {
            // A slip of the pen in `client_secret_file` is one; a key that ends
            // before `_file` or `_env` is a secret.
            (Some(near), _) if !names_secret(name) || ends_alike(name, near) => {
                (format!("[{section}] has no key `{name}`"), format!("did you mean `{near}`?"))
            }
            _ if names_secret(name) => (
                format!("`{name}`: secrets are never values in the configuration"),
                "put the secret into a file or an environment variable and name that under \
                 [auth] with `client_secret_file` or `client_secret_env` (`access_token_file`, \
                 `access_token_env`), or name a program that prints it with \
                 `client_secret_command` (`access_token_command`)"
                    .to_owned(),
            ),
            (_, Some(key)) => (
                format!("[{section}] has no key `{name}`"),
                format!("`{name}` belongs under [{}]", key.section),
            ),
            _ => (
                format!("[{section}] has no key `{name}`"),
                format!("the keys of [{section}] are {}", listed(key::names_in(section))),
            ),
        };
        Problem { origin: self.origin(&span, Show::UpToPlace), message, hint: Some(hint) }
    }

    fn unknown_section(&self, name: &Spanned<impl AsRef<str>>) -> Problem {
        let (span, name) = (name.span(), name.get_ref().as_ref());
        let hint = if let Some(near) = nearest(name, key::sections()) {
            format!("did you mean [{near}]?")
        } else {
            let sections: Vec<_> =
                key::sections().iter().map(|section| format!("[{section}]")).collect();
            format!("the sections are {}", sections.join(", "))
        };
        let message = format!("there is no section [{name}]");
        Problem { origin: self.origin(&span, Show::UpToPlace), message, hint: Some(hint) }
    }

    fn outside_a_section(&self, name: &Spanned<impl AsRef<str>>) -> Problem {
        let (span, name) = (name.span(), name.get_ref().as_ref());
        let names = key::ALL.iter().map(|key| key.name);
        let near = nearest(name, names).and_then(|near| key::ALL.iter().find(|k| k.name == near));
        let (message, hint) = if key::sections().contains(&name) {
            (
                format!("`{name}` is a section, not a key"),
                format!("write [{name}] and its keys below it"),
            )
        } else {
            let message = format!("`{name}` stands outside a section");
            match near {
                Some(key) => (message, format!("write `{}` under [{}]", key.name, key.section)),
                None => (message, "write every key under a section such as [tenant]".to_owned()),
            }
        };
        Problem { origin: self.origin(&span, Show::UpToPlace), message, hint: Some(hint) }
    }
}

/// Whether the name is a misspelling of the other's second half too: both end as
/// something that names a place rather than a value.
fn ends_alike(name: &str, near: &str) -> bool {
    let last = |text: &str| text.rsplit(['_', '-']).next().unwrap_or_default().to_owned();
    strsim::damerau_levenshtein(&last(name), &last(near)) <= 1
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
