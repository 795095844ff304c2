//! A mailbox of the tenant as the way that mails leave: a draft with our Message-ID, then
//! sent, so that a lost answer can be settled by looking.
//!
//! Leaves to others: the requests (`graph`), and when to send, look and wait (`run`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;

use crate::config::MailAddress;
use crate::domain::Email;
use crate::graph::{CallError, Graph, Refusal, wire};

use super::message::Mail;
use super::message_id::MessageId;
use super::outcome::{Outcome, Refused};

/// What a mailbox shows of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It has left.
    Sent,
    /// It is a draft, with this id; it may be about to leave.
    Draft(String),
    Nothing,
}

/// A mailbox that mails are sent from.
#[derive(Debug, Clone)]
pub struct Mailbox {
    pub address: Email,
}

impl Mailbox {
    /// Puts the mail there as a draft; its id.
    pub async fn draft(&self, graph: &Graph, mail: &Mail) -> Result<String, CallError> {
        graph.draft_mail(&self.address, &message(mail)).await
    }

    /// Sends a draft, once.
    pub async fn send(&self, graph: &Graph, draft: &str) -> Result<(), CallError> {
        graph.send_draft(&self.address, draft).await
    }

    /// A draft that is sent at once, for a mail to oneself.
    pub(super) async fn send_at_once(&self, graph: &Graph, mail: &Mail) -> Outcome {
        let sent = match self.draft(graph, mail).await {
            Ok(draft) => self.send(graph, &draft).await,
            Err(CallError::Lost { evidence }) => return Outcome::NotSent { why: evidence },
            Err(error) => Err(error),
        };
        match sent {
            Ok(()) => Outcome::accepted(),
            Err(CallError::Lost { evidence }) => Outcome::Lost { why: evidence },
            Err(CallError::Refused { refusal, .. }) => {
                refused(&refusal).unwrap_or(Outcome::NotSent { why: refusal.to_string() })
            }
            Err(error) => Outcome::NotSent { why: error.to_string() },
        }
    }

    /// Looks for the mail.
    pub async fn find(&self, graph: &Graph, id: &MessageId) -> Result<Found, CallError> {
        let found = graph.find_mail(&self.address, id.as_str()).await?;
        if found.iter().any(|message| message.is_draft == Some(false)) {
            return Ok(Found::Sent);
        }
        let draft = found.into_iter().find(|message| !message.id.is_empty());
        Ok(draft.map_or(Found::Nothing, |message| Found::Draft(message.id)))
    }
}

/// What a refusal of a mailbox means, by Exchange's codes; None where the draft that was
/// to be sent is not there (any more), which may mean that it was.
pub fn refused(refusal: &Refusal) -> Option<Outcome> {
    let refused = Refused { code: refusal.code.clone(), text: refusal.message.clone() };
    let is = |code: &str| refusal.code.eq_ignore_ascii_case(code);
    if is("ErrorItemNotFound") {
        return None;
    }
    let is_of_the_mail = is("ErrorInvalidRecipients")
        || is("ErrorMessageSizeExceeded")
        || refusal.status == StatusCode::PAYLOAD_TOO_LARGE;
    Some(if is_of_the_mail {
        Outcome::RefusedRecipient(refused)
    } else {
        Outcome::RefusedSender(refused)
    })
}

/// What to do about a refusal of the mailbox itself, by Exchange's codes.
pub fn advice(code: &str) -> &'static str {
    match code {
        "ErrorAccessDenied" => {
            "let Exchange grant Application Mail.ReadWrite and Application Mail.Send for the mailbox, or consent to \
             Mail.ReadWrite and Mail.Send; a new grant may take two hours"
        }
        "MailboxNotEnabledForRESTAPI" | "ErrorInvalidUser" | "ResourceNotFound" => {
            "[delivery] from has to be a mailbox in Exchange Online"
        }
        "ErrorExceededMessageLimit" => {
            "the mailbox has sent what it may for today; run it again tomorrow"
        }
        "ErrorMessageSubmissionBlocked" => {
            "the mailbox was blocked from sending: an administrator has to release it in Exchange"
        }
        "ErrorQuotaExceeded" => "the mailbox is full: make room in it",
        "ErrorSendAsDenied" => "[delivery] from has to be the mailbox's own address",
        _ => "see the mailbox's own words",
    }
}

fn message(mail: &Mail) -> wire::MailMessage {
    let plain = |address: &Email, name: Option<&str>| wire::Recipient {
        email_address: wire::EmailAddress {
            name: name.map(str::to_owned),
            address: Some(address.as_str().to_owned()),
        },
    };
    let reply_to = |to: &MailAddress| plain(&to.address, to.name.as_deref());
    wire::MailMessage {
        internet_message_id: Some(mail.message_id.to_string()),
        subject: mail.subject.clone(),
        body: wire::ItemBody { content_type: "html".to_owned(), content: mail.html.clone() },
        to_recipients: vec![plain(&mail.to, mail.to_name.as_deref())],
        cc_recipients: mail.cc.iter().map(|copy| plain(copy, None)).collect(),
        reply_to: mail.reply_to.iter().map(reply_to).collect(),
        // Only names of one's own are taken (*Things to know about sending mail*).
        internet_message_headers: vec![wire::MailHeader {
            name: "X-Auto-Response-Suppress".to_owned(),
            value: "All".to_owned(),
        }],
        attachments: mail
            .images
            .iter()
            .map(|image| wire::FileAttachment {
                odata_type: "#microsoft.graph.fileAttachment".to_owned(),
                name: image.name.clone(),
                content_type: image.content_type.to_owned(),
                is_inline: true,
                content_id: image.name.clone(),
                content_bytes: STANDARD.encode(&image.bytes),
            })
            .collect(),
        ..wire::MailMessage::default()
    }
}
