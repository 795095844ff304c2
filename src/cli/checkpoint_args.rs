//! Which campaign a command is about: the one named by its manifest, by its checkpoint,
//! or by the configuration.
//!
//! Leaves to others: what is in a checkpoint.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::config::args::{Cli, Command};
use crate::config::{ConfigError, OfflineSettings, checkpoint_path};

use super::elsewhere::Elsewhere;
use super::failure::Failure;
use super::ui::Ui;

/// The settings of a command that asks no tenant.
pub(super) fn offline(cli: &Cli, ui: &Ui) -> Result<OfflineSettings, Failure> {
    let (path, named) = cli.global.config_file();
    let env = |name: &str| std::env::var_os(name);
    // A checkpoint says all of itself; how a manifest is read the configuration may say.
    let reads_a_manifest = matches!(cli.command, Command::Lint(_) | Command::Preview(_));
    let elsewhere = Elsewhere::of(cli).filter(|it| *it != Elsewhere::Nowhere);
    if let Some(elsewhere) = elsewhere.filter(|_| reads_a_manifest) {
        ui.warn(elsewhere);
    }
    let (settings, warnings) = OfflineSettings::load(path, named, env, &cli.overrides())?;
    for warning in warnings {
        ui.warn(warning);
    }
    Ok(settings)
}

/// The checkpoint that is named itself, or else that of the manifest that is named.
pub(super) fn checkpoint_of(
    named: Option<&Path>,
    configured: Option<&Path>,
) -> Result<PathBuf, ConfigError> {
    match named {
        Some(path) if is_checkpoint(path) => Ok(path.to_owned()),
        manifest => checkpoint_path(manifest, configured),
    }
}

fn is_checkpoint(path: &Path) -> bool {
    let mut beginning = [0; 16];
    let is_database = std::fs::File::open(path)
        .and_then(|mut file| file.read_exact(&mut beginning))
        .is_ok_and(|()| beginning.starts_with(b"SQLite format 3\0"));
    is_database || path.extension().is_some_and(|extension| extension == "checkpoint")
}
