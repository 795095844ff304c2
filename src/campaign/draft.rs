//! `draft`, in its order: read the guests, match them, read what a plan of them needs,
//! match again with what was found, and leave out what that plan would block. Nothing is
//! written to the directory.
//!
//! Leaves to others: who is matched (`draft`), and writing the files (`cli`).

use std::time::Duration;

use jiff::SignedDuration;

use crate::config::{MailWrite, Settings};
use crate::domain::{Ledger, Unreadable};
use crate::draft::{Draft, Drafted, People, Rules, match_guests};
use crate::graph::{CallError, Graph, Wanted};
use crate::plan::decide;

use super::read::policy;

/// Whom to draft.
#[derive(Debug, Default)]
pub struct DraftRequest {
    /// The domains that move.
    pub rules: Rules,
    /// Who moves where; stands above the rules.
    pub people: Option<People>,
    /// Leave guests out who were not seen for so long.
    pub active_since: Option<Duration>,
}

/// A draft, and what it was made from.
#[derive(Debug)]
pub struct Drafting {
    pub draft: Draft,
    /// Name or id of the tenant.
    pub tenant: String,
    /// Guests that were read.
    pub guests: u64,
    /// What could not be read, so that nobody is left out for it.
    pub unreadable: Vec<Unreadable>,
    pub requests: u64,
}

/// Drafts a manifest.
pub async fn draft(
    graph: &Graph,
    settings: &Settings,
    request: &DraftRequest,
) -> Result<Drafting, CallError> {
    let claims = graph.sign_in().await?;
    let caller = claims.caller();
    let read_at = graph.clock().now();
    let DraftRequest { rules, people, active_since } = request;
    let people = people.as_ref();
    let survey = graph.survey_guests(caller, |directory| {
        wanted(&match_guests(directory, rules, people), settings.mail)
    });
    let survey = Box::pin(survey).await?;
    let (mut directory, mut requests) = (survey.directory, survey.requests);
    // What else holds their addresses may make a match ambiguous.
    let mut draft = match_guests(&directory, rules, people);
    let ledger = Ledger::default();
    let policy = policy(graph, settings, &ledger, caller, read_at);
    draft.weigh(|manifest| decide(manifest, &directory, &ledger, &policy));
    let before = requests_of(graph);
    let sign_ins = graph.sign_ins(&mut directory.unreadable).await?;
    requests += requests_of(graph) - before;
    if let Some(sign_ins) = &sign_ins {
        let since = active_since.and_then(|span| {
            let span = SignedDuration::try_from(span).ok()?;
            graph.clock().service_now().checked_sub(span).ok()
        });
        draft.seen(sign_ins, since);
    }
    draft.sort();
    let tenant = directory.tenant.display_name.take();
    Ok(Drafting {
        draft,
        tenant: tenant.unwrap_or_else(|| settings.tenant.id.clone()),
        guests: directory.tenant.guests.unwrap_or_default(),
        unreadable: directory.unreadable,
        requests,
    })
}

fn requests_of(graph: &Graph) -> u64 {
    graph.traffic().requests.load(std::sync::atomic::Ordering::Relaxed)
}

/// What a plan of the draft needs to find: the same as when the manifest is read.
fn wanted(draft: &Draft, mail: MailWrite) -> Wanted {
    let candidates = draft.review.iter().flat_map(|row| &row.candidates);
    let addresses = draft.rows.iter().map(|row| &row.new_email);
    Wanted {
        references: draft.rows.iter().flat_map(Drafted::names).collect(),
        addresses: addresses
            .chain(candidates.map(|candidate| &candidate.address))
            .cloned()
            .collect(),
        writes_other_mails: mail != MailWrite::Mail,
        ..Wanted::default()
    }
}
