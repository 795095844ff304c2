//! The environment over the file over the user's own file: one key's value, from whichever
//! speaks first. A section of the campaign's file is the campaign's alone: half a sign-in of
//! one file and half of another would be nobody's.
//! Keeps what was found wrong, so that everything can be reported at once.
//!
//! Leaves to others: which keys are read and how, and the flags, which lie above.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use url::Url;

use super::cloud::is_loopback;
use super::error::{ConfigError, Origin, Problem, Warning};
use super::excerpt::Show;
use super::file::File;
use super::key::{self, Key};
use super::user::{self, UserWide, part};
use super::value::{Fault, Value};

/// The environment, as a function from name to value.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// A problem has been noted; there is no value to go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reported;

/// Where a key can be given, and the problems met so far.
pub(super) struct Layers<'a> {
    file: File,
    /// The user's own, under the file.
    user: File,
    env: Environment<'a>,
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
}

/// A value and where it was given.
#[derive(Debug, Clone)]
pub(super) struct Found<T> {
    pub(super) value: T,
    pub(super) origin: Origin,
}

/// Whether both name one file: `--config` may name the user's own.
fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

impl<'a> Layers<'a> {
    /// Reads the file, and that of the user; see [`File::read`]. One of the user that can't
    /// be read is an error: it may say who mails the guests.
    pub(super) fn open(
        path: &Path,
        named: bool,
        env: Environment<'a>,
    ) -> Result<Self, ConfigError> {
        let (file, mut problems) = File::read(path, named)?;
        let mut user = File::default();
        if let Some(path) = user::path(env).filter(|own| !is_same(own, path)) {
            let (read, more) = File::read(&path, false)?;
            problems.extend(more);
            problems.extend(user::misplaced(&read));
            user = read;
        }
        let mut layers = Self { file, user, env, problems, warnings: Vec::new() };
        if layers.is_rehearsal() {
            layers.user.forget(user::OF_THE_REAL_WORLD);
        }
        Ok(layers)
    }

    /// Whether the tenant is on this machine.
    fn is_rehearsal(&self) -> bool {
        let text = (self.env)(&key::TENANT_GRAPH_URL.variable());
        let text = text.and_then(|text| text.into_string().ok()).filter(|text| !text.is_empty());
        let variable = text.map(Value::Variable);
        let value = variable.as_ref().or_else(|| self.file.get(key::TENANT_GRAPH_URL));
        let url = value.and_then(|value| Url::parse(value.text().ok()?).ok());
        url.is_some_and(|url| is_loopback(&url))
    }

    /// Everything noted: the result if nothing was wrong, else all problems.
    pub(super) fn finish<T>(
        mut self,
        result: Result<T, Reported>,
    ) -> Result<(T, Vec<Warning>), ConfigError> {
        let mut problems = std::mem::take(&mut self.problems);
        problems.sort_by_key(|problem| match &problem.origin {
            Origin::File { path, .. } => (self.is_of_user(path), problem.order()),
            Origin::Variable(_) | Origin::Nowhere => (true, problem.order()),
        });
        self.problems = problems;
        match result {
            Ok(value) if self.problems.is_empty() => Ok((value, self.warnings)),
            Ok(_) | Err(Reported) => Err(ConfigError::Invalid(self.problems)),
        }
    }

    /// The value of a key with its origin, if it is given at all.
    pub(super) fn find<T>(
        &mut self,
        key: Key,
        read: impl FnOnce(&Value) -> Result<T, Fault>,
    ) -> Result<Option<Found<T>>, Reported> {
        let variable = key.variable();
        let from_env = match (self.env)(&variable) {
            Some(text) => match text.into_string() {
                // Deployment tools write an empty variable where they mean none.
                Ok(text) if text.is_empty() => None,
                Ok(text) => Some(Value::Variable(text)),
                Err(_) => {
                    let fault = Fault::new("does not hold Unicode text");
                    return Err(self.report(key, Origin::Variable(variable), fault));
                }
            },
            None => None,
        };
        let file = if self.file.has(part(key.section)) { &self.file } else { &self.user };
        let (result, in_file) = match (&from_env, file.get(key)) {
            (Some(value), _) => (read(value), false),
            (None, Some(value)) => (read(value), true),
            (None, None) => return Ok(None),
        };
        let show = match &result {
            Err(fault) if fault.secret => Show::BeforePlace,
            Ok(_) | Err(_) => Show::Line,
        };
        let origin = if in_file { file.place(key, show) } else { Origin::Variable(variable) };
        match result {
            Ok(value) => Ok(Some(Found { value, origin })),
            Err(fault) => Err(self.report(key, origin, fault)),
        }
    }

