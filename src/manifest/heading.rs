//! What a heading says, by its words: `New Email Address`, `new_email:` and `Neue
//! E-Mail-Adresse` are one. A heading is understood only if every word of it is known,
//! so that `New email template` is no address.
//!
//! Leaves to others: which of several columns counts (`columns`, `rows`).

mod sides;
mod words;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::domain::character::{is_blank, is_space, trim};

use super::columns::Meaning;
pub(super) use sides::Side;
use words::{Word, asked, known, parts, settle, words};

/// What a heading was understood as. The order of the guest's names is their rank: an
/// object id names one object and outlives the move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Heading {
    ObjectId,
    /// An object id, or the running number of a form.
    Id,
    /// The guest, named in whatever way.
    User,
    UserPrincipalName,
    /// The address that the guest has: `current_email`, `PrimarySmtpAddress`.
    PresentAddress,
    /// `mail`, the property of a directory user.
    Mail,
    /// `email`, which says whose address it is and not which.
    Email,
    /// `[inviteeEmail]`, the only address of the portal's template.
    Invitee,
    Means(Meaning),
}

impl Heading {
    pub(super) fn meaning(self) -> Meaning {
        match self {
            Self::Invitee => Meaning::NewEmail,
            Self::Means(meaning) => meaning,
            _ => Meaning::User,
        }
    }

    /// Whether it may be any address of the guest.
    pub(super) fn is_everyday(self) -> bool {
        matches!(self, Self::Mail | Self::Email)
    }

    /// Understands a heading, or not.
    pub(super) fn of(text: &str) -> Option<Self> {
        let text = cleaned(text);
        // More than one cell, as it looks under another delimiter.
        if text.contains([',', ';', '|', '"']) {
            return None;
        }
        if let Some(property) = property(&text)
            && let Some(heading) = of_words(property)
        {
            return Some(heading);
        }
        of_words(&text).or_else(|| of_words(&without_notes(&text)?))
    }
}

/// A heading as it looks: without what nobody sees, with one blank where there are any.
pub(super) fn cleaned(text: &str) -> Cow<'_, str> {
    let text = trim(text);
    let is_odd = |c: char| c != ' ' && is_blank(c);
    if !text.contains(is_odd) && !text.contains("  ") {
        return text.into();
    }
    let mut cleaned = String::with_capacity(text.len());
    for c in text.chars() {
        if is_space(c) {
            if !cleaned.ends_with(' ') {
                cleaned.push(' ');
            }
        } else if !is_blank(c) {
            cleaned.push(c);
        }
    }
    cleaned.into()
}

