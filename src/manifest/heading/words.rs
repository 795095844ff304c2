//! The words of headings in eight languages, and parting a heading into them.
//!
//! Leaves to others: what the words of one heading say together (`heading`).

/// The words of a heading in lower case and without accents: parted at everything that
/// is no letter, and where a capital begins a word.
pub(super) fn words(text: &str) -> Vec<String> {
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
        'ä' | 'à' | 'á' | 'â' | 'ã' | 'ą' => word.push('a'),
        'é' | 'è' | 'ê' | 'ë' | 'ę' => word.push('e'),
        'í' | 'ì' | 'î' | 'ï' => word.push('i'),
        'ö' | 'ó' | 'ò' | 'ô' | 'õ' => word.push('o'),
        'ü' | 'ú' | 'ù' | 'û' => word.push('u'),
        'ç' | 'ć' => word.push('c'),
        'ł' => word.push('l'),
        'ñ' | 'ń' => word.push('n'),
        'ś' => word.push('s'),
        'ź' | 'ż' => word.push('z'),
        'ß' => word.push_str("ss"),
        c => word.push(c),
    }
}

/// A word of a heading, whatever its language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
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
        "obbligatorio", "obbligatoria", "richiesto", "il", "lo", "gli", "di", "della", "dell",
        "obrigatorio", "obrigatoria", "do", "da",
        "wymagane", "wymagany",
    ]),
    (Word::New, &[
        "new", "target", "future", "destination",
        "neu", "neue", "neuer", "neues", "neuen", "ziel", "kunftige", "zukunftige", "kuenftige", "zukuenftige",
        "nouveau", "nouvel", "nouvelle", "cible", "futur", "future",
        "nuevo", "nueva", "destino", "futuro",
        "nieuw", "nieuwe", "doel", "toekomstig", "toekomstige",
        "nuovo", "nuova", "destinazione",
        "novo", "nova",
        "nowy", "nowa", "nowe", "nowego", "docelowy", "docelowa", "docelowe", "przyszly",
    ]),
    (Word::Present, &[
        "current", "present", "old", "existing", "previous", "former", "today",
        "aktuell", "aktuelle", "aktueller", "bisher", "bisherig", "bisherige", "bisheriger", "jetzige", "derzeitige",
        "gegenwartige", "bestehende", "vorherige", "alte", "alter", "altes",
        "actuel", "actuelle", "ancien", "ancienne", "existant", "existante", "precedente",
        "antiguo", "antigua", "anterior", "existente", "vigente",
        "huidig", "huidige", "oud", "oude", "bestaand", "bestaande", "vorig", "vorige",
        "attuale", "corrente", "vecchio", "vecchia", "precedente", "esistente",
        "atual", "antigo", "antiga",
        "obecny", "obecna", "obecne", "aktualny", "aktualna", "stary", "stara", "stare",
        "dotychczasowy", "dotychczasowa", "poprzedni", "poprzednia",
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
        "posta", "elettronica", "correio", "eletronico", "poczty", "poczta", "elektronicznej", "elektroniczna",
    ]),
    (Word::Correo, &["correo", "electronico", "electronica"]),
    (Word::Mail, &["mail"]),
    (Word::Address, &[
        "address", "adresse", "anschrift", "direccion", "adres", "adress", "addr", "indirizzo", "endereco",
    ]),
    (Word::Smtp, &["smtp"]),
    (Word::Upn, &["upn"]),
    (Word::Principal, &["principal", "prinzipal"]),
    (Word::Name, &["name", "namen", "nom", "nombre", "naam", "principalnaam", "nome", "nazwa"]),
    (Word::User, &[
        "user", "users", "benutzer", "utilisateur", "usuario", "gebruiker", "gebruikers", "nutzer",
        "utente", "utilizador", "uzytkownik", "uzytkownika",
    ]),
    (Word::Guest, &[
        "guest", "guests", "gast", "gaste", "gastes", "invite", "invitado", "gasten", "ospite", "ospiti",
        "convidado", "convidados", "gosc", "goscia",
    ]),
    (Word::Id, &["id", "identifier", "kennung", "identifiant", "identificador", "identyfikator"]),
    (Word::Object, &["object", "objekt", "objet", "objeto", "oggetto", "obiektu"]),
    (Word::Directory, &["directory"]),
    (Word::External, &["external", "extern", "externe", "externo", "externa"]),
    (Word::Primary, &["primary", "primare", "primaere", "principale", "primair", "primaire", "main"]),
    (Word::Invitee, &["invitee"]),
    (Word::Invited, &["invited"]),
    (Word::Invitation, &["invitation", "einladung", "einladungs", "invitacion", "uitnodiging", "uitnodigings", "invito", "convite"]),
    (Word::Message, &["message", "nachricht", "mensaje", "bericht", "messaggio", "mensagem", "wiadomosc"]),
    (Word::Customized, &["customized", "custom", "personal", "angepasste", "personliche", "personnalise"]),
    (Word::Text, &["body", "text"]),
    (Word::Cc, &["cc"]),
    (Word::Recipient, &["recipient", "recipients", "empfanger", "destinataire", "destinatario", "ontvanger"]),
    (Word::Language, &["language", "sprache", "langue", "idioma", "taal", "lingua", "jezyk"]),
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

pub(super) fn known(word: &str) -> Option<Word> {
    WORDS.iter().find(|(_, words)| words.contains(&word)).map(|(word, _)| *word)
}

/// The known words that a word consists of: `userprincipalname`, `emailadresse`. Fewest
/// first, for `mail` also stands in `email`. A short filler is no part: `domain` is no `do`
/// before a `main`.
pub(super) fn parts(word: &str) -> Option<Vec<Word>> {
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
            let is_short = end - start < 4;
            if is_better
                && let Some(part) = known(&word[start..end])
                && !(is_short && part == Word::Filler)
            {
                let mut parts = before.clone();
                parts.push(part);
                best[end] = Some(parts);
            }
        }
    }
    best.pop().flatten()
}

/// Words that mean something by where they stand and what stands beside them.
pub(super) fn settle(words: &mut [Word], text: &str) {
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
pub(super) fn asked(words: &[String]) -> &[String] {
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