    /// Whether a file is the user's own.
    pub(super) fn is_of_user(&self, file: &Path) -> bool {
        self.user.path() == file
    }

    /// What is the user's of this configuration.
    pub(super) fn user_wide(&self) -> Option<UserWide> {
        user::taken(&self.user, &self.file)
    }

    /// A variable that the platform sets and not we, if it is set to anything.
    pub(super) fn ambient(&self, name: &str) -> Option<String> {
        (self.env)(name)?.into_string().ok().filter(|text| !text.trim().is_empty())
    }

    /// A path as the file means it: relative ones start from the file's directory.
    pub(super) fn resolved(&self, path: &str, origin: &Origin) -> PathBuf {
        match origin {
            Origin::File { path: file, .. } if self.is_of_user(file) => self.user.resolve(path),
            Origin::File { .. } => self.file.resolve(path),
            Origin::Variable(_) | Origin::Nowhere => PathBuf::from(path),
        }
    }

    /// Notes that something is wrong with what surrounds the program.
    pub(super) fn platform(&mut self, message: String, hint: &str) -> Reported {
        let hint = Some(hint.to_owned());
        self.problems.push(Problem { origin: Origin::Nowhere, message, hint });
        Reported
    }

    /// The value of a key, if it is given at all.
    pub(super) fn get<T>(
        &mut self,
        key: Key,
        read: impl FnOnce(&Value) -> Result<T, Fault>,
    ) -> Result<Option<T>, Reported> {
        Ok(self.find(key, read)?.map(|found| found.value))
    }

    /// The value of a key that must be given.
    pub(super) fn need<T>(
        &mut self,
        key: Key,
        example: &str,
        read: impl FnOnce(&Value) -> Result<T, Fault>,
    ) -> Result<T, Reported> {
        match self.get(key, read)? {
            Some(value) => Ok(value),
            None => Err(self.missing(&[key], example)),
        }
    }

    /// A path. In the file relative ones start from the file's directory.
    pub(super) fn path(&mut self, key: Key) -> Result<Option<Found<PathBuf>>, Reported> {
        let found = self.find(key, |value| value.path().map(str::to_owned))?;
        Ok(found
            .map(|Found { value, origin }| Found { value: self.resolved(&value, &origin), origin }))
    }

    /// Notes that a key is wrong.
    pub(super) fn report(&mut self, key: Key, origin: Origin, fault: Fault) -> Reported {
        let Fault { message, hint, secret: _ } = fault;
        self.problems.push(Problem { origin, message: format!("{key}: {message}"), hint });
        Reported
    }

    /// Notes that none of the keys is given though one is needed.
    pub(super) fn missing(&mut self, keys: &[Key], example: &str) -> Reported {
        let names: Vec<_> = keys.iter().map(ToString::to_string).collect();
        let variables: Vec<_> = keys.iter().map(|key| key.variable()).collect();
        self.problems.push(Problem {
            origin: Origin::Nowhere,
            message: format!("{} is not set", names.join(" or ")),
            hint: Some(format!(
                "write `{example}` under [{}] in {}, or set {}",
                keys[0].section,
                self.file.path().display(),
                variables.join(" or "),
            )),
        });
        Reported
    }

    /// Notes something that stops nothing.
    pub(super) fn warn(&mut self, warning: String) {
        self.warnings.push(Warning(warning));
    }
}
