//! The message trace asked about the mails of a campaign that may have more to tell, and
//! what it tells judged: which row of the trace is which mail.
//!
//! Leaves to others: the requests (`graph`), and keeping what is found (`arrivals`).

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::checkpoint::{MailedBy, Record, SentMail};
use crate::config::{Cloud, DeliveryWay, Settings};
use crate::domain::Fate;
use crate::graph::{CallError, Graph, TracedMail};

/// The service's clock is never taken to be ahead by as much, and a span that ends ahead of now is
/// refused.
const UP_TO_NOW: SignedDuration = SignedDuration::from_secs(1);

/// Clocks differ, and a mail is recorded as sent a moment after it was.
const BEFORE: SignedDuration = SignedDuration::from_mins(10);

/// How long a mail may wait in a server that we handed it to before Exchange has it.
const AFTER: SignedDuration = SignedDuration::from_hours(24);

/// Of so many bounced mails the server's words are asked for at a look: each takes one of
/// the hundred requests that a tenant has in five minutes.
const MOST_WORDS: usize = 50;

/// What the trace told of mails, not written down yet.
#[derive(Debug, Clone, Default)]
pub(in crate::campaign) struct TracedMails {
    /// What is new.
    pub(in crate::campaign) records: Vec<Record>,
    /// Why mails could not be looked for, if they could not.
    pub(in crate::campaign) unseen: Option<String>,
}

/// Asks the trace about the mails that may have more to tell. Nothing is written.
pub(in crate::campaign) async fn trace_mails(
    graph: &Graph,
    settings: &Settings,
    mails: Vec<SentMail>,
) -> Result<TracedMails, CallError> {
    if settings.tenant.cloud != Cloud::Global {
        return Ok(TracedMails::unseen(
            "the message trace is in the global cloud alone".to_owned(),
        ));
    }
    let now = graph.clock().service_now().saturating_sub(UP_TO_NOW).unwrap_or(Timestamp::MIN);
    let mut told = TracedMails::default();
    let senders = [
        (settings.delivery.from.as_ref().map(|from| &from.address), true),
        (settings.reconcile.invitations_from.as_ref(), false),
    ];
    for (sender, is_own) in senders {
        let open: Vec<&SentMail> = mails
            .iter()
            .filter(|mail| mail.is_open() && matches!(mail.by, MailedBy::Us { .. }) == is_own)
            .collect();
        if open.is_empty() {
            continue;
        }
        let Some(sender) = sender else {
            let key = if is_own { "[delivery] from" } else { "[reconcile] invitations_from" };
            let whose = if is_own { "your own" } else { "Microsoft's" };
            let n = open.len();
            told.not_seen(format!("{n} of {whose} were not looked for: {key} is not set"));
            continue;
        };
        // A file leaves when somebody sends it.
        let until = (is_own && settings.delivery.by == DeliveryWay::Files).then_some(now);
        let times: Vec<Timestamp> = open.iter().map(|mail| mail.at).collect();
        let mut traced = Vec::new();
        for span in spans(&times, until, now) {
            match graph.message_traces(sender.as_str(), span).await {
                Ok(found) => traced.extend(found),
                Err(CallError::Stopped) => return Err(CallError::Stopped),
                Err(error) => {
                    told.not_seen(why_unseen(&error));
                    return Ok(told);
                }
            }
        }
        let found = judge(&open, &traced);
        told.records.extend(with_words(graph, found).await?);
    }
    Ok(told)
}

impl TracedMails {
    fn unseen(why: String) -> Self {
        Self { records: Vec::new(), unseen: Some(why) }
    }

    /// One's own mails and Microsoft's may each be out of sight, for a reason of its own.
    fn not_seen(&mut self, why: String) {
        self.unseen = Some(match self.unseen.take() {
            Some(before) => format!("{before}; {why}"),
            None => why,
        });
    }
}

/// Why the trace told nothing, and what opens it (Microsoft Graph, *exchangeMessageTrace*,
/// 2026-01).
fn why_unseen(error: &CallError) -> String {
    match error {
        CallError::Refused { refusal, .. } if refusal.status.as_u16() == 403 => format!(
            "it takes the permission ExchangeMessageTrace.Read.All, and the service principal of \
             8bd644d1-64a1-4d4b-ae52-2e0cbf64e373 in the tenant; the service says: {error}"
        ),
        other => other.to_string(),
    }
}

