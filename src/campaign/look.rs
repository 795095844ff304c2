//! `verify`, in its order: read the campaign's guests, and write down what they show.
//! Nothing is written to the directory.
//!
//! Leaves to others: what a look comes to (`verify`).

use std::collections::BTreeSet;

use crate::checkpoint::{Checkpoint, CheckpointError, Reader, RunEnd, read_status};
use crate::graph::CallError;

use super::CampaignError;
use super::arrivals::{keep_arrivals, trace_mails};
use super::row_names::RowNames;
use super::session::{Earlier, Session};
use super::unfinished::Unfinished;
use super::verify::{Looked, Verified, guests, look_at_everybody, planned_as_not_invited};

/// A look that was written down.
#[derive(Debug)]
pub struct Verification {
    pub verified: Verified,
    /// What the last run's manifest asks for and is not done.
    pub unfinished: Unfinished,
    /// Whether its end could be written down.
    pub ended: Result<(), CheckpointError>,
}

/// Looks at everybody whom the campaign has written to; at its mails in the message trace,
/// too, if asked to. `exit_code` is what the look is
/// to the caller, for the record; it gets None when there was none.
pub async fn verify(
    session: &Session<'_>,
    checkpoint: Checkpoint,
    asks_for_mails: bool,
    exit_code: impl FnOnce(Option<&Verified>, Unfinished) -> u8,
) -> Result<Verification, CampaignError> {
    let Session { settings, graph, .. } = *session;
    let (ledger, past) = (checkpoint.ledger()?, checkpoint.past()?);
    let read_at = graph.clock().now();
    let earlier = Earlier::read(&checkpoint, read_at)?;
    let not_invited = planned_as_not_invited(&past).map(|key| key.user_id);
    let ids: BTreeSet<_> = ledger.users().chain(not_invited).collect();
    let read = async {
        let claims = graph.sign_in().await?;
        Ok::<_, CallError>((claims, guests(graph, &ids, &past, settings).await?))
    };
    // A directory is large, and so is the future that reads it.
    let read = Box::pin(session.reading(read));
    let (claims, directory) = session.within_budget(read).await?;
    let tenant = directory.tenant.id.clone().or(claims.tenant().map(str::to_owned));
    let configured = &settings.tenant.id;
    checkpoint.claim(tenant.as_ref().unwrap_or(configured), configured)?;
    let journal = checkpoint.begin_look("verify", read_at)?;
    let looked = Looked { read_at, earlier_runs_ended_at: earlier.ended_at };
    let mut verified =
        look_at_everybody(graph, &directory, (&ledger, &past), &journal, settings, looked).await;
    if let Ok(verified) = &mut verified
        && asks_for_mails
    {
        let reader = Reader::open(journal.path())?;
        let asked = trace_mails(graph, settings, reader.mails_sent()?);
        let traced = Box::pin(session.reading(asked)).await?;
        let names = RowNames::new(&past.manifest, &[], &ledger, false);
        verified.mails = Some(keep_arrivals(graph, &journal, traced, &names).await?);
    }
    // After the look, which settles lost answers.
    let [left, not_invited] = verified
        .as_ref()
        .map_or([0, 0], |verified| [verified.left.len() as u64, verified.not_invited.len() as u64]);
    let unfinished = Unfinished::new(&read_status(journal.path())?, left, not_invited);
    let summary = verified.as_ref().map(serde_json::to_value).ok().and_then(Result::ok);
    let ended = journal.end_run(&RunEnd {
        at: graph.clock().now(),
        stop_reason: None,
        exit_code: exit_code(verified.as_ref().ok(), unfinished),
        summary: summary.unwrap_or_default().to_string(),
    });
    Ok(Verification { verified: verified?, unfinished, ended })
}
