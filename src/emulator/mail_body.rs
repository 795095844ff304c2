//! A mail as a person reads it, whoever sent it: its head, its HTML with the pictures in
//! it, its text.
//!
//! Leaves to others: which mails there are (`outbox`), and the pages (`mail_page`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_parser::{Address, MessageParser, MimeHeaders as _};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, context};

use super::ledger::InvitationEntry;
use super::outbox::{Leaving, Sender};
use super::state::Shared;
use crate::graph::wire::{MailMessage, Recipient};

/// A mail as a person reads it. Without HTML there is text, and the other way round.
#[derive(Debug, Default)]
pub(super) struct Letter {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) cc: String,
    pub(super) reply_to: String,
    pub(super) subject: String,
    pub(super) message_id: String,
    pub(super) html: Option<String>,
    pub(super) text: Option<String>,
}

impl Shared {
    /// Reads a mail.
    pub(super) fn letter(&self, mail: &Leaving) -> Letter {
        match &mail.sender {
            Sender::Microsoft(invitation) => self.invitation(invitation),
            Sender::Mailbox { address, message } => of_mailbox(address, message),
            Sender::Smtp(mail) => of_mime(&mail.text),
        }
    }

    /// What Microsoft sends (Entra, *Elements of the B2B collaboration invitation email*,
    /// 2025-12): sender, subject and parts as documented, and not its words.
    fn invitation(&self, invitation: &InvitationEntry) -> Letter {
        let domains = &self.organization.verified_domains;
        let primary = domains.iter().find(|domain| domain.is_default).or(domains.first());
        let primary = primary.map_or_else(|| self.initial_domain.clone(), |it| it.name.clone());
        let tenant = self.organization.display_name.as_deref().unwrap_or(&primary);
        let subject = format!("{tenant} invited you to collaborate with {primary}");
        let message = invitation.message.as_deref().filter(|_| !invitation.message_dropped);
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        let html = environment.render_str(
            INVITATION,
            context! {
                subject => &*subject, tenant, message => message,
                invitation => Serde(invitation),
            },
        );
        Letter {
            from: format!(
                "Microsoft Invitations on behalf of {primary} <invites@{}>",
                self.initial_domain
            ),
            to: invitation.address.clone(),
            cc: invitation.cc.clone().unwrap_or_default(),
            html: Some(html.expect("the template is ours, and a test renders it")),
            subject,
            ..Letter::default()
        }
    }
}

const INVITATION: &str = include_str!("invitation.html");

fn of_mailbox(address: &str, message: &MailMessage) -> Letter {
    let content = message.body.content.clone();
    let is_html = message.body.content_type.eq_ignore_ascii_case("html");
    let pictures = message.attachments.iter().map(|it| Picture {
        id: &it.content_id,
        kind: it.content_type.clone(),
        base64: it.content_bytes.clone(),
    });
    let (html, text) = if is_html {
        (Some(with_pictures(content, pictures)), None)
    } else {
        (None, Some(content))
    };
    Letter {
        from: address.to_owned(),
        to: names(&message.to_recipients),
        cc: names(&message.cc_recipients),
        reply_to: names(&message.reply_to),
        subject: message.subject.clone(),
        message_id: message.internet_message_id.clone().unwrap_or_default(),
        html,
        text,
    }
}

fn names(recipients: &[Recipient]) -> String {
    let each = recipients.iter().map(|one| {
        let address = one.email_address.address.as_deref().unwrap_or_default();
        named(one.email_address.name.as_deref(), address)
    });
    each.collect::<Vec<_>>().join(", ")
}

fn named(name: Option<&str>, address: &str) -> String {
    match name.filter(|name| !name.is_empty() && *name != address) {
        Some(name) => format!("{name} <{address}>"),
        None => address.to_owned(),
    }
}

fn of_mime(text: &str) -> Letter {
    let Some(message) = MessageParser::default().parse(text) else {
        return Letter { text: Some(text.to_owned()), ..Letter::default() };
    };
    let html = message.html_part(0).filter(|part| part.is_text_html());
    let pictures = message.parts.iter().filter_map(|part| {
        let kind = part.content_type()?;
        Some(Picture {
            id: part.content_id()?,
            kind: format!("{}/{}", kind.ctype(), kind.subtype()?),
            base64: STANDARD.encode(part.contents()),
        })
    });
    let html = html.and_then(|part| part.text_contents()).map(str::to_owned);
    let plain = message.text_part(0).filter(|part| !part.is_text_html());
    Letter {
        from: addresses(message.from()),
        to: addresses(message.to()),
        cc: addresses(message.cc()),
        reply_to: addresses(message.reply_to()),
        subject: message.subject().unwrap_or_default().to_owned(),
        message_id: message.message_id().map(|id| format!("<{id}>")).unwrap_or_default(),
        html: html.map(|html| with_pictures(html, pictures)),
        text: plain.and_then(|part| part.text_contents()).map(str::to_owned),
    }
}

fn addresses(header: Option<&Address<'_>>) -> String {
    let Some(header) = header else { return String::new() };
    let each = header.iter().map(|one| named(one.name(), one.address().unwrap_or_default()));
    each.collect::<Vec<_>>().join(", ")
}

/// A picture that the HTML shows as `cid:…`.
struct Picture<'a> {
    id: &'a str,
    kind: String,
    base64: String,
}

/// The HTML with its pictures in it, since a page of ours asks nobody for anything.
fn with_pictures<'a>(html: String, pictures: impl Iterator<Item = Picture<'a>>) -> String {
    pictures.filter(|picture| picture.kind.starts_with("image/")).fold(html, |html, picture| {
        let Picture { id, kind, base64 } = picture;
        html.replace(&format!("\"cid:{id}\""), &format!("\"data:{kind};base64,{base64}\""))
    })
}
