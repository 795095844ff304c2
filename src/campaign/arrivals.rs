//! Whether mails arrived: what the message trace told of those that left, kept, and where
//! the mails of a campaign are. Without the trace a campaign goes on, and says what it could
//! not see.
//!
//! Leaves to others: asking and judging the trace (`trace`), and words (`report`).

mod trace;

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde::Serialize;

use crate::checkpoint::{CheckpointError, Journal, Reader, Record};
use crate::domain::{Arrival, ArrivalCounts, Fate, InvitationKey, Shows};
use crate::graph::Graph;

use super::row_names::{RowName, RowNames};

pub(super) use trace::{TracedMails, trace_mails};

/// A mail and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Arrived {
    #[serde(flatten)]
    pub row: RowName,
    pub fate: Fate,
    /// Enhanced status code, such as `5.1.1`, where it was told.
    pub code: Option<String>,
    /// What the refusing server said; empty where nothing was told.
    pub message: String,
}

/// Bounced mails of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BouncedDomain {
    pub domain: String,
    /// Mails to it of which the trace has told.
    pub traced: u64,
    pub bounced: u64,
    /// The code that most of them have; None where none was told.
    pub code: Option<String>,
}

/// What is known of the mails of a campaign.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MailLook {
    #[serde(flatten)]
    pub counts: ArrivalCounts,
    /// What the trace told for the first time.
    pub news: Vec<Arrived>,
    /// Guests that have no mail and have not redeemed.
    pub attention: Vec<Arrived>,
    /// Where mails bounced, most of them first.
    pub domains: Vec<BouncedDomain>,
    /// Why mails could not be looked for, if they could not.
    pub unseen: Option<String>,
}

/// Writes down what the trace told, and tells where the mails of the campaign are.
pub(super) async fn keep_arrivals(
    graph: &Graph,
    journal: &Journal,
    TracedMails { records, unseen }: TracedMails,
    names: &RowNames,
) -> Result<MailLook, CheckpointError> {
    let now = graph.clock().service_now();
    let news = records.iter().filter_map(|record| match record {
        Record::MailTraced { key, fate, code, message, .. } => Some(Arrived {
            row: names.of(key),
            fate: *fate,
            code: code.clone(),
            message: message.clone(),
        }),
        _ => None,
    });
    let mut news: Vec<Arrived> = news.collect();
    let kept = join_all(records.into_iter().map(|record| journal.append(record, now))).await;
    kept.into_iter().collect::<Result<(), _>>()?;
    let reader = Reader::open(journal.path())?;
    let (sent, past) = (reader.mails_sent()?, reader.past()?);
    let has_redeemed = |key: &InvitationKey| {
        past.sightings.get(key).is_some_and(|seen| {
            matches!(seen.shows, Shows::Redeemed | Shows::Deleted | Shows::Reinvited)
        })
    };
    let mut look = MailLook { unseen, ..MailLook::default() };
    let mut domains: BTreeMap<String, Vec<&Arrival>> = BTreeMap::new();
    for mail in &sent {
        look.counts.count(mail.arrival.as_ref().map(|arrival| arrival.fate));
        let Some(arrival) = &mail.arrival else { continue };
        domains.entry(mail.key.address.domain()).or_default().push(arrival);
        if arrival.fate.needs_a_person() && !has_redeemed(&mail.key) {
            look.attention.push(Arrived {
                row: names.of(&mail.key),
                fate: arrival.fate,
                code: arrival.code.clone(),
                message: arrival.message.clone(),
            });
        }
    }
    look.domains =
        domains.into_iter().filter_map(|(domain, told)| bounced(domain, &told)).collect();
    look.domains.sort_by_key(|domain| std::cmp::Reverse(domain.bounced));
    news.sort_by(|one, other| one.row.cmp(&other.row));
    look.attention.sort_by(|one, other| one.row.cmp(&other.row));
    look.news = news;
    Ok(look)
}

fn bounced(domain: String, told: &[&Arrival]) -> Option<BouncedDomain> {
    let bounced = || told.iter().filter(|arrival| arrival.fate == Fate::Bounced);
    let mut codes: BTreeMap<&str, u64> = BTreeMap::new();
    for code in bounced().filter_map(|arrival| arrival.code.as_deref()) {
        *codes.entry(code).or_default() += 1;
    }
    let most = codes.into_iter().max_by_key(|(_, n)| *n);
    let all = bounced().count() as u64;
    (all > 0).then(|| BouncedDomain {
        domain,
        traced: told.len() as u64,
        bounced: all,
        code: most.map(|(code, _)| code.to_owned()),
    })
}
