//! The mail as a message: headers, text and HTML, images, all as MIME wants it.
//!
//! Headers are made of parsed values alone, so nothing that stands in a name or a message
//! can become a header.
//!
//! Leaves to others: the text (`templates`), and sending it.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use jiff::Timestamp;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};

use crate::config::{DeliverySettings, MailAddress};
use crate::domain::Email;

use super::letter::Letter;
use super::message_id::MessageId;
use super::template_error::TemplateError;
use super::template_files::Image;
use super::templates::Templates;

/// Why a letter can't be made a message.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Valid in Entra, and not in mail.
    #[error("mail can't be sent to {0}")]
    Address(Email),
    #[error("the mail can't be put together: {0}")]
    Shape(String),
}

/// Who writes.
#[derive(Debug, Clone)]
pub struct Sender {
    pub from: MailAddress,
    pub reply_to: Option<MailAddress>,
}

impl Sender {
    /// The configured one; None where no mail of one's own is written.
    pub fn of(settings: &DeliverySettings) -> Option<Self> {
        let from = settings.from.clone()?;
        Some(Self { from, reply_to: settings.reply_to.clone() })
    }
}

/// A mail ready to be sent. It holds the link, so it is never shown as it is.
#[derive(Clone)]
pub struct Mail {
    pub message_id: MessageId,
    pub from: Email,
    pub to: Email,
    pub cc: Vec<Email>,
    pub subject: String,
    pub(super) to_name: Option<String>,
    pub(super) reply_to: Option<MailAddress>,
    pub(super) images: Vec<Image>,
    pub(super) html: String,
    pub(super) text: String,
    pub(super) mime: Vec<u8>,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail")
            .field("message_id", &self.message_id)
            .field("to", &self.to)
            .field("cc", &self.cc)
            .finish_non_exhaustive()
    }
}

impl Mail {
    pub fn new(
        templates: &Templates,
        letter: &Letter,
        sender: &Sender,
        message_id: MessageId,
        date: Timestamp,
    ) -> Result<Self, MessageError> {
        let rendered = templates.render(letter)?;
        let shape = |error: lettre::error::Error| MessageError::Shape(error.to_string());
        let mut alternative = MultiPart::alternative().build();
        if !rendered.text.is_empty() {
            alternative = alternative.singlepart(SinglePart::plain(rendered.text.clone()));
        }
        let html = SinglePart::html(rendered.html.clone());
        let images = rendered.images.to_vec();
        let body = if images.is_empty() {
            alternative.singlepart(html)
        } else {
            let mut related = MultiPart::related().singlepart(html);
            for image in &images {
                let kind = ContentType::parse(image.content_type)
                    .map_err(|error| MessageError::Shape(error.to_string()))?;
                let part =
                    Attachment::new_inline(image.name.clone()).body(image.bytes.clone(), kind);
                related = related.singlepart(part);
            }
            alternative.multipart(related)
        };
        let to_name = letter.display_name.as_deref().map(one_line);
        let seconds = u64::try_from(date.as_second()).unwrap_or_default();
        let mut builder = Message::builder()
            .from(mailbox(&sender.from)?)
            .to(Mailbox::new(to_name.clone(), address(&letter.to)?))
            .subject(rendered.subject.clone())
            .date(UNIX_EPOCH + Duration::from_secs(seconds))
            .message_id(Some(message_id.to_string()))
            // No out-of-office notes to it (RFC 3834; Microsoft's own header).
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("X-Auto-Response-Suppress", "All"));
        if let Some(reply_to) = &sender.reply_to {
            builder = builder.reply_to(mailbox(reply_to)?);
        }
        for copy in &letter.cc {
            builder = builder.cc(Mailbox::new(None, address(copy)?));
        }
        let message = builder.multipart(body).map_err(shape)?;
        Ok(Self {
            message_id,
            from: sender.from.address.clone(),
            to: letter.to.clone(),
            cc: letter.cc.clone(),
            subject: rendered.subject,
            to_name,
            reply_to: sender.reply_to.clone(),
            images,
            html: rendered.html,
            text: rendered.text,
            mime: message.formatted(),
        })
    }

    /// Everybody in To and Cc.
    pub fn recipients(&self) -> u64 {
        1 + self.cc.len() as u64
    }

    /// The message as it is sent. It holds the link.
    pub fn mime(&self) -> &[u8] {
        &self.mime
    }

    /// The page that a mail program shows. It holds the link.
    pub fn html(&self) -> &str {
        &self.html
    }

    /// What a reader without HTML reads. It holds the link.
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn mailbox(of: &MailAddress) -> Result<Mailbox, MessageError> {
    Ok(Mailbox::new(of.name.as_deref().map(one_line), address(&of.address)?))
}

