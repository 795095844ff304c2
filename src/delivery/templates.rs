//! The templates of a campaign: found by language, checked when they are read, and
//! rendered for one guest at a time.
//!
//! What stands in a name or a message is data: it is never read as a template, and it is
//! escaped wherever HTML is written.
//!
//! Leaves to others: finding and reading the files (`template_files`), whether a template fits
//! the manifest (`check`), and the message around the text (`message`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{AutoEscape, Environment, HtmlEscape, UndefinedBehavior};

use crate::config::DeliverySettings;
use crate::domain::Language;

use super::builtin::{self, Phrases};
use super::letter::Letter;
use super::plain::text_of;
use super::template_error::TemplateError;
use super::template_files::{Image, existing, images, read, with_primary};

/// Steps that one mail may take: a template that loops is stopped.
const FUEL: u64 = 200_000;

/// The templates of one language.
#[derive(Debug)]
pub(super) struct Set {
    /// What a person calls it: a path, or `built-in en`.
    pub(super) name: String,
    /// Names within the environment.
    pub(super) html: String,
    pub(super) text: Option<String>,
    pub(super) images: Vec<Image>,
    /// Its language, where its path names one.
    language: String,
    phrases: Option<&'static Phrases>,
}

/// What a guest reads.
pub(super) struct Rendered<'a> {
    pub(super) subject: String,
    pub(super) html: String,
    pub(super) text: String,
    pub(super) images: &'a [Image],
}

/// The templates of a campaign.
#[derive(Debug)]
pub struct Templates {
    pub(super) environment: Environment<'static>,
    pub(super) sets: Vec<Set>,
    /// Which set a language gets.
    chosen: BTreeMap<Option<String>, usize>,
    /// Languages that get the mail of another, and whose.
    pub(super) stand_ins: Vec<(String, String)>,
    /// What a person calls the template of the subject, if there is one.
    pub(super) subject: Option<String>,
    /// What a person calls the setting of the templates' path.
    pub(super) setting: String,
}

pub(super) const SUBJECT: &str = "subject";

