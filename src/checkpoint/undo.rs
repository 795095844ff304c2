//! What the way back is made from: what every guest was before the campaign, and the
//! manifest that moved it, as the last run kept it.
//!
//! Leaves to others: what may be undone (`plan`).

use std::collections::HashMap;

use rusqlite::Connection;

use super::database::{ReadError, in_one_state, meta};
use super::tables::before_images;
use super::{BeforeImage, Checkpoint, CheckpointError, Reader};
use crate::domain::UserId;

/// See the module.
#[derive(Debug, Default)]
pub struct Undo {
    /// Name of the manifest of the last run.
    pub manifest: String,
    /// Its form, as JSON; None if the last run did not keep it.
    pub form: Option<String>,
    /// Guests whose mail the campaign was about to write.
    pub before: HashMap<UserId, BeforeImage>,
}

impl Checkpoint {
    /// What every guest was, and the manifest that moved it.
    pub fn undo(&self) -> Result<Undo, CheckpointError> {
        let (path, connection) = self.connection();
        in_one_state(path, connection, undo)
    }
}

impl Reader {
    /// What every guest was, for a plan that writes nothing.
    pub fn undo(&self) -> Result<Undo, CheckpointError> {
        self.read(undo)
    }
}

fn undo(connection: &Connection) -> Result<Undo, ReadError> {
    let some = |key| meta(connection, key).map(|text| text.filter(|text| !text.is_empty()));
    Ok(Undo {
        manifest: some("manifest")?.unwrap_or_default(),
        form: some("manifest_form")?,
        before: before_images(connection)?,
    })
}
