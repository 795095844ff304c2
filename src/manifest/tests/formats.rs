//! Every format and layout gives the same rows.

use std::sync::Arc;

use super::{load, moves, places};
use crate::manifest::{LoadErrorKind, Options, Reset, Wish, parse};

const ADA: &str = "9071bfde-35e0-47d2-a582-d244ab1b4af6";

#[test]
fn a_row_holds_all_its_columns_say() {
    let loaded = load(&format!(
        "user,new_email,message,cc,language,redirect_url,send,display_name,reset,Team,City\n\
         {ADA},ada@contoso.example,\"Dear Ada,\nhello\",pm@contoso.example,en-GB,\
         https://myapps.microsoft.com,no,Ada Lovelace,always,Engines, London\u{a0}\n\
         grace@fabrikam.example,,,,,,,,Yes,,\n"
    ));
    assert_eq!(places(&loaded), [""; 0]);
    let [ada, grace] = &loaded.manifest.rows[..] else { panic!("two rows") };
    assert_eq!((ada.line, ada.user.to_string()), (2, ADA.to_owned()));
    assert_eq!(ada.wish.address().unwrap().as_str(), "ada@contoso.example");
    assert_eq!(ada.message.as_ref().unwrap().as_str(), "Dear Ada,\nhello");
    assert_eq!(ada.cc.as_ref().unwrap().as_str(), "pm@contoso.example");
    assert_eq!(ada.language.as_ref().unwrap().as_str(), "en-GB");
    assert_eq!(ada.redirect_url.as_ref().unwrap().as_str(), "https://myapps.microsoft.com");
    assert_eq!((ada.send, ada.display_name.as_deref()), (Some(false), Some("Ada Lovelace")));
    assert_eq!(ada.reset, Reset::Always);
    assert_eq!(loaded.manifest.extra_columns, ["Team", "City"]);
    assert_eq!(ada.extra.iter().map(|cell| &**cell).collect::<Vec<_>>(), ["Engines", "London"]);
    assert_eq!((grace.line, &grace.wish, &grace.message), (4, &Wish::ResetOnly, &None));
    assert_eq!((grace.send, grace.reset), (None, Reset::Always));
}

#[test]
fn the_layout_of_a_csv_makes_no_difference() {
    let utf16: Vec<u8> = "\u{feff}user\tnew_email\r\na@b.example\tc@d.example\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for (bytes, detected) in [
        (&b"user,new_email\na@b.example,c@d.example\n"[..], "CSV, UTF-8, comma; 1 row;"),
        (b"sep=;\r\nUser;New Email\r\na@b.example;c@d.example\r\n", "CSV, UTF-8, semicolon;"),
        (
            b"\xef\xbb\xbfupn|new_upn\ra@b.example|c@d.example",
            "CSV, UTF-8 with BOM, separated by |;",
        ),
        (b"new-email;note;old_email\nc@d.example;gr\xfc\xdfe;a@b.example", "CSV, Windows-1252, "),
        (
            b"mail,new_email,,\n\n\"a@b.example\", c@d.example ,,,\n,,,\n",
            "CSV, UTF-8, comma; 1 row;",
        ),
        (&utf16, "CSV, UTF-16LE, tab;"),
        (
            b"{\"user\":\"a@b.example\",\"new_email\":\"c@d.example\"}\n",
            "JSON Lines, UTF-8; 1 row;",
        ),
    ] {
        let loaded = parse("m.csv", bytes, &Options::default()).unwrap();
        let text = loaded.manifest.detected.to_string();
        assert_eq!(places(&loaded), [""; 0], "{text}");
        assert_eq!(
            moves(&loaded),
            [("a@b.example".to_owned(), "c@d.example".to_owned())],
            "{text}"
        );
        assert!(text.starts_with(&format!("m.csv: {detected}")), "{text}");
    }
}

#[test]
fn a_workbook_is_read_from_its_first_sheet_with_cells() {
    let loaded = parse(
        "manifest.xlsx",
        include_bytes!("../../../samples/manifest.xlsx"),
        &Options::default(),
    )
    .unwrap();
    assert_eq!(places(&loaded), [""; 0]);
    assert_eq!(
        loaded.manifest.detected.to_string(),
        "manifest.xlsx: workbook, sheet `Guests`; 5 rows, 1 of which asks for a reset only; columns: Object Id (as user), New Email (as \
         new_email), Message (as message), CC (as cc), Language (as language), Send (as send), Reset (as reset)\n\
         kept: Moved on, Cost centre\n\
         note: left out: sheet `Cover`"
    );
    let rows = &loaded.manifest.rows;
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
    assert_eq!(rows[3].send, Some(false));
    assert_eq!(rows[4].wish, Wish::ResetOnly);
    let extra = |row: usize| rows[row].extra.iter().map(|cell| &**cell).collect::<Vec<_>>();
    assert_eq!(extra(0), ["2026-03-01", "4711"]);
    assert_eq!(extra(2), ["2026-03-02 08:30:00", "4712.5"]);
    assert!(Arc::ptr_eq(rows[0].message.as_ref().unwrap(), rows[1].message.as_ref().unwrap()));
}

