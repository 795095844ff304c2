//! What the templates of one's own mail make of a campaign: an example for every template
//! that its rows use, and what is wrong with them.
//!
//! Leaves to others: what a mail is made of (`sample_mail`), and showing the examples (`cli`,
//! `report`).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::checkpoint::{History, HistoryRow};
use crate::config::{DeliverySettings, InvitationDefaults, RevertSettings, Settings};
use crate::delivery::{
    Letter, Mail, MessageError, MessageId, Sender, TemplateProblem, Templates, check,
};
use crate::domain::{Directory, Email, Language, State};
use crate::manifest::{Manifest, Options, reread};
use crate::plan::Plan;

use super::sample_mail::{planned_letter, returned, sample_letter};

/// The first mail that a template makes, with a link that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleMail {
    /// Its path, or `built-in en`.
    pub template: String,
    /// How many rows it is for.
    pub rows: u64,
    /// Line of the manifest.
    pub line: u32,
    /// Name, if there is one, and address.
    pub from: String,
    pub to: Email,
    pub cc: Vec<Email>,
    pub subject: String,
    /// The text for readers without HTML.
    pub text: String,
}

/// What the templates make of a campaign.
#[derive(Debug, Default)]
pub struct Samples {
    /// One for every template that is used, in the order of the rows.
    pub mails: Vec<SampleMail>,
    pub problems: Vec<TemplateProblem>,
}

impl Samples {
    /// As far as the manifest alone tells: of every row whose guest gets a mail of one's own.
    pub fn of(
        manifest: &Manifest,
        delivery: &DeliverySettings,
        invitation: &InvitationDefaults,
    ) -> Self {
        Self::of_tenant(manifest, delivery, invitation, None)
    }

    /// The same, where the tenant's name is known.
    fn of_tenant(
        manifest: &Manifest,
        delivery: &DeliverySettings,
        invitation: &InvitationDefaults,
        tenant: Option<&str>,
    ) -> Self {
        let headings = &manifest.extra_columns;
        let Some(mut maker) = Maker::new(delivery, invitation, headings) else {
            return Self::default();
        };
        for row in manifest.rows.iter().filter(|row| row.send.unwrap_or(invitation.send)) {
            let language = row.language.as_ref().or(invitation.language.as_ref());
            maker.take(row.line, language, |sender: &Sender| {
                let letter = sample_letter(row, headings, invitation, sender)?;
                let tenant_name = tenant.map_or_else(|| letter.tenant_name.clone(), Into::into);
                Some(Letter { tenant_name, ..letter })
            });
        }
        maker.samples
    }

    /// As far as a checkpoint kept its manifest: of every row whose guest was mailed or is to
    /// be. Nothing where the rows can't be read any more.
    pub fn kept(
        history: &History,
        delivery: &DeliverySettings,
        invitation: &InvitationDefaults,
        options: &Options,
    ) -> Self {
        let form = history.form.as_deref().and_then(|form| serde_json::from_str(form).ok());
        let Some(form) = form.filter(|_| delivery.by.is_own()) else {
            return Self::default();
        };
        let is_meant = |row: &&HistoryRow| !matches!(row.standing, State::Blocked | State::Settled);
        let rows = history.rows.iter().filter(is_meant);
        let rows = rows.filter_map(|row| Some((row.line?, &*row.cells)));
        // Whatever a row asks for, it says what its guest's mails are like.
        let options = Options { reset_only: true, several_cc: true, ..options.clone() };
        match reread(&history.status.manifest, &form, rows, &options) {
            Ok(manifest) => {
                let tenant = history.status.tenant_name.as_deref();
                Self::of_tenant(&manifest, delivery, invitation, tenant)
            }
            Err(_) => Self::default(),
        }
    }

    /// What is wrong with the templates of the way back, as far as they are others than those of
    /// the move: of every row that gets a mail of one's own.
    pub fn way_back(
        manifest: &Manifest,
        delivery: &DeliverySettings,
        invitation: &InvitationDefaults,
        revert: &RevertSettings,
    ) -> Vec<TemplateProblem> {
        if !revert.has_own_words() {
            return Vec::new();
        }
        let (delivery, invitation) = (&revert.delivery(delivery), &revert.invitation(invitation));
        let headings = &manifest.extra_columns;
        let Some(mut maker) = Maker::new(delivery, invitation, headings) else {
            return Vec::new();
        };
        for row in manifest.rows.iter().filter(|row| row.send.unwrap_or(invitation.send)) {
            let language = row.language.as_ref().or(invitation.language.as_ref());
            maker.take(row.line, language, |sender| {
                let letter = sample_letter(row, headings, invitation, sender)?;
                Some(returned(letter, invitation))
            });
        }
        maker.samples.problems
    }

