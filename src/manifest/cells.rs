//! What a single cell may hold.
//!
//! Leaves to others: which cell it is (`rows`), and the values' own rules
//! (`domain`), of which this module says how they concern a manifest.

use crate::domain::character::{Found, is_blank};
use crate::domain::{
    Email, EmailError, GuestRef, Language, Message, MessageError, RedirectUrl, RedirectUrlError,
};

use super::dressing::object_id;
use super::no_value::{is_error_value, says_nothing};
use super::problem::{Place, ProblemCode, RowProblem};

/// What is wrong with a cell, wherever it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    code: ProblemCode,
    problem: String,
    advice: String,
}

impl Fault {
    fn new(code: ProblemCode, problem: String, advice: &str) -> Self {
        Self { code, problem, advice: advice.to_owned() }
    }

    /// The problem at its place.
    pub(super) fn at(self, place: Place) -> RowProblem {
        place.problem(self.code, self.problem, self.advice)
    }
}

/// A cell as a problem quotes it: short, and with characters made visible that steer a
/// terminal or hide, for it goes to somebody's screen.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == LONGEST {
            shown.push('…');
            break;
        }
        match c {
            ' ' => shown.push(c),
            // It would end the quotation.
            '`' => shown.push('\''),
            c if is_blank(c) => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

/// The guest: an object id, a UPN or an address. `text` is undressed.
pub(super) fn user(text: &str) -> Result<GuestRef, Fault> {
    let fault = |why: String| {
        Fault::new(
            ProblemCode::BadUser,
            format!("`{}` {why}", shown(text)),
            "give the guest's object id, user principal name or present address",
        )
    };
    if let Some(id) = object_id(text) {
        return Ok(GuestRef::Id(id.into()));
    }
    if is_error_value(text) {
        return Err(fault("is what a spreadsheet shows where a formula failed".to_owned()));
    }
    if text.starts_with('#') {
        return Err(Fault::new(
            ProblemCode::BadUser,
            format!("`{}` names no guest: it begins with `#`", shown(text)),
            "delete the row: a manifest has no comments, and every line of it is a guest",
        ));
    }
    if !text.contains('@') {
        let why = "names no guest: it is neither an object id nor does it contain an @";
        return Err(fault(why.to_owned()));
    }
    if let Some(blank) = Found::first(text, is_blank) {
        return Err(fault(format!("names no guest: it contains {blank}")));
    }
    Ok(GuestRef::parse(text))
}

/// The address to move to; `text` is undressed.
pub(super) fn new_email(text: &str) -> Result<Email, Fault> {
    if is_error_value(text) {
        return Err(Fault::new(
            ProblemCode::BadAddress,
            format!("`{}` is what a spreadsheet shows where a formula failed", shown(text)),
            "mend the formula, or write the address",
        ));
    }
    if says_nothing(text) {
        return Err(Fault::new(
            ProblemCode::BadAddress,
            format!("`{}` is no address", shown(text)),
            "write the new address, or delete the row; to reset the guest at the present address, \
             clear the cell and write always in `reset`",
        ));
    }
    // A spreadsheet's own marks; an address may begin with them, and none does.
    if let Some(first) = text.chars().next().filter(|c| "='|-".contains(*c)) {
        return Err(Fault::new(
            ProblemCode::BadAddress,
            format!("`{}`: an address that begins with `{first}` is a slip", shown(text)),
            BARE,
        ));
    }
    address(ProblemCode::BadAddress, text)
}

const BARE: &str = "write one bare address, such as ada@fabrikam.example";

/// The fault of a further cell that shows a formula's error, which would be mailed.
pub(super) fn error_value(text: &str) -> Option<Fault> {
    is_error_value(text).then(|| {
        Fault::new(
            ProblemCode::FormulaError,
            format!("`{}` is what a spreadsheet shows where a formula failed", shown(text)),
            "mend the formula, or write what the cell is to hold",
        )
    })
}

/// Carbon copies, the first and the others; `new_email` is the address invited. Where
/// `several` are taken, `;` is between them.
pub(super) fn ccs(
    text: &str,
    new_email: Option<&Email>,
    several: bool,
) -> Result<(Email, Box<[Email]>), Fault> {
    if !several {
        return cc(text, new_email).map(|cc| (cc, Box::default()));
    }
    let mut all: Vec<Email> = Vec::new();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let one = cc(part, new_email)?;
        if !all.contains(&one) {
            all.push(one);
        }
    }
    let mut all = all.into_iter();
    match all.next() {
        Some(first) => Ok((first, all.collect())),
        // Nothing but separators.
        None => Err(cc(text, new_email).err().unwrap_or_else(|| {
            Fault::new(ProblemCode::BadCc, format!("`{}` names nobody", shown(text)), BARE)
        })),
    }
}