/// The spans of time in which mails with these moments show, each no longer than one request
/// may ask for.
fn spans(
    times: &[Timestamp],
    until: Option<Timestamp>,
    now: Timestamp,
) -> Vec<(Timestamp, Timestamp)> {
    let oldest = now.saturating_sub(Graph::TRACE_AGE - AFTER).unwrap_or(Timestamp::MIN);
    let mut times: Vec<Timestamp> = times.iter().copied().filter(|at| *at > oldest).collect();
    times.sort_unstable();
    let mut joined: Vec<(Timestamp, Timestamp)> = Vec::new();
    for at in times {
        let from = at.saturating_sub(BEFORE).unwrap_or(Timestamp::MIN);
        let to = until.unwrap_or_else(|| at.saturating_add(AFTER).unwrap_or(now)).min(now);
        match joined.last_mut() {
            Some((_, last)) if from <= *last => *last = to.max(*last),
            _ if from < to => joined.push((from, to)),
            _ => {}
        }
    }
    let mut spans = Vec::new();
    for (mut from, to) in joined {
        while to.duration_since(from) > Graph::TRACE_SPAN {
            let next = from.saturating_add(Graph::TRACE_SPAN).unwrap_or(to);
            spans.push((from, next));
            from = next;
        }
        spans.push((from, to));
    }
    spans
}

/// Which of the mails the trace tells something new of. One's own are known by their
/// Message-ID and nothing else: another mail to the guest is another mail.
fn judge<'a>(
    open: &[&'a SentMail],
    traced: &'a [TracedMail],
) -> Vec<(&'a SentMail, &'a TracedMail)> {
    let mut by_recipient: HashMap<String, Vec<&TracedMail>> = HashMap::new();
    for mail in traced {
        by_recipient.entry(mail.recipient.to_lowercase()).or_default().push(mail);
    }
    let found = open.iter().filter_map(|mail| {
        let to_guest = by_recipient.get(&mail.key.address.folded())?.iter();
        let is_it = |traced: &&&TracedMail| match &mail.by {
            MailedBy::Us { message_id } => bare(message_id) == bare(&traced.message_id),
            MailedBy::Microsoft => {
                let apart = traced.received_at.duration_since(mail.at);
                apart >= -BEFORE && apart <= AFTER
            }
        };
        let newest = to_guest.filter(is_it).max_by_key(|traced| traced.received_at)?;
        let is_known = mail.is_told
            && mail.arrival.as_ref().is_some_and(|arrival| arrival.fate == newest.fate);
        (!is_known).then_some((*mail, *newest))
    });
    found.collect()
}

fn bare(message_id: &str) -> &str {
    message_id.trim().trim_start_matches('<').trim_end_matches('>')
}

/// The records of what was found, with what the refusing servers said.
async fn with_words(
    graph: &Graph,
    found: Vec<(&SentMail, &TracedMail)>,
) -> Result<Vec<Record>, CallError> {
    let mut records = Vec::with_capacity(found.len());
    let mut asked = 0;
    for (mail, traced) in found {
        let mut message = String::new();
        if traced.fate == Fate::Bounced && asked < MOST_WORDS {
            asked += 1;
            message = match graph.why_it_bounced(traced).await {
                Ok(words) => words,
                Err(CallError::Stopped) => return Err(CallError::Stopped),
                // That it bounced is known all the same.
                Err(_) => String::new(),
            };
        }
        records.push(Record::MailTraced {
            key: mail.key.clone(),
            fate: traced.fate,
            message_id: match &mail.by {
                MailedBy::Us { message_id } => Some(message_id.clone()),
                MailedBy::Microsoft => None,
            },
            code: enhanced_code(&message).map(str::to_owned),
            message: message.chars().take(500).collect(),
        });
    }
    Ok(records)
}

