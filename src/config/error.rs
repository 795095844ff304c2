//! What can be wrong with a configuration, said so that an administrator can
//! right it: where the value came from, what is wrong with it, what to do.
//!
//! Leaves to others: printing, and the exit code.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A place in the configuration file.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// The line with a caret, free of secrets.
        excerpt: String,
    },
    /// An environment variable.
    Variable(String),
    /// Nowhere: a value that is needed is not given.
    Nowhere,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub origin: Origin,
    pub message: String,
    pub hint: Option<String>,
}

impl Problem {
    /// The order in which a person reads problems: down the file, then the rest.
    pub(super) fn order(&self) -> (usize, usize, usize) {
        match &self.origin {
            Origin::File { line, column, .. } => (0, *line, *column),
            Origin::Variable(_) => (1, 0, 0),
            Origin::Nowhere => (2, 0, 0),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::File { path, line, column, excerpt } => {
                write!(f, "{}:{line}:{column}: {}\n{excerpt}", path.display(), self.message)
            }
            Origin::Variable(name) => write!(f, "{name}: {}", self.message),
            Origin::Nowhere => f.write_str(&self.message),
        }
    }
}

/// Something worth knowing that stops nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning(pub String);

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file named with `--config` is not there.
    #[error("there is no configuration file `{0}`")]
    Missing(PathBuf),
    /// The file can't be read.
    #[error("cannot read the configuration file `{path}`")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Values or keys are wrong or missing; all of them, in the order of the file.
    #[error("{}", joined(.0))]
    Invalid(Vec<Problem>),
    /// A manifest from stdin has no name to derive the checkpoint's from.
    #[error("a manifest read from stdin needs a checkpoint named for it")]
    NoCheckpointForStdin,
    /// Neither a manifest nor a checkpoint was named.
    #[error("neither a manifest nor a checkpoint is named")]
    NoCheckpoint,
}

impl ConfigError {
    /// What to do about it; each hint once.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Missing(_) => {
                vec![
                    "name an existing file with --config, or write one with `reinvite init`".into(),
                ]
            }
            Self::Unreadable { .. } => Vec::new(),
            Self::Invalid(problems) => {
                let mut hints: Vec<String> = Vec::new();
                for hint in problems.iter().filter_map(|problem| problem.hint.as_ref()) {
                    if !hints.contains(hint) {
                        hints.push(hint.clone());
                    }
                }
                hints
            }
            Self::NoCheckpointForStdin | Self::NoCheckpoint => vec![
                "give --checkpoint FILE, or `path` under [checkpoint] in the configuration file"
                    .into(),
            ],
        }
    }
}

fn joined(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
