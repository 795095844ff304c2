//! Where the configuration says a secret is: one of three keys, in the file or in the
//! environment.
//!
//! Leaves to others: reading it (`secret`).

use std::path::{MAIN_SEPARATOR, Path};

use super::error::Origin;
use super::key::Key;
use super::layers::{Found, Layers, Reported};
use super::secret::SecretSource;
use super::value::Fault;

/// The keys of one secret.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    pub(super) file: Key,
    pub(super) env: Key,
    pub(super) command: Key,
}

impl Places {
    /// Whether any of the keys is given.
    pub(super) fn is_given(self, layers: &mut Layers<'_>) -> Result<bool, Reported> {
        let mut is_given = false;
        for key in [self.file, self.env, self.command] {
            is_given |= layers.get(key, |_| Ok(()))?.is_some();
        }
        Ok(is_given)
    }

    /// The place that is given. Given in the environment it replaces whichever the file
    /// gives.
    pub(super) fn find(
        self,
        layers: &mut Layers<'_>,
        example: &str,
    ) -> Result<SecretSource, Reported> {
        let Self { file, env, command } = self;
        let of_file = layers.path(file);
        let of_env = layers.find(env, |value| value.text().and_then(variable_name));
        let of_command = layers.find(command, |value| value.command().map_err(Fault::unseen));
        let of_file = of_file?.map(|found| (SecretSource::File(found.value), file, found.origin));
        let of_env =
            of_env?.map(|Found { value, origin }| (SecretSource::of_variable(value), env, origin));
        let of_command = of_command?.map(|Found { value, origin }| {
            (self::command(value, &origin, layers), command, origin)
        });
        let mut given: Vec<_> = [of_file, of_env, of_command].into_iter().flatten().collect();
        let in_environment = |origin: &Origin| matches!(origin, Origin::Variable(_));
        if given.iter().any(|(.., origin)| in_environment(origin)) {
            given.retain(|(.., origin)| in_environment(origin));
        }
        let mut given = given.into_iter();
        match (given.next(), given.next()) {
            (None, _) => Err(layers.missing(&[file, env, command], example)),
            (Some((source, ..)), None) => Ok(source),
            (Some((_, first, _)), Some((_, second, origin))) => {
                let fault = Fault::new(format!("`{}` is given as well", first.name))
                    .with_hint(format!("give one of `{}` and `{}`", first.name, second.name));
                Err(layers.report(second, origin, fault))
            }
        }
    }
}

/// A program named with its path is found like a file, one without on the PATH.
fn command(mut words: Vec<String>, origin: &Origin, layers: &Layers<'_>) -> SecretSource {
    let mut program = words.remove(0);
    if Path::new(&program).is_relative() && program.contains(['/', MAIN_SEPARATOR]) {
        program = layers.resolved(&program, origin).display().to_string();
    }
    SecretSource::Command { program, arguments: words }
}

/// The name of an environment variable. What doesn't look like one may be the
/// secret itself, so it is not repeated.
fn variable_name(text: &str) -> Result<String, Fault> {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        Ok(text.to_owned())
    } else {
        Err(Fault::new("is not the name of an environment variable")
            .with_hint("give the name of the variable that holds the secret, not the secret itself")
            .unseen())
    }
}
