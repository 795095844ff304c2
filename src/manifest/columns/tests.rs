//! Headers as people have them, and which column is taken for what.

use super::*;
use crate::manifest::delimited::Records;

fn resolve(header: &str) -> (Columns, Vec<RowProblem>) {
    let header = Records::new(header, b',', 0, 1).next().unwrap();
    Columns::resolve(&header, &Options::default())
}

fn chosen(header: &str, meaning: Meaning, heading: &str) -> (Columns, Vec<RowProblem>) {
    let header = Records::new(header, b',', 0, 1).next().unwrap();
    let columns = vec![ColumnChoice { meaning, heading: heading.to_owned() }];
    Columns::resolve(&header, &Options { columns, ..Options::default() })
}

fn indices(columns: &Columns, meaning: Meaning) -> Vec<usize> {
    columns.of(meaning).collect()
}

fn codes(problems: &[RowProblem]) -> Vec<(&'static str, u32)> {
    problems.iter().map(|problem| (problem.code.as_str(), problem.column)).collect()
}

#[test]
fn columns_that_name_the_guest_are_ranked_by_name_not_by_position() {
    let (columns, problems) = resolve("mail,upn,email,id,Object Id,new email,department,");
    assert_eq!(problems, []);
    assert_eq!(indices(&columns, Meaning::User), [4, 3, 1, 0]);
    assert_eq!(indices(&columns, Meaning::NewEmail), [5]);
    assert_eq!(columns.extra, [2, 6]);
    assert!(!columns.invitee_names_guest());
}

#[test]
fn from_and_to_are_the_two_addresses_and_each_alone_is_none() {
    for (header, guest, new) in [
        ("From email,To email", &[0][..], &[1][..]),
        ("To,From", &[1], &[0]),
        ("Name,Before,After", &[1], &[2]),
        ("Source UPN,Target UPN", &[0], &[1]),
        ("Von,Nach", &[0], &[1]),
        ("user,To email", &[0], &[]),
        ("From,After", &[], &[]),
        ("From,To,To email", &[], &[]),
        ("From department,To department,user,new_email", &[2], &[3]),
    ] {
        let (columns, _) = resolve(header);
        assert_eq!(indices(&columns, Meaning::User), guest, "{header}");
        assert_eq!(indices(&columns, Meaning::NewEmail), new, "{header}");
    }
    assert!(decides_who_moves("To"));
}

#[test]
fn email_is_never_the_new_address() {
    for (header, guest, extra) in [
        ("Email,New Email Address", &[0][..], &[][..]),
        ("id,Email,New Email Address", &[0, 1], &[]),
        ("user,Email,new_email", &[0], &[1]),
        ("E-Mail,note", &[0], &[1]),
    ] {
        let (columns, problems) = resolve(header);
        assert_eq!(problems, [], "{header}");
        assert_eq!((&columns.guest[..], &columns.extra[..]), (guest, extra), "{header}");
    }
    for header in ["user,email", "id,Email Address,reset", "mail,E-Mail"] {
        let (_, problems) = resolve(header);
        assert_eq!(problems.len(), 1, "{header}");
        assert_eq!(problems[0].code, ProblemCode::AmbiguousColumn);
        assert!(problems[0].advice.contains("--column current_email="), "{header}");
    }
    for meaning in [Meaning::User, Meaning::NewEmail] {
        let (columns, problems) = chosen("user,email", meaning, "E-mail");
        assert_eq!(problems, []);
        assert_eq!(columns.of(meaning).collect::<Vec<_>>(), [1]);
    }
}

#[test]
fn the_portal_template_names_guests_by_the_invited_address() {
    let (columns, problems) = resolve(
        "Email address to invite [inviteeEmail] Required,Redirection url [inviteRedirectURL] \
         Required,Send invitation message (true or false) [sendEmail],Customized invitation \
         message [customizedMessageBody]",
    );
    assert_eq!(problems, []);
    assert!(columns.invitee_names_guest());
    let meanings: Vec<_> = columns.taken().into_iter().map(|taken| taken.meaning).collect();
    assert_eq!(
        meanings,
        [Meaning::NewEmail, Meaning::RedirectUrl, Meaning::Send, Meaning::Message]
    );
}

#[test]
fn two_columns_of_one_meaning_are_asked_about() {
    for (header, expected) in [
        (
            "user,new_email,User,New Email",
            &[("duplicate-column", 16), ("duplicate-column", 21)][..],
        ),
        ("user,New UPN,New Email", &[("ambiguous-column", 14)]),
        ("user,new_email,message,Nachricht", &[("ambiguous-column", 24)]),
    ] {
        assert_eq!(codes(&resolve(header).1), expected, "{header}");
    }
    let (columns, problems) = chosen("user,New UPN,New Email", Meaning::NewEmail, "new email");
    assert_eq!(problems, []);
    assert_eq!((indices(&columns, Meaning::NewEmail), &columns.extra[..]), (vec![2], &[1][..]));
    let (_, problems) = chosen("user,new_email", Meaning::NewEmail, "Neue Adresse");
    assert_eq!(codes(&problems), [("missing-column", 1)]);
    assert_eq!(problems[0].advice, "the headings are `user`, `new_email`");
}

#[test]
fn a_missing_guest_column_is_explained() {
    for (header, column, advice) in [
        ("new_email,usre", 11, "`usre` looks like `user`; one column must be named `user`,"),
        ("name,new_email", 1, "one column must be named `user`, `object_id`,"),
        ("4711,ada@fabrikam.example", 6, "this line looks like data"),
    ] {
        let (_, problems) = resolve(header);
        assert_eq!(codes(&problems), [("missing-column", column)], "{header}");
        assert!(problems[0].advice.starts_with(advice), "{}", problems[0].advice);
    }
}

#[test]
fn slips_are_noticed_and_other_words_are_not() {
    let (columns, _) = resolve("user,mesage,redirect-ulr,language,langauge");
    assert_eq!(columns.misspelt(), [("mesage", "message"), ("redirect-ulr", "redirect_url")]);
    let (columns, _) = resolve(
        "id,surname,givenName,userType,jobTitle,department,accountEnabled,usageLocation,\
         streetAddress,state,country,officeLocation,city,postalCode,telephoneNumber,\
         mobilePhone,alternateEmailAddress,ageGroup,consentProvidedForMinor,\
         legalAgeGroupClassification,companyName,creationType,directorySynced,\
         invitationState,identityIssuer,createdDateTime,authenticationEmail,notes,manager",
    );
    assert_eq!(columns.misspelt(), []);
}
