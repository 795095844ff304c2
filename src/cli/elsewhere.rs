//! A configuration that lies where nobody looks: commands read the one of the directory
//! they are started in, and people keep one beside each manifest.
//!
//! Leaves to others: what a configuration says (`config`).

use std::fmt;
use std::path::{Path, PathBuf};

use crate::config::args::{Cli, Command, DEFAULT_CONFIG};

/// Where the configuration is not, or is as well.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// None is here, and none beside the manifest.
    Nowhere,
    /// None is here, and one is beside the manifest.
    Beside(PathBuf),
    /// One is here, and another beside the manifest.
    Both(PathBuf),
}

impl Elsewhere {
    /// Nothing to say where one was named, or where the one here is the only one.
    pub(super) fn of(cli: &Cli) -> Option<Self> {
        let (path, named) = cli.global.config_file();
        if named { None } else { Self::look(path, manifest(&cli.command)) }
    }

    fn look(here: &Path, manifest: Option<&Path>) -> Option<Self> {
        let beside = manifest
            .and_then(Path::parent)
            .filter(|directory| !directory.as_os_str().is_empty())
            .map(|directory| directory.join(DEFAULT_CONFIG))
            .filter(|beside| beside.is_file());
        let is_same = |beside: &PathBuf| match (here.canonicalize(), beside.canonicalize()) {
            (Ok(here), Ok(beside)) => here == beside,
            _ => false,
        };
        match (here.exists(), beside) {
            (true, Some(beside)) if !is_same(&beside) => Some(Self::Both(beside)),
            (true, _) => None,
            (false, Some(beside)) => Some(Self::Beside(beside)),
            (false, None) => Some(Self::Nowhere),
        }
    }
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => write!(
                f,
                "there is no {DEFAULT_CONFIG} in this directory; name one with --config, or write one with `reinvite init`"
            ),
            Self::Beside(path) => write!(
                f,
                "there is no {DEFAULT_CONFIG} in this directory; one lies beside the manifest: read it with --config {}",
                path.display()
            ),
            Self::Both(path) => write!(
                f,
                "the {DEFAULT_CONFIG} of this directory is read, and not {} beside the manifest; say which with --config",
                path.display()
            ),
        }
    }
}

/// The manifest that a command is about, where one is named.
pub(super) fn manifest(command: &Command) -> Option<&Path> {
    let path = match command {
        Command::Lint(args) => Some(&args.manifest),
        Command::Plan(args) => Some(&args.planning.manifest),
        Command::Preview(args) => Some(&args.manifest),
        Command::Apply(args) => Some(&args.planning.manifest),
        Command::Remind(args) => Some(&args.manifest),
        Command::Reconcile(args) => Some(&args.planning.manifest),
        Command::Rehearse(args) => Some(&args.planning.manifest),
        Command::Doctor(args) => args.manifest.as_ref(),
        Command::Snapshot(args) => args.manifest.as_ref(),
        Command::Verify(args) => args.manifest.as_ref(),
        Command::Status(args) => args.manifest.as_ref(),
        Command::Explain(args) => args.manifest.as_ref(),
        Command::Revert(args) => args.campaign.as_ref(),
        Command::Aftercare(args) => args.campaign.as_ref(),
        Command::Report(args) => args.campaigns.first(),
        Command::Demo(_)
        | Command::Init(_)
        | Command::Draft(_)
        | Command::Emulate(_)
        | Command::Config(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Schema(_) => None,
    };
    path.map(PathBuf::as_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_here_and_the_one_beside_the_manifest_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let (here, campaign) = (directory.path(), directory.path().join("campaign"));
        std::fs::create_dir(&campaign).unwrap();
        let (ours, theirs) = (here.join(DEFAULT_CONFIG), campaign.join(DEFAULT_CONFIG));
        let manifest = campaign.join("guests.csv");
        let look = || Elsewhere::look(&ours, Some(&manifest));
        assert_eq!(look(), Some(Elsewhere::Nowhere));
        std::fs::write(&theirs, "").unwrap();
        assert_eq!(look(), Some(Elsewhere::Beside(theirs.clone())));
        std::fs::write(&ours, "").unwrap();
        assert_eq!(look(), Some(Elsewhere::Both(theirs.clone())));
        assert_eq!(Elsewhere::look(&theirs, Some(&manifest)), None);
        assert_eq!(Elsewhere::look(&ours, Some(Path::new("guests.csv"))), None);
        assert_eq!(Elsewhere::look(&ours, None), None);
    }
}
