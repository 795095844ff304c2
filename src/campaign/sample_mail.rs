//! The mails of a manifest before there is any link: what one guest will get as far as the
//! manifest tells, an example for every template, and what is wrong with the templates.
//!
//! Leaves to others: showing them (`cli`, `report`), and the mails that are sent (`run`).

use std::sync::Arc;

use jiff::Timestamp;

use crate::config::{DeliverySettings, InvitationDefaults};
use crate::delivery::{
    Letter, Mail, MessageError, MessageId, RedeemUrl, Sender, TemplateProblem, Templates, check,
    columns,
};
use crate::domain::Email;
use crate::manifest::{Manifest, Row};

/// What the guest of a row will get, with a link that leads nowhere. None where only the
/// directory knows the address.
pub fn sample_letter(
    row: &Row,
    headings: &[String],
    defaults: &InvitationDefaults,
    sender: &Sender,
) -> Option<Letter> {
    let user = Email::parse(&row.user.to_string()).ok();
    let to = row.wish.address().cloned().or_else(|| user.clone())?;
    let cc = row.cc.clone().or_else(|| defaults.cc.clone()).filter(|cc| *cc != to);
    let old_email = user.filter(|user| *user != to).map(|user| user.as_str().into());
    let redirect_url = row.redirect_url.clone();
    Some(Letter {
        cc: cc.into_iter().chain(row.more_cc.iter().filter(|cc| **cc != to).cloned()).collect(),
        redeem_url: RedeemUrl::nowhere(),
        display_name: row.display_name.clone(),
        old_email: old_email
            .or_else(|| row.wish.address().is_some().then(|| "(old address)".into())),
        message: row.message.clone().or_else(|| defaults.message.clone()),
        redirect_url: redirect_url.unwrap_or_else(|| Arc::new(defaults.redirect_url.clone())),
        language: row.language.clone().or_else(|| defaults.language.clone()),
        // The directory knows its name; offline the sender's domain stands for it.
        tenant_name: sender.from.address.domain().into(),
        columns: columns(headings.iter().map(String::as_str), row.extra.iter().map(|cell| &**cell)),
        to,
    })
}

/// The first mail that a template makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleMail {
    /// Its path, or `built-in en`.
    pub template: String,
    /// Line of the manifest.
    pub line: u32,
    pub to: Email,
    pub subject: String,
    /// The text for readers without HTML.
    pub text: String,
    pub html: String,
}

/// What the templates make of a manifest.
#[derive(Debug, Default)]
pub struct Samples {
    /// One for every template that is used, in the order of the rows.
    pub mails: Vec<SampleMail>,
    pub problems: Vec<TemplateProblem>,
}

impl Samples {
    /// Renders the first row of every language whose guest gets a mail of one's own. A
    /// `tenant_name` is given where the directory told it.
    pub fn of(
        manifest: &Manifest,
        is_meant: impl Fn(&Row) -> bool,
        delivery: &DeliverySettings,
        invitation: &InvitationDefaults,
        tenant_name: Option<&str>,
    ) -> Self {
        let mut samples = Self::default();
        let Some(sender) = Sender::of(delivery).filter(|_| delivery.by.is_own()) else {
            return samples;
        };
        let default = invitation.language.as_ref();
        let (mut seen, mut tried) = (Vec::new(), Vec::new());
        for row in manifest.rows.iter().filter(|row| row.send.unwrap_or(invitation.send)) {
            let language = row.language.as_ref().or(default);
            if seen.contains(&language) || !is_meant(row) {
                continue;
            }
            let headings = &manifest.extra_columns;
            let Some(mut letter) = sample_letter(row, headings, invitation, &sender) else {
                continue;
            };
            seen.push(language);
            if let Some(name) = tenant_name {
                letter.tenant_name = name.into();
            }
            let templates = match Templates::load(delivery, default, [language]) {
                Ok(templates) => templates,
                Err(error) => {
                    samples.found(error.into());
                    continue;
                }
            };
            let unfit = check(&templates, headings);
            let is_unfit = unfit.iter().any(|problem| problem.is_fatal);
            for problem in unfit {
                samples.found(problem);
            }
            let template = templates.name(&letter).to_owned();
            if is_unfit || tried.contains(&template) {
                continue;
            }
            tried.push(template.clone());
            let id = MessageId::random(&sender.from.address);
            match Mail::new(&templates, &letter, &sender, id, Timestamp::UNIX_EPOCH) {
                Ok(mail) => samples.mails.push(SampleMail {
                    template,
                    line: row.line,
                    to: letter.to,
                    text: mail.text().to_owned(),
                    html: mail.html().to_owned(),
                    subject: mail.subject,
                }),
                Err(MessageError::Template(error)) => samples.found(error.into()),
                Err(error @ (MessageError::Address(_) | MessageError::Shape(_))) => {
                    samples.found(TemplateProblem {
                        template,
                        line: None,
                        problem: format!("line {} of the manifest: {error}", row.line),
                        advice: "correct the row".to_owned(),
                        is_fatal: true,
                    });
                }
            }
        }
        samples
    }

    fn found(&mut self, problem: TemplateProblem) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}
