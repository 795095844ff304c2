//! The message trace: what became of the mails that a sender sent (Microsoft Graph, *List
//! messageTraces*, *exchangeMessageTrace: getDetailsByRecipient*, 2026-01). It needs
//! `ExchangeMessageTrace.Read.All`, and is in the global cloud alone.
//!
//! Leaves to others: which mails are meant, and what it means for a guest (`campaign`).

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::call::Call;
use super::call_error::CallError;
use super::catalogue::Operation;
use super::client::Graph;
use super::odata::{literal, query, segment};
use super::wire::{self, MessageTrace, Page};
use crate::domain::Fate;

const TRACES: &str = "/admin/exchange/tracing/messageTraces";

/// The largest page. A hundred requests in five minutes is what a tenant may ask.
const PAGE: &str = "5000";

/// A mail and one recipient, as the trace shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedMail {
    pub id: String,
    /// The Message-ID, in its angle brackets.
    pub message_id: String,
    pub recipient: String,
    /// When the tenant's Exchange took it over.
    pub received_at: Timestamp,
    pub fate: Fate,
}

impl Graph {
    /// The longest span of one request, and how far back one may begin.
    pub const TRACE_SPAN: SignedDuration = SignedDuration::from_hours(10 * 24);
    pub const TRACE_AGE: SignedDuration = SignedDuration::from_hours(90 * 24);

    /// Mails of a sender that were taken over in a span of time.
    pub async fn message_traces(
        &self,
        sender: &str,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<TracedMail>, CallError> {
        // One value for each property, and nothing but `and`: an `or` was seen to be ignored.
        let filter = format!(
            "senderAddress eq {} and receivedDateTime ge {from:.0} and receivedDateTime le {to:.0}",
            literal(sender)
        );
        let url = self.url(TRACES, &query(&[("$filter", &filter), ("$top", PAGE)]));
        let mut traced = Vec::new();
        let call = Call { operation: Operation::Mailbox, ..Call::get(url) };
        self.pages(call, |trace: MessageTrace| {
            traced.extend(read(trace, sender));
            Ok(())
        })
        .await?;
        Ok(traced)
    }

    /// What the server said that refused a mail; empty where the trace does not tell.
    pub async fn why_it_bounced(&self, mail: &TracedMail) -> Result<String, CallError> {
        let path = format!(
            "{TRACES}/{}/getDetailsByRecipient(recipientAddress={})",
            segment(&mail.id),
            segment(&literal(&mail.recipient))
        );
        let call = Call { operation: Operation::Mailbox, ..Call::get(self.url(&path, "")) };
        let page: Page<Value> = self.read(&call).await?;
        let details = page.value.into_iter().filter_map(|it| serde_json::from_value(it).ok());
        let failed: Vec<wire::TraceDetail> = details
            .filter(|detail: &wire::TraceDetail| {
                detail.event.as_ref().is_some_and(|event| event.to_lowercase().contains("fail"))
            })
            .collect();
        Ok(failed.into_iter().rev().find_map(|detail| detail.description).unwrap_or_default())
    }
}

/// What the trace shows; None of another sender, should the filter have been ignored, and
/// where it does not say what it is about.
fn read(trace: MessageTrace, sender: &str) -> Option<TracedMail> {
    if !trace.sender_address?.eq_ignore_ascii_case(sender) {
        return None;
    }
    Some(TracedMail {
        id: trace.id,
        message_id: trace.message_id?,
        recipient: trace.recipient_address?,
        received_at: trace.received_date_time?.parse().ok()?,
        fate: match trace.status.as_deref() {
            Some("delivered") => Fate::Delivered,
            Some("failed") => Fate::Bounced,
            Some("quarantined") => Fate::Quarantined,
            Some("filteredAsSpam") => Fate::Spam,
            Some("pending" | "gettingStatus") => Fate::Pending,
            // An address that is a list says nothing of who is on it.
            Some(_) | None => Fate::Unclear,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_in_microsofts_own_words_is_read() {
        // graph-docs, messagetracingroot-list-messagetraces.md, with other addresses.
        let page: Page<MessageTrace> = serde_json::from_str(
            r#"{
                "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#admin/exchange/tracing/messageTraces",
                "value": [{
                    "id": "5d4b5e2c-4f0c-4b1e-a1b0-08dd7d2f9e10",
                    "senderAddress": "It@contoso.example",
                    "recipientAddress": "ada@fabrikam.example",
                    "messageId": "<0000@contoso.example>",
                    "receivedDateTime": "2025-04-16T20:58:43.3472436Z",
                    "subject": "Hello", "size": 74823,
                    "fromIP": "203.0.113.7", "toIP": null,
                    "status": "filteredAsSpam"
                }, { "id": null, "status": null }]
            }"#,
        )
        .unwrap();
        let read: Vec<_> =
            page.value.into_iter().filter_map(|it| read(it, "it@contoso.example")).collect();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].fate, Fate::Spam);
        assert_eq!(read[0].received_at.to_string(), "2025-04-16T20:58:43.3472436Z");
    }

    #[test]
    fn every_status_has_its_meaning_and_an_unknown_one_none() {
        for (status, fate) in [
            ("delivered", Fate::Delivered),
            ("failed", Fate::Bounced),
            ("quarantined", Fate::Quarantined),
            ("filteredAsSpam", Fate::Spam),
            ("pending", Fate::Pending),
            ("gettingStatus", Fate::Pending),
            ("expanded", Fate::Unclear),
            ("recalled", Fate::Unclear),
        ] {
            let trace = || MessageTrace {
                id: "1".into(),
                sender_address: Some("it@contoso.example".into()),
                recipient_address: Some("ada@fabrikam.example".into()),
                message_id: Some("<1@c>".into()),
                received_date_time: Some("2026-01-01T00:00:00Z".into()),
                status: Some(status.into()),
            };
            assert_eq!(read(trace(), "it@contoso.example").unwrap().fate, fate, "{status}");
            assert_eq!(read(trace(), "other@contoso.example"), None, "{status}");
        }
    }
}
