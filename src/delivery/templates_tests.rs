use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use super::*;
use crate::delivery::{RedeemUrl, check, columns};
use crate::domain::{Email, Message, RedirectUrl};

const LINK: &str = "https://login.example/redeem?rd=a%3d1&ticket=s3cret";

fn letter(language: Option<&str>) -> Letter {
    Letter {
        to: Email::parse("ada@fabrikam.example").unwrap(),
        cc: Vec::new(),
        redeem_url: RedeemUrl::new(LINK),
        display_name: Some("Ada".into()),
        old_email: Some("ada@northwind.example".into()),
        message: None,
        redirect_url: Arc::new(RedirectUrl::parse("https://myapps.microsoft.com?a=1&b=2").unwrap()),
        language: language.map(|language| Language::parse(language).unwrap()),
        tenant_name: "Contoso".into(),
        columns: columns(["Cost centre"], ["4711"]),
    }
}

fn load(settings: &DeliverySettings, letters: &[Letter]) -> Result<Templates, TemplateError> {
    Templates::load(settings, None, letters.iter().map(|letter| letter.language.as_ref()))
}

/// Templates of one file.
fn own(source: &str) -> (tempfile::TempDir, DeliverySettings) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mail.html");
    fs::write(&path, source).unwrap();
    let settings = DeliverySettings { template: Some(path), ..DeliverySettings::default() };
    (directory, settings)
}

#[test]
fn the_built_in_mail_speaks_the_guest_s_language() {
    let letters: Vec<Letter> =
        [None, Some("en"), Some("de-AT"), Some("ja"), Some("sv")].into_iter().map(letter).collect();
    let templates = load(&DeliverySettings::default(), &letters).unwrap();
    let subjects: Vec<String> =
        letters.iter().map(|letter| templates.render(letter).unwrap().subject).collect();
    assert_eq!(
        subjects,
        [
            "Please confirm your access to Contoso",
            "Please confirm your access to Contoso",
            "Bitte bestätigen Sie Ihren Zugang zu Contoso",
            "Contoso へのアクセスの確認をお願いします",
            "Please confirm your access to Contoso",
        ]
    );
    assert_eq!(templates.stand_ins, [("sv".to_owned(), "en".to_owned())]);
    assert_eq!(templates.sets.len(), 3);
}

#[test]
fn every_built_in_mail_is_whole_and_loads_nothing() {
    for phrases in builtin::ALL {
        let letter = letter(Some(phrases.language));
        let templates = load(&DeliverySettings::default(), std::slice::from_ref(&letter)).unwrap();
        assert_eq!(check(&templates, &[]), [], "{}", phrases.language);
        let rendered = templates.render(&letter).unwrap();
        assert!(rendered.text.contains(LINK), "{}", rendered.text);
        assert!(rendered.text.contains("ada@fabrikam.example"));
        for part in [&rendered.html, &rendered.text, &rendered.subject] {
            assert!(!part.contains('{') && !part.contains("Microsoft"), "{part}");
        }
        for never in ["<script", "<img", "<link", "url(", "@import"] {
            assert!(!rendered.html.contains(never), "{never}");
        }
    }
}