impl Templates {
    /// Reads what the languages of the letters need. `default` is the language of
    /// letters without one.
    pub fn load<'l>(
        settings: &DeliverySettings,
        default: Option<&Language>,
        languages: impl IntoIterator<Item = Option<&'l Language>>,
    ) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|name| {
            if name.starts_with("html ") { AutoEscape::Html } else { AutoEscape::None }
        });
        environment.add_filter("lines", lines);
        environment.add_filter("with", with);
        let mut templates = Self {
            environment,
            sets: Vec::new(),
            chosen: BTreeMap::new(),
            stand_ins: Vec::new(),
            subject: settings.subject.as_ref().map(|_| format!("[{}] subject", settings.section)),
            setting: format!("[{}] template", settings.section),
        };
        if let (Some(subject), Some(name)) = (&settings.subject, templates.subject.clone()) {
            templates.add(SUBJECT, &name, subject.clone())?;
        }
        let wanted: BTreeSet<Option<String>> = languages
            .into_iter()
            .map(|language| language.map(|language| language.as_str().to_lowercase()))
            .collect();
        for language in wanted {
            let at = templates.choose(settings, default, language.as_deref())?;
            templates.chosen.insert(language, at);
        }
        Ok(templates)
    }

    fn choose(
        &mut self,
        settings: &DeliverySettings,
        default: Option<&Language>,
        language: Option<&str>,
    ) -> Result<usize, TemplateError> {
        let default = default.map(|language| language.as_str().to_lowercase());
        let wanted = language.map_or_else(Vec::new, with_primary);
        let mut candidates = wanted.clone();
        candidates.extend(default.as_deref().map_or_else(Vec::new, with_primary));
        candidates.push(builtin::FALLBACK.to_owned());
        let at = match &settings.template {
            None => self.choose_builtin(settings, &candidates)?,
            Some(path) => self.choose_file(settings, path, &candidates)?,
        };
        let found = &self.sets[at].language;
        if let Some(language) = language
            && !found.is_empty()
            && !wanted.contains(found)
        {
            self.stand_ins.push((language.to_owned(), found.clone()));
        }
        Ok(at)
    }

    fn choose_builtin(
        &mut self,
        settings: &DeliverySettings,
        candidates: &[String],
    ) -> Result<usize, TemplateError> {
        let phrases = candidates
            .iter()
            .find_map(|candidate| builtin::ALL.iter().find(|one| one.language == candidate))
            .expect("the last candidate is a language that is built in");
        let name = format!("built-in {}", phrases.language);
        if let Some(at) = self.sets.iter().position(|set| set.name == name) {
            return Ok(at);
        }
        let html = format!("html {name}");
        self.add(&html, &name, builtin::FRAME.to_owned())?;
        let text = self.text_for(settings, phrases.language, candidates)?;
        let language = phrases.language.to_owned();
        let images = Vec::new();
        self.sets.push(Set { name, html, text, images, language, phrases: Some(phrases) });
        Ok(self.sets.len() - 1)
    }

    fn choose_file(
        &mut self,
        settings: &DeliverySettings,
        path: &Path,
        candidates: &[String],
    ) -> Result<usize, TemplateError> {
        let (path, language) = existing(path, candidates, settings.section)?;
        let name = path.display().to_string();
        if let Some(at) = self.sets.iter().position(|set| set.name == name) {
            return Ok(at);
        }
        let source = read(&path)?;
        let images = images(&name, &path, &source)?;
        let html = format!("html {name}");
        self.add(&html, &name, source)?;
        let text = self.text_for(settings, &language, candidates)?;
        self.sets.push(Set { name, html, text, images, language, phrases: None });
        Ok(self.sets.len() - 1)
    }

    /// The text template that belongs to the HTML of this language.
    fn text_for(
        &mut self,
        settings: &DeliverySettings,
        language: &str,
        candidates: &[String],
    ) -> Result<Option<String>, TemplateError> {
        let Some(path) = &settings.text_template else { return Ok(None) };
        let own = if language.is_empty() { Vec::new() } else { with_primary(language) };
        let candidates = if own.is_empty() { candidates } else { &own };
        let (path, _) = existing(path, candidates, settings.section)?;
        let name = path.display().to_string();
        let key = format!("text {name}");
        if self.environment.get_template(&key).is_err() {
            self.add(&key, &name, read(&path)?)?;
        }
        Ok(Some(key))
    }

    fn add(&mut self, key: &str, name: &str, source: String) -> Result<(), TemplateError> {
        let added = self.environment.add_template_owned(key.to_owned(), source);
        added.map_err(|error| broken(name, &error))
    }

    /// What a person calls the template of this letter: a path, or `built-in en`.
    pub fn name(&self, letter: &Letter) -> &str {
        &self.set(letter).name
    }

    fn set(&self, letter: &Letter) -> &Set {
        let language = letter.language.as_ref().map(|language| language.as_str().to_lowercase());
        let at = self.chosen.get(&language).or_else(|| self.chosen.get(&None)).copied();
        &self.sets[at.unwrap_or_default()]
    }

    /// What the guest of this letter reads. Its language must be among those that the
    /// templates were read for, or it gets what a letter without language gets.
    pub(super) fn render(&self, letter: &Letter) -> Result<Rendered<'_>, TemplateError> {
        let set = self.set(letter);
        let html = self.run(&set.html, &set.name, context(letter, set, true))?;
        if !html.contains(&attribute(letter.redeem_url.expose())) {
            let (name, to) = (set.name.clone(), letter.to.to_string());
            return Err(TemplateError::NoLink { name, to });
        }
        let text = match &set.text {
            Some(key) => {
                let name = key.trim_start_matches("text ");
                let text = self.run(key, name, context(letter, set, false))?;
                if !text.contains(letter.redeem_url.expose()) {
                    let (name, to) = (name.to_owned(), letter.to.to_string());
                    return Err(TemplateError::NoLink { name, to });
                }
                text
            }
            None => text_of(&html),
        };
        let subject = match &self.subject {
            Some(name) => self.run(SUBJECT, name, context(letter, set, false))?,
            None => title(&html),
        };
        // A line break in a name must not become a header of its own.
        let words = subject.split(|c: char| c.is_whitespace() || c.is_control());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let subject = words.join(" ");
        if subject.is_empty() {
            let what = "it has no <title>, and no `subject` is set".to_owned();
            return Err(TemplateError::Broken { name: set.name.clone(), line: None, what });
        }
        Ok(Rendered { subject, html, text, images: &set.images })
    }

    fn run(
        &self,
        key: &str,
        name: &str,
        context: BTreeMap<&'static str, Value>,
    ) -> Result<String, TemplateError> {
        let template = self.environment.get_template(key).map_err(|error| broken(name, &error))?;
        template.render(Value::from_pairs(context)).map_err(|error| broken(name, &error))
    }
}