/// Carbon copy; `new_email` is the address invited.
fn cc(text: &str, new_email: Option<&Email>) -> Result<Email, Fault> {
    let addresses = text.split([';', ',', ' ', '\t', '\r', '\n']).filter(|part| part.contains('@'));
    let count = addresses.count();
    if count > 1 {
        return Err(Fault::new(
            ProblemCode::TwoCc,
            format!("`{}` holds {count} addresses; an invitation takes one CC", shown(text)),
            "leave one of them, such as a distribution list; your own mail ([delivery] by) takes several, with `;` between them",
        ));
    }
    let cc = address(ProblemCode::BadCc, text)?;
    if new_email == Some(&cc) {
        return Err(Fault::new(
            ProblemCode::CcIsNewAddress,
            format!("`{}` is both the address invited and its CC", shown(text)),
            "clear the CC",
        ));
    }
    Ok(cc)
}

fn address(code: ProblemCode, text: &str) -> Result<Email, Fault> {
    let quoted = shown(text);
    Email::parse(text).map_err(|error| {
        let advice = match error {
            EmailError::NotAscii(_) => {
                "use the ASCII form of the address; a domain's begins with `xn--`"
            }
            EmailError::Blank(Found { character, .. }) if character != ' ' => {
                "delete the character, or type the address anew"
            }
            EmailError::Blank(_)
            | EmailError::Empty
            | EmailError::Quoted
            | EmailError::TooLong
            | EmailError::Malformed(_) => BARE,
        };
        Fault::new(code, format!("`{quoted}`: {error}"), advice)
    })
}

/// The text of the invitation; the cell is not empty.
pub(super) fn message(text: &str) -> Result<Message, Fault> {
    Message::parse(text).map_err(|error| match error {
        MessageError::Empty | MessageError::ControlCharacter(_) => Fault::new(
            ProblemCode::BadMessage,
            error.to_string(),
            "delete it, or type the text anew; tabs and line breaks are allowed",
        ),
    })
}

/// Language of Microsoft's text.
pub(super) fn language(text: &str) -> Result<Language, Fault> {
    Language::parse(text).map_err(|_| {
        Fault::new(
            ProblemCode::BadLanguage,
            format!("`{}` is not a language tag", shown(text)),
            "write a tag such as en-US or de",
        )
    })
}

pub(super) fn redirect_url(text: &str) -> Result<RedirectUrl, Fault> {
    RedirectUrl::parse(text).map_err(|error| {
        let why = match error {
            RedirectUrlError::NotAUrl { cause, .. } => format!("is not a URL: {cause}"),
            RedirectUrlError::NotHttps(_) => "is not an https URL".to_owned(),
        };
        Fault::new(
            ProblemCode::BadRedirectUrl,
            format!("`{}` {why}", shown(text)),
            "write a full address, such as https://myapps.microsoft.com",
        )
    })
}

/// Whether Microsoft mails the invitation.
pub(super) fn send(text: &str) -> Result<bool, Fault> {
    yes_or_no(text).ok_or_else(|| {
        Fault::new(
            ProblemCode::BadSend,
            format!("`{}` is neither true nor false", shown(text)),
            "write true, false, yes, no, 1, 0 or nothing",
        )
    })
}

/// Whether a row asks for a reset, or says that it does not.
pub(super) fn reset(text: &str) -> Result<bool, Fault> {
    let asks = match text.to_lowercase().as_str() {
        "always" | "immer" | "toujours" | "siempre" | "altijd" => Some(true),
        "auto" => Some(false),
        _ => yes_or_no(text),
    };
    asks.ok_or_else(|| {
        Fault::new(
            ProblemCode::BadReset,
            format!("`{}` is not a value of reset", shown(text)),
            "write always or yes to reset the guest, no or nothing not to",
        )
    })
}

/// Name shown in the invitation.
pub(super) fn display_name(text: &str) -> Result<Box<str>, Fault> {
    if text.contains(char::is_control) {
        return Err(Fault::new(
            ProblemCode::BadDisplayName,
            format!("`{}` contains a control character or a line break", shown(text)),
            "type the name anew, on one line",
        ));
    }
    Ok(text.into())
}

