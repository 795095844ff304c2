//! What headings of five languages and of other programs are understood as.

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
            &["user", "Guest", "Benutzer", "Gast", "Utilisateur", "Invité", "Usuario", "Gebruiker"],
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