/// Every name that a template may use.
pub(super) const NAMES: &[&str] = &[
    "redeem_url",
    "display_name",
    "old_email",
    "new_email",
    "message",
    "tenant_name",
    "redirect_url",
    "language",
    "columns",
];

fn context(letter: &Letter, set: &Set, is_html: bool) -> BTreeMap<&'static str, Value> {
    // Links are written as browsers and gateways expect them, so they are escaped here.
    let link = |url: &str| {
        if is_html { Value::from_safe_string(attribute(url)) } else { Value::from(url) }
    };
    let language = letter.language.as_ref().map_or(set.language.as_str(), Language::as_str);
    let message = letter.message.as_ref().map_or("", |message| message.as_str());
    let mut context = BTreeMap::from([
        ("redeem_url", link(letter.redeem_url.expose())),
        ("display_name", Value::from(letter.display_name.as_deref().unwrap_or_default())),
        ("old_email", Value::from(letter.old_email.as_deref().unwrap_or_default())),
        ("new_email", Value::from(letter.to.as_str())),
        ("message", Value::from(message)),
        ("tenant_name", Value::from(&*letter.tenant_name)),
        ("redirect_url", link(letter.redirect_url.as_str())),
        ("language", Value::from(language)),
        ("columns", Value::from(Serde(&letter.columns))),
    ]);
    if let Some(phrases) = set.phrases {
        context.insert("phrases", Value::from(Serde(phrases)));
    }
    context
}

/// A link inside an attribute, or between tags.
fn attribute(url: &str) -> String {
    url.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A text of several lines, as HTML.
fn lines(text: &str) -> Value {
    let lines: Vec<String> = text.lines().map(|line| HtmlEscape(line).to_string()).collect();
    Value::from_safe_string(lines.join("<br>\n"))
}

/// Puts values into the places of a phrase. The result is still to be escaped.
#[expect(clippy::needless_pass_by_value, reason = "what a filter takes")]
fn with(phrase: &str, values: Kwargs) -> Result<String, minijinja::Error> {
    let mut rest = phrase;
    let mut text = String::new();
    while let Some((before, behind)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, behind)) = behind.split_once('}') else { break };
        text.push_str(values.get::<&str>(name)?);
        rest = behind;
    }
    text.push_str(rest);
    Ok(text)
}

/// The text of `<title>`.
fn title(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let Some(open) = lower.find("<title>") else { return String::new() };
    let begin = open + "<title>".len();
    let Some(length) = lower[begin..].find("</title>") else { return String::new() };
    text_of(&html[begin..begin + length]).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn broken(name: &str, error: &minijinja::Error) -> TemplateError {
    let what = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    TemplateError::Broken { name: name.to_owned(), line: error.line(), what }
}

#[cfg(test)]
#[path = "templates_tests.rs"]
mod tests;
