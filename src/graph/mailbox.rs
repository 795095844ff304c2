//! A mailbox of the tenant: drafts in it, sending them, and looking for them (Microsoft
//! Graph, *Create message*, *message: send*, *List messages*).
//!
//! Leaves to others: what an answer means for a mail (`delivery`).

use std::sync::Mutex;

use bytes::Bytes;
use http::Method;
use serde::Serialize;
use url::Url;

use super::answer::from_json;
use super::call::Call;
use super::call_error::CallError;
use super::catalogue::{Operation, Verdict};
use super::client::Graph;
use super::wire::{FOUND_SELECT, FoundMessage, MailMessage, Page};
use crate::domain::Email;

impl Graph {
    /// Whether the mailbox is there and may be looked into.
    pub async fn look_into_mailbox(&self, mailbox: &Email) -> Result<(), CallError> {
        let url = self.mailbox_url(mailbox, &["mailFolders", "inbox"], "$select=id");
        self.repeat(&call(Method::GET, url, None, Operation::Mailbox)).await.map(drop)
    }

    /// Puts a draft there, once; its id. [`CallError::Lost`]: it may be there.
    pub async fn draft_mail(
        &self,
        mailbox: &Email,
        message: &MailMessage,
    ) -> Result<String, CallError> {
        let url = self.mailbox_url(mailbox, &["messages"], "");
        let call = call(Method::POST, url, Some(json(message)), Operation::Mailbox);
        let answer = self.pass(&call).await.map_err(unless_told)?;
        let draft: MailMessage = from_json(answer.body()).map_err(|error| CallError::Lost {
            evidence: format!("the answer to the draft is unreadable: {error}"),
        })?;
        if draft.id.is_empty() {
            return Err(CallError::Lost { evidence: "the draft has no id".to_owned() });
        }
        Ok(draft.id)
    }

    /// Sends a draft, once. A lost answer and every 5xx are [`CallError::Lost`]: it may
    /// have been sent.
    pub async fn send_draft(&self, mailbox: &Email, id: &str) -> Result<(), CallError> {
        let url = self.mailbox_url(mailbox, &["messages", id, "send"], "");
        let call = call(Method::POST, url, None, Operation::SendMail);
        let answer = self.pass(&call).await.map_err(unless_told)?;
        // It answers 202 and nothing else (Microsoft Graph, *message: send*).
        if answer.body().trim_ascii().is_empty() {
            Ok(())
        } else {
            Err(CallError::Lost { evidence: "the answer to the mail is of something else".into() })
        }
    }

    /// The messages with a Message-ID, in whichever folder.
    pub async fn find_mail(
        &self,
        mailbox: &Email,
        message_id: &str,
    ) -> Result<Vec<FoundMessage>, CallError> {
        let filter = format!("internetMessageId eq '{}'", message_id.replace('\'', "''"));
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("$select", FOUND_SELECT).append_pair("$filter", &filter);
        let url = self.mailbox_url(mailbox, &["messages"], &query.finish().replace('+', "%20"));
        let page: Page<FoundMessage> =
            self.read(&call(Method::GET, url, None, Operation::Mailbox)).await?;
        // A server that knows no filter shows all of them.
        let is_meant = |found: &FoundMessage| {
            found.internet_message_id.as_deref().is_none_or(|id| id == message_id)
        };
        Ok(page.value.into_iter().filter(is_meant).collect())
    }

    fn mailbox_url(&self, mailbox: &Email, path: &[&str], query: &str) -> Url {
        let mut url = self.url("/users", query);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push(mailbox.as_str()).extend(path);
        }
        url
    }
}

fn call(method: Method, url: Url, body: Option<Bytes>, operation: Operation) -> Call {
    Call { method, url, body, operation, advanced: false, trace: Mutex::default() }
}

fn json(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("wire types are plain data").into()
}

/// A server's error says nothing about what it did before.
fn unless_told(error: CallError) -> CallError {
    match error {
        CallError::Refused { refusal, verdict: Verdict::OutcomeUnknown } => {
            CallError::Lost { evidence: format!("the service answered {refusal}") }
        }
        other => other,
    }
}
