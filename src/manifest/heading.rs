//! What a heading says, by its words: `New Email Address`, `new_email:` and `Neue
//! E-Mail-Adresse` are one. A heading is understood only if every word of it is known,
//! so that `New email template` is no address.
//!
//! Leaves to others: which of several columns counts (`columns`, `rows`).

use std::borrow::Cow;

use crate::domain::character::{is_blank, is_space, trim};

use super::columns::Meaning;

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

/// The words of a heading in lower case and without accents: parted at everything that
/// is no letter, and where a capital begins a word.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let chars: Vec<char> = text.chars().filter(|c| !is_combining(*c)).collect();
    for (index, &c) in chars.iter().enumerate() {
        let before = index.checked_sub(1).map(|i| chars[i]);
        let after = chars.get(index + 1);
        let begins = c.is_uppercase()
            && before.is_some_and(|b| {
                b.is_lowercase() || (b.is_uppercase() && after.is_some_and(|a| a.is_lowercase()))
            });
        if !c.is_alphanumeric() || begins {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            let word = words.last_mut().expect("there is one from the beginning");
            for lower in c.to_lowercase() {
                push_plain(word, lower);
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn push_plain(word: &mut String, c: char) {
    match c {
        'ä' | 'à' | 'á' | 'â' => word.push('a'),
        'é' | 'è' | 'ê' | 'ë' => word.push('e'),
        'í' | 'ì' | 'î' | 'ï' => word.push('i'),
        'ö' | 'ó' | 'ò' | 'ô' => word.push('o'),
        'ü' | 'ú' | 'ù' | 'û' => word.push('u'),
        'ç' => word.push('c'),
        'ñ' => word.push('n'),
        'ß' => word.push_str("ss"),
        c => word.push(c),
    }
}

/// A word of a heading, whatever its language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Says nothing: articles, `required`.
    Filler,
    New,
    Present,
    /// Says that an address is the guest's own among several systems' ones.
    Kind,
    Email,
    Mail,
    Address,
    Smtp,
    Upn,
    Principal,
    Name,
    User,
    Guest,
    Id,
    Object,
    Directory,
    External,
    Primary,
    Invitee,
    Invited,
    Invitation,
    Message,
    Customized,
    Text,
    Cc,
    Recipient,
    Language,
    Redirect,
    Url,
    Send,
    Display,
    Reset,
    Redemption,
    Only,
    /// Means the present one beside Spanish words, and anything beside English ones.
    Actual,
    /// German for the old one beside German words, and an alternate beside English ones.
    Alt,
    /// Means a new address in front of it, and behind it that it was changed at some time.
    Updated,
    /// Means the present address beside another word, and alone whatever it likes.
    Source,
    /// How a user signs in.
    SignIn,
    /// `Email` in Spanish, which tells what `actual` means.
    Correo,
}

#[rustfmt::skip]
const WORDS: &[(Word, &[&str])] = &[
    (Word::Filler, &[
        "required", "mandatory", "please", "the", "of", "s", "your", "their", "to", "for",
        "erforderlich", "pflichtfeld", "pflicht", "der", "des", "die", "das", "fur", "ihre", "an",
        "obligatoire", "requis", "de", "du", "la", "le", "l", "d", "un", "une",
        "obligatorio", "obligatoria", "requerido", "requerida", "necesario", "el", "del", "al",
        "verplicht", "vereist", "van", "het", "een", "value", "votre", "su", "uw", "ihr",
    ]),
    (Word::New, &[
        "new", "target", "future", "destination",
        "neu", "neue", "neuer", "neues", "neuen", "ziel", "kunftige", "zukunftige", "kuenftige", "zukuenftige",
        "nouveau", "nouvel", "nouvelle", "cible", "futur", "future",
        "nuevo", "nueva", "destino", "futuro",
        "nieuw", "nieuwe", "doel", "toekomstig", "toekomstige",
    ]),
    (Word::Present, &[
        "current", "present", "old", "existing", "previous", "former", "today",
        "aktuell", "aktuelle", "aktueller", "bisher", "bisherig", "bisherige", "bisheriger", "jetzige", "derzeitige",
        "gegenwartige", "bestehende", "vorherige", "alte", "alter", "altes",
        "actuel", "actuelle", "ancien", "ancienne", "existant", "existante", "precedente",
        "antiguo", "antigua", "anterior", "existente", "vigente",
        "huidig", "huidige", "oud", "oude", "bestaand", "bestaande", "vorig", "vorige",
    ]),
    (Word::Actual, &["actual"]),
    (Word::Alt, &["alt"]),
    (Word::Updated, &[
        "updated", "corrected", "replacement", "aktualisierte", "geanderte", "korrigierte", "bijgewerkt",
    ]),
    (Word::Source, &["original", "source", "legacy", "ursprungliche", "originale", "origen"]),
    (Word::SignIn, &["login", "logon", "signin", "sign", "anmelde"]),
    (Word::Kind, &[
        "work", "business", "company", "corporate", "account", "in",
        "windows", "entra", "azure", "ad", "aad", "contact",
        "geschaftlich", "geschaftliche", "geschaeftliche", "dienstliche", "professionnelle", "professionnel",
        "zakelijk", "zakelijke", "konto", "compte", "cuenta",
    ]),
    (Word::Email, &[
        "email", "emails", "courriel", "mel", "messagerie", "electronique", "courrier", "emailaddress",
    ]),
    (Word::Correo, &["correo", "electronico", "electronica"]),
    (Word::Mail, &["mail"]),
    (Word::Address, &[
        "address", "adresse", "anschrift", "direccion", "adres", "adress", "addr",
    ]),
    (Word::Smtp, &["smtp"]),
    (Word::Upn, &["upn"]),
    (Word::Principal, &["principal", "prinzipal"]),
    (Word::Name, &["name", "namen", "nom", "nombre", "naam", "principalnaam"]),
    (Word::User, &[
        "user", "users", "benutzer", "utilisateur", "usuario", "gebruiker", "gebruikers", "nutzer",
    ]),
    (Word::Guest, &["guest", "guests", "gast", "gaste", "gastes", "invite", "invitado", "gasten"]),
    (Word::Id, &["id", "identifier", "kennung", "identifiant", "identificador"]),
    (Word::Object, &["object", "objekt", "objet", "objeto"]),
    (Word::Directory, &["directory"]),
    (Word::External, &["external", "extern", "externe", "externo", "externa"]),
    (Word::Primary, &["primary", "primare", "primaere", "principale", "primair", "primaire", "main"]),
    (Word::Invitee, &["invitee"]),
    (Word::Invited, &["invited"]),
    (Word::Invitation, &["invitation", "einladung", "einladungs", "invitacion", "uitnodiging", "uitnodigings"]),
    (Word::Message, &["message", "nachricht", "mensaje", "bericht"]),
    (Word::Customized, &["customized", "custom", "personal", "angepasste", "personliche", "personnalise"]),
    (Word::Text, &["body", "text"]),
    (Word::Cc, &["cc"]),
    (Word::Recipient, &["recipient", "recipients", "empfanger", "destinataire", "destinatario", "ontvanger"]),
    (Word::Language, &["language", "sprache", "langue", "idioma", "taal"]),
    (Word::Redirect, &[
        "redirect", "redirection", "umleitung", "umleitungs", "weiterleitung", "weiterleitungs", "redireccion",
        "redireccionamiento", "omleiding", "omleidings",
    ]),
    (Word::Url, &["url", "uri"]),
    (Word::Send, &["send", "senden", "envoyer", "enviar", "verzenden"]),
    (Word::Display, &["display", "anzeige", "affichage", "mostrar", "weergave"]),
    (Word::Reset, &["reset", "zurucksetzen", "zuruecksetzen", "reinitialiser", "restablecer", "resetten"]),
    (Word::Redemption, &["redemption", "einlosung"]),
    (Word::Only, &["only", "nur"]),
];

fn known(word: &str) -> Option<Word> {
    WORDS.iter().find(|(_, words)| words.contains(&word)).map(|(word, _)| *word)
}

/// The known words that a word consists of: `userprincipalname`, `emailadresse`. Fewest
/// first, for `mail` also stands in `email`.
fn parts(word: &str) -> Option<Vec<Word>> {
    const LONGEST: usize = 48;
    if let Some(known) = known(word) {
        return Some(vec![known]);
    }
    if word.len() > LONGEST || !word.is_ascii() {
        return None;
    }
    let mut best: Vec<Option<Vec<Word>>> = vec![None; word.len() + 1];
    best[0] = Some(Vec::new());
    for end in 1..=word.len() {
        // A part of one letter is a coincidence.
        for start in 0..end.saturating_sub(1) {
            let Some(before) = &best[start] else { continue };
            let is_better = best[end].as_ref().is_none_or(|best| before.len() + 1 < best.len());
            if is_better && let Some(part) = known(&word[start..end]) {
                let mut parts = before.clone();
                parts.push(part);
                best[end] = Some(parts);
            }
        }
    }
    best.pop().flatten()
}

fn of_words(text: &str) -> Option<Heading> {
    // An email's `e` is a word of its own when written `e-mail` or `eMail`.
    let mut words = words(text);
    let mut index = 0;
    while index + 1 < words.len() {
        if words[index] == "e" && words[index + 1].starts_with("mail") {
            let mail = words.remove(index + 1);
            words[index].push_str(&mail);
        }
        index += 1;
    }
    let mut all = Vec::new();
    for word in asked(&words) {
        all.extend(parts(word)?);
    }
    all.retain(|word| *word != Word::Filler);
    settle(&mut all, text);
    understood(&all)
}

/// Words that mean something by where they stand and what stands beside them.
fn settle(words: &mut [Word], text: &str) {
    // In Spanish an adjective follows: `Email actual`.
    let is_spanish =
        words.contains(&Word::Correo) || (words.len() > 1 && words.last() == Some(&Word::Actual));
    let is_german = text.contains("E-Mail") || text.to_lowercase().contains("adresse");
    let several = words.len() > 1;
    for (position, word) in words.iter_mut().enumerate() {
        *word = match *word {
            Word::Correo => Word::Email,
            Word::Actual if is_spanish => Word::Present,
            Word::Alt if is_german => Word::Present,
            Word::Updated if several && position == 0 => Word::New,
            Word::Source if several => Word::Present,
            word => word,
        };
    }
}

/// How the questions of a form begin, without what says nothing.
const QUESTIONS: &[&[&str]] = &[
    &["what", "is"],
    &["what", "will", "be"],
    &["please", "enter"],
    &["please", "provide"],
    &["please", "give"],
    &["enter"],
    &["provide"],
    &["wie", "lautet"],
    &["quelle", "est"],
    &["quel", "est"],
    &["cual", "es"],
    &["wat", "is"],
];

/// What a question asks for; and a heading without its number in a list, or the mark that
/// Salesforce puts behind it.
fn asked(words: &[String]) -> &[String] {
    let mut words = words;
    while let [number, rest @ ..] = words
        && number.bytes().all(|b| b.is_ascii_digit())
        && !rest.is_empty()
    {
        words = rest;
    }
    let is = |question: &&&[&str]| {
        words.len() > question.len() + 1 && question.iter().zip(words).all(|(a, b)| a == b)
    };
    words = &words[QUESTIONS.iter().find(is).map_or(0, |question| question.len())..];
    match words {
        [rest @ .., mark] if mark == "c" && rest.len() > 1 => rest,
        words => words,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_understood_by_their_words() {
        use Heading::*;
        let new = Some(Means(Meaning::NewEmail));
        for (headings, expected) in [
            (
                &[
                    "new_email",
                    "New Email Address",
                    "New email (required)",
                    "New email*",
                    "new_email:",
                    "NewPrimarySmtpAddress",
                    "New UPN",
                    "New mail",
                    "NEWMAIL",
                    "Target address",
                    "target_email",
                    "newUserPrincipalName",
                    "new-e-mail",
                    "New eMail",
                    "E-Mail (neu)",
                    "Neue E-Mail-Adresse",
                    "neueemailadresse",
                    "Neue Adresse",
                    "Neue Mailadresse",
                    "Ziel-E-Mail",
                    "Zieladresse",
                    "Nouvelle adresse e-mail",
                    "Nouvel e-mail",
                    "Nouveau courriel",
                    "Nouvelle adresse de messagerie",
                    "Nuevo correo electrónico",
                    "Nuevo correo",
                    "Nueva dirección de correo",
                    "Nieuw e-mailadres",
                    "Nieuw mailadres",
                    "Correo electrónico nuevo",
                    "New\u{200b}_email",
                    " new\u{a0} email ",
                    "Email (new)",
                    "New Email ID",
                    "New Work Email",
                    "Email Address - New",
                    "New email (as of May)",
                    "Guest's new email",
                    "New",
                    "NeueEMail",
                    "newemail",
                    "Nouvelle adresse e-mail (obligatoire)",
                    "New_Email_Address__c",
                    "New e-mail addr.",
                    "1. New email",
                    "What is your new email address?",
                    "Wie lautet Ihre neue E-Mail-Adresse?",
                    "Please enter your new work email",
                    "Updated email address",
                    "New invited user email address",
                ][..],
                new,
            ),
            (
                &[
                    "current_email",
                    "Old email",
                    "Current email",
                    "Old UPN",
                    "PrimarySmtpAddress",
                    "primary_smtp_address",
                    "ExternalEmailAddress",
                    "SMTP address",
                    "Bisherige E-Mail",
                    "Aktuelle E-Mail-Adresse",
                    "Alte Adresse",
                    "Ancienne adresse e-mail",
                    "Adresse e-mail actuelle",
                    "Correo actual",
                    "Correo electrónico antiguo",
                    "Huidig e-mailadres",
                    "Oud mailadres",
                    "Old",
                    "E-Mail (alt)",
                    "E-Mail bisher",
                    "Email actual",
                    "Original email",
                    "Source address",
                    "What is your current email?",
                ],
                Some(PresentAddress),
            ),
            (
                &[
                    "email",
                    "E-Mail",
                    "Email Address",
                    "E-Mail-Adresse",
                    "WindowsEmailAddress",
                    "Adresse e-mail",
                    "Correo electrónico",
                    "e-mailadres",
                    "Email ID",
                    "Guest email",
                ],
                Some(Email),
            ),
            (&["mail", "Mail"], Some(Mail)),
            (&["id", "ID", "User ID"], Some(Id)),
            (
                &[
                    "object_id",
                    "objectId",
                    "Object Id",
                    "ExternalDirectoryObjectId",
                    "Objekt-ID",
                    "Azure AD Object ID",
                    "OBJECTID",
                    "ID d'objet",
                ],
                Some(ObjectId),
            ),
            (
                &[
                    "user",
                    "Guest",
                    "Benutzer",
                    "Gast",
                    "Utilisateur",
                    "Invité",
                    "Usuario",
                    "Gebruiker",
                ],
                Some(User),
            ),
            (
                &[
                    "userPrincipalName",
                    "USER-PRINCIPAL-NAME",
                    "UPN",
                    "Username",
                    "Benutzerprinzipalname",
                    "Nom d'utilisateur",
                    "x [userPrincipalName] Required",
                    "SignInName",
                    "Login name",
                    "Anmeldename",
                ],
                Some(UserPrincipalName),
            ),
            (
                &[
                    "[inviteeEmail]",
                    "Einzuladende E-Mail-Adresse [inviteeEmail] Erforderlich",
                    "InvitedUserEmailAddress",
                ],
                Some(Invitee),
            ),
            (
                &["message", "Nachricht", "[customizedMessageBody]", "Invitation message"],
                Some(Means(Meaning::Message)),
            ),
            (&["cc", "CC email", "cc_email", "CC recipients"], Some(Means(Meaning::Cc))),
            (&["send", "[sendEmail]", "SendInvitationMessage"], Some(Means(Meaning::Send))),
            (
                &["redirect_url", "[inviteRedirectURL]", "InviteRedirectUrl"],
                Some(Means(Meaning::RedirectUrl)),
            ),
            (
                &["display_name", "displayName", "Anzeigename", "Nom d'affichage"],
                Some(Means(Meaning::DisplayName)),
            ),
            (&["language", "Sprache"], Some(Means(Meaning::Language))),
            (&["reset", "Reset only", "Zurücksetzen"], Some(Means(Meaning::Reset))),
        ] {
            for heading in headings {
                assert_eq!(Heading::of(heading), expected, "{heading}");
            }
        }
    }

    #[test]
    fn a_heading_with_a_word_that_is_not_known_is_not_guessed_at() {
        for heading in [
            "",
            "note",
            "New email template",
            "New email sent",
            "New manager email",
            "department",
            "New email 2",
            "Email (do not use)",
            "New email (do not use)",
            "New or old email",
            "Alternate email",
            "alternateEmailAddress",
            "otherMails",
            "ExchangeGuid",
            "Identity",
            "Guid",
            "Employee ID",
            "givenName",
            "surname",
            "userType",
            "jobTitle",
            "companyName",
            "Alt email",
            "actual email",
            "authenticationEmail",
            "emailVerified",
            "mailNickname",
            "proxyAddresses",
            "EmailAddresses2",
            "preferredLanguage",
            "userState",
            "New user",
            "Newsletter email",
            "Renewal email",
            "name",
            "Name",
            "New hire",
            "onPremisesObjectId",
            "invitationState",
            "streetAddress",
            "Address",
            "Adresse",
            "Start time",
            "Principal",
            "Source",
            "Original",
            "Email updated",
            "Is new email",
            "Company name",
            "Login",
            "Email (alt)",
            "What is new",
        ] {
            assert_eq!(Heading::of(heading), None, "{heading}");
        }
    }

    #[test]
    fn spellings_of_one_name_are_one() {
        for heading in
            ["userPrincipalName", " User\u{a0}Principal\u{200b} Name", "x [userPrincipalName] y"]
        {
            assert_eq!(folded(heading), "userprincipalname");
        }
        assert_eq!(cleaned("\u{feff} a\u{200b}b \u{a0}\t c\u{ad}"), "ab c");
    }
}
