//! What was written lately: a tenant counts it against the next run.

use jiff::Timestamp;
use rusqlite::Connection;

use super::{Checkpoint, CheckpointError};

/// A write that was announced, whatever became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    /// When, in the service's time.
    pub at: Timestamp,
    /// An invitation, rather than a write of the mail.
    pub is_invitation: bool,
}

impl Checkpoint {
    /// The writes announced since a moment, the latest first and at most so many.
    pub fn announced_since(
        &self,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<Announced>, CheckpointError> {
        let (path, connection) = self.connection();
        announced_since(connection, since, most)
            .map_err(|source| CheckpointError::Database { path: path.to_owned(), source })
    }
}

/// Goes back from the last event: those before the moment are not read.
fn announced_since(
    connection: &Connection,
    since: Timestamp,
    most: usize,
) -> rusqlite::Result<Vec<Announced>> {
    let mut query = connection.prepare("SELECT at, what FROM event ORDER BY id DESC")?;
    let mut events = query.query([])?;
    let mut announced = Vec::new();
    while let Some(event) = events.next()? {
        let at: Option<Timestamp> = event.get_ref(0)?.as_str()?.parse().ok();
        let Some(at) = at.filter(|at| *at >= since && announced.len() < most) else { break };
        match event.get_ref(1)?.as_str()? {
            "patching" | "correcting" => announced.push(Announced { at, is_invitation: false }),
            "intended" => announced.push(Announced { at, is_invitation: true }),
            _ => {}
        }
    }
    Ok(announced)
}
