//! What the guest will receive for an invitation, told before it is sent: mail
//! or none, and with whose text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::config::DeliveryWay;
use crate::domain::Caller;
use crate::plan::{Invitation, Plan};

use super::style::count;
use super::text::{harmless, shorten};

/// Columns a message's beginning may take.
const MESSAGE_BEGINNING: usize = 32;

/// What reaches the guest. Ordered as plans list it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Delivery {
    /// A mail with the row's or the configuration's message.
    Message,
    /// A mail with Microsoft's standard text, as nothing else was asked for.
    StandardText,
    /// A mail with Microsoft's standard text, though a message was given: an
    /// application sends it (Entra, *Troubleshoot B2B collaboration*, 2025-02).
    MessageDropped,
    /// One's own mail, from a server or a mailbox.
    OwnMail,
    #[serde(rename = "own-mail")]
    FromMailbox,
    /// One's own mail as a file, for somebody to send.
    File,
    /// No mail: `send` is off.
    NoMail,
    /// No mail: `[delivery]` leaves it to somebody else.
    #[serde(rename = "no-mail")]
    Nobody,
}

impl Delivery {
    /// What this caller's invitation brings the guest.
    pub(super) fn new(invitation: &Invitation, caller: Caller) -> Self {
        match invitation.by {
            DeliveryWay::None => return Self::Nobody,
            DeliveryWay::Files if invitation.send => return Self::File,
            DeliveryWay::Smtp if invitation.send => return Self::OwnMail,
            DeliveryWay::Graph if invitation.send => return Self::FromMailbox,
            DeliveryWay::Microsoft
            | DeliveryWay::Files
            | DeliveryWay::Smtp
            | DeliveryWay::Graph => {}
        }
        match (invitation.send, &invitation.message, caller) {
            (false, _, _) => Self::NoMail,
            (true, None, _) => Self::StandardText,
            (true, Some(_), Caller::AppOnly) => Self::MessageDropped,
            (true, Some(_), Caller::Delegated) => Self::Message,
        }
    }
}

/// What one guest will receive, short enough for the end of a row.
pub(super) fn mark(invitation: &Invitation, caller: Caller) -> String {
    let mut mark = match Delivery::new(invitation, caller) {
        Delivery::Message => match &invitation.message {
            Some(message) => beginning(message.as_str()),
            None => "the message".to_owned(),
        },
        Delivery::StandardText => match &invitation.language {
            Some(language) => format!("standard text, {language}"),
            None => "standard text".to_owned(),
        },
        Delivery::MessageDropped => "standard text, message dropped".to_owned(),
        Delivery::OwnMail | Delivery::FromMailbox => "your mail".to_owned(),
        Delivery::File => "your mail as a file".to_owned(),
        Delivery::NoMail | Delivery::Nobody => return "no mail".to_owned(),
    };
    if let Some(cc) = &invitation.cc {
        mark.push_str(", copy to ");
        mark.push_str(&harmless(cc.as_str()));
        if !invitation.more_cc.is_empty() {
            mark.push_str(" and ");
            mark.push_str(&invitation.more_cc.len().to_string());
            mark.push_str(" more");
        }
    }
    mark
}

fn beginning(message: &str) -> String {
    let words: Vec<&str> = message.split_whitespace().collect();
    format!("“{}”", shorten(&harmless(&words.join(" ")), MESSAGE_BEGINNING))
}

/// What several guests will receive in one way, for the head of a group.
#[derive(Debug, Default)]
pub(super) struct Mix<'a> {
    pub(super) rows: u64,
    messages: BTreeSet<&'a str>,
    languages: BTreeSet<Option<&'a str>>,
    copies: u64,
}

impl<'a> Mix<'a> {
    pub(super) fn add(&mut self, invitation: &'a Invitation) {
        self.rows += 1;
        self.messages.extend(invitation.message.as_deref().map(crate::domain::Message::as_str));
        self.languages.insert(invitation.language.as_ref().map(crate::domain::Language::as_str));
        self.copies += u64::from(invitation.cc.is_some());
    }