    /// As the plan says: of every row whose change brings the guest a mail of one's own.
    /// Templates are examined for all rows, as a run does before it begins.
    pub fn planned(
        plan: &Plan,
        manifest: &Manifest,
        directory: &Directory,
        settings: &Settings,
    ) -> Self {
        let Settings { delivery, invitation, .. } = settings;
        let Some(mut maker) = Maker::new(delivery, invitation, &manifest.extra_columns) else {
            return Self::default();
        };
        let tenant = plan.tenant_name.as_deref().unwrap_or(&settings.tenant.id);
        let tenant: Arc<str> = tenant.into();
        for row in &plan.rows {
            let Some(change) = row.change() else { continue };
            let Some(invitation) = change.invite.as_ref().filter(|it| it.send) else { continue };
            maker.take(row.line, invitation.language.as_ref(), |_| {
                let what = (change, invitation);
                Some(planned_letter(row, what, manifest, directory, &tenant))
            });
        }
        for row in &manifest.rows {
            maker.examine(row.language.as_ref().or(invitation.language.as_ref()));
        }
        maker.samples
    }
}

/// Makes the examples, reading the templates of each language once.
struct Maker<'a> {
    delivery: &'a DeliverySettings,
    default: Option<&'a Language>,
    headings: &'a [String],
    sender: Sender,
    by_language: BTreeMap<Option<String>, Examined>,
    /// Templates whose example could not be made.
    unfit: BTreeSet<String>,
    samples: Samples,
}

/// What is known of the templates of a language.
enum Examined {
    Fit(Box<Templates>),
    /// Where the example stands.
    Shown(usize),
    Unfit,
}

impl<'a> Maker<'a> {
    /// None where no mail of one's own is written.
    fn new(
        delivery: &'a DeliverySettings,
        invitation: &'a InvitationDefaults,
        headings: &'a [String],
    ) -> Option<Self> {
        let sender = Sender::of(delivery).filter(|_| delivery.by.is_own())?;
        let (by_language, unfit) = (BTreeMap::new(), BTreeSet::new());
        let (default, samples) = (invitation.language.as_ref(), Samples::default());
        Some(Self { delivery, default, headings, sender, by_language, unfit, samples })
    }

    /// Reads the templates of a language, and keeps what is wrong with them.
    fn examine(&mut self, language: Option<&Language>) -> &mut Examined {
        let key = language.map(|language| language.as_str().to_lowercase());
        let place = match self.by_language.entry(key) {
            Entry::Occupied(place) => return place.into_mut(),
            Entry::Vacant(place) => place,
        };
        let problems = &mut self.samples.problems;
        let mut found = |problem| {
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        };
        let templates = match Templates::load(self.delivery, self.default, [language]) {
            Ok(templates) => templates,
            Err(error) => {
                found(error.into());
                return place.insert(Examined::Unfit);
            }
        };
        let unfit = check(&templates, self.headings);
        let is_fit = unfit.iter().all(|problem| !problem.is_fatal);
        unfit.into_iter().for_each(found);
        let fit = if is_fit { Examined::Fit(Box::new(templates)) } else { Examined::Unfit };
        place.insert(fit)
    }

    /// Counts a row, and makes its mail if its template has no example yet.
    fn take(
        &mut self,
        line: u32,
        language: Option<&Language>,
        letter: impl FnOnce(&Sender) -> Option<Letter>,
    ) {
        let examined = std::mem::replace(self.examine(language), Examined::Unfit);
        let next = match examined {
            Examined::Fit(templates) => match letter(&self.sender) {
                Some(letter) => self.example(line, &templates, letter),
                None => Examined::Fit(templates),
            },
            shown => shown,
        };
        if let Examined::Shown(at) = next {
            self.samples.mails[at].rows += 1;
        }
        *self.examine(language) = next;
    }

    fn example(&mut self, line: u32, templates: &Templates, letter: Letter) -> Examined {
        let template = templates.name(&letter).to_owned();
        if let Some(at) = self.samples.mails.iter().position(|mail| mail.template == template) {
            return Examined::Shown(at);
        }
        if self.unfit.contains(&template) {
            return Examined::Unfit;
        }
        let id = MessageId::random(&self.sender.from.address);
        let mail = match Mail::new(templates, &letter, &self.sender, id, Timestamp::UNIX_EPOCH) {
            Ok(mail) => mail,
            Err(error) => {
                self.unfit.insert(template.clone());
                self.samples.problems.push(unfit_row(line, template, error));
                return Examined::Unfit;
            }
        };
        self.samples.mails.push(SampleMail {
            template,
            rows: 0,
            line,
            from: self.sender.from.to_string(),
            to: letter.to,
            cc: letter.cc,
            text: mail.text().to_owned(),
            subject: mail.subject,
        });
        Examined::Shown(self.samples.mails.len() - 1)
    }
}

/// Why a row has no mail.
fn unfit_row(line: u32, template: String, error: MessageError) -> TemplateProblem {
    match error {
        MessageError::Template(error) => error.into(),
        error @ (MessageError::Address(_) | MessageError::Shape(_)) => TemplateProblem {
            template,
            line: None,
            problem: format!("line {line} of the manifest: {error}"),
            advice: "correct the row".to_owned(),
            is_fatal: true,
        },
    }
}
