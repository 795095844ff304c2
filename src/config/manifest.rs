//! How a manifest is read where the file leaves a choice.
//!
//! Leaves to others: reading it (`manifest`).

use super::key;
use super::layers::{Layers, Reported};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManifestSettings {
    /// The sheet of a workbook; `--sheet` stands above it.
    pub sheet: Option<String>,
}

impl ManifestSettings {
    pub(super) fn resolve(layers: &mut Layers<'_>) -> Result<Self, Reported> {
        let sheet = layers.get(key::MANIFEST_SHEET, |value| value.text().map(str::to_owned));
        Ok(Self { sheet: sheet? })
    }
}
