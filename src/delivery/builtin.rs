//! The mails that stand ready, one text in nine languages in one plain frame.
//!
//! Leaves to others: rendering them (`templates`).

use serde::Serialize;

/// The frame: tables, no script, nothing from elsewhere, so that it looks the same in
/// every mail program.
pub(super) const FRAME: &str = include_str!("builtin/frame.html");

/// The language of whoever has none of these.
pub(super) const FALLBACK: &str = "en";

/// What is said, in one language. `{tenant}` and `{new}` are put in by the frame.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Phrases {
    pub(super) language: &'static str,
    pub(super) subject: &'static str,
    pub(super) greeting: &'static str,
    /// Behind a name that the greeting is followed by.
    pub(super) after_name: &'static str,
    pub(super) moved: &'static str,
    pub(super) reset: &'static str,
    pub(super) ask: &'static str,
    pub(super) button: &'static str,
    pub(super) link: &'static str,
    pub(super) kept: &'static str,
}

pub(super) const ALL: &[Phrases] = &[
    Phrases {
        language: "en",
        subject: "Please confirm your access to {tenant}",
        greeting: "Hello",
        after_name: ",",
        moved: "Your access to {tenant} now belongs to {new}.",
        reset: "Your access to {tenant} has to be confirmed again for {new}.",
        ask: "Please confirm it once. Until then you cannot sign in there.",
        button: "Confirm access",
        link: "If the button does not work, open this address:",
        kept: "Your groups and apps stay as they were.",
    },
    Phrases {
        language: "de",
        subject: "Bitte bestätigen Sie Ihren Zugang zu {tenant}",
        greeting: "Guten Tag",
        after_name: ",",
        moved: "Ihr Zugang zu {tenant} gehört jetzt zu {new}.",
        reset: "Ihr Zugang zu {tenant} muss für {new} neu bestätigt werden.",
        ask: "Bitte bestätigen Sie ihn einmal. Bis dahin können Sie sich dort nicht anmelden.",
        button: "Zugang bestätigen",
        link: "Falls die Schaltfläche nicht funktioniert, öffnen Sie diese Adresse:",
        kept: "Ihre Gruppen und Apps bleiben, wie sie waren.",
    },
    Phrases {
        language: "fr",
        subject: "Merci de confirmer votre accès à {tenant}",
        greeting: "Bonjour",
        after_name: ",",
        moved: "Votre accès à {tenant} est désormais lié à {new}.",
        reset: "Votre accès à {tenant} doit être confirmé de nouveau pour {new}.",
        ask: "Merci de le confirmer une fois. D’ici là, vous ne pouvez pas vous y connecter.",
        button: "Confirmer l’accès",
        link: "Si le bouton ne fonctionne pas, ouvrez cette adresse :",
        kept: "Vos groupes et vos applications restent inchangés.",
    },
    Phrases {
        language: "es",
        subject: "Confirme su acceso a {tenant}",
        greeting: "Hola",
        after_name: ":",
        moved: "Su acceso a {tenant} pertenece ahora a {new}.",
        reset: "Su acceso a {tenant} debe confirmarse de nuevo para {new}.",
        ask: "Confírmelo una vez. Hasta entonces no podrá iniciar sesión allí.",
        button: "Confirmar acceso",
        link: "Si el botón no funciona, abra esta dirección:",
        kept: "Sus grupos y aplicaciones siguen como estaban.",
    },
    Phrases {
        language: "it",
        subject: "Confermi il suo accesso a {tenant}",
        greeting: "Buongiorno",
        after_name: ",",
        moved: "Il suo accesso a {tenant} ora appartiene a {new}.",
        reset: "Il suo accesso a {tenant} va confermato di nuovo per {new}.",
        ask: "La preghiamo di confermarlo una volta. Fino ad allora non potrà accedere.",
        button: "Conferma l’accesso",
        link: "Se il pulsante non funziona, apra questo indirizzo:",
        kept: "I suoi gruppi e le sue app restano come prima.",
    },
    Phrases {
        language: "nl",
        subject: "Bevestig uw toegang tot {tenant}",
        greeting: "Hallo",
        after_name: ",",
        moved: "Uw toegang tot {tenant} hoort nu bij {new}.",
        reset: "Uw toegang tot {tenant} moet opnieuw worden bevestigd voor {new}.",
        ask: "Bevestig die eenmalig. Tot dan kunt u zich daar niet aanmelden.",
        button: "Toegang bevestigen",
        link: "Werkt de knop niet, open dan dit adres:",
        kept: "Uw groepen en apps blijven zoals ze waren.",
    },
    Phrases {
        language: "pt",
        subject: "Confirme o seu acesso a {tenant}",
        greeting: "Olá",
        after_name: ",",
        moved: "O seu acesso a {tenant} pertence agora a {new}.",
        reset: "O seu acesso a {tenant} tem de ser confirmado de novo para {new}.",
        ask: "Confirme-o uma vez. Até lá não poderá iniciar sessão.",
        button: "Confirmar acesso",
        link: "Se o botão não funcionar, abra este endereço:",
        kept: "Os seus grupos e aplicações ficam como estavam.",
    },
    Phrases {
        language: "pl",
        subject: "Prosimy o potwierdzenie dostępu do {tenant}",
        greeting: "Dzień dobry",
        after_name: ",",
        moved: "Dostęp do {tenant} jest teraz przypisany do adresu {new}.",
        reset: "Dostęp do {tenant} wymaga ponownego potwierdzenia dla adresu {new}.",
        ask: "Prosimy potwierdzić go jeden raz. Do tego czasu logowanie nie jest możliwe.",
        button: "Potwierdź dostęp",
        link: "Jeśli przycisk nie działa, proszę otworzyć ten adres:",
        kept: "Grupy i aplikacje pozostają bez zmian.",
    },
    Phrases {
        language: "ja",
        subject: "{tenant} へのアクセスの確認をお願いします",
        greeting: "こんにちは",
        after_name: " 様",
        moved: "{tenant} へのアクセスは {new} に移りました。",
        reset: "{tenant} へのアクセスを {new} で改めて確認していただく必要があります。",
        ask: "一度確認をお願いします。確認が済むまでサインインできません。",
        button: "アクセスを確認する",
        link: "ボタンが使えない場合は、次のアドレスを開いてください:",
        kept: "グループとアプリはそのまま残ります。",
    },
];
