//! `snapshot`, in its order: read what a plan of the manifest would see of the tenant.
//! Nothing is written to the directory.
//!
//! Leaves to others: the form in which it is kept (`emulator`).

use crate::config::{MailWrite, Settings};
use crate::domain::Directory;
use crate::graph::{CallError, Graph, Wanted};
use crate::manifest::Manifest;

/// What was read.
#[derive(Debug)]
pub struct Snapshot {
    pub directory: Directory,
    /// What the caller's token permits.
    pub permissions: Vec<String>,
    pub requests: u64,
}

/// Reads the tenant: all guests, and with a manifest who holds the addresses in it.
pub async fn snapshot(
    graph: &Graph,
    settings: &Settings,
    manifest: Option<&Manifest>,
) -> Result<Snapshot, CallError> {
    let claims = graph.sign_in().await?;
    let rows = || manifest.iter().flat_map(|manifest| &manifest.rows);
    let wanted = Wanted {
        references: rows().flat_map(|row| row.names().cloned()).collect(),
        addresses: rows().filter_map(|row| row.wish.address().cloned()).collect(),
        writes_other_mails: settings.mail != MailWrite::Mail,
        ..Wanted::default()
    };
    let survey = Box::pin(graph.survey_guests(claims.caller(), |_| wanted)).await?;
    let mut directory = survey.directory;
    let id = directory.tenant.id.take().or(claims.tenant().map(str::to_owned));
    directory.tenant.id = id;
    let permissions = claims.permissions().into_iter().map(str::to_owned).collect();
    Ok(Snapshot { directory, permissions, requests: survey.requests })
}