/// The first enhanced status code of a failure in a text (RFC 3463): `5.1.1`.
fn enhanced_code(text: &str) -> Option<&str> {
    let words = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    words.map(|word| word.trim_matches('.')).find(|word| {
        let parts: Vec<&str> = word.split('.').collect();
        parts.len() == 3
            && matches!(parts[0], "4" | "5")
            && parts[1..].iter().all(|part| (1..=3).contains(&part.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Arrival, Email, InvitationKey, UserId};

    fn at(hours: i64) -> Timestamp {
        "2026-06-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
    }

    fn mail(by: MailedBy) -> SentMail {
        let user_id = UserId::parse("0000abcd-0000-4000-8000-00000000b2b0").unwrap();
        let address = Email::parse("Ada@fabrikam.example").unwrap();
        let key = InvitationKey { user_id, address };
        SentMail { key, by, at: at(0), arrival: None, is_told: false }
    }

    fn traced(message_id: &str, recipient: &str, hours: i64, fate: Fate) -> TracedMail {
        let recipient = recipient.to_owned();
        TracedMail {
            id: "1".into(),
            message_id: message_id.into(),
            recipient,
            received_at: at(hours),
            fate,
        }
    }

    #[test]
    fn a_mail_of_ones_own_is_known_by_its_message_id_and_the_guests_address() {
        let us = || MailedBy::Us { message_id: "<1@c>".into() };
        let microsoft = || MailedBy::Microsoft;
        for (by, message_id, recipient, hours, is_it) in [
            (us(), "<1@c>", "ada@fabrikam.example", 0, true),
            (us(), "1@c", "ADA@fabrikam.example", 30, true),
            (us(), "<2@c>", "ada@fabrikam.example", 0, false),
            // Its carbon copy, which says nothing of the guest.
            (us(), "<1@c>", "boss@fabrikam.example", 0, false),
            (microsoft(), "<9@m>", "ada@fabrikam.example", 1, true),
            (microsoft(), "<9@m>", "ada@fabrikam.example", -2, false),
            (microsoft(), "<9@m>", "ada@fabrikam.example", 30, false),
            (microsoft(), "<9@m>", "ben@fabrikam.example", 1, false),
        ] {
            let mail = mail(by);
            let told = [traced(message_id, recipient, hours, Fate::Delivered)];
            assert_eq!(judge(&[&mail], &told).len(), usize::from(is_it), "{mail:?}, {told:?}");
        }
    }

    #[test]
    fn what_is_known_is_no_news_and_the_newest_row_counts() {
        let us = MailedBy::Us { message_id: "<1@c>".into() };
        let arrival =
            Arrival { fate: Fate::Pending, code: None, message: String::new(), at: at(1) };
        let mail = SentMail { arrival: Some(arrival), is_told: true, ..mail(us) };
        let pending = traced("<1@c>", "ada@fabrikam.example", 0, Fate::Pending);
        let gone = traced("<1@c>", "ada@fabrikam.example", 1, Fate::Bounced);
        assert!(judge(&[&mail], std::slice::from_ref(&pending)).is_empty());
        let told = [gone.clone(), pending];
        assert_eq!(judge(&[&mail], &told)[0].1, &gone);
        // A reminder has a mail of its own.
        let reminded = SentMail { is_told: false, ..mail };
        assert_eq!(judge(&[&reminded], &told[1..]).len(), 1);
    }

    #[test]
    fn spans_cover_every_mail_once_and_are_never_longer_than_allowed() {
        let now = at(24 * 200);
        let day = |day: i64| at(24 * day);
        let times = [day(199), day(150), day(150), day(10), day(151)];
        let spans_of = spans(&times, None, now);
        assert_eq!(spans_of.len(), 2, "{spans_of:?}");
        for mail in [day(150), day(151), day(199)] {
            let holding = spans_of.iter().filter(|(from, to)| (*from..=*to).contains(&mail));
            assert_eq!(holding.count(), 1, "{mail}");
        }
        // A file may leave any time later.
        let of_files = spans(&[day(150)], Some(now), now);
        assert_eq!(of_files.len(), 6);
        assert_eq!(of_files.last().unwrap().1, now);
        for (from, to) in of_files.into_iter().chain(spans_of) {
            assert!(from < to && to <= now && to.duration_since(from) <= Graph::TRACE_SPAN);
            assert!(now.duration_since(from) <= Graph::TRACE_AGE);
        }
        assert!(spans(&[now], None, now - SignedDuration::from_hours(1)).is_empty());
    }

    #[test]
    fn the_code_of_a_refusal_is_found_in_what_the_server_said() {
        for (text, code) in [
            ("Reason: [{LED=550 5.1.1 The email account does not exist.}]", Some("5.1.1")),
            ("550-5.7.26 unauthenticated", Some("5.7.26")),
            ("451 4.4.1 Connection timed out", Some("4.4.1")),
            ("from 5.1.1.7 with 10.0.0.1", None),
            ("Delivered 2.0.0", None),
            ("", None),
        ] {
            assert_eq!(enhanced_code(text), code, "{text}");
        }
    }
}