    /// The sentence, without full stop.
    pub(super) fn describe(&self, delivery: Delivery) -> String {
        let mut text = match delivery {
            Delivery::Message => match self.messages.first() {
                Some(message) if self.messages.len() == 1 => {
                    format!("Microsoft mails your message {}", beginning(message))
                }
                Some(_) | None => {
                    format!("Microsoft mails your message, {} texts", self.messages.len())
                }
            },
            Delivery::StandardText => {
                let languages: Vec<&str> = self
                    .languages
                    .iter()
                    .map(|language| language.unwrap_or("the guest's language"))
                    .collect();
                format!("Microsoft mails its standard text in {}", Listed(&languages))
            }
            Delivery::MessageDropped => {
                "Microsoft mails its standard text and drops your message".to_owned()
            }
            Delivery::OwnMail => "your mail server sends your own mail".to_owned(),
            Delivery::FromMailbox => "your own mail is sent from your mailbox".to_owned(),
            Delivery::File => "your own mail is written as a file: send it yourself".to_owned(),
            Delivery::Nobody => {
                return "no mail, [delivery] by is none: tell the guest yourself".to_owned();
            }
            Delivery::NoMail => return "no mail, send is off: tell the guest yourself".to_owned(),
        };
        if self.copies > 0 {
            text.push_str(", ");
            text.push_str(&count(self.copies, "row", "rows"));
            text.push_str(" with a cc");
        }
        text
    }
}

/// What the guests of a plan will receive, in one sentence without full stop; None where
/// nobody is invited or mailed.
pub fn what_guests_get(plan: &Plan) -> Option<String> {
    let mut mixes: BTreeMap<Delivery, Mix<'_>> = BTreeMap::new();
    for invitation in plan.rows.iter().filter_map(|row| row.change()?.invite.as_ref()) {
        mixes.entry(Delivery::new(invitation, plan.caller)).or_default().add(invitation);
    }
    let mut mixes: Vec<_> = mixes.into_iter().collect();
    mixes.sort_by_key(|(_, mix)| std::cmp::Reverse(mix.rows));
    match mixes.as_slice() {
        [] => None,
        [(delivery, mix)] => Some(mix.describe(*delivery)),
        mixes => {
            let each = mixes.iter().map(|(delivery, mix)| {
                format!("{} ({})", mix.describe(*delivery), count(mix.rows, "row", "rows"))
            });
            Some(each.collect::<Vec<_>>().join("; "))
        }
    }
}

struct Listed<'a>(&'a [&'a str]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            [one] => f.write_str(one),
            [first @ .., last] => write!(f, "{} or {last}", first.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{Email, Language, Message, RedirectUrl};

    fn invitation() -> Invitation {
        Invitation {
            address: Email::parse("ada@fabrikam.example").unwrap(),
            redirect_url: Arc::new(RedirectUrl::parse("https://myapps.microsoft.com").unwrap()),
            send: true,
            by: crate::config::DeliveryWay::Microsoft,
            message: None,
            cc: None,
            more_cc: Box::default(),
            language: None,
            display_name: None,
        }
    }

    #[test]
    fn an_application_s_message_is_dropped_and_said_to_be() {
        let with_message = Invitation {
            message: Some(Arc::new(Message::parse("We are\nnow Fabrikam").unwrap())),
            ..invitation()
        };
        let silent = Invitation { send: false, ..with_message.clone() };
        let german = Invitation { language: Some(Language::parse("de").unwrap()), ..invitation() };
        for (invitation, caller, delivery, text) in [
            (&with_message, Caller::Delegated, Delivery::Message, "“We are now Fabrikam”"),
            (
                &with_message,
                Caller::AppOnly,
                Delivery::MessageDropped,
                "standard text, message dropped",
            ),
            (&silent, Caller::AppOnly, Delivery::NoMail, "no mail"),
            (&german, Caller::AppOnly, Delivery::StandardText, "standard text, de"),
        ] {
            assert_eq!(Delivery::new(invitation, caller), delivery);
            assert_eq!(mark(invitation, caller), text);
        }
    }
}