pub(super) fn address(email: &Email) -> Result<Address, MessageError> {
    email.as_str().parse().map_err(|_| MessageError::Address(email.clone()))
}

/// A name on one line, whatever stood in the cell.
fn one_line(name: &str) -> String {
    let words = name.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::delivery::RedeemUrl;
    use crate::domain::{Message, RedirectUrl};

    fn sender() -> Sender {
        let from = MailAddress {
            name: Some("Contoso, IT".to_owned()),
            address: Email::parse("it@contoso.example").unwrap(),
        };
        let address = Email::parse("helpdesk@contoso.example").unwrap();
        Sender { from, reply_to: Some(MailAddress { name: None, address }) }
    }

    fn letter() -> Letter {
        Letter {
            to: Email::parse("o'neil+b2b@fabrikam.example").unwrap(),
            cc: ["ann", "ben"]
                .map(|name| Email::parse(&format!("{name}@fabrikam.example")).unwrap())
                .to_vec(),
            redeem_url: RedeemUrl::new("https://login.example/redeem?ticket=s3cret"),
            display_name: None,
            old_email: None,
            message: None,
            redirect_url: Arc::new(RedirectUrl::parse("https://myapps.microsoft.com").unwrap()),
            language: None,
            tenant_name: "Contoso".into(),
            columns: BTreeMap::new(),
        }
    }

    fn mail(letter: &Letter, settings: &DeliverySettings) -> Mail {
        let templates = Templates::load(settings, None, [None]).unwrap();
        let sender = sender();
        let id = MessageId::random(&sender.from.address);
        let date = "2026-05-04T08:00:00Z".parse().unwrap();
        Mail::new(&templates, letter, &sender, id, date).unwrap()
    }

    /// The headers of the message, unfolded.
    fn headers(mail: &Mail) -> Vec<String> {
        let mime = String::from_utf8(mail.mime().to_vec()).unwrap();
        let head = mime.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        head.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_mail_has_the_headers_of_one() {
        let mail = mail(&letter(), &DeliverySettings::default());
        let mut headers = headers(&mail);
        headers.retain(|line| !line.starts_with("Content-Type: multipart"));
        let headers = headers.join("\n").replace(mail.message_id.as_str(), "<id>");
        insta::assert_snapshot!(headers, @"
        From: =?utf-8?b?Q29udG9zbywgSVQ=?= <it@contoso.example>
        To: o'neil+b2b@fabrikam.example
        Subject: Please confirm your access to Contoso
        Date: Mon, 04 May 2026 08:00:00 +0000
        Message-ID: <id>
        Auto-Submitted: auto-generated
        X-Auto-Response-Suppress: All
        Reply-To: helpdesk@contoso.example
        Cc: ann@fabrikam.example, ben@fabrikam.example
        MIME-Version: 1.0
        ");
    }

    #[test]
    fn nothing_in_a_name_or_a_message_becomes_a_header() {
        let mut letter = letter();
        letter.display_name = Some("Eve\r\nBcc: all@fabrikam.example\r\n\r\n<b>".into());
        letter.message =
            Some(Arc::new(Message::parse("x\r\n.\r\nBcc: all@fabrikam.example").unwrap()));
        let settings = DeliverySettings {
            subject: Some("{{ display_name }} {{ message }}".to_owned()),
            ..DeliverySettings::default()
        };
        let mail = mail(&letter, &settings);
        let names: Vec<String> = headers(&mail)
            .iter()
            .map(|line| line.split(':').next().unwrap_or_default().to_lowercase())
            .collect();
        assert!(!names.contains(&"bcc".to_owned()), "{names:?}");
        assert_eq!(names.iter().filter(|name| *name == "to").count(), 1);
        assert!(!mail.subject.contains(char::is_control));
    }

    #[test]
    fn a_mail_never_shows_its_link_in_debug_output() {
        let letter = letter();
        let mail = mail(&letter, &DeliverySettings::default());
        assert!(!format!("{mail:?} {letter:?}").contains("s3cret"));
        assert!(mail.text().contains("s3cret"));
    }
}