/// A heading in the form in which two spellings of it are equal: the portal's property
/// if it names one; without case, blanks, dashes and underscores.
pub(super) fn folded(heading: &str) -> String {
    let heading = cleaned(heading);
    let name = property(&heading).unwrap_or(&heading);
    name.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_' | '*' | ':'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The portal's own name in `Email address to invite [inviteeEmail] Required`.
fn property(text: &str) -> Option<&str> {
    let (name, _) = text.split_once('[')?.1.split_once(']')?;
    (!name.trim().is_empty()).then_some(name)
}

/// The heading without a note in parentheses, unless the note takes something back.
fn without_notes(text: &str) -> Option<String> {
    const TAKES_BACK: &[&str] = &[
        "not", "no", "don", "never", "nicht", "kein", "pas", "ne", "non", "niet", "geen", "ex",
        "old", "new", "neu", "alt", "if", "optional",
    ];
    let (before, rest) = text.split_once('(')?;
    let (note, after) = rest.split_once(')')?;
    let words = words(note);
    let speaks = |word: &String| {
        TAKES_BACK.contains(&word.as_str())
            || matches!(known(word), Some(Word::New | Word::Present))
    };
    (!words.iter().any(speaks)).then(|| format!("{before} {after}"))
}

/// Which side of which pair a heading names, if its words mean something only in pairs.
pub(super) fn side(text: &str) -> Option<(usize, Side)> {
    sides::side(&joined(&cleaned(text)))
}

/// The words of a heading. An email's `e` is no word of its own when it is written `e-mail`
/// or `eMail`.
fn joined(text: &str) -> Vec<String> {
    let mut words = words(text);
    let mut index = 0;
    while index + 1 < words.len() {
        if words[index] == "e" && words[index + 1].starts_with("mail") {
            let mail = words.remove(index + 1);
            words[index].push_str(&mail);
        }
        index += 1;
    }
    words
}

/// The words of a heading as they look, in lower case and without accents.
pub(super) fn plain_words(heading: &str) -> Vec<String> {
    words(&cleaned(heading))
}

fn of_words(text: &str) -> Option<Heading> {
    let words = joined(text);
    // `To email` would be an email once the `to` is left out.
    if words.first().is_some_and(|word| word == "to" || word == "an")
        && sides::side(&words).is_some()
    {
        return None;
    }
    let mut all = Vec::new();
    for word in asked(&words) {
        all.extend(parts(word)?);
    }
    all.retain(|word| *word != Word::Filler);
    settle(&mut all, text);
    understood(&all)
}

fn understood(words: &[Word]) -> Option<Heading> {
    let has = |word: Word| words.contains(&word);
    let only = |allowed: &[Word]| words.iter().all(|word| allowed.contains(word));
    let all_of = |wanted: &[Word]| wanted.iter().all(|word| words.contains(word));
    if words.is_empty() {
        return None;
    }
    if (has(Word::New) || has(Word::Present))
        && only(&[
            Word::New,
            Word::Present,
            Word::Kind,
            Word::SignIn,
            Word::Invitee,
            Word::Invited,
            Word::Email,
            Word::Mail,
            Word::Address,
            Word::Smtp,
            Word::Upn,
            Word::Principal,
            Word::Name,
            Word::User,
            Word::Guest,
            Word::Id,
            Word::External,
            Word::Primary,
        ])
    {
        let names_an_address = has(Word::Email)
            || has(Word::Mail)
            || has(Word::Address)
            || has(Word::Smtp)
            || has(Word::Upn)
            || all_of(&[Word::User, Word::Principal, Word::Name])
            || words.len() == 1;
        return match (has(Word::New), has(Word::Present)) {
            _ if !names_an_address => None,
            (true, false) => Some(Heading::Means(Meaning::NewEmail)),
            (false, true) => Some(Heading::PresentAddress),
            _ => None,
        };
    }
    if has(Word::Invitee) || all_of(&[Word::Invited, Word::Email]) {
        let address = [Word::Invitee, Word::Invited, Word::User, Word::Guest, Word::Email];
        let address = [&address[..], &[Word::Mail, Word::Address]].concat();
        let is_address = has(Word::Email) || has(Word::Mail);
        return (is_address && only(&address)).then_some(Heading::Invitee);
    }
    optional(words).map(Heading::Means).or_else(|| guest(words))
}

fn optional(words: &[Word]) -> Option<Meaning> {
    let has = |word: Word| words.contains(&word);
    let only = |allowed: &[Word]| words.iter().all(|word| allowed.contains(word));
    let email = [Word::Email, Word::Mail, Word::Address];
    if has(Word::Cc) && only(&[&email[..], &[Word::Cc, Word::Recipient]].concat()) {
        return Some(Meaning::Cc);
    }
    if has(Word::Send)
        && only(&[&email[..2], &[Word::Send, Word::Invitation, Word::Message]].concat())
    {
        return Some(Meaning::Send);
    }
    if has(Word::Message) && only(&[Word::Message, Word::Invitation, Word::Customized, Word::Text])
    {
        return Some(Meaning::Message);
    }
    if has(Word::Redirect)
        && has(Word::Url)
        && only(&[Word::Redirect, Word::Url, Word::Invitation, Word::Guest])
    {
        return Some(Meaning::RedirectUrl);
    }
    if has(Word::Display)
        && has(Word::Name)
        && only(&[Word::Display, Word::Name, Word::Invited, Word::User, Word::Guest])
    {
        return Some(Meaning::DisplayName);
    }
    if has(Word::Reset) && only(&[Word::Reset, Word::Redemption, Word::Only]) {
        return Some(Meaning::Reset);
    }
    (words == [Word::Language]).then_some(Meaning::Language)
}

fn guest(words: &[Word]) -> Option<Heading> {
    let has = |word: Word| words.contains(&word);
    let only = |allowed: &[Word]| words.iter().all(|word| allowed.contains(word));
    if has(Word::Id) && has(Word::Object) {
        let id = [Word::Id, Word::Object, Word::External, Word::Directory, Word::Kind];
        return only(&[&id[..], &[Word::User, Word::Guest]].concat()).then_some(Heading::ObjectId);
    }
    if has(Word::Id) && only(&[Word::Id, Word::User, Word::Guest]) {
        return Some(Heading::Id);
    }
    if only(&[Word::User, Word::Guest]) {
        return Some(Heading::User);
    }
    let is_upn = has(Word::Upn) || ((has(Word::User) || has(Word::SignIn)) && has(Word::Name));
    let upn = [Word::Upn, Word::User, Word::Guest, Word::Principal, Word::Name];
    if is_upn && only(&[&upn[..], &[Word::SignIn, Word::Kind]].concat()) {
        return Some(Heading::UserPrincipalName);
    }
    let address = [Word::Email, Word::Mail, Word::Address, Word::Smtp, Word::Primary, Word::Id];
    let kinds = [Word::External, Word::Kind, Word::SignIn, Word::User, Word::Guest];
    let address = [&address[..], &kinds].concat();
    if !only(&address) {
        return None;
    }
    let is_email = has(Word::Email) || has(Word::Mail);
    if has(Word::Smtp) || (has(Word::External) && is_email) {
        return Some(Heading::PresentAddress);
    }
    if words == [Word::Mail] {
        return Some(Heading::Mail);
    }
    is_email.then_some(Heading::Email)
}
