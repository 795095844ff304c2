//! Whether the templates fit the manifest, before any mail is sent.
//!
//! Leaves to others: showing what is wrong (`cli`).

use std::fmt;

use super::letter::identifier;
use super::template_error::TemplateError;
use super::templates::{NAMES, SUBJECT, Templates};

/// Something about a template that a person should mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateProblem {
    pub template: String,
    /// From 1, where the place is known.
    pub line: Option<usize>,
    pub problem: String,
    pub advice: String,
    /// Whether no mail could be sent with it; otherwise it is worth knowing.
    pub is_fatal: bool,
}

impl From<TemplateError> for TemplateProblem {
    fn from(error: TemplateError) -> Self {
        let (advice, words) = (error.advice().to_owned(), error.to_string());
        let (template, line, problem) = match error {
            TemplateError::Broken { name, line, what } => (name, line, what),
            TemplateError::Unreadable { path, source } => {
                (path.display().to_string(), None, format!("cannot be read: {source}"))
            }
            TemplateError::NotText { name } => (name, None, "it is not UTF-8 text".to_owned()),
            TemplateError::Image { name, image, what } => {
                (name, None, format!("it shows `cid:{image}`: {what}"))
            }
            TemplateError::NoLink { name, to } => {
                (name, None, format!("the mail to {to} has no link to redeem with"))
            }
            TemplateError::Missing { section, .. } => {
                (format!("[{section}] template"), None, words)
            }
        };
        Self { template, line, problem, advice, is_fatal: true }
    }
}

impl fmt::Display for TemplateProblem {
    /// Its place and what is wrong; the advice is apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.template)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// Everything about the templates that does not fit the columns of the manifest.
pub fn check(templates: &Templates, headings: &[String]) -> Vec<TemplateProblem> {
    let mut problems = Vec::new();
    for set in &templates.sets {
        let of_text = set.text.as_deref();
        for (key, name) in [(Some(set.html.as_str()), set.name.as_str())]
            .into_iter()
            .chain([(of_text, of_text.map_or("", |key| key.trim_start_matches("text ")))])
        {
            let Some(key) = key else { continue };
            names(templates, key, name, headings, true, &mut problems);
        }
    }
    if let Some(name) = &templates.subject {
        names(templates, SUBJECT, name, headings, false, &mut problems);
    }
    for (language, instead) in &templates.stand_ins {
        problems.push(TemplateProblem {
            template: templates.setting.clone(),
            line: None,
            problem: format!("there is none for the language `{language}`"),
            advice: format!("those guests get the mail in `{instead}`; write one for `{language}`"),
            is_fatal: false,
        });
    }
    problems.dedup();
    problems
}

fn names(
    templates: &Templates,
    key: &str,
    name: &str,
    headings: &[String],
    needs_link: bool,
    problems: &mut Vec<TemplateProblem>,
) {
    let Ok(template) = templates.environment.get_template(key) else { return };
    let is_builtin = name.starts_with("built-in ");
    let source = template.source();
    let used = template.undeclared_variables(true);
    let mut sorted: Vec<&String> = used.iter().collect();
    sorted.sort();
    let fatal = |line, problem: String, advice: String| TemplateProblem {
        template: name.to_owned(),
        line,
        problem,
        advice,
        is_fatal: true,
    };
    for used in sorted {
        let (first, rest) =
            used.split_once('.').map_or((used.as_str(), None), |(a, b)| (a, Some(b)));
        let line = source.lines().position(|line| line.contains(used.as_str())).map(|at| at + 1);
        if (is_builtin && first == "phrases")
            || templates.environment.globals().any(|(name, _)| name == first)
        {
            continue;
        }
        if !NAMES.contains(&first) {
            let near = nearest(first, NAMES.iter().copied());
            let advice = near.map_or_else(
                || format!("the names are {}", NAMES.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            problems.push(fatal(line, format!("there is no name `{first}`"), advice));
        } else if first == "columns"
            && let Some(column) = rest.and_then(|rest| rest.split('.').next())
            && !headings.iter().any(|known| known == column || identifier(known) == column)
        {
            let known: Vec<String> = headings.iter().map(|heading| identifier(heading)).collect();
            let near = nearest(column, known.iter().map(String::as_str));
            let advice = match near {
                Some(near) => format!("did you mean `columns.{near}`?"),
                None if known.is_empty() => "the manifest has no other columns".to_owned(),
                None => format!("the other columns are {}", known.join(", ")),
            };
            problems.push(fatal(line, format!("the manifest has no column `{column}`"), advice));
        }
    }
    if needs_link && !used.contains("redeem_url") {
        let problem = "the mail has no link to redeem with".to_owned();
        let advice = "write {{ redeem_url }} where the link belongs".to_owned();
        problems.push(fatal(None, problem, advice));
    }
    if !needs_link && used.contains("redeem_url") {
        let problem = "the link would stand in the subject, where every server logs it".to_owned();
        problems.push(fatal(None, problem, "take {{ redeem_url }} out of it".to_owned()));
    }
}

/// The word that was most likely meant, if any is near enough.
fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .min_by_key(|&(distance, _)| distance)
        .filter(|&(distance, candidate)| distance <= (word.len().max(candidate.len()) / 3).max(1))
        .map(|(_, candidate)| candidate)
}
