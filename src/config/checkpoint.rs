//! Where a campaign's checkpoint is.
//!
//! Leaves to others: what is in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::error::ConfigError;

/// The checkpoint of a campaign: the one configured, else the manifest's whole
/// name with `.checkpoint` after it, in the manifest's directory. The whole name,
/// so that `guests.csv` and `guests.xlsx` are two campaigns. A manifest from
/// stdin (`-`) has no name to go by.
pub fn checkpoint_path(
    manifest: Option<&Path>,
    configured: Option<&Path>,
) -> Result<PathBuf, ConfigError> {
    match (configured, manifest) {
        (Some(path), _) => Ok(path.to_owned()),
        (None, Some(manifest)) if manifest == OsStr::new("-") => {
            Err(ConfigError::NoCheckpointForStdin)
        }
        (None, Some(manifest)) => {
            let mut path = manifest.as_os_str().to_owned();
            path.push(".checkpoint");
            Ok(path.into())
        }
        (None, None) => Err(ConfigError::NoCheckpoint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkpoint_is_the_configured_one_or_the_manifests() {
        for (manifest, configured, expected) in [
            (Some("guests.csv"), None, Some("guests.csv.checkpoint")),
            (Some("a/b/guests"), None, Some("a/b/guests.checkpoint")),
            (Some("./-"), None, Some("./-.checkpoint")),
            (Some("guests.csv"), Some("other"), Some("other")),
            (Some("-"), Some("other"), Some("other")),
            (None, Some("other"), Some("other")),
            (Some("-"), None, None),
            (None, None, None),
        ] {
            let path = checkpoint_path(manifest.map(Path::new), configured.map(Path::new));
            assert_eq!(path.as_deref().ok(), expected.map(Path::new), "{manifest:?}");
            if let Err(error) = path {
                assert!(error.hints()[0].contains("--checkpoint"));
            }
        }
    }
}