#[test]
fn the_portals_template_moves_nobody_by_itself() {
    let loaded = load(
        "version:v1.0,,,\r\n\
         Email address to invite [inviteeEmail] Required,Redirection url [inviteRedirectURL] \
         Required,Send invitation message (true or false) [sendEmail],Customized invitation \
         message [customizedMessageBody]\r\n\
         Example: chris@contoso.com,https://myapplications.microsoft.com,TRUE,Welcome\r\n\
         example@example.com,https://myapps.azure.com,TRUE,\r\n\
         ada@fabrikam.example,https://myapps.microsoft.com,FALSE,\"Hello, Ada\"\r\n\
         not an address,https://myapps.microsoft.com,FALSE,\r\n",
    );
    assert_eq!(places(&loaded), ["3:1 example-row", "6:1 bad-address"]);
    assert_eq!(moves(&loaded), [("ada@fabrikam.example".into(), "ada@fabrikam.example".into())]);
    let notes = &loaded.manifest.detected.notes;
    assert_eq!(notes[0], "portal template: version line skipped");
    assert!(notes[1].starts_with("[inviteeEmail] gives the new address and names the guest"));
}

#[test]
fn a_template_with_a_column_for_new_addresses_moves_guests() {
    let loaded =
        load("[inviteeEmail],new_email\na@b.example,c@d.example\ne@f.example,e@c.example\n");
    assert_eq!(
        moves(&loaded),
        [
            ("a@b.example".into(), "c@d.example".into()),
            ("e@f.example".into(), "e@c.example".into())
        ]
    );
}

#[test]
fn the_portals_export_names_guests_by_id_and_asks_for_resets_only_if_told() {
    let older = "userPrincipalName,displayName,surname,mail,givenName,id,userType,accountEnabled,\
                 createdDateTime\n\
                 ada_fabrikam.example#EXT#@contoso.example,Ada,Lovelace,ada@fabrikam.example,Ada,\
                 9071bfde-35e0-47d2-a582-d244ab1b4af6,Guest,True,8/19/2021 1:25:31 PM\n";
    for text in [older.to_owned(), older.replacen(",id,", ",objectId,", 1)] {
        let loaded = load(&text);
        assert_eq!(
            places(&loaded),
            [format!("1:{} missing-column", text.find("mail").unwrap() + 1)],
            "{:?}",
            loaded.problems
        );
        assert!(loaded.problems[0].advice.starts_with("it might be `mail`: name it `new_email`"));
        let options = Options { reset_only: true, ..Options::default() };
        let loaded = parse("m.csv", text.as_bytes(), &options).unwrap();
        assert_eq!(places(&loaded), [""; 0]);
        assert_eq!(moves(&loaded), [(ADA.to_owned(), String::new())]);
        let detected = &loaded.manifest.detected;
        let id = if text.contains("objectId") { "objectId" } else { "id" };
        assert_eq!(
            detected.compared,
            [
                format!("userPrincipalName ({id} names the guest)"),
                format!("mail ({id} names the guest)")
            ]
        );
        assert_eq!((detected.rows, detected.resets), (1, 1));
        assert_eq!(
            detected.kept,
            ["surname", "givenName", "userType", "accountEnabled", "createdDateTime"]
        );
    }
}

#[test]
fn the_first_usable_cell_names_the_guest() {
    let loaded = load(&format!(
        "mail,upn,id,new_email\n\
         m@b.example,u@b.example,{ADA},n@c.example\n\
         m2@b.example,u2@b.example,4711,n2@c.example\n\
         m3@b.example,u3_b.example#EXT#,17,n3@c.example\n"
    ));
    assert_eq!(
        moves(&loaded),
        [
            (ADA.into(), "n@c.example".into()),
            ("u2@b.example".into(), "n2@c.example".into()),
            ("m3@b.example".into(), "n3@c.example".into())
        ]
    );
    assert_eq!(loaded.manifest.detected.compared, [""; 0]);
}

#[test]
fn a_misspelt_optional_column_is_pointed_out() {
    let loaded = load("user,mesage,new_email\na@b.example,Hello,a@c.example\n");
    assert_eq!(loaded.manifest.extra_columns, ["mesage"]);
    assert_eq!(loaded.manifest.detected.notes[0], "`mesage` is not used; was `message` meant?");
}

#[test]
fn a_file_that_is_no_manifest_is_refused_with_advice() {
    let damaged = include_bytes!("../../../samples/manifest.xlsx").split_at(900).0;
    for (name, bytes, problem) in [
        ("m.csv", &b""[..], "`m.csv` is empty"),
        ("m.csv", b" \r\n\n", "`m.csv` is empty"),
        ("m.csv", b"sep=;\n", "`m.csv` is empty"),
        ("m.csv", b"user,new_email\n,\n\n", "`m.csv` has a header and no rows"),
        ("m.csv", b"\x89PNG\r\n\x1a\n\0\0", "`m.csv` is not a manifest: it looks like a PNG image"),
        ("m.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1..", "`m.xls` is an old .xls workbook"),
        ("m.xlsx", damaged, "`m.xlsx` cannot be read as an .xlsx workbook: "),
        ("m.json", b"[\n {\"user\": \"a\"}\n]", "`m.json` is a JSON document, not JSON Lines"),
        ("m.csv", b"user\nM\xc3\xbcll\xc3\xa9r\xfc\n", "`m.csv` is not valid UTF-8"),
    ] {
        let error = parse(name, bytes, &Options::default()).unwrap_err();
        assert!(error.to_string().starts_with(problem), "{error}");
        assert!(!error.advice().is_empty());
    }
    let wide = (0..1001).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",");
    let error = parse("m.csv", wide.as_bytes(), &Options::default()).unwrap_err();
    assert!(matches!(error.kind(), LoadErrorKind::TooManyColumns { found: 1001, .. }));
}