#[test]
fn the_text_of_the_built_in_mail() {
    let mut letter = letter(None);
    letter.message = Some(Arc::new(Message::parse("We moved.\nSee you.").unwrap()));
    let templates = load(&DeliverySettings::default(), std::slice::from_ref(&letter)).unwrap();
    insta::assert_snapshot!(templates.render(&letter).unwrap().text, @"
    Hello Ada,

    Your access to Contoso now belongs to ada@fabrikam.example. Your groups and apps stay as they were.

    We moved.
    See you.

    Please confirm it once. Until then you cannot sign in there.

    Confirm access: https://login.example/redeem?rd=a%3d1&ticket=s3cret

    If the button does not work, open this address:
    https://login.example/redeem?rd=a%3d1&ticket=s3cret
    ");
}

#[test]
fn what_stands_in_names_and_messages_is_never_markup_nor_template() {
    let (_directory, mut settings) = own(
        "<title>For {{ display_name }}</title><p>{{ display_name }} {{ message | lines }} {{ columns.cost_centre }}</p>\
         <a href=\"{{ redeem_url }}\">x</a>",
    );
    settings.subject = Some("{{ display_name }}: {{ message }}".to_owned());
    let mut letter = letter(None);
    letter.display_name = Some("<b>{{ redeem_url }}</b>\r\nBcc: eve@evil.example".into());
    letter.message = Some(Arc::new(Message::parse("<script>1</script>\n{% raw %}").unwrap()));
    letter.columns = BTreeMap::from([("cost_centre".to_owned(), "<i>&".to_owned())]);
    let templates = load(&settings, std::slice::from_ref(&letter)).unwrap();
    let rendered = templates.render(&letter).unwrap();
    assert_eq!(
        rendered.subject,
        "<b>{{ redeem_url }}</b> Bcc: eve@evil.example: <script>1</script> {% raw %}"
    );
    for never in ["<b>", "<script", "<i>"] {
        assert!(!rendered.html.contains(never), "{}", rendered.html);
    }
    assert!(rendered.html.contains("{% raw %}"));
    assert_eq!(rendered.html.matches("ticket=s3cret").count(), 1);
}

#[test]
fn unknown_names_are_found_with_the_nearest_right_one() {
    let (_directory, mut settings) = own(
        "<title>x</title>\n{{ redem_url }}\n{% for x in range(2) %}{{ x }}{% endfor %}{{ columns.cost_center }}{{ wholly_other }}",
    );
    settings.subject = Some("{{ redeem_url }}".to_owned());
    let templates = load(&settings, &[letter(None)]).unwrap();
    let problems = check(&templates, &["Cost centre".to_owned()]);
    let told: Vec<String> = problems
        .iter()
        .map(|problem| format!("{:?} {}; {}", problem.line, problem.problem, problem.advice))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    Some(3) the manifest has no column `cost_center`; did you mean `columns.cost_centre`?
    Some(2) there is no name `redem_url`; did you mean `redeem_url`?
    Some(3) there is no name `wholly_other`; the names are redeem_url, display_name, old_email, new_email, message, tenant_name, redirect_url, language, columns
    None the mail has no link to redeem with; write {{ redeem_url }} where the link belongs
    None the link would stand in the subject, where every server logs it; take {{ redeem_url }} out of it
    ");
    assert!(problems.iter().all(|problem| problem.is_fatal));
}

#[test]
fn a_mail_without_its_link_is_refused() {
    let (_directory, settings) = own("<title>x</title>{% if message %}{{ redeem_url }}{% endif %}");
    let templates = load(&settings, &[letter(None)]).unwrap();
    let error = templates.render(&letter(None)).err().unwrap();
    assert!(matches!(error, TemplateError::NoLink { .. }), "{error}");
}

#[test]
fn a_template_that_never_ends_is_stopped() {
    let (_directory, settings) = own(
        "<title>x</title>{{ redeem_url }}{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
    );
    let templates = load(&settings, &[letter(None)]).unwrap();
    let error = templates.render(&letter(None)).err().unwrap();
    assert!(error.to_string().contains("fuel"), "{error}");
}

#[test]
fn a_language_s_file_is_found_by_its_path_with_the_nearest_standing_in() {
    let directory = tempfile::tempdir().unwrap();
    for language in ["en", "de"] {
        let path = directory.path().join(format!("mail.{language}.html"));
        fs::write(path, format!("<title>{language}</title>{{{{ redeem_url }}}}")).unwrap();
    }
    let template = Some(directory.path().join("mail.{language}.html"));
    let settings = DeliverySettings { template, ..DeliverySettings::default() };
    let letters = [letter(Some("de-CH")), letter(Some("fr")), letter(None)];
    let templates = load(&settings, &letters).unwrap();
    let subjects: Vec<String> =
        letters.iter().map(|letter| templates.render(letter).unwrap().subject).collect();
    assert_eq!(subjects, ["de", "en", "en"]);
    assert_eq!(check(&templates, &[]).len(), 1);
    fs::remove_file(directory.path().join("mail.en.html")).unwrap();
    let error = load(&settings, &letters).unwrap_err();
    assert!(matches!(error, TemplateError::Missing { .. }), "{error}");
}

#[test]
fn an_image_is_taken_from_beside_the_template() {
    let (directory, settings) = own("<title>x</title><img src=\"cid:logo.png\">{{ redeem_url }}");
    let error = load(&settings, &[letter(None)]).unwrap_err();
    assert!(matches!(error, TemplateError::Image { .. }), "{error}");
    fs::write(directory.path().join("logo.png"), b"\x89PNG").unwrap();
    let templates = load(&settings, &[letter(None)]).unwrap();
    assert_eq!(templates.render(&letter(None)).unwrap().images.len(), 1);
}