/// As people write it, and as spreadsheets of their language do.
fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "1" | "ja" | "wahr" | "oui" | "vrai" | "si" | "sí" | "verdadero"
        | "waar" => Some(true),
        "false" | "no" | "0" | "nein" | "falsch" | "non" | "faux" | "falso" | "nee" | "onwaar" => {
            Some(false)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T: std::fmt::Debug>(result: Result<T, Fault>) -> &'static str {
        result.unwrap_err().code.as_str()
    }

    #[test]
    fn a_guest_is_an_id_a_upn_or_an_address() {
        let id = "9071bfde-35e0-47d2-a582-d244ab1b4af6";
        assert!(matches!(user(id), Ok(GuestRef::Id(_))));
        for text in ["ada@fabrikam.example", "ada_fabrikam.example#EXT#@contoso.example"] {
            assert_eq!(user(text), Ok(GuestRef::Name(text.into())));
        }
        for text in ["ada", "Ada Lovelace", "ada @fabrikam.example", "a\u{7}@b.example", "4711"] {
            assert_eq!(code(user(text)), "bad-user", "{text}");
        }
    }

    #[test]
    fn bad_addresses_are_named_by_what_is_wrong() {
        for (text, part) in [
            ("zoë@fabrikam.example", "it contains `ë` U+00EB, 3rd character, which is not ASCII"),
            ("ada@fab\nrikam.example", "U+000A line feed, 8th character"),
            ("ada@fab rikam.example", "U+0020 space, 8th character"),
            ("ada\u{0}@fabrikam.example", "U+0000 null, 4th character"),
            ("ada\u{200b}@fabrikam.example", "U+200B zero width space, 4th character"),
            ("ada.fabrikam.example", "not an email address"),
            ("=ada@fabrikam.example", "begins with `=`"),
            ("'ada@fabrikam.example", "begins with `'`"),
            ("|ada@fabrikam.example", "begins with `|`"),
            ("-ada@fabrikam.example", "begins with `-`"),
            ("#n/a", "where a formula failed"),
            ("#BEZUG!", "where a formula failed"),
            ("Err:502", "where a formula failed"),
        ] {
            let fault = new_email(text).unwrap_err();
            assert_eq!(fault.code, ProblemCode::BadAddress);
            assert!(fault.problem.contains(part), "{}", fault.problem);
            assert!(!fault.problem.contains(char::is_control), "{}", fault.problem);
        }
    }

    #[test]
    fn a_word_for_no_address_is_told_what_to_do() {
        for text in ["N/A", "-", "--", "?", "none", "TBD", "Same", "unverändert", "..."] {
            let fault = new_email(text).unwrap_err();
            assert_eq!(fault.code, ProblemCode::BadAddress);
            assert!(fault.advice.contains("delete the row"), "{text}: {}", fault.advice);
        }
        let comment = user("#ada@fabrikam.example").unwrap_err();
        assert!(comment.advice.starts_with("delete the row"), "{}", comment.advice);
    }

    #[test]
    fn one_cc_is_taken_and_not_the_guest_itself() {
        let guest = Email::parse("ada@fabrikam.example").unwrap();
        assert!(cc("pm@contoso.example", Some(&guest)).is_ok());
        for text in
            ["a@b.example;c@d.example", "a@b.example, c@d.example", "a@b.example c@d.example"]
        {
            assert_eq!(code(cc(text, None)), "two-cc", "{text}");
        }
        assert_eq!(code(cc("ADA@fabrikam.example", Some(&guest))), "cc-is-new-address");
        assert_eq!(code(cc("nobody", None)), "bad-cc");
    }

    #[test]
    fn one_s_own_mail_takes_several_copies() {
        let guest = Email::parse("ada@fabrikam.example").unwrap();
        let (first, more) =
            ccs("pm@contoso.example; IT@contoso.example;pm@CONTOSO.example;", Some(&guest), true)
                .unwrap();
        assert_eq!((first.as_str(), more.len()), ("pm@contoso.example", 1));
        assert_eq!(more[0].as_str(), "IT@contoso.example");
        for (text, expected) in [
            ("pm@contoso.example; ADA@fabrikam.example", "cc-is-new-address"),
            ("pm@contoso.example; nobody", "bad-cc"),
            ("pm@contoso.example, it@contoso.example", "two-cc"),
            (" ; ", "bad-cc"),
        ] {
            assert_eq!(code(ccs(text, Some(&guest), true)), expected, "{text}");
        }
        assert_eq!(code(ccs("pm@contoso.example;it@contoso.example", None, false)), "two-cc");
    }

    #[test]
    fn small_vocabularies_are_closed() {
        for (text, expected) in [
            ("True", true),
            ("YES", true),
            ("1", true),
            ("false", false),
            ("no", false),
            ("0", false),
        ] {
            assert_eq!(send(text), Ok(expected));
        }
        assert_eq!(code(send("maybe")), "bad-send");
        for (text, expected) in [
            ("Always", true),
            ("yes", true),
            ("WAHR", true),
            ("auto", false),
            ("0", false),
            ("Nein", false),
        ] {
            assert_eq!(reset(text), Ok(expected));
        }
        assert_eq!(code(reset("never")), "bad-reset");
        assert_eq!(code(language("english")), "bad-language");
        assert_eq!(code(redirect_url("http://myapps.microsoft.com")), "bad-redirect-url");
        assert_eq!(code(redirect_url("myapps")), "bad-redirect-url");
        assert_eq!(code(message("bell\u{7}")), "bad-message");
        assert_eq!(code(display_name("Ada\nLovelace")), "bad-display-name");
    }

    #[test]
    fn quoted_cells_are_short_and_harmless() {
        assert_eq!(shown("a\u{1b}[31m\r\n"), "a\\u{1b}[31m\\r\\n");
        assert_eq!(shown(&"x".repeat(500)).chars().count(), 81);
    }
}
